"""Nothing that a file may hold makes a check, a repair, a conversion or a split crash, hang or lie."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import ANY

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import builders, hostile
from tests.unit.fake_bedrock import refusal
from tunedrop import catalog
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.formats import unreadable
from tunedrop.dataset.formats.json_lines import MAX_LINE_BYTES
from tunedrop.dataset.rules import explanations
from tunedrop.dataset.rules.record import MOST_MESSAGES
from tunedrop.dataset.sources.containers import message_rows
from tunedrop.dataset.tools.convert import MOST_NOTES, convert
from tunedrop.dataset.tools.repair import repair
from tunedrop.errors import InvalidDataset
from tunedrop.steps.validate_data import validate

ODD = st.sampled_from(
    [
        b"\\ud800", b"\\udc00\\ud800", b"\\u0000", b"\\u202e", b"\\u001b[31m", b"\x00", b"\x1b]0;x\x07",
        b"\xff", b"\xed\xa0\x80", "\u202e\u2066".encode(), b"\xef\xbb\xbf", b"\r\n", b"\r", b"\n\n",
        b"\t", b" ", b"NaN", b"-Infinity", b"1e999", b"9" * 40, b"9" * 5_000, b"-0.0", b"null", b"[" * 70,
        b"]" * 70, b'{"a":' * 1_500, b"}" * 1_500, b"[" * 100_000, b'"prompt":"x",', b"<script>", b"[red]",
        b"%s{0}{{x}}", b"\xe2\x80\xa8", b"\\", b'"', b"{", b"}", b",", b":", b"'",
    ]
)  # fmt: skip


def lines_of_the_documentation() -> list[bytes]:
    """Records of every kind, right and wrong: those of the examples of the rules."""
    files = [
        body
        for one in explanations.load().values()
        for example in (one.breaks, one.holds)
        if example is not None
        for body in example.files(one.filler).values()
    ]
    return sorted({line for body in files for line in body.split(b"\n") if len(line) < 2_000})


LINES = st.sampled_from(lines_of_the_documentation())


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Lines of which some were cut, repeated, or have something odd put into them."""
    body = b"\n".join(draw(st.lists(LINES, min_size=1, max_size=5)))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(body)))
        stop = min(len(body), start + draw(st.integers(0, 8)))
        body = body[:start] + draw(st.one_of(ODD, st.binary(max_size=4))) + body[stop:]
    return body


KEYS = [
    "prompt", "completion", "messages", "role", "content", "text", "system", "schemaVersion", "image",
    "source", "s3Location", "uri", "format", "toolUse", "toolResult", "toolUseId", "toolConfig", "tools",
    "toolSpec", "name", "reasoningContent", "reasoningText", "reference_answer", "instruction", "input",
    "output", "image-ref", "caption",
]  # fmt: skip
NESTED: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)
VALUES = st.lists(NESTED, max_size=4).map(lambda all_: b"\n".join(json.dumps(one).encode() for one in all_))
PACKED: list[Callable[[bytes], bytes]] = [
    bytes,
    lambda body: gzip.compress(body, mtime=0),
    lambda body: b"\xef\xbb\xbf" + body,
    lambda body: b"[" + body.replace(b"\n", b",\n") + b"]",
    lambda body: body.replace(b"\n", b"\r\n"),
    lambda body: b"\xff\xfe" + body.decode(errors="replace").encode("utf-16-le"),
]


@settings(deadline=None, max_examples=200)
@given(
    body=st.one_of(damaged(), VALUES, st.binary(max_size=400)),
    packed=st.sampled_from([*PACKED[:1] * 6, *PACKED]),
    choice=st.integers(0, 10_000),
)
def test_any_bytes_are_checked_repaired_converted_and_split(
    body: bytes, packed: Callable[[bytes], bytes], choice: int
) -> None:
    hostile.everything(packed(body), choice)


