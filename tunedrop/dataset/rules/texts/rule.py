"""What a rule about texts is: a class in its own file, with the literals that make a record a candidate."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import ClassVar

Text = tuple[str, str, str]
"""(JSON path, role, text) of one text of a record."""


class TextRule:
    """Finds what one text carries that it should not.

    Attributes
    ----------
    code
        The rule's stable code; its title, reason and cases are in `rules/explanations.toml`.
    literals, expressions
        Of every text that breaks the rule, one of these is in its bytes: UTF-8, as JSON writes it. A literal
        counts as it is; an expression is one of Hyperscan's.
    signs
        Every text that breaks the rule contains one of these; few, since each text is searched for them.
    """

    code: ClassVar[str]
    literals: ClassVar[tuple[str, ...]] = ()
    expressions: ClassVar[tuple[bytes, ...]] = ()
    signs: ClassVar[tuple[str, ...]] = ("",)

    def find(self, text: str, role: str) -> Iterator[str]:
        """What is wrong with a text, in words.

        Parameters
        ----------
        role
            system, user, assistant, or text.
        """
        raise NotImplementedError

    def find_in(self, texts: Sequence[Text]) -> dict[int, list[str]]:
        """The same for many texts, by index; texts without problems are left out."""
        found = {}
        all_ = "\0".join([text for _, _, text in texts])
        signs = tuple([sign for sign in self.signs if sign in all_])
        for place, (_, role, text) in enumerate(texts):
            if has_any(text, signs) and (wrong := list(self.find(text, role))):
                found[place] = wrong
        return found


def matches_in(pattern: re.Pattern[str], texts: Sequence[Text]) -> Iterator[tuple[int, re.Match[str]]]:
    """(place, match) of a pattern in many texts at once: none of its matches may contain NUL.

    The match's own text is all of them, with NUL between them.
    """
    said = [text for _, _, text in texts]
    ends = list(accumulate([len(text) + 1 for text in said]))
    for match in pattern.finditer("\0".join(said)):
        yield bisect_right(ends, match.start()), match


def begins_a_line(text: str, start: int, before: int, spaces: str | None = None) -> bool:
    """Whether only spaces precede an index on its line.

    Parameters
    ----------
    before
        The index of the previous colon, -1 if there is none; only the text after it is searched.
    spaces
        The characters that count as spaces; default: all white space.
    """
    line = text.rfind("\n", before + 1, start)
    return (line >= 0 or before < 0) and not text[max(line, before) + 1 : start].strip(spaces)


_SIGNS_OF_CODE = (
    "```", "=>", "();", "import ", "def ", "class ", "const ", "function", "#!/", "SELECT ", "<?", "curl ",
    "docker ", "echo ", "bash", "yaml", "public ", "export ", "JavaScript", "Python", "HTML", "regex",
    "shell", "script",
)  # fmt: skip
_QUOTED = re.compile(r"`[^`\n]+`")


def has_any(text: str, signs: tuple[str, ...]) -> bool:
    """Whether one of the signs is in a text."""
    for sign in signs:  # noqa: SIM110 - a generator in any() takes twice as long
        if sign in text:
            return True
    return False


def is_code(text: str) -> bool:
    """Whether a text has code in it or is about code, where templates and tags are nothing left over."""
    for sign in _SIGNS_OF_CODE:
        if sign in text:
            return True
    return "`" in text and _QUOTED.search(text) is not None
