"""Which day is it, and how long from one day to another? Dates come in, intervals go on."""

import re
from collections.abc import Callable
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ISO = "YYYY-MM-DD"
#: How the days of a table may be written; ISO 8601 is always understood.
FORMATS = (
    ISO,
    "DD.MM.YYYY",
    "DD/MM/YYYY",
    "DD-MM-YYYY",
    "MM/DD/YYYY",
    "MM-DD-YYYY",
    "YYYY/MM/DD",
    "YYYYMMDD",
)
#: Years outside are slips of the hand.
EARLIEST, LATEST = 1900, 2100
#: A time of day after the date does not count: intervals are in days.
_TIME = r"(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z?)?"


def date_reader(form: str) -> Callable[[str], date | str]:
    """A function from a cell to its day or, if it holds none, to what would be right.

    Args:
        form: one of `FORMATS`.
    """
    patterns = [_pattern(form), _pattern(ISO)]

    def read(text: str) -> date | str:
        for pattern in patterns:
            if found := pattern.fullmatch(text):
                return _day(*(int(found[part]) for part in ("Y", "M", "D")))
        if re.fullmatch(r"\d{1,2}[./-]\d{1,2}[./-]\d{2}" + _TIME, text):
            return f"a date as {form}, its year with four digits"
        return f"a date as {form}"

    return read


def _pattern(form: str) -> re.Pattern[str]:
    digits = "{2}" if form == "YYYYMMDD" else "{1,2}"
    parts = {"YYYY": r"(?P<Y>\d{4})", "MM": rf"(?P<M>\d{digits})", "DD": rf"(?P<D>\d{digits})"}
    pattern = re.sub("YYYY|MM|DD", lambda part: parts[part[0]], form.replace(".", r"\."))
    return re.compile(pattern + _TIME, re.ASCII)


def _day(year: int, month: int, day: int) -> date | str:
    if not EARLIEST <= year <= LATEST:
        return f"a year from {EARLIEST} to {LATEST}"
    try:
        return date(year, month, day)
    except ValueError:
        return "a day of the calendar"


def days_of_typed(cells: pa.Array) -> np.ndarray:
    """Dates and timestamps as days (datetime64[D]), NaT where unknown; a time zone's own day counts."""
    if pa.types.is_timestamp(cells.type) and cells.type.tz:
        cells = pc.local_timestamp(cells)
    days = pc.cast(cells, pa.date32(), safe=False).to_numpy(zero_copy_only=False)
    return np.asarray(days).astype("datetime64[D]")


def is_dates(cells: pa.Array) -> bool:
    """Whether the cells are dates or timestamps by their type."""
    return pa.types.is_date(cells.type) or pa.types.is_timestamp(cells.type)
