"""The base class of text rules: each is a class in its own file, with the literals that make a record a
candidate."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from typing import ClassVar

Text = tuple[str, str, str]
"""(JSON path, role, text) of one text of a record."""


class TextRule:
    """Finds what a text should not contain.

    Attributes
    ----------
    code
        The rule's stable code; its title, reason and cases are in `rules/explanations.toml`.
    literals, expressions
        The bytes of every text that violates the rule contain one of these, in UTF-8 as written by JSON.
        Literals match exactly; expressions are Hyperscan's.
    signs
        Every text that violates the rule contains one of these; few, because each text is searched for all of
        them.
    """

    code: ClassVar[str]
    literals: ClassVar[tuple[str, ...]] = ()
    expressions: ClassVar[tuple[bytes, ...]] = ()
    signs: ClassVar[tuple[str, ...]] = ("",)

    def find(self, text: str, role: str) -> Iterator[str]:
        """The problems of a text, in words.

        Parameters
        ----------
        role
            system, user, assistant, or text.
        """
        raise NotImplementedError

    def find_in(self, texts: Texts) -> dict[int, list[str]]:
        """The same for many texts, by index; texts without problems are left out."""
        found = {}
        for place in texts.with_any(self.signs):
            _, role, text = texts[place]
            if wrong := list(self.find(text, role)):
                found[place] = wrong
        return found


class Texts(list[Text]):
    """Texts that are searched together."""

    @cached_property
    def joined(self) -> str:
        """All texts, separated by NUL."""
        return "\0".join([text for _, _, text in self])

    @cached_property
    def starts(self) -> list[int]:
        """The start of each text in `joined`."""
        return list(accumulate([len(text) + 1 for _, _, text in self], initial=0))

    def with_any(self, signs: tuple[str, ...]) -> list[int]:
        """The indices of the texts that contain one of the signs."""
        there = [sign for sign in signs if sign in self.joined]
        if len(there) == 1:
            sign = there[0]
            return [place for place, (_, _, text) in enumerate(self) if sign in text]
        return [place for place, (_, _, text) in enumerate(self) if has_any(text, there)] if there else []

    def matches(self, pattern: re.Pattern[str]) -> Iterator[tuple[int, re.Match[str]]]:
        """(index, match in `joined`) of a pattern, none of whose matches may contain NUL."""
        starts = self.starts
        for match in pattern.finditer(self.joined):
            yield bisect_right(starts, match.start()) - 1, match


def names_before_a_colon(names: Iterable[str]) -> re.Pattern[str]:
    """A pattern for a colon after one of these names, ignoring case; the only group that matches is the
    name."""
    ends = "".join(sorted({name[-1] for name in names}))
    return re.compile(f":(?<=[{ends}]:)(?:{'|'.join(f'(?<=({name}):)' for name in names)})", re.IGNORECASE)


def begins_a_line(text: str, start: int, first: int, spaces: str = "") -> bool:
    """Whether only whitespace precedes an index on its line.

    Parameters
    ----------
    first
        The start of the text, which may follow others.
    spaces
        The characters that count as whitespace; default: all of it.
    """
    while start > first and (before := text[start - 1]) != "\n":
        if not (before in spaces if spaces else before.isspace()):
            return False
        start -= 1
    return True


_SIGNS_OF_CODE = (
    "```", "=>", "();", "import ", "def ", "class ", "const ", "function", "#!/", "SELECT ", "<?", "curl ",
    "docker ", "echo ", "bash", "yaml", "public ", "export ", "JavaScript", "Python", "HTML", "regex",
    "shell", "script",
)  # fmt: skip
_QUOTED = re.compile(r"`[^`\n]+`")


def has_any(text: str, signs: Sequence[str]) -> bool:
    """Whether a text contains one of the signs."""
    for sign in signs:  # noqa: SIM110 - a generator in any() takes twice as long
        if sign in text:
            return True
    return False


def is_code(text: str) -> bool:
    """Whether a text contains code or is about code, in which templates and tags are not leftovers."""
    for sign in _SIGNS_OF_CODE:
        if sign in text:
            return True
    return "`" in text and _QUOTED.search(text) is not None
