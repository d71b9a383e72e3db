"""What is asked of a cohort: who, what, when, from what; settings that cannot be asked are refused."""

from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from test_config import DEFAULT, ROOT, SCHEMA, problems, table_cohort

from decidua.config import check, effective, when_known
from decidua.prediction.question import NOT_KNOWN, data, question, question_table, usable
from decidua.results import NOT_ESTIMABLE
from decidua.statistics.answers import NotEstimable

ANALYSIS = {"treatment": "dose", "confidence": 0.95}
WHEN = {
    "age": "before_pregnancy",
    "bmi": "before_pregnancy",
    "nk_level": "before_pregnancy",
    "hcg": "pregnancy",
    "live_birth": "after",
}


def cohort(n=40, seed=3):
    rng = np.random.default_rng(seed)
    outcome = pd.array(rng.uniform(size=n) < 0.7, dtype="boolean")
    outcome[:3] = pd.NA
    return pd.DataFrame(
        {
            "id": [f"w{place}" for place in range(n)],
            "woman": np.arange(n) // 2,
            "age": pd.array(rng.integers(25, 44, n), dtype="Int64"),
            "bmi": rng.normal(23, 3, n),
            "nk_level": rng.normal(14, 4, n),
            "hcg": rng.normal(5, 1, n),
            "dose": 0.0,
            "live_birth": outcome,
        }
    )


def calls(women):
    return pd.DataFrame({"id": women["id"], "nk_level": pd.array(women["nk_level"] > 16, dtype="boolean")})


def asked(women, **changes):
    settings = DEFAULT["prediction"] | changes
    return question(settings, ANALYSIS, list(women.columns), ["nk_level"], ["nk_level"], WHEN)


def test_by_default_the_history_that_is_there_and_the_markers_of_the_panel_are_predictors():
    found = asked(cohort())
    assert (found.history, found.immune) == (("age", "bmi"), ("nk_level",))
    assert found.dichotomies == ("nk_level_abnormal",)
    assert dict(found.refused) == dict.fromkeys(("miscarriages", "parity"), "the cohort has no such column")


@pytest.mark.parametrize(("moment", "kept"), [("before_pregnancy", ("age",)), ("pregnancy", ("age", "hcg"))])
def test_nothing_is_predicted_from_what_is_known_later_or_nobody_knows_when(moment, kept):
    found, refused = usable(("age", "hcg", "live_birth", "own"), WHEN, moment)
    assert found == kept
    assert dict(refused)["own"] == "nothing says when it is measured"
    assert "after the moment of prediction" in dict(refused)["live_birth"]


def test_women_of_unknown_outcome_are_left_out_and_counted_and_the_extremes_are_told():
    women = cohort()
    found = data(asked(women), women, calls(women), ["nk_level"])
    assert len(found.event) == 37 and found.left_out == {NOT_KNOWN: 3}
    table = question_table(asked(women), found)
    rates = table[table["quantity"].str.startswith("rate")].set_index("quantity")
    losses = int((~women["live_birth"]).sum())
    assert rates["numerator"].tolist() == [losses, losses, losses + 3]
    assert rates["denominator"].tolist() == [37, 40, 40]
    refused = table[table["status"] == NOT_ESTIMABLE]
    assert set(refused["variable"]) == {"miscarriages", "parity"}


def test_the_order_of_the_files_rows_changes_nothing():
    women = cohort()
    mixed = women.sample(frac=1, random_state=1).reset_index(drop=True)
    one, two = (data(asked(rows, woman="woman"), rows, calls(rows), ["nk_level"]) for rows in (women, mixed))
    pd.testing.assert_frame_equal(one.rows, two.rows)
    assert one.ids.tolist() == two.ids.tolist()
    assert np.array_equal(one.event, two.event) and np.array_equal(one.groups, two.groups)


def test_rows_of_one_woman_are_one_group_and_unknown_women_are_not_joined():
    women = cohort()
    women["woman"] = women["woman"].astype("Int64")
    women.loc[[10, 11, 20], "woman"] = pd.NA
    found = data(asked(women, woman="woman"), women, calls(women), ["nk_level"])
    of = dict(zip(found.ids, found.groups, strict=True))
    assert of["w4"] == of["w5"] and len({of["w10"], of["w11"], of["w20"]}) == 3


