"""What do several models score in the same folds, when each is learned from the training samples alone?

Every model sees a `Split`: training samples with their labels, and held-out samples without. Preparation is
learned once a training set and shared; penalties are chosen in the same inner folds for all models.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from decidua.learning import preparation
from decidua.learning.folds import inner_folds, splits
from decidua.learning.guard import Training
from decidua.learning.preparation import Preparation, Preparing


@dataclass(frozen=True)
class Split:
    """A training set and what was prepared from it.

    train, held: positions of the training and of the held-out samples. is_case: classes of the training
    samples; those of the others are not here. genes: positions of the genes kept; values, others:
    standardised expression of the training and of the held-out samples x genes kept.
    """

    train: np.ndarray
    held: np.ndarray
    is_case: np.ndarray
    genes: np.ndarray
    values: np.ndarray
    others: np.ndarray

    @classmethod
    def of(cls, data: Training, train: np.ndarray, held: np.ndarray, how: Preparing) -> "Split":
        """Learn the preparation from the training samples and put the others through it."""
        training, sealed = data.split(train, held)
        prepared, values = preparation.fit(training.counts, how, training.batches)
        others = sealed.score(_Values(prepared))
        return cls(train, held, training.is_case, prepared.genes, values, others)


@dataclass(frozen=True)
class _Values:
    """A preparation, for the standardised values of sealed samples."""

    preparation: Preparation

    def score(self, counts: np.ndarray, batches: np.ndarray | None) -> np.ndarray:
        return self.preparation.transform(counts, batches)


class Learner(Protocol):
    """One model or a batch of them, under every penalty of a grid from strong to weak."""

    def path(self, split: Split) -> np.ndarray:
        """Scores of the held-out samples: models x samples x penalties."""

    def loss(self, scores: np.ndarray, is_case: np.ndarray) -> np.ndarray:
        """What the penalty is chosen by: the loss of each score, in the shape of `path`."""


def held_out_scores(
    learners: Mapping[str, Learner],
    data: Training,
    fold_of: np.ndarray,
    folds: int,
    how: Preparing,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Scores of every sample by models that were learned without it.

    Args:
        fold_of: the outer fold of each sample, from 0.
        folds: inner folds that choose the penalty; fewer where a training set is too small.
        how: what of the counts is kept.

    Returns:
        By learner: models x samples.

    Raises:
        InputError: a training set too small to split, or without an expressed gene.
    """
    scores: dict[str, np.ndarray] = {}
    with threadpool_limits(limits=1, user_api="blas"):
        streams = rng.spawn(fold_of.max() + 1)
        for (train, test), stream in zip(splits(fold_of), streams, strict=True):
            losses = dict.fromkeys(learners, 0.0)
            inner, _ = inner_folds(data.is_case[train], data.groups[train], folds, stream)
            for some, rest in splits(inner):
                split = Split.of(data, train[some], train[rest], how)
                for name, learner in learners.items():
                    of_held = learner.loss(learner.path(split), data.is_case[train[rest]])
                    losses[name] = losses[name] + of_held.sum(axis=1)
            split = Split.of(data, train, test, how)
            for name, learner in learners.items():
                path = learner.path(split)
                chosen = losses[name].argmin(axis=1)  # the first of equals, which is the strongest penalty
                found = np.take_along_axis(path, chosen[:, None, None], axis=2)[:, :, 0]
                scores.setdefault(name, np.empty((len(path), len(fold_of))))[:, test] = found
    return scores
