"""What does the chapter on predicting the next pregnancy say to a clinician? The conclusion first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from decidua import words
from decidua.prediction.published import AS_PUBLISHED
from decidua.report import (
    Figure,
    Row,
    Section,
    Table,
    accuracy_table,
    estimated,
    p_value,
    pick,
    value,
)

RCOG = (
    "Immunological screening for recurrent pregnancy loss outside of research is not recommended by RCOG "
    "Green-top Guideline 17 (2023)."
)
#: Measures of the table of performance: name in the results, heading, decimals.
MEASURES = (
    ("c statistic", "c statistic", 2),
    ("c statistic within sets", "c within sets", 2),
    ("calibration in the large", "Calibration in the large", 2),
    ("calibration slope", "Calibration slope", 2),
    ("Brier score", "Brier score", 3),
    ("scaled Brier score", "Scaled Brier score", 3),
)
APPARENT, CORRECTED, TEST, VERDICT = "apparent", "corrected", "test", "added value"
#: Of what is told of the added value, all but the calibration, which stands beside the performance.
_CALIBRATION = ("calibration in the large", "calibration slope")
#: Effect sizes of the blood panel that the page shows; the others are in its table.
_EFFECTS = ("Hedges' g", "probability of superiority")
_ALARM = "alarm"
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
        _published(tables, labels),
        _added_value(tables, labels),
        _single_tests(tables, labels),
        _blood_panel(tables, labels),
        _estimates(tables, "sample_size", "How much these data can bear", labels),
    ]
    more = [
        _estimates(tables, "question", "The question", labels),
        _estimates(tables, "strata", "Performance by stratum", labels),
        _estimates(tables, "coefficients", "Coefficients of the models", labels),
    ]
    folder = f"cohorts/{name.removesuffix('_prediction')}/prediction"
    return Section(
        name=name,
        title=title,
        synthetic=synthetic,
        lead=conclusion(tables["conclusion"]),
        cautions=alarms(tables["conclusion"], tables["alarms"], labels),
        sentences=[
            RCOG,
            f"The final model is {folder}/model.json: it says what it is for and what it must not be used "
            "for, and scores other women under `predictions:`.",
            *_absent(tables, labels),
        ],
        figures=figures,
        tables=[table for table in shown if table.rows],
        more=[table for table in more if table.rows],
    )


def conclusion(table: pd.DataFrame) -> str:
    """The sentences of the conclusion as one paragraph, but for the alarms, which stand below it."""
    told = table[table["topic"] != _ALARM] if "topic" in table else table
    return " ".join(words.distinct(told["sentence"]))


def alarms(told: pd.DataFrame, table: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    """Each alarm once: its name, why, what it means, and which numbers it concerns.

    Args:
        told: the conclusion, whose sentences on alarms say what each means.
        table: a row an alarm and place: alarm, where, reason.
    """
    sentences = words.distinct(told.loc[told["topic"] == _ALARM, "sentence"]) if "topic" in told else []
    found: dict[str, list[str]] = {}
    for row in table.to_dict("records"):
        plain = f"{words.heading(str(row['alarm']), labels)}: {str(row['reason']).rstrip('.')}."
        own = next((sentence for sentence in sentences if str(row["reason"]).rstrip(".") in sentence), plain)
        where = "" if pd.isna(row["where"]) else words.name(str(row["where"]), labels)
        found.setdefault(own, []).append(where)
    found |= {sentence: [] for sentence in sentences if sentence not in found}
    return [f"{sentence}{_places(places)}" for sentence, places in found.items()]


def _places(places: Sequence[str]) -> str:
    told = words.distinct(places)
    return f" Concerns: {', '.join(told)}." if told else ""


def _by_model(title: str, table: pd.DataFrame, labels: Mapping[str, str], note: str) -> Table:
    """A row a model and way in which its measures were had."""
    there = [measure for measure in MEASURES if (table["quantity"] == measure[0]).any()]
    rows = []
    for model in words.distinct(table.loc[table["quantity"].isin([name for name, *_ in there]), "variable"]):
        for way in words.distinct(row["level"] for row in pick(table, variable=model)) or [""]:
            own = {
                row["quantity"]: row for row in pick(table, variable=model, **({"level": way} if way else {}))
            }
            cells = [value(own[name], places) if name in own else "–" for name, _, places in there]
            rows.append([words.heading(model, labels), way, *cells])
    return Table(title, ["Model", "How", *(heading for _, heading, _ in there)], rows, note)


def _performance(tables: Tables, labels: Mapping[str, str]) -> Table:
    """Each model: apparent, then as expected in other women."""
    note = (
        "Apparent: in the women from whom the model was learned, so too good. Corrected: as expected in "
        "other women like them. c statistic: of a woman with the event and one without, how often the first "
        "has the higher risk (0.5: by lot). Slope below 1: high risks are told too high and low ones too "
        "low. Scaled Brier score: 0 where the model is no better than telling every woman the mean risk. How "
        "intervals were had, and more measures, are in performance.csv."
    )
    return _by_model("Performance of the models", tables["performance"], labels, note)


def _added_value(tables: Tables, labels: Mapping[str, str]) -> Table:
    """A row a comparison and quantity: apparent beside corrected, and p of a test."""
    table = tables["added_value"]
    table = table[table["variable"].notna() & ~table["quantity"].isin(list(_CALIBRATION))]
    keys = ["variable", "quantity", "population"]
    rows = []
    for (comparison, quantity, population), own in table.groupby(keys, sort=False, dropna=False):
        found = own.to_dict("records")
        by_way = {row["level"]: row for row in found if not pd.isna(row["level"])}
        first = words.heading(str(comparison), labels)
        if quantity == TEST:
            rows += [[first, row["test"], "–", _statistic(row), p_value(row)] for row in found]
            continue
        if quantity == VERDICT:
            row = found[0]
            said = row["level"] if estimated(row) else value(row)
            rows.append([first, "Verdict", "–", str(said), "–"])
            continue
        about = "" if pd.isna(population) or population == "all" else f", {population}"
        last = by_way.get(CORRECTED, found[-1])
        apparent = value(by_way[APPARENT], 3) if APPARENT in by_way else "–"
        rows.append([first, f"{words.heading(quantity, labels)}{about}", apparent, value(last, 3), "–"])
    header = ["Models", "What", "Apparent", "Corrected (interval)", "p"]
    note = (
        "Added value is declared only where the test has p < 0.05 and the whole interval of the corrected "
        f"change in the c statistic lies above 0. {RCOG}"
    )
    return Table("What the immune tests add to the history", header, rows, note)


def _statistic(row: Row) -> str:
    """The test's statistic with its degrees of freedom, where it has them; or why there is none."""
    if not estimated(row):
        return value(row)
    return f"{row['statistic']:.2f}" + ("" if pd.isna(row["df"]) else f" on {row['df']:g} df")


