"""Which genes differ most between the classes of a training set?"""

import numpy as np


def t_statistics(values: np.ndarray, is_case: np.ndarray) -> np.ndarray:
    """Two-sample t statistics with pooled variance, of all genes in one matrix product.

    Args:
        values: samples x genes, standardised over these samples (mean 0, standard deviation 1 with the number
            of samples as divisor), float32.
        is_case: a boolean a sample; both classes must occur.

    Returns:
        A float64 a gene, cases minus controls. Sort by `-abs(t)` with a stable sort: ties then go by the
        order of the genes.
    """
    is_case = np.asarray(is_case, dtype=bool)
    samples, cases = len(is_case), int(is_case.sum())
    controls = samples - cases
    contrast = np.where(is_case, 1 / cases, -1 / controls).astype(values.dtype)
    difference = (contrast @ values).astype(float)
    # of the sum of squares, which standardising makes `samples`, this much lies between the classes
    between = difference**2 * cases * controls / samples
    within = np.maximum(samples - between, 1e-6 * samples) / max(samples - 2, 1)
    return difference / np.sqrt(within * (1 / cases + 1 / controls))


def best_genes(values: np.ndarray, is_case: np.ndarray, number: int) -> np.ndarray:
    """Positions of the genes with the largest absolute t, the best first."""
    return np.argsort(-np.abs(t_statistics(values, is_case)), kind="stable")[:number]
