"""How are text, marks and axes put on one sheet so that nothing overlaps and nothing is cut off?"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from decidua import marks, results, style, words
from decidua.style import BODY, INK, MUTED, SMALL, TITLE

MARGIN = 6.0
#: More ways of counting, or more places of one reason, are not listed below a figure.
_MOST_LISTED = 3
#: Remarks of one kind take no more lines than this; the others are counted and stand in the source data.
_MOST_LINES = 4
#: Where the baseline runs in a line of text, from its top, in sizes of the type.
_BASELINE = 0.94


class Page:
    """A sheet one column wide that is filled from the top; all lengths are points, y runs downwards.

    Text is measured before it is placed, so the height follows from the content and is set by `finish`.
    """

    def __init__(self):
        self.width = style.ONE_COLUMN * 72
        self.figure = style.figure()
        self.sheet = self.figure.add_axes((0, 0, 1, 1), label="sheet", xlim=(0, self.width))
        self.sheet.set_axis_off()
        self.sheet.set_zorder(10)
        self._placed: list[tuple[Axes, float, float, float, float]] = []

    @property
    def inner(self) -> float:
        """The width between the margins."""
        return self.width - 2 * MARGIN

    def text(
        self,
        x: float,
        y: float,
        text: str | Sequence[str],
        *,
        size: float = BODY,
        weight: str = "normal",
        slant: str = "normal",
        colour: str = INK,
        ha: str = "left",
        va: str = "top",
        width: float | None = None,
    ) -> float:
        """Write text (lines, or one text that is wrapped to `width`) and return its height."""
        if isinstance(text, str):
            text = style.wrap(text, width, size, weight) if width is not None else [text]
        height = style.text_height(len(text), size)
        top = y - {"top": 0.0, "center": height / 2, "bottom": height}[va]
        for place, line in enumerate(text):
            # Line by line and by the baseline: Matplotlib's own spacing depends on the letters' descenders.
            baseline = top + style.text_height(place, size) + _BASELINE * size
            self._write(x, baseline, line, size, weight, slant, colour, ha)
        return height

    def _write(
        self, x: float, y: float, line: str, size: float, weight: str, slant: str, colour: str, ha: str
    ) -> None:
        self.sheet.text(
            x, y, line, fontsize=size, fontweight=weight, fontstyle=slant, color=colour, ha=ha, va="baseline"
        )

    def upright(
        self, x: float, y: float, lines: Sequence[str], *, va: str, size: float = BODY, slant: str = "normal",
        colour: str = INK, ha: str = "left",
    ) -> None:  # fmt: skip
        """Text that runs upwards, about the point (x, y)."""
        self.sheet.text(
            x,
            y,
            "\n".join(lines),
            fontsize=size,
            fontstyle=slant,
            color=colour,
            ha=ha,
            va=va,
            rotation=90,
            multialignment="center",
            linespacing=style.LINE_SPACING,
        )

    def axes(self, x: float, y: float, width: float, height: float, **settings) -> Axes:
        """Axes whose upper left corner is at (x, y)."""
        axes = self.figure.add_axes((0, 0, 1, 1), label=f"axes {len(self._placed)}", **settings)
        self._placed.append((axes, x, y, width, height))
        return axes

    def legend(self, y: float, entries: Iterable[tuple[str, str, str]]) -> float:
        """A row of entries (text, colour, shape) that breaks where the sheet ends; its height."""
        step = style.text_height(1) + 3
        x, top = MARGIN, y
        for text, colour, shape in entries:
            lines = style.wrap(text, self.inner - 14)
            width = 14 + max(style.text_width(line) for line in lines)
            if x > MARGIN and x + width > self.width - MARGIN:
                x, top = MARGIN, top + step
            self.mark(x + 4, top + style.text_height(1) / 2, colour, shape)
            height = self.text(x + 12, top, lines)
            x += width + 12
            top += height - style.text_height(1)
        return top + step - y

    def mark(self, x: float, y: float, colour: str, shape: str) -> None:
        """One marker on the sheet itself: a key, not data."""
        self.sheet.plot([x], [y], **marker(colour, shape), label="key")

    def notes(self, y: float, notes: Iterable[str]) -> float:
        """Small print over the whole width, a paragraph a note; its height."""
        top = y
        for note in notes:
            top += self.text(MARGIN, top, note, size=SMALL, colour=MUTED, width=self.inner) + 1
        return top - y

    def finish(self, height: float, synthetic: str | None) -> Figure:
        """Set the height, put the axes where they belong and mark synthetic data."""
        self.figure.set_size_inches(style.ONE_COLUMN, height / 72)
        self.sheet.set_ylim(height, 0)
        for axes, x, y, wide, high in self._placed:
            bounds = (x / self.width, 1 - (y + high) / height, wide / self.width, high / height)
            axes.set_position(bounds)
        if synthetic:
            style.mark_synthetic(self.figure, synthetic)
        return self.figure


def marker(colour: str, shape: str) -> dict:
    """A filled marker with a dark edge, so that pale colours hold on white paper."""
    return {
        "marker": shape,
        "markerfacecolor": colour,
        "markeredgecolor": INK,
        "linestyle": "none",
        "clip_on": False,
        "zorder": 3,
    }


@style.publication()
def nothing_to_show(title: str, reasons: Sequence[str], synthetic: str | None) -> Figure:
    """The figure that stands where no number could be had: what it would have shown, and why it does not."""
    page = Page()
    y = MARGIN
    y += page.text(MARGIN, y, title, size=TITLE, weight="bold", width=page.inner) + 3
    for reason in reasons or ["the table holds no such rows"]:
        y += page.text(MARGIN, y, f"Not estimable: {reason}", width=page.inner) + 1
    return page.finish(y + MARGIN, synthetic)


def scale_top(largest: float) -> tuple[float, float]:
    """Where an axis of rates ends and how far apart its ticks are, so that `largest` (a fraction) fits."""
    for top, step in ((0.05, 0.01), (0.1, 0.02), (0.2, 0.05), (0.3, 0.1), (0.4, 0.1), (0.6, 0.2), (0.8, 0.2)):
        if largest <= top:
            return top, step
    return 1.0, 0.2


def series_style(level: str, levels: Sequence[str]) -> tuple[str, str]:
    """Colour and shape of a level among its levels; levels with a role keep the role's colour."""
    if level in style.ROLES:
        return style.ROLES[level], "o" if level == "abnormal" else "s" if level == "normal" else "D"
    position = [other for other in levels if other not in style.ROLES].index(level)
    return style.SERIES[position % len(style.SERIES)], style.SHAPES[position % len(style.SHAPES)]


