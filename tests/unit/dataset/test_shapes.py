"""Every shape that people bring: read as what it says, converted without silent loss."""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tunedrop import catalog
from tunedrop.dataset import formats
from tunedrop.dataset.check.check import check_files
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.formats.turns import ROLES
from tunedrop.dataset.prepare.split import prepare
from tunedrop.dataset.rules.codes import ERRORS
from tunedrop.dataset.sources.local import Held
from tunedrop.dataset.tools.convert import Target, convert
from tunedrop.dataset.tools.repair import repair

ASK, SAY = "What is a lien?", "A claim on property."
CALL = {"id": "c1", "type": "function", "function": {"name": "price", "arguments": '{"item": "rose"}'}}
TOOL = {"name": "price", "description": "Says the price", "parameters": {"type": "object"}}
SHAPES: dict[str, tuple[dict[str, Any], str]] = {
    "pair": ({"prompt": ASK, "completion": SAY}, "prompt-completion"),
    "capital keys": ({"Prompt ": ASK, "Completion": SAY}, "prompt-completion"),
    "input and output": ({"input": ASK, "output": SAY}, "question-answer"),
    "text and label": ({"text": ASK, "label": "law-question"}, "text-label"),
    "text and a number": ({"text": ASK, "label": 3}, "text-label"),
    "question and answer": ({"question": ASK, "answer": SAY}, "question-answer"),
    "prompt and response": ({"prompt": ASK, "response": SAY}, "question-answer"),
    "alpaca": ({"instruction": "Answer.", "input": ASK, "output": SAY}, "alpaca"),
    "dolly": ({"instruction": ASK, "context": "A book.", "response": SAY, "category": "open_qa"}, "dolly"),
    "chat with nulls": (
        {
            "messages": [
                {"role": "user", "content": ASK, "tool_calls": None},
                {"role": "assistant", "content": SAY, "function_call": None, "annotations": []},
            ]
        },
        "openai-chat",
    ),
    "developer and parts": (
        {
            "messages": [
                {"role": "developer", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": ASK}]},
                {"role": "assistant", "content": [{"type": "output_text", "text": SAY}]},
            ]
        },
        "openai-chat",
    ),
    "tool calls": (
        {
            "messages": [
                {"role": "user", "content": ASK},
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "tool_call_id": "c1", "content": "twenty-one"},
                {"role": "assistant", "content": SAY},
            ],
            "tools": [{"type": "function", "function": TOOL}],
            "parallel_tool_calls": False,
        },
        "openai-chat",
    ),
    "function calls": (
        {
            "messages": [
                {"role": "user", "content": ASK},
                {"role": "assistant", "content": None, "function_call": CALL["function"]},
                {"role": "function", "name": "price", "content": "twenty-one"},
                {"role": "assistant", "content": SAY},
            ],
            "functions": [TOOL],
        },
        "openai-chat",
    ),
    "anthropic": (
        {
            "system": [{"type": "text", "text": "Be brief."}],
            "messages": [
                {"role": "user", "content": ASK},
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "id": "t1", "name": "price", "input": {"item": "rose"}}],
                },
                {
                    "role": "user",
                    "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "twenty-one"}],
                },
                {"role": "assistant", "content": [{"type": "text", "text": SAY}]},
            ],
            "tools": [{"name": "price", "description": "Says it", "input_schema": {"type": "object"}}],
        },
        "anthropic",
    ),
    "sharegpt": (
        {
            "conversations": [{"from": "human", "value": ASK}, {"from": "gpt", "value": SAY}],
            "id": "identity_1",
        },
        "sharegpt",
    ),
    "messages with from": (
        {"messages": [{"from": "user", "value": ASK}, {"from": "bot", "value": SAY}]},
        "sharegpt",
    ),
    "dialogue": (
        {"dialogue": [{"role": "User", "text": ASK}, {"role": "Assistant", "text": SAY}]},
        "sharegpt",
    ),
    "gemini": (
        {
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [
                {"role": "user", "parts": [{"text": ASK}]},
                {"role": "model", "parts": [{"text": SAY}]},
            ],
        },
        "gemini",
    ),
    "invocation log": (
        {
            "schemaType": "ModelInvocationLog",
            "input": {"inputBodyJson": {"messages": [{"role": "user", "content": [{"text": ASK}]}]}},
            "output": {
                "outputBodyJson": {"output": {"message": {"role": "assistant", "content": [{"text": SAY}]}}}
            },
        },
        "invocation-log",
    ),
    "batch output": (
        {
            "recordId": "r1",
            "modelInput": {"anthropic_version": "x", "messages": [{"role": "user", "content": ASK}]},
            "modelOutput": {"content": [{"type": "text", "text": SAY}]},
        },
        "batch-output",
    ),
    "preference": ({"prompt": ASK, "chosen": SAY, "rejected": "A kind of dog."}, "preference"),
    "plain text": ({"text": SAY}, "text"),
}
LABELS: list[dict[str, Any]] = [
    {"prompt": ASK, "completion": SAY, "label": False},
    {"messages": [{"role": "user", "content": ASK}, {"role": "assistant", "content": SAY}], "label": True},
]


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_is_read_correctly(name: str) -> None:
    record, format_ = SHAPES[name]

    reading = formats.read(record)

    assert reading.format == format_
    assert reading.conversation is not None, reading.problems
    said = " ".join(turn.text for turn in reading.conversation.turns)
    assert SAY in said or "law-question" in said or ASK in said
    if format_ != "text":
        assert [turn.role for turn in reading.conversation.turns][:2] == ["user", "assistant"]


