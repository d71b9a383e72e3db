"""Would acting on a model's risk do better than acting on all women or on none? Decision curves."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import expit

from decidua.prediction.paired import Corrected, Predicted, Statistic, corrected
from decidua.statistics.answers import NotEstimable

TREAT_ALL, TREAT_NONE = "treat all", "treat none"
#: Thresholds are whole percents, unless the range is so wide that these were more than `MOST`.
STEP, MOST = 0.01, 60
#: Rounding must not decide whether a risk reaches a threshold: one this close below is at it.
CLOSE = 1e-6
NO_RISK = "matched sets hold no absolute risk"
COLUMNS = {
    "model": "string",
    "threshold": "float64",
    "net_benefit": "float64",
    "lower": "float64",
    "upper": "float64",
    "apparent": "float64",
    "above_all": "float64",
    "above_all_lower": "float64",
    "above_all_upper": "float64",
    "against": "string",
    "difference": "float64",
    "difference_lower": "float64",
    "difference_upper": "float64",
    "interval": "string",
    "women": "Int64",
    "events": "Int64",
    "reason": "string",
}


def thresholds(low: float, high: float) -> np.ndarray:
    """The thresholds of a declared range: its ends, and between them whole percents.

    Where these were more than `MOST`, as many at equal distances.
    """
    whole = np.arange(np.ceil(low / STEP - 1e-9), np.floor(high / STEP + 1e-9) + 1) * STEP
    if len(whole) > MOST:
        whole = np.linspace(low, high, MOST)
    return np.unique(np.round(np.r_[low, whole, high], 9))


def reached(linear: np.ndarray, at: np.ndarray) -> np.ndarray:
    """How many of k ascending thresholds of the risk each woman's log odds reach; n whole numbers."""
    return np.searchsorted(at - CLOSE, expit(linear), side="right")


def net_benefit(
    place: np.ndarray, event: np.ndarray, at: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """Net benefit of acting on the women whose risk reaches each of k thresholds.

    True positives less false positives times the odds of the threshold, each as a share of all women.

    Args:
        place: n, as from `reached`.
        weights: how often each woman counts.

    Source: Vickers and Elkin 2006, Med Decis Making 26:565.
    """
    y = np.asarray(event, dtype=float)
    weights = np.ones(len(y)) if weights is None else weights
    true, false = (_acted_on(place, weights * kind, len(at)) for kind in (y, 1 - y))
    return (true - false * at / (1 - at)) / weights.sum()


def _acted_on(place: np.ndarray, weights: np.ndarray, number: int) -> np.ndarray:
    counts = np.bincount(place, weights, minlength=number + 1)
    return counts[::-1].cumsum()[::-1][1:]


def curves_of(event: np.ndarray, at: np.ndarray) -> Statistic:
    """For `corrected`, of one model or two (new, old): net benefit of the first, and what it is above that of
    acting on all women and that of the second, k numbers each."""
    everybody = np.full(len(event), len(at))

    def found(linears: Sequence[np.ndarray], weightings: Sequence[np.ndarray]) -> list[np.ndarray]:
        places = [reached(linear, at) for linear in linears]
        numbers = []
        for weights in weightings:
            first, *second = (net_benefit(place, event, at, weights) for place in places)
            above_all = first - net_benefit(everybody, event, at, weights)
            numbers.append(np.concatenate([first, above_all, *(first - other for other in second)]))
        return numbers

    return found


def decision_curves(
    models: Mapping[str, Predicted],
    event: np.ndarray,
    weights: np.ndarray,
    between: tuple[float, float],
    *,
    against: Mapping[str, str] | None = None,
    failures: Mapping[str, str] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Net benefit of each model over the declared thresholds, of acting on all and on none, with intervals.

    Args:
        models: by name, of n women.
        event: n booleans.
        weights: resamples x n, how often each woman is in a resample; the models'.
        between: lowest and highest threshold of the risk of the event.
        against: of a model the one that it is compared with (history + immune: history).
        failures: of models without a risk the reason.

    Returns:
        Columns of `COLUMNS`, a row a model and threshold; of treat all and treat none too. `net_benefit` is
        corrected for optimism, `apparent` is not; `above_all` is what it is above that of acting on all
        women, `difference` above that of the model `against`, both paired over the resamples. Intervals hold
        at each threshold by itself. A model without a risk has one row with the reason.
    """
    at, event = thresholds(*between), np.asarray(event, dtype=bool)
    against, parts = against or {}, []
    strategies = {
        name: Predicted.everybody(name == TREAT_ALL, len(event), len(weights))
        for name in (TREAT_ALL, TREAT_NONE)
    }
    counts = {"women": len(event), "events": int(event.sum())}
    for name, model in {**models, **strategies}.items():
        other = models.get(against.get(name, ""))
        try:
            pair = [model] if other is None else [model, other]
            found = corrected(curves_of(event, at), pair, weights, confidence)
        except NotEstimable as reason:
            parts.append(_none(name, str(reason)))
            continue
        table = _table(at, found, None if other is None else against[name])
        parts.append(table.assign(model=name, **counts))
    parts += [_none(name, reason) for name, reason in (failures or {}).items()]
    return _typed(parts)


def _table(at: np.ndarray, found: Corrected, other: str | None) -> pd.DataFrame:
    ways = ["apparent", "corrected", "low", "high"]
    apparent, middle, low, high = (np.split(getattr(found, way), len(found.low) // len(at)) for way in ways)
    table = {
        "threshold": at,
        "net_benefit": middle[0],
        "lower": low[0],
        "upper": high[0],
        "apparent": apparent[0],
        "interval": f"{found.method}, at each threshold by itself",
    }
    names = ("above_all", "difference")[: len(middle) - 1]
    for name, *parts in zip(names, middle[1:], low[1:], high[1:], strict=True):
        table |= dict(zip((name, f"{name}_lower", f"{name}_upper"), parts, strict=True))
    return pd.DataFrame(table | ({} if other is None else {"against": other}))


def _none(model: str, reason: str) -> pd.DataFrame:
    return pd.DataFrame({"model": [model], "reason": [reason]})


def _typed(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(
        [part.reindex(columns=list(COLUMNS)).astype(COLUMNS) for part in parts], ignore_index=True
    )
