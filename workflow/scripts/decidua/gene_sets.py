"""Which genes are asked about together, and where are they in a matrix, whatever ids it uses?"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from decidua.errors import InputError, Problem
from decidua.input_files import UNREADABLE, first_line

#: Kinds of ids that a shipped gene has; of a GMT file's only what stands there.
SYMBOL, ENTREZ, ENSEMBL = _KINDS = "symbol", "entrez", "ensembl"
_VERSIONED = re.compile(r"(ENS[A-Z]*G\d+)\.\d+")
_SHIPPED = Path(__file__).parents[2] / "resources/genes/signatures.yaml"


@dataclass(frozen=True)
class GeneSet:
    """Genes asked about together.

    genes: their names, in order; ids: for each kind of id the genes', in the same order.
    """

    name: str
    title: str
    source: str
    genes: tuple[str, ...]
    ids: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Found:
    """Where a set's genes are in a matrix: positions of rows, the genes' names, and the names not there."""

    places: np.ndarray
    names: tuple[str, ...]
    absent: tuple[str, ...]


def shipped_sets(content: Mapping[str, Any]) -> list[GeneSet]:
    """The sets of `workflow/resources/genes/signatures.yaml`, given its content."""
    return [
        GeneSet(
            name,
            entry["title"],
            entry["source"],
            tuple(entry["genes"]),
            {
                SYMBOL: tuple(entry["genes"]),
                ENTREZ: tuple(str(gene["entrez"]) for gene in entry["genes"].values()),
                ENSEMBL: tuple(gene["ensembl"] for gene in entry["genes"].values()),
            },
        )
        for name, entry in content["signatures"].items()
    ]


def disjoint(sets: Iterable[GeneSet]) -> dict[str, tuple[str, ...]]:
    """Each set's genes without those that a set before it has."""
    seen: set[str] = set()
    found = {}
    for one in sets:
        found[one.name] = tuple(gene for gene in one.genes if gene not in seen)
        seen.update(one.genes)
    return found


@cache
def shipped_genes() -> dict[str, tuple[str, ...]]:
    """The signatures that come with the workflow, each gene in the first that names it."""
    from decidua.config import load_yaml

    return disjoint(shipped_sets(load_yaml(_SHIPPED)))


def read_gmt(path: str | Path) -> list[GeneSet]:
    """Read gene sets: a line a set, tab-separated: name, description or address, genes.

    Genes are looked up as they stand there: they must be of the kind of id that the matrix has.

    Raises:
        InputError: the file cannot be read; a line without a name or genes; a name twice.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except UNREADABLE as error:
        raise InputError(Problem(first_line(error), "a readable GMT file", str(path))) from None
    sets: dict[str, GeneSet] = {}
    problems = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        name, source, *genes = (cell.strip() for cell in [*line.split("\t"), "", ""])
        genes = tuple(dict.fromkeys(gene for gene in genes if gene))
        if not name or not genes:
            problems.append(
                Problem(
                    "a line without a name or genes", "name, description, genes by tabs", str(path), number
                )
            )
        elif name in sets:
            problems.append(Problem(f"the set {name} again", "each set once", str(path), number))
        else:
            sets[name] = GeneSet(name, name, source or Path(path).name, genes, {SYMBOL: genes})
    if not lines or (not sets and not problems):
        problems.append(Problem("no line", "a line a gene set", str(path)))
    if problems:
        raise InputError(problems)
    return list(sets.values())


def joined(*groups: Iterable[GeneSet]) -> list[GeneSet]:
    """All sets of several sources.

    Raises:
        InputError: a name in more than one.
    """
    sets = [one for group in groups for one in group]
    names = [one.name for one in sets]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise InputError(Problem(f"the gene set {name} more than once", "each name once") for name in twice)
    return sets


def id_kind(sets: Sequence[GeneSet], index: Sequence[str]) -> str:
    """The kind of id under which most genes of the sets are in a matrix; the symbol's in doubt."""
    there = set(map(unversioned, index))
    hits = {kind: sum(len(there.intersection(one.ids.get(kind, ()))) for one in sets) for kind in _KINDS}
    return max(_KINDS, key=lambda kind: hits[kind])


def locate_sets(sets: Sequence[GeneSet], index: Sequence[str], kind: str = SYMBOL) -> dict[str, Found]:
    """Where the genes of each set are in a matrix with these row ids; versions of Ensembl ids do not matter.

    Args:
        kind: of id (`id_kind`); a set that has none of that kind is looked up by what it has.
    """
    rows: dict[str, int] = {}
    for place, gene in enumerate(index):
        rows.setdefault(unversioned(gene), place)
    found = {}
    for one in sets:
        ids = one.ids.get(kind, one.ids[SYMBOL])
        there = [
            (rows[unversioned(own)], gene)
            for own, gene in zip(ids, one.genes, strict=True)
            if unversioned(own) in rows
        ]
        names = {gene for _, gene in there}
        found[one.name] = Found(
            np.array([place for place, _ in there], dtype=np.intp),
            tuple(gene for _, gene in there),
            tuple(gene for gene in one.genes if gene not in names),
        )
    return found


def unversioned(gene: str) -> str:
    """An Ensembl id without its version; any other id as it is."""
    match = _VERSIONED.fullmatch(gene)
    return match[1] if match else gene
