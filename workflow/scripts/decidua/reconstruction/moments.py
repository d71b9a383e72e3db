"""Which integers, or decimals as integers of a smaller unit, have exactly the moments that a table prints?"""

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import NormalDist

from decidua.errors import InputError, Problem

#: A variable's values are integers of 1 / unit, so that sums and sums of squares are exact.
UNITS = {"age": 1, "bmi": 10, "ivig_dose_g": 1}
#: Free choice, not published: shape (log-normal sigma; 0 is a normal curve) of each variable's distribution.
SHAPES = {"age": 0.0, "bmi": 0.2, "ivig_dose_g": 0.6}


def integers_as_printed(variable: str, printed: Mapping[str, str], n: int, smallest: int = 0) -> list[int]:
    """Integers, in the variable's unit, whose mean, SD and range print as given; none below `smallest`."""
    mean, sd, low, high = (float(printed[key]) * UNITS[variable] for key in ("mean", "sd", "min", "max"))
    minimum, maximum = max(round(low), smallest), round(high)
    total = round(mean * n)
    squares = round(sd**2 * (n - 1) + total * total / n)
    squares += (squares - total) % 2  # squares and values have the same parity
    start = _shaped(n, total / n, sd, SHAPES[variable], minimum, maximum)
    return integers_with_moments(start, total, squares, minimum, maximum)


def _shaped(n: int, mean: float, sd: float, shape: float, minimum: int, maximum: int) -> list[float]:
    """Quantiles of a normal or log-normal curve, cut to a range, with about this mean and SD."""
    quantiles = [NormalDist().inv_cdf((k + 0.5) / n) for k in range(n)]
    values = curve = [math.exp(shape * z) if shape else z for z in quantiles]
    centre, spread = _mean_and_sd(curve)
    location, scale = mean, sd
    for _ in range(50):
        values = [min(maximum, max(minimum, location + scale * (c - centre) / spread)) for c in curve]
        got_mean, got_sd = _mean_and_sd(values)
        location, scale = location + mean - got_mean, scale * sd / got_sd
    return values


def _mean_and_sd(values: Sequence[float]) -> tuple[float, float]:
    """By exact sums: the same bits on every processor."""
    mean = math.fsum(values) / len(values)
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def integers_with_moments(
    start: Sequence[float], total: int, squares: int, minimum: int, maximum: int
) -> list[int]:
    """Ascending integers near `start` with an exact sum, sum of squares, minimum and maximum.

    Raises:
        InputError: the search finds none, as when the sum and sum of squares differ in parity.
    """
    values = sorted(min(maximum, max(minimum, round(value))) for value in start)
    values[0], values[-1] = minimum, maximum
    found = f"sum {total}, sum of squares {squares}, range {minimum} to {maximum}"
    impossible = Problem(found, f"moments that {len(values)} integers can have")
    while (missing := total - sum(values)) != 0:
        step = 1 if missing > 0 else -1
        inner = [k for k in range(1, len(values) - 1) if minimum <= values[k] + step <= maximum]
        gap = squares - sum(value * value for value in values)
        if not inner:
            raise InputError(impossible)
        values[min(inner, key=lambda k: abs(gap - 2 * step * values[k] - 1))] += step
    while (gap := squares - sum(value * value for value in values)) != 0:
        pair = _best_pair(values, gap, minimum, maximum)
        if pair is None:
            raise InputError(impossible)
        up, down = pair
        values[up] += 1
        values[down] -= 1
        values.sort()
    return values


def _best_pair(values: Sequence[int], gap: int, minimum: int, maximum: int) -> tuple[int, int] | None:
    """Whose step up and whose step down bring the sum of squares nearest, by the smallest change."""
    inner = range(1, len(values) - 1)
    first = {values[k]: k for k in reversed(inner)}
    last = {values[k]: k for k in inner}
    best, choice = (abs(gap), 0), None
    for up, i in first.items():
        for down, j in last.items():
            if i == j or up == maximum or down == minimum:
                continue
            rank = (abs(gap - 2 * (up - down) - 2), abs(up - down))
            if rank < best:
                best, choice = rank, (i, j)
    return choice


def tail_counts(women: int, total: int, squares: int, maximum: int) -> list[int]:
    """How many of `women` have 4, 5, ... `maximum` miscarriages, given their sum and sum of squares.

    Of the solutions the one that falls off most smoothly; at least one woman has the maximum.

    Raises:
        InputError: there is none.
    """
    solutions = list(_compositions(women, total, squares, maximum))
    if not solutions:
        found = f"{women} women, sum {total}, sum of squares {squares}, at most {maximum}"
        raise InputError(Problem(found, "moments that integers from 4 on can have"))
    return min(solutions, key=_unevenness)


def _compositions(women: int, total: int, squares: int, value: int, least: int = 1) -> Iterator[list[int]]:
    """Every such list of counts up to `value`, which at least `least` women have."""
    if value == 4:
        if women * 4 == total and women * 16 == squares and women >= least:
            yield [women]
        return
    for count in range(least, women + 1):
        if count * value > total or count * value * value > squares:
            return
        rest = (women - count, total - count * value, squares - count * value * value)
        for counts in _compositions(*rest, value - 1, least=0):
            yield [*counts, count]


def _unevenness(counts: Sequence[int]) -> tuple[int, list[int]]:
    rises = sum(max(0, later - earlier) for earlier, later in zip(counts, counts[1:], strict=False))
    return rises, [-count for count in counts]