def small_print(source: pd.DataFrame, place: Callable[[Any], str]) -> list[str]:
    """What the lines of a results table are, who is counted, what to beware of, and what could not be had.

    `place` says in words where in the figure a row stands.
    """
    # what concerns the whole study stands in the strip below
    source = source.assign(
        reason=source["reason"].map(marks.of_the_row, na_action="ignore").replace("", pd.NA)
    )
    methods = words.distinct(source["interval"])
    notes = [f"Lines are intervals: {'; '.join(methods)}."] if methods else []
    notes += words.tests_in_full(source["test"])
    counted = words.distinct(source.loc[source["quantity"] != "test", "counted"])
    if len(counted) > _MOST_LISTED:
        counted = ["differs from row to row; see the figure's source data"]
    notes += [f"Counted: {whom}." for whom in counted]
    failed = source["status"] == results.NOT_ESTIMABLE
    notes += _with_places("Caution", source[~failed], place)
    return notes + _with_places("Not estimable", source[failed], place)


def _with_places(what: str, rows: pd.DataFrame, place: Callable[[Any], str]) -> list[str]:
    """Each reason once, the commonest first, with the places that it is about unless they are many."""
    found: dict[str, list[str]] = {}
    for row in rows[rows["reason"].notna()].itertuples():
        found.setdefault(row.reason, []).append(place(row))
    reasons = sorted(found, key=lambda reason: -len(found[reason]))
    notes: list[str] = []
    for reason in reasons:
        note = f"{what}{_about(found[reason])}: {reason}."
        if sum(map(_lines, [*notes, note])) > _MOST_LINES:
            note = f"{what}: {reason}."
        if sum(map(_lines, [*notes, note])) > _MOST_LINES:
            break
        notes.append(note)
    left = len(reasons) - len(notes)
    if left:
        notes.append(f"{what}: {left} {'more' if notes else 'reasons'}; see the figure's source data.")
    return notes


def _about(places: Sequence[str]) -> str:
    places = words.distinct(places)
    return f" ({'; '.join(places)})" if 0 < len(places) <= _MOST_LISTED else ""


def _lines(note: str) -> int:
    return len(style.wrap(note, style.ONE_COLUMN * 72 - 2 * MARGIN, SMALL))


def is_value(column: pd.Series, value: str) -> pd.Series:
    """Where a column holds a value; a missing one does not."""
    return column.eq(value).fillna(False).astype(bool)
