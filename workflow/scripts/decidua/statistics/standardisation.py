"""How high is the risk when every woman has a certain value? Standardisation (g-computation)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, ndtri

from decidua.statistics.answers import Estimate
from decidua.statistics.logistic import Cells, Logistic


@dataclass(frozen=True)
class Risk:
    """An average risk over the women, and how it moves with each coefficient of the model."""

    value: float
    gradient: np.ndarray
    covariance: np.ndarray

    def estimate(self, confidence: float = 0.95) -> Estimate:
        """With its delta-method interval, made on the logit scale so that it stays between 0 and 1."""
        spread = self.value * (1 - self.value)
        if not spread:
            return Estimate(self.value, self.value, self.value)
        half = ndtri((1 + confidence) / 2) * _error(self.gradient, self.covariance) / spread
        return Estimate(self.value, *(float(expit(logit(self.value) + side * half)) for side in (-1, 1)))


def standardised_risk(
    model: Logistic,
    cells: Cells,
    name: str | None = None,
    change: Callable[[np.ndarray], np.ndarray] = lambda values: values,
) -> Risk:
    """The average of the women's fitted risks when a covariate of each is what `change` makes of it.

    The other covariates stay as they are, and so does the mix of women: the interval is for women like these.

    Source: Lane and Nelder 1982, Biometrics 38:613; delta method: Oehlert 1992, Am Stat 46:27.
    """
    design = model._design
    eta, changed = design @ model.coefficients, None
    if name is not None:
        place = model.names.index(name)
        changed = change(design[:, place])
        eta = eta + model.coefficients[place] * (changed - design[:, place])
    share, mu = cells.totals / cells.totals.sum(), expit(eta)
    weight = share * mu * (1 - mu)
    gradient = weight @ design
    if changed is not None:
        gradient[place] = weight @ changed
    return Risk(float(share @ mu), gradient, model.covariance)


def risk_difference(one: Risk, other: Risk, confidence: float = 0.95) -> Estimate:
    """One risk minus another of the same model, with its delta-method interval."""
    value = one.value - other.value
    half = ndtri((1 + confidence) / 2) * _error(one.gradient - other.gradient, one.covariance)
    return Estimate(value, value - half, value + half)


def risk_ratio(one: Risk, other: Risk, confidence: float = 0.95) -> Estimate:
    """One risk over another of the same model, with its delta-method interval made on the log scale."""
    value = np.log(one.value) - np.log(other.value)
    gradient = one.gradient / one.value - other.gradient / other.value
    half = ndtri((1 + confidence) / 2) * _error(gradient, one.covariance)
    return Estimate(*(float(np.exp(value + side * half)) for side in (0, -1, 1)))


def _error(gradient: np.ndarray, covariance: np.ndarray) -> float:
    return float(np.sqrt(max(gradient @ covariance @ gradient, 0.0)))
