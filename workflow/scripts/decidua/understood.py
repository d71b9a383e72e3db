"""What was understood of a patient table? A few lines for the person who wrote the mapping."""

from collections.abc import Iterator, Sequence

import pandas as pd

from decidua.cohort import Import
from decidua.variables import Variable

#: Levels of a category that are listed; the rest is counted.
LEVELS = 10


def understood(imported: Import, variables: Sequence[Variable], file: str, cohort: str) -> list[str]:
    """Rows, women, who was left out, and each variable with its range or levels and how many lack it."""
    women = imported.cohort
    lines = [f"{file} (cohort {cohort}): {imported.assessed} rows, {len(women)} women in the cohort"]
    lines += [f"  left out: {n}, {reason}" for reason, n in imported.excluded]
    names = max(len(variable.name) for variable in variables)
    for variable in variables:
        column = women[variable.name]
        missing = int(column.isna().sum())
        told = "; ".join([*_told(column, variable), f"{missing} missing"])
        lines.append(f"  {variable.name:<{names}}  {variable.type:<8}  {told}  [{variable.source}]")
    return lines


def _told(column: pd.Series, variable: Variable) -> Iterator[str]:
    known = column.dropna()
    if known.empty:
        yield "nothing known"
    elif variable.type in ("number", "integer"):
        unit = f" {variable.unit}" if variable.unit else ""
        yield f"{known.min():g} to {known.max():g}{unit}, median {known.astype(float).median():g}"
    elif variable.type == "text":
        yield f"{known.nunique()} different"
    else:
        counts = known.value_counts(sort=False)
        counts = counts.sort_index() if variable.type == "boolean" else counts
        words = {True: "yes", False: "no"} if variable.type == "boolean" else {}
        levels = [f"{words.get(level, level)} {n}" for level, n in counts.items()]
        rest = [f"{len(levels) - LEVELS} more levels"] if len(levels) > LEVELS else []
        yield ", ".join(levels[:LEVELS] + rest)
