"""What a rule about texts is: a class in its own file, with the literals that make a record a candidate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar


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
        Of every text that breaks the rule, one of these is in it: few, since each text is searched for them.
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
