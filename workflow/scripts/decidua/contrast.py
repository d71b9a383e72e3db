"""How do cases differ from controls, counted by women where a woman gave several samples?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from decidua.learning.performance import CASE, CONTROL
from decidua.statistics.answers import Estimate, HypothesisTest, NotEstimable


@dataclass(frozen=True)
class Contrast:
    """What is compared: independent units of two classes, or differences within women.

    values: rows x units; of differences within women, case minus control.
    is_case: of each unit; None for differences.
    counted: whom that counts, and who was left out; caution: what it does not allow for.
    """

    values: np.ndarray
    is_case: np.ndarray | None
    counted: str
    caution: str = ""

    @property
    def enough(self) -> bool:
        """Whether there is anything to estimate a variance from."""
        if self.is_case is None:
            return self.values.shape[1] >= 2
        return min(self.is_case.sum(), (~self.is_case).sum()) >= 2


def contrast(values: pd.DataFrame, samples: pd.DataFrame) -> Contrast:
    """The units of a comparison of cases with controls.

    Without groups in the sheet the samples; with women who gave several, a woman's mean of each class; if
    women are in both classes, the differences within those women.

    Args:
        values: rows x samples.
        samples: the sheet: sample, label, group (all missing without one), perhaps batch.
    """
    sheet = samples.set_index("sample").loc[list(values.columns)]
    batches = sheet["batch"].nunique() if "batch" in sheet else 0
    caution = f"not adjusted for the {batches} batches" if batches > 1 else ""
    is_case = (sheet["label"] == CASE).to_numpy(dtype=bool)
    numbers = values.to_numpy(dtype=float)
    women = sheet["group"]
    if women.isna().all() or not women.duplicated().any():
        return Contrast(numbers, is_case, _sizes(is_case, "samples"), caution)
    women = women.astype(str).to_numpy()
    names = {kind: np.unique(women[is_case == kind]) for kind in (True, False)}
    means = {
        kind: np.array(
            [numbers[:, (women == name) & (is_case == kind)].mean(axis=1) for name in names[kind]]
        ).T
        for kind in names
    }
    both, first, second = np.intersect1d(names[True], names[False], return_indices=True)
    if not len(both):
        kinds = np.repeat([True, False], [len(names[True]), len(names[False])])
        counted = f"{_sizes(kinds, 'women')}, the mean of each one's samples"
        return Contrast(np.hstack([means[True], means[False]]), kinds, counted, caution)
    left = len(np.union1d(names[True], names[False])) - len(both)
    counted = f"{len(both)} women with samples of both classes"
    counted += f"; {left} left out: samples of one class only" if left else ""
    return Contrast(means[True][:, first] - means[False][:, second], None, counted, caution)


def _sizes(is_case: np.ndarray, what: str) -> str:
    return f"{int(is_case.sum())} {CASE} and {int((~is_case).sum())} {CONTROL} {what}"


def difference(of: Contrast, place: int, confidence: float) -> tuple[Estimate, HypothesisTest]:
    """Mean difference, case minus control, of one row: Welch's t, or Student's of differences within women.

    Raises:
        NotEstimable: too few units, or no variation.
    """
    if not of.enough:
        raise NotEstimable("fewer than two of a class")
    row = of.values[place]
    parts = [row] if of.is_case is None else [row[of.is_case], row[~of.is_case]]
    errors = np.array([part.var(ddof=1) / len(part) for part in parts])
    if not errors.sum() > 0:
        raise NotEstimable("no variation within the classes")
    mean = parts[0].mean() - (parts[1].mean() if len(parts) == 2 else 0.0)
    error = np.sqrt(errors.sum())
    df = errors.sum() ** 2 / (errors**2 / [len(part) - 1 for part in parts]).sum()
    t = float(mean / error)
    half = stdtrit(df, (1 + confidence) / 2) * error
    estimate = Estimate(float(mean), float(mean - half), float(mean + half))
    return estimate, HypothesisTest(t, float(2 * stdtr(df, -abs(t))), float(df))


def test_name(of: Contrast) -> str:
    """What the test of `difference` is called."""
    return "Welch t" if of.is_case is not None else "paired t"


def t_statistics(of: Contrast) -> tuple[np.ndarray, np.ndarray, int]:
    """Student's t of every row (pooled variance, or of differences), residuals, and degrees of freedom.

    Returns:
        t: NaN for a row without variation within the classes; residuals: rows x units, each row of length 1.

    Raises:
        NotEstimable: too few units.
    """
    if not of.enough:
        raise NotEstimable("fewer than two of a class")
    kinds = np.ones(of.values.shape[1], dtype=bool) if of.is_case is None else of.is_case
    residuals = of.values.copy()
    means = []
    for kind in np.unique(kinds)[::-1]:
        means.append(residuals[:, kinds == kind].mean(axis=1))
        residuals[:, kinds == kind] -= means[-1][:, None]
    df = len(kinds) - len(means)
    squares = np.einsum("ij,ij->i", residuals, residuals)
    varies = squares > 1e-12
    scale = np.sqrt(np.where(varies, squares, 1.0))
    error = scale / np.sqrt(df) * np.sqrt(sum(1 / (kinds == kind).sum() for kind in np.unique(kinds)))
    gap = means[0] - (means[1] if len(means) == 2 else 0.0)
    return np.where(varies, gap / error, np.nan), residuals / scale[:, None], df


def mean_correlation(directions: np.ndarray) -> np.ndarray:
    """Mean correlation of the pairs of rows: ... x rows x units, each row centred and of length 1."""
    n = directions.shape[-2]
    total = directions.sum(axis=-2)
    return (np.einsum("...j,...j->...", total, total) - n) / (n * (n - 1))
