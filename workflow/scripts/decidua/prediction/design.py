"""What is a prediction model before it has seen data, and how do its predictors become numbers?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from decidua.statistics.answers import NotEstimable

HISTORY, IMMUNE, BOTH = "history", "immune", "both"
RIDGE, FIRTH, BOOSTING, CONDITIONAL = METHODS = (
    "ridge",
    "firth",
    "boosting",
    "conditional",
)
#: Without any penalty: for comparison.
MAXIMUM_LIKELIHOOD = "maximum_likelihood"
NUMBER, BOOLEAN, CATEGORY = "number", "boolean", "category"
#: Of two levels the one that is such a word counts 1 (a panel's calls).
_ONE = ("abnormal", "yes", "true", "positive", "high")


@dataclass(frozen=True)
class Specification:
    """A model before it has seen data.

    knots: of each column 0 (a straight line, the default) or 3 to 5 (a restricted cubic spline).
    method: one of `METHODS` (or `MAXIMUM_LIKELIHOOD`); family: history, immune or both.
    most_df: the effective degrees of freedom that the penalty of a ridge model must leave at most; None: as
    many as the data ask for.
    """

    name: str
    columns: tuple[str, ...]
    knots: Mapping[str, int] = field(default_factory=dict)
    method: str = RIDGE
    family: str = BOTH
    most_df: float | None = None

    @property
    def parameters(self) -> int:
        """Coefficients but the intercept: one a straight line, knots - 1 a spline."""
        return sum(max(self.knots.get(name, 0) - 1, 1) for name in self.columns)


def kind(column: pd.Series) -> str:
    """Whether a column holds numbers, yes/no or categories."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return BOOLEAN
    return NUMBER if pd.api.types.is_numeric_dtype(column.dtype) else CATEGORY


def levels(column: pd.Series) -> dict[str, float] | None:
    """The number of each level of a category, in the order of the categories; None for numbers and yes/no.

    Of two levels the one that is a word such as "abnormal" counts 1 and the other 0.
    """
    if kind(column) != CATEGORY:
        return None
    known = column.dropna()
    if isinstance(column.dtype, pd.CategoricalDtype):
        names = [str(level) for level in column.dtype.categories]
    else:
        names = sorted(known.astype(str).unique())
    if len(names) == 2 and names[0].lower() in _ONE and names[1].lower() not in _ONE:
        names.reverse()
    return {name: float(place) for place, name in enumerate(names)}


def codings(rows: pd.DataFrame, columns: Iterable[str]) -> dict[str, dict[str, float]]:
    """`levels` of each of the columns that is a category."""
    found = {name: levels(rows[name]) for name in columns}
    return {name: coding for name, coding in found.items() if coding is not None}


def values(
    rows: pd.DataFrame, columns: Sequence[str], coding: Mapping[str, Mapping[str, float]]
) -> np.ndarray:
    """The columns as n x p floats, NaN where unknown; an absent column is unknown for all.

    Args:
        coding: of each category the number of a level, as `levels` gives it.

    Raises:
        NotEstimable: a level that the coding does not know, or an infinite value.
    """
    found = np.full((len(rows), len(columns)), np.nan)
    for place, name in enumerate(columns):
        if name in rows:
            found[:, place] = _numbers(rows[name], coding.get(name))
    if np.isinf(found).any():
        infinite = [name for name, bad in zip(columns, np.isinf(found).any(axis=0), strict=True) if bad]
        raise NotEstimable(f"infinite values of {', '.join(infinite)}")
    return found


def _numbers(column: pd.Series, coding: Mapping[str, float] | None) -> np.ndarray:
    if coding is None:
        return pd.to_numeric(column).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    known = column.notna()
    unknown = sorted(set(column[known].astype(str)) - set(coding))
    if unknown:
        raise NotEstimable(f"{column.name} has levels that the model does not know: {', '.join(unknown)}")
    numbers = np.full(len(column), np.nan)
    numbers[known.to_numpy()] = column[known].astype(str).map(coding).to_numpy(dtype=float)
    return numbers
