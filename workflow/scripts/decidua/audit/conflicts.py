"""Which printed numbers cannot all hold, whatever the data were: small groups of them, each with its proof.

Knows nothing of papers: unknown numbers, linear constraints between them, tests of tables of them.

A conflict is only reported when it is certain. Constraints are widened by `_WIDER` (relative) before the
solver sees them, its tolerances (1e-6) only make it find solutions that are none, and what it does not finish
counts as feasible. What decides are numbers of nodes and of candidates, never seconds, so that every machine
gives the same answer; a limit of seconds is an emergency brake, and a result that it touched says so
(`unfinished`).
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from decidua.audit.boxes import Box, Range

#: Ends of constraints are moved outwards by this share before the solver sees them.
_WIDER = 1e-7
#: Nodes of one branch-and-bound search; a search that needs more counts as one that found a solution.
NODES = 5_000
#: No more conflicts than these are looked for in one set of constraints that hang together.
MOST = 12


@dataclass(frozen=True)
class Unknown:
    """A number that is looked for: where it can be at all (a count: from 0), and whether it is whole."""

    name: str
    low: float
    high: float
    whole: bool


@dataclass(frozen=True)
class Linear:
    """low <= sum of coefficient times unknown <= high. Constraints of one name hold or go together.

    claims: printed numbers that are in the coefficients.
    """

    name: str
    terms: Mapping[str, float]
    low: float
    high: float
    claims: tuple[str, ...] = ()

    @property
    def is_printed(self) -> bool:
        """Whether it says no more than what is printed for one number."""
        return tuple(self.terms) == (self.name,)


@dataclass(frozen=True)
class Combination:
    """Why constraints cannot all hold: the sum of `weights` times constraint has no solution.

    weights: by place in the group's constraints; above 0 the upper end is used, below 0 the lower. The sum is
    at most `high` by the constraints, and at least `low` by what the unknowns can be at all: low > high.
    """

    weights: tuple[Fraction, ...]
    low: Fraction
    high: Fraction


@dataclass(frozen=True)
class Conflict:
    """Constraints of which all but any one can hold together, but not all.

    proof: exact, where the contradiction does not need that numbers are whole; otherwise none.
    minimal: whether each member was shown to be needed. implied: one of the printed numbers, and what the
    others allow it to be.
    """

    constraints: tuple[Linear, ...]
    proof: Combination | None
    minimal: bool = True
    implied: tuple[str, Range] | None = None

    @property
    def printed(self) -> tuple[str, ...]:
        """The printed numbers that collide, in the order of the constraints."""
        named = [
            name for each in self.constraints for name in ((each.name,) if each.is_printed else each.claims)
        ]
        return tuple(dict.fromkeys(named))

    @property
    def relations(self) -> tuple[str, ...]:
        """The relations by which they collide."""
        return tuple(dict.fromkeys(each.name for each in self.constraints if not each.is_printed))


@dataclass(frozen=True)
class Conflicts:
    """Conflicts, constraints that were left out to find further ones, and why the search did not end."""

    found: tuple[Conflict, ...]
    left_out: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()


def printed_box(name: str, box: Box) -> Linear:
    """That a number lies where its print says; off by one in the last place is no contradiction."""
    wider = box.wider
    return Linear(name, {name: 1.0}, wider.low, wider.high)


def conflicts(
    unknowns: Sequence[Unknown], constraints: Sequence[Linear], seconds: float = 600.0
) -> Conflicts:
    """Minimal groups of constraints that no numbers satisfy.

    First each equation with the printed numbers that it speaks of, then the relations without printed
    numbers in their coefficients (sums), whose proofs are the shortest, then all. After a group is found, its
    relation with the most terms is left out and the search goes on, at most `MOST` times in one set of
    constraints that hang together. A further group whose printed numbers include all of an earlier one's says
    nothing new and is not listed.

    Raises:
        KeyError: a constraint names no unknown.
    """
    known = {unknown.name: unknown for unknown in unknowns}
    brake = Brake(seconds)
    found: list[Conflict] = []
    left_out: list[str] = []
    sums = [each for each in constraints if not each.claims]
    for part in (*_by_themselves(known, constraints), *_components(sums), *_components(constraints)):
        kept = [each for each in part if each.name not in left_out]
        for _ in range(MOST):
            group = _infeasible_group(known, kept, brake)
            if group is None:
                break
            if not any(set(other.printed) <= set(group.printed) for other in found):
                found.append(group)
            left_out.append(_to_leave_out(group))
            kept = [each for each in kept if each.name != left_out[-1]]
        else:
            if kept and not _feasible(known, kept, brake):
                brake.note(f"more than {MOST} conflicts among numbers that hang together: not all are listed")
    return Conflicts(tuple(found), tuple(left_out), tuple(dict.fromkeys(brake.notes)))


def _by_themselves(known: Mapping[str, Unknown], constraints: Sequence[Linear]) -> list[list[Linear]]:
    """Equations that the printed numbers of their own terms contradict, each with these."""
    prints = {each.name: each for each in constraints if each.is_printed}
    found: dict[str, list[Linear]] = {}
    for each in constraints:
        if each.is_printed or each.low != each.high or each.name in found:
            continue
        ends = [(known[name].low, known[name].high, prints.get(name)) for name in each.terms]
        ends = [(max(low, own.low), min(high, own.high)) if own else (low, high) for low, high, own in ends]
        sides = [
            sorted((factor * low, factor * high))
            for factor, (low, high) in zip(each.terms.values(), ends, strict=True)
        ]
        if sum(low for low, _ in sides) > each.high or sum(high for _, high in sides) < each.low:
            own = [other for other in constraints if other.name == each.name]
            terms = dict.fromkeys(name for other in own for name in other.terms)
            found[each.name] = [*(prints[name] for name in terms if name in prints), *own]
    return list(found.values())


def bounds(
    unknowns: Sequence[Unknown],
    constraints: Sequence[Linear],
    name: str,
    seconds: float = 600.0,
    whole: bool = True,
) -> Range:
    """The least and the greatest value that an unknown can have; empty when nothing satisfies them all.

    whole: look for whole numbers also where real numbers leave more than one: narrower, and slow.
    """
    (own,) = (unknown for unknown in unknowns if unknown.name == name)
    if own.whole:
        real = [replace(unknown, whole=False) for unknown in unknowns]
        found = _rounded(extent(real, constraints, {name: 1.0}, seconds), own)
        if not whole or found.low >= found.high:
            return found
    return _rounded(extent(unknowns, constraints, {name: 1.0}, seconds), own)


def _rounded(found: Range, own: Unknown) -> Range:
    """A range within an unknown's domain; empty as it is."""
    if found.empty:
        return found
    low, high = found.low, found.high
    if own.whole:
        low = math.ceil(low - 1e-5) if math.isfinite(low) else low
        high = math.floor(high + 1e-5) if math.isfinite(high) else high
    return Range(max(low, own.low), min(high, own.high), exact=found.exact)


