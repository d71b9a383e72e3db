"""How claims hang together: each kind of relation as checks of its results and, where linear, as constraints.

A kind is a function from a relation and the known values to checks (`CHECKS`), and one from a relation and
its paper to linear constraints (`LINEAR`).
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from decidua.audit import contingency, distributions, expressions, ranges, whole
from decidua.audit.boxes import Box, Range
from decidua.audit.claims import Group, Paper, Relation
from decidua.audit.conflicts import Linear, Unknown, bounds, printed_box
from decidua.audit.formula import formula_range
from decidua.audit.printed import DOMAINS
from decidua.audit.search import Test
from decidua.audit.wald import contradictions, wald

#: Tables that an enumeration of unknown cells holds at most at once; a search that needs more says so.
MOST_TABLES = 200_000
#: The step between neighbouring values, by what a claim says of them.
STEPS = {"whole": 1.0, "tenths": 0.1, "hundredths": 0.01, "continuous": None}
#: The declared test of a table, as contingency.py names it.
TESTS = {
    "pearson": "Pearson",
    "yates": "Yates",
    "fisher": "Fisher",
    "likelihood_ratio": "likelihood ratio",
    "trend": "Cochran-Armitage trend",
}
#: A difference that counts as one: what "higher" asks for at least.
_MORE_THAN_NOTHING = 1e-9


@dataclass(frozen=True)
class Check:
    """One recomputation of a claim.

    claim: its id. relation: name. method: by which. range: what the declared method gives. others: what other
    standard methods give. sources: the claims that went in. needs: set when it cannot be recomputed. refutes:
    it can only show that the claim is impossible, not that it is reproduced. box: what the relation compares,
    where that is not the claim's own box. because: a further fact for the sentence. shown: what was computed,
    with the printed numbers in it. note: what the file says of the relation, such as a chosen reading.
    """

    claim: str
    relation: str
    method: str
    range: Range
    others: Mapping[str, Range] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    needs: str = ""
    refutes: bool = False
    box: Box | None = None
    because: str = ""
    shown: str = ""
    note: str = ""


@dataclass
class Values:
    """What each claim and unknown can be: printed boxes, and unknowns as far as constraints bound them.

    A claim is recomputed from everything but itself: `without` names it when an unknown is bounded.
    """

    paper: Paper
    unknowns: Sequence[Unknown] = ()
    constraints: Sequence[Linear] = ()
    _bounded: dict[tuple[str, str, bool], Box] = field(default_factory=dict)
    _components: dict[str, list[Linear]] = field(default_factory=dict)
    _domains: dict[str, Box] = field(default_factory=dict)

    def box(self, name: str, without: str = "", rough: bool = False) -> Box:
        """The values of a claim, or of an unknown without what is printed for one claim; wider if rough."""
        if name in self.paper.claims:
            return self.paper.claims[name].box
        if (name, without, rough) not in self._bounded:
            self._bounded[name, without, rough] = self._bound(name, without, rough)
        return self._bounded[name, without, rough]

    def domain(self, name: str) -> Box:
        """The values of a claim, or where an unknown can be at all."""
        if name in self.paper.claims:
            return self.paper.claims[name].box.wider
        if not self._domains:
            self._domains = {each.name: Box(each.low, each.high, 0.0, each.whole) for each in self.unknowns}
        return self._domains[name]

    def _bound(self, name: str, without: str, rough: bool) -> Box:
        given = self.paper.box(name)
        kept = self.about(name, without)
        if not kept:
            return given
        spoken = {name, *(each for constraint in kept for each in constraint.terms)}
        found = bounds([each for each in self.unknowns if each.name in spoken], kept, name, whole=not rough)
        return Box(max(given.low, found.low), min(given.high, found.high), 0.0, given.whole)

    def about(self, name: str, without: str = "") -> list[Linear]:
        """The constraints that hang together with a name and do not hold what is printed for one claim."""
        if not self._components:
            self._components = _components(self.constraints)
        return [
            each
            for each in self._components.get(name, [])
            if each.name != without and without not in each.claims
        ]

    def of(self, given: str | float, without: str = "") -> Box:
        """The values of a number, a name or an expression of names."""
        spoken = expressions.names(given)
        if len(spoken) == 1 and str(given).strip() == spoken[0]:
            return self.box(spoken[0], without)
        boxes = {name: self.box(name, without) for name in spoken}
        found = formula_range(given, boxes)
        integers = all(box.whole for box in boxes.values()) and _whole_coefficients(given)
        return Box(found.low, found.high, 0.0, integers)

    def open(self, *given: Any, without: str = "") -> list[str]:
        """The unknowns of some expressions that are not bound to one value."""
        spoken = dict.fromkeys(name for each in given for name in expressions.names(each))
        boxes = {name: self.box(name, without) for name in spoken if name in self.paper.unknowns}
        return [name for name, box in boxes.items() if box.low != box.high]

    def written(self, given: str | float, without: str = "") -> str:
        """An expression with what is printed in the place of names: 163 + 16 + 22."""

        def number(name: str) -> str:
            if name in self.paper.claims:
                return self.paper.claims[name].printed
            box = self.box(name, without)
            return f"{box.low:g}" if box.low == box.high else name

        text = expressions.NAME.sub(lambda found: number(found[0]), str(given))
        return text.replace(" * ", " \N{MULTIPLICATION SIGN} ").replace(" - ", " \N{MINUS SIGN} ")

    def sources(self, *given: Any) -> tuple[str, ...]:
        """The claims and unknowns that some expressions speak of."""
        return tuple(dict.fromkeys(name for each in given for name in expressions.names(each)))


def _whole_coefficients(given: str | float) -> bool:
    found = expressions.linear(given)
    return found is not None and all(float(value).is_integer() for value in [*found[0].values(), found[1]])


def _components(constraints: Sequence[Linear]) -> dict[str, list[Linear]]:
    """By name of a number: the constraints that hang together with it."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for each in constraints:
        first, *rest = each.terms
        for name in rest:
            parent[root(name)] = root(first)
    by_root: dict[str, list[Linear]] = {}
    for each in constraints:
        by_root.setdefault(root(next(iter(each.terms))), []).append(each)
    return {name: by_root[root(name)] for name in list(parent)}


