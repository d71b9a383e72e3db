"""How well do a few genes do, when which genes they are is chosen anew in every training set?

Top genes by |t| and the best pair of all pairs, on the outer folds of the cross-validation of the classifier.
Beside them stands what comes out when the genes are chosen once with all samples, those of the test folds
among them, and everything else stays inside the folds: a lesson, not a result.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy.special import expit
from threadpoolctl import threadpool_limits

from decidua import results
from decidua.learning import performance, preparation
from decidua.learning.cross_validation import (
    Settings,
    aligned_study,
    best_threshold,
    outer_folds,
    predicted_class,
)
from decidua.learning.discriminant import Discriminant, fit_nested
from decidua.learning.folds import inner_folds
from decidua.learning.guard import Training
from decidua.learning.performance import CASE, CONTROL
from decidua.learning.ranking import Pair, best_pair, strongest, t_statistics
from decidua.learning.stability import stability

INSIDE = "top genes, chosen inside the folds"
OUTSIDE = "top genes, chosen on all samples (optimistic)"
PAIR_INSIDE = "best pair, chosen inside the folds"
PAIR_OUTSIDE = "best pair, chosen on all samples (optimistic)"
STABILITY = "stability of the choice (Nogueira)"
IN_EVERY_FOLD = "genes of the consensus panel chosen in every fold"
#: What of the performance of a panel is told.
QUANTITIES = (
    performance.WITHIN,
    "accuracy",
    "accuracy at probability 0.5",
    "majority rate",
    "balanced accuracy",
    "sensitivity",
    "specificity",
    "Brier score",
)
OPTIMISTIC = "optimistic by construction: the samples of the test folds took part in choosing the genes"
PROCEDURE = (
    "of the procedure (choosing anew in every training set), not of the consensus panel: every sample took"
    " part in choosing that one, so only other samples can test it"
)


@dataclass(frozen=True)
class PanelSettings:
    """What a reader may choose about the panels.

    panel: genes of the panel whose choice is told in full. sizes: panel sizes whose performance is drawn.
    repeats, pair_repeats: of the cross-validation's repeats, how many are used for the panels and for the
    best pair; never more than there are.
    """

    panel: int = 20
    sizes: Sequence[int] = (1, 2, 5, 10, 20, 50, 100, 200)
    repeats: int = 2
    pair_repeats: int = 1

    @property
    def all_sizes(self) -> list[int]:
        """Every size to evaluate, that of the panel among them, small to large."""
        return sorted({self.panel, *self.sizes})


@dataclass(frozen=True)
class Panels:
    """What came of the panels.

    table: results table, analysis "panels": performance by size (the level) and way of choosing (the
        variable), and the stability of each choice.
    genes: a row a gene that some training set chose for the panel: gene, frequency (share of the training
        sets), mean_rank (by |t|; a gene filtered out ranks last), mean_t (0 where filtered out), direction
        (higher or lower in cases), same_sign (share of the training sets that kept it with that direction),
        consensus (whether it is one of the most often chosen; ties by mean rank).
    pairs: a row a pair that was the best in some training set: first, second, frequency, folds, mean_f.
    """

    table: pd.DataFrame
    genes: pd.DataFrame
    pairs: pd.DataFrame


def measure_panels(
    counts: pd.DataFrame,
    labels: pd.Series,
    groups: pd.Series | None,
    settings: Settings,
    panels: PanelSettings,
    rng: np.random.Generator,
    study: str,
    confidence: float = 0.95,
    batches: pd.Series | None = None,
) -> Panels:
    """Choose, fit and test panels in the outer folds of the first repeats of the cross-validation.

    In every training set: preparation, ranking, choice, a linear discriminant with shrinkage on the chosen
    genes (`decidua.learning.discriminant`), and its threshold: the greatest balanced accuracy in inner folds
    in which all of that is done again; for the pair, whose search is long, the point half-way between the
    classes, at which the probability is the share of cases in training.

    Args:
        counts, labels, groups, settings, batches: as for `cross_validation.evaluate_folds`.
        rng: a generator in the state in which the cross-validation was given it: then the folds are the same.
        study: the population of the rows.

    Returns:
        Tables that depend neither on the order of samples or genes nor on which class is called the case.

    Raises:
        InputError: labels that do not fit the counts, too few samples or groups, nothing expressed.
    """
    given = aligned_study(counts, labels, groups, batches, settings)
    everyone = given.everyone
    repeats = max(1, min(panels.repeats, settings.repeats))
    samples = _Samples(given.samples, given.groups, everyone.is_case)
    tally = _Tally(len(given.genes))
    settings = replace(settings, repeats=repeats)
    with threadpool_limits(limits=1, user_api="blas"):
        lesson = _choose(everyone, settings, panels.all_sizes[-1], panels.pair_repeats > 0)
        for repeat, fold, train, test, stream in outer_folds(given, settings, rng):
            training, sealed = everyone.split(train, test)
            with_pair = repeat <= panels.pair_repeats
            trained = _learn(training, settings, panels, lesson, stream, with_pair)
            for name, scores in sealed.score(trained).items():
                samples.add(name, repeat, fold, test, scores, trained.thresholds[name])
            tally.add(trained.choice)
    gene_names = given.genes.to_numpy(dtype=object)
    rows = [
        *_performance_rows(samples, tally, panels, study, confidence),
        *_choice_rows(samples, tally, panels, study, confidence),
    ]
    return Panels(results.frame(rows), tally.genes(gene_names, panels.panel), tally.pairs(gene_names))


@dataclass(frozen=True)
class _Choice:
    """What one training set chose: positions are of all genes; t is 0 where the filter left the gene out."""

    prepared: preparation.Preparation
    values: np.ndarray = field(repr=False)
    t: np.ndarray = field(repr=False)
    top: np.ndarray
    pair: Pair | None


def _choose(training: Training, settings: Settings, number: int, with_pair: bool) -> _Choice:
    prepared, values = preparation.fit(training.counts, settings.preparing, training.batches)
    of_kept = t_statistics(values, training.is_case)
    top = prepared.genes[strongest(of_kept, number)]
    pair = None
    if with_pair and len(prepared.genes) > 1 and len(training) > 3:
        found = best_pair(values, training.is_case)
        first, second = (int(prepared.genes[gene]) for gene in (found.first, found.second))
        pair = replace(found, first=first, second=second)
    t = np.zeros(training.counts.shape[1])
    t[prepared.genes] = of_kept
    return _Choice(prepared, values, t, top, pair)


Name = tuple[str, int]


@dataclass(frozen=True)
class _Trained:
    """The discriminants of one training set, each with the columns that it reads, and their thresholds."""

    choice: _Choice
    models: Mapping[Name, tuple[np.ndarray, Discriminant]]
    thresholds: Mapping[Name, float] = field(default_factory=dict)

    def score(self, counts: np.ndarray, batches: np.ndarray | None) -> dict[Name, np.ndarray]:
        values = self.choice.prepared.transform(counts, batches)
        return {name: model.score(values[:, columns]) for name, (columns, model) in self.models.items()}


def _learn(
    training: Training,
    settings: Settings,
    panels: PanelSettings,
    lesson: _Choice,
    rng: np.random.Generator,
    with_pair: bool,
) -> _Trained:
    """Everything that a training set teaches; `lesson` is the choice with all samples."""
    sizes, is_case = panels.all_sizes, training.is_case
    held_out: dict[Name, np.ndarray] = {}
    if settings.threshold is None:
        fold_of, _ = inner_folds(is_case, training.groups, settings.inner_folds, rng)
        for inner, sealed, positions in training.folds(fold_of):
            choice = _choose(inner, settings, sizes[-1], False)
            trained = _Trained(choice, _fit(choice, inner.is_case, sizes, lesson))
            for name, scores in sealed.score(trained).items():
                held_out.setdefault(name, np.empty(len(training)))[positions] = scores
    choice = _choose(training, settings, sizes[-1], with_pair)
    models = _fit(choice, is_case, sizes, lesson)
    thresholds = dict.fromkeys(models, settings.threshold)
    if settings.threshold is None:
        thresholds = dict.fromkeys(models, float(is_case.mean()))
        thresholds |= {name: best_threshold(expit(scores), is_case) for name, scores in held_out.items()}
    return _Trained(choice, models, thresholds)


def _fit(
    choice: _Choice, is_case: np.ndarray, sizes: Sequence[int], lesson: _Choice
) -> dict[Name, tuple[np.ndarray, Discriminant]]:
    """A discriminant for every size and way of choosing."""
    found = {}
    for called, genes in ((INSIDE, choice.top), (OUTSIDE, lesson.top)):
        columns, there = _columns(choice.prepared.genes, genes)
        at = [int(there[:size].sum()) for size in sizes]
        models = fit_nested(choice.values[:, columns], is_case, at)
        found |= {(called, size): (columns, model) for size, model in zip(sizes, models, strict=True)}
    if choice.pair and lesson.pair:
        for called, pair in ((PAIR_INSIDE, choice.pair), (PAIR_OUTSIDE, lesson.pair)):
            columns, there = _columns(choice.prepared.genes, np.array([pair.first, pair.second]))
            found[called, 2] = (
                columns,
                fit_nested(choice.values[:, columns], is_case, [int(there.sum())])[0],
            )
    return found


def _columns(kept: np.ndarray, genes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where genes stand among those kept (sorted), and which of them were kept."""
    place = np.minimum(np.searchsorted(kept, genes), len(kept) - 1)
    there = kept[place] == genes
    return place[there], there


