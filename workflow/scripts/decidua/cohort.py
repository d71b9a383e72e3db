"""Who is in the cohort, and is each cell of her row what it says it is?"""

import csv
import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from decidua.cases import case_status, only_cases
from decidua.errors import InputError, Problem
from decidua.input_files import listed

#: Problems of one kind in one column that are listed one by one; the rest is counted.
LISTED = 20
YES, NO = {"true", "yes", "y", "1"}, {"false", "no", "n", "0"}
FLOW_COLUMNS = ["step", "reason", "n", "kind"]


@dataclass(frozen=True)
class Variable:
    """One column of a cohort: what it means and what may stand in it.

    `codes` maps the file's spelling to our value; `factor` turns the file's unit into the dictionary's;
    `may_be_fraction` is a percentage for which the file names no unit.
    """

    name: str
    type: str
    label: str
    column: str
    meaning: str = ""
    unit: str = ""
    factor: float = 1.0
    minimum: float = -np.inf
    maximum: float = np.inf
    levels: tuple[str, ...] = ()
    codes: Mapping[Any, Any] = field(default_factory=dict)
    may_be_fraction: bool = False


@dataclass(frozen=True)
class Import:
    """A checked cohort (one row a woman) and the rows that were left out: reason and number, in order."""

    cohort: pd.DataFrame
    assessed: int
    excluded: tuple[tuple[str, int], ...]


def variables(
    dictionary: Mapping[str, Mapping[str, Any]], columns: Mapping[str, str | Mapping[str, Any]] | None = None
) -> list[Variable]:
    """The variables of a cohort from the dictionary and a mapping of names to the file's columns.

    Args:
        dictionary: name to type, label, range, units and levels, as in cohort_dictionary.yaml.
        columns: name to the file's column, or to `column` with unit, codes, type, range and label;
            without it every variable of the dictionary stands in a column of its own name.
    """
    found = []
    for name, given in (columns or {name: name for name in dictionary}).items():
        spec = {"column": given} if isinstance(given, str) else dict(given)
        entry = {**dictionary.get(name, {}), **{k: v for k, v in spec.items() if k not in ("codes", "unit")}}
        units = entry.get("units", {})
        own_unit = spec.get("unit", "")
        found.append(
            Variable(
                name=name,
                type=entry["type"],
                label=entry.get("label", name),
                column=entry["column"],
                meaning=entry.get("meaning", "a variable of this cohort"),
                unit=next(iter(units), own_unit),
                factor=units.get(own_unit, 1.0),
                minimum=entry.get("minimum", -np.inf),
                maximum=entry.get("maximum", np.inf),
                levels=tuple(entry.get("levels", ())),
                codes=spec.get("codes", {}),
                may_be_fraction=columns is not None and "fraction" in units and not own_unit,
            )
        )
    return found


def read_rows(path: str | Path, sheet: str | None = None, name: str = "") -> pd.DataFrame:
    """A patient table with its cells as they stand: text from CSV, TSV and Excel, typed from Parquet.

    The index is the row number that a spreadsheet shows (the header is row 1).

    Raises:
        InputError: the file cannot be read, has no rows, or has a header with empty or repeated names.
    """
    path, name = Path(path), name or str(path)
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            table = pd.read_parquet(path)
            table.index = range(2, len(table) + 2)
        elif suffix in (".xlsx", ".xlsm"):
            table = _with_header(_read_excel(path, sheet, name), name)
        elif suffix in (".csv", ".tsv", ".txt"):
            table = _with_header(_read_text(path, name), name)
        else:
            raise InputError(Problem(f"the ending {suffix!r}", ".csv, .tsv, .txt, .xlsx or .parquet", name))
    except FileNotFoundError:
        raise InputError(Problem("no such file", "a patient table", name)) from None
    except UnicodeDecodeError:
        raise InputError(Problem("text that is not UTF-8", "a file saved as UTF-8", name)) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(Problem(reason, "a readable table", name)) from None
    if table.empty:
        raise InputError(Problem("no rows below the header", "one row a woman", name))
    return table


def _read_text(path: Path, name: str) -> pd.DataFrame:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        first = handle.readline()
        separator = max(",;\t", key=first.count)
        handle.seek(0)
        # pandas would fill a short row with blanks, so that a truncated line passes for missing values.
        lengths = [len(cells) for cells in csv.reader(handle, delimiter=separator)]
    problems = [
        Problem(f"{length} cells", f"{lengths[0]} cells, as in the header", name, row)
        for row, length in enumerate(lengths, start=1)
        if length not in (0, lengths[0])
    ]
    if problems:
        raise InputError(listed(problems, len(problems), "lines", name))
    cells = pd.read_csv(
        path,
        sep=separator,
        header=None,
        dtype=str,
        keep_default_na=False,
        encoding="utf-8-sig",
        quoting=csv.QUOTE_MINIMAL,
        skip_blank_lines=False,
    )
    return cells.fillna("")


