"""How well do the counts tell cases from controls in samples that no step of the learning has seen?

Repeated, stratified (and grouped) nested cross-validation of a ridge logistic regression or a challenger.
Everything that learns (size-factor reference, gene filter, transform, batch offsets, standardisation, genes,
penalty, coefficients, calibration, threshold) learns in `learn_from`, which is handed the training samples
and nothing else (see `decidua.learning.guard`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from decidua.errors import InputError
from decidua.learning import methods, preparation
from decidua.learning.folds import inner_folds, splits, stratified_folds, too_few_members
from decidua.learning.guard import Sealed, Training
from decidua.learning.methods import Fitted, Predictor
from decidua.learning.performance import CASE, CONTROL, auc
from decidua.learning.platt import Calibration, calibrate
from decidua.learning.preparation import Preparation, Preparing
from decidua.learning.ridge import NotConverged


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
    method: one of `decidua.learning.methods.NAMES`.
    size_factors, transform, adjust_batch: as in `Preparing`.
    calibrate: whether probabilities are calibrated on held-out scores of the inner folds; they are in any
        case where scores are no log odds (random_forest, svm).
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
    method: str = "ridge"
    size_factors: str = "median_of_ratios"
    transform: str = "log"
    adjust_batch: bool = False
    calibrate: bool = True

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
        choices = {
            "method": methods.NAMES,
            "size_factors": preparation.SIZE_FACTORS,
            "transform": preparation.TRANSFORMS,
        }
        wrong += [
            (name, getattr(self, name), f"one of {', '.join(known)}")
            for name, known in choices.items()
            if getattr(self, name) not in known
        ]
        if wrong:
            raise InputError(
                f"classifier, `{name}`: found {found}; expected {right}" for name, found, right in wrong
            )

    @property
    def preparing(self) -> Preparing:
        """How counts become values."""
        return Preparing(self.min_count, self.min_share, self.size_factors, self.transform, self.adjust_batch)

    @property
    def grid(self) -> np.ndarray:
        """The penalties, strong to weak."""
        return np.geomspace(self.strongest, self.weakest, self.penalties)


@dataclass(frozen=True)
class Model:
    """What one training set taught; new samples are only put through it.

    predictor: scores standardised expression of the genes of `preparation.genes`. penalty: the tuning value
    chosen (NaN where nothing is tuned). deviance: mean log loss of the held-out inner samples under each
    tuning value, the simplest model first; of calibrated scores where scores are no log odds.
    """

    preparation: Preparation
    predictor: Predictor
    penalty: float
    threshold: float
    inner_folds: int
    deviance: np.ndarray = field(repr=False)
    calibration: Calibration = Calibration()

    @property
    def coefficients(self) -> np.ndarray:
        """One a gene of `preparation.genes`, on standardised expression; a forest's importances."""
        return self.predictor.coefficients

    @property
    def intercept(self) -> float:
        """Of a linear model."""
        return self.predictor.intercept

    def score(self, counts: np.ndarray, batches: np.ndarray | None = None) -> np.ndarray:
        """Scores (of ridge the linear predictors, logits of being a case) of samples x all genes."""
        return self.predictor.score(self.preparation.transform(counts, batches))

    def probability(self, scores: np.ndarray) -> np.ndarray:
        """Of being a case."""
        return self.calibration.probability(scores)


@dataclass(frozen=True)
class CrossValidation:
    """The outcome of a repeated nested cross-validation.

    predictions: a row a sample and repeat: sample, group (NA when ungrouped), label, repeat, fold, score
        (of ridge the logit, not calibrated), probability (calibrated where that is asked), threshold,
        predicted (NA at the threshold itself).
    folds: a row an outer fold: repeat, fold, n_train, n_test, n_train_case, n_test_case, genes,
        reference_genes, reference (of the size factors), method, transform, batches (adjusted for; NA when
        not), inner_folds, penalty, at_edge (strongest, weakest or inside; NA, as the penalty, where nothing
        is tuned), deviance, calibration_intercept and calibration_slope (NA without), threshold, auc (NA
        when the fold tests one class), note.
    genes: a row a gene over all outer folds, best mean rank first: gene, kept (share of the folds whose
        filter let it through), mean_coefficient (standardised; 0 where filtered out), mean_rank (1 =
        largest absolute coefficient), top_frequency (share of the folds with the gene among the top),
        same_sign (share of the folds that kept it with the commoner sign).
    """

    predictions: pd.DataFrame
    folds: pd.DataFrame
    genes: pd.DataFrame


