"""Linear discriminants on a few genes, with as much shrinkage as the training samples ask for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Discriminant:
    """A linear discriminant on the first `len(coefficients)` columns of the values it was fitted on.

    shrinkage: share of the pooled covariance that was replaced by its mean variance, from 0 to 1.
    """

    coefficients: np.ndarray
    intercept: float
    shrinkage: float

    def score(self, values: np.ndarray) -> np.ndarray:
        """Logits of being a case, at the training set's class shares, of samples x genes."""
        return values[:, : len(self.coefficients)] @ self.coefficients + self.intercept


def fit_nested(values: np.ndarray, is_case: np.ndarray, sizes: Sequence[int]) -> list[Discriminant]:
    """The linear discriminant on the first 1, 2, 5, ... genes, one a size, from one covariance matrix.

    The covariance is pooled within the classes and shrunk towards a multiple of the identity by the
    formula of Ledoit and Wolf, so that it can be inverted also for more genes than samples. No genes give
    the class shares alone.

    Args:
        values: training samples x genes, the genes in their order of choice.
        is_case: one boolean a sample; both values must occur.
        sizes: how many of the genes to use, each at most all.

    Source: Ledoit and Wolf 2004 (doi 10.1016/S0047-259X(03)00096-4); the same as scikit-learn's ledoit_wolf
    of the centred values, which is not imported because that takes longer than all that is done here.
    """
    is_case = np.asarray(is_case, dtype=bool)
    values = values[:, : max(sizes, default=0)].astype(float)
    means = np.array([values[~is_case].mean(axis=0), values[is_case].mean(axis=0)])
    centred = values - means[is_case.astype(int)]
    covariance = centred.T @ centred / len(values)
    lengths = np.cumsum(centred**2, axis=1)  # squared, of each sample over the first genes
    log_odds = float(np.log(is_case.sum() / (~is_case).sum()))
    found = []
    for size in sizes:
        if size == 0:
            found.append(Discriminant(np.zeros(0), log_odds, 0.0))
            continue
        own = covariance[:size, :size]
        shrinkage = _shrinkage(own, lengths[:, size - 1])
        shrunk = (1 - shrinkage) * own
        # a variance of zero (genes that repeat within the classes) must not divide by nothing
        shrunk[np.diag_indices(size)] += shrinkage * own.trace() / size + 1e-9
        coefficients = np.linalg.solve(shrunk, means[1, :size] - means[0, :size])
        middle = means[:, :size].sum(axis=0) / 2
        found.append(Discriminant(coefficients, float(log_odds - middle @ coefficients), shrinkage))
    return found


def _shrinkage(covariance: np.ndarray, lengths: np.ndarray) -> float:
    """Ledoit and Wolf's intensity, from a covariance and the squared lengths of the centred samples."""
    size, samples = len(covariance), len(lengths)
    total = float((covariance**2).sum())
    delta = (total - covariance.trace() ** 2 / size) / size
    beta = (float((lengths**2).sum()) / samples - total) / (size * samples)
    return 0.0 if beta <= 0 or delta <= 0 else min(1.0, beta / delta)
