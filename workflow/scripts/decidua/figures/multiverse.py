"""Would another definition or combining rule have told another story? A specification curve of the universes.

Source: Simonsohn, Simmons and Nelson 2020, Nat Hum Behav 4:1208.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from decidua import results, style, words
from decidua.definitions import CHOSEN, RATIOS, choices_in
from decidua.figures.page import MARGIN, Page, is_value, marker, nothing_to_show, small_print
from decidua.style import FAINT, INK, MUTED, SMALL, VERMILLION

DIFFERENCE = "difference of rates"
_PLOT_HEIGHT = 62.0
_BARS_HEIGHT = 22.0
_GAP = 6.0
_LINE = style.text_height(1, SMALL) + 0.6
#: The band behind the chosen universe.
_PALE = "#FFF3C4"
#: The share of the sheet that the names of choices may take.
_MOST_NAMES = 0.42
#: Narrower columns than this hold a stroke in place of a point.
_LEAST_POINT = 3.2
_VALUES = {
    "any": "any ratio",
    "all": "all ratios",
    "majority": "most ratios",
    "yes": "consecutive",
    "no": "consecutive or not",
}


def multiverse_source(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a results table that the multiverse figure shows.

    Args:
        table: results table with the analysis "multiverse".

    Returns:
        Of all women: their number, the prevalence of abnormal immunity and the difference of the outcome's
        rates in each universe, and what could not be had.
    """
    rows = table[is_value(table["analysis"], "multiverse") & is_value(table["population"], "all")]
    women = is_value(rows["variable"], "women")
    prevalence = is_value(rows["variable"], "immunity") & is_value(rows["quantity"], "rate")
    difference = is_value(rows["quantity"], DIFFERENCE)
    why = rows["level"].isna() & (rows["status"] == results.NOT_ESTIMABLE)
    ranged = rows["quantity"].str.startswith(("smallest", "largest")).fillna(False).astype(bool)
    return rows[(women | prevalence | difference | why) & ~ranged].reset_index(drop=True)


@style.publication()
def plot_multiverse(
    source: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    synthetic: str | None = None,
    outcome: str = "live_birth",
) -> Figure:
    """Draw the estimates of every universe in the order of the prevalence, above the choices it makes.

    Args:
        source: as from `multiverse_source`.
        labels: what immunity and the outcome are called.
        synthetic: the mark of data that are no patients'.
        outcome: key of the outcome's name in `labels`.
    """
    universes = _universes(source)
    prevalence = words.heading("immunity", labels)
    if not any(universe.prevalence is not None for universe in universes):
        return nothing_to_show(f"{prevalence} in the multiverse", _why(source), synthetic)
    choices = _choices(universes)
    page = Page()
    layout = _Layout.fit(page, choices, len(universes))
    y = MARGIN
    if any(universe.chosen for universe in universes):
        key = [(f"universe {CHOSEN}", VERMILLION, "D"), ("other universes", INK, "o")]
        y += page.legend(y, key) + 2
    y = _estimates(page, layout, y, f"{prevalence} (%)", [u.prevalence for u in universes], universes)
    if any(universe.difference is not None for universe in universes):
        title = f"{words.heading(outcome, labels)}: abnormal − normal (percentage points)"
        y = _estimates(page, layout, y, title, [u.difference for u in universes], universes, zero=True)
    y = _women(page, layout, y, universes)
    y = _grid(page, layout, y, choices, universes)
    y += page.notes(y, _notes(source, universes, labels, outcome))
    return page.finish(y + MARGIN, synthetic)


@dataclass(frozen=True)
class _Universe:
    """A column of the figure; an estimate that could not be had is None."""

    choices: Mapping[str, str]
    chosen: bool
    women: int
    prevalence: object
    difference: object


def _universes(source: pd.DataFrame) -> list[_Universe]:
    """In the order of the prevalence, those without one last."""
    women = source[is_value(source["variable"], "women") & (source["status"] == results.ESTIMATED)]
    found = []
    for row in women.itertuples():
        own = source[is_value(source["level"], row.level) & (source["status"] == results.ESTIMATED)]
        prevalence = own[is_value(own["variable"], "immunity")]
        difference = own[is_value(own["quantity"], DIFFERENCE)]
        found.append(
            _Universe(
                choices_in(row.level),
                row.reason == CHOSEN if not pd.isna(row.reason) else False,
                int(row.numerator),
                next(prevalence.itertuples(), None),
                next(difference.itertuples(), None),
            )
        )
    return sorted(found, key=lambda u: (u.prevalence is None, u.prevalence and u.prevalence.estimate))