def extent(
    unknowns: Sequence[Unknown],
    constraints: Sequence[Linear],
    terms: Mapping[str, float],
    seconds: float = 600.0,
) -> Range:
    """The least and the greatest value of a linear expression; empty when nothing satisfies the constraints.

    Where a search does not end, the ends lie further out than need be (`exact` is false).
    """
    known = {unknown.name: unknown for unknown in unknowns}
    return Program(known, constraints_about(constraints, terms), terms).extent(terms, Brake(seconds))


def infeasible_group(unknowns: Sequence[Unknown], constraints: Sequence[Linear], name: str) -> list[Linear]:
    """Constraints that cannot all hold and of which each is needed, of those about an unknown; or none."""
    known = {unknown.name: unknown for unknown in unknowns}
    return _minimal_group(known, constraints_about(constraints, [name]), Brake(600.0))


# ---- groups


def _infeasible_group(
    known: Mapping[str, Unknown], constraints: Sequence[Linear], brake: "Brake"
) -> Conflict | None:
    """A conflict among constraints; nothing if they can all hold."""
    group = _minimal_group(known, constraints, brake)
    if not group:
        return None
    return Conflict(tuple(group), combination(known, group), not brake.pulled, _implied(known, group))


def _minimal_group(
    known: Mapping[str, Unknown], constraints: Sequence[Linear], brake: "Brake"
) -> list[Linear]:
    """Constraints that cannot hold together and of which each is needed; empty if they can."""
    if not constraints or _feasible(known, constraints, brake):
        return []
    start = _support(known, constraints)
    if not start or _feasible(known, start, brake):
        start = list(constraints)
    return deletion_filter(start, lambda part: not _feasible(known, part, brake))


def _implied(known: Mapping[str, Unknown], group: Sequence[Linear]) -> tuple[str, Range] | None:
    """A printed number of the group and what the others allow, which is not it: the one best known.

    Nothing where what the others allow lies on both sides of what is printed.
    """
    found = []
    for each in group:
        if not each.is_printed:
            continue
        others = [other for other in group if other.name != each.name]
        range_ = bounds(list(known.values()), others, each.name)
        if not range_.empty and (range_.low > each.high or range_.high < each.low):
            found.append((range_.high - range_.low, each.name, range_))
    return min(found, key=lambda each: each[0])[1:] if found else None


