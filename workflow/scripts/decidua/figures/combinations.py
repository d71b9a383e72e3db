"""Which markers are abnormal together? Bars beside a matrix of dots, an UpSet plot.

Source: Lex et al. 2014, IEEE Trans Vis Comput Graph 20:1983.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from decidua import results, style, words
from decidua.figures.page import (
    MARGIN,
    Page,
    is_value,
    marker,
    nothing_to_show,
    scale_top,
    series_style,
    small_print,
)
from decidua.figures.rates import COLUMNS, rate_mark
from decidua.style import INK, MUTED, PAPER, SMALL

_LINE = style.text_height(1) + 1.0
_BAR = 5.5
_GAP = 4.0
#: From one marker's dots to the next one's.
_PITCH = 9.0
_COLUMN_GAP = 8.0
#: A bar whose interval is to be seen on it: that of all women would be as dark as the line.
_GREY = "#A6A6A6"
#: Lines of the combinations, one a group: more would be higher than a printed page.
_MOST_LINES = 48
_MOST_SHOWN, _LEAST_SHOWN = 16, 4


def combinations_source(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a results table that the figure of marker combinations shows.

    Args:
        table: results table with the analysis "prevalence".

    Returns:
        By group: the rate of each abnormal marker, then of each combination (also of none), the commonest
        first.
    """
    rows = table[is_value(table["analysis"], "prevalence") & is_value(table["quantity"], "rate")]
    rows = rows[~is_value(rows["variable"], "immunity")]
    combined = is_value(rows["variable"], "subgroup")
    women = rows[combined].groupby("level", sort=False)["numerator"].sum()
    order = {
        level: place for place, level in enumerate(women.sort_values(ascending=False, kind="stable").index)
    }
    places = rows["level"].map(order).where(combined, -1).fillna(-1)
    return rows.loc[places.sort_values(kind="stable").index].reset_index(drop=True)


@style.publication()
def plot_combinations(
    source: pd.DataFrame, *, labels: Mapping[str, str], synthetic: str | None = None
) -> Figure:
    """Draw how common each abnormal marker and each combination of abnormal markers is.

    Args:
        source: as from `combinations_source`.
        labels: what markers and groups are called.
        synthetic: the mark of data that are no patients'.
    """
    combined = is_value(source["variable"], "subgroup")
    single = source[~combined & source["level"].notna()]
    combinations = source[combined & source["level"].notna()]
    if not (combinations["status"] == results.ESTIMATED).any():
        return nothing_to_show("Marker combinations", words.distinct(source["reason"]), synthetic)
    markers = words.distinct(single["variable"])
    groups = words.distinct(combinations["population"])
    shown, left_out = _commonest(combinations, len(groups))
    blocks = [
        _Block(words.heading(name, labels), frozenset([name]), rows)
        for name, rows in single.groupby("variable", sort=False)
    ]
    blocks += [_Block("", _abnormal(name), rows) for name, rows in shown.groupby("level", sort=False)]
    page = Page()
    drawn = pd.concat([single, shown])
    layout = _Layout.fit(page, len(markers), drawn)
    y = MARGIN + page.legend(MARGIN, _key(groups, labels)) + _GAP
    y += layout.write_headings(page, y) + _GAP
    top, step = scale_top(float(drawn[["estimate", "upper"]].max().max()))
    y = _write_blocks(page, layout, blocks, markers, groups, (y, top, step))
    notes = ["The lines of a block are in the order of the key."] * (len(groups) > len(style.SERIES))
    notes += [*_left_out(combinations, left_out, len(markers))]
    notes += small_print(drawn, lambda row: _place(row, labels))
    return page.finish(y + page.notes(y, notes) + MARGIN, synthetic)


@dataclass(frozen=True)
class _Block:
    """The lines of one marker (with its name), or of one combination: a line a group."""

    label: str
    abnormal: frozenset[str]
    rates: pd.DataFrame


def _abnormal(subgroup: str) -> frozenset[str]:
    return frozenset() if subgroup == "normal" else frozenset(subgroup.split(" + "))


