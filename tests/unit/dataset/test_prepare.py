from __future__ import annotations

import io
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import builders
from tunedrop import catalog
from tunedrop.dataset import formats
from tunedrop.dataset.formats import Conversation, Turn
from tunedrop.dataset.prepare.held_out import questions, read_held_out
from tunedrop.dataset.prepare.plan import plan
from tunedrop.dataset.prepare.split import Prepared, prepare, shares

LLAMA_3_3 = catalog.find(builders.LLAMA_3_3).methods["instruction"]
LLAMA_3_1 = catalog.find(builders.LLAMA_3_1).methods["instruction"]


def pairs(count: int) -> list[dict[str, str]]:
    return [{"prompt": f"question {n}", "completion": f"answer {n}"} for n in range(count)]


def split(
    records: list[dict[str, Any]], rules: Any = LLAMA_3_3, near: bool = True
) -> tuple[Prepared, dict[str, list[Any]]]:
    lines = [json.dumps(record).encode() for record in records]
    sinks: Any = {name: io.BytesIO() for name in ("train", "validation", "test")}
    sides = plan(lines, shares(len(records), ["train"], rules), near)
    prepared = prepare({"train": [b"\n".join(lines)]}, sinks, sides, rules)
    return prepared, {
        name: [json.loads(one) for one in sink.getvalue().splitlines()] for name, sink in sinks.items()
    }


def prompts(written: list[Any]) -> set[str]:
    return {one["messages"][0]["content"][0]["text"] for one in written}


def test_records_are_held_out_for_test_and_validation() -> None:
    prepared, written = split(pairs(1_000))

    sizes = {name: len(records) for name, records in written.items()}
    assert sizes == {"train": 800, "validation": 80, "test": 120}
    assert prepared.files["train"].records == sizes["train"]


def test_pairs_become_conversations_for_a_model_that_takes_those() -> None:
    _, written = split(pairs(200))

    assert written["train"][0]["schemaVersion"] == "bedrock-conversation-2024"


@given(seed=st.integers())
def test_the_split_does_not_depend_on_the_order(seed: int) -> None:
    records = pairs(300)
    one, before = split(records)
    random.Random(seed).shuffle(records)

    other, after = split(records)

    assert {name: prompts(rows) for name, rows in before.items()} == {
        name: prompts(rows) for name, rows in after.items()
    }
    assert one.content_hash == other.content_hash


def test_a_record_that_repeats_counts_in_the_content_hash_each_time() -> None:
    """Otherwise an upload with records that were added for their weight counts as one that was trained."""
    records, others = pairs(300), pairs(600)[300:]
    every = [records, others, records + others, records * 2, others * 2, records + others * 2]

    assert len({split(one)[0].content_hash for one in every}) == len(every)


def test_what_was_held_out_hardly_changes_when_the_dataset_grows() -> None:
    _, small = split(pairs(1_000))
    _, large = split(pairs(1_200))

    assert len(prompts(small["test"]) - prompts(large["test"])) <= 12
    assert not prompts(small["test"]) & prompts(large["validation"])


def test_one_prompt_in_other_words_of_case_and_space_stays_on_one_side() -> None:
    records = pairs(400) + [{"prompt": f"Question   {n}", "completion": "again"} for n in range(400)]

    _, written = split(records)

    sides = [{" ".join(text.lower().split()) for text in prompts(rows)} for rows in written.values()]
    assert not sides[0] & sides[1]
    assert not sides[0] & sides[2]


@given(numbers=st.lists(st.integers(), min_size=2, max_size=20), ends=st.sampled_from(["?", " ?", "!!", "."]))
def test_prompts_that_differ_in_numbers_and_punctuation_alone_stay_on_one_side(
    numbers: list[int], ends: str
) -> None:
    near = [
        {
            "prompt": f"Invoice {n} of the third of May 2024, what is its total{ends}",
            "completion": f"{n} dollars",
        }
        for n in numbers
    ]

    _, written = split(pairs(200) + near)

    sides = [name for name, rows in written.items() if any("Invoice" in one for one in prompts(rows))]
    assert len(sides) == 1


def test_prompts_that_differ_in_numbers_are_still_split() -> None:
    rows = [
        {"prompt": f"What is the sum of all numbers from one up to and including {n}?", "completion": f"{n}."}
        for n in range(400)
    ]

    _, written = split(rows, near=False)

    assert {name: len(records) for name, records in written.items()} == {
        "train": 320,
        "validation": 32,
        "test": 48,
    }


@given(more=st.integers(0, 300), seed=st.integers())
def test_growth_moves_no_record_between_the_test_and_the_validation_set(more: int, seed: int) -> None:
    records = pairs(200)
    _, small = split(records)
    grown = records + [{"prompt": f"another {n}", "completion": f"answer {n}"} for n in range(more)]
    random.Random(seed).shuffle(grown)

    _, large = split(grown)

    assert not prompts(small["test"]) & prompts(large["validation"])
    assert not prompts(small["validation"]) & prompts(large["test"])


@pytest.mark.parametrize("more", [50, 125, 500])
def test_hardly_a_test_record_of_a_grown_file_was_trained_on_before(more: int) -> None:
    """What `from:` rests on: the model goes on from one that was trained on the smaller file."""
    records = pairs(500)
    _, small = split(records)

    _, large = split(records + [{"prompt": f"another {n}", "completion": f"answer {n}"} for n in range(more)])

    assert len(prompts(small["test"]) & prompts(large["test"])) >= 50
    assert len(prompts(small["train"]) & prompts(large["test"])) <= 0.1 * len(large["test"])


