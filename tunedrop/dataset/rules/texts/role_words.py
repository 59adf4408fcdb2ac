"""TD086: names of speakers inside texts, as of a transcript that was not split into turns."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunedrop.dataset.rules.texts.rule import TextRule

_SPEAKER = re.compile(
    r"(?m)^[ "
    r"\t]*(?:user|assistant|human|system|bot|ai|gpt):|\b(?:SYSTEM|USER|BOT|ASSISTANT|HUMAN):|<(?:human|bot)>:"
)
_CAPITAL = re.compile(r"(?m)^[ \t]*(?:User|Assistant|Human|System|Bot|AI):")


class RoleWords(TextRule):
    """No speaker's name stands inside a text."""

    code = "TD086"
    expressions = (rb"(?i)(?:user|assistant|human|system|bot|ai|gpt|<human>|<bot>):",)

    def find(self, text: str, role: str) -> Iterator[str]:
        """The first."""
        if found := _SPEAKER.search(text) or _CAPITAL.search(text):
            word = found[0].strip()
            yield f"{word!r} names a speaker inside a text; split the transcript into turns"
