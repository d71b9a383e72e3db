"""What does a yes/no test tell: sensitivity, specificity, likelihood ratios and predictive values?"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from decidua.statistics.answers import Estimate, NotEstimable
from decidua.statistics.proportions import clopper_pearson


@dataclass(frozen=True)
class Accuracy:
    """Counts of a test against the truth: positive or negative (first letter p or n), in cases and controls.

    Attributes:
        true_positive, false_negative: cases.
        false_positive, true_negative: controls.
    """

    true_positive: int
    false_negative: int
    false_positive: int
    true_negative: int

    @classmethod
    def of(cls, truth: ArrayLike, positive: ArrayLike) -> "Accuracy":
        """Count a boolean a woman of each kind.

        Raises:
            NotEstimable: there are no cases, or no controls.
        """
        truth, positive = np.asarray(truth, dtype=bool), np.asarray(positive, dtype=bool)
        counts = [
            int(np.count_nonzero((truth == case) & (positive == yes)))
            for case in (True, False)
            for yes in (True, False)
        ]
        found = cls(*counts)
        if not found.cases or not found.controls:
            raise NotEstimable("there are no controls" if found.cases else "there are no cases")
        return found

    @property
    def cases(self) -> int:
        return self.true_positive + self.false_negative

    @property
    def controls(self) -> int:
        return self.false_positive + self.true_negative

    def sensitivity(self, confidence: float = 0.95) -> Estimate:
        """Share of cases that are positive, with Clopper and Pearson's interval."""
        return _share(self.true_positive, self.cases, confidence)

    def specificity(self, confidence: float = 0.95) -> Estimate:
        """Share of controls that are negative, with Clopper and Pearson's interval."""
        return _share(self.true_negative, self.controls, confidence)

    def positive_likelihood_ratio(self, confidence: float = 0.95) -> Estimate:
        """Sensitivity / (1 - specificity), with the log method's interval (NaN for a ratio of 0).

        Raises:
            NotEstimable: no control is positive.

        Source: Simel et al. 1991, J Clin Epidemiol 44:763.
        """
        if not self.false_positive:
            raise NotEstimable("no control is positive: the ratio is infinite or undefined")
        return _ratio(self.true_positive, self.cases, self.false_positive, self.controls, confidence)

    def negative_likelihood_ratio(self, confidence: float = 0.95) -> Estimate:
        """(1 - sensitivity) / specificity, with the log method's interval (NaN for a ratio of 0).

        Raises:
            NotEstimable: no control is negative.
        """
        if not self.true_negative:
            raise NotEstimable("no control is negative: the ratio is infinite or undefined")
        return _ratio(self.false_negative, self.cases, self.true_negative, self.controls, confidence)

    def positive_predictive_value(self, prevalence: float, confidence: float = 0.95) -> Estimate:
        """Share of cases among the positive where that share of all women are cases.

        Bayes' theorem, applied to the positive likelihood ratio and the ends of its interval; the prevalence
        is taken as known. Where no control is positive it is 1, without an interval.

        Raises:
            NotEstimable: nobody is positive.
        """
        if not self.true_positive + self.false_positive:
            raise NotEstimable("nobody is positive")
        if not self.false_positive:
            return Estimate(1.0, np.nan, np.nan)
        return _mapped(self.positive_likelihood_ratio(confidence), lambda lr: _bayes(prevalence, lr))

    def negative_predictive_value(self, prevalence: float, confidence: float = 0.95) -> Estimate:
        """Share of controls among the negative where that share of all women are cases; in the same way.

        Raises:
            NotEstimable: nobody is negative.
        """
        if not self.false_negative + self.true_negative:
            raise NotEstimable("nobody is negative")
        if not self.true_negative:
            return Estimate(0.0, np.nan, np.nan)
        found = _mapped(self.negative_likelihood_ratio(confidence), lambda lr: 1 - _bayes(prevalence, lr))
        return Estimate(found.value, found.upper, found.lower)


def _share(part: int, whole: int, confidence: float) -> Estimate:
    lower, upper = clopper_pearson(part, whole, confidence)
    return Estimate(part / whole, float(lower), float(upper))


def _ratio(part_1: int, whole_1: int, part_2: int, whole_2: int, confidence: float) -> Estimate:
    value = (part_1 / whole_1) / (part_2 / whole_2)
    if not part_1:
        return Estimate(0.0, np.nan, np.nan)
    error = np.sqrt(1 / part_1 - 1 / whole_1 + 1 / part_2 - 1 / whole_2)
    factor = float(np.exp(ndtri((1 + confidence) / 2) * error))
    return Estimate(value, value / factor, value * factor)


def _bayes(prevalence: float, ratio: float) -> float:
    """The probability after a test with that likelihood ratio."""
    return prevalence * ratio / (prevalence * ratio + 1 - prevalence)


def _mapped(found: Estimate, function: Callable[[float], float]) -> Estimate:
    return Estimate(*(float(function(value)) for value in (found.value, found.lower, found.upper)))
