"""The rebuilt cohort of Han et al. 2025 against what the paper prints.

Expected values are the paper's (doi 10.3389/fendo.2025.1546602), typed from its tables and text; p-values and
models are recomputed from the rows with SciPy and statsmodels, not with the library. What cannot be met is
shown by enumeration.
"""

import math
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from decidua.config import load_yaml
from decidua.errors import InputError
from decidua.markers import Cutoff, Marker, Panel, classify
from decidua.reconstruction import reconstruct
from decidua.reconstruction.moments import integers_with_moments, tail_counts

RESOURCES = Path(__file__).parents[2] / "workflow/resources"
PAPER = load_yaml(RESOURCES / "papers/han2025.yaml")
PANEL = Panel.load(RESOURCES / "panels/lee2013.yaml")
CYTOTOXICITY = {"nk_cytotoxicity_50_1": 34.3, "nk_cytotoxicity_25_1": 23.8, "nk_cytotoxicity_12_5_1": 9.6}
CUTOFFS = {"nk_level": 16.1, **CYTOTOXICITY, "th1_th2": 36.2}
STRATA = ["KN", "KA", "IN", "IA"]
SIZES = {"KN": 118, "KA": 97, "IN": 151, "IA": 100}
BIRTHS = {"A": {"KN": 96, "KA": 81, "IN": 121, "IA": 82}, "B": {"KN": 96, "KA": 81, "IN": 121, "IA": 78}}


def rebuild(scenario, seed):
    """Scenario, rows with stratum, subgroup and history category added from the cut-offs, and constraints."""
    rebuilt = reconstruct(PAPER, scenario, np.random.default_rng(seed), PANEL)
    women = rebuilt.cohort.copy()
    nk = women.nk_level > 16.1
    cytotoxicity = np.any([women[column] > cutoff for column, cutoff in CYTOTOXICITY.items()], axis=0)
    th1_th2 = women.th1_th2 > 36.2
    women["markers"] = [
        "".join(letter for letter, high in zip("NCT", calls, strict=True) if high)
        for calls in zip(nk, cytotoxicity, th1_th2, strict=True)
    ]
    women["abnormal"] = women.markers != ""
    letters = women.etiology.map({"known": "K", "idiopathic": "I"}).astype(str)
    women["stratum"] = letters + np.where(women.abnormal, "A", "N")
    women["live_birth"] = women.live_birth.astype(bool)
    women["miscarriages"] = women.miscarriages.astype(int)
    women["parity"] = women.parity.astype(int)
    women["category"] = women.miscarriages.clip(upper=4)
    return SimpleNamespace(name=scenario, cohort=rebuilt.cohort, women=women, constraints=rebuilt.constraints)


@pytest.fixture(scope="module")
def a():
    return rebuild("A", 1)


@pytest.fixture(scope="module")
def b():
    return rebuild("B", 2)


@pytest.fixture(scope="module", params=["a", "b"])
def either(request):
    return request.getfixturevalue(request.param)


def pearson(table):
    return stats.chi2_contingency(np.asarray(table), correction=False).pvalue


def events(women, event, by):
    """A table of events and others, a row a group."""
    groups = women[by] if isinstance(by, str) else by
    return pd.crosstab(groups.to_numpy(), event.to_numpy()).reindex(columns=[True, False]).to_numpy()


def moments(stratum):
    """The sum and sum of squares of miscarriages that the facts take, and the others that print the same."""
    facts = PAPER["miscarriage_sums"][stratum]
    return [(facts["sum"], facts["sum_of_squares"]), *map(tuple, facts.get("also", []))]


def populations(women):
    return {
        "all": women,
        "known": women[women.etiology == "known"],
        "idiopathic": women[women.etiology == "idiopathic"],
    }


# The table itself ----------------------------------------------------------------------------------


