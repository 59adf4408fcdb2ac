"""The way that most records take: many at a time, decoded into columns and screened as bytes.

Whatever is not clean at first sight is left to the rules, record by record. The findings are the same:
`tests/unit/dataset/test_fast.py`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate

import msgspec
from stringzilla import count

from tunedrop.catalog.model import MethodRules
from tunedrop.dataset import lines, rules, screen
from tunedrop.dataset.asked import METHODS, Asked
from tunedrop.dataset.formats import SourceFormat
from tunedrop.dataset.shapes import SHAPES, Columns, Shape

_ENDS = (b"}\n", b"}\r\n")


class Batch(msgspec.Struct, frozen=True):
    """Records of one format without any problem, but that `suspects` may break a rule about their texts."""

    format: SourceFormat
    columns: Columns
    tokens: list[int]
    suspects: list[int]


class FastReader:
    """Reads blocks of lines that are all well-shaped records of one format."""

    def __init__(self, asked: Asked) -> None:
        self._views = {format_: [one for one in asked.views(format_) if one] for format_ in METHODS}
        words = {word for views in self._views.values() for one in views for word in rules.suspects(one)}
        self._judges_all = not all(map(screen.can_be_looked_for, words))
        self._screen = screen.Screen(tuple(sorted(filter(screen.can_be_looked_for, words))))
        self._shapes = list(SHAPES) if rules.answer_of(asked.method) == "required" else []

    def read(self, body: bytes) -> Batch | None:
        """The records of these lines; None where they have to be read one by one."""
        if len(body) > lines.MAX_LINE_BYTES or not (body.startswith(b"{") and body.endswith(_ENDS)):
            return None
        places = self._screen.suspects(body)
        if places is None:
            return None
        number = int(count(body, b"\n"))
        for shape in self._shapes:
            if shape.marker in body and (columns := _columns(shape, body, number)) is not None:
                if shape is not self._shapes[0]:
                    self._shapes.remove(shape)
                    self._shapes.insert(0, shape)
                return self._batch(shape.format, columns, body, places)
        return None

    def _batch(self, format_: SourceFormat, columns: Columns, body: bytes, places: list[int]) -> Batch:
        tokens = rules.tokens_of_each(columns.characters)
        suspects = set(_lines_of(body, places))
        for view in self._views[format_]:
            suspects.update(self._to_judge(view, format_, columns, tokens))
        return Batch(format_, columns, tokens, sorted(suspects))

    def _to_judge(
        self, view: MethodRules, format_: SourceFormat, columns: Columns, tokens: list[int]
    ) -> Iterable[int]:
        """The records that rules of a base model about more than words may have something against."""
        if self._judges_all or view.needs_grader or view.max_line_bytes or view.max_messages:
            return range(len(tokens))
        no_system = not view.takes_system_prompt or (format_ == "openai-chat" and view.system == "key")
        systems = [index for index, text in enumerate(columns.systems) if text] if no_system else []
        most = view.max_record_tokens // rules.STRICTEST
        if most and max(tokens) > most:
            return [*systems, *(index for index, size in enumerate(tokens) if size > most)]
        return systems


def _columns(shape: Shape, body: bytes, number: int) -> Columns | None:
    """The records of a body, if each line has one, of the shape, without a key twice or a blank text."""
    try:
        records = shape.decode_lines(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    columns = shape.columns(records) if len(records) == number else None
    if columns is None or not all(columns.texts) or any(map(str.isspace, columns.texts)):
        return None
    colons = count(body, b'":')
    if colons != columns.keys and colons - count(body, b'\\":') != columns.keys:
        return None
    return columns


def _lines_of(body: bytes, places: list[int]) -> Iterator[int]:
    """The lines that places are in."""
    ends = list(accumulate(len(line) + 1 for line in body.split(b"\n"))) if places else []
    return (bisect_right(ends, place) for place in places)
