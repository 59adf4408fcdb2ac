"""Parquet files of a few kilobytes that stand for gigabytes: read row by row or refused, in little memory."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import arro3.core
import arro3.io
import pytest

from tests.unit.dataset.test_containers import lines, read
from tunedrop.dataset.formats import unreadable
from tunedrop.dataset.sources.containers import isolated

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems limit no process's memory")


@pytest.fixture(autouse=True)
def little_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Less than a function has, so that the tests are quick; Python and its libraries take about 60 MB."""
    isolated._end()
    isolated._kept.clear()
    monkeypatch.setattr(isolated, "MEMORY", 256 << 20)
    yield
    isolated._end()
    isolated._kept.clear()


def parquet(*answers: str) -> bytes:
    """Rows of a prompt and one of these answers; equal ones take no space."""
    columns = [arro3.core.Field(name, arro3.core.DataType.utf8()) for name in ("prompt", "completion")]
    schema = arro3.core.Schema(columns)
    batches = [
        arro3.core.RecordBatch(
            [arro3.core.Array([text], arro3.core.DataType.utf8()) for text in (f"q{number}", answer)],
            schema=schema,
        )
        for number, answer in enumerate(answers)
    ]
    file = io.BytesIO()
    reader = arro3.core.RecordBatchReader.from_batches(schema, batches)
    arro3.io.write_parquet(reader, file, compression="zstd(1)", dictionary_page_size_limit=1 << 30)
    return file.getvalue()


def rows(body: bytes) -> list[tuple[int, int]]:
    """The rows, with the sizes of their lines."""
    return [(row, len(line)) for row, line in isolated.read("parquet", io.BytesIO(body), {})]


def test_a_long_value_that_repeats_is_read_row_by_row() -> None:
    body = parquet("short", *["a" * (8 << 20)] * 60)

    found = rows(body)

    assert len(body) < 5_000
    assert [row for row, _ in found] == list(range(1, 62))  # each once, also where the first process died
    assert {size >> 20 for _, size in found[1:]} == {8}


def test_a_value_that_takes_more_memory_than_there_is_is_refused_and_named() -> None:
    body = parquet("short", "a" * (150 << 20))

    last = unreadable.read(lines(read(body, "bomb.parquet"))[-1])

    assert len(body) < 20_000
    assert last is not None
    assert "takes more than 256 MB of memory after row" in last[1]


def test_what_dies_leaves_no_process_and_the_next_file_is_read() -> None:
    with pytest.raises(unreadable.NotReadable):
        rows(parquet("a" * (150 << 20)))

    assert [row for row, _ in rows(parquet("b", "c"))] == [1, 2]
    assert [row for row, _ in rows(parquet("d"))] == [1]
    (kept,) = isolated._kept
    assert os.waitpid(kept.pid, os.WNOHANG) == (0, 0)


def test_a_folder_of_data_runs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's files lie where a command is typed; `python -m` would import from there."""
    for name in ("msgspec", "struct", "arro3", "tunedrop"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    monkeypatch.chdir(tmp_path)

    assert [row for row, _ in rows(parquet("a"))] == [1]
    assert not (tmp_path / "ran").exists()


def test_a_reading_that_is_given_up_leaves_no_process() -> None:
    reading = isolated.read("parquet", io.BytesIO(parquet(*["x" * 99_000] * 50)), {})
    next(reading)
    reading.close()  # type: ignore[attr-defined]

    assert isolated._kept == []
