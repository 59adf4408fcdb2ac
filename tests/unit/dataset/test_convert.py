"""Conversion says what was said, in another form; what it cannot say it names, with lines."""

from __future__ import annotations

import io
import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunedrop import catalog
from tunedrop.dataset.check.check import check
from tunedrop.dataset.sources.local import Held
from tunedrop.dataset.sources.opened import opened
from tunedrop.dataset.tools.convert import Conversion, Target, convert
from tunedrop.dataset.types import ReadOptions

PAIR = {"prompt": "What is a lien?", "completion": "A claim on property."}
CHAT = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is a lien?"},
        {"role": "assistant", "content": "A claim on property."},
    ]
}
CONVERSE = {
    "schemaVersion": "bedrock-conversation-2024",
    "system": [{"text": "Be brief."}],
    "messages": [
        {"role": "user", "content": [{"text": "What is a lien?"}]},
        {"role": "assistant", "content": [{"text": "A claim on property."}]},
    ],
}
IMAGE = {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://data/cat.png"}}}}


def converted(
    body: bytes, target: Target, name: str = "train.jsonl", **columns: str
) -> tuple[bytes, Conversion]:
    read, sink = io.BytesIO(), io.BytesIO()
    file = opened(Held(body), name, ReadOptions(columns=columns), read, lambda: Held(read.getvalue()))
    chunks = file.source.chunks(0, file.source.size)
    done = convert(chunks, sink, target, lambda line: file.place(line).line)
    return sink.getvalue(), done


def records(rows: list[Any], target: Target) -> tuple[list[Any], Conversion]:
    written, done = converted(b"".join(json.dumps(row).encode() + b"\n" for row in rows), target)
    return [json.loads(line) for line in written.splitlines()], done


def named(notes: Any) -> dict[str, list[int]]:
    return {note.what: note.lines for note in notes.values()}


@pytest.mark.parametrize(
    ("row", "target", "expected"),
    [
        (PAIR, "openai-chat", {"messages": CHAT["messages"][1:]}),
        (PAIR, "alpaca", {"instruction": PAIR["prompt"], "input": "", "output": PAIR["completion"]}),
        (CHAT, "converse", CONVERSE),
        (CONVERSE, "openai-chat", CHAT),
        (
            {"instruction": "Do", "output": "Done."},
            "prompt-completion",
            {"prompt": "Do", "completion": "Done."},
        ),
        ({"text": "A passage."}, "text", {"input": "A passage."}),
    ],
)
def test_a_record_is_converted_without_loss(row: Any, target: Target, expected: Any) -> None:
    written, done = records([row], target)

    assert written == [expected]
    assert (done.lost, done.refused, done.written) == ({}, {}, 1)


@pytest.mark.parametrize(
    ("row", "target", "lost"),
    [
        (CHAT, "prompt-completion", "the system prompt was put at the start of the prompt"),
        (PAIR | {"topic": "law"}, "converse", "$.topic was left out"),
        (
            {"instruction": "Add", "input": "1, 2", "output": "3"},
            "converse",
            "instruction and input were joined",
        ),
        (
            CONVERSE | {"system": [{"text": "Be brief."}, {"text": "Be kind."}]},
            "openai-chat",
            "several texts of one message were joined, one per line",
        ),
        (
            {"messages": CHAT["messages"][1:2], "reference_answer": "42"},
            "converse",
            "$.reference_answer was left out",
        ),
    ],
)
def test_what_the_new_format_does_not_say_is_reported(row: Any, target: Target, lost: str) -> None:
    written, done = records([row], target)

    assert len(written) == 1
    assert named(done.lost) == {lost: [1]}


@pytest.mark.parametrize(
    ("row", "target", "why"),
    [
        (PAIR, "text", "a conversation is not unlabelled text"),
        ({"input": "A passage."}, "converse", "unlabelled text is not a conversation"),
        ({"input": "A passage."}, "prompt-completion", "unlabelled text is not a conversation"),
        ({"messages": CHAT["messages"][1:] * 2}, "alpaca", "a conversation of 4 messages is not one prompt"),
        ({"prompt": "a", "completion": "b", "label": True}, "converse", "a label for one answer"),
        (PAIR, "preference", "no rejected answer"),
        ({"prompt": "a", "chosen": "b", "rejected": "b"}, "converse", "the preferred and the rejected"),
        ({"question": "a"}, "converse", "unknown format: the keys are question; question is a prompt"),
        ({"prompt": "a"}, "converse", "completion is missing"),
        (
            CONVERSE | {"messages": [{"role": "user", "content": [IMAGE]}, CONVERSE["messages"][1]]},  # type: ignore[index]
            "openai-chat",
            "only Converse records can contain images, videos, reasoning and tools",
        ),
    ],
)
def test_records_that_cannot_be_converted_are_refused_with_their_line_and_others_are_written(
    row: Any, target: Target, why: str
) -> None:
    good: dict[str, str] = {"input": "A passage."} if target == "text" else PAIR
    if target == "preference":
        good = {"prompt": "a", "chosen": "b", "rejected": "c"}

    written, done = records([good, row, good], target)

    assert len(written) == 2
    ((what, lines),) = named(done.refused).items()
    assert what.startswith(why)
    assert lines == [2]


def test_images_reasoning_and_tools_stay_as_they_are_from_converse_to_converse() -> None:
    row = CONVERSE | {"messages": [{"role": "user", "content": [IMAGE]}, CONVERSE["messages"][1]]}  # type: ignore[index]

    assert records([row], "converse")[0] == [row]


def test_a_line_that_is_no_json_is_refused_with_its_rule() -> None:
    _, done = converted(b'{"prompt": "a", "completion": "b"}\n{broken\n', "converse")

    ((what, lines),) = named(done.refused).items()
    assert "[TD001]" in what
    assert lines == [2]


def test_columns_may_be_parted_by_semicolons() -> None:
    written, _ = converted(b"question;answer\nHow much?;1,50\n", "prompt-completion", "rows.csv")

    assert [json.loads(line) for line in written.splitlines()] == [
        {"prompt": "How much?", "completion": "1,50"}
    ]


def test_columns_are_found_by_their_usual_names() -> None:
    body = b'id,Question,Answer\n1,"What is a ""lien""?","A claim\non property."\n2,Why?,So.\n'

    written, done = converted(body, "prompt-completion", "rows.csv")

    assert [json.loads(line) for line in written.splitlines()] == [
        {"prompt": 'What is a "lien"?', "completion": "A claim\non property."},
        {"prompt": "Why?", "completion": "So."},
    ]
    assert named(done.lost) == {"$.id was left out": [2, 4]}


def test_columns_can_be_named_and_a_system_text_is_one() -> None:
    body = b"Frage;x\tAntwort\tRolle\nWer?\tIch.\tKurz.\n"

    written, _ = converted(
        body,
        "converse",
        "rows.tsv",
        prompt="Frage;x",
        completion="antwort",
        system="Rolle",
    )

    assert json.loads(written)["system"] == [{"text": "Kurz."}]


def test_a_column_that_is_not_there_is_an_error_that_names_those_that_are() -> None:
    _, done = converted(b"question,notes\na,b\n", "converse", "rows.csv")

    ((why, _),) = named(done.refused).items()
    assert why.startswith(
        "question is a prompt, but no other column has a usual name for what goes with it; the first row is "
        "'question', 'notes'"
    )


@given(
    rows=st.lists(st.tuples(*[st.text(min_size=1).filter(str.strip)] * 2), min_size=1, max_size=5),
    way=st.lists(
        st.sampled_from(["prompt-completion", "converse", "openai-chat", "alpaca", "csv"]), max_size=4
    ),
)
def test_there_and_back_again_nothing_is_lost(rows: list[tuple[str, str]], way: list[Target]) -> None:
    pairs = [{"prompt": prompt, "completion": completion} for prompt, completion in rows]
    body = b"".join(json.dumps(pair).encode() + b"\n" for pair in pairs)
    name = "train.jsonl"

    for target in [*way, "prompt-completion"]:
        body, done = converted(body, target, name)
        name = "train.csv" if target == "csv" else "train.jsonl"
        assert done.refused == {}

    assert [json.loads(line) for line in body.splitlines()] == pairs


@given(body=st.binary(max_size=200), target=st.sampled_from(get_args(Target)))
def test_no_bytes_make_the_conversion_fail(body: bytes, target: Target) -> None:
    _, done = converted(body, target)

    assert done.written + done.refusals == done.read


def test_a_record_for_a_grader_keeps_its_tools_in_the_form_of_openai() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "stock", "arguments": '{"item":"rose"}'}}
    schema = {"type": "object", "properties": {"item": {"type": "string"}}, "required": ["item"]}
    record: dict[str, Any] = {
        "messages": [
            {"role": "user", "content": "How many roses are there?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "three"},
            {"role": "assistant", "content": "Three."},
            {"role": "user", "content": "And tulips?"},
        ],
        "tools": [
            {
                "type": "function",
                "function": {"name": "stock", "description": "Counts", "parameters": schema},
            }
        ],
        "reference_answer": {"tulips": 2},
    }
    chat = {"messages": record["messages"][:-1], "tools": record["tools"]}

    written, done = records([record], "openai-chat")
    on_nova = codes(record, "amazon.nova-2-lite-v1:0:256k")
    on_claude = codes(chat, "anthropic.claude-3-haiku-20240307-v1:0:200k")

    assert (written, done.lost) == ([record], {})
    assert not on_nova & {"TD019", "TD024"}
    assert "TD024" in on_claude


def codes(record: dict[str, Any], model: str) -> set[str]:
    line = json.dumps(record).encode() + b"\n"
    return {one.code for one in check({"train": [line]}, {"train": "a"}, catalog.find(model)).errors}
