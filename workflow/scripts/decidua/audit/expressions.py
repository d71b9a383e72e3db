"""Arithmetic over names of claims: which names it speaks of, whether it is linear, and its value."""

import ast
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from decidua.errors import InputError

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*")


@lru_cache(maxsize=4096)
def parse(text: str) -> tuple[ast.expr, tuple[str, ...]]:
    """The tree of an expression, in which name number i stands as `_i`, and the names.

    Raises:
        InputError: it is no arithmetic of names and numbers with + - * / and brackets.
    """
    names: list[str] = []

    def placeholder(match: re.Match) -> str:
        if match[0] not in names:
            names.append(match[0])
        return f"_{names.index(match[0])}"

    wrong = InputError(f"found {text!r}; expected names and numbers with + - * / and brackets")
    try:
        tree = ast.parse(NAME.sub(placeholder, text).strip(), mode="eval").body
    except SyntaxError:
        raise wrong from None
    for node in ast.walk(tree):
        allowed = isinstance(
            node, ast.Name | ast.BinOp | ast.UnaryOp | ast.operator | ast.unaryop | ast.expr_context
        )
        number = isinstance(node, ast.Constant) and type(node.value) in (int, float)
        if isinstance(node, ast.operator) and not isinstance(node, ast.Add | ast.Sub | ast.Mult | ast.Div):
            raise wrong
        if isinstance(node, ast.unaryop) and not isinstance(node, ast.USub | ast.UAdd):
            raise wrong
        if not (allowed or number):
            raise wrong
    return tree, tuple(names)


def names(text: str | float) -> tuple[str, ...]:
    """The names that an expression speaks of, in their order; a number speaks of none."""
    return parse(str(text))[1]


def value(text: str | float, values: Mapping[str, Any]) -> Any:
    """The value of an expression; the values of its names may be numbers or arrays of one shape."""
    tree, spoken = parse(str(text))
    return _value(tree, [values[name] for name in spoken])


def _value(node: ast.expr, values: list) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return values[int(node.id[1:])]
    if isinstance(node, ast.UnaryOp):
        inner = _value(node.operand, values)
        return -inner if isinstance(node.op, ast.USub) else inner
    left, right = _value(node.left, values), _value(node.right, values)
    if isinstance(node.op, ast.Add):
        return left + right
    if isinstance(node.op, ast.Sub):
        return left - right
    return left * right if isinstance(node.op, ast.Mult) else left / right


def linear(text: str | float) -> tuple[dict[str, float], float] | None:
    """Coefficients by name and the constant; nothing when the expression is not linear in its names."""
    tree, spoken = parse(str(text))
    found = _linear(tree)
    if found is None:
        return None
    terms, constant = found
    return {spoken[i]: coefficient for i, coefficient in terms.items() if coefficient}, constant


#: Coefficients by name, and a constant.
Linear = tuple[dict[str, float], float]


def quotient(text: str | float) -> tuple[Linear, Linear] | None:
    """Numerator and denominator, each as `linear` gives it, of a quotient of two linear expressions."""
    tree, spoken = parse(str(text))
    if not (isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Div)):
        return None
    above, below = _linear(tree.left), _linear(tree.right)
    if above is None or below is None:
        return None

    def named(found: tuple[dict[int, float], float]) -> tuple[dict[str, float], float]:
        return {spoken[i]: value for i, value in found[0].items() if value}, found[1]

    return named(above), named(below)


def _linear(node: ast.expr) -> tuple[dict[int, float], float] | None:
    if isinstance(node, ast.Constant):
        return {}, float(node.value)
    if isinstance(node, ast.Name):
        return {int(node.id[1:]): 1.0}, 0.0
    if isinstance(node, ast.UnaryOp):
        inner = _linear(node.operand)
        return inner if inner is None or isinstance(node.op, ast.UAdd) else _scaled(inner, -1.0)
    left, right = _linear(node.left), _linear(node.right)
    if left is None or right is None:
        return None
    if isinstance(node.op, ast.Add | ast.Sub):
        other = right if isinstance(node.op, ast.Add) else _scaled(right, -1.0)
        terms = {i: left[0].get(i, 0.0) + other[0].get(i, 0.0) for i in {**left[0], **other[0]}}
        return terms, left[1] + other[1]
    if isinstance(node.op, ast.Mult) and not (left[0] and right[0]):
        return _scaled(right, left[1]) if right[0] else _scaled(left, right[1])
    if isinstance(node.op, ast.Div) and not right[0] and right[1]:
        return _scaled(left, 1 / right[1])
    return None


def _scaled(found: tuple[dict[int, float], float], by: float) -> tuple[dict[int, float], float]:
    return {i: by * coefficient for i, coefficient in found[0].items()}, by * found[1]
