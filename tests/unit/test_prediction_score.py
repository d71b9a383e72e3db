"""A prediction model as a file: the risks of the fit to the last digits, friendly errors, other women."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decidua.config import check, load_yaml
from decidua.errors import InputError
from decidua.prediction.model_file import PredictionModel, Predictor, no_model_json, read_model, to_json
from decidua.prediction.score import (
    coverage_rows,
    labelled,
    mapping_problems,
    outcome_problem,
    score,
    validation_rows,
)
from decidua.preflight import check_inputs
from decidua.variables import variables

ROOT = Path(__file__).parents[2]
SCHEMA = load_yaml(ROOT / "workflow/schemas/prediction_model.schema.yaml")
DICTIONARY = load_yaml(ROOT / "workflow/resources/cohort_dictionary.yaml")["variables"]
ABOUT = {
    "title": "A clinic's model",
    "synthetic": "",
    "outcome": "live_birth",
    "event_value": False,
    "event": "loss of the next pregnancy",
    "moment": "before_pregnancy",
    "intended_use": ["research"],
    "not_for": ["telling a woman her risk"],
    "training": {"women": 300, "events": 60},
    "performance": [],
    "alarms": [],
    "provenance": {"version": "v1"},
}


def model():
    """Age as a spline with three knots, NK cells as a straight line, and a yes/no of the clinic's own."""
    age = Predictor(
        name="age",
        label="Age (years)",
        type="number",
        unit="years",
        range=(22.0, 44.0),
        mean=33.0,
        imputation=(30.0, {"nk_level": 0.2, "smoker": -1.0}),
        knots=(25.0, 33.0, 40.0),
        centre=(33.0, 1.5),
        scale=(5.0, 2.0),
        coefficients=(0.3, 0.4),
    )
    nk = Predictor(
        name="nk_level",
        label="NK level",
        type="number",
        unit="% of lymphocytes",
        range=(4.0, 30.0),
        mean=14.0,
        imputation=(10.0, {"age": 0.1}),
        knots=(),
        centre=(14.0,),
        scale=(6.0,),
        coefficients=(0.2,),
    )
    smoker = Predictor(
        name="smoker",
        label="Smoker",
        type="boolean",
        unit="",
        range=(0.0, 1.0),
        mean=0.25,
        imputation=(0.25, {}),
        knots=(),
        centre=(0.25,),
        scale=(1.0,),
        coefficients=(0.5,),
    )
    return PredictionModel(-1.25, (age, nk, smoker), ABOUT)


def women(**columns):
    columns = {"id": [f"W{i}" for i in range(len(next(iter(columns.values()))))], **columns}
    return pd.DataFrame(columns).convert_dtypes()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.json"
    path.write_text(to_json(model()), encoding="utf-8")
    return path


def by_hand(content, woman):
    """The risk of a woman from the JSON and the formulas in its schema, in plain Python."""
    means = {entry["name"]: entry["mean"] for entry in content["predictors"]}
    linear = content["intercept"]
    for entry in content["predictors"]:
        x = woman.get(entry["name"])
        if x is None:
            x = entry["imputation"]["intercept"]
            for other, coefficient in entry["imputation"]["coefficients"].items():
                x += coefficient * (means[other] if woman.get(other) is None else woman[other])
        columns, t = [x], entry["knots"]
        for knot in t[:-2]:

            def p(at, x=x):
                return max(x - at, 0.0) ** 3

            gap = t[-1] - t[-2]
            part = p(knot) - p(t[-2]) * (t[-1] - knot) / gap + p(t[-1]) * (t[-2] - knot) / gap
            columns.append(part / (t[-1] - t[0]) ** 2)
        for value, centre, scale, b in zip(
            columns, entry["centre"], entry["scale"], entry["coefficients"], strict=True
        ):
            linear += b * (value - centre) / scale
    return 1 / (1 + math.exp(-linear))


