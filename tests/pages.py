"""The pages of the documentation, and the shell commands they show.

A block of `sh` is run, with those before it on its page, unless a comment above it says otherwise:

    <!-- not run: why -->
    <!-- exits with 1 -->
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    page
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md"))
    if "node_modules" not in page.parts
)

_BLOCK = re.compile(
    r"^(?P<indent> *)(?:<!-- (?P<note>[^\n]*?) -->\n\s*)?```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^ *```$",
    flags=re.MULTILINE | re.DOTALL,
)
_SHELL = ("sh", "bash", "shell", "console")


class Block(msgspec.Struct, frozen=True):
    """A shell block of a page. `reason` says why it is not run; empty when it is."""

    page: str
    line: int
    text: str
    reason: str = ""
    exit_code: int = 0


def blocks(page: Path) -> Iterator[Block]:
    """The shell blocks of a page, in order.

    Raises
    ------
    ValueError
        When a comment above one is not one of ours.
    """
    source = page.read_text()
    name = str(page.relative_to(ROOT))
    for found in _BLOCK.finditer(source):
        if found["language"] not in _SHELL:
            continue
        line = source.count("\n", 0, found.start("text")) + 1
        indent = found["indent"]
        text = "".join(one.removeprefix(indent) for one in found["text"].splitlines(keepends=True))
        yield Block(name, line, text, *_note(found["note"], f"{name}:{line}"))


def _note(note: str | None, where: str) -> tuple[str, int]:
    if note is None:
        return "", 0
    kind, _, rest = note.partition(": ") if note.startswith("not run") else note.partition(" with ")
    if kind == "not run" and rest:
        return rest, 0
    if kind == "exits" and rest.isdecimal():
        return "", int(rest)
    raise ValueError(f"{where}: write `not run: why` or `exits with 1`, not {note!r}")
