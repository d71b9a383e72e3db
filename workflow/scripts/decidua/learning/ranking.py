"""Which genes, and which pair of genes, separate the classes of a training set best?

Everything works on standardised values of the training samples (samples x genes; each gene has mean 0 and
standard deviation 1 over them, divisor n), as `preparation.fit` gives them. Genes are in the order of their
names, which breaks ties.
"""

from dataclasses import dataclass

import numpy as np

#: Genes of the largest |t| whose partners are all computed at once: they make the bar high for the others.
LEADING = 64
#: Genes a side of the blocks in which pairs are screened: their products stay in the processor's cache.
BLOCK = 512
#: Pairs computed at a time, to bound the memory.
AT_ONCE = 20_000
#: Two genes whose squared correlation is closer to 1 than this are one: the second adds nothing.
COLLINEAR = 1e-10
#: Pairs closer than this in what they explain are equal; the first by gene order is taken.
EQUAL = 1e-12


@dataclass(frozen=True)
class Pair:
    """Two genes (positions, first < second) and how well they separate the classes together.

    explained: R squared of the class on the two genes. distance: squared Mahalanobis distance between the
    class means, with the pooled covariance. f: the pair's F statistic, of 2 and n - 3 degrees of freedom.
    The three order pairs alike.
    """

    first: int
    second: int
    explained: float
    distance: float
    f: float


def t_statistics(values: np.ndarray, is_case: np.ndarray) -> np.ndarray:
    """Pooled-variance two-sample t statistics of all genes, cases minus controls.

    Args:
        values: samples x genes, float32, standardised over these samples.
        is_case: one boolean a sample; both values must occur, among three samples or more.

    Returns:
        float64, one a gene. Which class is called the case changes nothing but the signs.
    """
    r = (_target(is_case).astype(values.dtype) @ values).astype(float) / np.sqrt(len(values))
    return r * np.sqrt((len(values) - 2) / np.maximum(1 - r**2, np.finfo(np.float32).eps))


def strongest(t: np.ndarray, number: int) -> np.ndarray:
    """Positions of the genes of the largest |t|, the largest first; of equals the first gene."""
    return np.argsort(-np.abs(t), kind="stable")[:number]


def best_pair(values: np.ndarray, is_case: np.ndarray) -> Pair:
    """The best linear-discriminant pair among all pairs of genes; every pair is examined.

    With r a gene's correlation with the class and c that of two genes, a pair explains
    (r1^2 + r2^2 - 2 c r1 r2) / (1 - c^2) of the class. That is more than B exactly if
    |c - r1 r2 / B| > sqrt((1 - r1^2 / B) (1 - r2^2 / B)), in other words if the inner product of two
    vectors, each made of one gene alone, is beyond 1 in size. So a product of matrices in single precision
    and the extremes of each of its blocks find the pairs that may beat the best one known; these few are
    computed in double precision.

    Args:
        values: samples x genes, float32, standardised over these samples.
        is_case: one boolean a sample; both values must occur.

    Returns:
        The pair; of equals the first in the order of genes.

    Raises:
        ValueError: fewer than two genes, or fewer than four samples.
    """
    samples, genes = values.shape
    if genes < 2 or samples < 4:
        raise ValueError("a pair needs two genes and four samples")
    search = _PairSearch(values, is_case)
    search.try_leading()
    search.try_others()
    explained, first, second = search.best()
    odds = explained / max(1 - explained, np.finfo(float).eps)
    cases = int(np.sum(is_case))
    scale = samples * (samples - 2) / (cases * (samples - cases))
    return Pair(first, second, explained, odds * scale, odds * (samples - 3) / 2)