def _read_excel(path: Path, sheet: str | None, name: str) -> pd.DataFrame:
    with pd.ExcelFile(path) as book:
        if sheet is not None and sheet not in book.sheet_names:
            raise InputError(Problem(f"no sheet {sheet!r}", f"one of {', '.join(book.sheet_names)}", name))
        cells = book.parse(
            sheet_name=sheet or 0, header=None, dtype=object, keep_default_na=False, na_filter=False
        )
    return cells.map(
        lambda cell: str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
    )


def _with_header(cells: pd.DataFrame, name: str) -> pd.DataFrame:
    if cells.empty:
        raise InputError(Problem("an empty file", "a header and one row a woman", name))
    header = [str(cell).strip() for cell in cells.iloc[0]]
    problems = [
        Problem(f"the column name {column!r} {header.count(column)} times", "each name once", name, 1)
        for column in dict.fromkeys(header)
        if column and header.count(column) > 1
    ]
    if problems:
        raise InputError(problems)
    rows = cells.iloc[1:].set_axis(header, axis="columns").loc[:, [column != "" for column in header]]
    rows.index = range(2, len(rows) + 2)
    blank = (rows.astype("string").fillna("").apply(lambda column: column.str.strip()) == "").all(
        axis="columns"
    )
    return rows[~blank]


def import_cohort(
    rows: pd.DataFrame,
    variables: Sequence[Variable],
    *,
    missing: Iterable[str] = ("",),
    exclude: Sequence[Mapping[str, Any]] = (),
    synthetic: bool = False,
    name: str = "the table",
) -> Import:
    """Turn a patient table into a typed cohort, or say everything that is wrong with it.

    Args:
        rows: cells as read by `read_rows`, indexed by row number.
        variables: what to take, from which column, in which unit and coding.
        missing: spellings of "not known", besides blanks.
        exclude: rows to leave out, in order: `column`, `values` and the `reason` for the flow.
        synthetic: the rows are reconstructed or simulated.
        name: the file's name, for messages.

    Raises:
        InputError: every missing column, unreadable or out-of-range cell, unknown coding and repeated id.
    """
    missing = {spelling.strip() for spelling in missing} | {""}
    problems = list(_absent_columns(rows, variables, exclude, name))
    if problems:
        raise InputError(problems)
    kept, excluded = _leave_out(rows, exclude)
    if kept.empty:
        raise InputError(Problem("no woman left after the exclusions", "at least one", name))
    columns: dict[str, pd.Series] = {}
    for variable in variables:
        columns[variable.name], found = _read_variable(kept[variable.column], variable, missing, name)
        problems += found
    problems += _id_problems(columns["id"], kept.index, variables, name)
    if problems:
        raise InputError(problems)
    cohort = pd.DataFrame(columns).reset_index(drop=True)
    cohort.insert(1, "synthetic", pd.array([synthetic] * len(cohort), dtype="boolean"))
    return Import(cohort, assessed=len(rows), excluded=tuple(excluded))


def _absent_columns(
    rows: pd.DataFrame, variables: Sequence[Variable], exclude: Sequence[Mapping[str, Any]], name: str
) -> Iterable[Problem]:
    header = [str(column) for column in rows.columns]
    wanted = [v.column for v in variables] + [rule["column"] for rule in exclude]
    for column in dict.fromkeys(wanted):
        if column not in rows.columns:
            near = difflib.get_close_matches(column, header, n=3, cutoff=0.5) or header[:12]
            yield Problem(
                f"no column {column!r}", f"a column of the file, such as {', '.join(near)}", name, 1
            )


def _leave_out(
    rows: pd.DataFrame, exclude: Sequence[Mapping[str, Any]]
) -> tuple[pd.DataFrame, list[tuple[str, int]]]:
    excluded = []
    for rule in exclude:
        values = {str(value).strip().casefold() for value in rule["values"]}
        out = rows[rule["column"]].astype(str).str.strip().str.casefold().isin(values)
        excluded.append((str(rule["reason"]), int(out.sum())))
        rows = rows.loc[~out.to_numpy()]
    return rows, excluded


