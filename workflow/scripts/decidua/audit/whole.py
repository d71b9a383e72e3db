"""Which percentages, means and SDs can women's numbers have? GRIM, GRIMMER, and what a printed range allows.

Sources: Brown and Heathers 2017, Soc Psychol Personal Sci 8:363 (GRIM); Anaya 2016, PeerJ Preprints 4:e2400v1
(GRIMMER). All take boxes; what does not exclude a number need not prove that values with it exist.
"""

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from decidua.audit.boxes import Box, Range

#: Relative slack, outward, when a box is cut down to whole numbers.
_SLACK = 1e-9
#: So many sums at most are gone through one by one; more are as good as continuous.
_SUMS = 20_000
#: Sets of values are enumerated when number x width is at most this.
_ENUMERATED = 300
NOTHING = Range(math.inf, -math.inf)
DIVISORS = ("divisor n - 1", "divisor n")


def _whole(low: float, high: float) -> range:
    """Whole numbers of an interval."""
    first, last = math.ceil(low - _SLACK * max(1, abs(low))), math.floor(high + _SLACK * max(1, abs(high)))
    return range(first, max(last + 1, first))


def integers_of(percent: Box, total: int) -> range:
    """The numbers of events, 0 to total, whose percentage lies in the box; it may be empty."""
    found = _whole(percent.low * total / 100, percent.high * total / 100)
    return range(max(found.start, 0), max(min(found.stop, total + 1), found.start, 0))


def percent_range(events: Box, total: Box) -> Range:
    """100 * events / total; unbounded above when the total can be 0."""
    low, high = max(events.low, 0.0), events.high
    least = 100 * low / total.high if total.high > 0 else 0.0
    return Range(least, 100 * high / total.low if total.low > 0 else math.inf, exact=total.low > 0)


def attainable_percent(percent: Box, total: int) -> Range:
    """Percentages in the box that some whole number of `total` gives; if none, the nearest one outside."""
    found = integers_of(percent, total)
    if total <= 0:
        return NOTHING
    return _hull(found, percent, 100 / total, range(total + 1))


def attainable_mean(mean: Box, n: int, step: float = 1.0) -> Range:
    """GRIM: means in the box that n multiples of `step` can have; if none, the nearest one outside. Exact."""
    return _hull(_sums(mean, n, step), mean, step / n, None)


def _sums(mean: Box, n: int, step: float) -> range:
    """Sums of n whole numbers of steps whose mean lies in the box."""
    return _whole(n * mean.low / step, n * mean.high / step)


def _hull(found: range, box: Box, unit: float, allowed: range | None) -> Range:
    """First and last of the multiples of a unit in a box, or the nearest one."""
    if found:
        return Range(found[0] * unit, found[-1] * unit)
    near = [math.floor(box.low / unit), math.ceil(box.high / unit)]
    if allowed is not None:
        near = [min(max(each, allowed[0]), allowed[-1]) for each in near]
    nearest = min((each * unit for each in near), key=lambda each: max(box.low - each, each - box.high))
    return Range(nearest, nearest)


def mean_between(n: int, minimum: Box, maximum: Box) -> Range:
    """Means that n values can have of which the smallest and the largest are printed; exact.

    One value is the smallest, one the largest, the others lie anywhere between: all low, or all high.
    """
    if n == 1:
        return Range(max(minimum.low, maximum.low), min(minimum.high, maximum.high))
    least = ((n - 1) * minimum.low + max(minimum.low, maximum.low)) / n
    most = ((n - 1) * maximum.high + min(minimum.high, maximum.high)) / n
    return Range(least, most) if minimum.low <= maximum.high else NOTHING


def attainable_sd(
    mean: Box,
    sd: Box,
    n: int,
    step: float | None = 1.0,
    minimum: Box | None = None,
    maximum: Box | None = None,
) -> dict[str, Range]:
    """SDs that n values with such a mean (and printed range) can have: "divisor n - 1", "divisor n".

    Multiples of `step`: those in the box of the SD, or if there are none the nearest one. Exact for few
    values in a narrow range, where all are enumerated; otherwise by parity and least and most sum of squares,
    which only exclude. step None: continuous values, every SD between the bounds of the range.

    A range that leaves no such mean gives an empty range. When no mean in its box is possible without it, the
    nearest means are taken, so that the SD is not blamed for the mean.
    """
    if n < 2:
        return {}
    if step is not None:
        whole = _whole_sd(mean, sd, n, step, minimum, maximum)
        if whole is not None:
            return whole
    if minimum is None or maximum is None:
        squares = Range(0.0, math.inf, exact=False)
    else:
        squares = squares_between(n, mean, minimum, maximum)
    if squares.empty:
        return dict.fromkeys(DIVISORS, NOTHING)
    return {
        name: Range(math.sqrt(squares.low / divisor), math.sqrt(squares.high / divisor), squares.exact)
        for name, divisor in zip(DIVISORS, (n - 1, n), strict=True)
    }


