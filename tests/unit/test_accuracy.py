"""The accuracy of the markers against hand calculations, loops, SciPy, scikit-learn and statsmodels."""

from math import exp, gamma, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from sklearn.metrics import roc_auc_score, roc_curve
from statsmodels.stats.meta_analysis import effectsize_smd

from decidua import style, tables
from decidua.figures.accuracy import (
    markers_accuracy_source,
    markers_roc_source,
    plot_markers_accuracy,
    plot_markers_roc,
)
from decidua.labels import measured_name
from decidua.markers import Cutoff, Marker, Panel, classify, with_calls
from decidua.report import accuracy_table
from decidua.statistics import roc
from decidua.statistics.accuracy import Design, accuracy, curves
from decidua.statistics.answers import NotEstimable
from decidua.statistics.diagnostic import Accuracy
from decidua.statistics.groups import hedges_g, mann_whitney

DESIGN = Design("loss", resamples=100)


def rng():
    return np.random.default_rng(1)


# ---- one cut-off

# By hand: 30 of 40 cases and 10 of 50 controls are positive.
COUNTS = Accuracy(30, 10, 10, 40)
#: From the likelihood ratios to the ends of their intervals.
POSITIVE = exp(1.959963985 * sqrt(1 / 30 - 1 / 40 + 1 / 10 - 1 / 50))
NEGATIVE = exp(1.959963985 * sqrt(1 / 10 - 1 / 40 + 1 / 40 - 1 / 50))


def test_counts_are_cases_and_controls_above_and_below():
    truth = [True] * 40 + [False] * 50
    positive = [True] * 30 + [False] * 10 + [True] * 10 + [False] * 40
    assert Accuracy.of(truth, positive) == COUNTS


def test_sensitivity_and_specificity_have_the_exact_interval():
    for found, part, whole in ((COUNTS.sensitivity(), 30, 40), (COUNTS.specificity(), 40, 50)):
        expected = stats.binomtest(part, whole).proportion_ci(0.95, "exact")
        assert found.value == part / whole
        assert (found.lower, found.upper) == pytest.approx((expected.low, expected.high), rel=1e-9)


def test_likelihood_ratios_are_those_of_the_log_method():
    # By hand: 0.75 / 0.2 = 3.75 and 0.25 / 0.8 = 0.3125, with the standard errors of their logarithms.
    positive, negative = COUNTS.positive_likelihood_ratio(), COUNTS.negative_likelihood_ratio()
    assert (positive.value, negative.value) == pytest.approx((3.75, 0.3125))
    assert (positive.lower, positive.upper) == pytest.approx((3.75 / POSITIVE, 3.75 * POSITIVE), rel=1e-6)
    assert (negative.lower, negative.upper) == pytest.approx((0.3125 / NEGATIVE, 0.3125 * NEGATIVE), rel=1e-6)


def test_predictive_values_are_counted_out_at_the_prevalence():
    # Of 1000 women with a prevalence of 10%: 75 of 100 cases and 180 of 900 others are positive.
    positive, negative = (
        COUNTS.positive_predictive_value(0.1),
        COUNTS.negative_predictive_value(0.1),
    )
    assert positive.value == pytest.approx(75 / 255)
    assert negative.value == pytest.approx(720 / 745)
    # The ends are those of the likelihood ratio: odds of 1 to 9 before the test, times the ratio after it.
    low, high = 3.75 / POSITIVE, 3.75 * POSITIVE
    assert (positive.lower, positive.upper) == pytest.approx((low / (low + 9), high / (high + 9)), rel=1e-6)
    low, high = 0.3125 / NEGATIVE, 0.3125 * NEGATIVE
    assert (negative.lower, negative.upper) == pytest.approx((9 / (high + 9), 9 / (low + 9)), rel=1e-6)


