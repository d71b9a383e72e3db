"""Which genes differ between the classes: fold change over mean (MA), p over fold change, histogram of p."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from decidua import style, words
from decidua.differential import FDR, HIGHER, LOWER, P_VALUES
from decidua.figures.page import MARGIN, Page, nothing_to_show
from decidua.results import NOT_ESTIMABLE
from decidua.style import BODY, INK, MUTED, SMALL

OTHER = "other"
KINDS = {OTHER: "#B0B0B0", HIGHER: style.VERMILLION, LOWER: style.BLUE}
SHRUNKEN = "shrunken_log2_fold_change"
#: How many genes are named.
NAMED = 10
_GUTTER, _FOOT = 36.0, 28.0
_COLUMNS = ["gene", "base_mean", "log2_fold_change", SHRUNKEN, "p", "kind", "named"]


def genes_source(genes: pd.DataFrame) -> pd.DataFrame:
    """The genes tested, as both point figures draw them.

    Args:
        genes: as from `decidua.differential`.

    Returns:
        gene, base_mean, log2_fold_change, shrunken_log2_fold_change (missing where the method does not
        shrink), p, kind ("higher in cases", "lower in cases", "other"), named (whether its name is written);
        genes with the smallest p last.
    """
    rows = genes[genes["p"].notna() & (genes["base_mean"] > 0)]
    found = (rows["p_adjusted"] < FDR).fillna(False).to_numpy(dtype=bool)
    kind = np.where(found, np.where(rows["log2_fold_change"] > 0, HIGHER, LOWER), OTHER)
    source = rows.assign(kind=pd.array(kind, dtype="string"))
    source["named"] = found & (np.arange(len(rows)) < NAMED)
    return source[_COLUMNS].iloc[::-1].reset_index(drop=True)


@style.publication()
def plot_ma(
    source: pd.DataFrame,
    summary: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    synthetic: str | None = None,
) -> Figure:
    """Draw the fold change of each gene, shrunken where the method shrinks, over its mean count.

    Args:
        source: as from `genes_source`; summary: the results table that sums it up.
        labels: what cases and controls are called.
        synthetic: the mark of data that are no patients'.
    """
    change = SHRUNKEN if source[SHRUNKEN].notna().any() else "log2_fold_change"
    return _points(source, summary, "base_mean", change, "Fold change over mean", labels, synthetic)


@style.publication()
def plot_volcano(
    source: pd.DataFrame,
    summary: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    synthetic: str | None = None,
) -> Figure:
    """Draw the p-value of each gene over its fold change as it was tested; arguments as of `plot_ma`."""
    return _points(source, summary, "log2_fold_change", "p", "p-value over fold change", labels, synthetic)


def _points(
    source: pd.DataFrame,
    summary: pd.DataFrame,
    x: str,
    y: str,
    title: str,
    labels: Mapping[str, str],
    synthetic: str | None,
) -> Figure:
    if source.empty:
        return nothing_to_show(title, _reasons(summary), synthetic)
    page = Page()
    top = MARGIN + page.legend(MARGIN, _legend(source, labels)) + 4
    width, height = page.inner - _GUTTER - 4, 0.82 * (page.inner - _GUTTER)
    axes = page.axes(MARGIN + _GUTTER, top, width, height)
    at = {name: _position(source, name) for name in (x, y)}
    for kind, colour in KINDS.items():
        rows = (source["kind"] == kind).to_numpy(dtype=bool)
        axes.plot(at[x][rows], at[y][rows], "o", color=colour, markersize=1.6, markeredgewidth=0,
                  alpha=0.5 if kind == OTHER else 0.8, rasterized=True, label=kind)  # fmt: skip
    _dress(axes.xaxis, x, at[x], axes.set_xlim, labels)
    _dress(axes.yaxis, y, at[y], axes.set_ylim, labels)
    if x == "base_mean":
        axes.axhline(0, color=INK, linewidth=0.6, label="no difference")
    else:
        axes.axvline(0, color=INK, linewidth=0.6, label="no difference")
    named = source["named"].to_numpy(dtype=bool)
    axes.plot(at[x][named], at[y][named], "o", markerfacecolor="none", markeredgecolor=INK, markersize=2.6,
              markeredgewidth=0.5, label="named")  # fmt: skip
    _name_genes(axes, source, at[x], at[y], width, height)
    bottom = top + height + _FOOT
    return page.finish(
        bottom + page.notes(bottom, _notes(source, summary, SHRUNKEN in (x, y))) + MARGIN, synthetic
    )


def _legend(source: pd.DataFrame, labels: Mapping[str, str]) -> list[tuple[str, str, str]]:
    case = labels.get("case", "cases")
    numbers = source["kind"].value_counts()
    called = {HIGHER: f"higher in {case}", LOWER: f"lower in {case}", OTHER: "other genes"}
    return [
        (f"{called[kind]} ({int(numbers.get(kind, 0)):,})", KINDS[kind], "o")
        for kind in (HIGHER, LOWER, OTHER)
    ]


def _position(source: pd.DataFrame, column: str) -> np.ndarray:
    values = source[column].to_numpy(dtype=float)
    if column == "base_mean":
        return np.log10(values)
    if column == "p":
        return -np.log10(np.maximum(values, np.finfo(float).tiny))
    return values


def _dress(axis, column: str, values: np.ndarray, limit, labels: Mapping[str, str]) -> None:
    """Limits with some air, few ticks, and a name."""
    low, high = float(values.min()), float(values.max())
    if column in ("log2_fold_change", SHRUNKEN):
        high = max(abs(low), abs(high), 0.5)
        low = -high
    elif column == "p":
        low, high = 0.0, max(high, 1.0)
    air = 0.05 * max(high - low, 0.2)
    limit(low - (0 if column == "p" else air), high + air)
    if column == "base_mean":
        axis.set_major_locator(FixedLocator(np.arange(np.ceil(low), np.floor(high) + 1)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: _thousands(10**value)))
        axis.set_label_text("Mean normalised count")
        return
    axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    if column == "p":
        axis.set_label_text("−log10 p")
    else:
        versus = f"{labels.get('case', 'cases')} v {labels.get('control', 'controls')}"
        short = versus if style.text_width(versus) < 120 else "cases v controls"
        axis.set_label_text(f"log2 fold change, {short}")


def _thousands(value: float) -> str:
    for factor, unit in ((1e6, " M"), (1e3, " k")):
        if value >= 0.999 * factor:
            return f"{value / factor:.4g}{unit}"
    return f"{value:.4g}"


def _name_genes(
    axes: Axes, source: pd.DataFrame, x: np.ndarray, y: np.ndarray, width: float, height: float
) -> None:
    """Names of the genes marked, where one fits beside its point; nothing else where none does. In points."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    across, up = (x - left) / (right - left) * width, (y - bottom) / (top - bottom) * height
    coloured = (source["kind"] != OTHER).to_numpy(dtype=bool)
    points = np.column_stack([across, up])[coloured]
    chosen = np.flatnonzero(source["named"].to_numpy(dtype=bool))[::-1]
    taken = [(across[i] - 2, up[i] - 2, across[i] + 2, up[i] + 2) for i in chosen]
    for i in chosen:
        name = str(source["gene"].iloc[i])
        wide, high = style.text_width(name, SMALL), 1.16 * SMALL
        boxes = [(across[i] + dx, up[i] + dy, across[i] + dx + wide, up[i] + dy + high)
                 for dx, dy in _around(wide, high)]  # fmt: skip
        free = [
            box
            for box in boxes
            if box[0] >= 1 and box[1] >= 1 and box[2] <= width + 2 and box[3] <= height + 2
            and not any(_overlap(box, other) for other in taken)
        ]  # fmt: skip
        if free:
            best = min(free, key=lambda box: _covered(points, box))
            taken.append(best)
            _write(axes, name, (x[i], y[i]), (best[0] - across[i], best[1] - up[i]))


