"""A test set that training data has in it is found by its turns, exact and nearly so, across shapes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.datasets import jsonl
from tunedrop.dataset.check.check import check
from tunedrop.dataset.duplicates.leaks import HeldOut, Leak

A = ("When should I water the tomato seedlings in spring?", "Early, before the sun is on them.")
B = ("And how much water does each of the seedlings need?", "About two litres, on dry days more.")
OTHER = ("Can the olive trees stay outside in a cold January?", "Below minus five they need a cover.")
GREETING = ("Hello", "Hello, how can I help you?")


def chat(*turns: tuple[str, str]) -> dict[str, Any]:
    pairs = ((("user", asked), ("assistant", said)) for asked, said in turns)
    return {"messages": [{"role": role, "content": text} for pair in pairs for role, text in pair]}


def pair(asked: str, said: str) -> dict[str, str]:
    return {"prompt": asked, "completion": said}


def leaks(train: list[Any], test: list[Any]) -> list[Leak]:
    def lines(records: list[Any]) -> list[tuple[int, bytes]]:
        return [(number, json.dumps(one).encode()) for number, one in enumerate(records, 1)]

    return list(HeldOut(lines(test), 0.9).search(lines(train)))


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (chat(A, B), chat(A)),
        (chat(A), chat(A, B)),
        (chat(GREETING, A, B), chat(B)),
        (pair(*A), chat(A)),
        (chat(A), pair(A[0].upper() + "  ", "something else")),
        ({"conversations": [{"from": "human", "value": A[0]}, {"from": "gpt", "value": A[1]}]}, chat(A)),
        ({"schemaVersion": "?", "messages": [{"role": "user", "content": [{"text": A[0]}]}]}, chat(A)),
        ({"instruction": A[0], "input": "", "output": ""}, pair(*A)),
        (
            {"utterances": [{"speaker": "Customer", "text": A[0]}, {"speaker": "agent", "text": A[1]}]},
            chat(A),
        ),
        ({"dialog": [{"sender": "usr", "message": A[0]}]}, chat(A)),
        ({"userMessage": A[0], "botMessage": ""}, chat(A)),
        ({"Question": A[0], "Answer": ""}, pair(*A)),
        (
            {
                "chat_history": [{"role": "USER", "message": "Hi"}, {"role": "CHATBOT", "message": "Hello"}],
                "message": A[0],
                "text": A[1],
            },
            chat(A),
        ),
        (
            pair("<b> When&nbsp;should I water the tomato seedlings in spring? &lt;/b&gt;", "x"),
            pair("<b> When should I water the tomato seedlings in spring? </b>", "y"),
        ),
    ],
)
def test_a_turn_that_is_trained_on_is_found_in_the_test_set(train: Any, test: Any) -> None:
    assert leaks([chat(OTHER), train], [pair(*OTHER[::-1]), test]) == [Leak(2, 2, 100.0)]


def test_a_word_more_is_nearly_the_same() -> None:
    (leak,) = leaks([pair(*A)], [pair(*OTHER), pair(f"{A[0]} please", "Soon.")])

    assert (leak.line, leak.trained_on) == (2, 1)
    assert 90 <= leak.similarity < 100


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (chat(GREETING, A), chat(GREETING, OTHER)),
        (pair("Yes, please.", "Done."), pair("Yes, please.", "It is.")),
        (pair("How many apples are left when 12 of the 40 apples in the basket are sold?", "28"),
         pair("How many apples are left when 15 of the 40 apples in the basket are sold?", "25")),
        ({"messages": "none"}, chat(A)),
        ([1, 2], chat(A)),
    ],
)  # fmt: skip
def test_greetings_and_other_numbers_are_no_leak(train: Any, test: Any) -> None:
    assert leaks([train], [test]) == []


def test_a_check_reports_every_leak_even_of_invalid_records() -> None:
    train = [chat(A, B), {"messages": [{"role": "user", "content": OTHER[0]}], "broken": True}]
    test = [chat(A), chat(OTHER), chat(GREETING)]

    report = check(
        {"train": [jsonl(train)], "test": [jsonl(test)]}, {"train": "train.jsonl", "test": "test.jsonl"}
    )

    leaked = [one for one in report.errors if one.code == "TD052"]
    assert [(one.file, one.line) for one in leaked] == [("test.jsonl", 1), ("test.jsonl", 2)]
    assert "line 1 of train" in leaked[0].message