def learn(
    counts: np.ndarray,
    is_case: np.ndarray,
    groups: np.ndarray,
    settings: Settings,
    rng: np.random.Generator,
    batches: np.ndarray | None = None,
) -> Model:
    """As `learn_from`, of arrays that hold training samples only."""
    return learn_from(Training(counts, is_case, groups, batches), settings, rng)


def learn_from(training: Training, settings: Settings, rng: np.random.Generator) -> Model:
    """Learn everything from a training set: penalty, calibration, threshold in inner folds, then the model.

    Raises:
        InputError: a training set too small to split, or without an expressed gene.
        NotConverged: the method found no solution.
    """
    (model,) = learn_each(training, [settings], rng)
    if isinstance(model, NotConverged):
        raise model
    return model


def learn_each(
    training: Training, choices: Sequence[Settings], rng: np.random.Generator
) -> list[Model | NotConverged]:
    """As `learn_from` for several methods, in the same inner folds; counts are prepared once for all.

    Args:
        choices: settings that differ in `method`, `calibrate` and `threshold` at most.
        rng: what comes of a method does not depend on which others there are.

    Returns:
        A model a choice, or why it found no solution.
    """
    how = choices[0].preparing
    fold_of, number = inner_folds(training.is_case, training.groups, choices[0].inner_folds, rng)
    seed = int(rng.integers(2**31))
    learners = [_Learner(choice, training, number, np.random.default_rng(seed)) for choice in choices]
    for inner, sealed, positions in training.folds(fold_of):
        prepared, values = preparation.fit(inner.counts, how, inner.batches)
        fits = [learner.fit(values, inner.is_case) for learner in learners]
        for learner, scores in zip(learners, sealed.score(_Fits(prepared, fits)), strict=True):
            learner.held_out[positions] = scores
    prepared, values = preparation.fit(training.counts, how, training.batches)
    return [learner.finish(prepared, values) for learner in learners]


@dataclass(frozen=True)
class _Fits:
    """What several methods fitted to the same prepared training samples."""

    preparation: Preparation
    fitted: list[Fitted | None]

    def score(self, counts: np.ndarray, batches: np.ndarray | None) -> list[np.ndarray | float]:
        values = self.preparation.transform(counts, batches)
        return [np.nan if fitted is None else fitted.score(values) for fitted in self.fitted]


class _Learner:
    """One method on its way through the inner folds of a training set."""

    def __init__(self, settings: Settings, training: Training, number: int, rng: np.random.Generator):
        self.settings, self.is_case, self.number, self.rng = settings, training.is_case, number, rng
        self.method = methods.method(settings.method, settings.grid)
        self.held_out = np.empty((len(training), len(self.method.tunings)))
        self.failed: NotConverged | None = None

    def fit(self, values: np.ndarray, is_case: np.ndarray) -> Fitted | None:
        """The models of all tuning values in an inner fold; None when one of them found no solution."""
        if self.failed is None:
            try:
                return self.method.fit(values, is_case, self.method.tunings, self.rng, trial=True)
            except NotConverged as failed:
                self.failed = failed
        return None

    def finish(self, prepared: Preparation, values: np.ndarray) -> Model | NotConverged:
        """Choose by what was held out, then fit in all training samples."""
        if self.failed is not None:
            return self.failed
        deviance = _deviance(self.held_out, self.is_case, self.method.logits)
        chosen = int(np.argmin(deviance))  # the first of equals, which is the simplest model
        tunings, held_out = self.method.tunings[: chosen + 1], self.held_out[:, chosen]
        calibration = Calibration()
        if self.settings.calibrate or not self.method.logits:
            calibration = calibrate(held_out, self.is_case)
        threshold = self.settings.threshold
        if threshold is None:
            threshold = best_threshold(calibration.probability(held_out), self.is_case)
        try:
            predictor = self.method.fit(values, self.is_case, tunings, self.rng).last()
        except NotConverged as failed:
            return failed
        return Model(prepared, predictor, float(tunings[-1]), threshold, self.number, deviance, calibration)


