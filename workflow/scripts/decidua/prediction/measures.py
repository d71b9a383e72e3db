"""How good are predicted risks? Plain functions of log odds or risks, and events.

Weights say how often each woman counts. An event may also be a probability (of a simulated woman, say).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtri

from decidua.statistics.answers import NotEstimable
from decidua.statistics.splines import basis, knots

C, SLOPE, LARGE = "c statistic", "calibration slope", "calibration in the large"
BRIER, SCALED, R2, SPREAD = "Brier score", "scaled Brier score", "Nagelkerke R2", "variance of the risks"
#: All measures of a model of absolute risk, in the order in which they are told.
MEASURES = (C, LARGE, SLOPE, BRIER, SCALED, R2, SPREAD)
#: The only one of a model of matched sets.
WITHIN_SETS = "c statistic within sets"
_MOST_STEPS, _SETTLED, _LONGEST = 100, 1e-9, 3.0
#: Log odds that differ less cannot be recalibrated.
_NO_SPREAD = 1e-6
#: Points at which the curve is drawn, between these quantiles of the log odds.
_STEPS, _BETWEEN = 61, (0.01, 0.99)


@dataclass(frozen=True)
class Curve:
    """A smooth calibration curve: of each predicted risk the observed one with its pointwise band."""

    predicted: np.ndarray
    observed: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def all_measures(
    linear: np.ndarray, event: np.ndarray, weights: np.ndarray | None = None
) -> dict[str, float]:
    """Each of `MEASURES` of log odds (n) and events (n), NaN where it does not exist."""
    return {name: float(value[0]) for name, value in measures_of_many(*_one(linear, weights), event).items()}


def measures_of_many(
    linear: np.ndarray, weights: np.ndarray, event: np.ndarray, wanted: Sequence[str] = MEASURES
) -> dict[str, np.ndarray]:
    """Measures of many models of the same women, or of one model under many weightings of them.

    Args:
        linear, weights: B x n; a single row stands for all.
        event: n.
        wanted: which of `MEASURES`.

    Returns:
        B numbers a measure, NaN where it does not exist. A row's numbers do not depend on the other rows.
    """
    y = np.asarray(event, dtype=float)
    risk = expit(linear)
    compute = {
        C: lambda: _areas(linear, y, weights),
        LARGE: lambda: _large(linear, y, weights),
        SLOPE: lambda: _recalibrated(linear, y, weights)[1],
        BRIER: lambda: _briers(risk, y, weights),
        SCALED: lambda: _scaled(risk, y, weights),
        R2: lambda: _nagelkerkes(linear, y, weights),
        SPREAD: lambda: _variances(risk, weights),
    }
    return {name: compute[name]() for name in wanted}


def _one(each: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """As a single row, with its weights."""
    each = np.asarray(each, dtype=float)
    weights = np.ones(len(each)) if weights is None else np.asarray(weights, dtype=float)
    return each[None], weights[None]


def _dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Sum over women, a row at a time: the same bits whatever the other rows are."""
    if first.ndim == 1 or second.ndim == 1:
        return np.einsum("bn,n->b", first, second)
    first, second = np.broadcast_arrays(first, second)
    return np.einsum("bn,bn->b", first, second)