def _commonest(combinations: pd.DataFrame, groups: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of as many combinations as a page holds, and the others."""
    most = min(max(_MOST_LINES // max(groups, 1), _LEAST_SHOWN), _MOST_SHOWN)
    kept = combinations["level"].isin(words.distinct(combinations["level"])[:most])
    return combinations[kept], combinations[~kept]


def _left_out(combinations: pd.DataFrame, left_out: pd.DataFrame, markers: int) -> Iterator[str]:
    women = combinations.groupby("level")["numerator"].sum()
    yield f"Of {2**markers} combinations of {_markers(markers)} {int((women > 0).sum())} occur."
    if len(left_out):
        number, sum_ = left_out["level"].nunique(), int(left_out["numerator"].sum())
        yield f"The commonest are shown; {number} with {sum_} women together are in the figure's source data."


def _markers(number: int) -> str:
    return "1 marker" if number == 1 else f"{number} markers"


def _key(groups: Sequence[str], labels: Mapping[str, str]) -> list[tuple[str, str, str]]:
    named = [(words.heading(group, labels), _colour(group, groups), "s") for group in groups]
    return [*named, ("marker abnormal", INK, "o"), ("marker normal", PAPER, "o")]


def _colour(group: str, groups: Sequence[str]) -> str:
    colour = series_style(group, groups)[0]
    return _GREY if colour == INK else colour


def _place(row, labels: Mapping[str, str]) -> str:
    key = row.level if row.variable == "subgroup" and not pd.isna(row.level) else row.variable
    return f"{words.heading(key, labels)}, {words.heading(row.population, labels)}"


@dataclass(frozen=True)
class _Layout:
    """From left to right: the matrix, the bars, the printed columns; lengths in points."""

    matrix: float
    bars: tuple[float, float]
    columns: tuple[float, ...]

    @classmethod
    def fit(cls, page: Page, markers: int, rates: pd.DataFrame) -> "_Layout":
        cells = [rate_mark(rate, INK, "o").cells for rate in rates.itertuples()]
        cells.append(("", words.NOT_ESTIMABLE))
        starts, x = [], page.width - MARGIN
        for place, heading in reversed(list(enumerate(COLUMNS))):
            widest = max(style.text_width(each[place]) for each in cells)
            x -= max(style.text_width(heading, SMALL, "bold"), widest) + 1
            starts.insert(0, x)
            x -= _COLUMN_GAP
        left = MARGIN + markers * _PITCH + _GAP
        return cls(MARGIN + _PITCH / 2, (left, x - left), tuple(starts))

    def write_headings(self, page: Page, y: float) -> float:
        for x, heading in zip(self.columns, COLUMNS, strict=True):
            page.text(x, y, heading, size=SMALL, weight="bold", colour=MUTED)
        return style.text_height(1, SMALL)


def _write_blocks(
    page: Page,
    layout: _Layout,
    blocks: Sequence[_Block],
    markers: Sequence[str],
    groups: Sequence[str],
    place: tuple[float, float, float],
) -> float:
    """Every block below the one before, then the axis; returns where it ends."""
    first, end, step = place
    tops, y = _write_labels(page, layout, blocks, first)
    axes = page.axes(layout.bars[0], first, layout.bars[1], y - first)
    _dress(axes, (first, y), end, step)
    for block, top in zip(blocks, tops, strict=True):
        _write_lines(page, layout, axes, block, groups, top)
        _write_dots(page, layout, block, markers, top + len(block.rates) * _LINE / 2)
    y += style.text_height(1) + 6
    return y + page.text(layout.bars[0] + layout.bars[1] / 2, y, "Women (%)", ha="center") + _GAP


def _write_labels(
    page: Page, layout: _Layout, blocks: Sequence[_Block], y: float
) -> tuple[list[float], float]:
    """Headings and names of markers; where the lines of each block begin, and where the last one ends."""
    tops, heading = [], ""
    for block in blocks:
        title = "Each marker" if block.label else "Combinations"
        if title != heading:
            heading = title
            y += page.text(MARGIN, y, title, weight="bold") + 1
        if block.label:
            y += page.text(layout.bars[0], y, block.label, width=page.width - MARGIN - layout.bars[0])
        tops.append(y)
        y += len(block.rates) * _LINE + _GAP
    return tops, y


def _write_lines(
    page: Page, layout: _Layout, axes: Axes, block: _Block, groups: Sequence[str], y: float
) -> None:
    """A bar with its interval and its numbers, a line a group."""
    for place, rate in enumerate(block.rates.itertuples()):
        middle = y + (place + 0.5) * _LINE
        cells = rate_mark(rate, INK, "o").cells
        if rate.status == results.ESTIMATED:
            colour = _colour(rate.population, groups)
            axes.barh(middle, rate.estimate, _BAR, color=colour, edgecolor=INK, linewidth=0.4, zorder=2)
            ends = [rate.lower, rate.upper]
            axes.plot(ends, [middle] * 2, color=INK, linewidth=0.7, zorder=3, label="interval")
        else:
            cells = (cells[0], words.NOT_ESTIMABLE)
        for x, text in zip(layout.columns, cells, strict=True):
            grey = {"colour": MUTED, "slant": "italic"} if text == words.NOT_ESTIMABLE else {}
            page.text(x, middle, text, va="center", **grey)


def _write_dots(page: Page, layout: _Layout, block: _Block, markers: Sequence[str], y: float) -> None:
    """Which markers are abnormal; beside a marker's own bars only its dot."""
    places = {name: layout.matrix + place * _PITCH for place, name in enumerate(markers)}
    joined = [x for name, x in places.items() if name in block.abnormal]
    if len(joined) > 1:
        page.sheet.plot([joined[0], joined[-1]], [y, y], color=INK, linewidth=1.0, zorder=2, label="joint")
    for name, x in places.items():
        is_abnormal = name in block.abnormal
        if is_abnormal or not block.label:
            page.sheet.plot([x], [y], **marker(INK if is_abnormal else PAPER, "o"), label="key")


def _dress(axes: Axes, ends: tuple[float, float], end: float, step: float) -> None:
    axes.set_xlim(0, end)
    axes.set_ylim(ends[1], ends[0])
    axes.xaxis.set_major_locator(FixedLocator([i * step for i in range(round(end / step) + 1)]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.3g}"))
    axes.tick_params(axis="y", length=0, labelleft=False)
    axes.spines["left"].set_visible(False)