@pytest.mark.parametrize(
    ("counts", "method"),
    [
        (Accuracy(3, 1, 0, 5), "positive_likelihood_ratio"),
        (Accuracy(3, 1, 5, 0), "negative_likelihood_ratio"),
    ],
)
def test_an_infinite_ratio_is_not_estimable(counts, method):
    with pytest.raises(NotEstimable, match="infinite or undefined"):
        getattr(counts, method)()


def test_where_no_control_is_positive_the_predictive_value_is_one_without_an_interval():
    found = Accuracy(3, 1, 0, 5).positive_predictive_value(0.1)
    assert found.value == 1 and np.isnan([found.lower, found.upper]).all()
    with pytest.raises(NotEstimable, match="nobody is positive"):
        Accuracy(0, 1, 0, 5).positive_predictive_value(0.1)


# ---- standardised difference and rank test


def test_hedges_g_is_the_formula():
    # By hand: means 3 and 1, both variances 1, so d = 2 with 4 degrees of freedom;
    # J = G(2) / (sqrt(2) G(1.5)) = 0.797885, g = 1.595769, variance 6/9 + g^2/12.
    first, second = np.array([2.0, 3.0, 4.0]), np.array([0.0, 1.0, 2.0])
    g = 2 * gamma(2) / (sqrt(2) * gamma(1.5))
    half = 1.959963985 * sqrt(6 / 9 + g**2 / 12)
    found = hedges_g(first, second)
    assert found.value == pytest.approx(1.595769, rel=1e-6)
    assert (found.lower, found.upper) == pytest.approx((g - half, g + half), rel=1e-8)


def test_hedges_g_is_near_the_approximation_of_statsmodels():
    first, second = rng().normal(1, 2, 60), rng().normal(0, 2.5, 45)
    expected, _ = effectsize_smd(first.mean(), first.std(ddof=1), 60, second.mean(), second.std(ddof=1), 45)
    assert hedges_g(first, second).value == pytest.approx(expected, rel=1e-4)


def test_hedges_g_of_a_constant_is_not_estimable():
    with pytest.raises(NotEstimable, match="no group has any variation"):
        hedges_g(np.ones(3), np.ones(4))


@pytest.mark.parametrize(("digits", "name"), [(9, "Mann-Whitney exact"), (0, "Mann-Whitney")])
def test_mann_whitney_is_scipy_s(digits, name):
    first, second = rng().normal(1, 1, 20).round(digits), rng().normal(0, 1, 30).round(digits)
    method = "exact" if digits else "asymptotic"
    expected = stats.mannwhitneyu(first, second, method=method)
    found, test = mann_whitney(first, second)
    assert (found, test.statistic, test.p) == (name, expected.statistic, expected.pvalue)


# ---- the Youden cut-off

samples = st.integers(2, 25).flatmap(
    lambda n: st.tuples(
        arrays(bool, n).filter(lambda truth: truth.any() and not truth.all()),
        arrays(float, n, elements=st.integers(-3, 3).map(float) | st.floats(-1e6, 1e6)),
    )
)


@given(samples)
def test_no_other_cutoff_has_a_larger_youden_index(sample):
    truth, values = sample
    found = roc.youden(truth, values)

    def index(cutoff):
        return (values[truth] > cutoff).mean() + (values[~truth] <= cutoff).mean() - 1

    brute = max(index(cutoff) for cutoff in (-np.inf, *values))
    assert found.youden == pytest.approx(brute, abs=1e-12)
    assert index(found.threshold) == pytest.approx(brute, abs=1e-12)


def resamples_of(truth, values, number):
    """The same draws as `bootstrap_youden` makes, as samples: the values of cases, and of controls."""
    generator = rng()
    distinct = np.unique(values)
    drawn = []
    for side in (values[truth], values[~truth]):
        share = np.array([(side == value).mean() for value in distinct])
        drawn.append(generator.multinomial(len(side), share, number))
    for of_cases, of_controls in zip(*drawn, strict=True):
        yield np.repeat(distinct, of_cases), np.repeat(distinct, of_controls)


