"""Added value against statsmodels, R, SciPy and hand calculations; its words against its numbers."""

import json
import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit, logit
from statsmodels.discrete.conditional_models import ConditionalLogit

from decidua.prediction import measures, nested
from decidua.prediction.added_value import (
    ADDED,
    CANNOT_SAY,
    CHANGE_BENEFIT,
    CHANGE_C,
    CROSS,
    DOWN,
    NEW_INFORMATION,
    NONE,
    TEST,
    UP,
    VERDICT,
    WORSE,
    Women,
    added_value,
    crossings,
    fraction_of_new_information,
    fraction_row,
    pairs,
    verdict,
)
from decidua.prediction.conclusion import Asked, conclude
from decidua.prediction.decision_curves import (
    TREAT_ALL,
    TREAT_NONE,
    decision_curves,
    net_benefit,
    reached,
    thresholds,
)
from decidua.prediction.design import Specification
from decidua.prediction.fits import fit
from decidua.prediction.paired import Predicted, corrected
from decidua.prediction.validation import resamples, validate
from decidua.results import ESTIMATED, NOT_ESTIMABLE
from decidua.statistics.answers import NotEstimable

HISTORY, IMMUNE = ("age", "miscarriages"), ("nk", "th")

OLD = Specification("history", HISTORY, family="history")
NEW = Specification("history + immune", HISTORY + IMMUNE, {"nk": 3})
TREES = Specification("history + immune, boosted", HISTORY + IMMUNE, method="boosting")
REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "r-statistics.json").read_text())
REAL_DATA = os.environ.get("DECIDUA_REAL_DATA")


