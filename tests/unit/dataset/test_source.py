"""Where the bytes of a dataset come from: whatever the size of the pieces, they are the bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunedrop.dataset.formats import json_lines as lines
from tunedrop.dataset.sources.local import Held, LocalFile

BODIES = st.lists(st.sampled_from([b"a", b"bc" * 9, b"\n", b"\r\n"]), max_size=40).map(b"".join)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=BODIES,
    start=st.integers(0, 60),
    length=st.integers(0, 200),
    chunk=st.integers(1, 30),
    near=st.integers(1, 9),
)
def test_a_file_returns_the_requested_bytes(
    tmp_path: Path, body: bytes, start: int, length: int, chunk: int, near: int
) -> None:
    path = tmp_path / "train.jsonl"
    path.write_bytes(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tunedrop.dataset.sources.local.CHUNK", chunk)
        patch.setattr("tunedrop.dataset.sources.local.NEAR", near)

        pieces = list(LocalFile(path).chunks(start, start + length))

    assert b"".join(pieces) == body[start : start + length]
    assert all(0 < len(piece) <= chunk for piece in pieces)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES, start=st.integers(0, 60), length=st.integers(0, 200), chunk=st.integers(1, 30))
def test_a_file_has_the_blocks_of_bytes_in_memory(
    tmp_path: Path, body: bytes, start: int, length: int, chunk: int
) -> None:
    path = tmp_path / "train.jsonl"
    path.write_bytes(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tunedrop.dataset.sources.local.CHUNK", chunk)
        found = list(lines.blocks(LocalFile(path), start, start + length))
        expected = list(lines.blocks(Held(body), start, start + length))

    assert _lines_of(found) == _lines_of(expected)
    assert all(body[one.start :].startswith(one.body) for one in found)


def test_short_lines_are_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_bytes(b"x" * 999 + b"\n" + b'{"prompt": "a"}\n' * 40_000)

    pieces = list(LocalFile(path).chunks(0, path.stat().st_size))

    assert len(pieces) > 3
    assert all(piece.endswith(b"\n") for piece in pieces)


def _lines_of(blocks: list[lines.Block]) -> list[bytes]:
    return [line for block in blocks for line in lines.split(block.body)]
