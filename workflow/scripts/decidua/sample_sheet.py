"""Which samples does a study have, and who of them is a case?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from decidua.confounding import tied_batch_problems
from decidua.errors import InputError, Problem
from decidua.input_files import UNREADABLE, first_line, listed, read_header, read_rows, require_kind
from decidua.learning.folds import too_few_members
from decidua.learning.performance import CASE, CONTROL

#: Columns that a sheet may have besides: what stays together in a fold, what was handled together in the
#: laboratory, which kind of control a control is; and what is asked of them.
ROLES = {
    "group": "the group of every sample kept",
    "batch": "the batch of every sample kept",
    "comparator": "the kind of every control kept",
}
MISSING = {"", "na", "n/a", "#n/a", "nan", "null", "none", "<na>"}


@dataclass(frozen=True)
class Sheet:
    """The samples kept, as from `read_samples`, the names of all in the file, what is wrong in its rows."""

    kept: pd.DataFrame
    every: frozenset[str]
    problems: list[Problem]


def read_samples(
    path: str | Path,
    columns: Mapping[str, Any] | None = None,
    label: Mapping[str, Any] | None = None,
    keep: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Read a sample sheet and say who is a case.

    Args:
        path: .csv, .tsv, .txt (plain or .gz) or .parquet, one row a sample.
        columns: the file's names for `sample`, `label`, of `ROLES` those that there are, and a list of
            `covariates`; without it "sample" and "label".
        label: {"case": [values], "control": [values]}, or {"above": number} of a numeric column, whose
            larger values are cases; without it the values "case" and "control".
        keep: column to value (or list of values): only rows with it are kept.

    Returns:
        One row a sample kept, in the file's order: sample, label ("case" or "control"), group (NA without
        one), batch and comparator where they are named, and the covariates, numbers where every known value
        is one.

    Raises:
        InputError: the file cannot be read; columns that are not there; samples missing or repeated; labels
            missing, unknown or of one class only; a kept sample without a group; no row kept.
    """
    sheet = read_sheet(path, columns, label, keep)
    if sheet.problems:
        raise InputError(sheet.problems)
    return sheet.kept


def read_sheet(
    path: str | Path,
    columns: Mapping[str, Any] | None,
    label: Mapping[str, Any] | None,
    keep: Mapping[str, Any] | None,
    folds: int | None = None,
    accept_tied_batch: bool = False,
) -> Sheet:
    """As `read_samples`, but what is wrong in rows is handed over, so that more can be found.

    Args:
        folds: number of outer folds, if a classifier is to be cross-validated.
        accept_tied_batch: go on although every batch holds one class only; where that is not so, a problem.

    Raises:
        InputError: the file cannot be read, a column is not there, no row is kept.
    """
    name = str(path)
    columns = dict(columns or {"sample": "sample", "label": "label"})
    label = dict(label or {"case": [CASE], "control": [CONTROL]})
    cells = _read_cells(Path(path), name)
    covariates = list(columns.get("covariates") or [])
    roles = {role: columns[role] for role in ROLES if columns.get(role)}
    named = [
        columns["sample"],
        columns["label"],
        *roles.values(),
        *covariates,
    ]
    problems = [
        Problem(f"no column {column}", f"one of {', '.join(cells.columns)}", name, row=1)
        for column in dict.fromkeys([*named, *(keep or {})])
        if column not in cells.columns
    ]
    if problems:
        raise InputError(problems)
    problems += _sample_problems(cells[columns["sample"]], columns["sample"], name)
    kept = pd.Series(True, index=cells.index)
    for column, wanted in (keep or {}).items():
        values = wanted if isinstance(wanted, list | tuple) else [wanted]
        kept &= cells[column].map(lambda cell, values=values: _is_one_of(cell, values))
    if not kept.any():
        wanted = ", ".join(f"{column} = {value}" for column, value in (keep or {}).items())
        raise InputError([*problems, Problem(f"no row with {wanted}", "rows to keep (see `keep`)", name)])
    rows = cells[kept]
    classes, more = _labels(rows[columns["label"]], columns["label"], label, name)
    problems += more
    table = pd.DataFrame({"sample": rows[columns["sample"]], "label": classes, "group": pd.NA})
    for role, column in roles.items():
        table[role] = rows[column]
        asked = rows[classes == CONTROL] if role == "comparator" else rows
        problems += _blank_problems(asked[column], column, ROLES[role], name)
    table = table.astype(dict.fromkeys(table.columns, "string"))
    for column in [column for column in covariates if roles.get(column) != column]:
        table[column] = _number_or_text(rows[column])
    problems = problems or _class_problems(table, name, folds)
    if not problems:
        problems = tied_batch_problems(table, roles.get("batch"), name, accept_tied_batch)
    return Sheet(table.reset_index(drop=True), frozenset(cells[columns["sample"]].dropna()), problems)


