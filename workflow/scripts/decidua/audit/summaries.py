"""How did an audit come out, in short: its conflicts, and verdicts by place of the paper?"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from decidua.audit.claims import Paper
from decidua.audit.conflicts import Conflict, sentence
from decidua.audit.verdicts import VERDICTS, in_sentences

CONFLICT_COLUMNS = ["paper", "conflict", "claim", "where", "printed", "relation", "proof", "search"]
VERDICT_COLUMNS = ["paper", "where", "verdict", "claims", "in_conflict"]
#: What is said of a group that a solver proved, and of one whose members were not all shown to be needed.
EXHAUSTIVE = "exhaustive"
NOT_MINIMAL = "exhaustive; a smaller group may collide too"


def conflict_table(
    name: str, paper: Paper, found: Sequence[Conflict], unfinished: Sequence[str] = ()
) -> pd.DataFrame:
    """Groups of printed numbers that no data satisfy together.

    Args:
        name: the paper's name in the settings.
        found: as from `conflicts`.
        unfinished: what a search left open; each has a row without a conflict.

    Returns:
        A row a conflict and printed number: conflict (1, 2, ...), claim, where, printed, relation (by which
        the numbers collide), proof (a sentence), search (exhaustive, or what was searched).
    """
    printed = {claim.id: claim.printed for claim in paper.claims.values()}
    notes = {relation.name: relation.note for relation in paper.relations}
    rows: list[dict[str, Any]] = []
    for number, conflict in enumerate(found, start=1):
        common = {
            "paper": name,
            "conflict": number,
            "relation": "; ".join(conflict.relations),
            "proof": " ".join([sentence(conflict, printed), *_notes(conflict, notes)]),
            "search": EXHAUSTIVE if conflict.minimal else NOT_MINIMAL,
        }
        for claim in conflict.printed:
            about = paper.claims[claim]
            rows.append({**common, "claim": claim, "where": about.where, "printed": about.printed})
    rows += [{"paper": name, "search": text} for text in unfinished]
    table = pd.DataFrame(rows, columns=CONFLICT_COLUMNS)
    return table.astype({"conflict": "Int64"})


def _notes(conflict: Conflict, notes: Mapping[str, str]) -> list[str]:
    """What the file says of the relations by which numbers collide: a proof holds under these readings."""
    return in_sentences(notes.get(name, "") for name in conflict.relations)


def verdict_table(audit: pd.DataFrame, conflicts: pd.DataFrame) -> pd.DataFrame:
    """Claims by place and verdict, in the order of the paper; verdicts without a claim are left out.

    Args:
        audit: as from `audit`. conflicts: as from `conflict_table`.

    Returns:
        A row a place and verdict: claims (their number), in_conflict (how many of them are in a conflict).
    """
    each = audit.drop_duplicates("claim")
    colliding = set(conflicts["claim"].dropna())
    rows = []
    for where in each["where"].drop_duplicates():
        here = each[each["where"] == where]
        for verdict in VERDICTS:
            claims = here.loc[here["overall"] == verdict, "claim"]
            if len(claims):
                among = sum(claim in colliding for claim in claims)
                rows.append([each["paper"].iloc[0], where, verdict, len(claims), among])
    return pd.DataFrame(rows, columns=VERDICT_COLUMNS)