@pytest.mark.parametrize("asked", ["messages", "prompt"])
@pytest.mark.parametrize(
    "beside",
    [
        {"response": "5", "ground_truth": "4"},
        {"completion": "5", "answer": "4"},
        {"response": "5", "reference": "4"},
        {"output": "5", "expected_answer": "4"},
        {"output": "5", "reward_model": {"ground_truth": "4", "style": "rule"}},
        {"completion": [{"role": "assistant", "content": "5"}], "solution": "4"},
    ],
)
def test_a_models_own_answer_is_not_trained_next_to_the_correct_one(
    asked: str, beside: dict[str, Any]
) -> None:
    conversation = formats.read({asked: [{"role": "user", "content": "2+2?"}], **beside}).conversation

    assert conversation is not None
    assert [turn.text for turn in conversation.turns] == ["2+2?"]
    assert beside.keys() <= conversation.extra.keys()


@pytest.mark.parametrize("key", ["output", "response", "completion"])
def test_two_answers_behind_a_history_are_not_learned_as_one(key: str) -> None:
    record = {"instruction": ASK, "input": "", "history": [["hi", "hey"]], key: [SAY, "A dog."]}

    reading = formats.read(record)

    assert reading.conversation is None
    assert [problem.code for problem in reading.problems] == ["TD012"]


@pytest.mark.parametrize("kind", [[], None, "x", {}])
def test_a_message_of_langchain_without_its_class_is_refused(kind: Any) -> None:
    message = {"lc": 1, "id": kind, "kwargs": {"content": ASK}}
    record = {"inputs": {"messages": [[message]]}, "outputs": {"generations": [[{"text": SAY}]]}}

    reading = formats.read(record)

    assert reading.conversation is None
    assert reading.problems


@pytest.mark.parametrize("record", LABELS)
def test_labels_of_single_answers_are_named_and_refused(record: dict[str, Any]) -> None:
    reading = formats.read(record)

    assert reading.conversation is None
    assert [problem.code for problem in reading.problems] == ["TD017"]


@pytest.mark.parametrize("name", sorted(SHAPES))
@pytest.mark.parametrize("where", ["record", "message"])
def test_what_a_conversion_leaves_out_is_listed(name: str, where: str) -> None:
    record = msgspec.json.decode(msgspec.json.encode(SHAPES[name][0]))
    messages = [one for one in record.values() if isinstance(one, list) and one and isinstance(one[0], dict)]
    target = messages[0][0] if where == "message" and messages else record
    target["extra_key"] = "an extra value that nobody reads"
    sink = io.BytesIO()

    done = convert([msgspec.json.encode(record)], sink, "text" if "plain" in name else "converse")

    written = " ".join(_texts(json.loads(sink.getvalue())))
    listed = " ".join([*done.lost, *done.refused])
    for path, value in _leaves(record, "$"):
        if str(value).lower() in ROLES or len(str(value)) < 5:
            continue
        assert str(value) in written or _is_listed(path, listed), (path, value, written, listed)


def _is_listed(path: str, listed: str) -> bool:
    structural = (".type", "schemaType", "anthropic_version", "recordId", ".arguments", ".id", "tool_call_id")
    return any(part in listed for part in _prefixes(path)) or path.endswith(structural)


def _prefixes(path: str) -> Iterator[str]:
    parts = re.sub(r"\[\d+\]", "[]", path).split(".")
    return (".".join(parts[: index + 1]) for index in range(1, len(parts)))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _leaves(one, f"{path}.{key}")
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _leaves(one, f"{path}[{index}]")
    elif value is not None and not isinstance(value, bool):
        yield path, value


