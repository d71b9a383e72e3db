"""Who is in the cohort, and is each cell of her row what it says it is?"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from decidua import redcap
from decidua.cases import CONTROLS, NOT_KNOWN, case_status, only_cases
from decidua.cells import Notation, folded, known_text, read_variable, shown, spellings
from decidua.dates import ISO
from decidua.errors import InputError, Problem
from decidua.patient_table import LISTED, read_rows
from decidua.variables import Variable, level_order, variables

FLOW_COLUMNS = ["step", "reason", "n", "kind"]
#: Existing values that a message lists when none of the wanted ones is there.
NAMED = 8


@dataclass(frozen=True)
class Import:
    """A checked cohort (one row a woman) and the rows that were left out: reason and number, in order."""

    cohort: pd.DataFrame
    assessed: int
    excluded: tuple[tuple[str, int], ...]


def read_cohort(
    path: str | Path,
    dictionary: Mapping[str, Mapping[str, Any]],
    *,
    columns: Mapping[str, Any] | None = None,
    sheet: str | None = None,
    redcap_dictionary: str | Path | None = None,
    decimal: str = ".",
    limit: int | None = LISTED,
    **options: Any,
) -> tuple[list[Variable], Import]:
    """The variables and the checked cohort of a patient table.

    Args:
        path: as for `read_rows`.
        dictionary: the variables of cohort_dictionary.yaml.
        columns: as for `variables`.
        sheet: the sheet's name, of Excel.
        redcap_dictionary: the data dictionary of the REDCap project that the table was exported from.
        decimal: the decimal separator of text.
        limit: problems of a kind that are listed one by one; None: all.
        options: more of `import_cohort`.

    Raises:
        InputError: the file, or the REDCap dictionary, cannot be read, or what `import_cohort` says.
    """
    fields = redcap.read_dictionary(redcap_dictionary) if redcap_dictionary else {}
    if fields and columns:
        columns = redcap.complete(columns, dictionary, fields)
    more = {} if limit is not None else {"limit": None}
    rows = read_rows(path, sheet, decimal=decimal, **more)
    if not columns:  # a reconstruction holds those variables that its paper prints
        dictionary = {name: entry for name, entry in dictionary.items() if name in rows}
    wanted = redcap.with_fields(variables(dictionary, columns), fields)
    options = {"decimal": decimal, "limit": limit, "fields": fields, "name": str(path), **options}
    return wanted, import_cohort(rows, wanted, **options)


def import_cohort(
    rows: pd.DataFrame,
    variables: Sequence[Variable],
    *,
    missing: Iterable[str | float] = ("",),
    keep: Mapping[str, Any] | None = None,
    exclude: Sequence[Mapping[str, Any]] = (),
    decimal: str = ".",
    date_format: str = ISO,
    fields: Mapping[str, redcap.Field] | None = None,
    synthetic: bool = False,
    limit: int | None = LISTED,
    name: str = "the table",
) -> Import:
    """Turn a patient table into a typed cohort, or say everything that is wrong with it.

    Args:
        rows: cells as read by `read_rows`, indexed by row number.
        variables: what to take, from which column, in which unit and coding.
        missing: spellings of "not known", besides blanks.
        keep: column to the value, or values, of the rows that are women to assess; all rows without it. Other
            rows (another visit, a repeated form) are not counted as assessed.
        exclude: rows to leave out, in order: `column`, `values` and the `reason` for the flow. The value ""
            means not known.
        decimal: the decimal separator of text.
        date_format: how dates are written, one of decidua.dates.FORMATS.
        fields: columns as the dictionary of a REDCap project describes them.
        synthetic: the rows are reconstructed or simulated.
        limit: wrong cells of a column, and ids, that are listed one by one; None: all.
        name: the file's name, for messages.

    Raises:
        InputError: every missing column, unreadable or out-of-range cell, unknown coding and repeated id.
    """
    fields, keep = fields or {}, keep or {}
    notation = Notation(
        missing=frozenset(x.strip() if isinstance(x, str) else folded(x) for x in missing),
        decimal=decimal,
        date_format=date_format,
        date_formats={column: field.date_format for column, field in fields.items() if field.date_format},
        date_limits={column: (field.first, field.last) for column, field in fields.items()},
        file=name,
        limit=limit,
    )
    used = [column for variable in variables for column in variable.columns]
    picked = [*keep, *(rule["column"] for rule in exclude)]
    problems = list(_absent_columns(rows, [*used, *picked], name))
    if problems:
        raise InputError(problems)
    keys = [column for column in (*redcap.ROW_KEYS, *redcap.ROW_KEY_LABELS) if column in rows.columns]
    rows = rows[list(dict.fromkeys([*used, *picked, *keys]))]
    rows = _as_labels(rows, fields, notation)
    rows = _keep(rows, keep, fields, notation)
    kept, excluded = _leave_out(rows, exclude, fields, notation)
    if kept.empty:
        raise InputError(Problem("no woman left after the exclusions", "at least one", name))
    columns: dict[str, pd.Series] = {}
    for variable in variables:
        columns[variable.name], found = read_variable(kept, variable, notation)
        problems += found
    column = next(variable.column for variable in variables if variable.name == "id")
    problems += _id_problems(columns["id"], kept, column, notation)
    problems += _karyotyped_births(columns, variables, notation)
    if problems:
        raise InputError(problems)
    cohort = pd.DataFrame(columns).reset_index(drop=True)
    cohort.insert(1, "synthetic", pd.array([synthetic] * len(cohort), dtype="boolean"))
    return Import(cohort, assessed=len(rows), excluded=tuple(excluded))


def _karyotyped_births(
    columns: Mapping[str, pd.Series], variables: Sequence[Variable], notation: Notation
) -> list[Problem]:
    """A karyotype of a pregnancy that ended in a live birth: it may be that of an earlier loss."""
    karyotype, birth = columns.get("karyotype"), columns.get("live_birth")
    if karyotype is None or birth is None or birth.dtype != "boolean":
        return []
    wrong = (karyotype.notna() & birth.fillna(False)).to_numpy(dtype=bool)
    source = {variable.name: variable.column for variable in variables}
    # The karyotype is that of this pregnancy's miscarriage.
    expected = f"nothing, as {source['live_birth']} says that this pregnancy ended in a live birth"
    place = {"expected": expected, "file": notation.file, "column": source["karyotype"]}
    found = [Problem(repr(str(value)), row=int(row), **place) for row, value in karyotype[wrong].items()]
    most = notation.limit
    if most is None or len(found) <= most:
        return found
    return [*found[:most], Problem(f"{len(found) - most} more such cells", **place)]


def _absent_columns(rows: pd.DataFrame, wanted: Sequence[str], name: str) -> Iterable[Problem]:
    header = [str(column) for column in rows.columns]
    for column in dict.fromkeys(wanted):
        if column not in rows.columns:
            near = difflib.get_close_matches(column, header, n=3, cutoff=0.5) or header[:12]
            yield Problem(
                f"no column {column!r}", f"a column of the file, such as {', '.join(near)}", name, 1
            )


def _as_labels(rows: pd.DataFrame, fields: Mapping[str, redcap.Field], notation: Notation) -> pd.DataFrame:
    """The rows of a REDCap export with labels in place of raw codes."""
    coded = [column for column in rows.columns if column in fields and fields[column].choices]
    texts = {column: known_text(rows[column], notation.missing) for column in coded}
    distinct = {column: set(map(str, text.dropna().unique())) for column, text in texts.items()}
    held = redcap.raw_or_labels(distinct, fields)
    labels = {
        column: texts[column].map(redcap.to_labels(distinct[column], fields[column].choices, held))
        for column in coded
    }
    return rows.assign(**{column: text.astype("string") for column, text in labels.items()})


def _matching(cells: pd.Series, values: Any, field: redcap.Field | None, notation: Notation) -> np.ndarray:
    """Which cells are one of the values, without regard to case; "" stands for not known."""
    values = list(values) if isinstance(values, list | tuple) else [values]
    choices = field.choices if field else {}
    wanted = {each for value in values for each in spellings(choices.get(str(value), value))}
    text = known_text(cells, notation.missing)
    places, distinct = pd.factorize(text)
    hits = [str(spelling).casefold() in wanted for spelling in distinct]
    return np.array([*hits, "" in wanted], dtype=bool)[places]


def _keep(
    rows: pd.DataFrame,
    keep: Mapping[str, Any],
    fields: Mapping[str, redcap.Field],
    notation: Notation,
) -> pd.DataFrame:
    for column, values in keep.items():
        chosen = _matching(rows[column], values, fields.get(column), notation)
        if not chosen.any():
            there = _levels(rows[column], notation)
            found = f"no row with {' or '.join(map(repr, values if isinstance(values, list) else [values]))}"
            raise InputError(Problem(f"{found} (`keep`)", f"one of {there}", notation.file, None, column))
        rows = rows if chosen.all() else rows[chosen]
    return rows


def _levels(cells: pd.Series, notation: Notation) -> str:
    text = known_text(cells, notation.missing)
    there = [shown(str(level)) for level in text.value_counts().index[: NAMED + 1]]
    there = [*there[:NAMED], "..."] if len(there) > NAMED else there
    return ", ".join([*there, '""'] if text.isna().any() else there)


def _leave_out(
    rows: pd.DataFrame,
    exclude: Sequence[Mapping[str, Any]],
    fields: Mapping[str, redcap.Field],
    notation: Notation,
) -> tuple[pd.DataFrame, list[tuple[str, int]]]:
    excluded = []
    for rule in exclude:
        column = rule["column"]
        out = _matching(rows[column], rule["values"], fields.get(column), notation)
        excluded.append((str(rule["reason"]), int(out.sum())))
        rows = rows[~out] if out.any() else rows
    return rows, excluded


def _id_problems(ids: pd.Series, rows: pd.DataFrame, column: str, notation: Notation) -> list[Problem]:
    blank = ids.isna().to_numpy()
    problems = [
        Problem("no id", "an id", notation.file, int(rows.index[place]), column)
        for place in np.flatnonzero(blank)[: notation.limit]
    ]
    if notation.limit is not None and blank.sum() > notation.limit:
        rest = int(blank.sum()) - notation.limit
        problems.append(Problem(f"{rest} more rows without an id", "an id", notation.file, None, column))
    repeated = ids.duplicated(keep=False).to_numpy() & ~blank
    if not repeated.any():
        return problems
    if by_design := _rows_a_record(ids[repeated], rows[repeated], column, notation):
        return [*problems, by_design]
    groups = pd.Series(rows.index[repeated]).groupby(ids.to_numpy()[repeated], sort=False)
    for number, (value, places) in enumerate(groups):
        if number == notation.limit:
            rest = groups.ngroups - number
            problems.append(Problem(f"{rest} more repeated ids", "each id once", notation.file, None, column))
            break
        more = notation.limit is not None and len(places) > notation.limit
        listed = ", ".join(map(str, places[: notation.limit])) + ", ..." * more
        problems.append(
            Problem(f"the id {value!r} in rows {listed}", "each id once", notation.file, None, column)
        )
    return problems


def _rows_a_record(ids: pd.Series, rows: pd.DataFrame, column: str, notation: Notation) -> Problem | None:
    """REDCap's several rows a record: named by the column that tells them apart."""
    for key in (*redcap.ROW_KEYS, *redcap.ROW_KEY_LABELS):
        if key not in rows.columns:
            continue
        levels = known_text(rows[key], notation.missing)
        apart = levels.fillna("").groupby(ids).nunique()
        if (apart > 1).any():
            common = levels.fillna("").value_counts().index[0] or '""'
            return Problem(
                f"{ids.nunique()} ids in several rows, told apart by {key} ({_levels(rows[key], notation)})",
                f"one row a woman; pick rows by `keep`, such as keep: {{{key}: {common}}}",
                notation.file,
                None,
                column,
            )
    return None


def enrolment_flow(
    assessed: int, excluded: Iterable[tuple[str, int]], included: int, groups: Mapping[str, int]
) -> pd.DataFrame:
    """The enrolment flow, a row a step, its arithmetic asserted.

    Returns:
        Columns step (number), reason (text of the box), n, kind (assessed, excluded, included, group) and
        after_baseline (False; `mark_after_baseline` sets it).

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
    return mark_after_baseline(pd.DataFrame(rows, columns=FLOW_COLUMNS), ())


def mark_after_baseline(flow: pd.DataFrame, reasons: Iterable[str]) -> pd.DataFrame:
    """The flow with a column `after_baseline`: was the exclusion decided by what came after baseline?"""
    return flow.assign(after_baseline=(flow["kind"] == "excluded") & flow["reason"].isin(list(reasons)))


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
    levels = [level for level in level_order(cohort[group]) if counts.get(level, 0)]
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
    found[CONTROLS] = int((~status).sum())
    if unknown := int(status.isna().sum()):
        found[NOT_KNOWN] = unknown
    return found