def checks(paper: Paper, values: Values) -> list[Check]:
    """Every recomputation that the relations of a paper allow, in their order."""
    return [
        replace(check, note=relation.note)
        for relation in paper.relations
        for check in CHECKS[relation.kind](relation, values)
    ]


def linear_system(paper: Paper) -> tuple[list[Unknown], list[Linear]]:
    """The numbers of a paper as unknowns, and what is linear of it as constraints: prints and relations."""
    unknowns = [
        Unknown(claim.id, *DOMAINS[claim.kind]) for claim in paper.claims.values() if claim.box is not None
    ]
    unknowns += [Unknown(each.name, each.low, each.high, each.whole) for each in paper.unknowns.values()]
    for name in paper.groups:
        ends = _written_out(name, paper)
        unknowns += distributions.counts(name, *ends) if ends else []
    prints = [printed_box(claim.id, claim.box) for claim in paper.claims.values() if claim.box is not None]
    relations = [
        constraint
        for relation in paper.relations
        for constraint in LINEAR.get(relation.kind, _nothing_linear)(relation, paper)
        if constraint.terms
    ]
    return unknowns, prints + relations


# ---- sums and other arithmetic


def _check(
    relation: Relation, values: Values, claim: Any, expression: str | float, method: str
) -> Iterator[Check]:
    """A claim that an expression gives; nothing when the result is no claim."""
    if claim not in values.paper.claims:
        return
    found = _formula(values, expression, claim)
    sources = values.sources(expression)
    missing = values.open(expression, without=claim)
    if math.isinf(found.low) and math.isinf(found.high):
        yield _needs(relation, claim, method, sources, _numbers_needed(values, missing))
        return
    shown = values.written(expression, claim)
    yield Check(claim, relation.name, method, found, sources=sources, refutes=bool(missing), shown=shown)


def _formula(values: Values, expression: str | float, without: str) -> Range:
    boxes = {name: values.box(name, without) for name in expressions.names(expression)}
    if any(box.low > box.high for box in boxes.values()):
        return Range(math.inf, -math.inf)
    return formula_range(expression, boxes)


def _needs(relation: Relation, claim: str, method: str, sources: Sequence[str], needs: str) -> Check:
    return Check(
        claim,
        relation.name,
        method,
        Range(-math.inf, math.inf, exact=False),
        sources=tuple(sources),
        needs=needs,
    )


def _numbers_needed(values: Values, names: Sequence[str]) -> str:
    if not names:
        return "a denominator that cannot be 0"
    return "; ".join(values.paper.unknowns[name].meaning for name in names)


def _plus(terms: Sequence[str | float]) -> str:
    return " + ".join(_operand(term) for term in terms)


def _operand(given: str | float) -> str:
    """A name or number as it is, an expression in brackets."""
    text = str(given)
    return text if len(text.split()) == 1 else f"({text})"


def _sum(relation: Relation, values: Values) -> Iterator[Check]:
    yield from _check(relation, values, relation.given["equals"], _plus(relation.given["sum"]), "sum")


