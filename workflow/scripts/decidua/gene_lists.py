"""Which genes does a list name, under which identifiers, and which of them does a matrix have?"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from decidua.config import load_yaml
from decidua.errors import InputError, Problem

#: Identifiers that an entry of a list may give; any of them may stand in a matrix.
IDENTIFIERS = ("symbol", "ensembl", "entrez")


def read_gene_list(path: str | Path) -> list[tuple[str, ...]]:
    """The genes of a list, each with all identifiers that the list gives it.

    Args:
        path: text with a gene a line (# begins a comment), or YAML with `genes`, each entry an identifier or
            some of `IDENTIFIERS`.

    Raises:
        InputError: the file cannot be read or names no gene.
    """
    if str(path).endswith(".txt"):
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(Problem(str(error), "a text file with a gene a line", str(path))) from None
        found: Any = [line.split("#")[0].strip() for line in lines]
    else:
        content = load_yaml(path)
        found = content.get("genes") if isinstance(content, Mapping) else None
    genes = [_identifiers(entry) for entry in (found if isinstance(found, list) else [])]
    genes = list(dict.fromkeys(filter(None, genes)))
    if not genes:
        raise InputError(Problem("no gene", "`genes:` with a list, or a gene a line in a .txt", str(path)))
    return genes


def _identifiers(entry: Any) -> tuple[str, ...]:
    values = [entry.get(kind) for kind in IDENTIFIERS] if isinstance(entry, Mapping) else [entry]
    return tuple(str(value) for value in values if value not in (None, ""))


def positions(genes: Sequence[str], listed: Iterable[Sequence[str]]) -> list[np.ndarray]:
    """Of each listed gene, where a matrix has it: the positions of all genes with one of its identifiers.

    A version behind an Ensembl identifier (ENSG00000143612.20) does not count.
    """
    places: dict[str, list[int]] = {}
    for place, gene in enumerate(genes):
        places.setdefault(_plain(gene), []).append(place)
    return [
        np.array(sorted({place for name in names for place in places.get(_plain(name), [])}), dtype=int)
        for names in listed
    ]


def _plain(gene: str) -> str:
    return re.sub(r"^(ENS[A-Z]*\d+)\.\d+$", r"\1", gene)
