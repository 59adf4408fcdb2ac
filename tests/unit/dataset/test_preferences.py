"""Preferences as people have them: read, checked, converted, split and held out; wrong ones are named.

Shapes: the documentation of SageMaker AI, OpenAI and TRL, and the cards of the public datasets that they
are called after (read 2026-11-29). The witness for what is written is AWS's own schema of its Python SDK.
"""

from __future__ import annotations

import io
import json
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunedrop import catalog
from tunedrop.dataset import formats
from tunedrop.dataset.check.check import check_files
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.check.report import Report
from tunedrop.dataset.duplicates.leaks import said
from tunedrop.dataset.prepare.held_out import read_held_out
from tunedrop.dataset.prepare.plan import TEST, Shares, plan
from tunedrop.dataset.prepare.split import prepare
from tunedrop.dataset.rules import record as rules
from tunedrop.dataset.sources.local import Held
from tunedrop.dataset.sources.opened import opened
from tunedrop.dataset.tools.convert import convert
from tunedrop.dataset.types import ReadOptions

ASK, GOOD, BAD = "What is a lien?", "A claim on property.", "A kind of dog."
PLAIN = {"prompt": ASK, "chosen": GOOD, "rejected": BAD}


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


BEFORE = [user("Are you a lawyer?"), assistant("No, a model.")]
SHAPES: dict[str, dict[str, Any]] = {
    "strings": PLAIN,
    "names in capitals": {"Prompt": ASK, "Chosen": GOOD, "Rejected": BAD},
    "SageMaker's messages": {"chosen": [user(ASK), assistant(GOOD)], "rejected": [user(ASK), assistant(BAD)]},
    "TRL, conversational": {
        "prompt": [user(ASK)],
        "chosen": [assistant(GOOD)],
        "rejected": [assistant(BAD)],
    },
    "OpenAI": {
        "input": {"messages": [user(ASK)], "tools": [], "parallel_tool_calls": True},
        "preferred_output": [assistant(GOOD)],
        "non_preferred_output": [assistant(BAD)],
    },
    "UltraFeedback, binarized": {
        "prompt": ASK,
        "prompt_id": "f0e37e9f",
        "chosen": [user(ASK), assistant(GOOD)],
        "rejected": [user(ASK), assistant(BAD)],
        "messages": [user(ASK), assistant(GOOD)],
        "score_chosen": 8.5,
        "score_rejected": 3.0,
    },
    "orca_dpo_pairs": {"system": "", "question": ASK, "chosen": GOOD, "rejected": BAD},
    "hh-rlhf": {
        "chosen": f"\n\nHuman: {ASK}\n\nAssistant: {GOOD}",
        "rejected": f"\n\nHuman: {ASK}\n\nAssistant: {BAD}",
    },
    "hh-rlhf with its prompt apart": {
        "prompt": f"\n\nHuman: {ASK}\n\nAssistant:",
        "chosen": f" {GOOD}",
        "rejected": f" {BAD}",
    },
    "capybara": {
        "source": "Airoboros",
        "conversation": [{"input": ASK, "output": GOOD}],
        "original_response": GOOD,
        "raw_generation_responses": [BAD, "Something else."],
        "prompt": ASK,
        "chosen": [user(ASK), assistant(GOOD)],
        "rejected": [user(ASK), assistant(BAD)],
        "rating_chosen": 5.0,
        "rating_rejected": 4.0,
        "chosen_model": "a",
        "rejected_model": "b",
    },
    "LLaMA-Factory, ShareGPT": {
        "conversations": [{"from": "human", "value": ASK}],
        "chosen": {"from": "gpt", "value": GOOD},
        "rejected": {"from": "gpt", "value": BAD},
    },
    "LLaMA-Factory, Alpaca": {"instruction": ASK, "input": "", "chosen": GOOD, "rejected": BAD},
    "messages in strings": {
        "prompt": json.dumps([user(ASK)]),
        "chosen": json.dumps([assistant(GOOD)]),
        "rejected": json.dumps([assistant(BAD)]),
    },
    "ms-swift": {"messages": [user(ASK), assistant(GOOD)], "rejected_response": BAD},
    "OpenPipe": {"messages": [user(ASK), assistant(GOOD)], "rejected_message": assistant(BAD)},
    "ms-swift, older": {"query": ASK, "response": GOOD, "rejected_response": BAD},
    "chosen_response": {"prompt": ASK, "chosen_response": GOOD, "rejected_response": BAD},
    "OpenAI, without messages": {
        "input": [user(ASK)],
        "preferred_output": [assistant(GOOD)],
        "non_preferred_output": [assistant(BAD)],
    },
    "PKU-SafeRLHF": {
        "prompt": ASK,
        "response_0": BAD,
        "response_1": GOOD,
        "is_response_0_safe": True,
        "is_response_1_safe": True,
        "better_response_id": 1,
    },
    "Chatbot Arena": {
        "model_a": "x",
        "model_b": "y",
        "winner": "model_b",
        "conversation_a": [user(ASK), assistant(BAD)],
        "conversation_b": [user(ASK), assistant(GOOD)],
    },
    "SHP": {"history": ASK, "human_ref_A": BAD, "human_ref_B": GOOD, "labels": 0},
    "a transcript that begins at once": {
        "chosen": f"Human: {ASK}\n\nAssistant: {GOOD}",
        "rejected": f"Human: {ASK}\n\nAssistant: {BAD}",
    },
    "Nova's candidates": {
        "schemaVersion": "bedrock-conversation-2024",
        "messages": [
            {"role": "user", "content": [{"text": ASK}]},
            {
                "role": "assistant",
                "candidates": [
                    {"content": [{"text": BAD}], "preferenceLabel": "non-preferred"},
                    {"content": [{"text": GOOD}], "preferenceLabel": "preferred"},
                ],
            },
        ],
    },
    "a row of a viewer": {"row_idx": 3, "row": PLAIN},
    "Gemini": {
        "contents": [{"role": "user", "parts": [{"text": ASK}]}],
        "completions": [
            {"score": 0.0, "completion": {"role": "model", "parts": [{"text": BAD}]}},
            {"score": 1.0, "completion": {"role": "model", "parts": [{"text": GOOD}]}},
        ],
    },
}


