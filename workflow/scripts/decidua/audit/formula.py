"""Arithmetic with boxes: what an expression of printed numbers can give."""

import ast
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np

from decidua.audit.boxes import Box, Range
from decidua.audit.expressions import parse

#: An interval, and the intervals of its derivatives by the names of the expression.
_Part = tuple[tuple[float, float], dict[int, tuple[float, float]]]
#: Boxes of names that occur more than once are cut into about so many pieces in all.
_PIECES = 1024
_ZERO = (0.0, 0.0)
_ALL = (-math.inf, math.inf)


def formula_range(expression: str | float, boxes: Mapping[str, Box]) -> Range:
    """Range of an expression (decidua.audit.expressions) over boxes of its names.

    Exact when every name stands once, or when the expression is monotone in those that stand more often;
    otherwise an outer bound, by cutting their boxes into pieces. Unbounded where it divides by a box that
    holds 0.

    Raises:
        InputError: it is no such expression.
    """
    tree, names = parse(str(expression))
    intervals = [(float(boxes[name].low), float(boxes[name].high)) for name in names]
    value, slopes = _part(tree, intervals)
    often = [i for i in _repeated(tree) if intervals[i][0] < intervals[i][1]]
    if not often or not all(map(math.isfinite, value)):
        return Range(*value, exact=not often and all(map(math.isfinite, value)))
    turning = [i for i in often if slopes[i][0] < 0 < slopes[i][1]]
    if not turning:
        lows, highs = list(intervals), list(intervals)
        for i in often:
            low, high = intervals[i]
            first, last = (low, high) if slopes[i][0] >= 0 else (high, low)
            lows[i], highs[i] = (first, first), (last, last)
        return Range(_part(tree, lows)[0][0], _part(tree, highs)[0][1])
    return _by_pieces(tree, intervals, turning)


def _repeated(tree: ast.expr) -> list[int]:
    counted = Counter(int(node.id[1:]) for node in ast.walk(tree) if isinstance(node, ast.Name))
    return sorted(i for i, times in counted.items() if times > 1)


def _by_pieces(tree: ast.expr, intervals: Sequence[tuple[float, float]], turning: Sequence[int]) -> Range:
    pieces = max(int(_PIECES ** (1 / len(turning))), 2)
    cuts = [np.linspace(*intervals[i], pieces + 1).tolist() for i in turning]
    low, high = math.inf, -math.inf
    for choice in product(*([*zip(each, each[1:], strict=False)] for each in cuts)):
        piece = list(intervals)
        for i, part in zip(turning, choice, strict=True):
            piece[i] = part
        (least, most), _ = _part(tree, piece)
        low, high = min(low, least), max(high, most)
    return Range(low, high, exact=False)


def _part(node: ast.expr, intervals: Sequence[tuple[float, float]]) -> _Part:
    """Interval arithmetic with derivatives (Moore 1966, Interval Analysis)."""
    if isinstance(node, ast.Constant):
        return (float(node.value), float(node.value)), {}
    if isinstance(node, ast.Name):
        i = int(node.id[1:])
        return intervals[i], {i: (1.0, 1.0)}
    if isinstance(node, ast.UnaryOp):
        value, slopes = _part(node.operand, intervals)
        if isinstance(node.op, ast.UAdd):
            return value, slopes
        return _negative(value), {i: _negative(slope) for i, slope in slopes.items()}
    a, da = _part(node.left, intervals)
    b, db = _part(node.right, intervals)
    by = {i: (da.get(i, _ZERO), db.get(i, _ZERO)) for i in {**da, **db}}
    if isinstance(node.op, ast.Add):
        return _plus(a, b), {i: _plus(x, y) for i, (x, y) in by.items()}
    if isinstance(node.op, ast.Sub):
        return _plus(a, _negative(b)), {i: _plus(x, _negative(y)) for i, (x, y) in by.items()}
    if isinstance(node.op, ast.Mult):
        return _times(a, b), {i: _plus(_times(x, b), _times(a, y)) for i, (x, y) in by.items()}
    one = _inverse(b)
    quotient = _times(a, one)
    return quotient, {i: _times(_plus(x, _negative(_times(quotient, y))), one) for i, (x, y) in by.items()}


def _negative(a: tuple[float, float]) -> tuple[float, float]:
    return -a[1], -a[0]


def _plus(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    return a[0] + b[0], a[1] + b[1]


def _times(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    if a == _ZERO or b == _ZERO:
        return _ZERO
    if not all(map(math.isfinite, (*a, *b))):
        return _times_unbounded(a, b)
    ends = [x * y for x in a for y in b]
    return min(ends), max(ends)


def _times_unbounded(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    ends = [0.0 if 0 in (x, y) else x * y for x in a for y in b]
    return min(ends), max(ends)


def _inverse(b: tuple[float, float]) -> tuple[float, float]:
    """1 / b; unbounded on the side on which b reaches 0, everything when 0 lies inside."""
    low, high = b
    if low > 0 or high < 0:
        return 1 / high, 1 / low
    if low == high or low < 0 < high:
        return _ALL
    return (1 / high, math.inf) if low == 0 else (-math.inf, 1 / low)
