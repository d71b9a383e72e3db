"""How did an audit come out, in short: its conflicts, and verdicts by place of the paper?"""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from decidua import words
from decidua.audit.boxes import Range
from decidua.audit.claims import Paper
from decidua.audit.conflicts import Conflict, range_text, sentence
from decidua.audit.search import Search
from decidua.audit.verdicts import VERDICTS

CONFLICT_COLUMNS = ["paper", "conflict", "claim", "where", "printed", "relation", "proof", "search"]
VERDICT_COLUMNS = ["paper", "where", "verdict", "claims", "in_conflict"]
#: What is said of a group that a solver proved, and of one whose members were not all shown to be needed.
EXHAUSTIVE = "exhaustive"
NOT_MINIMAL = "exhaustive; a smaller group may collide too"


def conflict_table(
    name: str,
    paper: Paper,
    found: Sequence[Conflict],
    unfinished: Sequence[str] = (),
    searches: Sequence[Search] = (),
) -> pd.DataFrame:
    """Groups of printed numbers that no data satisfy together.

    Args:
        name: the paper's name in the settings.
        found: as from `conflicts`.
        unfinished: what a search left open; each has a row without a conflict.
        searches: as from `search_tests`; those that did not end have rows without a conflict, one a p-value.

    Returns:
        A row a conflict and printed number: conflict (1, 2, ...), claim, where, printed, relation (by which
        the numbers collide), proof (a sentence), search (exhaustive, or what was searched).
    """
    printed = {claim.id: claim.printed for claim in paper.claims.values()}
    groups = [
        (each.printed, each.relations, sentence(each, printed), EXHAUSTIVE if each.minimal else NOT_MINIMAL)
        for each in found
    ]
    for search in searches:
        if search.is_conflict:
            claims, relations = _members(search)
            proof = search_sentence(search, paper) + _elsewhere(claims, found)
            groups.append((claims, relations, proof, search.told))
    rows: list[dict[str, Any]] = []
    for number, (claims, relations, proof, told) in enumerate(groups, start=1):
        common = {
            "paper": name,
            "conflict": number,
            "relation": "; ".join(relations),
            "proof": proof + _readings(paper, relations),
            "search": told,
        }
        for claim in claims:
            about = paper.claims[claim]
            rows.append({**common, "claim": claim, "where": about.where, "printed": about.printed})
    rows += [{"paper": name, "search": text} for text in unfinished]
    for search in searches:
        if not search.is_conflict:
            told = {"paper": name, "search": f"{_p_values(search, paper)}: {search.told}"}
            claims = [paper.claims[claim] for test in search.tests for claim in test.claims]
            rows += [
                {**told, "claim": each.id, "where": each.where, "printed": each.printed} for each in claims
            ]
    table = pd.DataFrame(rows, columns=CONFLICT_COLUMNS)
    return table.astype({"conflict": "Int64"})


def search_sentence(search: Search, paper: Paper) -> str:
    """Which p-values collide with which numbers, in words."""
    methods = words.listed(list(dict.fromkeys(test.method for test in search.tests)))
    several = "all " if len(search.tests) > 1 else ""
    told = f"{_p_values(search, paper)} cannot {several}hold (test: {methods})"
    names = [name for each in search.direct for name in ((each.name,) if each.is_printed else each.claims)]
    told += f" with {words.listed(_with_print(names, paper))}" if names else ""
    facts = _facts(search, paper)
    if not names and not facts:
        told += " with the other numbers that speak of their counts"
    told += (
        f"{', and' if names else ''} with what follows from the other numbers: {'; '.join(facts)}"
        if facts
        else ""
    )
    return f"{told}." + (f" With {search.other} they could." if search.other else "")


def _with_print(names: Sequence[str], paper: Paper) -> list[str]:
    return [f"{name} {paper.claims[name].printed}" for name in dict.fromkeys(names)]


def _p_values(search: Search, paper: Paper) -> str:
    return words.listed(_with_print([claim for test in search.tests for claim in test.claims], paper))


def _facts(search: Search, paper: Paper) -> list[str]:
    """By unknown count what follows for it: those that are known exactly first."""
    ends: dict[str, tuple[float, float]] = {}
    for fact in search.facts:
        (name,) = fact.terms
        low, high = ends.get(name, (-math.inf, math.inf))
        ends[name] = max(low, fact.low), min(high, fact.high)
    order = sorted(ends, key=lambda name: ends[name][1] != ends[name][0])
    meanings = {name: unknown.meaning for name, unknown in paper.unknowns.items()}
    return [f"{meanings.get(name) or name} {range_text(Range(*ends[name]))}" for name in order]


def _members(search: Search) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The printed numbers of a conflict of tests, the p-values first, and its relations."""
    claims = [claim for test in search.tests for claim in test.claims]
    for each in search.members:
        claims += [each.name] if each.is_printed else each.claims
    relations = [test.name for test in search.tests]
    relations += [each.name for each in search.members if not each.is_printed]
    return tuple(dict.fromkeys(claims)), tuple(dict.fromkeys(relations))


def _elsewhere(claims: Sequence[str], found: Sequence[Conflict]) -> str:
    """In which conflicts without tests some of the numbers are already."""
    numbers = [str(number) for number, each in enumerate(found, 1) if set(claims) & set(each.printed)]
    if not numbers:
        return ""
    several = "s" if len(numbers) > 1 else ""
    return f" Some of its numbers are in conflict{several} {words.listed(numbers)} as well."


def _readings(paper: Paper, relations: Sequence[str]) -> str:
    """What the claims file says of how it reads the relations."""
    notes = {each.name: each.note for each in paper.relations}
    readings = [
        notes[name].removeprefix("reading: ") for name in relations if "reading: " in notes.get(name, "")
    ]
    return f" As it is read here: {'; '.join(dict.fromkeys(readings))}." if readings else ""


def with_conflicts(audit: pd.DataFrame, conflicts: pd.DataFrame) -> pd.DataFrame:
    """The audit, where each sentence also tells the conflicts of its claim and what a search left open."""
    told: dict[str, list[str]] = {}
    for claim, group in conflicts.dropna(subset=["claim"]).groupby("claim"):
        numbers = [str(number) for number in group["conflict"].dropna()]
        if numbers:
            told[claim] = [f" In conflict{'s' if len(numbers) > 1 else ''} {words.listed(numbers)}."]
        left = group.loc[group["conflict"].isna(), "search"]
        told.setdefault(claim, []).extend(
            f" Searched with tables that share counts: {text}." for text in left
        )
    added = audit["claim"].map(lambda claim: "".join(told.get(claim, [])))
    return audit.assign(sentence=audit["sentence"] + added)


def verdict_table(audit: pd.DataFrame, conflicts: pd.DataFrame) -> pd.DataFrame:
    """Claims by place and verdict, in the order of the paper; verdicts without a claim are left out.

    Args:
        audit: as from `audit`. conflicts: as from `conflict_table`.

    Returns:
        A row a place and verdict: claims (their number), in_conflict (how many of them are in a conflict).
    """
    each = audit.drop_duplicates("claim")
    colliding = set(conflicts.loc[conflicts["conflict"].notna(), "claim"])
    rows = []
    for where in each["where"].drop_duplicates():
        here = each[each["where"] == where]
        for verdict in VERDICTS:
            claims = here.loc[here["overall"] == verdict, "claim"]
            if len(claims):
                among = sum(claim in colliding for claim in claims)
                rows.append([each["paper"].iloc[0], where, verdict, len(claims), among])
    return pd.DataFrame(rows, columns=VERDICT_COLUMNS)
