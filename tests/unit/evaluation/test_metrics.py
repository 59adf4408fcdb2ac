"""Our metrics agree with the published implementations they follow."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score import rouge_scorer
from sacrebleu.metrics import CHRF

from tunedrop.evaluation import metrics
from tunedrop.evaluation.ngrams import chrf_of_all

TEXTS = st.text(st.sampled_from("abcde ABC.,!?-' 019"), min_size=1, max_size=60)
FREE = st.text(max_size=60)
SENTENCES = ("The cat sat on the mat.", "A cat sat on that mat!", "Nothing alike", "the CAT sat")
ROUGE = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)


@given(reference=TEXTS, answer=TEXTS)
def test_rouge_l_agrees_with_rouge_score(reference: str, answer: str) -> None:
    published = ROUGE.score(reference, answer)["rougeL"].fmeasure

    assert metrics.rouge_l(reference, answer) == pytest.approx(published, abs=1e-9)


@pytest.mark.parametrize("reference", SENTENCES)
@pytest.mark.parametrize("answer", SENTENCES)
def test_chrf_agrees_with_sacrebleu(reference: str, answer: str) -> None:
    published = CHRF().sentence_score(answer, [reference]).score / 100

    assert metrics.chrf(reference, answer) == pytest.approx(published, abs=1e-6)


@given(reference=FREE, answer=FREE)
def test_chrf_agrees_with_sacrebleu_on_free_text(reference: str, answer: str) -> None:
    published = CHRF().sentence_score(answer, [reference]).score / 100

    assert metrics.chrf(reference, answer) == pytest.approx(published, abs=1e-9)


@given(st.lists(st.tuples(FREE, FREE, FREE), max_size=12))
def test_many_answers_at_once_score_as_each_by_itself(rows: list[tuple[str, str, str]]) -> None:
    references, base, tuned = ([row[index] for row in rows] for index in range(3))

    found = chrf_of_all(references, [base, tuned])

    for answers, scores in zip((base, tuned), found, strict=True):
        assert scores == pytest.approx([*map(metrics.chrf, references, answers)], abs=1e-12)


def test_texts_of_thousands_of_characters_score_as_each_by_itself() -> None:
    draw = random.Random(1)
    references = ["".join(chr(draw.randrange(0x4E00, 0x9FFF)) for _ in range(40)) for _ in range(150)]
    answers = [reference[: draw.randrange(40)] + "\U0001f600" for reference in references]

    (found,) = chrf_of_all(references, [answers])

    assert found == pytest.approx([*map(metrics.chrf, references, answers)], abs=1e-12)


@given(text=TEXTS)
def test_an_answer_equal_to_its_reference_scores_full_marks(text: str) -> None:
    assert metrics.exact_match(text, text) == 1
    assert metrics.normalized_match(text, text.upper()) == 1
    if metrics.words(text):
        assert metrics.token_f1(text, text) == 1


@given(reference=TEXTS, answer=TEXTS)
def test_every_score_is_between_zero_and_one(reference: str, answer: str) -> None:
    assert all(0 <= score(reference, answer) <= 1 for score in metrics.METRICS.values())


@pytest.mark.parametrize(
    ("references", "metric"),
    [
        (["yes", "no"] * 20, "accuracy"),
        (['{"a": 1}', '{"a": 2}'], "json_fields"),
        (["a whole sentence of an answer", "and another one that is long"], "token_f1"),
    ],
)
def test_the_metric_fits_the_task(references: list[str], metric: str) -> None:
    assert metrics.choose(references) == metric


def test_json_is_compared_field_by_field() -> None:
    assert metrics.json_fields('{"a": 1, "b": 2}', '{"b": 2, "a": 3}') == 0.5
    assert metrics.json_fields('{"a": 1}', "not json") == 0
