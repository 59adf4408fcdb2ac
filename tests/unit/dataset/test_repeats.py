"""Keys that are there more than once: found exactly, however few fit into memory."""

from __future__ import annotations

from array import array
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunedrop.dataset import repeats
from tunedrop.dataset.repeats import repeated

FEW = st.integers(0, 12)
ANY = st.integers(0, 2**64 - 1)


def found(keys: list[int], cuts: list[int]) -> list[int]:
    places = sorted({0, len(keys), *(cut % (len(keys) + 1) for cut in cuts)})
    pieces = [array("Q", keys[start:stop]) for start, stop in pairwise(places)]
    return list(repeated(lambda: pieces, len(keys)))


@given(
    keys=st.lists(FEW | ANY, max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=5),
    at_once=st.integers(1, 20),
    in_a_bucket=st.integers(1, 20),
    looked_for=st.integers(1, 20),
)
def test_keys_that_are_there_again_are_marked_whatever_fits_into_memory(
    keys: list[int], cuts: list[int], at_once: int, in_a_bucket: int, looked_for: int
) -> None:
    counts = Counter(keys)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeats, "AT_ONCE", at_once)
        patch.setattr(repeats, "IN_A_BUCKET", in_a_bucket)
        patch.setattr(repeats, "LOOKED_FOR", looked_for)
        patch.setattr(repeats, "SAMPLE", 10)
        patch.setattr(repeats, "IN_MEMORY", 16)

        assert found(keys, cuts) == [int(counts[key] > 1) for key in keys]


def test_keys_that_are_all_the_same_share_one_place_of_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "AT_ONCE", 100)
    monkeypatch.setattr(repeats, "IN_A_BUCKET", 500)

    assert found([7] * 5_000 + [8], []) == [1] * 5_000 + [0]
