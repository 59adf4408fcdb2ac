"""The way that most records take: many at a time, by their skeletons, and screened as bytes.

Whatever is not clean at first sight is left to the rules, record by record. The findings are the same:
`tests/unit/dataset/test_fast.py`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate

import msgspec

from tunedrop.dataset.check import screen
from tunedrop.dataset.check.kinds import Kind
from tunedrop.dataset.check.options import METHODS, Asked
from tunedrop.dataset.check.skeletons import Lines, Reader
from tunedrop.dataset.formats import json_lines as lines
from tunedrop.dataset.formats.record import SourceFormat
from tunedrop.dataset.rules import record as rules
from tunedrop.dataset.types import Problem


class Batch(msgspec.Struct, frozen=True):
    """Records of one format, on lines that follow each other: with the problems of their kinds, and where
    `suspects` may break a rule about their texts.

    Attributes
    ----------
    kinds
        How many records there are of each kind.
    problems
        (which of the lines, what is wrong with it by its kind) in rising order.
    suspects
        (which of the lines, its bytes) in rising order.
    """

    format: SourceFormat
    lines: Lines
    kinds: list[tuple[Kind, int]]
    tokens: list[int]
    problems: list[tuple[int, Problem]]
    suspects: list[tuple[int, bytes]]


class FastReader:
    """Reads blocks of lines."""

    def __init__(self, asked: Asked) -> None:
        self._reader = Reader(asked)
        views = {format_: [one for one in asked.views(format_) if one] for format_ in METHODS}
        words = {word for some in views.values() for one in some for word in rules.suspects(one)}
        self._judges_all = not all(map(screen.can_be_looked_for, words))
        self._screen = screen.Screen(tuple(sorted(filter(screen.can_be_looked_for, words))))
        self._views = views

    def read(self, body: bytes) -> Iterator[Batch | bytes]:
        """The records of a block, in order; a line that has to be read by itself comes as its bytes."""
        if not 0 < len(body) <= lines.MAX_LINE_BYTES:
            yield from lines.split(body)
            return
        doubtful: list[int] | None = None
        for found in self._reader.read(body):
            if isinstance(found, bytes):
                yield found
                continue
            if doubtful is None:
                doubtful = sorted(self._screen.suspects(body))
            yield self._batch(found, body, doubtful)

    def _batch(self, found: Lines, body: bytes, doubtful: list[int]) -> Batch:
        tokens = rules.tokens_of_each(found.characters)
        kinds = self._reader.kinds_of(found)
        suspects = set(self._to_judge(found, tokens, kinds))
        within = doubtful[bisect_left(doubtful, found.start) : bisect_left(doubtful, found.stop)]
        raws = lines.split(body[found.start : found.stop]) if within or suspects else []
        suspects.update(_lines_of(raws, [place - found.start for place in within]))
        return Batch(
            format=found.format,
            lines=found,
            kinds=kinds,
            tokens=tokens,
            problems=self._problems(found) if any(kind.problems for kind, _ in kinds) else [],
            suspects=[(index, raws[index]) for index in sorted(suspects)],
        )

    def _problems(self, found: Lines) -> list[tuple[int, Problem]]:
        kinds = enumerate(self._reader.each(found))
        return [(index, problem) for index, kind in kinds for problem in kind.problems]

    def _to_judge(self, found: Lines, tokens: list[int], kinds: list[tuple[Kind, int]]) -> Iterator[int]:
        """The records that rules of a base model about more than words may have something against."""
        views = self._views[found.format]
        if self._judges_all or any(view.max_line_bytes for view in views):
            yield from range(len(tokens))
            return
        if any(kind.is_suspect for kind, _ in kinds):
            yield from (index for index, kind in enumerate(self._reader.each(found)) if kind.is_suspect)
        most = min((view.max_record_tokens for view in views if view.max_record_tokens), default=0)
        if most and max(tokens) > most // rules.STRICTEST:
            yield from (index for index, size in enumerate(tokens) if size > most // rules.STRICTEST)


def _lines_of(raws: list[bytes], places: list[int]) -> Iterator[int]:
    """The lines that places are in."""
    ends = list(accumulate(len(line) + 1 for line in raws)) if places else []
    return (bisect_right(ends, place) for place in places)
