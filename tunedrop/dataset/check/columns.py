"""What is kept of each record of a format while a range is scanned: columns, counted a block at a time."""

from __future__ import annotations

from array import array
from collections import Counter

from tunedrop.catalog.model import MethodRules
from tunedrop.dataset.check.results import Findings, Records
from tunedrop.dataset.check.scripts import scripts_of
from tunedrop.dataset.duplicates.candidates import Prints
from tunedrop.dataset.duplicates.fingerprints import fingerprints
from tunedrop.dataset.formats import METHODS, Conversation, SourceFormat, Turn, method_of
from tunedrop.dataset.rules import blocks
from tunedrop.dataset.rules import record as rules
from tunedrop.dataset.types import Problem

_Kind = tuple[str, int, bool, tuple[str, ...]]
"""Its method, turns, whether it has a system prompt, its media."""

_TEXT: _Kind = ("continued-pretraining", 1, False, ())


def _media(turns: tuple[Turn, ...]) -> tuple[str, ...]:
    if not any([turn.blocks for turn in turns]):
        return ()
    return tuple([kind for turn in turns for block in turn.blocks for kind in blocks.media_in(block)])


def _answered(turn: Turn) -> Problem:
    why = "the conversation must end with the user: the grader scores the model's own answers"
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
        self._numbers: list[int] = []
        self._pending: list[Conversation] = []
        self.known: dict[tuple[object, ...], list[list[Problem]]] = {}
        self.harmless_size, self.harmless_turns = rules.harmless(format_, views)

    def add(self, number: int, conversation: Conversation) -> None:
        """One record."""
        self._numbers.append(number)
        self._pending.append(conversation)

    def flush(self) -> int:
        """Count what has come since the last time; gives how many records that are."""
        numbers, conversations = self._numbers, self._pending
        count = len(numbers)
        if not count:
            return 0
        self._numbers, self._pending = [], []
        records = self.records
        # Records that are not well-shaped are noted before those of the same block that are.
        problem = Problem("$", "TD010", self._format)
        found = [*records.misplaced.first, *((number, problem) for number in numbers[: self._most])]
        records.misplaced.first = sorted(found)[: self._most]
        records.misplaced.counts["TD010"] = records.misplaced.counts.get("TD010", 0) + count
        prompts, answers, letters = fingerprints(conversations)
        self._prompts.extend(prompts)
        self._answers.extend(answers)
        self._letters.extend(letters)
        self._lines.extend(numbers)
        tokens = [rules.tokens_of(rules.bytes_of(one)) for one in conversations]
        records.gathered.add_many(tokens, Counter([scripts_of(one.turns[-1].text) for one in conversations]))
        if self._is_text:
            records.kind(*_TEXT, count)
            return count
        kinds: list[_Kind]
        if self.is_chat:
            kinds = [
                (method_of(self._format, one), len(one.turns), one.system != "", _media(one.turns))
                for one in conversations
            ]
        else:
            method = self._method
            kinds = [(method, len(one.turns), one.system != "", ()) for one in conversations]
        for (which, turns, has_system, media), times in Counter(kinds).items():
            records.kind(which, turns, has_system, media, times)
        self._answers_of(numbers, conversations, tokens, prompts, answers)
        return count

    def _answers_of(
        self,
        numbers: list[int],
        conversations: list[Conversation],
        tokens: list[int],
        prompts: list[int],
        answers: list[int],
    ) -> None:
        """What is to be learned; answers that are their own prompts."""
        records = self.records
        said = [
            one.turns[-1].text if one.turns[-1].role == "assistant" else one.answer for one in conversations
        ]
        if all(said):
            records.answers.add_many([number + 1 for number in numbers], said, tokens, answers)
        else:
            some = [at for at, text in enumerate(said) if text]
            records.answers.add_many(
                [numbers[at] + 1 for at in some],
                [said[at] for at in some],
                [tokens[at] for at in some],
                [answers[at] for at in some],
            )
        for number, one, text, prompt, answer in zip(
            numbers, conversations, said, prompts, answers, strict=True
        ):
            turns = one.turns
            if text and len(turns) > 1 and (prompt == answer or text == turns[-2].text):
                records.answers.echo(number + 1)
        if self.is_chat:
            ended = [at for at, one in enumerate(conversations) if one.turns[-1].role == "assistant"]
            records.answered_count += len(ended)
            room = self._most - len(records.answered.first)
            records.answered.first += [
                (numbers[at], _answered(conversations[at].turns[-1])) for at in ended[:room]
            ]

    def into(self, records: Records) -> None:
        """Hand the fingerprints on."""
        records.prints = Prints(
            self._prompts.tobytes(), self._answers.tobytes(), self._letters.tobytes(), self._lines.tobytes()
        )
