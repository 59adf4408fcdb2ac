"""Keys that are there more than once: none is missed, and few others are taken for one."""

from __future__ import annotations

from array import array
from collections import Counter
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunedrop.dataset.duplicates import repeats
from tunedrop.dataset.duplicates.repeats import repeated

FEW = st.integers(0, 12)
ANY = st.integers(0, 2**64 - 1)
KEYS = st.lists(FEW | ANY, max_size=60)
CUTS = st.lists(st.integers(0, 60), max_size=5)


def found(keys: list[int], cuts: list[int]) -> list[int]:
    places = sorted({0, len(keys), *(cut % (len(keys) + 1) for cut in cuts)})
    pieces = [array("Q", keys[start:stop]) for start, stop in pairwise(places)]
    return list(repeated(lambda: pieces, len(keys)))


@given(keys=KEYS, cuts=CUTS, bits=st.integers(3, 26))
def test_no_key_that_is_there_again_is_missed_in_whatever_memory(
    keys: list[int], cuts: list[int], bits: int
) -> None:
    counts = Counter(keys)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeats, "MOST_BITS", bits)
        marked = found(keys, cuts)

    assert {key for key, mark in zip(keys, marked, strict=True) if not mark} <= {
        key for key, count in counts.items() if count == 1
    }
    assert all(mark == marked[keys.index(key)] for key, mark in zip(keys, marked, strict=True))


@pytest.mark.parametrize("spread", [1, 1 << 32, 0x123456789ABCDEF])
def test_hardly_a_key_that_is_there_once_is_marked(spread: int) -> None:
    once = [number * spread % 2**64 for number in range(200_000)]
    keys = once + once[:100]
    Random(1).shuffle(keys)

    assert 200 <= sum(found(keys, [7, 50])) <= 220


def test_keys_may_all_be_the_same() -> None:
    assert found([7] * 5_000 + [8], []) == [1] * 5_000 + [0]
