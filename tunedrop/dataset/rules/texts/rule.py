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
    """

    code: ClassVar[str]
    literals: ClassVar[tuple[str, ...]] = ()
    expressions: ClassVar[tuple[bytes, ...]] = ()

    def find(self, text: str, role: str) -> Iterator[str]:
        """What is wrong with a text, in words.

        Parameters
        ----------
        role
            system, user, assistant, or text.
        """
        raise NotImplementedError


_FENCE = re.compile(r"```|`[^`\n]+`")
_CODE = re.compile(
    r"(?m)=>|\w\(.*\);?$|^\s*(?:#!|import |from \w+ import|def |class |const |let |var |function "
    r"|export |public |"
    r"SELECT |<\?|curl |docker |echo |return )|\b(?:bash|shell|yaml|javascript|typescript|html|css)\b"
)


def is_code(text: str) -> bool:
    """Whether a text has code in it, where templates and tags are nothing left over."""
    return _FENCE.search(text) is not None or _CODE.search(text) is not None
