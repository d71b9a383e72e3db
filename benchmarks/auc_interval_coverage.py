"""How often does the interval for the cross-validated AUC hold the true AUC? Prints a table; asserts nothing.

usage: PYTHONPATH=workflow/scripts .venv/bin/python benchmarks/auc_interval_coverage.py [--data-sets 200]
           [--repeats 1 2 5] [--folds 5] [--samples-a-woman 1]

Gaussian data sets of 300 variables, 20 of which differ between the classes by `shift` standard deviations.
Each is cross-validated with the ridge engine at one penalty. The true AUC is that of new women for the model
of all samples, in closed form, its mean over the data sets; with no shift it is 0.5. With more than one
sample a woman, half of the variance is hers and half the sample's own, her samples stay together, and the
interval counts women. `needed` is the factor on the variance of independent folds that the spread over data
sets asks for: what `performance.overlap` stands for.
"""

import argparse

import numpy as np
from scipy.special import ndtr

from decidua.learning.folds import splits, stratified_folds
from decidua.learning.performance import auc, auc_interval, overlap
from decidua.learning.ridge import fit_path

VARIABLES, DIFFERING, PENALTY = 300, 20, np.array([0.3])
SIZES = ((6, 6), (15, 16), (30, 30), (108, 27))
SHIFTS = (0.0, 0.5, 1.0)


def data_set(cases: int, controls: int, shift: float, options: argparse.Namespace, rng: np.random.Generator):
    """Mean AUC of the folds of each repeat, women in each fold, and the true AUC of the model of all."""
    each = options.samples_a_woman
    woman = np.repeat(np.arange(cases + controls), each)
    is_case = woman < cases
    values = rng.normal(size=(cases + controls, VARIABLES))[woman]
    if each > 1:
        values = (values + rng.normal(size=values.shape)) / np.sqrt(2)
    values[is_case, :DIFFERING] += shift
    products = values @ values.T / VARIABLES
    areas, sizes = [], []
    for _ in range(max(options.repeats)):
        folds = stratified_folds(is_case, woman, options.folds, rng)
        of_folds = []
        for train, test in splits(folds):
            path = fit_path(products[np.ix_(train, train)], is_case[train], PENALTY)
            of_folds.append(auc(path.score(products[np.ix_(test, train)])[:, 0], is_case[test]))
            sizes.append((int(is_case[test].sum()) / each, int((~is_case[test]).sum()) / each))
        areas.append(np.mean(of_folds))
    weights = values.T @ fit_path(products, is_case, PENALTY).weights[0]
    true = ndtr(shift * weights[:DIFFERING].sum() / np.linalg.norm(weights) / np.sqrt(2))
    return np.array(areas), sizes, float(true)


def variance(area: float, sizes: list[tuple[int, int]]) -> float:
    """Mean variance of the AUC of a fold with these sizes (Newcombe 2006, method 5)."""
    m, n = np.array(sizes, dtype=float).T
    pairs = (m + n) / 2 - 1
    spread = 1 + pairs * (1 - area) / (2 - area) + pairs * area / (1 + area)
    return float((area * (1 - area) * spread / (m * n)).mean())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-sets", type=int, default=200)
    parser.add_argument("--repeats", type=int, nargs="+", default=[1, 2, 5])
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--samples-a-woman", type=int, default=1)
    options = parser.parse_args()
    print(
        f"{'women':<12}{'shift':>6}{'repeats':>8}{'mean':>8}{'true':>8}{'sd':>8}{'needed':>8}{'covered':>9}{'width':>7}"
    )
    for cases, controls in SIZES:
        for shift in SHIFTS:
            streams = [np.random.default_rng([i, cases, controls]) for i in range(options.data_sets)]
            found = [data_set(cases, controls, shift, options, rng) for rng in streams]
            true = float(np.mean([true for _, _, true in found])) if shift else 0.5
            independent = np.mean([variance(true, sizes) for _, sizes, _ in found]) / options.folds
            for repeats in options.repeats:
                areas = np.array([area[:repeats].mean() for area, _, _ in found])
                ends = np.array(
                    [
                        auc_interval(area, sizes, options.folds, overlap(repeats))
                        for area, (_, sizes, _) in zip(areas, found, strict=True)
                    ]
                )
                width = (ends[:, 1] - ends[:, 0]).mean()
                covered = ((ends[:, 0] <= true) & (true <= ends[:, 1])).mean()
                print(
                    f"{f'{cases} v {controls}':<12}{shift:>6.1f}{repeats:>8}{areas.mean():>8.3f}{true:>8.3f}"
                    f"{areas.std():>8.3f}{areas.var() / independent:>8.2f}{covered:>9.3f}{width:>7.2f}",
                    flush=True,
                )
