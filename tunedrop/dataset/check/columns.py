"""What is kept of each record of a format while a range is scanned: columns, counted a block at a time."""

from __future__ import annotations

from array import array
from collections import Counter

from tunedrop.catalog.model import MethodRules
from tunedrop.dataset.check.results import Findings, Records
from tunedrop.dataset.check.scripts import scripts_of
from tunedrop.dataset.duplicates.candidates import Prints
from tunedrop.dataset.duplicates.fingerprints import Fingerprint
from tunedrop.dataset.formats import METHODS, Conversation, SourceFormat, Turn, method_of
from tunedrop.dataset.rules import blocks
from tunedrop.dataset.types import Problem

_Kind = tuple[str, int, bool, tuple[str, ...]]
"""Its method, turns, whether it has a system prompt, its media."""

_TEXT: _Kind = ("continued-pretraining", 1, False, ())


def _media(turns: tuple[Turn, ...]) -> tuple[str, ...]:
    if not any([turn.blocks for turn in turns]):
        return ()
    return tuple([kind for turn in turns for block in turn.blocks for kind in blocks.media_in(block)])


def _answered(turn: Turn) -> Problem:
    why = "the conversation must end with the user: the model's own answers are what is graded"
    return Problem(turn.path.removesuffix(".content"), "TD020", why, "assistant", "user")


class Columns:
    """Takes the well-shaped records of one format, in order."""

    def __init__(self, format_: SourceFormat, views: list[MethodRules | None], most: int) -> None:
        self.records = Records(views=[Findings() for _ in views])
        self.views = views
        self._most = most
        self.is_chat = "multi-turn" in METHODS[format_]
        self._format: SourceFormat = format_
        self._is_text = format_ == "text"
        self._method = METHODS[format_][0]
        self._prompts, self._answers, self._letters = array("Q"), array("Q"), array("Q")
        self._lines = array("I")
        self._flushed = 0
        self._tokens: list[int] = []
        self._said: list[tuple[int, str, int, int]] = []
        self._kinds: list[_Kind] = []
        self._scripts: list[frozenset[str]] = []

    def add(self, number: int, conversation: Conversation, tokens: int, prints: Fingerprint) -> None:
        """One record."""
        prompt, answer, letters = prints
        self._prompts.append(prompt)
        self._answers.append(answer)
        self._letters.append(letters)
        self._lines.append(number)
        self._tokens.append(tokens)
        turns = conversation.turns
        last = turns[-1]
        self._scripts.append(scripts_of(last.text))
        if self._is_text:
            self._kinds.append(_TEXT)
            return
        is_answered = last.role == "assistant"
        said = last.text if is_answered else conversation.answer
        if is_answered and self.is_chat:
            self.records.answered_count += 1
            if len(self.records.answered.first) < self._most:
                self.records.answered.first.append((number, _answered(last)))
        if said:
            self._said.append((number + 1, said, tokens, answer))
            if len(turns) > 1 and (prompt == answer or said == turns[-2].text):
                self.records.answers.echo(number + 1)
        method = method_of(self._format, conversation) if self.is_chat else self._method
        self._kinds.append((method, len(turns), conversation.system != "", _media(turns)))

    def flush(self) -> int:
        """Count what has come since the last time; gives how many records that are."""
        count = len(self._tokens)
        if not count:
            return 0
        records, start = self.records, self._flushed
        self._flushed += count
        numbers = self._lines[start:]
        # Records that are not well-shaped are noted before those of the same block that are.
        problem = Problem("$", "TD010", self._format)
        found = [*records.misplaced.first, *((number, problem) for number in numbers[: self._most])]
        records.misplaced.first = sorted(found)[: self._most]
        records.misplaced.counts["TD010"] = records.misplaced.counts.get("TD010", 0) + count
        records.gathered.add_many(self._tokens, Counter(self._scripts))
        for (method, turns, has_system, media), times in Counter(self._kinds).items():
            records.kind(method, turns, has_system, media, times)
        if self._said:
            records.answers.add_many(self._said)
        self._tokens, self._said, self._kinds, self._scripts = [], [], [], []
        return count

    def into(self, records: Records) -> None:
        """Hand the fingerprints on."""
        records.prints = Prints(
            self._prompts.tobytes(), self._answers.tobytes(), self._letters.tobytes(), self._lines.tobytes()
        )