def _why(source: pd.DataFrame) -> list[str]:
    failed = source["status"] == results.NOT_ESTIMABLE
    prevalence = is_value(source["variable"], "immunity")
    return words.distinct(source.loc[failed & prevalence, "reason"]) or words.distinct(
        source.loc[failed, "reason"]
    )


def _choices(universes: Sequence[_Universe]) -> dict[str, list[str]]:
    """What is chosen differently in different universes: the choice and its values in their order."""
    found: dict[str, list[str]] = {}
    for universe in universes:
        for choice, value in universe.choices.items():
            found.setdefault(choice, []).append(value)
    varied = {}
    for choice in sorted(found, key=lambda name: name == RATIOS):
        values = sorted(set(found[choice]), key=_order)
        if len(values) > 1:
            varied[choice] = values
    return varied


def _order(value: str) -> tuple[int, float, str]:
    """All women first, then thresholds by number; no, yes; any, all, majority; ratios from the largest."""
    first = ("all women of the table", "no", "yes", "counted", "not counted", "any", "all", "majority")
    if value in first:
        return first.index(value), 0.0, value
    number = value.removeprefix("single:").split(" ")[0].split(":")[0]
    is_ratio = value.startswith("single:")
    try:
        return len(first), -float(number) if is_ratio else float(number), value
    except ValueError:
        return len(first), 0.0, value


def _called(value: str) -> str:
    return (
        f"{value.removeprefix('single:')} alone" if value.startswith("single:") else _VALUES.get(value, value)
    )


@dataclass(frozen=True)
class _Layout:
    """The names of the choices to the left, a column a universe to the right; lengths in points."""

    left: float
    width: float
    universes: int

    @classmethod
    def fit(cls, page: Page, choices: Mapping[str, Sequence[str]], universes: int) -> "_Layout":
        names = [style.text_width(_called(value), SMALL) for values in choices.values() for value in values]
        names += [style.text_width(words.heading(choice, {}), SMALL, "bold") for choice in choices]
        left = MARGIN + min(max([*names, 24.0]) + 12, _MOST_NAMES * page.inner)
        return cls(left, page.width - MARGIN - left, universes)

    @property
    def pitch(self) -> float:
        return self.width / self.universes

    @property
    def size(self) -> float:
        """Of a point."""
        return min(4.5, 0.75 * self.pitch)

    def axes(self, page: Page, y: float, height: float, universes: Sequence[_Universe], **settings) -> Axes:
        """Axes over all columns, with the band of the chosen universe."""
        axes = page.axes(self.left, y, self.width, height, xlim=(-0.5, self.universes - 0.5), **settings)
        for place, universe in enumerate(universes):
            if universe.chosen:
                axes.axvspan(place - 0.5, place + 0.5, color=_PALE, linewidth=0, zorder=0, label="chosen")
        axes.tick_params(axis="x", length=0, labelbottom=False)
        return axes


def _estimates(
    page: Page,
    layout: _Layout,
    y: float,
    title: str,
    rows: Sequence,
    universes: Sequence[_Universe],
    zero: bool = False,
) -> float:
    """One quantity in every universe; returns where its axes end."""
    y += page.text(MARGIN, y, title, weight="bold", width=page.inner) + 4
    ends = [end for row in rows if row is not None for end in (row.lower, row.upper, row.estimate)]
    low, high = min([*ends, 0.0] if zero else ends), max([*ends, 0.0] if zero else ends)
    room = 0.06 * (high - low) or 0.05
    axes = layout.axes(page, y, _PLOT_HEIGHT, universes, ylim=(low - room, high + room))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.3g}".replace("-", "−")))
    axes.grid(axis="y")
    if zero:
        axes.axhline(0, color=MUTED, linewidth=0.8, linestyle=(0, (2, 1.5)), zorder=1, label="reference")
    for place, (row, universe) in enumerate(zip(rows, universes, strict=True)):
        if row is not None:
            _draw(axes, layout, place, row, universe.chosen)
    return y + _PLOT_HEIGHT + _GAP


def _draw(axes: Axes, layout: _Layout, place: int, row, chosen: bool) -> None:
    colour, shape = (VERMILLION, "D") if chosen else (INK, "o")
    width = min(1.0, 0.4 * layout.pitch)
    ends = [row.lower, row.upper]
    line = {"color": colour if chosen else MUTED, "linewidth": width, "solid_capstyle": "butt"}
    axes.plot([place] * 2, ends, zorder=2, label="interval", **line)
    # The chosen one is to be found also among a hundred.
    size = max(layout.size, 3.5) if chosen else layout.size
    edge = {"markeredgewidth": 0.4} if chosen else {"markeredgewidth": 0.0}
    axes.plot([place], [row.estimate], **marker(colour, shape) | edge, markersize=size, label="estimate")


