"""A fitted model, written down: the file gives its risks, and says what people must know."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from test_prediction_figures import MODELS, measures, nowhere
from test_prediction_score import SCHEMA, by_hand

from decidua.prediction import fits, predictors
from decidua.prediction.curves import CURVE, NO_RISK, RISKS, WITH, WITHOUT, calibration_curves
from decidua.prediction.design import Specification
from decidua.prediction.measures import calibration_curve
from decidua.prediction.model_file import read_model, to_json
from decidua.prediction.validation import resamples, validate
from decidua.prediction.written import about_model, write_down
from decidua.statistics.answers import NotEstimable

LABELS = {"age": "Age (years)", "nk_level": "NK level"}
UNITS = {"age": "years", "nk_level": "% of lymphocytes"}


def cohort(n=240, seed=7):
    """Women with unknown values, and a loss that hangs on age and a little on the marker."""
    rng = np.random.default_rng(seed)
    age, nk = rng.normal(33, 4, n).round(1), rng.normal(14, 5, n).clip(1).round(1)
    smoker = pd.array(rng.uniform(size=n) < 0.3, dtype="boolean")
    call = pd.Categorical(np.where(nk > 16, "abnormal", "normal"), ["normal", "abnormal"])
    rows = pd.DataFrame({"age": age, "nk_level": nk, "smoker": smoker, "call": call})
    for column, share in (("age", 0.05), ("nk_level", 0.2), ("smoker", 0.1)):
        rows.loc[rng.uniform(size=n) < share, column] = pd.NA
    event = rng.uniform(size=n) < 1 / (1 + np.exp(1.2 - 0.12 * (age - 33) - 0.03 * (nk - 14)))
    return rows, event


def about(fitted, **changes):
    given = {
        "title": "A clinic's model",
        "outcome": "live_birth",
        "event_value": False,
        "event": "loss of the next pregnancy",
        "moment": "before_pregnancy",
        "left_out": {"outcome not known": 12},
        "performance": measures(),
        "alarms": [{"name": "positivity", "reason": "all abnormal women were treated"}],
        "provenance": {"version": "v1"},
    }
    return about_model(fitted=fitted, **given | changes)


@pytest.mark.parametrize("method", ["ridge", "firth"])
def test_the_risk_of_a_woman_by_hand_from_the_file_is_that_of_the_fitted_model(method, tmp_path):
    rows, event = cohort()
    columns = ("age", "nk_level", "smoker", "call")
    spec = Specification("history + immune", columns, {"age": 3, "nk_level": 4}, method)
    fitted = fits.fit(spec, rows, event)
    path = tmp_path / "model.json"
    path.write_text(to_json(write_down(fitted, LABELS, UNITS, about(fitted))), encoding="utf-8")
    risks = fitted.risk(rows)
    assert read_model(path, SCHEMA).risk(rows) == pytest.approx(risks, rel=1e-12)
    content = json.loads(path.read_text(encoding="utf-8"))
    for i in range(0, len(rows), 24):
        woman = {name: None if pd.isna(value) else value for name, value in rows.iloc[i].items()}
        woman["call"] = content["predictors"][3]["levels"][woman["call"]]
        assert by_hand(content, woman) == pytest.approx(risks[i], rel=1e-12)


def fitted_by_hand():
    predictor = predictors.Predictor(
        name="age", type="number", mean=33.0, range=(22.1234, 44.0), imputation=(33.0, {}), knots=(),
        centre=(33.0,), scale=(4.0,), coefficients=(np.float64(0.25),),
    )  # fmt: skip
    spec = Specification(MODELS[1], ("age",))
    return fits.Fitted(spec, np.float64(-1.0), (predictor,), 2.5, 0.9, 240, 60, -130.0, np.eye(2), ("note",))


def test_a_model_says_what_it_is_for_whom_it_was_learned_from_and_how_good_it_is(tmp_path):
    fitted = fitted_by_hand()
    table = measures()
    gone = (table["variable"] == MODELS[1]) & (table["quantity"] == "scaled Brier score")
    table = pd.concat([table[~gone], nowhere(table[gone])], ignore_index=True)
    path = tmp_path / "model.json"
    text = to_json(write_down(fitted, {}, {}, about(fitted, performance=table)))
    path.write_text(text, encoding="utf-8")
    found = read_model(path, SCHEMA)
    assert math.exp(-1.0) / (1 + math.exp(-1.0)) == pytest.approx(
        found.risk(pd.DataFrame({"age": [33.0]}))[0]
    )
    training = found.about["training"]
    assert (training["women"], training["events"], training["penalty"]) == (240, 60, 2.5)
    assert training["left_out"] == {"outcome not known": 12}
    told = {(row["quantity"], row["level"]) for row in found.about["performance"]}
    wanted = ("c statistic", "calibration in the large", "calibration slope")
    assert told == {(measure, way) for measure in wanted for way in ("apparent", "corrected")}
    assert found.about["alarms"][0]["name"] == "positivity"
    assert any("RCOG Green-top Guideline 17 (2023)" in text for text in found.about["not_for"])
    assert any("treatment" in text for text in found.about["not_for"])
    assert found.predictors[0].range == (22.1, 44.0)  # rounded: the end need not be one woman's value


def test_the_same_model_gives_the_same_bytes():
    fitted = fitted_by_hand()
    one, two = (to_json(write_down(fitted, LABELS, UNITS, about(fitted))) for _ in range(2))
    assert one == two and "NaN" not in one


def test_what_is_no_list_of_coefficients_or_knows_no_risk_is_not_written_down():
    rows, event = cohort()
    boosted = fits.fit(Specification("boosted", ("age", "nk_level"), method="boosting"), rows, event)
    with pytest.raises(NotEstimable, match="trees"):
        write_down(boosted, {}, {}, {})
    sets = np.repeat(np.arange(80), 3)
    event = np.tile([True, False, False], 80)
    matched = fits.fit(Specification("matched", ("age",), method="conditional"), rows, event, sets=sets)
    with pytest.raises(NotEstimable, match="absolute risk"):
        write_down(matched, {}, {}, {})


def test_calibration_curves_of_a_model_are_those_of_its_own_log_odds():
    rows, event = cohort()
    groups = np.arange(len(event))
    drawn = resamples(event, groups, 20, 3, 2, np.random.default_rng(1))
    found = validate([Specification("history", ("age", "smoker"))], rows, event, drawn)
    one = found.models["history"]
    one.held_out[0, :5] = np.nan  # as of a fold whose training set gave no model
    table = calibration_curves(found.models.values(), event, groups, failures={"immune": "nothing is known"})
    apparent = table[(table["shown"] == CURVE) & (table["way"] == "apparent")]
    expected = calibration_curve(one.apparent, event, groups)
    assert apparent["observed"].to_numpy() == pytest.approx(expected.observed)
    corrected = table[(table["shown"] == CURVE) & (table["way"] == "corrected")]
    assert corrected["observed"].notna().all() and (corrected["lower"] < corrected["upper"]).all()
    bars = table[table["shown"] == RISKS]
    assert set(bars["way"]) == {WITH, WITHOUT}
    shares = bars["observed"] * (bars["upper"] - bars["lower"])
    assert shares.sum() == pytest.approx(1)
    assert table[table["model"] == "immune"]["reason"].tolist() == ["nothing is known"]


def test_matched_sets_have_no_calibration_and_it_is_said_why():
    rng = np.random.default_rng(3)
    event, groups = np.tile([True, False, False], 40), np.repeat(np.arange(40), 3)
    rows = pd.DataFrame({"age": rng.normal(size=120) + event})
    spec = Specification("history", ("age",), method="conditional")
    found = validate([spec], rows, event, resamples(event, groups, 5, 2, 1, rng), groups)
    table = calibration_curves(found.models.values(), event, groups)
    assert table["reason"].tolist() == [NO_RISK]
