"""How do covariates go with a yes/no outcome where events are few? Firth's penalised likelihood."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import chdtrc, ndtr, ndtri

from decidua.statistics.answers import Estimate, HypothesisTest, NotEstimable
from decidua.statistics.logistic import Cells, checked_design

#: With more women intervals are Wald's: the penalty moves no digit in print, and profiles take minutes.
MOST_WOMEN_PROFILED = 100_000
_MOST_STEPS = 100
_MOST_DOUBLINGS = 30
#: When the package may stop, of standardised covariates. It halves its steps until the likelihood grows, and
#: gives up where rounding hides that; then it may stop as soon as its authors find right.
_TOLERANCES = (1e-8, 1e-6, 1e-4)
#: How exactly an end of an interval is found by this module, in standard errors.
_END = 1e-5


@dataclass(frozen=True)
class Firth:
    """A fitted model; coefficients are log odds ratios a unit, in the order of `names`."""

    names: tuple[str, ...]
    coefficients: np.ndarray
    standard_errors: np.ndarray
    women: int
    events: int
    _scale: np.ndarray = field(repr=False)
    _data: tuple[np.ndarray, np.ndarray, np.ndarray] = field(repr=False)
    _model: Any = field(repr=False)

    @property
    def is_profiled(self) -> bool:
        """Whether intervals and tests are by the profile of the penalised likelihood, not Wald's."""
        return self.women <= MOST_WOMEN_PROFILED

    def estimate(self, name: str, confidence: float = 0.95) -> Estimate:
        """A coefficient with its interval.

        An end is where the profile penalised likelihood has fallen to the level; of a few women it may do so
        at several places on one side, and the end is one of them.

        Raises:
            NotEstimable: an end of the profile could not be found.
        """
        place = self.names.index(name)
        best, error = self.coefficients[place], self.standard_errors[place]
        if self.is_profiled:
            return Estimate(best, *(self._end(place, side, confidence) for side in (-1, 1)))
        half = ndtri((1 + confidence) / 2) * error
        return Estimate(best, best - half, best + half)

    def test(self, name: str) -> HypothesisTest:
        """That the coefficient is zero: penalised likelihood ratio, or Wald's test where not profiled."""
        place = self.names.index(name)
        if not self.is_profiled:
            z = self.coefficients[place] / self.standard_errors[place]
            return HypothesisTest(float(z), float(2 * ndtr(-abs(z))))
        statistic = self._root_of_drop(place, 0.0) ** 2
        return HypothesisTest(statistic, float(chdtrc(1, statistic)), 1.0)

    def _end(self, place: int, side: int, confidence: float) -> float:
        """The package's own way (Venzon and Moolgavkar 1988), else Brent's method, which is slower."""
        with suppress(NotEstimable), _quiet():
            for tolerance in _TOLERANCES[1:]:
                ends = self._model.conf_int(1 - confidence, "pl", place, _MOST_STEPS, tolerance)[place]
                found = float(ends[(side + 1) // 2]) / self._scale[place]
                if side * (found - self.coefficients[place]) > 0:  # it may have run to the other end
                    return found
        return self._end_by_brent(place, side, ndtri((1 + confidence) / 2))

    def _end_by_brent(self, place: int, side: int, critical: float) -> float:
        best, error = self.coefficients[place], self.standard_errors[place]
        known = {best: -critical}

        def excess(value: float) -> float:
            if value not in known:
                known[value] = self._root_of_drop(place, value) - critical
            return known[value]

        step = side * critical * error
        for _ in range(_MOST_DOUBLINGS):
            if excess(best + step) >= 0:
                return float(brentq(excess, best, best + step, xtol=_END * error))
            step *= 2
        raise NotEstimable(f"the profile penalised likelihood of {self.names[place]} has no clear end")

    def _root_of_drop(self, place: int, value: float) -> float:
        """The root of twice the drop of the penalised log-likelihood where the coefficient has that value."""
        x, y, weight = self._data
        for tolerance in _TOLERANCES:
            model = _fitted(x, y, weight, tolerance, offset=value * self._scale[place] * x[:, place])
            with _quiet():
                error = float(model.lrt(place).lrt_bse_[place])
            if not np.isnan(error):
                # How far the offset moved the estimate, over the error that makes this the test's root.
                return abs(float(model.coef_[place])) / error
        raise NotEstimable(f"the profile penalised likelihood of {self.names[place]} could not be followed")


def fit_firth(cells: Cells) -> Firth:
    """Fit a logistic regression with an intercept by Firth's penalised likelihood.

    It exists where the outcome is separated too, and is less biased where events are few. Covariates are
    standardised for the fit: the penalty, Jeffreys' prior, is invariant, so this changes the rounding only.

    Raises:
        NotEstimable: as `decidua.statistics.logistic.fit`, but for separation.

    Source: Firth 1993, Biometrika 80:27; Heinze and Schemper 2002, Stat Med 21:2409; package firthmodels.
    """
    checked_design(cells)
    total = cells.totals.sum()
    centre = cells.totals @ cells.x / total
    scale = np.sqrt(cells.totals @ (cells.x - centre) ** 2 / total)
    z = (cells.x - centre) / scale
    with_event, without = cells.events > 0, cells.events < cells.totals
    x = np.ascontiguousarray(np.vstack([z[with_event], z[without]]))
    y = np.repeat([1.0, 0.0], [with_event.sum(), without.sum()])
    weight = np.concatenate([cells.events[with_event], (cells.totals - cells.events)[without]])
    model = _converged(x, y, weight)
    errors = model.bse_[: len(cells.names)] / scale
    counts = (cells.women, cells.women_with_event)
    return Firth(cells.names, model.coef_ / scale, errors, *counts, scale, (x, y, weight), model)


def _converged(x: np.ndarray, y: np.ndarray, weight: np.ndarray):
    for tolerance in _TOLERANCES:
        model = _fitted(x, y, weight, tolerance)
        if model.converged_ and np.isfinite(model.bse_).all():
            return model
    raise NotEstimable("the penalised likelihood has no maximum that could be found")


def _fitted(
    x: np.ndarray, y: np.ndarray, weight: np.ndarray, tolerance: float, offset: ArrayLike | None = None
):
    from firthmodels import FirthLogisticRegression

    # Without Numba, which is no part of the locked packages: the same numbers whether or not it is there.
    model = FirthLogisticRegression(
        backend="numpy", max_iter=_MOST_STEPS, gtol=100 * tolerance, xtol=tolerance
    )
    with _quiet():
        return model.fit(x, y, weight, offset)


@contextmanager
def _quiet() -> Iterator[None]:
    """What the package warns of is looked at in what it gives back; what it refuses is a reason."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except np.linalg.LinAlgError as error:
        raise NotEstimable(f"the penalised likelihood could not be computed: {error}") from None
