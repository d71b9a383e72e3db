"""Can tests of tables with unknown cells all give their printed p? By looking at every possible table.

A set of tests that share cells is gone through cell by cell: each unknown count between what the linear
constraints leave it, each test as soon as its table is complete. What is left is checked with all linear
constraints at once. The first solution ends the search; without one there is a conflict, if the search was
exhaustive. What decides are numbers of candidates, never seconds.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from decidua.audit.boxes import Range
from decidua.audit.conflicts import Linear, Unknown, bounds, extent, solution

#: Candidates of one search; a search that needs more is not exhaustive.
MOST = 20_000_000
#: Assignments held at once.
_HELD = 500_000
#: More candidates of one test than `_WIDE` are narrowed by what is linear of each two unknowns, if there is hope:
#: not where there are more than `_HOPELESS`.
_WIDE, _HOPELESS = 150_000, 1e9
#: Directions in which two unknowns are bounded together.
_DIRECTIONS = ((1, 1), (1, -1), (1, 2), (2, 1))
#: Candidates that pass every test and are checked one by one with all linear constraints.
MOST_CHECKED = 400
#: Tables whose p is computed at once.
_PIECE = 100_000
#: A cell: coefficient by unknown, and a constant.
Cell = tuple[Mapping[str, float], float]


@dataclass(frozen=True)
class Test:
    """A table whose cells are sums of unknown counts, and what is printed of its p.

    p: from tables (N x rows x columns) to N p-values. low, high: the printed p. claims: the printed p's name.
    others: the same by other standard tests.
    """

    name: str
    cells: Sequence[Sequence[Cell]]
    p: Callable[[np.ndarray], np.ndarray]
    low: float
    high: float
    claims: tuple[str, ...] = ()
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
    other: another standard test by which all of them can have their p.
    """

    tests: tuple[Test, ...]
    solved: bool
    exhaustive: bool
    candidates: int
    about: float = 0.0
    other: str = ""

    @property
    def is_conflict(self) -> bool:
        """Whether it is certain that the tests cannot all give their printed p."""
        return self.exhaustive and not self.solved

    @property
    def told(self) -> str:
        """What was searched, in words."""
        if self.exhaustive:
            return f"no assignment among {self.candidates:,} candidates"
        return f"not exhaustive: the first {self.candidates:,} of about {self.about:,.0f} candidates"


def search_tests(
    unknowns: Sequence[Unknown],
    constraints: Sequence[Linear],
    tests: Sequence[Test],
    most: int = MOST,
) -> list[Search]:
    """Search the sets of tests that share cells: each by itself, pairs, and three where two cover a third.

    Args:
        unknowns, constraints: as for `conflicts`, without contradictions.
        most: candidates of one search at most.

    Returns:
        Those searches that found a conflict, of the smallest sets, and those that did not end.
    """
    system = _System({each.name: each for each in unknowns}, list(constraints), most)
    found: list[Search] = []
    for chosen in _sets(tests):
        names = {test.name for test in chosen}
        if any({test.name for test in other.tests} <= names for other in found):
            continue
        search = system.search(chosen)
        if search.solved:
            continue
        found.append(replace(search, other=system.other_test(chosen)) if search.exhaustive else search)
    return found


def _sets(tests: Sequence[Test]) -> list[tuple[Test, ...]]:
    """Sets of tests worth a search, the smallest first; a test of sums of others' cells goes with these only."""
    of = {test.name: set(test.unknowns) for test in tests}
    threes, sums = [], set()
    for three in combinations(tests, 3):
        for whole in three:
            parts = [of[part.name] for part in three if part is not whole]
            mine = of[whole.name]
            if mine and mine <= parts[0] | parts[1] and all(part < mine for part in parts):
                threes.append(three)
                sums.add(whole.name)
    rest = [test for test in tests if test.unknowns and test.name not in sums]
    pairs = [pair for pair in combinations(rest, 2) if of[pair[0].name] & of[pair[1].name]]
    return [*((test,) for test in rest), *pairs, *threes]


class _TooMany(Exception):
    """More candidates than may be looked at: how many there are, about."""

    def __init__(self, about: float):
        super().__init__(about)
        self.about = about


