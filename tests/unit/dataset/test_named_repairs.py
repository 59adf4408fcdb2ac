"""Repairs that change texts: only where they are named, and listed."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from tests.situations import assistant, user
from tunedrop.dataset.check.check import check
from tunedrop.dataset.tools.named_repairs import NAMES
from tunedrop.dataset.tools.repair import repair

TEXTS = {
    "html": ("<p>Early&nbsp;&amp; late</p>", "Early & late", "TD069"),
    "escapes": (r"Early.\n\nThen f\u00fcr you", "Early.\n\nThen für you", "TD068"),
    "decoding": ("schÃ¶n fÃ¼r cafÃ© € naïve", "schön für café € naïve", "TD066"),
    "control": ("Ear\x1bly_x000D_", "Early", "TD084"),
    "stop-marks": ("Early. END", "Early.", "TD085"),
}


def repaired(record: Any, *names: str) -> tuple[Any, list[str]]:
    sink = io.BytesIO()
    changes = [change.what for change in repair([json.dumps(record).encode() + b"\n"], sink, names)]
    return json.loads(sink.getvalue()), changes


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_mended_where_its_repair_is_named_and_not_otherwise(name: str) -> None:
    text, mended, code = TEXTS[name]
    record = {"prompt": "When?", "completion": text}

    found, changes = repaired(record, name)

    assert found["completion"] == mended
    assert len(changes) == 1
    assert repaired(record) == (record, [])
    assert code in check({"train": [json.dumps(record).encode()]}, {"train": "a.jsonl"}).by_code
    assert code not in check({"train": [json.dumps(found).encode()]}, {"train": "a.jsonl"}).by_code


@pytest.mark.parametrize("name", NAMES)
def test_a_repair_leaves_right_texts_tools_and_formulas_alone(name: str) -> None:
    record = {
        "schemaVersion": "bedrock-conversation-2024",
        "toolConfig": {"tools": [{"toolSpec": {"name": "<p>", "description": "&amp;"}}]},
        "messages": [
            user([{"text": r"$\\frac{a}{b} < c$ und für 5 €"}]),
            assistant([{"text": "C:\\new <3"}]),
        ],
    }

    assert repaired(record, name) == (record, [])


def test_messages_of_one_speaker_in_a_row_become_one() -> None:
    record = {"messages": [user("Hi."), user("When?"), assistant("Now."), user("Why?"), assistant("So.")]}

    found, changes = repaired(record, "merge-turns")

    assert [one["content"][0]["text"] for one in found["messages"]] == ["Hi.\n\nWhen?", "Now.", "Why?", "So."]
    assert changes[0] == "consecutive messages of one speaker were merged"
