"""Who was assessed, who was left out and why, who is in the study?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from decidua import style
from decidua.figures.page import MARGIN, Page, nothing_to_show
from decidua.style import INK, PAPER

COLUMNS = ["step", "reason", "n", "kind", "after_baseline"]
_LATER = " (after baseline)"
_PADDING = 5.0
_ARROW = 14.0
_GAP = 8.0
_MOST_ABREAST = 4


def flow_source(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of an enrolment flow that the figure shows: all of them, a row a box or an exclusion.

    Args:
        table: columns step, reason (the text), n (women; may be unknown) and kind: assessed, excluded,
            included or group, and after_baseline (was the exclusion decided later?); in the order
            of the enrolment.
    """
    return table[COLUMNS].reset_index(drop=True)


@style.publication()
def plot_flow(
    source: pd.DataFrame, *, labels: Mapping[str, str] | None = None, synthetic: str | None = None
) -> Figure:
    """Draw the enrolment flow as STROBE asks for it (Han et al. 2025, Figure 1).

    Exclusions stand beside the trunk, groups at its foot.

    Args:
        source: as from `flow_source`.
        labels: other words for the texts of boxes.
        synthetic: the mark of data that are no patients'.
    """
    if source.empty:
        return nothing_to_show("Enrolment", ["no step of the enrolment is known"], synthetic)
    later = source["after_baseline"].fillna(False).astype(bool)
    reason = source["reason"].replace(dict(labels or {}))
    source = source.assign(reason=reason.where(~later, reason + _LATER))
    page = Page()
    y, tail = MARGIN, None
    for kind, rows in _stages(source):
        if kind == "excluded":
            y = _exclusions(page, rows, y, tail)
        elif kind == "group":
            y = _groups(page, rows, y, tail)
        else:
            y = tail = _trunk(page, rows, y, tail)
    return page.finish(y + MARGIN, synthetic)


def _stages(source: pd.DataFrame) -> list[tuple[str, list[tuple[str, str]]]]:
    """Exclusions that follow each other are one box, so are groups; text and number of each row."""
    stages: list[tuple[str, list[tuple[str, str]]]] = []
    for row in source.itertuples():
        number = "n unknown" if pd.isna(row.n) else f"n = {int(row.n)}"
        if stages and stages[-1][0] == row.kind and row.kind in ("excluded", "group"):
            stages[-1][1].append((str(row.reason), number))
        else:
            stages.append((row.kind, [(str(row.reason), number)]))
    return stages


def _trunk(page: Page, rows: Sequence[tuple[str, str]], y: float, tail: float | None) -> float:
    if tail is not None:
        y += _ARROW
        _arrow(page, (_axis(page), tail), (_axis(page), y))
    box = _Box.of(rows[0], _half(page))
    return box.draw(page, _axis(page) - box.width / 2, y)


def _axis(page: Page) -> float:
    """Where the trunk runs: above the middle of the first of two groups."""
    return MARGIN + _half(page) / 2


def _half(page: Page) -> float:
    return (page.inner - _GAP) / 2


def _exclusions(page: Page, rows: Sequence[tuple[str, str]], y: float, tail: float | None) -> float:
    """One box to the right with every reason and its number; the trunk passes it by."""
    left = _axis(page) + 2 * _ARROW
    width = page.width - MARGIN - left
    numbers = [number for _, number in rows]
    column = max(style.text_width(number) for number in numbers)
    reasons = [style.wrap(reason, width - 4 * _PADDING - column) for reason, _ in rows]
    top = y + (_ARROW / 2 if tail is not None else 0.0)
    line = top + _PADDING
    line += page.text(left + _PADDING, line, "Excluded", weight="bold") + 1.5
    for reason, number in zip(reasons, numbers, strict=True):
        page.text(page.width - MARGIN - _PADDING, line, number, ha="right")
        line += page.text(left + _PADDING, line, reason) + 1.5
    bottom = line + _PADDING - 1.5
    _frame(page, left, top, width, bottom - top)
    if tail is not None:
        middle = (top + bottom) / 2
        _arrow(page, (_axis(page), middle), (left, middle))
    return bottom


def _groups(page: Page, rows: Sequence[tuple[str, str]], y: float, tail: float | None) -> float:
    """The groups side by side; more than fit abreast stand as a list in one box."""
    width = (page.inner - _GAP * (len(rows) - 1)) / len(rows)
    widest = max(style.text_width(word) for row in rows for word in " ".join(row).split())
    if len(rows) > _MOST_ABREAST or widest > width - 2 * _PADDING:
        return _group_list(page, rows, y, tail)
    boxes = [_Box.of(row, width) for row in rows]
    height = max(box.height for box in boxes)
    middles = [MARGIN + width / 2 + place * (width + _GAP) for place in range(len(rows))]
    top = y + (1.5 * _ARROW if tail is not None else 0.0)
    if tail is not None:
        bar = y + _ARROW / 2
        page.sheet.plot([_axis(page)] * 2, [tail, bar], color=INK, linewidth=0.8, label="trunk")
        ends = [min(*middles, _axis(page)), max(*middles, _axis(page))]
        page.sheet.plot(ends, [bar, bar], color=INK, linewidth=0.8, label="trunk")
        for middle in middles:
            _arrow(page, (middle, bar), (middle, top))
    for box, middle in zip(boxes, middles, strict=True):
        box.draw(page, middle - width / 2, top, height)
    return top + height


def _group_list(page: Page, rows: Sequence[tuple[str, str]], y: float, tail: float | None) -> float:
    top = y + (_ARROW if tail is not None else 0.0)
    if tail is not None:
        _arrow(page, (_axis(page), tail), (_axis(page), top))
    column = max(style.text_width(number) for _, number in rows)
    line = top + _PADDING
    for text, number in rows:
        page.text(page.width - MARGIN - _PADDING, line, number, ha="right")
        line += page.text(MARGIN + _PADDING, line, text, width=page.inner - 3 * _PADDING - column) + 1.5
    bottom = line + _PADDING - 1.5
    _frame(page, MARGIN, top, page.inner, bottom - top)
    return bottom


@dataclass(frozen=True)
class _Box:
    """A text in the middle of a frame, its number below it."""

    lines: tuple[str, ...]
    number: str
    width: float

    @classmethod
    def of(cls, row: tuple[str, str], width: float) -> "_Box":
        return cls(tuple(style.wrap(row[0], width - 2 * _PADDING)), row[1], width)

    @property
    def height(self) -> float:
        return style.text_height(len(self.lines) + 1) + 2 * _PADDING

    def draw(self, page: Page, x: float, y: float, height: float | None = None) -> float:
        """Draw it, and return where it ends; `height` makes it as high as its neighbours."""
        height = height or self.height
        _frame(page, x, y, self.width, height)
        top = y + (height - self.height) / 2 + _PADDING
        top += page.text(x + self.width / 2, top, self.lines, ha="center")
        page.text(x + self.width / 2, top, self.number, ha="center", weight="bold")
        return y + height


def _frame(page: Page, x: float, y: float, width: float, height: float) -> None:
    page.sheet.add_patch(
        Rectangle((x, y), width, height, facecolor=PAPER, edgecolor=INK, linewidth=0.8, zorder=1, label="box")
    )


def _arrow(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.sheet.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=6,
            color=INK,
            linewidth=0.8,
            shrinkA=0,
            shrinkB=0,
            zorder=2,
        )
    )
