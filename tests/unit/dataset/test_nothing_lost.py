"""Whatever a record says is in what is written from it, or its path is listed; and no tool disagrees."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.situations import PAIRS, READ, assistant, each, user
from tunedrop.dataset.check.check import check_files
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.formats import unreadable
from tunedrop.dataset.sources.local import Held
from tunedrop.dataset.sources.opened import OpenedFile, opened
from tunedrop.dataset.tools.convert import convert
from tunedrop.dataset.types import ReadOptions

TOOL = {"toolSpec": {"name": "p", "description": "d", "inputSchema": {"json": {"type": "object"}}}}
USE = {"toolUse": {"toolUseId": "1", "name": "p", "input": {"item": "rose"}}}
SHAPES: dict[str, dict[str, Any]] = {
    "pair": {"prompt": "q", "completion": "a"},
    "SQuAD": {"context": "c", "question": "q", "answers": {"text": ["a"], "answer_start": [1]}},
    "Alpaca": {"instruction": "q", "input": "", "output": "a", "history": [["h", "i"]]},
    "OpenAI": {
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "s"}]},
            user("q"),
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "1", "function": {"name": "p", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "r"}]},
            assistant("a"),
        ],
        "tools": [{"type": "function", "function": {"name": "p", "parameters": {"type": "object"}}}],
    },
    "Anthropic": {
        "system": [{"type": "text", "text": "s"}],
        "messages": [
            user("q"),
            assistant(
                [{"type": "thinking", "thinking": "t", "signature": "x"}, {"type": "text", "text": "a"}]
            ),
        ],
    },
    "Converse": {
        "schemaVersion": "bedrock-conversation-2024",
        "system": [{"text": "s"}],
        "messages": [user([{"text": "q"}]), assistant([{"text": "a"}])],
    },
    "ShareGPT": {
        "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}],
        "system": "s",
    },
    "MOSS": {"conversation": [{"human": "q", "assistant": "a"}]},
    "LangChain": {
        "messages": [{"type": "human", "data": {"content": "q"}}, {"type": "ai", "data": {"content": "a"}}]
    },
    "Gemini": {
        "systemInstruction": {"parts": [{"text": "s"}]},
        "contents": [{"role": "user", "parts": [{"text": "q"}]}, {"role": "model", "parts": [{"text": "a"}]}],
    },
    "an invocation log": {
        "schemaType": "ModelInvocationLog",
        "input": {"inputBodyJson": {"messages": [user([{"text": "q"}])], "toolConfig": {"tools": [TOOL]}}},
        "output": {"outputBodyJson": {"output": {"message": assistant([{"text": "a"}, USE])}}},
    },
    "a batch's output": {
        "recordId": "r",
        "modelInput": {"anthropic_version": "x", "messages": [user("q")]},
        "modelOutput": {"content": [{"type": "text", "text": "a"}]},
    },
    "TRL": {"prompt": [user("q")], "completion": [assistant("a")]},
    "OpenAI's stored": {
        "request": {"messages": [user("q")]},
        "response": {"choices": [{"message": assistant("a")}]},
    },
    "LangSmith": {"inputs": {"question": "q"}, "outputs": {"answer": "a"}},
    "a preference": {
        "chosen": [user("q"), assistant("a")],
        "rejected": [user("q"), assistant("b")],
    },
}
WRAPPED = {
    name: json.loads(READ[name][0].splitlines()[0])
    for name in (
        "LangSmith's runs",
        "choices beside their messages",
        "Bedrock's evaluation of conversations",
        "OpenAI's responses with calls",
        "Gemini's types",
        "DynamoDB",
        "MLflow",
        "a transcript, ChatML",
        "a transcript, a prompt",
        "MMLU by letter",
        "ARC's own file",
        "MuSiQue",
        "MS MARCO",
        "Command R in a batch",
        "DeepSeek in a batch",
    )
}
KEYED = SHAPES | WRAPPED


def objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(one)


@pytest.mark.parametrize("target", ["converse", "prompt-completion"])
@pytest.mark.parametrize("name", KEYED)
def test_a_key_anywhere_in_a_record_is_written_or_listed(name: str, target: Any) -> None:
    places = len(list(objects(KEYED[name])))
    kept = []
    for place in range(places):
        record = json.loads(json.dumps(KEYED[name]))
        list(objects(record))[place]["a_key"] = {"of": "somebody"}
        sink = io.BytesIO()

        done = convert([json.dumps(record).encode() + b"\n"], sink, target)

        notes = " ".join(note.what for note in [*done.lost.values(), *done.refused.values()])
        kept.append(done.written == 0 or b"somebody" in sink.getvalue() or "a_key" in notes)
    assert all(kept), [place for place, is_kept in enumerate(kept) if not is_kept]


def read(body: bytes, name: str) -> OpenedFile:
    sink = io.BytesIO()
    return opened(Held(body), name, ReadOptions(), sink, lambda: Held(sink.getvalue()))


def as_array(body: bytes) -> bytes:
    return b"[" + b",\n".join(body.splitlines()) + b"]"


def pretty(body: bytes) -> bytes:
    return b"\n".join(
        json.dumps(json.loads(one), indent=2, ensure_ascii=False).encode() for one in body.splitlines()
    )


def encoded_twice(body: bytes) -> bytes:
    return b"\n".join(json.dumps(one.decode()).encode() for one in body.splitlines())


CONTAINERS = [bytes, as_array, pretty, encoded_twice, lambda body: body.replace(b"\n", b"\r\n")]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-32"]
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).map(
    lambda one: f"x{one}y"
)


@given(
    texts=st.lists(st.tuples(TEXTS, TEXTS), min_size=2, max_size=4),
    shape=st.sampled_from([name for name in SHAPES if name != "Alpaca"]),
    container=st.sampled_from(CONTAINERS),
    encoding=st.sampled_from(ENCODINGS),
    is_packed=st.booleans(),
)
def test_records_in_are_written_or_listed_whatever_they_are_in(
    texts: list[tuple[str, str]], shape: str, container: Any, encoding: str, is_packed: bool
) -> None:
    body = b"".join(
        json.dumps(SHAPES[shape]).replace('"q"', json.dumps(asked)).replace('"a"', json.dumps(said)).encode()
        + b"\n"
        for asked, said in texts
    )
    packed = container(body).decode().encode(encoding)

    file = read(gzip.compress(packed, mtime=0) if is_packed else packed, "a.jsonl")
    sink = io.BytesIO()
    done = convert(file.source.chunks(0, file.source.size), sink, "converse")
    report = check_files({"train": file.source}, {"train": "a.jsonl"}, CheckOptions(), opened={"train": file})

    assert not list(unreadable.listed(file.source))
    assert (done.read, done.written, report.records, report.valid) == (*[len(texts)] * 3, True), report.errors
    written = [json.loads(line)["messages"] for line in sink.getvalue().splitlines()]
    for (asked, said), messages in zip(texts, written, strict=True):
        told = json.dumps(messages, ensure_ascii=False)
        assert json.dumps(asked, ensure_ascii=False)[1:-1] in told
        assert json.dumps(said, ensure_ascii=False)[1:-1] in told


def test_an_answer_that_calls_a_tool_is_kept_from_a_log() -> None:
    sink = io.BytesIO()

    convert([json.dumps(SHAPES["an invocation log"]).encode() + b"\n"], sink, "converse")

    assert USE in json.loads(sink.getvalue())["messages"][1]["content"]


def test_shapes_of_several_kinds_in_one_file_are_all_converted() -> None:
    body = each(lambda q, a: {"question": q, "answer": a}) + each(
        lambda q, a: {"messages": [user(q), assistant(a)]}
    )
    sink = io.BytesIO()

    done = convert([body], sink, "converse")

    assert done.written == 2 * len(PAIRS)