def learn_all(
    counts: pd.DataFrame,
    labels: pd.Series,
    groups: pd.Series | None,
    settings: Settings,
    rng: np.random.Generator,
    batches: pd.Series | None = None,
) -> tuple[Model, pd.Index]:
    """Learn from every sample of a study, for others to be scored; nothing is measured.

    Args and Raises are those of `evaluate_folds`.

    Returns:
        The model, and the genes that its positions mean.
    """
    study = aligned_study(counts, labels, groups, batches, settings)
    with threadpool_limits(limits=1, user_api="blas"):
        return learn_from(study.everyone, settings, rng), study.genes


def predicted_class(probability: np.ndarray, threshold: float) -> np.ndarray:
    """The predicted class of each sample; None at the threshold itself.

    So it is where scores say nothing and the classes are as large as each other: the probability is 0.5 for
    all, and to call them one class would depend on which of the two is called the case.
    """
    classes = np.where(probability > threshold, CASE, CONTROL).astype(object)
    classes[np.abs(probability - threshold) < 1e-9] = None
    return classes


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


@dataclass(frozen=True)
class Study:
    """Everything given, samples sorted by name and genes too; groups are names, NA where there are none."""

    samples: pd.Index
    genes: pd.Index
    groups: np.ndarray
    everyone: Training


def cross_validate(
    counts: pd.DataFrame,
    labels: pd.Series,
    groups: pd.Series | None,
    settings: Settings,
    rng: np.random.Generator,
    batches: pd.Series | None = None,
) -> CrossValidation:
    """Repeated nested cross-validation, at once.

    Args and Raises are those of `evaluate_folds`, Returns that of `combine`.
    """
    return combine([evaluate_folds(counts, labels, groups, settings, rng, batches=batches)], settings)


def evaluate_folds(
    counts: pd.DataFrame,
    labels: pd.Series,
    groups: pd.Series | None,
    settings: Settings,
    rng: np.random.Generator,
    part: int = 1,
    parts: int = 1,
    batches: pd.Series | None = None,
) -> Folds:
    """Learn and test in a share of the outer folds of all repeats.

    Args:
        counts: genes x samples, whole numbers.
        labels: "case" or "control" by sample; the samples of `counts`, in any order.
        groups: what must stay together (a woman's samples), by sample; None or all missing: nothing.
        rng: its spawned children serve the repeats and theirs the folds, so what comes of a fold depends
            neither on how many others there are nor on which share it is in.
        part, parts: which share, 1 to `parts`, and of how many; not more than there are folds.
        batches: what was handled together in the laboratory, by sample; asked for to adjust for it.

    Raises:
        InputError: labels that do not fit the counts, too few samples or groups, nothing expressed.
    """
    study = aligned_study(counts, labels, groups, batches, settings)
    predictions, fold_rows, coefficients = [], [], {}
    with threadpool_limits(limits=1, user_api="blas"):
        for repeat, fold, train, test, stream in outer_folds(study, settings, rng):
            if ((repeat - 1) * settings.folds + fold - part) % parts:
                continue
            training, sealed = study.everyone.split(train, test)
            model = learn_from(training, settings, stream)
            scores = sealed.score(model)
            predictions.append(_predictions(study, test, repeat, fold, model, scores))
            row = _fold_row(model, scores, training, study.everyone.is_case[test], settings)
            row["notes"] = [*_learning_notes(model, training, sealed, settings), *row["notes"]]
            fold_rows.append({"repeat": repeat, "fold": fold} | row)
            coefficients[f"{repeat}:{fold}"] = np.full(len(study.genes), np.nan)
            coefficients[f"{repeat}:{fold}"][model.preparation.genes] = model.coefficients
    return Folds(
        predictions=pd.concat(predictions),
        folds=_fold_table(fold_rows),
        coefficients=pd.DataFrame(coefficients, index=study.genes),
    )


