"""How good are the held-out predictions, how sure is that, and is there enough data for a claim?

Works on the `predictions` table of a cross-validation: a row a sample and repeat, with label, group (or NA),
repeat, fold, score, probability and predicted.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtri

from decidua import results
from decidua.learning.calibration import calibration_rows
from decidua.learning.held_out import (
    CASE,
    CONTROL,
    CORRECTED_T,
    by_fold,
    cases,
    corrected_t,
    folds_a_repeat,
    members,
    samples_of_larger_class,
    unit,
    whom,
)
from decidua.learning.precision_recall import fold_precision, precision_rows
from decidua.statistics.proportions import wilson

MODEL = "ridge logistic regression"
WITHIN, POOLED = "AUC within folds", "AUC pooled over folds (biased at small n)"
ACCURACY, BALANCED, BRIER = "accuracy", "balanced accuracy", "Brier score"
MCC = "Matthews correlation coefficient"
#: What follows the name of a quantity where its rows are one repeat each.
OF_ONE = " of one repeat"
#: Below this many samples (or groups) in the smaller class, or above this width of the interval for the AUC,
#: the numbers are shown with the caution that they carry no claim.
FEWEST, WIDEST = 10, 0.4
#: Points of the false positive rate at which ROC curves are averaged.
GRID = np.round(np.linspace(0, 1, 101), 12)


def auc(scores: np.ndarray, is_case: np.ndarray) -> float:
    """Area under the ROC curve: the share of case-control pairs ranked rightly, ties one half.

    NaN when one class is absent. Source: Hanley and McNeil 1982 (Mann-Whitney form).
    """
    is_case = np.asarray(is_case, dtype=bool)
    n_case = int(is_case.sum())
    n_control = len(is_case) - n_case
    if not n_case or not n_control:
        return float("nan")
    _, position, count = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[position]
    return float((ranks[is_case].sum() - n_case * (n_case + 1) / 2) / (n_case * n_control))


def summary(
    predictions: pd.DataFrame, study: str, model: str = MODEL, confidence: float = 0.95
) -> pd.DataFrame:
    """Performance as a results table (see `decidua.results`).

    The primary figure is "AUC within folds": pairs of samples scored by the same model only. Leaving out each
    pair of a case and a control in turn would do the same, at the cost of a model a pair (2,916 for 108 and
    27 samples, a repeat of five folds needs 5) and with no repeats to show how much it hangs on. Samples of
    different folds were scored by models with different intercepts, so pooling them is biased on small
    samples; that figure stands beside it and says so in its name. Accuracy, sensitivity and specificity are
    means over the repeats of the predicted labels, whose threshold was chosen in training.

    Args:
        predictions: held-out predictions, each sample once in every repeat.
        study: the population of the rows.
        model: the variable of the rows.

    Returns:
        One row a quantity; `reason` holds the caution of `caution` when there is one. "AUC within folds of
        one repeat", and the like of the other main figures, has a row a repeat, its level.
    """
    counted = whom(predictions)
    folds = fold_table(predictions)
    caution_text = _caution(predictions, folds, confidence)
    common = {"analysis": "classifier", "population": study, "variable": model, "counted": counted}
    rows = [
        *_auc_rows(predictions, folds, confidence),
        *_rate_rows(predictions, confidence),
        *precision_rows(predictions, confidence),
        *_brier_rows(predictions, folds, confidence),
        *calibration_rows(predictions, confidence),
        *_repeat_rows(predictions, folds),
    ]
    return results.frame(
        {**common, "reason": caution_text, "status": results.ESTIMATED, **row} for row in rows
    )


def caution(predictions: pd.DataFrame, confidence: float = 0.95) -> str | None:
    """Why these numbers carry no claim, or None: the rule is `FEWEST` and `WIDEST`."""
    return _caution(predictions, fold_table(predictions), confidence)


def fold_table(predictions: pd.DataFrame) -> pd.DataFrame:
    """A row an outer fold: repeat, fold, auc (NaN when it tests one class), brier, cases, controls.

    Cases and controls are numbers of groups when there are groups: a woman's samples are not independent.
    """
    rows = []
    for repeat, fold, held_out in by_fold(predictions):
        is_case = cases(held_out)
        probability = held_out["probability"].to_numpy()
        rows.append(
            {
                "repeat": repeat,
                "fold": fold,
                "auc": auc(held_out["score"].to_numpy(), is_case),
                "brier": float(((probability - is_case) ** 2).mean()),
                "cases": members(held_out[is_case]),
                "controls": members(held_out[~is_case]),
            }
        )
    return pd.DataFrame(rows)


def roc_curve(scores: np.ndarray, is_case: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False and true positive rates from (0, 0) to (1, 1), one point a distinct score."""
    is_case = np.asarray(is_case, dtype=bool)
    values, position = np.unique(-np.asarray(scores), return_inverse=True)
    true = np.bincount(position, weights=is_case, minlength=len(values)).cumsum() / is_case.sum()
    false = np.bincount(position, weights=~is_case, minlength=len(values)).cumsum() / (~is_case).sum()
    return np.append(0, false), np.append(0, true)


