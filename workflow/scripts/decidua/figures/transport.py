"""How far does a model that was trained on one study carry in another?"""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from decidua import results, style, words
from decidua.figures.forest import Mark, Row, Scale, Section, forest
from decidua.figures.page import nothing_to_show, small_print
from decidua.style import PAPER

HELD_OUT = "held-out folds"


def transport_source(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a results table, analysis "transport", in its order: trained on (variable), tested on."""
    return table[table["analysis"] == "transport"].reset_index(drop=True)


@style.publication()
def plot_transport(
    source: pd.DataFrame, *, labels: Mapping[str, str], synthetic: str | None = None
) -> Figure:
    """Draw the AUC of each study's model in every study, its own held-out folds with an open mark.

    Args:
        source: as from `transport_source`.
        labels: what the studies are called.
        synthetic: the mark of data that are no patients'.
    """
    if not (source["status"] == results.ESTIMATED).any():
        return nothing_to_show("Transport of the models", words.distinct(source["reason"]), synthetic)
    sections = [
        Section(
            f"Trained on: {words.heading(trained, labels)}",
            tuple(_row(row, labels) for row in rows.itertuples()),
        )
        for trained, rows in source.groupby("variable", sort=False)
    ]
    return forest(
        sections,
        Scale("AUC", 1.0, 0.2),
        columns=("Samples", "AUC (interval)"),
        reference=0.5,
        notes=[
            "Open: the same study's held-out folds; filled: another study. Dashed: no discrimination.",
            *small_print(source, lambda row: words.heading(row.level, labels)),
        ],
        synthetic=synthetic,
    )


def _row(row, labels: Mapping[str, str]) -> Row:
    shown = ""
    if row.status == results.ESTIMATED:
        shown = f"{words.decimals(row.estimate, 3)} {words.interval(row.lower, row.upper)}".rstrip()
    own = row.population == HELD_OUT
    number = words.counts(pd.NA, row.denominator)
    mark = Mark(
        row.estimate, row.lower, row.upper, (number, shown), PAPER if own else style.BLUE, "D" if own else "o"
    )
    return Row(words.heading(row.level, labels), (mark,))
