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
#: Stronger ones, for models that must have fewer degrees of freedom than those leave.
STRONGER = np.geomspace(4.5, 1000.0, 60)
#: The penalty at which the search starts: finite coefficients also where the outcome is separated.
_START = 0.05
_ROUNDS = 4
_MOST_STEPS, _MOST_HALVINGS = 50, 40
#: A step this small (in log odds a standard deviation) ends the search, and while penalties are tried.
_SETTLED, _NEARLY = 1e-7, 1e-2
#: Coefficients (log odds a standard deviation) beyond this run to infinity.
_INFINITE = 50.0


@dataclass(frozen=True)
class Ridge:
    """Coefficients (the intercept first), penalty, log-likelihood without penalty, and information (of the
    last step, unpenalised, k + 1 x k + 1)."""

    coefficients: np.ndarray
    penalty: float
    log_likelihood: float
    information: np.ndarray

    @property
    def df(self) -> float:
        """Effective degrees of freedom without the intercept (Gray 1992, J Am Stat Assoc 87:942)."""
        return float(np.trace(self.covariance @ self.information) - 1)

    @property
    def covariance(self) -> np.ndarray:
        """Of the coefficients: the inverse of the penalised information (Bayesian; Gray 1992)."""
        return np.linalg.inv(self.information + np.diag(_penalties(len(self.coefficients), self.penalty)))


def fit_ridge(
    x: np.ndarray,
    event: np.ndarray,
    weights: np.ndarray,
    penalty: float | None = None,
    most_df: float | None = None,
) -> Ridge:
    """Maximise the log-likelihood less penalty / 2 * sum of squared coefficients (not the intercept's).

    Args:
        x: n x k columns, of (weighted) mean 0 and standard deviation 1.
        event: n floats, 1 with the event.
        weights: n, how often a woman counts.
        penalty: None lets the data choose: the smallest corrected AIC, in which the effective degrees of
            freedom stand for the number of coefficients. The likelihood along the penalties is taken as
            quadratic around the last fit, which is repeated at the penalty chosen until that stays.
        most_df: effective degrees of freedom (without the intercept) that a penalty which the data choose
            must leave at most.

    Raises:
        NotEstimable: no maximum.

    Source: le Cessie and van Houwelingen 1992, Appl Stat 41:191; corrected AIC: Hurvich and Tsai 1989,
    Biometrika 76:297, as in Harrell 2015 (pentrace), section 9.10.
    """
    total, events = float(weights.sum()), float(weights @ event)
    if not 0 < events < total:
        raise NotEstimable("all women have the same outcome")
    problem = _Problem(np.column_stack([np.ones(len(x)), x]), event, weights)
    start = np.zeros(x.shape[1] + 1)
    start[0] = np.log(events / (total - events))
    if penalty is not None:
        return problem.solved(penalty, start)
    unit = events * (total - events) / total
    tried = _START * unit
    found = problem.solved(tried, start, _NEARLY)
    for _ in range(_ROUNDS):
        chosen = _chosen(found, unit, total, most_df)
        if chosen == tried:
            break
        found, tried = problem.solved(chosen, found.coefficients, _NEARLY), chosen
    return problem.solved(tried, found.coefficients)


def _chosen(found: Ridge, unit: float, total: float, most_df: float | None) -> float:
    """The penalty of the smallest corrected AIC, the likelihood being quadratic about a fit."""
    penalties = SHARES * unit
    # the intercept is projected out: it carries no penalty, and so no loss
    inside, across = found.information[1:, 1:], found.information[1:, 0]
    size, vectors = np.linalg.eigh(inside - np.outer(across, across) / found.information[0, 0])
    size = np.maximum(size, 1e-12 * max(size[-1], 1.0))
    at = vectors.T @ found.coefficients[1:]
    # b(penalty) = (I + penalty)^-1 (I b0 + gradient); the gradient is found.penalty * b0 at the fit
    shrunk = size / (size + penalties[:, None])
    away = (1 + found.penalty / size) * at * shrunk - at
    likelihood = away @ (found.penalty * at) - 0.5 * away**2 @ size
    df = 1 + shrunk.sum(axis=1)
    spare = np.maximum(total - df - 1, 1.0)
    criterion = -2 * likelihood + 2 * df * (1 + (df + 1) / spare)
    if most_df is None:
        return float(penalties[int(np.argmin(criterion))])
    allowed = df - 1 <= most_df
    if allowed.any():
        return float(penalties[int(np.argmin(np.where(allowed, criterion, np.inf)))])
    return float(STRONGER[strong_enough(size, STRONGER * unit, most_df)] * unit)


def strong_enough(size: np.ndarray, penalties: np.ndarray, most_df: float) -> np.ndarray:
    """The place of the weakest penalty (of rising ones) that leaves no more degrees of freedom; or the last.

    Args:
        size: ... x k eigenvalues of the information. penalties: ... x m.
    """
    df = (size[..., None, :] / (size[..., None, :] + penalties[..., None])).sum(axis=-1)
    return np.minimum((df > most_df).sum(axis=-1), penalties.shape[-1] - 1)


@dataclass(frozen=True)
class _Problem:
    design: np.ndarray
    event: np.ndarray
    weights: np.ndarray

    def solved(self, penalty: float, start: np.ndarray, settled: float = _SETTLED) -> Ridge:
        """Newton's method with halved steps.

        Args:
            settled: the step that ends it, in log odds a standard deviation; the next is about its square.
        """
        damping = _penalties(len(start), penalty)
        b, eta = start, self.design @ start
        objective, mu = _objective(eta, self.event, self.weights, b, damping)
        for _ in range(_MOST_STEPS):
            information = self.information(mu)
            gradient = (self.weights * (self.event - mu)) @ self.design - damping * b
            try:
                step = np.linalg.solve(information + np.diag(damping), gradient)
            except np.linalg.LinAlgError:
                break
            along, size = self.design @ step, 1.0
            for _ in range(_MOST_HALVINGS):
                reached, moved = _objective(
                    eta + size * along, self.event, self.weights, b + size * step, damping
                )
                if reached >= objective - 1e-12 * abs(objective):
                    break
                size /= 2
            b, eta, objective, mu = b + size * step, eta + size * along, reached, moved
            if np.abs(step).max() <= settled:
                likelihood = objective + 0.5 * float(damping @ b**2)
                return Ridge(b, float(penalty), likelihood, information)
            if np.abs(b).max() > _INFINITE:
                break
        raise NotEstimable("the likelihood has no maximum that could be found: the outcome may be separated")

    def information(self, mu: np.ndarray) -> np.ndarray:
        return (self.design * (self.weights * mu * (1 - mu))[:, None]).T @ self.design


def _penalties(size: int, penalty: float) -> np.ndarray:
    damping = np.full(size, float(penalty))
    damping[0] = 0.0
    return damping


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
