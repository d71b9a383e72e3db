"""Which probability does a score mean? A logistic regression on scores of samples that were held out."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

STEPS = 100


@dataclass(frozen=True)
class Calibration:
    """Probability of being a case: the inverse logit of intercept + slope * score."""

    intercept: float = 0.0
    slope: float = 1.0

    def probability(self, scores: np.ndarray) -> np.ndarray:
        """One a score, never falling with the score."""
        return expit(self.intercept + self.slope * scores)


def calibrate(scores: np.ndarray, is_case: np.ndarray) -> Calibration:
    """Learn the calibration from held-out scores and their classes.

    The two classes' targets are (cases + 1) / (cases + 2) and 1 / (controls + 2), not 1 and 0, which keeps
    the slope finite when the scores tell the classes apart without fault. Where higher scores go with fewer
    cases the slope is 0: scores that say nothing get the share of cases, and their order is not turned.

    Args:
        scores: one a sample; is_case: a boolean a sample, both classes.

    Source: Platt 1999, Probabilistic outputs for support vector machines, in Advances in large margin
        classifiers.
    """
    cases = int(is_case.sum())
    target = np.where(is_case, (cases + 1) / (cases + 2), 1 / (len(is_case) - cases + 2))
    flat = Calibration(float(logit(target.mean())), 0.0)
    centre, spread = scores.mean(), scores.std()
    if spread <= 1e-12 * (1 + abs(centre)):
        return flat
    design = np.column_stack([np.ones(len(scores)), (scores - centre) / spread])
    found = np.array([flat.intercept, 0.0])
    loss = _loss(design @ found, target)
    for _ in range(STEPS):
        probability = expit(design @ found)
        weight = probability * (1 - probability)
        gradient = design.T @ (target - probability)
        step = np.linalg.solve(design.T @ (design * weight[:, None]), gradient)
        while (new := _loss(design @ (found + step), target)) > loss + 1e-12:
            step /= 2
        found, loss = found + step, new
        if np.abs(step).max() < 1e-10:
            break
    if found[1] <= 0:
        return flat
    slope = found[1] / spread
    return Calibration(float(found[0] - slope * centre), float(slope))


def _loss(scores: np.ndarray, target: np.ndarray) -> float:
    return float((np.logaddexp(0, scores) - target * scores).sum())