def _class_problems(samples: pd.DataFrame, name: str, folds: int | None) -> list[Problem]:
    is_case = (samples["label"] == CASE).to_numpy(dtype=bool)
    if is_case.all() or not is_case.any():
        only = CASE if is_case.all() else CONTROL
        return [Problem(f"{len(samples)} {only} samples and no other", "cases and controls", name)]
    grouped = bool(samples["group"].notna().any())
    codes = pd.factorize(samples["group" if grouped else "sample"])[0]
    problem = too_few_members(is_case, codes, folds, grouped) if folds else None
    return [replace(problem, file=name)] if problem else []


def _read_cells(path: Path, name: str) -> pd.DataFrame:
    """The sheet as text, NA where a cell means missing; the index is the line as a spreadsheet shows it."""
    require_kind(path, name)
    try:
        if path.suffix == ".parquet":
            cells = pd.read_parquet(path).astype("string")
            cells.index = range(2, len(cells) + 2)
        else:
            rows, ragged = read_rows(path, name)
            if ragged:
                raise InputError(ragged)
            columns = read_header(path, name)[0]
            cells = pd.DataFrame(list(rows.values()), index=list(rows), columns=columns, dtype="string")
    except (pa.ArrowInvalid, *UNREADABLE) as error:
        raise InputError(Problem(first_line(error), "a complete, readable file", name)) from None
    repeated = cells.columns[cells.columns.duplicated()].unique()
    if len(repeated):
        raise InputError(Problem(f"the column {c} more than once", "each once", name, 1) for c in repeated)
    if cells.empty:
        raise InputError(Problem("no rows below the header", "one row a sample", name))
    cells = cells.apply(lambda column: column.str.strip())
    return cells.mask(cells.apply(lambda column: column.str.lower().isin(MISSING)))


def _sample_problems(samples: pd.Series, column: str, name: str) -> list[Problem]:
    counts = samples.dropna().value_counts()
    repeated = counts[counts > 1].sort_index()
    twice = (
        Problem(
            f"{sample} {n} times", "one row a sample", name, int(samples.index[samples == sample][1]), column
        )
        for sample, n in repeated.items()
    )
    return [
        *_blank_problems(samples, column, "a sample's name", name),
        *listed(twice, len(repeated), "repeated samples", name),
    ]


def _labels(
    cells: pd.Series, column: str, label: Mapping[str, Any], name: str
) -> tuple[pd.Series, list[Problem]]:
    if "above" in label:
        numbers = pd.to_numeric(cells, errors="coerce").astype("float64")
        wrong = cells[numbers.isna()]
        classes = pd.Series(np.where(numbers > label["above"], CASE, CONTROL), index=cells.index)
        expected = f"a number (above {label['above']:g} is a case)"
    else:
        is_case = cells.map(lambda cell: _is_one_of(cell, label["case"])).astype(bool)
        is_control = cells.map(lambda cell: _is_one_of(cell, label["control"])).astype(bool)
        both = [str(value) for value in label["case"] if _is_one_of(str(value), label["control"])]
        if both:
            return cells, [
                Problem(f"{', '.join(both)} as case and control", "one meaning a label", name, column=column)
            ]
        wrong = cells[~is_case & ~is_control]
        classes = pd.Series(np.where(is_case, CASE, CONTROL), index=cells.index)
        known = [f"{', '.join(map(str, label[kind]))} ({kind})" for kind in (CASE, CONTROL)]
        expected = f"{' or '.join(known)}; leave other rows out with `keep`"
    problems = (
        Problem("a missing cell" if pd.isna(cell) else repr(str(cell)), expected, name, int(row), column)
        for row, cell in wrong.items()
    )
    return classes, listed(problems, len(wrong), "labels", name)


def _blank_problems(cells: pd.Series, column: str, expected: str, name: str) -> list[Problem]:
    blank = cells.index[cells.isna()]
    rows = (Problem("a missing cell", expected, name, int(row), column) for row in blank)
    return listed(rows, len(blank), "missing cells", name)


def _is_one_of(cell: Any, values: Iterable[Any]) -> bool:
    """Whether a cell's text is one of the values: as a number where both are, else letter by letter."""
    if pd.isna(cell):
        return False
    return any(_same(str(cell), value) for value in values)


def _same(cell: str, value: Any) -> bool:
    if isinstance(value, bool):
        return cell.lower() == str(value).lower()
    try:
        return float(cell) == float(value)
    except ValueError:
        return cell == str(value)


def _number_or_text(cells: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(cells, errors="coerce").astype("float64")
    return cells.astype("string") if (numbers.isna() & cells.notna()).any() else numbers