def cohort(n=300, effect=1.0, seed=1):
    """Women with a marker (nk) of the given log odds ratio a standard deviation, and one of none."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(rng.normal(size=(n, 4)), columns=HISTORY + IMMUNE)
    return rows, rng.random(n) < expit(-1.2 + 0.5 * rows["age"] + effect * rows["nk"]).to_numpy()


@cache
def validated(effect=1.0, trees=False, count=60):
    rows, event = cohort(effect=effect)
    drawn = resamples(event, np.arange(len(event)), count, 5, 2, np.random.default_rng(2))
    specs = [OLD, TREES if trees else NEW]
    return validate(specs, rows, event, drawn), Women(rows, event, np.arange(len(event)), drawn.weights)


@cache
def table_of(effect):
    found, women = validated(effect)
    return added_value(found, pairs([OLD, NEW]), women, 0.25)


def table(effect=1.0):
    return table_of(effect).copy()


def only(rows, **where):
    for column, value in where.items():
        rows = rows[rows[column].eq(value).fillna(False)]
    assert len(rows) == 1
    return rows.iloc[0]


# ---- the test


def designs(rows, event, spec=NEW, kept=HISTORY):
    return nested.split(nested.columns(fit(spec, rows, event), rows), kept)


def test_the_likelihood_ratio_is_that_of_statsmodels():
    rows, event = cohort()
    smaller, larger = designs(rows, event)
    found = nested.likelihood_ratio(smaller, larger, event)
    llf = [sm.Logit(event, sm.add_constant(design)).fit(disp=0).llf for design in (larger, smaller)]
    assert found.df == 3  # two columns of a spline of three knots, and a straight line
    assert found.statistic == pytest.approx(2 * (llf[0] - llf[1]), rel=1e-8)
    assert found.p == pytest.approx(stats.chi2.sf(2 * (llf[0] - llf[1]), 3), rel=1e-6)


@pytest.mark.skipif(not REAL_DATA, reason="R's infert data: set DECIDUA_REAL_DATA")
def test_the_likelihood_ratio_is_the_difference_of_the_deviances_of_r():
    infert = pd.read_csv(Path(REAL_DATA) / "table_infert" / "table.csv")
    deviance = {model["formula"]: model["deviance"] for model in REFERENCE["logistic_infert"]}
    expected = deviance["case ~ spontaneous + induced"]
    expected -= deviance["case ~ age + parity + spontaneous + induced"]
    event = infert["case"].to_numpy() == 1
    spec = Specification("all", ("spontaneous", "induced", "age", "parity"))
    found = nested.likelihood_ratio(*designs(infert, event, spec, ("spontaneous", "induced")), event)
    assert (found.statistic, found.df) == pytest.approx((expected, 2), rel=1e-8)


def test_a_model_contains_the_other_also_where_predictors_are_unknown():
    rows, event = cohort()
    rows.loc[:40, "nk"] = np.nan
    rows.loc[30:60, "age"] = np.nan
    smaller, larger = designs(rows, event)
    assert not larger.isna().any(axis=None)
    pd.testing.assert_frame_equal(smaller, larger[smaller.columns])


def test_a_marker_that_the_history_determines_adds_no_degree_of_freedom():
    rows, event = cohort()
    rows["th"] = 2 * rows["age"] - 1
    smaller, larger = designs(rows, event)
    assert (smaller.shape[1], larger.shape[1]) == (2, 4)
    rows["nk"] = 5.0
    with pytest.raises(NotEstimable, match="do not vary, or the history determines them"):
        designs(rows, event, replace(NEW, knots={}))


def test_matched_sets_are_compared_by_the_conditional_likelihood():
    rng = np.random.default_rng(3)
    sets, event = np.repeat(np.arange(60), 3), np.tile([True, False, False], 60)
    rows = pd.DataFrame(rng.normal(size=(180, 4)), columns=HISTORY + IMMUNE)
    rows["nk"] += 0.7 * event
    smaller, larger = designs(rows, event, replace(NEW, knots={}))
    found = nested.likelihood_ratio(smaller, larger, event, sets)
    fits = [
        ConditionalLogit(event.astype(float), each.to_numpy(), groups=sets).fit(disp=0)
        for each in (larger, smaller)
    ]
    assert found.df == 2
    assert found.statistic == pytest.approx(2 * (fits[0].llf - fits[1].llf), rel=1e-6)


def test_women_with_several_pregnancies_count_once_in_the_robust_test():
    rows, event = cohort(200)
    groups = np.repeat(np.arange(100), 2)
    smaller, larger = designs(rows, event)
    found = nested.robust_wald(smaller, larger, event, groups)
    model = sm.Logit(event, sm.add_constant(larger)).fit(
        disp=0, tol=1e-12, cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
    )
    added = [name for name in larger if name not in smaller]
    covariance = model.cov_params().loc[added, added].to_numpy() * 100 / 99
    b = model.params[added].to_numpy()
    expected = b @ np.linalg.solve(covariance, b) / 3
    assert (found.df, found.df_residual) == (3, 99)
    assert found.statistic == pytest.approx(expected, rel=1e-6)
    assert found.p == pytest.approx(stats.f.sf(expected, 3, 99), rel=1e-5)


def test_a_woman_who_comes_twice_is_no_second_proof():
    """Every row doubled doubles the likelihood ratio; the robust test does not move but for G / (G - 1)."""
    rows, event = cohort(150)
    twice, events = pd.concat([rows, rows], ignore_index=True), np.tile(event, 2)
    once, doubled = designs(rows, event), designs(twice, events)
    ratio = nested.likelihood_ratio(*doubled, events).statistic
    assert ratio == pytest.approx(2 * nested.likelihood_ratio(*once, event).statistic, rel=1e-6)
    single = nested.robust_wald(*once, event, np.arange(150)).statistic
    both = nested.robust_wald(*doubled, events, np.tile(np.arange(150), 2)).statistic
    assert both == pytest.approx(single, rel=1e-6)


def test_few_events_and_separation_are_said():
    rows, event = cohort(60)
    assert "are few for 5 parameters" in nested.likelihood_ratio(*designs(rows, event), event).caution
    rows["nk"] = np.where(event, 1.0, -1.0) + rows["nk"] / 100
    with pytest.raises(NotEstimable, match="separation"):
        nested.likelihood_ratio(*designs(rows, event), event)


# ---- correction for optimism


def weighted_sum(linears, weightings):
    """The first model's weighted mean less the second's: two numbers, the second ten times the first."""
    return [np.array([1, 10]) * (w @ (linears[0] - linears[-1])) / w.sum() for w in weightings]


def test_the_correction_is_that_of_a_hand_calculation():
    # In all women: first 2, second 0. In the resamples: (1, 1, 3, 3) of (0, 0, 4, 0) by the weights.
    first = Predicted(
        np.array([1.0, 3.0, 2.0, 2.0]), np.zeros((1, 4)), np.array([[0, 4, 0, 0], [4, 0, 0, 0]], np.float32)
    )
    second = Predicted(np.zeros(4), np.zeros((1, 4)), np.zeros((2, 4), np.float32))
    weights = np.array([[0, 2, 1, 1], [2, 0, 1, 1]])
    found = corrected(weighted_sum, [first, second], weights, 0.5)
    # In resample: (2 * 4) / 4 = 2 and 2; in all 4 / 4 = 1 and 1: an optimism of 1 in both.
    # By chance the model of all women has 10 / 4 - 2 = 0.5 and 6 / 4 - 2 = -0.5 more there: 0 on average.
    assert found.apparent == pytest.approx([2, 20])
    assert found.corrected == pytest.approx([1, 10])
    assert (found.low, found.high) == (pytest.approx([1, 10]), pytest.approx([1, 10]))


def test_without_resampled_predictions_the_held_out_ones_are_counted():
    nothing = np.empty((0, 4), np.float32)
    first = Predicted(np.arange(4.0), np.array([[0, 1, 2, 5.0], [np.nan, 0, 0, 0]]), nothing)
    second = Predicted(np.zeros(4), np.zeros((2, 4)), nothing)
    weights = np.array([[4, 0, 0, 0], [0, 0, 0, 4]])
    found = corrected(weighted_sum, [first, second], weights, 0.95)
    # Held out the mean is 8 / 4 = 2; in the resamples 0 and 5, of which the 2.5% quantile is 0.125.
    assert (found.apparent[0], found.corrected[0]) == (1.5, 2)
    assert (found.low[0], found.high[0]) == (pytest.approx(0.125), pytest.approx(4.875))
    assert "models as they are" in found.method


def test_too_many_resamples_without_a_model_leave_nothing_to_say():
    model = Predicted(np.zeros(3), np.zeros((1, 3)), np.full((10, 3), np.nan, np.float32))
    with pytest.raises(NotEstimable, match="10 of 10 resamples"):
        corrected(weighted_sum, [model], np.ones((10, 3)))


# ---- decision curves


def test_net_benefit_is_that_of_a_hand_calculation():
    # Ten women, 4 with the event. At 0.2: 3 of them and 3 others are at or above it.
    risk = np.array([0.9, 0.5, 0.2, 0.1, 0.6, 0.3, 0.2, 0.1, 0.1, 0.0])
    event = np.arange(10) < 4
    with np.errstate(divide="ignore"):
        place = reached(logit(risk), np.array([0.2, 0.5]))
    # 3/10 - 3/10 * 0.2/0.8 = 0.225; at 0.5: 2/10 - 1/10 * 1 = 0.1
    assert net_benefit(place, event, np.array([0.2, 0.5])) == pytest.approx([0.225, 0.1])


def drawn_women(seed):
    """Log odds, events (both kinds) and weights of forty women."""
    rng = np.random.default_rng(seed)
    event = np.r_[True, False, rng.random(38) < 0.4]
    return rng.normal(-1, 1.5, 40), event, rng.integers(0, 4, 40).astype(float)


some_women = st.integers(0, 10_000).map(drawn_women)


@given(some_women)
@settings(max_examples=20)
def test_acting_on_all_women_and_on_none_frame_every_curve(drawn):
    linear, event, weights = drawn
    at = thresholds(0.05, 0.95)
    share = weights @ event / weights.sum()
    every, nobody = (np.full(40, reached(np.array([end]), at)[0]) for end in (np.inf, -np.inf))
    assert net_benefit(every, event, at, weights) == pytest.approx(share - (1 - share) * at / (1 - at))
    assert net_benefit(nobody, event, at, weights) == pytest.approx(0 * at)
    ours = net_benefit(reached(linear, at), event, at, weights)
    assert (ours <= share + 1e-12).all()
    # an independent implementation, by sorting
    assert ours == pytest.approx(measures.net_benefit(expit(linear), event, at, weights))


@given(some_women)
@settings(max_examples=20)
def test_the_other_outcome_at_the_other_threshold_mirrors_the_curve(drawn):
    """NB(t) less that of acting on all is odds(t) times the net benefit of leaving women alone at 1 - t."""
    linear, event, weights = drawn
    at = np.arange(1, 20) / 20 + 0.003
    ours = net_benefit(reached(linear, at), event, at, weights)
    every = net_benefit(np.full(40, len(at)), event, at, weights)
    mirrored = net_benefit(reached(-linear, 1 - at[::-1]), ~event, 1 - at[::-1], weights)[::-1]
    assert ours - every == pytest.approx(at / (1 - at) * mirrored)


def test_thresholds_are_whole_percents_between_the_ends_of_the_range():
    assert thresholds(0.1, 0.13) == pytest.approx([0.1, 0.11, 0.12, 0.13])
    assert thresholds(0.105, 0.12) == pytest.approx([0.105, 0.11, 0.12])
    assert len(thresholds(0.01, 0.99)) == 60 and thresholds(0.3, 0.3).tolist() == [0.3]


@cache
def curves(effect=1.0):
    return curves_in_order(effect, slice(None))


def curves_in_order(effect, order):
    found, women = validated(effect)
    models = {name: Predicted.of(model) for name, model in found.models.items()}
    models = {
        name: Predicted(each.apparent[order], each.held_out[:, order], each.resampled[:, order])
        for name, each in models.items()
    }
    against = dict(pairs([OLD, NEW]))
    weights = women.weights[:, order]
    return decision_curves(models, women.event[order], weights, (0.1, 0.4), against=against)


def test_a_strategy_that_learns_nothing_is_not_corrected():
    found = curves()
    share = validated()[1].event.mean()
    every, none = (found[found["model"] == name] for name in (TREAT_ALL, TREAT_NONE))
    at = every["threshold"]
    assert every["net_benefit"].to_numpy() == pytest.approx(share - (1 - share) * at / (1 - at))
    assert (every["lower"] < every["net_benefit"]).all() and (every["net_benefit"] < every["upper"]).all()
    assert (none[["net_benefit", "lower", "upper"]] == 0).all(axis=None)
    assert (every["above_all"] == 0).all()


def test_a_curve_is_paired_with_the_one_that_it_is_compared_with():
    found = curves()
    new, old, every = (found[found["model"] == name] for name in (NEW.name, OLD.name, TREAT_ALL))
    assert new["difference"].to_numpy() == pytest.approx(
        new["net_benefit"].to_numpy() - old["net_benefit"].to_numpy()
    )
    assert new["above_all"].to_numpy() == pytest.approx(
        new["net_benefit"].to_numpy() - every["net_benefit"].to_numpy()
    )
    # paired differences are surer than the curves themselves
    width = {name: (new[f"{name}upper"] - new[f"{name}lower"]).mean() for name in ("", "difference_")}
    assert width["difference_"] < 0.8 * width[""]
    assert old["difference"].isna().all() and set(new["against"]) == {OLD.name}


def test_the_order_of_the_women_changes_no_curve():
    order = np.random.default_rng(4).permutation(300)
    pd.testing.assert_frame_equal(curves(), curves_in_order(1.0, order), rtol=1e-10)


def test_a_model_without_a_risk_has_its_reason():
    found = decision_curves({}, np.arange(9) < 3, np.ones((2, 9)), (0.1, 0.2), failures={"sets": "no risk"})
    assert only(found, model="sets")["reason"] == "no risk"


# ---- who crosses the threshold


def test_women_who_cross_are_counted_by_direction_and_outcome():
    # Events: stays above, moves up, moves down; others: moves up, stays below.
    old = logit([0.5, 0.1, 0.3, 0.1, 0.1])
    new = logit([0.4, 0.2, 0.1, 0.3, 0.15])
    event = np.array([True, True, True, False, False])
    (found,) = crossings(event, 0.2)([new, old], [np.ones(5)])
    assert found == pytest.approx([3 / 5, 2 / 5, 1 / 3, 1 / 2, 1 / 5, 1 / 3, 0])
    (heavy,) = crossings(event, 0.2)([new, old], [np.array([0, 2, 1, 0, 1.0])])
    assert heavy == pytest.approx([3 / 4, 2 / 4, 2 / 3, 0, 1 / 4, 1 / 3, 0])


@given(some_women, st.integers(0, 1000))
@settings(max_examples=20)
def test_women_who_move_up_move_down_when_models_or_outcomes_change_places(drawn, seed):
    new, event, weights = drawn
    weights = weights + 1
    old = new + np.random.default_rng(seed).normal(size=40)
    (ours,) = crossings(event, 0.3)([new, old], [weights])
    (swapped,) = crossings(event, 0.3)([old, new], [weights])
    (mirrored,) = crossings(~event, 0.7)([-new, -old], [weights])
    assert swapped == pytest.approx(ours[[0, 4, 5, 6, 1, 2, 3]])
    assert mirrored == pytest.approx(ours[[0, 4, 6, 5, 1, 3, 2]])
    assert ours[0] == pytest.approx(ours[1] + ours[4])


# ---- the whole table


def test_a_marker_that_tells_adds_value():
    found = table()
    assert only(found, quantity=VERDICT)["level"] == ADDED
    change = only(found, quantity=CHANGE_C, level="corrected")
    assert (
        0
        < change["lower"]
        < change["estimate"]
        < only(found, quantity=CHANGE_C, level="apparent")["estimate"]
    )
    assert set(found["status"]) == {ESTIMATED}
    assert found["counted"].str.startswith("300 women").all()
    told = found[found["quantity"].isin([UP, DOWN])]
    assert set(told["population"]) == {"all", "with the event", "without the event"}
    assert len(found[found["quantity"].eq(CROSS)]) == 2


def test_a_marker_that_carries_nothing_adds_none():
    found = table(0.0)
    assert only(found, quantity=VERDICT)["level"] == NONE
    assert only(found, quantity=VERDICT)["estimate"] == 0
    assert only(found, quantity=TEST)["p"] > 0.05


def test_both_the_test_and_the_interval_must_speak_for_the_markers():
    assert verdict(0.01, 0.002, 0.05) == ADDED
    assert verdict(0.01, -0.002, 0.05) == NONE
    assert verdict(0.06, 0.002, 0.05) == NONE
    assert verdict(0.5, -0.05, -0.01) == WORSE
    assert verdict(np.nan, 0.01, 0.05) == CANNOT_SAY


def test_trees_are_measured_and_not_tested():
    found, women = validated(trees=True, count=20)
    rows = added_value(found, pairs([OLD, TREES]), women, 0.25)
    assert only(rows, quantity=TEST)["status"] == NOT_ESTIMABLE
    assert only(rows, quantity=VERDICT)["status"] == NOT_ESTIMABLE
    assert only(rows, quantity=CHANGE_C, level="corrected")["status"] == ESTIMATED
    assert only(rows, quantity=CHANGE_BENEFIT, level="corrected")["status"] == ESTIMATED


def test_a_model_that_could_not_be_learned_is_said():
    found, women = validated()
    without = replace(found, models={OLD.name: found.models[OLD.name]}, failures={NEW.name: "too few"})
    rows = added_value(without, pairs([OLD, NEW]), women, 0.25)
    own = rows[rows["variable"].str.contains(" v ")]
    assert set(own["status"]) == {NOT_ESTIMABLE} and set(own["reason"]) == {"too few"}


def test_matched_sets_have_a_test_and_no_risk():
    rng = np.random.default_rng(5)
    sets, event = np.repeat(np.arange(40), 2), np.tile([True, False], 40)
    rows = pd.DataFrame(rng.normal(size=(80, 4)), columns=HISTORY + IMMUNE)
    rows["nk"] += 0.8 * event  # no resample is separated
    specs = [replace(spec, method="conditional", knots={}) for spec in (OLD, NEW)]
    drawn = resamples(event, sets, 20, 5, 1, rng)
    found = validate(specs, rows, event, drawn, sets)
    result = added_value(found, pairs(specs), Women(rows, event, sets, drawn.weights, sets), 0.25)
    assert only(result, quantity=TEST)["status"] == ESTIMATED
    assert only(result, quantity=CHANGE_C, level="corrected")["status"] == ESTIMATED
    assert "no absolute risk" in only(result, quantity=CHANGE_BENEFIT)["reason"]
    assert only(result, quantity=VERDICT)["level"] == ADDED


def test_the_fraction_of_new_information_is_one_less_the_ratio_of_the_chi_squares():
    rows, event = cohort()
    llf = {
        name: sm.Logit(event, sm.add_constant(rows[list(columns)])).fit(disp=0)
        for name, columns in (("old", HISTORY), ("new", HISTORY + IMMUNE))
    }
    expected = 1 - llf["old"].llr / llf["new"].llr
    straight = designs(rows, event, replace(NEW, knots={}))
    assert nested.fraction_of_new_information(*straight, event) == pytest.approx(expected, rel=1e-6)
    r2 = [
        measures.nagelkerke(llf[name].fittedvalues.to_numpy(), event, np.ones(300)) for name in ("new", "old")
    ]
    assert fraction_of_new_information(*r2, event.mean()) == pytest.approx(expected, rel=1e-6)
    # of a model that explains twice as little as 0.2 explains, in the limit of small R2, one half is new
    assert fraction_of_new_information(2e-6, 1e-6, 0.3) == pytest.approx(0.5, rel=1e-4)


def test_a_fraction_of_what_may_be_nothing_has_no_interval():
    place = {"quantity": NEW_INFORMATION}
    drawn = np.array([[0.1, -0.01, 0.05, 0.02], [0.01, 0.0, 0.0, 0.0]])
    found = fraction_row(np.array([0.05, 0.01]), drawn, 0.3, 0.95, place)
    assert found["estimate"] == pytest.approx(0.8, abs=0.01) and "lower" not in found
    assert "may explain nothing" in found["reason"]
    gone = fraction_row(np.array([-0.01, 0.01]), drawn, 0.3, 0.95, place)
    assert gone["status"] == NOT_ESTIMABLE


# ---- in words

WORDS = ("a loss", ["age", "earlier losses"], ["NK level"])
ASKED = Asked(*WORDS, 300, 75, {"of unknown outcome": 12}, 0.25, "immunoglobulin")


def paragraph(effect=1.0, alarms=(), asked=ASKED, **changes):
    """The conclusion from a table in which some numbers are put in the place of those computed."""
    rows = table(effect)
    change = rows["quantity"].eq(CHANGE_C) & rows["level"].eq("corrected").fillna(False)
    for column, value in changes.items():
        if column in ("p", "level"):
            rows.loc[rows["quantity"].eq(TEST if column == "p" else VERDICT), column] = value
        else:
            rows.loc[change, column] = value
    found = conclude(asked, rows, curves(effect), alarms)
    return found, " ".join(found["sentence"])


def test_added_value_is_told_with_its_numbers():
    rows, text = paragraph(estimate=0.0624, lower=0.021, upper=0.105)
    assert "Of 300 women with a known outcome 75 (25.0%) had a loss; left out: 12 of unknown outcome." in text
    assert "Added value: beyond age and earlier losses, NK level raise the c statistic by 0.062" in text
    assert "95% interval 0.021 to 0.105" in text and "on 3 degrees of freedom, p < .001" in text
    assert "as small as 0.021 or as large as 0.105" in text
    assert rows["topic"].tolist()[:3] == ["question", "verdict", "open"]
    assert rows["topic"].iloc[-1] == "closing"


def test_no_evidence_says_what_the_interval_leaves_open():
    wide = paragraph(0.0, estimate=0.01, lower=-0.04, upper=0.09)[1]
    assert "No evidence of added value:" in wide
    assert "leaves open a gain of up to 0.090: this is no evidence that the markers are of no value" in wide
    narrow = paragraph(0.0, estimate=0.001, lower=-0.01, upper=0.012)[1]
    assert "A gain of 0.05 or more is excluded, one of up to 0.012 is not." in narrow
    none = paragraph(0.0, level=WORSE, estimate=-0.03, lower=-0.05, upper=-0.01)[1]
    assert "the predictions are worse with the markers" in none and "excludes any gain" in none
    at_odds = paragraph(0.0, p=0.01, estimate=0.01, lower=-0.01, upper=0.03)[1]
    assert "The markers go with the outcome, but that they improve the predictions is not shown." in at_odds


def test_positivity_is_said_in_the_words_of_the_treatment():
    text = paragraph(alarms=[("positivity", "no normal woman was treated.")])[1]
    assert (
        "Positivity: no normal woman was treated. No effect of immunoglobulin and no untreated risk" in text
    )
    assert "risk under the treatment policy of the clinic" in text


@pytest.mark.parametrize("alarm", ["leakage suspect", "duplicated women"])
def test_no_value_is_claimed_where_an_alarm_forbids_it(alarm):
    text = paragraph(alarms=[(alarm, "c is 0.91")])[1]
    assert "Added value" not in text
    assert f"No added value is claimed, because of “{alarm}”" in text


def test_an_alarm_without_a_known_consequence_is_told_as_it_is():
    assert "Odd weather: it rained." in paragraph(alarms=[("odd weather", "it rained")])[1]


def test_what_cannot_be_said_is_said():
    rows = table()
    at = rows["quantity"].eq(VERDICT)
    rows.loc[at, ["status", "reason", "level"]] = [NOT_ESTIMABLE, "separation", pd.NA]
    text = " ".join(conclude(ASKED, rows, curves())["sentence"])
    assert "Whether immune tests add anything cannot be said: separation." in text


def test_women_who_would_be_told_otherwise_and_thresholds_are_counted():
    text = paragraph()[1]
    found = only(table(), quantity=CROSS, level="corrected")
    assert f"With the markers {100 * found['estimate']:.1f}% of women" in text and "other side of 25%" in text
    own = curves()
    better = (own.loc[own["model"].eq(NEW.name), "difference_lower"] > 0).sum()
    assert better and f"At {better} of 31 thresholds between 10% and 40%" in text
    assert "At no threshold between 10% and 40%" in paragraph(0.0)[1]


def test_a_synthetic_cohort_says_so_first():
    text = paragraph(asked=replace(ASKED, synthetic="Simulated, not patient data"))[1]
    assert text.startswith("Simulated, not patient data. Of 300 women")