def read(record: dict[str, Any]) -> formats.Reading:
    return formats.read(record)


def lines(*records: dict[str, Any]) -> bytes:
    return b"".join(msgspec.json.encode(one) + b"\n" for one in records)


def checked(*records: dict[str, Any], model: str = "", **more: bytes) -> Report:
    files = {"train": lines(*records), **more}
    asked = CheckOptions(base_model=catalog.find(model) if model else None)
    return check_files(
        {split: Held(body) for split, body in files.items()},  # type: ignore[misc]
        {split: f"{split}.jsonl" for split in files},  # type: ignore[misc]
        asked,
    )


def many(number: int) -> list[dict[str, Any]]:
    return [
        {
            "prompt": f"What is the lien of case {at} about?",
            "chosen": f"About claim {at}.",
            "rejected": "No idea.",
        }
        for at in range(number)
    ]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_preference_is_read_correctly(shape: str) -> None:
    reading = read(SHAPES[shape])

    assert reading.conversation is not None, reading.problems
    assert reading.format == "preference"
    assert [(turn.role, turn.text) for turn in reading.conversation.turns] == [
        ("user", ASK),
        ("assistant", GOOD),
    ]
    assert reading.conversation.rejected is not None
    assert reading.conversation.rejected.text == BAD


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_written_as_sagemaker_reads_it(shape: str) -> None:
    sink = io.BytesIO()

    done = convert([lines(SHAPES[shape])], sink, "preference")

    assert json.loads(sink.getvalue()) == SHAPES["SageMaker's messages"]
    assert not done.refused


@pytest.mark.parametrize("shape", [name for name in SHAPES if name != "a row of a viewer"])
def test_the_prompt_is_found_in_every_shape(shape: str) -> None:
    """The split by prompt and the search for leaks read raw lines."""
    assert next(iter(said(msgspec.json.encode(SHAPES[shape])))) == (True, "what is a lien")