def _formula_checks(relation: Relation, values: Values) -> Iterator[Check]:
    yield from _check(relation, values, relation.given["equals"], relation.given["formula"], "formula")


def _percent(relation: Relation, values: Values) -> Iterator[Check]:
    claim, events, total = (relation.given[key] for key in ("percent", "events", "of"))
    missing = values.open(events, total, without=claim)
    sources = values.sources(events, total)
    n = values.of(total, claim)
    if missing and n.low == n.high:
        yield _rate_check(relation, values, claim, total)
        return
    found = whole.percent_range(values.of(events, claim), n)
    if missing:
        yield _needs(relation, claim, "percentage", sources, _numbers_needed(values, missing))
        return
    shown = values.written(f"100 * {_operand(events)} / {_operand(total)}", claim)
    yield Check(claim, relation.name, "percentage", found, sources=sources, shown=shown)


def _rate(relation: Relation, values: Values) -> Iterator[Check]:
    yield _rate_check(relation, values, relation.given["rate"], relation.given["of"])


def _rate_check(relation: Relation, values: Values, claim: str, total: str | float) -> Check:
    """Whether some whole number of events gives a percentage."""
    method, sources = "whole number of events", values.sources(total)
    n = values.of(total, claim)
    if n.low != n.high or n.low < 1:
        return _needs(relation, claim, method, sources, "whom the percentage is of")
    box = values.box(claim)
    numbers = whole.integers_of(box, int(n.low))
    told = (
        f"{numbers[0]} of {n.low:g}"
        if len(numbers) == 1
        else f"{len(numbers)} numbers of events of {n.low:g}"
    )
    return Check(
        claim,
        relation.name,
        method,
        whole.attainable_percent(box, int(n.low)),
        sources=sources,
        refutes=True,
        because=f"{told} would give it" if len(numbers) else f"no whole number of {n.low:g} gives it",
    )


def _subset(relation: Relation, values: Values) -> Iterator[Check]:
    part, total = relation.given["subset"], relation.given["of"]
    if part in values.paper.claims:
        limit = values.of(total, part).high
        if math.isfinite(limit):
            yield Check(
                part,
                relation.name,
                "part of a whole",
                Range(-math.inf, limit),
                sources=values.sources(total),
                refutes=True,
                shown=values.written(total, part),
            )


def _repeats(relation: Relation, values: Values) -> Iterator[Check]:
    repeat, first = relation.given["repeats"], relation.given["of"]
    for claim, source in _pairs(values.paper, repeat, first):
        box = values.box(source)
        shown = f"{source}, {values.paper.claims[source].where}"
        yield Check(
            claim, relation.name, "printed twice", Range(box.low, box.high), sources=(source,), shown=shown
        )


def _pairs(paper: Paper, repeat: str, first: str) -> Iterator[tuple[str, str]]:
    """The claims that two prints have in common: themselves, or their parts of one name."""
    if repeat in paper.claims and first in paper.claims:
        yield repeat, first
        return
    for part in paper.parts.get(repeat, ()):
        if part in paper.parts.get(first, ()):
            yield f"{repeat}.{part}", f"{first}.{part}"


def _extremes(relation: Relation, values: Values) -> Iterator[Check]:
    members = relation.given["extremes"]
    for key, choose in (("lowest", min), ("highest", max)):
        claim = relation.given.get(key)
        if claim is None:
            continue
        boxes = [values.of(member, claim) for member in members]
        found = Range(choose(box.low for box in boxes), choose(box.high for box in boxes))
        missing, sources = values.open(*members, without=claim), values.sources(*members)
        if any(box.low > box.high for box in boxes):
            found = Range(math.inf, -math.inf)
        if math.isinf(found.low) and math.isinf(found.high) and not found.empty:
            yield _needs(relation, claim, key, sources, _numbers_needed(values, missing))
        else:
            shown = ", ".join(values.written(member, claim) for member in members)
            yield Check(claim, relation.name, key, found, sources=sources, refutes=bool(missing), shown=shown)


def _order(relation: Relation, values: Values) -> Iterator[Check]:
    first, second = relation.given["order"]
    claim, asked = relation.given["statement"], relation.given["is"]
    demanded = {
        "higher": Box(_MORE_THAN_NOTHING, math.inf),
        "lower": Box(-math.inf, -_MORE_THAN_NOTHING),
        "equal": Box(0.0, 0.0),
    }[asked]
    difference = f"({first}) - ({second})"
    found = _formula(values, difference, claim)
    missing, sources = values.open(difference, without=claim), values.sources(difference)
    if math.isinf(found.low) and math.isinf(found.high) and not found.empty:
        yield _needs(relation, claim, f"difference, {asked}", sources, _numbers_needed(values, missing))
        return
    yield Check(
        claim,
        relation.name,
        f"difference, {asked}",
        found,
        sources=sources,
        refutes=bool(missing) or (found.low < 0 < found.high),
        box=demanded,
        shown=values.written(f"{_operand(first)} - {_operand(second)}", claim),
    )


