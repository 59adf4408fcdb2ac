"""Results of ranges from `scan`, which can be serialized and merged."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from tunedrop.dataset.check._answers import Answers
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.check.statistics import Gatherer, add
from tunedrop.dataset.duplicates.candidates import Prints
from tunedrop.dataset.formats import SourceFormat
from tunedrop.dataset.formats import json_lines as lines
from tunedrop.dataset.types import Problem, Source, Split

RANGE = 64 << 20
"""The default size of a range, in bytes."""


PLACES = 5
"""The number of places kept per rule, independent of the findings of other rules."""
_ONCE_EACH = frozenset(("TD014",))
"""Rules about keys: one place per message is enough, because every record may have the same key."""


class Range(msgspec.Struct, frozen=True):
    """A range of a file's bytes: the lines that begin from `start` to before `stop`."""

    split: Split
    start: int
    stop: int


class Tally(msgspec.Struct):
    """Findings: the count of each code, and (line, problem) of the first ones, overall and per code.

    Lines are numbered from the beginning of the range.
    """

    counts: dict[str, int] = {}
    first: list[tuple[int, Problem]] = []
    places: dict[str, list[tuple[int, Problem]]] = {}

    @property
    def count(self) -> int:
        """The total number."""
        return sum(self.counts.values())

    def add(self, line: int, problem: Problem, most: int) -> None:
        """Add a finding; lines must be in ascending order."""
        count = self.counts[problem.code] = self.counts.get(problem.code, 0) + 1
        if len(self.first) < most:
            self.first.append((line, problem))
        if count <= PLACES or problem.code in _ONCE_EACH:
            self._place(line, problem)

    def _place(self, line: int, problem: Problem) -> None:
        """Keep another place of a code, while there is room; for `_ONCE_EACH`, one per message."""
        there = self.places.setdefault(problem.code, [])
        if problem.code in _ONCE_EACH and any(problem.message == one.message for _, one in there):
            return
        if len(there) < PLACES:
            there.append((line, problem))

    def lists_no_more(self, code: str, most: int) -> bool:
        """Whether further findings of a rule are only counted."""
        return self.counts.get(code, 0) >= PLACES and len(self.first) >= most and code not in _ONCE_EACH

    def merge(self, other: Tally, lines_before: int, most: int) -> None:
        """Merge those of the following part."""
        add(self.counts, other.counts)
        room = most - len(self.first)
        self.first += [(line + lines_before, problem) for line, problem in other.first[:room]]
        for theirs in other.places.values():
            for line, problem in theirs:
                self._place(line + lines_before, problem)


class Findings(msgspec.Struct):
    """Errors and warnings, separated by the severity of their rule."""

    errors: Tally = msgspec.field(default_factory=Tally)
    warnings: Tally = msgspec.field(default_factory=Tally)

    def add(self, line: int, problem: Problem, asked: CheckOptions) -> None:
        """Add a finding, unless its rule is off; lines must be in ascending order."""
        severity = asked.severity(problem.code)
        if severity != "off":
            tally = self.errors if severity == "error" else self.warnings
            tally.add(line, problem, asked.max_findings)

    def counted(self, code: str, times: int, asked: CheckOptions) -> bool:
        """Count further findings of a rule that need no details, or whose rule is off; False if they must be
        added."""
        severity = asked.severity(code)
        if severity == "off":
            return True
        tally = self.errors if severity == "error" else self.warnings
        if not tally.lists_no_more(code, asked.max_findings):
            return False
        tally.counts[code] += times
        return True

    def merge(self, other: Findings, lines_before: int, most: int) -> None:
        """Merge those of the following part."""
        self.errors.merge(other.errors, lines_before, most)
        self.warnings.merge(other.warnings, lines_before, most)


class Records(msgspec.Struct):
    """The records of one format.

    Attributes
    ----------
    misplaced
        The records as findings, in case the dataset turns out to have another format.
    findings
        The findings that hold for any method; `views` adds those of each candidate rule set of
        `CheckOptions.views`.
    unanswered, answered, ungraded, unreferenced
        Findings that hold only for some methods: conversations that end with the user, conversations that end
        with the assistant, keys for a grader, records without a reference answer.
    prints
        The fingerprints of records that can be compared with others; `merge` removes them.
    """

    misplaced: Tally = msgspec.field(default_factory=Tally)
    findings: Findings = msgspec.field(default_factory=Findings)
    views: list[Findings] = []
    methods: dict[str, int] = {}
    traits: dict[str, int] = {}
    gathered: Gatherer = msgspec.field(default_factory=Gatherer)
    answers: Answers = msgspec.field(default_factory=Answers)
    unanswered: Tally = msgspec.field(default_factory=Tally)
    answered: Tally = msgspec.field(default_factory=Tally)
    answered_count: int = 0
    ungraded: Tally = msgspec.field(default_factory=Tally)
    unreferenced: Tally = msgspec.field(default_factory=Tally)
    prints: Prints = Prints()

    def kind(self, method: str, turns: int, has_system: bool, media: tuple[str, ...], times: int) -> None:
        """Count a number of identical records: their method, turns and content."""
        add(self.methods, {method: times})
        add(self.traits, {"system": times} if has_system else {})
        for medium in media:
            add(self.traits, {medium: times})
        add(self.gathered.turns, {turns: times})
        first = "text" if method == "continued-pretraining" else "user"
        add(self.gathered.roles, {first: (turns + 1) // 2 * times})
        if turns > 1:
            add(self.gathered.roles, {"assistant": turns // 2 * times})

    def merge(self, other: Records, lines_before: int, most: int) -> None:
        """Merge those of the following part, except the fingerprints."""
        self.misplaced.merge(other.misplaced, lines_before, most)
        self.findings.merge(other.findings, lines_before, most)
        self.views += [Findings() for _ in other.views[len(self.views) :]]
        for mine, theirs in zip(self.views, other.views, strict=True):
            mine.merge(theirs, lines_before, most)
        self.unanswered.merge(other.unanswered, lines_before, most)
        self.answered.merge(other.answered, lines_before, most)
        self.answered_count += other.answered_count
        self.ungraded.merge(other.ungraded, lines_before, most)
        self.unreferenced.merge(other.unreferenced, lines_before, most)
        add(self.methods, other.methods)
        add(self.traits, other.traits)
        self.gathered.merge(other.gathered)
        self.answers.merge(other.answers, lines_before)


class RangeResult(msgspec.Struct, kw_only=True):
    """The result of one range. `msgspec.msgpack.encode` gives about 12 bytes per record.

    Attributes
    ----------
    line_count
        Lines that begin in the range.
    records
        Lines that are one JSON object.
    another_kind
        Why the file is not JSON lines at all; then nothing else is reported about it.
    findings
        Lines that are not records, and records in no known format.
    """

    range: Range
    line_count: int = 0
    records: int = 0
    another_kind: Problem | None = None
    findings: Findings = msgspec.field(default_factory=Findings)
    formats: dict[SourceFormat, Records] = {}


def ranges(split: Split, source: Source, size: int = RANGE) -> Iterator[Range]:
    """The ranges of a file, in order; none for an empty file, one for a file other than JSON lines."""
    step = source.size if lines.another_kind(lines.head(source)) else size
    for start in range(0, source.size, max(1, step)):
        yield Range(split, start, min(start + step, source.size))


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Disable garbage collection, which would take half of the time: none of the millions of values is in a
    cycle."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