def _texts(value: Any) -> Iterator[str]:
    return (str(one) for _, one in _leaves(value, "$"))


KEYS = [
    "role",
    "content",
    "from",
    "value",
    "text",
    "type",
    "prompt",
    "completion",
    "input",
    "output",
    "label",
    "messages",
    "conversations",
    "tools",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "id",
    "system",
    "contents",
    "parts",
    "weight",
    "toolUse",
    "toolResult",
    "toolUseId",
    "toolConfig",
    "toolSpec",
    "json",
    "inputSchema",
    "reasoningContent",
    "reasoningText",
    "image",
    "source",
    "s3Location",
    "uri",
    "format",
    "function_call",
    "tool_call_id",
    "url",
    "schemaVersion",
    "image_url",
    "modelInput",
    "inputBodyJson",
    "schemaType",
    "instruction",
    "response",
    "chosen",
    "speaker",
    "input_schema",
    "functionCall",
    "args",
    "thinking",
    "reference_answer",
    "metadata",
]
VALUES: list[Any] = [
    "user",
    "assistant",
    "system",
    "tool",
    "hello there",
    "",
    "text",
    "image_url",
    "tool_use",
]
VALUES += [
    "tool_result",
    "s3://b/a.png",
    '{"a":1}',
    "[]",
    None,
    1,
    0,
    True,
    3.5,
    [],
    {},
    "ModelInvocationLog",
]


def _any(draw: random.Random, depth: int) -> Any:
    kind = draw.random()
    if depth <= 0 or kind < 0.45:
        return draw.choice(VALUES)
    if kind < 0.7:
        return [_any(draw, depth - 1) for _ in range(draw.randint(0, 3))]
    return {draw.choice(KEYS): _any(draw, depth - 1) for _ in range(draw.randint(0, 4))}


def _mutated(draw: random.Random, value: Any, rate: float) -> Any:
    if isinstance(value, list):
        return [_mutated(draw, one, rate) for one in value if draw.random() > rate / 4]
    if not isinstance(value, dict):
        return value
    made = {}
    for key, one in value.items():
        if draw.random() > rate / 3:
            new = draw.choice(KEYS) if draw.random() < rate / 4 else key
            made[new] = _any(draw, 2) if draw.random() < rate / 2 else _mutated(draw, one, rate)
    if draw.random() < rate:
        made[draw.choice(KEYS)] = _any(draw, 2)
    return made


def _mutants(seed: int, count: int) -> Iterator[dict[str, Any]]:
    draw = random.Random(seed)
    shapes = [record for record, _ in SHAPES.values()]
    for _ in range(count):
        yield _mutated(draw, draw.choice(shapes), draw.choice([0.03, 0.1, 0.3]))


def test_no_record_whatever_its_shape_is_lost_or_breaks_a_tool() -> None:
    for record in _mutants(1, 1_500):
        raw = msgspec.json.encode(record)
        reading = formats.read(record)
        broken = any(problem.code in ERRORS for problem in reading.problems)
        assert broken == (reading.conversation is None), record
        targets: tuple[Target, ...] = ("converse", "prompt-completion", "openai-chat", "csv")
        for target in targets:
            done = convert([raw], io.BytesIO(), target)
            assert done.read == done.written + done.refusals == 1, record
        list(repair([raw + b"\n"], io.BytesIO()))


NOVA, LLAMA = "amazon.nova-lite-v1:0:300k", "meta.llama3-1-8b-instruct-v1:0:128k"


@pytest.mark.parametrize(
    ("model", "method"),
    [
        (NOVA, "auto"),
        (NOVA, "distillation"),
        (LLAMA, "auto"),
        ("amazon.nova-2-lite-v1:0:256k", "reinforcement"),
    ],
)
def test_what_the_check_lets_pass_the_pipeline_can_write(model: str, method: Any) -> None:
    base_model, passed = catalog.find(model), 0
    asked = CheckOptions(base_model=base_model, method=method)
    for record in _mutants(2, 250):
        body = msgspec.json.encode(record) + b"\n"
        report = check_files({"train": Held(body)}, {"train": "train.jsonl"}, asked)
        if {one.code for one in report.errors} - {"TD040"} or report.method is None:
            continue
        sinks: Any = {split: io.BytesIO() for split in ("train", "validation", "test")}
        prepared = prepare({"train": [body]}, sinks, b"", base_model.methods[report.method])
        assert prepared.files["train"].records == 1
        passed += 1
    assert passed
