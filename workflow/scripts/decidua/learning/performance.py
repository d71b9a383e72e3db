"""How good are the held-out predictions, how sure is that, and is there enough data for a claim?

Works on the `predictions` table of a cross-validation: a row a sample and repeat, with label, group (or NA),
repeat, fold, score, probability and predicted.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from decidua import results
from decidua.statistics.proportions import wilson

CASE, CONTROL = "case", "control"
MODEL = "ridge logistic regression"
WITHIN, POOLED = "AUC within folds", "AUC pooled over folds (biased at small n)"
OF_REPEAT = "AUC within folds of one repeat"
#: What the dependence between folds (shared training samples) adds to the variance of their mean AUC.
#: Measured: in simulations of 12 to 135 samples it was 0.8 to 1.9 times that of independent folds, 1.5 to
#: 1.9 in most, and much the same with 3, 5 and 10 folds.
OVERLAP = 1.75
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

    The primary figure is "AUC within folds": pairs of samples scored by the same model only. Samples of
    different folds were scored by models with different intercepts, so pooling them is biased on small
    samples; that figure stands beside it and says so in its name. Accuracy, sensitivity and specificity are
    means over the repeats of the predicted labels, whose threshold was chosen in training.

    Args:
        predictions: held-out predictions, each sample once in every repeat.
        study: the population of the rows.
        model: the variable of the rows.

    Returns:
        One row a quantity; `reason` holds the caution of `caution` when there is one. "AUC within folds of
        one repeat" has a row a repeat, its level.
    """
    counted = _counted(predictions)
    folds = fold_table(predictions)
    caution_text = _caution(predictions, folds, confidence)
    common = {"analysis": "classifier", "population": study, "variable": model, "counted": counted}
    rows = [
        *_auc_rows(predictions, folds, confidence),
        *_rate_rows(predictions, confidence),
        *_brier_rows(predictions, folds, confidence),
        *_repeat_rows(folds),
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
    for (repeat, fold), held_out in predictions.groupby(["repeat", "fold"], sort=True):
        is_case = (held_out["label"] == CASE).to_numpy(dtype=bool)
        probability = held_out["probability"].to_numpy()
        rows.append(
            {
                "repeat": repeat,
                "fold": fold,
                "auc": auc(held_out["score"].to_numpy(), is_case),
                "brier": float(((probability - is_case) ** 2).mean()),
                "cases": _members(held_out[is_case]),
                "controls": _members(held_out[~is_case]),
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
    for (repeat, _), held_out in predictions.groupby(["repeat", "fold"], sort=True):
        is_case = (held_out["label"] == CASE).to_numpy(dtype=bool)
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


def folds_a_repeat(predictions: pd.DataFrame) -> int:
    """Number of outer folds."""
    return int(predictions["fold"].nunique())


def corrected_t(values: np.ndarray, folds: int, confidence: float) -> np.ndarray | float:
    """Half the width of the corrected resampled t interval for the mean of fold values (first axis).

    The variance of the mean is s^2 (1 / values + test size / training size), for the training sets overlap;
    the degrees of freedom are values - 1. NaN for a single value.

    Source: Nadeau and Bengio 2003 (doi 10.1023/A:1024068626366); repeated folds: Bouckaert and Frank 2004.
    """
    number = len(values)
    if number < 2:
        return np.full(np.shape(values)[1:], np.nan)[()]
    variance = np.var(values, axis=0, ddof=1) * (1 / number + 1 / (folds - 1))
    return stdtrit(number - 1, (1 + confidence) / 2) * np.sqrt(variance)


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

    Source: Newcombe 2006 (doi 10.1002/sim.2324), method 5. With `OVERLAP` it covered the true AUC (0.5 to
    0.99) of five-fold cross-validation in 93 to 98% of simulations with 31 to 135 samples and in 96 to 100%
    with 12; the corrected resampled t interval in 62 to 93%.
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


def _within_interval(folds: pd.DataFrame, confidence: float) -> tuple[float, float]:
    sizes = list(zip(folds["cases"], folds["controls"], strict=True))
    a_repeat = len(folds) / folds["repeat"].nunique()
    return auc_interval(folds["auc"].mean(), sizes, a_repeat, OVERLAP, confidence)


def _auc_rows(predictions: pd.DataFrame, folds: pd.DataFrame, confidence: float) -> Iterator[dict]:
    samples = predictions["sample"].nunique()
    usable = folds.dropna(subset=["auc"])
    widened = f"variance x {OVERLAP} for shared training samples"
    within = {"quantity": WITHIN, "denominator": samples}
    if usable.empty:
        yield within | {"status": results.NOT_ESTIMABLE, "reason": "no outer fold tests both classes"}
    else:
        lower, upper = _within_interval(usable, confidence)
        if len(usable) < len(folds):
            without = f"{len(folds) - len(usable)} of {len(folds)} folds left out, which test one class only"
            within["counted"] = f"{_counted(predictions)}; {without}"
        yield within | {
            "estimate": usable["auc"].mean(),
            "lower": lower,
            "upper": upper,
            "interval": f"{confidence:.0%}, Newcombe's score interval for the folds' AUCs, {widened}",
        }
    pooled = np.mean(
        [auc(table["score"], table["label"] == CASE) for _, table in predictions.groupby("repeat")]
    )
    is_case = predictions["label"] == CASE
    size = _members(predictions[is_case]), _members(predictions[~is_case])
    lower, upper = auc_interval(float(pooled), [size], 1, OVERLAP, confidence)
    yield {
        "quantity": POOLED,
        "estimate": pooled,
        "lower": lower,
        "upper": upper,
        "interval": f"{confidence:.0%}, Newcombe's score interval, {widened}",
        "denominator": samples,
    }


def _rate_rows(predictions: pd.DataFrame, confidence: float) -> Iterator[dict]:
    is_case = predictions["label"] == CASE
    right = predictions["predicted"] == predictions["label"]
    right_at_half = (predictions["probability"] >= 0.5) == is_case
    sensitivity = _rate(predictions[is_case], right[is_case], confidence)
    specificity = _rate(predictions[~is_case], right[~is_case], confidence)
    yield {"quantity": "accuracy"} | _rate(predictions, right, confidence)
    yield {"quantity": "accuracy at probability 0.5"} | _rate(predictions, right_at_half, confidence)
    samples, larger = predictions["sample"].nunique(), _samples_of_larger_class(predictions)
    yield {
        "quantity": "majority rate",
        "estimate": larger / samples,
        "numerator": larger,
        "denominator": samples,
    }
    estimate = (sensitivity["estimate"] + specificity["estimate"]) / 2
    below, above = (
        np.hypot(*(rate["estimate"] - rate[end] for rate in (sensitivity, specificity))) / 2
        for end in ("lower", "upper")
    )
    yield {
        "quantity": "balanced accuracy",
        "estimate": estimate,
        "lower": max(0.0, estimate - below),
        "upper": min(1.0, estimate + above),
        "interval": f"{confidence:.0%}, Wilson intervals of sensitivity and specificity, squared and added",
        "denominator": samples,
    }
    yield {"quantity": "sensitivity"} | sensitivity
    yield {"quantity": "specificity"} | specificity


def _rate(predictions: pd.DataFrame, right: pd.Series, confidence: float) -> dict:
    """Mean share of right predictions; its interval counts groups, where there are any."""
    members, samples = _members(predictions), predictions["sample"].nunique()
    unit = "groups" if members < samples else "samples"
    estimate = float(right.mean())
    lower, upper = wilson(estimate * members, members, confidence)
    return {
        "estimate": estimate,
        "lower": float(lower),
        "upper": float(upper),
        "interval": f"{confidence:.0%}, Wilson on the mean over repeats, n = {members} {unit}",
        "denominator": samples,
    }


def _brier_rows(predictions: pd.DataFrame, folds: pd.DataFrame, confidence: float) -> Iterator[dict]:
    estimate = folds["brier"].mean()
    half = corrected_t(folds["brier"].to_numpy(), folds_a_repeat(predictions), confidence)
    samples = predictions["sample"].nunique()
    yield {
        "quantity": "Brier score",
        "estimate": estimate,
        "lower": max(0.0, estimate - half),
        "upper": min(1.0, estimate + half),
        "interval": f"{confidence:.0%}, corrected resampled t over folds (Nadeau and Bengio)",
        "denominator": samples,
    }
    share = _samples_of_larger_class(predictions) / samples
    yield {
        "quantity": "Brier score of the class shares alone",
        "estimate": share * (1 - share),
        "denominator": samples,
    }


def _repeat_rows(folds: pd.DataFrame) -> Iterator[dict]:
    for repeat, table in folds.dropna(subset=["auc"]).groupby("repeat", sort=True):
        yield {"quantity": OF_REPEAT, "level": f"repeat {repeat}", "estimate": table["auc"].mean()}


def _caution(predictions: pd.DataFrame, folds: pd.DataFrame, confidence: float) -> str | None:
    is_case = predictions["label"] == CASE
    fewest = min(_members(predictions[is_case]), _members(predictions[~is_case]))
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


def _counted(predictions: pd.DataFrame) -> str:
    labels = predictions.drop_duplicates("sample")["label"]
    cases = int((labels == CASE).sum())
    groups = "" if predictions["group"].isna().all() else f" of {predictions['group'].nunique()} groups"
    repeats = predictions["repeat"].nunique()
    return (
        f"{len(labels)} samples{groups} ({cases} case, {len(labels) - cases} control); {repeats}"
        f" repeat{'s' if repeats > 1 else ''} of {folds_a_repeat(predictions)} folds"
    )


def _samples_of_larger_class(predictions: pd.DataFrame) -> int:
    return int(predictions.drop_duplicates("sample")["label"].value_counts().max())


def _members(predictions: pd.DataFrame) -> int:
    """Groups, or samples when ungrouped."""
    ungrouped = predictions["group"].isna().all()
    return int(predictions["sample" if ungrouped else "group"].nunique())


def _on_grid(false: np.ndarray, true: np.ndarray) -> np.ndarray:
    """The true positive rate at each point of `GRID`; the top of a vertical step."""
    return np.interp(GRID, np.round(false, 12), true)  # rounded: 3 / 5 must meet the grid's 0.6
