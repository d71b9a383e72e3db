"""How are estimates with intervals drawn one below the other, each beside its numbers in print?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from decidua import style, words
from decidua.figures.page import MARGIN, Page, marker
from decidua.style import BODY, FAINT, INK, MUTED, SMALL, TITLE

_LINE = style.text_height(1) + 1.0
_ROW_GAP = 3.0
#: The height of a mark below a line that holds its label and its numbers.
_UNDER = 6.0
_GAP = 3.0
_COLUMN_GAP = 8.0
#: Labels no wider than this stand to the left of the plot, longer ones above their marks.
_SHORT_LABEL = 50.0
_INDENT = 8.0
#: More ticks of a logarithmic axis would have numbers that touch.
_MOST_TICKS = 6


@dataclass(frozen=True)
class Mark:
    """One estimate (NaN: not estimable), its interval, and what the printed columns say of it."""

    estimate: float
    lower: float
    upper: float
    cells: tuple[str, ...]
    colour: str
    shape: str


@dataclass(frozen=True)
class Row:
    """A labelled row with its marks, one below the other, and a remark (tests that compare them)."""

    label: str
    marks: tuple[Mark, ...]
    remark: str = ""
    indent: bool = False


@dataclass(frozen=True)
class Section:
    """Rows under a heading, with remarks (tests that compare the rows); either may be empty."""

    heading: str
    rows: tuple[Row, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scale:
    """The horizontal axis: its name, end and ticks, what a tick says is its value times `factor`."""

    label: str
    end: float
    step: float
    factor: float = 1.0

    @property
    def limits(self) -> tuple[float, float]:
        return 0.0, self.end

    @property
    def ticks(self) -> list[float]:
        return [i * self.step for i in range(round(self.end / self.step) + 1)]

    @property
    def origin(self) -> float:
        """The tick that is drawn darker."""
        return 0.0


@dataclass(frozen=True)
class RatioScale:
    """A logarithmic axis of ratios from the first tick to the last; what lies beyond is an arrow."""

    label: str
    ticks: tuple[float, ...]
    factor: float = 1.0
    origin: float = 1.0

    @property
    def limits(self) -> tuple[float, float]:
        return self.ticks[0], self.ticks[-1]

    @classmethod
    def holding(cls, label: str, values: Sequence[float]) -> "RatioScale":
        """Where the finite of the values fit, as far as from 1/100 to 100, and 1 always does."""
        kept = [float(value) for value in values if 0 < value < np.inf]
        low, high = (min(max(end, 0.01), 100.0) for end in (min([1.0, *kept]), max([1.0, *kept])))
        return cls(label, _ratio_ticks(low, high))


def _ratio_ticks(low: float, high: float) -> tuple[float, ...]:
    """Round numbers, not many, the first at or below `low` and the last at or above `high`."""
    if high / low < 3:
        for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0):
            first, last = int(np.floor(low / step + 1e-9)), int(np.ceil(high / step - 1e-9))
            if last - first < _MOST_TICKS and first > 0:
                return tuple(round(i * step, 10) for i in range(first, last + (2 if first == last else 1)))
    for heads in ((1, 2, 5), (1, 3), (1,)):
        marks = sorted(float(f"{head}e{power}") for head in heads for power in range(-3, 4))
        first = max(i for i, mark in enumerate(marks) if mark <= low)
        last = min(i for i, mark in enumerate(marks) if mark >= high)
        if last - first < _MOST_TICKS:
            break
    return tuple(marks[first : last + 1])


def forest(
    sections: Sequence[Section],
    scale: Scale | RatioScale,
    *,
    columns: tuple[str, ...],
    label_heading: str = "",
    key: Sequence[tuple[str, str, str]] = (),
    notes: Sequence[str] = (),
    reference: float | None = None,
    above: Callable[[Page, float, tuple[float, float]], float] | None = None,
    synthetic: str | None = None,
) -> Figure:
    """Draw the sections below each other on one scale.

    Args:
        columns: headings of the printed columns that each mark fills.
        label_heading: what the labels of the rows are.
        key: text, colour and shape of each series, written above.
        notes: small print below.
        reference: where a dashed line stands.
        above: draws something on the same scale above the sections, given the page, where it begins, and left
            edge and width of the plot; returns where it ends.
    """
    page = Page()
    layout = _Layout.fit(page, sections, columns, scale)
    y = MARGIN
    if key:
        y += page.legend(y, key) + _GAP
    if above:
        y = above(page, y, layout.plot) + 2 * _GAP
    y += layout.write_headings(page, y, label_heading, columns) + _GAP
    last = None
    for place, section in enumerate(sections):
        y += 2 * _GAP if place else 0.0
        y += _write_heading(page, y, section)
        bands = layout.bands(page, y, section)
        end = bands[-1][1] if bands else y
        last = _section_axes(page, layout, (y, end), bands, scale, reference)
        for row, (top, _) in zip(section.rows, bands, strict=True):
            layout.write_row(page, last, row, top)
        y = end
    y = _finish_axis(page, layout, last, y, scale)
    y += page.notes(y, notes)
    return page.finish(y + MARGIN, synthetic)


@dataclass(frozen=True)
class _Layout:
    """Where each column of the sheet begins: the plot, then the printed columns; lengths in points.

    Short labels have a column of their own (`beside`). Others stand above the marks that they name; the
    numbers are level with each mark, or with the label (`is_level`) where there is one mark only.
    """

    beside: bool
    plot: tuple[float, float]
    columns: tuple[float, ...]

    @classmethod
    def fit(
        cls, page: Page, sections: Sequence[Section], headings: Sequence[str], scale: Scale | RatioScale
    ) -> "_Layout":
        rows = [row for section in sections for row in section.rows]
        starts, x = [], page.width - MARGIN
        for place, heading in reversed(list(enumerate(headings))):
            cells = [style.text_width(_cells(mark)[place]) for row in rows for mark in row.marks]
            x -= max([style.text_width(heading, SMALL, "bold"), *cells]) + 1
            starts.insert(0, x)
            x -= _COLUMN_GAP
        label = max((style.text_width(row.label) + _indent(row) for row in rows), default=0.0)
        beside = label <= _SHORT_LABEL and not any(row.remark or len(row.marks) > 1 for row in rows)
        # The number at the first tick stands about it, and must not leave the sheet.
        first = style.text_width(_number(scale.ticks[0], scale)) / 2
        left = MARGIN + max(label + _COLUMN_GAP if beside else 0.0, first - MARGIN / 2)
        return cls(beside, (left, x - left), tuple(starts))

    def write_headings(self, page: Page, y: float, label: str, headings: Sequence[str]) -> float:
        style_ = {"size": SMALL, "weight": "bold", "colour": MUTED}
        for x, heading in zip(self.columns, headings, strict=True):
            page.text(x, y, heading, **style_)
        return page.text(MARGIN, y, label, width=self.columns[0] - MARGIN - _COLUMN_GAP, **style_)

    def bands(self, page: Page, y: float, section: Section) -> list[tuple[float, float]]:
        """From where to where the marks of each row stand, if the section's rows begin at y."""
        found = []
        for row in section.rows:
            top = y + (0.0 if self.beside else self.label_height(page, row))
            y = top + (_UNDER if self.is_level(row) else _LINE * len(row.marks))
            found.append((top, y))
            y += 0.0 if self.beside else _ROW_GAP
        return found

    def is_level(self, row: Row) -> bool:
        """Whether the numbers stand on the line of the label."""
        return not self.beside and not row.remark and len(row.marks) == 1

    def label_lines(self, page: Page, row: Row) -> tuple[list[str], list[str]]:
        """The label, and the remark if it needs lines of its own; else it ends the label's last line."""
        width = page.inner - _indent(row)
        if self.is_level(row):
            return style.wrap(row.label, self.columns[0] - _COLUMN_GAP / 2 - MARGIN - _indent(row)), []
        label = style.wrap(row.label, width)
        taken = style.text_width(label[-1]) + _COLUMN_GAP + style.text_width(row.remark, SMALL)
        return label, style.wrap(row.remark, width, SMALL) if row.remark and taken > width else []

    def label_height(self, page: Page, row: Row) -> float:
        label, remark = self.label_lines(page, row)
        return style.text_height(len(label)) + style.text_height(len(remark), SMALL)

    def write_label(self, page: Page, row: Row, y: float) -> None:
        label, remark = self.label_lines(page, row)
        left = MARGIN + _indent(row)
        end = y + page.text(left, y, label)
        if remark:
            page.text(left, end, remark, size=SMALL, colour=MUTED)
        elif row.remark:
            # A single line, wrapped only so that its no-break spaces are written as spaces.
            line = style.wrap(row.remark, page.inner, SMALL)
            middle = end - style.text_height(1) / 2
            page.text(page.width - MARGIN, middle, line, size=SMALL, colour=MUTED, ha="right", va="center")

    def write_row(self, page: Page, axes: Axes, row: Row, top: float) -> None:
        if self.beside:
            page.text(MARGIN + _indent(row), top + _LINE / 2, row.label, va="center")
        else:
            self.write_label(page, row, top - self.label_height(page, row))
        for place, mark in enumerate(row.marks):
            line = top + (place + 0.5) * _LINE
            if self.is_level(row):
                _draw(axes, mark, top + _UNDER / 2)
                line = top - style.text_height(1) / 2
            else:
                _draw(axes, mark, line)
            look = {"colour": MUTED, "slant": "italic"} if pd.isna(mark.estimate) else {}
            for x, text in zip(self.columns, _cells(mark), strict=True):
                page.text(x, line, text, va="center", **(look if text == words.NOT_ESTIMABLE else {}))