class _Samples:
    """Held-out scores by panel."""

    def __init__(self, samples: pd.Index, groups: np.ndarray, is_case: np.ndarray):
        self.samples, self.groups, self.is_case = samples, groups, is_case
        self.parts: dict[Name, list[dict[str, object]]] = {}

    def add(
        self, name: Name, repeat: int, fold: int, test: np.ndarray, scores: np.ndarray, threshold: float
    ) -> None:
        part = {"place": test, "repeat": repeat, "fold": fold, "score": scores, "threshold": threshold}
        self.parts.setdefault(name, []).append(part)

    def predictions(self, name: Name) -> pd.DataFrame:
        """As `CrossValidation.predictions`."""
        parts = self.parts[name]
        each = [len(part["place"]) for part in parts]
        place = np.concatenate([part["place"] for part in parts])
        probability = expit(np.concatenate([part["score"] for part in parts]))
        threshold = np.repeat([part["threshold"] for part in parts], each)
        return pd.DataFrame(
            {
                "sample": self.samples[place],
                "group": self.groups[place],
                "label": np.where(self.is_case[place], CASE, CONTROL),
                "repeat": np.repeat([part["repeat"] for part in parts], each),
                "fold": np.repeat([part["fold"] for part in parts], each),
                "score": np.concatenate([part["score"] for part in parts]),
                "probability": probability,
                "threshold": threshold,
                "predicted": predicted_class(probability, threshold),
            }
        )


