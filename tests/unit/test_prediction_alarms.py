"""Does every doubt have a name, a place and a reason, and none where there is no doubt?"""

import numpy as np
import pandas as pd
import pytest

from decidua.prediction import alarms
from decidua.prediction.alarms import (
    COLUMNS,
    FEW_EVENTS,
    LEAKAGE,
    POSITIVITY,
    SEPARATION,
    SEVERAL_ROWS,
    TOO_MANY,
    UNKNOWN_OUTCOME,
    alarms_table,
)


def calls(*values, name="nk"):
    return pd.DataFrame({name: pd.array(values, dtype="boolean")})


def doses(*values):
    return pd.Series(pd.array(values, dtype="Float64"))


def test_where_all_abnormal_and_no_normal_women_were_treated_the_two_cannot_be_told_apart():
    # As in Han et al. 2025: treatment by protocol.
    found = list(alarms.positivity(doses(20, 30, 0, 0), calls(True, True, False, False)))
    assert {alarm.where for alarm in found} == set(alarms.UNDER_TREATMENT)
    for alarm in found:
        assert alarm.alarm == POSITIVITY
        assert "every abnormal and no normal woman was treated" in alarm.reason


def test_treatment_of_any_abnormal_marker_is_a_tie_and_one_that_nearly_is_is_told_in_numbers():
    treatment = doses(*[20.0] * 40, *[0.0] * 20)
    nk = calls(*[True] * 20, *[False] * 40)
    both = pd.concat([nk, calls(*[False] * 20, *[True] * 20, *[False] * 20, name="th1_th2")], axis=1)
    assert all(a.reason.startswith("every abnormal and no") for a in alarms.positivity(treatment, both))
    # Of one marker's abnormal women all are treated, of its normal ones half, for the other marker.
    (reason,) = {alarm.reason for alarm in alarms.positivity(treatment, nk)}
    assert reason.startswith("20 of 20 abnormal women were treated") and "hardly" in reason


def test_where_either_kind_was_treated_at_times_there_is_no_alarm():
    treatment, abnormal = doses(*[20, 0] * 20), calls(*[True] * 20, *[False] * 20)
    assert not list(alarms.positivity(treatment, abnormal))
    assert not list(alarms.positivity(None, abnormal))
    assert not list(alarms.positivity(treatment, calls(*[True] * 40)[[]]))


def test_women_of_unknown_treatment_or_call_decide_nothing():
    found = list(alarms.positivity(doses(20, None, 0, 20), calls(True, False, False, None)))
    assert {alarm.where for alarm in found} == set(alarms.UNDER_TREATMENT)


def test_an_outcome_known_for_some_is_told_with_its_best_and_worst_case():
    # 20 of 80 known women had the event, 20 women are unknown: 20/100 to 40/100.
    reasons = {alarm.reason for alarm in alarms.outcome_known_for_some(20, 80, 20)}
    assert len(reasons) == 1
    reason = reasons.pop()
    assert "outcome of 20 of 100 women is not known" in reason
    assert "25.0% of those who are known, 20.0% of all" in reason
    assert "40.0% if all of them had" in reason
    assert not list(alarms.outcome_known_for_some(20, 100, 0))
    assert all("not known" in alarm.reason for alarm in alarms.outcome_known_for_some(0, 0, 5))
    assert {alarm.alarm for alarm in alarms.outcome_known_for_some(0, 0, 5)} == {UNKNOWN_OUTCOME}


@pytest.mark.parametrize("sign", [1, -1])
def test_a_predictor_that_parts_the_outcomes_is_named(sign):
    rows = pd.DataFrame({"age": [30, 31, 32, 33, 34, 35], "nk": sign * np.array([1, 2, 3, 3, 5, 6.0])})
    event = np.array([False, False, False, True, True, True])
    found = list(alarms.separation(rows[["nk"]], event, {"immune": ["nk"], "history": ["age"]}))
    assert [(alarm.alarm, alarm.where) for alarm in found] == [(SEPARATION, "immune")]
    assert "certain from nk" in found[0].reason


