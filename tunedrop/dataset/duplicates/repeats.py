"""Which of millions of keys are there more than once: in 16 MB and a byte a key.

Each key has a bit, and so have few others; a key whose bit no other has is there once. What is left after a
round has another bit in the next one, which it shares with still fewer.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from ctypes import c_size_t, c_uint8, c_uint32, c_uint64

from tunedrop.dataset.check import native

MOST_BITS = 26
MULTIPLIERS = (0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, 0xFF51AFD7ED558CCD)
"""One a round, odd: multiplicative hashing. Of 20 million keys that differ a quarter share a bit in the first
round, and some thousand in all three."""

Keys = Callable[[], Iterable["array[int]"]]
"""Keys of 64 bits in pieces of any size, which can be read again."""


def repeated(keys: Keys, total: int) -> bytearray:
    """For each key, in order: 1 if it is there more than once, else 0, but for very few others that have 1.

    Parameters
    ----------
    total
        How many keys there are.
    """
    library, wanted = native.library(), bytearray(b"\1") * total
    bits = max(3, min(MOST_BITS, total.bit_length() + 4))
    for multiplier in MULTIPLIERS:
        once, twice = ((c_uint8 * (1 << bits >> 3))() for _ in range(2))
        for work, *tables in ((library.see_keys, once, twice), (library.drop_keys, twice)):
            first = 0
            for piece in keys():
                some = (c_uint8 * len(piece)).from_buffer(wanted, first)
                numbers = (c_uint64 * len(piece)).from_buffer(piece)
                work(numbers, some, c_size_t(len(piece)), c_uint64(multiplier), c_uint32(bits), *tables)
                first += len(piece)
    return wanted
