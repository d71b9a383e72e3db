"""Arithmetic with boxes: what an expression of printed numbers can give."""

from collections.abc import Mapping

from decidua.audit.boxes import Box, Range


def formula_range(expression: str | float, boxes: Mapping[str, Box]) -> Range:
    """Range of an expression (decidua.audit.expressions) over boxes of its names.

    Unbounded where it divides by a box that holds 0.

    Raises:
        InputError: it is no such expression.
    """
    raise NotImplementedError
