"""The split: exact numbers, whole conversations, what is alike on one side, each label its share."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunedrop.dataset.prepare.plan import TEST, TRAIN, VALIDATION, Shares, plan

WORDS = ("tomato", "olive", "rose", "fern", "moss", "pear", "plum", "vine", "leek", "kale")


def pair(number: int, answer: str = "") -> dict[str, str]:
    name = " ".join(WORDS[int(digit)] for digit in f"{number:03}")
    return {
        "prompt": f"When should I water the {name} in the garden?",
        "completion": answer or f"Early, {name}.",
    }


def chat(*turns: tuple[str, str]) -> dict[str, Any]:
    pairs = ((("user", asked), ("assistant", said)) for asked, said in turns)
    return {"messages": [{"role": role, "content": text} for pair in pairs for role, text in pair]}


def sides(records: list[Any], test: int, validation: int = 0, near: bool = False) -> list[int]:
    shares = Shares(validation=validation / len(records), test=test / len(records))
    return list(plan((json.dumps(one).encode() for one in records), shares, near))


@pytest.mark.parametrize("records", [60, 100, 200, 1000])
def test_as_many_are_held_out_as_are_wanted(records: int) -> None:
    counts = Counter(sides([pair(number) for number in range(records)], records // 10, records // 20))

    assert counts == {
        TEST: records // 10,
        VALIDATION: records // 20,
        TRAIN: records - records // 10 - records // 20,
    }


def test_conversations_with_the_same_start_are_still_split() -> None:
    records = [chat(("Hello", "Hi!"), tuple(pair(number).values())) for number in range(200)]  # type: ignore[arg-type]

    assert Counter(sides(records, 24)) == {TEST: 24, TRAIN: 176}


def test_what_shares_a_question_in_any_turn_stays_on_one_side() -> None:
    asked = [tuple(pair(number).values()) for number in range(300)]
    records = [chat(asked[number], asked[number + 1]) for number in range(0, 300, 3)]  # type: ignore[arg-type]
    records += [chat(asked[number]) for number in range(1, 300, 3)]  # type: ignore[arg-type]
    records += [{"prompt": asked[number][0], "completion": "So."} for number in range(0, 300, 3)]

    found = sides(records, 30)

    assert found.count(TEST) == 30
    assert all(found[at] == found[at + 100] == found[at + 200] for at in range(100))


def test_each_label_has_its_share() -> None:
    records = [pair(number, "billing" if number % 10 else "other") for number in range(500)]

    found = sides(records, 50)

    held = Counter(records[at]["completion"] for at, side in enumerate(found) if side == TEST)
    assert held == {"billing": 45, "other": 5}


def test_questions_that_differ_in_numbers_stay_together_where_they_are_the_exception() -> None:
    records = [pair(number) for number in range(100)]
    fare = "How much is the fare for {} people on the ferry to the island?"
    records += [{"prompt": fare.format(number), "completion": str(number)} for number in range(5)]

    assert len(set(sides(records, 20, near=True)[100:])) == 1


@given(st.permutations(range(40)))
def test_the_order_of_records_does_not_matter(order: list[int]) -> None:
    records = [pair(number) for number in range(40)]
    expected = sides(records, 6, 3)

    found = sides([records[number] for number in order], 6, 3)

    assert [found[order.index(number)] for number in range(40)] == expected


def test_hardly_any_record_changes_sides_when_others_are_added() -> None:
    before = sides([pair(number) for number in range(400)], 40)
    after = sides([pair(number) for number in range(440)], 44)

    assert sum(one == TEST and other != TEST for one, other in zip(before, after, strict=False)) <= 6
