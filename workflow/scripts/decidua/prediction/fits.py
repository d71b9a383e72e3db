"""What does a prediction model learn from women whose outcome is known, and what does it say of others?

All that is learned is learned here, from the rows that are given and from nothing else: what stands in for an
unknown predictor, knots, centre and scale, the penalty, the coefficients.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from decidua.prediction.design import Specification


@dataclass(frozen=True)
class Predictor:
    """One predictor with all that was learned of it.

    type: number, boolean (yes is 1) or category (`levels` says which number a level is).
    mean: of the training women; stands in where it is unknown while another predictor is filled in.
    imputation: intercept and the coefficients of other predictors by which an unknown value is filled in.
    range: 1% and 99% quantile of the known values.
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


@dataclass(frozen=True)
class Fitted:
    """A model that was learned.

    intercept: 0 for a conditional model, which has none. penalty: of the sum of squares of the coefficients
    of standardised columns, halved; 0 where there is none. df: effective degrees of freedom without the
    intercept. log_likelihood: of the outcome, without penalty. covariance: of the intercept and of the
    coefficients of the standardised columns, in order (k + 1 x k + 1; all zero for boosting).
    notes: what a reader must know of the fit.
    """

    spec: Specification
    intercept: float
    predictors: tuple[Predictor, ...]
    penalty: float
    df: float
    women: int
    events: int
    log_likelihood: float
    covariance: np.ndarray
    notes: tuple[str, ...] = ()
    _booster: Any = None

    def linear_predictor(self, rows: pd.DataFrame) -> np.ndarray:
        """Log odds of the event of each woman (up to a constant a set for a conditional model)."""

    def risk(self, rows: pd.DataFrame) -> np.ndarray:
        """The risk of the event of each woman, unknown predictors filled in.

        Raises:
            NotEstimable: a conditional model, which knows no absolute risk.
        """

    def as_dict(self) -> dict[str, Any]:
        """All of it as numbers and text that JSON can hold.

        Raises:
            NotEstimable: boosting, which is no short list of numbers.
        """

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Fitted":
        """What `as_dict` gave."""


def fit(
    spec: Specification,
    rows: pd.DataFrame,
    event: np.ndarray,
    weights: np.ndarray | None = None,
    sets: np.ndarray | None = None,
    rng: np.random.Generator | None = None,
    penalty: float | None = None,
) -> Fitted:
    """Learn a model.

    Args:
        rows: the predictors, numbers, yes/no or categories, unknown where missing.
        event: a boolean a woman.
        weights: how often each woman counts (whole numbers, as in a bootstrap sample); once.
        sets: of a conditional model, the matched set of each woman.
        penalty: of the ridge, instead of the one that the data choose.

    Raises:
        NotEstimable: one outcome only, nothing known of a predictor, no maximum.
    """
