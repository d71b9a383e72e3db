"""Ridge logistic regression on whatever gives inner products: genes, some genes, covariates, or several."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from decidua.learning import ridge
from decidua.learning.nested import Split

#: Inner products of the training samples, and of the held-out with the training samples, per feature.
Products = tuple[np.ndarray, np.ndarray]
Features = Callable[[Split], Products]


@dataclass(frozen=True)
class Ridge:
    """A ridge logistic regression on features; the penalty is chosen by the log loss."""

    features: Features
    grid: np.ndarray

    def path(self, split: Split) -> np.ndarray:
        own, others = self.features(split)
        return ridge.fit_path(own, split.is_case, self.grid).score(others)[None]

    def loss(self, scores: np.ndarray, is_case: np.ndarray) -> np.ndarray:
        return np.logaddexp(0, scores) - is_case[None, :, None] * scores


def products(values: np.ndarray, others: np.ndarray) -> Products:
    """Inner products per feature, so that a penalty means the same whatever their number; 0 of none."""
    samples, features = values.shape
    if features < 4 * samples:  # single precision is not enough where it is close to singular
        values, others = values.astype(float), others.astype(float)
    number = max(features, 1)
    return (values @ values.T).astype(float) / number, (others @ values.T).astype(float) / number


def all_genes(split: Split) -> Products:
    """All genes kept."""
    return products(split.values, split.others)


@dataclass(frozen=True)
class SomeGenes:
    """The genes at these positions, of those kept."""

    genes: np.ndarray

    def __call__(self, split: Split) -> Products:
        at = np.isin(split.genes, self.genes)
        return products(split.values[:, at], split.others[:, at])


@dataclass(frozen=True)
class Covariates:
    """Covariates of the samples, a row a sample: numbers, and anything else as categories.

    Learned from the training samples: means, for what is unknown (with an indicator of it), the categories,
    centres and scales. A category that no training sample has counts as none of them.
    """

    table: pd.DataFrame

    def __call__(self, split: Split) -> Products:
        values, others = self.coded(split.train, split.held)
        return products(values, others)

    def coded(self, train: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Standardised columns of the training and of the held-out samples, of what varies in training."""
        columns = [_coded(self.table[name], train) for name in self.table]
        every = np.column_stack([np.empty((len(self.table), 0)), *columns])
        centre, scale = every[train].mean(axis=0), every[train].std(axis=0)
        kept = scale > 1e-9
        every = (every[:, kept] - centre[kept]) / scale[kept]
        return every[train], every[held]


def _coded(column: pd.Series, train: np.ndarray) -> np.ndarray:
    """A column as numbers: itself and whether it is unknown, or an indicator for each category."""
    unknown = column.isna().to_numpy(dtype=bool)
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        values = column.to_numpy(dtype=float, na_value=np.nan)
        known = values[train][~unknown[train]]
        values = np.where(unknown, known.mean() if len(known) else 0.0, values)
        return np.column_stack([values, unknown])
    text = column.astype("string").fillna("").to_numpy(dtype=object)
    levels = sorted(set(text[train]))
    return (text[:, None] == np.array(levels, dtype=object)).astype(float)


@dataclass(frozen=True)
class Together:
    """Several kinds of features side by side, each kind with the same weight."""

    parts: tuple[Features, ...]

    def __call__(self, split: Split) -> Products:
        own, others = zip(*(part(split) for part in self.parts), strict=True)
        return sum(own), sum(others)