def test_the_cohort_has_the_columns_and_types_of_a_validated_cohort(either):
    types = {
        "id": "string",
        "synthetic": "boolean",
        "etiology": "category",
        "age": "float64",
        "bmi": "float64",
        "miscarriages": "Int64",
        "parity": "Int64",
        **dict.fromkeys(CUTOFFS, "float64"),
        "ivig_dose_g": "float64",
        "live_birth": "boolean",
        "karyotype": "string",
    }
    assert {name: str(dtype) for name, dtype in either.cohort.dtypes.items()} == types
    assert len(either.cohort) == 466
    assert either.cohort.id.is_unique
    assert either.cohort.synthetic.all()
    assert isinstance(either.cohort.index, pd.RangeIndex)
    assert either.cohort.drop(columns="karyotype").notna().all(axis=None)


def test_two_calls_give_the_same_bytes(a):
    again = reconstruct(PAPER, "A", np.random.default_rng(1), PANEL)
    assert again.cohort.to_csv() == a.cohort.to_csv()
    assert again.constraints.to_csv() == a.constraints.to_csv()


def test_a_scenario_that_the_paper_does_not_have_is_named_beside_those_it_has():
    with pytest.raises(InputError, match="found scenario 'C'; expected one of A, B"):
        reconstruct(PAPER, "C", np.random.default_rng(1), PANEL)


def test_a_panel_of_other_markers_is_an_error():
    other = Panel("other", "", (Marker("nk_level", "NK level", "%", (Cutoff("nk_level", 12.0),)),))
    with pytest.raises(InputError, match=r"found panel other with nk_level \(nk_level\); expected nk_level"):
        reconstruct(PAPER, "A", np.random.default_rng(1), other)


# Groups and Table 1 --------------------------------------------------------------------------------


def test_the_strata_have_the_printed_sizes(either):
    assert either.women.stratum.value_counts().to_dict() == SIZES


def test_live_births_are_those_of_the_scenario(either):
    assert either.women.groupby("stratum").live_birth.sum().to_dict() == BIRTHS[either.name]


@pytest.mark.parametrize(
    ("variable", "stratum", "mean", "sd", "lowest", "highest"),
    [
        ("age", "KN", "32.78", "3.72", 22, 43),
        ("age", "KA", "32.39", "3.78", 25, 45),
        ("age", "IN", "33.66", "3.85", 25, 42),
        ("age", "IA", "33.42", "3.46", 26, 42),
        ("bmi", "KN", "23.00", "4.2", 14.5, 39.3),
        ("bmi", "KA", "21.71", "3.15", 16, 36.1),
        ("bmi", "IN", "21.9", "3.01", 16.7, 33.6),
        ("bmi", "IA", "21.99", "3.45", 16.7, 33.2),
        ("miscarriages", "KN", "2.89", "1.23", 2, 10),
        ("miscarriages", "KA", "3.18", "1.23", 2, 8),
        ("miscarriages", "IN", "2.87", "1.13", 2, 10),
        ("miscarriages", "IA", "2.95", "1.14", 2, 7),
        ("parity", "KN", "0.09", "0.32", 0, 2),
        ("parity", "KA", "0.11", "0.32", 0, 1),
        ("parity", "IN", "0.18", "0.42", 0, 2),
        ("ivig_dose_g", "KA", "114.53", "105.32", 20, 498),
    ],
)
def test_table_1_prints_as_published(either, variable, stratum, mean, sd, lowest, highest):
    x = either.women.loc[either.women.stratum == stratum, variable].to_numpy(dtype=float)
    assert f"{x.mean():.{len(mean.partition('.')[2])}f}" == mean
    assert f"{x.std(ddof=1):.{len(sd.partition('.')[2])}f}" == sd
    assert (x.min(), x.max()) == (lowest, highest)


def test_ages_are_whole_years_and_bmis_have_one_decimal(either):
    assert (either.women.age % 1 == 0).all()
    assert (either.women.bmi == either.women.bmi.round(1)).all()


