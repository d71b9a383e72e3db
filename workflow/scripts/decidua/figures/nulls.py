"""What do chance, other genes and other knowledge reach, beside the classifier?"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from decidua import results, style, words
from decidua.figures.forest import Mark, Row, Scale, Section, forest
from decidua.figures.page import MARGIN, Page, nothing_to_show, small_print
from decidua.learning import comparators
from decidua.learning.performance import WITHIN
from decidua.style import BLUE, MUTED, PAPER, SKY, SMALL

PERMUTATION, RANDOM = "label permutation", comparators.RANDOM
#: What a distribution is called on the figure, and what its observed value is.
DISTRIBUTIONS = {
    PERMUTATION: ("Labels permuted, all learned anew", "true labels"),
    RANDOM: ("Panels of genes drawn at random", "chosen panel"),
}
#: Rows of the comparators table that are drawn, in order, and their names.
DRAWN = {
    comparators.ALL: "All genes, all controls",
    comparators.TOP: "Chosen panel",
    comparators.BOTH: "Genes and covariates",
    comparators.COVARIATES: "Covariates only",
    comparators.CONTROLS: "Negative controls",
    comparators.KIND: "",
}
#: What is printed beside a distribution: its median, and the share of draws that reach the observed value.
MEDIAN, PLACE = "median of the draws", "(b + 1) / (B + 1)"
NO_BREAK = "\N{NO-BREAK SPACE}"
_BINS, _HIGH = 50, 40.0


def nulls_source(
    table: pd.DataFrame, panels: pd.DataFrame, permutations: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The draws of each distribution, and the comparators that are drawn as a point.

    Args:
        table: results table of the comparators.
        panels, permutations: columns draw (0 = observed) and auc; None where there was no permutation.

    Returns:
        The columns of a results table and draw: a row a draw (analysis "draws", variable: the distribution),
        with its `MEDIAN` and `PLACE`, then a row a comparator.
    """
    draws: list[dict] = []
    for name, found in ((PERMUTATION, permutations), (RANDOM, panels)):
        if found is not None and found["auc"].notna().all():
            draws += _draws(name, found)
    shown = table[table["variable"].isin(list(DRAWN)) & (table["quantity"] == WITHIN)]
    order = shown["variable"].map({name: place for place, name in enumerate(DRAWN)})
    shown = shown.loc[order.sort_values(kind="stable").index]
    numbers = [row.pop("draw", pd.NA) for row in draws] + [pd.NA] * len(shown)
    together = pd.concat([results.frame(draws), shown])
    return together.assign(draw=pd.array(numbers, dtype="Int64")).reset_index(drop=True)


def _draws(name: str, found: pd.DataFrame) -> list[dict]:
    """The draws of a distribution, and what is printed beside it."""
    common = {"analysis": "draws", "variable": name}
    rows = [
        results.row(quantity=WITHIN, estimate=float(value), **common) | {"draw": int(draw)}
        for draw, value in zip(found["draw"], found["auc"], strict=True)
    ]
    drawn = found.loc[found["draw"] > 0, "auc"]
    observed = found.loc[found["draw"] == 0, "auc"]
    if len(drawn):
        rows.append(results.row(quantity=MEDIAN, estimate=float(drawn.median()), **common))
    if len(drawn) and len(observed):
        reached = int((drawn >= observed.iloc[0] - 1e-12).sum())
        place = {
            "estimate": (reached + 1) / (len(drawn) + 1),
            "numerator": reached,
            "denominator": len(drawn),
        }
        rows.append(results.row(quantity=PLACE, **place, **common))
    return rows


@style.publication()
def plot_nulls(source: pd.DataFrame, *, labels: Mapping[str, str], synthetic: str | None = None) -> Figure:
    """Draw the distributions with what was observed, and below each comparator with its interval.

    Args:
        source: as from `nulls_source`.
        labels: what the classes are called.
        synthetic: the marks of the study.
    """
    is_draw = source["analysis"] == "draws"
    draws, points = source[is_draw], source[~is_draw]
    if draws.empty and not (points["status"] == results.ESTIMATED).any():
        return nothing_to_show("Nulls and comparators", words.distinct(source["reason"]), synthetic)

    def above(page: Page, y: float, plot: tuple[float, float]) -> float:
        for name, (title, observed) in DISTRIBUTIONS.items():
            rows = draws[draws["variable"] == name]
            y = _distribution(page, y, plot, rows, title, observed)
        return y

    return forest(
        _sections(points, labels),
        Scale("AUC within folds", 1.0, 0.2),
        columns=("Samples", "AUC (interval)"),
        reference=0.5,
        above=above,
        notes=["Dashed: no discrimination (0.5).", *small_print(points, lambda row: _label(row, labels))],
        synthetic=synthetic,
    )


