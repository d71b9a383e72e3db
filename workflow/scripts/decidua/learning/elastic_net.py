"""Which elastic-net logistic regressions do these samples give, one for every penalty, solved to convergence?

All genes take part: none is screened out before. A penalty is solved with the genes that have or want a
weight; then all genes are asked again whether they want one, until none does.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from decidua.learning.ridge import NotConverged

#: A step below this many logits ends the search.
TOLERANCE = 1e-5
#: A gene wants a weight if its gradient exceeds the penalty by more than this share, as rounding can.
SLACK = 1e-5
#: Of the least squares, against the sum of squares of the response: duality gaps.
LOOSE, TIGHT = 1e-4, 1e-7
MAX_STEPS, MAX_ROUNDS = 100, 50


@dataclass(frozen=True)
class Path:
    """Solutions along the penalties: coefficients, penalties x genes, and intercepts."""

    coefficients: np.ndarray
    intercepts: np.ndarray


def fit_path(values: np.ndarray, is_case: np.ndarray, shares: np.ndarray, l1_ratio: float = 0.5) -> Path:
    """Minimise mean log loss + penalty * (l1_ratio * sum |w| + (1 - l1_ratio) / 2 * sum w^2).

    The intercept is free. Newton steps, each a weighted least-squares elastic net that scikit-learn solves by
    coordinate descent.

    Args:
        values: samples x genes, centred.
        is_case: a boolean a sample, both classes.
        shares: the penalties, falling, as shares of the smallest that gives no gene a weight.

    Raises:
        NotConverged: no minimum within the allowed steps.

    Source: Friedman, Hastie and Tibshirani 2010 (doi 10.18637/jss.v033.i01).
    """
    target = is_case.astype(float)
    number, genes = values.shape
    intercept, weights = float(logit(target.mean())), np.zeros(genes)
    gradient = _gradient(values, target - target.mean())
    penalties = shares * np.abs(gradient).max() / l1_ratio
    coefficients, intercepts = np.zeros((len(shares), genes)), np.full(len(shares), intercept)
    for i, penalty in enumerate(penalties):
        active = (np.abs(gradient) > l1_ratio * penalty) | (weights != 0)
        for _ in range(MAX_ROUNDS):
            chosen = np.flatnonzero(active)
            part = values[:, chosen].astype(float)
            weights[chosen], intercept = _newton(part, target, penalty, l1_ratio, weights[chosen], intercept)
            residual = target - expit(part @ weights[chosen] + intercept)
            gradient = _gradient(values, residual)
            missed = (np.abs(gradient) > l1_ratio * penalty * (1 + SLACK)) & ~active
            if not missed.any():
                break
            active |= missed
        coefficients[i], intercepts[i] = weights, intercept
    return Path(coefficients, intercepts)


def _gradient(values: np.ndarray, residual: np.ndarray) -> np.ndarray:
    return (residual.astype(values.dtype) @ values).astype(float) / len(values)


def _newton(
    values: np.ndarray,
    target: np.ndarray,
    penalty: float,
    l1_ratio: float,
    weights: np.ndarray,
    intercept: float,
) -> tuple[np.ndarray, float]:
    scores = values @ weights + intercept
    objective, accuracy = _objective(scores, target, weights, penalty, l1_ratio), LOOSE
    for _ in range(MAX_STEPS):
        probability = expit(scores)
        variance = np.maximum(probability * (1 - probability), 1e-6)
        response = scores + (target - probability) / variance
        centre = variance @ values / variance.sum()
        middle = variance @ response / variance.sum()
        root = np.sqrt(variance)
        new = _least_squares(
            root[:, None] * (values - centre),
            root * (response - middle),
            penalty,
            l1_ratio,
            weights,
            accuracy,
        )
        new_intercept = float(middle - centre @ new)
        size = 1.0
        while True:
            candidate = weights + size * (new - weights)
            shift = intercept + size * (new_intercept - intercept)
            moved = values @ candidate + shift
            value = _objective(moved, target, candidate, penalty, l1_ratio)
            if value <= objective + 1e-10 or size < 1e-4:
                break
            size /= 2
        step = np.abs(moved - scores).max()
        weights, intercept, scores, objective = candidate, shift, moved, value
        if step < TOLERANCE and size == 1.0 and accuracy == TIGHT:
            return weights, intercept
        accuracy = LOOSE if step > 0.01 else TIGHT  # far from the minimum a rough step does as well
    raise NotConverged(f"elastic-net logistic regression did not converge at penalty {penalty:g}")


def _least_squares(
    values: np.ndarray,
    response: np.ndarray,
    penalty: float,
    l1_ratio: float,
    start: np.ndarray,
    accuracy: float,
) -> np.ndarray:
    from sklearn import config_context
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import enet_path

    if not len(start):
        return start
    with warnings.catch_warnings(), config_context(skip_parameter_validation=True):
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            _, found, _ = enet_path(
                np.asfortranarray(values),
                response,
                l1_ratio=l1_ratio,
                alphas=[penalty],
                coef_init=start,
                tol=accuracy,
                max_iter=100_000,
            )
        except ConvergenceWarning:
            raise NotConverged(
                f"elastic-net logistic regression did not converge at penalty {penalty:g}"
            ) from None
    return found[:, 0]


def _objective(
    scores: np.ndarray, target: np.ndarray, weights: np.ndarray, penalty: float, l1_ratio: float
) -> float:
    loss = (np.logaddexp(0, scores) - target * scores).mean()
    size = l1_ratio * np.abs(weights).sum() + (1 - l1_ratio) / 2 * weights @ weights
    return float(loss + penalty * size)