def test_sums_and_squares_of_miscarriages_are_the_pinned_ones(either):
    found = either.women.groupby("stratum").miscarriages.agg(["sum", lambda x: (x**2).sum()])
    assert found.loc[STRATA].to_numpy().tolist() == [[341, 1163], [308, 1124], [433, 1433], [295, 999]]


def test_the_sums_of_miscarriages_in_the_facts_are_all_that_print_table_1():
    printed = {"KN": (2.89, 1.23), "KA": (3.18, 1.23), "IN": (2.87, 1.13), "IA": (2.95, 1.14)}
    for stratum, (mean, sd) in printed.items():
        n = SIZES[stratum]
        pairs = [
            (total, squares)
            for total in range(2 * n, 4 * n)
            for squares in range(4 * n, 16 * n)
            if (squares - total) % 2 == 0
            and abs(total / n - mean) < 0.005
            and abs(math.sqrt(max(0, squares - total**2 / n) / (n - 1)) - sd) < 0.005
        ]
        assert pairs == moments(stratum)


def test_parity_counts_are_the_derived_ones(either):
    counts = pd.crosstab(either.women.stratum, either.women.parity).loc[STRATA].to_numpy().tolist()
    assert counts == [[108, 9, 1], [86, 11, 0], [126, 23, 2], [85, 15, 0]]


def test_every_abnormal_woman_and_no_normal_woman_has_a_dose(either):
    assert ((either.women.ivig_dose_g > 0) == either.women.abnormal).all()


def test_doses_of_idiopathic_abnormal_women_print_as_published_but_for_the_minimum_of_0(either):
    x = either.women.loc[either.women.stratum == "IA", "ivig_dose_g"]
    assert (f"{x.mean():.2f}", f"{x.std():.2f}", x.min(), x.max()) == ("154.06", "79.18", 20, 422)


@pytest.mark.parametrize("variable", ["age", "bmi"])
def test_no_scheffe_pair_is_significant(either, variable):
    groups = [g[variable].to_numpy() for _, g in either.women.groupby("stratum")]
    within = sum(((x - x.mean()) ** 2).sum() for x in groups) / 462
    for i, x in enumerate(groups):
        for y in groups[:i]:
            f = (x.mean() - y.mean()) ** 2 / within / (1 / len(x) + 1 / len(y)) / 3
            assert stats.f.sf(f, 3, 462) > 0.05


def test_miscarriages_and_parity_do_not_differ_between_strata(either):
    for variable in ("miscarriages", "parity"):
        groups = [g[variable].to_numpy(dtype=float) for _, g in either.women.groupby("stratum")]
        assert stats.f_oneway(*groups).pvalue > 0.05


# Figures 2 and 3 -----------------------------------------------------------------------------------


def test_prevalence_of_abnormal_immunity_is_that_of_figure_2(either):
    assert f"{pearson(events(either.women, either.women.abnormal, 'etiology')):.3f}" == "0.250"
    for etiology, n, rate in (("known", 215, "15.3"), ("idiopathic", 251, "17.1")):
        population = populations(either.women)[etiology]
        assert len(population) == n
        assert f"{100 * (population.markers == 'N').mean():.1f}" == rate
        alone = [(population.markers == marker).sum() for marker in "NCT"]
        assert alone == sorted(alone, reverse=True)


def test_elevated_th1_th2_counts_of_known_women_are_those_of_figure_6(either):
    assert populations(either.women)["known"].markers.str.contains("T").sum() == 30


def test_idiopathic_subgroups_are_the_integers_behind_figure_3(a):
    found = populations(a.women)["idiopathic"].groupby("markers").live_birth.agg(["size", "sum"])
    assert {name: tuple(row) for name, row in found.iterrows()} == {
        "": (151, 121),
        "N": (43, 34),
        "C": (17, 14),
        "T": (10, 8),
        "NC": (21, 19),  # 90.5%, the highest
        "NT": (4, 3),  # 75%, the lowest
        "NCT": (5, 4),
    }