def test_earlier_turns_and_a_system_prompt_stay_before_both_answers() -> None:
    system = {"role": "system", "content": "Be brief."}
    record = {
        "chosen": [system, *BEFORE, user(ASK), assistant(GOOD)],
        "rejected": [system, *BEFORE, user(ASK), assistant(BAD)],
    }

    conversation = read(record).conversation

    assert conversation is not None
    assert conversation.system == "Be brief."
    assert formats.write(conversation, "preference") == record


def test_a_transcript_of_several_turns_is_read_turn_by_turn() -> None:
    before = "\n\nHuman: Are you a lawyer?\n\nAssistant: No.\n\nHuman: What is a lien?\n\nAssistant: "

    conversation = read({"chosen": before + GOOD, "rejected": before + BAD}).conversation

    assert conversation is not None
    assert [turn.text for turn in conversation.turns] == ["Are you a lawyer?", "No.", ASK, GOOD]


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "the same answer": ({**PLAIN, "rejected": f" {GOOD}\n"}, "TD089", "nothing to prefer"),
    "an empty answer": ({**PLAIN, "rejected": "  "}, "TD021", ""),
    "no rejected answer": ({"prompt": ASK, "chosen": GOOD}, "TD011", "rejected is missing"),
    "no chosen answer": ({"prompt": ASK, "rejected": BAD}, "TD011", "chosen is missing"),
    "a null": ({**PLAIN, "rejected": None}, "TD011", "rejected is missing"),
    "a number": ({**PLAIN, "rejected": 3}, "TD012", "must be a string"),
    "no prompt": ({"chosen": GOOD, "rejected": BAD}, "TD011", "no prompt"),
    "an empty answer of a transcript": (
        {"chosen": "\n\nHuman: a\n\nAssistant: ", "rejected": "\n\nHuman: a\n\nAssistant: b"},
        "TD021",
        "",
    ),
    "a transcript without the user's turn": (
        {
            "chosen": "\n\nHuman: a\n\nAssistant: b\n\nAssistant: c",
            "rejected": "\n\nHuman: a\n\nAssistant: d",
        },
        "TD020",
        "must alternate",
    ),
    "a tie": (
        {"conversation_a": [user("a")], "conversation_b": [user("a")], "winner": "tie (bothbad)"},
        "TD089",
        "does not say which answer",
    ),
    "two prompts": (
        {"chosen": [user(ASK), assistant(GOOD)], "rejected": [user("Why?"), assistant(BAD)]},
        "TD090",
        "different conversations",
    ),
    "parted earlier": (
        {
            "chosen": [*BEFORE, user(ASK), assistant(GOOD)],
            "rejected": [BEFORE[0], assistant("Yes."), user(ASK), assistant(BAD)],
        },
        "TD090",
        "only the last answer may differ",
    ),
    "another system prompt": (
        {
            "chosen": [{"role": "system", "content": "Be brief."}, user(ASK), assistant(GOOD)],
            "rejected": [user(ASK), assistant(BAD)],
        },
        "TD090",
        "different conversations",
    ),
    "an end without an answer": ({"chosen": [user(ASK)], "rejected": [user(ASK)]}, "TD020", "must end"),
    "a tool": (
        {"prompt": ASK, "chosen": [{"role": "tool", "content": "1"}], "rejected": BAD},
        "TD023",
        "role is tool",
    ),
    "content that is null": (
        {"prompt": ASK, "chosen": [{"role": "assistant", "content": None}], "rejected": BAD},
        "TD012",
        "must be a string",
    ),
    "three completions of Gemini": (
        {"contents": [{"parts": [{"text": ASK}]}], "completions": [{"score": 1, "completion": {}}] * 3},
        "TD011",
        "completions must be two",
    ),
    "three candidates": (
        {
            "messages": [
                user(ASK),
                {"role": "assistant", "candidates": [{"preferenceLabel": "preferred"}] * 3},
            ]
        },
        "TD011",
        "must be two",
    ),
    "no list of messages": (
        {"input": {"messages": "x"}, "preferred_output": [assistant(GOOD)], "non_preferred_output": [5]},
        "TD012",
        "must be",
    ),
    "a label (KTO)": ({"prompt": ASK, "completion": GOOD, "label": False}, "TD017", "KTO"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_preference_is_named(case: str) -> None:
    record, code, why = WRONG[case]

    reading = read(record)

    assert reading.conversation is None
    assert code in {problem.code for problem in reading.problems}
    assert any(why in problem.message for problem in reading.problems)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "from", "value", "messages", "x"]), inside)
    ),
    max_leaves=8,
)