def squares_between(n: int, mean: Box, minimum: Box, maximum: Box) -> Range:
    """Sums of squares about the mean of n >= 2 values whose smallest, largest and mean are printed.

    Least: with a = mean - smallest, b = largest - mean the other n - 2 share the rest, a - b, evenly
    (convexity): a^2 + b^2 + (b - a)^2 / (n - 2). Where values can exist (a <= (n - 1) b and the reverse) this
    grows with a and with b and is convex in the mean, so the narrowest range and the mean nearest to its
    middle give the least. Most: a convex function of values with a given sum is largest when all but one are
    at an end of the range; between two sums with all at an end it is convex in the mean too, so it is largest
    at such a sum or at an end of the mean's box. Attained when smallest and largest are points; otherwise an
    outer bound.
    """
    possible = mean_between(n, minimum, maximum)
    low, high = max(mean.low, possible.low), min(mean.high, possible.high)
    if low > high + _SLACK * max(1.0, abs(high)) or possible.empty:
        return NOTHING
    high = max(low, high)
    exact = minimum.low == minimum.high and maximum.low == maximum.high
    least = _least_squares(n, low, high, minimum.high, maximum.low)
    return Range(least, _most_squares(n, low, high, minimum.low, maximum.high), exact)


def _least_squares(n: int, low: float, high: float, first: float, last: float) -> float:
    centre = min(max((first + last) / 2, low), high)
    # (last - first)^2 / 2 holds for every mean and n: two values so far apart.
    at_least = max(last - first, 0.0) ** 2 / 2
    a, b = centre - first, last - centre
    if n == 2:
        return at_least
    a, b = max(a, b / (n - 1), 0.0), max(b, a / (n - 1), 0.0)
    return max(a**2 + b**2 + (b - a) ** 2 / (n - 2), at_least)


def _most_squares(n: int, low: float, high: float, first: float, last: float) -> float:
    """k values at the end, one in between, the others at the start; one at least at either end."""
    width = last - first
    if width <= 0:
        return 0.0
    sums = np.clip(n * (np.array([low, high]) - first) / width, 1.0, n - 1.0)
    k = np.arange(math.floor(sums[0]), math.ceil(sums[1]) + 1)
    # From k to k + r values' worth: k + r^2 - (k + r)^2 / n, which is convex in r for n > 1 and so largest at
    # whole sums or at the ends.
    total = np.r_[sums, k[(k >= sums[0]) & (k <= sums[1])]]
    rest = total - np.floor(total)
    return float((np.floor(total) + rest**2 - total**2 / n).max() * width**2)


def _whole_sd(
    mean: Box, sd: Box, n: int, step: float, minimum: Box | None, maximum: Box | None
) -> dict[str, Range] | None:
    """Of multiples of a step; nothing when there are too many sums to go through."""
    sums = _sums(mean, n, step)
    if not sums:
        nearest = attainable_mean(mean, n, step)
        sums = _sums(Box(nearest.low, nearest.high), n, step)
    if len(sums) > _SUMS:
        return None
    ends: list[tuple[int, int] | None] = [None]
    if minimum is not None and maximum is not None:
        ends = [
            (first, last)
            for first in _whole(minimum.low / step, minimum.high / step)
            for last in _whole(maximum.low / step, maximum.high / step)
            if first <= last
        ]
        if len(ends) * len(sums) > _SUMS:
            return None
    return {
        name: _in_box(list(_attainable(n, sums, sd, step, divisor, ends)), sd, divisor, step)
        for name, divisor in zip(DIVISORS, (n - 1, n), strict=True)
    }


def _in_box(found: list[tuple[float, float, bool]], sd: Box, divisor: int, step: float) -> Range:
    """Union of what the single sums give: those in the box, or the nearest."""
    if not found:
        return NOTHING
    ends = [
        (step * math.sqrt(max(low, 0) / divisor), step * math.sqrt(max(high, 0) / divisor), exact)
        for low, high, exact in found
    ]
    inside = [each for each in ends if sd.meets(Range(each[0], each[1]))]
    if inside:
        low, high, exact = zip(*inside, strict=True)
        return Range(min(low), max(high), all(exact))
    nearest = min(
        (s for low, high, _ in ends for s in (low, high)), key=lambda s: max(sd.low - s, s - sd.high)
    )
    return Range(nearest, nearest, all(exact for *_, exact in ends))