def _women(page: Page, layout: _Layout, y: float, universes: Sequence[_Universe]) -> float:
    """How many women each universe has, as bars; the smallest and the largest number in print."""
    counts = [universe.women for universe in universes]
    low, high = min(counts), max(counts)
    said = f"{high}" if low == high else f"{low} to {high}"
    y += page.text(MARGIN, y, f"Women ({said})", weight="bold") + 2
    axes = layout.axes(page, y, _BARS_HEIGHT, universes, ylim=(0, max(high, 1)))
    colours = [VERMILLION if universe.chosen else MUTED for universe in universes]
    axes.bar(range(len(counts)), counts, 0.7, color=colours, linewidth=0, zorder=2)
    axes.tick_params(axis="y", length=0, labelleft=False)
    return y + _BARS_HEIGHT + _GAP


def _grid(
    page: Page,
    layout: _Layout,
    y: float,
    choices: Mapping[str, Sequence[str]],
    universes: Sequence[_Universe],
) -> float:
    """Which value of each choice each universe takes."""
    if not choices:
        return y
    lines = {}
    first = y
    for choice, values in choices.items():
        y += page.text(MARGIN, y, words.heading(choice, {}), size=SMALL, weight="bold", colour=MUTED) + 0.6
        for value in values:
            lines[choice, value] = y + _LINE / 2
            page.text(MARGIN + 4, y, _called(value), size=SMALL)
            y += _LINE
        y += 2
    axes = layout.axes(page, first, y - first, universes, ylim=(y, first))
    axes.tick_params(axis="y", length=0, labelleft=False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    for (choice, value), middle in lines.items():
        axes.axhline(middle, color=FAINT, linewidth=0.4, zorder=0.5, label="grid")
        taken = [place for place, u in enumerate(universes) if u.choices.get(choice) == value]
        _dots(axes, layout, taken, middle, universes)
    return y + 2


def _dots(
    axes: Axes, layout: _Layout, taken: Sequence[int], y: float, universes: Sequence[_Universe]
) -> None:
    for place in taken:
        colour = VERMILLION if universes[place].chosen else INK
        if layout.pitch < _LEAST_POINT:
            half = 0.38 * _LINE
            stroke = {"color": colour, "linewidth": 0.7 * layout.pitch, "solid_capstyle": "butt"}
            axes.plot([place] * 2, [y - half, y + half], zorder=3, label="choice", **stroke)
        else:
            size = {"markersize": min(4.0, 0.8 * layout.pitch), "markeredgewidth": 0.0}
            axes.plot([place], [y], **marker(colour, "o") | size, label="choice")


def _notes(
    source: pd.DataFrame, universes: Sequence[_Universe], labels: Mapping[str, str], outcome: str
) -> Iterator[str]:
    yield (
        f"A column is a universe, one of {len(universes)}: a definition of recurrent pregnancy loss"
        f"{' with a combining rule of the effector-to-target ratios' if _has_ratios(universes) else ''}, "
        "in the order of the prevalence. The difference is not an effect of treatment."
    )
    yield from _coincidences(universes, words.heading(outcome, labels))
    told = source[source["status"] == results.ESTIMATED]
    told = told[told["quantity"].isin(["rate", DIFFERENCE])]
    if methods := words.distinct(told["interval"]):
        yield f"Lines are intervals: {'; '.join(methods)}."
    failed = source[source["status"] == results.NOT_ESTIMABLE]
    yield from small_print(failed.assign(counted=_nothing(failed), interval=_nothing(failed)), _place)


def _has_ratios(universes: Sequence[_Universe]) -> bool:
    return any(RATIOS in universe.choices for universe in universes)


def _nothing(rows: pd.DataFrame) -> pd.Series:
    return pd.Series(pd.NA, index=rows.index, dtype="string")


def _place(row) -> str:
    return "" if pd.isna(row.level) else row.level.replace("; ", ", ")


def _coincidences(universes: Sequence[_Universe], outcome: str) -> Iterator[str]:
    """Where the choices make no difference, and what is chosen alike in all universes."""
    if len(universes) < 2:
        yield "There is no other universe: the cohort's columns allow no other choice."
        return
    quantities = {
        "prevalence": [universe.prevalence for universe in universes],
        f"difference in {outcome[:1].lower()}{outcome[1:]}": [universe.difference for universe in universes],
    }
    same = [
        name
        for name, rows in quantities.items()
        if len({(row.estimate, row.lower, row.upper) for row in rows if row is not None}) == 1
    ]
    if same:
        yield f"All universes coincide in {' and '.join(same)}: the choices make no difference to it here."
