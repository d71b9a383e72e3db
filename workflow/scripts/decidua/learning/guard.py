"""Who keeps test samples out of everything that learns?

A step that learns is handed a `Training`, which holds training rows and no other; the rows beside it are
sealed: all that can be done with them is to have a finished model score them. Their labels are in neither.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from decidua.learning.folds import splits


class Scoring(Protocol):
    """What has been learned: it scores samples x all genes, of the given batches (or None)."""

    def score(self, counts: np.ndarray, batches: np.ndarray | None) -> np.ndarray: ...


class Sealed:
    """Samples that were kept out of a training set. They have no labels and can only be scored."""

    __slots__ = ("_batches", "_counts")

    def __init__(self, counts: np.ndarray, batches: np.ndarray | None):
        self._counts, self._batches = counts, batches

    def score(self, model: Scoring) -> np.ndarray:
        """What the model says of these samples, a row a sample."""
        return model.score(self._counts, self._batches)

    def unknown_batches(self, known: np.ndarray) -> int:
        """How many of these samples are of none of the batches `known`."""
        return 0 if self._batches is None else int((~np.isin(self._batches, known)).sum())


@dataclass(frozen=True)
class Training:
    """The samples to learn from, and nothing of any other sample.

    counts: samples x genes, float32, C order; is_case: a boolean a sample; groups, batches: integer codes
    (batches None: not known). The arrays cannot be written to.
    """

    counts: np.ndarray
    is_case: np.ndarray
    groups: np.ndarray
    batches: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.counts)

    def split(self, train: np.ndarray, test: np.ndarray) -> tuple["Training", Sealed]:
        """Copies of the rows at `train`, to learn from, and of those at `test`, sealed.

        Raises:
            ValueError: a sample, or a group of samples, on both sides.
        """
        if np.intersect1d(self.groups[train], self.groups[test]).size or np.intersect1d(train, test).size:
            raise ValueError("samples of one group are in the training set and beside it")
        taken = [None if array is None else array[train] for array in vars(self).values()]
        for array in taken:
            if array is not None:
                array.setflags(write=False)
        batches = None if self.batches is None else self.batches[test]
        return Training(*taken), Sealed(self.counts[test], batches)

    def folds(self, fold_of: np.ndarray) -> Iterator[tuple["Training", Sealed, np.ndarray]]:
        """For each fold the others to learn from, its own samples sealed, and their positions."""
        for train, test in splits(fold_of):
            yield *self.split(train, test), test