@settings(max_examples=30, deadline=None)
@given(
    st.one_of(st.none(), st.floats(12, 60)),
    st.one_of(st.none(), st.floats(0, 100)),
    st.one_of(st.none(), st.booleans()),
)
def test_the_risk_of_a_woman_follows_by_hand_from_the_file(age, nk, smoker):
    content = json.loads(to_json(model()))
    table = pd.DataFrame(
        {
            "id": ["W"],
            "age": pd.array([age], dtype="Float64"),
            "nk_level": pd.array([nk], dtype="Float64"),
            "smoker": pd.array([smoker], dtype="boolean"),
        }
    )
    expected = by_hand(content, {"age": age, "nk_level": nk, "smoker": smoker})
    assert model().risk(table)[0] == pytest.approx(expected, rel=1e-12)


def test_the_file_gives_the_model_back_to_the_last_digit(file):
    again = read_model(file, SCHEMA)
    assert again == model()
    assert to_json(again) == file.read_text(encoding="utf-8")


def test_a_woman_at_the_centre_of_every_predictor_has_the_risk_of_the_intercept():
    centred = model()
    age = Predictor(
        **{
            **centred.predictors[0].__dict__,
            "knots": (),
            "centre": (33.0,),
            "scale": (5.0,),
            "coefficients": (0.3,),
        }
    )
    centred = PredictionModel(-1.25, (age, *centred.predictors[1:]), ABOUT)
    table = pd.DataFrame({"id": ["W"], "age": [33.0], "nk_level": [14.0], "smoker": [0.25]})
    assert centred.risk(table)[0] == pytest.approx(1 / (1 + math.exp(1.25)), rel=1e-12)


def test_what_is_unknown_is_filled_in_and_counted_and_what_is_outside_is_told():
    table = women(age=[30.0, None, 50.0, 44.0], nk_level=[10.0, 12.0, None, 31.0])
    scored = score(model(), table)
    assert scored.table["imputed"].tolist() == ["smoker", "age, smoker", "nk_level, smoker", "smoker"]
    assert scored.table["outside"].tolist() == ["", "", "age", "nk_level"]
    assert scored.predictors.set_index("name")[["known", "imputed", "outside"]].loc["age"].tolist() == [
        3,
        1,
        1,
    ]
    rows = coverage_rows(model(), scored, ["id", "age", "nk_level", "live_birth", "crp"], "next")
    found = rows.set_index(["variable", "quantity"])
    filled = found.loc[("smoker", "unknown, filled in as the model says")]
    assert (filled["numerator"], filled["denominator"]) == (4, 4)
    assert filled["reason"] == "no column in this table: for every woman the same stands in"
    outside = found.loc[("nk_level", "outside the range of the training")]
    assert (outside["numerator"], outside["denominator"]) == (1, 3)
    assert outside["reason"] == "the model knows 4 to 30"
    assert rows["counted"].iloc[-1] == "crp" and rows["estimate"].iloc[-1] == 1