def evaluate_methods(
    counts: pd.DataFrame,
    labels: pd.Series,
    groups: pd.Series | None,
    settings: Settings,
    names: Sequence[str],
    rng: np.random.Generator,
    batches: pd.Series | None = None,
) -> dict[str, pd.DataFrame | str]:
    """Held-out predictions of several methods, in the folds of the first repeat of `evaluate_folds`.

    Args:
        names: of `decidua.learning.methods.NAMES`; their probabilities are calibrated.
        Others: as of `evaluate_folds`, whose repeats, method and calibrate do not count here.

    Returns:
        For each method its predictions, or why it found no solution in one of the folds.
    """
    if not names:
        return {}
    study = aligned_study(counts, labels, groups, batches, settings)
    once = replace(settings, repeats=1, calibrate=True)
    choices = [replace(once, method=name) for name in names]
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in names}
    failed: dict[str, str] = {}
    with threadpool_limits(limits=1, user_api="blas"):
        for repeat, fold, train, test, stream in outer_folds(study, once, rng):
            training, sealed = study.everyone.split(train, test)
            for name, model in zip(names, learn_each(training, choices, stream), strict=True):
                if isinstance(model, NotConverged):
                    failed.setdefault(name, f"repeat {repeat}, fold {fold}: {model}")
                    continue
                scores = sealed.score(model)
                found[name].append(_predictions(study, test, repeat, fold, model, scores))
    return {name: failed.get(name) or _sorted(pd.concat(found[name])) for name in names}


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
        predictions=_sorted(predictions),
        folds=folds,
        genes=tally.table(coefficients.index),
    )


def _predictions(
    study: Study, test: np.ndarray, repeat: int, fold: int, model: Model, scores: np.ndarray
) -> pd.DataFrame:
    """What a model says of the samples it was tested on, beside their labels."""
    probability = model.probability(scores)
    table = pd.DataFrame(
        {
            "sample": study.samples[test],
            "group": study.groups[test],
            "label": np.where(study.everyone.is_case[test], CASE, CONTROL),
            "repeat": repeat,
            "fold": fold,
            "score": scores,
            "probability": probability,
            "threshold": model.threshold,
            "predicted": predicted_class(probability, model.threshold),
        }
    )
    return _typed(table, "sample", "group", "label", "predicted")


def _sorted(predictions: pd.DataFrame) -> pd.DataFrame:
    return predictions.sort_values(["repeat", "sample"], kind="stable", ignore_index=True)


#: Columns of the folds' table that may be blank, and its text.
_BLANK = {
    "batches": "Int64",
    "penalty": "Float64",
    "calibration_intercept": "Float64",
    "calibration_slope": "Float64",
    "auc": "Float64",
}
_TEXT = ("reference", "method", "transform", "at_edge", "note")


