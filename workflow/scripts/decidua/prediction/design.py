"""What is a prediction model before it has seen data, and how do its predictors become numbers?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from decidua.statistics.answers import NotEstimable

HISTORY, IMMUNE, BOTH = "history", "immune", "both"
RIDGE, FIRTH, ELASTIC_NET, BOOSTING, CONDITIONAL = METHODS = (
    "ridge",
    "firth",
    "elastic_net",
    "boosting",
    "conditional",
)
#: Maximum likelihood: for comparison, and for what is only told after it.
MAXIMUM_LIKELIHOOD = "maximum_likelihood"
#: Of two levels, that which counts 1, where they are these words (a panel's calls).
_ONE = ("abnormal", "yes", "true", "positive", "high")


@dataclass(frozen=True)
class Specification:
    """A model before it has seen data.

    knots: of each column 0 (a straight line, the default) or 3 to 5 (a restricted cubic spline).
    method: one of `METHODS` (or `MAXIMUM_LIKELIHOOD`); family: history, immune or both.
    """

    name: str
    columns: tuple[str, ...]
    knots: Mapping[str, int] = field(default_factory=dict)
    method: str = RIDGE
    family: str = BOTH

    @property
    def parameters(self) -> int:
        """Coefficients but the intercept: one a straight line, knots - 1 a spline."""
        return sum(max(self.knots.get(name, 0) - 1, 1) for name in self.columns)


def levels(column: pd.Series) -> dict[str, float] | None:
    """The number of each level of a category, in the order of the categories; None for numbers and yes/no.

    Of two levels the one that is a word such as "abnormal" counts 1 and the other 0.
    """


def values(
    rows: pd.DataFrame, columns: Sequence[str], coding: Mapping[str, Mapping[str, float]]
) -> np.ndarray:
    """The columns as n x p floats, NaN where unknown; an absent column is unknown for all.

    Args:
        coding: of each category the number of a level, as `levels` gives it.

    Raises:
        NotEstimable: a level that the coding does not know, an infinite value.
    """


def codings(rows: pd.DataFrame, columns: Iterable[str]) -> dict[str, dict[str, float]]:
    """`levels` of each of the columns that is a category."""


_ = NotEstimable