def _single_tests(tables: Tables, labels: Mapping[str, str]) -> Table:
    title = "Single tests before the pregnancy, each by itself (STARD)"
    table = tables.get("markers")
    if table is None or not _any(table, "AUC"):
        return Table(title, [], [])
    note = (
        "Women with the event against women without. Intervals: DeLong, Clopper-Pearson, log method; the "
        "Youden cut-off was chosen on these women, so it promises too much. Who was eligible, left out and "
        f"analysed, predictive values and more are in markers.csv. {RCOG}"
    )
    return replace(accuracy_table(table, labels), title=title, note=note)


def _blood_panel(tables: Tables, labels: Mapping[str, str]) -> Table:
    title = "Blood panel of women with and without losses"
    table = tables.get("blood_panel")
    if table is None or not any(_any(table, effect) for effect in _EFFECTS):
        return Table(title, [], [])
    shown = table[table["quantity"].isin(list(_EFFECTS))]
    note = (
        "Hedges' g: difference of the means in standard deviations, women with losses minus women without; "
        "its p is the false discovery rate of the Mann-Whitney tests. Probability of superiority: that a "
        f"woman with losses has the higher value. Nothing is adjusted for. {RCOG}"
    )
    return replace(_estimates({"shown": shown}, "shown", title, labels), note=note)


def _absent(tables: Tables, labels: Mapping[str, str]) -> Iterator[str]:
    """Of marker tables without any number, why."""
    for name, quantities, called in (
        ("markers", ("AUC",), "Single tests"),
        ("blood_panel", _EFFECTS, "Blood panel"),
    ):
        table = tables.get(name)
        if table is not None and not any(_any(table, quantity) for quantity in quantities):
            reasons = words.distinct(table["reason"])
            yield f"{called}: not estimable ({'; '.join(reasons) or 'no such rows'})."


def _any(table: pd.DataFrame, quantity: str) -> bool:
    """Whether a table has the quantity of some marker."""
    return any(estimated(row) for row in pick(table, quantity=quantity))


def _text(cell: object) -> str:
    return "" if pd.isna(cell) else str(cell)


def _published(tables: Tables, labels: Mapping[str, str]) -> Table:
    """Each published model, as it is and recalibrated, with where it comes from said once."""
    title, table = "Published models in these women", tables.get("published")
    if table is None:
        return Table(title, [], [])
    as_it_is = table[table["level"].eq(AS_PUBLISHED).fillna(False)]
    told = [f"{row['variable']}: {row['reason']}." for row in as_it_is.to_dict("records")]
    note = "Recalibrated on these women, so too good; more measures are in published.csv."
    return _by_model(title, table, labels, " ".join([*words.distinct(told), note]))


def _estimates(tables: Tables, name: str, title: str, labels: Mapping[str, str]) -> Table:
    """The rows of a results table as they are, without the columns that are empty."""
    rows = [
        [
            words.heading(_text(row["variable"]), labels),
            words.name(_text(row["level"]), labels),
            _text(row["test"]) if row["quantity"] == TEST else _text(row["quantity"]),
            _statistic(row) if row["quantity"] == TEST else value(row, 3),
            p_value(row) if not pd.isna(row["p"]) else "–",
            words.counts(row["numerator"], row["denominator"]),
            _text(row["reason"]) if estimated(row) else "",
        ]
        for row in (tables[name].to_dict("records") if name in tables else ())
    ]
    header = ["", "", "", "Estimate (interval)", "p", "n", "Note"]
    kept = [i for i in range(len(header)) if any(row[i] not in ("", "–") for row in rows)]
    return Table(title, [header[i] for i in kept], [[row[i] for i in kept] for row in rows])
