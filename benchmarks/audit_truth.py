"""Does the audit ever call numbers inconsistent that were printed from data, and does it find planted errors?

Data sets are drawn at random, summarised and printed with a random number of decimals, and each is audited as
a claims file of its own. Of every kind of relation as many claims are checked as asked for.

- False alarm: a claim printed from data with the verdict inconsistent, other method or rounding (the printed
  number then is not among those that the data can give), or a conflict.
- Narrow: the recomputed range is at most 10 units of the last printed place wide; of a count, one number. An
  error of a few units can show only there.
- Planted error: one result of a relation is moved up or down until it lies beyond its recomputed range by
  more than two units of the last place (a count: by 1 to 5), so that neither its box nor the box off by one
  unit meets the range. Found: the verdict is inconsistent or other method (another standard test gives the
  moved number by chance). Of the kinds that can only refute, a percentage of whole numbers and GRIM are moved
  by 2 to 9 units and count where counting shows that no whole number gives the moved print; GRIMMER is not.

- Share: numbers of women with values from..to, which no check but only the search for conflicts speaks of. A
  false alarm is a conflict. The planted number is one that no distribution within the printed n, range, mean
  and SD gives (all distributions are counted out, the boxes off by one unit), in one of ten files; found: a
  conflict.

    python benchmarks/audit_truth.py [claims a kind, 20000] [kind ...] > benchmarks/audit_truth.md

With kinds named, only their rows are printed.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow/scripts"))

from decidua.audit.boxes import Box
from decidua.audit.claims import SCHEMA, Paper, read_paper
from decidua.audit.conflicts import conflicts
from decidua.audit.relations import Check, Values, checks, linear_system, table_tests
from decidua.audit.search import search_tests
from decidua.audit.verdicts import INCONSISTENT, NOT_RECOMPUTABLE, OTHER, REPRODUCED, consistent, verdict
from decidua.config import load_yaml

Rng = np.random.Generator
Entry = dict[str, Any]
_SCHEMA = load_yaml(SCHEMA)


def claim(printed: str, kind: str, **more: Any) -> Entry:
    """An entry of a claims file."""
    return {"printed": printed, "kind": kind, "where": "Table", **more}


def shown(value: float, places: int) -> str:
    """A number as papers print it."""
    return f"{value:.{places}f}"


def count(value: float) -> Entry:
    """A printed count."""
    return claim(str(int(value)), "count")


def women(rng: Rng, groups: int, sizes: tuple[int, ...] = ()) -> list[np.ndarray]:
    """Values of a few groups of women that share a spread."""
    centre, spread = rng.uniform(2, 40), rng.uniform(0.5, 6)
    each = rng.choice(sizes, size=groups) if sizes else rng.integers(5, 200, size=groups)
    return [rng.normal(centre + rng.normal(0, spread / 4), spread, size=n) for n in each]


def described(groups: list[np.ndarray], places: int, **more: Any) -> dict[str, Entry]:
    """Mean, SD and range of each group, printed."""
    found = {}
    for i, each in enumerate(groups):
        ends = f"{each.min():.{0 if more else places}f} to {each.max():.{0 if more else places}f}"
        text = f"{shown(each.mean(), places)} ± {shown(each.std(ddof=1), places)} ({ends})"
        found[f"g{i}"] = claim(text, "mean_sd_range", n=len(each), **more)
    return found


def of_sum(rng: Rng) -> tuple[dict[str, Entry], list[Entry]]:
    """Counts and their sum."""
    parts = rng.integers(0, 300, size=rng.integers(2, 7))
    claims = {f"c{i}": count(part) for i, part in enumerate(parts)}
    return {**claims, "all": count(parts.sum())}, [{"sum": list(claims), "equals": "all"}]


def of_percent(rng: Rng) -> tuple[dict[str, Entry], list[Entry]]:
    """Events of a number of women, in per cent."""
    total = int(rng.integers(1, 500))
    events = int(rng.integers(0, total + 1))
    text = f"{shown(100 * events / total, rng.integers(0, 3))}% ({events}/{total})"
    return {"x": claim(text, "percent_events_total")}, []


def of_rate(rng: Rng) -> tuple[dict[str, Entry], list[Entry]]:
    """A percentage of a number of women, without its events."""
    total = int(rng.integers(1, 300))
    rate = 100 * int(rng.integers(0, total + 1)) / total
    return {"n": count(total), "x": claim(f"{shown(rate, rng.integers(0, 3))}%", "percent", of="n")}, []


def of_subset(rng: Rng) -> tuple[dict[str, Entry], list[Entry]]:
    """A part of some women."""
    total = int(rng.integers(1, 300))
    part = int(rng.integers(0, total + 1))
    return {"n": count(total), "x": count(part)}, [{"subset": "x", "of": "n"}]


def of_anova(rng: Rng) -> tuple[dict[str, Entry], list[Entry]]:
    """One-way ANOVA (SciPy's f_oneway on the values) and what is printed of its groups."""
    values = women(rng, int(rng.integers(2, 6)))
    f, p = stats.f_oneway(*values)
    groups = described(values, int(rng.integers(1, 4)))
    claims = {**groups, "F": claim(shown(f, 3), "statistic"), "p": claim(shown(p, 3), "p")}
    return claims, [{"anova": list(groups), "F": "F", "p": "p"}]


def of_t_test(rng: Rng) -> tuple[dict[str, Entry], list[Entry]]:
    """Student's or Welch's t (SciPy's ttest_ind on the values)."""
    values = women(rng, 2)
    equal = bool(rng.integers(2))
    t, p = stats.ttest_ind(*values, equal_var=equal)
    groups = described(values, int(rng.integers(1, 4)))
    claims = {**groups, "t": claim(shown(t, 2), "statistic"), "p": claim(shown(p, 3), "p")}
    return claims, [{"t_test": list(groups), "t": "t", "p": "p", "equal_variances": equal}]


def of_scheffe(rng: Rng) -> tuple[dict[str, Entry], list[Entry]]:
    """How many pairs differ by Scheffé's test, by its definition on the values."""
    # Two sizes only: the quantile of Tukey's test, one of the others, takes long and is kept by its df.
    values = women(rng, int(rng.integers(3, 5)), (12, 60))
    groups = described(values, 2)
    k, n = len(values), sum(map(len, values))
    within = sum(((each - each.mean()) ** 2).sum() for each in values) / (n - k)
    limit = (k - 1) * stats.f.isf(0.05, k - 1, n - k)
    different = sum(
        (values[i].mean() - values[j].mean()) ** 2 / (within * (1 / len(values[i]) + 1 / len(values[j])))
        > limit
        for i in range(k)
        for j in range(i)
    )
    claims = {**groups, "pairs": count(different)}
    return claims, [{"scheffe": list(groups), "significant": "pairs", "alpha": 0.05}]


def of_pooled(rng: Rng) -> tuple[dict[str, Entry], list[Entry]]:
    """Mean and SD of groups together."""
    values = women(rng, int(rng.integers(2, 5)))
    groups = described(values, int(rng.integers(1, 4)))
    together = np.concatenate(values)
    places = int(rng.integers(1, 3))
    text = f"{shown(together.mean(), places)} ± {shown(together.std(ddof=1), places)}"
    return {**groups, "u": claim(text, "mean_sd")}, [{"pooled": list(groups), "equals": "u"}]


def of_values(rng: Rng) -> tuple[dict[str, Entry], list[Entry]]:
    """Mean, SD and range of whole numbers or tenths."""
    tenths = bool(rng.integers(2))
    values = np.round(
        rng.normal(rng.uniform(0, 30), rng.uniform(0.5, 6), size=rng.integers(3, 40)), int(tenths)
    )
    if not tenths:
        return described([values], 2, values="whole"), []
    ends = f"{values.min():.1f} to {values.max():.1f}"
    text = f"{shown(values.mean(), 2)} ± {shown(values.std(ddof=1), 2)} ({ends})"
    return {"g0": claim(text, "mean_sd_range", n=len(values), values="tenths")}, []


def counts(rng: Rng, rows: int, columns: int) -> np.ndarray:
    """A table of counts without an empty margin."""
    return rng.integers(1, 80, size=(rows, columns))


def cells_of(table: np.ndarray) -> tuple[dict[str, Entry], list[list[str]]]:
    """Claims of the cells, and their names."""
    names = [[f"r{i}c{j}" for j in range(table.shape[1])] for i in range(table.shape[0])]
    return {names[i][j]: count(table[i, j]) for i in range(len(names)) for j in range(len(names[0]))}, names


def of_table(rng: Rng) -> tuple[dict[str, Entry], list[Entry]]:
    """A test of a table of counts by SciPy."""
    test = ["pearson", "yates", "fisher", "likelihood_ratio"][rng.integers(4)]
    two = test in ("yates", "fisher")
    table = counts(rng, 2 if two else int(rng.integers(2, 5)), 2 if two else int(rng.integers(2, 4)))
    cells, names = cells_of(table)
    if test == "fisher":
        p = stats.fisher_exact(table).pvalue
        return {**cells, "p": claim(shown(p, 3), "p")}, [{"table": names, "p": "p", "test": test}]
    kind = "log-likelihood" if test == "likelihood_ratio" else "pearson"
    found = stats.chi2_contingency(table, correction=test == "yates", lambda_=kind)
    results = {"p": claim(shown(found.pvalue, 3), "p"), "s": claim(shown(found.statistic, 2), "statistic")}
    return {**cells, **results}, [{"table": names, "p": "p", "statistic": "s", "test": test}]


def of_trend(rng: Rng) -> tuple[dict[str, Entry], list[Entry]]:
    """A Cochran-Armitage test of an ordered table: n r^2 of the women's rows and columns, by NumPy."""
    table = counts(rng, 2, int(rng.integers(3, 6)))
    if rng.integers(2):
        table = table.T
    rows, columns = (np.repeat(index.ravel(), table.ravel()) for index in np.indices(table.shape))
    statistic = table.sum() * np.corrcoef(rows, columns)[0, 1] ** 2
    cells, names = cells_of(table)
    p = stats.chi2.sf(statistic, 1)
    results = {"p": claim(shown(p, 3), "p"), "s": claim(shown(statistic, 2), "statistic")}
    return {**cells, **results}, [{"table": names, "p": "p", "statistic": "s", "test": "trend"}]


def of_unknown_table(rng: Rng) -> tuple[dict[str, Entry], list[Entry]]:
    """A test of a table of which only the margins and a percentage are printed."""
    table = counts(rng, 2, 2)
    (a, b), (c, d) = table.tolist()
    p = stats.chi2_contingency(table, correction=False).pvalue
    claims = {
        "n1": count(a + b),
        "n2": count(c + d),
        "m": count(a + c),
        "x": claim(f"{100 * a / (a + b):.0f}%", "percent", events="a", of="n1"),
        "p": claim(shown(p, 3), "p"),
    }
    relations = [{"sum": ["a", "c"], "equals": "m"}, {"table": [["a", "n1 - a"], ["c", "n2 - c"]], "p": "p"}]
    return claims, relations


def of_two_by_two(rng: Rng) -> tuple[dict[str, Entry], list[Entry]]:
    """An odds or risk ratio with its interval on the logarithmic scale, by hand."""
    table = counts(rng, 2, 2)
    (a, b), (c, d) = table.astype(float).tolist()
    risk = bool(rng.integers(2))
    ratio = (a / (a + b)) / (c / (c + d)) if risk else a * d / (b * c)
    variance = 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d) if risk else 1 / a + 1 / b + 1 / c + 1 / d
    reach = stats.norm.isf(0.025) * np.sqrt(variance)
    places = int(rng.integers(2, 4))
    ends = [shown(ratio * np.exp(sign * reach), places) for sign in (-1, 1)]
    cells, names = cells_of(table)
    text = f"{shown(ratio, places)} ({ends[0]}-{ends[1]})"
    relation = {"two_by_two": names, "ratio": "x", "measure": "risk_ratio" if risk else "odds_ratio"}
    return {**cells, "x": claim(text, "ratio_interval")}, [relation]


