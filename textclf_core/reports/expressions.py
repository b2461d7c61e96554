"""Conditions on the rows of a test set, such as ``length > 30 and source == "imdb"``.

Their syntax is a subset of Python's, with only comparisons, ``and``, ``or``, ``not`` and ``in``. There are no calls or
attributes, so a condition can't execute code.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from textclf_core.errors import UsageError, did_you_mean

_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: lambda item, container: item in container,
    ast.NotIn: lambda item, container: item not in container,
}


def rows_where(expression: str, columns: Mapping[str, Sequence[Any]]) -> list[bool]:
    """Return, for each row, whether the condition is true.

    A comparison with a missing value is false.

    Args:
        expression: a condition such as ``length > 30 and source == "imdb"``, ``stars in (1, 2)`` or ``"not" in text``.
        columns: the values of each column, by name; all have the same length.

    Raises:
        UsageError: the text isn't a condition, a column doesn't exist, or values can't be compared.
    """
    try:
        condition = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise _fault(expression, f"it can't be parsed ({error.args[0]}).") from error
    _check(condition, expression, columns)
    used = sorted({node.id for node in ast.walk(condition) if isinstance(node, ast.Name)})
    if not used:
        raise _fault(expression, f"it names no column; the columns are {', '.join(columns)}.")
    rows = zip(*(columns[name] for name in used), strict=True)
    results = [_value(condition, dict(zip(used, row, strict=True)), expression) for row in rows]
    if any(not isinstance(result, bool) for result in results):
        raise _fault(expression, "it is a value, not a condition; compare it with something.")
    return results


def _check(node: ast.AST, expression: str, columns: Mapping[str, Sequence[Any]]) -> None:
    """Refuse syntax that isn't allowed, and columns that don't exist."""
    match node:
        case ast.Name(id=name):
            if name not in columns:
                there = f"The columns are {', '.join(columns)}."
                raise _fault(expression, f"there is no column {name!r}.{did_you_mean(name, columns)} {there}")
            return
        case ast.Constant(value=str() | int() | float() | bool()):
            return
        case ast.BoolOp(values=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts):
            pass
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            parts = [operand]
        case ast.Compare(left=left, ops=operators, comparators=others) if all(
            type(one) in _COMPARISONS for one in operators
        ):
            parts = [left, *others]
        case _:
            raise _fault(expression, f"{ast.unparse(node)!r} isn't a comparison, and, or, not or in.")
    for part in parts:
        _check(part, expression, columns)


def _value(node: ast.AST, row: Mapping[str, Any], expression: str) -> Any:
    match node:
        case ast.Name(id=name):
            return row[name]
        case ast.Constant(value=value):
            return value
        case ast.Tuple(elts=items) | ast.List(elts=items):
            return [_value(item, row, expression) for item in items]
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_value(value, row, expression) for value in values)
        case ast.BoolOp(values=values):
            return any(_value(value, row, expression) for value in values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, row, expression)
        case ast.UnaryOp(operand=operand):
            return -_value(operand, row, expression)
        case ast.Compare(left=first, ops=operators, comparators=others):
            values = [_value(one, row, expression) for one in (first, *others)]
            return all(
                _compare(_COMPARISONS[type(one)], left, right, expression)
                for one, left, right in zip(operators, values, values[1:], strict=False)
            )
    raise AssertionError(f"_check let {ast.unparse(node)} pass")


def _compare(compare: Callable[[Any, Any], bool], left: Any, right: Any, expression: str) -> bool:
    if left is None or right is None:
        return False
    try:
        return bool(compare(left, right))
    except TypeError as error:
        kinds = " with ".join("text" if isinstance(side, str) else type(side).__name__ for side in (left, right))
        raise _fault(expression, f"it compares {kinds}; texts need quotes, numbers don't.") from error


def _fault(expression: str, what: str) -> UsageError:
    return UsageError(
        f'--slice {expression}: {what} Write a column, such as length, or a condition, such as "length > 30".'
    )
