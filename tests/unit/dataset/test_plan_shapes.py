"""The split, and the search for leaks, know what is asked in records of every shape that is read."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tunedrop.dataset.duplicates.leaks import HeldOut
from tunedrop.dataset.prepare.plan import Shares, plan

Shape = Callable[[str, str], dict[str, Any]]
SHAPES: dict[str, Shape] = {
    "prompt and completion": lambda q, a: {"prompt": q, "completion": a},
    "names in capitals": lambda q, a: {"Prompt": q, "Completion": a},
    "problem and solution": lambda q, a: {"problem": q, "solution": a},
    "German names": lambda q, a: {"Frage": q, "Antwort": a},
    "document and summary": lambda q, a: {"document": q, "summary": a},
    "strings in turn": lambda q, a: {"conversations": [q, a]},
    "pairs in turn": lambda q, a: {"conversation": [{"human": q, "assistant": a}]},
    "a dialogue": lambda q, a: {
        "dialogue": [{"role": "user", "content": q}, {"role": "assistant", "content": a}]
    },
    "LangChain": lambda q, a: {
        "messages": [{"type": "human", "content": q}, {"type": "ai", "content": a}]
    },
    "customers and agents": lambda q, a: {
        "chat": [{"sender": "customer", "message": q}, {"sender": "agent", "message": a}]
    },
    "messages in a string": lambda q, a: {
        "messages": json.dumps([{"role": "user", "content": q}, {"role": "assistant", "content": a}])
    },
    "a trace": lambda q, a: {
        "input": {"messages": [{"role": "user", "content": q}]}, "output": {"role": "assistant", "content": a}
    },
    "a batch": lambda q, a: {
        "modelInput": {"messages": [{"role": "user", "content": [{"text": q}]}]},
        "modelOutput": {"output": {"message": {"role": "assistant", "content": [{"text": a}]}}},
    },
    "DynamoDB": lambda q, a: {"Item": {"prompt": {"S": q}, "completion": {"S": a}}},
    "a transcript": lambda q, a: {"text": f"<s>[INST] {q} [/INST] {a}</s>"},
    "a text": lambda q, a: {"content": f"{q} {a}"},
    "a preference": lambda q, a: {"question": q, "chosen": a, "rejected": "No."},
}  # fmt: skip
WORDS = ["pump", "valve", "motor", "filter", "hose", "switch", "lamp"]


def _asked(number: int) -> str:
    return (
        f"How does the {WORDS[number % 7]} number {number} of the kitchen work when it is {number} years old?"
    )


@pytest.mark.parametrize("name", SHAPES)
def test_the_requested_share_is_held_out(name: str) -> None:
    lines = [json.dumps(SHAPES[name](_asked(at), f"It turns {at}.")).encode() for at in range(200)]

    assert Counter(plan(lines, Shares(validation=0.1, test=0.1))) == {0: 160, 1: 20, 2: 20}


@pytest.mark.parametrize("name", SHAPES)
def test_a_near_duplicate_in_the_training_data_is_found(name: str) -> None:
    asked = "Which valve has to be closed before the filter of the dishwasher is taken out and cleaned?"
    copied = asked.replace("has to be", "must be")
    held_out = json.dumps(SHAPES[name](asked, "The blue one.")).encode()
    trained = [json.dumps(SHAPES[name](_asked(at), "Yes.")).encode() for at in range(20)]
    trained.append(json.dumps(SHAPES[name](copied, "The blue one.")).encode())

    found = list(HeldOut([(7, held_out)], 0.85).search(enumerate(trained, start=1)))

    assert [(leak.line, leak.trained_on) for leak in found] == [(7, 21)]


def test_records_without_a_question_are_not_grouped() -> None:
    lines = [json.dumps({"unknown": str(at)}).encode() for at in range(10)]

    assert Counter(plan([*lines, *lines], Shares(validation=0, test=0.1)))[2] == 2


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(lambda text: unicodedata.normalize("NFD", text), id="accents apart, as macOS writes"),
        pytest.param(
            lambda text: text.translate({at: at + 0xFEE0 for at in range(33, 127)}), id="full width"
        ),
        pytest.param(lambda text: text.replace(" ", "\u00a0\u200b"), id="spaces of web pages"),
        pytest.param(lambda text: text.replace("ü", "u"), id="without accents"),
    ],
)
def test_a_question_in_another_unicode_form_is_the_same(written: Callable[[str], str]) -> None:
    asked = "Welche Tür muss vor dem Öffnen der Gehäusekühlung geschlossen und überprüft werden?"
    held_out = json.dumps({"prompt": asked, "completion": "The blue one."}).encode()
    trained = json.dumps({"prompt": written(asked), "completion": "Another."}).encode()

    found = list(HeldOut([(1, held_out)], 0.85).search([(1, trained)]))

    assert [leak.similarity for leak in found] == [100.0]