def of_wald(rng: Rng) -> tuple[dict[str, Entry], list[Entry]]:
    """A coefficient, its ratio, interval and p."""
    b, se = rng.normal(0, 0.8), rng.uniform(0.02, 0.6)
    places, reach = int(rng.integers(2, 4)), stats.norm.isf(0.025) * se
    text = f"{np.exp(b):.{places}f} ({np.exp(b - reach):.{places}f}-{np.exp(b + reach):.{places}f})"
    p = 2 * stats.norm.sf(abs(b / se))
    claims = {
        "B": claim(shown(b, 3), "coefficient"),
        "OR": claim(text, "ratio_interval"),
        "p": claim(shown(p, 3), "p"),
        "se": claim(shown(se, 3), "se"),
    }
    return claims, [{"wald": {"B": "B", "ratio": "OR", "p": "p", "se": "se"}}]


def of_coefficient_interval(rng: Rng) -> tuple[dict[str, Entry], list[Entry]]:
    """A coefficient with an interval of its own, its standard error, z and p."""
    b, se = rng.normal(0, 0.8), rng.uniform(0.02, 0.6)
    places, reach = int(rng.integers(2, 4)), stats.norm.isf(0.025) * se
    text = f"{b:.{places}f} ({b - reach:.{places}f} to {b + reach:.{places}f})"
    claims = {
        "B": claim(text, "coefficient_interval"),
        "se": claim(shown(se, 3), "se"),
        "z": claim(shown(b / se, 2), "statistic"),
        "p": claim(shown(2 * stats.norm.sf(abs(b / se)), 3), "p"),
    }
    return claims, [{"wald": {"B": "B", "p": "p", "se": "se", "z": "z"}}]


