"""How do covariates go with a yes/no outcome? Logistic regression by maximum likelihood."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.linalg import qr, solve_triangular
from scipy.optimize import brentq
from scipy.special import chdtrc, expit, ndtr, ndtri

from decidua.statistics.answers import HypothesisTest, NotEstimable

INTERCEPT = "intercept"
#: Newton's method needs about ten steps to a finite maximum; towards an infinite one it never settles.
_MOST_STEPS = 30
_MOST_HALVINGS = 60
#: After a step this small (in standard deviations) the next would be about its square.
_SETTLED = 1e-6


@dataclass(frozen=True)
class Logistic:
    """A fitted model; the intercept is its first term, coefficients are log odds ratios a unit."""

    names: tuple[str, ...]
    coefficients: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    women: int
    events: int
    _design: np.ndarray = field(repr=False)
    _outcome: np.ndarray = field(repr=False)

    @property
    def standard_errors(self) -> np.ndarray:
        return np.sqrt(np.diag(self.covariance))

    @property
    def z(self) -> np.ndarray:
        """Wald statistics; SPSS prints their squares."""
        return self.coefficients / self.standard_errors

    @property
    def p(self) -> np.ndarray:
        """Two-sided p-values of the Wald tests."""
        return 2 * ndtr(-np.abs(self.z))

    @property
    def deviance(self) -> float:
        return -2 * self.log_likelihood

    @property
    def aic(self) -> float:
        return self.deviance + 2 * len(self.names)

    @property
    def probabilities(self) -> np.ndarray:
        """The fitted probability of each woman."""
        return expit(self._design @ self.coefficients)

    def wald(self, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Wald intervals of the coefficients; exponentiate them for odds ratios."""
        half = ndtri((1 + confidence) / 2) * self.standard_errors
        return self.coefficients - half, self.coefficients + half

    def profile(self, name: str, confidence: float = 0.95) -> tuple[float, float]:
        """Profile-likelihood interval of one coefficient (R's confint of a glm).

        Raises:
            NotEstimable: an end could not be found.

        Source: Venzon and Moolgavkar 1988, Appl Stat 37:87.
        """
        place = self.names.index(name)
        others = _Others(self, place)
        critical = ndtri((1 + confidence) / 2)

        def excess(value: float) -> float:
            # The root of the drop is nearly proportional to the distance from the estimate.
            drop = self.log_likelihood - others.log_likelihood(value)
            return float(np.sqrt(2 * max(drop, 0.0)) - critical)

        def end(side: int) -> float:
            best, error = self.coefficients[place], self.standard_errors[place]
            step = side * critical * error
            for _ in range(_MOST_STEPS):
                if excess(best + step) >= 0:
                    return float(brentq(excess, best, best + step, xtol=_SETTLED**2 * error))
                step *= 2
            raise NotEstimable(f"the profile likelihood of {name} has no clear end")

        return end(-1), end(1)

    def likelihood_ratio(self, name: str) -> HypothesisTest:
        """Likelihood-ratio test that one coefficient is zero."""
        reduced = _Others(self, self.names.index(name)).log_likelihood(0.0)
        statistic = max(2 * (self.log_likelihood - reduced), 0.0)
        return HypothesisTest(float(statistic), float(chdtrc(1, statistic)), 1.0)


def fit(covariates: pd.DataFrame, outcome: ArrayLike) -> Logistic:
    """Fit a logistic regression with an intercept.

    Args:
        covariates: one row a woman, a number a column, none missing.
        outcome: one boolean a woman.

    Raises:
        NotEstimable: no women, one outcome only, a constant covariate, covariates that determine each other,
            or separation (the outcome is perfectly predicted for some women: Albert and Anderson 1984,
            Biometrika 71:1).
    """
    x, y = covariates.to_numpy(dtype=float), np.asarray(outcome, dtype=float)
    names = (INTERCEPT, *map(str, covariates.columns))
    _check(x, y, names)
    design = np.column_stack([np.ones(len(y)), x])
    basis, triangle = _basis(design)
    if (np.abs(np.diag(triangle)) <= 1e-9 * np.sqrt((triangle**2).sum(axis=0))).any():
        raise NotEstimable(f"the covariates determine each other: {', '.join(names[1:])}")
    try:
        found, likelihood = _maximum(basis, y)
    except NotEstimable:
        raise NotEstimable(_separation(x, y == 1, names[1:])) from None
    inverse = solve_triangular(triangle, np.eye(len(names)))
    covariance = inverse @ np.linalg.inv(_information(basis, expit(basis @ found))) @ inverse.T
    events = int(y.sum())
    return Logistic(names, inverse @ found, covariance, likelihood, len(y), events, design, y)


