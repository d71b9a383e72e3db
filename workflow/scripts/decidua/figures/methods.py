"""How well does each method tell cases from controls, in the same folds?"""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from decidua import results, style, words
from decidua.figures.forest import Mark, Row, Scale, Section, forest
from decidua.figures.page import nothing_to_show, small_print
from decidua.style import PAPER

AUC, CONFIGURED = "AUC within folds", "method in use"
NOT_CHOSEN = (
    "Filled: the method in use, set before. It is not chosen by this figure: the best of several, chosen"
    " after the fact, looks better than it is. Dashed: no discrimination."
)


def methods_source(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a results table (analysis "methods") that the figure shows: the AUCs, in its order."""
    rows = table[(table["analysis"] == "methods") & (table["quantity"] == AUC)]
    return rows.reset_index(drop=True)


@style.publication()
def plot_methods(source: pd.DataFrame, *, labels: Mapping[str, str], synthetic: str | None = None) -> Figure:
    """Draw the AUC of each method with its interval; the method in use is filled.

    Args:
        source: as from `methods_source`.
        labels: what methods are called.
        synthetic: the mark of data that are no patients'.
    """
    if not (source["status"] == results.ESTIMATED).any():
        return nothing_to_show("Methods compared", words.distinct(source["reason"]), synthetic)
    return forest(
        [Section("", tuple(_method(row, labels) for row in source.itertuples()))],
        Scale(AUC, 1.0, 0.25),
        columns=("AUC (interval)",),
        reference=0.5,
        notes=[NOT_CHOSEN, *small_print(source, lambda row: words.heading(row.variable, labels))],
        synthetic=synthetic,
    )


def _method(row, labels: Mapping[str, str]) -> Row:
    shown = ""
    if row.status == results.ESTIMATED:
        shown = f"{words.decimals(row.estimate, 3)} {words.interval(row.lower, row.upper)}".rstrip()
    colour = style.BLUE if row.level == CONFIGURED else PAPER
    return Row(
        words.heading(row.variable, labels),
        (Mark(row.estimate, row.lower, row.upper, (shown,), colour, "o"),),
    )
