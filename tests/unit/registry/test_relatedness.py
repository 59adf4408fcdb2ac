"""Whether two datasets are related: by what is said everywhere, or throughout one of them, they are not."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.datasets import jsonl, many_held_out, single_turn
from tunedrop.registry import relatedness
from tunedrop.registry.relatedness import related

EXAMPLES = {
    path.parent.name: path.read_bytes().splitlines()
    for path in (Path(__file__).parents[3] / "examples").glob("*/train.jsonl")
}
PERSONA, EXPERT = EXAMPLES["support-persona"], EXAMPLES["domain-questions"]
RECORDS = st.lists(st.binary(max_size=80) | st.text(max_size=80).map(msgspec.json.encode), max_size=60)


def record(prompt: str, answer: str) -> bytes:
    turns = [("user", prompt), ("assistant", answer)]
    return msgspec.json.encode(
        {"messages": [{"role": role, "content": [{"text": text}]} for role, text in turns]}
    )


def changed(lines: list[bytes], change: Callable[[int, str, str], tuple[str, str]]) -> list[bytes]:
    """The records of an example with other prompts and answers."""
    found = []
    for number, line in enumerate(lines):
        read: Any = msgspec.json.decode(line)
        turns = [turn["content"][0]["text"] for turn in read.get("messages", ())]
        first, last = (turns[0], turns[-1]) if turns else (read["prompt"], read["completion"])
        found.append(record(*change(number, first, last)))
    return found


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_halves_of_a_dataset_are_related(name: str) -> None:
    lines = sorted(EXAMPLES[name], key=lambda line: random.Random(line).random())

    assert related(lines[::2], lines[1::2])


@pytest.mark.parametrize("make", [single_turn, many_held_out])
def test_records_that_were_collected_anew_are_related(make: Callable[[str], list[dict[str, Any]]]) -> None:
    assert related(jsonl(make("one")).splitlines(), jsonl(make("two")).splitlines())


def test_datasets_of_different_subjects_are_not_related() -> None:
    kin = {"hyperparameter-search", "support-persona"}
    found = [
        (one, other) for one in EXAMPLES for other in EXAMPLES
        if one < other and {one, other} != kin and related(EXAMPLES[one][:200], EXAMPLES[other][:200])
    ]  # fmt: skip

    assert found == []


REFUSAL = "I'm sorry, but I can't help with that. As an AI language model I cannot answer this question."
PHRASES = [
    "What is the best way to do this, and why is it the best way?",
    "Please answer the following question in one short sentence.",
    "Könnten Sie mir bitte kurz sagen, wie ich am besten vorgehe?",
    "Vielen Dank im Voraus für Ihre Hilfe und mit freundlichen Grüßen",
    "请问一下这个问题应该怎么解决比较好 谢谢您的帮助",
    "As an AI language model I cannot give you any advice on this.",
]
STOCK: dict[str, Callable[[int, str, str], tuple[str, str]]] = {
    "a template": lambda _, asked, said: (
        f"Below is an instruction that describes a task. ### Instruction: {asked} ### Response:", said
    ),
    "yes and no": lambda at, asked, _: (asked, "Yes" if at % 3 else "No"),
    "one of ten with a phrase": lambda at, asked, said: (
        asked if at % 10 else f"{PHRASES[at % 6]} {asked}", said
    ),
    "one of twenty with each phrase": lambda at, asked, said: (
        f"{[*PHRASES, *[''] * 14][at % 20]} {asked}", said
    ),
    "each with a phrase": lambda at, asked, said: (f"{PHRASES[at % 6]} {asked}", said),
    "two refusals": lambda at, asked, said: (asked, said if at % 250 else REFUSAL),
    "one of ten refused": lambda at, asked, said: (asked, said if at % 10 else REFUSAL),
    "half refused": lambda at, asked, said: (asked, said if at % 4 < 2 else REFUSAL),
}  # fmt: skip


@pytest.mark.parametrize("stock", STOCK)
def test_what_is_said_everywhere_makes_no_two_datasets_related(stock: str) -> None:
    """A common phrase, a template, a refusal: a stranger's records have them too."""
    one, other = (changed(lines[:300], STOCK[stock]) for lines in (PERSONA, EXPERT))

    assert not related(one, other)
    assert related(one[::2], one[1::2])


@pytest.mark.parametrize("size", [12, 40, 100])
def test_small_datasets_are_not_related_by_a_few_stock_texts(size: int) -> None:
    one, other = ([*lines[:size], record(PHRASES[0], REFUSAL), record(PHRASES[1], REFUSAL)]
                  for lines in (PERSONA, EXPERT))  # fmt: skip

    assert not related(one, other)


@pytest.mark.parametrize(("kept", "is_related"), [(3, False), (40, True)])
def test_short_records_that_come_back_are_related_but_not_for_a_few_greetings(
    kept: int, is_related: bool
) -> None:
    one = [record(f"label {number} thing", "positive") for number in range(40)]
    other = [record(f"sort {number} item", "negative") for number in range(40)]

    assert related(one, [*one[:kept], *other[kept:]]) == is_related


def test_a_system_prompt_that_both_have_makes_no_two_datasets_related() -> None:
    def with_system(lines: list[bytes]) -> list[bytes]:
        said = {"system": [{"text": "You are a helpful assistant. Answer in one short and friendly line."}]}
        return [msgspec.json.encode(msgspec.json.decode(line) | said) for line in lines]

    assert not related(with_system(PERSONA), with_system(EXPERT))
    assert related(with_system(PERSONA)[::2], with_system(PERSONA)[1::2])


@pytest.mark.parametrize(("kept", "is_related"), [(4, False), (40, True)])
def test_a_version_that_keeps_a_tenth_is_related_and_one_that_keeps_a_few_records_is_not(
    kept: int, is_related: bool
) -> None:
    assert related([*PERSONA[:kept], *EXPERT], PERSONA) == is_related


def test_records_whose_answers_were_all_rewritten_are_related() -> None:
    rewritten = changed(PERSONA, lambda at, asked, _: (asked, f"Gut, wird erledigt: Vorgang {at}."))

    assert related(PERSONA, rewritten)


def test_many_copies_of_one_record_count_once() -> None:
    assert not related([*EXPERT, *PERSONA[:1] * 300], PERSONA)


@given(RECORDS, RECORDS)
def test_any_bytes_are_compared(one: list[bytes], other: list[bytes]) -> None:
    assert related(one, other) == related(other, one)


def test_lines_nested_without_end_are_left_out() -> None:
    assert not related([b"[" * 100_000 + b"]" * 100_000], [b'{"a":' * 100_000])


def test_the_share_of_records_whose_nearest_is_in_the_other_file() -> None:
    """Where each has its twin in the other file, all; where each has it in its own, none."""
    across = [((f"word{number}", "usual"),) for number in range(60)]
    within = [((f"other{number // 2}", f"rest{number}"),) for number in range(60)]

    assert relatedness.mixed(across, across) == 1.0
    assert relatedness.mixed(within, across) == 0.0
