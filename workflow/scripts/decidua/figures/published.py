"""How do the published figures of a classifier compare with those of a simulation and of noise?"""

import pandas as pd
from matplotlib.figure import Figure

from decidua import results, style, words
from decidua.figures.forest import Mark, Row, Scale, Section, forest
from decidua.figures.page import nothing_to_show, small_print
from decidua.style import BLUE, GREEN, INK, PAPER, VERMILLION

PUBLISHED = "published"
#: Where a number comes from: its name in the key, what stands beside the number, colour and shape.
LEVELS = {
    PUBLISHED: ("Published", "published", INK, "D"),
    "simulated study, all choices inside the folds": (
        "Simulated study, all choices inside the folds",
        "simulated",
        BLUE,
        "o",
    ),
    "simulated noise, genes chosen on all samples": (
        "Simulated noise, genes chosen on all samples",
        "simulated",
        VERMILLION,
        "s",
    ),
    "simulated noise, genes chosen inside the folds": (
        "Simulated noise, genes chosen inside the folds",
        "simulated",
        GREEN,
        "^",
    ),
}
AUC, ACCURACY, AT_HALF, MAJORITY = "AUC", "accuracy", "accuracy at probability 0.5", "majority rate"
NOISE = [level for level in LEVELS if level.startswith("simulated noise")]
CLASSIFIER = "classifier"


def published_source(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a results table (analysis "frame") that the figure shows, by quantity, model and level."""
    rows = table[table["analysis"] == "frame"]
    drawn = rows["level"].isin(list(LEVELS)) & (
        rows["quantity"].isin([AUC, ACCURACY]) | ((rows["quantity"] == AT_HALF) & rows["level"].isin(NOISE))
    )
    rows = rows[drawn | (rows["quantity"] == MAJORITY)]
    order = pd.DataFrame(
        {
            "quantity": rows["quantity"].map({AUC: 0, MAJORITY: 1, ACCURACY: 2, AT_HALF: 2}),
            "model": rows["variable"].map(_place),
            "level": rows["level"].map({level: place for place, level in enumerate(LEVELS)}),
        }
    )
    return rows.loc[order.sort_values(list(order), kind="stable").index].reset_index(drop=True)


def _place(model: str) -> tuple[int, int, str]:
    """The classifier of all genes first, then panels by size, then the others."""
    digits = "".join(letter for letter in model if letter.isdigit())
    return (0 if model == CLASSIFIER else 1 if digits else 2), int(digits or 0), model


@style.publication()
def plot_published(source: pd.DataFrame, *, synthetic: str | None = None) -> Figure:
    """Draw AUC and accuracy of each model by where the number comes from.

    Args:
        source: as from `published_source`.
        synthetic: the mark of data that are no patients'.
    """
    shown = source[source["quantity"] != MAJORITY]
    if not (shown["status"] == results.ESTIMATED).any():
        title = "Published figures and simulations"
        return nothing_to_show(title, words.distinct(source["reason"]), synthetic)
    sections = []
    for called, quantities in (("AUC", [AUC]), ("Accuracy", [ACCURACY, AT_HALF])):
        of_quantity = shown[shown["quantity"].isin(quantities)]
        drawn = [
            Row(words.heading(model, {}), tuple(map(_mark, rows.itertuples())))
            for model, rows in of_quantity.groupby("variable", sort=False)
        ]
        if called == "Accuracy":
            drawn = [*_majority(source), *drawn]
        if drawn:
            sections.append(Section(called, tuple(drawn)))
    present = [look for level, look in LEVELS.items() if (shown["level"] == level).any()]
    return forest(
        sections,
        Scale("Estimate", 1.0, 0.2),
        columns=("Data", "Estimate (interval)"),
        key=[(text, colour, shape) for text, _, colour, shape in present],
        notes=_notes(source),
        synthetic=synthetic,
    )


def _mark(row) -> Mark:
    _, data, colour, shape = LEVELS[row.level]
    text = ""
    if row.status == results.ESTIMATED:
        text = f"{words.decimals(row.estimate, 3)} {words.interval(row.lower, row.upper)}".rstrip()
    return Mark(row.estimate, row.lower, row.upper, (data, text), colour, shape)


def _majority(source: pd.DataFrame) -> list[Row]:
    """The rate that every accuracy must beat."""
    return [
        Row(
            "Always answering with the larger class",
            (Mark(row.estimate, row.lower, row.upper, ("", words.decimals(row.estimate, 3)), PAPER, "D"),),
        )
        for row in source[source["quantity"] == MAJORITY].itertuples()
    ]


def _notes(source: pd.DataFrame) -> list[str]:
    published = words.distinct(source.loc[source["level"] == PUBLISHED, "counted"])
    notes = [f"Published: {whom}." for whom in published]
    notes.append("All other numbers are of simulated data, and no finding about the published study.")
    if (source["quantity"] == AT_HALF).any():
        notes.append("Accuracy on noise: at probability 0.5.")
    rows = source[source["quantity"] != MAJORITY]
    return notes + small_print(rows, lambda row: f"{row.quantity}, {row.variable}")
