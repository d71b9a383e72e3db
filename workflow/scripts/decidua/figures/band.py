"""How does a rate go with the number of losses: raw rates, and a logistic trend with its confidence band?"""

from collections.abc import Mapping, Sequence
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
from decidua.style import INK, MUTED, SMALL, TITLE

OBSERVED, FITTED, PER_LOSS = "observed rate", "fitted rate", "per loss"
_PLOT_HEIGHT = 64.0
#: Room for the numbers at the vertical axis and the names of the lines below it.
_GUTTER = 38.0
_GAP = 8.0
#: More populations stand three abreast, without the counts below them.
_MOST_BELOW = 4
_ABREAST = 3


def band_source(table: pd.DataFrame, variable: str) -> pd.DataFrame:
    """The rows of a results table that the band figure of one variable shows.

    Args:
        table: results table with the analysis "trend".
        variable: the variable that is followed over the number of losses.

    Returns:
        By population: the observed rate at each number of losses, the fitted rates, the odds ratio per loss.
    """
    # Without a variable stands a row that says why there are no others.
    wanted = is_value(table["variable"], variable) | table["variable"].isna()
    rows = table[is_value(table["analysis"], "trend") & wanted]
    per_loss = is_value(rows["quantity"], "odds ratio") & is_value(rows["level"], PER_LOSS)
    why = is_value(rows["quantity"], "rate") & rows["level"].isna()
    rows = rows[rows["quantity"].isin([OBSERVED, FITTED]) | per_loss | why]
    order = {name: place for place, name in enumerate(words.distinct(rows["population"]))}
    rows = rows.assign(place=rows["population"].map(order)).sort_values("place", kind="stable")
    return rows.drop(columns="place").reset_index(drop=True)


@style.publication()
def plot_band(
    source: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    synthetic: str | None = None,
    title: str = "",
    history: str = "miscarriages",
) -> Figure:
    """Draw raw rates (points) and the fitted trend (line and band) over the number of losses.

    Args:
        source: as from `band_source`.
        labels: what the populations and the history are called.
        synthetic: the mark of data that are no patients'.
        title: what the rate is of.
        history: key of the horizontal axis' name in `labels`.
    """
    observed = source[is_value(source["quantity"], OBSERVED)]
    title = title or "Trend"
    if not (observed["status"] == results.ESTIMATED).any():
        return nothing_to_show(title, words.distinct(source["reason"]), synthetic)
    panels = _panels(source, labels)
    numbers = [int(level) for level in observed["level"]]
    page = Page()
    grid = _Grid.of(page, len(panels), range(min(numbers), max(numbers) + 1))
    top, step = scale_top(float(source.loc[source["quantity"] != "odds ratio", "upper"].max()))
    y = MARGIN + page.text(MARGIN, MARGIN, f"{title} (%)", size=TITLE, weight="bold", width=page.inner) + 3
    for first in range(0, len(panels), grid.abreast):
        y = _write_row(page, grid, panels[first : first + grid.abreast], y, top, step) + _GAP
    name = words.heading(history, labels)
    y += page.text((grid.left(0) + page.width - MARGIN) / 2, y - _GAP, name, ha="center") + 2 - _GAP
    y += page.notes(y, _notes(source, labels))
    return page.finish(y + MARGIN, synthetic)


@dataclass(frozen=True)
class _Panel:
    """One population: the odds ratio in words, its observed rates by number, its fitted rates in order."""

    title: str
    trend: str
    observed: Mapping[int, object]
    fitted: pd.DataFrame
    colour: str
    shape: str


def _panels(source: pd.DataFrame, labels: Mapping[str, str]) -> list[_Panel]:
    populations = words.distinct(source.loc[is_value(source["quantity"], OBSERVED), "population"])
    found = []
    for population in populations:
        own = source[is_value(source["population"], population)]
        observed = own[is_value(own["quantity"], OBSERVED)]
        fitted = own[is_value(own["quantity"], FITTED) & (own["status"] == results.ESTIMATED)]
        per_loss = own[is_value(own["level"], PER_LOSS)]
        found.append(
            _Panel(
                words.heading(population, labels),
                next((_in_words(row) for row in per_loss.itertuples()), ""),
                {int(row.level): row for row in observed.itertuples()},
                fitted,
                *series_style(population, populations),
            )
        )
    return found


def _in_words(row) -> str:
    if row.status != results.ESTIMATED:
        return f"Trend {words.NOT_ESTIMABLE}"
    ends = words.interval(row.lower, row.upper, 2)
    return f"Odds ratio per loss {words.decimals(row.estimate, 2)} {ends}, {words.p_value(row.p)}"


@dataclass(frozen=True)
class _Grid:
    """Where the panels stand, and whether the counts stand below them; lengths in points."""

    numbers: range
    abreast: int
    panel: float
    with_counts: bool

    @classmethod
    def of(cls, page: Page, panels: int, numbers: range) -> "_Grid":
        abreast = 1 if panels <= _MOST_BELOW else _ABREAST
        panel = (page.inner - _GUTTER - _GAP * (abreast - 1)) / abreast
        return cls(numbers, abreast, panel, abreast == 1)

    def left(self, column: int) -> float:
        return MARGIN + _GUTTER + column * (self.panel + _GAP)

    def middle(self, column: int, number: int) -> float:
        return self.left(column) + (number - self.numbers[0] + 0.5) * self.slot

    @property
    def slot(self) -> float:
        return self.panel / len(self.numbers)