class _Tally:
    """What the training sets chose."""

    def __init__(self, genes: int):
        self.number = genes
        self.sets: list[np.ndarray] = []
        self.best: list[Pair] = []
        self.t, self.rank, self.kept, self.positive = (np.zeros(genes) for _ in range(4))
        self.fewest = genes

    def add(self, choice: _Choice) -> None:
        genes = choice.prepared.genes
        self.sets.append(choice.top)
        if choice.pair:
            self.best.append(choice.pair)
        self.fewest = min(self.fewest, len(genes))
        rank = np.full(self.number, float(self.number))
        rank[genes[strongest(choice.t[genes], len(genes))]] = np.arange(1, len(genes) + 1)
        self.rank += rank
        self.t += choice.t
        self.kept[genes] += 1
        self.positive[genes] += choice.t[genes] > 0

    def genes(self, names: np.ndarray, size: int) -> pd.DataFrame:
        """The genes chosen for a panel of that size."""
        folds = len(self.sets)
        times = np.bincount(np.concatenate([top[:size] for top in self.sets]), minlength=self.number)
        order = np.lexsort((np.arange(self.number), self.rank, -times))[: np.count_nonzero(times)]
        up = self.positive[order] / self.kept[order]
        higher = self.t[order] > 0
        return pd.DataFrame(
            {
                "gene": pd.array(names[order], dtype="string"),
                "frequency": times[order] / folds,
                "mean_rank": self.rank[order] / folds,
                "mean_t": self.t[order] / folds,
                "direction": pd.array(np.where(higher, "higher in cases", "lower in cases"), dtype="string"),
                "same_sign": np.where(higher, up, 1 - up),
                "consensus": np.arange(len(order)) < size,
            }
        )

    def pairs(self, names: np.ndarray) -> pd.DataFrame:
        found: dict[tuple[int, int], list[float]] = {}
        for pair in self.best:
            found.setdefault((pair.first, pair.second), []).append(pair.f)
        order = sorted(found, key=lambda pair: (-len(found[pair]), pair))
        return pd.DataFrame(
            {
                "first": pd.array([names[first] for first, _ in order], dtype="string"),
                "second": pd.array([names[second] for _, second in order], dtype="string"),
                "frequency": np.array([len(found[pair]) / len(self.best) for pair in order], dtype=float),
                "folds": np.array([len(found[pair]) for pair in order], dtype=int),
                "mean_f": np.array([np.mean(found[pair]) for pair in order], dtype=float),
            }
        )