def _cells(mark: Mark) -> tuple[str, ...]:
    """What is printed beside a mark; the last column says that it is not estimable."""
    return (*mark.cells[:-1], words.NOT_ESTIMABLE) if pd.isna(mark.estimate) else mark.cells


def _indent(row: Row) -> float:
    return _INDENT if row.indent else 0.0


def _write_heading(page: Page, y: float, section: Section) -> float:
    top = y
    if section.heading:
        top += page.text(MARGIN, top, section.heading, size=TITLE, weight="bold", width=page.inner)
    for remark in section.remarks:
        top += page.text(MARGIN, top, remark, size=SMALL, colour=MUTED, width=page.inner)
    return top - y + (_GAP if top > y else 0.0)


def _section_axes(
    page: Page,
    layout: _Layout,
    ends: tuple[float, float],
    bands: Sequence[tuple[float, float]],
    scale: Scale | RatioScale,
    reference: float | None,
) -> Axes:
    """Axes whose vertical data are the sheet's own points, so that a mark stands level with its text.

    The grid is drawn behind the marks only: labels stand on white.
    """
    top, bottom = ends
    axes = page.axes(layout.plot[0], top, layout.plot[1], bottom - top)
    axes.set_xscale("log" if isinstance(scale, RatioScale) else "linear")
    axes.set_xlim(*scale.limits)
    axes.set_ylim(bottom, top)
    axes.xaxis.set_major_locator(FixedLocator(scale.ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="both", length=0, labelbottom=False, labelleft=False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    for tick in scale.ticks:
        colour, width = (FAINT, 0.5) if tick != scale.origin else (MUTED, 0.6)
        _in_bands(axes, tick, bands, color=colour, linewidth=width, zorder=0.5, label="grid")
    if reference is not None:
        dashes = {"linestyle": (0, (2, 1.5)), "linewidth": 0.8}
        _in_bands(axes, reference, bands, color=MUTED, zorder=1, label="reference", **dashes)
    return axes


def _in_bands(axes: Axes, x: float, bands: Sequence[tuple[float, float]], **look) -> None:
    """An upright line with gaps between the bands."""
    y = [end for band in bands for end in (*band, np.nan)]
    axes.plot([x] * len(y), y, clip_on=False, **look)


def _draw(axes: Axes, mark: Mark, y: float) -> None:
    if pd.isna(mark.estimate):
        return
    low, high = axes.get_xlim()
    if not (pd.isna(mark.lower) or pd.isna(mark.upper)):
        ends = [min(max(end, low), high) for end in (mark.lower, mark.upper)]
        axes.plot(ends, [y, y], color=INK, zorder=2, label="interval", clip_on=False)
        for end, shape in ((mark.lower, "<"), (mark.upper, ">")):
            if not low <= end <= high:
                arrow = {"marker": shape, "color": INK, "markersize": 3.0, "linestyle": "none"}
                axes.plot([min(max(end, low), high)], [y], **arrow, label="beyond", clip_on=False)
    if low <= mark.estimate <= high:
        axes.plot([mark.estimate], [y], **marker(mark.colour, mark.shape), label="estimate")


def _number(tick: float, scale: Scale | RatioScale) -> str:
    return f"{tick * scale.factor:.3g}"


def _finish_axis(
    page: Page, layout: _Layout, last: Axes | None, y: float, scale: Scale | RatioScale
) -> float:
    if last is None:
        return y
    last.tick_params(axis="x", length=2.5, labelbottom=True)
    last.spines["bottom"].set_visible(True)
    last.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _number(value, scale)))
    y += style.text_height(1) + 6
    middle = layout.plot[0] + layout.plot[1] / 2
    # From the margin, where the name is wider than the axis.
    ha, x, wide = "center", middle, 2 * min(middle - MARGIN, page.width - MARGIN - middle)
    if style.text_width(scale.label) > wide:
        ha, x, wide = "left", MARGIN, page.inner
    return y + page.text(x, y, scale.label, size=BODY, ha=ha, width=wide) + _GAP
