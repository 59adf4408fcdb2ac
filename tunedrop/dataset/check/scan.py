"""What one range of a file's bytes holds: a pure function of the bytes, which can run anywhere.

The partial results of any ranges that make up the files, in their order, are put together by `conclude`
into exactly what one pass would have found: `python -m pytest tests/unit/dataset/test_partial.py`.
"""

from __future__ import annotations

import gc
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from heapq import merge
from operator import itemgetter

import msgspec

from tunedrop.dataset.check.fast import Batch, FastReader
from tunedrop.dataset.check.options import METHODS, Asked
from tunedrop.dataset.check.statistics import Gatherer, add, count
from tunedrop.dataset.duplicates.fingerprints import likeness, prompt_of
from tunedrop.dataset.formats import json_lines as lines
from tunedrop.dataset.formats import record as formats
from tunedrop.dataset.formats.record import Conversation, SourceFormat
from tunedrop.dataset.rules import quality
from tunedrop.dataset.rules import record as rules
from tunedrop.dataset.rules.quality import Answers
from tunedrop.dataset.sources import media
from tunedrop.dataset.types import Problem, Source, Split

RANGE = 64 << 20
"""Bytes that are examined at once, where nobody asks for another size."""


class Range(msgspec.Struct, frozen=True):
    """Bytes of a file: the lines that begin from `start` to before `stop`."""

    split: Split
    start: int
    stop: int


class Tally(msgspec.Struct):
    """Findings: how many of each code, and (line, problem) of the first. A range counts lines from its own
    beginning."""

    counts: dict[str, int] = {}
    first: list[tuple[int, Problem]] = []

    @property
    def count(self) -> int:
        """How many in all."""
        return sum(self.counts.values())

    def add(self, line: int, problem: Problem, most: int) -> None:
        """One more; lines in rising order."""
        self.counts[problem.code] = self.counts.get(problem.code, 0) + 1
        if len(self.first) < most:
            self.first.append((line, problem))

    def add_range(self, line: int, count: int, problem: Problem, most: int) -> None:
        """The same for many lines that follow each other."""
        add(self.counts, {problem.code: count})
        room = min(count, most - len(self.first))
        self.first += [(number, problem) for number in range(line, line + room)]

    def merge(self, other: Tally, lines_before: int, most: int) -> None:
        """Take those of the part that follows."""
        add(self.counts, other.counts)
        room = most - len(self.first)
        self.first += [(line + lines_before, problem) for line, problem in other.first[:room]]


class Findings(msgspec.Struct):
    """Errors and warnings, told apart by their code."""

    errors: Tally = msgspec.field(default_factory=Tally)
    warnings: Tally = msgspec.field(default_factory=Tally)

    def add(self, line: int, problem: Problem, most: int) -> None:
        """One more; lines in rising order."""
        tally = self.errors if rules.severity(problem.code) == "error" else self.warnings
        tally.add(line, problem, most)

    def merge(self, other: Findings, lines_before: int, most: int) -> None:
        """Take those of the part that follows."""
        self.errors.merge(other.errors, lines_before, most)
        self.warnings.merge(other.warnings, lines_before, most)


class Records(msgspec.Struct):
    """The records of one format.

    Attributes
    ----------
    misplaced
        The records as findings, should the dataset turn out to have another format.
    findings
        What is wrong with them whatever the method; `views` adds what is wrong by the rules of each of
        `Asked.views`.
    likeness, lines
        Of each record that can be compared with others: 8 bytes and 4 bytes. `conclude` takes them away.
    """

    misplaced: Tally = msgspec.field(default_factory=Tally)
    findings: Findings = msgspec.field(default_factory=Findings)
    views: list[Findings] = []
    methods: dict[str, int] = {}
    traits: dict[str, int] = {}
    gathered: Gatherer = msgspec.field(default_factory=Gatherer)
    answers: Answers = msgspec.field(default_factory=Answers)
    likeness: bytes = b""
    lines: bytes = b""

    def merge(self, other: Records, lines_before: int, most: int) -> None:
        """Take those of the part that follows, but for likeness."""
        self.misplaced.merge(other.misplaced, lines_before, most)
        self.findings.merge(other.findings, lines_before, most)
        self.views += [Findings() for _ in other.views[len(self.views) :]]
        for mine, theirs in zip(self.views, other.views, strict=True):
            mine.merge(theirs, lines_before, most)
        add(self.methods, other.methods)
        add(self.traits, other.traits)
        self.gathered.merge(other.gathered)
        self.answers.merge(other.answers, lines_before)


class Partial(msgspec.Struct, kw_only=True):
    """What the lines of one range hold. `msgspec.msgpack.encode` makes 12 bytes a record of it, and little
    more.

    Attributes
    ----------
    line_count
        Lines that begin in the range.
    records
        Lines that are one JSON object.
    another_kind
        Why the file is no JSON lines at all; nothing else of it counts then.
    findings
        Lines that are no record, and records of no format.
    blocks
        (byte, line) where blocks of lines begin, and where the last ends: to find a line again.
    """

    range: Range
    line_count: int = 0
    records: int = 0
    another_kind: Problem | None = None
    findings: Findings = msgspec.field(default_factory=Findings)
    formats: dict[SourceFormat, Records] = {}
    blocks: list[tuple[int, int]] = []


def ranges(split: Split, source: Source, size: int = RANGE) -> Iterator[Range]:
    """The ranges of a file, in order; none of an empty one, and one of a file that is no JSON lines."""
    step = source.size if lines.another_kind(lines.head(source)) else size
    for start in range(0, source.size, max(1, step)):
        yield Range(split, start, min(start + step, source.size))