# ---- means and SDs


def _group_value(group: Group, values: Values) -> ranges.Group | None:
    """A group with its boxes; nothing when it is not known how many women it has."""
    n = values.of(group.n)
    if n.low != n.high:
        return None
    return ranges.Group(int(n.low), values.box(group.mean), values.box(group.sd))


def _groups(relation: Relation, values: Values) -> tuple[list[ranges.Group] | None, tuple[str, ...]]:
    groups = [values.paper.group(each) for each in relation.given[relation.kind]]
    found = [_group_value(group, values) for group in groups]
    sources = tuple(
        dict.fromkeys(
            name for group in groups for name in (*expressions.names(group.n), group.mean, group.sd)
        )
    )
    return (None if any(each is None for each in found) else found), sources


def _by_method(
    relation: Relation,
    claim: str,
    found: Mapping[str, Range],
    sources: tuple[str, ...],
    declared: str = "",
    **more: Any,
) -> Check:
    """A check from ranges by method, of which one is declared: the first unless said otherwise."""
    if not found or (declared and declared not in found):
        return _needs(
            relation, claim, declared or "test", sources, f"a table for which {declared} is defined"
        )
    declared = declared or next(iter(found))
    others = {method: each for method, each in found.items() if method != declared}
    return Check(claim, relation.name, declared, found[declared], others, sources, **more)


_SIZES = "the number of women of each group"


def _results(relation: Relation, *keys: str) -> list[tuple[str, str]]:
    return [(key, relation.given[key]) for key in keys if key in relation.given]


def _anova(relation: Relation, values: Values) -> Iterator[Check]:
    groups, sources = _groups(relation, values)
    for key, claim in _results(relation, "F", "p"):
        if groups is None:
            yield _needs(relation, claim, "ANOVA", sources, _SIZES)
        else:
            found = ranges.anova_f(groups) if key == "F" else ranges.anova_p(groups)
            yield _by_method(relation, claim, found, sources)
    if groups is not None and "F" in relation.given and "p" in relation.given:
        f, p = relation.given["F"], relation.given["p"]
        found = ranges.p_of_f(values.box(f), *ranges.anova_df(groups))
        yield Check(p, relation.name, "p from F", found, sources=(f,))


def _t_test(relation: Relation, values: Values) -> Iterator[Check]:
    groups, sources = _groups(relation, values)
    declared = "Student's t" if relation.given.get("equal_variances", True) else "Welch's t"
    for key, claim in _results(relation, "t", "p"):
        if groups is None:
            yield _needs(relation, claim, declared, sources, _SIZES)
        elif key == "p":
            yield _by_method(relation, claim, ranges.t_p(*groups), sources, declared)
        else:
            box = _without_sign(values.box(claim))
            yield _by_method(relation, claim, ranges.t_statistic(*groups), sources, declared, box=box)


def _without_sign(box: Box) -> Box:
    low = 0.0 if box.low <= 0 <= box.high else min(abs(box.low), abs(box.high))
    return Box(low, max(abs(box.low), abs(box.high)), box.unit, box.whole)


def _scheffe(relation: Relation, values: Values) -> Iterator[Check]:
    groups, sources = _groups(relation, values)
    claim = relation.given["significant"]
    if groups is None:
        yield _needs(relation, claim, "Scheffé", sources, _SIZES)
        return
    alpha = relation.given.get("alpha", values.paper.alpha)
    yield _by_method(relation, claim, ranges.significant_pairs(groups, alpha), sources)


def _pooled(relation: Relation, values: Values) -> Iterator[Check]:
    groups, sources = _groups(relation, values)
    given = relation.given["equals"]
    mean, sd = (
        (given["mean"], given["sd"]) if isinstance(given, Mapping) else (f"{given}.mean", f"{given}.sd")
    )
    for claim in (mean, sd):
        if claim not in values.paper.claims:
            continue
        if groups is None:
            yield _needs(relation, claim, "pooled", sources, _SIZES)
        elif claim == mean:
            yield Check(
                claim, relation.name, "mean of the union", ranges.pooled_mean(groups), sources=sources
            )
        else:
            yield _by_method(relation, claim, ranges.pooled_sd(groups), sources)