@given(chosen=json_values, rejected=json_values, prompt=json_values)
def test_any_value_is_read_or_refused(chosen: Any, rejected: Any, prompt: Any) -> None:
    reading = read({"prompt": prompt, "chosen": chosen, "rejected": rejected})

    if reading.conversation is None:
        assert reading.problems
    elif reading.format == "preference" and not formats.refusal(reading.conversation, "preference"):
        written = formats.write(reading.conversation, "preference")
        again = read(written).conversation
        assert again is not None
        assert formats.write(again, "preference") == written


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": ASK, "completion": GOOD, "rejected": False},
        {"prompt": ASK, "completion": GOOD, "preferred": "yes"},
        {"prompt": ASK, "completion": GOOD, "accepted": "2024-05-01"},
        {"messages": [user(ASK), assistant(GOOD)], "winner": "model_a"},
        {"messages": [user(ASK), assistant(GOOD)], "chosen": None, "rejected": []},
    ],
)
def test_an_example_that_only_has_such_a_key_stays_one(record: dict[str, Any]) -> None:
    assert read(record).format != "preference"


@pytest.mark.parametrize(
    ("beside", "unread"),
    [
        ({"prompt": ASK}, set()),
        ({"prompt": f" {ASK}\n"}, set()),
        ({"prompt": [user(ASK)]}, set()),
        ({"prompt": "Another question."}, {"prompt"}),
        ({"system": "Be long."}, set()),
        ({"source": "x", "score": 3}, {"source", "score"}),
    ],
)
def test_lost_values_are_listed(beside: dict[str, Any], unread: set[str]) -> None:
    conversation = read({**SHAPES["SageMaker's messages"], **beside}).conversation

    assert conversation is not None
    assert conversation.unread.keys() == unread


LONG = "The warranty lasts three years."
DOG = [user("I have a dog."), assistant("Good.")]


@pytest.mark.parametrize(
    ("beside", "asked"),
    [
        ({"prompt": ASK, "context": [LONG]}, [f"{ASK}\n\n{LONG}"]),
        ({"instruction": ASK, "context": LONG}, [f"{ASK}\n\n{LONG}"]),
        ({"question": ASK, "passages": [LONG, "Two."]}, [f"{ASK}\n\n{LONG}\n\nTwo."]),
        ({"question": ASK, "document": LONG}, [f"{ASK}\n\n{LONG}"]),
        ({"prompt": [user(ASK)], "article": LONG}, [f"{ASK}\n\n{LONG}"]),
        ({"messages": [*DOG, user(ASK)], "document": LONG}, ["I have a dog.", "Good.", f"{ASK}\n\n{LONG}"]),
        ({"prompt": ASK, "history": [["I have a dog.", "Good."]]}, ["I have a dog.", "Good.", ASK]),
        ({"prompt": ASK, "history": DOG}, ["I have a dog.", "Good.", ASK]),
        ({"prompt": ASK, "chat_history": ["I have a dog.", "Good."]}, ["I have a dog.", "Good.", ASK]),
        ({"prompt": ASK, "messages": DOG}, ["I have a dog.", "Good.", ASK]),
        ({"prompt": ASK, "messages": [*DOG, user(ASK)]}, ["I have a dog.", "Good.", ASK]),
        ({"prompt": [user(ASK)], "conversation": DOG}, ["I have a dog.", "Good.", ASK]),
        (
            {"conversations": [user(ASK)], "history": DOG, "passage": LONG},
            ["I have a dog.", "Good.", f"{ASK}\n\n{LONG}"],
        ),
    ],
)
def test_context_and_earlier_turns_are_part_of_the_prompt(beside: dict[str, Any], asked: list[str]) -> None:
    conversation = read({**beside, "chosen": GOOD, "rejected": BAD}).conversation

    assert conversation is not None
    assert [turn.text for turn in conversation.turns] == [*asked, GOOD]
    assert not conversation.unread


