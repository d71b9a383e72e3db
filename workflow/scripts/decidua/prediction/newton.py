"""Which coefficients does a ridge logistic regression have, and which penalty do the data ask for?

Women count as often as their weight says, so that a bootstrap sample needs no copies.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from decidua.statistics.answers import NotEstimable

#: Penalties that are tried, as shares of the information a standardised column would have alone: of a share r
#: a coefficient by itself keeps 1 / (1 + r). The strongest keeps a fifth.
SHARES = np.r_[0.0, np.geomspace(1e-3, 4.0, 60)]
#: The penalty at which the search starts: finite coefficients also where the outcome is separated.
_START = 0.05
_ROUNDS = 4
_MOST_STEPS, _MOST_HALVINGS = 50, 40
#: A step this small (in log odds a standard deviation) ends the search; the next would be about its square.
_SETTLED = 1e-7


@dataclass(frozen=True)
class Ridge:
    """Coefficients (the intercept first), penalty, log-likelihood without penalty, information (unpenalised,
    k + 1 x k + 1) and effective degrees of freedom without the intercept."""

    coefficients: np.ndarray
    penalty: float
    log_likelihood: float
    information: np.ndarray
    df: float

    @property
    def covariance(self) -> np.ndarray:
        """Of the coefficients: the inverse of the penalised information (Bayesian; Gray 1992)."""
        return np.linalg.inv(self.information + np.diag(_penalties(len(self.coefficients), self.penalty)))


def fit_ridge(x: np.ndarray, event: np.ndarray, weights: np.ndarray, penalty: float | None = None) -> Ridge:
    """Maximise the log-likelihood less penalty / 2 * sum of squared coefficients (not the intercept's).

    Args:
        x: n x k columns, of (weighted) mean 0 and standard deviation 1.
        event: n floats, 1 with the event.
        weights: n, how often a woman counts.
        penalty: None lets the data choose: the smallest corrected AIC, in which the effective degrees of
            freedom stand for the number of coefficients. The likelihood along the penalties is taken as
            quadratic around the last fit, which is repeated at the penalty chosen until it stays.

    Raises:
        NotEstimable: no maximum.

    Source: le Cessie and van Houwelingen 1992, Appl Stat 41:191; corrected AIC: Hurvich and Tsai 1989,
    Biometrika 76:297, as in Harrell 2015 (pentrace), section 9.10.
    """
    design = np.column_stack([np.ones(len(x)), x])
    total, events = float(weights.sum()), float(weights @ event)
    if not 0 < events < total:
        raise NotEstimable("all women have the same outcome")
    start = np.zeros(design.shape[1])
    start[0] = np.log(events / (total - events))
    unit = events * (total - events) / total
    if penalty is not None:
        return _solved(design, event, weights, penalty, start)
    found = _solved(design, event, weights, _START * unit, start)
    tried = [found.penalty]
    for _ in range(_ROUNDS):
        chosen = float(_chosen(found, SHARES * unit, total))
        if chosen in tried:
            break
        found = _solved(design, event, weights, chosen, found.coefficients)
        tried.append(chosen)
    return found


def _chosen(found: Ridge, penalties: np.ndarray, total: float) -> float:
    """The penalty of the smallest corrected AIC, the likelihood being quadratic about a fit."""
    # the intercept is projected out: it carries no penalty, and so no loss
    inside, across = found.information[1:, 1:], found.information[1:, 0]
    slopes = inside - np.outer(across, across) / found.information[0, 0]
    size, vectors = np.linalg.eigh(slopes)
    size = np.maximum(size, 0.0)
    at = vectors.T @ found.coefficients[1:]
    # b(penalty) = (I + penalty)^-1 (I b0 + gradient); the gradient is found.penalty * b0 at the fit
    pull = (size + found.penalty) * at
    with np.errstate(divide="ignore", invalid="ignore"):
        each = pull / (size + penalties[:, None])
    each = np.where(np.isfinite(each), each, 0.0)
    away = each - at
    likelihood = away @ (found.penalty * at) - 0.5 * away**2 @ size
    shrunk = np.where(size > 0, size / np.maximum(size + penalties[:, None], 1e-300), 0.0)
    df = 1 + shrunk.sum(axis=1)
    spare = np.maximum(total - df - 1, 1.0)
    criterion = -2 * likelihood + 2 * df * (1 + (df + 1) / spare)
    return penalties[int(np.argmin(criterion))]


def _penalties(size: int, penalty: float) -> np.ndarray:
    return np.r_[0.0, np.full(size - 1, penalty)]


def _solved(
    design: np.ndarray, event: np.ndarray, weights: np.ndarray, penalty: float, start: np.ndarray
) -> Ridge:
    """Newton's method with halved steps."""
    damping = _penalties(design.shape[1], penalty)
    b, eta = start, design @ start
    objective, mu = _objective(eta, event, weights, b, damping)
    for _ in range(_MOST_STEPS):
        information = (design * (weights * mu * (1 - mu))[:, None]).T @ design
        gradient = design.T @ (weights * (event - mu)) - damping * b
        try:
            step = np.linalg.solve(information + np.diag(damping), gradient)
        except np.linalg.LinAlgError:
            break
        along, size = design @ step, 1.0
        for _ in range(_MOST_HALVINGS):
            reached, moved = _objective(eta + size * along, event, weights, b + size * step, damping)
            if reached >= objective - 1e-12 * abs(objective):
                break
            size /= 2
        b, eta, objective, mu = b + size * step, eta + size * along, reached, moved
        if np.abs(step).max() <= _SETTLED:
            return _finished(design, weights, mu, b, objective, penalty, damping)
    raise NotEstimable("the likelihood has no maximum that could be found: the outcome may be separated")


def _finished(
    design: np.ndarray,
    weights: np.ndarray,
    mu: np.ndarray,
    b: np.ndarray,
    objective: float,
    penalty: float,
    damping: np.ndarray,
) -> Ridge:
    information = (design * (weights * mu * (1 - mu))[:, None]).T @ design
    hat = np.linalg.solve(information + np.diag(damping), information)
    likelihood = objective + 0.5 * float(damping @ b**2)
    return Ridge(b, float(penalty), likelihood, information, float(np.trace(hat) - 1))


def _objective(
    eta: np.ndarray, event: np.ndarray, weights: np.ndarray, b: np.ndarray, damping: np.ndarray
) -> tuple[float, np.ndarray]:
    mu = expit(eta)
    # log(1 + e^eta) = max(eta, 0) - log(max(mu, 1 - mu)), without another exponential
    likelihood = weights @ (event * eta - np.maximum(eta, 0.0) + np.log(np.maximum(mu, 1 - mu)))
    return float(likelihood - 0.5 * damping @ b**2), mu


def log_likelihood(eta: np.ndarray, event: np.ndarray, weights: np.ndarray) -> float:
    """Of events (n floats) under log odds."""
    return _objective(eta, event, weights, np.zeros(1), np.zeros(1))[0]
