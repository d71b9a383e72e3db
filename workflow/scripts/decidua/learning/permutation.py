"""Would labels dealt at random be told apart as well? The whole pipeline, run on permuted labels.

The statistic is the mean AUC within the outer folds of one repeat. Outer and inner folds are dealt without
looking at any label, so that the labels as they are and every permuted vector go through the very same
procedure: where no label has to do with the counts, they are exchangeable, and the test is exact. What does
not depend on labels (size factors, gene filter, standardisation, inner products) is made once a training set.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, comb, prod

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from decidua import results
from decidua.errors import InputError, Problem
from decidua.learning import preparation, ridge
from decidua.learning.cross_validation import Settings, aligned, aligned_study
from decidua.learning.folds import splits, stratified_folds
from decidua.learning.guard import Training
from decidua.learning.performance import MODEL, auc
from decidua.learning.preparation import Preparation
from decidua.steps import steps

LOGISTIC, SCREEN = "logistic", "ridge screen"
OBSERVED = "AUC within folds dealt without labels"
#: Label vectors that are solved together, and the least that a job is given.
BLOCK = 101
#: The AUC counted for a draw of which no fold can be evaluated, for all draws alike: a coin's.
NEITHER = 0.5
#: Two AUCs closer than this are equal: their sums differ in rounding only.
SAME = 1e-9


@dataclass(frozen=True)
class Exchange:
    """Which labels may change places.

    unit: of each sample, the unit that carries its label. stratum: of each unit, where it may go.
    labels: of each unit, whether it is a case. how: in words.
    """

    unit: np.ndarray
    stratum: np.ndarray
    labels: np.ndarray
    how: str

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Labels of all samples after the units of every stratum have changed places at random."""
        places = np.argsort(self.stratum, kind="stable")
        comes = np.lexsort((rng.random(len(self.stratum)), self.stratum))
        labels = np.empty_like(self.labels)
        labels[places] = self.labels[comes]
        return labels[self.unit]

    @property
    def arrangements(self) -> int:
        """How many different label vectors of the units there are; all are equally likely."""
        inside = (self.labels[self.stratum == stratum] for stratum in np.unique(self.stratum))
        return prod(comb(len(labels), int(labels.sum())) for labels in inside)


def exchange(is_case: np.ndarray, groups: np.ndarray, batches: np.ndarray | None = None) -> Exchange:
    """Which labels may change places under the null hypothesis.

    Where every group has one label, groups change places, and all samples of one move together; else
    samples do within their group. Both only within a stratum: a batch, or, of groups, as many samples and
    the same set of batches.

    Args:
        is_case, groups, batches: a boolean and two integer codes a sample.
    """
    is_case, groups = np.asarray(is_case, dtype=bool), np.unique(groups, return_inverse=True)[1]
    batches = np.zeros(len(groups), dtype=int) if batches is None else np.asarray(batches)
    strata = len(np.unique(batches)) > 1
    members = [np.flatnonzero(groups == group) for group in range(groups.max() + 1)]
    if all(len(set(is_case[member])) == 1 for member in members):
        # Groups of one size only: else a permuted vector would have other numbers of each class.
        sets = [(len(member), *sorted(set(batches[member].tolist()))) for member in members]
        known = sorted(set(sets))
        stratum = np.array([known.index(found) for found in sets])
        how = "samples" if len(members) == len(groups) else "groups (all samples of one together)"
        labels = is_case[[member[0] for member in members]]
        return Exchange(groups, stratum, labels, how + (" within batches" if strata else ""))
    stratum = np.unique(np.column_stack([groups, batches]), axis=0, return_inverse=True)[1].ravel()
    how = "samples within groups" + (" and batches" if strata else "")
    return Exchange(np.arange(len(groups)), stratum, is_case, how)


