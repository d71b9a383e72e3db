"""Can tests of tables with unknown cells all give their printed p? By looking at every possible table.

A set of tests that share cells is gone through cell by cell: each unknown count between what the linear
constraints leave it, each test as soon as its table is complete. What is left is checked with all linear
constraints at once. Without any assignment there is a conflict, if every one was looked at. Where there are
many, a part of them is looked at first: one that fits everything ends the search as well. What decides are
numbers of candidates, never seconds; a limit of seconds is an emergency brake, and a search that it stops
says so.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations

import numpy as np

from decidua.audit.boxes import Range
from decidua.audit.conflicts import (
    Brake,
    Linear,
    Program,
    Unknown,
    constraints_about,
    deletion_filter,
    infeasible_group,
)

#: A cell: coefficient by unknown, and a constant.
Cell = tuple[Mapping[str, float], float]
#: Tables whose p is computed at once.
_PIECE = 100_000
#: Assignments held at once.
_HELD = 500_000
#: Directions in which two unknowns are bounded together.
_DIRECTIONS = ((1, 1), (1, -1), (1, 2), (2, 1))
#: Unknowns of one test that are bounded two by two at most; a search of larger tests alone goes no further.
_NARROWED = 8
#: Assignments that are checked one by one with all linear constraints.
MOST_CHECKED = 400
#: Searches with pairs of unknowns bounded, and conflicts whose members are looked for, at most.
_HARD, _SHORTENED = 30, 4
#: Sets of tests that are searched at most.
_SETS = 300
#: Candidates of each search by which the members of a conflict are made fewer.
_OF_EACH = 1_500_000


@dataclass(frozen=True)
class Effort:
    """How far a search goes: candidates at most; first bound pairs of unknowns; look at a part only."""

    most: int
    narrow: bool = False
    thin: bool = False


#: One after another until one decides. A part of the candidates can only show that there is a solution.
QUICK, PART = Effort(500_000), Effort(100_000, thin=True)
NARROW_PART, FULL = Effort(300_000, narrow=True, thin=True), Effort(4_000_000, narrow=True)
EFFORTS = QUICK, PART, NARROW_PART, FULL


@dataclass(frozen=True)
class Test:
    """A table whose cells are sums of unknown counts, and what is printed of its p.

    p: from tables (N x rows x columns) to N p-values. low, high: the printed p. claims: the printed p's name.
    method: the test's name. others: the same as `p` by other standard tests.
    """

    name: str
    cells: Sequence[Sequence[Cell]]
    p: Callable[[np.ndarray], np.ndarray]
    low: float
    high: float
    claims: tuple[str, ...] = ()
    method: str = ""
    others: Mapping[str, Callable[[np.ndarray], np.ndarray]] = field(default_factory=dict)

    @property
    def unknowns(self) -> tuple[str, ...]:
        """The counts that its cells speak of, in their order."""
        return tuple(dict.fromkeys(name for row in self.cells for terms, _ in row for name in terms))


@dataclass(frozen=True)
class Search:
    """What came of a set of tests.

    solved: whether some tables give every printed p. exhaustive: whether every table was looked at.
    candidates: tables and parts of tables that were looked at. about: how many there are, if not exhaustive.
    other: which of them would have to be by which other standard test, if that is enough. facts: what follows
    for the unknowns and collides. direct: the linear constraints about the cells that collide. members:
    these, and those from which the facts follow. stopped: by the limit of seconds.
    """

    tests: tuple[Test, ...]
    solved: bool
    exhaustive: bool
    candidates: int
    about: float = 0.0
    other: str = ""
    facts: tuple[Linear, ...] = ()
    direct: tuple[Linear, ...] = ()
    members: tuple[Linear, ...] = ()
    stopped: bool = False

    @property
    def is_conflict(self) -> bool:
        """Whether it is certain that the tests cannot all give their printed p."""
        return self.exhaustive and not self.solved

    @property
    def told(self) -> str:
        """What was searched, in words."""
        unknowns = len({name for test in self.tests for name in test.unknowns})
        looked_at = f"{self.candidates:,} candidates for the {unknowns} counts of the tables"
        if self.exhaustive:
            return f"exhaustive: none of {looked_at} fits; a smaller group may collide too"
        if self.stopped:
            return f"not exhaustive: stopped by the time limit after {looked_at}"
        return f"not exhaustive: {looked_at}, of {_at_most(self.about)}"


def _at_most(number: float) -> str:
    if math.isinf(number):
        return "any number"
    return f"at most {number:,.0f}" if number < 1e9 else f"at most 10^{math.ceil(math.log10(number))}"


def search_tests(
    unknowns: Sequence[Unknown],
    constraints: Sequence[Linear],
    tests: Sequence[Test],
    efforts: Sequence[Effort] = EFFORTS,
    seconds: float = 600.0,
) -> list[Search]:
    """Search the sets of tests that share cells: each by itself, pairs, and three where two cover a third.

    A test whose cells are all known is left out: that is a recomputation, and says nothing of other tests.

    Args:
        unknowns, constraints: as for `conflicts`, but constraints that can all hold.
        efforts: how far the searches of a set go, one after another.
        seconds: an emergency brake.

    Returns:
        Those searches that found a conflict, of the smallest sets, and those that did not end.
    """
    brake, hard = Brake(seconds), 0
    found: list[Search] = []
    for together, about, names in _together(tests, constraints):
        system = _System({each.name: each for each in unknowns if each.name in names}, about, brake, hard)
        if not system.program.feasible(brake):
            raise ValueError("constraints that contradict one another")
        found += _searched(system, together, efforts)
        hard = system.hard
    return found


def _searched(system: "_System", tests: Sequence[Test], efforts: Sequence[Effort]) -> list[Search]:
    found: list[Search] = []
    sets = _sets([test for test in tests if system.is_open(test)])
    for chosen in sets[:_SETS]:
        names = {test.name for test in chosen}
        if any({test.name for test in other.tests} <= names for other in found):
            continue
        search = system.decide(chosen, efforts)
        if not search.solved:
            shorten = search.exhaustive and sum(each.is_conflict for each in found) < _SHORTENED
            found.append(system.shortened(search) if shorten else search)
    if sets[_SETS:]:
        rest = {test.name: test for chosen in sets[_SETS:] for test in chosen}
        found.append(Search(tuple(rest.values()), False, False, 0, math.inf))
    return found


def _together(
    tests: Sequence[Test], constraints: Sequence[Linear]
) -> list[tuple[list[Test], list[Linear], set[str]]]:
    """Tests that share unknowns, directly or through constraints; the constraints about them; the names."""
    groups: list[tuple[list[Test], list[Linear], set[str]]] = []
    for test in tests:
        about = constraints_about(constraints, test.unknowns)
        members, names = [test], {*test.unknowns, *(name for each in about for name in each.terms)}
        for group in [each for each in groups if each[2] & names]:
            groups.remove(group)
            members, names = [*group[0], *members], names | group[2]
            about += [each for each in group[1] if each not in about]
        groups.append((members, about, names))
    return groups


def _sets(tests: Sequence[Test]) -> list[tuple[Test, ...]]:
    """Sets of tests worth a search, the smallest first; a test of sums of others' cells only with these."""
    of = {test.name: set(test.unknowns) for test in tests}
    threes, sums = [], set()
    for whole in tests:
        mine = of[whole.name]
        parts = [each for each in tests if of[each.name] and of[each.name] < mine]
        for pair in combinations(parts, 2):
            if mine <= of[pair[0].name] | of[pair[1].name]:
                threes.append((*pair, whole))
                sums.add(whole.name)
    rest = [test for test in tests if test.unknowns and test.name not in sums]
    pairs = [pair for pair in combinations(rest, 2) if of[pair[0].name] & of[pair[1].name]]
    return [*((test,) for test in rest), *pairs, *threes]


