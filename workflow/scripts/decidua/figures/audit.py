"""Which of a paper's printed numbers follow from the others, place by place of the paper?"""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from decidua import style
from decidua.figures.page import MARGIN, Page, nothing_to_show
from decidua.style import GREEN, INK, MUTED, PAPER, SKY, SMALL, VERMILLION, YELLOW

COLUMNS = ["paper", "where", "verdict", "claims", "in_conflict"]
#: Colour and pattern of each verdict, in the order of the bars: the pattern tells them apart in grey.
LOOKS = {
    "reproduced": (GREEN, ""),
    "rounding": (SKY, "...."),
    "other method": (YELLOW, "////"),
    "inconsistent": (VERMILLION, "xxxx"),
    "not recomputable": (PAPER, ""),
}
ALL = "All places"
_BAR = 6.5
_GAP = 4.0
_COLUMN = 20.0
_SWATCH = 9.0
#: Lines of a place's name.
_LINES = 2


def audit_source(verdicts: pd.DataFrame) -> pd.DataFrame:
    """What the figure shows: the table of verdicts by place, with a sum over all places first if several.

    Args:
        verdicts: a row a place and verdict with `COLUMNS`.
    """
    table = verdicts[COLUMNS]
    if table["where"].nunique() < 2:
        return table.reset_index(drop=True)
    whole = table.groupby(["paper", "verdict"], as_index=False, sort=False)[["claims", "in_conflict"]].sum()
    return pd.concat([whole.assign(where=ALL)[COLUMNS], table], ignore_index=True)


@style.publication()
def plot_audit(source: pd.DataFrame, synthetic: str | None = None) -> Figure:
    """Draw a stacked bar a place, each as wide as all its numbers, and beside it how many have each verdict.

    Args:
        source: as from `audit_source`.
        synthetic: a mark, if anything drawn is made up.
    """
    title = "Printed numbers of the paper, recomputed"
    if source.empty:
        return nothing_to_show(title, ["the claims file lists no number"], synthetic)
    page = Page()
    y = MARGIN
    y += page.text(MARGIN, y, title, size=style.TITLE, weight="bold", width=page.inner) + 3
    y += _legend(page, y) + 3
    columns = _columns(page, source)
    _headings(page, y, columns)
    y += _SWATCH + 4
    places = list(dict.fromkeys(source["where"]))
    width = columns[0] - _COLUMN - MARGIN
    for place in places:
        rows = source[source["where"] == place].set_index("verdict")
        y += _place(page, y, place, rows, width, columns)
        if place == ALL:
            y += 3
    notes = [
        "A bar is all printed numbers of the place; beside it, how many have each verdict.",
    ]
    colliding = int(source.loc[source["where"] == places[0], "in_conflict"].sum())
    if colliding:
        notes.append(
            f"◆ numbers in a conflict, a group that no data can satisfy together ({colliding} in all)."
        )
    y += page.notes(y + 2, notes) + 2
    return page.finish(y + MARGIN, synthetic)


def _columns(page: Page, source: pd.DataFrame) -> list[float]:
    """The middle of each column of numbers, in the order of the verdicts, as wide as the largest number."""
    widest = style.text_width(str(source["claims"].max()), weight="bold")
    each = max(_COLUMN, widest + 6.0)
    return [page.width - MARGIN - each * (len(LOOKS) - i - 0.5) for i in range(len(LOOKS))]


def _legend(page: Page, y: float) -> float:
    """A swatch and a name a verdict, in rows; the height."""
    x, top, step = MARGIN, y, style.text_height(1) + 3
    for verdict in LOOKS:
        width = _SWATCH + 4 + style.text_width(verdict)
        if x > MARGIN and x + width > page.width - MARGIN:
            x, top = MARGIN, top + step
        _swatch(page, x, top, verdict)
        page.text(x + _SWATCH + 4, top, verdict)
        x += width + 10
    return top + step - y


def _swatch(page: Page, x: float, y: float, verdict: str) -> None:
    axes = page.axes(x, y + 0.5, _SWATCH, 7.0, xlim=(0, 1), ylim=(1, 0))
    _bare(axes)
    _segment(axes, 0.0, 1.0, verdict)


def _headings(page: Page, y: float, columns: Sequence[float]) -> None:
    for x, verdict in zip(columns, LOOKS, strict=True):
        _swatch(page, x - _SWATCH / 2, y, verdict)


def _place(
    page: Page, y: float, place: str, rows: pd.DataFrame, width: float, columns: Sequence[float]
) -> float:
    """The place's name, its bar and its numbers; the height."""
    weight = "bold" if place == ALL else "normal"
    counts = {verdict: int(rows["claims"].get(verdict, 0)) for verdict in LOOKS}
    colliding = int(rows["in_conflict"].sum())
    mark = f"  ◆ {colliding}" if colliding else ""
    room = width - style.text_width(mark, SMALL) - 6
    height = page.text(MARGIN, y, _name(place, room, weight), weight=weight) + 1.0
    if colliding:
        page.text(MARGIN + width, y, mark.strip(), size=SMALL, ha="right")
    axes = page.axes(MARGIN, y + height, width, _BAR, xlim=(0, sum(counts.values())), ylim=(1, 0))
    _bare(axes)
    start = 0.0
    for verdict, count in counts.items():
        if count:
            _segment(axes, start, count, verdict)
            start += count
    for x, (verdict, count) in zip(columns, counts.items(), strict=True):
        bold = "bold" if verdict == "inconsistent" and count else "normal"
        text = str(count) if count else "·"
        page.text(
            x, y + height + _BAR / 2, text, ha="center", va="center", weight=bold,
            colour=INK if count else MUTED,
        )  # fmt: skip
    return height + _BAR + _GAP


def _name(place: str, room: float, weight: str) -> list[str]:
    """The place in at most two lines; of a longer name, what fits."""
    lines = style.wrap(place, room, weight=weight)
    return lines if len(lines) <= _LINES else [*lines[: _LINES - 1], f"{lines[_LINES - 1]}…"]


def _segment(axes: Axes, start: float, width: float, verdict: str) -> None:
    colour, pattern = LOOKS[verdict]
    axes.barh(
        0.5, width, left=start, height=1.0, color=colour, hatch=pattern, edgecolor=INK, linewidth=0.5
    ).set_label(verdict)


def _bare(axes: Axes) -> None:
    axes.set_axis_off()