@pytest.mark.parametrize("depth", [60, 64, 65, 200, 500, 900, 1_000, 5_000, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("layout", ["{}", "[{}]", "[\n{}"])
def test_no_depth_is_too_deep(depth: int, opening: str, closing: str, layout: str) -> None:
    record = '{"prompt": "x", "completion": ' + opening * depth + "1" + closing * depth + "}"

    hostile.everything(layout.replace("{}", record).encode(), choice=depth)


def of_long_runs() -> dict[str, str]:
    """Texts on which a careless pattern would take hours."""
    size = 150_000
    return {
        "the beginning of a token, again and again": "eyJ-" * size,
        "parts of a token": "eyJaaaaaaaaaaa-" * (size // 4),
        "two parts of a token": "eyJaaaaaaaaaaa.eyJaaaaaaaaaaa-" * (size // 8),
        "keys that do not end": "sk-" + "a" * size + "_",
        "domains": "@" + "aa." * size + "-",
        "addresses": "@aa.aa" * size + "-",
        "digits": "1 " * size,
        "bank accounts": "AA00 AAAA " * (size // 4),
        "braces": "{{ {% ${ <|" * (size // 4),
        "spaces before a speaker": "\n" + " " * size + "user",
        "line ends": "\n" * size,
    }


@pytest.mark.parametrize("text", of_long_runs().values(), ids=of_long_runs())
def test_no_text_takes_more_than_moments(text: str) -> None:
    line = json.dumps({"prompt": text, "completion": "yes"}).encode() + b"\n"
    started = time.process_time()

    hostile.checked(line, hostile.asked_of(1))

    assert time.process_time() - started < 20


def test_a_record_of_very_many_keys_takes_no_more_than_moments() -> None:
    """A line of 4 MB has room for 350,000, each of which was compared with every usual name."""
    line = b"{" + b",".join(b'"k%d": 1' % number for number in range(100_000)) + b"}\n"
    started = time.process_time()

    hostile.checked(line, hostile.asked_of(1))

    assert time.process_time() - started < 5


@pytest.mark.parametrize(("messages", "refused"), [(1_000, False), (1_002, True)])
def test_a_conversation_of_very_many_messages_is_refused(messages: int, refused: bool) -> None:
    """Few letters each: it is within every other limit."""
    said = [{"role": ("user", "assistant")[at % 2], "content": "no"} for at in range(messages)]
    usual = [
        {"messages": [{"role": "user", "content": f"Is it {at}?"}, {"role": "assistant", "content": "Yes."}]}
        for at in range(20)
    ]
    body = b"\n".join(json.dumps(one).encode() for one in (*usual, {"messages": said}))

    report = hostile.checked(body, CheckOptions(base_model=catalog.find("amazon.nova-lite-v1:0:300k")))

    assert ("TD047" in report.by_code) is refused
    assert report.valid is not refused


@pytest.mark.parametrize("rows", [MOST_MESSAGES, MOST_MESSAGES + 2])
def test_rows_are_joined_to_what_a_conversation_may_have(rows: int) -> None:
    """The rest is an error of its row, as TD047 would be of the record."""
    said = ((number, line) for number, line in enumerate(map(_row, range(rows)), start=1))

    whole, *rest = sorted(message_rows.joined(said, lambda _: None))

    assert len(json.loads(whole[1])["conversations"]) == MOST_MESSAGES
    assert [unreadable.read(line) for _, line in rest] == [("TD009", ANY)] * (rows - MOST_MESSAGES)


def _row(number: int) -> bytes:
    row = {"conversation_id": "7", "role": ("user", "assistant")[number % 2], "content": f"no {number}"}
    return json.dumps(row).encode()


def test_a_dataset_of_terabytes_is_refused_before_its_shards_are_checked() -> None:
    class Bucket:
        def head_object(self, **_: str) -> dict[str, Any]:
            return {"ContentLength": 5 << 40}

        def get_object(self, Key: str, Range: str = "", **_: str) -> dict[str, Any]:  # noqa: N803
            if Key.endswith(".reading"):
                raise refusal("NoSuchKey")
            first, last = map(int, Range.removeprefix("bytes=").split("-"))
            body = b'{"prompt": "a", "completion": "b"}\n'.ljust(last - first + 1)[: last - first + 1]
            chunks = SimpleNamespace(iter_chunks=lambda _: [body])
            return {"ContentLength": len(body), "Body": chunks}

        def put_object(self, **_: Any) -> None:
            pass

    with pytest.raises(InvalidDataset, match="a dataset is at most 16 GB"):
        validate(Bucket(), builders.stage(), builders.run())


def test_one_line_without_end_is_not_held_in_memory() -> None:
    pieces = 40

    def without_end() -> Any:
        yield b'{"prompt": "'
        for _ in range(pieces):
            yield b"x" * (1 << 20)

    done = convert(without_end(), _Nowhere(), "converse")

    assert pieces << 20 > 5 * MAX_LINE_BYTES
    assert [note.what[-7:] for note in done.refused.values()] == ["[TD031]"]


def test_omissions_are_reported_a_limited_number_of_times() -> None:
    body = b"".join(b'{"prompt": "q", "completion": "x", "k%d": 1}\n' % number for number in range(1_000))

    done = convert([body], _Nowhere(), "converse")

    assert len(done.lost) == MOST_NOTES + 1
    assert sum(note.count for note in done.lost.values()) == 1_000


def test_a_compressed_file_of_many_small_parts_is_no_trap() -> None:
    parts = gzip.compress(b"{", mtime=0) + gzip.compress(b" ", mtime=0) * 20_000
    started = time.process_time()

    with pytest.raises(Exception, match="line 1 is not JSON"):
        list(repair([parts], _Nowhere()))

    assert time.process_time() - started < 20


def test_an_array_of_any_size_is_written_as_lines_without_being_held() -> None:
    record = b'{"prompt": "a question", "completion": "%d"},\n'
    written = _Nowhere()

    def array() -> Any:
        yield b"["
        for start in range(0, 30_000, 1_000):
            yield b"".join(record % number for number in range(start, start + 1_000))
        yield b"]"

    changes = list(repair(array(), written))

    assert [change.line for change in changes] == [0]
    assert written.lines == 30_000


@pytest.mark.parametrize("cut", [0, 300, 1_000])
def test_of_too_many_records_the_first_are_compared_and_the_rest_is_reported(
    monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    monkeypatch.setattr("tunedrop.dataset.duplicates.candidates.MOST_COMPARED", 20)
    body = b'{"input": "the same"}\n' * 50

    report = hostile.checked(body, CheckOptions())

    (told,) = [one for one in report.warnings if one.code == "TD057"]
    assert (report.duplicates, told.value) == (19, "30")
    hostile.parts_and_rules_agree(body, CheckOptions(), report, cut)


class _Nowhere:
    """A sink that only counts."""

    def __init__(self) -> None:
        self.lines = 0

    def write(self, text: bytes) -> int:
        self.lines += text.count(b"\n")
        return len(text)
