"""How far apart are two groups, in standard deviations? This does not grow with their size."""

import numpy as np
from numpy.typing import ArrayLike

from decidua.statistics.answers import NotEstimable
from decidua.statistics.groups import Summary

#: Below this a variance of shares is rounding.
_NO_VARIANCE = 1e-12


def standardised_difference(summary: Summary, first: int, second: int) -> float:
    """Difference of two groups' means over the root of the mean of their variances.

    Raises:
        NotEstimable: a group has fewer than two women, or neither has any variation.

    Source: Austin 2009, Stat Med 28:3083.
    """
    pair = [first, second]
    if (summary.n[pair] < 2).any():
        raise NotEstimable("a group has fewer than two women with a known value")
    spread = np.sqrt((summary.sd[pair] ** 2).mean())
    if spread == 0:
        raise NotEstimable("neither group has any variation")
    return float((summary.mean[first] - summary.mean[second]) / spread)


def standardised_difference_of_shares(first: ArrayLike, second: ArrayLike) -> float:
    """Mahalanobis distance of two groups' shares of categories; of two categories with the sign of the first.

    Args:
        first, second: women of each category.

    Raises:
        NotEstimable: a group is empty, or the distance is infinite (the groups share no category).

    Source: Yang and Dalton 2012, SAS Global Forum, paper 335.
    """
    counts = np.array([first, second], dtype=float)
    counts = counts[:, counts.sum(axis=0) > 0]
    if not counts.sum(axis=1).all():
        raise NotEstimable("a group has nobody with a known value")
    shares = counts / counts.sum(axis=1, keepdims=True)
    # The last category's share follows from the others.
    difference = (shares[0] - shares[1])[:-1]
    covariance = np.mean([np.diag(p[:-1]) - np.outer(p[:-1], p[:-1]) for p in shares], axis=0)
    variances, directions = np.linalg.eigh(covariance) if len(difference) else (np.empty(0), np.empty((0, 0)))
    along = directions.T @ difference
    varying = variances > _NO_VARIANCE
    if (np.abs(along[~varying]) > _NO_VARIANCE).any():
        raise NotEstimable("infinite: the groups share no category, or tell them apart without exception")
    distance = float(np.sqrt((along[varying] ** 2 / variances[varying]).sum()))
    return float(np.copysign(distance, difference[0])) if len(difference) == 1 else distance
