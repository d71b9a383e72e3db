"""What does a tidy table of results look like? One row a number, the same columns in every table."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from decidua import marks

#: Columns of every results table: name, dtype, meaning. Blank: does not apply to the row.
COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("analysis", "string", "which analysis the row belongs to"),
    ("population", "string", "the women it is about: all, or a level of the grouping column"),
    ("variable", "string", "what was measured"),
    ("level", "string", "the category, subgroup or contrast within the population"),
    ("quantity", "string", "what the estimate is: rate, mean, odds ratio, test, ..."),
    ("estimate", "float64", "the value; rates are fractions of 1"),
    ("lower", "float64", "lower end of the interval"),
    ("upper", "float64", "upper end of the interval"),
    ("interval", "string", "method and confidence of the interval"),
    ("numerator", "Int64", "women with the event"),
    ("denominator", "Int64", "women counted"),
    ("test", "string", "name of the test"),
    ("statistic", "float64", "test statistic"),
    ("df", "float64", "degrees of freedom (of the numerator, for F)"),
    ("df_residual", "float64", "residual degrees of freedom, for F and t"),
    ("p", "float64", "two-sided p-value, not adjusted unless the test's name says so"),
    ("counted", "string", "whom the row counts, and how many were left out because unknown"),
    ("status", "string", "estimated, or not estimable"),
    ("reason", "string", "why it is not estimable, or a caution"),
)
NAMES = [name for name, _, _ in COLUMNS]
DTYPES = {name: dtype for name, dtype, _ in COLUMNS}
ESTIMATED = "estimated"
NOT_ESTIMABLE = "not estimable"
#: What separates a variable from one of its categories in the column `variable`: "smoker: yes".
OF = ": "


def row(**values: Any) -> dict[str, Any]:
    """One row of results; an unknown column is an error, an absent one does not apply."""
    unknown = sorted(set(values) - set(NAMES))
    if unknown:
        raise KeyError(f"no such column of a results table: {', '.join(unknown)}")
    return {"status": ESTIMATED, **values}


def not_estimable(reason: str, **values: Any) -> dict[str, Any]:
    """A row whose number cannot be had, with the reason."""
    return row(**values, status=NOT_ESTIMABLE, reason=reason)


def frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows as a table with every column of `COLUMNS`, typed; an empty list gives an empty table."""
    table = pd.DataFrame(list(rows), columns=NAMES)
    return table.astype(DTYPES)


def cautioned(table: pd.DataFrame, caution: str) -> pd.DataFrame:
    """A results table whose reasons begin, once, with a caution about the whole study."""
    if not caution:
        return table
    reasons = [
        caution if pd.isna(reason) else f"{caution}; {marks.of_the_row(reason)}".removesuffix("; ")
        for reason in table["reason"]
    ]
    return table.assign(reason=pd.array(reasons, dtype="string"))