@dataclass
class _System:
    """Linear constraints, the bounds that follow from them, and searches that were made already."""

    known: Mapping[str, Unknown]
    constraints: list[Linear]
    most: int
    looked_at: int = 0
    cuts: list[Linear] = field(default_factory=list)
    _narrowed: set[tuple[str, ...]] = field(default_factory=set)
    _ranges: dict[str, Range] = field(default_factory=dict)
    _tables: dict[tuple[str, ...], dict[str, np.ndarray]] = field(default_factory=dict)
    _speaking: dict[str, list[Linear]] = field(default_factory=dict)
    _rough: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for each in self.constraints:
            for name in each.terms:
                self._speaking.setdefault(name, []).append(each)
        self._rough = propagated(self.known, self.constraints)

    def search(self, tests: Sequence[Test], method: str = "") -> Search:
        """Go through every assignment of the cells of some tests."""
        self.looked_at = 0
        if any(test.low <= 0 and test.high >= 1 for test in tests):
            return Search(tuple(tests), True, True, 0)
        try:
            left = self._candidates(tests, method)
        except _TooMany as error:
            return Search(tuple(tests), False, False, self.looked_at, error.about)
        size = _size(left)
        for row in range(min(size, MOST_CHECKED)):
            fixed = {name: float(values[row]) for name, values in left.items()}
            if solution(list(self.known.values()), self._with(fixed)):
                return Search(tuple(tests), True, True, self.looked_at)
        ended = size <= MOST_CHECKED
        return Search(tuple(tests), False, ended, self.looked_at, 0.0 if ended else self.looked_at + size)

    def other_test(self, tests: Sequence[Test]) -> str:
        """Another standard test by which all can have their p, if every one of them has it."""
        shared = [name for name in tests[0].others if all(name in test.others for test in tests)]
        for name in shared:
            if self.search(tests, name).solved:
                return name
        return ""

    def _with(self, fixed: Mapping[str, float]) -> list[Linear]:
        return [*self.constraints, *(Linear(f"{n} =", {n: 1.0}, v, v) for n, v in fixed.items())]

    def _candidates(self, tests: Sequence[Test], method: str) -> dict[str, np.ndarray]:
        """Assignments that pass every test: blocks that share cells are joined, the smallest first."""
        blocks: list[dict[str, np.ndarray]] = []
        for test in sorted(tests, key=lambda test: (len(test.unknowns), test.name)):
            touching = [block for block in blocks if set(block) & set(test.unknowns)]
            blocks = [block for block in blocks if not set(block) & set(test.unknowns)]
            if not touching:
                blocks.append(self._alone(test, method))
                continue
            *some, last = touching
            rows: dict[str, np.ndarray] = {}
            for block in some:
                rows = self._join(rows, block)
            covered = set(rows) | set(last) >= set(test.unknowns)
            if rows and covered:
                blocks.append(self._pairs(test, rows, last, method))
                continue
            rows = self._join(rows, last)
            order = sorted(set(test.unknowns) - set(rows), key=self._width)
            blocks.append(self._assign(test, rows, order, method, self.most))
        rows = {}
        for block in blocks:
            rows = self._join(rows, block)
        return rows

    def _alone(self, test: Test, method: str) -> dict[str, np.ndarray]:
        """Assignments of the cells of one test that give its p, kept for other sets with the test."""
        key = (test.name, method)
        if key not in self._tables:
            before = self.looked_at
            order = sorted(test.unknowns, key=self._width)
            try:
                self._tables[key] = self._assign(test, {}, order, method, _WIDE)
            except _TooMany as error:
                if error.about > _HOPELESS:
                    raise
                self.looked_at = before
                self._narrow(test.unknowns)
                self._tables[key] = self._assign(test, {}, order, method, self.most)
        return self._tables[key]

    def _assign(
        self, test: Test, rows: dict[str, np.ndarray], order: Sequence[str], method: str, most: float
    ) -> dict[str, np.ndarray]:
        """Extend assignments by some unknowns, in pieces where they get many, and keep those that give the p."""
        for place, name in enumerate(order):
            low, high = self._between(rows, name)
            widths = np.maximum(high - low + 1, 0)
            total = float(widths.sum())
            if not np.isfinite(total) or self.looked_at + total > most:
                after = np.prod([self._width(other)[0] + 1 for other in order[place + 1 :]], initial=1.0)
                raise _TooMany(self.looked_at + total * after)
            if total > _HELD and _size(rows) > 1:
                middle = int(np.searchsorted(np.cumsum(widths), total / 2)) or 1
                middle = min(middle, _size(rows) - 1)
                halves = [
                    self._assign(test, _part(rows, piece), order[place:], method, most)
                    for piece in (slice(None, middle), slice(middle, None))
                ]
                return {key: np.concatenate([half[key] for half in halves]) for key in halves[0]}
            self.looked_at += int(total)
            rows = _extended(rows, name, low, widths.astype(np.int64))
        return _chosen(rows, self._passes(test, rows, method))

    def _narrow(self, names: Sequence[str]) -> None:
        """Bound each two unknowns together, by all linear constraints on real numbers."""
        free = [name for name in names if self._width(name)[0] > 0]
        known = [replace(each, whole=False) for each in self.known.values()]
        for pair in combinations(free, 2):
            if pair in self._narrowed:
                continue
            self._narrowed.add(pair)
            for factors in _DIRECTIONS:
                side = dict(zip(pair, map(float, factors), strict=True))
                found = extent(known, self.constraints, side)
                if not found.empty:
                    name = f"{pair[0]}, {pair[1]} {factors}"
                    self.cuts.append(Linear(name, side, found.low - 1e-6, found.high + 1e-6))

    def _pairs(
        self, test: Test, first: dict[str, np.ndarray], second: dict[str, np.ndarray], method: str
    ) -> dict[str, np.ndarray]:
        """Every pair of assignments of two blocks that gives the p of a test, a piece at a time."""
        a, b = _size(first), _size(second)
        if self.looked_at + a * b > self.most:
            raise _TooMany(self.looked_at + a * b)
        self.looked_at += a * b
        kept = []
        step = max(_PIECE // max(b, 1), 1)
        for start in range(0, a, step):
            part = {name: values[start : start + step] for name, values in first.items()}
            rows = _product(part, second)
            kept.append(_chosen(rows, self._passes(test, rows, method)))
        if not kept:
            return _product(first, second)
        return {name: np.concatenate([each[name] for each in kept]) for name in kept[0]}

    def _range(self, name: str) -> Range:
        """Where an unknown is, by all linear constraints at once."""
        if name not in self._ranges:
            low, high = self._rough[name]
            self._ranges[name] = (
                Range(low, high) if low == high else bounds(list(self.known.values()), self.constraints, name)
            )
        return self._ranges[name]

    def _width(self, name: str) -> tuple[float, str]:
        return self._range(name).high - self._range(name).low, name

    def _join(self, first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Every pair of assignments; none of the names is in both."""
        if not first:
            return second
        pairs = _size(first) * _size(second)
        if pairs > _HELD:
            raise _TooMany(self.looked_at + pairs)
        self.looked_at += pairs
        return _product(first, second)

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
            ends = [(each.low - most) / factor, (each.high - least) / factor]
            lower, upper = ends if factor > 0 else ends[::-1]
            low, high = (
                np.maximum(low, np.nan_to_num(lower, nan=-np.inf)),
                np.minimum(high, np.nan_to_num(upper, nan=np.inf)),
            )
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

    def _passes(self, test: Test, rows: Mapping[str, np.ndarray], method: str) -> np.ndarray:
        """Where the table has no cell below 0 and its p is as printed."""
        size = _size(rows)
        passes = np.zeros(size, dtype=bool)
        p_of = test.others[method] if method else test.p
        for start in range(0, size, _PIECE):
            piece = slice(start, start + _PIECE)
            table = _table(test, rows, piece)
            possible = np.flatnonzero((table >= 0).all(axis=(1, 2)))
            if len(possible):
                p = p_of(table[possible])
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


def _part(rows: Mapping[str, np.ndarray], piece: slice) -> dict[str, np.ndarray]:
    return {name: values[piece] for name, values in rows.items()}


def _product(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    a, b = _size(first), _size(second)
    repeated = {name: np.repeat(values, b) for name, values in first.items()}
    return repeated | {name: np.tile(values, a) for name, values in second.items()}


def _chosen(rows: Mapping[str, np.ndarray], where: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[where] for name, values in rows.items()}


def _size(rows: Mapping[str, np.ndarray]) -> int:
    return len(next(iter(rows.values()))) if rows else 0