@pytest.mark.parametrize("digits", [0, 1, 8])
def test_the_bootstrap_is_a_plain_loop_over_the_same_resamples(digits):
    generator = np.random.default_rng(7)
    truth = np.arange(70) < 30
    values = np.where(truth, generator.normal(0.7, 1, 70), generator.normal(0, 1, 70)).round(digits)
    found = roc.bootstrap_youden(truth, values, 60, rng())
    thresholds, optimism = [], []
    for cases, controls in resamples_of(truth, values, 60):
        best = roc.youden([True] * len(cases) + [False] * len(controls), np.r_[cases, controls])
        thresholds.append(best.threshold)
        own = [(values[truth] > best.threshold).mean(), (values[~truth] <= best.threshold).mean()]
        optimism.append([best.sensitivity - own[0], best.specificity - own[1], best.youden - sum(own) + 1])
    assert found.thresholds == pytest.approx(thresholds)
    assert found.optimism == pytest.approx(np.mean(optimism, axis=0))
    assert found.interval() == (sorted(thresholds)[1], sorted(thresholds)[58])  # 2.5% and 97.5% of 60


def test_many_values_are_put_into_bins_and_it_changes_little():
    generator = np.random.default_rng(3)
    truth = np.arange(40_000) < 15_000
    values = np.where(truth, generator.normal(0.5, 1, 40_000), generator.normal(0, 1, 40_000))
    found = roc.bootstrap_youden(truth, values, 100, rng())
    assert found.values <= roc.MOST_VALUES and found.all_values == 40_000
    # Of two normal distributions the best cut-off is half way between the means.
    assert found.interval()[0] < 0.25 < found.interval()[1]
    assert max(map(abs, found.optimism)) < 0.02


def test_the_curve_is_scikit_learn_s():
    truth, values = np.arange(60) % 3 == 0, rng().normal(0, 1, 60).round(1)
    false, true = roc.curve(truth, values)
    expected = roc_curve(truth, values, drop_intermediate=False)
    assert false == pytest.approx(expected[0]) and true == pytest.approx(expected[1])


def test_a_long_curve_keeps_its_ends_and_few_points():
    truth, values = np.arange(5000) % 2 == 0, rng().normal(0, 1, 5000)
    false, true = roc.curve(truth, values)
    assert len(false) <= 200 and (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)


# ---- the table


def panel_of(names, ratios=("",), above=1.0):
    """A panel with markers of these names; with several ratios, columns NAME_0, NAME_1, ..."""
    return Panel(
        "p",
        "",
        tuple(
            Marker(
                name,
                name.upper(),
                "",
                tuple(
                    Cutoff(f"{name}_{i}" if len(ratios) > 1 else f"{name}_level", above, ratio)
                    for i, ratio in enumerate(ratios)
                ),
            )
            for name in names
        ),
    )


def women_of(panel, status, **columns):
    cohort = pd.DataFrame({"id": [f"w{i}" for i in range(len(status))], **columns})
    calls = classify(cohort, panel).assign(is_case=pd.array(status, dtype="boolean"))
    return with_calls(cohort, calls, controls=True)


@pytest.fixture(scope="module")
def study():
    """90 cases and 60 controls, 3 women of unknown status; each column lacks some values."""
    generator = np.random.default_rng(11)
    status = [True] * 90 + [False] * 60 + [None] * 3
    shift = np.array([1.0 if each else 0.0 for each in status])
    a, b = (generator.normal(shift * by, 1).round(2) for by in (0.9, 0.3))
    a[5], b[[0, 100]] = np.nan, np.nan
    panel = panel_of(["a", "b"], above=0.5)
    women = women_of(panel, status, a_level=a, b_level=b)
    return panel, women, accuracy(women, panel, DESIGN, rng())