@pytest.mark.parametrize("key", ["context", "document", "passages", "history", "table"])
@pytest.mark.parametrize("value", [{"title": LONG}, [{"title": LONG}], [[LONG]]])
def test_what_a_prompt_is_about_is_never_left_out(key: str, value: Any) -> None:
    reading = read({**PLAIN, key: value})

    assert reading.conversation is None
    assert [(problem.code, problem.path) for problem in reading.problems] == [("TD012", f"$.{key}")]


@pytest.mark.parametrize(
    ("chosen", "rejected"),
    [
        ("Human: Hi\n\nAssistant: Yo", "Human: Hi\n\nAssistant: No"),
        ("Human: Hi\n\nAssistant: Yo", "I refuse."),
        ('{"role": "admin", "x": 1}', '{"role": "x"}'),
        ('[{"role": "user", "content": "hello"}]', '[{"role": "user", "content": "bye"}]'),
        ('[{"role": "narrator", "content": "hello"}]', '[{"role": "assistant"}]'),
    ],
)
def test_an_answer_that_looks_like_messages_stays_an_answer(chosen: str, rejected: str) -> None:
    conversation = read({"prompt": "Write a dialogue.", "chosen": chosen, "rejected": rejected}).conversation

    assert conversation is not None
    assert conversation.rejected is not None
    assert [turn.text for turn in conversation.turns] == ["Write a dialogue.", chosen]
    assert conversation.rejected.text == rejected


def test_a_system_prompt_that_another_replaces_is_listed() -> None:
    system = {"role": "system", "content": "Be brief."}
    sides = {name: [system, *side] for name, side in SHAPES["SageMaker's messages"].items()}

    conversation = read({"system": "Be long.", **sides}).conversation

    assert conversation is not None
    assert (conversation.system, conversation.unread) == ("Be brief.", {"system": "Be long."})


def test_the_path_of_a_finding_names_the_side() -> None:
    record = WRONG["a transcript without the user's turn"][0]

    assert [problem.path for problem in read(record).problems] == ["$.chosen"]


@pytest.mark.parametrize(
    "rejected",
    [
        "rejected_messages",
        "rejected_answer",
        "rejected_response",
        "response_rejected",
        "answer_rejected",
        "dispreferred",
        "dispreferred_output",
        "non_preferred",
        "non_preferred_output",
        "non_preferred_response",
    ],
)
def test_a_rejected_answer_by_any_name_makes_a_preference(rejected: str) -> None:
    for record in (
        {"messages": [*BEFORE, user(ASK), assistant(GOOD)], rejected: [assistant(BAD)]},
        {"query": ASK, "response": GOOD, rejected: BAD},
    ):
        reading = read(record)

        assert reading.conversation is not None, reading.problems
        assert reading.conversation.rejected is not None
        assert reading.conversation.answer == GOOD
        assert reading.conversation.rejected.text == BAD


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": ASK, "completion": GOOD, "rejected": "no"},
        {"prompt": ASK, "completion": GOOD, "rejected": " True"},
        {"messages": [user(ASK), assistant(GOOD)], "rejected": "yes"},
        {"input": "Loan of 5000", "output": "deny", "rejected": "yes", "accepted": "no"},
        {"question": ASK, "answer": GOOD, "accepted": "true", "rejected": "false"},
        {"question": ASK, "answer": GOOD, "dispreferred": "False"},
    ],
)
def test_a_key_that_marks_rejected_answers_is_refused(record: dict[str, Any]) -> None:
    reading = read(record)

    assert reading.conversation is None
    assert [problem.code for problem in reading.problems] == ["TD012"]
    assert "not which one" in reading.problems[0].message


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": "Is water wet?", "chosen": "yes", "rejected": "no"},
        {"prompt": "Is water wet?", "completion": "Yes", "rejected": "No"},
        {"prompt": "Is water wet?", "chosen": [assistant("yes")], "rejected": [assistant("no")]},
        {"prompt": ASK, "chosen": GOOD, "rejected": BAD, "answer": "3"},
        {"prompt": "Is water wet?", "chosen": "Yes, since it wets.", "rejected": "No"},
        {"prompt": "Is water wet?", "chosen": "Yes, since it wets.", "rejected": "no", "source": "x"},
        {"prompt": [user("Is water wet?")], "chosen": [assistant("It is.")], "rejected": [assistant("no")]},
        {"prompt": "Which letter?", "completion": "x", "rejected": "y"},
        {"prompt": "Is it?", "response_0": "It is.", "response_1": "no", "better_response_id": 0},
    ],
)
def test_yes_and_no_may_be_the_two_answers(record: dict[str, Any]) -> None:
    assert read(record).conversation is not None


