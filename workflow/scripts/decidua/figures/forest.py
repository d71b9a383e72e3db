"""How are estimates with intervals drawn one below the other, each beside its numbers in print?"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from decidua import style, words
from decidua.figures.page import MARGIN, Page, marker
from decidua.style import BODY, INK, MUTED, SMALL, TITLE

_LINE = style.text_height(1) + 2.4
_GAP = 3.0
_COLUMN_GAP = 10.0
_NARROWEST_PLOT = 110.0


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
    """A labelled row with its marks, one below the other, and columns that concern all of them."""

    label: str
    marks: tuple[Mark, ...]
    cells: tuple[str, ...] = ()
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


def forest(
    sections: Sequence[Section],
    scale: Scale,
    *,
    mark_columns: tuple[str, ...],
    row_columns: tuple[str, ...] = (),
    key: Sequence[tuple[str, str, str]] = (),
    notes: Sequence[str] = (),
    reference: float | None = None,
    synthetic: str | None = None,
    width: float = style.TWO_COLUMNS,
) -> Figure:
    """Draw the sections below each other on one scale.

    Args:
        mark_columns: headings of the printed columns that each mark fills; row_columns: those of each row.
        key: text, colour and shape of each series, written above.
        notes: small print below.
        reference: where a dashed line stands.
        width: inches.
    """
    page = Page(width)
    columns = _Columns.fit(page, sections, mark_columns, row_columns)
    y = MARGIN
    if key:
        y += page.legend(y, key) + _GAP
    y += columns.write_headings(page, y) + _GAP
    last = None
    for place, section in enumerate(sections):
        y += 2 * _GAP if place else 0.0
        y += _write_heading(page, y, section)
        heights = [columns.height(row) for row in section.rows]
        last = _section_axes(page, columns, y, sum(heights), scale, reference)
        for row, height in zip(section.rows, heights, strict=True):
            columns.write_row(page, last, row, y, height)
            y += height
    y = _finish_axis(page, columns, last, y, scale)
    y += page.notes(y, notes)
    return page.finish(y + MARGIN, synthetic)


@dataclass(frozen=True)
class _Columns:
    """Where each column of the sheet begins: labels left, the plot, then the printed columns."""

    label_width: float
    plot: tuple[float, float]
    marks: tuple[float, ...]
    rows: tuple[float, ...]
    headings: tuple[tuple[str, ...], ...]

    @classmethod
    def fit(
        cls, page: Page, sections: Sequence[Section], mark_columns: Sequence[str], row_columns: Sequence[str]
    ) -> "_Columns":
        rows = [row for section in sections for row in section.rows]
        marks = [mark for row in rows for mark in row.marks]
        cells = [[mark.cells[i] for mark in marks] for i in range(len(mark_columns))]
        cells += [[row.cells[i] for row in rows if row.cells] for i in range(len(row_columns))]
        printed = []
        headings = []
        for heading, texts in zip((*mark_columns, *row_columns), cells, strict=True):
            content = max((style.text_width(text) for text in texts), default=0.0)
            words_wide = max(style.text_width(word, SMALL, "bold") for word in heading.split())
            printed.append(max(content, words_wide, 24.0))
            headings.append(tuple(style.wrap(heading, printed[-1] + 1, SMALL, "bold")))
        right = sum(printed) + _COLUMN_GAP * len(printed)
        widest = max((style.text_width(row.label) + _indent(row) for row in rows), default=0.0) + 1
        room = page.inner - right - _NARROWEST_PLOT - _COLUMN_GAP
        label_width = max(min(widest, room, 0.36 * page.inner), 50.0)
        left = MARGIN + label_width + _COLUMN_GAP
        end = page.width - MARGIN - right
        starts = []
        x = end + _COLUMN_GAP
        for wide in printed:
            starts.append(x)
            x += wide + _COLUMN_GAP
        split = len(mark_columns)
        return cls(
            label_width, (left, end - left), tuple(starts[:split]), tuple(starts[split:]), tuple(headings)
        )

    def write_headings(self, page: Page, y: float) -> float:
        height = max(style.text_height(len(lines), SMALL) for lines in self.headings)
        for x, lines in zip((*self.marks, *self.rows), self.headings, strict=True):
            page.text(x, y + height, lines, size=SMALL, weight="bold", colour=MUTED, va="bottom")
        return height

    def label_lines(self, row: Row) -> list[str]:
        return style.wrap(row.label, self.label_width - _indent(row))

    def height(self, row: Row) -> float:
        lines = len(self.label_lines(row))
        return max(style.text_height(lines), _LINE * len(row.marks)) + (_GAP if lines == 1 else 2 * _GAP)

    def write_row(self, page: Page, axes: Axes, row: Row, y: float, height: float) -> None:
        middle = y + height / 2
        page.text(MARGIN + _indent(row), middle, self.label_lines(row), va="center")
        for x, text in zip(self.rows, row.cells, strict=False):
            page.text(x, middle, text, va="center")
        first = middle - _LINE * (len(row.marks) - 1) / 2
        for place, mark in enumerate(row.marks):
            line = first + place * _LINE
            _draw(axes, mark, line)
            if pd.isna(mark.estimate):
                page.text(
                    self.plot[0] + 4, line, words.NOT_ESTIMABLE, colour=MUTED, slant="italic", va="center"
                )
            for x, text in zip(self.marks, mark.cells, strict=True):
                if text:
                    page.text(x, line, text, va="center")


def _indent(row: Row) -> float:
    return 8.0 if row.indent else 0.0


def _write_heading(page: Page, y: float, section: Section) -> float:
    top = y
    if section.heading:
        top += page.text(MARGIN, top, section.heading, size=TITLE, weight="bold", width=page.inner)
    for remark in section.remarks:
        top += page.text(MARGIN, top, remark, size=SMALL, colour=MUTED, width=page.inner)
    return top - y + (1.5 if top > y else 0.0)


def _section_axes(
    page: Page, columns: _Columns, y: float, height: float, scale: Scale, reference: float | None
) -> Axes:
    """Axes whose vertical data are the sheet's own points, so that a mark stands level with its text."""
    axes = page.axes(columns.plot[0], y, columns.plot[1], height, xlim=(0, scale.end), ylim=(y + height, y))
    axes.xaxis.set_major_locator(FixedLocator(_ticks(scale)))
    axes.tick_params(axis="both", length=0, labelbottom=False, labelleft=False)
    axes.grid(axis="x")
    axes.spines["bottom"].set_visible(False)
    axes.spines["left"].set_color(MUTED)
    if reference is not None:
        axes.axvline(
            reference, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1, label="reference"
        )
    return axes


def _draw(axes: Axes, mark: Mark, y: float) -> None:
    if pd.isna(mark.estimate):
        return
    if not (pd.isna(mark.lower) or pd.isna(mark.upper)):
        axes.plot([mark.lower, mark.upper], [y, y], color=INK, zorder=2, label="interval", clip_on=False)
    axes.plot([mark.estimate], [y], **marker(mark.colour, mark.shape), label="estimate")


def _finish_axis(page: Page, columns: _Columns, last: Axes | None, y: float, scale: Scale) -> float:
    if last is None:
        return y
    last.tick_params(axis="x", length=2.5, labelbottom=True)
    last.spines["bottom"].set_visible(True)
    last.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * scale.factor:.3g}"))
    y += style.text_height(1) + 7
    middle = columns.plot[0] + columns.plot[1] / 2
    wide = 2 * min(middle - MARGIN, page.width - MARGIN - middle)
    return y + page.text(middle, y, scale.label, size=BODY, ha="center", width=wide) + _GAP


def _ticks(scale: Scale) -> list[float]:
    return [i * scale.step for i in range(round(scale.end / scale.step) + 1)]
