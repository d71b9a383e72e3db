"""How does a rate change with the number of earlier miscarriages?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from decidua import results, style, words
from decidua.figures.forest import Mark, Row, Scale, Section, forest
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
from decidua.style import INK, MUTED, SMALL, TITLE

TESTS = ("Pearson chi-square", "Freeman-Halton exact", "Fisher exact", "Cochran-Armitage")
_PLOT_HEIGHT = 72.0
#: Room for the numbers at the vertical axis.
_NUMBERS = 22.0
_GAP = 8.0
#: What stays free between the numbers of neighbouring categories.
_CLEARANCE = 3.0
_MOST_ABREAST = 3
#: More rows of panels would be higher than a printed page.
_MOST_ROWS = 4


def trend_source(
    table: pd.DataFrame,
    variable: str,
    *,
    levels: Sequence[str] | None = None,
    tests: Sequence[str] = TESTS,
) -> pd.DataFrame:
    """The rows of a results table that the trend figure of one variable shows.

    Args:
        table: results table with the analysis "trend".
        variable: the variable that is followed over the history.
        levels: categories of the history in their order; without them those that a test over several
            categories names (level "2, 3, 4+"), or every one.
        tests: names of the tests whose p-values are printed.

    Returns:
        Rates by population and category, then the tests.
    """
    # Without a variable or a level stands a row that says why there are no others.
    wanted = is_value(table["variable"], variable) | table["variable"].isna()
    rows = table[is_value(table["analysis"], "trend") & wanted]
    rates = rows[is_value(rows["quantity"], "rate")]
    tested = rows[is_value(rows["quantity"], "test") & rows["test"].isin(list(tests))]
    levels = list(levels) if levels is not None else _categories(rows)
    order = {level: place for place, level in enumerate(levels)}
    populations = {name: place for place, name in enumerate(words.distinct(rates["population"]))}
    kept = rates["level"].isin(levels) | rates["level"].isna()
    rates = rates[kept].drop_duplicates(["population", "level"])
    places = pd.DataFrame({"p": rates["population"].map(populations), "l": rates["level"].map(order)})
    rates = rates.loc[places.sort_values(["p", "l"], kind="stable").index]
    return pd.concat([rates, tested], ignore_index=True)


def _categories(rows: pd.DataFrame) -> list[str]:
    over = words.distinct(rows.loc[rows["quantity"] == "test", "level"])
    named = max((level.split(", ") for level in over if ", " in level), key=len, default=None)
    return named or words.distinct(rows.loc[rows["quantity"] == "rate", "level"])


@style.publication()
def plot_trend(
    source: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    synthetic: str | None = None,
    title: str | None = None,
    history: str = "miscarriages",
) -> Figure:
    """Draw the rate over categories of the history, a panel a population (Han et al. 2025, Figures 4 to 7).

    Args:
        source: as from `trend_source`.
        labels: what the variable, the populations and the history are called.
        synthetic: the mark of data that are no patients'.
        title: what the rate is of; without it the variable's label.
        history: key of the horizontal axis' name in `labels`.
    """
    rates = source[source["quantity"] == "rate"]
    if title is None:
        title = ", ".join(words.heading(variable, labels) for variable in words.distinct(source["variable"]))
    if not (rates["status"] == results.ESTIMATED).any():
        return nothing_to_show(title or "Trend", words.distinct(rates["reason"]), synthetic)
    panels = _panels(source, labels)
    categories = [words.name(level, labels) for level in words.distinct(rates["level"])]
    scale = Scale(f"{title} (%)", *scale_top(float(rates[["estimate", "upper"]].max().max())), 100)
    history = words.heading(history, labels)
    notes = small_print(source, lambda row: _place(row, labels))
    page = Page()
    axis_title = style.wrap(scale.label, 1.2 * _PLOT_HEIGHT)
    grid = _Grid.fit(page, panels, categories, _NUMBERS + style.text_height(len(axis_title)))
    if grid is None:
        return _lying(panels, categories, scale, history, notes, synthetic)
    y = MARGIN
    for first in range(0, len(panels), grid.abreast):
        y = _write_panels(page, grid, panels[first : first + grid.abreast], y, axis_title, scale) + _GAP
    y += page.text(grid.middle, y - _GAP, history, ha="center") + 2 - _GAP
    y += page.notes(y, notes)
    return page.finish(y + MARGIN, synthetic)


def _lying(
    panels: Sequence["_Panel"],
    categories: Sequence[str],
    scale: Scale,
    history: str,
    notes: Sequence[str],
    synthetic: str | None,
) -> Figure:
    """The categories below each other: they, or the panels, are too many to stand abreast."""
    sections = [
        Section(
            panel.title,
            tuple(
                Row(category, (_lying_mark(panel, rate),))
                for category, rate in zip(categories, panel.rates, strict=True)
            ),
            panel.tests,
        )
        for panel in panels
    ]
    return forest(sections, scale, columns=COLUMNS, label_heading=history, notes=notes, synthetic=synthetic)


def _lying_mark(panel: "_Panel", rate) -> Mark:
    if rate is None:
        return Mark(float("nan"), float("nan"), float("nan"), ("–", ""), panel.colour, panel.shape)
    return rate_mark(rate, panel.colour, panel.shape)


def _place(row, labels: Mapping[str, str]) -> str:
    names = [words.heading(row.population, labels)]
    if not pd.isna(row.level) and (row.quantity == "rate" or " v " in row.level):
        names.append(words.name(row.level, labels))
    return ", ".join([*names, row.test] if row.quantity == "test" else names)


@dataclass(frozen=True)
class _Panel:
    """One population: its tests in words, and its rate rows by category (None: the table has no such row)."""

    title: str
    tests: tuple[str, ...]
    rates: tuple
    colour: str
    shape: str


def _panels(source: pd.DataFrame, labels: Mapping[str, str]) -> list[_Panel]:
    rates = source[source["quantity"] == "rate"]
    tests = source[source["quantity"] == "test"]
    rates = rates[rates["level"].notna()]
    levels = words.distinct(rates["level"])
    populations = words.distinct(rates["population"])
    panels = []
    for population in populations:
        own = {rate.level: rate for rate in rates[rates["population"] == population].itertuples()}
        panels.append(
            _Panel(
                words.heading(population, labels),
                tuple(_in_words(tests[tests["population"] == population], levels, labels)),
                tuple(own.get(level) for level in levels),
                *series_style(population, populations),
            )
        )
    return panels


def _in_words(tests: pd.DataFrame, levels: Sequence[str], labels: Mapping[str, str]) -> Iterator[str]:
    """A line a comparison; its categories are named where they are not the ones drawn."""
    for compared, rows in tests.fillna({"level": ""}).groupby("level", sort=False):
        shown = words.tests((test.test, test.p) for test in rows.itertuples())
        drawn = ("", ", ".join(levels), " v ".join(levels))
        yield shown if compared in drawn else f"{words.name(compared, labels)}: {shown}"


@dataclass(frozen=True)
class _Grid:
    """How many panels stand abreast so that every category's numbers fit under it; lengths in points."""

    gutter: float
    abreast: int
    panel: float
    categories: tuple[tuple[str, ...], ...]

    @classmethod
    def fit(cls, page: Page, panels: Sequence[_Panel], names: Sequence[str], gutter: float) -> "_Grid | None":
        """None where not even one panel's numbers fit, or where the panels would overflow a printed page."""
        printed = [text for panel in panels for rate in panel.rates for text in _printed(rate)]
        printed += [word for name in names for word in name.split()]
        needed = max(style.text_width(text) for text in printed) + _CLEARANCE
        for abreast in range(min(_MOST_ABREAST, len(panels)), 0, -1):
            if len(panels) > abreast * _MOST_ROWS:
                break
            panel = (page.inner - gutter - _GAP * (abreast - 1)) / abreast
            # Two and one below them would look as if the third were of another kind.
            if panel / len(names) >= needed and (abreast, len(panels)) != (2, 3):
                slot = panel / len(names) - _CLEARANCE
                return cls(gutter, abreast, panel, tuple(tuple(style.wrap(name, slot)) for name in names))
        return None

    def left(self, column: int) -> float:
        return MARGIN + self.gutter + column * (self.panel + _GAP)

    @property
    def slot(self) -> float:
        return self.panel / len(self.categories)

    @property
    def middle(self) -> float:
        return (self.left(0) + self.left(self.abreast - 1) + self.panel) / 2