def test_figure_3_p_values_print_as_published(a):
    idiopathic = populations(a.women)["idiopathic"]
    assert f"{pearson(events(a.women, a.women.live_birth, 'abnormal')):.3f}" == "0.569"
    assert f"{pearson(events(idiopathic, idiopathic.live_birth, 'markers')):.3f}" == "0.958"


def test_live_birth_over_all_cells_of_etiology_by_subgroup_gives_the_931_of_figure_3(either):
    cells = either.women.etiology.astype(str) + either.women.markers
    table = events(either.women, either.women.live_birth, cells)
    assert len(table) == 15
    assert f"{pearson(table):.3f}" == "0.931"


def test_scenario_b_gives_up_the_live_births_of_figure_3_for_the_miscarriages_of_table_3(b):
    assert b.women[b.women.abnormal].live_birth.sum() == 159
    assert (~b.women.live_birth).sum() == 90
    assert (~b.women[b.women.stratum == "IA"].live_birth).sum() == 22


# Table 2 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("population", "printed"),
    [
        (
            "all",
            [
                (0.924, 0.867, 0.984, 0.014),
                (0.920, 0.864, 0.981, 0.010),
                (1.015, 0.822, 1.253, 0.891),
            ],
        ),
        (
            "known",
            [
                (0.984, 0.895, 1.083, 0.744),
                (0.922, 0.844, 1.008, 0.074),
                (0.945, 0.713, 1.252, 0.694),
            ],
        ),
        (
            "idiopathic",
            [
                (0.868, 0.792, 0.952, 0.003),
                (0.911, 0.828, 1.003, 0.056),
                (1.140, 0.816, 1.593, 0.441),
            ],
        ),
    ],
)
def test_table_2_odds_ratios_print_as_published_with_intervals_and_p_values_close(
    either, population, printed
):
    women = populations(either.women)[population]
    covariates = sm.add_constant(women[["age", "bmi", "miscarriages"]].astype(float))
    model = sm.Logit(women.live_birth.astype(float), covariates).fit(disp=0)
    ends, p = np.exp(model.conf_int()).iloc[1:].to_numpy(), model.pvalues.iloc[1:]
    for ratio, interval, value, row in zip(np.exp(model.params.iloc[1:]), ends, p, printed, strict=True):
        assert f"{ratio:.3f}" == f"{row[0]:.3f}"
        assert interval == pytest.approx(row[1:3], abs=0.007)
        assert value == pytest.approx(row[3], abs=0.01)


# Figures 4 to 7 ------------------------------------------------------------------------------------


def test_live_births_with_four_or_more_miscarriages_are_those_of_figure_4(either):
    expected = {"all": (96, 75, "78.1"), "known": (47, 37, "78.7"), "idiopathic": (49, 38, "77.6")}
    for name, population in populations(either.women).items():
        more = population[population.category == 4]
        found = (len(more), more.live_birth.sum(), f"{100 * more.live_birth.mean():.1f}")
        assert found == expected[name]


def test_abnormal_immunity_rises_with_miscarriages_as_in_figure_5(either):
    for name, p in (("all", "0.032"), ("known", "0.026")):
        population = populations(either.women)[name]
        assert f"{pearson(events(population, population.abnormal, 'category')):.3f}" == p
    for population in populations(either.women).values():
        assert population.groupby("category").abnormal.mean().is_monotonic_increasing


def test_elevated_th1_th2_and_mean_age_by_miscarriages_are_those_of_figure_6(either):
    known = populations(either.women)["known"]
    high, many = known.markers.str.contains("T"), known.miscarriages >= 4
    table = events(known, high, many)
    assert table.tolist() == [[19, 149], [11, 36]]
    assert f"{pearson(table):.3f}" == "0.034"
    assert f"{known[~many].age.mean():.1f}" == "32.4"
    assert f"{known[many].age.mean():.1f}" == "33.2"


