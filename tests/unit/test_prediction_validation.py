"""Validation of prediction models: nothing leaks, models are paired, and noise is found to be noise."""

import numpy as np
import pandas as pd
import pytest

from decidua.prediction import design, measures, validation
from decidua.prediction.design import Specification
from decidua.prediction.fits import fit
from decidua.statistics.answers import NotEstimable

HISTORY = Specification("history", ("age", "miscarriages"), family=design.HISTORY)
BOTH = Specification("history + immune", ("age", "miscarriages", "m1", "m2"))


def women(n: int = 160, seed: int = 1, unknown: float = 0.0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    event = rng.random(n) < 1 / (1 + np.exp(1.0 - 0.8 * x[:, 0]))
    x[rng.random(x.shape) < unknown] = np.nan
    return pd.DataFrame(x, columns=["age", "miscarriages", "m1", "m2"]), event


def drawn(event: np.ndarray, count: int = 20, repeats: int = 2, seed: int = 7) -> validation.Resamples:
    groups = np.arange(len(event))
    return validation.resamples(event, groups, count, 5, repeats, np.random.default_rng(seed))


def test_a_woman_with_several_pregnancies_is_never_split():
    groups = np.repeat([f"w{i}" for i in range(30)], 2)
    event = np.arange(60) % 3 == 0
    found = validation.resamples(event, groups, 10, 5, 4, np.random.default_rng(1))
    for each in (*found.weights, *found.folds):
        assert (each[0::2] == each[1::2]).all()
    assert found.weights.sum(axis=1).tolist() == [60] * 10


@pytest.mark.parametrize("knots", [{}, {"age": 3}])
def test_what_is_held_out_has_no_part_in_its_prediction(knots):
    """Outcomes of one fold are turned over, and the predictors of one of its women: nothing of them reaches
    the predictions of the others in the fold."""
    rows, event = women(unknown=0.1)
    spec = Specification("m", BOTH.columns, knots)
    dealt = drawn(event)
    fold = dealt.folds[0] == 2
    turned = np.where(fold, ~event, event)
    changed = rows.copy()
    first = np.flatnonzero(fold)[0]
    changed.loc[first] = [50.0, -50.0, 50.0, -50.0]
    before = validation.validate([spec], rows, event, dealt).models["m"].held_out[0]
    after = validation.validate([spec], changed, turned, dealt).models["m"].held_out[0]
    others = fold & (np.arange(len(event)) != first)
    assert after[others] == pytest.approx(before[others], abs=1e-12)
    assert after[first] != pytest.approx(before[first])


def test_optimism_and_interval_are_what_their_definition_says():
    """Each resample's model is learned anew by `fit`, told of the resample and of all women, by hand."""
    rows, event = women(unknown=0.1)
    dealt = drawn(event)
    found = validation.validate([BOTH], rows, event, dealt).models[BOTH.name]
    optimism, moved, anew = [], [], []
    whole = fit(BOTH, rows, event).linear_predictor(rows)
    for weights in dealt.weights:
        linear = fit(BOTH, rows, event, weights).linear_predictor(rows)
        anew.append(measures.c_statistic(linear, event, weights.astype(float)))
        optimism.append(anew[-1] - measures.c_statistic(linear, event))
        moved.append(measures.c_statistic(whole, event, weights.astype(float)))
    apparent = measures.c_statistic(whole, event)
    half = 1.959964 * max(np.std(moved, ddof=1), np.std(anew, ddof=1))
    row = found.measures.set_index("measure").loc[measures.C]
    assert row["corrected"] == pytest.approx(apparent - np.mean(optimism), abs=1e-9)
    held_out = np.mean([measures.c_statistic(each, event) for each in found.held_out])
    assert row["cross_validated"] == pytest.approx(held_out, abs=1e-9)
    assert row["high"] == pytest.approx(max(row["corrected"], held_out) + half, rel=1e-6)
    assert row["low"] == pytest.approx(min(row["corrected"], held_out) - half, rel=1e-6)


def test_a_difference_is_paired_over_the_same_resamples():
    rows, event = women()
    models = validation.validate([HISTORY, BOTH], rows, event, drawn(event)).models
    new, old = models[BOTH.name], models[HISTORY.name]
    found = validation.difference(new, old, measures.C)
    paired = validation.optimism_of(new.resampled, measures.C) - validation.optimism_of(
        old.resampled, measures.C
    )
    assert found["corrected"] == pytest.approx(found["apparent"] - paired.mean())
    spread = max(
        (new.resampled[f"{measures.C}: {way}"] - old.resampled[f"{measures.C}: {way}"]).std()
        for way in (validation.FIXED, validation.IN_RESAMPLE)
    )
    both = [found["corrected"], found["cross_validated"]]
    assert min(both) - found["low"] == pytest.approx(1.959964 * spread, rel=1e-6)
    assert found["high"] - max(both) == pytest.approx(1.959964 * spread, rel=1e-6)


def test_a_model_against_itself_gains_nothing():
    rows, event = women()
    one = validation.validate([BOTH], rows, event, drawn(event)).models[BOTH.name]
    assert set(validation.difference(one, one, measures.BRIER).values()) == {0.0}


def test_processes_share_the_work_and_change_no_bit():
    rows, event = women()
    dealt = drawn(event, 60)
    alone = validation.validate([BOTH], rows, event, dealt).models[BOTH.name]
    shared = validation.validate([BOTH], rows, event, dealt, processes=2).models[BOTH.name]
    pd.testing.assert_frame_equal(alone.resampled, shared.resampled, check_exact=True)
    assert (alone.resampled_linear == shared.resampled_linear).all()


def test_markers_that_carry_nothing_look_good_only_on_the_women_they_were_learned_from():
    rng = np.random.default_rng(3)
    rows = pd.DataFrame(rng.normal(size=(120, 10)), columns=[f"m{i}" for i in range(10)])
    event = rng.random(120) < 0.3
    spec = Specification("m", tuple(rows), method=design.MAXIMUM_LIKELIHOOD)
    table = validation.validate([spec], rows, event, drawn(event, 100)).models["m"].measures
    row = table.set_index("measure").loc[measures.C]
    assert row["apparent"] > 0.65
    assert row["corrected"] < row["apparent"] - 0.05
    assert row["cross_validated"] < row["apparent"] - 0.05


def test_boosted_trees_are_told_by_what_was_held_out():
    rows, event = women(unknown=0.1)
    spec = Specification("trees", BOTH.columns, method=design.BOOSTING)
    found = validation.validate([spec, HISTORY], rows, event, drawn(event, 10, 1))
    row = found.models["trees"].measures.set_index("measure").loc[measures.C]
    assert row["cross_validated"] < row["apparent"]
    assert row["low"] <= row["corrected"] <= row["high"]
    assert "held-out" in row["interval"]
    against = validation.difference(found.models["trees"], found.models["history"], measures.C)
    assert against["low"] <= against["corrected"] <= against["high"]


def test_of_matched_sets_only_the_order_within_a_set_is_told():
    rng = np.random.default_rng(2)
    sets = np.repeat(np.arange(40), 3)
    rows = pd.DataFrame({"a": rng.normal(size=120)})
    event = np.tile([True, False, False], 40)
    rows.loc[event, "a"] += 1.0
    spec = Specification("m", ("a",), method=design.CONDITIONAL)
    dealt = validation.resamples(event, sets, 10, 5, 1, rng)
    table = validation.validate([spec], rows, event, dealt, sets=sets).models["m"].measures
    assert table["measure"].tolist() == [measures.WITHIN_SETS]
    a = rows["a"].to_numpy().reshape(40, 3)
    assert table["apparent"][0] == pytest.approx((a[:, :1] > a[:, 1:]).mean())


def test_a_model_that_cannot_be_learned_says_why_and_the_others_go_on():
    rows, event = women()
    empty = Specification("empty", ("nothing",))
    found = validation.validate([empty, HISTORY], rows.assign(nothing=np.nan), event, drawn(event, 5, 1))
    assert "nothing is known of nothing" in found.failures["empty"]
    assert list(found.models) == ["history"]


def test_a_centre_is_told_by_a_model_of_all_other_centres():
    rows, event = women()
    centre = np.where(np.arange(160) % 3 == 0, "A", "B")
    found = validation.left_out_in_turn(BOTH, rows, event, centre)
    at = centre == "A"
    linear = fit(BOTH, rows[~at], event[~at]).linear_predictor(rows[at])
    row = found[(found["where"] == "A") & (found["measure"] == measures.SLOPE)].iloc[0]
    assert row["estimate"] == pytest.approx(measures.calibration_slope(linear, event[at]))
    assert row["n"] == at.sum()


def test_later_women_are_told_by_a_model_of_earlier_ones():
    rows, event = women()
    date = pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(160) * 7 % 160, "D"))
    date[5] = pd.NaT
    found = validation.later_in_time(BOTH, rows, event, date.to_numpy())
    known = date.notna().to_numpy()
    border = date[known].sort_values().iloc[int(np.ceil(159 * 2 / 3)) - 1]
    early, late = known & (date <= border).to_numpy(), known & (date > border).to_numpy()
    linear = fit(BOTH, rows[early], event[early]).linear_predictor(rows[late])
    row = found.set_index("measure").loc[measures.C]
    assert row["estimate"] == pytest.approx(measures.c_statistic(linear, event[late]))
    assert row["where"] == f"after {border:%Y-%m-%d}"


def test_a_centre_with_few_events_is_not_estimable():
    rows, event = women()
    centre = np.where(np.arange(160) < 12, "small", "large")
    found = validation.left_out_in_turn(BOTH, rows, event, centre)
    small = found[found["where"] == "small"]
    assert small["estimate"].isna().all()
    assert small["reason"].str.contains("fewer than").all()


def test_a_measure_that_is_not_there_has_no_difference():
    rows, event = women()
    one = validation.validate([HISTORY], rows, event, drawn(event, 5, 1)).models["history"]
    with pytest.raises(NotEstimable, match="not estimable"):
        validation.difference(one, one, measures.WITHIN_SETS)
