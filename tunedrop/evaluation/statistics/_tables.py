"""Prompts that are rows of a table: one template for all, filled with numbers, dates, codes, short names.

Rows differ in what a reader of other prompts would call details: `age: 41, income: 3100` and `age: 42,
income: 3100` are two customers. So rows count one by one, except copies of one row, with another number or
note.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tunedrop.evaluation.scoring.words import has_digit, words

MOST_CHANGED, WIDE = 2, 6
"""So many columns differ in copies of a row in a table of so many columns; one in a narrower table."""

ALIKE, PLAINLY = 0.5, 2
"""More columns may differ, up to the rest of this share, where so many times as many pairs agree in the
others as in one less."""

BY_CHANCE = 0.1
"""Pairs of rows are copies where shuffled columns give no larger part of as many."""

FRAME, USUAL = 0.9, 0.9
"""Words that stand as often in a larger share of the prompts are the template; so many at least fit it."""

MOST_TOKENS, MOST_WORDS = 8, 4
"""A value is short: of so many tokens, and so many words and numbers of two characters and more."""

FEWEST_ROWS, FEWEST_COLUMNS = 10, 3
"""Of fewer rows no template can be read off; of fewer columns two rows agree in most by chance."""

MOST_ROWS = 2_000
"""So many rows are compared with all, to tell how many agree."""

SEED = 20_261_129

_ENDS = re.compile(r"[,;|\t\n]")

Codes = NDArray[np.int32]


class Column(NamedTuple):
    """Where a value stands: after which word of the template, the how many-th of it, and in which place."""

    after: str
    time: int
    place: int


Row = dict[Column, tuple[str, ...]]


class Table:
    """The values of each row, a number a value; columns that never differ are left out."""

    def __init__(self, codes: Codes) -> None:
        self._codes = codes
        self._least = _least(codes)

    def copies(self, row: int) -> NDArray[np.int64]:
        """The rows that are copies of one, but for a part of their columns."""
        if self._least is None:
            return np.empty(0, dtype=np.int64)
        return np.flatnonzero(_agreement(self._codes, row) >= self._least)


def _least(codes: Codes) -> int | None:
    """In how many columns two rows agree at least that are copies; None where there are none.

    The more columns, the fewer pairs of rows agree in them; where there are more pairs again, and were the
    columns shuffled there would be hardly any, these are copies.
    """
    columns = codes.shape[1]
    if columns < FEWEST_COLUMNS:
        return None
    usual = columns - (MOST_CHANGED if columns >= WIDE else 1)
    least = min(usual, math.ceil(ALIKE * columns))
    found, by_chance = _agreeing(codes), _agreeing(_shuffled(codes))
    for agree in range(max(least, int(found.argmax()) + 1), columns + 1):
        more = found[agree] > found[agree - 1] * (1 if agree >= usual else PLAINLY)
        if more and by_chance[agree:].sum() <= BY_CHANCE * found[agree:].sum():
            return agree
    return None


def table_of(prompts: Sequence[str]) -> Table | None:
    """The table that all prompts are rows of; None if they are other texts."""
    if len(prompts) < FEWEST_ROWS:
        return None
    rows = _rows(prompts)
    filled = Counter(column for row in rows for column in row)
    columns = [column for column, count in filled.items() if count >= USUAL * len(rows)]
    fitting = sum(_fits(row, columns) for row in rows)
    if not columns or fitting < USUAL * len(rows):
        return None
    codes = [_codes([row.get(column, ()) for row in rows]) for column in columns]
    differing = [one for one in codes if len(set(one)) > 1]
    return Table(np.array(differing, dtype=np.int32).T) if differing else None


def _rows(prompts: Sequence[str]) -> list[Row]:
    pieces = [[words(piece) for piece in _ENDS.split(prompt)] for prompt in prompts]
    counts = [Counter(word for piece in one for word in piece) for one in pieces]
    times = Counter(item for one in counts for item in one.items())
    frame = {
        word for (word, _), count in times.items() if count > FRAME * len(prompts) and not has_digit(word)
    }
    return [_row(one, frame) for one in pieces]


def _row(pieces: Sequence[Sequence[str]], frame: set[str]) -> Row:
    """Its values, by their columns; empty ones too."""
    row: Row = {}
    seen: Counter[str] = Counter()
    column, value = Column("", 0, 0), list[str]()
    for piece in pieces:
        for word in piece:
            if word in frame:
                row[column] = tuple(value)
                seen[word] += 1
                column, value = Column(word, seen[word], 0), []
            else:
                value.append(word)
        row[column] = tuple(value)
        column, value = column._replace(place=column.place + 1), []
    return row


def _fits(row: Row, columns: Sequence[Column]) -> bool:
    """Whether its values are short and stand in the table's columns."""
    known = frozenset(columns)
    return all(_is_short(value) and (column in known or not value) for column, value in row.items())


def _is_short(value: Sequence[str]) -> bool:
    return len(value) <= MOST_TOKENS and sum(len(word) > 1 for word in value) <= MOST_WORDS


def _codes(values: Sequence[tuple[str, ...]]) -> list[int]:
    numbers: dict[tuple[str, ...], int] = {}
    return [numbers.setdefault(value, len(numbers)) for value in values]


def _agreement(codes: Codes, row: int) -> NDArray[np.int64]:
    """In how many columns each row agrees with one."""
    found: NDArray[np.int64] = (codes == codes[row]).sum(axis=1)
    return found


def _agreeing(codes: Codes) -> NDArray[np.int64]:
    """How many pairs of rows agree in 0, 1, 2 … columns: of many rows, of a part of them with all."""
    columns = codes.shape[1]
    found = np.zeros(columns + 1, dtype=np.int64)
    for row in range(0, len(codes), math.ceil(len(codes) / MOST_ROWS)):
        found += np.bincount(_agreement(codes, row), minlength=columns + 1)
        found[columns] -= 1
    return found


def _shuffled(codes: Codes) -> Codes:
    return np.random.default_rng(SEED).permuted(codes, axis=0)