def c_statistic(score: np.ndarray, event: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The share of pairs with and without the event that the score orders rightly, ties one half.

    NaN when one outcome is absent.
    """
    scores, weights = _one(score, weights)
    return float(_areas(scores, np.asarray(event, dtype=float), weights)[0])


def _areas(scores: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    order = np.argsort(scores, axis=1, kind="stable")
    ascending = np.take_along_axis(scores, order, axis=1)
    place = np.arange(scores.shape[1])
    is_new = np.ones(ascending.shape, dtype=bool)
    is_new[:, 1:] = ascending[:, 1:] != ascending[:, :-1]
    tied = not is_new.all()
    first = np.maximum.accumulate(np.where(is_new, place, 0), axis=1) if tied else None
    if len(order) < len(weights):
        order = np.broadcast_to(order, weights.shape)
        first = np.broadcast_to(first, weights.shape) if tied else None
    elif len(weights) < len(order):
        weights = np.broadcast_to(weights, order.shape)
    ordered = np.take_along_axis(weights, order, axis=1)
    truth = y[order]
    without = ordered * (1 - truth)
    up_to = without.cumsum(axis=1)
    if tied:
        last = _last_of_ties(is_new, place)
        last = np.broadcast_to(last, up_to.shape)
        before = np.take_along_axis(up_to - without, first, axis=1)
        below = (before + np.take_along_axis(up_to, last, axis=1)) / 2
    else:
        below = up_to - without / 2
    with_event = ordered * truth
    pairs = with_event.sum(axis=1) * up_to[:, -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return _dot(with_event, below) / np.where(pairs > 0, pairs, np.nan)


def _last_of_ties(is_new: np.ndarray, place: np.ndarray) -> np.ndarray:
    ends = np.ones(is_new.shape, dtype=bool)
    ends[:, :-1] = is_new[:, 1:]
    backwards = np.where(ends, place, len(place))[:, ::-1]
    return np.minimum.accumulate(backwards, axis=1)[:, ::-1]


def c_within_sets(
    score: np.ndarray, event: np.ndarray, sets: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """The same of pairs of one matched set only; NaN without any pair.

    Args:
        weights: one number a set, given for each of its women.
    """
    return float(c_within_sets_of_many(*_one(score, weights), event, sets)[0])


def c_within_sets_of_many(
    scores: np.ndarray, weights: np.ndarray, event: np.ndarray, sets: np.ndarray
) -> np.ndarray:
    """`c_within_sets` of B x n scores and weights; a single row of either stands for all."""
    with_event, without = pairs_within_sets(np.asarray(event, dtype=bool), sets)
    apart = scores[:, with_event] - scores[:, without]
    right = (apart > 0) + 0.5 * (apart == 0)
    often = weights[:, with_event]
    total = often.sum(axis=1)
    # an unknown score orders nothing, and is asked for only of sets that count
    right = np.where(np.isnan(apart) & (often > 0), np.nan, right)
    return _dot(often, right) / np.where(total > 0, total, np.nan)


def pairs_within_sets(event: np.ndarray, sets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the women with and without the event of every pair of one set."""
    first, second = [np.zeros(0, dtype=int)], [np.zeros(0, dtype=int)]
    order = np.argsort(sets, kind="stable")
    starts = np.flatnonzero(np.r_[True, sets[order][1:] != sets[order][:-1]])
    for inside in np.split(order, starts[1:]):
        ours, others = inside[event[inside]], inside[~event[inside]]
        first.append(np.repeat(ours, len(others)))
        second.append(np.tile(others, len(ours)))
    return np.concatenate(first), np.concatenate(second)


def calibration_in_the_large(
    linear: np.ndarray, event: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """What must be added to all log odds so that as many events are predicted as there are; 0 is perfect.

    NaN when one outcome is absent.
    """
    linear, weights = _one(linear, weights)
    return float(_large(linear, np.asarray(event, dtype=float), weights)[0])


def _large(linear: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    total, events = weights.sum(axis=1), _dot(weights, y)
    going = np.ones(max(len(linear), len(weights)), dtype=bool)
    shift = np.where((events > 0) & (events < total), 0.0, np.nan) + np.zeros(len(going))
    with np.errstate(invalid="ignore"):
        for _ in range(_MOST_STEPS):
            mu = expit(linear + shift[:, None])
            step = _dot(weights, y - mu) / _dot(weights, mu * (1 - mu))
            shift = shift + np.where(going, np.clip(step, -_LONGEST, _LONGEST), 0.0)
            going &= np.abs(step) >= _SETTLED
            if not going.any():
                break
    return shift


def calibration_slope(linear: np.ndarray, event: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Slope of a logistic regression of the event on the log odds; 1 is perfect, below 1 is overfitted.

    NaN when one outcome is absent, log odds do not vary, or they tell all with the event from all without.
    """
    return recalibration(linear, event, weights)[1]


def recalibration(
    linear: np.ndarray, event: np.ndarray, weights: np.ndarray | None = None
) -> tuple[float, float]:
    """Intercept and slope of a logistic regression of the event on the log odds (Cox 1958); NaN as above."""
    linear, weights = _one(linear, weights)
    intercepts, slopes = _recalibrated(linear, np.asarray(event, dtype=float), weights)
    return float(intercepts[0]), float(slopes[0])


def _recalibrated(linear: np.ndarray, y: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Newton's method on standardised log odds, its steps held short."""
    total = weights.sum(axis=1)
    share = _dot(weights, y) / total
    centre = _dot(weights, linear) / total
    spread = np.sqrt(_dot(weights, (linear - centre[:, None]) ** 2) / total)
    usable = (share > 0) & (share < 1) & (spread >= _NO_SPREAD)
    spread = np.where(usable, spread, np.nan)
    z = (linear - centre[:, None]) / spread[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        a, b = np.where(usable, np.log(share / (1 - share)), np.nan), np.zeros(len(spread))
        going = usable.copy()
        for _ in range(_MOST_STEPS):
            mu = expit(a[:, None] + b[:, None] * z)
            variance, rest = weights * mu * (1 - mu), weights * (y - mu)
            across = variance * z
            s0, s1, s2 = variance.sum(axis=1), across.sum(axis=1), _dot(across, z)
            g0, g1, determinant = rest.sum(axis=1), _dot(rest, z), s0 * s2 - s1 * s1
            lost = going & ~(determinant > 1e-12 * s0 * s2)
            a[lost] = b[lost] = np.nan
            going &= ~lost
            da, db = (s2 * g0 - s1 * g1) / determinant, (s0 * g1 - s1 * g0) / determinant
            longest = np.maximum(np.abs(da), np.abs(db))
            short = np.minimum(1.0, _LONGEST / np.maximum(longest, 1e-300))
            a, b = a + np.where(going, short * da, 0.0), b + np.where(going, short * db, 0.0)
            going &= longest >= _SETTLED
            if not going.any():
                break
        a[going] = b[going] = np.nan
        return a - b * centre / spread, b / spread


def brier(risk: np.ndarray, event: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Mean squared difference of risk and event."""
    risks, weights = _one(risk, weights)
    return float(_briers(risks, np.asarray(event, dtype=float), weights)[0])


def _briers(risk: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    # of an event that is a probability q the mean over its two outcomes: (q - risk)^2 + q (1 - q)
    return _means((y - risk) ** 2 + y * (1 - y), weights)


def scaled_brier(risk: np.ndarray, event: np.ndarray, weights: np.ndarray | None = None) -> float:
    """1 - Brier score over that of telling every woman the mean risk of these women; 0 is useless.

    NaN when one outcome is absent.
    """
    risks, weights = _one(risk, weights)
    return float(_scaled(risks, np.asarray(event, dtype=float), weights)[0])


def _scaled(risk: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    share = _dot(weights, y) / weights.sum(axis=1)
    worst = share * (1 - share)
    return 1 - _briers(risk, y, weights) / np.where(worst > 0, worst, np.nan)


def nagelkerke(linear: np.ndarray, event: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Explained variation: Nagelkerke's R2 of the log odds as they stand (may be below 0 in other women).

    NaN when one outcome is absent. Source: Nagelkerke 1991, Biometrika 78:691.
    """
    linear, weights = _one(linear, weights)
    return float(_nagelkerkes(linear, np.asarray(event, dtype=float), weights)[0])


def _nagelkerkes(linear: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    total = weights.sum(axis=1)
    share = _dot(weights, y) / total
    share = np.where((share > 0) & (share < 1), share, np.nan)
    nothing = share * np.log(share) + (1 - share) * np.log1p(-share)
    model = _means(y * linear - np.logaddexp(0.0, linear), weights)
    return np.expm1(2 * (nothing - model)) / np.expm1(2 * nothing)


def risk_variance(risk: np.ndarray, weights: np.ndarray | None = None) -> float:
    """How much predicted risks differ, as the variance over women: what a useless model has none of."""
    return float(_variances(*_one(risk, weights))[0])


def _variances(risk: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return _means((risk - _means(risk, weights)[:, None]) ** 2, weights)


def _means(each: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return _dot(weights, each) / weights.sum(axis=1)


def net_benefit(
    risk: np.ndarray, event: np.ndarray, thresholds: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """True positives less false ones at the odds of the threshold, a woman; a number a threshold.

    A woman whose risk is at the threshold is positive. Source: Vickers and Elkin 2006, Med Decis Making
    26:565.
    """
    y = np.asarray(event, dtype=float)
    weights = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    order = np.argsort(risk, kind="stable")
    first = np.searchsorted(risk[order], thresholds, side="left")

    def above(each: np.ndarray) -> np.ndarray:
        return each.sum() - np.r_[0.0, each[order].cumsum()][first]

    true, false = above(weights * y), above(weights * (1 - y))
    odds = np.asarray(thresholds) / (1 - np.asarray(thresholds))
    return (true - false * odds) / weights.sum()


def calibration_curve(
    linear: np.ndarray, event: np.ndarray, member: np.ndarray | None = None, confidence: float = 0.95
) -> Curve:
    """Logistic regression of the event on a restricted cubic spline (3 knots) of the log odds.

    Args:
        linear, event: a row a woman, or several (repeats of a cross-validation).
        member: of each row the woman, where a woman has several rows: the band counts women.

    Raises:
        NotEstimable: one outcome, or log odds that hardly differ.

    Source: Harrell 2015, section 10.11; sandwich: Liang and Zeger 1986, Biometrika 73:13.
    """
    from decidua.prediction.newton import fit_ridge

    y = np.asarray(event, dtype=float)
    if np.ptp(linear) < _NO_SPREAD:
        raise NotEstimable("the predicted risks hardly differ")
    at = _knots(linear)
    raw = basis(linear, at) if len(at) else linear[:, None]
    centre, spread = raw.mean(axis=0), raw.std(axis=0)
    x = (raw - centre) / spread
    found = fit_ridge(x, y, np.ones(len(y)), penalty=0.0)
    covariance = _sandwich(x, y, found, member)
    grid = np.linspace(*np.quantile(linear, _BETWEEN), _STEPS)
    columns = (basis(grid, at) if len(at) else grid[:, None]) - centre
    points = np.column_stack([np.ones(_STEPS), columns / spread])
    middle = points @ found.coefficients
    half = ndtri((1 + confidence) / 2) * np.sqrt(np.einsum("ij,jk,ik->i", points, covariance, points))
    return Curve(expit(grid), expit(middle), expit(middle - half), expit(middle + half))


def _knots(linear: np.ndarray) -> np.ndarray:
    try:
        return knots(linear, 3)
    except NotEstimable:
        return np.zeros(0)


def _sandwich(x: np.ndarray, y: np.ndarray, found, member: np.ndarray | None) -> np.ndarray:
    bread = np.linalg.inv(found.information)
    if member is None:
        return bread
    design = np.column_stack([np.ones(len(x)), x])
    pull = (y - expit(design @ found.coefficients))[:, None] * design
    code, number = np.unique(member, return_inverse=True)[1], len(np.unique(member))
    each = np.column_stack([np.bincount(code, column) for column in pull.T])
    return bread @ (each.T @ each) @ bread * number / (number - 1)