@pytest.mark.parametrize(
    ("etiology", "marker"), [("known", "N"), ("known", "C"), *product(["idiopathic"], "NCT")]
)
def test_the_other_markers_do_not_go_with_miscarriages(either, etiology, marker):
    population = populations(either.women)[etiology]
    high = population.markers.str.contains(marker)
    assert pearson(events(population, high, "category")) > 0.05
    assert pearson(events(population, high, population.miscarriages >= 4)) > 0.05


def test_karyotypes_are_those_of_table_3(either):
    lost = either.women[~either.women.live_birth]
    assert (either.women.karyotype.isna() == either.women.live_birth).all()
    counts = pd.crosstab(lost.stratum, lost.karyotype).loc[STRATA]
    assert counts.euploid.tolist() == [7, 8, 10, 7]
    assert (counts.euploid + counts.aneuploid).tolist() == [14, 14, 21, 11]
    tested = lost[lost.karyotype != "not tested"]
    table = events(tested, tested.karyotype == "euploid", "abnormal")
    assert table.tolist() == [[17, 18], [15, 10]]
    assert f"{pearson(table):.3f}" == "0.382"


def test_aneuploidy_by_miscarriages_has_the_p_values_of_figure_7(either):
    tested = either.women[either.women.karyotype.isin(["euploid", "aneuploid"])]
    assert len(tested) == 60
    p = {
        name: pearson(events(population, population.karyotype == "aneuploid", "category"))
        for name, population in populations(tested).items()
    }
    assert f"{p['all']:.3f}" == "0.674"
    assert min(p["known"], p["idiopathic"]) > 0.05


# Marker values -------------------------------------------------------------------------------------


def test_subgroups_under_the_rule_any_are_those_of_the_facts(either):
    calls = classify(either.cohort, PANEL, "any")
    women = either.women.assign(subgroup=calls.subgroup.astype(str))
    for etiology, cells in PAPER["reconstruction"]["scenarios"][either.name]["subgroups"].items():
        found = women[(women.etiology == etiology) & women.abnormal].groupby("subgroup").live_birth
        assert {name: list(row) for name, row in found.agg(["size", "sum"]).iterrows()} == cells


def test_no_marker_value_lies_at_its_cutoff_or_outside_its_range(either):
    for column, cutoff in CUTOFFS.items():
        assert (either.women[column] != cutoff).all()
        assert either.women[column].between(1, 100).all()


def test_lysis_rises_with_the_effector_to_target_ratio(either):
    high, middle, low = (either.women[column] for column in CYTOTOXICITY)
    assert ((high > middle) & (middle > low)).all()


def test_the_combining_rules_of_cytotoxicity_disagree(either):
    rules = ["any", "majority", "all", "single:50:1", "single:25:1", "single:12.5:1"]
    counts = [classify(either.cohort, PANEL, rule).nk_cytotoxicity.sum() for rule in rules]
    assert counts[0] > counts[1] > counts[2]
    assert max(counts[3:]) < counts[0]


# What is met, and what is not ----------------------------------------------------------------------


def listed(scenario):
    """Constraint to reason, as the facts list them."""
    facts = PAPER["reconstruction"]
    entries = [*facts["cannot_be_met"], *facts["scenarios"][scenario]["cannot_be_met"]]
    return {name: entry["because"] for entry in entries for name in entry["constraints"]}


def test_what_is_unmet_is_exactly_what_the_facts_say_cannot_be_met(either):
    unmet = either.constraints[~either.constraints.met]
    assert dict(zip(unmet.constraint, unmet.note, strict=True)) == listed(either.name)


def test_every_constraint_has_a_name_of_its_own_and_says_where_it_is_printed(either):
    table = either.constraints
    assert list(table.columns) == ["constraint", "where", "how", "target", "achieved", "met", "note"]
    assert table.constraint.is_unique
    assert (table["where"] != "").all()
    assert set(table.how) == {"printed", "derived", "reconstructed"}