def test_holding_out_leaves_what_the_base_model_needs_to_train() -> None:
    for count in (100, 110, 150, 400):
        prepared, _ = split(pairs(count))
        assert prepared.files["train"].records >= 100


def test_a_conversation_of_many_turns_is_no_pair() -> None:
    turns = [{"role": role, "content": [{"text": "x"}]} for role in ("user", "assistant") * 2]

    with pytest.raises(ValueError, match="choose a base model that trains on conversations"):
        split([{"schemaVersion": "bedrock-conversation-2024", "messages": turns}] * 5, LLAMA_3_1)


def test_images_tools_and_reasoning_reach_bedrock_as_they_were() -> None:
    image = {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://data/cat.png"}}}}
    turns = [
        {"role": "user", "content": [{"text": "What is here?"}, image]},
        {"role": "assistant", "content": [{"text": "A cat."}]},
    ]
    record = {"schemaVersion": "bedrock-conversation-2024", "messages": turns}

    _, written = split([record])

    assert written["train"] == [record]


def test_what_a_grader_is_given_reaches_it() -> None:
    record = {
        "messages": [{"role": "user", "content": "6 * 7?"}],
        "reference_answer": {"value": 42},
        "level": 3,
    }

    _, written = split([record], catalog.find("amazon.nova-2-lite-v1:0:256k").methods["reinforcement"])

    assert written["train"] == [record]


def test_a_prompt_without_an_answer_reaches_the_teacher() -> None:
    turns = [{"role": "user", "content": [{"text": "What is a lien?"}]}]
    record = {"schemaVersion": "bedrock-conversation-2024", "messages": turns}

    _, written = split([record], catalog.find("amazon.nova-lite-v1:0:300k").methods["distillation"])

    assert written["train"] == [record]


WORDS = st.text(min_size=1).filter(str.strip)


@given(prompt=WORDS, answer=WORDS, system=st.one_of(st.just(""), WORDS))
def test_conversion_keeps_the_messages(prompt: str, answer: str, system: str) -> None:
    said = Conversation((Turn("user", prompt), Turn("assistant", answer)), system)

    for format_ in ("converse", "openai-chat"):
        found = formats.read(formats.write(said, format_)).conversation
        assert found is not None
        assert [(one.role, one.text) for one in found.turns] == [("user", prompt), ("assistant", answer)]
        assert found.system == system


def test_every_assistant_turn_is_evaluated_in_its_context() -> None:
    turns = [Turn(role, f"{role} {n}") for n in range(2) for role in ("user", "assistant")]
    line = json.dumps(formats.write(Conversation(tuple(turns), "be kind"), "converse")).encode()

    first, second = read_held_out([line])

    assert (first.reference, second.reference) == ("assistant 0", "assistant 1")
    assert [message.text for message in second.messages] == ["user 0", "assistant 0", "user 1"]
    assert second.system == "be kind"


SAID = tuple(Turn(role, f"{role} {n}") for n in range(2) for role in ("user", "assistant"))


@pytest.mark.parametrize(
    ("conversation", "asked"),
    [
        (Conversation(SAID), [(0, 1, "assistant 0"), (1, 3, "assistant 1")]),
        # Of two answers the last turn alone was preferred.
        (Conversation(SAID, rejected=Turn("assistant", "no")), [(1, 3, "assistant 1")]),
        # A prompt without an answer is asked too: its grader or its teacher has the answer.
        (Conversation(SAID[:3]), [(0, 1, "assistant 0"), (1, 3, "")]),
        (Conversation(SAID[:1], extra={"reference_answer": "42"}), [(0, 1, "42")]),
        (Conversation(SAID[1:]), [(1, 2, "assistant 1")]),  # nobody asked for the first
    ],
)
def test_the_prompts_of_a_conversation(conversation: Conversation, asked: list[tuple[int, int, str]]) -> None:
    found = list(questions(7, conversation, is_text=False))

    assert [(one.turn, len(one.messages), one.reference) for one in found] == asked
    assert {one.record for one in found} == {7}


def test_the_second_half_of_a_text_is_what_has_to_be_continued() -> None:
    (question,) = read_held_out([b'{"input": "one two three four"}'])

    assert question.messages[0].text == "one two"
    assert question.reference == "three four"


def test_continuations_keep_their_lines_and_work_in_every_script() -> None:
    code = "def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return a - b"
    texts = [code, "退款需要三天,请耐心等待我们的回复。", "พัสดุจะมาถึงภายในสามวัน", "荷物は三日後に届きます。"]

    for text in texts:
        (question,) = read_held_out([json.dumps({"input": text}).encode()])
        given = question.messages[0].text
        assert text.startswith(given)
        assert text.endswith(question.reference)
        assert 0.3 < len(given) / len(text) < 0.75


@pytest.mark.parametrize(
    ("records", "held_out"), [(1_000, 120), (8_333, 999), (10_000, 1_000), (100_000, 1_000), (10**6, 1_000)]
)
def test_no_more_than_a_thousand_records_are_held_out_for_the_test(records: int, held_out: int) -> None:
    rules = catalog.load()["meta.llama3-3-70b-instruct-v1:0:128k"].methods["single-turn"]

    assert int(shares(records, ("train",), rules).test * records + 1e-6) == held_out