def _check(x: np.ndarray, y: np.ndarray, names: tuple[str, ...]) -> None:
    if not len(y):
        raise NotEstimable("no woman has the outcome and every covariate known")
    if y.min() == y.max():
        raise NotEstimable(f"all {len(y)} women have the same outcome")
    constant = [name for name, spread in zip(names[1:], np.ptp(x, axis=0), strict=True) if spread == 0]
    if constant:
        raise NotEstimable(f"the same value for all women: {', '.join(constant)}")
    if len(y) <= len(names):
        raise NotEstimable(f"{len(y)} women are too few for {len(names)} coefficients")


def _separation(x: np.ndarray, y: np.ndarray, names: Sequence[str]) -> str:
    """Which covariate separates the outcomes by itself, or else that all of them do together."""
    low, high = x[~y], x[y]
    alone = (high.min(axis=0) >= low.max(axis=0)) | (high.max(axis=0) <= low.min(axis=0))
    guilty = [name for name, is_guilty in zip(names, alone, strict=True) if is_guilty]
    by = " and ".join(guilty) or f"{' and '.join(names)} together"
    return f"separation: the outcome of some women is certain from {by}, so that a coefficient is infinite"


class _Others:
    """The likelihood with one coefficient held at a value and the others at their best for it."""

    def __init__(self, model: Logistic, place: int):
        self.column, self.outcome = model._design[:, place], model._outcome
        self.basis, triangle = _basis(np.delete(model._design, place, axis=1))
        self.best, self.at_best = model.coefficients[place], triangle @ np.delete(model.coefficients, place)
        self.slope = triangle @ np.delete(model.covariance[place], place) / model.covariance[place, place]

    def log_likelihood(self, value: float) -> float:
        # The others follow nearly in a straight line: a start on it is close to where they end.
        away = value - self.best
        start = self.at_best + away * self.slope
        found, likelihood = _maximum(self.basis, self.outcome, self.column * value, start)
        self.slope = (found - self.at_best) / away if away else self.slope
        return likelihood


def _basis(design: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Uncorrelated columns of length sqrt(n) that span the design, and the triangle that leads back."""
    basis, triangle = qr(design, mode="economic")
    root = np.sqrt(len(design))
    return basis * root, triangle / root


def _maximum(
    x: np.ndarray, y: np.ndarray, offset: ArrayLike = 0.0, start: np.ndarray | None = None
) -> tuple[np.ndarray, float]:
    """Newton's method with halved steps: coefficients and log-likelihood."""
    b = np.zeros(x.shape[1]) if start is None else start
    likelihood = _log_likelihood(x, y, offset, b)
    for _ in range(_MOST_STEPS):
        mu = expit(offset + x @ b)
        try:
            step = np.linalg.solve(_information(x, mu), x.T @ (y - mu))
        except np.linalg.LinAlgError:
            break
        settled = np.abs(step).max(initial=0.0) <= _SETTLED
        b, likelihood = _ascend(x, y, offset, b, step, likelihood)
        if settled:
            return b, likelihood
    raise NotEstimable("the likelihood has no maximum that could be found")


def _information(x: np.ndarray, mu: np.ndarray) -> np.ndarray:
    return (x * (mu * (1 - mu))[:, None]).T @ x


def _ascend(
    x: np.ndarray, y: np.ndarray, offset: ArrayLike, b: np.ndarray, step: np.ndarray, likelihood: float
) -> tuple[np.ndarray, float]:
    # Where the outcome is all but certain a step may be so long that its likelihood is not a number.
    with np.errstate(over="ignore", invalid="ignore"):
        for halving in range(_MOST_HALVINGS):
            moved = b + step / 2**halving
            reached = _log_likelihood(x, y, offset, moved)
            if reached >= likelihood - 1e-12 * abs(likelihood):
                return moved, reached
    return b, likelihood


def _log_likelihood(x: np.ndarray, y: np.ndarray, offset: ArrayLike, b: np.ndarray) -> float:
    eta = offset + x @ b
    return float(y @ eta - np.logaddexp(0, eta).sum())