@pytest.mark.parametrize(
    ("verdict", "chosen"), [(0.0, GOOD), (1.0, BAD), ("1.0", BAD), (0, GOOD), (True, "")]
)
def test_a_verdict_may_be_a_number_of_any_type(verdict: object, chosen: str) -> None:
    record = {"prompt": ASK, "response_0": GOOD, "response_1": BAD, "better_response_id": verdict}

    conversation = read(record).conversation

    assert (conversation.answer if conversation else "") == chosen


@pytest.mark.parametrize(("chosen", "rejected"), [(4.0, 4.0), ("3", "4.5"), ("2", 10)])
def test_scores_that_do_not_agree_are_a_warning(chosen: float | str, rejected: float | str) -> None:
    report = checked({**PLAIN, "score_chosen": chosen, "score_rejected": rejected})

    assert report.valid
    assert any(one.code == "TD091" and "the rejected one" in one.message for one in report.warnings)


def test_a_pair_and_its_reverse_are_a_warning_and_a_ranking_is_none() -> None:
    third = "A right to hold goods."
    ranking = [PLAIN, {**PLAIN, "rejected": third}, {**PLAIN, "chosen": third, "rejected": BAD}]

    assert not {"TD050", "TD051", "TD092"} & checked(*ranking).by_code.keys()
    assert checked(PLAIN, {**PLAIN, "chosen": BAD, "rejected": GOOD}).by_code["TD092"] == 1
    assert checked(PLAIN, PLAIN).by_code["TD050"] == 1


def test_a_secret_in_a_rejected_answer_is_found() -> None:
    report = checked({**PLAIN, "rejected": "Write to maria.lopez@example.org, she knows."})

    assert "TD062" in report.by_code


def test_a_prompt_that_is_trained_on_cannot_be_held_out() -> None:
    report = checked(PLAIN, test=lines({**PLAIN, "rejected": "Another."}))

    assert report.by_code["TD052"] == 1


def test_a_base_model_that_takes_no_preferences_names_the_nearest_way() -> None:
    report = checked(*many(30), model="amazon.nova-lite-v1:0:300k")

    (finding,) = [one for one in report.errors if one.code == "TD042"]
    assert "Nova Lite does not take preference" in finding.message
    assert "single-turn" in finding.message


def test_preferences_are_no_examples_for_a_method_that_wants_those() -> None:
    asked = CheckOptions(base_model=catalog.find("qwen.qwen3-32b"), method="single-turn")
    report = check_files({"train": Held(lines(*many(30)))}, {"train": "train.jsonl"}, asked)

    assert report.by_code["TD017"] == 30


def test_both_conversations_count_as_tokens_and_the_longer_one_against_the_limit() -> None:
    conversation = read({"prompt": "p" * 60, "chosen": "c" * 30, "rejected": "r" * 90}).conversation

    assert conversation is not None
    assert rules.bytes_of(conversation) == 60 + 30 + 60 + 90
    assert rules.longest_of(conversation) == 60 + 90


def test_pairs_of_one_prompt_are_split_to_one_side() -> None:
    ranked = [
        {**one, "rejected": f"No idea {again}."} for one in many(60) for again in ("at all", "of that", "yet")
    ]
    sides = plan((msgspec.json.encode(one) for one in ranked), Shares(validation=0.1, test=0.2))

    assert all(len(set(sides[at : at + 3])) == 1 for at in range(0, len(sides), 3))
    assert sides.count(TEST) == 36