def permutation_test(
    counts: pd.DataFrame,
    labels: pd.Series,
    groups: pd.Series | None,
    batches: pd.Series | None,
    settings: Settings,
    rng: np.random.Generator,
    number: int,
    engine: str = LOGISTIC,
    part: int = 1,
    parts: int = 1,
) -> pd.DataFrame:
    """The statistic of the labels as they are and of permuted labels.

    An outer fold that tests or trains on one class only under a draw's labels is left out of that draw's
    mean, and an inner fold that trains on one class only out of its choice of the penalty, by the same rule
    for every draw.

    Args:
        counts: genes x samples, whole numbers.
        labels, groups, batches: by sample, as for `cross_validate`; batches are the strata (None: one).
        settings: of the cross-validation; of `repeats` one is made.
        rng: its spawned children deal the folds and the draws, each draw from a stream of its own.
        number: of permutations; 0 gives an empty table.
        engine: "logistic" (the classifier itself, converged) or "ridge screen" (linear ridge regression on
            the labels, its penalty chosen by squared error: a quick look).
        part, parts: which share of the draws, 1 to `parts`, and of how many; none is smaller than half a
            `BLOCK`, but for such as are empty.

    Returns:
        draw (0: the labels as they are) and auc (NaN where no outer fold can be evaluated), sorted.

    Raises:
        InputError: as `evaluate_folds`; an engine that is not known.
    """
    if engine not in ENGINES:
        raise InputError(f"permutation engine: found {engine}; expected one of {', '.join(ENGINES)}")
    blocks = _blocks(number)[part - 1 :: parts] if number else []
    if not blocks:
        return _table([], [])
    study = aligned_study(counts, labels, groups, batches, settings)
    is_case, codes = study.everyone.is_case, study.everyone.groups
    deal, draw = rng.spawn(2)
    draws = np.concatenate(blocks)
    permuted = exchange(is_case, codes, _codes(batches, study.samples))
    streams = draw.spawn(number)
    vectors = np.array([permuted.draw(streams[k - 1]) if k else is_case for k in draws])
    ends = np.cumsum([len(block) for block in blocks])[:-1]
    with threadpool_limits(limits=1, user_api="blas"):
        found = _statistics(study.everyone, np.split(vectors, ends), settings, deal, ENGINES[engine])
    return _table(draws, found)