def _fold_table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Rows of outer folds, typed, their notes in one column."""
    for row in rows:
        row["note"] = "; ".join(filter(None, row.pop("notes"))) or pd.NA
    return _typed(pd.DataFrame(rows).astype(_BLANK), *_TEXT)


def _typed(table: pd.DataFrame, *text: str) -> pd.DataFrame:
    return table.astype({name: "string" for name in text})


def aligned_study(
    counts: pd.DataFrame,
    labels: pd.Series,
    groups: pd.Series | None,
    batches: pd.Series | None,
    settings: Settings,
) -> Study:
    """Everything given, in an order that does not depend on how it was given.

    Args and Raises are those of `evaluate_folds`.
    """
    counts, is_case, codes, names = aligned(counts, labels, groups)
    problem = too_few_members(is_case, codes, settings.folds, grouped=pd.notna(names).any())
    if problem:
        raise InputError(problem)
    by_gene = np.argsort(counts.index.to_numpy(dtype=object), kind="stable")
    matrix = np.ascontiguousarray(counts.to_numpy()[by_gene].T, dtype=np.float32)
    everyone = Training(matrix, is_case, codes, _batch_codes(counts.columns, batches, settings))
    return Study(counts.columns, pd.Index(counts.index[by_gene], name="gene"), names, everyone)


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


def _batch_codes(samples: pd.Index, batches: pd.Series | None, settings: Settings) -> np.ndarray | None:
    """A number a sample, whatever the order of the samples; None where batches play no part."""
    if not settings.adjust_batch:
        return None
    known = batches is not None and set(samples) <= set(batches.index)
    if not known or batches.loc[list(samples)].isna().any():
        raise InputError("batches: found a sample without a batch; expected one for every sample")
    return np.unique(batches.loc[list(samples)].astype(str), return_inverse=True)[1]


def outer_folds(
    study: Study, settings: Settings, rng: np.random.Generator
) -> Iterator[tuple[int, int, np.ndarray, np.ndarray, np.random.Generator]]:
    """Repeat, fold, positions of training and test samples, and the fold's own random stream."""
    for repeat, child in enumerate(rng.spawn(settings.repeats), start=1):
        deal, *streams = child.spawn(settings.folds + 1)
        fold_of = stratified_folds(study.everyone.is_case, study.everyone.groups, settings.folds, deal)
        for fold, ((train, test), stream) in enumerate(zip(splits(fold_of), streams, strict=True), start=1):
            yield repeat, fold, train, test, stream


def _fold_row(
    model: Model, scores: np.ndarray, training: Training, test_case: np.ndarray, settings: Settings
) -> dict[str, object]:
    tunings = methods.method(settings.method, settings.grid).tunings
    edge = {tunings[-1]: "weakest", tunings[0]: "strongest"}
    tuned = not np.isnan(model.penalty)
    prepared, calibrated = model.preparation, model.calibration != Calibration()
    one_class = test_case.all() or not test_case.any()
    return {
        "n_train": len(training),
        "n_test": len(test_case),
        "n_train_case": int(training.is_case.sum()),
        "n_test_case": int(test_case.sum()),
        "genes": len(prepared.genes),
        "reference_genes": len(prepared.reference.genes),
        "reference": prepared.reference.rule,
        "method": settings.method,
        "transform": settings.transform,
        "batches": pd.NA if prepared.batches is None else len(prepared.batches.codes),
        "inner_folds": model.inner_folds,
        "penalty": model.penalty if tuned else pd.NA,
        "at_edge": edge.get(model.penalty, "inside") if tuned else pd.NA,
        "deviance": float(model.deviance.min()),
        "calibration_intercept": model.calibration.intercept if calibrated else pd.NA,
        "calibration_slope": model.calibration.slope if calibrated else pd.NA,
        "threshold": model.threshold,
        "auc": pd.NA if one_class else auc(scores, test_case),
        "notes": ["no AUC: the fold tests one class only" if one_class else ""],
    }


def _learning_notes(model: Model, training: Training, sealed: Sealed, settings: Settings) -> Iterator[str]:
    """What a reader of a fold's numbers should know of how they were learned."""
    if model.inner_folds < settings.inner_folds:
        cases, controls = training.is_case.sum(), (~training.is_case).sum()
        yield (
            f"{model.inner_folds} inner folds, not {settings.inner_folds}: the training set has"
            f" {min(cases, controls)} {'cases' if cases <= controls else 'controls'}"
        )
    known = model.preparation.batches
    if known is not None and (unknown := sealed.unknown_batches(known.codes)):
        yield f"{unknown} tested of a batch that training has not, left at the overall mean"


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


def _deviance(held_out: np.ndarray, is_case: np.ndarray, logits: bool) -> np.ndarray:
    """Mean log loss under each tuning value; scores that are no log odds are calibrated for it."""
    if logits:
        return _log_loss(held_out, is_case)
    fits = [calibrate(scores, is_case) for scores in held_out.T]
    calibrated = [fit.intercept + fit.slope * scores for fit, scores in zip(fits, held_out.T, strict=True)]
    return _log_loss(np.column_stack(calibrated), is_case)


def _log_loss(scores: np.ndarray, is_case: np.ndarray) -> np.ndarray:
    return (np.logaddexp(0, scores) - is_case[:, None] * scores).mean(axis=0)