def _values(relation: Relation, values: Values) -> Iterator[Check]:
    """What a mean and an SD can be, given how many values there are, of which kind and in which range."""
    group = values.paper.groups[relation.given["values"]]
    found, sources = _group_value(group, values), expressions.names(group.n)
    if found is None or found.n < 1 or values.paper.claims[group.mean].kind == "constant":
        return
    step, shown = STEPS[group.values], f"{group.values.replace('whole', 'whole numbers')}, n = {found.n}"
    ends = [values.box(name) for name in (group.min, group.max) if name]
    if step is not None:
        reached = whole.attainable_mean(found.mean, found.n, step)
        yield Check(group.mean, relation.name, "GRIM", reached, sources=sources, refutes=True, shown=shown)
    if ends:
        between = whole.mean_between(found.n, *ends)
        names = (*sources, group.min, group.max)
        yield Check(group.mean, relation.name, "mean within its range", between, sources=names, refutes=True)
    if step is not None or ends:
        method = "GRIMMER" if step is not None else "SD within its range"
        sds = whole.attainable_sd(found.mean, found.sd, found.n, step, *ends)
        first, *others = sds
        yield Check(
            group.sd,
            relation.name,
            method,
            sds[first],
            {other: sds[other] for other in others},
            (*sources, group.mean, *(name for name in (group.min, group.max) if name)),
            refutes=True,
            shown=shown if step is not None else "",
        )


# ---- tables of counts


def _tables(relation: Relation, values: Values, without: str) -> tuple[np.ndarray | None, str, bool]:
    """Every table of the cells' possible counts; or why there is none. And whether there are several."""
    cells = relation.given[relation.kind]
    names = list(dict.fromkeys(name for row in cells for cell in row for name in expressions.names(cell)))
    for rough in (True, False):  # what are too many tables already within rough bounds takes no more time
        boxes = {name: values.box(name, without, rough) for name in names}
        empty = [name for name, box in boxes.items() if box.low > box.high]
        if empty:
            return None, f"{', '.join(empty)}: numbers that do not contradict one another", False
        unbounded = [
            name for name, box in boxes.items() if not (math.isfinite(box.low) and math.isfinite(box.high))
        ]
        if unbounded:
            return None, f"the counts {', '.join(unbounded)}", False
        combined = _combinations(boxes, values, without)
        if combined is None:
            return None, f"more of the counts: there are more than {MOST_TABLES:,} tables to search", False
    size = len(next(iter(combined.values()))) if combined else 1
    table = np.empty((size, len(cells), len(cells[0])))
    for i, row in enumerate(cells):
        for j, cell in enumerate(row):
            table[:, i, j] = expressions.value(cell, combined)
    table = table[(table >= 0).all(axis=(1, 2))]
    if not len(table):
        return None, "cells that are not below 0", False
    return np.unique(table, axis=0), "", len(table) > 1


def _combinations(boxes: Mapping[str, Box], values: Values, without: str) -> dict[str, np.ndarray] | None:
    """Counts by name, one place a combination that the constraints about them allow; nothing if too many."""
    order = sorted(boxes, key=lambda name: boxes[name].high - boxes[name].low)
    about = {id(each): each for name in order for each in values.about(name, without)}.values()
    combined: dict[str, np.ndarray] = {}
    size = 1
    for name in order:
        candidates = np.arange(math.ceil(boxes[name].low - 1e-9), math.floor(boxes[name].high + 1e-9) + 1.0)
        if size * len(candidates) > 10 * MOST_TABLES:
            return None
        combined = {other: np.repeat(array, len(candidates)) for other, array in combined.items()}
        combined[name] = np.tile(candidates, size)
        possible = np.ones(size * len(candidates), dtype=bool)
        for each in about:
            if name in each.terms:
                possible &= _allows(each, combined, boxes, values)
        combined = {other: array[possible] for other, array in combined.items()}
        size = int(possible.sum())
        if size > MOST_TABLES:
            return None
    return combined


def _allows(
    linear: Linear, combined: Mapping[str, np.ndarray], boxes: Mapping[str, Box], values: Values
) -> np.ndarray:
    """Whether a constraint can hold at each combination, whatever its other numbers are."""
    low = high = np.zeros(len(next(iter(combined.values()))))
    for name, coefficient in linear.terms.items():
        if name in combined:
            low, high = low + coefficient * combined[name], high + coefficient * combined[name]
            continue
        box = boxes.get(name) or values.domain(name)
        ends = sorted((coefficient * box.low, coefficient * box.high))
        low, high = low + ends[0], high + ends[1]
    slack = 1e-6 * (1 + np.abs(np.where(np.isfinite(low), low, 0.0)))
    return (low <= linear.high + slack) & (high >= linear.low - slack)


