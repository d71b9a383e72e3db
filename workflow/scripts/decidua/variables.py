"""Which variables does a cohort have, from which columns of the file, and what may stand there?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

#: Units of an interval between two dates, in days. A year is the mean of the Julian calendar.
DAYS = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}


@dataclass(frozen=True)
class Variable:
    """One column of a cohort: what it means and what may stand in it.

    `codes` maps the file's spelling to our value; `factor` turns the file's unit into the dictionary's;
    `may_be_fraction` is a percentage for which the file names no unit; `file_minimum` and `file_maximum`
    bound the cells as they stand in the file. An interval has no `column` of its own but runs from the date
    in the column `since` to that in `until`, in units of `days` days.
    """

    name: str
    type: str
    label: str
    column: str = ""
    meaning: str = ""
    unit: str = ""
    factor: float = 1.0
    minimum: float = -np.inf
    maximum: float = np.inf
    levels: tuple[str, ...] = ()
    codes: Mapping[Any, Any] = field(default_factory=dict)
    may_be_fraction: bool = False
    file_minimum: float = -np.inf
    file_maximum: float = np.inf
    decimal: str = ""
    since: str = ""
    until: str = ""
    days: float = 1.0

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the file that it is read from."""
        return (self.since, self.until) if self.since else (self.column,)

    @property
    def source(self) -> str:
        """The same, in words."""
        return " until ".join(self.columns)


def variables(
    dictionary: Mapping[str, Mapping[str, Any]], columns: Mapping[str, str | Mapping[str, Any]] | None = None
) -> list[Variable]:
    """The variables of a cohort from the dictionary and a mapping of names to the file's columns.

    Args:
        dictionary: name to type, label, range, units and levels, as in cohort_dictionary.yaml.
        columns: name to the file's column, or to `column` (or, for the time between two dates, `from` and
            `until`) with unit, codes, type, levels, range and label; without it every variable of the
            dictionary stands in a column of its own name.
    """
    return [
        _variable(name, given, dictionary.get(name, {}), mapped=columns is not None)
        for name, given in (columns or {name: name for name in dictionary}).items()
    ]


def _variable(
    name: str, given: str | Mapping[str, Any], known: Mapping[str, Any], *, mapped: bool
) -> Variable:
    spec = {"column": given} if isinstance(given, str) else dict(given)
    entry = {**known, **{key: value for key, value in spec.items() if key not in ("codes", "unit")}}
    units = entry.get("units", {})
    own_unit = spec.get("unit", "")
    return Variable(
        name=name,
        type=entry.get("type", "number" if "from" in spec else "text"),
        label=entry.get("label", name),
        column=spec.get("column", ""),
        meaning=entry.get("meaning", "a variable of this cohort"),
        unit=next(iter(units), own_unit),
        factor=units.get(own_unit, 1.0),
        minimum=entry.get("minimum", -np.inf),
        maximum=entry.get("maximum", np.inf),
        levels=tuple(map(str, entry.get("levels", ()))),
        codes=spec.get("codes", {}),
        may_be_fraction=mapped and "fraction" in units and not own_unit,
        since=spec.get("from", ""),
        until=spec.get("until", ""),
        days=DAYS.get(own_unit, 1.0),
    )


def describe_variables(variables: Sequence[Variable]) -> pd.DataFrame:
    """The dictionary of a cohort's columns, a row a variable."""
    rows = [
        {
            "variable": variable.name,
            "label": variable.label,
            "type": variable.type,
            "unit": variable.unit,
            "levels": " | ".join(variable.levels),
            "minimum": variable.minimum if np.isfinite(variable.minimum) else None,
            "maximum": variable.maximum if np.isfinite(variable.maximum) else None,
            "file_column": variable.source,
            "file_unit_factor": variable.factor,
            "meaning": variable.meaning,
        }
        for variable in variables
    ]
    return pd.DataFrame(rows)


def missing_values(
    cohort: pd.DataFrame,
    variables: Iterable[Variable],
    *,
    group: str | None = None,
    outcome: str | None = None,
    karyotype: str | None = None,
) -> pd.DataFrame:
    """How many women lack each variable: all women, and those of each level of the grouping column.

    Args:
        cohort: one row a woman, a column a variable.
        group: the grouping column; None, or one that the cohort lacks: all women only.
        outcome, karyotype: the columns of the outcome and of the miscarriage's karyotype. A karyotype that is
            not given is not applicable, and not missing, where the outcome is known to be a live birth.

    Returns:
        Columns variable, label, population (all, a level, or unknown), women, not_applicable, missing and
        share (missing among the women to whom the variable applies; blank when it applies to nobody).
    """
    populations = _populations(cohort, group)
    no_miscarriage = np.zeros(len(cohort), dtype=bool)
    if karyotype in cohort and outcome in cohort and cohort[outcome].dtype == "boolean":
        no_miscarriage = cohort[outcome].fillna(False).to_numpy(dtype=bool)
    rows = []
    for variable in variables:
        absent = cohort[variable.name].isna().to_numpy()
        exempt = absent & no_miscarriage if variable.name == karyotype else np.zeros(len(cohort), dtype=bool)
        for population, members in populations.items():
            women, not_applicable = int(members.sum()), int((exempt & members).sum())
            missing, applies = int((absent & members).sum()) - not_applicable, women - not_applicable
            share = missing / applies if applies else None
            rows.append(
                (variable.name, variable.label, population, women, not_applicable, missing, share),
            )
    names = ["variable", "label", "population", "women", "not_applicable", "missing", "share"]
    return pd.DataFrame(rows, columns=names).astype({"share": "float64"})


def _populations(cohort: pd.DataFrame, group: str | None) -> dict[str, np.ndarray]:
    populations = {"all": np.ones(len(cohort), dtype=bool)}
    if group is not None and group in cohort:
        levels = cohort[group].astype("string")
        populations |= {
            level: (levels == level).fillna(False).to_numpy(dtype=bool)
            for level in level_order(cohort[group])
            if (levels == level).any()
        }
        if levels.isna().any():
            populations["unknown"] = levels.isna().to_numpy()
    return populations


def level_order(column: pd.Series) -> list[str]:
    """The levels of a column: of a category as declared, else sorted."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return [str(level) for level in column.cat.categories]
    return sorted(str(level) for level in column.dropna().unique())
