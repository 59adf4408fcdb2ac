"""Small files that stand for any amount of memory are refused, in little memory; the next one is read."""

from __future__ import annotations

import gzip
import io
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator

import pytest

from tests.unit.dataset.test_containers import archive, jsonl, lines, read, workbook
from tunedrop.dataset.formats import unreadable
from tunedrop.dataset.sources.containers import memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems limit no process's memory")

ROWS = [{"prompt": f"What is {number}?", "completion": f"It is {number}."} for number in range(3_000)]
SPACE = b" " * (64 << 20)


def limit() -> tuple[int, int]:
    import resource

    return resource.getrlimit(resource.RLIMIT_DATA)


@pytest.fixture(autouse=True)
def little_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """And whatever comes of it, the process has its memory again."""
    before = limit()
    monkeypatch.setattr(memory, "MOST", 48 << 20)
    yield
    assert limit() == before


def test_the_limit_is_lifted_when_the_last_of_several_threads_is_done() -> None:
    before, first, second = limit(), memory.limited(), memory.limited()

    first.__enter__()
    shared = limit()
    second.__enter__()
    assert limit() == shared != before
    first.__exit__(None, None, None)
    assert limit() == shared
    second.__exit__(None, None, None)
    assert limit() == before


def packed_by_bzip2() -> bytes:
    """The library unpacks at once what it reads at once: here, all of it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_BZIP2) as made:
        made.writestr("data.jsonl", jsonl(ROWS[:1]) + SPACE)
    return file.getvalue()


def of_many_members() -> bytes:
    """An archive is listed before its members can be counted."""
    made = archive(data=jsonl(ROWS[:1]))
    begin, end = made.index(b"PK\1\2"), made.rindex(b"PK\5\6")
    listed = made[begin:end] * 280_000
    return made[:begin] + listed + made[end : end + 12] + struct.pack("<LLH", len(listed), begin, 0)


def with_styles() -> bytes:
    """Parts of a workbook other than its sheets are read as a tree."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook([["prompt", "completion"], ["a", "b"]]))) as usual,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made,
    ):
        for name in usual.namelist():
            body = usual.read(name)
            if name == "xl/styles.xml":
                body = body.replace(b"</styleSheet>", b"<x>" + b"<xf/>" * 1_500_000 + b"</x></styleSheet>")
            made.writestr(name, body)
    return file.getvalue()


IN_A_FRESH_PROCESS = """
import io, sys
from tunedrop.dataset.sources.containers import memory, reading
from tunedrop.dataset.types import ReadOptions

memory.MOST = 48 << 20
sink, after = io.BytesIO(), io.BytesIO()
reading.read(io.BytesIO(sys.stdin.buffer.read()), sys.argv[1], sink, ReadOptions())
another = '{"prompt": "a", "completion": "b"}'.encode("utf-32")
reading.read(io.BytesIO(another), "b.json", after, ReadOptions())
assert b"prompt" in after.getvalue()
sys.stdout.buffer.write(sink.getvalue().splitlines()[-1])
"""
"""A process that has run other tests has memory that it need not allocate."""


def refusal(name: str, body: bytes) -> str:
    """Why a file is refused, by a process that reads another one afterwards."""
    done = subprocess.run(
        [sys.executable, "-c", IN_A_FRESH_PROCESS, name], input=body, capture_output=True, check=True
    )
    found = unreadable.read(done.stdout)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a.jsonl.gz", gzip.compress(jsonl(ROWS) + b'{"prompt": "' + SPACE, 1)),
        ("a.csv.gz", gzip.compress(b"prompt,completion\n" + b"a,b\n" * 30_000 + b"a," + SPACE, 1)),
        ("a.zip", packed_by_bzip2()),
        ("a.zip", of_many_members()),
        ("a.json", b'{"version": 1, "data": [' + b"[]," * 3_000_000 + b"[]]}"),
    ],
    ids=["a line", "a cell", "bzip2", "members", "an object"],
)
def test_what_takes_more_memory_than_there_is_is_refused(name: str, body: bytes) -> None:
    assert len(body) < 16 << 20

    assert "takes more than 48 MB of memory to read" in refusal(name, body)


def test_a_workbook_that_takes_more_memory_than_there_is_is_refused() -> None:
    """lxml, where it is installed, says that the workbook is damaged."""
    said = refusal("a.xlsx", with_styles())

    assert "memory to read" in said or "the workbook is damaged" in said


def test_what_members_unpack_to_is_limited_in_all_too() -> None:
    blank = {f"part{number}": b"\n" * 9_000 for number in range(20)}

    (line,) = lines(read(archive(**blank), most=10_000))

    assert b"in all" in line
