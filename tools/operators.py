"""Faults that are generated from the syntax tree, for `tools.mutants`: one small change of a source each."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

Span = tuple[int, int]

_COMPARED: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="), ast.Is: ("is", "is not"), ast.IsNot: (r"is\s+not", "is"),
    ast.In: ("in", "not in"), ast.NotIn: (r"not\s+in", "in"),
}  # fmt: skip
_COUNTED: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: (r"\+", "-"), ast.Sub: ("-", "+"), ast.Mult: (r"\*", "/"), ast.Div: ("/", "*"),
}  # fmt: skip
_SILENT = frozenset({"log", "logger", "tracer"})
"""Calls that only observe: no test should depend on a log line."""


def changes(text: str) -> Iterator[tuple[int, int, str, str]]:
    """Each fault of a source: start, end, replacement, and a description."""
    raw, starts = text.encode(), [0]
    for line in text.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def span(node: ast.expr | ast.stmt) -> Span:
        places = (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)
        start, stop = (len(raw[: starts[row - 1] + column].decode()) for row, column in places)
        return start, stop

    nodes = list(ast.walk(ast.parse(text)))
    # `frozen=True` of a class is a declaration, which the type checker enforces.
    declared = {id(word.value) for one in nodes if isinstance(one, ast.ClassDef) for word in one.keywords}
    for node in (one for one in nodes if id(one) not in declared):
        for start, stop, new in _of(node, span, text):
            shown, then = (" ".join(one.split())[:60] for one in (text[start:stop], new))
            yield start, stop, new, f"line {text.count(chr(10), 0, start) + 1}: {shown or '…'} -> {then}"


def _of(
    node: ast.AST, span: Callable[[ast.expr | ast.stmt], Span], text: str
) -> Iterator[tuple[int, int, str]]:
    def between(left: ast.expr, right: ast.expr, word: str, new: str) -> tuple[int, int, str]:
        start, stop = span(left)[1], span(right)[0]
        return start, stop, re.sub(word, new, text[start:stop], count=1)

    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARED:
            yield between(left, right, *_COMPARED[type(op)])
        case ast.BoolOp(op=op, values=[first, second, *_]):
            yield between(first, second, *(("and", "or") if isinstance(op, ast.And) else ("or", "and")))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield *span(node), f"({text[slice(*span(operand))]})"
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _COUNTED and not _is_text(left, right):
            yield between(left, right, *_COUNTED[type(op)])
        case ast.Constant(value=bool() as value):
            yield *span(node), str(not value)
        case ast.Constant(value=int() | float() as value):
            yield *span(node), str(value + 1)
        case ast.If(test=test):
            yield *span(test), f"not ({text[slice(*span(test))]})"
        case ast.Expr(value=ast.Call(func=func)) if not _SILENT & _names(func):
            yield *span(node), "pass"


def _names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _is_text(*operands: ast.expr) -> bool:
    """Whether a sum joins texts or lists, which no other operator does."""
    joined = (ast.JoinedStr, ast.List, ast.Tuple)
    return any(
        isinstance(one, joined) or (isinstance(one, ast.Constant) and isinstance(one.value, str))
        for one in operands
    )