def roc_table(predictions: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """ROC curves for drawing: each repeat's and their mean, with its pointwise band.

    A repeat's curve is the mean of its folds' curves at each false positive rate, so its area is the AUC
    within folds, but for the grid. The band is the corrected resampled t interval over the folds, cut at 0
    and 1.

    Returns:
        repeat ("1", "2", ..., "mean"), fpr, tpr, lower, upper (the mean's rows only).
    """
    curves, repeats = [], []
    for repeat, _, held_out in by_fold(predictions):
        is_case = cases(held_out)
        if is_case.any() and not is_case.all():
            curves.append(_on_grid(*roc_curve(held_out["score"].to_numpy(), is_case)))
            repeats.append(repeat)
    columns = ["repeat", "fpr", "tpr", "lower", "upper"]
    if not curves:
        return pd.DataFrame(columns=columns).astype(
            {"repeat": "string"} | dict.fromkeys(columns[1:], "float64")
        )
    curves, repeats = np.array(curves), np.array(repeats)
    tables = [
        pd.DataFrame({"repeat": str(repeat), "fpr": GRID, "tpr": curves[repeats == repeat].mean(axis=0)})
        for repeat in np.unique(repeats)
    ]
    half = corrected_t(curves, folds_a_repeat(predictions), confidence)
    mean = curves.mean(axis=0)
    band = {"lower": np.clip(mean - half, 0, 1), "upper": np.clip(mean + half, 0, 1)}
    tables.append(pd.DataFrame({"repeat": "mean", "fpr": GRID, "tpr": mean, **band}))
    return pd.concat(tables, ignore_index=True)[columns].astype({"repeat": "string"})


def auc_interval(
    estimate: float,
    sizes: Sequence[tuple[int, int]],
    folds: int = 1,
    overlap: float = 1.0,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Score interval for a mean of fold AUCs: the values whose own standard error reaches the estimate.

    An AUC of t from m cases and n controls has the variance
    t (1 - t) [1 + N (1 - t) / (2 - t) + N t / (1 + t)] / (m n) with N = (m + n) / 2 - 1; the mean over the
    folds of a repeat has their mean variance, divided by the number of folds, times `overlap`. The interval
    keeps to [0, 1] and has a width also at an AUC of 1, where the folds do not differ.

    Args:
        estimate: mean AUC of the folds.
        sizes: cases and controls tested in each fold, of all repeats.
        folds: folds averaged in one repeat.
        overlap: factor for what makes the folds depend on each other; 1 for independent samples.

    Source: Newcombe 2006 (doi 10.1002/sim.2324), method 5; how often it covers the true AUC of five-fold
    cross-validation is in benchmarks/classifier_truth.md.
    """
    z2 = ndtri((1 + confidence) / 2) ** 2
    m, n = np.array(sizes, dtype=float).T
    pairs = (m + n) / 2 - 1

    def excess(t: float) -> float:
        variance = t * (1 - t) * (1 + pairs * (1 - t) / (2 - t) + pairs * t / (1 + t)) / (m * n)
        return (estimate - t) ** 2 - z2 * overlap * float(variance.mean()) / folds

    nudge = 1e-9  # at 0 and 1 the estimate itself is a root, and not the one wanted
    lower = _root(excess, 0.0, estimate - nudge) if estimate > nudge else 0.0
    upper = _root(excess, 1.0, estimate + nudge) if estimate < 1 - nudge else 1.0
    return lower, upper


def _root(function: Callable[[float], float], positive: float, negative: float) -> float:
    """Bisection between a point where the function is positive and one where it is not."""
    for _ in range(60):
        middle = (positive + negative) / 2
        if function(middle) > 0:
            positive = middle
        else:
            negative = middle
    return (positive + negative) / 2


def overlap(repeats: int) -> float:
    """What the variance of a mean fold AUC is to be multiplied with, since folds share training samples.

    More repeats take away what hangs on how the folds fell, and nothing else. Simulated with the whole
    procedure (benchmarks/classifier_truth.md) the factor was 2.0 to 2.8 with one repeat, 1.7 to 2.3 with two,
    where the AUC was 0.5 to 0.7, and below 1 at 0.83; with a model of one penalty
    (benchmarks/auc_interval_coverage.py) 1.7 to 2.2 with one repeat, 1.3 to 1.8 with five.
    """
    return 1.75 + 0.5 / repeats


def _within_interval(folds: pd.DataFrame, confidence: float) -> tuple[float, float]:
    sizes = list(zip(folds["cases"], folds["controls"], strict=True))
    a_repeat = len(folds) / folds["repeat"].nunique()
    factor = overlap(folds["repeat"].nunique())
    return auc_interval(folds["auc"].mean(), sizes, a_repeat, factor, confidence)


def _auc_rows(predictions: pd.DataFrame, folds: pd.DataFrame, confidence: float) -> Iterator[dict]:
    samples = predictions["sample"].nunique()
    usable = folds.dropna(subset=["auc"])
    factor = overlap(predictions["repeat"].nunique())
    widened = f"variance x {factor:.4g} for shared training samples"
    within = {"quantity": WITHIN, "denominator": samples}
    if usable.empty:
        yield within | {"status": results.NOT_ESTIMABLE, "reason": "no outer fold tests both classes"}
    else:
        lower, upper = _within_interval(usable, confidence)
        if len(usable) < len(folds):
            without = f"{len(folds) - len(usable)} of {len(folds)} folds left out, which test one class only"
            within["counted"] = f"{whom(predictions)}; {without}"
        yield within | {
            "estimate": usable["auc"].mean(),
            "lower": lower,
            "upper": upper,
            "interval": f"{confidence:.0%}, Newcombe's score interval for the folds' AUCs, {widened}",
        }
    is_case = cases(predictions)
    if is_case.all() or not is_case.any():
        yield results.not_estimable("all samples are of one class", quantity=POOLED, denominator=samples)
        return
    pooled = float(
        np.mean([auc(table["score"].to_numpy(), cases(table)) for _, table in predictions.groupby("repeat")])
    )
    size = members(predictions[is_case]), members(predictions[~is_case])
    lower, upper = auc_interval(pooled, [size], 1, factor, confidence)
    yield {
        "quantity": POOLED,
        "estimate": pooled,
        "lower": lower,
        "upper": upper,
        "interval": f"{confidence:.0%}, Newcombe's score interval, {widened}",
        "denominator": samples,
    }


def _rate_rows(predictions: pd.DataFrame, confidence: float) -> Iterator[dict]:
    is_case = cases(predictions)
    right = _right(predictions)
    sensitivity = _rate(predictions[is_case], right[is_case], confidence)
    specificity = _rate(predictions[~is_case], right[~is_case], confidence)
    yield {"quantity": ACCURACY} | _rate(predictions, right, confidence)
    at_half = _right_at_half(predictions)
    yield {"quantity": "accuracy at probability 0.5"} | _rate(predictions, at_half, confidence)
    samples, larger = predictions["sample"].nunique(), samples_of_larger_class(predictions)
    yield {
        "quantity": "majority rate",
        "estimate": larger / samples,
        "numerator": larger,
        "denominator": samples,
    }
    for quantity, function, limits in (
        (BALANCED, lambda one, other: (one + other) / 2, (0.0, 1.0)),
        (MCC, lambda one, other: matthews(one, other, float(is_case.mean())), (-1.0, 1.0)),
    ):
        yield {"quantity": quantity, "denominator": samples} | _of_both(
            function, predictions, limits, confidence
        )
    for quantity, rate, kind in (
        ("sensitivity", sensitivity, CASE),
        ("specificity", specificity, CONTROL),
    ):
        if rate["denominator"]:
            yield {"quantity": quantity} | rate
        else:
            yield results.not_estimable(f"no {kind} was predicted", quantity=quantity, denominator=0)


def matthews(sensitivity: float, specificity: float, share: float) -> float:
    """Matthews' correlation coefficient of predicted and true class; NaN when only one class is predicted.

    Args:
        share: of the cases among the samples.

    Source: Matthews 1975 (doi 10.1016/0005-2795(75)90109-9), written in rates.
    """
    called = share * sensitivity + (1 - share) * (1 - specificity)
    spread = share * (1 - share) * called * (1 - called)
    if not spread > 1e-12:
        return float("nan")
    return float(share * (1 - share) * (sensitivity + specificity - 1) / np.sqrt(spread))


def _of_both(
    function: Callable[[float, float], float],
    predictions: pd.DataFrame,
    limits: tuple[float, float],
    confidence: float,
) -> dict:
    """A function of sensitivity and specificity that grows with each.

    What Wilson's interval of each does to it, squared and added, is what chance does to a given
    model; what hangs on the model shows between folds. The wider of both is given.
    """
    is_case, right = cases(predictions), _right(predictions)
    if is_case.all() or not is_case.any():
        return {"status": results.NOT_ESTIMABLE, "reason": "all samples are of one class"}
    rates = [float(right[who].mean()) for who in (is_case, ~is_case)]
    estimate = function(*rates)
    if np.isnan(estimate):
        return {"status": results.NOT_ESTIMABLE, "reason": "every sample is predicted to be of one class"}
    ends = [
        _wilson(rate, predictions[who], confidence)
        for rate, who in zip(rates, (is_case, ~is_case), strict=True)
    ]
    below, above = (
        np.hypot(estimate - function(ends[0][end], rates[1]), estimate - function(rates[0], ends[1][end]))
        for end in (0, 1)
    )
    half = corrected_t(_of_folds(function, predictions, right), folds_a_repeat(predictions), confidence)
    below, above = np.fmax(below, half), np.fmax(above, half)
    methods = f"{CORRECTED_T} and Wilson intervals of sensitivity and specificity, squared and added"
    return {
        "estimate": estimate,
        "lower": max(limits[0], estimate - below),
        "upper": min(limits[1], estimate + above),
        "interval": f"{confidence:.0%}, the wider of {methods} (80 to 97% covered in simulations)",
    }


def _of_folds(
    function: Callable[[float, float], float], predictions: pd.DataFrame, right: pd.Series
) -> np.ndarray:
    """The function of each fold that tests both classes; 0 where it is not defined."""
    rates = right.groupby([predictions["repeat"], predictions["fold"], cases(predictions)]).mean().unstack()
    both = rates.dropna()
    return np.nan_to_num([function(one, other) for other, one in zip(both[False], both[True], strict=True)])


def _right(predictions: pd.DataFrame) -> pd.Series:
    """Whether the predicted class is the true one; one half where none was."""
    right = (predictions["predicted"] == predictions["label"]).astype("Float64")
    return right.fillna(0.5).astype(float)


def _right_at_half(predictions: pd.DataFrame) -> pd.Series:
    """Whether the likelier class is the true one; one half where neither is likelier."""
    away = np.where(cases(predictions), 1, -1) * (predictions["probability"] - 0.5)
    return (np.sign(away) + 1) / 2


def _rate(predictions: pd.DataFrame, right: pd.Series, confidence: float) -> dict:
    """Mean share of right predictions; its interval counts groups, where there are any.

    Wilson's interval takes the threshold as given; that of each fold was chosen anew, and where the signal is
    weak that moves the rate far more than chance in the samples does (Wilson's interval then covered 30 to
    80% in simulations). What moves it shows between folds; so the wider of both is given.
    """
    number, samples = members(predictions), predictions["sample"].nunique()
    if not samples:
        return {"denominator": 0}
    estimate = float(right.mean())
    lower, upper = _wilson(estimate, predictions, confidence)
    of_folds = right.groupby([predictions["repeat"], predictions["fold"]]).mean().to_numpy()
    half = corrected_t(of_folds, folds_a_repeat(predictions), confidence) if len(of_folds) > 1 else 0.0
    methods = f"{CORRECTED_T} and Wilson on the mean over repeats"
    return {
        "estimate": estimate,
        "lower": min(lower, max(0.0, estimate - half)),
        "upper": max(upper, min(1.0, estimate + half)),
        "interval": f"{confidence:.0%}, the wider of {methods}, n = {number} {unit(predictions)}",
        "denominator": samples,
    }


def _wilson(estimate: float, predictions: pd.DataFrame, confidence: float) -> tuple[float, float]:
    number = members(predictions)
    lower, upper = wilson(estimate * number, number, confidence)
    return float(lower), float(upper)


def _brier_rows(predictions: pd.DataFrame, folds: pd.DataFrame, confidence: float) -> Iterator[dict]:
    estimate = folds["brier"].mean()
    half = corrected_t(folds["brier"].to_numpy(), folds_a_repeat(predictions), confidence)
    samples = predictions["sample"].nunique()
    yield {
        "quantity": BRIER,
        "estimate": estimate,
        "lower": max(0.0, estimate - half),
        "upper": min(1.0, estimate + half),
        "interval": f"{confidence:.0%}, {CORRECTED_T}",
        "denominator": samples,
    }
    share = samples_of_larger_class(predictions) / samples
    yield {
        "quantity": "Brier score of the class shares alone",
        "estimate": share * (1 - share),
        "denominator": samples,
    }


def _repeat_rows(predictions: pd.DataFrame, folds: pd.DataFrame) -> Iterator[dict]:
    """The main figures of each repeat alone: how much they hang on how the folds fell."""
    precise = {kind: fold_precision(predictions, kind) for kind in (CASE, CONTROL)}
    for repeat, rows in predictions.groupby("repeat", sort=True):
        is_case, right = cases(rows), _right(rows)
        rates = [right[who].mean() for who in (is_case, ~is_case)]
        of_folds = folds[folds["repeat"] == repeat]
        found = {
            WITHIN: of_folds["auc"].mean(),
            ACCURACY: right.mean(),
            BALANCED: float(np.mean(rates)),
            MCC: matthews(*rates, float(is_case.mean())),
            BRIER: of_folds["brier"].mean(),
        }
        for kind, table in precise.items():
            found[f"average precision of {kind}s within folds"] = table.loc[
                table["repeat"] == repeat, "average_precision"
            ].mean()
        for quantity, estimate in found.items():
            if not np.isnan(estimate):
                yield {
                    "quantity": f"{quantity}{OF_ONE}",
                    "level": f"repeat {repeat}",
                    "estimate": estimate,
                }


def _caution(predictions: pd.DataFrame, folds: pd.DataFrame, confidence: float) -> str | None:
    is_case = predictions["label"] == CASE
    fewest = min(members(predictions[is_case]), members(predictions[~is_case]))
    unit = "samples" if predictions["group"].isna().all() else "groups"
    reasons = []
    if fewest < FEWEST:
        reasons.append(f"the smaller class has {fewest} {unit} (fewer than {FEWEST})")
    usable = folds.dropna(subset=["auc"])
    if not usable.empty:
        lower, upper = _within_interval(usable, confidence)
        if upper - lower > WIDEST:
            reasons.append(f"the interval of the AUC is {upper - lower:.2f} wide (more than {WIDEST})")
    return f"too small for a claim: {'; '.join(reasons)}" if reasons else None


def _on_grid(false: np.ndarray, true: np.ndarray) -> np.ndarray:
    """The true positive rate at each point of `GRID`; the top of a vertical step."""
    return np.interp(GRID, np.round(false, 12), true)  # rounded: 3 / 5 must meet the grid's 0.6
