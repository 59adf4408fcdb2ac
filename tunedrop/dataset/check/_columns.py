"""Collects the well-formed records of one format while a range is scanned, block by block."""

from __future__ import annotations

from array import array
from collections import Counter
from operator import eq

from tunedrop.catalog.method import MethodRules
from tunedrop.dataset.check._rows import Rows, is_chat, rows_of, rows_of_batch
from tunedrop.dataset.check._scripts import counted
from tunedrop.dataset.check.results import Findings, Records
from tunedrop.dataset.duplicates.candidates import Prints
from tunedrop.dataset.formats import Conversation, SourceFormat
from tunedrop.dataset.formats.batch import Batch
from tunedrop.dataset.rules import record as rules
from tunedrop.dataset.types import Problem


def _answered(path: str) -> Problem:
    why = "the conversation must end with the user: the grader scores the model's own answers"
    return Problem(path.removesuffix(".content"), "TD020", why, "assistant", "user")


class Columns:
    """Collects the well-formed records of one format, in order."""

    def __init__(self, format_: SourceFormat, views: list[MethodRules | None], most: int) -> None:
        self.records = Records(views=[Findings() for _ in views])
        self.views = views
        self._most = most
        self.is_chat = is_chat(format_)
        self._format: SourceFormat = format_
        self._prompts, self._answers, self._letters = array("Q"), array("Q"), array("Q")
        self._lines = array("I")
        self._numbers: list[int] = []
        self._pending: list[Conversation] = []
        self._batch: Rows | None = None
        self.known: dict[tuple[object, ...], list[list[Problem]]] = {}
        self.harmless_size, self.harmless_turns = rules.harmless(format_, views)

    def add(self, number: int, conversation: Conversation) -> None:
        """One record."""
        self._numbers.append(number)
        self._pending.append(conversation)

    def add_batch(self, numbers: list[int], batch: Batch) -> None:
        """Add many records of a block, once per block."""
        self._batch = rows_of_batch(self._format, numbers, batch)

    def flush(self) -> int:
        """Count the records since the last call; returns their number."""
        rows, self._batch = self._batch, None
        if self._numbers:
            others = rows_of(self._format, self._numbers, self._pending)
            rows = rows.merged(others) if rows is not None else others
            self._numbers, self._pending = [], []
        if rows is None:
            return 0
        records, numbers, count = self.records, rows.lines, len(rows.lines)
        # Malformed records of the block were added before the well-formed ones.
        problem = Problem("$", "TD010", self._format)
        found = [*records.misplaced.first, *((number, problem) for number in numbers[: self._most])]
        records.misplaced.first = sorted(found)[: self._most]
        records.misplaced.counts["TD010"] = records.misplaced.counts.get("TD010", 0) + count
        self._prompts.extend(rows.prompts)
        self._answers.extend(rows.answers)
        self._letters.extend(rows.letters)
        self._lines.extend(numbers)
        records.gathered.add_many(rows.tokens, counted(rows.last))
        for (which, turns, has_system, media), times in Counter(rows.kinds).items():
            records.kind(which, turns, has_system, media, times)
        if self._format != "text":
            self._answers_of(rows)
        return count

    def _answers_of(self, rows: Rows) -> None:
        """The answers to learn, and those that repeat their prompts."""
        records, learned = self.records, rows
        if not all(rows.said):
            some = [at for at, text in enumerate(rows.said) if text]
            learned = rows.chosen(some)
        records.answers.add_many(learned)
        if any(map(eq, learned.prompts, learned.answers)) or any(map(eq, learned.said, learned.before)):
            for line, prompt, answer, said, before in zip(
                learned.lines, learned.prompts, learned.answers, learned.said, learned.before, strict=True
            ):
                if before is not None and (prompt == answer or said == before):
                    records.answers.echo(line + 1)
        if self.is_chat:
            ended = [at for at, path in enumerate(rows.ends) if path]
            records.answered_count += len(ended)
            room = self._most - len(records.answered.first)
            records.answered.first += [(rows.lines[at], _answered(rows.ends[at])) for at in ended[:room]]

    def into(self, records: Records) -> None:
        """Move the fingerprints into the records."""
        records.prints = Prints(
            self._prompts.tobytes(), self._answers.tobytes(), self._letters.tobytes(), self._lines.tobytes()
        )
