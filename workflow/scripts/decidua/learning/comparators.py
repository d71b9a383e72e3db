"""What else would have done as well? Comparators of the classifier, in its own outer folds.

Random panels, covariates alone, genes that should not differ, and cases against each kind of control: what
the AUC of all genes has to be held against before it is read as biology.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from decidua import confounding, results
from decidua.gene_lists import positions
from decidua.learning.cross_validation import Settings, evaluate_folds
from decidua.learning.folds import too_few_members
from decidua.learning.guard import Training
from decidua.learning.kernels import Covariates, Ridge, SomeGenes, Together, all_genes
from decidua.learning.nested import Learner, held_out_scores
from decidua.learning.panels_at_random import Panels, random_orders
from decidua.learning.performance import CASE, CONTROL, WITHIN, summary

ANALYSIS = "comparators"
ALL, TOP, RANDOM = "all genes", "chosen panel", "random panels"
COVARIATES, BOTH, CONTROLS = "covariates only", "genes and covariates", "negative-control genes"
BATCH, KIND = "batch only", "kind of control"
MEDIAN, SHARE = "median AUC within folds", "share of random panels at least as good"
COVERAGE, ASSOCIATION = "genes of the list in the matrix", "Cramér's V with the class"
#: Computed from the counts and taken as covariates in every study.
LIBRARY, DETECTED = "library size (log10)", "detected genes"
#: From this AUC of the batch alone on, a warning.
TELLING = 0.9


@dataclass(frozen=True)
class Options:
    """What a reader may choose about the comparators.

    panel: genes in a panel; random_panels: how many are drawn. negative_controls: genes that should not
    differ, each with all its identifiers. confidence: of the intervals.
    """

    panel: int = 20
    random_panels: int = 100
    negative_controls: Sequence[Sequence[str]] = field(default_factory=list)
    confidence: float = 0.95


@dataclass(frozen=True)
class Comparison:
    """A results table (analysis `ANALYSIS`) and the draws behind it: draw (0 = the chosen panel), auc."""

    table: pd.DataFrame
    panels: pd.DataFrame


@dataclass(frozen=True)
class _Study:
    """What is compared: genes in the order of their names, samples in that of theirs, one repeat's folds."""

    name: str
    counts: pd.DataFrame
    samples: pd.DataFrame
    predictions: pd.DataFrame
    settings: Settings
    options: Options
    data: Training
    fold_of: np.ndarray
    covariates: pd.DataFrame

    def scored(self, scores: np.ndarray) -> pd.DataFrame:
        """Predictions with other scores, for the measures that need no probability."""
        return self.predictions.assign(score=scores)

    def within(self, predictions: pd.DataFrame, **place: str) -> dict:
        """The row of the AUC within folds of these predictions."""
        table = summary(predictions, self.name, confidence=self.options.confidence)
        row = table[table["quantity"] == WITHIN].iloc[0]
        kept = {name: row[name] for name in results.NAMES if not pd.isna(row[name])}
        return {**kept, "analysis": ANALYSIS, **place}

    def row(self, **values) -> dict:
        return results.row(analysis=ANALYSIS, population=self.name, **values)

    def refused(self, reason: str, **values) -> dict:
        return results.not_estimable(reason, analysis=ANALYSIS, population=self.name, **values)


def compare(
    counts: pd.DataFrame,
    samples: pd.DataFrame,
    predictions: pd.DataFrame,
    name: str,
    settings: Settings,
    options: Options,
    rng: np.random.Generator,
) -> Comparison:
    """Every comparator in the outer folds of the first repeat of the cross-validation.

    Args:
        counts: genes x samples.
        samples: the sample sheet with sample, label and group; batch and comparator where there are any; all
            other columns but `synthetic` are covariates.
        predictions: of the cross-validation of all genes; its first repeat gives the folds.
        name: the study, population of the rows.
        settings: those of that cross-validation.

    Returns:
        Rows that depend neither on the order of samples or genes nor on which class is called the case, but
        for those by kind of control.
    """
    study = _study(counts, samples, predictions, name, settings, options)
    panels, models, kinds = rng.spawn(3)
    orders = random_orders(len(study.counts), options.random_panels, panels)
    listed = positions(study.counts.index.tolist(), options.negative_controls)
    found = np.unique(np.concatenate([np.array([], dtype=int), *listed]))
    learners = _learners(study, orders, found)
    scores = held_out_scores(
        learners, study.data, study.fold_of, settings.inner_folds, settings.preparing, models
    )
    draws = _draws(study, scores[RANDOM])
    rows = [
        study.within(study.predictions, variable=ALL),
        study.within(study.scored(scores[RANDOM][0]), variable=TOP, level=f"{options.panel} genes"),
        *_random_rows(study, draws),
        study.within(study.scored(scores[COVARIATES][0]), variable=COVARIATES, level=_named(study)),
        study.within(study.scored(scores[BOTH][0]), variable=BOTH, level="of equal weight"),
        *_control_rows(study, listed, scores.get(CONTROLS)),
        *_kind_rows(study, kinds),
        *_batch_rows(study),
    ]
    return Comparison(results.frame(rows), draws)


