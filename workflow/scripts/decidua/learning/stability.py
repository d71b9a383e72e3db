"""How alike are the sets of genes that different training sets choose?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri


@dataclass(frozen=True)
class Stability:
    """Nogueira's index: 1 for the same set every time, 0 as alike as sets drawn by lot; and its interval."""

    estimate: float
    lower: float
    upper: float


def stability(chosen: Sequence[np.ndarray], features: int, confidence: float = 0.95) -> Stability | None:
    """Nogueira's stability of the choice, corrected for chance, with their normal interval (1 at most).

    The variance takes the sets for independent. Folds share training samples, so it is too small for
    them: the interval tells the least uncertainty.

    Args:
        chosen: positions of the features that each training set chose, without repetition.
        features: how many there were to choose from.

    Returns:
        None where it is not defined: fewer than two sets, or sets of all features or of none.

    Source: Nogueira, Sechidis and Brown 2018 (JMLR 18, 174): definition 4 and theorem 7.
    """
    sets = len(chosen)
    sizes = np.array([len(one) for one in chosen], dtype=float)
    if sets < 2 or not 0 < sizes.mean() < features:
        return None
    frequency = np.bincount(np.concatenate(chosen), minlength=features) / sets
    share = sizes.mean() / features
    by_lot = share * (1 - share)
    estimate = 1 - sets / (sets - 1) * float((frequency * (1 - frequency)).mean()) / by_lot
    overlap = np.array([frequency[one].sum() for one in chosen]) / features
    own = sizes / features
    of_set = (overlap - own * share + estimate / 2 * (2 * share * own - own - share + 1)) / by_lot
    variance = 4 / sets**2 * float(((of_set - of_set.mean()) ** 2).sum())
    half = float(ndtri((1 + confidence) / 2)) * np.sqrt(variance)
    return Stability(estimate, estimate - half, min(1.0, estimate + half))