def test_the_order_of_women_and_of_columns_does_not_matter():
    table = women(age=[30.0, None, 50.0], nk_level=[10.0, 12.0, None], smoker=[True, None, False])
    there = score(model(), table).table.set_index("id")["risk"]
    again = score(model(), table.iloc[::-1, ::-1]).table.set_index("id")["risk"]
    assert again[there.index].tolist() == there.tolist()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.update(format_version=2), ["found version 2 of the format; expected 1"]),
        (lambda c: c.pop("format_version"), ["found version 'no format_version' of the format; expected 1"]),
        (
            lambda c: c.update(format="decidua frozen model"),
            ["found a decidua frozen model; expected a decidua prediction model"],
        ),
        (
            lambda c: (c.pop("intercept"), c["predictors"][1].pop("unit")),
            [
                "intercept: found nothing; expected this key to be given",
                "predictors.1.unit: found nothing; expected this key to be given",
            ],
        ),
        (
            lambda c: c["predictors"][1].update(scale=[0]),
            ["predictors.1.scale.0: found 0; expected more than 0"],
        ),
        (
            lambda c: c["predictors"][0].update(knots=[25, 25, 40]),
            ["predictors.0 (age).knots: found [25, 25, 40]; expected none, or three or more that ascend"],
        ),
        (
            lambda c: c["predictors"][0].update(coefficients=[1]),
            ["predictors.0 (age).coefficients: found 1 numbers; expected 2, one a column"],
        ),
        (
            lambda c: c["predictors"][0]["imputation"]["coefficients"].update(bmi=1),
            ["predictors.0 (age).imputation: found 'bmi'; expected the name of another predictor"],
        ),
        (
            lambda c: c["predictors"][2].update(type="category"),
            [
                "predictors.2 (smoker).levels: found none for a category; expected them for a category, "
                "and for nothing else"
            ],
        ),
        (
            lambda c: c["predictors"].append(c["predictors"][1]),
            ["predictors: found 'nk_level' 2 times; expected each name once"],
        ),
    ],
)  # fmt: skip
def test_a_file_that_is_no_model_is_refused_in_plain_words(file, change, said):
    content = json.loads(file.read_text(encoding="utf-8"))
    change(content)
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_model(file, SCHEMA)
    assert str(caught.value).splitlines() == [f"{file}: {line}" for line in said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no JSON", "expected a prediction model (JSON)"),
        ('{"format": NaN}', "found NaN, which is no number of JSON; expected a prediction model (JSON)"),
        (
            no_model_json("boosting has no coefficients"),
            "found no model (boosting has no coefficients); expected one with coefficients",
        ),
    ],
)
def test_other_content_is_refused(file, text, said):
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_model(file, SCHEMA)
    assert str(caught.value).endswith(said) and "\n" not in str(caught.value)


def test_units_and_types_that_are_not_those_of_the_model_are_told():
    columns = {
        "id": "Woman",
        "age": "Age",
        "nk_level": {"column": "NK", "unit": "fraction"},  # the dictionary turns it into percent
        "smoker": {"column": "Smoker", "type": "category", "levels": ["never", "ever"]},
    }
    told = mapping_problems(model(), variables(DICTIONARY, columns), "new.csv")
    assert [str(line) for line in told] == [
        "new.csv, column Smoker: found smoker as a category; expected a boolean, as the model has it"
    ]
    nk = Predictor(**{**model().predictors[1].__dict__, "unit": "cells/µl"})
    other = PredictionModel(0.0, (nk,), ABOUT)
    told = mapping_problems(other, variables(DICTIONARY, columns), "new.csv")
    assert [str(line) for line in told] == [
        "new.csv, column NK: found nk_level in % of lymphocytes; expected cells/µl, the unit of the model"
    ]
    told = mapping_problems(other, variables(DICTIONARY, {"id": "Woman", "age": "Age"}), "new.csv")
    assert [str(line) for line in told] == [
        "new.csv: found none of the model's predictors; expected some of nk_level"
    ]


def test_a_level_that_the_model_does_not_know_is_no_unknown_value():
    call = {**model().predictors[2].__dict__, "name": "call", "type": "category"}
    call["levels"] = {"normal": 0.0, "abnormal": 1.0}
    of = PredictionModel(0.0, (Predictor(**call),), ABOUT)
    table = women(call=["normal", None, "abnormal"])
    assert of.values(table).ravel().tolist() == pytest.approx([0, np.nan, 1], nan_ok=True)
    with pytest.raises(InputError, match="found call grey; expected one of the model's: normal, abnormal"):
        of.values(women(call=["normal", "grey"]))