def _sections(points: pd.DataFrame, labels: Mapping[str, str]) -> list[Section]:
    kinds = points["variable"] == comparators.KIND
    heading = f"{words.heading('case', labels)} against one kind of control, learned anew"
    sections = [
        Section(name, tuple(_row(row, labels) for row in rows.itertuples()))
        for name, rows in (("In the same folds", points[~kinds]), (heading, points[kinds]))
        if len(rows)
    ]
    return sections or [Section("", ())]


def _row(row, labels: Mapping[str, str]) -> Row:
    shown = ""
    if row.status == results.ESTIMATED:
        shown = f"{words.decimals(row.estimate, 3)} {words.interval(row.lower, row.upper)}".rstrip()
    colour, shape = (BLUE, "o") if row.variable in (comparators.ALL, comparators.KIND) else (SKY, "D")
    if row.variable in (comparators.COVARIATES, comparators.CONTROLS):
        colour, shape = PAPER, "s"
    cells = (words.counts(row.numerator, row.denominator), shown)
    return Row(_label(row, labels), (Mark(row.estimate, row.lower, row.upper, cells, colour, shape),))


def _label(row, labels: Mapping[str, str]) -> str:
    if row.variable == comparators.KIND:
        return str(row.level)
    if pd.isna(row.level) or row.variable in (comparators.COVARIATES, comparators.BOTH):
        return DRAWN[row.variable]
    return f"{DRAWN[row.variable]} ({str(row.level).removesuffix(' of the list')})"


def _distribution(
    page: Page, y: float, plot: tuple[float, float], rows: pd.DataFrame, title: str, observed: str
) -> float:
    """A histogram of the draws with the observed value as a line, in words beside it; where it ends."""
    draws = rows.dropna(subset=["draw"])
    values = draws.loc[draws["draw"] > 0, "estimate"].to_numpy(dtype=float)
    seen = draws.loc[draws["draw"] == 0, "estimate"].to_numpy(dtype=float)
    y += page.text(MARGIN, y, title, size=style.TITLE, weight="bold", width=page.inner) + 3
    if not len(values):
        return y + page.text(MARGIN, y, "Not estimable: no draws", size=SMALL, colour=MUTED) + 4
    beside = sum(plot) + 10
    said = _in_words(rows.set_index("quantity"), len(values), seen, observed)
    tall = page.text(beside, y, said, size=SMALL, colour=MUTED, width=page.width - MARGIN - beside)
    counts, edges = np.histogram(np.clip(values, 0, 1), bins=_BINS, range=(0, 1))
    axes = page.axes(plot[0], y, plot[1], _HIGH, xlim=(0, 1), ylim=(0, max(counts.max(), 1) * 1.08))
    axes.bar(edges[:-1], counts, 1 / _BINS, align="edge", color="#B8B8B8", edgecolor=PAPER, linewidth=0.3)
    axes.axvline(0.5, color=MUTED, linewidth=0.8, linestyle=(0, (2, 1.5)), label="reference")
    for value in seen:
        axes.axvline(value, color=BLUE, linewidth=1.5, label="observed", clip_on=False)
    axes.xaxis.set_major_locator(FixedLocator(np.arange(6) / 5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axes.tick_params(axis="y", length=0, labelleft=False)
    axes.spines["left"].set_visible(False)
    return y + max(tall, _HIGH + style.text_height(1) + 4) + 4


def _in_words(rows: pd.DataFrame, draws: int, seen: np.ndarray, observed: str) -> str:
    lines = [f"Grey: {draws} draws, median {words.decimals(rows.loc[MEDIAN, 'estimate'], 3)}."]
    for value in seen:
        place = rows.loc[PLACE]
        lines.append(f"Blue: {observed}, {words.decimals(value, 3)}.")
        reached = f"Reached by {int(place['numerator'])} of {draws} draws"
        share = f"{PLACE} = {words.decimals(place['estimate'], 3)}"
        lines.append(f"{reached}: {share.replace(' ', NO_BREAK)}.")
    return "\n".join(lines)
