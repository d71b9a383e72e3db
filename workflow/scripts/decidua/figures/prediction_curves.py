"""Do the predicted risks mean what they say, and over which thresholds would acting on them help?"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from decidua import style, words
from decidua.figures.page import MARGIN, Page, nothing_to_show
from decidua.prediction.curves import CURVE, RISKS, TYPES
from decidua.style import INK, MUTED, SMALL

APPARENT, CORRECTED = "apparent", "corrected"
ALL, NONE = "treat all", "treat none"
#: The model that the chapter is about.
FULL = "history + immune"
_CALIBRATION, _DECISION = "Calibration of the risks", "Decision curves"
_GUTTER, _GAP, _UNDER = 24.0, 12.0, 26.0
#: Each kind of calibration curve: colour, line style, width.
_LINES = {APPARENT: (MUTED, (0, (1, 1)), 1.0), CORRECTED: (style.BLUE, "-", 1.5)}
#: Where axes of risks may end, and how far apart their ticks are then.
_TOPS = ((0.05, 0.01), (0.1, 0.02), (0.2, 0.05), (0.3, 0.1), (0.4, 0.1), (0.5, 0.1), (0.6, 0.2), (0.8, 0.2))
_SERIES = (style.BLUE, style.VERMILLION, style.GREEN, style.ORANGE, style.PURPLE, style.SKY, style.INK)
_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)), (0, (6, 2)), (0, (2, 1)), "-")


_DECISION_TYPES = {"model": "string", "threshold": "float64", "net_benefit": "float64"}
_DECISION_TYPES |= {"lower": "float64", "upper": "float64", "reason": "string"}


def calibration_source(table: pd.DataFrame) -> pd.DataFrame:
    """The curves and the distributions of risks, in the columns that `plot_calibration` takes."""
    return table.reindex(columns=list(TYPES)).astype(TYPES)


def decision_source(table: pd.DataFrame) -> pd.DataFrame:
    """The curves in the columns that `plot_decision_curves` takes."""
    return table.reindex(columns=list(_DECISION_TYPES)).astype(_DECISION_TYPES)


@style.publication()
def plot_calibration(
    source: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    synthetic: str | None = None,
    alarms: Sequence[str] = (),
) -> Figure:
    """Draw the observed against the predicted risk, a panel a model, above how the risks are distributed.

    Args:
        source: as from `decidua.prediction.curves.calibration_curves`.
        labels: what models are called. alarms: what must be said beside these numbers.
    """
    curves = source[(source["shown"] == CURVE) & source["predicted"].notna()]
    if curves.empty:
        return nothing_to_show(_CALIBRATION, words.distinct(source["reason"]), synthetic)
    page = Page()
    models = words.distinct(curves["model"])
    abreast = min(len(models), 2)
    side = min((page.inner - abreast * _GUTTER - (abreast - 1) * _GAP - 4) / abreast, 150.0)
    top = _top(curves)
    y = MARGIN + _curve_key(page, MARGIN, curves) + 2
    for start in range(0, len(models), abreast):
        y = _calibration_row(page, y, models[start : start + abreast], side, top, source, labels)
    notes = [
        "Dashed: perfect calibration. Below each panel, how the predicted risks are distributed: women "
        "with the event upwards, without it downwards, each bar of as many women as its neighbours."
    ]
    return page.finish(y + page.notes(y, [*notes, *_reasons(source, labels), *alarms]) + MARGIN, synthetic)


def _top(curves: pd.DataFrame) -> tuple[float, float]:
    """Where both axes end: at the largest prediction and corrected observation.

    Bands may be wider, and apparent curves of a model that learned its women by heart run off.
    """
    corrected = curves[curves["way"] != APPARENT]
    observed = (corrected if len(corrected) else curves)["observed"]
    largest = max(float(curves["predicted"].max()), float(observed.max()))
    return next((top for top in _TOPS if largest <= top[0]), (1.0, 0.2))


def _curve_key(page: Page, y: float, curves: pd.DataFrame) -> float:
    ways = [way for way in _LINES if (curves["way"] == way).any()]
    return _line_key(page, y, [(way[:1].upper() + way[1:], *_LINES[way][:2]) for way in ways])


def _line_key(page: Page, y: float, entries: Sequence[tuple[str, str, object]]) -> float:
    """Entries with a piece of their line, in rows; the height."""
    step, x, top = style.text_height(1) + 3, MARGIN, y
    for text, colour, dashes in entries:
        lines = style.wrap(text, page.inner - 24)
        width = 24 + max(map(style.text_width, lines))
        if x > MARGIN and x + width > page.width - MARGIN:
            x, top = MARGIN, top + step
        middle = top + style.text_height(1) / 2
        page.sheet.plot([x, x + 16], [middle] * 2, color=colour, linestyle=dashes, linewidth=1.5, label="key")
        top += page.text(x + 20, top, lines) - style.text_height(1)
        x += width + 8
    return top + step - y


def _calibration_row(
    page: Page,
    y: float,
    models: Sequence[str],
    side: float,
    top: tuple[float, float],
    source: pd.DataFrame,
    labels: Mapping[str, str],
) -> float:
    titles = [style.wrap(words.heading(model, labels), side, weight="bold") for model in models]
    head = style.text_height(max(map(len, titles))) + 3
    for place, (model, title) in enumerate(zip(models, titles, strict=True)):
        x = MARGIN + _GUTTER + place * (side + _GUTTER + _GAP)
        page.text(x, y + head - 3, title, weight="bold", va="bottom")
        own = source[source["model"] == model]
        _calibration_panel(page.axes(x, y + head, side, side), own[own["shown"] == CURVE], top, place == 0)
        _risk_panel(page.axes(x, y + head + side + 4, side, 30), own[own["shown"] == RISKS], top)
    bottom = y + head + side + 4 + 30 + _UNDER
    return bottom + 2


def _calibration_panel(axes: Axes, curves: pd.DataFrame, top: tuple[float, float], first: bool) -> None:
    _risk_axis(axes.xaxis, top)
    _risk_axis(axes.yaxis, top)
    axes.set_xlim(0, top[0])
    axes.set_ylim(0, top[0])
    axes.tick_params(labelbottom=False, labelsize=SMALL)
    dashes = {"color": MUTED, "linewidth": 0.8, "linestyle": (0, (3, 2))}
    axes.plot([0, top[0]], [0, top[0]], **dashes, label="reference")
    for way, (colour, line, width) in _LINES.items():
        curve = curves[curves["way"] == way].sort_values("predicted")
        if curve["lower"].notna().any() and way != APPARENT:
            band = {"color": style.SKY, "alpha": 0.35, "linewidth": 0, "zorder": 1}
            axes.fill_between(curve["predicted"], curve["lower"], curve["upper"], **band, label="band")
        look = {"color": colour, "linestyle": line, "linewidth": width, "zorder": 2}
        axes.plot(curve["predicted"], curve["observed"], **look, label=way)
    if first:
        axes.set_ylabel("Observed (%)", fontsize=SMALL, labelpad=1)


def _risk_panel(axes: Axes, risks: pd.DataFrame, top: tuple[float, float]) -> None:
    _risk_axis(axes.xaxis, top)
    axes.set_xlim(0, top[0])
    axes.tick_params(axis="y", length=0, labelleft=False)
    axes.tick_params(axis="x", labelsize=SMALL)
    axes.spines["left"].set_visible(False)
    for way, sign, colour in (("with the event", 1, style.VERMILLION), ("without the event", -1, style.BLUE)):
        bars = risks[risks["way"] == way]
        wide = (bars["upper"] - bars["lower"]).to_numpy()
        axes.bar(bars["lower"], sign * bars["observed"], wide, align="edge", color=colour, label=way)
    axes.axhline(0, color=INK, linewidth=0.6)
    axes.set_xlabel("Predicted (%)", fontsize=SMALL, labelpad=2)


def _risk_axis(axis, top: tuple[float, float]) -> None:
    end, step = top
    step = step if end / step <= 5 else 2 * step
    axis.set_major_locator(FixedLocator(np.arange(0, end + step / 2, step)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.3g}"))


def _reasons(source: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    """Why a model has no curve, and what to beware of."""
    notes = []
    for reason in words.distinct(source["reason"]):
        rows = source[source["reason"] == reason]
        failed = rows["predicted"].isna().all() if "predicted" in rows else rows["threshold"].isna().all()
        about = "; ".join(words.heading(name, labels) for name in words.distinct(rows["model"])[:3])
        notes.append(f"{'Not estimable' if failed else 'Caution'} ({about}): {reason}.")
    return notes


@style.publication()
def plot_decision_curves(
    source: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    synthetic: str | None = None,
    alarms: Sequence[str] = (),
) -> Figure:
    """Draw the net benefit of acting on each model over the thresholds, beside acting on all and on none.

    Args:
        source: model (or "treat all", "treat none"), threshold, net_benefit, lower, upper, reason.
        labels: what models are called. alarms: what must be said beside these numbers.
    """
    drawn = source[source["threshold"].notna() & source["net_benefit"].notna()]
    names = [name for name in words.distinct(drawn["model"]) if name not in (ALL, NONE)]
    if not names:
        return nothing_to_show(_DECISION, words.distinct(source["reason"]), synthetic)
    page = Page()
    looks = dict(zip(names, zip(_SERIES, _DASHES, strict=True), strict=False))
    entries = [(words.heading(name, labels), *looks[name]) for name in names if name in looks]
    entries += [("Act on all women", MUTED, "-"), ("Act on none", INK, (0, (1, 1)))]
    y = MARGIN + _line_key(page, MARGIN, entries) + 4
    left = MARGIN + 38.0
    axes = page.axes(left, y, page.width - MARGIN - left - 4, 150)
    _draw_strategies(axes, drawn, looks)
    banded = _banded(drawn, names)
    notes = [
        "Net benefit: women with the event found, less those acted on for nothing, weighed by the odds of "
        "the threshold, a woman. The model with the highest line would serve best at that threshold, if "
        "there were something to do that helps."
    ]
    if banded:
        notes.append(f"Band: interval of {words.name(banded, labels)}; the others are in the source data.")
    y += 150 + _UNDER
    return page.finish(y + page.notes(y, [*notes, *_reasons(source, labels), *alarms]) + MARGIN, synthetic)


def _banded(drawn: pd.DataFrame, names: Sequence[str]) -> str | None:
    """The model whose band is drawn: several would hide each other."""
    found = [name for name in names if drawn.loc[drawn["model"] == name, "lower"].notna().any()]
    return FULL if FULL in found else found[-1] if found else None


def _draw_strategies(axes: Axes, drawn: pd.DataFrame, looks: Mapping[str, tuple]) -> None:
    banded = _banded(drawn, list(looks))
    for name, (colour, dashes) in looks.items():
        own = drawn[drawn["model"] == name].sort_values("threshold")
        if name == banded:
            band = {"color": colour, "alpha": 0.18, "linewidth": 0, "zorder": 1}
            axes.fill_between(own["threshold"], own["lower"], own["upper"], **band, label="band")
        look = {"color": colour, "linestyle": dashes, "linewidth": 1.5, "zorder": 3}
        axes.plot(own["threshold"], own["net_benefit"], **look, label=name)
    for name, colour, dashes in ((ALL, MUTED, "-"), (NONE, INK, (0, (1, 1)))):
        own = drawn[drawn["model"] == name].sort_values("threshold")
        look = {"color": colour, "linestyle": dashes, "linewidth": 0.9, "zorder": 2}
        axes.plot(own["threshold"], own["net_benefit"], **look, label=name)
    best = drawn.loc[drawn["model"].isin([*looks, NONE]), "net_benefit"]
    high = max(float(best.max()), float(drawn["net_benefit"].max()), 0.01)
    axes.set_ylim(max(-0.25 * high, float(drawn["net_benefit"].min()) - 0.02 * high), 1.08 * high)
    low, end = drawn["threshold"].min(), drawn["threshold"].max()
    axes.set_xlim(low, end if end > low else low + 0.01)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.3g}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}".replace("-", "\u2212")))
    axes.set_xlabel("Risk from which one would act (%)")
    axes.set_ylabel("Net benefit")
