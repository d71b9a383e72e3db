"""How pure are the samples called first? Precision against recall on held-out predictions.

Precision depends on how common the class is, so each class has its own figures: with 80% cases, 80% of the
samples called at random are cases, and only the rarer class shows whether the ranking is any good.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from decidua import results
from decidua.learning.held_out import (
    CASE,
    CONTROL,
    CORRECTED_T,
    by_fold,
    cases,
    corrected_t,
    folds_a_repeat,
    whom,
)

#: Points of the recall at which precisions are averaged.
GRID = np.round(np.linspace(0, 1, 101), 12)
COLUMNS = ["positive", "repeat", "recall", "precision", "lower", "upper", "chance"]


def average_precision(scores: np.ndarray, positive: np.ndarray) -> float:
    """Mean precision over the positives, each at its own rank; samples of one score are called together.

    NaN without a positive. It is the area under the step curve of `precision_recall_curve`, as
    scikit-learn's.
    """
    precision, recall = precision_recall_curve(scores, positive)
    return float((np.diff(recall, prepend=0.0) * precision).sum()) if len(recall) else float("nan")


def precision_recall_curve(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall, a point a distinct score from the highest on; empty without a positive."""
    positive = np.asarray(positive, dtype=bool)
    if not positive.any():
        return np.empty(0), np.empty(0)
    values, position = np.unique(-np.asarray(scores), return_inverse=True)
    found = np.bincount(position, weights=positive, minlength=len(values)).cumsum()
    called = np.bincount(position, minlength=len(values)).cumsum()
    return found / called, found / found[-1]


def chance(positives: int, samples: int) -> float:
    """Expected average precision of a random order: above the share of positives, more so in small folds.

    Place k holds a positive with probability m / n, and then (k - 1) (m - 1) / (n - 1) of those before it are
    positives on average; precision there is that plus 1, over k. Summed over the places and divided by m.
    """
    if samples == 1:
        return float(positives)
    harmonic = (1 / np.arange(1, samples + 1)).sum()
    return float((harmonic + (positives - 1) / (samples - 1) * (samples - harmonic)) / samples)


def fold_precision(predictions: pd.DataFrame, positive: str) -> pd.DataFrame:
    """A row an outer fold that tests both classes: repeat, fold, average_precision, chance."""
    rows = []
    for repeat, fold, held_out in by_fold(predictions):
        scores, wanted = _ranked(held_out, positive)
        if wanted.any() and not wanted.all():
            expected = chance(int(wanted.sum()), len(wanted))
            rows.append((repeat, fold, average_precision(scores, wanted), expected))
    return pd.DataFrame(rows, columns=["repeat", "fold", "average_precision", "chance"])


def precision_rows(predictions: pd.DataFrame, confidence: float) -> Iterator[dict]:
    """Rows of a results table: average precision of each class within folds, and its two yardsticks."""
    samples = predictions["sample"].nunique()
    number = folds_a_repeat(predictions)
    everyone = predictions["repeat"].nunique() * number
    for positive in (CASE, CONTROL):
        quantity = f"average precision of {positive}s within folds"
        folds = fold_precision(predictions, positive)
        if folds.empty:
            yield results.not_estimable(
                "no outer fold tests both classes", quantity=quantity, denominator=samples
            )
        else:
            estimate = folds["average_precision"].mean()
            row = {"quantity": quantity, "estimate": estimate, "denominator": samples}
            if len(folds) < everyone:
                left = f"{everyone - len(folds)} of {everyone} folds left out, which test one class only"
                row["counted"] = f"{whom(predictions)}; {left}"
            yield row | _limits(folds["average_precision"].to_numpy(), number, confidence)
            yield {
                "quantity": f"average precision of {positive}s in a random order",
                "estimate": folds["chance"].mean(),
                "denominator": samples,
            }
        labels = predictions.drop_duplicates("sample")["label"]
        yield {
            "quantity": f"share of {positive}s",
            "estimate": float((labels == positive).mean()),
            "numerator": int((labels == positive).sum()),
            "denominator": samples,
        }


def _limits(values: np.ndarray, folds: int, confidence: float) -> dict:
    half = corrected_t(values, folds, confidence)
    if np.isnan(half):
        return {}
    mean = values.mean()
    return {
        "lower": max(0.0, mean - half),
        "upper": min(1.0, mean + half),
        "interval": f"{confidence:.0%}, {CORRECTED_T}",
    }


def precision_recall_table(predictions: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """Precision-recall curves for drawing, of each class: each repeat's and their mean with its band.

    A repeat's curve is the mean of its folds' step curves at each recall, so the area under it is the average
    precision within folds, but for the grid. The band is the corrected resampled t interval over the folds,
    cut at 0 and 1.

    Returns:
        The columns of `COLUMNS`: positive (the class that is looked for), repeat ("1", "2", ..., "mean"),
        recall, precision, lower, upper (the mean's rows only), chance (share of the class among the held-out
        samples). Empty when no fold tests both classes.
    """
    tables = [table for positive in (CASE, CONTROL) for table in _curves(predictions, positive, confidence)]
    if not tables:
        return pd.DataFrame(columns=COLUMNS).astype(
            {name: "string" if name in COLUMNS[:2] else "float64" for name in COLUMNS}
        )
    table = pd.concat(tables, ignore_index=True).reindex(columns=COLUMNS)
    return table.astype({"positive": "string", "repeat": "string"})


def _curves(predictions: pd.DataFrame, positive: str, confidence: float) -> Iterator[pd.DataFrame]:
    curves, repeats, shares = [], [], []
    for repeat, _, held_out in by_fold(predictions):
        scores, wanted = _ranked(held_out, positive)
        if wanted.any() and not wanted.all():
            precision, recall = precision_recall_curve(scores, wanted)
            # the step that reaches this recall, at 0 the first; rounded, so that 3 / 5 meets the grid's 0.6
            curves.append(precision[np.searchsorted(np.round(recall, 12), np.maximum(GRID, 1e-12))])
            repeats.append(repeat)
            shares.append(wanted.mean())
    if not curves:
        return
    curves, repeats = np.array(curves), np.array(repeats)
    same = {"positive": positive, "recall": GRID, "chance": float(np.mean(shares))}
    for repeat in np.unique(repeats):
        yield pd.DataFrame(
            same | {"repeat": str(repeat), "precision": curves[repeats == repeat].mean(axis=0)}
        )
    mean, half = curves.mean(axis=0), corrected_t(curves, folds_a_repeat(predictions), confidence)
    band = {"lower": np.clip(mean - half, 0, 1), "upper": np.clip(mean + half, 0, 1)}
    yield pd.DataFrame(same | {"repeat": "mean", "precision": mean} | band)


def _ranked(held_out: pd.DataFrame, positive: str) -> tuple[np.ndarray, np.ndarray]:
    """Scores that are high where the class is expected, and who is of it."""
    is_case, scores = cases(held_out), held_out["score"].to_numpy(dtype=float)
    return (scores, is_case) if positive == CASE else (-scores, ~is_case)