def _read_variable(
    cells: pd.Series, variable: Variable, missing: set[str], name: str
) -> tuple[pd.Series, list[Problem]]:
    if variable.type in ("number", "integer"):
        return _read_number(cells, variable, missing, name)
    text = _text(cells, missing)
    if variable.type == "text":
        return text.astype("string"), []
    return _read_coded(text, variable, name)


def _text(cells: pd.Series, missing: set[str]) -> pd.Series:
    """Stripped text, NA for every spelling of "not known"."""
    text = cells.astype("string").str.strip()
    return text.mask(text.isin(missing))


def _read_number(
    cells: pd.Series, variable: Variable, missing: set[str], name: str
) -> tuple[pd.Series, list[Problem]]:
    if pd.api.types.is_numeric_dtype(cells):
        text = cells.astype("string")
        numbers = cells.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    else:
        text = _text(cells, missing)
        numbers = pd.to_numeric(text, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    known = text.notna().to_numpy()
    unreadable = known & ~np.isfinite(numbers)
    values = numbers * variable.factor
    with np.errstate(invalid="ignore"):
        outside = ~unreadable & ((values < variable.minimum) | (values > variable.maximum))
        broken = (variable.type == "integer") & ~unreadable & known & (values != np.round(values))
    unit = f" {variable.unit}" if variable.unit else ""
    converted = f" (after conversion to {variable.unit})" if variable.factor != 1.0 else ""
    problems = [
        *_list_cells(text, unreadable, variable.column, "a number", name),
        *_list_cells(
            text, outside, variable.column, f"{_range(variable)}{unit}{converted}", name, show=values
        ),
        *_list_cells(text, broken & ~outside, variable.column, "a whole number", name),
    ]
    if variable.may_be_fraction and known.sum() >= 5 and not problems and np.nanmax(values) <= 1:
        told = "percentages; for fractions write {column: ..., unit: fraction}"
        problems.append(Problem("no value above 1", told, name, None, variable.column))
    if variable.type == "integer" and not problems:
        return pd.Series(pd.array(np.where(known, values, np.nan), dtype="Float64"), cells.index).astype(
            "Int64"
        ), []
    return pd.Series(values, cells.index, dtype="float64"), problems


def _range(variable: Variable) -> str:
    low, high = variable.minimum, variable.maximum
    if np.isfinite(low) and np.isfinite(high):
        return f"{low:g} to {high:g}"
    return f"at least {low:g}" if np.isfinite(low) else f"at most {high:g}"


def _read_coded(text: pd.Series, variable: Variable, name: str) -> tuple[pd.Series, list[Problem]]:
    """Booleans and categories: the file's spelling, without regard to case, through the codes."""
    codes = _codes(variable)
    if codes is None:
        return text.astype("category"), []
    folded = text.str.casefold()
    unknown = (text.notna() & ~folded.isin(codes)).to_numpy()
    spellings = [str(code) for code in variable.codes] or sorted(
        codes if variable.type == "boolean" else variable.levels
    )
    problems = list(_list_cells(text, unknown, variable.column, f"one of {', '.join(spellings)}", name))
    values = folded.map(codes)
    if variable.type == "boolean":
        return values.astype("boolean"), problems
    levels = list(variable.levels) or list(dict.fromkeys(str(v) for v in codes.values() if v is not None))
    return values.astype(pd.CategoricalDtype(levels)), problems


def _codes(variable: Variable) -> dict[str, Any] | None:
    """Folded spelling to value; None when a category takes any text."""
    if variable.codes:
        codes: dict[str, Any] = {}
        for code, value in variable.codes.items():
            # YAML reads a bare Yes or No as a boolean: take it for either spelling.
            spellings = (YES if code else NO) if isinstance(code, bool) else {str(code).strip().casefold()}
            codes |= dict.fromkeys(
                spellings, str(value) if variable.type == "category" and value is not None else value
            )
        return codes
    if variable.type == "boolean":
        return dict.fromkeys(YES, True) | dict.fromkeys(NO, False)
    return {level.casefold(): level for level in variable.levels} or None


def _list_cells(
    text: pd.Series, wrong: np.ndarray, column: str, expected: str, name: str, show: np.ndarray | None = None
) -> Iterable[Problem]:
    places = np.flatnonzero(wrong)
    for place in places[:LISTED]:
        found = repr(str(text.iloc[place]))
        if show is not None and str(show[place]) != str(text.iloc[place]):
            found += f" ({show[place]:g})" if f"{show[place]:g}" not in found else ""
        yield Problem(found, expected, name, int(text.index[place]), column)
    if len(places) > LISTED:
        yield Problem(f"{len(places) - LISTED} more such cells", expected, name, None, column)


def _id_problems(
    ids: pd.Series, row_numbers: pd.Index, variables: Sequence[Variable], name: str
) -> list[Problem]:
    column = next(variable.column for variable in variables if variable.name == "id")
    blank = ids.isna().to_numpy()
    problems = [
        Problem("no id", "an id", name, int(row_numbers[i]), column) for i in np.flatnonzero(blank)[:LISTED]
    ]
    repeated = ids.duplicated(keep=False).to_numpy() & ~blank
    groups = pd.Series(row_numbers[repeated]).groupby(ids.to_numpy()[repeated], sort=False)
    for number, (value, places) in enumerate(groups):
        if number == LISTED:
            problems.append(
                Problem(f"{groups.ngroups - LISTED} more repeated ids", "each id once", name, None, column)
            )
            break
        listed = ", ".join(str(place) for place in places[:LISTED])
        problems.append(Problem(f"the id {value!r} in rows {listed}", "each id once", name, None, column))
    return problems


def enrolment_flow(
    assessed: int, excluded: Iterable[tuple[str, int]], included: int, groups: Mapping[str, int]
) -> pd.DataFrame:
    """The enrolment flow, a row a step, its arithmetic asserted.

    Returns:
        Columns step (number), reason (text of the box), n, kind (assessed, excluded, included, group).

    Raises:
        InputError: the numbers do not add up.
    """
    excluded = list(excluded)
    problems = []
    left_out = sum(n for _, n in excluded)
    if assessed - left_out != included:
        problems.append(
            f"enrolment: found {assessed} assessed - {left_out} excluded; expected {included} included"
        )
    if groups and sum(groups.values()) != included:
        problems.append(
            f"enrolment: found {sum(groups.values())} in the groups; expected {included} included"
        )
    if problems:
        raise InputError(problems)
    boxes = [("Assessed for eligibility", assessed, "assessed")]
    boxes += [(reason, n, "excluded") for reason, n in excluded]
    boxes += [("Included", included, "included")]
    boxes += [(label, n, "group") for label, n in groups.items()]
    rows = [(step, *box) for step, box in enumerate(boxes, start=1)]
    return pd.DataFrame(rows, columns=FLOW_COLUMNS)


def published_exclusions(imported: Import, facts: Mapping[str, Any]) -> Import:
    """A reconstructed cohort with the enrolment that its paper prints in place of the file's own."""
    enrolment = facts["enrolment"]
    excluded = tuple((text, int(n)) for text, n in enrolment["excluded"].items())
    return replace(imported, assessed=int(enrolment["assessed"]), excluded=excluded)


def group_sizes(cohort: pd.DataFrame, group: str | None, labels: Mapping[str, str]) -> dict[str, int]:
    """Women in each level of the grouping column, unknown last; nothing without such a column."""
    if group is None or group not in cohort:
        return {}
    counts = cohort[group].astype("string").value_counts(sort=False)
    levels = [level for level in _level_order(cohort[group]) if counts.get(level, 0)]
    sizes = {labels.get(level, level): int(counts[level]) for level in levels}
    if unknown := int(cohort[group].isna().sum()):
        sizes["Unknown"] = unknown
    return sizes


def analysed_sizes(
    cohort: pd.DataFrame, cases: str | None, group: str | None, group_labels: Mapping[str, str]
) -> dict[str, int]:
    """The last boxes of the enrolment flow: the groups, of cases if there are controls, who then follow."""
    sizes = group_sizes(only_cases(cohort, cases), group, group_labels)
    if cases is None:
        return sizes
    status = case_status(cohort, cases)
    found = {f"Cases: {label}": n for label, n in sizes.items()} or {"Cases": int(status.sum())}
    found["Controls"] = int((~status).sum())
    if unknown := int(status.isna().sum()):
        found["Not known whether case or control"] = unknown
    return found


def _level_order(column: pd.Series) -> list[str]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return [str(level) for level in column.cat.categories]
    return sorted(str(level) for level in column.dropna().unique())


def missing_values(cohort: pd.DataFrame, variables: Sequence[Variable]) -> pd.DataFrame:
    """How many women lack each variable: columns variable, label, women, missing, share."""
    women = len(cohort)
    missing = [int(cohort[variable.name].isna().sum()) for variable in variables]
    return pd.DataFrame(
        {
            "variable": [variable.name for variable in variables],
            "label": [variable.label for variable in variables],
            "women": women,
            "missing": missing,
            "share": [count / women if women else np.nan for count in missing],
        }
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
            "file_column": variable.column,
            "file_unit_factor": variable.factor,
            "meaning": variable.meaning,
        }
        for variable in variables
    ]
    return pd.DataFrame(rows)
