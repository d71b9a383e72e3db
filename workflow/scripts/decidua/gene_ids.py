"""Which of a model's genes does another matrix have, whatever it calls them?"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from decidua.errors import InputError, Problem
from decidua.input_files import UNREADABLE, first_line, read_header, read_rows, require_kind

_VERSION = re.compile(r"^(ENS[A-Z]*[GT]\d{11})\.\d+(_PAR_Y)?$")


@dataclass(frozen=True)
class Translation:
    """Counts under the wanted names, and what was done to get there, in a sentence."""

    counts: pd.DataFrame
    note: str


def read_identifiers(path: str | Path) -> pd.DataFrame:
    """A table of gene identifiers: a row a gene, a column a kind of identifier (HGNC's, Entrez', Ensembl's).

    Args:
        path: .tsv, .csv or .txt (plain or .gz). The columns' names do not matter: which one is meant is told
            by the identifiers in it.

    Returns:
        Text columns, NA where a cell is empty; versions of Ensembl identifiers are left out.

    Raises:
        InputError: the file cannot be read, or has fewer than two columns.
    """
    path, name = Path(path), str(path)
    require_kind(path, name)
    try:
        columns = read_header(path, name)[0]
        rows, ragged = read_rows(path, name)
    except UNREADABLE as error:
        raise InputError(Problem(first_line(error), "a complete, readable file", name)) from None
    if len(columns) < 2:
        ragged = [*ragged, Problem("one column", "a column for each kind of gene identifier", name, row=1)]
    if ragged:
        raise InputError(ragged)
    table = pd.DataFrame(list(rows.values()), columns=columns, dtype="string")
    return table.apply(lambda column: unversioned(column.str.strip()).replace("", pd.NA))


def unversioned(ids: pd.Series) -> pd.Series:
    """Gene identifiers without Ensembl's version numbers."""
    return ids.astype("string").str.replace(_VERSION, r"\1", regex=True)


def translate(counts: pd.DataFrame, wanted: Sequence[str], identifiers: pd.DataFrame | None) -> Translation:
    """Call the genes of a matrix by the names that are wanted.

    Versions of Ensembl identifiers are left out on both sides. With a table, the column that holds most of
    the matrix's identifiers is read against the column that holds most of the wanted ones; rows of the
    matrix that mean the same wanted gene are added up, and one that means several is left out.

    Args:
        counts: genes x samples.
        wanted: names of genes, such as a model's.
        identifiers: as from `read_identifiers`; None: the matrix uses the wanted kind.

    Raises:
        InputError: the table has no column for the matrix's identifiers, or none for the wanted ones.
    """
    names = unversioned(pd.Series(counts.index))
    plain = pd.Series(unversioned(pd.Series(wanted, dtype="string")).to_numpy(), index=list(wanted))
    back = {short: long for long, short in plain.items()}
    note = ""
    if identifiers is not None:
        source = _fullest(identifiers, names, "the matrix")
        target = _fullest(identifiers, plain, "the model")
        pairs = identifiers[[source, target]].dropna() if source != target else identifiers[[source]]
        pairs = pairs.drop_duplicates().set_axis(["from", "to"][: pairs.shape[1]], axis=1)
        pairs = pairs.assign(to=pairs["from"]) if source == target else pairs
        pairs = pairs[pairs["to"].isin(plain)]
        several = pairs["from"].duplicated(keep=False)
        left_out = pairs.loc[several & pairs["from"].isin(names), "from"].nunique()
        names = names.map(pairs[~several].set_index("from")["to"])
        note = f"{source} read as {target}; {left_out} identifiers that mean several genes left out"
    found = names.isin(back).to_numpy(dtype=bool)
    renamed = counts[found].set_axis(names[found].map(back), axis=0)
    added = len(renamed) - renamed.index.nunique()
    if added:
        renamed = renamed.groupby(level=0, sort=True).sum()
        note = "; ".join(filter(None, [note, f"{added} rows added to others of the same gene"]))
    return Translation(renamed.rename_axis("gene"), note or "identifiers as they are")


def possible_names(wanted: Sequence[str], identifiers: pd.DataFrame | None) -> set[str]:
    """What these genes may be called in a matrix: as they are, and as any column of the table calls them.

    Args:
        identifiers: as from `read_identifiers`; None: there is no table.

    Returns:
        Names without versions of Ensembl identifiers.
    """
    names = set(unversioned(pd.Series(list(wanted), dtype="string")))
    if identifiers is None:
        return names
    rows = identifiers[identifiers.isin(names).any(axis=1)]
    return names.union(*(rows[column].dropna() for column in rows))


def _fullest(identifiers: pd.DataFrame, names: pd.Series, whose: str) -> str:
    held = {column: int(names.isin(identifiers[column].dropna()).sum()) for column in identifiers}
    best = max(held, key=held.get)
    if not held[best]:
        some = ", ".join(names.dropna().iloc[:3])
        raise InputError(
            f"gene identifiers: found no column with those of {whose} ({some}, ...); expected one among "
            f"{', '.join(identifiers.columns)}"
        )
    return best


def kind_of(names: Sequence[str]) -> str:
    """What most of the names are: "Ensembl", "Entrez" or "symbols or other names"."""
    ids = pd.Series(names, dtype="string")
    if len(ids) and ids.str.fullmatch(r"ENS[A-Z]*G\d{11}(\.\d+)?").mean() > 0.5:
        return "Ensembl"
    if len(ids) and ids.str.fullmatch(r"\d+").mean() > 0.5:
        return "Entrez"
    return "symbols or other names"


def positions(index: pd.Index, names: Sequence[str]) -> np.ndarray:
    """Where names stand in an index; -1 where they do not."""
    return index.get_indexer(pd.Index(list(names)))
