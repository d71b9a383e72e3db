"""Strata, single tests and the blood panel against scikit-learn, statsmodels, SciPy and hand calculations."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from decidua.cases import IS_CASE
from decidua.markers import Cutoff, Marker, Panel
from decidua.prediction.blood_panel import (
    ANALYSED,
    CLIFF,
    EXCLUDED,
    HEDGES,
    INDEX_TEST,
    REFERENCE,
    SUPERIORITY,
    WITH,
    WITH_V_WITHOUT,
    WITHOUT,
    blood_panel,
    single_tests,
)
from decidua.prediction.measures import LARGE, C
from decidua.prediction.strata import (
    EXPECTED,
    FEWEST_EVENTS,
    FEWEST_WOMEN,
    HIDDEN,
    OBSERVED,
    RATIO,
    heterogeneity,
    shown,
    strata_of,
)
from decidua.results import ESTIMATED, NOT_ESTIMABLE
from decidua.statistics.accuracy import AUC, BOTH, CASES, CONTROLS, SENSITIVITY
from decidua.statistics.answers import NotEstimable


def only(rows, **where):
    for column, value in where.items():
        rows = rows[rows[column].eq(value).fillna(False)]
    assert len(rows) == 1
    return rows.iloc[0]


# ---- strata


def women(n=200, seed=1):
    rng = np.random.default_rng(seed)
    linear = rng.normal(-0.8, 1, (2, n))
    event = rng.random(n) < expit(linear.mean(axis=0))
    return linear, event, pd.Series(rng.choice(["A", "B", "C"], n), dtype="string")


def performance(linear, event, centre, groups=None):
    groups = np.arange(len(event)) if groups is None else groups
    return strata_of("history", linear, event, groups, pd.DataFrame({"centre": centre}))


def test_a_stratum_is_measured_in_its_own_women():
    linear, event, centre = women()
    table, who = performance(linear, event, centre), (centre == "B").to_numpy()
    own = table[table["level"].eq("B").fillna(False)]
    expected = np.mean([roc_auc_score(event[who], each[who]) for each in linear])
    assert only(own, quantity=C)["estimate"] == pytest.approx(expected)
    assert (own["numerator"] == event[who].sum()).all() and (own["denominator"] == who.sum()).all()
    assert only(own, quantity=OBSERVED)["estimate"] == pytest.approx(event[who].mean())
    mean = expit(linear[:, who]).mean()
    assert only(own, quantity=EXPECTED)["estimate"] == pytest.approx(mean)
    ratio = only(own, quantity=RATIO)
    assert ratio["estimate"] == pytest.approx(event[who].mean() / mean)
    # by hand: the logarithm's standard error is the root of (1 - share) / events
    error = np.sqrt((1 - event[who].mean()) / event[who].sum())
    assert ratio["upper"] == pytest.approx(ratio["estimate"] * np.exp(1.959964 * error), rel=1e-6)


def test_calibration_in_the_large_is_that_of_an_offset_model():
    linear, event, centre = women()
    who = (centre == "A").to_numpy()
    found = only(performance(linear[:1], event, centre), level="A", quantity=LARGE)
    model = sm.GLM(event[who], np.ones(who.sum()), sm.families.Binomial(), offset=linear[0, who]).fit()
    low, high = model.conf_int()[0]
    assert [found["estimate"], found["lower"], found["upper"]] == pytest.approx(
        [model.params[0], low, high], rel=1e-5
    )


def test_strata_that_are_not_told_alike_rightly_are_tested_by_offsets():
    linear, event, centre = women()
    members = [(centre == name).to_numpy() for name in ("A", "B", "C")]
    found = heterogeneity(linear[0], event, members)
    family = sm.families.Binomial()
    each = pd.get_dummies(centre).to_numpy(dtype=float)
    larger = sm.GLM(event, each, family, offset=linear[0]).fit().llf
    smaller = sm.GLM(event, np.ones(len(event)), family, offset=linear[0]).fit().llf
    assert (found.statistic, found.df) == pytest.approx((2 * (larger - smaller), 2), rel=1e-6)
    with pytest.raises(NotEstimable, match="fewer than two"):
        heterogeneity(linear[0], event, members[:1])


counts = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=7)


@given(counts)
@settings(max_examples=200)
def test_no_hidden_stratum_can_be_counted_back_from_the_total(strata):
    with_event, without = np.array(strata).T
    keep = shown(with_event, without)
    n = with_event + without
    small = (n < FEWEST_WOMEN) | (np.minimum(with_event, without) < FEWEST_EVENTS)
    assert not (keep & small & (n > 0)).any()
    hidden = ~keep
    if hidden.any() and (keep & (n > 0)).any():
        assert hidden.sum() > 1
        assert n[hidden].sum() >= FEWEST_WOMEN
        assert min(with_event[hidden].sum(), without[hidden].sum()) >= FEWEST_EVENTS
    if not (small & (n > 0)).any():
        assert keep.all()
    assert (shown(without, with_event) == keep).all()


def test_of_a_hidden_stratum_nothing_is_told():
    linear, event, centre = women()
    centre[:3], centre[3:6] = "D", pd.NA
    table = performance(linear, event, centre)
    hidden = table[table["reason"].eq(HIDDEN).fillna(False)]
    assert {"D", "unknown"} <= set(hidden["level"])
    assert hidden[["estimate", "numerator", "denominator", "lower", "upper"]].isna().all(axis=None)
    assert set(hidden["status"]) == {NOT_ESTIMABLE} and not hidden["level"].duplicated().any()
    # 6 women in both would be too few together: a third one is hidden with them
    assert len(hidden) == 3
    assert not table["level"].isin(hidden["level"])[table["status"] == ESTIMATED].any()


def test_strata_come_in_the_order_of_their_category_with_the_unknown_last():
    linear, event, _ = women()
    age = pd.Categorical(np.resize(["40+", "<35", "35-39", None], 200), ["<35", "35-39", "40+"])
    table = performance(linear, event, pd.Series(age))
    assert table["level"].dropna().unique().tolist() == ["<35", "35-39", "40+", "unknown"]


def test_neither_the_order_of_the_women_nor_which_outcome_is_the_event_changes_a_stratum():
    linear, event, centre = women()
    order = np.random.default_rng(2).permutation(200)
    table = performance(linear, event, centre)
    again = performance(linear[:, order], event[order], centre[order].reset_index(drop=True))
    pd.testing.assert_frame_equal(table, again)
    mirrored = performance(-linear, ~event, centre)
    for name in ("A", "B", "C"):
        ours, theirs = (only(each, level=name, quantity=C) for each in (table, mirrored))
        assert theirs["estimate"] == pytest.approx(ours["estimate"])
        assert theirs["lower"] == pytest.approx(ours["lower"], abs=1e-6)
        ours, theirs = (only(each, level=name, quantity=LARGE) for each in (table, mirrored))
        assert [theirs["lower"], theirs["upper"]] == pytest.approx([-ours["upper"], -ours["lower"]])


def test_women_with_several_pregnancies_are_one_woman_each():
    """Every woman twice: intervals do not get narrower than with each once, but for rounding."""
    linear, event, centre = women()
    twice = np.tile(np.arange(200), 2)
    doubled = performance(
        np.tile(linear, 2), np.tile(event, 2), pd.concat([centre] * 2, ignore_index=True), twice
    )
    once = performance(linear, event, centre)
    for quantity in (C, LARGE, RATIO):
        ours, theirs = (only(each, level="A", quantity=quantity) for each in (once, doubled))
        assert theirs["upper"] - theirs["lower"] == pytest.approx(ours["upper"] - ours["lower"], rel=0.15)


def test_women_without_a_held_out_risk_are_left_out():
    linear, event, centre = women()
    linear[1, :50] = np.nan
    table = performance(linear, event, centre)
    sizes = table.loc[table["quantity"].eq(C), "denominator"]
    assert sizes.sum() == 150


# ---- single tests


PANEL = Panel(
    "lab",
    "by hand",
    (
        Marker("nk_level", "NK level", "%", (Cutoff("nk", 16.0, unit="%"),)),
        Marker("th1_th2", "Th1/Th2", "ratio", (Cutoff("th", 36.0, unit="ratio"),)),
    ),
    laboratory="of the test",
)


def measured(n=80, seed=3):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {"id": np.arange(n).astype(str), "nk": rng.normal(15, 4, n), "th": rng.normal(30, 9, n)}
    )
    table["nk_level"] = pd.array(table["nk"] > 16, dtype="boolean")
    table["th1_th2"] = pd.array(table["th"] > 36, dtype="boolean")
    abnormal = table["nk_level"] | table["th1_th2"]
    table["immunity"] = np.where(abnormal, "abnormal", "normal")
    table["live_birth"] = pd.array(rng.random(n) < 0.6, dtype="boolean")
    table[IS_CASE] = pd.array(rng.random(n) < 0.5, dtype="boolean")
    return table


def stard(table, **more):
    rng = np.random.default_rng(1)
    return single_tests(table, PANEL, "live_birth", False, rng, event="a loss", resamples=20, **more)


def test_a_single_test_says_who_was_excluded_and_what_it_is():
    table = measured()
    table.loc[:3, "live_birth"] = pd.NA
    table.loc[2:9, "nk"] = np.nan
    found = stard(table, left_out={"no pregnancy yet": 7})
    nk = found[found["variable"].eq("nk").fillna(False)]
    index_test = only(nk, quantity=INDEX_TEST)
    assert (index_test["numerator"], index_test["denominator"]) == (72, 80)
    assert (
        "NK level, abnormal above 16 %" in index_test["test"]
        and "laboratory of the test" in index_test["test"]
    )
    reference = only(found, quantity=REFERENCE)
    assert (reference["numerator"], reference["test"]) == (76, "a loss: live birth is no")
    excluded = nk[nk["quantity"] == EXCLUDED].set_index("level")["numerator"].to_dict()
    # 2 and 3 lack both, 0 and 1 the outcome, 4 to 9 the test
    assert excluded == {"test unknown": 6, "outcome unknown": 2, "test and outcome unknown": 2}
    analysed = nk[nk["quantity"] == ANALYSED].set_index("level")["numerator"]
    assert analysed["all"] == 70 == analysed[WITH] + analysed[WITHOUT]
    assert only(found, quantity=EXCLUDED, level="no pregnancy yet")["denominator"] == 87


def test_the_event_is_what_a_single_test_looks_for():
    table = measured()
    found = stard(table, caution="treated by the test")
    lost = ~table["live_birth"].to_numpy(dtype=bool)
    area = only(found, variable="nk", quantity=AUC, level=WITH_V_WITHOUT)
    assert area["estimate"] == pytest.approx(roc_auc_score(lost, table["nk"]))
    sensitivity = only(found, variable="nk", quantity=SENSITIVITY, level="published cut-off")
    assert sensitivity["numerator"] == (lost & (table["nk"] > 16)).sum()
    assert sensitivity["denominator"] == lost.sum()
    assert found["reason"].str.startswith("treated by the test").all()
    share = f"published cut-off, prevalence {100 * round(lost.mean(), 3):g}%"
    assert (found["level"] == share).any()


def test_no_case_or_control_is_left_in_the_words_of_a_single_test():
    table = measured()
    table.loc[~table["live_birth"], "nk"] = 5.0
    table.loc[table["live_birth"], "nk"] = 6.0
    table.loc[:3, "live_birth"] = pd.NA
    found = stard(table)
    text = found[["level", "counted", "reason", "interval"]].astype("string").stack()
    assert not text.str.contains(r"\bcases?\b|\bcontrols?\b").any()


def test_without_any_known_outcome_there_is_no_accuracy():
    found = stard(measured().assign(live_birth=pd.array([pd.NA] * 80, dtype="boolean")))
    assert only(found, quantity=AUC)["reason"] == "live birth is unknown for all women"


# ---- the blood panel


def test_effect_sizes_and_tests_are_those_of_scipy_and_of_counting():
    table = measured()
    found = blood_panel(table, PANEL, "loss")
    case = table[IS_CASE].to_numpy(dtype=bool)
    a, b = table.loc[case, "nk"].to_numpy(), table.loc[~case, "nk"].to_numpy()
    delta = np.mean([np.sign(x - y) for x in a for y in b])
    assert only(found, variable="nk", quantity=CLIFF)["estimate"] == pytest.approx(delta)
    better = only(found, variable="nk", quantity=SUPERIORITY)
    assert better["estimate"] == pytest.approx((delta + 1) / 2)
    assert (better["numerator"], better["denominator"]) == (len(a), 80)
    p = [
        stats.mannwhitneyu(table.loc[case, each], table.loc[~case, each], method="exact").pvalue
        for each in ("nk", "th")
    ]
    raw = found[found["test"].eq("Mann-Whitney exact").fillna(False)].set_index("variable")["p"]
    assert raw[["nk", "th"]].to_numpy() == pytest.approx(p)
    q = found[found["quantity"] == HEDGES].set_index("variable")["p"]
    assert q[["nk", "th"]].to_numpy() == pytest.approx(stats.false_discovery_control(p))
    assert found.loc[found["quantity"] == HEDGES, "test"].str.endswith("Benjamini-Hochberg-adjusted").all()


def test_the_interval_of_cliffs_delta_keeps_to_its_limits_and_has_a_width_at_them():
    table = measured()
    table["nk"] = np.where(table[IS_CASE], 30.0, 5.0) + table["nk"] / 100
    found = only(blood_panel(table, PANEL, "loss"), variable="nk", quantity=CLIFF)
    assert (found["estimate"], found["upper"]) == (1, 1) and 0.5 < found["lower"] < 1


def test_which_women_are_called_cases_mirrors_the_panel():
    table = measured()
    ours = blood_panel(table, PANEL, "loss")
    theirs = blood_panel(table.assign(**{IS_CASE: ~table[IS_CASE]}), PANEL, "loss")
    for quantity, middle in ((HEDGES, 0), (CLIFF, 0), (SUPERIORITY, 1)):
        one, other = (only(each, variable="th", quantity=quantity, level=BOTH) for each in (ours, theirs))
        assert other["estimate"] == pytest.approx(middle - one["estimate"])
        assert [other["lower"], other["upper"]] == pytest.approx(
            [middle - one["upper"], middle - one["lower"]], abs=1e-6
        )
    assert ours["p"].dropna().tolist() == pytest.approx(theirs["p"].dropna().tolist())
    assert {CASES, CONTROLS} <= set(ours["level"].dropna())


@pytest.mark.parametrize("cases", [None, "loss"])
def test_without_controls_nothing_is_compared(cases):
    table = measured().assign(**{IS_CASE: pd.array([True] * 80, dtype="boolean")})
    found = blood_panel(table, PANEL, cases)
    effects = found[found["quantity"] == HEDGES]
    assert set(effects["variable"]) == {"nk", "th"} and set(effects["status"]) == {NOT_ESTIMABLE}
    assert effects["reason"].str.contains("no control").all()


def test_women_of_unknown_status_are_counted_and_left_out():
    table = measured()
    table.loc[:4, IS_CASE] = pd.NA
    found = blood_panel(table, PANEL, "loss")
    assert only(found, variable="loss", level="unknown")["numerator"] == 5
    assert "5 of unknown case status left out" in only(found, variable="nk", quantity=HEDGES)["counted"]
    assert only(found, variable="nk", quantity=SUPERIORITY)["denominator"] == 75


def test_calibrated_log_odds_are_calibrated_in_every_stratum():
    """Of predictions that are each stratum's own share nothing is off: shift 0, observed to expected 1."""
    _, event, centre = women()
    share = pd.Series(event.astype(float)).groupby(centre).transform("mean").to_numpy()
    table = performance(logit(share)[None], event, centre)
    assert table.loc[table["quantity"] == LARGE, "estimate"].to_numpy() == pytest.approx([0] * 3, abs=1e-9)
    assert table.loc[table["quantity"] == RATIO, "estimate"].to_numpy() == pytest.approx([1] * 3)
    assert (table.loc[table["quantity"] == C, "estimate"] == 0.5).all()
    assert only(table, quantity="test")["p"] == pytest.approx(1)
