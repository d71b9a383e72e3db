"""Which printed numbers follow from the others, and from the run's rows? A verdict and a sentence a check."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from decidua.audit.boxes import Box, Range
from decidua.audit.claims import Claim, Paper
from decidua.audit.conflicts import Conflict, Conflicts, Linear, conflicts
from decidua.audit.relations import Check, Values, checks, linear_system
from decidua.errors import InputError

COLUMNS = [
    "paper",
    "claim",
    "where",
    "printed",
    "kind",
    "from_summary_low",
    "from_summary_high",
    "method",
    "verdict",
    "other_method",
    "from_rows",
    "agrees_rows",
    "sources",
    "takes_part_in",
    "sentence",
    "relation",
    "overall",
    "rows_from",
    "side_by_side",
]
REPRODUCED, ROUNDING, OTHER = "reproduced", "rounding", "other method"
INCONSISTENT, NOT_RECOMPUTABLE = "inconsistent", "not recomputable"
#: Verdicts, the worst first: a claim has the first of these that one of its checks has.
VERDICTS = (INCONSISTENT, OTHER, ROUNDING, REPRODUCED, NOT_RECOMPUTABLE)
#: A computation of more characters than these is not shown in a sentence.
LONGEST_SHOWN = 90
AGREES, DIFFERS, UNKNOWN = "yes", "no", "not estimable"
#: What would be needed to recompute a claim that no relation recomputes.
NEEDED = {
    "count": "the women's rows, or counts that add up to it",
    "percent": "the number of events and of women",
    "p": "the counts, or n, mean and SD of each group, and the test",
    "mean": "the women's rows, or means of groups that make up this one",
    "sd": "the women's rows, or means and SDs of groups that make up this one",
    "value": "the women's rows",
    "ratio": "the four counts, or the coefficient",
    "coefficient": "its ratio, or the women's rows",
    "se": "the interval, or the women's rows",
    "statistic": "n, mean and SD of each group, or the counts, and the test",
    "number": "what it was computed from",
    "text": "a relation that says what it states in numbers",
}
#: What could explain that a number is not what the others give, by what it was recomputed by.
EXPLANATIONS = {
    "counts": "A typing error, missing values or other denominators could explain it.",
    "moments": "A typing error, missing values or another group of women could explain it.",
    "tests": "A typing error, missing values, other groups or another test could explain it.",
    "row": "A typing error or a row of another model could explain it.",
    "text": "Other groups, other denominators or a typing error in the numbers could explain it.",
}
OTHER_SIGN = "With the other sign it would agree."
#: How a sentence begins, by method; other methods are named as they are.
SUBJECTS = {
    "sum": "The sum",
    "formula": "The stated formula",
    "percentage": "The percentage",
    "whole number of events": "The nearest whole number of events",
    "part of a whole": "The whole",
    "printed twice": "The other print",
    "lowest": "The lowest of the numbers",
    "highest": "The highest of the numbers",
    "difference, higher": "The first number less the second",
    "difference, lower": "The first number less the second",
    "difference, equal": "The first number less the second",
    "mean of the union": "The mean of the groups together",
    "SD of the union": "The SD of the groups together",
    "mean within its range": "A mean within the printed range",
    "SD within its range": "An SD within the printed range",
    "p from F": "The printed F",
    "ANOVA": "One-way ANOVA",
    "Wald": "The rest of the row (Wald)",
}
_DIVISIONS = {
    **dict.fromkeys(("p", "statistic"), "tests"),
    **dict.fromkeys(("mean", "sd"), "moments"),
    **dict.fromkeys(("coefficient", "se"), "row"),
    "text": "text",
}


def audit(
    name: str, paper: Paper, tables: Mapping[str, pd.DataFrame], found: Sequence[Conflict] | None = None
) -> pd.DataFrame:
    """Recompute every claim of a paper from its other claims and from the run's rows.

    Args:
        name: the paper's name in the settings.
        paper: its claims file, read.
        tables: results tables of the cohort that stands for the paper, by name; empty without a cohort.
        found: groups of claims that no data satisfy together (`conflicts` of `linear_system`): they bound no
            number that is not printed. Searched for when not given.

    Returns:
        One row a claim and check, in the order of the claims file; a claim without a check has one row.
        from_summary_low and from_summary_high: what the declared method gives, in the units of the print (per
        cent for percentages); blank where there is nothing or no bound. overall: the claim's worst verdict.
        rows_from: the table, row and column of the run that from_rows stands in. side_by_side: how the print,
        the range from the other numbers and the rows compare; blank without rows.

    Raises:
        InputError: every claim whose `rows` pick no row, or several.
    """
    unknowns, constraints = linear_system(paper)
    if found is None:
        found = conflicts(unknowns, constraints).found
    made = checks(paper, Values(paper, unknowns, trustworthy(constraints, found)))
    by_claim: dict[str, list[Check]] = {claim: [] for claim in paper.claims}
    for check in made:
        by_claim[check.claim].append(check)
    takes_part = paper.takes_part_in
    rows: list[dict[str, Any]] = []
    problems: list[Any] = []
    for claim in paper.claims.values():
        try:
            rows += _rows(name, claim, by_claim[claim.id], takes_part[claim.id], tables)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return pd.DataFrame(rows, columns=COLUMNS)


def trustworthy(constraints: Sequence[Linear], found: Sequence[Conflict]) -> list[Linear]:
    """Constraints that take part in no conflict: what bounds an unknown must not rest on a contradiction."""
    doubtful = {each.name for conflict in found for each in conflict.constraints}
    doubtful |= {name for conflict in found for name in conflict.printed}
    return [each for each in constraints if each.name not in doubtful and not doubtful & set(each.claims)]


def consistent(constraints: Sequence[Linear], found: Conflicts) -> list[Linear]:
    """Constraints without those relations whose leaving out ends every conflict; none if some may be left.

    A number that takes part in a conflict stays: what a further search finds names it among its members.
    """
    if any("not all are listed" in note for note in found.unfinished):
        return []
    return [each for each in constraints if each.name not in found.left_out]


def verdict(box: Box, check: Check) -> tuple[str, str]:
    """The verdict of a check, and the other method that gives what is printed, if that is the verdict."""
    if check.needs or check.range.empty:
        return NOT_RECOMPUTABLE, ""
    fits = NOT_RECOMPUTABLE if check.refutes else REPRODUCED
    if box.meets(check.range):
        return fits, ""
    if not check.range.finished:
        return NOT_RECOMPUTABLE, ""
    if box.wider.meets(check.range):
        return ROUNDING, ""
    for method, other in check.others.items():
        if box.meets(other) and not math.isinf(other.high - other.low):
            return OTHER, method
    return INCONSISTENT, ""


def worst(verdicts: Sequence[str]) -> str:
    """The verdict of a claim by those of its checks."""
    return next((each for each in VERDICTS if each in verdicts), NOT_RECOMPUTABLE)


def _rows(
    name: str,
    claim: Claim,
    found: Sequence[Check],
    takes_part: Sequence[str],
    tables: Mapping[str, pd.DataFrame],
) -> list[dict[str, Any]]:
    value, why_not = from_rows(claim, tables)
    common = {
        "paper": name,
        "claim": claim.id,
        "where": claim.where,
        "printed": claim.printed,
        "kind": claim.kind,
        "from_rows": value,
        "agrees_rows": agreement(value, claim.box),
        "takes_part_in": "; ".join(takes_part),
        "rows_from": rows_in_words(claim.rows) if np.isfinite(value) else "",
    }
    rows = [{**common, **_of_check(claim, check, value)} for check in found]
    if not rows:
        sentence = f"Nothing printed gives it; needed: {NEEDED[claim.kind]}."
        beside = side_by_side(value, claim.box, None)
        rows = [{**common, "verdict": NOT_RECOMPUTABLE, "sentence": sentence, "side_by_side": beside}]
    overall = worst([row["verdict"] for row in rows])
    for row in rows:
        row["overall"] = overall
        if why_not and claim.rows and tables:
            row["sentence"] += f" From the rows: {why_not}."
    return rows


def _of_check(claim: Claim, check: Check, value: float) -> dict[str, Any]:
    box = check.box or claim.box
    reached, other = verdict(box, check)
    shown = not check.needs and not check.range.empty
    return {
        "from_summary_low": _finite(check.range.low) if shown else np.nan,
        "from_summary_high": _finite(check.range.high) if shown else np.nan,
        "method": check.method,
        "verdict": reached,
        "other_method": other,
        "sources": "; ".join(check.sources),
        "relation": check.relation,
        "sentence": _sentence(claim, box, check, reached, other),
        "side_by_side": side_by_side(value, claim.box, check.range if shown else None, check.refutes),
    }


def _finite(value: float) -> float:
    return value if math.isfinite(value) else np.nan


def _sentence(claim: Claim, box: Box, check: Check, reached: str, other: str) -> str:
    return " ".join(part for part in (_found(claim, box, check, reached, other), _note(claim, check)) if part)


def _found(claim: Claim, box: Box, check: Check, reached: str, other: str) -> str:
    if check.needs:
        return f"Not recomputable by {check.method}; needed: {check.needs}."
    if check.range.empty:
        return f"Not recomputable by {check.method}: the numbers that it rests on contradict one another."
    subject = SUBJECTS.get(check.method, check.method)
    subject += f" ({check.shown})" if check.shown and len(check.shown) <= LONGEST_SHOWN else ""
    gives = f"{subject} gives {_with_unit(check.range, box, claim)}"
    gives += f" ({check.because})" if check.because else ""
    if reached == REPRODUCED:
        return f"{gives}, which agrees with what is printed."
    if reached == ROUNDING:
        return f"{gives}; {_one_off(claim, box, check.range)}"
    if reached == OTHER:
        found = _with_unit(check.others[other], box, claim)
        return f"{gives}; printed is {claim.printed}, which agrees with {other} ({found})."
    if reached == INCONSISTENT:
        return f"{gives}; printed is {claim.printed}. {_explanation(claim, box, check)}"
    if not check.range.finished:
        return f"{gives}, as far as the search went; it did not end, so that nothing is said."
    return f"{gives}: possible, but no proof of it. To recompute it: {NEEDED[claim.kind]}."


def _with_unit(found: Range, box: Box, claim: Claim) -> str:
    return in_words(found, box) + ("%" if claim.kind == "percent" else "")


def _one_off(claim: Claim, box: Box, found: Range) -> str:
    """The nearest number that can be computed, as it would print, and what could explain the difference."""
    above = found.low > box.high
    places = max(0, -math.floor(math.log10(box.unit) + 1e-9))
    nearest = (box.low + box.high) / 2 + (box.unit if above else -box.unit)
    unit = "%" if claim.kind == "percent" else ""
    text = f"that prints as {max(nearest, 0.0) if claim.kind == 'p' else nearest:.{places}f}{unit}"
    cause = "rounding on the way could explain it."
    if claim.kind == "p" and not above and nearest < box.unit / 2:
        cause = f"a bound (<{claim.printed}) printed as a number could explain it, or rounding on the way."
    return f"{text}; printed is {claim.printed}, one unit off in the last place: {cause}"


def _explanation(claim: Claim, box: Box, check: Check) -> str:
    told = EXPLANATIONS[_DIVISIONS.get(claim.kind, "counts")]
    if claim.kind in ("coefficient", "statistic", "number") and Box(-box.high, -box.low).meets(check.range):
        return f"{OTHER_SIGN} {told}"
    return told


def _note(claim: Claim, check: Check) -> str:
    """What the file says of the relation, and a reading that was chosen for the number itself."""
    return " ".join(in_sentences([check.note, claim.note if claim.note.startswith("reading") else ""]))


def in_sentences(notes: Iterable[str]) -> list[str]:
    """Notes, each once, with a capital and a full stop."""
    told = dict.fromkeys(note.strip().rstrip(".") for note in notes)
    return [f"{note[0].upper()}{note[1:]}." for note in told if note]


def in_words(found: Range, box: Box) -> str:
    """A range with two digits more than the print has."""
    low, high = _digits(found.low, box), _digits(found.high, box)
    if math.isinf(found.low) and math.isinf(found.high):
        return "any number"
    if math.isinf(found.low):
        return f"at most {high}"
    if math.isinf(found.high):
        return f"at least {low}"
    return low if low == high else f"{low} to {high}"


def _digits(value: float, box: Box) -> str:
    if not math.isfinite(value):
        return str(value)
    if float(value).is_integer() and (box.whole or not box.unit):
        return f"{value:.0f}"
    if not box.unit:
        return f"{value:.4g}"
    places = max(0, -math.floor(math.log10(box.unit) + 1e-9)) + 2
    return f"{value:.{places}f}" if abs(value) >= 10.0**-places or not value else f"{value:.2g}"


# ---- the run's own rows


def from_rows(claim: Claim, tables: Mapping[str, pd.DataFrame]) -> tuple[float, str]:
    """A value of the run's own results in the units of the print, and why not when there is none.

    `claim.rows`: `table`, `value` (its column; estimate unless given) and the columns that pick one row.
    """
    wanted = claim.rows
    if not wanted:
        return np.nan, "no table of the run holds it"
    if not tables:
        return np.nan, "no cohort stands for this paper"
    if wanted["table"] not in tables:
        names = ", ".join(sorted(tables))
        raise InputError(f"claim {claim.id}: found the table {wanted['table']!r}; expected one of {names}")
    table = tables[wanted["table"]]
    picks = {column: value for column, value in wanted.items() if column not in ("table", "value")}
    column = wanted.get("value", "estimate")
    unknown = [each for each in (*picks, column) if each not in table.columns]
    if unknown:
        raise InputError(
            f"claim {claim.id}: found the column {unknown[0]!r}; expected one of {', '.join(table.columns)}"
        )
    chosen = table
    for pick, value in picks.items():
        chosen = chosen[chosen[pick].astype("string").eq(str(value)).fillna(False).astype(bool)]
    if len(chosen) != 1:
        raise InputError(
            f"claim {claim.id}: found {len(chosen)} rows of {wanted['table']} with {picks}; expected one"
        )
    row = chosen.iloc[0]
    if row["status"] != "estimated":
        return np.nan, str(row["reason"])
    if pd.isna(row[column]):
        return np.nan, f"the row has no {column}"
    return float(row[column]) * (100 if claim.kind == "percent" else 1), ""


def agreement(value: float, box: Box | None) -> str:
    """Whether a value rounds to what is printed: yes, no, or not estimable without a value."""
    if box is None or not np.isfinite(value):
        return UNKNOWN
    return AGREES if box.meets(Range(value, value)) else DIFFERS


def side_by_side(value: float, box: Box | None, others: Range | None, only_allow: bool = False) -> str:
    """How a value of the run compares with the print, and with what the other printed numbers give.

    only_allow: the others can show that a number is impossible, not what it is.
    """
    prints = agreement(value, box)
    if prints == UNKNOWN:
        return ""
    if others is None:
        return "rows give the print" if prints == AGREES else "rows do not give the print"
    give, within = "allow" if only_allow else "give", Box(value, value).meets(others)
    if prints == AGREES:
        if not box.meets(others):
            return "rows give the print, others do not"
        return "rows give the print, others allow it" if only_allow else "rows and others give the print"
    if within:
        return f"others {give} both" if box.meets(others) else f"rows give what the others {give}"
    return "rows give neither"


def rows_in_words(rows: Mapping[str, Any]) -> str:
    """The table, the row and the column: regression: age, all, odds ratio (p)."""
    picks = ", ".join(str(content) for key, content in rows.items() if key not in ("table", "value"))
    return f"{rows['table']}: {picks} ({rows.get('value', 'estimate')})"