def _performance_rows(
    samples: _Samples, tally: _Tally, panels: PanelSettings, study: str, confidence: float
) -> Iterator[dict[str, object]]:
    for variable, size in samples.parts:
        common = {"analysis": "panels", "population": study, "variable": variable, "level": str(size)}
        if size > tally.fewest:
            reason = f"some training set keeps only {tally.fewest} genes"
            yield results.not_estimable(reason, **common, quantity=performance.WITHIN)
            continue
        predictions = samples.predictions((variable, size))
        table = performance.summary(predictions, study, model=variable, confidence=confidence)
        cautions = [OPTIMISTIC] if variable in (OUTSIDE, PAIR_OUTSIDE) else []
        for row in table[table["quantity"].isin(QUANTITIES)].to_dict("records"):
            known = {key: value for key, value in row.items() if not pd.isna(value)}
            reasons = [*cautions, *([known.pop("reason")] if "reason" in known else [])]
            yield known | common | {"reason": "; ".join(reasons) or pd.NA}


def _choice_rows(
    samples: _Samples, tally: _Tally, panels: PanelSettings, study: str, confidence: float
) -> Iterator[dict[str, object]]:
    """Stability by size, and how many genes of the consensus panel are in every choice."""
    choices = [
        (INSIDE, size, [top[:size] for top in tally.sets])
        for size in panels.all_sizes
        if size <= tally.fewest
    ]
    if tally.best:
        choices.append((PAIR_INSIDE, 2, [np.array([pair.first, pair.second]) for pair in tally.best]))
    for variable, size, chosen in choices:
        common = {
            "analysis": "panels",
            "population": study,
            "variable": variable,
            "level": str(size),
            "quantity": STABILITY,
            "counted": f"{len(chosen)} training sets, {tally.number} genes to choose from",
        }
        found = stability(chosen, tally.number, confidence)
        if found is None:
            yield results.not_estimable("fewer than two training sets, or all genes chosen", **common)
            continue
        interval = (
            f"{confidence:.0%}, normal with Nogueira's variance for independent sets; "
            "training sets overlap, so it is too narrow"
        )
        yield results.row(
            **common,
            estimate=found.estimate,
            lower=found.lower,
            upper=found.upper,
            interval=interval,
        )
    size = panels.panel
    if size <= tally.fewest:
        times = np.bincount(np.concatenate([top[:size] for top in tally.sets]), minlength=tally.number)
        always = int((times == len(tally.sets)).sum())
        yield results.row(
            analysis="panels",
            population=study,
            variable=INSIDE,
            level=str(size),
            quantity=IN_EVERY_FOLD,
            estimate=always / size,
            numerator=always,
            denominator=size,
            counted=f"{size} genes, {len(tally.sets)} training sets",
            reason=f"the performance of this size is {PROCEDURE}",
        )