class _TooMany(Exception):
    """More candidates than may be looked at: how many there are at most; or no time left."""

    def __init__(self, about: float = math.inf, stopped: bool = False):
        super().__init__(about)
        self.about, self.stopped = about, stopped


@dataclass
class _System:
    """Linear constraints, the bounds that follow from them, and searches that were made already.

    by_all: whether an unknown is bounded by all constraints together, or by one at a time.
    tables: assignments that were found, by what they rest on.
    """

    known: Mapping[str, Unknown]
    constraints: list[Linear]
    brake: Brake
    hard: int = 0
    looked_at: int = 0
    by_all: bool = True
    tables: dict[Hashable, tuple[dict[str, np.ndarray], int]] = field(default_factory=dict)
    cuts: list[Linear] = field(default_factory=list)
    _narrowed: set[tuple[str, ...]] = field(default_factory=set)
    _ranges: dict[str, Range] = field(default_factory=dict)
    _speaking: dict[str, list[Linear]] = field(default_factory=dict)
    _rough: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for each in self.constraints:
            for name in each.terms:
                self._speaking.setdefault(name, []).append(each)
        self._rough = propagated(self.known, self.constraints)

    @cached_property
    def program(self) -> Program:
        """The constraints as the solver takes them."""
        return Program(self.known, self.constraints, self.known)

    def decide(self, tests: Sequence[Test], efforts: Sequence[Effort]) -> Search:
        """Search with growing effort until it is known whether the tests can all have their p."""
        search = self.search(tests, efforts[0])
        small = any(len(test.unknowns) <= _NARROWED for test in tests) and self.hard < _HARD
        for effort in efforts[1:]:
            if search.solved or search.exhaustive or search.stopped or effort.narrow and not small:
                break
            self.hard += effort.narrow
            before, search = search, self.search(tests, effort)
            if not search.exhaustive:
                search = replace(search, about=min(search.about, before.about))
        return search

    def search(self, tests: Sequence[Test], effort: Effort) -> Search:
        """Go through the assignments of the cells of some tests."""
        self.looked_at = 0
        if any(test.low <= 0 and test.high >= 1 for test in tests):
            return Search(tuple(tests), True, True, 0)
        try:
            left = self._candidates(tests, effort)
        except _TooMany as error:
            return Search(tuple(tests), False, False, self.looked_at, error.about, stopped=error.stopped)
        size = _size(left)
        most = 60 if effort.thin else MOST_CHECKED
        if size == 1 and self._is_known(left):
            return Search(tuple(tests), True, True, self.looked_at)  # the only values that are left
        for row in np.unique(np.linspace(0, size - 1, min(size, most)).astype(int)) if size else ():
            fixed = {name: float(values[row]) for name, values in left.items()}
            if self._fits(fixed):
                return Search(tuple(tests), True, True, self.looked_at)
        ended = size <= most and not effort.thin
        return Search(tuple(tests), False, ended, self.looked_at, 0.0 if ended else math.inf)

    def shortened(self, search: Search) -> Search:
        """The same conflict with what it needs, and another test that would resolve it.

        First what speaks of the cells, and the least and the greatest values that follow for its unknowns;
        then the constraints from which the values that are needed follow.
        """
        search = replace(search, other=self.other_test(search.tests))
        cells = {name for test in search.tests for name in test.unknowns}
        direct = [each for each in self.constraints if cells & set(each.terms)]
        spoken = {each.name for each in direct}
        direct = [each for each in self.constraints if each.name in spoken]
        ends = self._ends(dict.fromkeys([*sorted(cells), *(name for each in direct for name in each.terms)]))

        def collides(part: Sequence[Linear]) -> bool:
            system = _System(self.known, list(part), self.brake, by_all=False, tables=self.tables)
            return system.search(search.tests, Effort(_OF_EACH)).is_conflict

        start = [*direct, *ends]
        if not collides(start):
            return search
        kept = deletion_filter(start, collides)
        facts = tuple(each for each in kept if each in ends)
        direct = tuple(each for each in kept if each not in ends)
        members = list(direct)
        for fact in facts:
            members += [each for each in self._because(fact) if each not in members]
        return replace(search, members=tuple(members), facts=facts, direct=direct)

    def _ends(self, names: Iterable[str]) -> list[Linear]:
        """The least and the greatest value of some unknowns, where they follow from the constraints."""
        made = []
        for name in names:
            found, own = self._range(name), self.known[name]
            if found.low > own.low:
                made.append(Linear(f"{name} at least", {name: 1.0}, found.low, math.inf))
            if found.high < own.high:
                made.append(Linear(f"{name} at most", {name: 1.0}, -math.inf, found.high))
        return made

    def _because(self, fact: Linear) -> list[Linear]:
        """Constraints, as few as can be, from which it follows that an unknown is not beyond an end."""
        (name,) = fact.terms
        step = 1.0 if self.known[name].whole else 1e-4 * max(1.0, abs(fact.low), abs(fact.high))
        low, high = (-math.inf, fact.low - step) if math.isinf(fact.high) else (fact.high + step, math.inf)
        beyond = Linear(f"{name} beyond", {name: 1.0}, low, high)
        asked = [*self.constraints, beyond]
        real = [replace(each, whole=False) for each in self.known.values()]
        group = infeasible_group(real, asked, name) or infeasible_group(
            list(self.known.values()), asked, name
        )
        return [each for each in group if each is not beyond]

    def other_test(self, tests: Sequence[Test]) -> str:
        """Another standard test, of all or of one, by which the tests can have their p."""
        methods = list(dict.fromkeys(method for test in tests for method in test.others))
        for group in (list(tests), *([test] for test in tests)):
            for method in methods:
                if all(method in test.others for test in group):
                    changed = {test.name: test.others[method] for test in group}
                    others = [replace(test, p=changed.get(test.name, test.p)) for test in tests]
                    if self.search(others, QUICK).solved:
                        return f"{' and '.join(name for test in group for name in test.claims)} by {method}"
        return ""

    def is_open(self, test: Test) -> bool:
        """Whether a table is of whole numbers that are not all known."""
        return all(self.known[name].whole for name in test.unknowns) and not self._is_known(test.unknowns)

    def _is_known(self, names: Iterable[str]) -> bool:
        return all(self._width(name)[0] <= 0 for name in names)

    def _fits(self, fixed: Mapping[str, float]) -> bool:
        """Whether everything linear can hold with some counts."""
        return self.program.feasible(self.brake, fixed)

    def _candidates(self, tests: Sequence[Test], effort: Effort) -> dict[str, np.ndarray]:
        """Assignments that pass every test: blocks that share cells are joined, the smallest first."""
        blocks: list[dict[str, np.ndarray]] = []
        for test in sorted(tests, key=lambda test: (len(test.unknowns), test.name)):
            mine = set(test.unknowns)
            touching = [block for block in blocks if set(block) & mine]
            blocks = [block for block in blocks if not set(block) & mine]
            if not touching:
                rows = self._alone(test, effort)
            elif len(touching) == 2 and set(touching[0]) | set(touching[1]) >= mine:
                rows = self._pairs(test, *touching, effort)
            else:
                rows = self._joined(touching, effort)
                order = sorted(mine - set(rows), key=self._width)
                rows = self._assign(test, rows, order, effort)
            blocks.append(rows)
        return self._joined(blocks, effort)

    def _alone(self, test: Test, effort: Effort) -> dict[str, np.ndarray]:
        """Assignments of the cells of one test that give its p, kept for other sets with the test."""
        about = self._about(test)
        for kept in (QUICK, effort):
            if not effort.thin and (test.p, kept, about) in self.tables:
                rows, looked_at = self.tables[test.p, kept, about]
                self.looked_at += looked_at
                return rows
        before = self.looked_at
        if effort.narrow and len(test.unknowns) <= _NARROWED:
            self._narrow(test.unknowns)
        rows = self._assign(test, {}, sorted(test.unknowns, key=self._width), effort)
        self.tables[test.p, effort, about] = rows, self.looked_at - before
        return rows

    def _about(self, test: Test) -> Hashable:
        """What the assignments of a test rest on: constraints that speak of its cells, and their ranges."""
        speaking = [each for name in test.unknowns for each in self._speaking.get(name, ())]
        spoken = sorted({*test.unknowns, *(name for each in speaking for name in each.terms)})
        said = frozenset((each.low, each.high, *each.terms.items()) for each in speaking)
        return self.by_all, said, tuple(self._rough[name] for name in spoken)

    def _assign(
        self, test: Test, rows: dict[str, np.ndarray], order: Sequence[str], effort: Effort
    ) -> dict[str, np.ndarray]:
        """Extend assignments by some unknowns, in pieces if they get many; keep those that give the p."""
        for place, name in enumerate(order):
            low, high = self._between(rows, name)
            widths = np.maximum(high - low + 1, 0)
            total = float(widths.sum())
            if effort.thin and total > effort.most:
                rows, low, widths = self._thinned(rows, low, widths, effort.most)
                total = float(widths.sum())
            self._look_at(total, effort, order[place + 1 :])
            if total > _HELD and _size(rows) > 1:
                middle = int(np.searchsorted(np.cumsum(widths), total / 2))
                middle = min(max(middle, 1), _size(rows) - 1)
                self.looked_at -= int(total)
                halves = [
                    self._assign(test, _chosen(rows, piece), order[place:], effort)
                    for piece in (slice(None, middle), slice(middle, None))
                ]
                return _stacked(halves)
            rows = _extended(rows, name, low, widths.astype(np.int64))
        return _chosen(rows, self._passes(test, rows))

    def _narrow(self, names: Sequence[str]) -> None:
        """Bound each two unknowns together, by all linear constraints on real numbers."""
        free = [name for name in names if self._width(name)[0] > 0]
        for pair in combinations(free, 2):
            if pair in self._narrowed:
                continue
            self._narrowed.add(pair)
            for factors in _DIRECTIONS:
                side = dict(zip(pair, map(float, factors), strict=True))
                found = self.program.extent(side, self.brake, whole=False)
                if not found.empty:
                    name = f"{pair[0]}, {pair[1]} {factors}"
                    self.cuts.append(Linear(name, side, found.low - 1e-6, found.high + 1e-6))

    def _pairs(
        self,
        test: Test,
        first: dict[str, np.ndarray],
        second: dict[str, np.ndarray],
        effort: Effort,
    ) -> dict[str, np.ndarray]:
        """Every pair of assignments of two blocks that gives the p of a test, a piece at a time."""
        if effort.thin:
            first, second = (_every(each, int(math.sqrt(effort.most))) for each in (first, second))
        a, b = _size(first), _size(second)
        self._look_at(a * b, effort)
        kept = [_product(_chosen(first, slice(0, 0)), second)]
        step = max(_PIECE // max(b, 1), 1)
        for start in range(0, a, step):
            rows = _product(_chosen(first, slice(start, start + step)), second)
            kept.append(_chosen(rows, self._passes(test, rows)))
        return _stacked(kept)

    def _joined(self, blocks: Sequence[dict[str, np.ndarray]], effort: Effort) -> dict[str, np.ndarray]:
        """Every combination of assignments of blocks that have no name in common."""
        rows: dict[str, np.ndarray] = {}
        for block in blocks:
            if not rows:
                rows = block
                continue
            if effort.thin:
                rows, block = (_every(each, int(math.sqrt(effort.most))) for each in (rows, block))
            pairs = _size(rows) * _size(block)
            if pairs > _HELD:
                raise _TooMany(self.looked_at + pairs)
            self._look_at(pairs, effort)
            rows = _product(rows, block)
        return rows

    def _look_at(self, candidates: float, effort: Effort, rest: Sequence[str] = ()) -> None:
        """Count candidates before they are made; `rest` are the unknowns that they lack."""
        if self.brake.left <= 0:
            raise _TooMany(stopped=True)
        most = math.inf if effort.thin else effort.most
        if not math.isfinite(candidates) or self.looked_at + candidates > most:
            after = math.prod(max(self._width(name)[0] + 1, 1) for name in rest)
            raise _TooMany(self.looked_at + max(candidates, 1) * after)
        self.looked_at += int(candidates)

    def _thinned(
        self, rows: dict[str, np.ndarray], low: np.ndarray, widths: np.ndarray, most: int
    ) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        """Some of the assignments, evenly spaced, so that with one more unknown they are not too many."""
        size = len(widths)
        low, widths = np.where(np.isfinite(low), low, 0.0), np.minimum(widths, most)
        kept = max(int(size * most / widths.sum()), 1)
        if not rows:
            return rows, low, widths
        places = np.unique(np.linspace(0, size - 1, kept).astype(int))
        return _chosen(rows, places), low[places], widths[places]

    def _range(self, name: str) -> Range:
        """Where an unknown is, by the linear constraints."""
        if name not in self._ranges:
            low, high = self._rough[name]
            if low < high and self.by_all:
                found = self.program.extent({name: 1.0}, self.brake, whole=False)
                slack = 1e-5 * max(
                    1.0, *(abs(end) for end in (found.low, found.high) if math.isfinite(end)), 1.0
                )
                ends = found.low - slack, found.high + slack
                if self.known[name].whole:
                    ends = float(np.ceil(ends[0])), float(np.floor(ends[1]))
                if not found.empty:
                    low, high = max(low, ends[0]), min(high, ends[1])
            self._ranges[name] = Range(low, high)
        return self._ranges[name]

    def _width(self, name: str) -> tuple[float, str]:
        return self._range(name).high - self._range(name).low, name

    def _between(self, rows: Mapping[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
        """The least and the greatest value of an unknown in each assignment."""
        found = self._range(name)
        size = _size(rows) if rows else 1
        low, high = np.full(size, float(found.low)), np.full(size, float(found.high))
        for each in (*self._speaking.get(name, ()), *self.cuts):
            if name not in each.terms or not (set(each.terms) & set(rows)):
                continue
            least, most = self._rest(each, rows, name)
            factor = each.terms[name]
            with np.errstate(invalid="ignore"):
                ends = [(each.low - most) / factor, (each.high - least) / factor]
            lower, upper = ends if factor > 0 else ends[::-1]
            # What is not a number (infinity less infinity) bounds nothing.
            low, high = np.fmax(low, lower), np.fmin(high, upper)
        return np.ceil(low - 1e-6), np.floor(high + 1e-6)

    def _rest(
        self, constraint: Linear, rows: Mapping[str, np.ndarray], name: str
    ) -> tuple[np.ndarray | float, np.ndarray | float]:
        """What the other terms of a constraint are at least and at most in each assignment."""
        least: np.ndarray | float = 0.0
        most: np.ndarray | float = 0.0
        for other, factor in constraint.terms.items():
            if other in rows:
                least, most = least + factor * rows[other], most + factor * rows[other]
            elif other != name:
                found = self._ranges.get(other)
                low, high = (found.low, found.high) if found else self._rough[other]
                ends = sorted((factor * low, factor * high))
                least, most = least + ends[0], most + ends[1]
        return least, most

    def _passes(self, test: Test, rows: Mapping[str, np.ndarray]) -> np.ndarray:
        """Where the table has no cell below 0 and its p is as printed."""
        size = _size(rows)
        passes = np.zeros(size, dtype=bool)
        for start in range(0, size, _PIECE):
            piece = slice(start, start + _PIECE)
            table = _table(test, rows, piece)
            possible = np.flatnonzero((table >= 0).all(axis=(1, 2)))
            if len(possible):
                p = test.p(table[possible])
                slack = 1e-9 + 1e-9 * np.abs(p)
                passes[start + possible] = (p >= test.low - slack) & (p <= test.high + slack)
        return passes


def _table(test: Test, rows: Mapping[str, np.ndarray], piece: slice) -> np.ndarray:
    size = len(next(iter(rows.values()))[piece])
    table = np.empty((size, len(test.cells), len(test.cells[0])))
    for i, line in enumerate(test.cells):
        for j, (terms, constant) in enumerate(line):
            table[:, i, j] = constant + sum(factor * rows[name][piece] for name, factor in terms.items())
    return table


def propagated(
    known: Mapping[str, Unknown], constraints: Sequence[Linear], sweeps: int = 8
) -> dict[str, tuple[float, float]]:
    """Where each unknown is, by one constraint at a time: wider than by all at once, and fast."""
    ends = {each.name: (each.low, each.high) for each in known.values()}
    for _ in range(sweeps):
        changed = False
        for each in constraints:
            changed |= _tightened(each, ends, known)
        if not changed:
            break
    return ends


def _tightened(
    constraint: Linear, ends: dict[str, tuple[float, float]], known: Mapping[str, Unknown]
) -> bool:
    spans = {name: sorted(f * end for end in ends[name]) for name, f in constraint.terms.items()}
    changed = False
    for name, factor in constraint.terms.items():
        least = sum(span[0] for other, span in spans.items() if other != name)
        most = sum(span[1] for other, span in spans.items() if other != name)
        lower, upper = sorted(((constraint.low - most) / factor, (constraint.high - least) / factor))
        if math.isnan(lower) or math.isnan(upper):
            continue
        slack = 1e-7 * max(1.0, *(abs(end) for end in (lower, upper) if math.isfinite(end)), 1.0)
        lower, upper = lower - slack, upper + slack
        if known[name].whole:
            lower = math.ceil(lower) if math.isfinite(lower) else lower
            upper = math.floor(upper) if math.isfinite(upper) else upper
        low, high = ends[name]
        if lower > low + 1e-6 or upper < high - 1e-6:
            ends[name] = (max(low, lower), min(high, upper))
            changed = True
    return changed


def _extended(
    rows: Mapping[str, np.ndarray], name: str, low: np.ndarray, widths: np.ndarray
) -> dict[str, np.ndarray]:
    """Each assignment with `widths` values of one more unknown, from `low`."""
    place = np.repeat(np.arange(len(widths)), widths)
    within = np.arange(widths.sum()) - np.repeat(np.cumsum(widths) - widths, widths)
    extended = {other: values[place] for other, values in rows.items()}
    return extended | {name: (low[place] + within).astype(np.int32)}


def _product(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    a, b = _size(first), _size(second)
    repeated = {name: np.repeat(values, b) for name, values in first.items()}
    return repeated | {name: np.tile(values, a) for name, values in second.items()}


def _chosen(rows: Mapping[str, np.ndarray], where: np.ndarray | slice) -> dict[str, np.ndarray]:
    return {name: values[where] for name, values in rows.items()}


def _every(rows: dict[str, np.ndarray], most: int) -> dict[str, np.ndarray]:
    """At most so many of the assignments, evenly spaced."""
    size = _size(rows)
    return rows if size <= most else _chosen(rows, np.linspace(0, size - 1, most).astype(int))


def _stacked(parts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _size(rows: Mapping[str, np.ndarray]) -> int:
    return len(next(iter(rows.values()))) if rows else 0
