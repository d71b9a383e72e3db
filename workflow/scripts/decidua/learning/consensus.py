"""Do samples fall into subgroups, how many, and would as many be found where there are none?

Consensus clustering (Monti et al. 2003, doi 10.1023/A:1023949509487): subsets of samples and genes are
clustered again and again; how often two samples fall together, of the times both were drawn, is their
consensus. A good number of clusters leaves few pairs in doubt: the proportion of ambiguous clustering (PAC;
Senbabaoglu et al. 2014, doi 10.1038/srep06207). Clustering always finds clusters, so the same is done with
data that have the same covariances and no clusters, one Gaussian cloud (the idea of John et al. 2020,
doi 10.1038/s41598-020-58766-1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from threadpoolctl import threadpool_limits

from decidua.errors import InputError

#: A pair whose consensus lies between these is ambiguous.
AMBIGUOUS = (0.1, 0.9)
#: Relative PAC of the best number and this more is about as stable.
EQUAL = 0.05
#: Of each resampling, the share of the samples and of the genes.
SHARE = 0.8


@dataclass(frozen=True)
class Consensus:
    """What the resamplings of one data set agree on.

    numbers: the numbers of clusters tried; matrices: for each the consensus of pairs (n x n, NaN where a pair
    was never drawn together); pac: for each the share of ambiguous pairs.
    """

    numbers: tuple[int, ...]
    matrices: np.ndarray
    pac: np.ndarray


@dataclass(frozen=True)
class Choice:
    """How many clusters there are, and what says so.

    number: of clusters; 1 when no number is more stable than in clouds without clusters; nearest: what it
    would be if there are any.
    null: PAC of the clouds (clouds x numbers); relative: for each number PAC of the data as a part of the
    mean of all data sets; p: of the smallest of them.
    """

    number: int
    nearest: int
    observed: Consensus
    null: np.ndarray
    relative: np.ndarray
    p: float


def choose(
    values: np.ndarray,
    numbers: Sequence[int],
    rng: np.random.Generator,
    *,
    resamplings: int = 50,
    draws: int = 39,
    level: float = 0.05,
) -> Choice:
    """The number of clusters by stability against its null.

    For each number, PAC of the data and of every cloud is taken relative to the mean of all of them; of each
    data set the smallest over the numbers counts. Its rank among the clouds gives p = (b + 1) / (draws + 1),
    so that many numbers tried are one test. (The clouds have the estimated covariances, more uneven than the
    true ones: of single clouds, p was 0.05 or less in 0 to 5%.)

    Clusters far apart are as stable when some of them are merged: of numbers about as stable as the best
    (`EQUAL`) the largest is taken.

    Args:
        values: samples x genes.
        numbers: of clusters to try, each from 2 to fewer than the samples drawn.
        resamplings: of each data set; draws: clouds; level: of the test that there are clusters at all.

    Raises:
        InputError: fewer than two genes or a number of clusters that the samples cannot give.
    """
    with threadpool_limits(limits=1, user_api="blas"):
        observed = consensus(values, numbers, rng, resamplings)
        clouds = cloud(values)
        null = np.array([consensus(clouds(rng), numbers, rng, resamplings).pac for _ in range(draws)])
    everything = np.vstack([observed.pac, null])
    typical = everything.mean(axis=0)
    relative = np.divide(everything, typical, out=np.ones_like(everything), where=typical > 0)
    best = relative.min(axis=1)
    # rounding must not break the ties of equal clouds
    p = float((1 + np.count_nonzero(best[1:] <= best[0] + 1e-9)) / (draws + 1))
    nearest = int(np.array(observed.numbers)[relative[0] <= best[0] + EQUAL][-1])
    return Choice(nearest if p <= level else 1, nearest, observed, null, relative[0], p)


def consensus(
    values: np.ndarray, numbers: Sequence[int], rng: np.random.Generator, resamplings: int = 50
) -> Consensus:
    """Cluster subsets of samples and genes (Ward's method on Euclidean distances) and see what they agree on.

    Raises:
        InputError: as for `choose`.
    """
    n, genes = values.shape
    drawn, used = int(np.ceil(SHARE * n)), int(np.ceil(SHARE * genes))
    numbers = tuple(sorted(numbers))
    if genes < 2 or not numbers or numbers[0] < 2 or numbers[-1] >= drawn:
        raise InputError(
            f"subgroups: found {n} samples, {genes} genes, {list(numbers)} subgroups;"
            f" expected 2 genes or more and 2 to {drawn - 1} subgroups"
        )
    drawn_in = np.zeros((resamplings, n), dtype=np.float32)
    placed_in = [np.zeros((resamplings, numbers[-1], n), dtype=np.float32) for _ in numbers]
    products = values @ values.T
    for again in range(resamplings):
        rows = np.sort(rng.permutation(n)[:drawn])
        # leaving out the products of the genes that are not drawn costs a quarter of summing the others
        left = values[np.ix_(rows, np.sort(rng.permutation(genes)[used:]))]
        tree = _ward(products[np.ix_(rows, rows)] - left @ left.T)
        drawn_in[again, rows] = 1
        for place, codes in zip(placed_in, _cuts(tree, numbers), strict=True):
            place[again, codes, rows] = 1
    together = drawn_in.T @ drawn_in
    placed = [place.reshape(-1, n) for place in placed_in]
    with np.errstate(invalid="ignore"):
        matrices = np.array([place.T @ place / together for place in placed])
    return Consensus(numbers, matrices, np.array([_ambiguous(matrix) for matrix in matrices]))


def cloud(values: np.ndarray):
    """A drawer of Gaussian clouds (samples x genes) with the covariances of these samples and no clusters."""
    centred = values - values.mean(axis=0)
    left, singular, right = np.linalg.svd(centred, full_matrices=False)
    axes = singular[:, None] * right / np.sqrt(max(len(values) - 1, 1))

    def draw(rng: np.random.Generator) -> np.ndarray:
        return rng.standard_normal((len(values), len(axes))) @ axes

    return draw


def members(matrix: np.ndarray, number: int) -> np.ndarray:
    """The cluster (0, 1, ..., the largest first) of each sample: average linkage of one minus the consensus.

    Clusters of one size are in the order of their first sample.
    """
    distance = 1 - np.nan_to_num(matrix.astype(float), nan=0.0)
    upper = np.triu_indices(len(distance), 1)
    codes = fcluster(linkage(distance[upper], "average"), number, "maxclust")
    found, first, sizes = np.unique(codes, return_index=True, return_counts=True)
    order = found[np.lexsort((first, -sizes))]
    return np.argmax(codes[:, None] == order, axis=1)


def within(matrix: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Mean consensus of the pairs within each cluster; NaN for a cluster of one sample."""
    inside = []
    for code in range(codes.max() + 1):
        rows = np.flatnonzero(codes == code)
        pairs = matrix[np.ix_(rows, rows)][np.triu_indices(len(rows), 1)]
        inside.append(float(np.nanmean(pairs)) if np.isfinite(pairs).any() else np.nan)
    return np.array(inside)


def _ward(products: np.ndarray) -> np.ndarray:
    """SciPy's tree of Ward's method, from the inner products of samples."""
    squares = np.diagonal(products)
    upper = _upper(len(products))
    distances = (squares[:, None] + squares - 2 * products)[upper]
    return linkage(np.sqrt(np.maximum(distances, 0.0)), "ward")


def _cuts(tree: np.ndarray, numbers: Sequence[int]) -> list[np.ndarray]:
    """For each of the ascending numbers, which cluster each leaf is in when the tree is cut into that many.

    Codes are below the largest number; of fewer clusters some are not used.
    """
    n, most = len(tree) + 1, numbers[-1]
    children = tree[:, :2].astype(int).tolist()
    tops = [node for pair in children[n - most :] for node in pair if node < 2 * n - most]
    codes, cluster_of = np.empty(n, dtype=np.intp), {}
    for code, top in enumerate(tops):
        cluster_of[top] = code
        codes[_leaves(children, top, n)] = code
    found = {most: codes}
    merged = np.arange(most)
    for number in range(most - 1, numbers[0] - 1, -1):
        first, second = (cluster_of[node] for node in children[n - number - 1])
        merged = np.where(merged == second, first, merged)
        cluster_of[2 * n - number - 1] = first
        found[number] = merged[codes]
    return [found[number] for number in numbers]


def _leaves(children: Sequence[Sequence[int]], top: int, n: int) -> list[int]:
    leaves, stack = [], [top]
    while stack:
        node = stack.pop()
        if node < n:
            leaves.append(node)
        else:
            stack.extend(children[node - n])
    return leaves


@lru_cache(maxsize=4)
def _upper(n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.triu_indices(n, 1)


def _ambiguous(matrix: np.ndarray) -> float:
    pairs = matrix[_upper(len(matrix))]
    pairs = pairs[np.isfinite(pairs)]
    low, high = AMBIGUOUS
    return float(((pairs > low) & (pairs < high)).mean())