def test_predictors_that_part_the_outcomes_together_only_are_found_too():
    # The event is a + b > 10, and neither a nor b alone tells it.
    rng = np.random.default_rng(1)
    rows = pd.DataFrame(rng.uniform(0, 10, (60, 2)), columns=["a", "b"])
    event = (rows["a"] + rows["b"] > 10).to_numpy()
    models = {"alone": ["a"], "together": ["a", "b"]}
    found = list(alarms.separation(rows, event, models))
    assert [alarm.where for alarm in found] == ["together"]
    assert "a and b together" in found[0].reason
    assert not list(alarms.separation(rows, rng.permutation(event), models))


def test_separation_is_the_same_whichever_outcome_is_the_event_and_in_any_order_of_women():
    rng = np.random.default_rng(2)
    rows = pd.DataFrame(rng.normal(size=(40, 2)), columns=["a", "b"])
    event = (rows["a"] - 2 * rows["b"] > 0.5).to_numpy()
    mixed = rng.permutation(40)
    found = [
        list(alarms.separation(r, e, {"model": ["a", "b"]}))
        for r, e in ((rows, event), (rows, ~event), (rows.iloc[mixed], event[mixed]))
    ]
    assert found[0] and found[0] == found[1] == found[2]


def test_constant_unknown_and_worded_predictors_part_nothing():
    rows = pd.DataFrame({"same": [1.0] * 4, "none": [np.nan] * 4, "words": list("abcd")})
    event = np.array([True, True, False, False])
    assert not list(alarms.separation(rows, event, {"model": list(rows)}))


def test_few_events_are_told_of_the_models_that_are_too_large_for_them():
    event = np.repeat([True, False], [30, 70])
    for seen in (event, ~event):
        found = list(alarms.too_few_events(seen, {"history": 3, "history + immune": 4}))
        assert [(alarm.alarm, alarm.where) for alarm in found] == [(FEW_EVENTS, "history + immune")]
        assert found[0].reason == ("30 women of the rarer outcome for 4 parameters, fewer than 10 for each")


def test_a_c_statistic_above_0_80_is_a_suspect_and_not_a_success():
    found = list(alarms.leakage({"a": 0.80, "b": 0.83, "c": float("nan")}))
    assert [(alarm.alarm, alarm.where) for alarm in found] == [(LEAKAGE, "b")]
    assert "0.83" in found[0].reason


def test_rows_of_a_woman_are_said_to_stay_together():
    found = list(alarms.in_several_rows(pd.Series(["x", "x", "x", "y", "z", "z", None, None])))
    assert {alarm.alarm for alarm in found} == {SEVERAL_ROWS}
    assert found[0].reason.startswith("2 women have more than one row, 5 rows together")
    assert not list(alarms.in_several_rows(pd.Series(["x", "y", None, None])))
    assert not list(alarms.in_several_rows(None))


def test_more_parameters_than_the_women_bear_are_told_wherever_the_model_is():
    found = list(alarms.too_many_parameters("7 parameters where these women can bear 2"))
    assert {alarm.where for alarm in found} == set(alarms.OF_THE_SIZE)
    assert {(alarm.alarm, alarm.reason) for alarm in found} == {
        (TOO_MANY, "7 parameters where these women can bear 2")
    }
    assert not list(alarms.too_many_parameters(""))


def test_women_who_are_alike_in_all_are_suspected_to_be_one_only_where_that_is_no_chance():
    rows = pd.DataFrame({"nk": np.arange(20.0), "parity": [0, 1] * 10})
    event = np.arange(20) < 5
    twice, seen = pd.concat([rows, rows.iloc[:2]]), np.r_[event, event[:2]]
    (reason,) = {alarm.reason for alarm in alarms.suspected_duplicates(twice, seen)}
    assert reason.startswith("2 rows are the same")
    assert not list(alarms.suspected_duplicates(twice, np.r_[event, ~event[:2]]))
    assert not list(alarms.suspected_duplicates(rows[["parity"]], event))


def test_the_table_holds_each_alarm_once_and_may_be_empty():
    once = alarms.Alarm("a", "b", "c")
    assert alarms_table([once, once]).to_dict("list") == {"alarm": ["a"], "where": ["b"], "reason": ["c"]}
    assert list(alarms_table([]).columns) == list(COLUMNS)
