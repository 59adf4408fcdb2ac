"""Conversations in one text: what is said stays as it was said, and what only looks like one stays text."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tunedrop.cli.data import checking
from tunedrop.dataset import formats
from tunedrop.dataset.tools.convert import convert

ANSWERS: dict[str, tuple[dict[str, Any], str]] = {
    "an indented answer beside its prompt": (
        {
            "prompt": "### Instruction:\nComplete f\n\n### Response:\n",
            "completion": "    x = 1\n    return x\n",
        },
        "    x = 1\n    return x",
    ),
    "an indented answer in the text": (
        {"text": "<|user|>\nComplete f<|end|>\n<|assistant|>\n    x = 1\n    return x<|end|>\n"},
        "    x = 1\n    return x",
    ),
    "headings in an answer": (
        {"text": "### Human: How?### Assistant: So:\n\n### Input:\nthe value\n\n### Response:\nx"},
        "So:\n\n### Input:\nthe value\n\n### Response:\nx",
    ),
    "a mark inside a line": (
        {"text": "<|user|>\nhi</s>\n<|assistant|>\nsee <|user|> token</s>"},
        "see <|user|> token",
    ),
    "a beginning mark": ({"text": "<s>USER: hi ASSISTANT: ok</s>"}, "ok"),
    "a beginning mark before Human": ({"text": "<s>Human: hi\n\nAssistant: ok"}, "ok"),
    "a preface with signs": ({"text": "A chat between two on C# and [x] | y. USER: hi ASSISTANT: ok"}, "ok"),
}
CHATML = "<|im_start|>{}\n{}<|im_end|>\n"
LLAMA = "<|start_header_id|>{}<|end_header_id|>\n\n{}<|eot_id|>"


@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_said_is_kept_as_it_was_said(name: str) -> None:
    record, answer = ANSWERS[name]

    reading = formats.read(record)

    assert (reading.format, reading.problems) == ("transcript", [])
    assert reading.conversation is not None
    assert [turn.role for turn in reading.conversation.turns] == ["user", "assistant"]
    assert reading.conversation.answer == answer


@pytest.mark.parametrize("mark", [CHATML, LLAMA])
@pytest.mark.parametrize("role", ["tool", "ipython", "function", "observation", "critic"])
@pytest.mark.parametrize("is_last", [True, False])
def test_a_turn_of_nobody_that_a_text_can_hold_is_refused(mark: str, role: str, is_last: bool) -> None:
    said = [("user", "Weather?"), ("assistant", "call"), (role, "9"), ("assistant", "Nine.")]
    text = "".join(mark.format(*one) for one in said[: 3 if is_last else 4])

    reading = formats.read({"text": text})

    assert reading.conversation is None
    assert [one.code for one in reading.problems] == ["TD023"]
    assert "write it as messages" in reading.problems[0].message


@pytest.mark.parametrize("method", ["auto", "continued-pretraining"])
def test_a_document_that_looks_like_a_transcript_is_text_in_a_corpus(method: Any, tmp_path: Path) -> None:
    looks_so = [{"text": "### Human: What?### Assistant: It."}, {"text": CHATML.format("tool", "9")}]
    articles = [{"text": f"An article, number {number}, on a town."} for number in range(8)]
    file = tmp_path / "a.jsonl"
    file.write_text("".join(f"{json.dumps(one)}\n" for one in [*looks_so, *articles]))

    report = checking.report_of([file], None, method, 5)
    done = convert([file.read_bytes()], sink := io.BytesIO(), "text")

    assert (report.valid, report.format, report.records) == (True, "text", 10), report.errors
    assert "TD060" in report.by_code
    assert (done.written, done.refused) == (10, {})
    assert b"### Human: What?### Assistant: It." in sink.getvalue()


@pytest.mark.parametrize("piece", [" ", "\n", "</s>", "</s> ", "### Input:", "<|user|>"])
def test_the_time_grows_no_faster_than_the_text(piece: str) -> None:
    started = time.process_time()

    formats.read({"prompt": f"### Instruction:\nA{piece * 20_000}x\n\n### Response:", "completion": "ok"})

    assert time.process_time() - started < 1


@pytest.mark.parametrize("tools", [5, True, "f"])
def test_tools_of_another_type_are_an_error(tools: Any) -> None:
    said = [{"role": "user", "parts": [{"text": "a"}]}, {"role": "model", "parts": [{"text": "b"}]}]

    reading = formats.read({"contents": said, "tools": tools})

    assert [(one.code, one.path) for one in reading.problems] == [("TD012", "$.tools")]


def test_tools_may_be_one_object() -> None:
    said = [{"role": "user", "parts": [{"text": "a"}]}, {"role": "model", "parts": [{"text": "b"}]}]
    tools = {"functionDeclarations": [{"name": "f", "description": "Finds."}]}

    reading = formats.read({"contents": said, "tools": tools})

    assert reading.problems == []
    assert reading.conversation is not None
    assert len(reading.conversation.extra["toolConfig"]["tools"]) == 1