def _table(relation: Relation, values: Values) -> Iterator[Check]:
    sources = values.sources(*(cell for row in relation.given["table"] for cell in row))
    declared = TESTS[relation.given.get("test", "pearson")]
    for key, claim in _results(relation, "statistic", "p"):
        tables, needs, several = _tables(relation, values, claim)
        if tables is None:
            yield _needs(relation, claim, declared, sources, needs)
            continue
        found = contingency.statistic_ranges(tables) if key == "statistic" else contingency.p_ranges(tables)
        yield _several(_by_method(relation, claim, found, sources, declared, refutes=several), len(tables))


def _several(check: Check, tables: int) -> Check:
    return replace(check, because=f"over {tables:,} possible tables") if tables > 1 else check


def _two_by_two(relation: Relation, values: Values) -> Iterator[Check]:
    cells = relation.given["two_by_two"]
    sources = values.sources(*(cell for row in cells for cell in row))
    measure, level = relation.given.get("measure", "odds_ratio"), relation.given.get("level", 0.95)
    for part, claim in _ratio_results(relation, values.paper):
        tables, needs, several = _tables(relation, values, claim)
        if tables is None:
            yield _needs(relation, claim, "Woolf" if measure == "odds_ratio" else "Katz", sources, needs)
            continue
        found = contingency.two_by_two(tables, measure, level)
        yield _several(
            _by_method(relation, claim, found.get(part, {}), sources, refutes=several), len(tables)
        )


def _ratio_results(relation: Relation, paper: Paper) -> Iterator[tuple[str, str]]:
    if "ratio" in relation.given:
        yield from _ratio_parts(relation.given["ratio"], paper)
    if "p" in relation.given:
        yield "p", relation.given["p"]


def _ratio_parts(name: str, paper: Paper) -> Iterator[tuple[str, str]]:
    """A printed ratio as its estimate and the ends of its interval."""
    if name in paper.claims:
        yield "estimate", name
    for part in paper.parts.get(name, ()):
        yield part, f"{name}.{part}"


# ---- a coefficient, its ratio, interval and p


def _wald(relation: Relation, values: Values) -> Iterator[Check]:
    given, level = relation.given["wald"], relation.given.get("level", 0.95)
    log_ratio = "ratio" in given or "coefficient_interval" not in _kind_of(given.get("B", ""), values.paper)
    names = _members(given, values.paper)
    boxes = {member: values.box(name) for member, name in names.items()}
    suspects = _suspects(contradictions(boxes, level, log_ratio))
    for member, claim in names.items():
        others = _agreeing(
            {each: box for each, box in boxes.items() if each != member}, suspects, level, log_ratio
        )
        sources = tuple(names[each] for each in others or ())
        if others is None:
            needs = "numbers that do not contradict one another: those beside it do"
            yield _needs(relation, claim, "Wald", tuple(n for n in names.values() if n != claim), needs)
            continue
        found = wald(others, level, log_ratio).get(member, {})
        first = next(iter(found.values()), Range(-math.inf, math.inf))
        if math.isinf(first.low) and math.isinf(first.high) and not first.empty:
            yield _needs(
                relation, claim, "Wald", sources, "the standard error, or an interval and an estimate"
            )
        else:
            yield _by_method(relation, claim, found, sources)


def _kind_of(name: str, paper: Paper) -> str:
    return "coefficient_interval" if "estimate" in paper.parts.get(name, ()) else ""


def _members(given: Mapping[str, str], paper: Paper) -> dict[str, str]:
    """The claims of a coefficient by what they are."""
    names: dict[str, str] = {}
    for member, name in given.items():
        if member in ("ratio", "B"):
            for part, claim in _ratio_parts(name, paper):
                names[member if part == "estimate" else part] = claim
        else:
            names[member] = name
    return names


def _suspects(groups: Sequence[Sequence[str]]) -> dict[str, int]:
    """In how many of the smallest contradictions a member takes part."""
    count: dict[str, int] = {}
    for group in groups:
        for member in group:
            count[member] = count.get(member, 0) + 1
    return count


def _agreeing(
    boxes: Mapping[str, Box], suspects: Mapping[str, int], level: float, log_ratio: bool
) -> dict[str, Box] | None:
    """Members that agree, without what contradicts the most; nothing where several contradict as much."""
    kept = dict(boxes)
    while contradictions(kept, level, log_ratio):
        among = {member for group in contradictions(kept, level, log_ratio) for member in group}
        most = max(suspects.get(member, 0) for member in among)
        worst = [member for member in among if suspects.get(member, 0) == most]
        if len(worst) != 1:
            return None
        del kept[worst[0]]
    return kept


def _no_checks(relation: Relation, values: Values) -> Iterator[Check]:
    return iter(())