@pytest.mark.parametrize(
    ("scenario", "constraint", "achieved"),
    [
        ("a", "Table 3, idiopathic abnormal: miscarriages", "18"),
        ("a", "Figure 7, all: miscarriages", "86"),
        ("b", "Figure 3: live birth, abnormal immunity", "80.7% (159/197)"),
        ("a", "Table 1: parity, idiopathic abnormal", "0.15 ± 0.36 (0-1)"),
        ("a", "Table 2, known, bmi: B", "-0.081"),
        ("a", "Figure 4, known: p", "0.749"),
        ("a", "Table 3, known abnormal: treatment failure", "8/95 (8.4%)"),
        ("b", "Table 3, idiopathic abnormal: treatment failure", "7/89 (7.9%)"),
    ],
)
def test_an_unmet_constraint_says_what_the_rows_give(request, scenario, constraint, achieved):
    table = request.getfixturevalue(scenario).constraints.set_index("constraint")
    assert table.achieved[constraint] == achieved


def test_the_facts_add_up():
    enrolment = PAPER["enrolment"]
    assert enrolment["assessed"] - sum(enrolment["excluded"].values()) == enrolment["included"] == 466
    categories = PAPER["reconstruction"]["miscarriage_categories"]
    assert {stratum: sum(counts) for stratum, counts in categories.items()} == SIZES
    for name, scenario in PAPER["reconstruction"]["scenarios"].items():
        births = scenario["live_births"]
        assert births == BIRTHS[name]
        assert births == {s: sum(counts) for s, counts in scenario["live_births_by_miscarriages"].items()}
        for etiology, stratum in (("known", "KA"), ("idiopathic", "IA")):
            cells = np.array(list(scenario["subgroups"][etiology].values()))
            assert cells.sum(axis=0).tolist() == [SIZES[stratum], births[stratum]]


# Evidence for what no rows can carry ----------------------------------------------------------------


def f_bounds(means, sds):
    """Smallest and largest F that printed means (with half-widths) and SDs allow over the four strata."""
    n = np.array(list(SIZES.values()))
    found = []
    for shift in product((-1, 1), repeat=4):
        mean = np.array([m + s * h for (m, h), s in zip(means, shift, strict=True)])
        between = n @ (mean - n @ mean / n.sum()) ** 2 / 3
        for sign in (-1, 1):
            sd = np.array([s + sign * h for s, h in sds])
            found.append(between / ((n - 1) @ sd**2 / (n.sum() - 4)))
    return min(found), max(found)


@pytest.mark.parametrize(
    ("means", "sds", "printed"),
    [
        ([2.89, 3.18, 2.87, 2.95], [1.23, 1.23, 1.13, 1.14], 1.705),
        ([0.0, 114.53, 0.0, 154.06], [0.0, 105.32, 0.0, 79.18], 189.127),
    ],
)
def test_the_f_of_table_1_is_outside_what_its_means_and_sds_allow(means, sds, printed):
    low, high = f_bounds([(m, 0.005 if m else 0) for m in means], [(s, 0.005 if s else 0) for s in sds])
    assert not low <= printed <= high


def test_the_f_of_age_is_outside_what_whole_years_with_its_means_and_sds_allow():
    sums = {"KN": [3868], "KA": [3142], "IN": [5082, 5083], "IA": [3342]}  # those that print the means
    for (n, mean), found in zip(
        [(118, "32.78"), (97, "32.39"), (151, "33.66"), (100, "33.42")], sums.values(), strict=True
    ):
        assert [total for total in range(2000, 6000) if f"{total / n:.2f}" == mean] == found
    for totals in product(*sums.values()):
        means = [(total / n, 0) for total, n in zip(totals, SIZES.values(), strict=True)]
        low, high = f_bounds(means, [(3.72, 0.005), (3.78, 0.005), (3.85, 0.005), (3.46, 0.005)])
        assert low >= 2.818
        assert high <= 2.860  # printed: 2.872


def test_the_f_of_bmi_is_outside_what_its_means_and_sds_allow():
    means = [(23.00, 0.005), (21.71, 0.005), (21.9, 0.05), (21.99, 0.005)]
    low, _ = f_bounds(means, [(4.2, 0.05), (3.15, 0.005), (3.01, 0.005), (3.45, 0.005)])
    assert low > 2.75  # printed: 2.7


