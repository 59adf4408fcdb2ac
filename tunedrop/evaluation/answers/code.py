"""Answers of code that cannot run. Scores of words see none of it: they count neither brackets nor colons,
quotes, indentation or case."""

from __future__ import annotations

import ast
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from textwrap import dedent
from typing import NamedTuple

from tunedrop.evaluation.scoring.words import in_common, words

MOST = 0.5
"""In no larger part of all units may code be broken."""

COPIED = 0.9
"""The share of words in common from which an answer is the reference but for its punctuation and spaces."""

OF_REFERENCE = 0.5
"""A line around the code that has a smaller share of its words from the reference is a remark on it."""

LONGEST = 20_000
"""Characters of a text that is parsed."""

FENCED = re.compile(r"```[^\n`]*\n(.*?)\n?```", re.DOTALL)
"""What stands in a fence of Markdown, as its only group."""

_CODE_LINE = re.compile(r"[;{}:]\s*$|^\s*[}\])]|\w[(\[](?!e?s\))|\w\s*[=<>]{1,3}\s*\S")
_SETTING = re.compile(r"^\s*(?:- )?[\w.-]+:(?:\s|$)")
_NAME = re.compile(r"\b[A-Za-z_]\w*")
_MIXED_CASE = re.compile("[a-z][A-Z]")
_QUOTES = re.compile("['\"`]")
_BRACKETS = (("(", ")"), ("[", "]"), ("{", "}"))


class Broken(NamedTuple):
    """In how many units code cannot run, and what is wrong with one of them."""

    units: int
    example: str


def broken(references: Sequence[str], answers: Sequence[str], units: Sequence[int]) -> Broken | None:
    """What is wrong with the code of most answers, where the references have code."""
    found: dict[int, str] = {}
    for reference, answer, unit in zip(references, answers, units, strict=True):
        if fault := fault_of(reference, answer):
            found.setdefault(unit, fault)
    if len(found) <= MOST * len(set(units)):
        return None
    return Broken(len(found), next(iter(found.values())))


def fault_of(reference: str, answer: str) -> str:
    """Why the code of an answer cannot run, where that of its reference may; else empty."""
    wanted = _code_in(reference)
    if reference == answer or max(len(reference), len(answer)) > LONGEST:
        return ""
    if _is_python(wanted):
        given = (_without_remarks(one, wanted) for one in (_code_in(answer), *FENCED.findall(answer)))
        read = [one for one in given if _is_python(one)]
        if not read:
            return "it cannot be parsed as Python"
        same = (words(one) != words(wanted) or _tree(one) == _tree(wanted) for one in read)
        return "" if any(same) else "its lines or brackets belong together otherwise"
    return next(_lost(wanted, _code_in(answer)), "")


def _code_in(text: str) -> str:
    return "\n".join(FENCED.findall(text)) or text


def _is_python(text: str) -> bool:
    """Whether it is Python with a block or an import: less may as well be a text in any language."""
    try:
        statements = _parsed(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    blocks = any(hasattr(one, "body") for one in statements)
    imports = any(isinstance(one, ast.Import | ast.ImportFrom) for one in statements)
    return blocks or (imports and len(statements) > 1)


def _parsed(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(dedent(text.strip("\n")))


def _tree(text: str) -> str:
    """What belongs to what in Python, whatever its strings say."""
    tree = _parsed(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    try:
        return ast.dump(tree)
    except RecursionError:
        return ""


def _without_remarks(text: str, reference: str) -> str:
    """The text without lines of prose before and after the code."""
    lines, known = text.splitlines(), words(reference)

    def is_remark(line: str) -> bool:
        said = words(line)
        return not line.strip() or in_common(said, known) < OF_REFERENCE * len(said)

    while lines and is_remark(lines[0]):
        del lines[0]
    while lines and is_remark(lines[-1]):
        del lines[-1]
    return "\n".join(lines)


def is_mostly(search: Callable[[str], object], text: str) -> bool:
    """Whether a pattern's `search` finds something in most lines that are not blank."""
    lines = [line for line in text.splitlines() if line.strip()]
    return 2 * sum(search(line) is not None for line in lines) > len(lines)


def _lost(reference: str, answer: str) -> Iterator[str]:
    """What an answer with the reference's words has lost of what is no word."""
    expected, given = words(reference), words(answer)
    if in_common(expected, given) < COPIED * max(len(expected), len(given)):
        return
    if is_mostly(_SETTING.search, reference):
        if _has_blocks(reference) and not _has_blocks(answer):
            yield "it has lost the indentation"
        if _are_moved(_above(reference), _above(answer)):
            yield "its lines belong to others"
    if not is_mostly(_CODE_LINE.search, reference):
        return
    for opening, closing in _BRACKETS:
        if reference.count(opening) == reference.count(closing) > 0:
            if answer.count(opening) != answer.count(closing):
                yield f"{opening}{closing} do not match"
            elif opening not in answer:
                yield f"it has lost {opening}{closing}"
    if _QUOTES.search(reference) and not _QUOTES.search(answer):
        yield "it has lost the quotes"
    names = {one for one in _NAME.findall(reference) if _MIXED_CASE.search(one, 1)}
    said = answer.casefold()
    if names and not any(one in answer for one in names) and any(one.casefold() in said for one in names):
        yield "its names are in another case"


def _above(text: str) -> list[tuple[str, str]]:
    """Each line with the one that it stands under; members of a list may be indented or not."""
    found, above = list[tuple[str, str]](), list[tuple[int, str]]()
    for line in filter(str.strip, text.splitlines()):
        said = line.strip()
        depth = 2 * _indent(line) + said.startswith("- ")
        while above and above[-1][0] >= depth:
            above.pop()
        found.append((said, above[-1][1] if above else ""))
        above.append((depth, said))
    return found


def _are_moved(reference: Sequence[tuple[str, str]], answer: Sequence[tuple[str, str]]) -> bool:
    """Whether the same lines stand under others."""
    same = Counter(line for line, _ in reference) == Counter(line for line, _ in answer)
    return same and Counter(reference) != Counter(answer)


def _has_blocks(text: str) -> bool:
    """Whether lines stand indented under one that ends with a colon; a list need not be."""
    lines = [line for line in text.splitlines() if line.strip()]
    return any(
        before.rstrip().endswith(":") and _indent(line) > _indent(before) and line.lstrip()[:1] != "-"
        for before, line in pairwise(lines)
    )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
