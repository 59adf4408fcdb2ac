"""Scores JSON answers by leaf: F1 of (path, value) pairs, so that one wrong leaf costs one leaf.

Types are strict: `true` is not 1, "1" is not 1, null is not absent; 1 and 1.0 are the same number. A leaf
that is not in the reference counts as much as a missing one. The order of numbers in a list matters
(coordinates, ranges), and so does that of a list whose name says so. Other lists are collections, whose
members are compared by content, regardless of their position.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, NoReturn

ORDERED_NAMES = frozenset(
    [
        "steps",
        "sequence",
        "order",
        "ranking",
        "ranked",
        "path",
        "route",
        "instructions",
        "procedure",
        "timeline",
        "history",
    ]
)
"""Names of lists of strings or objects whose order matters."""

MOST_PAIRS = 2_500
"""With more unequal members, each is compared only with the one at its position, because all pairs would take
minutes."""

NOTHING = object()


def parse(text: str) -> Any:
    """A JSON document; `NOTHING` if the text is not JSON, which has neither NaN nor Infinity (RFC 8259)."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return NOTHING


def is_document(text: str) -> bool:
    """Whether it is a JSON object or list; a bare number or word is a normal answer."""
    return text.lstrip()[:1] in ("{", "[") and isinstance(parse(text), dict | list)


def leaf_f1(reference: str, answer: str) -> float:
    """2 x common leaves / all leaves of both; 0 if the answer is not JSON."""
    expected, given = parse(reference), parse(answer)
    if given is NOTHING or expected is NOTHING:
        return 0.0
    try:
        common = _common(expected, given, "")
        return 2 * common / (_size(expected) + _size(given))
    except RecursionError:
        return 0.0


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _size(value: Any) -> int:
    """The number of leaves; an empty object or list is one."""
    if isinstance(value, dict) and value:
        return sum(map(_size, value.values()))
    if isinstance(value, list) and value:
        return sum(map(_size, value))
    return 1


def _common(expected: Any, given: Any, name: str) -> int:
    if isinstance(expected, dict) and isinstance(given, dict) and (expected or given):
        return sum(_common(one, given[key], key) for key, one in expected.items() if key in given)
    if isinstance(expected, list) and isinstance(given, list) and (expected or given):
        if has_order(expected, name):
            return sum(_common(one, other, "") for one, other in zip(expected, given, strict=False))
        return _common_members(expected, given)
    return int(_leaf(expected) == _leaf(given))


def has_order(values: list[Any], name: str) -> bool:
    """Whether the order of a list matters: it has numbers or lists, or a name that says so."""
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in values)
    nested = any(isinstance(one, list) for one in values)
    return numbers or nested or name.casefold() in ORDERED_NAMES


def _common_members(expected: list[Any], given: list[Any]) -> int:
    """Match equal members first, then the others by similarity."""
    same = Counter(map(key_of, expected)) & Counter(map(key_of, given))
    left, right = list(_without(expected, same)), list(_without(given, same))
    found = sum(_size(json.loads(key)) * count for key, count in same.items())
    if len(left) * len(right) > MOST_PAIRS:
        return found + sum(_common(one, other, "") for one, other in zip(left, right, strict=False))
    pairs = sorted(
        ((_common(one, other, ""), i, j) for i, one in enumerate(left) for j, other in enumerate(right)),
        reverse=True,
    )
    used: tuple[set[int], set[int]] = (set(), set())
    for common, i, j in pairs:
        if common and i not in used[0] and j not in used[1]:
            used[0].add(i)
            used[1].add(j)
            found += common
    return found


def _without(values: list[Any], taken: Counter[str]) -> Iterator[Any]:
    left = taken.copy()
    for one in values:
        if left[key_of(one)]:
            left[key_of(one)] -= 1
        else:
            yield one


def key_of(value: Any) -> str:
    """A key that is equal for equal JSON: numbers by value, objects regardless of key order."""
    if isinstance(value, dict):
        pairs = ",".join(f"{json.dumps(key)}:{key_of(value[key])}" for key in sorted(value))
        return f"{{{pairs}}}"
    if isinstance(value, list):
        return f"[{','.join(map(key_of, value))}]"
    return json.dumps(float(value) if isinstance(value, int) and not isinstance(value, bool) else value)


def _leaf(value: Any) -> tuple[str, Any]:
    """A value with its JSON type, because True equals 1 in Python."""
    if isinstance(value, bool):
        return "boolean", value
    if isinstance(value, int | float):
        return "number", value
    return type(value).__name__, value if isinstance(value, str) else repr(value)
