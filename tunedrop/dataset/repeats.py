"""Which of millions of keys are there more than once: exact, in bounded memory, at the speed of sorting.

The keys are parted on disk, by size, into buckets that fit into memory; equal ones share a bucket. All that
is done for each key is done by functions written in C: a loop over twenty million would take minutes.
"""

from __future__ import annotations

import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from itertools import chain, compress, islice, pairwise
from operator import eq, not_, or_

AT_ONCE = 125_000
"""Keys that are sorted at once, in about 10 MB."""

IN_A_BUCKET = 500_000
"""Different keys of a bucket, or about so many: in about 20 MB."""

LOOKED_FOR = 250_000
"""Keys that are there more than once and are looked for together, or somewhat more: in about 30 MB."""

SAMPLE = 100_000
IN_MEMORY = 1 << 20
"""Bytes of a bucket that need no file."""

Keys = Callable[[], Iterable["array[int]"]]
"""Keys of 64 bits in pieces of any size, which can be read again."""


def repeated(keys: Keys, total: int) -> bytearray:
    """For each key, in order, 1 if it is there more than once, else 0.

    Parameters
    ----------
    total
        How many keys there are.
    """
    found, twice = bytearray(total), set[int]()
    bounds = _bounds(keys, total)
    with ExitStack() as stack:
        buckets = [stack.enter_context(closing(_Bucket())) for _ in range(len(bounds) + 1)]
        for batch in _batches(keys()):
            _part(array("Q", sorted(batch)), bounds, buckets)
        for bucket in buckets:
            twice |= bucket.twice()
            bucket.close()
            if len(twice) >= LOOKED_FOR:
                _mark(found, keys, twice)
                twice.clear()
    if twice:
        _mark(found, keys, twice)
    return found


class _Bucket:
    """The keys between two bounds: runs, each of them sorted."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - lives as we do
        self._runs: list[int] = []

    def add(self, keys: array[int]) -> None:
        """One more run."""
        self._file.write(keys.tobytes())
        self._runs.append(len(keys))

    def twice(self) -> set[int]:
        """Those that are there more than once. Of a run's equal keys one is kept: all may be equal."""
        once, twice = list[int](), set[int]()
        self._file.seek(0)
        for number in self._runs:
            keys = array("Q", self._file.read(8 * number))
            same = bytes(map(eq, keys, islice(keys, 1, None)))
            if any(same):
                twice.update(compress(keys, same))
                once.extend(compress(keys, chain(map(not_, same), (1,))))
            else:
                once.extend(keys)
        once.sort()
        twice.update(compress(once, map(eq, once, islice(once, 1, None))))
        return twice

    def close(self) -> None:
        """Give the space back."""
        self._file.close()


def _part(ordered: array[int], bounds: list[int], buckets: list[_Bucket]) -> None:
    """Put keys into their buckets."""
    cuts = [0, *(bisect_left(ordered, bound) for bound in bounds), len(ordered)]
    for bucket, (start, stop) in zip(buckets, pairwise(cuts), strict=True):
        if start < stop:
            bucket.add(ordered[start:stop])


def _mark(found: bytearray, keys: Keys, wanted: set[int]) -> None:
    first = 0
    for batch in keys():
        place = slice(first, first + len(batch))
        found[place] = bytes(map(or_, found[place], map(wanted.__contains__, batch)))
        first += len(batch)


def _bounds(keys: Keys, total: int) -> list[int]:
    """Keys that part all of them into as many buckets as are needed, of about one size."""
    number = total // IN_A_BUCKET + 1
    if number == 1:
        return []
    step = max(1, total // SAMPLE)
    sample = sorted(chain.from_iterable(one[::step] for one in _batches(keys())))
    return sorted({sample[len(sample) * index // number] for index in range(1, number)})


def _batches(pieces: Iterable[array[int]]) -> Iterator[array[int]]:
    """The same keys in pieces that are sorted at once."""
    batch = array("Q")
    for piece in pieces:
        batch.extend(piece)
        if len(batch) >= AT_ONCE:
            for start in range(0, len(batch), AT_ONCE):
                yield batch[start : start + AT_ONCE]
            batch = array("Q")
    yield batch
