"""TD086: names of speakers inside texts, as of a transcript that was not split into turns."""

from __future__ import annotations

from collections.abc import Iterator

from tunedrop.dataset.rules.texts.rule import TextRule, begins_a_line

_SPEAKERS = ("user", "assistant", "human", "system", "bot", "ai", "gpt")
_LONGEST = 10


class RoleWords(TextRule):
    """No text contains a transcript with speaker names, at the start of a line or in capitals anywhere."""

    code = "TD086"
    expressions = (
        rb"(?i)(?:user|assistant|human|system|bot|ai|gpt|<human>|<bot>):",
        rb'"\s*(?:Q|Question|Context):',  # transcripts that no speaker is named in
    )
    signs = (":",)

    def find(self, text: str, role: str) -> Iterator[str]:
        """The first."""
        before, place = -1, text.find(":")
        while place >= 0:
            if word := _speaker(text, place, before):
                yield f"{word!r} names a speaker inside a text; split the transcript into turns"
                return
            before, place = place, text.find(":", place + 1)


def _speaker(text: str, colon: int, colon_before: int) -> str:
    before = text[max(0, colon - _LONGEST) : colon].lower()
    name = next((one for one in _SPEAKERS if before.endswith(one)), "")
    start = colon - len(name)
    word = text[start:colon]
    if not name or word.lower() != name or (start and text[start - 1].isalpha()):
        is_marked = text.endswith(("<human>", "<bot>"), 0, colon)
        return "<" + text[colon - 6 : colon + 1].lstrip("<") if is_marked else ""
    is_first = begins_a_line(text, start, colon_before)
    return f"{word}:" if is_first or (word.isupper() and len(word) > 2) else ""