def _printed(rate) -> tuple[str, str]:
    if rate is None:
        return "–", "–"
    shown = words.percent(rate.estimate) if rate.status == results.ESTIMATED else "–"
    return words.counts(rate.numerator, rate.denominator), shown


def _write_panels(
    page: Page, grid: _Grid, panels: Sequence[_Panel], y: float, title: Sequence[str], scale: Scale
) -> float:
    """One row of panels, level with each other; returns where it ends."""
    headers = [_header(panel, grid.panel) for panel in panels]
    head = max(_header_height(*header) for header in headers)
    for column, (panel, header) in enumerate(zip(panels, headers, strict=True)):
        x = grid.left(column)
        rise = y + page.text(x, y, header[0], size=TITLE, weight="bold")
        page.text(x, rise, header[1], size=SMALL, colour=MUTED)
        axes = page.axes(
            x, y + head, grid.panel, _PLOT_HEIGHT, xlim=(-0.5, len(panel.rates) - 0.5), ylim=(0, scale.end)
        )
        _dress(axes, len(panel.rates), scale, labelled=column == 0)
        _draw(axes, panel)
        for place, rate in enumerate(panel.rates):
            if rate is None or rate.status != results.ESTIMATED:
                middle = x + (place + 0.5) * grid.slot
                foot = y + head + _PLOT_HEIGHT - 3
                page.upright(
                    middle,
                    foot,
                    [words.NOT_ESTIMABLE],
                    va="bottom",
                    ha="center",
                    size=SMALL,
                    colour=MUTED,
                    slant="italic",
                )
    y += head
    page.upright(MARGIN, y + _PLOT_HEIGHT / 2, title, va="center")
    return _write_numbers(page, grid, panels, y + _PLOT_HEIGHT + 4)