class _PairSearch:
    """The pairs found so far that explain most. Genes are held by falling |r|: blocks hold like genes."""

    def __init__(self, values: np.ndarray, is_case: np.ndarray):
        exact = _unit_rows(values.T.astype(float))
        r = exact @ _target(is_case)
        self.genes = np.argsort(-np.abs(r), kind="stable")
        self.r = r[self.genes]
        self.exact = exact[self.genes]
        self.leading = min(LEADING, len(r))
        self.bar = 0.0
        self.found: list[tuple[float, int, int]] = []

    def best(self) -> tuple[float, int, int]:
        """What the best pair explains, and its genes in their order."""
        equals = [pair for pair in self.found if pair[0] >= self.bar - EQUAL]
        return min(equals, key=lambda pair: pair[1:])

    def try_leading(self) -> None:
        """Compute all pairs with a leading gene."""
        c = self.exact[: self.leading] @ self.exact.T
        explained = _explained(c, self.r[: self.leading, None], self.r)
        later = np.arange(len(self.r)) > np.arange(self.leading)[:, None]  # each pair once
        best = explained[later].max()
        self._compute(*np.nonzero(later & (explained >= best - 1e-9)))

    def try_others(self) -> None:
        """Screen all other pairs by blocks; compute those that may reach the bar."""
        left = right = slack = None
        bar = -1.0
        starts = range(self.leading, len(self.r), BLOCK)
        for start in starts:
            for other in starts:
                if other < start:
                    continue
                if bar != self.bar:
                    bar = self.bar
                    left, right, slack = self._scaled(bar)
                rows, columns = slice(start, start + BLOCK), slice(other, other + BLOCK)
                products = left[rows] @ right[columns].T
                reach = 1 - slack[rows].max() * slack[columns].max()
                if products.max() < reach and products.min() > -reach:
                    continue
                i, j = np.nonzero(np.abs(products) >= reach)
                i, j = i + start, j + other
                self._compute(i[i < j], j[i < j])

    def _scaled(self, bar: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Both vectors of every gene, and the square root of what rounding may add to their products."""
        part = self.r / np.sqrt(bar)
        root = np.sqrt(np.maximum(1 - part**2, 1e-12))
        vectors = np.column_stack([self.exact, part]) / root[:, None]
        left = vectors.astype(np.float32)
        right = left.copy()
        right[:, -1] *= -1
        # an inner product of n terms is wrong by n eps / 2 of the vectors' lengths, which are sqrt(2) / root
        slack = np.sqrt((vectors.shape[1] + 8) * np.finfo(np.float32).eps) / root
        return left, right, slack

    def _compute(self, i: np.ndarray, j: np.ndarray) -> None:
        for start in range(0, len(i), AT_ONCE):
            one, two = i[start : start + AT_ONCE], j[start : start + AT_ONCE]
            c = np.einsum("ij,ij->i", self.exact[one], self.exact[two])
            explained = _explained(c, self.r[one], self.r[two])
            self.bar = max(self.bar, float(explained.max()))
            for k in np.flatnonzero(explained >= self.bar - EQUAL):
                genes = sorted((int(self.genes[one[k]]), int(self.genes[two[k]])))
                self.found.append((float(explained[k]), *genes))


def _target(is_case: np.ndarray) -> np.ndarray:
    """The class as a vector of mean 0 and length 1."""
    is_case = np.asarray(is_case, dtype=bool)
    cases, controls = int(is_case.sum()), int((~is_case).sum())
    if not cases or not controls:
        raise ValueError("two classes are needed to compare them")
    return np.where(is_case, controls, -cases) / np.sqrt(cases * controls * len(is_case))


def _unit_rows(rows: np.ndarray) -> np.ndarray:
    """Rows of mean 0 and length 1; a row that does not vary is 0."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return rows / np.where(length > 0, length, 1)[:, None]


def _explained(c: np.ndarray, r1: np.ndarray, r2: np.ndarray) -> np.ndarray:
    """R squared of the class on two genes; of one gene twice, that of the gene."""
    left = 1 - c**2
    single = np.maximum(r1**2, r2**2)
    both = (r1**2 + r2**2 - 2 * c * r1 * r2) / np.maximum(left, COLLINEAR)
    return np.where(left < COLLINEAR, single, np.clip(both, single, 1.0))
