"""What does a test or an estimate give back, and how does it say that there is no answer?"""

from dataclasses import dataclass

import numpy as np


class NotEstimable(ValueError):
    """The number does not exist for these data. Its text is the reason, for a person."""


@dataclass(frozen=True)
class HypothesisTest:
    """A test's result; NaN where the test has no such number (Fisher's has no statistic).

    `caution` says when the p-value should not be trusted as it stands.
    """

    statistic: float
    p: float
    df: float = np.nan
    df_residual: float = np.nan
    caution: str = ""


@dataclass(frozen=True)
class Estimate:
    """A value with its confidence interval; an end may be infinite, and is NaN where there is none."""

    value: float
    lower: float
    upper: float
