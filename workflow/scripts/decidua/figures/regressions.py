"""How do the covariates go with the outcome: odds ratios by every method, and the shape of their curves?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from decidua import results, style, words
from decidua.figures.forest import Mark, RatioScale, Row, Section, forest
from decidua.figures.page import MARGIN, Page, is_value, nothing_to_show, small_print
from decidua.style import BLUE, FAINT, GREEN, INK, MUTED, ORANGE, PURPLE, SKY, SMALL, TITLE

#: Quantities and tests of the tables, and what the reason of an imputed odds ratio says where none was.
ODDS_RATIO, PROFILE, FIRTH = "odds ratio", "odds ratio, profile likelihood", "odds ratio, Firth"
IMPUTED, NOTHING_MISSING = "odds ratio, imputed", "the same as complete cases"
CURVE, KNOT, REFERENCE = "odds ratio, spline", "spline knot", "spline reference"
LINEARITY, WHOLE = "likelihood ratio, non-linearity", "likelihood ratio, whole covariate"

#: Quantity: what the key says of it, colour, shape; the first is the paper's.
METHODS = {
    ODDS_RATIO: ("Wald", BLUE, "o"),
    PROFILE: ("Profile likelihood", ORANGE, "s"),
    FIRTH: ("Firth", GREEN, "D"),
    IMPUTED: ("Imputed, Wald", PURPLE, "^"),
}
#: Which methods go first where all would be higher than two printed pages, and how many marks those hold.
_DISPENSABLE = (PROFILE, IMPUTED, ODDS_RATIO)
_MOST_MARKS = 100
_COLUMNS = ("p", "Odds ratio (interval)")
_TESTS = {LINEARITY: "non-linearity", WHOLE: "whole"}
_PLOT_HEIGHT = 80.0
_NUMBERS = 26.0
_GAP = 16.0
_ABREAST = 2
#: More panels would be higher than a printed page.
_MOST_PANELS = 12


def regression_source(regression: pd.DataFrame, models: pd.DataFrame) -> pd.DataFrame:
    """The odds ratios of two results tables that the regression figure shows.

    Args:
        regression: with the analysis "regression": Wald, profile likelihood, Firth.
        models: with the analysis "models": imputed; left out where they are those of the complete cases.
    """
    wanted = regression[regression["quantity"].isin([ODDS_RATIO, PROFILE, FIRTH])]
    imputed = models[is_value(models["quantity"], IMPUTED)]
    copied = imputed["reason"].str.contains(NOTHING_MISSING, regex=False).fillna(False).astype(bool)
    imputed = imputed[~copied]
    # Where nothing could be computed the regression says why already.
    seen = set(zip(wanted["variable"], wanted["reason"], strict=True))
    known = np.array(
        [key in seen for key in zip(imputed["variable"], imputed["reason"], strict=True)], dtype=bool
    )
    said = (imputed["status"] == results.NOT_ESTIMABLE).to_numpy() & known
    return pd.concat([wanted, imputed[~said]], ignore_index=True)


@style.publication()
def plot_regression(
    source: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    synthetic: str | None = None,
    outcome: str = "live_birth",
) -> Figure:
    """Draw odds ratios with intervals, a section a population, a mark a method (Han et al. 2025, Table 2).

    Args:
        source: as from `regression_source`.
        labels: what populations and covariates are called.
        synthetic: the mark of data that are no patients'.
        outcome: key of the outcome's name in `labels`.
    """
    title = f"Odds ratio of {words.name(outcome, labels).lower()} a unit"
    estimated = source["status"] == results.ESTIMATED
    if not estimated.any():
        return nothing_to_show(title, words.distinct(source["reason"]), synthetic)
    shown, dropped = _that_fit(source)
    sections = [
        _section(population, rows, labels) for population, rows in shown.groupby("population", sort=False)
    ]
    notes = small_print(shown, lambda row: _place(row, labels))
    notes += [f"Not drawn for want of room: {', '.join(dropped)}; see statistics/."] if dropped else []
    drawn = shown[shown["status"] == results.ESTIMATED]
    return forest(
        sections,
        RatioScale.holding(title, drawn[["estimate", "lower", "upper"]].to_numpy().ravel()),
        columns=_COLUMNS,
        key=[METHODS[quantity] for quantity in METHODS if quantity in set(shown["quantity"])],
        notes=notes,
        reference=1.0,
        synthetic=synthetic,
    )


def _that_fit(source: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The rows of as many methods as there is room for, and the names of the others."""
    dropped = []
    for quantity in _DISPENSABLE:
        if len(source) <= _MOST_MARKS:
            break
        if is_value(source["quantity"], quantity).any():
            source = source[~is_value(source["quantity"], quantity)]
            dropped.append(METHODS[quantity][0])
    return source, dropped