def test_no_hundred_women_of_parity_0_or_1_have_mean_015_and_sd_035():
    printed = [
        (f"{k / 100:.2f}", f"{math.sqrt(k * (100 - k) / 9900):.2f}") for k in range(101) if k / 100 == 0.15
    ]
    assert printed == [("0.15", "0.36")]


def test_no_mean_ages_of_324_and_332_give_a_p_of_525():
    within = 117 * 3.725**2 + 96 * 3.785**2
    total = 118 * (3868 / 118) ** 2 + 97 * (3142 / 97) ** 2 + within - 7010**2 / 215
    p = []
    for older in range(1480, 1640):  # the sum of ages of the 47 women with four or more
        more, fewer = older / 47, (7010 - older) / 168
        if f"{more:.1f}" == "33.2" and f"{fewer:.1f}" == "32.4":
            between = 47 * (more - 7010 / 215) ** 2 + 168 * (fewer - 7010 / 215) ** 2
            p.append(stats.f.sf(between / ((total - between) / 213), 1, 213))
    assert max(p) == pytest.approx(0.243, abs=0.001)


def test_with_22_miscarriages_a_subgroup_lies_below_75_percent_when_another_has_905():
    sizes = [n for n in range(1, 100) for born in range(n + 1) if f"{100 * born / n:.1f}" == "90.5"]
    born = {n: round(0.905 * n) for n in sizes}
    assert min(sizes) == 21
    assert all((78 - born[n]) / (100 - n) < 0.75 for n in sizes)


def histories(stratum, total, squares):
    """Every (2, 3, 4+) split of a stratum's women with these moments and the printed maximum."""
    n = SIZES[stratum]
    highest = int(PAPER["table1"]["miscarriages"][stratum]["max"])
    tails = {(1, highest, highest**2)}
    for value in range(4, highest + 1):
        frontier = tails
        while frontier:
            grown = {(c + 1, s + value, q + value**2) for c, s, q in frontier}
            frontier = {t for t in grown if t[0] <= 49 and t[1] <= total and t[2] <= squares} - tails
            tails = tails | frontier
    found = set()
    for women, s, q in tails:
        threes = total - s - 2 * (n - women)
        twos = n - women - threes
        if min(twos, threes) >= 0 and 4 * twos + 9 * threes == squares - q:
            found.add((twos, threes, women))
    return found


def quick_pearson(first, second):
    """p of Pearson's chi-square of a 2 x 3 table (2 degrees of freedom: the upper tail is exp(-x / 2))."""
    share = sum(first) / (sum(first) + sum(second))
    x = sum(
        (a - (a + b) * share) ** 2 / ((a + b) * share * (1 - share))
        for a, b in zip(first, second, strict=True)
    )
    return math.exp(-x / 2)


def added(first, second):
    return tuple(a + b for a, b in zip(first, second, strict=True))


@pytest.fixture(scope="module")
def splits():
    """Pairs of normal and abnormal splits by etiology, with 47 and 49 women of four or more.

    `taken` has the moments that the facts take, `known` and `idiopathic` all that print Table 1.
    """
    every = {s: [sorted(histories(s, *sums)) for sums in moments(s)] for s in STRATA}

    def pairs(normal, abnormal, more):
        return [(x, y) for x, y in product(normal, abnormal) if x[2] + y[2] == more]

    known, taken = (pairs(every[k][0], every[h][0], n) for k, h, n in (("KN", "KA", 47), ("IN", "IA", 49)))
    others = [pair for normal in every["IN"][1:] for pair in pairs(normal, every["IA"][0], 49)]
    return {"known": known, "idiopathic": taken + others, "taken": taken}


