"""TD086: speaker names inside texts, as in a transcript that was not split into turns."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunedrop.dataset.rules.texts.rule import TextRule, Texts, begins_a_line, names_before_a_colon

_SPEAKERS = ("user", "assistant", "human", "system", "bot", "ai", "gpt")
_ASKED = re.compile(r"^(Q:|Question:).*\n(?:.*\n){0,20}?(A:|Answer:)", re.MULTILINE)
_NAMED = names_before_a_colon((*_SPEAKERS, "<human>", "<bot>"))


class RoleWords(TextRule):
    """No text contains a transcript with speaker names, at the start of a line or in capitals anywhere."""

    code = "TD086"
    expressions = (
        rb"(?i)(?:user|assistant|human|system|bot|ai|gpt|<human>|<bot>):",
        rb'"\s*(?:Q|Question|Context):',  # transcripts without speaker names
        rb"\\n(?:Q|Question):",
    )
    signs = (":",)

    def find(self, text: str, role: str) -> Iterator[str]:
        """The first one; in plain text, a question with its answer takes precedence."""
        if role == "text" and (asked := _ASKED.search(text)):
            yield f"{asked[1]!r} and {asked[2]!r} are inside a text: write them as prompt and completion"
            return
        for match in _NAMED.finditer(text):
            if word := _speaker(match, 0):
                yield _found(word)
                return

    def find_in(self, texts: Texts) -> dict[int, list[str]]:
        """The first of each text."""
        alone = [place for place, (_, role, _) in enumerate(texts) if role == "text"]
        found = {place: wrong for place in alone if (wrong := list(self.find(texts[place][2], "text")))}
        for place, match in texts.matches(_NAMED):
            if place not in found and (word := _speaker(match, texts.starts[place])):
                found[place] = [_found(word)]
        return found


def _found(word: str) -> str:
    return f"{word!r} names a speaker inside a text; split the transcript into turns"


def _speaker(match: re.Match[str], first: int) -> str:
    """The name with its colon, if it is a speaker's; its text begins at `first`."""
    text, name = match.string, match[match.lastindex or 0]
    start = match.start() - len(name)
    if name[0] == "<":
        return f"{name}:" if name.islower() else ""
    if name.lower() not in _SPEAKERS or (start > first and text[start - 1].isalpha()):
        return ""
    is_marked = begins_a_line(text, start, first) or (name.isupper() and len(name) > 2)
    return f"{name}:" if is_marked else ""
