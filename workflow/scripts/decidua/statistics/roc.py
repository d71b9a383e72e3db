"""How well does a score tell two classes apart? Higher scores speak for the class True."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

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
    return area_of(placements(truth, score), confidence)


def area_of(found: "Placements", confidence: float = 0.95) -> Estimate:
    """The area of placements with DeLong's interval, as `auc` gives it."""
    positive, negative = found
    area = float(positive.mean())
    half = ndtri((1 + confidence) / 2) * np.sqrt(_covariance(positive[None], negative[None])[0, 0])
    return Estimate(area, *(float(np.clip(end, 0, 1)) for end in (area - half, area + half)))


def delong_test(truth: ArrayLike, first: ArrayLike, second: ArrayLike) -> HypothesisTest:
    """DeLong's test of two areas on the same samples, two-sided; the statistic is z, first minus second.

    Raises:
        NotEstimable: only one class is there, a class has fewer than two samples, or the curves are one.
    """
    return delong(placements(truth, first), placements(truth, second))[1]


def delong(
    first: "Placements", second: "Placements", confidence: float = 0.95
) -> tuple[Estimate, HypothesisTest]:
    """Difference of two areas on the same samples (first minus second) with DeLong's interval, and his test.

    Raises:
        NotEstimable: a class has fewer than two samples, or the curves are one.
    """
    positive, negative = (np.array(side) for side in zip(first, second, strict=True))
    covariance = _covariance(positive, negative)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    if np.isnan(variance):
        raise NotEstimable("a class has fewer than two samples")
    if variance <= 1e-15:
        raise NotEstimable("the two scores order the samples alike")
    error = np.sqrt(variance)
    difference = float(positive[0].mean() - positive[1].mean())
    half = float(ndtri((1 + confidence) / 2) * error)
    z = difference / error
    test = HypothesisTest(float(z), float(2 * ndtr(-abs(z))))
    return Estimate(difference, max(-1.0, difference - half), min(1.0, difference + half)), test


def youden(truth: ArrayLike, score: ArrayLike) -> OperatingPoint:
    """The cut-off with the largest sensitivity + specificity - 1, the lowest one if several are.

    Cut-offs lie half way between neighbouring scores, as in pROC.

    Raises:
        NotEstimable: only one class is there.
    """
    truth, score = _both_classes(truth, score)
    values = np.unique(score)
    thresholds = np.r_[-np.inf, _between(values[:-1], values[1:]), np.inf]
    sensitivity = _share_above(np.sort(score[truth]), thresholds)
    specificity = 1 - _share_above(np.sort(score[~truth]), thresholds)
    # Rounding must not decide between cut-offs that are equally good.
    best = int(np.argmax(np.round(sensitivity + specificity, 12)))
    return OperatingPoint(float(thresholds[best]), float(sensitivity[best]), float(specificity[best]))