def _write(axes: Axes, name: str, at: tuple[float, float], offset: tuple[float, float]) -> None:
    axes.annotate(
        name,
        at,
        offset,
        textcoords="offset points",
        fontsize=SMALL,
        va="bottom",
        ha="left",
        annotation_clip=False,
        path_effects=[withStroke(linewidth=1.0, foreground=style.PAPER)],
    )


def _covered(points: np.ndarray, box: tuple[float, ...]) -> int:
    """How many of the points a box covers."""
    inside = (points > (box[0] - 1, box[1] - 1)) & (points < (box[2] + 1, box[3] + 1))
    return int(inside.all(axis=1).sum())


def _around(wide: float, high: float) -> list[tuple[float, float]]:
    """Lower left corners of a name beside its point: right, left, above, below, and the diagonals."""
    return [
        (3, -high / 2),
        (-3 - wide, -high / 2),
        (-wide / 2, 3),
        (-wide / 2, -3 - high),
        (2, 2),
        (-2 - wide, 2),
        (2, -2 - high),
        (-2 - wide, -2 - high),
    ]


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _reasons(summary: pd.DataFrame) -> list[str]:
    failed = words.distinct(summary.loc[summary["status"] == NOT_ESTIMABLE, "reason"])
    return failed or ["no gene was tested"]


