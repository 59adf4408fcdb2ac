"""Decides whether two training files are versions of one dataset, or samples of one kind.

Either of two measures suffices:

`copied`
    Enough records of the smaller file contain a text of the other: a complete prompt, answer or record. Only
    different texts count that neither file repeats. A new version that keeps some of its records passes; a
    shared system prompt, instruction or stock answer is a single text, however frequent.
`mixed`
    The nearest-neighbour test of two samples (Schilling, Journal of the American Statistical Association 81,
    1986; Henze, Annals of Statistics 16, 1988): how often the record that is most like a record is in the
    other file. In two samples of one kind that is half of the time; in files about different subjects, a
    record's nearest neighbour is in its own file. A common phrase does not matter, because it is equally near
    in both files. Similarity is the cosine of words, weighted by rarity; words that are common in one file do
    not count.

A file that copies a share `COPIED` of the other's records, or is about the same subjects, counts as related.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import msgspec

COPIED = 0.05
DIFFERENT = 5
"""The required number of common texts: this share of the smaller file's records, and at least this many."""

LONG = 8
"""Minimum number of words of a text that counts as a copy; short texts recur by chance."""

STOCK = 0.01
"""A text in more than this share of a file's records, and in more than two, is stock, such as a refusal."""

MIXED = 0.33
"""Measured by `python -m bench related` (docs/explanation/security.md has the numbers of 2026-11-29)."""

FEWEST = 50
"""Minimum number of records per file for `mixed`; below, only copies count."""

SAMPLE = 600
"""Maximum number of records per file for `mixed`: about two seconds."""

USUAL = 0.1
"""Words in more than this share of a file's records are ignored."""

_STRUCTURE = frozenset({"role", "schemaVersion", "format", "type", "uri", "taskType", "name", "toolUseId"})
"""Keys whose values describe a record's format, not its content."""

_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_UNSPACED_ONE = re.compile(f"[{_UNSPACED}]")
_WORD = re.compile(f"[{_UNSPACED}]|[^\\W{_UNSPACED}]+")
"""A word, or a character of a script that is written without spaces."""

Words = tuple[str, ...]
Record = tuple[Words, ...]


def related(ours: Iterable[bytes], theirs: Iterable[bytes]) -> bool:
    """Whether the lines of two training files are related."""
    one, other = records(ours), records(theirs)
    return copied(one, other) or mixed(one, other) >= MIXED


def copied(one: Sequence[Record], other: Sequence[Record]) -> bool:
    """Whether enough of the smaller file's records contain a text of the other file."""
    shared = _own_texts(one) & _own_texts(other)
    holding = [sum(not shared.isdisjoint(_texts_of(record)) for record in side) for side in (one, other)]
    fewest = min(len(one), len(other))
    return min(len(shared), *holding) >= max(COPIED * fewest, min(DIFFERENT, fewest), 1)


def mixed(one: Sequence[Record], other: Sequence[Record]) -> float:
    """The share of a file's records whose nearest neighbour is in the other file, the smaller of both: 0 to
    about 0.5."""
    size = min(len(one), len(other), SAMPLE)
    if size < FEWEST:
        return 0.0
    sides = [[_vocabulary(record) for record in _spread(side, size)] for side in (one, other)]
    usual = {word for side in sides for word, count in _counts(side).items() if count > USUAL * size}
    known = _counts(sides[0]) + _counts(sides[1])
    weights = {word: math.log(2 * size / count) ** 2 for word, count in known.items() if word not in usual}
    return min(_crossing([*sides[0], *sides[1]], weights, size)) / size


def _crossing(records: list[set[str]], weights: dict[str, float], size: int) -> tuple[float, float]:
    """How many of the first `size` records have their nearest neighbour among the others, and vice versa."""
    norms = [math.sqrt(sum(sorted(weights.get(word, 0.0) for word in one))) or 1.0 for one in records]
    having: defaultdict[str, list[int]] = defaultdict(list)
    for at, record in enumerate(records):
        for word in record:
            if word in weights:
                having[word].append(at)
    crossing = [0.0, 0.0]
    for at, record in enumerate(records):
        products: defaultdict[int, float] = defaultdict(float)
        for word in sorted(record):
            for number in having.get(word, ()):
                products[number] += weights[word]
        products.pop(at, None)
        nearest = [0.0, 0.0]
        for number, product in products.items():
            side = number >= size
            nearest[side] = max(nearest[side], round(product / norms[number], 9))
        own, across = nearest[at >= size], nearest[at < size]
        crossing[at >= size] += 1.0 if across > own else 0.5 if across == own > 0 else 0.0
    return crossing[0], crossing[1]


def _own_texts(records: Sequence[Record]) -> set[Words]:
    """The long texts and complete records of a file that occur in it once."""
    counts = Counter(text for record in records for text in _texts_of(record))
    most = max(2, STOCK * len(records))
    return {text for text, count in counts.items() if count <= most}


def _texts_of(record: Record) -> set[Words]:
    """The long texts of a record, and all its texts as one, for a short question with a short answer."""
    long = {text for text in record if len(text) >= LONG}
    return long | {tuple(itertools.chain(*record))} if len(record) > 1 else long


def _vocabulary(record: Record) -> set[str]:
    """The words of a record; for scripts without spaces, pairs of adjacent characters."""
    words = {word for text in record for word in text if not _is_unspaced(word)}
    pairs = (pair for text in record for pair in pairwise(text))
    return words | {one + two for one, two in pairs if _is_unspaced(one) and _is_unspaced(two)}


def _is_unspaced(word: str) -> bool:
    return len(word) == 1 and _UNSPACED_ONE.match(word) is not None


def _counts(records: Iterable[set[str]]) -> Counter[str]:
    return Counter(word for record in records for word in record)


def _spread(records: Sequence[Record], size: int) -> list[Record]:
    return [records[number * len(records) // size] for number in range(size)]


def records(lines: Iterable[bytes]) -> list[Record]:
    """The texts of each distinct record, as words."""
    return list(dict.fromkeys(record for record in map(_record, lines) if record))


def _record(line: bytes) -> Record:
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return ()
    return tuple(words for text in _texts(found) if (words := tuple(_WORD.findall(text.casefold()))))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in _STRUCTURE:
                yield from _texts(item)