def test_women_of_unknown_outcome_have_no_part_in_the_validation():
    rng = np.random.default_rng(4)
    n = 120
    table = women(
        age=rng.uniform(22, 44, n), nk_level=rng.uniform(4, 30, n), smoker=rng.uniform(size=n) < 0.3
    )
    risk = model().risk(table)
    born = pd.array(rng.uniform(size=n) >= risk, dtype="boolean")
    born[:20] = pd.NA
    table["live_birth"] = born
    assert outcome_problem(model(), table) == ""
    scores, labels = labelled(score(model(), table), model(), table)
    rows = validation_rows(scores, labels, n, "next").set_index("quantity")
    losses = int((~born[20:]).sum())
    assert set(rows["counted"]) == {
        f"{losses} women with the event and {100 - losses} without; 20 left out, outcome not known"
    }
    event, told = (~born[20:]).to_numpy(dtype=bool), risk[20:]
    pairs = told[event][:, None] - told[~event][None, :]
    assert rows.loc["AUC", "estimate"] == pytest.approx(((pairs > 0) + (pairs == 0) / 2).mean())
    assert rows.loc["Brier score", "estimate"] == pytest.approx(((told - event) ** 2).mean())
    assert rows.loc["mean predicted probability", "estimate"] == pytest.approx(told.mean())
    assert not {"accuracy", "sensitivity"} & set(rows.index)
    assert "is not among the columns" in outcome_problem(model(), table.drop(columns="live_birth"))
    assert "known of no woman" in outcome_problem(model(), table.head(20))


# ---- the settings


@pytest.fixture
def config(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.json").write_text(to_json(model()), encoding="utf-8")
    (tmp_path / "new.csv").write_text("Woman,Age,NK,Smokes\nA,30,12,yes\nB,31,NA,no\n", encoding="utf-8")
    settings = load_yaml(ROOT / "config.yaml")
    settings["studies"], settings["papers"], settings["cohorts"] = {}, {}, {}
    settings["predictions"] = {
        "next": {
            "title": "The next women",
            "model": "model.json",
            "file": "new.csv",
            "missing": ["NA"],
            "columns": {
                "id": "Woman",
                "age": "Age",
                "nk_level": "NK",
                "smoker": {"column": "Smokes", "type": "boolean"},
            },
        }
    }
    return settings


def checked(config):
    roots = (Path.cwd(), ROOT)
    full = check(config, load_yaml(ROOT / "workflow/schemas/config.schema.yaml"), roots)
    check_inputs(full, roots)
    return full


def problems(config):
    with pytest.raises(InputError) as caught:
        checked(config)
    return str(caught.value).splitlines()


def test_an_entry_with_a_table_of_women_is_accepted(config):
    assert "next" in checked(config)["predictions"]


def test_an_entry_of_women_is_checked_before_the_first_job(config):
    entry = config["predictions"]["next"]
    entry |= {"model": "nobody", "file": "gone.csv", "sheet": "S"}
    entry["columns"]["crp"] = "CRP"
    told = problems(config)
    assert told == [
        "config: predictions.next.model: found 'nobody'; expected the path of a model (.json) or one of the "
        "cohorts: there is none",
        "config: predictions.next.file: found 'gone.csv', which is not there; expected the path of a file",
        "config: predictions.next.columns.crp: found a variable that the dictionary does not know; expected "
        "a type (number, integer, boolean, category or text)",
        "config: predictions.next.sheet: found 'S'; expected a sheet for an Excel file only",
    ]


def test_a_cohort_without_the_chapter_has_no_model_to_score_with(config):
    config["predictions"]["next"]["model"] = "han2025"
    shipped = load_yaml(ROOT / "config.yaml")
    config["papers"] = {"han2025": shipped["papers"]["han2025"]}
    config["cohorts"]["han2025"] = shipped["cohorts"]["han2025"] | {"prediction": None}
    assert problems(config) == [
        "config: predictions.next.model: found 'han2025', whose `prediction` is null; expected a cohort "
        "with that chapter: without it there is no model"
    ]


def test_a_table_of_women_is_held_against_the_model_before_the_first_job(config, tmp_path):
    entry = config["predictions"]["next"]
    entry["columns"]["smoker"] = {"column": "Smokes", "type": "category", "levels": ["yes", "no"]}
    entry["missing"] = []
    told = problems(config)
    assert told[0] == (
        "new.csv, column Smokes: found smoker as a category; expected a boolean, as the model has it"
    )
    assert told[1].startswith("new.csv, row 3, column NK: found 'NA'; expected a number")


def test_women_are_no_samples(config):
    entry = config["predictions"]["next"]
    entry["samples"] = "sheet.csv"
    assert any("predictions.next.samples: found an unknown key" in line for line in problems(config))