def combine(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The draws of all parts, sorted."""
    return pd.concat(tables).sort_values("draw", ignore_index=True)


def p_value(draws: pd.DataFrame) -> float:
    """(b + 1) / (B + 1), where b of B permutations have an AUC as great as the labels as they are.

    Source: Phipson and Smyth 2010 (doi 10.2202/1544-6115.1585).
    """
    observed, permuted = _observed(draws)
    return (_as_great(observed, permuted) + 1) / (len(permuted) + 1)


def summary(
    draws: pd.DataFrame,
    labels: pd.Series,
    groups: pd.Series | None,
    batches: pd.Series | None,
    study: str,
    settings: Settings,
    engine: str = LOGISTIC,
) -> pd.DataFrame:
    """The permutation test as a results table (see `decidua.results`).

    Args:
        draws: as from `combine`; the others as for `permutation_test`.

    Returns:
        The observed AUC with the p-value, the permutations' mean with the ends of their middle 95%, and the
        share of them with an AUC as great.
    """
    samples = pd.DataFrame(index=labels.index)
    _, is_case, codes, names = aligned(samples.T, labels, groups)
    permuted = exchange(is_case, codes, _codes(batches, sorted(labels.index)))
    common = {
        "analysis": "permutation",
        "population": study,
        "variable": MODEL if engine == LOGISTIC else "linear ridge regression on the labels (screen)",
        "counted": _counted(is_case, codes, names, draws, settings),
    }
    reason = _why_not(draws, permuted)
    if reason:
        return results.frame([results.not_estimable(reason, quantity=OBSERVED, **common)])
    common["reason"] = _caution(draws, permuted)
    return results.frame({**common, **row} for row in _rows(draws, permuted))


def _rows(draws: pd.DataFrame, permuted: Exchange) -> Iterator[dict]:
    observed, null = _observed(draws)
    great = _as_great(observed, null)
    yield results.row(
        quantity=OBSERVED,
        estimate=observed,
        denominator=len(permuted.unit),
        test=f"one-sided permutation test of the whole procedure, {len(null)} permutations of {permuted.how}",
        statistic=observed,
        p=p_value(draws),
    )
    lower, upper = np.quantile(null, [0.025, 0.975])
    yield results.row(
        quantity="mean AUC of permuted labels",
        estimate=null.mean(),
        lower=lower,
        upper=upper,
        interval="middle 95% of the permutations",
        denominator=len(permuted.unit),
    )
    yield results.row(
        quantity="permutations with an AUC as great",
        estimate=great / len(null),
        numerator=great,
        denominator=len(null),
    )


def _observed(draws: pd.DataFrame) -> tuple[float, np.ndarray]:
    """The AUC of the labels as they are and of the permuted ones."""
    values = draws.set_index("draw")["auc"].astype(float).fillna(NEITHER)
    return float(values.loc[0]), values.drop(0).to_numpy()


def _as_great(observed: float, permuted: np.ndarray) -> int:
    return int((permuted >= observed - SAME).sum())


def _why_not(draws: pd.DataFrame, permuted: Exchange) -> str | None:
    if draws.empty:
        return "no permutations asked for (`classifier`, `permutations: 0`)"
    if permuted.arrangements == 1:
        return f"permuting {permuted.how} leaves every label where it is"
    if pd.isna(draws.set_index("draw")["auc"].loc[0]):
        return "no outer fold trains and tests on both classes"
    return None


def _caution(draws: pd.DataFrame, permuted: Exchange) -> str | None:
    number = len(draws) - 1
    texts = []
    if permuted.arrangements <= number:
        texts.append(
            f"{permuted.how} can be arranged in {permuted.arrangements} ways only: p is seldom below"
            f" 1 / {permuted.arrangements}"
        )
    lost = int(draws["auc"].isna().sum())
    if lost:
        texts.append(f"{lost} of {number} permutations count as {NEITHER}: no outer fold holds both classes")
    return "; ".join(texts) or None


def _counted(
    is_case: np.ndarray, codes: np.ndarray, names: np.ndarray, draws: pd.DataFrame, settings: Settings
) -> str:
    groups = f" of {len(np.unique(codes))} groups" if pd.notna(names).any() else ""
    return (
        f"{len(is_case)} samples{groups} ({is_case.sum()} case, {(~is_case).sum()} control); 1 repeat of"
        f" {settings.folds} folds; {max(0, len(draws) - 1)} permutations"
    )


def _table(draws: Sequence[int], found: Sequence[float]) -> pd.DataFrame:
    table = pd.DataFrame({"draw": np.asarray(draws, dtype=np.int64), "auc": np.asarray(found, dtype=float)})
    return table.sort_values("draw", ignore_index=True)


def _blocks(number: int) -> list[np.ndarray]:
    """Draws 0 to `number` in blocks that never depend on how they are shared out: so neither do roundings."""
    return np.array_split(np.arange(number + 1), ceil((number + 1) / BLOCK))


def _codes(batches: pd.Series | None, samples: Sequence[str]) -> np.ndarray | None:
    if batches is None or batches.isna().all():
        return None
    known = batches.reindex(list(samples))
    if known.isna().any():
        raise InputError("batches: found a sample without a batch; expected one for every sample")
    return np.unique(known.astype(str), return_inverse=True)[1]


# ---- the pipeline, for many label vectors at once


@dataclass(frozen=True)
class _TrainingSet:
    """Positions of the samples learned from and of those scored; inner: to choose the penalty of its fold."""

    fold: int
    train: np.ndarray
    test: np.ndarray
    inner: bool


def _training_sets(codes: np.ndarray, settings: Settings, rng: np.random.Generator) -> list[_TrainingSet]:
    """All training sets of a repeat, those of the inner folds before their outer one; without labels."""
    outer, *streams = rng.spawn(settings.folds + 1)
    sets = []
    for fold, (train, test) in enumerate(splits(_deal(codes, settings.folds, outer))):
        if len(np.unique(codes[train])) < 2:
            expected = "2 or more in every training set, to choose the penalty: more samples, or more `folds`"
            raise InputError(Problem("a training set of one group", expected, "permutation test"))
        for inner, held_out in splits(_deal(codes[train], settings.inner_folds, streams[fold])):
            sets.append(_TrainingSet(fold, train[inner], train[held_out], inner=True))
        sets.append(_TrainingSet(fold, train, test, inner=False))
    return sets


def _deal(codes: np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    unlabelled = np.zeros(len(codes), dtype=bool)
    return stratified_folds(unlabelled, codes, min(folds, len(np.unique(codes))), rng)


def _statistics(
    everyone: Training,
    blocks: Sequence[np.ndarray],
    settings: Settings,
    rng: np.random.Generator,
    engine: type["_Engine"],
) -> np.ndarray:
    """The mean AUC of each label vector; `blocks` hold label vectors x samples."""
    losses = [_Losses(len(block), settings.penalties) for block in blocks]
    aucs = [np.full((len(block), settings.folds), np.nan) for block in blocks]
    for at in steps(_training_sets(everyone.groups, settings, rng), "training set"):
        solver = engine(*_inner_products(everyone, at, settings), settings.grid)
        for block, loss, found in zip(blocks, losses, aucs, strict=True):
            usable = _both(block[:, at.train])
            if at.inner:
                loss.add(usable, solver, block[:, at.train], block[:, at.test])
            else:
                usable &= _both(block[:, at.test]) & (loss.samples > 0)
                scores = solver.scores(block[usable][:, at.train], loss.least()[usable])
                for row, score in zip(np.flatnonzero(usable), scores, strict=True):
                    found[row, at.fold] = auc(score, block[row, at.test])
                loss.clear()
    return np.concatenate([_means(found) for found in aucs])


@dataclass(frozen=True)
class _Prepared:
    """Training samples as they were prepared, for the inner products of others with them."""

    preparation: Preparation
    values: np.ndarray

    def score(self, counts: np.ndarray, batches: np.ndarray | None) -> np.ndarray:
        return ridge.products(self.preparation.transform(counts, batches), self.values)


def _inner_products(
    everyone: Training, at: _TrainingSet, settings: Settings
) -> tuple[np.ndarray, np.ndarray]:
    """Of the training samples with each other and of the others with them, all prepared by the former."""
    training, sealed = everyone.split(at.train, at.test)
    prepared, values = preparation.fit(training.counts, settings.preparing, training.batches)
    return ridge.products(values, values), sealed.score(_Prepared(prepared, values))


def _both(labels: np.ndarray) -> np.ndarray:
    return labels.any(axis=1) & ~labels.all(axis=1)


def _means(aucs: np.ndarray) -> np.ndarray:
    """Row means of what is known; NaN where nothing is."""
    known = np.isfinite(aucs)
    number = known.sum(axis=1)
    total = np.where(known, aucs, 0).sum(axis=1)
    return np.divide(total, number, out=np.full(len(aucs), np.nan), where=number > 0)


class _Losses:
    """What the held-out samples of the inner folds of one outer fold lose under each penalty."""

    def __init__(self, vectors: int, penalties: int):
        self.total = np.zeros((vectors, penalties))
        self.samples = np.zeros(vectors, dtype=int)

    def add(self, usable: np.ndarray, solver: "_Engine", train: np.ndarray, test: np.ndarray) -> None:
        """An inner fold; label vectors that are not usable have one class to train on."""
        self.total[usable] += solver.losses(train[usable], test[usable])
        self.samples[usable] += test.shape[1]

    def least(self) -> np.ndarray:
        """The penalty of the least mean loss; of equals the strongest."""
        return np.argmin(self.total / np.maximum(self.samples, 1)[:, None], axis=1)

    def clear(self) -> None:
        self.total[:], self.samples[:] = 0, 0


class _Engine(ABC):
    """What a training set gives, for any labels.

    Args:
        gram, cross: inner products of the training samples and of the samples to score with them.
        grid: the penalties, strong to weak.
    """

    def __init__(self, gram: np.ndarray, cross: np.ndarray, grid: np.ndarray):
        self.gram, self.cross, self.grid = gram, cross, grid

    @abstractmethod
    def losses(self, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        """Summed over the samples scored: label vectors x penalties."""

    @abstractmethod
    def scores(self, train: np.ndarray, penalty: np.ndarray) -> np.ndarray:
        """Label vectors x samples, each under its own penalty (a position in the grid)."""


class _Logistic(_Engine):
    """Ridge logistic regression; the loss is the log loss, as in `learn`."""

    def losses(self, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        scores = ridge.fit_paths(self.gram, train, self.grid).score(self.cross)
        return (np.logaddexp(0, scores) - test[:, None, :] * scores).sum(axis=2)

    def scores(self, train: np.ndarray, penalty: np.ndarray) -> np.ndarray:
        paths = ridge.fit_paths(self.gram, train, self.grid, penalty)
        rows = np.arange(len(train))
        return paths.weights[rows, penalty] @ self.cross.T + paths.intercepts[rows, penalty, None]


class _Screen(_Engine):
    """Linear ridge regression on labels of 0 and 1 with a free intercept, in the Gram matrix's eigenbasis."""

    def __init__(self, gram: np.ndarray, cross: np.ndarray, grid: np.ndarray):
        super().__init__(gram, cross, grid)
        values, self.basis = np.linalg.eigh(gram)
        self.values = np.maximum(values, 0)
        self.turned = cross @ self.basis

    def losses(self, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        turned, share = self._turn(train)
        wanted = test - share
        found = [
            ((turned / (self.values + penalty) @ self.turned.T - wanted) ** 2).sum(axis=1)
            for penalty in self.grid
        ]
        return np.column_stack(found)

    def scores(self, train: np.ndarray, penalty: np.ndarray) -> np.ndarray:
        turned, share = self._turn(train)
        return turned / (self.values + self.grid[penalty, None]) @ self.turned.T + share

    def _turn(self, train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        share = train.mean(axis=1, keepdims=True)
        return (train - share) @ self.basis, share


ENGINES = {LOGISTIC: _Logistic, SCREEN: _Screen}
