"""The chapter on predicting the next pregnancy, as a clinician reads it."""

import pandas as pd
from test_prediction_figures import WHY, effects, measures, nowhere
from test_report import PNG, page

from decidua import report, results, words
from decidua.outcome_report import RCOG, alarms, prediction_chapter

LABELS = {"nk_level": "NK level"}
REASON = "every woman with an abnormal marker was treated and no other"
MEANS = f"Positivity: {REASON}. No effect of treatment can be estimated."
CONCLUSION = pd.DataFrame(
    {
        "topic": ["verdict", "open", "alarm"],
        "sentence": ["No evidence of added value.", "A gain of 0.05 is not excluded.", MEANS],
    }
)
ALARMS = pd.DataFrame(
    {
        "alarm": ["positivity", "positivity", "too few events"],
        "where": ["added_value", "performance", pd.NA],
        "reason": [REASON, REASON, "20 events for 7 parameters"],
    }
)


def single_test():
    """One marker with its area and its accuracy at the panel's cut-off."""
    place = {"analysis": "single tests", "population": "all", "variable": "nk_level", "numerator": 62}
    place |= {"denominator": 330, "lower": 0.4, "upper": 0.7, "estimate": 0.55}
    names = (
        "cut-off",
        "sensitivity",
        "specificity",
        "positive likelihood ratio",
        "negative likelihood ratio",
    )
    at = [results.row(**place, quantity=name, level="published cut-off") for name in names]
    return results.frame([results.row(**place, quantity="AUC", level="with v without the event"), *at])


def effect():
    """A marker that women with losses have more of."""
    return effects(3).assign(quantity=pd.array(["Hedges' g"] * 3, dtype="string"))


def chapter(**tables):
    added = measures(("history + immune",), names=("change in c statistic",))
    test = results.row(
        variable="history + immune", quantity="test", test="likelihood ratio", statistic=3.2, df=5, p=0.2
    )
    both = pd.concat([added, results.frame([test])], ignore_index=True)
    given = {"conclusion": CONCLUSION, "alarms": ALARMS, "performance": measures(), "added_value": both}
    return prediction_chapter("c_prediction", "Title", "", given | tables, [], LABELS)


def test_the_conclusion_stands_first_then_the_alarms_then_the_rest():
    section = chapter(markers=single_test())
    text = page(report.Section(**{**section.__dict__, "figures": [report.Figure("F", "Shows.", PNG)]}))
    order = ["No evidence of added value. A gain of 0.05 is not excluded.", MEANS, "<figure>"]
    order += ["Performance of the models", "Single tests"]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_an_alarm_is_told_once_with_what_it_means_and_all_that_it_concerns():
    assert alarms(CONCLUSION, ALARMS, LABELS) == [
        f"{MEANS} Concerns: added value, performance.",
        "Too few events: 20 events for 7 parameters.",
    ]
    assert alarms(CONCLUSION, ALARMS[:0], LABELS) == [MEANS]


def test_the_guideline_stands_beside_every_result_of_a_marker():
    section = chapter(markers=single_test(), blood_panel=effect())
    assert RCOG in section.sentences
    beside = [table.title for table in section.tables if RCOG in table.note]
    assert beside == [
        "What the immune tests add to the history",
        "Single tests before the pregnancy, each by itself (STARD)",
        "Blood panel of women with and without losses",
    ]


def test_markers_without_any_number_have_a_sentence_instead_of_a_table():
    told = chapter(blood_panel=nowhere(effect())).sentences
    assert f"Blood panel: not estimable ({WHY})." in told


def test_the_added_value_is_told_apparent_beside_corrected():
    table = next(table for table in chapter().tables if table.title.startswith("What the immune tests"))
    (change, test) = table.rows
    assert change[:2] == ["History + immune", "Change in c statistic"]
    # of the table by hand: apparent 0.65; corrected 0.6 with its interval 0.55 to 0.675
    assert change[2:] == ["0.650 (0.560 to 0.735)", "0.600 (0.550 to 0.675)", "–"]
    assert test[1] == "likelihood ratio" and test[3] == "3.20 on 5 df"


def test_apparent_and_corrected_performance_stand_one_below_the_other():
    table = next(table for table in chapter().tables if table.title == "Performance of the models")
    assert [row[:2] for row in table.rows] == [
        ["History", "apparent"],
        ["History", "corrected"],
        ["History + immune", "apparent"],
        ["History + immune", "corrected"],
    ]


def test_what_is_not_there_leaves_no_empty_table():
    titles = [table.title for table in (*chapter().tables, *chapter().more)]
    assert titles == ["Performance of the models", "What the immune tests add to the history"]


def test_a_published_model_has_a_row_a_way_and_its_source_is_said_once():
    place = {"analysis": "published model", "population": "all", "variable": "brigham1999"}
    rows = [
        results.row(
            **place, level=level, quantity=name, estimate=0.5, reason=f"{said}coefficients x; source y"
        )
        for level, said in (("as published", ""), ("recalibrated: intercept", "apparent: seen; "))
        for name in ("c statistic", "calibration slope")
    ]
    table = next(each for each in chapter(published=results.frame(rows)).tables if "Published" in each.title)
    assert [row[:2] for row in table.rows] == [
        ["Brigham1999", "as published"],
        ["Brigham1999", "recalibrated: intercept"],
    ]
    assert table.note.count("source y") == 1


def test_an_enumeration_reads_as_a_sentence():
    assert [words.listed(names) for names in ((), ("a",), ("a", "b"), ("a", "b", "c"))] == [
        "", "a", "a and b", "a, b and c"
    ]  # fmt: skip
