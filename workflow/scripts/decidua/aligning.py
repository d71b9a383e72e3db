"""Which row of one table is which row of another, and what differs between them?"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from decidua import tables

TABLES = (".csv", ".tsv", ".parquet")
#: Of fewer restricted values nothing is told but their number: it would be near to the values themselves.
SMALLEST_GROUP = 5
#: Stands for the columns of a matrix whose columns are persons: their names are never told.
PERSONS = "(samples)"


@dataclass(frozen=True)
class Aligned:
    """Two tables side by side, on the columns and rows that both have.

    `before` and `after` are floats, rows x `numeric`; `text_before` and `text_after` are text, rows x `text`;
    missing text is "". `rows` names the rows of both, `only_before` and `only_after` those of one of them.
    """

    rows: np.ndarray
    numeric: list[str]
    before: np.ndarray
    after: np.ndarray
    text: list[str]
    text_before: np.ndarray
    text_after: np.ndarray
    only_before: list[str]
    only_after: list[str]
    columns_only_before: list[str]
    columns_only_after: list[str]

    @property
    def moved(self) -> np.ndarray:
        """Rows x numeric: whether the number differs; missing equals missing."""
        both_missing = np.isnan(self.before) & np.isnan(self.after)
        return (self.before != self.after) & ~both_missing

    @property
    def reworded(self) -> np.ndarray:
        """Rows x text: whether the text differs."""
        return self.text_before != self.text_after

    @property
    def whole(self) -> np.ndarray:
        """Of each numeric column, whether it holds whole numbers only, in both tables."""
        values = np.vstack([self.before, self.after])
        return (np.isnan(values) | (values == np.floor(values))).all(axis=0)

    def numbers(self) -> pd.DataFrame:
        """A row a number that moved: row, column, before, after, difference and relative (to before)."""
        at, column = np.nonzero(self.moved)
        before, after = self.before[at, column], self.after[at, column]
        with np.errstate(all="ignore"):
            difference = after - before
            relative = difference / np.abs(before)
        return pd.DataFrame(
            {
                "row": self.rows[at],
                "column": np.array(self.numeric, dtype=object)[column],
                "before": before,
                "after": after,
                "difference": difference,
                "relative": relative,
            }
        )

    def texts(self) -> pd.DataFrame:
        """A row a text cell that differs: row, column, before, after."""
        at, column = np.nonzero(self.reworded)
        return pd.DataFrame(
            {
                "row": self.rows[at],
                "column": np.array(self.text, dtype=object)[column],
                "before": self.text_before[at, column],
                "after": self.text_after[at, column],
            }
        )


def read(path: str | Path) -> pd.DataFrame:
    """Read a table of a version: CSV, TSV or Parquet.

    Raises:
        ValueError: the file is not a table of its kind, or not there; the text says why in one line.
    """
    try:
        if Path(path).suffix == ".tsv":
            return pd.read_csv(path, sep="\t", keep_default_na=False, na_values=[""])
        return tables.read(path)
    except (ValueError, TypeError, OSError) as error:
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from None


def is_restricted(path: str | Path) -> bool:
    """Whether a path, relative to the version's folder, stands behind the restricted door."""
    return Path(path).parts[0] == "restricted"


def has_persons_as_columns(table: pd.DataFrame) -> bool:
    """Whether the table is a matrix as `tables.write_matrix` writes it: genes, then a column a sample."""
    return len(table.columns) > 0 and table.columns[0] == "gene" and all(map(is_numeric, _others(table)))


def _others(table: pd.DataFrame) -> Iterable[pd.Series]:
    return (table.iloc[:, place] for place in range(1, table.shape[1]))


