from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunedrop.dataset import formats
from tunedrop.dataset.check.check import check
from tunedrop.dataset.formats import unreadable
from tunedrop.dataset.sources.local import Held
from tunedrop.dataset.tools import decode as unpack
from tunedrop.dataset.tools.decode import NotRepairable
from tunedrop.dataset.tools.repair import repair
from tunedrop.dataset.tools.repaired_record import as_bedrock_has_it

PAIRS = [{"prompt": f"question {n}", "completion": f"answer {n}"} for n in range(4)]
LINES = b"".join(json.dumps(one).encode() + b"\n" for one in PAIRS)
GZIPPED = gzip.compress(LINES, mtime=0)


def repaired(body: bytes, size: int = 1 << 20) -> tuple[list[Any], list[str]]:
    sink = io.BytesIO()
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    changes = [f"{one.line}: {one.what}" for one in repair(chunks, sink)]
    return [json.loads(line) for line in sink.getvalue().splitlines()], changes


def test_a_good_file_stays_as_it_is() -> None:
    assert repaired(LINES) == (PAIRS, [])


@pytest.mark.parametrize(
    ("body", "change"),
    [
        (b"\xef\xbb\xbf" + LINES, "1: the byte-order mark was removed"),
        (LINES.replace(b"\n", b"\n\n", 1), "2: the blank line was removed"),
        (LINES.replace(b"\n", b"\r\n"), "0: carriage returns at the ends of lines were removed"),
        (
            json.dumps(PAIRS).encode(),
            "0: an array or pretty-printed objects were written one object per line",
        ),
        (
            json.dumps(PAIRS, indent=2).encode(),
            "0: an array or pretty-printed objects were written one object per line",
        ),
        (
            b"\n".join(json.dumps(one, indent=2).encode() for one in PAIRS),
            "0: an array or pretty-printed objects were written one object per line",
        ),
        (LINES + LINES[: LINES.index(b"\n") + 1], "5: an exact duplicate was left out"),
    ],
)
def test_what_can_be_repaired_is_and_is_listed(body: bytes, change: str) -> None:
    assert repaired(body) == (PAIRS, [change])


RETURNS = "0: carriage returns between records were replaced by line feeds"
AT_ENDS = "0: carriage returns at the ends of lines were removed"
ONE, *OTHERS = LINES.splitlines()
REST = b"\n".join(OTHERS) + b"\n"


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        (LINES.replace(b"\n", b"\r"), [RETURNS, AT_ENDS]),
        (LINES.replace(b"\n", b"\r\r\n"), [AT_ENDS]),
        (ONE + b"\r" + REST, [RETURNS]),
        (ONE + b" \t\n" + REST, ["0: whitespace around records was removed"]),
        (ONE + b"\n" * 3_000 + REST, ["2: 2,999 blank lines were removed"]),
        (ONE + b"\r" * 3_000 + REST, ["2: 2,999 blank lines were removed", RETURNS]),
        (ONE + b"\n" + b" " * 9_000_000 + b"\n" + REST, ["2: the blank line was removed"]),
        (ONE + b" " * 9_000_000 + b"\n" + REST, ["0: whitespace around records was removed"]),
        (ONE + b"\n" + REST.replace(b"\n", b" ").rstrip(), ["2: 3 records were moved to separate lines"]),
        (
            ONE + b"\n" + REST.replace(b"\n", b",\n", 1),
            ["2: a comma or bracket around the record was removed"],
        ),
    ],
)
def test_line_ends_of_all_kinds_are_repaired_and_listed(body: bytes, changes: list[str]) -> None:
    assert repaired(body, 1 << 17) == (PAIRS, changes)


ENDS = st.lists(st.sampled_from([b"\n", b"\r", b"\r\n", b"\n\r", b" ", b"\t"]), min_size=1, max_size=6).map(
    b"".join
)


@given(ends=st.lists(ENDS, min_size=4, max_size=4), before=ENDS, size=st.integers(1, 90))
def test_the_same_records_are_found_whatever_ends_their_lines(
    ends: list[bytes], before: bytes, size: int
) -> None:
    body = before + b"".join(line + end for line, end in zip(LINES.splitlines(), ends, strict=True))

    records, _ = repaired(body, size)

    assert records == PAIRS


VALUES = st.recursive(
    st.sampled_from(["}\\r{", "} {", "", "a"]) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=3),
    max_leaves=12,
)


@given(values=VALUES, gap=st.sampled_from(["\r", " \r", "\r\r "]), size=st.integers(1, 60))
def test_no_record_is_torn_at_a_carriage_return_inside_it(values: Any, gap: str, size: int) -> None:
    record = {"prompt": values, "completion": {}}
    text = json.dumps(record, separators=(gap + "," + gap, gap + ":" + gap), indent=None)

    sink = io.BytesIO()
    body = text.encode()
    list(repair([body[start : start + size] for start in range(0, len(body), size)], sink))

    assert json.loads(sink.getvalue()) == record


