"""Records with tools, images and reasoning are read a block at a time, and found to be what each is alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import kinds
from bench.records import Writer
from tests import hostile

WRITER = Writer(3)
KINDS = ("tools", "images", "reasoning", "plain conversations")
RECORDS = {kind: json.dumps(kinds.KINDS[kind][1](WRITER, 1)) for kind in KINDS}
CHANGES: list[tuple[str, str]] = [
    ('"price": 1', '"price": 1, "price": 2'),
    ('"price": 1', '"price" : 1, "price": 2'),
    ('"price": 1', '"a": "\\u0022:", "price": 1, "price": 2'),
    ('"role": "user"', '"role": "user", "role": "user"'),
    ('"toolUse"', '"tool\\u0055se"'),
    ('"name": "price", "desc', '"name": "price", "name": "x", "desc'),
    ('"name": "price", "desc', '"n\\u0061me": "price", "name": "x", "desc'),
    ('"type": "object"', '"type": "string"'),
    ('"toolConfig": {"tools"', '"toolConfig": {}, "source": {"tools"'),
    ('"toolUseId": "t1", "name": "price"', '"toolUseId": "t1", "name": "cost"'),
    ('"toolUseId": "t1"', '"toolUseId": "t1", "status": null'),
    ('"format": "png"', '"format": "bmp"'),
    ("s3://bucket/", "../"),
    ('"reasoningText": {', '"reasoningText": {"signature": "x", '),
    ('"content": [{', '"content": [{}, {'),
    ('"content": [{', '"content": [{"text": " "}, {'),
    ('"content": [{', '"content": [{"text": "a:\\\\\\"b"}, {'),
    ('"messages"', '"system": [{"text": "Be."}, {"text": ""}], "messages"'),
    ('"messages"', '"toolConfig": null, "messages"'),
    ('"messages"', '"source": "x", "messages"'),
    ('"messages"', '"reference_answer": "x", "messages"'),
]


def test_a_set_of_tools_is_read_together(monkeypatch: pytest.MonkeyPatch) -> None:
    body = "".join(f"{RECORDS[kind]}\n" for kind in (*KINDS, *KINDS)).encode()
    alone: list[Any] = []
    monkeypatch.setattr("tunedrop.dataset.check.scan.lines.parse", lambda *given: alone.append(given))

    hostile.checked(body, hostile.asked_of(2))

    assert alone == []


@settings(max_examples=150, deadline=None)
@given(
    lines=st.lists(
        st.tuples(st.sampled_from(KINDS), st.lists(st.sampled_from(CHANGES), max_size=2)),
        min_size=1,
        max_size=5,
    ),
    choice=st.integers(0, 12),
)
def test_records_are_the_same_together_and_alone(
    lines: list[tuple[str, list[tuple[str, str]]]], choice: int
) -> None:
    body = b""
    for kind, changes in lines:
        record = RECORDS[kind]
        for old, new in changes:
            record = record.replace(old, new, 1)
        body += record.encode() + b"\n"
    asked = hostile.asked_of(choice)

    hostile.parts_and_rules_agree(body, asked, hostile.checked(body, asked), cut=len(body) // 2)
