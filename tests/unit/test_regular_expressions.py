"""No regular expression takes long, whatever somebody writes: its time grows no faster than the text."""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import regex

import tunedrop

LENGTH = 8_000
MOST_SECONDS = 0.06
"""Of processor time: what grows with the square takes 0.18 s and more, what grows with the length 0.02 s and
less. A machine of half or of twice the speed comes to the same result."""

PIECES = (
    " ", "\n", "\t", "\r\n", "a", "A", "1", "0", "é", "猫", "-", "_", ".", "/", "\\", '"', "'", "<", "[", "(",
    "{", "#", "*", "`", "|", "&", "=", "%", "+", "a.", "a-", "a@", "a@a.", "a/", "a:", "a=", "a,", "a ",
    "a\n", "a1A", "1 ", "1-", "1.", "1. ", "1,", "- ", '\\"', '","', "http://", "://", "s3://a/", "arn:aws:",
    "AKIA", "eyJ", "eyJ.", "sk-", "DE1", "--\n", "user:", "Human:", "### ", "<a ", "</", "<|", "{{", "{%",
    "${", "/*", ": ",
)  # fmt: skip
"""What hostile texts are made of: long runs of one of these."""

ANCHORED = (
    '"name"', "INSERT", "DS_Store", "nan|NaN|NULL", "WEBVTT", r"\.jsonl", r"thumbs\.db", "Below is an",
    "\\n-{3,}", "MIME-Version", r"\.\.(?:/|$)", '"(data|dataset', "<<SYS>>",
    "'(?:[^']|'')*'",
)  # fmt: skip
"""Of expressions that are matched at the beginning of a text alone, or (`-{3,}`) for docstrings of ours."""


def expressions() -> dict[str, Any]:
    """Every compiled expression that a module of ours keeps, of either library."""
    found: dict[str, Any] = {}

    def look(value: Any, depth: int = 0) -> None:
        if isinstance(value, re.Pattern | regex.Pattern):
            found[str(value.pattern)] = value
        elif depth < 4 and isinstance(value, dict | list | tuple | set | frozenset):
            for one in value.values() if isinstance(value, dict) else value:
                look(one, depth + 1)
        elif depth < 4 and type(value).__module__.startswith("tunedrop") and hasattr(value, "__dict__"):
            look(vars(value), depth + 1)

    for module in pkgutil.walk_packages(tunedrop.__path__, "tunedrop."):
        look(vars(importlib.import_module(module.name)))
    return found


def seconds(expression: re.Pattern[Any], piece: str, length: int = LENGTH, tries: int = 1) -> float:
    """What the slowest way to use it takes; of each way the best of some tries."""
    text = piece * (length // len(piece)) + "!\x00"
    given: Any = text.encode() if isinstance(expression.pattern, bytes) else text
    uses: list[Any] = [expression.match, expression.fullmatch]
    if not any(one in str(expression.pattern) for one in ANCHORED):
        uses.append(lambda given: sum(1 for _ in expression.finditer(given)))
    return max(min(_timed(use, given) for _ in range(tries)) for use in uses)


def is_slow(expression: re.Pattern[Any], piece: str) -> bool:
    """Whether it takes long, and for four times the text over eight times as long: not by a busy machine."""
    if seconds(expression, piece) < MOST_SECONDS:
        return False
    half = seconds(expression, piece, LENGTH // 2, tries=5)
    return seconds(expression, piece, 2 * LENGTH, tries=5) > 8 * half


def _timed(use: Any, given: Any) -> float:
    started = time.process_time()
    use(given)
    return time.process_time() - started


def slow(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, expression in found.items():
        for piece in PIECES:
            if is_slow(expression, piece):
                yield name, piece


def test_no_expression_takes_long_whatever_it_is_given() -> None:
    assert list(slow(expressions())) == []


@pytest.mark.parametrize("pattern", [r"\s+$", r'"(?:[^"\\]|\\.)*"'])
def test_an_expression_that_takes_long_is_found(pattern: str) -> None:
    assert any(is_slow(re.compile(pattern), piece) for piece in (" ", '\\"'))
