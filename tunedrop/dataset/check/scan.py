"""What one range of a file's bytes holds: a pure function of the bytes, which can run anywhere.

`merge` puts the results of any ranges that make up the files, in their order, together into exactly what one
pass would have found: `python -m pytest tests/unit/dataset/test_partial.py`.

There is one path: a block of lines is decoded, at once where all of it is as Bedrock has it, else line by
line; each record becomes a `Conversation`, which the rules look at that the prefilter names.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from contextlib import suppress
from functools import cached_property
from itertools import accumulate

import msgspec

from tunedrop.dataset import formats
from tunedrop.dataset.check.columns import Columns
from tunedrop.dataset.check.options import Asked
from tunedrop.dataset.check.results import Findings, Partial, Range, Records, without_garbage_collection
from tunedrop.dataset.formats import METHODS, Conversation, Reading, SourceFormat
from tunedrop.dataset.formats import json_lines as lines
from tunedrop.dataset.formats.json_typed import RICH, TYPED, Typed
from tunedrop.dataset.formats.transcripts import begins, is_transcript
from tunedrop.dataset.rules import record as rules
from tunedrop.dataset.rules.record import Text
from tunedrop.dataset.rules.texts.prefilter import EVERYTHING, MARKS, WORDS, Prefilter, broken, broken_in
from tunedrop.dataset.sources import media
from tunedrop.dataset.types import Problem, Source, shorten

_BEGINNING = 200
"""Number of records by which a file is a corpus of texts."""
_MOST_KNOWN = 10_000
"""Number of record templates whose problems are cached."""


def examine(source: Source, range_: Range, asked: Asked) -> Partial:
    """Everything that can be said of the lines that begin in a range, without knowing the others."""
    return _Scan(source, range_, asked).partial()


class _Scan:
    def __init__(self, source: Source, range_: Range, asked: Asked) -> None:
        self._source = source
        self._asked = asked
        self._most = asked.max_findings
        self._album = source.album
        self._partial = Partial(range=range_)
        self._columns: dict[SourceFormat, Columns] = {}
        self._views = {format_: asked.views(format_) for format_ in METHODS}
        some = [view for views in self._views.values() for view in views if view is not None]
        self._prefilter = Prefilter(tuple({word for one in some for word in rules.words_to_find(one)}))
        self._typed: Typed | None = None
        self._to_expect = b""
        self._has_media = False

    def partial(self) -> Partial:
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
        self._to_expect, self._has_media = body, False
        is_bounded = len(body) <= lines.MAX_LINE_BYTES  # else it is a line too long to be a record
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
        """Lines that are all as one of Bedrock's formats has them: what is plain is counted together, and
        the others are looked at one by one."""
        columns = self._columns.get(typed.format) or self._new(typed.format)
        texts = {at: typed.texts(records[at]) for at in bits}
        odd = {
            at
            for at, bit in bits.items()
            if bit & MARKS and texts[at] and begins(texts[at][0][2]) and _is_transcript(typed, records[at])
        }
        usual = list(range(len(records)))
        batch = typed.batch(records) if not odd else None
        known: dict[int, Conversation | None] = {}
        if batch is None:
            known = {at: typed.conversation(record) for at, record in enumerate(records)}
            odd |= {at for at, conversation in known.items() if conversation is None}
            usual = [at for at in usual if at not in odd]
            batch = typed.batch([records[at] for at in usual]) if usual else None
        looked_at: set[int] = set()
        alike: dict[int, list[list[Problem]]] = {}
        if batch is None:
            looked_at = set(usual)
        else:
            columns.add_batch([first + at for at in usual], batch)
            looked_at.update([usual[at] for at in batch.unusual(columns.harmless_turns, columns.is_chat)])
            if max(map(len, raws)) >= columns.harmless_size:
                looked_at.update([at for at, raw in enumerate(raws) if len(raw) >= columns.harmless_size])
            if any(batch.media) and self._album and not media.are_all_elsewhere(self._to_expect, self._album):
                looked_at.update([usual[at] for at, some in enumerate(batch.media) if some])
            if any(batch.alike):
                some = {usual[at]: kinds for at, kinds in enumerate(batch.alike) if kinds}
                alike = self._alike(
                    {at: kinds for at, kinds in some.items() if at not in looked_at}, columns, typed, records
                )
        said = {at: some for at, some in texts.items() if at not in odd} if odd else texts
        wrong = self._broken_in(said, bits, columns.records.findings)
        worded = {at for at in said if bits[at] & WORDS}
        for at in sorted(looked_at.union(wrong, worded, odd, alike)):
            if at in odd:
                self._line(first + at, raws[at], bits.get(at, self._prefilter.always))
                continue
            for problem in wrong.get(at, ()):
                columns.records.findings.add(first + at, problem, self._asked)
            if at in worded:
                self._words(first + at, texts[at], columns)
            if at in alike:
                self._add_for_the_model(first + at, alike[at], columns)
            if at not in looked_at:
                continue
            conversation = known[at] if at in known else typed.conversation(records[at])
            if conversation is not None:
                if batch is None:
                    columns.add(first + at, conversation)
                self._look(first + at, typed.format, conversation, columns, len(raws[at]) + 1)

    def _broken_in(
        self, texts: dict[int, list[Text]], bits: dict[int, int], findings: Findings
    ) -> dict[int, list[Problem]]:
        """By record, what the rules about texts find; what is only counted is counted."""
        wrong: dict[int, list[Problem]] = {}
        for code, found in broken_in(texts, bits):
            if not findings.counted(code, sum([len(whys) for _, whys in found.values()]), self._asked):
                for at, (path, whys) in found.items():
                    wrong.setdefault(at, []).extend([Problem(path, code, why) for why in whys])
        return wrong

    def _candidates(self, body: bytes, raws: list[bytes]) -> dict[int, int]:
        """By line, the rules about texts that it may break, as bits."""
        found = self._prefilter.candidates(body)
        bits = dict.fromkeys(range(len(raws)), self._prefilter.always) if self._prefilter.always else {}
        if found:
            ends = list(accumulate([len(raw) + 1 for raw in raws]))
            for place, bit in found:
                at = bisect_right(ends, place)
                bits[at] = bits.get(at, 0) | bit
        return bits

    def _unescaped(
        self, hidden: list[int], raws: list[bytes], records: list[object] | None
    ) -> dict[int, int]:
        """What lines with escapes may break, which is plain to see once they are written without them."""
        found, plain, places = dict.fromkeys(hidden, EVERYTHING), [], []
        for at in hidden:
            with suppress(msgspec.MsgspecError, ValueError, RecursionError, OverflowError):
                record = records[at] if records is not None else msgspec.json.decode(raws[at])
                plain.append(msgspec.json.encode(record))
                places.append(at)
        bits = self._candidates(b"\n".join(plain), plain) if plain else {}
        return found | {place: bits.get(at, 0) for at, place in enumerate(places)}

    def _together(self, body: bytes, raws: list[bytes], may_hide: bool) -> list[object] | None:
        """All records of a block, where each is exactly as one of Bedrock's formats has it."""
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
        if len(records) != len(raws) or not self._typed.names_each_key_once(body, records, may_hide):
            return None
        return records

    def _line(self, number: int, raw: bytes, candidate: int) -> None:
        """A line by itself, whatever it is."""
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
        """Whether documents are texts to read, whatever they look like: by the method, else by most of the
        records that the file begins with, so that every range of it says the same."""
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
        """One record that is well-shaped."""
        columns = self._columns.get(format_) or self._new(format_)
        columns.add(number, conversation)
        if candidate:
            self._texts(number, rules.texts_of(conversation), columns, candidate)
        self._look(number, format_, conversation, columns, size)

    def _look(
        self, number: int, format_: SourceFormat, conversation: Conversation, columns: Columns, size: int
    ) -> None:
        """What is wrong with a record, but for its texts."""
        is_plain = conversation.is_plain
        if not is_plain:
            self._beside(number, format_, conversation, columns)
        if columns.is_chat and (conversation.extra or not conversation.is_answered):
            self._end(number, conversation, columns.records)
        if (
            not is_plain
            or conversation.system
            or conversation.extra
            or not conversation.has_version
            or size > columns.harmless_size
            or len(conversation.turns) > columns.harmless_turns
        ):
            self._for_the_model(number, format_, conversation, columns, size)

    def _for_the_model(
        self, number: int, format_: SourceFormat, conversation: Conversation, columns: Columns, size: int
    ) -> None:
        """What the base model does not take."""
        if self._asked.base_model is None:
            return
        is_small = size <= columns.harmless_size and len(conversation.turns) <= columns.harmless_turns
        alike = rules.alike(conversation) if is_small else None
        wrong = columns.known.get(alike) if alike is not None else None
        if wrong is None:
            wrong = self._model_problems(conversation, format_, columns, size)
            if alike is not None and len(columns.known) < _MOST_KNOWN:
                columns.known[alike] = wrong
        self._add_for_the_model(number, wrong, columns)

    def _add_for_the_model(self, number: int, wrong: list[list[Problem]], columns: Columns) -> None:
        for found, problems in zip(columns.records.views, wrong, strict=True):
            for problem in problems:
                if not found.counted(problem.code, 1, self._asked):
                    found.add(number, problem, self._asked)

    def _alike(
        self, kinds: dict[int, tuple[object, ...]], columns: Columns, typed: Typed, records: list[object]
    ) -> dict[int, list[list[Problem]]]:
        """By record, what the base model does not take of small records with other blocks than texts: all of
        the same kinds have the same problems. What is only counted is counted."""
        left: dict[tuple[object, ...], list[list[Problem]]] = {}
        for which, times in Counter(kinds.values()).items():
            wrong = columns.known.get(which)
            if wrong is None:
                at = next(at for at, one in kinds.items() if one == which)
                wrong = self._model_problems(typed.conversation(records[at]), typed.format, columns, 0)
                if len(columns.known) < _MOST_KNOWN:
                    columns.known[which] = wrong
            left[which] = [
                [one for one in problems if not found.counted(one.code, times, self._asked)]
                for found, problems in zip(columns.records.views, wrong, strict=True)
            ]
        return {at: left[which] for at, which in kinds.items() if any(left[which])}

    def _model_problems(
        self, conversation: Conversation | None, format_: SourceFormat, columns: Columns, size: int
    ) -> list[list[Problem]]:
        """What the base model does not take, by view."""
        model = self._asked.base_model
        if model is None or conversation is None:
            return [[] for _ in columns.views]
        tokens = rules.tokens_of(rules.longest_of(conversation))
        return [
            list(rules.model_problems(conversation, format_, view, model, tokens, size)) if view else []
            for view in columns.views
        ]

    def _texts(self, number: int, texts: list[Text], columns: Columns, candidate: int) -> None:
        """What the rules about texts find that the prefilter has named."""
        for path, code, why in broken(texts, candidate):
            columns.records.findings.add(number, Problem(path, code, why), self._asked)
        if candidate & WORDS:
            self._words(number, texts, columns)

    def _words(self, number: int, texts: list[Text], columns: Columns) -> None:
        """Words of the base model."""
        model, asked = self._asked.base_model, self._asked
        for view, found in zip(columns.views, columns.records.views, strict=True):
            for path, code, word in rules.words(texts, view) if view is not None else ():
                if model is not None and not found.counted(code, 1, asked):
                    found.add(number, rules.word_problem(path, code, word, model), asked)

    def _beside(
        self, number: int, format_: SourceFormat, conversation: Conversation, columns: Columns
    ) -> None:
        """What a record has beside its texts: keys that nobody reads, media."""
        for problem in rules.unread(conversation):
            columns.records.findings.add(number, problem, self._asked)
        if self._album is None:
            return
        if self._to_expect:  # all that the block names are fetched together
            body, self._to_expect = self._to_expect, b""
            self._has_media = b'"uri"' in body or b'"image' in body or b"\\u" in body
            if self._has_media:
                self._album.expect(media.named_in(body))
        if not self._has_media or not media.has_any_to_look_at(conversation, format_, self._album):
            return
        for view, found in zip(columns.views, columns.records.views, strict=True):
            for problem in media.problems(conversation, format_, self._album, view, self._asked.base_model):
                found.add(number, problem, self._asked)

    def _end(self, number: int, conversation: Conversation, records: Records) -> None:
        """How a conversation ends is right or wrong by the method."""
        last = conversation.turns[-1]
        at = last.path.removesuffix(".content")
        if not conversation.is_answered:
            why = (
                "the conversation must end with the assistant's answer (not for distillation, reinforcement)"
            )
            records.unanswered.add(number, Problem(at, "TD020", why, "user", "assistant"), self._most)
            for problem in rules.no_reference(conversation):
                records.unreferenced.add(number, problem, self._most)
        if conversation.extra:
            for key in conversation.extra:
                if key != "toolConfig":
                    why = (
                        f"Bedrock does not read {shorten(key)} for this method; what "
                        f"Tunedrop writes leaves it out"
                    )
                    problem = Problem(f"$.{shorten(key)}", "TD014", why, shorten(key))
                    records.ungraded.add(number, problem, self._most)

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


def _is_transcript(typed: Typed, record: object) -> bool:
    conversation = typed.conversation(record)
    return conversation is not None and is_transcript(conversation)


def _typed(raw: bytes) -> Typed | None:
    """The strict decoder that a line fits."""
    for typed in TYPED.values():
        try:
            typed.decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        return typed
    return None