def of_share(rng: Rng) -> tuple[dict[str, Entry], list[Entry]]:
    """How many women of one or two groups have values from..to, beside the groups' mean, SD and range."""
    weights, least = rng.dirichlet(np.ones(4)), int(rng.integers(0, 3))
    values = [
        least + rng.choice(4, size=rng.integers(3, 19), p=weights) for _ in range(int(rng.integers(1, 3)))
    ]
    start, end = sorted((least + rng.integers(0, 4, size=2)).tolist())
    groups = described(values, 2, values="whole")
    shared = sum(int(((each >= start) & (each <= end)).sum()) for each in values)
    relation = {"share": list(groups), "from": start, "to": end, "equals": "s"}
    return {**groups, "s": count(shared)}, [relation]


def of_formula(rng: Rng) -> tuple[dict[str, Entry], list[Entry]]:
    """Treatment failure as a percentage of women whose losses were karyotyped or who had none."""
    n = int(rng.integers(20, 300))
    lost = int(rng.integers(1, n // 2))
    tested = int(rng.integers(0, lost + 1))
    euploid = int(rng.integers(0, tested + 1))
    claims = {"n": count(n), "lost": count(lost), "tested": count(tested), "euploid": count(euploid)}
    value = 100 * euploid / (n - (lost - tested))
    claims["x"] = claim(f"{shown(value, rng.integers(0, 3))}%", "percent")
    return claims, [{"formula": "100 * euploid / (n - (lost - tested))", "equals": "x"}]


def of_repeats(rng: Rng) -> tuple[dict[str, Entry], list[Entry]]:
    """A number printed twice, with different numbers of digits."""
    value = rng.normal(20, 10)
    first, second = rng.integers(0, 4, size=2)
    claims = {"a": claim(shown(value, first), "mean"), "b": claim(shown(value, second), "mean")}
    return claims, [{"repeats": "b", "of": "a"}]


def of_extremes(rng: Rng) -> tuple[dict[str, Entry], list[Entry]]:
    """The lowest and the highest of some numbers, printed again."""
    values = rng.normal(20, 10, size=rng.integers(2, 7))
    members = {f"m{i}": claim(shown(value, 2), "number") for i, value in enumerate(values)}
    places = int(rng.integers(0, 3))
    ends = {
        name: claim(shown(value, places), "number")
        for name, value in (("l", min(values)), ("h", max(values)))
    }
    return {**members, **ends}, [{"extremes": list(members), "lowest": "l", "highest": "h"}]


def of_order(rng: Rng) -> tuple[dict[str, Entry], list[Entry]]:
    """Which of two numbers is higher, in words."""
    a, b = rng.normal(20, 3, size=2)
    claims = {
        "a": claim(shown(a, 3), "mean"),
        "b": claim(shown(b, 3), "mean"),
        "text": claim("one is higher", "text"),
    }
    return claims, [{"order": ["a", "b"], "is": "higher" if a > b else "lower", "statement": "text"}]


KINDS: Mapping[str, Callable[[Rng], tuple[dict[str, Entry], list[Entry]]]] = {
    "sum": of_sum,
    "percent": of_percent,
    "percent without events": of_rate,
    "subset": of_subset,
    "anova": of_anova,
    "t test": of_t_test,
    "Scheffé": of_scheffe,
    "pooled": of_pooled,
    "values (GRIM, GRIMMER, range)": of_values,
    "table": of_table,
    "table with unknown cells": of_unknown_table,
    "two by two": of_two_by_two,
    "Wald": of_wald,
    "formula": of_formula,
    "repeats": of_repeats,
    "extremes": of_extremes,
    "order": of_order,
    "trend": of_trend,
    "Wald, coefficient with interval": of_coefficient_interval,
    "share": of_share,
}  # a kind's place is part of its seed: new ones go to the end


def paper_of(claims: dict[str, Entry], relations: list[Entry]) -> Paper:
    """A claims file as the loader reads it."""
    given: dict[str, Any] = {"paper": {"title": "Drawn at random"}, "claims": claims, "relations": relations}
    if any(relation.get("equals") == "m" for relation in relations):
        given["unknowns"] = {name: {"kind": "count", "meaning": f"cell {name}"} for name in "ac"}
    return read_paper(given, "drawn", _SCHEMA)


def checks_of(paper: Paper, with_conflicts: bool) -> tuple[list[Check], int]:
    """The checks of a paper, and how many conflicts its claims have."""
    unknowns, constraints = linear_system(paper)
    found = 0
    if with_conflicts:
        linear = conflicts(unknowns, constraints)
        searches = search_tests(unknowns, consistent(constraints, linear), table_tests(paper))
        found = len(linear.found) + sum(search.is_conflict for search in searches)
    return checks(paper, Values(paper, unknowns, constraints)), found


def moved(paper: Paper, check: Check, rng: Rng) -> Box | None:
    """The box of the claim with a planted error; nothing where no number next to it is an error."""
    box, found = check.box or paper.claims[check.claim].box, check.range
    if box is None or check.needs or check.box is not None and not box.unit:
        return None  # a statement: see `checked`
    if check.method in ("GRIM", "GRIMMER", "whole number of events"):
        return None  # moved and recomputed, see `checked`
    size = (
        rng.integers(1, 6) if not box.unit else 2 * box.unit + (found.high - found.low) + (box.high - box.low)
    )
    ups = [(found.high - box.low) + size, -((box.high - found.low) + size)]
    shift = ups[rng.integers(2)]
    if not np.isfinite(shift):
        shift = next((each for each in ups if np.isfinite(each)), np.nan)
    if box.unit:
        shift = np.sign(shift) * np.ceil(abs(shift) / box.unit - 1e-9) * box.unit
    domain_low = (
        0.0 if paper.claims[check.claim].kind in ("count", "percent", "p", "sd", "ratio", "se") else -np.inf
    )
    domain_high = 1.0 if paper.claims[check.claim].kind == "p" else np.inf
    for each in (shift, *(s for s in ups if np.sign(s) != np.sign(shift))):
        if box.unit:
            each = np.sign(each) * np.ceil(abs(each) / box.unit - 1e-9) * box.unit
        low, high = box.low + each, box.high + each
        if np.isfinite(each) and low >= domain_low - 1e-12 and high <= domain_high + 1e-12:
            return replace(box, low=low, high=high)
    return None


def of_whole_numbers(paper: Paper, check: Check, rng: Rng) -> tuple[bool, bool]:
    """Of GRIM, GRIMMER and percentages of whole numbers: could an error show, and was it found.

    The printed number is moved by 2 to 9 units; whether any data give it is asked by counting in fractions.
    """
    from decidua.audit import whole

    claim_, shift = paper.claims[check.claim], int(rng.integers(2, 10)) * int(rng.choice([-1, 1]))
    box = replace(
        claim_.box,
        low=claim_.box.low + shift * claim_.box.unit,
        high=claim_.box.high + shift * claim_.box.unit,
    )
    if check.method == "whole number of events":
        n = int(paper.claims[check.sources[0]].box.low)
        wide = box.wider
        possible = any(wide.low <= 100 * k / n <= wide.high for k in range(n + 1))
        return not possible, not box.wider.meets(whole.attainable_percent(box, n)) if not possible else False
    if check.method != "GRIM" or paper.groups["g0"].values != "whole":
        return False, False
    n, wide = int(paper.groups["g0"].n), box.wider
    possible = np.floor(n * wide.high + 1e-9) >= np.ceil(n * wide.low - 1e-9)
    return not possible, not box.wider.meets(whole.attainable_mean(box, n, 1.0)) if not possible else False


#: An error is planted in one of so many files of the kind share: to find it takes long.
PLANTED_SHARES = 10


@cache
def distributions_of(n: int, values: int) -> np.ndarray:
    """Every way in which n women have so many different values: ways x values, by where the bars stand."""
    if values == 1:
        return np.array([[n]])
    bars = np.array(list(combinations(range(n + values - 1), values - 1)))
    ends = np.full((len(bars), 1), -1), np.full((len(bars), 1), n + values - 1)
    return np.diff(np.hstack([ends[0], bars, ends[1]]), axis=1) - 1


def possible_shares(paper: Paper) -> set[int]:
    """The numbers of women that some distribution within the printed range, mean and SD gives."""
    given = next(relation.given for relation in paper.relations if relation.kind == "share")
    possible = {0}
    for group in (paper.groups[name] for name in given["share"]):
        least, most = (int(paper.claims[name].box.low) for name in (group.min, group.max))
        values, n = np.arange(least, most + 1), int(group.n)
        ways = distributions_of(n, len(values))
        mean = ways @ values / n
        sd = np.sqrt((ways @ values**2 - n * mean**2).clip(0) / max(n - 1, 1))
        fits = (ways[:, 0] > 0) & (ways[:, -1] > 0)
        for name, number in ((group.mean, mean), (group.sd, sd)):
            box = paper.claims[name].box.wider
            fits &= (number >= box.low - 1e-9) & (number <= box.high + 1e-9)
        shares = np.unique(ways[fits][:, (values >= given["from"]) & (values <= given["to"])].sum(axis=1))
        possible = {total + int(share) for total in possible for share in shares}
    return possible


def checked_share(rng: Rng) -> Iterator[tuple[str, Any]]:
    """What one drawn file of the kind share shows."""
    claims, relations = of_share(rng)
    paper = paper_of(claims, relations)
    number = len(conflicts(*linear_system(paper)).found)
    yield "conflict", number
    yield "check", INCONSISTENT if number else NOT_RECOMPUTABLE
    possible = possible_shares(paper)
    yield "narrow", max(possible) - min(possible) <= 10
    women = sum(int(group.n) for group in paper.groups.values())
    impossible = sorted(set(range(women + 1)) - possible)
    if impossible and rng.integers(PLANTED_SHARES) == 0:
        wrong = paper_of({**claims, "s": count(rng.choice(impossible))}, relations)
        yield "planted", bool(conflicts(*linear_system(wrong)).found)


def checked(kind: str, rng: Rng, with_conflicts: bool) -> Iterator[tuple[str, Any]]:
    """What one drawn file shows: ("check", verdict), ("conflict", number), ("planted", found or not)."""
    if kind == "share":
        yield from checked_share(rng)
        return
    paper = paper_of(*KINDS[kind](rng))
    made, number = checks_of(paper, with_conflicts)
    if with_conflicts:
        yield "conflict", number
    for check in made:
        if kind not in ("values (GRIM, GRIMMER, range)",) and check.relation.startswith("values "):
            continue
        box = check.box or paper.claims[check.claim].box
        yield "check", verdict(box, check)[0]
        yield "narrow", not check.needs and check.range.high - check.range.low <= 10 * box.unit
        if check.needs:
            continue
        if check.method.startswith("difference"):
            opposite = Box(-box.high, -box.low)
            if check.range.low > 0 or check.range.high < 0:
                yield "planted", verdict(opposite, check)[0] in (INCONSISTENT, OTHER)
            continue
        if check.method in ("GRIM", "GRIMMER", "whole number of events"):
            can, found = of_whole_numbers(paper, check, rng)
            if can:
                yield "planted", found
            continue
        wrong = moved(paper, check, rng)
        if wrong is not None:
            yield "planted", verdict(wrong, check)[0] in (INCONSISTENT, OTHER)


def measure(kind: str, wanted: int, seed: int, conflicts_of: int) -> Counter:
    """Draw files of a kind until enough claims are checked."""
    rng = np.random.default_rng([seed, list(KINDS).index(kind)])
    seen: Counter = Counter()
    drawn = 0
    while seen["checks"] < wanted:
        for what, content in checked(kind, rng, drawn < conflicts_of):
            if what == "check":
                seen["checks"] += 1
                seen["false alarms"] += content not in (REPRODUCED, NOT_RECOMPUTABLE)
                seen["reproduced"] += content == REPRODUCED
            elif what == "conflict":
                seen["files searched for conflicts"] += 1
                seen["conflicts"] += content
            elif what == "narrow":
                seen["narrow"] += content
            else:
                seen["planted"] += 1
                seen["found"] += content
        drawn += 1
    return seen


def main() -> None:
    """Print the table."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    kinds = sys.argv[2:] or list(KINDS)
    print("# The audit on numbers that were printed from data, and on planted errors\n")
    print(
        f"At least {wanted:,} checked claims a kind, drawn by benchmarks/audit_truth.py; its head says what\n"
        "a false alarm, a narrow range and a planted error are. CPU seconds on one core.\n"
    )
    print(
        "| kind | claims checked | reproduced | narrow | false alarms | files searched for conflicts |"
        " conflicts | planted errors | found | CPU s |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for kind in kinds:
        start = time.process_time()
        seen = measure(kind, wanted, 20250101, max(wanted // 20, 1))
        share = f"{100 * seen['found'] / seen['planted']:.2f}%" if seen["planted"] else ""
        numbers = [
            seen[key]
            for key in (
                "checks",
                "reproduced",
                "narrow",
                "false alarms",
                "files searched for conflicts",
                "conflicts",
                "planted",
            )
        ]
        cells = " | ".join(f"{number:,}" for number in numbers)
        print(f"| {kind} | {cells} | {share} | {time.process_time() - start:.0f} |", flush=True)


if __name__ == "__main__":
    main()
