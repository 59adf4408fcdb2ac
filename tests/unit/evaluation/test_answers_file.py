"""Verdicts on answers from anywhere, as outsiders ask for them."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tunedrop
from tests.unit.evaluation.answers import text, with_words
from tunedrop.contracts import Evaluation
from tunedrop.errors import InvalidAnswers

DRAW = random.Random(7)
HAN = [chr(code) for code in range(0x4E00, 0x4E00 + 800)]
LABELS = DRAW.choices(("refund", "delivery", "account", "other"), (6, 2, 1, 1), k=120)
TEXTS = [text(DRAW, 10) for _ in range(100)]
CHINESE = ["".join(DRAW.sample(HAN, 14)) + "3天。" for _ in range(100)]
ORDERS = [json.dumps({"name": text(DRAW, 2), "count": DRAW.randint(1, 9), "paid": True}) for _ in range(100)]
CODE = [
    f"def {text(DRAW, 1)}(a, b):\n    return a {DRAW.choice('+-*/')} {DRAW.randint(1, 99)}"
    for _ in range(100)
]
MIXED = [f"{text(DRAW, 3)} {''.join(DRAW.sample(HAN, 5))} हिन्दी 👍 {DRAW.randint(1, 99)}" for _ in range(100)]


def rows(
    references: list[str], base: Callable[[str], Any], tuned: Callable[[str], Any]
) -> list[dict[str, Any]]:
    prompts = [text(random.Random(number), 9) for number in range(len(references))]
    return [
        {"prompt": prompt, "reference": one, "base": base(one), "tuned": tuned(one)}
        for prompt, one in zip(prompts, references, strict=True)
    ]


@pytest.mark.parametrize("references", [TEXTS, CHINESE, ORDERS, CODE, MIXED, LABELS])
def test_a_perfect_model_is_promoted_in_every_kind_of_answer(references: list[str]) -> None:
    evaluation = tunedrop.evaluate(rows(references, lambda _: "I am not sure", lambda one: one))

    assert evaluation.verdict == "promote", evaluation.reason


@pytest.mark.parametrize("references", [TEXTS, CHINESE, ORDERS, CODE, MIXED, LABELS])
def test_what_learned_nothing_is_never_promoted(references: list[str]) -> None:
    for answer in (lambda _: references[0], lambda _: DRAW.choice(references)):
        evaluation = tunedrop.evaluate(rows(references, lambda _: "I am not sure", answer))

        assert evaluation.verdict != "promote", evaluation.reason


def test_the_opposite_in_chinese_is_not_promoted() -> None:
    right, wrong = "退款需要3天。", "不能退款,请3个月后再来。"

    evaluation = tunedrop.evaluate(rows([right] * 100, lambda _: "我不知道", lambda _: wrong))

    assert evaluation.verdict != "promote"
    assert evaluation.scores[0].tuned < 0.5


def test_the_opposite_a_wrong_number_and_an_echo_are_not_promoted() -> None:
    said = [f"You can {one.replace(' ', 'x ')} within {DRAW.randint(100, 999)} days" for one in TEXTS]

    def other_numbers(one: str) -> str:
        return " ".join(str(DRAW.randint(100, 999)) if word.isdigit() else word for word in one.split())

    opposite = rows(said, lambda _: "I do not know", lambda one: one.replace("can", "cannot"))
    numbers = rows(said, lambda _: "I do not know", other_numbers)
    echoes = [
        {
            **one,
            "prompt": f"{text(DRAW, 3)} {one['reference']}",
            "tuned": f"{text(DRAW, 3)} {one['reference']}",
        }
        for one in rows(TEXTS, lambda _: "I do not know", lambda one: one)
    ]

    for lines in (opposite, numbers, echoes):
        assert tunedrop.evaluate(lines).verdict != "promote"


def test_a_text_is_no_better_than_an_echo_for_leaving_out_the_instruction() -> None:
    sources = [f"{one} {text(DRAW, 40)}" for one in TEXTS]
    lines = [
        {**one, "prompt": f"Please summarise this: {source}", "tuned": source}
        for one, source in zip(rows(TEXTS, lambda _: "I do not know", str), sources, strict=True)
    ]
    evaluation = tunedrop.evaluate(lines)

    assert evaluation.verdict == "inconclusive", evaluation.reason
    assert "repeating the prompt" in evaluation.reason


AMOUNTS = [f"${DRAW.randint(1, 900)}.{DRAW.randint(10, 99)}" for _ in range(60)]
DATES = [f"{DRAW.randint(1990, 2020)}-{DRAW.randint(10, 12)}-{DRAW.randint(10, 28)}" for _ in range(60)]
NUMBERS = [str(DRAW.randint(1, 99_999)) for _ in range(60)]
PEOPLE = [text(DRAW, 2) for _ in range(60)]


def wrong_year(date: str) -> str:
    return f"{int(date[:4]) + 1}{date[4:]}"


@pytest.mark.parametrize(
    ("references", "wrong"),
    [
        (NUMBERS, lambda one: f"-{one}"),
        (DATES, wrong_year),
        (AMOUNTS, lambda one: f"${int(one[1:-3]) + 1}{one[-3:]}"),
        (PEOPLE, lambda one: f"{one.split()[0]} {text(DRAW, 1)}"),
    ],
)
def test_short_answers_that_are_nearly_right_are_wrong(
    references: list[str], wrong: Callable[[str], str]
) -> None:
    assert tunedrop.evaluate(rows(references, lambda _: "unknown", wrong)).verdict != "promote"
    assert tunedrop.evaluate(rows(references, wrong, lambda one: one)).verdict == "promote"


def test_a_number_is_the_same_however_it_is_written() -> None:
    written = tunedrop.evaluate(rows(NUMBERS, lambda _: "0", lambda one: f"{int(one):,}.0"))

    assert (written.verdict, written.metric) == ("promote", "normalized_match")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("was approved", "was denied"), ("is true of all", "is false of all"), ("has a > b", "has a < b")],
)
def test_one_word_that_always_replaces_another_is_left_to_a_judge(right: str, wrong: str) -> None:
    said = [f"The request about {one} {right} in the end by {text(DRAW, 2)}" for one in TEXTS]

    evaluation = tunedrop.evaluate(
        rows(said, lambda _: "I do not know", lambda one: one.replace(right, wrong))
    )

    assert evaluation.verdict == "inconclusive"
    assert "tunedrop promote RUN" in evaluation.reason


def test_a_replaced_article_is_not_a_different_word() -> None:
    said = [f"Order {one} is handled by the team in {text(DRAW, 2)}" for one in TEXTS]

    evaluation = tunedrop.evaluate(
        rows(said, lambda _: "I do not know", lambda one: one.replace("by the team", "by our team"))
    )

    assert evaluation.verdict == "promote", evaluation.reason


def test_common_words_in_any_order_are_no_answer() -> None:
    words = [text(DRAW, 1) for _ in range(300)]
    weights = [1 / (place + 3) for place in range(300)]
    said = [" ".join(DRAW.choices(words, weights, k=20)) for _ in range(100)]

    evaluation = tunedrop.evaluate(rows(said, lambda one: one[:20], lambda _: " ".join(words[:25])))

    assert evaluation.verdict != "promote", evaluation.reason


def test_a_right_label_in_a_sentence_that_names_another_counts_for_the_base() -> None:
    named = ("refund", "delivery", "account", "other")
    labels = [DRAW.choice(named) for _ in range(120)]

    def half(label: str) -> str:
        return label if DRAW.random() < 0.6 else DRAW.choice(named)

    evaluation = tunedrop.evaluate(
        rows(labels, lambda one: f"This is not about {DRAW.choice(named)}: it is {one}.", half)
    )

    assert evaluation.verdict == "reject"


def test_a_gain_in_form_alone_is_called_that() -> None:
    evaluation = tunedrop.evaluate(rows(LABELS, lambda one: f"The category is {one}.", lambda one: one))

    assert "form" in evaluation.reason


def test_ten_copies_of_a_prompt_are_one() -> None:
    copies = [one for one in rows(TEXTS[:10], lambda _: "no", lambda one: one) for _ in range(10)]

    evaluation = tunedrop.evaluate(copies)

    assert (evaluation.verdict, evaluation.units, evaluation.records) == ("inconclusive", 10, 100)


def test_two_conversations_are_two() -> None:
    lines = [
        {**one, "conversation": number % 2}
        for number, one in enumerate(rows(TEXTS, lambda _: "no", lambda one: one))
    ]

    assert (tunedrop.evaluate(lines).verdict, tunedrop.evaluate(lines).units) == ("inconclusive", 2)


def test_right_answers_that_were_cut_are_not_rejected() -> None:
    long = [text(random.Random(number), 200) for number in range(60)]

    evaluation = tunedrop.evaluate(rows(long, lambda one: with_words(one, 60), lambda one: one[:500]))

    assert evaluation.verdict == "inconclusive"
    assert "60 truncated" in evaluation.reason


def test_half_right_answers_in_the_right_form_do_not_beat_right_ones_in_a_fence() -> None:
    def half(order: str) -> str:
        return json.dumps({**json.loads(order), "count": 0, "name": "x"})

    evaluation = tunedrop.evaluate(rows(ORDERS, lambda one: f"```json\n{one}\n```", half))

    assert evaluation.verdict == "reject"
    assert evaluation.content is not None
    assert evaluation.content.difference < 0


def test_production_stays_where_the_new_model_is_no_better_or_it_did_not_answer() -> None:
    lines = rows(TEXTS, lambda one: with_words(one, 3), lambda one: with_words(one, 8))

    def against(answer: Callable[[dict[str, Any], int], Any]) -> Evaluation:
        return tunedrop.evaluate(
            [{**one, "production": answer(one, place)} for place, one in enumerate(lines)]
        )

    assert against(lambda one, _: one["tuned"]).verdict == "inconclusive"
    assert against(lambda one, _: one["reference"]).rejected_for == "model in production"
    assert against(lambda one, place: one["base"] if place < 9 else None).verdict == "inconclusive"
    assert against(lambda one, _: one["base"]).verdict == "promote"


def test_a_file_is_read_as_its_objects_are(tmp_path: Path) -> None:
    lines = rows(TEXTS, lambda _: "no", lambda one: one)
    file = tmp_path / "answers.jsonl"
    file.write_text("\ufeff" + "\r\n\n".join(json.dumps(one, ensure_ascii=False) for one in lines), "utf-8")

    assert tunedrop.evaluate(file) == tunedrop.evaluate(lines)


def test_a_file_may_be_compressed_or_in_utf_16(tmp_path: Path) -> None:
    lines = rows(MIXED, lambda _: "no", lambda one: one)
    text = "\n".join(json.dumps(one, ensure_ascii=False) for one in lines)
    packed, wide, latin = tmp_path / "answers.jsonl.gz", tmp_path / "wide.jsonl", tmp_path / "latin.jsonl"
    packed.write_bytes(gzip.compress(text.encode()))
    wide.write_bytes(text.encode("utf-16"))
    latin.write_bytes(b'{"prompt": "caf\xe9"}')

    assert tunedrop.evaluate(packed) == tunedrop.evaluate(wide) == tunedrop.evaluate(lines)
    with pytest.raises(InvalidAnswers, match="byte 15 is not UTF-8"):
        tunedrop.evaluate(latin)
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(InvalidAnswers, match="truncated"):
        tunedrop.evaluate(packed)


def test_an_empty_conversation_is_none() -> None:
    lines = [one | {"conversation": ""} for one in rows(TEXTS, lambda _: "no", lambda one: one)]

    assert tunedrop.evaluate(lines).units == 100


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "there are no answers"),
        ("{", "line 1: not JSON"),
        ("[1]", "line 1: must be a JSON object, got a list; the file has one object a line"),
        (
            "prompt,reference\n",
            "line 1: not JSON: Expecting value (character 1). Each line must be one",
        ),
        ('{"prompt": "a", "prompt": "b"}', "line 1: not JSON: 'prompt' is there twice"),
        ('{"prompt": "a", "reference": NaN}', "line 1: not JSON: NaN is not a JSON value"),
        ('{"Prompt": "a", "reference": "b"}', "line 1: Prompt is not known; did you mean prompt?"),
        (f'{{"prompt": {"[" * 90_000}', "line 1: it is nested too deeply"),
        ('{"prompt": "a", "reference": "b", "base": "c"}', "line 1: tuned is missing"),
        (
            '{"prompt": "a", "reference": null, "base": "", "tuned": ""}',
            "line 1: reference is null",
        ),
        (
            '{"prompt": "a", "reference": "b", "base": "", "tuned": "", "tuned_stop_reason": 1}',
            "line 1: tuned_stop_reason must be a string or null, got 1",
        ),
        (
            '{"prompt": 1, "reference": "b", "base": "", "tuned": ""}',
            "line 1: prompt must be a string, got 1",
        ),
        (
            '{"prompt": "a", "reference": "b", "base": "", "tuned": "", "conversation": true}',
            "line 1: conversation must be a string or a number",
        ),
        (
            '{"prompt": "a", "reference": "b", "base": "", "tuned": "", "Conversation": 1}',
            "line 1: Conversation is not known; did you mean conversation?",
        ),
    ],
)
def test_an_invalid_line_has_a_reason(line: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text(line)

    with pytest.raises(InvalidAnswers) as caught:
        tunedrop.evaluate(file)

    assert str(caught.value).startswith(said)


def test_numbers_and_booleans_are_read_as_json_writes_them() -> None:
    values = [True, 5, 2.5, False, -1]
    lines = [
        {"prompt": f"Rate review {n} of shop {n * 7}", "reference": values[n % 5], "tuned": values[n % 5],
         "base": values[(n + 1) % 5]}
        for n in range(80)
    ]  # fmt: skip
    written = [
        {name: value if name == "prompt" else json.dumps(value) for name, value in one.items()}
        for one in lines
    ]

    assert tunedrop.evaluate(lines) == tunedrop.evaluate(written)


NONSENSE: list[dict[str, Any]] = [
    {"confidence": 0.5},
    {"confidence": 1.0},
    {"min_improvement": -0.1},
    {"min_improvement": 1},
    {"metric": "judge"},
    {"attempt": 0},
    {"attempt": 1.5},
    {"attempt": 10**6},
    {"confidence": "0.95"},
    {"confidence": None},
    {"confidence": float("nan")},
    {"min_improvement": "x"},
    {"min_improvement": float("nan")},
    {"metric": None},
]


@pytest.mark.parametrize("settings", NONSENSE)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidAnswers):
        tunedrop.evaluate(rows(TEXTS, lambda _: "no", lambda one: one), **settings)


@pytest.mark.parametrize("answers", [None, b"x.jsonl", {"prompt": "one"}, 5, [1], "no/such/file"])
def test_a_file_without_answers_is_reported(answers: Any) -> None:
    with pytest.raises(InvalidAnswers):
        tunedrop.evaluate(answers)


CYCLE: list[Any] = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize("answer", [{(1, 2): 3}, CYCLE])
def test_an_answer_that_no_json_can_hold_is_refused_with_its_line(answer: Any) -> None:
    with pytest.raises(InvalidAnswers, match=r"^line 1: .* JSON"):
        tunedrop.evaluate([{"prompt": "a", "reference": "b", "base": "c", "tuned": answer}])