def _notes(source: pd.DataFrame, summary: pd.DataFrame, shrunken: bool = False) -> list[str]:
    named = int(source["named"].sum())
    ringed = {0: "", 1: " Ringed: the one gene."}.get(named, f" Ringed: the {named} with the smallest p.")
    notes = [f"Coloured: false discovery rate below {FDR:.0%}.{ringed}"]
    if shrunken:
        notes.append("Fold changes are drawn towards no change by a heavy-tailed prior (apeglm).")
    notes += [f"Test: {test}." for test in words.distinct(summary["test"])]
    notes += [f"Counted: {whom}." for whom in words.distinct(summary["counted"])]
    return notes + [f"Caution: {text}." for text in _cautions(summary)]


def _cautions(summary: pd.DataFrame) -> list[str]:
    texts = words.distinct(summary.loc[summary["status"] != NOT_ESTIMABLE, "reason"])
    return list(dict.fromkeys(part for text in texts for part in text.split("; ")))


def histogram_source(summary: pd.DataFrame) -> pd.DataFrame:
    """The rows of the results table that the histogram of p-values shows."""
    return summary[summary["quantity"] == P_VALUES].reset_index(drop=True)


@style.publication()
def plot_p_values(source: pd.DataFrame, summary: pd.DataFrame, *, synthetic: str | None = None) -> Figure:
    """Draw how many genes have a p-value of which size.

    Args:
        source: as from `histogram_source`; summary: the whole table, for the reason where there is none.
        synthetic: the mark of data that are no patients'.
    """
    if source.empty:
        return nothing_to_show("p-values", _reasons(summary), synthetic)
    page = Page()
    width, height = page.inner - _GUTTER - 4, 110.0
    axes = page.axes(MARGIN + _GUTTER, MARGIN + 4, width, height)
    ends = np.array([text.split(" to ") for text in source["level"]], dtype=float)
    numbers = source["numerator"].to_numpy(dtype=float)
    axes.bar(ends[:, 0], numbers, ends[:, 1] - ends[:, 0], align="edge", color=style.SKY, edgecolor=INK,
             linewidth=0.4, label="genes")  # fmt: skip
    flat = numbers[ends[:, 0] >= 0.5].mean()
    axes.axhline(flat, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)), label="flat")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, numbers.max() * 1.05)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel("p-value", fontsize=BODY)
    axes.set_ylabel("Genes")
    bottom = MARGIN + 4 + height + _FOOT
    notes = [
        "Dashed: mean of the bars above 0.5. Without any difference all bars are about as high; a rise to the"
        " right, or a hump, says that the model does not fit.",
        *_notes(pd.DataFrame({"named": [False]}), summary)[1:],
    ]
    return page.finish(bottom + page.notes(bottom, notes) + MARGIN, synthetic)
