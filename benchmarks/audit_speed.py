"""How long does an audit take? A file of 1,000 claims of every kind, and the shipped files.

python benchmarks/audit_speed.py
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow/scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from audit_truth import KINDS

from decidua.audit import expressions
from decidua.audit.claims import Paper, load_paper, read_paper
from decidua.audit.conflicts import conflicts
from decidua.audit.relations import linear_system, table_tests
from decidua.audit.search import search_tests
from decidua.audit.verdicts import audit, consistent

CLAIMS = Path(__file__).resolve().parents[1] / "workflow/resources/claims"
#: Keys of entries whose content is no name.
WORDS = ("printed", "kind", "where", "test", "is", "measure")


def renamed(given: Any, prefix: str, names: set[str]) -> Any:
    """An entry whose names get a prefix, so that many small files make one large one."""
    if isinstance(given, dict):
        return {
            key: content if key in WORDS else renamed(content, prefix, names)
            for key, content in given.items()
        }
    if isinstance(given, list):
        return [renamed(each, prefix, names) for each in given]
    if isinstance(given, str):
        return expressions.NAME.sub(
            lambda m: f"{prefix}.{m[0]}" if m[0].split(".")[0] in names else m[0], given
        )
    return given


def large_paper(claims: int, seed: int = 1) -> Paper:
    """Files of every kind in turn, joined until there are enough printed numbers."""
    rng = np.random.default_rng(seed)
    given: dict[str, Any] = {"paper": {"title": "Large"}, "claims": {}, "relations": [], "unknowns": {}}
    number = 0
    paper = None
    while paper is None or len(paper.claims) < claims:
        kind = list(KINDS)[number % len(KINDS)]
        own, relations = KINDS[kind](rng)
        unknown = {"a", "c"} if kind == "table with unknown cells" else set()
        names, prefix = {*own, *unknown}, f"f{number}"
        given["claims"] |= {f"{prefix}.{name}": renamed(entry, prefix, names) for name, entry in own.items()}
        given["relations"] += [renamed(relation, prefix, names) for relation in relations]
        given["unknowns"] |= {f"{prefix}.{name}": {"kind": "count", "meaning": name} for name in unknown}
        number += 1
        if number % 25 == 0:
            paper = read_paper(given, "large")
    return paper


def timed(title: str, paper: Paper) -> None:
    """Say how long reading the relations, the search for conflicts and the recomputation take."""
    start = time.process_time()
    unknowns, constraints = linear_system(paper)
    found = conflicts(unknowns, constraints)
    linear = time.process_time()
    searches = search_tests(unknowns, consistent(constraints, found), table_tests(paper))
    searched = time.process_time()
    collide = sum(search.is_conflict for search in searches)
    table = audit("paper", paper, {}, found.found)
    end = time.process_time()
    print(
        f"| {title} | {len(paper.claims):,} | {len(paper.relations):,} | {len(table):,} | {len(found.found)} "
        f"| {collide} | {len(searches) - collide} | {linear - start:.1f} | {searched - linear:.1f} "
        f"| {end - searched:.1f} |"
    )


def main() -> None:
    """Print the table."""
    print(
        "| file | claims | relations | rows | conflicts | with tables | left open | conflicts, CPU s "
        "| with tables, CPU s | recomputation, CPU s |"
    )
    print("|---|" + 9 * "--:|")
    timed("drawn at random, every kind", large_paper(1000))
    for path in sorted(CLAIMS.glob("*.yaml")):
        timed(path.name, load_paper(path))


if __name__ == "__main__":
    main()