def _study(
    counts: pd.DataFrame,
    samples: pd.DataFrame,
    predictions: pd.DataFrame,
    name: str,
    settings: Settings,
    options: Options,
) -> _Study:
    first = predictions[predictions["repeat"] == predictions["repeat"].min()]
    first = first.sort_values("sample", kind="stable", ignore_index=True)
    order = first["sample"].tolist()
    samples = samples.set_index("sample").loc[order].reset_index()
    counts = counts.loc[sorted(counts.index), order]
    matrix = np.ascontiguousarray(counts.to_numpy().T, dtype=np.float32)
    grouped = samples["group"].notna().all()
    groups = pd.factorize(samples["group" if grouped else "sample"], sort=True)[0]
    batches = None
    if settings.adjust_batch:
        batches = pd.factorize(samples["batch"].astype(str), sort=True)[0]
    data = Training(matrix, (samples["label"] == CASE).to_numpy(dtype=bool), groups, batches)
    fold_of = pd.factorize(first["fold"], sort=True)[0]
    covariates = covariates_of(counts, samples)
    return _Study(name, counts, samples, first, settings, options, data, fold_of, covariates)


def covariates_of(counts: pd.DataFrame, samples: pd.DataFrame) -> pd.DataFrame:
    """What is known of the samples besides their genes: covariates, batch, library size, detected genes.

    The kind of control is none of them, for only controls have one; nor is the group.
    """
    left_out = {"sample", "label", "group", "comparator", "synthetic"}
    table = samples[[column for column in samples.columns if column not in left_out]].reset_index(drop=True)
    values = counts.to_numpy()
    library = values.sum(axis=0, dtype=np.int64)
    return table.assign(**{LIBRARY: np.log10(np.maximum(library, 1)), DETECTED: (values > 0).sum(axis=0)})


def _named(study: _Study) -> str:
    return ", ".join(study.covariates.columns)


def _learners(study: _Study, orders: np.ndarray, controls: np.ndarray) -> dict[str, Learner]:
    grid = study.settings.grid
    covariates = Covariates(study.covariates)
    learners: dict[str, Learner] = {
        RANDOM: Panels(orders, study.options.panel, grid),
        COVARIATES: Ridge(covariates, grid),
        BOTH: Ridge(Together((all_genes, covariates)), grid),
    }
    if len(controls):
        learners[CONTROLS] = Ridge(SomeGenes(controls), grid)
    return learners


def _mean_aucs(study: _Study, scores: np.ndarray) -> np.ndarray:
    """Of each row of scores the mean AUC over the folds that test both classes; NaN without such a fold."""
    found = []
    for fold in range(study.fold_of.max() + 1):
        here = study.fold_of == fold
        cases, controls = (scores[:, here & (study.data.is_case == kind)] for kind in (True, False))
        if cases.size and controls.size:  # the share of pairs ranked rightly, ties one half
            ahead = cases[:, :, None] - controls[:, None, :]
            found.append(((ahead > 0) + 0.5 * (ahead == 0)).mean(axis=(1, 2)))
    return np.mean(found, axis=0) if found else np.full(len(scores), np.nan)


def _draws(study: _Study, scores: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"draw": np.arange(len(scores)), "auc": _mean_aucs(study, scores)})


def _random_rows(study: _Study, draws: pd.DataFrame) -> Iterator[dict]:
    size, number = study.options.panel, study.options.random_panels
    place = {"variable": RANDOM, "level": f"{size} genes"}
    counted = f"{number} panels of {size} genes drawn from those kept, in the same folds"
    if draws["auc"].isna().any():
        reason = "no outer fold tests both classes"
        for quantity in (MEDIAN, SHARE):
            yield study.refused(reason, quantity=quantity, counted=counted, **place)
        return
    chosen, drawn = draws["auc"].iloc[0], draws["auc"].iloc[1:]
    lower, upper = np.quantile(drawn, [0.025, 0.975])
    yield study.row(
        quantity=MEDIAN,
        estimate=float(drawn.median()),
        lower=float(lower),
        upper=float(upper),
        interval=f"where the central 95% of {number} random panels lie",
        counted=counted,
        **place,
    )
    as_good = int((drawn >= chosen - 1e-12).sum())
    yield study.row(
        quantity=SHARE,
        estimate=as_good / number,
        numerator=as_good,
        denominator=number,
        test="place of the chosen panel among random panels, (b + 1) / (B + 1)",
        p=(as_good + 1) / (number + 1),
        reason=None
        if as_good < 0.05 * number
        else "random genes do as well: nothing singles out the chosen ones",
        counted=counted,
        **place,
    )