def _header(panel: _Panel, width: float) -> tuple[list[str], list[str]]:
    tests = [line for test in panel.tests for line in style.wrap(test, width, SMALL)]
    return style.wrap(panel.title, width, TITLE, "bold"), tests


def _header_height(title: Sequence[str], tests: Sequence[str]) -> float:
    return style.text_height(len(title), TITLE) + style.text_height(len(tests), SMALL) + 5


def _dress(axes: Axes, categories: int, scale: Scale, labelled: bool) -> None:
    axes.yaxis.set_major_locator(
        FixedLocator([i * scale.step for i in range(round(scale.end / scale.step) + 1)])
    )
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * scale.factor:.3g}"))
    axes.xaxis.set_major_locator(FixedLocator(range(categories)))
    axes.tick_params(axis="x", labelbottom=False)
    axes.tick_params(axis="y", labelleft=labelled)
    axes.grid(axis="y")


def _draw(axes: Axes, panel: _Panel) -> None:
    for place, rate in enumerate(panel.rates):
        if rate is None or rate.status != results.ESTIMATED:
            continue
        if not (pd.isna(rate.lower) or pd.isna(rate.upper)):
            axes.plot(
                [place, place], [rate.lower, rate.upper], color=INK, zorder=2, label="interval", clip_on=False
            )
        axes.plot([place], [rate.estimate], **marker(panel.colour, panel.shape), label="estimate")


def _write_numbers(page: Page, grid: _Grid, panels: Sequence[_Panel], y: float) -> float:
    """Below the panels: the categories, n/N and the rate, each on its own line."""
    lines = max(len(category) for category in grid.categories)
    counts = y + style.text_height(lines) + 2
    rate = counts + style.text_height(1)
    page.text(grid.left(0) - 4, counts, "n/N", colour=MUTED, ha="right")
    page.text(grid.left(0) - 4, rate, "Rate", colour=MUTED, ha="right")
    for column, panel in enumerate(panels):
        for place, category in enumerate(grid.categories):
            middle = grid.left(column) + (place + 0.5) * grid.slot
            page.text(middle, y, category, ha="center")
            counted, shown = _printed(panel.rates[place])
            page.text(middle, counts, counted, ha="center", colour=MUTED)
            page.text(middle, rate, shown, ha="center", colour=MUTED)
    return rate + style.text_height(1) + 3
