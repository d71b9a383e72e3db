"""Do a paper's printed numbers follow from its own counts, and from the run's own rows?"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from decidua.errors import InputError

COLUMNS = [
    "paper",
    "claim",
    "where",
    "printed",
    "from_counts",
    "agrees_counts",
    "from_rows",
    "agrees_rows",
    "note",
]
AGREES, DIFFERS, UNKNOWN = "yes", "no", "not estimable"


def audit(
    paper: str, claims: Sequence[Mapping[str, Any]], tables: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Recompute each claim twice, from the counts that the paper prints and from the run's rows.

    Args:
        paper: the paper's name.
        claims: each with `id`, `where`, `printed` (text, as printed) and what to recompute it from: `counts`
            (see `from_counts`) and/or `rows` (see `from_rows`), and an optional `note`.
        tables: results tables of the cohort that stands for the paper, by name; empty without a cohort.

    Returns:
        One row a claim: printed, from_counts, agrees_counts, from_rows, agrees_rows, note; a verdict is yes,
        no or not estimable.
    """
    rows = []
    for claim in claims:
        by_counts, why_counts = from_counts(claim.get("counts"))
        by_rows, why_rows = from_rows(claim.get("rows"), tables)
        rows.append(
            {
                "paper": paper,
                "claim": claim["id"],
                "where": claim["where"],
                "printed": str(claim["printed"]),
                "from_counts": by_counts,
                "agrees_counts": agreement(by_counts, str(claim["printed"])),
                "from_rows": by_rows,
                "agrees_rows": agreement(by_rows, str(claim["printed"])),
                "note": "; ".join(text for text in (claim.get("note", ""), why_counts, why_rows) if text),
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def agreement(value: float, printed: str) -> str:
    """Whether a value rounds to what is printed: yes, no, or not estimable without a value.

    A value agrees when it lies within half a unit of the last printed digit, so that either rule for
    rounding a half is accepted; for a bound (<0.001) when it keeps the bound.
    """
    if not np.isfinite(value):
        return UNKNOWN
    match = re.fullmatch(r"([<>]?)\s*(-?\d*\.?\d+)\s*(%?)", printed.strip())
    if match is None:
        raise InputError(
            f"claim: found the printed value {printed!r}; expected one such as 0.034, 45.1% or <0.001"
        )
    bound, digits, percent = match.groups()
    shown = value * 100 if percent else value
    number = Decimal(digits)
    if bound:
        return AGREES if (shown < float(number)) == (bound == "<") else DIFFERS
    half_unit = 0.5 * 10.0 ** int(number.as_tuple().exponent)
    return AGREES if abs(shown - float(number)) <= half_unit * (1 + 1e-9) else DIFFERS


def from_counts(counts: Mapping[str, Any] | None) -> tuple[float, str]:
    """A value recomputed from printed counts, and why not when it cannot be.

    Args:
        counts: one of `rate` [events, women], `pearson` [[events, others], ...] (two-sided p, no continuity
            correction), `anova` and `anova_f` {n, mean, sd: a value a group} (p and F of one-way ANOVA).
    """
    if not counts:
        return np.nan, "the counts are not printed"
    (kind, given), *rest = counts.items()
    if rest or kind not in _RECIPES:
        raise InputError(f"claim: found counts of {', '.join(counts)}; expected one of {', '.join(_RECIPES)}")
    return float(_RECIPES[kind](given)), ""


def _rate(given: Sequence[int]) -> float:
    events, women = given
    return events / women


def _pearson(table: Sequence[Sequence[int]]) -> float:
    return stats.chi2_contingency(np.asarray(table), correction=False).pvalue


def _anova(given: Mapping[str, Sequence[float]]) -> tuple[float, float]:
    n, mean, sd = (np.asarray(given[key], dtype=float) for key in ("n", "mean", "sd"))
    grand = (n * mean).sum() / n.sum()
    between, within = (n * (mean - grand) ** 2).sum(), ((n - 1) * sd**2).sum()
    df_between, df_within = len(n) - 1, n.sum() - len(n)
    f = (between / df_between) / (within / df_within)
    return f, stats.f.sf(f, df_between, df_within)


_RECIPES = {
    "rate": _rate,
    "pearson": _pearson,
    "anova": lambda given: _anova(given)[1],
    "anova_f": lambda given: _anova(given)[0],
}


def from_rows(wanted: Mapping[str, Any] | None, tables: Mapping[str, pd.DataFrame]) -> tuple[float, str]:
    """A value of the run's own results, and why not when there is none.

    Args:
        wanted: `table`, `value` (its column; estimate unless given) and the columns that pick one row.
    """
    if not wanted:
        return np.nan, "no table of the run holds it"
    if not tables:
        return np.nan, "no cohort stands for this paper"
    table = tables[wanted["table"]]
    picks = {column: value for column, value in wanted.items() if column not in ("table", "value")}
    chosen = table
    for column, value in picks.items():
        chosen = chosen[chosen[column].astype("string").eq(str(value)).fillna(False).astype(bool)]
    if len(chosen) != 1:
        raise InputError(f"claim: found {len(chosen)} rows of {wanted['table']} with {picks}; expected one")
    row = chosen.iloc[0]
    if row["status"] != "estimated":
        return np.nan, str(row["reason"])
    return float(row[wanted.get("value", "estimate")]), ""
