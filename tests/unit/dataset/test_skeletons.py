"""What is written in C keeps to its arrays and to what it was given, and knows a record by its skeleton."""

from __future__ import annotations

import ctypes
import json
import mmap
from collections.abc import Iterator
from ctypes import byref, c_uint32
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunedrop.dataset.check import native, skeletons
from tunedrop.dataset.check.kinds import kind_of
from tunedrop.dataset.check.options import Asked
from tunedrop.dataset.check.skeletons import Lines, Reader
from tunedrop.dataset.formats import json_lines as lines

PAIR = b'{"prompt":"\1","completion":"\1"}'
TEXTS = st.sampled_from(
    [
        "x",
        "",
        " \t",
        "\xa0\u3000",
        "é",
        "词",
        "😀",
        "\u2028",
        'a "quoted" \\ word',
        "\x7f",
        "Ñandú",
        "n" * 120,
    ]
)


def conversation(turns: int, text: str, role: str = "user") -> dict[str, Any]:
    return {"messages": [{"role": role, "content": text}] * turns}


RECORDS = st.one_of(
    st.builds(lambda asked, answer: {"prompt": asked, "completion": answer}, TEXTS, TEXTS),
    st.builds(conversation, st.integers(60, 68), TEXTS),
    st.builds(lambda size, text: {"text": text, "x" * size: "y"}, st.integers(2015, 2050), TEXTS),
    st.builds(lambda size, text: {"text": text, "x": "y" * size}, st.integers(2015, 2050), TEXTS),
    st.builds(lambda size, text: conversation(1, text, "r" * size), st.integers(1990, 2050), TEXTS),
    st.builds(lambda depth: {"a": json.loads("[" * depth + "]" * depth)}, st.sampled_from([1, 500, 900])),
)
ODD = st.sampled_from(
    [
        b"\n", b"\r", b"\\", b"\\u", b"\\ud83d", b"\\ud83d\\ude00", b"\\ud83d\\u0041", b"\\udc00", b"\\u00g0",
        b'"', b"\xc3", b"\xe2\x80", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80",
        b"\xff", b"\0", b":",
    ]
)  # fmt: skip


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Lines around every limit, some of them damaged, cut off anywhere."""
    records = draw(st.lists(RECORDS, min_size=1, max_size=4))
    body = b"\n".join(json.dumps(one, ensure_ascii=draw(st.booleans())).encode() for one in records)
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(body)))
        body = body[:place] + draw(ODD) + body[place + draw(st.integers(0, 2)) :]
    return body[: draw(st.integers(1, len(body)))]


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ctypes.CDLL]:
    """The library, compiled so that whatever C leaves undefined ends the process."""
    path = tmp_path_factory.mktemp("native") / "checked.lib"
    native.build(path, native.sources(native.FOLDER), options=native.CHECKED)
    library = ctypes.CDLL(str(path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "library", lambda: library)
        yield library


class Edge:
    """Memory of which nothing after its end may be read: the next page is forbidden."""

    def __init__(self) -> None:
        page = mmap.PAGESIZE
        self._memory = mmap.mmap(-1, 64 * page)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self._end = start + 63 * page
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.mprotect(ctypes.c_void_p(self._end), ctypes.c_size_t(page), 0) == 0

    def put(self, body: bytes) -> ctypes.c_void_p:
        """Where the body is, directly before the end."""
        ctypes.memmove(self._end - len(body), body, len(body))
        return ctypes.c_void_p(self._end - len(body))


EDGE = Edge()


@given(body=bodies())
def test_nothing_is_read_or_written_beyond_its_end(checked: ctypes.CDLL, body: bytes) -> None:
    reader = Reader(Asked())
    found = list(reader.read(body))
    place, batch = EDGE.put(body), reader._batch
    batch.place = batch.lines = total = 0

    while batch.place < len(body):
        checked.read_lines(byref(reader._reader), place, c_uint32(len(body)), byref(batch))
        total += batch.lines
        if batch.why == skeletons._ODD:
            batch.place = (body.find(b"\n", batch.place) + 1) or len(body)

    together = [len(one.kinds) for one in found if isinstance(one, Lines)]
    alone = [one for one in found if isinstance(one, bytes)]
    assert total == sum(together)
    assert total + len(alone) == len(lines.split(body))


def test_c_and_python_mean_the_same_structures() -> None:
    sizes = (c_uint32 * 2).in_dll(native.library(), "SIZES")

    assert list(sizes) == [ctypes.sizeof(skeletons._Reader), ctypes.sizeof(skeletons._Batch)]


def test_more_kinds_of_records_than_can_be_remembered_are_read_one_by_one(checked: ctypes.CDLL) -> None:
    bodies = [json.dumps({"prompt": "Why?", "completion": "x", f"key {n}": "y"}).encode() for n in range(400)]
    good = b'{"prompt": "Why?", "completion": "So."}'

    found = list(Reader(Asked()).read(b"\n".join([good, *bodies, good])))

    assert [one for one in found if isinstance(one, bytes)] == bodies[skeletons._KINDS - 1 :]


def test_a_kind_is_what_the_rules_say_of_its_skeleton() -> None:
    kind = kind_of(PAIR, Asked())

    assert kind is not None
    assert (kind.format, kind.method, kind.turns) == ("prompt-completion", "instruction", 2)
    assert (kind.counted, kind.asked, kind.answer, kind.last) == ((0, 1), (0,), 1, 1)


@pytest.mark.parametrize(
    "skeleton",
    [
        PAIR[:-1], PAIR + PAIR, b'{"prompt":"\1"}', b'{"prompt":"\1","completion":""}',
        b'{"prompt":"\1","prompt":"\1","completion":"\1"}', b'{"prompt":"\1","completion":0}', b"[]", b"",
    ],
)  # fmt: skip
def test_what_breaks_a_rule_by_its_skeleton_is_of_no_kind(skeleton: bytes) -> None:
    assert kind_of(skeleton, Asked()) is None


def test_what_no_rule_reads_makes_no_kind_of_its_own() -> None:
    pair = {"prompt": "Why?", "completion": "So."}
    extras = [{"id": f"record {n}", "weight": n, "source": {"page": f"p{n}", "role": "x"}} for n in range(9)]
    body = b"".join(json.dumps(pair | one).encode() + b"\n" for one in extras)
    reader = Reader(Asked())
    list(reader.read(body))

    (found,) = reader.read(body)

    assert isinstance(found, Lines)
    (((kind, times)),) = reader.kinds_of(found)
    assert times == len(extras)
    assert [one.path for one in kind.problems] == ["$.id", "$.weight", "$.source"]
    assert set(found.characters) == {len("Why?So.")}


def test_a_new_kind_needs_no_c() -> None:
    """Alpaca's records, with and without input, were quick as soon as the rules knew them."""
    records = [
        {"instruction": "Add.", "input": "1, 2", "output": "3"},
        {"instruction": "Hi.", "input": "", "output": "Ho."},
    ]
    body = b"".join(json.dumps(one).encode() + b"\n" for one in records)

    found = list(Reader(Asked()).read(body))

    characters = [list(one.characters) for one in found if isinstance(one, Lines)]
    assert characters == [[len("Add.\n\n1, 23")], [len("Hi.Ho.")]]


def test_c_that_cannot_be_compiled_says_so(tmp_path: Path) -> None:
    (tmp_path / "wrong.c").write_text("int x = y;\n")

    with pytest.raises(RuntimeError, match="undeclared identifier 'y'"):
        native.build(tmp_path / "wrong.lib", native.sources(tmp_path))

    assert not list(tmp_path.glob("*.lib"))
