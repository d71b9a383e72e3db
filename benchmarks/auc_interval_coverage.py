"""How often does the interval for the cross-validated AUC hold the true AUC? Prints a table; asserts nothing.

usage: PYTHONPATH=workflow/scripts .venv/bin/python benchmarks/auc_interval_coverage.py [--data-sets 200]

Gaussian data sets of 300 variables, 20 of which differ between the classes by `shift` standard deviations.
Each is cross-validated with the ridge engine at one penalty. The true AUC of a model is that of new samples,
in closed form; with no shift it is 0.5. `needed` is the factor on the variance of independent folds that the
spread over data sets asks for: what performance.OVERLAP stands for.
"""

import argparse

import numpy as np
from scipy.special import ndtr

from decidua.learning.folds import splits, stratified_folds
from decidua.learning.performance import OVERLAP, auc, auc_interval
from decidua.learning.ridge import fit_path

VARIABLES, DIFFERING, PENALTY = 300, 20, np.array([0.3])
SIZES = ((6, 6), (15, 16), (30, 30), (108, 27))
SHIFTS = (0.0, 0.5, 1.0)


def data_set(cases: int, controls: int, shift: float, options: argparse.Namespace, rng: np.random.Generator):
    """Mean AUC of the folds, sizes of the folds, and the true AUC of the model of all samples."""
    is_case = np.arange(cases + controls) < cases
    values = rng.normal(size=(cases + controls, VARIABLES))
    values[is_case, :DIFFERING] += shift
    products = values @ values.T / VARIABLES
    areas, sizes = [], []
    for _ in range(options.repeats):
        folds = stratified_folds(is_case, np.arange(cases + controls), options.folds, rng)
        for train, test in splits(folds):
            path = fit_path(products[np.ix_(train, train)], is_case[train], PENALTY)
            areas.append(auc(path.score(products[np.ix_(test, train)])[:, 0], is_case[test]))
            sizes.append((int(is_case[test].sum()), int((~is_case[test]).sum())))
    weights = values.T @ fit_path(products, is_case, PENALTY).weights[0]
    true = ndtr(shift * weights[:DIFFERING].sum() / np.linalg.norm(weights) / np.sqrt(2))
    return float(np.mean(areas)), sizes, float(true)


def variance(area: float, sizes: list[tuple[int, int]]) -> float:
    """Mean variance of the AUC of a fold with these sizes (Newcombe 2006, method 5)."""
    m, n = np.array(sizes, dtype=float).T
    pairs = (m + n) / 2 - 1
    spread = 1 + pairs * (1 - area) / (2 - area) + pairs * area / (1 + area)
    return float((area * (1 - area) * spread / (m * n)).mean())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-sets", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folds", type=int, default=5)
    options = parser.parse_args()
    print(
        f"{'samples':<12}{'shift':>6}{'mean':>8}{'true':>8}{'sd':>8}{'needed':>8}{'covered':>9}{'width':>7}"
    )
    for cases, controls in SIZES:
        for shift in SHIFTS:
            streams = [np.random.default_rng([i, cases, controls]) for i in range(options.data_sets)]
            found = [data_set(cases, controls, shift, options, rng) for rng in streams]
            areas = np.array([area for area, _, _ in found])
            true = float(np.mean([true for _, _, true in found])) if shift else 0.5
            ends = np.array([auc_interval(area, sizes, options.folds, OVERLAP) for area, sizes, _ in found])
            independent = np.mean([variance(true, sizes) for _, sizes, _ in found]) / options.folds
            width = (ends[:, 1] - ends[:, 0]).mean()
            covered = ((ends[:, 0] <= true) & (true <= ends[:, 1])).mean()
            print(
                f"{f'{cases} v {controls}':<12}{shift:>6.1f}{areas.mean():>8.3f}{true:>8.3f}"
                f"{areas.std():>8.3f}{areas.var() / independent:>8.2f}{covered:>9.3f}{width:>7.2f}",
                flush=True,
            )
