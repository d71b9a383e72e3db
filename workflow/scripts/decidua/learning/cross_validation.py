"""How well do the counts tell cases from controls in samples that no step of the learning has seen?

Repeated, stratified (and grouped) nested cross-validation of a ridge logistic regression. Everything that
learns (size-factor reference, gene filter, standardisation, penalty, threshold, coefficients) learns in
`learn`, which is handed the training samples and nothing else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.special import expit
from threadpoolctl import threadpool_limits

from decidua.errors import InputError
from decidua.learning import preparation, ridge
from decidua.learning.folds import inner_folds, splits, stratified_folds, too_few_members
from decidua.learning.performance import CASE, CONTROL, auc
from decidua.learning.preparation import Preparation, Preparing
from decidua.learning.ridge import products as _products


@dataclass(frozen=True)
class Settings:
    """What a reader may choose about the cross-validation.

    repeats, folds, inner_folds: repetitions of the outer split, its folds, and folds for choosing the
        penalty.
    penalties: how many, evenly spaced in the logarithm from `strongest` to `weakest`. A penalty is per
        gene: with g genes kept, penalty * g is 1 / C of scikit-learn's LogisticRegression.
    min_count, min_share: a gene is kept if this share of the training samples has this many reads.
    threshold: probability from which a sample is called a case; None chooses it in the inner folds (greatest
        balanced accuracy).
    top: how many genes of the largest standardised coefficients are counted for `top_frequency`.
    """

    repeats: int = 10
    folds: int = 5
    inner_folds: int = 5
    penalties: int = 20
    strongest: float = 1e3
    weakest: float = 1e-3
    min_count: int = 10
    min_share: float = 0.2
    threshold: float | None = None
    top: int = 20

    def __post_init__(self) -> None:
        least = {"repeats": 1, "folds": 2, "inner_folds": 2, "penalties": 1, "min_count": 1, "top": 1}
        wrong = [
            (name, getattr(self, name), f"{low} or more")
            for name, low in least.items()
            if getattr(self, name) < low
        ]
        if not 0 < self.weakest <= self.strongest:
            wrong.append(("weakest", self.weakest, f"more than 0, {self.strongest:g} (`strongest`) at most"))
        if not 0 <= self.min_share <= 1:
            wrong.append(("min_share", self.min_share, "a share from 0 to 1"))
        if self.threshold is not None and not 0 < self.threshold < 1:
            wrong.append(("threshold", self.threshold, "a probability between 0 and 1"))
        if wrong:
            raise InputError(
                f"classifier, `{name}`: found {found}; expected {right}" for name, found, right in wrong
            )

    @property
    def preparing(self) -> Preparing:
        """How counts become values."""
        return Preparing(self.min_count, self.min_share)

    @property
    def grid(self) -> np.ndarray:
        """The penalties, strong to weak."""
        return np.geomspace(self.strongest, self.weakest, self.penalties)


@dataclass(frozen=True)
class Model:
    """What one training set taught; new samples are only put through it.

    coefficients: one a gene of `preparation.genes`, on standardised expression. deviance: mean log loss of
    the held-out inner samples under each penalty of the grid, strong to weak.
    """

    preparation: Preparation
    coefficients: np.ndarray
    intercept: float
    penalty: float
    threshold: float
    inner_folds: int
    deviance: np.ndarray = field(repr=False)

    def score(self, counts: np.ndarray) -> np.ndarray:
        """Linear predictors (logits of being a case) of samples x all genes."""
        return self.preparation.transform(counts) @ self.coefficients + self.intercept


@dataclass(frozen=True)
class CrossValidation:
    """The outcome of a repeated nested cross-validation.

    predictions: a row a sample and repeat: sample, group (NA when ungrouped), label, repeat, fold, score
        (logit), probability, threshold, predicted.
    folds: a row an outer fold: repeat, fold, n_train, n_test, n_train_case, n_test_case, genes,
        reference_genes, reference, inner_folds, penalty, at_edge (strongest, weakest or inside), deviance,
        threshold, auc (NA when the fold tests one class), note.
    genes: a row a gene over all outer folds, best mean rank first: gene, kept (share of the folds whose
        filter let it through), mean_coefficient (standardised; 0 where filtered out), mean_rank (1 =
        largest absolute coefficient), top_frequency (share of the folds with the gene among the top),
        same_sign (share of the folds that kept it with the commoner sign).
    """

    predictions: pd.DataFrame
    folds: pd.DataFrame
    genes: pd.DataFrame


def learn(
    counts: np.ndarray, is_case: np.ndarray, groups: np.ndarray, settings: Settings, rng: np.random.Generator
) -> Model:
    """Learn everything from a training set: penalty and threshold in inner folds, then the model.

    Args:
        counts: training samples x genes, float32, C order.
        is_case, groups: a boolean and an integer code a training sample.

    Raises:
        InputError: a training set too small to split, or without an expressed gene.
    """
    fold_of, number = inner_folds(is_case, groups, settings.inner_folds, rng)
    grid = settings.grid
    held_out = np.empty((len(counts), len(grid)))
    for train, test in splits(fold_of):
        prepared, values = preparation.fit(counts[train], settings.preparing)
        path = ridge.fit_path(_products(values, values), is_case[train], grid)
        held_out[test] = path.score(_products(prepared.transform(counts[test]), values))
    deviance = _log_loss(held_out, is_case)
    chosen = int(np.argmin(deviance))  # the first of equals, which is the strongest penalty
    threshold = settings.threshold
    if threshold is None:
        threshold = best_threshold(expit(held_out[:, chosen]), is_case)
    prepared, values = preparation.fit(counts, settings.preparing)
    path = ridge.fit_path(_products(values, values), is_case, grid[: chosen + 1])
    coefficients = path.weights[-1] @ values.astype(float) / values.shape[1]
    return Model(
        prepared, coefficients, float(path.intercepts[-1]), float(grid[chosen]), threshold, number, deviance
    )


def best_threshold(probability: np.ndarray, is_case: np.ndarray) -> float:
    """The probability of greatest balanced accuracy, half-way between neighbours; of equals, nearest 0.5."""
    values = np.unique(probability)
    candidates = np.append((values[1:] + values[:-1]) / 2, 0.5)
    called = probability >= candidates[:, None]
    balanced = called[:, is_case].mean(axis=1) + (~called[:, ~is_case]).mean(axis=1)
    best = candidates[balanced >= balanced.max() - 1e-9]
    return float(best[np.argmin(np.abs(best - 0.5))])


@dataclass(frozen=True)
class Folds:
    """What some outer folds gave: enough to combine them with the other folds.

    predictions, folds: as in `CrossValidation`, of these folds. coefficients: genes (sorted by name) x folds
    (columns "repeat:fold"), of standardised expression; NaN where the fold's filter left the gene out.
    """

    predictions: pd.DataFrame
    folds: pd.DataFrame
    coefficients: pd.DataFrame


def cross_validate(
    counts: pd.DataFrame,
    labels: pd.Series,
    groups: pd.Series | None,
    settings: Settings,
    rng: np.random.Generator,
) -> CrossValidation:
    """Repeated nested cross-validation of the ridge logistic regression, at once.

    Args and Raises are those of `evaluate_folds`, Returns that of `combine`.
    """
    return combine([evaluate_folds(counts, labels, groups, settings, rng)], settings)


def evaluate_folds(
    counts: pd.DataFrame,
    labels: pd.Series,
    groups: pd.Series | None,
    settings: Settings,
    rng: np.random.Generator,
    part: int = 1,
    parts: int = 1,
) -> Folds:
    """Learn and test in a share of the outer folds of all repeats.

    Args:
        counts: genes x samples, whole numbers.
        labels: "case" or "control" by sample; the samples of `counts`, in any order.
        groups: what must stay together (a woman's samples), by sample; None or all missing: nothing.
        rng: its spawned children serve the repeats and theirs the folds, so what comes of a fold depends
            neither on how many others there are nor on which share it is in.
        part, parts: which share, 1 to `parts`, and of how many; not more than there are folds.

    Raises:
        InputError: labels that do not fit the counts, too few samples or groups, nothing expressed.
    """
    counts, is_case, codes, names = aligned(counts, labels, groups)
    problem = too_few_members(is_case, codes, settings.folds, grouped=pd.notna(names).any())
    if problem:
        raise InputError(problem)
    by_gene = np.argsort(counts.index.to_numpy(dtype=object), kind="stable")
    matrix = np.ascontiguousarray(counts.to_numpy()[by_gene].T, dtype=np.float32)
    predictions, fold_rows, coefficients = [], [], {}
    with threadpool_limits(limits=1, user_api="blas"):
        for repeat, fold, train, test, stream in _outer_folds(is_case, codes, settings, rng):
            if ((repeat - 1) * settings.folds + fold - part) % parts:
                continue
            model = learn(matrix[train], is_case[train], codes[train], settings, stream)
            scores = model.score(matrix[test])
            predictions.append(
                pd.DataFrame(
                    {
                        "sample": counts.columns[test],
                        "group": names[test],
                        "label": np.where(is_case[test], CASE, CONTROL),
                        "repeat": repeat,
                        "fold": fold,
                        "score": scores,
                        "probability": expit(scores),
                        "threshold": model.threshold,
                        "predicted": np.where(expit(scores) >= model.threshold, CASE, CONTROL),
                    }
                )
            )
            place = {"repeat": repeat, "fold": fold}
            fold_rows.append(place | _fold_row(model, scores, is_case[train], is_case[test], settings))
            coefficients[f"{repeat}:{fold}"] = np.full(len(counts), np.nan)
            coefficients[f"{repeat}:{fold}"][model.preparation.genes] = model.coefficients
    return Folds(
        predictions=_typed(pd.concat(predictions), "sample", "group", "label", "predicted"),
        folds=_typed(pd.DataFrame(fold_rows).astype({"auc": "Float64"}), "reference", "at_edge", "note"),
        coefficients=pd.DataFrame(coefficients, index=pd.Index(counts.index[by_gene], name="gene")),
    )


def combine(parts: Sequence[Folds], settings: Settings) -> CrossValidation:
    """All outer folds together, however they were shared out.

    Returns:
        Predictions, folds and genes. They depend neither on the order of samples or genes nor on which
        class is called the case (scores then change sign), nor on the number of parts or cores.
    """
    predictions, folds = (
        pd.concat([getattr(part, name) for part in parts]) for name in ("predictions", "folds")
    )
    folds = folds.sort_values(["repeat", "fold"], ignore_index=True)
    coefficients = pd.concat([part.coefficients for part in parts], axis="columns")
    tally = _GeneTally(len(coefficients), settings.top)
    for repeat, fold in zip(folds["repeat"], folds["fold"], strict=True):
        tally.add(coefficients[f"{repeat}:{fold}"].to_numpy())
    return CrossValidation(
        predictions=predictions.sort_values(["repeat", "sample"], kind="stable", ignore_index=True),
        folds=folds,
        genes=tally.table(coefficients.index),
    )


def _typed(table: pd.DataFrame, *text: str) -> pd.DataFrame:
    return table.astype({name: "string" for name in text})


def aligned(
    counts: pd.DataFrame, labels: pd.Series, groups: pd.Series | None
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    """Counts, classes, group codes and group names in the order of the sample ids."""
    samples = sorted(counts.columns)
    for what, given in (("labels", labels), ("groups", groups)):
        if given is not None and sorted(given.index) != samples:
            raise InputError(f"{what}: found other samples than in the counts; expected one entry a sample")
    labels = labels.loc[samples]
    strange = sorted(set(labels.astype(str)) - {CASE, CONTROL})
    if strange:
        raise InputError(f"labels: found {', '.join(strange)}; expected {CASE} and {CONTROL}")
    if groups is None or groups.isna().all():
        codes, names = np.arange(len(samples)), np.full(len(samples), pd.NA, dtype=object)
    else:
        names = groups.loc[samples].astype("string").to_numpy(dtype=object)
        if pd.isna(names).any():
            raise InputError("groups: found a sample without a group; expected one for every sample")
        codes = np.unique(names.astype(str), return_inverse=True)[1]
    return counts[samples], (labels == CASE).to_numpy(dtype=bool), codes, names


def _outer_folds(
    is_case: np.ndarray, codes: np.ndarray, settings: Settings, rng: np.random.Generator
) -> Iterator[tuple[int, int, np.ndarray, np.ndarray, np.random.Generator]]:
    """Repeat, fold, positions of training and test samples, and the fold's own random stream."""
    for repeat, child in enumerate(rng.spawn(settings.repeats), start=1):
        deal, *streams = child.spawn(settings.folds + 1)
        fold_of = stratified_folds(is_case, codes, settings.folds, deal)
        for fold, ((train, test), stream) in enumerate(zip(splits(fold_of), streams, strict=True), start=1):
            yield repeat, fold, train, test, stream


def _fold_row(
    model: Model, scores: np.ndarray, train_case: np.ndarray, test_case: np.ndarray, settings: Settings
) -> dict[str, object]:
    edge = {settings.strongest: "strongest", settings.weakest: "weakest"}
    notes = []
    if model.inner_folds < settings.inner_folds:
        fewest = "cases" if train_case.sum() <= (~train_case).sum() else "controls"
        notes.append(
            f"{model.inner_folds} inner folds, not {settings.inner_folds}: the training set has"
            f" {min(train_case.sum(), (~train_case).sum())} {fewest}"
        )
    one_class = test_case.all() or not test_case.any()
    if one_class:
        notes.append("no AUC: the fold tests one class only")
    return {
        "n_train": len(train_case),
        "n_test": len(test_case),
        "n_train_case": int(train_case.sum()),
        "n_test_case": int(test_case.sum()),
        "genes": len(model.preparation.genes),
        "reference_genes": len(model.preparation.reference.genes),
        "reference": model.preparation.reference.rule,
        "inner_folds": model.inner_folds,
        "penalty": model.penalty,
        "at_edge": edge.get(model.penalty, "inside"),
        "deviance": float(model.deviance.min()),
        "threshold": model.threshold,
        "auc": pd.NA if one_class else auc(scores, test_case),
        "note": "; ".join(notes) or pd.NA,
    }


class _GeneTally:
    """Running sums over the outer folds of what each gene weighed."""

    def __init__(self, genes: int, top: int):
        self.top = top
        self.folds = 0
        self.kept, self.coefficient, self.rank, self.in_top, self.positive = (
            np.zeros(genes) for _ in range(5)
        )

    def add(self, of_fold: np.ndarray) -> None:
        """The coefficients of a fold's model, NaN where its filter left the gene out."""
        genes = np.flatnonzero(np.isfinite(of_fold))
        coefficients = of_fold[genes]
        order = np.argsort(-np.abs(coefficients), kind="stable")
        ranks = np.full(len(self.kept), float(len(self.kept)))  # a gene filtered out ranks last
        ranks[genes[order]] = np.arange(1, len(genes) + 1)
        self.folds += 1
        self.kept[genes] += 1
        self.coefficient[genes] += coefficients
        self.positive[genes] += coefficients > 0
        self.in_top[genes[order[: self.top]]] += 1
        self.rank += ranks

    def table(self, names: pd.Index) -> pd.DataFrame:
        share = np.divide(self.positive, self.kept, out=np.full(len(names), np.nan), where=self.kept > 0)
        table = pd.DataFrame(
            {
                "gene": pd.array(names, dtype="string"),
                "kept": self.kept / self.folds,
                "mean_coefficient": self.coefficient / self.folds,
                "mean_rank": self.rank / self.folds,
                "top_frequency": self.in_top / self.folds,
                "same_sign": np.maximum(share, 1 - share),
            }
        )
        return table.sort_values(["mean_rank", "gene"], kind="stable", ignore_index=True)


def _log_loss(scores: np.ndarray, is_case: np.ndarray) -> np.ndarray:
    return (np.logaddexp(0, scores) - is_case[:, None] * scores).mean(axis=0)
