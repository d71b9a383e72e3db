"""How good would a model be in other women like these? Bootstrap and cross-validation, all learning inside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from decidua.prediction.design import Specification
from decidua.prediction.fits import Fitted

APPARENT, CORRECTED, BY_CENTRE, OVER_TIME = "apparent", "corrected", "leave-one-centre-out", "temporal"


@dataclass(frozen=True)
class Resamples:
    """The same for every model, so that differences are paired.

    weights: resamples x n whole numbers, how often each woman is in a bootstrap sample of groups.
    folds: repeats x n, the fold in which each woman is held out.
    """

    weights: np.ndarray
    folds: np.ndarray


def resamples(
    event: np.ndarray, groups: np.ndarray, count: int, folds: int, repeats: int, rng: np.random.Generator
) -> Resamples:
    """Draw bootstrap samples of groups and deal groups to folds; nobody is split."""


@dataclass(frozen=True)
class Validated:
    """A model and how good it is.

    apparent: n log odds, learned and told of the same women. held_out: repeats x n log odds, each by a model
    that has not seen the woman.
    measures: a row a measure: measure, apparent, apparent_low, apparent_high, corrected, low, high,
        cross_validated, interval (how), n, events, reason (why not estimable, or a caution).
    resampled: a row a resample: of each measure "<measure>: in resample" and "<measure>: in all".
    resampled_linear: resamples x n log odds told of all women by the model of each resample (float32; empty
        where there are more than `MOST_KEPT` numbers), for decision curves and crossing.
    """

    spec: Specification
    fitted: Fitted
    apparent: np.ndarray
    held_out: np.ndarray
    measures: pd.DataFrame
    resampled: pd.DataFrame
    resampled_linear: np.ndarray


def validate(
    specs: Sequence[Specification],
    rows: pd.DataFrame,
    event: np.ndarray,
    drawn: Resamples,
    sets: np.ndarray | None = None,
    confidence: float = 0.95,
    processes: int = 1,
) -> dict[str, Validated]:
    """Every model by its name, on the same resamples and folds; one that cannot be fitted is in `failures`."""


def difference(new: Validated, old: Validated, measure: str, confidence: float = 0.95) -> Mapping[str, float]:
    """Corrected difference of a measure (new minus old) with its interval: apparent, corrected, low, high."""


def left_out_in_turn(
    spec: Specification, rows: pd.DataFrame, event: np.ndarray, label: np.ndarray, confidence: float = 0.95
) -> pd.DataFrame:
    """Leave-one-centre-out: learned from all other centres, told of each; a row a centre and measure, pooled."""


def later_in_time(
    spec: Specification, rows: pd.DataFrame, event: np.ndarray, date: np.ndarray, confidence: float = 0.95
) -> pd.DataFrame:
    """Temporal validation: learned from the earlier two thirds, told of the later third."""
