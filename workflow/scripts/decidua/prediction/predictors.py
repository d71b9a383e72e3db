"""What was learned of one predictor, and what stands in where it is unknown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from decidua.statistics.splines import basis


@dataclass(frozen=True)
class Predictor:
    """One predictor with all that was learned of it.

    type: number, boolean (yes is 1) or category (`levels` says which number a level is).
    mean: of the training women; stands in where it is unknown while another predictor is filled in.
    range: 1% and 99% quantile of the known values.
    imputation: intercept and the coefficients of other predictors by which an unknown value is filled in.
    knots: of a restricted cubic spline; none: a straight line.
    centre, scale, coefficients: one a column of `splines.basis` (one column without knots).
    """

    name: str
    type: str
    mean: float
    range: tuple[float, float]
    imputation: tuple[float, Mapping[str, float]]
    knots: tuple[float, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    coefficients: tuple[float, ...]
    levels: Mapping[str, float] | None = None

    def columns(self, numbers: np.ndarray) -> np.ndarray:
        """n known values as n x k standardised columns, k coefficients."""
        raw = basis(numbers, np.array(self.knots)) if self.knots else numbers[:, None]
        return (raw - np.array(self.centre)) / np.array(self.scale)

    def part(self, numbers: np.ndarray) -> np.ndarray:
        """What n known values add to the linear predictor."""
        return self.columns(numbers) @ np.array(self.coefficients)


def filled(numbers: np.ndarray, predictors: Sequence[Predictor]) -> np.ndarray:
    """n x p numbers with each unknown value as the imputation of its predictor says."""
    if not np.isnan(numbers).any():
        return numbers
    names, means = [each.name for each in predictors], np.array([each.mean for each in predictors])
    return fill(numbers, names, means, [each.imputation for each in predictors])


def fill(
    numbers: np.ndarray,
    names: Sequence[str],
    means: np.ndarray,
    imputations: Sequence[tuple[float, Mapping[str, float]]],
) -> np.ndarray:
    """The same with each unknown value as the imputation says."""
    unknown = np.isnan(numbers)
    place = {name: j for j, name in enumerate(names)}
    stand_in = np.where(unknown, means, numbers)
    found = numbers.copy()
    for j in np.flatnonzero(unknown.any(axis=0)):
        intercept, coefficients = imputations[j]
        who, others = unknown[:, j], [place[name] for name in coefficients]
        slopes = np.array(list(coefficients.values()), dtype=float)
        found[who, j] = intercept + stand_in[np.ix_(who, others)] @ slopes
    return found
