"""What does the chapter on predicting the next pregnancy say to a clinician? The conclusion first."""

from collections.abc import Mapping, Sequence

import pandas as pd

from decidua import words
from decidua.report import Figure, Row, Section, Table, estimated, p_value, pick, rate, value

RCOG = (
    "Immunological screening for recurrent pregnancy loss outside of research is not recommended by RCOG "
    "Green-top Guideline 17 (2023)."
)
#: Measures of the table of performance: name in the results, heading, decimals.
MEASURES = (
    ("c statistic", "c statistic", 2),
    ("calibration in the large", "Calibration in the large", 2),
    ("calibration slope", "Calibration slope", 2),
    ("Brier score", "Brier score", 3),
    ("scaled Brier score", "Scaled Brier score", 3),
)
APPARENT = "apparent"
Tables = Mapping[str, pd.DataFrame]


def prediction_chapter(
    name: str,
    title: str,
    synthetic: str,
    tables: Tables,
    figures: Sequence[Figure],
    labels: Mapping[str, str],
) -> Section:
    """What came out of predicting the next pregnancy in one cohort.

    Args:
        tables: by file name: conclusion, alarms and, where they are, question, sample_size, performance,
            added_value, markers, blood_panel, strata, coefficients.
        labels: what variables and models are called.
    """
    shown = [
        _performance(tables, labels),
        _added_value(tables, labels),
        _estimates(tables, "blood_panel", "Blood panel of women with and without losses", labels, RCOG),
    ]
    more = [
        _estimates(
            tables, "markers", "Single tests before the pregnancy, each by itself (STARD)", labels, RCOG
        ),
        _estimates(tables, "question", "The question", labels),
        _estimates(tables, "sample_size", "How much these data can bear", labels),
        _estimates(tables, "strata", "Performance by stratum", labels),
        _estimates(tables, "coefficients", "Coefficients of the models", labels),
    ]
    return Section(
        name=name,
        title=title,
        synthetic=synthetic,
        lead=conclusion(tables["conclusion"]),
        cautions=alarms(tables["alarms"], labels),
        sentences=[
            RCOG,
            f"The model is in cohorts/{name.removesuffix('_prediction')}/prediction/model.json.",
        ],
        figures=figures,
        tables=[table for table in shown if table.rows],
        more=[table for table in more if table.rows],
    )


def conclusion(table: pd.DataFrame) -> str:
    """The sentences of the conclusion as one paragraph."""
    return " ".join(words.distinct(table["sentence"]))


def alarms(table: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    """Each alarm once: its name, why, and which numbers it concerns."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in table.to_dict("records"):
        where = "" if pd.isna(row["where"]) else words.name(str(row["where"]), labels)
        found.setdefault((str(row["alarm"]), str(row["reason"])), []).append(where)
    return [
        f"{words.heading(name, labels)}: {reason}{_places(places)}."
        for (name, reason), places in found.items()
    ]


def _places(places: Sequence[str]) -> str:
    told = words.distinct(places)
    return f" (concerns {', '.join(told)})" if told else ""


def _performance(tables: Tables, labels: Mapping[str, str]) -> Table:
    """Each model: apparent, then as expected in other women."""
    table = tables["performance"]
    rows = []
    for model in words.distinct(table["variable"]):
        ways = words.distinct(row["level"] for row in pick(table, variable=model))
        for way in ways:
            own = {row["quantity"]: row for row in pick(table, variable=model, level=way)}
            cells = [
                value(own[measure], places) if measure in own else "–" for measure, _, places in MEASURES
            ]
            rows.append([words.heading(model, labels), way, *cells])
    note = (
        "Apparent: in the women from whom the model was learned, so too good. Corrected: as expected in "
        "other women like them. c statistic: of a woman with the event and one without, how often the first "
        "has the higher risk (0.5: by lot). Slope below 1: high risks told too high, low ones too low. "
        "Scaled Brier score: 0 where the model is no better than telling every woman the mean risk."
    )
    header = ["Model", "How", *(heading for _, heading, _ in MEASURES)]
    return Table("Performance of the models", header, rows, note)


def _added_value(tables: Tables, labels: Mapping[str, str]) -> Table:
    rows = [
        [
            words.heading(str(row["variable"]), labels),
            _text(row["level"]),
            row["test"] if row["quantity"] == "test" else row["quantity"],
            _cell(row),
            p_value(row) if row["quantity"] == "test" else "–",
        ]
        for row in tables["added_value"].to_dict("records")
    ]
    header = ["Model", "How", "What", "Estimate (interval)", "p"]
    return Table("What the immune tests add to the history", header, rows, RCOG)


def _cell(row: Row) -> str:
    if row["quantity"] == "test" and estimated(row):
        return f"{row['statistic']:.2f}"
    if estimated(row) and not pd.isna(row["numerator"]) and row["quantity"] == "rate":
        return rate(row)
    return value(row, 3)


def _text(cell: object) -> str:
    return "" if pd.isna(cell) else str(cell)


def _estimates(tables: Tables, name: str, title: str, labels: Mapping[str, str], note: str = "") -> Table:
    """The rows of a results table as they are: of what, which, how much, how sure."""
    rows = [
        [
            words.heading(_text(row["variable"]), labels),
            words.name(_text(row["level"]), labels),
            row["test"] if row["quantity"] == "test" else _text(row["quantity"]),
            _cell(row),
            p_value(row) if not pd.isna(row["p"]) else "–",
            words.counts(row["numerator"], row["denominator"]),
        ]
        for row in (tables[name].to_dict("records") if name in tables else ())
    ]
    header = ["", "", "", "Estimate (interval)", "p", "n"]
    return Table(title, header, rows, note)