@pytest.mark.parametrize("values", [[True] * 40, [pd.NA] * 40])
def test_an_outcome_that_does_not_vary_is_no_question(values):
    women = cohort().assign(live_birth=pd.array(values, dtype="boolean"))
    with pytest.raises(NotEstimable, match="the same for all women"):
        data(asked(women), women, calls(women), ["nk_level"])


def test_a_cohort_without_the_outcome_is_told_so():
    women = cohort().drop(columns="live_birth")
    with pytest.raises(NotEstimable, match="live_birth is no yes/no column"):
        data(asked(women), women, calls(women), ["nk_level"])


# ---- the settings


def with_cohort(tmp_path, columns, **prediction):
    config = deepcopy(DEFAULT)
    own = table_cohort(tmp_path, prediction=prediction)
    own["columns"] = own["columns"] | {"live_birth": "l"} | columns
    config["cohorts"] = {"clinic": own}
    config["papers"] = {name: None for name in config["papers"]}
    return config


CRP = {"column": "c", "type": "number"}


@pytest.mark.parametrize(
    ("columns", "prediction", "line"),
    [
        (
            {"ivig_dose_g": "d"},
            {"history": ["ivig_dose_g"]},
            "cohorts.clinic.prediction.history: found 'ivig_dose_g', known in the pregnancy; expected "
            "what is known at the moment of prediction, before the pregnancy",
        ),
        (
            {"crp": CRP},
            {"immune": ["crp"]},
            "cohorts.clinic.prediction.immune: found 'crp', of which nothing says when it is known; expected "
            "cohorts.clinic.columns.crp: {column: ..., when: before_pregnancy} (or pregnancy, or after)",
        ),
        (
            {"crp": CRP | {"when": "after"}},
            {"immune": ["crp"], "moment": "pregnancy"},
            "cohorts.clinic.prediction.immune: found 'crp', known after the pregnancy; expected what is "
            "known at the moment of prediction, in the pregnancy",
        ),
        (
            {},
            {"history": ["live_birth"]},
            "cohorts.clinic.prediction.history: found 'live_birth', the outcome itself; expected what is "
            "known before it",
        ),
        (
            {},
            {"outcome": "age"},
            "cohorts.clinic.prediction.outcome: found 'age', a column of type number; expected one of type "
            "boolean",
        ),
        (
            {},
            {"thresholds": [0.5, 0.1]},
            "cohorts.clinic.prediction.thresholds: found [0.5, 0.1]; expected the smaller risk first",
        ),
        (
            {},
            {"crossing": 20},
            "cohorts.clinic.prediction.crossing: found 20; expected a risk between 0 and 1, such as 0.2",
        ),
        (
            {},
            {"history": ["age"], "immune": ["age"]},
            "cohorts.clinic.prediction.immune: found 'age', which history has too; expected it in one "
            "of them",
        ),
        (
            {},
            {"centre": "ward"},
            "cohorts.clinic.prediction.centre: found 'ward'; expected one of age, id, live_birth, "
            "nk_cytotoxicity_50_1, nk_level, th1_th2",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_told_with_the_key(tmp_path, columns, prediction, line):
    assert problems(with_cohort(tmp_path, columns, **prediction)) == [f"config: {line}"]


def test_a_column_of_your_own_is_a_predictor_once_it_is_said_when_it_is_known(tmp_path):
    config = with_cohort(tmp_path, {"crp": CRP | {"when": "pregnancy"}}, immune=["crp"], moment="pregnancy")
    full = check(config, SCHEMA, [ROOT])
    assert full["cohorts"]["clinic"]["prediction"]["immune"] == ["crp"]
    assert when_known(full["cohorts"]["clinic"], {})["crp"] == "pregnancy"


def test_a_cohort_may_leave_the_chapter_out_or_change_a_key_of_it():
    config = deepcopy(DEFAULT)
    config["cohorts"]["han2025"]["prediction"] = None
    assert effective(config)["cohorts"]["han2025"]["prediction"] is None
    assert check(config, SCHEMA, [ROOT])["cohorts"]["han2025"]["prediction"] is None
    config["cohorts"]["han2025"]["prediction"] = {"crossing": 0.3}
    found = check(config, SCHEMA, [ROOT])["cohorts"]["han2025"]["prediction"]
    assert found == DEFAULT["prediction"] | {"crossing": 0.3}
