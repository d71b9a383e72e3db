"""How well does a score tell two classes apart? Higher scores speak for the class True."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

from decidua.statistics.answers import Estimate, HypothesisTest, NotEstimable


@dataclass(frozen=True)
class OperatingPoint:
    """A cut-off (above it is positive) with its sensitivity and specificity."""

    threshold: float
    sensitivity: float
    specificity: float

    @property
    def youden(self) -> float:
        return self.sensitivity + self.specificity - 1


def auc(truth: ArrayLike, score: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Area under the ROC curve (ties count half) with DeLong's interval, cut at 0 and 1; O(n log n).

    Args:
        truth: one boolean a sample.
        score: one number a sample, none missing.

    Returns:
        The area; its interval is NaN with fewer than two samples of a class.

    Raises:
        NotEstimable: only one class is there.

    Source: DeLong et al. 1988, Biometrics 44:837; Sun and Xu 2014, IEEE Signal Process Lett 21:1389.
    """
    positive, negative = _placements(truth, score)
    area = float(positive.mean())
    half = ndtri((1 + confidence) / 2) * np.sqrt(_covariance(positive[None], negative[None])[0, 0])
    return Estimate(area, *(float(np.clip(end, 0, 1)) for end in (area - half, area + half)))


def delong_test(truth: ArrayLike, first: ArrayLike, second: ArrayLike) -> HypothesisTest:
    """DeLong's test of two areas on the same samples, two-sided; the statistic is z, first minus second.

    Raises:
        NotEstimable: only one class is there, a class has fewer than two samples, or the curves are one.
    """
    placements = [_placements(truth, score) for score in (first, second)]
    positive, negative = (np.array(side) for side in zip(*placements, strict=True))
    covariance = _covariance(positive, negative)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    if np.isnan(variance):
        raise NotEstimable("a class has fewer than two samples")
    if variance <= 1e-15:
        raise NotEstimable("the two scores order the samples alike")
    z = (positive[0].mean() - positive[1].mean()) / np.sqrt(variance)
    return HypothesisTest(float(z), float(2 * ndtr(-abs(z))))


def youden(truth: ArrayLike, score: ArrayLike) -> OperatingPoint:
    """The cut-off with the largest sensitivity + specificity - 1, the lowest one if several are.

    Cut-offs lie half way between neighbouring scores, as in pROC.

    Raises:
        NotEstimable: only one class is there.
    """
    truth, score = _both_classes(truth, score)
    values = np.unique(score)
    thresholds = np.r_[-np.inf, (values[:-1] + values[1:]) / 2, np.inf]
    sensitivity = 1 - np.searchsorted(np.sort(score[truth]), thresholds) / truth.sum()
    specificity = np.searchsorted(np.sort(score[~truth]), thresholds) / (~truth).sum()
    # Rounding must not decide between cut-offs that are equally good.
    best = int(np.argmax(np.round(sensitivity + specificity, 12)))
    return OperatingPoint(float(thresholds[best]), float(sensitivity[best]), float(specificity[best]))


def _placements(truth: ArrayLike, score: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """For each positive the share of negatives below it, for each negative that of positives above it."""
    truth, score = _both_classes(truth, score)
    rank = rankdata(score)
    positive, negative = score[truth], score[~truth]
    below = (rank[truth] - rankdata(positive)) / len(negative)
    above = 1 - (rank[~truth] - rankdata(negative)) / len(positive)
    return below, above


def _both_classes(truth: ArrayLike, score: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    truth, score = np.asarray(truth, dtype=bool), np.asarray(score, dtype=float)
    if truth.all() or not truth.any():
        raise NotEstimable("all samples are of one class" if len(truth) else "there are no samples")
    return truth, score


def _covariance(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """Covariance of the areas of several scores (scores x samples of each class)."""
    if min(positive.shape[1], negative.shape[1]) < 2:
        return np.full((len(positive), len(positive)), np.nan)
    return sum(np.atleast_2d(np.cov(side)) / side.shape[1] for side in (positive, negative))
