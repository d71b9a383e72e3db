"""The chapter on predicting the next pregnancy, as a clinician reads it."""

import pandas as pd
from test_prediction_figures import effects, measures
from test_report import PNG, page

from decidua import report, results
from decidua.outcome_report import RCOG, alarms, prediction_chapter

LABELS = {"nk_level": "NK level"}
REASON = "every woman with an abnormal marker was treated and no other"
CONCLUSION = pd.DataFrame({"sentence": ["No evidence of added value.", "No effect of treatment can be had."]})
ALARMS = pd.DataFrame(
    {
        "alarm": ["positivity", "positivity", "too few events"],
        "where": ["added_value", "performance", pd.NA],
        "reason": [REASON, REASON, "20 events for 7 parameters"],
    }
)


def chapter(**tables):
    added = measures(("history + immune",), names=("change in c statistic",))
    test = results.row(
        variable="history + immune", quantity="test", test="likelihood ratio", statistic=3.2, p=0.2
    )
    both = pd.concat([added, results.frame([test])], ignore_index=True)
    given = {"conclusion": CONCLUSION, "alarms": ALARMS, "performance": measures(), "added_value": both}
    return prediction_chapter("c_prediction", "Title", "", given | tables, [], LABELS)


def test_the_conclusion_stands_first_then_the_alarms_then_the_rest():
    section = chapter(markers=effects(2))
    text = page(report.Section(**{**section.__dict__, "figures": [report.Figure("F", "Shows.", PNG)]}))
    order = ["No evidence of added value. No effect of treatment can be had.", "Positivity: ", "<figure>"]
    order += ["Performance of the models"]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_an_alarm_is_told_once_with_all_that_it_concerns():
    told = alarms(ALARMS, LABELS)
    assert told == [
        f"Positivity: {REASON} (concerns added value, performance).",
        "Too few events: 20 events for 7 parameters.",
    ]


def test_the_guideline_stands_beside_every_result_of_a_marker():
    section = chapter(markers=effects(2), blood_panel=effects(3))
    assert RCOG in section.sentences
    notes = {table.title: table.note for table in (*section.tables, *section.more)}
    assert sum(RCOG in note for note in notes.values()) == 3


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
