"""Do predicted risks mean what they say, and how are they spread? Curves and bars, none of a single woman."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from scipy.special import expit

from decidua.prediction.design import CONDITIONAL
from decidua.prediction.measures import calibration_curve
from decidua.prediction.validation import APPARENT, CORRECTED, Validated
from decidua.statistics.answers import NotEstimable

CURVE, RISKS = "curve", "risks"
WITH, WITHOUT = "with the event", "without the event"
NO_RISK = "a conditional model of matched sets knows no absolute risk"
#: Columns of the table of curves.
TYPES = {
    "model": "string",
    "shown": "string",
    "way": "string",
    "predicted": "float64",
    "observed": "float64",
    "lower": "float64",
    "upper": "float64",
    "reason": "string",
}
#: Ends of bars are rounded to this risk.
_ROUND = 0.005


def calibration_curves(
    models: Iterable[Validated],
    event: np.ndarray,
    groups: np.ndarray,
    confidence: float = 0.95,
    failures: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Smooth calibration curves of each model, apparent and of held-out women, and how its risks are spread.

    Args:
        event: a boolean a woman. groups: of each row the woman or set that is never split.
        failures: of models that could not be learned, why.

    Returns:
        Columns of `TYPES`. "curve": observed risk of each predicted one, with its band, by way (apparent, or
        corrected: each woman told by models that had not seen her, all repeats together, the band counts
        groups). "risks": of held-out risks, from lower to upper the share of all women a unit of risk, by way
        (with or without the event), as from `risk_bars`. A model without a curve has one row with the reason.
    """
    parts = [_of_model(model, event, groups, confidence) for model in models]
    parts += [_none(name, reason) for name, reason in (failures or {}).items()]
    parts = [part.reindex(columns=list(TYPES)).astype(TYPES) for part in parts]
    return pd.concat(parts or [pd.DataFrame(columns=list(TYPES)).astype(TYPES)], ignore_index=True)


def _of_model(model: Validated, event: np.ndarray, groups: np.ndarray, confidence: float) -> pd.DataFrame:
    name = model.spec.name
    if model.spec.method == CONDITIONAL:
        return _none(name, NO_RISK)
    repeats = len(model.held_out)
    parts = []
    for way, linear, times in (
        (APPARENT, model.apparent, 1),
        (CORRECTED, model.held_out.ravel(), repeats),
    ):
        told = ~np.isnan(linear)  # a training set may have given no model
        events, members = np.tile(event, times)[told], np.tile(groups, times)[told]
        try:
            curve = calibration_curve(linear[told], events, members, confidence)
        except NotEstimable as reason:
            parts.append(_none(name, str(reason), way))
            continue
        columns = {key: getattr(curve, key) for key in ("predicted", "observed", "lower", "upper")}
        parts.append(pd.DataFrame({"model": name, "shown": CURVE, "way": way, **columns}))
    risks = expit(model.held_out).mean(axis=0)
    told = ~np.isnan(risks)
    parts.append(risk_bars(risks[told], event[told]).assign(model=name, shown=RISKS))
    return pd.concat(parts, ignore_index=True)


def _none(model: str, reason: str, way: str | None = None) -> pd.DataFrame:
    return pd.DataFrame({"model": [model], "shown": [CURVE], "way": [way], "reason": [reason]})


def risk_bars(risks: np.ndarray, event: np.ndarray, smallest: int = 10, most: int = 15) -> pd.DataFrame:
    """How risks are spread, without a bar of few women.

    Args:
        risks: n risks. event: n, whether the woman had the event.
        smallest: women of a bar, about. most: bars of a kind of women at most.

    Returns:
        way, lower, upper, observed (share of all women a unit of risk): bars of about equally many women that
        end between rounded risks; none of a kind of women of whom there are fewer than `smallest`.
    """
    rows = []
    for way, who in ((WITH, event), (WITHOUT, ~event)):
        own = np.sort(risks[who])
        if len(own) < smallest:
            continue
        ends = _ends(own, min(most, len(own) // smallest))
        counts = np.histogram(np.clip(own, ends[0], ends[-1]), ends)[0]
        ends, counts = _merged(ends, counts, smallest / 2)
        density = counts / np.diff(ends) / len(risks)
        rows += [
            {"way": way, "lower": low, "upper": high, "observed": height}
            for low, high, height in zip(ends[:-1], ends[1:], density, strict=True)
        ]
    return pd.DataFrame(rows, columns=["way", "lower", "upper", "observed"])


def _ends(own: np.ndarray, number: int) -> np.ndarray:
    ends = np.unique(np.round(np.quantile(own, np.linspace(0, 1, number + 1)) / _ROUND) * _ROUND)
    return ends if len(ends) > 1 else np.array([ends[0] - _ROUND / 2, ends[0] + _ROUND / 2])


def _merged(ends: np.ndarray, counts: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Bars of fewer women joined with their neighbours to the right, the last one to the left."""
    kept, sums, running = [ends[0]], [], 0
    for end, count in zip(ends[1:], counts, strict=True):
        running += count
        if running >= least:
            kept.append(end)
            sums.append(running)
            running = 0
    if running:
        kept[-1], sums[-1] = ends[-1], sums[-1] + running
    elif kept[-1] != ends[-1]:
        kept[-1] = ends[-1]
    return np.array(kept), np.array(sums)