@given(
    body=st.lists(st.sampled_from([ONE, b"{", b"}", b"[", b"7", b"\n", b"\r", b" ", b"x"]), max_size=12).map(
        b"".join
    )
)
def test_what_is_not_listed_is_not_changed(body: bytes) -> None:
    sink = io.BytesIO()
    with suppress(NotRepairable):
        if not list(repair([body], sink)):
            assert sink.getvalue().rstrip(b"\n") == body.rstrip(b"\n")


def test_a_long_run_of_blank_lines_is_one_change() -> None:
    changes = list(repair((b"\n" * (1 << 16) for _ in range(10)), io.BytesIO()))

    assert [one.what for one in changes] == ["655,360 blank lines were removed"]


def test_a_line_that_is_too_long_for_a_record_is_named_wherever_chunks_end() -> None:
    body = LINES + b'{"prompt": "' + b"x" * 5_000_000 + b'"}\n' + LINES

    for size in (1 << 16, 1 << 25):
        with pytest.raises(NotRepairable, match="line 5 is longer than"):
            repaired(body, size)


@given(size=st.integers(60, 200))
def test_where_chunks_end_changes_nothing(size: int) -> None:
    assert repaired(LINES, size) == (PAIRS, [])


def test_plain_text_content_becomes_content_blocks() -> None:
    chat = {"messages": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}]}

    ((record,), changes) = repaired(json.dumps(chat).encode())

    assert record["messages"][1] == {"role": "assistant", "content": [{"text": "hi"}]}
    assert changes == ["1: the record was written as Converse"]


def test_a_missing_schema_version_is_added() -> None:
    record = {
        "messages": [
            {"role": "user", "content": [{"text": "hello"}]},
            {"role": "assistant", "content": [{"text": "hi"}]},
        ]
    }

    ((found,), _) = repaired(json.dumps(record).encode())

    assert found["schemaVersion"] == "bedrock-conversation-2024"


def test_a_line_that_is_no_json_is_left_for_the_check_to_explain() -> None:
    sink = io.BytesIO()

    assert list(repair([LINES + b'{"prompt":\n'], sink)) == []

    assert sink.getvalue().splitlines()[-1] == b'{"prompt":'


def test_text_that_is_not_json_is_reported_as_not_repairable() -> None:
    with pytest.raises(NotRepairable, match="line 2 is not JSON"):
        repaired(b'[{"a": 1},\n nonsense]')


@given(body=st.binary(max_size=300))
def test_no_bytes_make_the_repair_fail_otherwise(body: bytes) -> None:
    sink = io.BytesIO()
    with suppress(NotRepairable):
        list(repair([body], sink))
        check({"train": [sink.getvalue()]}, {"train": "train.jsonl"})


def chat(*turns: tuple[str, Any], **keys: Any) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content} for role, content in turns], **keys}


@pytest.mark.parametrize("members", [1, 2])
def test_a_compressed_file_is_decompressed(members: int) -> None:
    size = -(-len(LINES) // members)
    body = b"".join(gzip.compress(LINES[start : start + size]) for start in range(0, len(LINES), size))

    assert repaired(body, 7) == (PAIRS, ["0: the file was decompressed"])


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_with_its_mark_becomes_utf_8(encoding: str) -> None:
    body = ("\ufeff" + '{"prompt": "Größe?", "completion": "groß 😀"}\n').encode(encoding)

    assert repaired(body, 3) == ([{"prompt": "Größe?", "completion": "groß 😀"}], ["0: UTF-16 became UTF-8"])


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_its_mark_becomes_utf_8_too(encoding: str) -> None:
    assert repaired(LINES.decode().encode(encoding), 3) == (PAIRS, ["0: UTF-16 became UTF-8"])


@pytest.mark.parametrize("before", [b"\n\xef\xbb\xbf", b"\xef\xbb\xbf\xef\xbb\xbf ", b" \xef\xbb\xbf\n"])
@pytest.mark.parametrize("body", [LINES, json.dumps(PAIRS, indent=2).encode()])
def test_marks_and_blank_lines_before_the_records_hide_nothing(before: bytes, body: bytes) -> None:
    records, changes = repaired(before + body)

    assert records == PAIRS
    assert "the byte-order mark was removed" in "".join(changes)


def test_what_would_begin_like_another_kind_of_file_is_not_written() -> None:
    with pytest.raises(NotRepairable, match="line 2 is not text"):
        repaired(b"\n\xff\xfe{\n")


def test_utf_32_is_reported_as_not_repairable() -> None:
    with pytest.raises(NotRepairable, match="UTF-32"):
        repaired(LINES.decode().encode("utf-32"))


def test_roles_in_capitals_and_texts_become_what_converse_has() -> None:
    record = chat(
        ("User", "hello"), ("Assistant", "hi"), schemaVersion="bedrock-conversation-2024", system="Be."
    )

    ((found,), changes) = repaired(json.dumps(record).encode())

    assert found["system"] == [{"text": "Be."}]
    assert [one["role"] for one in found["messages"]] == ["user", "assistant"]
    assert found["messages"][0]["content"] == [{"text": "hello"}]
    assert changes == [
        "1: the role User became user",
        "1: the role Assistant became assistant",
        "1: the system prompt was converted to a content block",
        "1: text content was converted to content blocks",
    ]


def test_records_for_reinforcement_stay_in_the_form_that_bedrock_reads() -> None:
    record = chat(("user", "6 * 7?"), reference_answer="42")

    assert repaired(json.dumps(record).encode()) == ([record], [])


@pytest.mark.parametrize(
    "line",
    [
        b'{"prompt": 1.50, "completion": 12345678901234567890123}',
        b'{"prompt": "a", "prompt": "b", "completion": "c"}',
        b'{"messages": [{"role": "User", "role": "user", "content": "c"}], "schemaVersion": "1"}',
        b'{"prompt": "\xff"}',
    ],
)
def test_a_line_that_is_not_changed_or_would_lose_something_stays_byte_for_byte(line: bytes) -> None:
    sink = io.BytesIO()

    changes = list(repair([line + b"\n"], sink))

    assert (sink.getvalue(), changes) == (line + b"\n", [])


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"PAR1....", "Parquet"),
        (b"PK\x03\x04....", "spreadsheet"),
        (GZIPPED[:-12], "is truncated"),
        (GZIPPED[:-8] + b"12345678", "is damaged"),
        (b"\xff\xfea", "starts like UTF-16 but is damaged"),
        (b'[{"a": 1, "a": 2}]', "an object has a duplicate key"),
        (b'[{"a": NaN}]', "NaN is not valid JSON"),
        (LINES + b'{"a": "' + b"x" * (11 << 20), "line 5 is longer than"),
    ],
    ids=str.split("parquet zip cut-gzip broken-gzip broken-utf-16 key-twice NaN long-line"),
)
def test_unrepairable_input_has_an_explanation(body: bytes, why: str) -> None:
    with pytest.raises(NotRepairable, match=why):
        repaired(body, 1 << 16)