def align(before: pd.DataFrame, after: pd.DataFrame) -> Aligned:
    """Put two tables side by side.

    A column is numeric when both tables hold numbers (booleans count as 0 and 1) or nothing in it; all others
    are text. Rows are the same when the text columns that identify them are: from the left, each text column
    that tells apart rows which the columns before it do not. Rows that share their key are numbered in order;
    without such columns the row number is the key. The remaining text columns are compared, not matched, so
    that a changed remark is not a row lost and a row won.

    Args:
        before: a table with unique column names.
        after: the same, later.
    """
    numeric, text = [], []
    for column in before.columns.intersection(after.columns, sort=False):
        (numeric if is_numeric(before[column]) and is_numeric(after[column]) else text).append(column)
    split = len(before)
    words = {c: np.concatenate([_words(before[c]), _words(after[c])]) for c in text}
    key, group = _identify(words, split, split + len(after))
    number = np.concatenate([_running_number(group[:split]), _running_number(group[split:])])
    names = _names({column: words[column] for column in key}, group, number)

    place = group * (number.max(initial=0) + 1) + number
    to = pd.Index(place[split:]).get_indexer(place[:split])
    ours, theirs = np.flatnonzero(to >= 0), to[to >= 0]
    lone = np.setdiff1d(np.arange(len(after)), theirs)
    return Aligned(
        rows=names[:split][ours],
        numeric=numeric,
        before=_matrix([floats(before[column]) for column in numeric], split)[ours],
        after=_matrix([floats(after[column]) for column in numeric], len(after))[theirs],
        text=text,
        text_before=_matrix([words[column][:split] for column in text], split, object)[ours],
        text_after=_matrix([words[column][split:] for column in text], len(after), object)[theirs],
        only_before=list(names[:split][to < 0]),
        only_after=list(names[split:][lone]),
        columns_only_before=list(before.columns.difference(after.columns, sort=False)),
        columns_only_after=list(after.columns.difference(before.columns, sort=False)),
    )


def is_numeric(column: pd.Series) -> bool:
    """Whether a column holds numbers or booleans, or nothing at all.

    A CSV column of booleans with gaps comes back as objects, hence the look at the values.
    """
    if pd.api.types.is_numeric_dtype(column) or column.isna().all():
        return True
    return column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "boolean"


def floats(column: pd.Series) -> np.ndarray:
    """A numeric column as floats, NaN where missing; booleans as 0 and 1."""
    if column.isna().all():
        return np.full(len(column), np.nan)
    return column.to_numpy(dtype=float, na_value=np.nan)


def _words(column: pd.Series) -> np.ndarray:
    """A column as text: numbers as `tables.write` writes them, missing as nothing."""
    number = pd.api.types.is_float_dtype(column)
    values = column.astype(object)
    text = values.map(lambda value: tables.FLOAT_FORMAT % value if number else str(value), na_action="ignore")
    return text.where(column.notna(), "").to_numpy(dtype=object)


def _matrix(columns: list[np.ndarray], rows: int, dtype: type = float) -> np.ndarray:
    return np.column_stack(columns) if columns else np.empty((rows, 0), dtype=dtype)


def _identify(words: dict[str, np.ndarray], split: int, rows: int) -> tuple[list[str], np.ndarray]:
    """The columns that identify rows, and each row's key as a number; one table stands below the other."""
    key: list[str] = []
    group = np.zeros(rows, dtype=np.int64)
    for column, text in words.items():
        codes, levels = pd.factorize(text)
        finer, _ = pd.factorize(group * len(levels) + codes)
        tables_apart = (slice(None, split), slice(split, None))
        if any(_distinct(finer[part]) > _distinct(group[part]) for part in tables_apart):
            key.append(column)
            group = finer
    return key, group


def _distinct(codes: np.ndarray) -> int:
    return len(np.unique(codes))


def _running_number(group: np.ndarray) -> np.ndarray:
    return pd.Series(group).groupby(group).cumcount().to_numpy()


def _names(key: dict[str, np.ndarray], group: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Each row in words; a row that has only its number goes by its line in the file, the header being 1."""
    if not key:
        return np.array([f"row {place + 2}" for place in number], dtype=object)
    repeated = np.isin(group, group[number > 0])
    names = []
    for values, place, again in zip(zip(*key.values(), strict=True), number, repeated, strict=True):
        parts = [f"{column}={value}" for column, value in zip(key, values, strict=True) if value]
        names.append("; ".join(parts + [f"no. {place + 1}"] * bool(again)) or "(blank)")
    return np.array(names, dtype=object)