def _between(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Half way between neighbours; the lower one where no number lies between them, for above is positive."""
    middle = low / 2 + high / 2
    return np.where((low <= middle) & (middle < high), middle, low)


def _share_above(ascending: np.ndarray, thresholds: ArrayLike) -> np.ndarray:
    return 1 - np.searchsorted(ascending, thresholds, side="right") / len(ascending)


@dataclass(frozen=True)
class YoudenBootstrap:
    """What came out when the Youden cut-off was chosen anew in each resample.

    Attributes:
        thresholds: the cut-off of each resample; -inf where none was better than none.
        optimism: mean over the resamples of what a point has there, less what its cut-off has in the
            original samples: of sensitivity, specificity and Youden's index.
        values: different values among which cut-offs were sought.
        all_values: different values that there are; more than `values` where these were put into bins.
    """

    thresholds: np.ndarray
    optimism: tuple[float, float, float]
    values: int
    all_values: int

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Percentile interval of the cut-off; its ends are cut-offs of resamples."""
        tail = (1 - confidence) / 2
        lower, upper = np.quantile(self.thresholds, [tail, 1 - tail], method="inverted_cdf")
        return float(lower), float(upper)


#: So many different values are resampled one by one; more are put into as many bins of about equal size.
MOST_VALUES = 2000
#: So many counts are held at a time.
_CHUNK = 2_000_000


def bootstrap_youden(
    truth: ArrayLike,
    score: ArrayLike,
    resamples: int,
    rng: np.random.Generator,
    most_values: int = MOST_VALUES,
) -> YoudenBootstrap:
    """Choose the Youden cut-off in resamples drawn within each class, and measure it in the original too.

    A resample is a multinomial draw of how often each different value occurs, so the work is resamples times
    values, however many samples there are. The original is measured without bins.

    Raises:
        NotEstimable: only one class is there.

    Source: Efron and Tibshirani 1993, chapter 17 (optimism); Fluss et al. 2005, Biom J 47:458.
    """
    truth, score = _both_classes(truth, score)
    positive, negative = np.sort(score[truth]), np.sort(score[~truth])
    bins = _Bins.of(positive, negative, most_values)
    step = max(1, _CHUNK // len(bins.low))
    parts = [bins.resampled_youden(min(step, resamples - start), rng) for start in range(0, resamples, step)]
    thresholds, sensitivity, specificity = (np.concatenate(side) for side in zip(*parts, strict=True))
    gained = sensitivity - _share_above(positive, thresholds)
    kept = specificity - (1 - _share_above(negative, thresholds))
    optimism = float(gained.mean()), float(kept.mean()), float((gained + kept).mean())
    return YoudenBootstrap(thresholds, optimism, len(bins.low), bins.all_values)


@dataclass(frozen=True)
class _Bins:
    """The different values in ascending order, or bins of them: their ends, and samples of each class."""

    low: np.ndarray
    high: np.ndarray
    positive: np.ndarray
    negative: np.ndarray
    all_values: int

    @classmethod
    def of(cls, positive: np.ndarray, negative: np.ndarray, most: int) -> "_Bins":
        values = np.unique(np.r_[positive, negative])
        counts = [
            np.diff(np.searchsorted(side, values, side="right"), prepend=0) for side in (positive, negative)
        ]
        starts = np.arange(len(values))
        if len(values) > most:
            cumulative = np.cumsum(sum(counts))
            targets = cumulative[-1] * np.arange(most) / most
            starts = np.unique(np.searchsorted(cumulative, targets, side="right"))
        ends = np.r_[starts[1:], len(values)] - 1
        binned = [np.add.reduceat(side, starts) for side in counts]
        return cls(values[starts], values[ends], *binned, len(values))

    def resampled_youden(self, size: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Threshold, sensitivity and specificity of the best cut-off in each of `size` resamples."""
        positives, negatives = int(self.positive.sum()), int(self.negative.sum())
        drawn_positive = rng.multinomial(positives, self.positive / positives, size)
        drawn_negative = rng.multinomial(negatives, self.negative / negatives, size)
        missed, cleared = drawn_positive.cumsum(axis=1), drawn_negative.cumsum(axis=1)
        # In whole numbers, so that rounding does not decide between cut-offs that are equally good.
        gain = np.zeros((size, len(self.low) + 1), dtype=np.int64)
        gain[:, 1:] = cleared * positives - missed * negatives
        best = gain.argmax(axis=1)
        at, rows = best - 1, np.arange(size)
        chosen = at >= 0
        sensitivity = np.where(chosen, 1 - missed[rows, at] / positives, 1.0)
        specificity = np.where(chosen, cleared[rows, at] / negatives, 0.0)
        present = (drawn_positive + drawn_negative) > 0
        later = np.where(present & (np.arange(len(self.low)) > at[:, None]), 1, 0).argmax(axis=1)
        thresholds = np.where(chosen, _between(self.high[at], self.low[later]), -np.inf)
        return thresholds, sensitivity, specificity


def curve(truth: ArrayLike, score: ArrayLike, most: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """False and true positive rates from (0, 0) to (1, 1); of more than `most` points those evenly spread.

    Raises:
        NotEstimable: only one class is there.
    """
    truth, score = _both_classes(truth, score)
    values = np.unique(score)
    false, true = (
        np.r_[_share_above(np.sort(side), values)[::-1], 1.0] for side in (score[~truth], score[truth])
    )
    if len(false) > most:
        along = np.linspace(0, 2, most)
        kept = np.unique(np.clip(np.searchsorted(false + true, along), 0, len(false) - 1))
        false, true = false[kept], true[kept]
    return false, true


#: For each positive the share of negatives below it, for each negative that of positives above it.
Placements = tuple[np.ndarray, np.ndarray]


def placements(truth: ArrayLike, score: ArrayLike) -> Placements:
    """For each positive the share of negatives below it, for each negative that of positives above it.

    Raises:
        NotEstimable: only one class is there.
    """
    truth, score = _both_classes(truth, score)
    return placements_of_places(truth, np.unique(score, return_inverse=True)[1])


def placements_of_places(truth: ArrayLike, places: ArrayLike) -> Placements:
    """The placements from each score's place among the different scores, counted from 0; without sorting.

    Raises:
        NotEstimable: only one class is there.
    """
    truth, places = np.asarray(truth, dtype=bool), np.asarray(places)
    _both_classes(truth, places)
    positive, negative = places[truth], places[~truth]

    def below(side: np.ndarray) -> np.ndarray:
        """How many of a class lie below each place, half of those at the place itself."""
        counts = np.bincount(side, minlength=int(places.max()) + 1)
        return counts.cumsum() - counts / 2

    return below(negative)[positive] / len(negative), 1 - below(positive)[negative] / len(positive)


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