CHECKS: Mapping[str, Callable[[Relation, Values], Iterator[Check]]] = {
    "sum": _sum,
    "percent": _percent,
    "rate": _rate,
    "subset": _subset,
    "anova": _anova,
    "t_test": _t_test,
    "scheffe": _scheffe,
    "pooled": _pooled,
    "values": _values,
    "table": _table,
    "two_by_two": _two_by_two,
    "wald": _wald,
    "formula": _formula_checks,
    "repeats": _repeats,
    "extremes": _extremes,
    "order": _order,
    "share": _no_checks,
}


# ---- what is linear

Side = tuple[dict[str, float], float]


def _nothing_linear(relation: Relation, paper: Paper) -> Iterator[Linear]:
    return iter(())


def _minus(first: Side, second: Side, times: float = 1.0) -> Side:
    terms = {
        name: first[0].get(name, 0.0) - times * second[0].get(name, 0.0) for name in {**first[0], **second[0]}
    }
    return {name: value for name, value in terms.items() if value}, first[1] - times * second[1]


def _between(name: str, side: Side, low: float, high: float, claims: tuple[str, ...] = ()) -> Linear:
    return Linear(name, side[0], low - side[1], high - side[1], claims)


def _sum_linear(relation: Relation, paper: Paper) -> Iterator[Linear]:
    sides = expressions.linear(_plus(relation.given["sum"])), expressions.linear(relation.given["equals"])
    if None not in sides:
        yield _between(relation.name, _minus(*sides), 0.0, 0.0)


def _formula_linear(relation: Relation, paper: Paper) -> Iterator[Linear]:
    given, equals = relation.given["formula"], relation.given["equals"]
    sides = expressions.linear(given), expressions.linear(equals)
    if None not in sides:
        yield _between(relation.name, _minus(*sides), 0.0, 0.0)
    elif equals in paper.claims:
        box = paper.claims[equals].box.wider
        yield from _quotient_between(relation.name, given, box.low, box.high, (equals,), paper)


def _quotient_between(
    name: str, given: str | float, low: float, high: float, claims: tuple[str, ...], paper: Paper
) -> Iterator[Linear]:
    """low <= quotient <= high of two linear expressions of which the lower one is above 0."""
    found = expressions.quotient(given)
    if found is None:
        return
    above, below = found
    if _least(below, paper) < 0:
        return
    if math.isfinite(low):
        yield _between(name, _minus(above, below, low), 0.0, math.inf, claims)
    if math.isfinite(high):
        yield _between(name, _minus(above, below, high), -math.inf, 0.0, claims)


def _least(side: Side, paper: Paper) -> float:
    """The least that a linear expression can be, each of its numbers by itself."""
    total = side[1]
    for name, value in side[0].items():
        box = paper.box(name).wider
        total += min(value * box.low, value * box.high)
    return total


def _percent_linear(relation: Relation, paper: Paper) -> Iterator[Linear]:
    claim, events, total = (relation.given[key] for key in ("percent", "events", "of"))
    box = paper.claims[claim].box.wider
    yield from _quotient_between(
        relation.name, f"100 * ({events}) / ({total})", box.low, box.high, (claim,), paper
    )


def _subset_linear(relation: Relation, paper: Paper) -> Iterator[Linear]:
    sides = expressions.linear(relation.given["subset"]), expressions.linear(relation.given["of"])
    if None not in sides:
        yield _between(relation.name, _minus(*sides), -math.inf, 0.0)


def _repeats_linear(relation: Relation, paper: Paper) -> Iterator[Linear]:
    for claim, source in _pairs(paper, relation.given["repeats"], relation.given["of"]):
        yield Linear(relation.name, {claim: 1.0, source: -1.0}, 0.0, 0.0)


def _extremes_linear(relation: Relation, paper: Paper) -> Iterator[Linear]:
    """No member is below the lowest or above the highest."""
    for key, sign in (("lowest", 1.0), ("highest", -1.0)):
        claim = relation.given.get(key)
        if claim is None:
            continue
        box = paper.claims[claim].box.wider
        for member in relation.given["extremes"]:
            found = expressions.linear(member)
            if found is not None:
                side = _minus(found, ({claim: 1.0}, 0.0))
                low, high = (0.0, math.inf) if sign > 0 else (-math.inf, 0.0)
                yield _between(relation.name, side, low, high)
            else:
                ends = (box.low, math.inf) if sign > 0 else (-math.inf, box.high)
                yield from _quotient_between(relation.name, member, *ends, (claim,), paper)