def row_of(table, variable, quantity, level=None, **more):
    found = table[(table["variable"] == variable) & (table["quantity"] == quantity)]
    for column, value in {"level": level, **more}.items():
        found = found if value is None else found[found[column] == value]
    assert len(found) == 1, found
    return found.iloc[0]


def known(women, column):
    chosen = women[women["is_case"].notna() & women[column].notna()]
    return chosen["is_case"].to_numpy(dtype=bool), chosen[column].to_numpy(dtype=float)


@pytest.mark.parametrize("column", ["a_level", "b_level"])
def test_the_table_holds_what_others_compute(study, column):
    _, women, table = study
    truth, values = known(women, column)
    area = row_of(table, column, "AUC")
    assert area.estimate == pytest.approx(roc_auc_score(truth, values))
    assert (area.numerator, area.denominator) == (truth.sum(), len(truth))
    test = row_of(table, column, "test", test="Mann-Whitney")
    expected = stats.mannwhitneyu(values[truth], values[~truth], method="asymptotic")
    assert (test.statistic, test.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert area.estimate == pytest.approx(test.statistic / (truth.sum() * (~truth).sum()))
    assert row_of(table, column, "median", "cases").estimate == np.median(values[truth])
    sensitivity = row_of(table, column, "sensitivity", "published cut-off")
    assert sensitivity.numerator == (values[truth] > 0.5).sum()


def test_every_row_says_whom_it_counts_and_who_is_left_out(study):
    table = study[2]
    assert table["counted"].notna().all()
    assert row_of(table, "a_level", "AUC").counted == (
        "89 cases and 60 controls with known a level; 1 unknown left out; 3 of unknown case status left out"
    )


def test_the_youden_cutoff_stands_with_interval_and_optimism(study):
    table = study[2]
    cutoff = row_of(table, "a_level", "cut-off", "Youden cut-off")
    assert cutoff.lower <= cutoff.estimate <= cutoff.upper and "100 resamples" in cutoff.interval
    for name in ("sensitivity", "specificity", "Youden's index"):
        apparent = row_of(table, "a_level", name, "Youden cut-off")
        corrected = row_of(table, "a_level", f"{name}, corrected for optimism")
        optimism = row_of(table, "a_level", f"optimism of {name}")
        assert corrected.estimate == pytest.approx(apparent.estimate - optimism.estimate)
        assert "chosen on these women" in apparent.reason
    assert row_of(table, "a_level", "optimism of Youden's index").estimate > 0


def test_pairs_are_compared_on_the_women_who_have_both(study):
    _, women, table = study
    both = women[women["a_level"].notna() & women["b_level"].notna() & women["is_case"].notna()]
    expected = roc.delong_test(both["is_case"], both["a_level"], both["b_level"])
    test = row_of(table, "AUC", "test", "a_level v b_level", test="DeLong")
    assert (test.statistic, test.p) == pytest.approx((expected.statistic, expected.p))
    assert test.counted == "88 cases and 59 controls with both known; 3 others left out"


def test_p_values_are_adjusted_over_the_columns(study):
    table = study[2]
    raw = [row_of(table, f"{name}_level", "test", test="Mann-Whitney").p for name in "ab"]
    holm = [row_of(table, f"{name}_level", "test", test="Mann-Whitney, Holm-adjusted").p for name in "ab"]
    # By hand for two: twice the smaller one, and the larger one, or that if it is larger.
    assert holm == pytest.approx([2 * min(raw), max(2 * min(raw), max(raw))])
    assert raw[0] < raw[1]


def test_each_ratio_stands_by_itself_and_the_call_beside_them():
    panel = panel_of(["nk"], ratios=("50:1", "25:1"))
    high, low = [2.0] * 6 + [0.0] * 4, [2.0] * 2 + [0.0] * 8
    women = women_of(panel, [True] * 5 + [False] * 5, nk_0=high, nk_1=low)
    table = accuracy(women, panel, DESIGN, rng())
    # By hand, at 1: ratio 0 is above in all 5 cases and 1 control, ratio 1 in 2 cases; any: as ratio 0.
    found = {
        variable: (
            row_of(table, variable, "sensitivity", level).numerator,
            row_of(table, variable, "specificity", level).numerator,
        )
        for variable, level in (
            ("nk_0", "published cut-off"),
            ("nk_1", "published cut-off"),
            ("nk", "call"),
            ("immunity", "call"),
        )
    }
    assert found == {"nk_0": (5, 4), "nk_1": (2, 5), "nk": (5, 4), "immunity": (5, 4)}
    # The area of a call is the mean of its sensitivity and specificity.
    assert row_of(table, "nk", "AUC").estimate == pytest.approx((1 + 0.8) / 2)


def test_a_column_that_shares_its_name_with_a_marker_is_measured():
    panel = Panel("p", "", (Marker("nk", "NK", "", (Cutoff("nk", 1.0),)),))
    women = women_of(panel, [True, True, False, False], nk=[2.0, 3.0, 0.0, 1.0])
    assert row_of(accuracy(women, panel, DESIGN, rng()), measured_name("nk", ["nk"]), "AUC").estimate == 1


def test_without_controls_the_table_says_so_in_one_row():
    panel = panel_of(["a"])
    women = women_of(panel, [True, True], a_level=[1.0, 2.0])
    table = accuracy(women, panel, Design(None), rng())
    assert len(table) == 1 and table.status[0] == "not estimable" and "no controls" in table.reason[0]
    assert curves(women, panel, Design(None)).empty


def test_a_marker_with_lower_values_in_cases_is_reported_as_it_is():
    panel = panel_of(["a"])
    women = women_of(panel, [True] * 3 + [False] * 3, a_level=[0.0, 1.0, 2.0, 1.5, 3.0, 4.0])
    area = row_of(accuracy(women, panel, DESIGN, rng()), "a_level", "AUC")
    assert area.estimate == pytest.approx(1 / 9) and "below 0.5" in area.reason


def test_a_column_that_is_not_there_is_named():
    panel = panel_of(["a", "b"])
    women = women_of(panel, [True, True, False, False], a_level=[2.0, 3.0, 0.0, 1.0])
    assert row_of(accuracy(women, panel, DESIGN, rng()), "b_level", "AUC").status == "not estimable"


cells = st.none() | st.integers(-2, 2).map(float) | st.floats(-100, 100)
tables_of_women = st.lists(st.tuples(st.sampled_from([True, False, None]), cells, cells), max_size=20)


@given(tables_of_women)
def test_any_column_gives_a_table_and_figures_and_no_silent_gap(rows):
    panel = panel_of(["a", "b"], above=0.0)
    status, a, b = (list(side) for side in zip(*rows, strict=True)) if rows else ([], [], [])
    columns = {"a_level": pd.array(a, dtype="Float64"), "b_level": pd.array(b, dtype="Float64")}
    women = women_of(panel, status, **columns)
    table = accuracy(women, panel, DESIGN, rng())
    estimated = table[table["status"] == "estimated"]
    assert (estimated["estimate"].notna() | estimated["p"].notna()).all()
    without = estimated[estimated["interval"].notna() & estimated["lower"].isna()]
    assert without["reason"].notna().all()
    assert table.loc[table["status"] != "estimated", "reason"].notna().all()
    markers_roc_source(curves(women, panel, DESIGN), table)
    markers_accuracy_source(table)


@given(samples, st.floats(0.1, 10), st.floats(-5, 5))
def test_a_monotone_transform_leaves_the_area_and_swapping_the_classes_mirrors_it(sample, by, plus):
    truth, values = sample
    area = roc.auc(truth, values).value
    assert roc.auc(~truth, values).value == pytest.approx(1 - area)
    ranked = stats.rankdata(values) * by + plus
    assert roc.auc(truth, ranked).value == pytest.approx(area)
    assert roc.auc(truth, np.exp(ranked / 100)).value == pytest.approx(area)


# ---- figures and report


@pytest.fixture(scope="module")
def crowd():
    """Twelve markers with long names, on few women; the last one is constant in a class."""
    generator = np.random.default_rng(5)
    names = [f"marker_{i}" for i in range(12)]
    panel = panel_of(names, above=0.5)
    status = [True] * 15 + [False] * 12
    columns = {f"{name}_level": generator.normal(np.array(status) * i / 5, 1) for i, name in enumerate(names)}
    women = women_of(panel, status, **columns)
    return panel, women, accuracy(women, panel, DESIGN, rng())


@pytest.mark.parametrize("name", ["study", "crowd"])
def test_every_panel_has_its_curve_and_its_cutoffs(name, request):
    panel, women, table = request.getfixturevalue(name)
    source = markers_roc_source(curves(women, panel, DESIGN), table)
    figure = plot_markers_roc(source, labels={})
    drawn = [line for axes in figure.axes for line in axes.lines if line.get_label() == "curve"]
    points = [line for axes in figure.axes for line in axes.lines if line.get_label() == "estimate"]
    assert len(drawn) == len(panel.markers)
    assert len(points) == int((source["part"] != "curve").sum())
    for line, (_, rows) in zip(
        drawn, source[source["part"] == "curve"].groupby("variable", sort=False), strict=True
    ):
        assert line.get_ydata() == pytest.approx(rows["tpr"].to_numpy())


def test_a_published_cutoff_lies_on_its_curve(study):
    panel, women, table = study
    source = markers_roc_source(curves(women, panel, DESIGN), table)
    for _, rows in source.groupby("variable"):
        curve, points = rows[rows["part"] == "curve"], rows[rows["part"] != "curve"]
        on = [np.hypot(curve["fpr"] - p.fpr, curve["tpr"] - p.tpr).min() for p in points.itertuples()]
        assert on == pytest.approx([0, 0], abs=1e-9)


def test_the_forest_draws_each_measure_once(study):
    source = markers_accuracy_source(study[2])
    figure = plot_markers_accuracy(source, labels={})
    drawn = [
        line.get_xdata()[0] for axes in figure.axes for line in axes.lines if line.get_label() == "estimate"
    ]
    assert sorted(drawn) == pytest.approx(sorted(source["estimate"]))


def test_without_controls_the_figures_say_so():
    panel = panel_of(["a"])
    women = women_of(panel, [True, True], a_level=[1.0, 2.0])
    table = accuracy(women, panel, Design(None), rng())
    for figure in (
        plot_markers_roc(markers_roc_source(curves(women, panel, Design(None)), table), labels={}),
        plot_markers_accuracy(markers_accuracy_source(table), labels={}),
    ):
        assert any("no controls" in text.get_text() for axes in figure.axes for text in axes.texts)


def test_a_source_read_back_from_its_file_draws_the_same_figure(study, tmp_path):
    panel, women, table = study
    for place, (source, plot) in enumerate(
        (
            (markers_roc_source(curves(women, panel, DESIGN), table), plot_markers_roc),
            (markers_accuracy_source(table), plot_markers_accuracy),
        )
    ):
        tables.write(source, tmp_path / f"{place}.csv")
        for name, each in (("a", source), ("b", tables.read(tmp_path / f"{place}.csv"))):
            style.save(plot(each, labels={}), [tmp_path / f"{name}.svg"])
        assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_the_report_shows_accuracy_where_there_are_controls(study):
    shown = accuracy_table(study[2], {"a_level": "Marker A"})
    assert [row[:2] for row in shown.rows][0] == ["Marker A", "0.5 (published)"]
    assert {len(row) for row in shown.rows} == {len(shown.header)}
    without = accuracy(study[1], study[0], Design(None), rng())
    assert accuracy_table(without, {}).rows == []