def _attainable(
    n: int, sums: range, sd: Box, step: float, divisor: int, ends: list[tuple[int, int] | None]
) -> Iterator[tuple[float, float, bool]]:
    """Sums of squares about the mean, in steps: lowest and highest in or next to the box, for each sum."""
    low, high = (divisor * (max(end, 0.0) / step) ** 2 for end in (sd.low, sd.high))
    low, high = low - _SLACK * max(1.0, low), high + _SLACK * max(1.0, high)
    for end in ends:
        width = _width(n, high + divisor * (2 * sd.unit / step) ** 2, end)
        for total in sums:
            correction = total * total / n
            if n * width <= _ENUMERATED:
                squares = _enumerated(n, total, width, end)
                yield from ((*each, True) for each in _around(squares - correction, low, high))
                continue
            bounds = _squares(n, total, end)
            if bounds is None:
                continue
            least, most = bounds
            first = _of_parity(min(max(math.ceil(low + correction), least), most), total, least, most, 1)
            last = _of_parity(min(max(math.floor(high + correction), least), most), total, least, most, -1)
            if first <= last:
                yield first - correction, last - correction, False
            else:
                yield from ((each - correction,) * 2 + (False,) for each in (last, first))


def _of_parity(squares: int, total: int, least: int, most: float, up: int) -> int:
    """A whole number's square is odd when it is: the sums agree. The next such sum up or down."""
    if (squares - total) % 2 == 0:
        return squares
    moved = squares + up
    return moved if least <= moved <= most else squares - up


def _around(squares: np.ndarray, low: float, high: float) -> list[tuple[float, float]]:
    """First and last in the interval, else the neighbours on either side."""
    inside = squares[(squares >= low) & (squares <= high)]
    if len(inside):
        return [(float(inside.min()), float(inside.max()))]
    below, above = squares[squares < low], squares[squares > high]
    return [(float(x), float(x)) for x in (*below[-1:], *above[:1])]


def _squares(n: int, total: int, ends: tuple[int, int] | None) -> tuple[int, float] | None:
    """Least and most sum of squares of n whole numbers with a sum and, if given, smallest and largest."""
    if ends is None:
        return _even_squares(n, total), math.inf
    first, last = ends
    rest, others = total - first - last, n - 2
    if not others * first <= rest <= others * last:
        return None
    fixed = first**2 + last**2
    if others == 0 or first == last:
        return fixed + others * first**2, fixed + others * first**2
    high, over = divmod(rest - others * first, last - first)
    low = others - high - (over > 0)
    most = high * last**2 + low * first**2 + ((first + over) ** 2 if over else 0)
    return fixed + _even_squares(others, rest), fixed + most


def _even_squares(n: int, total: int) -> int:
    each, over = divmod(total, n)
    return (n - over) * each**2 + over * (each + 1) ** 2


def _width(n: int, squares: float, ends: tuple[int, int] | None) -> int:
    """How far apart values can be: their range, or twice a value's largest deviation sqrt(SS (n-1)/n)."""
    if ends is not None:
        return ends[1] - ends[0]
    return 2 * math.ceil(math.sqrt(max(squares, 0.0) * (n - 1) / n)) + 3


def _enumerated(n: int, total: int, width: int, ends: tuple[int, int] | None) -> np.ndarray:
    """Every sum of squares, ascending, of n whole numbers with a sum, smallest and largest (or width)."""
    start = ends[0] if ends else total // n - width // 2
    free, fixed = (n - 2, width) if ends else (n, 0)
    shifted = total - n * start - fixed
    if not 0 <= shifted <= free * width:
        return np.array([])
    bits = _reachable(free, width)[shifted]
    found = np.flatnonzero(np.frombuffer(bytes(f"{bits:b}"[::-1], "ascii"), dtype=np.uint8) == ord("1"))
    # sum (x + s)^2 = sum x^2 + 2 s sum x + n s^2
    return found + fixed**2 + 2 * start * (shifted + fixed) + n * start**2


@lru_cache(maxsize=64)
def _reachable(n: int, width: int) -> tuple[int, ...]:
    """For each sum of n whole numbers from 0 to `width`: their possible sums of squares, as bits."""
    found = [1]
    for _ in range(n):
        longer = [0] * (len(found) + width)
        for total, bits in enumerate(found):
            for value in range(width + 1):
                longer[total + value] |= bits << value * value
        found = longer
    return tuple(found)