@pytest.fixture(scope="module")
def figure_5(splits):
    """The splits that print Figure 5's p for known and for all: .026 and .032."""
    known = [pair for pair in splits["known"] if f"{quick_pearson(*pair):.3f}" == "0.026"]
    return [
        (k, i)
        for k, i in product(known, splits["taken"])
        if f"{quick_pearson(added(k[0], i[0]), added(k[1], i[1])):.3f}" == "0.032"
    ]


def test_no_split_that_prints_table_1_gives_432_in_figure_5(splits):
    assert not any(f"{quick_pearson(*pair):.3f}" == "0.432" for pair in splits["idiopathic"])


def test_the_split_of_the_facts_is_the_only_rising_one_that_prints_figure_5(figure_5):
    def rises(normal, abnormal):
        rates = [b / (a + b) for a, b in zip(normal, abnormal, strict=True)]
        return rates == sorted(rates)

    rising = [
        {"KN": [*k[0]], "KA": [*k[1]], "IN": [*i[0]], "IA": [*i[1]]}
        for k, i in figure_5
        if rises(*k) and rises(*i) and rises(added(k[0], i[0]), added(k[1], i[1]))
    ]
    assert rising == [PAPER["reconstruction"]["miscarriage_categories"]]


def splits_of_births(women, births, more):
    """Live births and miscarriages by 2, 3, 4+ when those of 4+ are known."""
    for twos in range(births - more + 1):
        born = (twos, births - more - twos, more)
        if all(b <= n for b, n in zip(born, women, strict=True)):
            yield born, tuple(n - b for b, n in zip(born, women, strict=True))


@pytest.mark.parametrize(
    ("etiology", "births", "more", "printed"),
    [("known", 177, 37, "0.750"), ("idiopathic", 203, 38, "0.216"), ("idiopathic", 199, 38, "0.216")],
)
def test_no_split_of_live_births_gives_the_p_of_figure_4(splits, etiology, births, more, printed):
    women = {added(*pair) for pair in splits[etiology]}
    tables = [table for n in women for table in splits_of_births(n, births, more)]
    assert not any(f"{quick_pearson(*table):.3f}" == printed for table in tables)


@pytest.mark.parametrize("births", [203, 199])
def test_no_split_that_prints_figure_5_gives_162_for_all_in_figure_4(figure_5, births):
    for known, idiopathic in {(added(*k), added(*i)) for k, i in figure_5}:
        for k, i in product(splits_of_births(known, 177, 37), splits_of_births(idiopathic, births, 38)):
            assert f"{quick_pearson(added(k[0], i[0]), added(k[1], i[1])):.3f}" != "0.162"


# Integers with exact moments -----------------------------------------------------------------------


@given(st.lists(st.integers(0, 60), min_size=3, max_size=40), st.data())
def test_integers_have_the_moments_asked_for_or_are_refused(values, data):
    start = [value + data.draw(st.integers(-2, 2)) for value in values]
    wanted = (sum(values), sum(v * v for v in values), min(values), max(values))
    try:
        found = integers_with_moments(start, *wanted)
    except InputError:
        return
    assert (sum(found), sum(v * v for v in found), min(found), max(found)) == wanted
    assert len(found) == len(values)


def test_a_sum_and_a_sum_of_squares_of_different_parity_are_refused():
    with pytest.raises(InputError, match="expected moments that 4 integers can have"):
        integers_with_moments([1, 2, 3, 4], 10, 31, 1, 4)


@given(st.lists(st.integers(4, 9), min_size=1, max_size=25))
def test_tail_counts_have_the_moments_and_the_maximum_of_the_women(losses):
    counts = tail_counts(len(losses), sum(losses), sum(v * v for v in losses), max(losses))
    values = [value for value, count in enumerate(counts, start=4) for _ in range(count)]
    assert (len(values), sum(values), max(values)) == (len(losses), sum(losses), max(losses))
    assert sum(v * v for v in values) == sum(v * v for v in losses)


def test_a_tail_that_no_women_have_is_refused():
    with pytest.raises(InputError, match="expected moments that integers from 4 on can have"):
        tail_counts(2, 9, 40, 5)
