"""Lines of JSON by their skeletons: what is left of a line without its texts.

`skeletons.c` parts lines into skeletons and texts; `kinds` judges a skeleton once, for all that have it.
"""

from __future__ import annotations

import ctypes
from array import array
from collections import Counter
from collections.abc import Iterator
from ctypes import POINTER, Structure, byref, c_uint8, c_uint16, c_uint32, c_uint64

import msgspec

from tunedrop.dataset.check import native
from tunedrop.dataset.check.kinds import Kind, filled, kind_of, unknown_keys
from tunedrop.dataset.check.options import METHODS, Asked
from tunedrop.dataset.check.scripts import SAMPLE, SCRIPTS
from tunedrop.dataset.duplicates.fingerprints import WEIGHTS
from tunedrop.dataset.formats import json_lines as lines
from tunedrop.dataset.formats.record import SourceFormat

TEXT_KEYS = (
    "prompt", "completion", "text", "content", "input", "instruction", "output", "system", "reference_answer",
)  # fmt: skip
"""Whose values are left out of skeletons from the beginning. Those of keys that no rule knows follow, as they
are met: each record may have another id."""

_SKELETON, _KINDS, _SCRIPTS, _KEYS, _KEY = 2048, 256, 16, 32, 32
_NONE = 255
_FULL, _ODD, _NEW, _OTHER = range(4)
_AT_ONCE = 4096
_ODD_GROUP = 0
_GROUPS = (None, *METHODS)
"""A group a format, after that of the odd."""

_LOOKS = 100
"""So many lines are looked at for keys that no rule knows: of a file that is all odd, not every one."""


class _Kind(Structure):
    _fields_ = (
        ("counted", c_uint64),
        ("asked", c_uint64),
        ("length", c_uint32),
        ("extra", c_uint32),
        ("group", c_uint16),
        ("answer", c_uint8),
        ("last", c_uint8),
        ("skeleton", c_uint8 * _SKELETON),
    )


class _Reader(Structure):
    _fields_ = (
        ("weight", c_uint64 * 256),
        ("first", c_uint32 * _SCRIPTS),
        ("end", c_uint32 * _SCRIPTS),
        ("sample", c_uint32),
        ("kinds", c_uint32),
        ("skeleton_length", c_uint32),
        ("key", c_uint8 * _KEY * _KEYS),
        ("skeleton", c_uint8 * _SKELETON),
        ("kind", _Kind * _KINDS),
    )


class _Batch(Structure):
    _fields_ = (
        ("likeness", POINTER(c_uint64)),
        ("characters", POINTER(c_uint32)),
        ("answer_characters", POINTER(c_uint32)),
        ("answer_start", POINTER(c_uint32)),
        ("answer_end", POINTER(c_uint32)),
        ("kind", POINTER(c_uint16)),
        ("scripts", c_uint32 * _SCRIPTS),
        ("capacity", c_uint32),
        ("lines", c_uint32),
        ("place", c_uint32),
        ("why", c_uint32),
    )


class Lines(msgspec.Struct, frozen=True):
    """Lines that follow each other, of records of one format with nothing wrong but perhaps in their texts.

    Attributes
    ----------
    start, stop
        The bytes of the block where the first begins, and the one after the last.
    kinds
        Which kind each line is of, as its reader counts them.
    answer_characters, answer_starts, answer_ends
        How long each answer is, and where in the block it stands, as JSON writes it.
    """

    start: int
    stop: int
    format: SourceFormat
    kinds: array[int]
    characters: array[int]
    likeness: array[int]
    answer_characters: array[int]
    answer_starts: array[int]
    answer_ends: array[int]
    scripts: dict[str, int]


