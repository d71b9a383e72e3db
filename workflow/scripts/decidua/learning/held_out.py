"""Who is in a table of held-out predictions, and how sure is a mean over its folds or its members?

`predictions` is a row a sample and repeat: sample, group (or NA), label, repeat, fold, score (logit),
probability, predicted.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import stdtrit

CASE, CONTROL = "case", "control"
#: Nadeau and Bengio's interval, as tables name it.
CORRECTED_T = "corrected resampled t over folds (Nadeau and Bengio)"


def cases(predictions: pd.DataFrame) -> np.ndarray:
    """Whether each row is of a case."""
    return (predictions["label"] == CASE).to_numpy(dtype=bool)


def by_fold(predictions: pd.DataFrame) -> Iterator[tuple[int, int, pd.DataFrame]]:
    """Repeat, fold and held-out rows of each outer fold, in order."""
    for (repeat, fold), held_out in predictions.groupby(["repeat", "fold"], sort=True):
        yield repeat, fold, held_out


def members(predictions: pd.DataFrame) -> int:
    """Groups, or samples when ungrouped."""
    return int(member_of(predictions).nunique())


def member_of(predictions: pd.DataFrame) -> pd.Series:
    """The group of each row, or its sample when ungrouped: rows of one member are not independent."""
    return predictions["sample" if predictions["group"].isna().all() else "group"]


def unit(predictions: pd.DataFrame) -> str:
    """What the members are called."""
    return "samples" if members(predictions) == predictions["sample"].nunique() else "groups"


def samples_of_larger_class(predictions: pd.DataFrame) -> int:
    """How many samples the larger class has."""
    return int(predictions.drop_duplicates("sample")["label"].value_counts().max())


def whom(predictions: pd.DataFrame) -> str:
    """Whom the numbers count, in words."""
    labels = predictions.drop_duplicates("sample")["label"]
    number = int((labels == CASE).sum())
    groups = "" if predictions["group"].isna().all() else f" of {predictions['group'].nunique()} groups"
    repeats = predictions["repeat"].nunique()
    return (
        f"{len(labels)} samples{groups} ({number} case, {len(labels) - number} control); {repeats}"
        f" repeat{'s' if repeats > 1 else ''} of {folds_a_repeat(predictions)} folds"
    )


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
