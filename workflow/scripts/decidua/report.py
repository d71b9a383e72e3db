"""What does the run say to a person who reads one page?"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from decidua import results
from decidua.figures import words


@dataclass(frozen=True)
class Figure:
    """A picture of the report with what it shows."""

    title: str
    caption: str
    png: bytes

    @property
    def uri(self) -> Markup:
        """The picture as a data URI, so that the page needs no other file."""
        return Markup("data:image/png;base64," + base64.b64encode(self.png).decode())


@dataclass(frozen=True)
class Table:
    """A table of the report: header, rows of text, and a note below."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Section:
    """One cohort, study or paper: what it is, what came out in sentences, its figures and tables."""

    name: str
    title: str
    synthetic: str
    sentences: Sequence[str]
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    cautions: Sequence[str] = ()


def render(template: str | Path, **content: Any) -> str:
    """The page from its Jinja template; all text is escaped."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(Path(template).read_text(encoding="utf-8")).render(**content)


def pick(table: pd.DataFrame, **values: Any) -> pd.DataFrame:
    """The rows of a results table that have these values; a list means any of them."""
    chosen = table
    for column, value in values.items():
        wanted = [value] if isinstance(value, str) else list(value)
        chosen = chosen[chosen[column].isin(wanted)]
    return chosen


def rate(row: Mapping[str, Any]) -> str:
    """82.7% (163/197; 76.8 to 87.4), or why not."""
    if row["status"] != results.ESTIMATED:
        return f"not estimable ({row['reason']})"
    low, high = (words.percent(row[end]).removesuffix("%") for end in ("lower", "upper"))
    return f"{words.percent(row['estimate'])} ({words.counts(row['numerator'], row['denominator'])}; {low} to {high})"


def number(value: float, places: int = 2) -> str:
    """A number with that many decimals; a dash for none."""
    return "–" if pd.isna(value) else words.decimals(value, places)


def test(row: Mapping[str, Any]) -> str:
    """Pearson chi-square 1.32, 1 df, p = .250, or why not."""
    if row["status"] != results.ESTIMATED:
        return f"{row['test']}: not estimable ({row['reason']})"
    statistic = "" if pd.isna(row["statistic"]) else f" {number(row['statistic'])}"
    df = "" if pd.isna(row["df"]) else f", {row['df']:g} df"
    return f"{row['test']}{statistic}{df}, {words.p_value(row['p'])}"


def sentences_of_rates(
    table: pd.DataFrame, variable: str, subject: str, labels: Mapping[str, str], **picks: Any
) -> list[str]:
    """One sentence a population or level with its rate, and one for the first test among them."""
    rates = pick(table, variable=variable, quantity="rate", **picks)
    told = [f"{subject(row)}: {rate(row)}." for row in rates.to_dict("records")] if callable(subject) else []
    return told


def overview(table: pd.DataFrame, columns: Mapping[str, str], labels: Mapping[str, str], title: str) -> Table:
    """Chosen columns of any table as text; names are written by their labels."""
    rows = [
        [_cell(row[column], labels) for column in columns]
        for row in table.to_dict("records")
    ]
    return Table(title, list(columns.values()), rows)


def _cell(value: Any, labels: Mapping[str, str]) -> str:
    if isinstance(value, str):
        return words.name(value, labels) if value in labels else value
    if value is None or pd.isna(value):
        return "–"
    return f"{value:g}" if isinstance(value, float) else str(value)
