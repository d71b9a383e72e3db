"""Which samples are held out together, so that classes are balanced and nobody sits on both sides?"""

from collections.abc import Iterator

import numpy as np

from decidua.errors import InputError, Problem

#: Random deals tried for a number of inner folds; one is enough unless groups hold both classes.
DEALS = 20


def too_few_members(
    is_case: np.ndarray, groups: np.ndarray, folds: int, grouped: bool = False
) -> Problem | None:
    """What is wrong when a class has fewer members (samples, or groups of them) than outer folds; else None.

    Args:
        is_case, groups: one value a sample; `groups` are integer codes, all different when ungrouped.
        folds: number of outer folds.
        grouped: whether to speak of groups.
    """
    counts = {name: len(np.unique(groups[is_case == value])) for name, value in (("case", 1), ("control", 0))}
    fewest = min(counts.values())
    if fewest >= folds:
        return None
    unit = "groups" if grouped else "samples"
    can = f", or `folds: {fewest}`" if fewest >= 2 else ""
    return Problem(
        f"{counts['case']} case and {counts['control']} control {unit}",
        f"at least {folds} of each to cross-validate with `folds: {folds}`{can}",
        "cross-validation",
    )


def stratified_folds(
    is_case: np.ndarray, groups: np.ndarray, folds: int, rng: np.random.Generator
) -> np.ndarray:
    """Deal groups of samples to folds at random, balancing both classes.

    Groups go from large to small, ties in random order, each to the fold in which it upsets the balance of
    the classes least. A sample of its own is a group of one; then the folds' class counts differ by at most
    1.

    Returns:
        The fold (0 to folds - 1) of each sample; swapping the classes' names gives the same folds.
    """
    codes = np.unique(groups, return_inverse=True)[1]
    members = np.zeros((codes.max() + 1, 2), dtype=int)
    np.add.at(members, (codes, np.asarray(is_case, dtype=int)), 1)
    totals = np.maximum(members.sum(axis=0), 1)
    shuffled = rng.permutation(len(members))
    order = shuffled[np.argsort(-members[shuffled].sum(axis=1), kind="stable")]
    filled = np.zeros((folds, 2), dtype=int)
    fold_of = np.empty(len(members), dtype=int)
    for group in order:
        added = members[group]
        upset = ((2 * filled * added + added**2) / totals**2).sum(axis=1)
        best = np.flatnonzero(upset <= upset.min() * (1 + 1e-9))
        fold_of[group] = best[np.argmin(filled[best].sum(axis=1))]
        filled[fold_of[group]] += added
    return fold_of[codes]


def inner_folds(
    is_case: np.ndarray, groups: np.ndarray, folds: int, rng: np.random.Generator
) -> tuple[np.ndarray, int]:
    """Stratified folds within a training set, as many as it carries.

    A class with fewer members than folds gets as many folds as members, 2 at least; and each fold's remaining
    samples must hold both classes.

    Returns:
        The fold of each sample and the number of folds.

    Raises:
        InputError: not even two folds leave both classes to train on.
    """
    is_case = np.asarray(is_case, dtype=bool)
    possible = min(len(np.unique(groups[is_case])), len(np.unique(groups[~is_case])))
    for number in range(min(folds, possible), 1, -1):
        for _ in range(DEALS):
            fold_of = stratified_folds(is_case, groups, number, rng)
            if all(len(np.unique(is_case[train])) == 2 for train, _ in splits(fold_of)):
                return fold_of, number
    raise InputError(
        Problem(
            f"a training set with {is_case.sum()} case and {(~is_case).sum()} control samples",
            "2 or more of each class, and of their groups, in every training set, to choose the penalty:"
            " more samples, or more `folds`",
            "cross-validation",
        )
    )


def splits(fold_of: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Positions of the training and of the test samples, a pair a fold."""
    for fold in range(fold_of.max() + 1):
        yield np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
