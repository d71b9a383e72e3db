"""How are estimates drawn whose scales differ from panel to panel? Each panel has an axis of its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from decidua import style, words
from decidua.figures.page import MARGIN, Page, marker
from decidua.style import FAINT, INK, MUTED, SMALL, TITLE

_STRIP, _ROW_GAP, _PANEL_GAP, _COLUMN_GAP, _FOOT = 8.0, 2.5, 8.0, 8.0, 14.0


@dataclass(frozen=True)
class Span:
    """A linear axis: its ticks, of which the first and the last end it; a tick says its value x factor."""

    ticks: tuple[float, ...]
    factor: float = 1.0

    @property
    def limits(self) -> tuple[float, float]:
        """Its ends."""
        return self.ticks[0], self.ticks[-1]

    @classmethod
    def holding(cls, values: Iterable[float], factor: float = 1.0, most: int = 6) -> "Span":
        """Where all finite values fit, on round numbers."""
        finite = [float(value) * factor for value in values if np.isfinite(value)] or [0.0, 1.0]
        low, high = min(finite), max(finite)
        if high - low < 1e-9:
            low, high = low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0)
        ticks = MaxNLocator(most - 1, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        step = ticks[1] - ticks[0]
        first = max((i for i, tick in enumerate(ticks) if tick <= low + 1e-6 * step), default=0)
        last = min((i for i, tick in enumerate(ticks) if tick >= high - 1e-6 * step), default=len(ticks) - 1)
        return cls(tuple(float(f"{tick:.10g}") / factor for tick in ticks[first : last + 1]), factor)


@dataclass(frozen=True)
class Dot:
    """One mark: its estimate (NaN: not estimable) and interval (NaN: none)."""

    estimate: float
    lower: float
    upper: float
    colour: str
    shape: str


@dataclass(frozen=True)
class Line:
    """A row of a panel: label, its dots on one strip, and what the printed columns say."""

    label: str
    dots: tuple[Dot, ...]
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Panel:
    """Lines on one axis under a heading; `reference` is where a dashed line stands."""

    heading: str
    lines: tuple[Line, ...]
    scale: Span
    reference: float | None = None
    axis: str = ""


def panels(
    shown: Sequence[Panel],
    *,
    columns: Sequence[str],
    key: Sequence[tuple[str, str, str]] = (),
    lead: Sequence[str] = (),
    notes: Sequence[str] = (),
    synthetic: str | None = None,
) -> Figure:
    """Draw panels below each other.

    Args:
        columns: headings of the printed columns.
        key: text, colour and shape of each kind of dot, written above.
        lead: sentences above everything.
        notes: small print below.
    """
    page = Page()
    y = MARGIN
    for sentence in lead:
        y += page.text(MARGIN, y, sentence, weight="bold", width=page.inner) + 2
    if key:
        y += page.legend(y, key) + 2
    places = _places(page, shown, columns)
    look = {"size": SMALL, "weight": "bold", "colour": MUTED}
    for heading, x in zip(columns, places, strict=True):
        page.text(x, y, heading, **look)
    y += style.text_height(1, SMALL) + 2 if columns else 0
    for number, panel in enumerate(shown):
        y += _PANEL_GAP if number else 0
        y = _draw_panel(page, panel, y, places)
    y += _PANEL_GAP / 2
    return page.finish(y + page.notes(y, notes) + MARGIN, synthetic)


def _places(page: Page, shown: Sequence[Panel], columns: Sequence[str]) -> list[float]:
    """Where each printed column begins; the last one ends at the margin."""
    x, places = page.width - MARGIN, []
    for place, heading in reversed(list(enumerate(columns))):
        cells = [style.text_width(line.cells[place]) for panel in shown for line in panel.lines]
        x -= max([style.text_width(heading, SMALL, "bold"), *cells]) + 1
        places.insert(0, x)
        x -= _COLUMN_GAP
    return places


def _draw_panel(page: Page, panel: Panel, y: float, places: Sequence[float]) -> float:
    """One panel; returns where it ends."""
    if panel.heading:
        y += page.text(MARGIN, y, panel.heading, size=TITLE, weight="bold", width=page.inner) + 2
    label_width = (places[0] - _COLUMN_GAP if places else page.width - MARGIN) - MARGIN
    strips: list[tuple[float, float]] = []
    top = y
    for line in panel.lines:
        lines = style.wrap(line.label, label_width)
        level = y + (len(lines) - 1) * style.text_height(1)
        page.text(MARGIN, y, lines)
        for x, cell in zip(places, line.cells, strict=True):
            look = {"colour": MUTED, "slant": "italic"} if cell == words.NOT_ESTIMABLE else {}
            page.text(x, level, cell, **look)
        y += style.text_height(len(lines))
        strips.append((y, y + _STRIP))
        y += _STRIP + _ROW_GAP
    if not panel.lines:
        return y
    axes = _panel_axes(page, panel, top, y, strips)
    for line, (start, end) in zip(panel.lines, strips, strict=True):
        for dot in line.dots:
            _draw_dot(axes, dot, (start + end) / 2)
    y += _FOOT
    if panel.axis:
        y += page.text(page.width / 2, y - 2, panel.axis, size=SMALL, ha="center", colour=MUTED)
    return y


def _panel_axes(page: Page, panel: Panel, top: float, bottom: float, strips: Sequence[tuple]) -> Axes:
    """Axes whose vertical data are the sheet's own points; the grid is drawn behind the strips only."""
    inset = 11.0
    axes = page.axes(MARGIN + inset, top, page.inner - 2 * inset, bottom - top)
    axes.set_xlim(*panel.scale.limits)
    axes.set_ylim(bottom, top)
    axes.xaxis.set_major_locator(FixedLocator(panel.scale.ticks))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _number(value * panel.scale.factor)))
    axes.tick_params(axis="y", length=0, labelleft=False)
    axes.tick_params(axis="x", labelsize=SMALL)
    axes.spines["left"].set_visible(False)
    y = [end for strip in strips for end in (*strip, np.nan)]
    for tick in panel.scale.ticks:
        axes.plot([tick] * len(y), y, color=FAINT, linewidth=0.5, zorder=0.5, label="grid", clip_on=False)
    if panel.reference is not None:
        dashes = {"color": MUTED, "linewidth": 0.8, "linestyle": (0, (2, 1.5)), "zorder": 1}
        axes.plot([panel.reference] * len(y), y, label="reference", clip_on=False, **dashes)
    return axes


