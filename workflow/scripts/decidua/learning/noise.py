"""What do top genes and the best pair reach on pure noise, chosen inside or outside the folds?"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from decidua.learning.discriminant import fit_nested
from decidua.learning.folds import splits, stratified_folds
from decidua.learning.performance import auc
from decidua.learning.ranking import best_pair, strongest, t_statistics

INSIDE, OUTSIDE = "inside", "outside"
TWO = "two genes"


def noise_study(
    cases: int,
    controls: int,
    genes: int,
    rng: np.random.Generator,
    sizes: Sequence[int] = (20, 30),
    folds: int = 5,
    data_sets: int = 3,
    with_pair: int = 1,
) -> pd.DataFrame:
    """Cross-validate panels on standard normal values that have nothing to do with the class.

    In every training set: standardisation and a linear discriminant with shrinkage. The genes are chosen by
    |t| (or as the best of all pairs) either in the training set or once with all samples; nothing else
    differs.

    Args:
        cases, controls, genes: the shape of each data set.
        sizes: panel sizes; one larger than the number of genes takes them all.
        folds: of one repeat, stratified by class; at most the size of the smaller class.
        data_sets: how many are drawn, each from its own child of `rng`.
        with_pair: in how many of them the best pair is sought too, `folds` + 1 times.

    Returns:
        data_set, model ("top 20 genes", "two genes"), chosen ("inside" or "outside"), auc (mean over the
        folds), accuracy (at probability 0.5).
    """
    rows: list[dict[str, object]] = []
    with threadpool_limits(limits=1, user_api="blas"):
        for number, child in enumerate(rng.spawn(data_sets), start=1):
            found = _one(cases, controls, genes, child, sizes, folds, number <= with_pair)
            rows += [{"data_set": number, **row} for row in found]
    columns = ["data_set", "model", "chosen", "auc", "accuracy"]
    return pd.DataFrame(rows, columns=columns).astype({"model": "string", "chosen": "string"})


def _one(
    cases: int,
    controls: int,
    genes: int,
    rng: np.random.Generator,
    sizes: Sequence[int],
    folds: int,
    with_pair: bool,
) -> Iterator[dict[str, object]]:
    is_case = np.arange(cases + controls) < cases
    values = rng.standard_normal((cases + controls, genes), dtype=np.float32)
    fold_of = stratified_folds(is_case, np.arange(len(is_case)), folds, rng)
    everyone = dict(_choices(_standardised(values, values), is_case, sizes, with_pair))
    held_out: dict[tuple[str, str], np.ndarray] = {}
    for train, test in splits(fold_of):
        known, new = (_standardised(values[rows], values[train]) for rows in (train, test))
        inside = dict(_choices(known, is_case[train], sizes, with_pair))
        for chosen, choices in ((INSIDE, inside), (OUTSIDE, everyone)):
            for model, columns in choices.items():
                (discriminant,) = fit_nested(known[:, columns], is_case[train], [len(columns)])
                scores = held_out.setdefault((model, chosen), np.empty(len(is_case)))
                scores[test] = discriminant.score(new[:, columns])
    for (model, chosen), scores in held_out.items():
        areas = [auc(scores[test], is_case[test]) for _, test in splits(fold_of)]
        accuracy = float(((scores >= 0) == is_case).mean())
        yield {"model": model, "chosen": chosen, "auc": float(np.mean(areas)), "accuracy": accuracy}


def _choices(
    values: np.ndarray, is_case: np.ndarray, sizes: Sequence[int], with_pair: bool
) -> Iterator[tuple[str, np.ndarray]]:
    order = strongest(t_statistics(values, is_case), max(sizes))
    for size in sizes:
        yield f"top {size} genes", order[:size]
    if with_pair:
        pair = best_pair(values, is_case)
        yield TWO, np.array([pair.first, pair.second])


def _standardised(values: np.ndarray, by: np.ndarray) -> np.ndarray:
    return (values - by.mean(axis=0)) / by.std(axis=0)