def test_a_file_that_decompresses_without_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MAX_UNPACKED_BYTES", 1 << 20)

    with pytest.raises(NotRepairable, match="decompresses to more than"):
        repaired(gzip.compress(b" " * (8 << 20)))


@given(
    numbers=st.lists(st.integers(0, 5), min_size=1),
    layout=st.sampled_from(["lines", "array", "pretty", "pretty array", "blank lines"]),
    size=st.integers(1, 50),
)
def test_every_record_is_there_afterwards_or_listed_as_a_duplicate(
    numbers: list[int], layout: str, size: int
) -> None:
    rows: list[Any] = [{"prompt": f"question {n}", "completion": f"answer {n}"} for n in numbers]
    indent = 2 if "pretty" in layout else None
    whole = json.dumps(rows, indent=indent)
    apart = ("\n\n" if "blank" in layout else "\n").join(json.dumps(row, indent=indent) for row in rows)

    found, changes = repaired((whole if "array" in layout else apart).encode(), size)

    unique = [row for place, row in enumerate(rows) if row not in rows[:place]]
    assert found == unique
    assert sum("duplicate" in change for change in changes) == len(rows) - len(unique)


def test_a_line_that_is_too_long_is_refused_by_its_number() -> None:
    long = b'{"prompt": "' + b"a" * (9 << 20) + b'", "completion": "b"}\n'

    with pytest.raises(NotRepairable, match="line 1 is longer than"):
        list(repair([long[: 5 << 20], long[5 << 20 :]], io.BytesIO()))


def test_what_could_not_be_read_is_listed_wherever_the_file_is_cut() -> None:
    body = b'{"a": 1}\n' + unreadable.written("TD009", "a row") + b'\n{"b": 2}\n'

    class Cut(Held):
        step = 1

        def chunks(self, start: int, stop: int) -> Iterator[bytes]:
            yield from (body[at : at + self.step] for at in range(0, len(body), self.step))

    source = Cut(body)
    for source.step in range(1, len(body)):
        assert list(unreadable.listed(source)) == [(2, ("TD009", "a row"))]


@pytest.mark.parametrize("value", [{}, {"a": 1}, 5, 1.5, True, [], ["a"], [{"a": 1}], "", None])
@pytest.mark.parametrize("key", ["completion", "answer", "content", "value"])
@pytest.mark.parametrize("role", ["user", "assistant"])
def test_what_is_wrong_promises_json_text_only_where_fix_writes_it(value: Any, key: str, role: str) -> None:
    """The message and the repair are of two modules, and have said different things of `{}`."""
    said = {"user": "Why so?", "assistant": "So.", role: value}
    record: dict[str, Any] = {"prompt": said["user"], key: said["assistant"]}
    if key in ("content", "value"):
        speaker, chat = ("role", "messages") if key == "content" else ("from", "conversations")
        record = {chat: [{speaker: one, key: text} for one, text in said.items()]}

    problems = formats.read(record).problems
    _, changes = as_bedrock_has_it(record)

    promised = any("writes it as JSON text" in one.message for one in problems)
    assert promised == any("written as JSON text" in one for one in changes), (problems, changes)
