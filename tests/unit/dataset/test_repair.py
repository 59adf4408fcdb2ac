from __future__ import annotations

import io
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunedrop.dataset.check import check
from tunedrop.dataset.repair import NotRepairable, repair

PAIRS = [{"prompt": f"question {n}", "completion": f"answer {n}"} for n in range(4)]
LINES = b"".join(json.dumps(one).encode() + b"\n" for one in PAIRS)


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
        (json.dumps(PAIRS).encode(), "0: an array or pretty-printed objects were written one object a line"),
        (
            json.dumps(PAIRS, indent=2).encode(),
            "0: an array or pretty-printed objects were written one object a line",
        ),
        (
            b"\n".join(json.dumps(one, indent=2).encode() for one in PAIRS),
            "0: an array or pretty-printed objects were written one object a line",
        ),
        (LINES + LINES[: LINES.index(b"\n") + 1], "5: an exact duplicate was left out"),
    ],
)
def test_what_can_be_repaired_is_and_is_listed(body: bytes, change: str) -> None:
    assert repaired(body) == (PAIRS, [change])


@given(size=st.integers(60, 200))
def test_where_chunks_end_changes_nothing(size: int) -> None:
    assert repaired(LINES, size) == (PAIRS, [])


def test_plain_text_content_becomes_content_blocks() -> None:
    chat = {"messages": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}]}

    ((record,), changes) = repaired(json.dumps(chat).encode())

    assert record["messages"][1] == {"role": "assistant", "content": [{"text": "hi"}]}
    assert changes == ["1: text content became content blocks"]


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

    assert list(repair([LINES + b'{"prompt": \n'], sink)) == []

    assert sink.getvalue().splitlines()[-1] == b'{"prompt":'


def test_what_is_no_json_at_all_is_said_to_be_beyond_repair() -> None:
    with pytest.raises(NotRepairable, match="line 2 is not JSON"):
        repaired(b'[{"a": 1},\n nonsense]')


@given(body=st.binary(max_size=300))
def test_no_bytes_make_the_repair_fail_otherwise(body: bytes) -> None:
    sink = io.BytesIO()
    with suppress(NotRepairable):
        list(repair([body], sink))
        check({"train": [sink.getvalue()]}, {"train": "train.jsonl"})