def _section(population: str, rows: pd.DataFrame, labels: Mapping[str, str]) -> Section:
    order = rows["quantity"].map({quantity: place for place, quantity in enumerate(METHODS)})
    rows = rows.loc[order.sort_values(kind="stable").index]
    by_variable = rows[rows["variable"].notna()].groupby("variable", sort=False)
    covariates = [
        Row(
            words.heading(variable, labels),
            tuple(
                _mark(row) for row in own.sort_values("quantity", key=lambda of: of.map(order)).itertuples()
            ),
        )
        for variable, own in by_variable
    ]
    counts = words.distinct(
        words.counts(row.numerator, row.denominator)
        for row in rows.itertuples()
        if row.status == results.ESTIMATED
    )
    remarks = [f"Events/women {', imputed '.join(counts)}"] if counts else []
    return Section(words.heading(population, labels), tuple(covariates), tuple(remarks))


def _mark(row) -> Mark:
    colour, shape = METHODS[row.quantity][1:]
    if row.status != results.ESTIMATED:
        return Mark(np.nan, np.nan, np.nan, ("", ""), colour, shape)
    p = words.p_value(row.p).removeprefix("p = ").removeprefix("p ")
    shown = f"{_ratio(row.estimate)} ({_ratio(row.lower)}–{_ratio(row.upper)})"
    return Mark(row.estimate, row.lower, row.upper, (p, shown), colour, shape)


def _ratio(value: float) -> str:
    """A ratio in few characters: three decimals, or fewer where it is large."""
    if not np.isfinite(value):
        return "∞"
    if value >= 1000 or value < 0.0005:
        return ">999" if value > 1 else "<0.001"
    return words.decimals(value, 3 if value < 10 else 1)


def _place(row, labels: Mapping[str, str]) -> str:
    names = [words.heading(row.population, labels)]
    names += [] if pd.isna(row.variable) else [words.name(row.variable, labels)]
    return ", ".join([*names, METHODS[row.quantity][0]] if row.quantity in METHODS else names)


# ---- curves


def functional_form_source(models: pd.DataFrame) -> pd.DataFrame:
    """The rows of a results table with the analysis "models" that the figure of the curves shows."""
    about = models["quantity"].isin([CURVE, KNOT, REFERENCE]) | models["test"].isin([LINEARITY, WHOLE])
    # A row without a variable says why there are no others.
    return models[about | (models["variable"].isna() & models["reason"].notna())].reset_index(drop=True)


@style.publication()
def plot_functional_form(
    source: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    synthetic: str | None = None,
    outcome: str = "live_birth",
) -> Figure:
    """Draw each covariate's curve: odds ratio against its median, with a band, a panel a population.

    Args:
        source: as from `functional_form_source`; the other arguments are those of `plot_regression`.
    """
    title = f"Odds ratio of {words.name(outcome, labels).lower()} v the median"
    curves = source[is_value(source["quantity"], CURVE) & (source["status"] == results.ESTIMATED)]
    if curves.empty:
        reasons = words.distinct(source["reason"]) or ["no covariate is set to be drawn as a curve"]
        return nothing_to_show(title, reasons, synthetic)
    panels, left = _panels(source, labels)
    # The widest part of a band would else leave no height to the curves.
    ends = curves["estimate"].tolist() + [*curves["lower"].clip(lower=0.1), *curves["upper"].clip(upper=10.0)]
    scale = RatioScale.holding(title, ends)
    page = Page()
    abreast = min(_ABREAST, len(panels))
    upright = style.wrap(title, 1.3 * _PLOT_HEIGHT)
    gutter = _NUMBERS + style.text_height(len(upright))
    width = (page.inner - gutter - _GAP * (abreast - 1)) / abreast
    y = MARGIN
    for first in range(0, len(panels), abreast):
        row = panels[first : first + abreast]
        y = _write_row(page, y, row, width, gutter, scale, upright) + _GAP
    notes = ["Triangles on the axis are knots; the circle is the median, where the ratio is 1."]
    small = small_print(source, lambda row: _place(row, labels))
    notes += [note.replace("Lines are intervals", "Bands are intervals") for note in small]
    notes += [f"Not drawn for want of room: {left} curves; see statistics/models.csv."] if left else []
    y += page.notes(y - _GAP / 2, notes) - _GAP / 2
    return page.finish(y + MARGIN, synthetic)


@dataclass(frozen=True)
class _Panel:
    """One covariate in one population; `curve` is empty where it is not estimable."""

    title: str
    tests: str
    axis: str
    curve: pd.DataFrame
    knots: tuple[float, ...]
    reference: float


