"""How does a prediction model come to a woman's risk? Points of each predictor, added up: a nomogram."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.special import expit, logit

from decidua import style, words
from decidua.figures.page import MARGIN, Page, nothing_to_show
from decidua.prediction.model_file import PredictionModel, Predictor
from decidua.style import INK, MUTED, SMALL

POINTS, TOTAL, RISK = "points", "total points", "risk"
_TITLE = "Nomogram"
#: Points of the predictor with the largest reach.
_MOST = 100.0
_RISKS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
_COLUMNS = {
    "part": "string",
    "variable": "string",
    "value": "float64",
    "points": "float64",
    "label": "string",
}
_GAP = 5.0
#: Fewer risks than this on the scale of risks are too few to read others between them.
_FEWEST = 5
#: Ticks without a label that stand closer than this, in points, would be a black bar.
_CLOSEST = 2.5
#: A whole number of so many steps at most is a count: no fractions between.
_MOST_WHOLE = 12


def nomogram_source(model: PredictionModel | None) -> pd.DataFrame:
    """The ticks of each scale; nothing of no model.

    Returns:
        part (points, predictor, total points, risk), variable, value (of the tick), points (where it stands;
        of total points and risk on the scale of the total), label. A predictor that the model does not use
        (all coefficients zero) has one row, without points. Nothing where there is no scale of any length.
    """
    predictors = model.predictors if model else ()
    reaches = {predictor.name: _reach(predictor) for predictor in predictors}
    longest = max((high - low for low, high in reaches.values()), default=0.0)
    rows: list[dict] = []
    if model and longest > 1e-9:
        unit = longest / _MOST
        rows += [{"part": POINTS, "value": tick, "points": tick} for tick in np.arange(0, 101, 10)]
        for predictor in predictors:
            rows += _predictor_ticks(predictor, reaches[predictor.name], unit)
        base = model.intercept + sum(low for low, _ in reaches.values())
        total = sum(high - low for low, high in reaches.values()) / unit
        step = next(step for step in (10, 20, 25, 50, 100, 200) if total / step <= 10 or step == 200)
        rows += [{"part": TOTAL, "value": tick, "points": tick} for tick in np.arange(0, total + step, step)]
        rows += [
            {"part": RISK, "value": risk, "points": (float(logit(risk)) - base) / unit}
            for risk in _risks(base, base + total * unit)
        ]
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    table["label"] = [_label(row) for row in table.itertuples()]
    return table.astype(_COLUMNS)


def _risks(low: float, high: float) -> list[float]:
    """Round risks between two log odds: those that are told mostly or, where these are few, closer ones."""
    found = [risk for risk in _RISKS if low <= logit(risk) <= high]
    if len(found) < _FEWEST:
        ticks = _round_ticks(float(expit(low)), float(expit(high)))
        found = [tick for tick in ticks if expit(low) <= tick <= expit(high) and 0 < tick < 1]
    return found


def _round_ticks(low: float, high: float) -> list[float]:
    """Round numbers from below `low` to above `high`; whole ones where both are whole and not far apart."""
    from matplotlib.ticker import MaxNLocator

    whole = float(low).is_integer() and float(high).is_integer() and high - low <= _MOST_WHOLE
    if whole:
        return [float(tick) for tick in range(int(low), int(high) + 1)]
    ticks = MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(f"{tick:.10g}") for tick in ticks]


def _reach(predictor: Predictor) -> tuple[float, float]:
    """The least and the most that a predictor adds to the linear predictor within its range."""
    low, high = predictor.range
    if predictor.type != "number":
        values = np.array(sorted((predictor.levels or {"no": 0.0, "yes": 1.0}).values()))
    else:
        values = np.linspace(low, high, 201)
    part = predictor.part(values)
    return float(part.min()), float(part.max())


def _predictor_ticks(predictor: Predictor, reach: tuple[float, float], unit: float) -> list[dict]:
    place = {"part": "predictor", "variable": predictor.label}
    if predictor.type != "number":
        levels = predictor.levels or {"no": 0.0, "yes": 1.0}
        names, values = list(levels), np.array(list(levels.values()))
    else:
        low, high = predictor.range
        inside = [tick for tick in _round_ticks(low, high) if low - 1e-9 <= tick <= high + 1e-9]
        values = np.array(inside or [low, high])
        names = [f"{value:.6g}" for value in values]
    if reach[1] - reach[0] <= 1e-9:
        return [place | {"value": np.nan, "points": np.nan, "label": "not used"}]
    points = (predictor.part(values) - reach[0]) / unit
    return [
        place | {"value": value, "points": point, "label": name}
        for value, point, name in zip(values, points, names, strict=True)
    ]


def _label(row) -> str:
    if isinstance(row.label, str):
        return row.label
    return f"{100 * row.value:.3g}" if row.part == RISK else f"{row.value:.6g}"


@style.publication()
def plot_nomogram(
    source: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    synthetic: str | None = None,
    alarms: Sequence[str] = (),
    event: str = "the event",
    reason: str = "no predictor has a part in the model: every woman gets the same risk",
) -> Figure:
    """Draw the scales below each other: points, predictors, total points, risk.

    Args:
        source: as from `nomogram_source`.
        alarms: what must be said beside it. event: what is predicted.
        reason: why there is nothing to draw, where there is not.
    """
    if source["points"].notna().sum() == 0:
        return nothing_to_show(_TITLE, [reason], synthetic)
    page = Page()
    left, wide = MARGIN + 6, page.inner - 12
    y = MARGIN
    y = _scale(page, y, "Points", source[source["part"] == POINTS], (left, wide), _MOST)
    predictors = source[source["part"] == "predictor"]
    for name in words.distinct(predictors["variable"]):
        y = _scale(page, y, name, predictors[predictors["variable"] == name], (left, wide), _MOST)
    y += 4
    total = source[source["part"] == TOTAL]
    end = float(total["points"].max())
    y = _scale(page, y, "Total points", total, (left, wide), end)
    y = _scale(page, y, f"Risk of {event} (%)", source[source["part"] == RISK], (left, wide), end)
    notes = [
        "Read the points of each predictor on the uppermost scale, add them up, and read the risk below "
        "their sum. It shows how the model reckons; it is not for telling a woman her risk, and no scale "
        "is an effect of what it measures. Scales end where 1% of the training women lie beyond."
    ]
    return page.finish(y + page.notes(y, [*notes, *alarms]) + MARGIN, synthetic)


def _scale(
    page: Page, y: float, title: str, ticks: pd.DataFrame, plot: tuple[float, float], end: float
) -> float:
    """One scale with its title above it; labels that would touch stand below it in turn, or are left out."""
    y += page.text(MARGIN, y, title, weight="bold", width=page.inner)
    if ticks["points"].isna().all():
        said = "not used" if len(ticks) else "outside of what these predictors reach"
        return y + page.text(MARGIN, y, said, slant="italic", colour=MUTED) + _GAP
    left, wide = plot
    x = left + wide * ticks["points"].to_numpy() / end
    line = y + style.text_height(1, SMALL) + 4
    page.sheet.plot([x.min(), x.max()], [line, line], color=INK, linewidth=0.8, label="scale")
    taken = {"above": [], "below": []}
    ordered = sorted(zip(x, ticks["label"], strict=True))
    apart = np.diff(np.sort(x)).min(initial=np.inf)
    # The ends first: where there is little room, they say the most.
    for tick, label in (ordered[0], *ordered[:0:-1]):
        half = style.text_width(label, SMALL) / 2 + 1.5
        at = min(max(tick, MARGIN + half), page.width - MARGIN - half)
        side = next((name for name in taken if all(abs(at - o) >= half + h for o, h in taken[name])), None)
        if side is not None or apart >= _CLOSEST:
            page.sheet.plot([tick, tick], [line - 2.5, line + 2.5], color=INK, linewidth=0.6, label="tick")
        if side is None:
            continue
        taken[side].append((at, half))
        below = side == "below"
        page.text(
            at, line + 3.5 if below else line - 3.5, label, size=SMALL, ha="center",
            va="top" if below else "bottom",
        )  # fmt: skip
    return line + (style.text_height(1, SMALL) + 3 if taken["below"] else 4) + _GAP


def risk_of_points(model: PredictionModel, points: float) -> float:
    """The risk that belongs to a total of points: what the two lowest scales say together."""
    reaches = [_reach(predictor) for predictor in model.predictors]
    unit = max(high - low for low, high in reaches) / _MOST
    return float(expit(model.intercept + sum(low for low, _ in reaches) + points * unit))
