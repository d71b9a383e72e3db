"""How many women have each value: unknown counts that make a printed mean, SD and range linear constraints.

The mean is linear in the numbers of women with 2, 3, 4, ... miscarriages. The SD is by the sum of squares,
which is linear too, and the square of the sum; that lies between a chord and lines below it over the
sums that the mean allows.
"""

import math
from collections.abc import Mapping, Sequence

from decidua.audit.boxes import Box
from decidua.audit.conflicts import Linear, Unknown

#: A range of more values than these is not written out.
MOST_VALUES = 40
#: Whole sums within the mean's box for which a line each is drawn below the square.
_MOST_LINES = 40


def count_of(group: str, value: int) -> str:
    """The name of the unknown number of women with a value."""
    return f"{group}[{value}]"


def counts(group: str, least: int, most: int) -> list[Unknown]:
    """The numbers of women with each value of a range; at least one has the smallest, one the largest."""
    return [
        Unknown(count_of(group, value), 1.0 if value in (least, most) else 0.0, math.inf, True)
        for value in range(least, most + 1)
    ]


def moments(
    name: str,
    group: str,
    ends: tuple[int, int],
    n: tuple[Mapping[str, float], float],
    mean: Box,
    sd: Box | None,
    claims: Mapping[str, Sequence[str]],
    size: int | None,
) -> list[Linear]:
    """What n, mean and SD (n - 1 in the denominator) say of the numbers of women with each value.

    Args:
        name: of the relation; the constraints of mean and SD have names of their own, so that a conflict
            tells which of them collides.
        ends: smallest and largest value.
        n: the number of women as coefficients by name, and a constant.
        size: the number of women where it is printed exactly; without it nothing follows from the SD.
        claims: printed numbers of the range, the mean, the SD and n, under "range", "mean", "sd" and "n".
    """
    values = range(ends[0], ends[1] + 1)
    women, constant = n
    of_n = tuple(claims["n"])
    ranged = (*claims["range"], *of_n)
    each = {count_of(group, value): 1.0 for value in values}
    total = {count_of(group, value): float(value) for value in values if value}
    squares = {count_of(group, value): float(value**2) for value in values if value}
    made = [_linear(name, {**each, **_times(women, -1.0)}, constant, constant, ranged)]
    of_mean = (*ranged, *claims["mean"])
    for end, low, high in ((mean.low, 0.0, math.inf), (mean.high, -math.inf, 0.0)):
        if math.isfinite(end):
            terms = {**total, **_times(women, -end)}
            made.append(_linear(f"{name}, mean", terms, low + end * constant, high + end * constant, of_mean))
    if sd is None or size is None or size < 2:
        return made
    first, last = math.ceil(size * mean.low - 1e-6), math.floor(size * mean.high + 1e-6)
    of_sd = (*of_mean, *claims["sd"])
    if first <= last and last - first <= _MOST_LINES:
        made += _squares(f"{name}, SD", total, squares, (first, last), size, sd, of_sd)
    return made


def _squares(
    name: str,
    total: Mapping[str, float],
    squares: Mapping[str, float],
    sums: tuple[int, int],
    n: int,
    sd: Box,
    claims: tuple[str, ...],
) -> list[Linear]:
    """(n - 1) low^2 + S^2 / n <= sum of squares <= (n - 1) high^2 + S^2 / n, with lines in place of S^2."""
    first, last = sums
    smallest = max(sd.low, 0.0)  # a box around 0.00 reaches below 0, where no SD is
    made = []
    # Through neighbouring whole sums: on or below the square at every whole sum.
    for s in range(first, max(last, first + 1)):
        slope, at = 2 * s + 1, -s * (s + 1)
        terms = {key: squares[key] - slope * total[key] / n for key in squares}
        made.append(_linear(name, terms, (n - 1) * smallest**2 + at / n, math.inf, claims))
    slope, at = first + last, -first * last  # the chord: on or above it
    terms = {key: squares[key] - slope * total[key] / n for key in squares}
    made.append(_linear(name, terms, -math.inf, (n - 1) * sd.high**2 + at / n, claims))
    return made


def share(
    name: str,
    groups: Mapping[str, tuple[int, int]],
    ends: tuple[float, float],
    equals: tuple[Mapping[str, float], float],
) -> Linear:
    """That a number is that of the women of some groups whose value is from..to (inclusive).

    Args:
        groups: smallest and largest value by name.
        equals: the number, as coefficients by name, and a constant.
    """
    terms, constant = equals
    members = {
        count_of(group, value): 1.0
        for group, (least, most) in groups.items()
        for value in range(least, most + 1)
        if ends[0] <= value <= ends[1]
    }
    return Linear(name, {**members, **_times(terms, -1.0)}, constant, constant)


def _times(terms: Mapping[str, float], factor: float) -> dict[str, float]:
    return {name: factor * value for name, value in terms.items()}


def _linear(
    name: str, terms: Mapping[str, float], low: float, high: float, claims: tuple[str, ...]
) -> Linear:
    return Linear(name, {key: value for key, value in terms.items() if value}, low, high, claims)