def _control_rows(study: _Study, listed: Sequence[np.ndarray], scores: np.ndarray | None) -> Iterator[dict]:
    found = sum(len(places) > 0 for places in listed)
    place = {"variable": CONTROLS}
    if not listed:
        yield study.refused(
            "no negative-control genes are named (`negative_controls`)", quantity=WITHIN, **place
        )
        return
    counted = f"{found} of {len(listed)} genes of the list"
    coverage = {"estimate": found / len(listed), "numerator": found, "denominator": len(listed)}
    yield study.row(quantity=COVERAGE, counted=counted, **coverage, **place)
    if scores is None:
        yield study.refused(
            "the matrix has none of these genes under the identifiers of the list", quantity=WITHIN, **place
        )
    elif np.ptp(scores) == 0:
        yield study.refused("no training set keeps one of these genes", quantity=WITHIN, **place)
    else:
        yield study.within(study.scored(scores[0]), level=counted, **place)


def _kind_rows(study: _Study, rng: np.random.Generator) -> Iterator[dict]:
    """Cases against each kind of control alone: cross-validated anew, so that no other control teaches."""
    if "comparator" not in study.samples:
        return
    kinds = study.samples["comparator"].where(study.samples["label"] == CONTROL)
    names = sorted(kinds.dropna().unique())
    for kind, stream in zip(names, rng.spawn(len(names)), strict=True):
        kept = ((study.samples["label"] == CASE) | (kinds == kind).fillna(False)).to_numpy(dtype=bool)
        yield _against(study, kind, kept, stream)


def _against(study: _Study, kind: str, kept: np.ndarray, rng: np.random.Generator) -> dict:
    is_case, groups = study.data.is_case[kept], study.data.groups[kept]
    place = {"variable": KIND, "level": str(kind)}
    grouped = bool(study.samples["group"].notna().all())
    problem = too_few_members(is_case, groups, study.settings.folds, grouped)
    if problem:
        counted = f"{is_case.sum()} case, {(~is_case).sum()} control samples"
        reason = f"{problem.found}; needed are {problem.expected}"
        return study.refused(reason, quantity=WITHIN, counted=counted, **place)
    sheet = study.samples[kept].set_index("sample")
    outcome = evaluate_folds(
        study.counts.loc[:, kept],
        sheet["label"],
        sheet["group"],
        replace(study.settings, repeats=1),
        rng,
        batches=sheet.get("batch"),
    )
    return study.within(outcome.predictions, **place)


def _batch_rows(study: _Study) -> Iterator[dict]:
    """How closely batch and categorical covariates go with the class; a caution where it is close."""
    alone = _batch_alone(study) if "batch" in study.samples else None
    if alone is not None:
        yield alone
    covariates = [column for column in study.covariates.columns if column not in (LIBRARY, DETECTED)]
    for column in confounding.categorical(study.samples, covariates):
        counts = confounding.class_counts(study.samples[column], study.samples["label"])
        known = int(counts.to_numpy().sum())
        counted = f"{known} samples in {len(counts)} categories"
        if known < len(study.samples):
            counted += f"; {len(study.samples) - known} left out (unknown)"
        place = {"variable": column, "quantity": ASSOCIATION, "counted": counted}
        if len(counts) < 2:
            yield study.refused("fewer than two categories", **place)
            continue
        value = confounding.cramers_v(counts)
        caution = {}
        if confounding.is_tied(counts):
            caution = {"reason": f"every category of {column} holds one class only"}
        elif value >= confounding.STRONG:
            caution = {"reason": f"{column} nearly determines the class (Cramér's V {value:.2f})"}
        yield study.row(
            estimate=value,
            denominator=known,
            test="Cramér's V, corrected for bias (Bergsma)",
            **caution,
            **place,
        )


def _batch_alone(study: _Study) -> dict:
    """The AUC of answering with the share of cases that a sample's batch had among the training samples."""
    batches, is_case = study.samples["batch"].to_numpy(dtype=object), study.data.is_case
    scores = np.empty(len(batches))
    for fold in range(study.fold_of.max() + 1):
        train, test = study.fold_of != fold, study.fold_of == fold
        prior = is_case[train].mean()
        share = {
            batch: (is_case[train & (batches == batch)].sum() + prior)
            / ((train & (batches == batch)).sum() + 1)
            for batch in set(batches)
        }
        scores[test] = [share[batch] for batch in batches[test]]
    row = study.within(study.scored(scores), variable=BATCH)
    if row["status"] == results.ESTIMATED and row["estimate"] > TELLING:
        row["reason"] = f"the batch alone tells the classes apart (AUC {row['estimate']:.2f})"
    elif row["status"] == results.ESTIMATED and row["estimate"] < 0.5:
        row["reason"] = (
            "below 0.5 by chance, or because held-out cases lower the share that their batch has left"
        )
    return row
