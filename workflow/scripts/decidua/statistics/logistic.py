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
#: How exactly an end of an interval is found, in standard errors: beyond this sums of many women only round.
_END = 1e-9
#: Mixed-radix codes of covariate patterns must fit in 64 bits.
_MOST_PATTERNS = 2**62


@dataclass(frozen=True)
class Cells:
    """Women with the same covariates counted together: what a logistic regression needs of them.

    `x` has a row a cell and a column a name; `events` and `totals` count the women of each cell.
    """

    names: tuple[str, ...]
    x: np.ndarray
    events: np.ndarray
    totals: np.ndarray

    @classmethod
    def of(cls, covariates: pd.DataFrame, outcome: ArrayLike) -> "Cells":
        """A cell a woman."""
        y = np.asarray(outcome, dtype=float)
        x = np.asfortranarray(covariates.to_numpy(dtype=float))
        return cls(tuple(map(str, covariates.columns)), x, y, np.ones(len(y)))

    @property
    def women(self) -> int:
        return int(self.totals.sum())

    @property
    def women_with_event(self) -> int:
        return int(self.events.sum())

    def collapsed(self) -> "Cells":
        """The same women in fewer cells, where that at least halves them: whole years, categories, ..."""
        codes, patterns = np.zeros(len(self.x), dtype=np.int64), 1
        for column in self.x.T:
            place, values = pd.factorize(column, sort=True)
            if patterns * max(len(values), 1) > _MOST_PATTERNS:
                codes, found = pd.factorize(codes, sort=True)
                patterns = len(found)
            codes, patterns = codes * len(values) + place, patterns * len(values)
            if 2 * len(values) > len(self.x) or patterns > _MOST_PATTERNS:
                return self
        codes, found = pd.factorize(codes, sort=True)
        if 2 * len(found) > len(self.x):
            return self
        x = np.empty((len(found), self.x.shape[1]), order="F")
        x[codes] = self.x
        events, totals = (np.bincount(codes, each) for each in (self.events, self.totals))
        return Cells(self.names, x, events, totals)

    def column(self, name: str) -> np.ndarray:
        return self.x[:, self.names.index(name)]

    def pick(self, names: Sequence[str]) -> "Cells":
        """Some of the covariates only, in that order."""
        at = [self.names.index(name) for name in names]
        return Cells(tuple(names), np.asfortranarray(self.x[:, at]), self.events, self.totals)

    def adding(self, names: Sequence[str], columns: np.ndarray) -> "Cells":
        """With further covariates, a column each."""
        x = np.asfortranarray(np.column_stack([self.x, columns]))
        return Cells((*self.names, *names), x, self.events, self.totals)


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
    _totals: np.ndarray = field(repr=False)

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
        """The fitted probability of each woman (of each cell, where women were counted in cells)."""
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
        best, error = self.coefficients[place], self.standard_errors[place]
        known = {best: -critical}

        def excess(value: float) -> float:
            # The root of the drop is nearly proportional to the distance from the estimate.
            if value not in known:
                drop = self.log_likelihood - others.log_likelihood(value)
                known[value] = float(np.sqrt(2 * max(drop, 0.0)) - critical)
            return known[value]

        def end(side: int) -> float:
            step = side * critical * error
            for _ in range(_MOST_STEPS):
                if excess(best + step) >= 0:
                    return float(brentq(excess, best, best + step, xtol=_END * error))
                step *= 2
            raise NotEstimable(f"the profile likelihood of {name} has no clear end")

        return end(-1), end(1)

    def likelihood_ratio(self, name: str) -> HypothesisTest:
        """Likelihood-ratio test that one coefficient is zero."""
        reduced = _Others(self, self.names.index(name)).log_likelihood(0.0)
        statistic = max(2 * (self.log_likelihood - reduced), 0.0)
        return HypothesisTest(float(statistic), float(chdtrc(1, statistic)), 1.0)


def likelihood_ratio(model: Logistic, reduced: Logistic) -> HypothesisTest:
    """Likelihood-ratio test of a model against one that it contains, of the same women."""
    statistic = max(2 * (model.log_likelihood - reduced.log_likelihood), 0.0)
    df = len(model.names) - len(reduced.names)
    return HypothesisTest(float(statistic), float(chdtrc(df, statistic)), float(df))


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
    return fit_cells(Cells.of(covariates, outcome))


def fit_cells(cells: Cells, start: np.ndarray | None = None) -> Logistic:
    """As `fit`, of women counted in cells; `start` are coefficients near the answer, the intercept first."""
    design, basis, triangle = checked_design(cells)
    try:
        near = None if start is None else triangle @ start
        found, likelihood, mu = _maximum(basis, cells.events, cells.totals, start=near)
    except NotEstimable:
        raise NotEstimable(_separation(cells)) from None
    names = (INTERCEPT, *cells.names)
    inverse = solve_triangular(triangle, np.eye(len(names)))
    covariance = inverse @ np.linalg.inv(_information(basis, cells.totals, mu)) @ inverse.T
    counts = (cells.women, cells.women_with_event)
    return Logistic(
        names, inverse @ found, covariance, likelihood, *counts, design, cells.events, cells.totals
    )


