"""Checks one range of a file's bytes: a pure function of these bytes, which can run anywhere.

`merge` combines the results of consecutive ranges into exactly the report of a single pass
(`tests/unit/dataset/test_partial.py` verifies it).

A block of lines is decoded at once if every line has Bedrock's format, else line by line. A block that was
decoded at once is counted as a `Batch`, and each rule checks all candidates of the prefilter together. A
`Conversation` is created only for records that need further checks.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from functools import cached_property
from itertools import accumulate

import msgspec

from tunedrop.dataset import formats
from tunedrop.dataset.check._columns import Columns
from tunedrop.dataset.check._record_check import RecordCheck
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.check.results import Range, RangeResult, Records, without_garbage_collection
from tunedrop.dataset.formats import METHODS, Conversation, Reading, SourceFormat
from tunedrop.dataset.formats import json_lines as lines
from tunedrop.dataset.formats.batch import Batch
from tunedrop.dataset.formats.json_typed import RICH, TYPED, Typed
from tunedrop.dataset.formats.transcripts import begins, is_transcript
from tunedrop.dataset.rules import record as rules
from tunedrop.dataset.rules import reserved_words
from tunedrop.dataset.rules.texts.prefilter import EVERYTHING, MARKS, Candidates, Prefilter
from tunedrop.dataset.types import Problem, Source

_BEGINNING = 200
"""Number of records that decide whether a file is a text corpus."""


def scan_range(source: Source, range_: Range, asked: CheckOptions) -> RangeResult:
    """Check the lines that begin in a range, independently of other ranges."""
    return _Scan(source, range_, asked).partial()


class _Scan:
    def __init__(self, source: Source, range_: Range, asked: CheckOptions) -> None:
        self._source = source
        self._asked = asked
        self._most = asked.max_findings
        self._partial = RangeResult(range=range_)
        self._columns: dict[SourceFormat, Columns] = {}
        self._views = {format_: asked.views(format_) for format_ in METHODS}
        some = [view for views in self._views.values() for view in views if view is not None]
        self._prefilter = Prefilter(tuple({word for one in some for word in reserved_words.to_find(one)}))
        self._typed: Typed | None = None
        self._record_check = RecordCheck(asked, source.resolver, range_.split != "train")

    def partial(self) -> RangeResult:
        found, range_ = self._partial, self._partial.range
        head = lines.head(self._source) if range_.start == 0 else b""
        kind = lines.another_kind(head)
        if kind is not None:
            found.another_kind = Problem("", *kind)
            return found
        if lines.has_bom(head):
            found.findings.add(0, Problem("", *lines.BOM_PROBLEM), self._asked)
        with without_garbage_collection():
            for block in lines.blocks(self._source, range_.start, range_.stop):
                self._block(lines.body_of(block))
        for format_, columns in self._columns.items():
            columns.into(found.formats[format_])
        return found

    def _block(self, body: bytes) -> None:
        raws, first = lines.split(body), self._partial.line_count
        self._partial.line_count += len(raws)
        self._record_check.begin(body)
        is_bounded = len(body) <= lines.MAX_LINE_BYTES  # otherwise the line is too long to be a record
        bits = self._candidates(body, raws) if is_bounded else dict.fromkeys(range(len(raws)), EVERYTHING)
        hidden = [index for index, candidate in bits.items() if candidate == EVERYTHING]
        records = self._together(body, raws, may_hide=bool(hidden)) if is_bounded else None
        if hidden:
            bits.update(self._unescaped(hidden, raws, records))
            bits = {at: candidate for at, candidate in bits.items() if candidate}
        if records is not None and self._typed is not None:
            self._typed_block(first, raws, records, bits, self._typed)
        else:
            for index, raw in enumerate(raws):
                self._line(first + index, raw, bits.get(index, self._prefilter.always))
        self._flush()

    def _typed_block(
        self, first: int, raws: list[bytes], records: list[object], bits: dict[int, int], typed: Typed
    ) -> None:
        """Check lines that all have the same format of Bedrock: plain ones together, the others one by
        one."""
        usual, batch, known = _usual(records, bits, typed)
        if not usual:  # no record that certainly has this format
            for at, raw in enumerate(raws):
                self._line(first + at, raw, bits.get(at, self._prefilter.always))
            return
        columns = self._columns.get(typed.format) or self._new(typed.format)
        odd = set(range(len(records))).difference(usual) if len(usual) < len(records) else set()
        if batch is None:
            looked_at, alike = set(usual), {}
        else:
            columns.add_batch([first + at for at in usual], batch)
            looked_at = self._more_than_texts(raws, usual, batch, columns)
            kinds = {
                at: one for at, one in zip(usual, batch.alike, strict=False) if one and at not in looked_at
            }
            alike = self._record_check.alike(kinds, columns, typed, records)
        candidates = Candidates({at: typed.texts(records[at]) for at in bits if at not in odd}, bits)
        wrong = self._record_check.broken(candidates, columns.records.findings)
        worded = self._record_check.words(candidates, columns)
        for at in sorted(looked_at.union(wrong, worded, odd, alike)):
            if at in odd:
                self._line(first + at, raws[at], bits.get(at, self._prefilter.always))
                continue
            for problem in wrong.get(at, ()):
                columns.records.findings.add(first + at, problem, self._asked)
            for some in (worded, alike):
                if at in some:
                    self._record_check.add_for_the_model(first + at, some[at], columns)
            if at not in looked_at:
                continue
            conversation = known[at] if at in known else typed.conversation(records[at])
            if conversation is not None:
                if batch is None:
                    columns.add(first + at, conversation)
                self._record_check.check(first + at, typed.format, conversation, columns, len(raws[at]) + 1)

    def _more_than_texts(
        self, raws: list[bytes], usual: list[int], batch: Batch, columns: Columns
    ) -> set[int]:
        """The lines of a batch that must be checked individually, regardless of their texts."""
        found = {usual[at] for at in batch.unusual(columns.harmless_turns, columns.is_chat)}
        if max(map(len, raws)) >= columns.harmless_size:
            found.update([at for at in usual if len(raws[at]) >= columns.harmless_size])
        if any(batch.media) and self._record_check.may_look_at_media():
            found.update([at for at, some in zip(usual, batch.media, strict=True) if some])
        return found

    def _candidates(self, body: bytes, raws: list[bytes]) -> dict[int, int]:
        """The text rules that each line may break, as bits."""
        return self._prefilter.candidates(body, list(accumulate([len(raw) + 1 for raw in raws])))

    def _unescaped(
        self, hidden: list[int], raws: list[bytes], records: list[object] | None
    ) -> dict[int, int]:
        """The text rules that lines with JSON escapes may break: these lines are encoded again without
        escapes."""
        found, plain, places = dict.fromkeys(hidden, EVERYTHING), [], []
        for at in hidden:
            with suppress(msgspec.MsgspecError, ValueError, RecursionError, OverflowError):
                record = records[at] if records is not None else msgspec.json.decode(raws[at])
                plain.append(msgspec.json.encode(record))
                places.append(at)
        bits = self._candidates(b"\n".join(plain), plain) if plain else {}
        return found | {place: bits.get(at, 0) for at, place in enumerate(places)}

    def _together(self, body: bytes, raws: list[bytes], may_hide: bool) -> list[object] | None:
        """All records of a block if each has exactly the same format of Bedrock, else None."""
        if self._typed is None:
            self._typed = _typed(raws[0])
        if self._typed is None:
            return None
        records: list[object] | None = None
        for typed in (self._typed, TYPED.get(RICH) if self._typed is TYPED.get("converse") else None):
            if typed is not None and records is None:
                with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    records, self._typed = typed.decoder.decode_lines(body), typed
        if records is None:
            self._typed = _typed(raws[-1])
            return None
        if len(records) != len(raws) or not _are_one_a_line(raws):
            return None
        return records if self._typed.names_each_key_once(body, records, may_hide) else None

    def _line(self, number: int, raw: bytes, candidate: int) -> None:
        """Check a single line of any kind."""
        line = lines.parse(number, raw)
        if line.problem is not None:
            self._partial.findings.add(number, Problem("", *line.problem), self._asked)
            return
        reading = formats.read(line.record)
        if reading.format == "transcript" and self._is_corpus:
            reading = formats.read_for(line.record, is_text=True)
        if formats.is_unknown(reading):
            self._partial.records += 1
            self._partial.findings.add(number, reading.problems[0], self._asked)
            return
        if reading.conversation is None:
            self._broken(number, reading)
            return
        for problem in reading.problems:
            self._of(reading.format).findings.add(number, problem, self._asked)
        self._take(number, reading.format, reading.conversation, len(raw) + 1, candidate)

    @cached_property
    def _is_corpus(self) -> bool:
        """Whether documents are plain texts for continued pre-training, even if they look like transcripts.
        The method decides, or else the majority of the file's first records, so that all ranges decide
        alike."""
        if self._asked.method != "auto":
            return self._asked.method == "continued-pretraining"
        begun = [lines.parse(1, raw) for raw in lines.head(self._source).split(b"\n")[:_BEGINNING]]
        found = Counter(formats.detect(one.record) for one in begun if one.problem is None)
        return found["text"] > found["transcript"]

    def _broken(self, number: int, reading: Reading) -> None:
        self._partial.records += 1
        records = self._of(reading.format)
        records.misplaced.add(number, Problem("$", "TD010", reading.format), self._most)
        for problem in reading.problems:
            records.findings.add(number, problem, self._asked)

    def _take(
        self, number: int, format_: SourceFormat, conversation: Conversation, size: int, candidate: int
    ) -> None:
        """Add one well-formed record."""
        columns = self._columns.get(format_) or self._new(format_)
        columns.add(number, conversation)
        if candidate:
            self._record_check.texts(number, rules.texts_of(conversation), columns, candidate)
        self._record_check.check(number, format_, conversation, columns, size)

    def _of(self, format_: SourceFormat) -> Records:
        return (self._columns.get(format_) or self._new(format_)).records

    def _new(self, format_: SourceFormat) -> Columns:
        views = self._views[format_]
        columns = self._columns[format_] = Columns(format_, views, self._most)
        self._partial.formats[format_] = columns.records
        return columns

    def _flush(self) -> None:
        for columns in self._columns.values():
            self._partial.records += columns.flush()


def _usual(
    records: list[object], bits: dict[int, int], typed: Typed
) -> tuple[list[int], Batch | None, dict[int, Conversation | None]]:
    """The records to check together, their batch if there is one, and the conversations of all records if
    each had to be read. The remaining records are malformed, or transcripts."""
    usual, known = list(range(len(records))), dict[int, Conversation | None]()
    batch = typed.batch(records)
    if batch is None:
        known = {at: typed.conversation(record) for at, record in enumerate(records)}
        usual = [at for at in usual if known[at] is not None]
    marked = [at for at, bit in bits.items() if bit & MARKS and known.get(at, at) is not None]
    transcripts = {at for at in marked if _is_transcript(records[at], typed)}
    if transcripts:
        usual = [at for at in usual if at not in transcripts]
    if len(usual) < len(records):
        batch = typed.batch([records[at] for at in usual]) if usual else None
    return usual, batch, known


def _is_transcript(record: object, typed: Typed) -> bool:
    if not begins(typed.texts(record)[0][2]):
        return False
    conversation = typed.conversation(record)
    return conversation is not None and is_transcript(conversation)


def _are_one_a_line(raws: list[bytes]) -> bool:
    """Whether each line holds exactly one object. The decoder accepts any whitespace between objects, so
    equal counts are not enough: two objects on one line would compensate for a blank line, or for an object
    that spans two lines."""
    if all([raw[:1] == b"{" and raw[-1:] == b"}" for raw in raws]):
        return True
    return all([raw.strip()[:1] == b"{" and raw.strip()[-1:] == b"}" for raw in raws])


def _typed(raw: bytes) -> Typed | None:
    """The strict decoder that accepts a line."""
    for typed in TYPED.values():
        try:
            typed.decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        return typed
    return None
