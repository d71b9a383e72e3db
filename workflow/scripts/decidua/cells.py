"""Is each cell what its column says it is? Typed values come out, or a line for each wrong cell."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from decidua.dates import ISO, date_reader, days_of_typed, is_dates
from decidua.errors import Problem
from decidua.patient_table import LISTED
from decidua.variables import Variable

YES, NO = ("true", "yes", "y", "1"), ("false", "no", "n", "0")
#: Spellings of "not known" that a message points out where a number should stand.
UNKNOWN = {"na", "n/a", "#n/a", "nan", "null", "none", "nil", ".", "-", "--", "?", "unknown", "missing", "nd"}
#: From here on, not every whole number is one of its own in floating point.
LARGEST_WHOLE = 2**53


@dataclass(frozen=True)
class Notation:
    """How a table's cells are written, and how wrong ones are told.

    Attributes:
        missing: spellings of "not known", besides blanks.
        decimal: the decimal separator of text, "." or ",".
        date_format: one of decidua.dates.FORMATS.
        date_formats: column to its own format.
        date_limits: column to its first and last day (ISO 8601; empty for none).
        file: the file's name, for messages.
        limit: wrong cells of a column that are listed one by one; None: all.
    """

    missing: frozenset[str] = frozenset()
    decimal: str = "."
    date_format: str = ISO
    date_formats: Mapping[str, str] = field(default_factory=dict)
    date_limits: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    file: str = "the table"
    limit: int | None = LISTED

    def wrong(
        self, cells: "pd.Series", places: np.ndarray, column: str, expected: str | Callable[[str], str]
    ) -> Iterator[Problem]:
        """A line for each wrong cell: `places` are positions, `expected` is told or told of the cell."""
        tell = expected if callable(expected) else lambda cell: expected
        for place in places[: self.limit]:
            cell = str(cells.iloc[place])
            yield Problem(shown(cell), tell(cell), self.file, int(cells.index[place]), column)
        if self.limit is not None and len(places) > self.limit:
            rest, said = len(places) - self.limit, tell(str(cells.iloc[places[self.limit]]))
            yield Problem(f"{rest} more such cells", said, self.file, None, column)


def shown(cell: str) -> str:
    """A cell as a message shows it: quoted, on one line, not endless."""
    return repr(cell if len(cell) <= 60 else cell[:57] + "...")


def read_variable(
    rows: pd.DataFrame, variable: Variable, notation: Notation
) -> tuple[pd.Series, list[Problem]]:
    """The values of one variable, and what is wrong with its cells.

    Returns:
        A float, nullable integer, nullable boolean, category or string column with the rows' index; where
        something is wrong, its values are of no use.
    """
    if variable.since:
        return _read_interval(rows, variable, notation)
    cells = rows[variable.column]
    if variable.type in ("number", "integer"):
        return _read_number(cells, variable, notation)
    text = known_text(cells, notation.missing)
    if variable.type == "text":
        return text, []
    return _read_coded(text, variable, notation)


# ---- text


def arrow(cells: pd.Series) -> pa.Array:
    """A column as Arrow holds it, whatever pandas made of it; text where it has no type of its own."""
    try:
        found = pa.array(cells, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        found = pa.array([None if pd.isna(cell) else str(cell) for cell in cells.tolist()], pa.large_string())
    if isinstance(found, pa.ChunkedArray):
        found = found.combine_chunks()
    return found.cast(found.type.value_type) if pa.types.is_dictionary(found.type) else found


def known_text(cells: pd.Series, missing: frozenset[str]) -> pd.Series:
    """Stripped text, NA for each spelling of "not known"; whole numbers have no point, dates are ISO 8601."""
    found = arrow(cells)
    if pa.types.is_floating(found.type) or pa.types.is_decimal(found.type):
        text = pc.replace_substring_regex(_as_text(found), r"^(-?\d+)\.0*$", r"\1")
    elif is_dates(found):
        local = pc.local_timestamp(found) if getattr(found.type, "tz", None) else found
        text = pc.replace_substring_regex(_as_text(local), r" 00:00:00(\.0*)?$", "")
    else:
        text = _as_text(found)
    text = pc.utf8_trim_whitespace(text)
    unknown = pc.is_in(text, value_set=pa.array(sorted({*missing, ""}), text.type))
    text = pc.if_else(unknown, pa.scalar(None, text.type), text)
    return pd.Series(pd.array(text, dtype="string"), cells.index, name=cells.name)


def _as_text(found: pa.Array) -> pa.Array:
    try:
        return pc.cast(found, pa.large_string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # lists, structures, bytes that are no text
        return pa.array(
            [None if cell is None else str(cell) for cell in found.to_pylist()], pa.large_string()
        )


def folded(spelling: Any) -> str:
    """A spelling as cells are compared: without case, spaces around it, or the point of a whole number."""
    if isinstance(spelling, float) and spelling.is_integer():
        spelling = int(spelling)
    return str(spelling).strip().casefold()


def spellings(value: Any) -> set[str]:
    """What a value of the settings may be written as; YAML reads a bare Yes or No as a boolean."""
    if isinstance(value, bool):
        return set(YES if value else NO)
    return {folded(value)}


# ---- numbers


def _read_number(cells: pd.Series, variable: Variable, notation: Notation) -> tuple[pd.Series, list[Problem]]:
    text, numbers = _numbers(cells, variable.decimal or notation.decimal, notation.missing)
    known = text.notna().to_numpy()
    unreadable = known & ~np.isfinite(numbers)
    with np.errstate(invalid="ignore", over="ignore"):  # what is too large is outside or becomes infinite
        values = numbers if variable.factor == 1.0 else np.round(numbers * variable.factor, 10)
        unreadable |= known & ~np.isfinite(values)
        outside = ~unreadable & ((values < variable.minimum) | (values > variable.maximum))
        refused = ~unreadable & ((numbers < variable.file_minimum) | (numbers > variable.file_maximum))
        broken = ~unreadable & known & (values != np.round(values)) | (np.abs(values) > LARGEST_WHOLE)
    broken &= (variable.type == "integer") & ~outside
    decimal = variable.decimal or notation.decimal
    problems = [
        *notation.wrong(
            text, np.flatnonzero(unreadable), variable.column, lambda cell: _number(cell, decimal)
        ),
        *_outside(text, values, outside, variable, notation),
        *notation.wrong(
            text,
            np.flatnonzero(refused & ~outside),
            variable.column,
            f"{within(variable.file_minimum, variable.file_maximum)}, as the REDCap dictionary says",
        ),
        *notation.wrong(text, np.flatnonzero(broken), variable.column, "a whole number"),
    ]
    if variable.may_be_fraction and known.sum() >= 5 and not problems and np.nanmax(values) <= 1:
        told = "percentages; for fractions write {column: ..., unit: fraction}"
        problems.append(Problem("no value above 1", told, notation.file, None, variable.column))
    if variable.type == "integer" and not problems:
        whole = pd.array(np.where(known, values, np.nan), dtype="Float64").astype("Int64")
        return pd.Series(whole, cells.index), []
    return pd.Series(values, cells.index, dtype="float64"), problems


def _numbers(cells: pd.Series, decimal: str, missing: frozenset[str]) -> tuple[pd.Series, np.ndarray]:
    """The cells as text, for messages, and as numbers; NaN for what is unknown or no number."""
    text = known_text(cells, missing)
    found = arrow(cells)
    if pa.types.is_integer(found.type) or pa.types.is_floating(found.type) or pa.types.is_decimal(found.type):
        numbers = _numpy(pc.cast(found, pa.float64(), safe=False))
        return text, np.where(text.isna().to_numpy(), np.nan, numbers)
    written = arrow(text)
    pattern = rf"^[+-]?(\d+{re.escape(decimal)}?\d*|{re.escape(decimal)}\d+)([eE][+-]?\d+)?$"
    plain = pc.if_else(pc.match_substring_regex(written, pattern), written, pa.scalar(None, written.type))
    numbers = pc.cast(pc.replace_substring(plain, decimal, "."), pa.float64())
    return text, _numpy(numbers) + 0.0  # no negative zero


def _numpy(found: pa.Array) -> np.ndarray:
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=float)


def _number(cell: str, decimal: str) -> str:
    """What would be right in place of a cell that is no number."""
    other = "," if decimal == "." else "."
    digits = re.fullmatch(r"[+-]?[\d.,'\u2019 \u00a0\u2009\u202f_]+", cell) is not None
    if cell.casefold() in UNKNOWN:
        return "a number; if it means not known, add it to `missing:`"
    if cell.casefold().lstrip("+-") in ("inf", "infinity") or _fits(cell, decimal):
        return "a finite number"
    if cell.endswith("%"):
        return "a number without the per cent sign"
    if cell.startswith(("<", ">", "\u2264", "\u2265")):
        return "a number; decide which one stands for a value beyond the limit of the assay"
    if re.match(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b", cell):
        return "a number; the time between two dates is {from: ..., until: ..., unit: ...}"
    if digits and cell.count(other) == 1 and _fits(cell.replace(other, decimal), decimal):
        return (
            'a number with a decimal point; for a decimal comma set `decimal: ","`'
            if decimal == "."
            else "a number with a decimal comma, as `decimal` says"
        )
    if digits and re.search(r"\d[.,'\u2019 \u00a0\u2009\u202f_]\d", cell):
        return "a number without thousands separators"
    return "a number"


def _fits(cell: str, decimal: str) -> bool:
    point = re.escape(decimal)
    return re.fullmatch(rf"[+-]?(\d+{point}?\d*|{point}\d+)([eE][+-]?\d+)?", cell, re.ASCII) is not None


def _outside(
    text: pd.Series, values: np.ndarray, outside: np.ndarray, variable: Variable, notation: Notation
) -> Iterator[Problem]:
    unit = f" {variable.unit}" if variable.unit else ""
    converted = f" (after conversion to {variable.unit})" if variable.factor != 1.0 else ""
    expected = f"{within(variable.minimum, variable.maximum)}{unit}{converted}"
    places = np.flatnonzero(outside)
    for place, problem in zip(places, notation.wrong(text, places, variable.column, expected), strict=False):
        told = f"{values[place]:g}"
        if problem.row is not None and told not in problem.found:
            problem = Problem(
                f"{problem.found} ({told})", expected, problem.file, problem.row, problem.column
            )
        yield problem


def within(low: float, high: float) -> str:
    """A range, in words."""
    if np.isfinite(low) and np.isfinite(high):
        return f"{low:g} to {high:g}"
    return f"at least {low:g}" if np.isfinite(low) else f"at most {high:g}"


# ---- intervals


def _read_interval(
    rows: pd.DataFrame, variable: Variable, notation: Notation
) -> tuple[pd.Series, list[Problem]]:
    """Time from one date to another; a pair in impossible order or out of range is told with both columns."""
    since, since_text, problems = _days(rows[variable.since], variable.since, notation)
    until, until_text, more = _days(rows[variable.until], variable.until, notation)
    problems += more
    days = (until - since).astype(float)
    days[np.isnat(until) | np.isnat(since)] = np.nan
    values = np.round(days / variable.days * variable.factor, 10)
    with np.errstate(invalid="ignore"):
        backward = days < 0
        outside = ~backward & ((values < variable.minimum) | (values > variable.maximum))
    unit = f" {variable.unit}" if variable.unit else ""
    expected = f"{within(variable.minimum, variable.maximum)}{unit}"
    for kind, told in ((backward, ""), (outside, expected)):
        places = np.flatnonzero(kind)
        for place in places[: notation.limit]:
            before = f"{variable.since}, {str(since_text.iloc[place])!r}"
            found = shown(str(until_text.iloc[place]))
            found += f", {values[place]:g}{unit} after {before}" if told else ""
            right = told or f"a day not before {before}"
            problems.append(Problem(found, right, notation.file, int(rows.index[place]), variable.until))
        if notation.limit is not None and len(places) > notation.limit:
            rest, right = len(places) - notation.limit, told or f"a day not before {variable.since}"
            problems.append(Problem(f"{rest} more such rows", right, notation.file, None, variable.until))
    return pd.Series(values, rows.index, dtype="float64"), problems


def _days(cells: pd.Series, column: str, notation: Notation) -> tuple[np.ndarray, pd.Series, list[Problem]]:
    """Days (datetime64[D], NaT where unknown), the cells as text, and the cells that hold none."""
    text = known_text(cells, notation.missing)
    if is_dates(found := arrow(cells)):
        return np.where(text.isna(), np.datetime64("NaT", "D"), days_of_typed(found)), text, []
    codes, distinct = pd.factorize(text)
    read = date_reader(notation.date_formats.get(column, notation.date_format))
    # One step a spelling, not a woman: there are at most some ten thousand days.
    answers = {spelling: read(spelling) for spelling in map(str, distinct)}
    days = np.array(
        ["NaT" if isinstance(day, str) else day.isoformat() for day in answers.values()] + ["NaT"],
        dtype="datetime64[D]",
    )[codes]
    wrong = np.flatnonzero(np.isnat(days) & text.notna().to_numpy())
    problems = list(notation.wrong(text, wrong, column, lambda cell: str(answers[cell])))
    first, last = notation.date_limits.get(column, ("", ""))
    with np.errstate(invalid="ignore"):
        early = days < np.datetime64(first or "NaT", "D")
        late = days > np.datetime64(last or "NaT", "D")
    bounds = " ".join([f"from {first}"] * bool(first) + [f"to {last}"] * bool(last))
    refused = f"a day {bounds}, as the REDCap dictionary says"
    return days, text, problems + list(notation.wrong(text, np.flatnonzero(early | late), column, refused))


# ---- yes, no and categories


def _read_coded(text: pd.Series, variable: Variable, notation: Notation) -> tuple[pd.Series, list[Problem]]:
    """Booleans and categories: the file's spelling, without regard to case, through the codes."""
    codes = code_table(variable)
    places, distinct = pd.factorize(text)
    folds = [str(spelling) for spelling in distinct]
    if codes is None:
        codes = {spelling: spelling for spelling in sorted(folds)}
    else:
        folds = [fold.casefold() for fold in folds]
    levels = list(variable.levels) or list(dict.fromkeys(v for v in codes.values() if v is not None))
    wrong = np.array([fold not in codes for fold in folds] + [False])[places]
    written = [str(code) for code in variable.codes] or (
        sorted(codes) if variable.type == "boolean" else levels
    )
    expected = f"one of {', '.join(written)}"
    problems = list(notation.wrong(text, np.flatnonzero(wrong), variable.column, expected))
    if variable.type == "boolean":
        found = pd.array([*(codes.get(fold) for fold in folds), None], dtype="boolean").take(places)
    else:
        at = {level: place for place, level in enumerate(levels)}
        chosen = np.array([at.get(codes.get(fold), -1) for fold in folds] + [-1])[places]
        found = pd.Categorical.from_codes(chosen, pd.Index(levels, dtype="str"))
    return pd.Series(found, text.index), problems


def code_table(variable: Variable) -> dict[str, Any] | None:
    """Folded spelling to value; None when a category takes any text."""
    if variable.codes:
        codes: dict[str, Any] = {}
        for code, value in variable.codes.items():
            if variable.type == "category" and value is not None:
                value = str(value)
            codes |= dict.fromkeys(spellings(code), value)
        return codes
    if variable.type == "boolean":
        return dict.fromkeys(YES, True) | dict.fromkeys(NO, False)
    return {level.casefold(): level for level in variable.levels} or None