def checked_design(cells: Cells) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Design with the intercept, its columns made uncorrelated, and the triangle that leads back.

    Raises:
        NotEstimable: as `fit`, but for separation.
    """
    names, women, events = (INTERCEPT, *cells.names), cells.women, cells.women_with_event
    if not women:
        raise NotEstimable("no woman has the outcome and every covariate known")
    if events in (0, women):
        raise NotEstimable(f"all {women} women have the same outcome")
    constant = [name for name, spread in zip(cells.names, np.ptp(cells.x, axis=0), strict=True) if not spread]
    if constant:
        raise NotEstimable(f"the same value for all women: {', '.join(constant)}")
    if women <= len(names):
        raise NotEstimable(f"{women} women are too few for {len(names)} coefficients")
    design = np.asfortranarray(np.column_stack([np.ones(len(cells.x)), cells.x]))
    basis, triangle = _basis(design, cells.totals)
    if (np.abs(np.diag(triangle)) <= 1e-9 * np.sqrt((triangle**2).sum(axis=0))).any():
        raise NotEstimable(f"the covariates determine each other: {', '.join(cells.names)}")
    return design, basis, triangle


def _separation(cells: Cells) -> str:
    """Which covariate separates the outcomes by itself, or else that all of them do together."""
    low, high = cells.x[cells.events < cells.totals], cells.x[cells.events > 0]
    alone = (high.min(axis=0) >= low.max(axis=0)) | (high.max(axis=0) <= low.min(axis=0))
    guilty = [name for name, is_guilty in zip(cells.names, alone, strict=True) if is_guilty]
    by = " and ".join(guilty) or f"{' and '.join(cells.names)} together"
    return f"separation: the outcome of some women is certain from {by}, so that a coefficient is infinite"


class _Others:
    """The likelihood with one coefficient held at a value and the others at their best for it."""

    def __init__(self, model: Logistic, place: int):
        self.column, self.outcome, self.totals = model._design[:, place], model._outcome, model._totals
        self.basis, triangle = _basis(np.delete(model._design, place, axis=1), self.totals)
        self.best, self.at_best = model.coefficients[place], triangle @ np.delete(model.coefficients, place)
        self.slope = triangle @ np.delete(model.covariance[place], place) / model.covariance[place, place]

    def log_likelihood(self, value: float) -> float:
        # The others follow nearly in a straight line: a start on it is close to where they end.
        away = value - self.best
        start = self.at_best + away * self.slope
        found, likelihood, _ = _maximum(self.basis, self.outcome, self.totals, self.column * value, start)
        self.slope = (found - self.at_best) / away if away else self.slope
        return likelihood


def _basis(design: np.ndarray, totals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns that span the design, uncorrelated over the women and of mean square 1, and the way back."""
    weight, root = np.sqrt(totals), np.sqrt(totals.sum())
    basis, triangle = qr(design * weight[:, None], mode="economic")
    basis *= (root / weight)[:, None]
    return np.asfortranarray(basis), triangle / root


def _maximum(
    x: np.ndarray,
    events: np.ndarray,
    totals: np.ndarray,
    offset: ArrayLike = 0.0,
    start: np.ndarray | None = None,
) -> tuple[np.ndarray, float, np.ndarray]:
    """Newton's method with halved steps: coefficients, log-likelihood and probabilities."""
    b = np.zeros(x.shape[1]) if start is None else start
    eta = offset + x @ b
    likelihood, mu = _log_likelihood(events, totals, eta)
    for _ in range(_MOST_STEPS):
        try:
            step = np.linalg.solve(_information(x, totals, mu), x.T @ (events - totals * mu))
        except np.linalg.LinAlgError:
            break
        settled = np.abs(step).max(initial=0.0) <= _SETTLED
        away, along = 0.0, x @ step
        # Where the outcome is all but certain a step may be so long that its likelihood is not a number.
        with np.errstate(over="ignore", invalid="ignore"):
            for halving in range(_MOST_HALVINGS):
                reached, at = _log_likelihood(events, totals, eta + along / 2**halving)
                if reached >= likelihood - 1e-12 * abs(likelihood):
                    away, likelihood, mu = 1 / 2**halving, reached, at
                    break
        b, eta = b + away * step, eta + away * along
        if settled:
            return b, likelihood, mu
    raise NotEstimable("the likelihood has no maximum that could be found")


def _information(x: np.ndarray, totals: np.ndarray, mu: np.ndarray) -> np.ndarray:
    return (x * (totals * mu * (1 - mu))[:, None]).T @ x


def _log_likelihood(events: np.ndarray, totals: np.ndarray, eta: np.ndarray) -> tuple[float, np.ndarray]:
    """The log-likelihood and the probabilities, from which it takes log(1 + exp(eta))."""
    mu = expit(eta)
    softplus = np.maximum(eta, 0.0) - np.log(np.maximum(mu, 1 - mu))
    return float(events @ eta - totals @ softplus), mu