def test_the_preferred_answer_is_the_reference_of_the_last_question_alone() -> None:
    record = {
        "chosen": [*BEFORE, user(ASK), assistant(GOOD)],
        "rejected": [*BEFORE, user(ASK), assistant(BAD)],
    }
    sink = io.BytesIO()
    method_rules = catalog.find("qwen.qwen3-32b").methods["preference"]

    prepare({"test": [lines(record)]}, {"test": sink}, (), method_rules)
    (question,) = read_held_out([sink.getvalue()])

    assert question.reference == GOOD
    assert [message.text for message in question.messages] == ["Are you a lawyer?", "No, a model.", ASK]


def test_what_is_written_is_what_awss_own_schema_asks_for() -> None:
    """sagemaker-python-sdk, ai_registry/schemas/hf_preference.json: chosen and rejected, each a list of
    messages that have a role and a content."""
    for record in SHAPES.values():
        conversation = read(record).conversation
        assert conversation is not None
        written = formats.write(conversation, "preference")
        assert written.keys() == {"chosen", "rejected"}
        for side in written.values():
            assert all(
                one.keys() == {"role", "content"} and all(isinstance(text, str) for text in one.values())
                for one in side
            )


def test_examples_are_made_of_the_preferred_answers_and_the_rejected_are_listed() -> None:
    sink = io.BytesIO()

    done = convert([lines(PLAIN)], sink, "prompt-completion")

    assert json.loads(sink.getvalue()) == {"prompt": ASK, "completion": GOOD}
    assert any("$.rejected was left out" in what for what in done.lost)


def test_a_table_of_preferences_is_read() -> None:
    body = f"prompt,chosen,rejected\n{ASK},{GOOD},{BAD}\n".encode()
    whole = io.BytesIO()
    file = opened(Held(body), "a.csv", ReadOptions(), whole, lambda: Held(whole.getvalue()))

    (line,) = b"".join(file.source.chunks(0, file.source.size)).splitlines()
    conversation = read(msgspec.json.decode(line)).conversation

    assert conversation is not None
    assert conversation.rejected is not None


TABLES = {
    "chosen_response": ("prompt,chosen_response,rejected_response", (ASK, GOOD, BAD), {}),
    "PKU-SafeRLHF": ("prompt,response_0,response_1,better_response_id", (ASK, BAD, GOOD, "1"), {}),
    "named by hand": (
        "story,best,worst",
        (ASK, GOOD, BAD),
        {"prompt": "story", "chosen": "best", "rejected": "worst"},
    ),
    "without a header": (
        "",
        (ASK, GOOD, BAD),
        {"prompt": "1", "chosen": "2", "rejected": "3"},
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_preferences_are_read_by_their_columns(name: str) -> None:
    head, row, columns = TABLES[name]
    body = f"{head}\n{','.join(row)}\n".lstrip().encode()
    whole = io.BytesIO()
    file = opened(Held(body), "a.csv", ReadOptions(columns=columns), whole, lambda: Held(whole.getvalue()))

    (line,) = b"".join(file.source.chunks(0, file.source.size)).splitlines()
    conversation = read(msgspec.json.decode(line)).conversation

    assert conversation is not None
    assert conversation.rejected is not None
    assert (conversation.answer, conversation.rejected.text) == (GOOD, BAD)


def test_records_of_verl_have_their_reference_answer() -> None:
    """SageMaker AI developer guide, customizing-models-rft, the example of RLVR."""
    record = {
        "data_source": "openai/gsm8k",
        "prompt": [user("How many clips?")],
        "ability": "math",
        "reward_model": {"ground_truth": "72", "style": "rule"},
    }

    reading = read(record)

    assert reading.conversation is not None
    assert formats.method_of(reading.format, reading.conversation) == "reinforcement"
    assert reading.conversation.answer == "72"
    assert list(rules.no_reference(reading.conversation)) == []


def test_a_long_run_of_line_feeds_takes_no_longer_than_other_text() -> None:
    """A pattern of speakers that begins at each of them takes their number squared: minutes for these."""
    record = PLAIN | {"prompt": f"Human: a{chr(10) * 200_000}b"}
    started = time.process_time()

    assert read(record).problems == []
    assert time.process_time() - started < 5
