"""The negative tests of other checkers, put to ours: the same verdict, or the reason for another one.

Sources: aws/nova-forge-sdk, tests/unit/dataset (a4d5b3d); togethercomputer/together-python,
tests/unit/test_files_checks.py (eba5e5f); mistralai/mistral-finetune, finetune/data/tokenize.py (1943535).
Read 2026-11-29. The cases are rebuilt, not copied: record 61 of a good dataset has the fault.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from tests.unit.dataset.test_matrix import (
    ANSWERED,
    ASKED,
    NOVA,
    NOVA_2,
    blocks,
    chat,
    converse,
    image,
    lines,
    pair,
    said,
    seen,
)
from tunedrop import catalog
from tunedrop.dataset.check.check import check

MICRO = "amazon.nova-micro-v1:0:128k"
TITAN = "amazon.titan-text-express-v1:0:8k"
QWEN = "qwen.qwen3-32b"


def tool(name: str = "getWeather", **changes: Any) -> dict[str, Any]:
    spec = {"name": name, "description": "Looks something up", "inputSchema": {"json": {"type": "object"}}}
    return {"toolSpec": spec | changes}


def using(*turns: tuple[str, Any], tools: Any = None) -> dict[str, Any]:
    config = {"tools": [tool()] if tools is None else tools}
    return said(*turns) | {"toolConfig": config}


def use(name: str = "getWeather", number: str = "t1") -> list[dict[str, Any]]:
    return [{"toolUse": {"toolUseId": number, "name": name, "input": {}}}]


def result(number: str = "t1") -> list[dict[str, Any]]:
    return [{"toolResult": {"toolUseId": number, "content": [{"text": "Sunny"}]}}]


def video(format_: str = "mp4") -> dict[str, Any]:
    return {"video": {"format": format_, "source": {"s3Location": {"uri": "s3://data/a.mp4"}}}}


def document(format_: str = "pdf") -> dict[str, Any]:
    return {"document": {"format": format_, "source": {"s3Location": {"uri": "s3://data/a.pdf"}}}}


def reasoned(body: Any) -> dict[str, Any]:
    return said(ASKED, ("assistant", [{"reasoningContent": body}, {"text": "Paris."}]))


def chatted(*turns: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content} for role, content in turns], **more}


def function(**changes: Any) -> dict[str, Any]:
    shape = {"name": "roll", "description": "Rolls", "parameters": {"type": "object", "properties": {}}}
    return {"type": "function", "function": shape | changes}


def text(number: int = 0, **changes: Any) -> dict[str, Any]:
    return {"text": chat(number)["messages"][1]["content"], **changes}


def graded(number: int = 0, **changes: Any) -> dict[str, Any]:
    return chatted(("user", f"{chat(number)['messages'][0]['content']}"), reference_answer="4", **changes)


class Case(NamedTuple):
    """A record that a peer refuses; ours: the code of an error, or why it is none."""

    row: Any
    code: str
    model: str = NOVA_2
    make: Any = converse
    why: str = ""


FORGE = {
    "an image for Nova Micro": Case(seen(image()), "TD033", MICRO),
    "a message without a role": Case(said(("", blocks("What?")), ANSWERED), "TD023"),
    "a video of an unknown format": Case(seen(video("fake")), "TD070", NOVA),
    "an image of an unknown format": Case(seen(image(format_="fake")), "TD070", NOVA),
    "an image as tiff": Case(seen(image(format_="tiff")), "TD070"),
    "an image without a place": Case(seen({"image": {"format": "png", "source": {}}}), "TD012", NOVA),
    "an image and a video in one block": Case(seen(image() | video()), "TD016", NOVA),
    "reasoning for Nova 1": Case(reasoned({"reasoningText": {"text": "Hm"}}), "TD025", NOVA),
    "reasoning of another shape": Case(reasoned({"improper": {"text": "Hm"}}), "TD012"),
    "a document of an unknown format": Case(seen(document("fake")), "TD070"),
    "a document for Nova 1": Case(seen(document()), "", NOVA, why="AWS's sources disagree: a warning, TD077"),
    "no tool in toolConfig": Case(using(ASKED, ANSWERED, tools=[]), "TD026"),
    "two tools of one name": Case(using(ASKED, ANSWERED, tools=[tool(), tool()]), "TD026"),
    "a tool use by the user": Case(using(("user", use()), ANSWERED), "TD026"),
    "a tool result by the assistant": Case(using(ASKED, ("assistant", result())), "TD026"),
    "a result of no tool use": Case(using(ASKED, ANSWERED, ("user", result("no")), ANSWERED), "TD026"),
    "a tool that is not declared": Case(
        using(ASKED, ("assistant", use("other")), ("user", result()), ANSWERED), "TD026"
    ),
    "an extra key": Case(converse(60, unknown_field="x"), "", why="Bedrock ignores it: a warning, TD014"),
    "an extra key of a message": Case(
        converse(
            messages=[
                {"role": "user", "content": blocks("A?"), "metadata": "x"},
                dict(zip(("role", "content"), ANSWERED, strict=True)),
            ]
        ),
        "",
        why="Bedrock ignores it: a warning, TD014",
    ),
    "11 images": Case(
        said(("user", [*blocks("What?"), *(image(f"s3://data/{n}.png") for n in range(11))]), ANSWERED),
        "TD071",
        NOVA,
    ),
    "2 videos": Case(said(("user", [*blocks("What?"), video(), video()]), ANSWERED), "TD071", NOVA),
}

REINFORCEMENT = {
    "no messages": Case({"id": "1", "NOT messages": [], "reference_answer": "4"}, "TD010"),
    "two tools of one name": Case(graded(60, tools=[function(), function()]), "TD026"),
    "no tool in tools": Case(graded(60, tools=[]), "", why="empty means absent, as every SDK writes it"),
    "a tool of another type": Case(graded(60, tools=[function() | {"type": "invalid"}]), "TD026"),
    "parameters that are no object": Case(
        graded(60, tools=[function(parameters={"type": "string"})]), "TD026"
    ),
    "a tool without a name": Case(graded(60, tools=[function(name="")]), "TD026"),
    "an id in some records only": Case(graded(60, id="1"), "", why="a grader may read it: no rule"),
    "an image beside the content": Case(
        {"messages": [{"role": "user", "content": "What?", **image()}], "reference_answer": "4"}, "TD073"
    ),
}

TEXTS = {
    "an empty text": Case(text(60, text=""), "TD021"),
    "a text of spaces": Case(text(60, text="  \n\t "), "TD021"),
    "content instead of text": Case({"content": "A text."}, "", why="the same under another common name"),
    "an extra key": Case(text(60, extra="x"), "", why="dropped and listed: a warning, TD014"),
    "a number": Case(text(60, text=12345), "TD012"),
    "null": Case(text(60, text=None), "TD011"),
}

TOGETHER = {
    "a JSON text instead of an object": Case("Invalid JSON Line", "TD001", make=chat, model=QWEN),
    "no completion": Case({"prompt": "Summarize the text."}, "TD011", make=pair, model=QWEN),
    "a text among chats": Case({"text": "How are you?"}, "TD010", make=chat, model=QWEN),
    "an unknown role": Case(chatted(("invalid_role", "Hi")), "TD023", make=chat, model=QWEN),
    "user after user": Case(chatted(("user", "Hi"), ("user", "Hello")), "TD020", make=chat, model=QWEN),
    "no assistant": Case(chatted(("user", "Hi")), "TD020", make=chat, model=QWEN),
    "a message without content": Case(
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant"}]},
        "TD012",
        make=chat,
        model=QWEN,
    ),
    "a message that is a text": Case(
        {"messages": ["Hi!", {"role": "user", "content": "Hi"}]}, "TD012", make=chat, model=QWEN
    ),
    "no messages": Case({"messages": []}, "TD012", make=chat, model=QWEN),
    "a weight of 2": Case(
        {
            "messages": [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "Ho", "weight": 2},
            ]
        },
        "",
        why="Bedrock has no weights: any but 1 is a warning, TD028 or TD014",
        make=chat,
        model=QWEN,
    ),
    "an image that is no data URL": Case(
        chatted(
            (
                "user",
                [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": "<malformed>"}}],
            ),
            ("assistant", "Ho"),
        ),
        "TD073",
        make=chat,
        model=QWEN,
    ),
}


def called(*calls: Any, tools: Any = None, answer: Any = None) -> dict[str, Any]:
    """A chat of OpenAI's with calls, which Mistral's files have too."""
    turns = [
        {"role": "user", "content": "Roll a die."},
        {"role": "assistant", "content": "Rolling.", "tool_calls": list(calls)},
        answer or {"role": "tool", "content": "6", "tool_call_id": "c1"},
        {"role": "assistant", "content": "It is a six."},
    ]
    return {"messages": turns, "tools": [function()] if tools is None else tools}


def call(**changes: Any) -> dict[str, Any]:
    return {"id": "c1", "type": "function", "function": {"name": "roll", "arguments": "{}"}, **changes}


BOTH = {"messages": chat()["messages"], "interactions": chat()["messages"]}
MISTRAL = {
    "neither messages nor interactions": Case({"turns_of_chat": "none"}, "TD010"),
    "both messages and interactions": Case(BOTH, "", why="the other one is listed: a warning, TD014"),
    "a message without a role": Case(
        {"messages": [{"content": "Hi"}, {"role": "assistant", "content": "Ho"}]}, "TD023"
    ),
    "an unknown role": Case(chatted(("visitor_x", "Hi"), ("assistant", "Ho")), "TD023"),
    "neither content nor calls": Case(
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant"}]}, "TD012"
    ),
    "a tool without function": Case(called(call(), tools=[{"type": "function"}]), "TD026"),
    "a function without a name": Case(
        called(call(), tools=[{"type": "function", "function": {"description": "Rolls"}}]), "TD026"
    ),
    "a function without parameters": Case(
        called(call(), tools=[{"type": "function", "function": {"name": "roll"}}]),
        "",
        why="OpenAI lets it take none",
    ),
    "a call without an id": Case(
        called({"function": {"name": "roll", "arguments": "{}"}}, answer={"role": "tool", "content": "6"}),
        "",
        why="it is given one, as is its result",
    ),
    "a call without a function": Case(called({"id": "c1", "type": "function"}), "TD026"),
    "a call without arguments": Case(called(call(function={"name": "roll"})), "TD026"),
    "arguments that are an object": Case(
        called(call(function={"name": "roll", "arguments": {}})), "", why="the same, written once less"
    ),
    "a tool message without a call id": Case(
        called(call(), answer={"role": "tool", "content": "6"}), "", why="it belongs to the call before it"
    ),
}


KINDS: tuple[tuple[str, dict[str, Case], dict[str, Any]], ...] = (
    ("Forge", FORGE, {}),
    ("Forge, reinforcement", REINFORCEMENT, {"method": "reinforcement", "make": graded}),
    ("Forge, texts", TEXTS, {"method": "continued-pretraining", "make": text, "model": TITAN}),
    ("Together", TOGETHER, {}),
    ("Mistral", MISTRAL, {"make": chat, "model": ""}),
)


@pytest.mark.parametrize(
    ("case", "others"),
    [
        pytest.param(case, others, id=f"{peer}: {name}")
        for peer, cases, others in KINDS
        for name, case in cases.items()
    ],
)
def test_what_a_peer_refuses(case: Case, others: dict[str, Any]) -> None:
    body = lines(others.get("make", case.make), case.row, count=240)
    model = others.get("model", case.model)
    base = catalog.find(model) if model else None
    report = check({"train": [body]}, {"train": "t.jsonl"}, base, others.get("method", "auto"))

    assert {(one.line, one.code) for one in report.errors} == ({(61, case.code)} if case.code else set())
    assert bool(case.code) != bool(case.why)


ACCEPTED = {
    "a webp image": Case(seen(image(format_="webp")), "", NOVA),
    "a webp image for Nova 2": Case(seen(image(format_="webp")), ""),
    "a webm video": Case(seen(video("webm")), "", NOVA),
    "10 images": Case(
        said(("user", [*blocks("What?"), *(image(f"s3://data/{n}.png") for n in range(10))]), ANSWERED),
        "",
        NOVA,
    ),
    "reasoning": Case(reasoned({"reasoningText": {"text": "Hm"}}), ""),
    "a document": Case(seen(document()), ""),
    "tools that nobody uses": Case(using(ASKED, ANSWERED), ""),
    "a tool use with a result": Case(using(ASKED, ("assistant", use()), ("user", result()), ANSWERED), ""),
    "a result that is JSON": Case(
        using(
            ASKED,
            ("assistant", use()),
            ("user", [{"toolResult": {"toolUseId": "t1", "content": [{"json": {"status": "success"}}]}}]),
            ANSWERED,
        ),
        "",
    ),
    "weights": Case(
        {
            "messages": [
                {"role": "user", "content": "A?", "weight": 1},
                {"role": "assistant", "content": "B c.", "weight": 1},
            ]
        },
        "",
        make=chat,
        model=QWEN,
    ),
    "texts in parts": Case(
        chatted(
            ("user", [{"type": "text", "text": "A?"}]), ("assistant", [{"type": "text", "text": "B c."}])
        ),
        "",
        make=chat,
        model=QWEN,
    ),
}


@pytest.mark.parametrize("case", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_what_a_peer_accepts(case: Case) -> None:
    body = lines(case.make, case.row, count=240)

    assert check({"train": [body]}, {"train": "t.jsonl"}, catalog.find(case.model)).errors == ()