def examine(source: Source, range_: Range, asked: Asked) -> Partial:
    """Everything that can be said of the lines that begin in a range, without knowing the others."""
    return _Examiner(source, range_, asked).partial()


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Millions of values are made and dropped, none in a cycle: looking for cycles takes half of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Examiner:
    def __init__(self, source: Source, range_: Range, asked: Asked) -> None:
        self._source = source
        self._asked = asked
        self._most = asked.max_findings
        self._fast = FastReader(asked)
        self._album = source.album
        self._partial = Partial(range=range_)
        self._likeness: dict[SourceFormat, array[int]] = {}
        self._lines: dict[SourceFormat, array[int]] = {}
        self._views = {format_: asked.views(format_) for format_ in METHODS}

    def partial(self) -> Partial:
        found, range_ = self._partial, self._partial.range
        head = lines.head(self._source) if range_.start == 0 else b""
        kind = lines.another_kind(head)
        if kind is not None:
            found.another_kind = Problem("", *kind)
            return found
        if lines.has_bom(head):
            found.findings.add(0, Problem("", *lines.BOM_PROBLEM), self._most)
        end = range_.start
        with without_garbage_collection():
            for block in lines.blocks(self._source, range_.start, range_.stop):
                found.blocks.append((block.start, found.line_count))
                end = block.start + len(block.body)
                self._read(lines.body_of(block))
        found.blocks.append((end, found.line_count))
        for format_, records in found.formats.items():
            records.likeness = self._likeness[format_].tobytes()
            records.lines = self._lines[format_].tobytes()
        return found

    def _read(self, body: bytes) -> None:
        """Lines together where they are as they should be, else one by one."""
        album = self._album
        for found in self._fast.read(body):
            if isinstance(found, Batch):
                self._batch(found, body)
                continue
            if album is not None and (b'"uri"' in found or b'"image-ref"' in found):
                album.expect(media.named_in(body))
                album = None
            self._line(self._partial.line_count, found)
            self._partial.line_count += 1

    def _batch(self, batch: Batch, body: bytes) -> None:
        found, tokens, first = self._partial, batch.tokens, self._partial.line_count
        records, number = self._of(batch.format), len(tokens)
        found.line_count += number
        found.records += number
        records.misplaced.add_range(first, number, Problem("$", "TD010", batch.format), self._most)
        for kind, times in batch.kinds:
            add(records.methods, {kind.method: times})
            add(records.traits, dict.fromkeys(kind.traits, times))
        records.gathered.add_many(tokens, batch.kinds, batch.lines.scripts)
        if batch.format != "text":
            records.answers.add_many(first + 1, batch.lines, tokens, body)
        self._likeness[batch.format].extend(batch.lines.likeness)
        self._lines[batch.format].extend(range(first, first + number))
        wrong: Iterable[tuple[int, Problem | bytes]] = merge(
            batch.problems, batch.suspects, key=itemgetter(0)
        )
        for index, what in wrong:
            if isinstance(what, Problem):
                records.findings.add(first + index, what, self._most)
                continue
            line = lines.parse(first + index, what)
            self._judge(line, batch.format, len(what) + 1, formats.read(line.record, batch.format))

    def _line(self, number: int, raw: bytes) -> None:
        found = self._partial
        line = lines.parse(number, raw)
        if line.problem is not None:
            found.findings.add(number, Problem("", *line.problem), self._most)
            return
        found.records += 1
        format_ = formats.detect(line.record)
        if format_ is None:
            found.findings.add(number, rules.no_format(line.record), self._most)
            return
        self._record(line, format_, len(raw) + 1)

    def _record(self, line: lines.Line, format_: SourceFormat, size: int) -> None:
        records, number, record = self._of(format_), line.number, line.record
        records.misplaced.add(number, Problem("$", "TD010", format_), self._most)
        problems = list(rules.shape_problems(record, format_, rules.answer_of(self._asked.method)))
        for problem in problems:
            records.findings.add(number, problem, self._most)
        if rules.are_fatal(problems):
            return
        conversation = formats.read(record, format_)
        tokens = rules.tokens_of(
            sum(len(turn.text) for turn in conversation.turns) + len(conversation.system)
        )
        count(records.methods, [formats.method_of(format_, conversation)])
        count(records.traits, rules.traits(conversation))
        records.gathered.add(conversation, tokens)
        if format_ != "text":
            records.answers.add(number + 1, conversation.answer, tokens)
        self._likeness[format_].append(likeness(prompt_of(conversation)))
        self._lines[format_].append(number)
        self._judge(line, format_, size, conversation)

    def _judge(self, line: lines.Line, format_: SourceFormat, size: int, conversation: Conversation) -> None:
        """Find what is wrong with the texts of a well-shaped record."""
        records = self._partial.formats[format_]
        for code, message in quality.look(conversation):
            records.findings.add(line.number, Problem("$", code, message), self._most)
        model = self._asked.base_model
        for view, found in zip(self._views[format_], records.views, strict=True):
            if self._album is not None:
                for problem in media.problems(line.record, format_, self._album, view, model):
                    found.add(line.number, problem, self._most)
            if view is not None and model is not None:
                for problem in rules.model_problems(line.record, format_, conversation, view, model, size):
                    found.add(line.number, problem, self._most)

    def _of(self, format_: SourceFormat) -> Records:
        if format_ not in self._partial.formats:
            views = [Findings() for _ in self._views[format_]]
            self._partial.formats[format_] = Records(views=views)
            self._likeness[format_], self._lines[format_] = array("Q"), array("I")
        return self._partial.formats[format_]