def _order_linear(relation: Relation, paper: Paper) -> Iterator[Linear]:
    sides = [expressions.linear(each) for each in relation.given["order"]]
    if None in sides:
        return
    side = _minus(*sides)
    boxes = [paper.box(name) for name in side[0]]
    counts = all(box.whole for box in boxes) and all(value.is_integer() for value in side[0].values())
    least = 1.0 if counts else 0.0
    low, high = {"higher": (least, math.inf), "lower": (-math.inf, -least), "equal": (0.0, 0.0)}[
        relation.given["is"]
    ]
    yield _between(relation.name, side, low, high, (relation.given["statement"],))


def _pooled_linear(relation: Relation, paper: Paper) -> Iterator[Linear]:
    """The mean of the union is the weighted mean, where the sizes are printed."""
    groups = [paper.group(each) for each in relation.given["pooled"]]
    given = relation.given["equals"]
    mean = given["mean"] if isinstance(given, Mapping) else f"{given}.mean"
    sizes = [_printed_size(group.n, paper) for group in groups]
    if mean not in paper.claims or None in sizes:
        return
    terms = {group.mean: size for group, size in zip(groups, sizes, strict=True)}
    claims = tuple(name for group in groups for name in expressions.names(group.n))
    yield Linear(relation.name, {**terms, mean: -sum(sizes)}, 0.0, 0.0, claims)


def _printed_size(n: str | float, paper: Paper) -> float | None:
    found = expressions.linear(n)
    if found is None:
        return None
    boxes = {name: paper.box(name) for name in found[0]}
    if any(box.low != box.high for box in boxes.values()):
        return None
    return found[1] + sum(value * boxes[name].low for name, value in found[0].items())


def table_tests(paper: Paper) -> list[Test]:
    """Tables with a printed p, as tests of unknown cells; one off in the last place is no contradiction."""
    made = []
    for relation in paper.relations:
        claim = relation.given.get("p")
        if relation.kind != "table" or claim not in paper.claims:
            continue
        cells = [[expressions.linear(cell) for cell in row] for row in relation.given["table"]]
        declared = TESTS[relation.given.get("test", "pearson")]
        standard = contingency.tests_of(len(cells), len(cells[0]))
        if declared not in standard or any(cell is None for row in cells for cell in row):
            continue
        box = paper.claims[claim].box.wider
        others = {
            method: partial(contingency.p_values, method=method) for method in standard if method != declared
        }
        p = partial(contingency.p_values, method=declared)
        made.append(Test(relation.name, cells, p, box.low, box.high, (claim,), declared, others))
    return made


def _written_out(name: str, paper: Paper) -> tuple[int, int] | None:
    """Smallest and largest value of a group of whole numbers; nothing where they are not printed, or many."""
    group = paper.groups.get(name)
    if group is None or group.values != "whole" or not (group.min and group.max):
        return None
    boxes = [paper.claims[each].box for each in (group.min, group.max)]
    least, most = (box.low for box in boxes)
    if any(box.low != box.high or not box.low.is_integer() for box in boxes):
        return None
    return (int(least), int(most)) if 0 <= most - least < distributions.MOST_VALUES else None


def _values_linear(relation: Relation, paper: Paper) -> Iterator[Linear]:
    """Number of women, mean and SD by the numbers of women with each value."""
    name = relation.given["values"]
    ends, group = _written_out(name, paper), paper.groups[name]
    n = expressions.linear(group.n)
    if ends is None or n is None:
        return
    claims = {
        "range": (group.min, group.max),
        "mean": (group.mean,),
        "sd": (group.sd,),
        "n": expressions.names(group.n),
    }
    size = _printed_size(group.n, paper)
    mean, sd = (paper.claims[each].box.wider for each in (group.mean, group.sd))
    whole_size = round(size) if size is not None and float(size).is_integer() else None
    yield from distributions.moments(relation.name, name, ends, n, mean, sd, claims, whole_size)


def _share_linear(relation: Relation, paper: Paper) -> Iterator[Linear]:
    given = relation.given
    groups = {name: _written_out(name, paper) for name in given["share"]}
    equals = expressions.linear(given["equals"])
    if equals is not None and None not in groups.values():
        ends = given.get("from", -math.inf), given.get("to", math.inf)
        yield distributions.share(relation.name, groups, ends, equals)


LINEAR: Mapping[str, Callable[[Relation, Paper], Iterator[Linear]]] = {
    "sum": _sum_linear,
    "formula": _formula_linear,
    "percent": _percent_linear,
    "subset": _subset_linear,
    "repeats": _repeats_linear,
    "extremes": _extremes_linear,
    "order": _order_linear,
    "pooled": _pooled_linear,
    "values": _values_linear,
    "share": _share_linear,
}
