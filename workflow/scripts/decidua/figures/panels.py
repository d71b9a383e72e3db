"""How good is a panel of few genes, how much does choosing outside the folds flatter it, how stable is it?"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from decidua import results, style, words
from decidua.figures.page import MARGIN, Page, marker, nothing_to_show, small_print
from decidua.style import BLUE, MUTED, SKY, VERMILLION

INSIDE, OUTSIDE = "top genes, chosen inside the folds", "top genes, chosen on all samples (optimistic)"
PAIR_INSIDE = "best pair, chosen inside the folds"
PAIR_OUTSIDE = "best pair, chosen on all samples (optimistic)"
#: Colour, line and marker of each way of choosing.
LOOKS = {
    INSIDE: (BLUE, "-", "o"),
    OUTSIDE: (VERMILLION, (0, (4, 2)), "s"),
    PAIR_INSIDE: (BLUE, "", "D"),
    PAIR_OUTSIDE: (VERMILLION, "", "^"),
}
AUC, ACCURACY, MAJORITY = "AUC within folds", "accuracy", "majority rate"
STABILITY = "stability of the choice (Nogueira)"
_SHOWN = (AUC, ACCURACY, MAJORITY, STABILITY)
_HIGH, _GUTTER, _GAP = 80.0, 30.0, 10.0
_CLOSE = 4.0


def panels_source(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a results table (analysis "panels") that the figure shows, by quantity, way and size."""
    rows = table[(table["analysis"] == "panels") & table["quantity"].isin(_SHOWN)]
    places = {quantity: place for place, quantity in enumerate(_SHOWN)}
    ways = {variable: place for place, variable in enumerate(LOOKS)}
    order = pd.DataFrame(
        {
            "quantity": rows["quantity"].map(places),
            "way": rows["variable"].map(ways),
            "size": rows["level"].astype(float),
        }
    )
    return rows.loc[order.sort_values(list(order), kind="stable").index].reset_index(drop=True)


@style.publication()
def plot_panels(
    source: pd.DataFrame, *, labels: Mapping[str, str] | None = None, synthetic: str | None = None
) -> Figure:
    """Draw AUC, accuracy and stability against the number of genes, a line a way of choosing them.

    Args:
        source: as from `panels_source`.
        labels: what quantities and ways of choosing are called.
        synthetic: the mark of data that are no patients'.
    """
    shown = source[source["status"] == results.ESTIMATED]
    quantities = [name for name in (AUC, ACCURACY, STABILITY) if (shown["quantity"] == name).any()]
    if not quantities:
        return nothing_to_show("Panels of few genes", words.distinct(source["reason"]), synthetic)
    labels = labels or {}
    page = Page()
    y = MARGIN
    present = [variable for variable in LOOKS if (shown["variable"] == variable).any()]
    entries = [(words.heading(name, labels), LOOKS[name][0], LOOKS[name][2]) for name in present]
    y += page.legend(y, entries) + 4
    majority = shown.loc[shown["quantity"] == MAJORITY, "estimate"]
    lines = {AUC: 0.5, ACCURACY: majority.iloc[0] if len(majority) else np.nan, STABILITY: np.nan}
    sizes = sorted({float(level) for level in shown["level"]})
    for quantity in quantities:
        y = _draw(page, y, quantity, shown[shown["quantity"] == quantity], lines[quantity], sizes, labels)
    dashed = (
        "Grey, dashed: no discrimination (AUC 0.5), and always answering with the larger class (accuracy)."
    )
    notes = [dashed, *small_print(source[source["quantity"] != MAJORITY], _place)]
    return page.finish(y + page.notes(y, notes) + MARGIN, synthetic)


def _place(row) -> str:
    return f"{row.level} {'gene' if row.level == '1' else 'genes'}"


def _draw(
    page: Page,
    y: float,
    quantity: str,
    rows: pd.DataFrame,
    line: float,
    sizes: Sequence[float],
    labels: Mapping[str, str],
) -> float:
    """One quantity; returns where the next begins."""
    y += page.text(MARGIN, y, words.heading(quantity, labels), weight="bold", width=page.inner) + 3
    left = MARGIN + _GUTTER
    axes = page.axes(left, y, page.width - MARGIN - 6 - left, _HIGH)
    for variable, (colour, dash, shape) in LOOKS.items():
        points = rows[rows["variable"] == variable]
        if points.empty:
            continue
        x = points["level"].astype(float)
        ends = points["lower"], points["upper"]
        if variable == INSIDE and len(points) > 1:
            axes.fill_between(x, *ends, color=SKY, alpha=0.35, linewidth=0, label="band")
        elif variable in (INSIDE, PAIR_INSIDE):
            axes.vlines(x, *ends, color=colour, linewidth=0.8, label="interval")
        look = marker(colour, shape) | {"linestyle": dash or "none", "color": colour}
        axes.plot(x, points["estimate"], **look, label=variable)
    if not np.isnan(line):
        axes.axhline(line, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1, label="reference")
    _dress(axes, rows, line, sizes)
    return y + _HIGH + 2 * style.text_height(1) + _GAP


def _dress(axes: Axes, rows: pd.DataFrame, line: float, sizes: Sequence[float]) -> None:
    inside = rows[rows["variable"].isin([INSIDE, PAIR_INSIDE])]
    lowest = np.nanmin([*rows["estimate"], *inside["lower"].fillna(1), 1 if np.isnan(line) else line])
    axes.set_ylim(min(np.floor(lowest * 20 - 0.5) / 20, 0.9), 1.0)  # the dashed line clears the axis
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
    axes.set_xscale("log")
    axes.set_xlim(sizes[0] / 1.25, sizes[-1] * 1.25)
    axes.xaxis.set_major_locator(FixedLocator(_readable(sizes)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.grid(axis="y")
    axes.set_xlabel("Genes of the panel", labelpad=2)


def _readable(sizes: Sequence[float]) -> list[float]:
    """Of many sizes those whose numbers do not touch on a logarithmic axis."""
    if len(sizes) < 2:
        return list(sizes)
    wide = style.ONE_COLUMN * 72 - 2 * MARGIN - 6 - _GUTTER
    a_size = wide / (np.log(sizes[-1]) - np.log(sizes[0]) + 2 * np.log(1.25))
    kept = [sizes[0]]
    for size in sizes[1:]:
        needed = sum(style.text_width(f"{one:g}") for one in (kept[-1], size)) / 2 + _CLOSE
        if (np.log(size) - np.log(kept[-1])) * a_size >= needed:
            kept.append(size)
    return kept
