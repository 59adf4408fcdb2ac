"""Joining pieces of any sizes: the same bytes, in parts that S3 takes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunedrop.aws import Aws
from tunedrop.dataset.prepare import multipart as join
from tunedrop.dataset.prepare.multipart import Piece


def pieces_of(sizes: list[int]) -> list[Piece]:
    return [Piece(str(index), 0, size) for index, size in enumerate(sizes)]


@given(st.lists(st.integers(0, 60)))
def test_parts_are_the_pieces_in_order_and_large_enough_for_s3(sizes: list[int]) -> None:
    parts = join.plan(pieces_of(sizes), least=5, most=25)

    bytes_of = [(one.key, place) for part in parts for one in part for place in range(one.start, one.stop)]
    assert bytes_of == [(str(index), place) for index, size in enumerate(sizes) for place in range(size)]
    assert all(sum(one.size for one in part) >= 5 for part in parts[:-1])
    assert all(len(part) == 1 or sum(one.size for one in part) < 10 for part in parts)
    assert all(one.size <= 25 for part in parts for one in part)


def test_pieces_large_and_small_become_one_object(aws: Aws, intake: str) -> None:
    mebibyte = 1 << 20
    sizes = [7 * mebibyte, 10, 0, 6 * mebibyte, 2 * mebibyte, 12 * mebibyte, 1]
    contents = [random.Random(size).randbytes(size) for size in sizes]
    for index, content in enumerate(contents):
        if content:  # a piece without a byte is never written
            aws.s3.put_object(Bucket=intake, Key=str(index), Body=content)

    join.join(aws.s3, intake, pieces_of(sizes), "whole")

    assert aws.s3.get_object(Bucket=intake, Key="whole")["Body"].read() == b"".join(contents)


def test_an_upload_that_fails_is_given_up(aws: Aws, intake: str) -> None:
    with pytest.raises(aws.s3.exceptions.NoSuchKey):
        join.join(aws.s3, intake, [Piece("missing", 0, 10)], "whole")

    assert "Uploads" not in aws.s3.list_multipart_uploads(Bucket=intake)
