"""Does a published model give the risks that it is known for, and say so where it cannot?"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from decidua.config import load_yaml
from decidua.errors import InputError
from decidua.prediction.measures import C
from decidua.prediction.published import (
    AS_PUBLISHED,
    HOW,
    NEW_INTERCEPT,
    NEW_LINE,
    Published,
    applied,
    published_table,
)
from decidua.statistics.answers import NotEstimable

WORKFLOW = Path(__file__).parents[2] / "workflow"
GIVEN = load_yaml(WORKFLOW / "resources" / "models" / "brigham1999.yaml")
SCHEMA = load_yaml(WORKFLOW / "schemas" / "prediction_published.schema.yaml")
BRIGHAM = Published.of(GIVEN, SCHEMA)


def women(n=400, seed=1):
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"age": rng.uniform(22, 40, n), "miscarriages": rng.integers(2, 6, n)})
    return rows, rng.random(n) < 0.5 * risk_of_loss(rows) + 0.2


def risk_of_loss(rows):
    return 1 / (1 + np.exp(4.636 - 0.0833 * rows["age"] - 0.2485 * rows["miscarriages"]))


@pytest.mark.parametrize(
    ("age", "losses", "quoted", "by_hand"),
    # By hand: 1 / (1 + exp(-(4.636 - 0.0833 age - 0.2485 losses))), log odds of success 2.473, 2.0565, 1.64,
    # 1.2235, 0.807, 1.3915, 0.8945.
    [
        (20, 2, 92, 92.2),
        (25, 2, 89, 88.7),
        (30, 2, 84, 83.8),
        (35, 2, 77, 77.3),
        (40, 2, 69, 69.1),
        (30, 3, 80, 80.1),
        (30, 5, 71, 71.0),
    ],
)
def test_the_seven_quoted_predictions_of_brigham_are_met_as_risks_of_a_loss(age, losses, quoted, by_hand):
    rows = pd.DataFrame({"age": [age], "miscarriages": [losses]})
    linear = BRIGHAM.linear_predictor(rows)
    success = 100 * (1 - 1 / (1 + np.exp(-linear[0])))
    assert success == pytest.approx(by_hand, abs=0.06)
    assert success == pytest.approx(quoted, abs=0.4)
    assert {"age": age, "miscarriages": losses, "predicted": quoted} in BRIGHAM.quoted


def test_its_provenance_and_its_external_validation_stand_beside_its_numbers():
    rows, event = women()
    table = published_table(applied(BRIGHAM, rows, event), event)
    assert table["reason"].str.contains("reconstructed").all()
    assert table["reason"].str.contains("739 women.*poor discrimination").all()
    assert table.loc[table["level"] != AS_PUBLISHED, "reason"].str.startswith("apparent").all()


def test_recalibrated_the_predicted_events_are_as_many_as_there_are_and_the_order_stays():
    import statsmodels.api as sm

    rows, event = women()
    found = applied(BRIGHAM, rows, event)
    for how in (NEW_INTERCEPT, NEW_LINE):
        assert found[how].risk.sum() == pytest.approx(event.sum(), abs=1e-6)
    linear = found[AS_PUBLISHED].linear
    model = sm.GLM(event.astype(float), sm.add_constant(linear), family=sm.families.Binomial()).fit()
    assert [found[NEW_LINE].intercept, found[NEW_LINE].slope] == pytest.approx(list(model.params), abs=1e-5)
    offset = sm.GLM(
        event.astype(float), np.ones(len(event)), family=sm.families.Binomial(), offset=linear
    ).fit()
    assert found[NEW_INTERCEPT].intercept == pytest.approx(float(np.asarray(offset.params)[0]), abs=1e-6)
    table = published_table(found, event)
    cs = table.loc[table["quantity"] == C, "estimate"]
    assert len(cs) == 3 and np.ptp(cs) == pytest.approx(0, abs=1e-12)


def test_a_weight_counts_a_woman_that_often():
    rows, event = women(120)
    weights = np.arange(120) % 3
    often = np.repeat(np.arange(120), weights)
    weighted = applied(BRIGHAM, rows, event, weights)[NEW_LINE]
    copied = applied(BRIGHAM, rows.iloc[often], event[often])[NEW_LINE]
    assert (weighted.intercept, weighted.slope) == pytest.approx((copied.intercept, copied.slope), abs=1e-6)


def test_missing_columns_are_named_and_nothing_is_estimable():
    rows, event = women()
    found = applied(BRIGHAM, rows.drop(columns=["miscarriages"]), event)
    assert set(found) == set(HOW)
    assert all("lacks miscarriages" in one.reason and np.isnan(one.risk).all() for one in found.values())
    table = published_table(found, event)
    assert (table["status"] == "not estimable").all() and table["reason"].notna().all()
    with pytest.raises(NotEstimable, match="lacks age and miscarriages"):
        BRIGHAM.linear_predictor(rows[[]])


def test_words_instead_of_numbers_are_refused_by_name():
    rows, event = women()
    assert "age: no numbers" in applied(BRIGHAM, rows.assign(age="old"), event)[NEW_LINE].reason


def test_another_outcome_is_not_what_the_model_predicts():
    rows, event = women()
    assert not applied(BRIGHAM, rows, event, outcome="live_birth")[AS_PUBLISHED].reason
    other = applied(BRIGHAM, rows, event, outcome="preterm_birth")[AS_PUBLISHED]
    assert other.reason == "brigham1999 predicts live_birth, the question is preterm_birth"


def test_women_with_an_unknown_predictor_are_left_out_and_counted():
    rows, event = women(100)
    rows = rows.astype("Float64")
    rows.loc[:4, "age"] = pd.NA
    one = applied(BRIGHAM, rows, event)[NEW_INTERCEPT]
    assert one.unknown == 5 and np.isnan(one.risk[:5]).all() and not np.isnan(one.risk[5:]).any()
    assert one.counted == "95 women with known age and miscarriages; 5 with an unknown one left out"
    rest = applied(BRIGHAM, rows.iloc[5:], event[5:])[NEW_INTERCEPT]
    assert one.intercept == rest.intercept
    nobody = applied(BRIGHAM, rows.iloc[:5], event[:5])[AS_PUBLISHED]
    assert nobody.reason == "no woman has every predictor of it known"


def test_women_beyond_what_it_is_known_for_are_counted_in_the_caution():
    rows = pd.DataFrame({"age": [19.0, 30, 41, 30], "miscarriages": [2, 2, 3, 9]})
    one = applied(BRIGHAM, rows, np.array([True, False, True, False]))[AS_PUBLISHED]
    assert one.outside == 3 and "3 women are outside" in one.caution


def test_with_one_outcome_only_it_stands_as_published_and_cannot_be_recalibrated():
    rows, event = women(50)
    found = applied(BRIGHAM, rows, np.zeros(50, dtype=bool))
    assert not found[AS_PUBLISHED].reason
    assert found[NEW_INTERCEPT].reason and found[NEW_LINE].reason
    table = published_table(found, np.zeros(50, dtype=bool))
    assert (table["estimate"].notna() | (table["status"] == "not estimable")).all()


def test_a_model_file_that_holds_something_else_tells_every_problem():
    wrong = {**GIVEN, "obtained": "guessed", "intercept": "large"}
    with pytest.raises(InputError) as told:
        Published.of(wrong, SCHEMA, "model.yaml")
    assert len(told.value.problems) == 2 and "model.yaml: " in str(told.value)
    without = {key: value for key, value in GIVEN.items() if key != "how"}
    with pytest.raises(InputError, match="how"):
        Published.of(without, SCHEMA)
