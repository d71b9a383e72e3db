"""The chapter as a whole: every table is there, the data may be bent, and nothing is pretended."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from test_config import DEFAULT, ROOT
from test_prediction_published import BRIGHAM
from test_prediction_question import WHEN, calls, cohort

from decidua.markers import NORMAL, Panel
from decidua.prediction.chapter import FIRTHS, Words, chapter
from decidua.prediction.measures import BRIER, C
from decidua.prediction.published import AS_PUBLISHED
from decidua.results import NOT_ESTIMABLE

TABLES = {
    "question", "sample_size", "performance", "calibration", "added_value", "decision_curves", "coefficients",
    "strata", "markers", "blood_panel", "alarms", "conclusion", "published",
}  # fmt: skip
PANEL = Panel.load(ROOT / "tests/configs/clinic_panel.yaml")


def told(women, when=None, **prediction):
    settings = {
        "prediction": DEFAULT["prediction"] | {"resamples": 20, "repeats": 1, "folds": 2} | prediction,
        "analysis": {"treatment": "dose", "group": None, "cases": None, "confidence": 0.95},
        "when": WHEN | (when or {}),
    }
    marks = calls(women).assign(subgroup=NORMAL, immunity=NORMAL)
    said, rng = Words("A clinic", {}, {}), np.random.default_rng(1)
    return chapter(settings, women, marks, PANEL, said, rng, [BRIGHAM])


def test_every_table_is_there_with_a_model_and_a_row_a_woman_and_model():
    women = cohort(160)
    found = told(women)
    assert set(found.tables) == TABLES and not any(
        table.empty for table in found.tables.values() if table is not found.tables["alarms"]
    )
    known = int(women["live_birth"].notna().sum())
    assert (found.predictions.groupby("model")["id"].nunique() == known).all()
    assert json.loads(found.model)["about"]["training"]["women"] == known
    assert "outcome known only for some" in set(found.tables["alarms"]["alarm"])


def test_treatment_that_follows_the_marker_is_an_alarm_and_stands_in_the_conclusion():
    women = cohort(160)
    women["dose"] = np.where(women["nk_level"] > 16, 30.0, 0.0)
    found = told(women)
    alarms = found.tables["alarms"]
    assert {"performance", "added_value", "decision_curves", "markers", "model"} == set(
        alarms.loc[alarms["alarm"] == "positivity", "where"]
    )
    said = " ".join(found.tables["conclusion"]["sentence"])
    assert "no untreated risk can be estimated" in said
    assert any(alarm["name"] == "positivity" for alarm in json.loads(found.model)["about"]["alarms"])


def test_treatment_that_nearly_follows_the_marker_is_an_alarm_too():
    women = cohort(160)
    follows = women["nk_level"] > 16
    for kind in (follows, ~follows):  # one woman of each is treated otherwise than the others
        follows = follows.where(women.index != women.index[kind & women["nk_level"].notna()][0], ~follows)
    women["dose"] = np.where(follows, 30.0, 0.0)
    alarms = told(women).tables["alarms"].set_index("alarm")["reason"]
    assert "hardly be told apart" in alarms.loc[["positivity"]].iloc[0]


def test_a_cohort_that_cannot_answer_gets_every_table_with_the_reason():
    women = cohort().drop(columns="live_birth")
    found = told(women)
    assert set(found.tables) == TABLES
    assert (found.tables["performance"]["status"] == NOT_ESTIMABLE).all()
    assert "live_birth is no yes/no column" in found.tables["conclusion"]["sentence"].iloc[0]
    assert "not_estimable" in json.loads(found.model) and found.predictions.empty


def test_the_order_of_the_rows_changes_no_number():
    women = cohort(120)
    mixed = women.sample(frac=1, random_state=1).reset_index(drop=True)
    one, two = told(women), told(mixed)
    for name in ("performance", "added_value", "coefficients"):
        pd.testing.assert_frame_equal(one.tables[name], two.tables[name])
    assert one.model == two.model


def test_a_published_model_is_held_against_the_women_of_the_chapter_whichever_end_is_asked_for():
    women = cohort(160).assign(miscarriages=np.random.default_rng(2).integers(2, 6, 160))
    when = {"miscarriages": "before_pregnancy"}
    of_loss = told(women, when).tables["published"]
    of_birth = told(women, when, event=True).tables["published"]
    known = women[women[["live_birth", *BRIGHAM.columns]].notna().all(axis=1)]
    risk = expit(BRIGHAM.linear_predictor(known))
    # by hand: the mean squared distance of its risk of a loss from what came
    brier = np.mean((risk - ~known["live_birth"].astype(bool)) ** 2)
    for table in (of_loss, of_birth):
        row = table[(table["level"] == AS_PUBLISHED) & (table["quantity"] == BRIER)].iloc[0]
        assert row["estimate"] == pytest.approx(brier)
        assert row["lower"] < brier < row["upper"]
        assert row["denominator"] == len(known)


def test_a_cohort_without_its_predictors_says_what_a_published_model_needs():
    table = told(cohort(160)).tables["published"]
    assert set(table["status"]) == {NOT_ESTIMABLE}
    assert table["reason"].str.contains("the cohort lacks miscarriages, which brigham1999 needs").all()


def test_a_published_model_is_not_held_against_matched_sets_nor_fed_what_is_known_later():
    women = cohort(160).assign(miscarriages=3, pair=np.repeat(np.arange(80), 2))
    matched = told(women, sets="pair").tables["published"]
    assert matched["reason"].str.startswith("matched sets hold no absolute risk").all()
    late = told(women, when={"miscarriages": "after"}).tables["published"]
    assert set(late["status"]) == {NOT_ESTIMABLE} and late["reason"].str.startswith("miscarriages: ").all()


def test_firths_model_is_learned_where_the_women_bear_it_or_when_told_to_and_never_declares_added_value():
    few = told(cohort(160)).tables["performance"]
    assert "learned with go_on" in few.loc[few["variable"] == FIRTHS, "reason"].iloc[0]
    for chapter_ in (told(cohort(160), go_on=True), told(cohort(160), anticipated_c=0.95)):
        rows = chapter_.tables["performance"]
        rows = rows[(rows["variable"] == FIRTHS) & (rows["quantity"] == C)]
        assert set(rows["level"]) == {"apparent", "corrected", "cross-validated"}
        assert not chapter_.tables["added_value"]["variable"].str.contains("Firth").any()