def deletion_filter(
    constraints: Sequence[Linear], collide: Callable[[Sequence[Linear]], bool]
) -> list[Linear]:
    """Leave out whatever is not needed for a contradiction: halves, then smaller pieces, then singles.

    Args:
        constraints: that contradict one another.
        collide: whether some of them still do; asked of a group that is not empty.
    """
    kept = list(constraints)
    size = max(len(_names(kept)) // 2, 1)
    while True:
        # Relations of many terms first: what is left is easier to read.
        order = sorted(_names(kept), key=lambda name: -_terms(kept, name))
        for first in range(0, len(order), size):
            piece = set(order[first : first + size])
            rest = [each for each in kept if each.name not in piece]
            if rest and collide(rest):
                kept = rest
        if size == 1:
            return kept
        size = max(size // 2, 1)


def _names(constraints: Sequence[Linear]) -> list[str]:
    return list(dict.fromkeys(each.name for each in constraints))


def _terms(constraints: Sequence[Linear], name: str) -> int:
    return max(len(each.terms) for each in constraints if each.name == name)


def _to_leave_out(group: Conflict) -> str:
    """The relation that binds the most numbers (of equals, the last); else the last constraint."""
    names = [each.name for each in group.constraints if not each.is_printed] or _names(group.constraints)
    return max(reversed(names), key=lambda name: _terms(group.constraints, name))


def _components(constraints: Sequence[Linear]) -> list[list[Linear]]:
    """Constraints that hang together through unknowns or a name, in the order of their first member."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        parent.setdefault(key, key)
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for each in constraints:
        for name in each.terms:
            parent[root(f"u {name}")] = root(f"c {each.name}")
    parts: dict[str, list[Linear]] = {}
    for each in constraints:
        parts.setdefault(root(f"c {each.name}"), []).append(each)
    return list(parts.values())


def constraints_about(constraints: Sequence[Linear], names: Iterable[str]) -> list[Linear]:
    """The constraints that hang together with some unknowns."""
    wanted = set(names)
    parts = [part for part in _components(constraints) if any(wanted & set(each.terms) for each in part)]
    return [each for part in parts for each in part]


# ---- the solver


class Brake:
    """Seconds that a search may take at most, and what has to be said about it."""

    def __init__(self, seconds: float):
        self.end = time.monotonic() + seconds
        self.notes: list[str] = []
        self.pulled = False

    def note(self, text: str) -> None:
        self.notes.append(text)

    @property
    def left(self) -> float:
        return max(self.end - time.monotonic(), 0.0)


def _feasible(known: Mapping[str, Unknown], constraints: Sequence[Linear], brake: Brake) -> bool:
    return Program(known, constraints).feasible(brake)


class Program:
    """Constraints as the solver takes them, to be asked many times."""

    def __init__(
        self, known: Mapping[str, Unknown], constraints: Sequence[Linear], more: Iterable[str] = ()
    ) -> None:
        self.names = list(dict.fromkeys([*more, *(name for each in constraints for name in each.terms)]))
        self._place = {name: place for place, name in enumerate(self.names)}
        matrix, low, high = _matrix(self.names, constraints)
        spread = _WIDER * np.maximum(1.0, np.abs(matrix).max(axis=1).toarray().ravel() if len(low) else 0.0)
        self._domains = _domains(known, self.names)
        ends = _outward(low, -spread), _outward(high, spread)
        self._rows = [LinearConstraint(matrix, *ends)] if len(low) else []

    def extent(self, terms: Mapping[str, float], brake: "Brake", whole: bool = True) -> Range:
        """As `extent`; without `whole`, over real numbers: further out, and fast."""
        ends, finished = [], True
        has_whole = whole and bool(self._domains[2].any())
        for sign in (1.0, -1.0):
            objective = {name: sign * value for name, value in terms.items()}
            answer = self.solve(brake, objective, whole=whole)
            if answer.status == 2:
                return Range(math.inf, -math.inf)
            finished = finished and answer.status in (0, 3)
            # Without whole numbers there is no branch and bound, and the optimum is the bound.
            reached = answer.mip_dual_bound if has_whole else answer.fun
            unbounded = reached is None or not math.isfinite(reached)
            ends.append(-sign * math.inf if unbounded else sign * reached)
        return Range(*ends, exact=finished)

    def feasible(self, brake: "Brake", fixed: Mapping[str, float] | None = None) -> bool:
        """Whether the constraints can hold, with some unknowns fixed: only a proof makes it no."""
        answer = self.solve(brake, fixed=fixed)
        if answer.status == 1:
            brake.pulled = True
            cause = "the time limit" if brake.left <= 0 else f"{NODES} nodes"
            brake.note(f"not exhaustive: a search for whole numbers ended at {cause}")
        return answer.status != 2

    def solve(
        self,
        brake: "Brake",
        objective: Mapping[str, float] | None = None,
        fixed: Mapping[str, float] | None = None,
        whole: bool = True,
    ):
        """The solver's answer: the least value of an objective."""
        cost = np.zeros(len(self.names))
        for name, value in (objective or {}).items():
            cost[self._place[name]] = value
        lowest, highest, integrality = (each.copy() for each in self._domains)
        for name, value in (fixed or {}).items():
            lowest[self._place[name]] = highest[self._place[name]] = value
        return milp(
            cost,
            integrality=integrality if whole else None,
            bounds=Bounds(lowest, highest),
            constraints=self._rows,
            options={"node_limit": NODES, "time_limit": max(brake.left, 1e-3)},
        )


def _outward(ends: np.ndarray, spread: np.ndarray) -> np.ndarray:
    size = np.where(np.isfinite(ends), np.maximum(np.abs(ends), 1.0), 1.0)
    return ends + np.sign(spread) * np.maximum(np.abs(spread), _WIDER * size)


def _matrix(
    names: Sequence[str], constraints: Sequence[Linear]
) -> tuple[sparse.csr_array, np.ndarray, np.ndarray]:
    place = {name: i for i, name in enumerate(names)}
    rows = [i for i, each in enumerate(constraints) for _ in each.terms]
    columns = [place[name] for each in constraints for name in each.terms]
    values = [float(value) for each in constraints for value in each.terms.values()]
    matrix = sparse.csr_array((values, (rows, columns)), shape=(len(constraints), len(names)))
    ends = np.array([[each.low, each.high] for each in constraints], dtype=float).reshape(-1, 2)
    return matrix, ends[:, 0], ends[:, 1]


def _domains(known: Mapping[str, Unknown], names: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    chosen = [known[name] for name in names]
    return (
        np.array([each.low for each in chosen], dtype=float),
        np.array([each.high for each in chosen], dtype=float),
        np.array([each.whole for each in chosen], dtype=int),
    )


# ---- exact proofs


def _support(known: Mapping[str, Unknown], constraints: Sequence[Linear]) -> list[Linear]:
    """Constraints that contradict each other already among real numbers (Farkas); none if they do not."""
    weights = _weights(known, constraints)
    names = {each.name for each, weight in zip(constraints, weights, strict=True) if abs(weight) > 1e-9}
    return [each for each in constraints if each.name in names]


def _weights(known: Mapping[str, Unknown], constraints: Sequence[Linear]) -> np.ndarray:
    """Multipliers of the constraints from the least violation that is needed; zeros if none is."""
    names = list(dict.fromkeys(name for each in constraints for name in each.terms))
    matrix, low, high = _matrix(names, constraints)
    scale = 1.0 / np.abs(matrix).max(axis=1).toarray().ravel()
    matrix = sparse.csr_array(sparse.diags_array(scale) @ matrix)
    lowest, highest, _ = _domains(known, names)
    upper, lower = np.isfinite(high), np.isfinite(low)
    left = sparse.vstack([matrix[upper], -matrix[lower]])
    slack = sparse.csr_array(-np.ones((left.shape[0], 1)))
    right = np.concatenate([(high * scale)[upper], -(low * scale)[lower]])
    answer = linprog(
        np.append(np.zeros(len(names)), 1.0),
        A_ub=sparse.hstack([left, slack]),
        b_ub=right,
        bounds=np.column_stack([np.append(lowest, 0.0), np.append(highest, np.inf)]),
        method="highs",
    )
    weights = np.zeros(len(constraints))
    if answer.status != 0 or answer.fun <= _WIDER:
        return weights
    multipliers = -answer.ineqlin.marginals
    weights[upper] += multipliers[: upper.sum()]
    weights[lower] -= multipliers[upper.sum() :]
    return weights * scale


def combination(known: Mapping[str, Unknown], constraints: Sequence[Linear]) -> Combination | None:
    """An exact proof, in fractions, that constraints contradict each other; none if it needs whole ones."""
    weights = _weights(known, constraints)
    largest = np.abs(weights).max(initial=0.0)
    smallest = min((abs(weight) for weight in weights if abs(weight) > 1e-9 * largest), default=0.0)
    if not smallest:
        return None
    for unit in (smallest, largest):
        exact = tuple(Fraction(weight / unit).limit_denominator(10_000) for weight in weights)
        proof = _combined(known, constraints, exact)
        if proof:
            return proof
    return None


def _combined(
    known: Mapping[str, Unknown], constraints: Sequence[Linear], weights: tuple[Fraction, ...]
) -> Combination | None:
    terms: dict[str, Fraction] = {}
    high = Fraction(0)
    for each, weight in zip(constraints, weights, strict=True):
        if weight:
            high += weight * fraction(each.high if weight > 0 else each.low)
            for name, value in each.terms.items():
                terms[name] = terms.get(name, Fraction(0)) + weight * fraction(value)
    low = Fraction(0)
    for name, value in terms.items():
        end = known[name].low if value > 0 else known[name].high
        if value and not math.isfinite(end):
            return None
        low += value * fraction(end) if value else 0
    return Combination(weights, low, high) if low > high else None


def fraction(value: float) -> Fraction:
    """The decimal that a floating-point number was written as: 0.1 is a tenth."""
    return Fraction(Decimal(repr(float(value))))


# ---- the proof in words


def sentence(conflict: Conflict, printed: Mapping[str, str]) -> str:
    """What collides, in numbers first and names after.

    Args:
        printed: printed text by name of the claim.
    """
    sums = _sums(conflict)
    if len(conflict.printed) == 2 and len(conflict.constraints) == 3 and sums:
        return f"{_named(conflict.printed, printed)} should be the same number."
    if sums:
        alone = "" if " = " in sums[1] or "needed" in sums[1] else " is printed"
        return f"{sums[0]}, but {sums[1]}{alone} ({_named(conflict.printed, printed)})."
    together = f"{_named(conflict.printed, printed)} cannot all hold"
    if conflict.implied is None:
        return f"{together}: no whole numbers fit." if conflict.proof is None else f"{together}."
    name, range_ = conflict.implied
    return (
        f"{together}: by the others, {name} is {range_text(range_)}, but {printed.get(name, '')} is printed."
    )


def range_text(found: Range) -> str:
    """A number, its ends, or its one end, in words."""
    low, high = f"{found.low:.6g}", f"{found.high:.6g}"
    if math.isinf(found.high):
        return "any number" if math.isinf(found.low) else f"at least {low}"
    return (
        f"at most {high}"
        if math.isinf(found.low) or not found.low
        else low
        if low == high
        else f"{low} to {high}"
    )


def _named(names: Sequence[str], printed: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {printed.get(name, '')}".strip() for name in names)


def _sums(conflict: Conflict) -> tuple[str, str] | None:
    """Both sides of the contradiction where each is a sum of printed numbers: 163 + 16 + 22 = 201 and 197."""
    if conflict.proof is None or any(each.claims for each in conflict.constraints):
        return None
    sides: dict[bool, list[tuple[Fraction, Fraction, bool]]] = {True: [], False: []}
    rest = conflict.proof.low
    for each, weight in zip(conflict.constraints, conflict.proof.weights, strict=True):
        end = fraction(each.high if weight > 0 else each.low) if weight else Fraction(0)
        if each.is_printed and weight:
            sides[weight > 0].append((abs(weight), end, each.low == each.high))
        else:
            rest -= weight * end  # what the relations and the domains add
    if not sides[True] and not sides[False]:
        return None
    most, least = (sum((w * end for w, end, _ in sides[side]), Fraction(0)) for side in (True, False))
    exact = all(same for side in sides.values() for _, _, same in side)
    # The one side is at most `most`; by the relations it is at least `least` + `rest`.
    left, right = (
        _written(sides[True], most, "at most", exact),
        _written(sides[False], least + rest, "at least", exact, rest),
    )
    if not (sides[True] and sides[False]):
        return (left, f"{right} is needed") if sides[True] else (right, f"{left} is needed")
    return (left, right) if len(sides[True]) > len(sides[False]) else (right, left)


def _written(
    members: Sequence[tuple[Fraction, Fraction, bool]],
    total: Fraction,
    bound: str,
    exact: bool,
    rest: Fraction = Fraction(0),
) -> str:
    shown = [
        end_text(end) if weight == 1 else f"{end_text(weight)} × {end_text(end)}"
        for weight, end, _ in members
    ]
    text = " + ".join(shown)
    if rest:
        sign = "+" if rest > 0 else "−"
        text = f"{text} {sign} {end_text(abs(rest))}" if text else end_text(rest)
    if text == end_text(total):
        return text if exact else f"{bound} {text}"
    return f"{text} = {end_text(total)}" if exact else f"{text} is {bound} {end_text(total)}"


def end_text(value: Fraction) -> str:
    """A number in few digits: 201, 16.5."""
    return f"{float(value):.10g}"
