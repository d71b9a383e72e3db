"""Which ridge logistic regressions do these samples give, one for every penalty, solved to convergence?

With far fewer samples than genes the problem lives in the span of the samples: everything needed is the
matrix of their inner products (the Gram matrix), and one such matrix serves all penalties.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dposv
from scipy.special import expit

#: A Newton step below this many logits ends the search; Newton squares the error, so what is left is far
#: smaller.
TOLERANCE = 1e-4
MAX_STEPS = 100
#: A full step is taken unless the objective grows by more than this share, which rounding alone can reach.
SLACK = 1e-7


class NotConverged(ArithmeticError):
    """Newton's method did not settle; the message names the penalty."""


@dataclass(frozen=True)
class Path:
    """Solutions along the penalties, strongest first.

    weights: penalties x training samples; a new sample's score is its inner products with the training
        samples, times these, plus the intercept.
    intercepts: one a penalty.
    scores: penalties x training samples, the linear predictors (logits) of the training samples themselves.
    """

    penalties: np.ndarray
    weights: np.ndarray
    intercepts: np.ndarray
    scores: np.ndarray

    def score(self, products: np.ndarray) -> np.ndarray:
        """Linear predictors, samples x penalties, from inner products, samples x training samples."""
        return products @ self.weights.T + self.intercepts


def fit_path(gram: np.ndarray, is_case: np.ndarray, penalties: np.ndarray) -> Path:
    """Minimise sum(log loss) + penalty / 2 * |coefficients|^2 with a free intercept, for every penalty.

    Args:
        gram: training samples x training samples, inner products of their (scaled) expression values.
        is_case: one boolean a training sample; both values must occur.
        penalties: positive, in any order.

    Returns:
        The path, penalties sorted from strong to weak. Scores are within 1e-6 logits of the minimum.

    Raises:
        ValueError: one class only (the intercept would run away) or a penalty that is not positive.
        NotConverged: no minimum within `MAX_STEPS` Newton steps.
    """
    penalties = np.sort(np.asarray(penalties, dtype=float))[::-1]
    target = np.asarray(is_case, dtype=float)
    if not 0 < target.sum() < len(target):
        raise ValueError("ridge logistic regression needs both classes among the training samples")
    if penalties[-1] <= 0:
        raise ValueError("penalties must be positive")
    gram = np.asarray(gram, dtype=float)
    weights = np.zeros((len(penalties), len(target)))
    intercepts = np.zeros(len(penalties))
    scores = np.empty_like(weights)
    share = target.mean()
    start = np.zeros(len(target)), float(np.log(share / (1 - share)))
    for i, penalty in enumerate(penalties):
        if i > 1:  # the path is smooth in the logarithm of the penalty: start where it points to
            ahead = np.log(penalty / penalties[i - 1]) / np.log(penalties[i - 1] / penalties[i - 2])
            start = (
                weights[i - 1] + ahead * (weights[i - 1] - weights[i - 2]),
                intercepts[i - 1] + ahead * (intercepts[i - 1] - intercepts[i - 2]),
            )
        elif i == 1:
            start = weights[0], intercepts[0]
        weights[i], intercepts[i], scores[i] = _newton(gram, target, penalty, *start)
    return Path(penalties, weights, intercepts, scores)


def _newton(
    gram: np.ndarray, target: np.ndarray, penalty: float, weights: np.ndarray, intercept: float
) -> tuple[np.ndarray, float, np.ndarray]:
    inner = gram @ weights
    scores = inner + intercept
    objective = _objective(scores, target, penalty, weights, inner)
    right = np.empty((len(target), 2), order="F")
    diagonal = np.diag_indices(len(target))
    for _ in range(MAX_STEPS):
        probability = expit(scores)
        root = np.sqrt(np.maximum(probability * (1 - probability), 1e-12))
        # weighted least squares in the dual: (gram + penalty / W) weights + intercept = working response
        system = gram * (root[:, None] * root)
        system[diagonal] += penalty
        right[:, 0] = root * scores + (target - probability) / root
        right[:, 1] = root
        _, solved, failed = dposv(system.T, right, lower=1, overwrite_a=1)
        if failed:
            break
        new_intercept = float(root @ solved[:, 0] / (root @ solved[:, 1]))
        new_weights = root * (solved[:, 0] - new_intercept * solved[:, 1])
        size = 1.0
        while True:
            candidate = weights + size * (new_weights - weights)
            shift = intercept + size * (new_intercept - intercept)
            inner = gram @ candidate
            moved = inner + shift
            value = _objective(moved, target, penalty, candidate, inner)
            if value <= objective * (1 + SLACK) or size < 1e-4:
                break
            size /= 2
        step = np.abs(moved - scores).max()
        weights, intercept, scores, objective = candidate, shift, moved, value
        if step < TOLERANCE and size == 1.0:
            return weights, intercept, scores
    raise NotConverged(f"ridge logistic regression did not converge at penalty {penalty:g}")


def _objective(
    scores: np.ndarray, target: np.ndarray, penalty: float, weights: np.ndarray, inner: np.ndarray
) -> float:
    loss = np.logaddexp(0, scores) - target * scores
    return float(loss.sum() + penalty / 2 * weights @ inner)