def _panels(source: pd.DataFrame, labels: Mapping[str, str]) -> tuple[list[_Panel], int]:
    """Each population with its covariates, and how many are left out; then the groups go first."""
    source = source[source["variable"].notna()]
    places = list(dict.fromkeys(zip(source["variable"], source["population"], strict=True)))
    kept = places
    if len(kept) > _MOST_PANELS:
        first = words.distinct(source["population"])[0]
        kept = [place for place in places if place[1] == first][:_MOST_PANELS]
    return [_panel(source, *place, labels) for place in kept], len(places) - len(kept)


def _panel(source: pd.DataFrame, variable: str, population: str, labels: Mapping[str, str]) -> _Panel:
    rows = source[is_value(source["variable"], variable) & is_value(source["population"], population)]
    tests = ((_TESTS[row.test], row.p) for row in rows.itertuples() if row.test in _TESTS)
    curve = rows[is_value(rows["quantity"], CURVE) & (rows["status"] == results.ESTIMATED)]
    curve = curve.assign(value=curve["level"].astype(float)).sort_values("value")
    reference = rows.loc[is_value(rows["quantity"], REFERENCE), "estimate"]
    return _Panel(
        words.heading(population, labels),
        ", ".join(f"{name}\N{NO-BREAK SPACE}{words.p_value(p)}" for name, p in tests if not pd.isna(p)),
        words.heading(variable, labels),
        curve,
        tuple(rows.loc[is_value(rows["quantity"], KNOT), "estimate"]),
        float(reference.iloc[0]) if len(reference) else np.nan,
    )


def _write_row(
    page: Page,
    y: float,
    panels: Sequence[_Panel],
    width: float,
    gutter: float,
    scale: RatioScale,
    title: Sequence[str],
) -> float:
    """Panels level with each other; returns where they end."""
    heads = [
        (style.wrap(panel.title, width, TITLE, "bold"), style.wrap(panel.tests, width, SMALL))
        for panel in panels
    ]
    head = max(style.text_height(len(t), TITLE) + style.text_height(len(s), SMALL) for t, s in heads) + 4
    names = [style.wrap(panel.axis, width) for panel in panels]
    for column, (panel, (heading, tests)) in enumerate(zip(panels, heads, strict=True)):
        x = MARGIN + gutter + column * (width + _GAP)
        below = y + page.text(x, y, heading, size=TITLE, weight="bold")
        page.text(x, below, tests, size=SMALL, colour=MUTED)
        page.text(
            x + width / 2, y + head + _PLOT_HEIGHT + style.text_height(1) + 5, names[column], ha="center"
        )
        axes = page.axes(x, y + head, width, _PLOT_HEIGHT, yscale="log", ylim=scale.limits)
        _dress(axes, scale, labelled=column == 0)
        if panel.curve.empty:
            axes.xaxis.set_major_locator(NullLocator())
            middle = y + head + _PLOT_HEIGHT / 2
            look = {"size": SMALL, "colour": MUTED, "slant": "italic", "ha": "center", "va": "center"}
            page.text(x + width / 2, middle, words.NOT_ESTIMABLE, **look)
        else:
            _draw(axes, panel, scale)
    page.upright(MARGIN, y + head + _PLOT_HEIGHT / 2, title, va="center")
    return y + head + _PLOT_HEIGHT + style.text_height(1 + max(map(len, names))) + 5


def _dress(axes: Axes, scale: RatioScale, labelled: bool) -> None:
    axes.yaxis.set_major_locator(FixedLocator(scale.ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.tick_params(axis="y", labelleft=labelled)
    axes.grid(axis="y", color=FAINT)
    axes.axhline(1.0, color=MUTED, linewidth=0.8, linestyle=(0, (2, 1.5)), label="reference", zorder=1)


def _draw(axes: Axes, panel: _Panel, scale: RatioScale) -> None:
    curve = panel.curve
    low, high = scale.limits
    ends = (curve[end].clip(low, high) for end in ("lower", "upper"))
    axes.fill_between(curve["value"], *ends, color=SKY, alpha=0.4, linewidth=0, zorder=1.5, label="band")
    axes.plot(curve["value"], curve["estimate"], color=INK, zorder=2, label="curve")
    axes.set_xlim(float(curve["value"].min()), float(curve["value"].max()))
    dots = {"marker": "o", "markerfacecolor": style.PAPER, "markeredgecolor": INK, "linestyle": "none"}
    axes.plot([panel.reference], [1.0], **dots, zorder=3, label="median", clip_on=False)
    knots = {"marker": "^", "color": INK, "markersize": 3.5, "linestyle": "none", "clip_on": False}
    within = [knot for knot in panel.knots if axes.get_xlim()[0] <= knot <= axes.get_xlim()[1]]
    axes.plot(within, [low] * len(within), **knots, zorder=3, label="knots")
