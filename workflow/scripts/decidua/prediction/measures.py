"""How good are predicted risks? Plain functions of risks and events."""

from dataclasses import dataclass

import numpy as np

C, SLOPE, LARGE = "c statistic", "calibration slope", "calibration in the large"
BRIER, SCALED, R2, SPREAD = "Brier score", "scaled Brier score", "Nagelkerke R2", "variance of the risks"
#: All measures of a model of absolute risk, in the order in which they are told.
MEASURES = (C, LARGE, SLOPE, BRIER, SCALED, R2, SPREAD)


@dataclass(frozen=True)
class Curve:
    """A smooth calibration curve: of each predicted risk the observed one with its pointwise band."""

    predicted: np.ndarray
    observed: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def all_measures(
    linear: np.ndarray, event: np.ndarray, weights: np.ndarray | None = None
) -> dict[str, float]:
    """Each of `MEASURES` of log odds (n) and events (n), NaN where it does not exist."""


def c_statistic(score: np.ndarray, event: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The share of pairs with and without the event that the score orders rightly, ties one half."""


def c_within_sets(
    score: np.ndarray, event: np.ndarray, sets: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """The same of pairs of one matched set only."""


def calibration_in_the_large(
    linear: np.ndarray, event: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """What must be added to all log odds so that as many events are predicted as there are; 0 is perfect."""


def calibration_slope(linear: np.ndarray, event: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Slope of a logistic regression of the event on the log odds; 1 is perfect, below 1 is overfitted."""


def brier(risk: np.ndarray, event: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Mean squared difference of risk and event."""


def scaled_brier(risk: np.ndarray, event: np.ndarray, weights: np.ndarray | None = None) -> float:
    """1 - Brier score over that of telling every woman the mean risk of these women; 0 is useless."""


def nagelkerke(linear: np.ndarray, event: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Explained variation: Nagelkerke's R2 of the log odds as they stand (may be below 0 in other women)."""


def net_benefit(
    risk: np.ndarray, event: np.ndarray, thresholds: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """True positives less false ones at the odds of the threshold, a woman; a number a threshold.

    Source: Vickers and Elkin 2006, Med Decis Making 26:565.
    """


def calibration_curve(
    linear: np.ndarray, event: np.ndarray, member: np.ndarray | None = None, confidence: float = 0.95
) -> Curve:
    """Logistic regression of the event on a restricted cubic spline of the log odds.

    Args:
        member: of each row the woman, where a woman has several rows (repeats): the band counts women.

    Raises:
        NotEstimable: one class, or log odds that hardly differ.
    """