def _write_row(page: Page, grid: _Grid, panels: Sequence[_Panel], y: float, top: float, step: float) -> float:
    """Panels abreast, level with each other; returns where they end."""
    heads = [
        (style.wrap(each.title, grid.panel, weight="bold"), style.wrap(each.trend, grid.panel, SMALL))
        for each in panels
    ]
    head = max(style.text_height(len(a)) + style.text_height(len(b), SMALL) for a, b in heads) + 4
    for column, (panel, (title, trend)) in enumerate(zip(panels, heads, strict=True)):
        x = grid.left(column)
        rise = y + page.text(x, y, title, weight="bold")
        page.text(x, rise, trend, size=SMALL, colour=MUTED)
        ends = (grid.numbers[0] - 0.5, grid.numbers[-1] + 0.5)
        axes = page.axes(x, y + head, grid.panel, _PLOT_HEIGHT, xlim=ends, ylim=(0, top))
        _dress(axes, grid, top, step, labelled=column == 0)
        _draw(axes, panel)
    y += head + _PLOT_HEIGHT + 4
    for column in range(len(panels)):
        _write_numbers(page, grid, column, y)
    y += style.text_height(1)
    return _write_counts(page, grid, panels[0], y) if grid.with_counts else y


def _dress(axes: Axes, grid: _Grid, top: float, step: float, labelled: bool) -> None:
    axes.yaxis.set_major_locator(FixedLocator([i * step for i in range(round(top / step) + 1)]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.3g}"))
    axes.xaxis.set_major_locator(FixedLocator(list(grid.numbers)))
    axes.tick_params(axis="x", labelbottom=False)
    axes.tick_params(axis="y", labelleft=labelled)
    axes.grid(axis="y")


def _draw(axes: Axes, panel: _Panel) -> None:
    x = panel.fitted["level"].astype(int).to_numpy()
    ends = (panel.fitted[name].to_numpy(float) for name in ("lower", "upper"))
    axes.fill_between(x, *ends, color=panel.colour, alpha=0.2, linewidth=0, zorder=1, label="band")
    axes.plot(x, panel.fitted["estimate"].to_numpy(float), color=panel.colour, zorder=1.5, label="trend")
    for number, rate in panel.observed.items():
        if rate.status != results.ESTIMATED:
            continue
        ends = [rate.lower, rate.upper]
        axes.plot([number] * 2, ends, color=INK, linewidth=0.7, zorder=2, label="interval", clip_on=False)
        axes.plot([number], [rate.estimate], **marker(panel.colour, panel.shape), label="estimate")


def _write_numbers(page: Page, grid: _Grid, column: int, y: float) -> None:
    """The numbers of losses: every one, or so many that they stand apart."""
    apart = max(style.text_width(str(number)) for number in grid.numbers) + 2
    every = next(step for step in range(1, 1000) if step * grid.slot >= apart)
    for number in grid.numbers[::every]:
        page.text(grid.middle(column, number), y, str(number), ha="center")


def _write_counts(page: Page, grid: _Grid, panel: _Panel, y: float) -> float:
    """Women with the event, and women, at each number: upright where there are too many digits."""
    for name, column in (("Events", "numerator"), ("Women", "denominator")):
        texts = {number: _count(panel, number, column) for number in grid.numbers}
        widest = max(style.text_width(text, SMALL) for text in texts.values())
        lying = widest + 2 <= grid.slot
        height = style.text_height(1, SMALL) if lying else widest + 3
        page.text(grid.left(0) - 4, y, name, size=SMALL, colour=MUTED, ha="right")
        for number, text in texts.items():
            x = grid.middle(0, number)
            if lying:
                page.text(x, y, text, size=SMALL, colour=MUTED, ha="center")
            else:
                page.upright(x, y + 1, [text], va="top", ha="center", size=SMALL, colour=MUTED)
        y += height
    return y + 3


def _count(panel: _Panel, number: int, column: str) -> str:
    count = getattr(panel.observed.get(number), column, 0)
    return "0" if pd.isna(count) else f"{int(count)}"


def _notes(source: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    observed = is_value(source["quantity"], OBSERVED)
    points, band = (
        words.distinct(source.loc[rows, "interval"])
        for rows in (observed, is_value(source["quantity"], FITTED))
    )
    note = f"Points: observed rates ({'; '.join(points)})."
    if band:
        note += f" Line and band: {'; '.join(band)}, over the number of losses; odds ratio with Wald test."
    # Whom a point counts stands below it.
    rows = source[~observed & ~is_value(source["quantity"], FITTED)]
    if not band:
        rows = source[~observed]
    return [
        note,
        *small_print(
            rows.assign(interval=pd.array([None] * len(rows), dtype="string")),
            lambda row: words.heading(row.population, labels),
        ),
    ]
