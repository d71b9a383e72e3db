"""How good are predicted risks? Plain functions of log odds or risks, and events.

Weights say how often each woman counts. An event may also be a probability (of a simulated woman, say).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtri

from decidua.prediction.newton import log_likelihood
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
    return measures_of_weightings(linear, event, [_ones(event) if weights is None else weights])[0]


def measures_of_weightings(
    linear: np.ndarray, event: np.ndarray, weightings: list[np.ndarray]
) -> list[dict[str, float]]:
    """`all_measures` for each of several weightings of the same women; they are sorted once."""
    y = np.asarray(event, dtype=float)
    risk = expit(linear)
    areas = _areas(linear, y, weightings)
    found = []
    for weights, area in zip(weightings, areas, strict=True):
        one = {
            C: area,
            LARGE: calibration_in_the_large(linear, y, weights),
            SLOPE: calibration_slope(linear, y, weights),
            BRIER: brier(risk, y, weights),
            SCALED: scaled_brier(risk, y, weights),
            R2: nagelkerke(linear, y, weights),
            SPREAD: risk_variance(risk, weights),
        }
        found.append(one)
    return found


def _ones(event: np.ndarray) -> np.ndarray:
    return np.ones(len(event))


def c_statistic(score: np.ndarray, event: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The share of pairs with and without the event that the score orders rightly, ties one half.

    NaN when one outcome is absent.
    """
    return _areas(score, np.asarray(event, dtype=float), [_ones(event) if weights is None else weights])[0]


def _areas(score: np.ndarray, y: np.ndarray, weightings: list[np.ndarray]) -> list[float]:
    order = np.argsort(score, kind="stable")
    ascending = score[order]
    starts = np.flatnonzero(np.r_[True, ascending[1:] != ascending[:-1]])
    y = y[order]
    found = []
    for weights in weightings:
        weights = weights[order]
        with_event = np.add.reduceat(weights * y, starts)
        without = np.add.reduceat(weights * (1 - y), starts)
        pairs = with_event.sum() * without.sum()
        below = without.cumsum() - without / 2
        found.append(float(with_event @ below / pairs) if pairs else float("nan"))
    return found


def c_within_sets(
    score: np.ndarray, event: np.ndarray, sets: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """The same of pairs of one matched set only; NaN without any pair.

    Args:
        weights: one number a set, given for each of its women.
    """
    weights = _ones(event) if weights is None else weights
    y, right, pairs = np.asarray(event, dtype=bool), 0.0, 0.0
    for code in np.unique(sets):
        inside = sets == code
        ours, others = score[inside & y], score[inside & ~y]
        apart = ours[:, None] - others
        weight = float(weights[inside][0])
        right += weight * float((apart > 0).sum() + (apart == 0).sum() / 2)
        pairs += weight * apart.size
    return right / pairs if pairs else float("nan")


def calibration_in_the_large(
    linear: np.ndarray, event: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """What must be added to all log odds so that as many events are predicted as there are; 0 is perfect.

    NaN when one outcome is absent.
    """
    weights = _ones(event) if weights is None else weights
    y, shift = np.asarray(event, dtype=float), 0.0
    if not 0 < weights @ y < weights.sum():
        return float("nan")
    for _ in range(_MOST_STEPS):
        mu = expit(linear + shift)
        step = float(weights @ (y - mu) / (weights @ (mu * (1 - mu))))
        shift += float(np.clip(step, -_LONGEST, _LONGEST))
        if abs(step) < _SETTLED:
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
    weights = _ones(event) if weights is None else weights
    y = np.asarray(event, dtype=float)
    total = weights.sum()
    nothing = (float("nan"), float("nan"))
    if not 0 < weights @ y < total:
        return nothing
    centre = weights @ linear / total
    spread = float(np.sqrt(weights @ (linear - centre) ** 2 / total))
    if spread < _NO_SPREAD:
        return nothing
    z = (linear - centre) / spread
    share = weights @ y / total
    a, b = float(np.log(share / (1 - share))), 0.0
    for _ in range(_MOST_STEPS):
        mu = expit(a + b * z)
        variance, rest = weights * mu * (1 - mu), weights * (y - mu)
        s0, s1, s2 = variance.sum(), variance @ z, variance @ z**2
        g0, g1, determinant = rest.sum(), rest @ z, s0 * s2 - s1 * s1
        if not determinant > 1e-12 * s0 * s2:
            return nothing
        da, db = (s2 * g0 - s1 * g1) / determinant, (s0 * g1 - s1 * g0) / determinant
        short = min(1.0, _LONGEST / max(abs(da), abs(db), 1e-300))
        a, b = a + short * da, b + short * db
        if max(abs(da), abs(db)) < _SETTLED:
            return float(a - b * centre / spread), float(b / spread)
    return nothing


def brier(risk: np.ndarray, event: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Mean squared difference of risk and event."""
    y = np.asarray(event, dtype=float)
    # of an event that is a probability q the mean over its two outcomes: (q - risk)^2 + q (1 - q)
    return _mean((y - risk) ** 2 + y * (1 - y), weights)


def scaled_brier(risk: np.ndarray, event: np.ndarray, weights: np.ndarray | None = None) -> float:
    """1 - Brier score over that of telling every woman the mean risk of these women; 0 is useless.

    NaN when one outcome is absent.
    """
    share = _mean(np.asarray(event, dtype=float), weights)
    worst = share * (1 - share)
    return 1 - brier(risk, event, weights) / worst if worst > 0 else float("nan")


def nagelkerke(linear: np.ndarray, event: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Explained variation: Nagelkerke's R2 of the log odds as they stand (may be below 0 in other women).

    NaN when one outcome is absent. Source: Nagelkerke 1991, Biometrika 78:691.
    """
    weights = _ones(event) if weights is None else weights
    y = np.asarray(event, dtype=float)
    total = float(weights.sum())
    share = float(weights @ y) / total
    if not 0 < share < 1:
        return float("nan")
    nothing = total * (share * np.log(share) + (1 - share) * np.log1p(-share))
    model = log_likelihood(linear, y, weights)
    return float(-np.expm1(2 * (nothing - model) / total) / -np.expm1(2 * nothing / total))


def risk_variance(risk: np.ndarray, weights: np.ndarray | None = None) -> float:
    """How much predicted risks differ, as the variance over women: what a useless model has none of."""
    return _mean((risk - _mean(risk, weights)) ** 2, weights)


def _mean(each: np.ndarray, weights: np.ndarray | None) -> float:
    return float(each.mean()) if weights is None else float(weights @ each / weights.sum())


def net_benefit(
    risk: np.ndarray, event: np.ndarray, thresholds: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """True positives less false ones at the odds of the threshold, a woman; a number a threshold.

    A woman whose risk is at the threshold is positive. Source: Vickers and Elkin 2006, Med Decis Making
    26:565.
    """
    y = np.asarray(event, dtype=float)
    weights = _ones(y) if weights is None else np.asarray(weights, dtype=float)
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