def _number(value: float) -> str:
    return f"{value + 0.0:.4g}".replace("-", "\N{MINUS SIGN}")


def _draw_dot(axes: Axes, dot: Dot, y: float) -> None:
    if pd.isna(dot.estimate):
        return
    low, high = axes.get_xlim()
    if not (pd.isna(dot.lower) or pd.isna(dot.upper)):
        ends = [min(max(end, low), high) for end in (dot.lower, dot.upper)]
        axes.plot(ends, [y, y], color=INK, zorder=2, label="interval", clip_on=False)
        for end, shape in ((dot.lower, "<"), (dot.upper, ">")):
            if not low <= end <= high:
                arrow = {"marker": shape, "color": INK, "markersize": 3.0, "linestyle": "none"}
                axes.plot([min(max(end, low), high)], [y], **arrow, label="beyond", clip_on=False)
    if low <= dot.estimate <= high:
        axes.plot([dot.estimate], [y], **marker(dot.colour, dot.shape), label="estimate")


def signed(value: float, places: int = 2) -> str:
    """A number with a true minus sign, and none before zero."""
    said = words.decimals(value, places)
    return said.removeprefix("-") if not said.strip("-0.") else said.replace("-", "\N{MINUS SIGN}")


def with_interval(value: float, lower: float, upper: float, places: int = 2) -> str:
    """0.64 (0.58 to 0.70); the value alone where there is no interval; not estimable where there is none."""
    if pd.isna(value):
        return words.NOT_ESTIMABLE
    if pd.isna(lower) or pd.isna(upper):
        return signed(value, places)
    return f"{signed(value, places)} ({signed(lower, places)} to {signed(upper, places)})"
