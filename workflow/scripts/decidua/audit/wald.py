"""A coefficient, its standard error, its ratio with interval and its p: what each can be, given the others.

In the plane of the coefficient b and its standard error s every printed number is a pair of linear
constraints: log(ratio) and B are b, the ends of the interval are b -+ z s, z and p bound b / s. What the
others leave is a polygon for each sign of b, and every member is extreme at its corners.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

from scipy.special import ndtr as normal
from scipy.special import ndtri, stdtrit
from scipy.special import stdtr as student

from decidua.audit.boxes import Box, Range

#: What can be printed of one coefficient.
MEMBERS = ("B", "ratio", "lower", "upper", "se", "z", "p")
#: Beyond so many times the largest of the numbers given, the plane has no edge.
_EDGE = 1e4
#: Constraints are met within this, relative to the numbers given.
_SLACK = 1e-10
NOTHING = Range(math.inf, -math.inf)

Point = tuple[float, float]
#: (x, y, c): x b + y s <= c.
HalfPlane = tuple[float, float, float]


class _Test:
    """How z becomes p, and the width of the interval in standard errors."""

    def __init__(self, level: float, df: float | None = None, sides: int = 2):
        self.df, self.sides = df, sides
        self.width = self._quantile((1 - level) / 2)

    def _quantile(self, tail: float) -> float:
        if tail <= 0:
            return math.inf
        return max(-float(ndtri(tail) if self.df is None else stdtrit(self.df, tail)), 0.0)

    def p(self, z: float) -> float:
        """Of |z|."""
        return self.sides * float(normal(-z) if self.df is None else student(self.df, -z))

    def z(self, p: float) -> float:
        """|z| of p; 0 for the largest p."""
        return 0.0 if p >= self.sides / 2 else self._quantile(p / self.sides)


def wald(
    members: Mapping[str, Box], level: float = 0.95, log_ratio: bool = True, df: float | None = None
) -> dict[str, dict[str, Range]]:
    """The range of every member of MEMBERS that the OTHER given members allow, by method.

    Result: member -> method -> range; members that are not given are recomputed from all given ones. The
    range is empty when the others contradict one another (see `contradictions`), and unbounded where they
    do not say anything. Methods: "Wald" first; "90% interval" and "99% interval" (or "95% interval"),
    "one-sided p"; "t distribution" if df is given.

    Args:
        members: boxes by name. lower, upper: interval of the ratio; of B if not log_ratio. z: signed.
        level: of the interval. log_ratio: B is the logarithm of the ratio; otherwise there is no ratio.
        df: residual degrees of freedom.
    """
    tests = {"Wald": _Test(level)}
    if df is not None:
        tests["t distribution"] = _Test(level, df)
    for other in (0.95, 0.90, 0.99):
        if not math.isclose(other, level):
            tests[f"{100 * other:.0f}% interval"] = _Test(other)
    tests["one-sided p"] = _Test(level, sides=1)
    wanted = [member for member in MEMBERS if log_ratio or member != "ratio"]
    return {
        member: {
            method: _range(member, _without(members, member), test, log_ratio)
            for method, test in tests.items()
        }
        for member in wanted
    }


def contradictions(
    members: Mapping[str, Box], level: float = 0.95, log_ratio: bool = True
) -> list[tuple[str, ...]]:
    """Smallest sets of members that no coefficient and standard error satisfy together; none if all agree."""
    test, names, found = _Test(level), [m for m in MEMBERS if m in members], []
    if _polygons(members, test, log_ratio):
        return []
    for size in range(1, len(names) + 1):
        for some in combinations(names, size):
            if not any(set(smaller) <= set(some) for smaller in found):
                part = {member: members[member] for member in some}
                if not _polygons(part, test, log_ratio):
                    found.append(some)
    return found


def _without(members: Mapping[str, Box], member: str) -> dict[str, Box]:
    return {other: box for other, box in members.items() if other != member}


def _range(member: str, others: Mapping[str, Box], test: _Test, log_ratio: bool) -> Range:
    polygons = _polygons(others, test, log_ratio)
    if not polygons:
        return NOTHING
    edge = _edge(others, test, log_ratio)
    points = [point for polygon in polygons for point in polygon]
    if member in ("z", "p"):
        quotients = _quotients(points, edge)
        if member == "z":
            return Range(min(quotients), max(quotients))
        sizes = [abs(z) for z in quotients]
        return Range(test.p(max(sizes)), test.p(min(sizes)))
    values = [_value(member, point, test, edge) for point in points]
    low, high = min(values), max(values)
    low, high = (-math.inf if low < -edge / 2 else low), (math.inf if high > edge / 2 else high)
    if member == "se":
        low = max(low, 0.0)
    if member == "ratio" or (log_ratio and member in ("lower", "upper")):
        low, high = _exp(low), _exp(high)
    return Range(low, high)


def _value(member: str, point: Point, test: _Test, edge: float) -> float:
    b, s = point
    if member in ("B", "ratio"):
        return b
    if member == "se":
        return s
    end = b - test.width * s if member == "lower" else b + test.width * s
    # On the edge of the plane b and s are cut off where they need not end: no bound on that side.
    return math.copysign(edge, end) if max(abs(b), s) >= edge * (1 - 1e-9) else end


def _quotients(points: Sequence[Point], edge: float) -> list[float]:
    """b / s at the corners, where it is extreme; along a side to the origin it is constant."""
    tiny = edge / _EDGE * 1e-9
    found = [b / s for b, s in points if s > tiny]
    found += [math.copysign(math.inf, b) for b, s in points if s <= tiny < abs(b)]
    found += [0.0 for b, s in points if s >= edge * (1 - 1e-9) > abs(b)]
    return found or [0.0, -math.inf, math.inf]


def _exp(x: float) -> float:
    return math.exp(x) if x < 700 else math.inf


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf


def _linear(
    others: Mapping[str, Box], test: _Test, log_ratio: bool
) -> list[tuple[float, float, float, float]]:
    """(x, y, low, high): low <= x b + y s <= high, of all members but z and p."""
    shapes = {
        "B": (1.0, 0.0),
        "ratio": (1.0, 0.0),
        "lower": (1.0, -test.width),
        "upper": (1.0, test.width),
        "se": (0.0, 1.0),
    }
    found = []
    for member, box in others.items():
        if member in shapes:
            low, high = box.low, box.high
            if member == "ratio" or (log_ratio and member in ("lower", "upper")):
                low, high = _log(low), _log(high)
            found.append((*shapes[member], low, high))
    return found


def _edge(others: Mapping[str, Box], test: _Test, log_ratio: bool) -> float:
    ends = [abs(end) for *_, low, high in _linear(others, test, log_ratio) for end in (low, high)]
    return _EDGE * max([1.0, *(end for end in ends if math.isfinite(end))])


def _polygons(others: Mapping[str, Box], test: _Test, log_ratio: bool) -> list[list[Point]]:
    """What the members leave of the plane s >= 0: a polygon for b <= 0 and one for b >= 0, if not empty."""
    edge = _edge(others, test, log_ratio)
    slack = edge / _EDGE * _SLACK
    planes: list[HalfPlane] = []
    for x, y, low, high in _linear(others, test, log_ratio):
        planes += [(x, y, high)] if math.isfinite(high) else []
        planes += [(-x, -y, -low)] if math.isfinite(low) else []
        if low == math.inf or high == -math.inf:
            return []
    if "z" in others:
        planes += [(1.0, -others["z"].high, 0.0), (-1.0, others["z"].low, 0.0)]
    found = []
    for sign in (-1.0, 1.0):
        polygon = [(0.0, 0.0), (sign * edge, 0.0), (sign * edge, edge), (0.0, edge)]
        for x, y, c in [*planes, *_of_p(others.get("p"), sign, test)]:
            length = math.hypot(x, y)
            polygon = _clipped(polygon, (x / length, y / length, c / length + slack))
        if polygon:
            found.append(polygon)
    return found


def _of_p(p: Box | None, sign: float, test: _Test) -> list[HalfPlane]:
    """|b| between its two multiples of s."""
    if p is None:
        return []
    most, least = test.z(max(p.low, 0.0)), test.z(max(p.high, 0.0))
    planes = [(-sign, least, 0.0)] if math.isfinite(least) else [(0.0, 1.0, 0.0)]
    return [*planes, (sign, -most, 0.0)] if math.isfinite(most) else planes


def _clipped(polygon: Sequence[Point], plane: HalfPlane) -> list[Point]:
    """The part of a convex polygon on one side of a line (Sutherland and Hodgman 1974, Commun ACM 17:32)."""
    x, y, c = plane
    excess = [x * b + y * s - c for b, s in polygon]
    found = []
    for i, point in enumerate(polygon):
        before, last = excess[i - 1], polygon[i - 1]
        if (before <= 0) != (excess[i] <= 0):
            share = before / (before - excess[i])
            found.append((last[0] + share * (point[0] - last[0]), last[1] + share * (point[1] - last[1])))
        if excess[i] <= 0:
            found.append(point)
    return found
