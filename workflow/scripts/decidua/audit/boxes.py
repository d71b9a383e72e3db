"""What values can stand behind a printed number, and what a recomputation can give: closed intervals."""

import math
from dataclasses import dataclass

#: Ends are compared with this relative slack, outward: floating-point noise never makes a contradiction.
SLACK = 1e-9


@dataclass(frozen=True)
class Range:
    """What a recomputation can give, over everything that its printed sources can be.

    low, high: inclusive; low above high when nothing satisfies the sources together. exact: both ends can be
    attained; otherwise the truth lies within, but the ends may be further out than need be. finished: whether
    the search behind it ended; if not, what it has not seen may lie outside.
    """

    low: float
    high: float
    exact: bool = True
    finished: bool = True

    @property
    def empty(self) -> bool:
        """Whether nothing satisfies the sources together."""
        return self.low > self.high


@dataclass(frozen=True)
class Box:
    """The values that print so: half a unit either way of the last printed digit, edges included.

    Both edges belong to it, so that either rule for rounding a half is accepted. unit: one in the last
    printed place; 0 for a number that is exact (a count) or a bound (<0.001). whole: the value is known to be
    a whole number.
    """

    low: float
    high: float
    unit: float = 0.0
    whole: bool = False

    @property
    def wider(self) -> "Box":
        """Off by one unit in the last place on either side."""
        return Box(self.low - self.unit, self.high + self.unit, self.unit, self.whole)

    def meets(self, found: Range) -> bool:
        """Whether a recomputed range has a value in common with the box."""
        if found.empty:
            return False
        return _at_most(found.low, self.high) and _at_most(self.low, found.high)


def _at_most(a: float, b: float) -> bool:
    return a <= b or math.isclose(a, b, rel_tol=SLACK, abs_tol=1e-12)