class Reader:
    """Reads blocks of lines; it learns skeletons as it goes."""

    def __init__(self, asked: Asked) -> None:
        self._known: dict[int, Kind] = {}
        self._asked = asked
        self._reader = _reader()
        self._left_out: list[str] = []
        self._looks = 0
        for key in TEXT_KEYS:
            self._leave_out(key)
        self._likeness = array("Q", bytes(8 * _AT_ONCE))
        self._counts = [array("I", bytes(4 * _AT_ONCE)) for _ in range(4)]
        self._kinds = array("H", bytes(2 * _AT_ONCE))
        self._batch = _Batch(
            (c_uint64 * _AT_ONCE).from_buffer(self._likeness),
            *((c_uint32 * _AT_ONCE).from_buffer(one) for one in self._counts),
            (c_uint16 * _AT_ONCE).from_buffer(self._kinds),
            capacity=_AT_ONCE,
        )

    def kinds_of(self, found: Lines) -> list[tuple[Kind, int]]:
        """The kinds of lines, and how many are of each."""
        return [(self._known[number], times) for number, times in Counter(found.kinds).items()]

    def each(self, found: Lines) -> Iterator[Kind]:
        """The kind of each line."""
        return map(self._known.__getitem__, found.kinds)

    def read(self, body: bytes) -> Iterator[Lines | bytes]:
        """The lines of a block, in order: together, or single ones, without their end, that are odd."""
        library, batch = native.library(), self._batch
        batch.place = 0
        while (start := batch.place) < len(body):
            library.read_lines(byref(self._reader), body, c_uint32(len(body)), byref(batch))
            if batch.lines:
                yield self._lines(start)
            if batch.why == _NEW:
                self._learn(bytes(self._reader.skeleton[: self._reader.skeleton_length]))
            elif batch.why == _ODD:
                start = batch.place
                end = body.find(b"\n", start)
                raw = body[start : end if end >= 0 else len(body)]
                if not self._leave_out_more(raw):
                    batch.place = start + len(raw) + 1
                    yield raw

    def _lines(self, start: int) -> Lines:
        number, kinds = self._batch.lines, self._kinds[: self._batch.lines]
        characters, answer_characters, answer_starts, answer_ends = (one[:number] for one in self._counts)
        return Lines(
            start=start,
            stop=self._batch.place,
            format=self._known[kinds[0]].format,
            kinds=kinds,
            characters=characters,
            likeness=self._likeness[:number],
            answer_characters=answer_characters,
            answer_starts=answer_starts,
            answer_ends=answer_ends,
            scripts={name: times for name, times in zip(SCRIPTS, self._batch.scripts, strict=False) if times},
        )

    def _learn(self, skeleton: bytes) -> None:
        if self._leave_out_more(filled(skeleton)[0]):
            return
        kind, number = kind_of(skeleton, self._asked), self._reader.kinds
        entry = self._reader.kind[number]
        entry.length = len(skeleton)
        ctypes.memmove(entry.skeleton, skeleton, len(skeleton))
        entry.group = _ODD_GROUP
        if kind is not None:
            entry.group = _GROUPS.index(kind.format)
            entry.counted = sum(1 << number for number in kind.counted)
            entry.asked = sum(1 << number for number in kind.asked)
            entry.answer = _NONE if kind.answer is None else kind.answer
            entry.last, entry.extra = kind.last, kind.extra
            self._known[number] = kind
        self._reader.kinds = number + 1

    def _leave_out_more(self, raw: bytes) -> bool:
        """Whether a line has new keys of whose values no rule takes notice: they are left out from now on."""
        before = len(self._left_out)
        if before < _KEYS and self._looks < _LOOKS:
            self._looks += 1
            for key in unknown_keys(lines.parse(0, raw).record):
                self._leave_out(key)
        return len(self._left_out) > before

    def _leave_out(self, key: str) -> None:
        """The values of a key are no part of skeletons from now on."""
        fits = 0 < len(key) < _KEY and key.isascii() and key.isprintable()
        if fits and key not in self._left_out and len(self._left_out) < _KEYS:
            ctypes.memmove(self._reader.key[len(self._left_out)], key.encode(), len(key))
            self._left_out.append(key)


def _reader() -> _Reader:
    reader = _Reader(sample=SAMPLE)
    reader.weight[:] = WEIGHTS
    for number, (first, last) in enumerate(SCRIPTS.values()):
        reader.first[number], reader.end[number] = first, last + 1
    return reader
