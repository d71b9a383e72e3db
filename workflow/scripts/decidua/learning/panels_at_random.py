"""Would any genes have done? The chosen panel among panels of as many genes drawn at random."""

from dataclasses import dataclass

import numpy as np

from decidua.learning.nested import Split


@dataclass(frozen=True)
class Panels:
    """The panel of the largest |t| in a training set (the first model), then one a random order of the genes.

    A random panel holds the first genes of its order that the training set keeps: drawn without the labels,
    the same in all folds. All get the same model: ridge regression of the class on the standardised values
    of the panel (the direction is that of a linear discriminant), its penalty chosen by the squared error.

    orders: panels x genes, positions. size: genes in a panel; fewer where a training set keeps fewer.
    grid: penalties, strong to weak, in units of the number of training samples.
    """

    orders: np.ndarray
    size: int
    grid: np.ndarray

    def members(self, split: Split) -> np.ndarray:
        """Panels x genes: columns of `split.values`."""
        size = min(self.size, len(split.genes))
        place = np.full(self.orders.shape[1], -1)
        place[split.genes] = np.arange(len(split.genes))
        drawn = []
        for order in self.orders:
            found = place[order[: 5 * size]]
            found = found[found >= 0]
            if len(found) < size:  # few genes are kept: look at all
                found = place[order]
                found = found[found >= 0]
            drawn.append(found[:size])
        return np.vstack([top_by_t(split.values, split.is_case, size), *drawn])

    def path(self, split: Split) -> np.ndarray:
        members = self.members(split)
        target = split.is_case - split.is_case.mean()
        # panels x samples x genes
        values, others = (
            matrix[:, members].astype(float).transpose(1, 0, 2) for matrix in (split.values, split.others)
        )
        variance, axes = np.linalg.eigh(values.transpose(0, 2, 1) @ values)
        along = (axes.transpose(0, 2, 1) @ (values.transpose(0, 2, 1) @ target)[:, :, None])[:, :, 0]
        shrunk = along[:, :, None] / (np.maximum(variance, 0)[:, :, None] + self.grid * len(target))
        return split.is_case.mean() + (others @ axes) @ shrunk

    def loss(self, scores: np.ndarray, is_case: np.ndarray) -> np.ndarray:
        return (scores - is_case[None, :, None]) ** 2


def top_by_t(values: np.ndarray, is_case: np.ndarray, size: int) -> np.ndarray:
    """Columns of the largest absolute two-sample t (equal variances), the first of equals first.

    Args:
        values: samples x genes, each of mean 0 and standard deviation 1 over the samples: then |t| grows
            with the correlation with the class, which is one product.
    """
    target = (is_case - is_case.mean()).astype(values.dtype)
    # rounded, so that the names of the classes and the last bit of a sum do not decide between equals
    strength = np.round(np.abs(target @ values).astype(float) / len(target), 6)
    return np.argsort(-strength, kind="stable")[:size]


def random_orders(genes: int, number: int, rng: np.random.Generator) -> np.ndarray:
    """Orders of the genes, one a row."""
    return np.array([rng.permutation(genes) for _ in range(number)], dtype=np.int32).reshape(number, genes)
