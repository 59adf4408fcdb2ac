# ruff: noqa: RUF001 - texts in many scripts
"""Our metrics agree with the published implementations they follow."""

from __future__ import annotations

import collections
import json
import random
import re
import string
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rouge_score import rouge_scorer
from rouge_score.tokenizers import Tokenizer
from sacrebleu.metrics import CHRF
from sacrebleu.tokenizers.tokenizer_intl import TokenizerV14International
from sacrebleu.tokenizers.tokenizer_zh import TokenizerZh

from tunedrop.evaluation.answers.json_parts import leaves_of
from tunedrop.evaluation.scoring import metrics
from tunedrop.evaluation.scoring.ngrams import chrf_of_all
from tunedrop.evaluation.scoring.words import folded, has_digit, split_words, words

TEXTS = st.text(st.sampled_from("abcde ABC.,?' 019"), min_size=1, max_size=60)
PROSE = st.lists(
    st.sampled_from(("the", "a", "an", "The", "cat,", "don't", "sat.", "(on)", "mat!", "re-do", "12")),
    max_size=12,
)
FREE = st.text(max_size=60)
SENTENCES = ("The cat sat on the mat.", "A cat sat on that mat!", "Nothing alike", "the CAT sat")
ROUGE = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)


LANGUAGES = {
    "English": ("The parcel isn't here yet.", "The parcel is here."),
    "German": ("Die Straße ist gesperrt.", "DIE STRASSE ist frei!"),
    "Spanish": ("¿Cuándo llegará mi paquete?", "Mi paquete llegó ayer."),
    "French": ("L'élève a reçu sa réponse.", "La réponse n'est pas arrivée."),
    "Polish": ("Zażółć gęślą jaźń.", "Gęślą jaźń zażółcono."),
    "Russian": ("Посылка придёт завтра.", "Посылка не придёт."),
    "Greek": ("Το δέμα έφτασε σήμερα.", "Το δέμα δεν έφτασε."),
    "Turkish": ("Kargo yarın gelecek.", "Kargo bugün geldi."),
    "Vietnamese": ("Bưu kiện chưa đến.", "Bưu kiện đã đến rồi."),
    "Arabic": ("سيصل الطرد غدًا.", "لن يصل الطرد غدًا."),
    "Hebrew": ("החבילה תגיע מחר.", "החבילה לא תגיע."),
    "Hindi": ("पार्सल कल पहुँचेगा।", "पार्सल आज नहीं पहुँचेगा।"),
    "Bengali": ("পার্সেল কাল পৌঁছাবে।", "পার্সেল পৌঁছাবে না।"),
    "Korean": ("소포가 내일 도착합니다.", "소포가 도착하지 않았습니다."),
    "Chinese": ("退款需要3天。", "不能退款,请3个月后再来。"),
    "Japanese": ("荷物は3日後に届きます。", "荷物は届きません。"),
    "Thai": ("พัสดุจะมาถึงใน 3 วัน", "พัสดุยังไม่มา"),
    "code": ("if (x != 3) { return a + b; }", "if (x == 3) { return a - b; }"),
    "JSON": ('{"total": 3.5, "paid": true}', '{"total": 35, "paid": false}'),
    "numbers": ("-5 °C, 1,000 km, 3.14", "5 °C, 1000 km, 314"),
    "emoji": ("👍🏽 danke ❤️", "👎🏽 danke 💔"),
}


class OurWords(Tokenizer):  # type: ignore[misc] - the package has no types
    """What rouge-score is given to count, since its own words are ASCII."""

    def tokenize(self, text: str) -> list[str]:
        return list(split_words(text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_overlap_scores_agree_with_published_packages_in_every_language(language: str) -> None:
    reference, answer = LANGUAGES[language]
    rouge = rouge_scorer.RougeScorer(["rougeL"], tokenizer=OurWords()).score(reference, answer)
    chrf = CHRF().sentence_score(answer, [reference]).score / 100

    assert metrics.rouge_l(reference, answer) == pytest.approx(rouge["rougeL"].fmeasure, abs=1e-9)
    assert metrics.chrf(reference, answer) == pytest.approx(chrf, abs=1e-9)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_different_answers_score_as_the_same(language: str) -> None:
    reference, answer = LANGUAGES[language]

    for name in ("token_f1", "rouge_l", "normalized_match", "accuracy", "chrf"):
        assert metrics.METRICS[name](reference, answer) < 0.95, name
        assert metrics.METRICS[name](reference, reference) == 1, name


NATURAL = [one for one in LANGUAGES if one not in ("code", "JSON", "numbers", "emoji", "Thai")]


@pytest.mark.parametrize("language", NATURAL)
def test_words_are_sacrebleus_without_punctuation(language: str) -> None:
    """Its `zh` tokenizer where no spaces are written, its international one elsewhere."""
    tokenizer = TokenizerZh() if language in ("Chinese", "Japanese") else TokenizerV14International()
    for text in LANGUAGES[language]:
        published = [one for one in folded(tokenizer(text)).split() if not _is_punctuation(one)]
        if language in ("Chinese", "Japanese"):
            published = [part for one in published for part in (one if not one.isascii() else [one])]

        assert list(split_words(text)) == published


def _is_punctuation(token: str) -> bool:
    return all(unicodedata.category(one).startswith("P") for one in token)


def squads_f1(reference: str, answer: str) -> float:
    """By the description in SQuAD 2.0 (Rajpurkar et al. 2018): its evaluation script, step by step."""

    def tokens(text: str) -> list[str]:
        kept = "".join(one for one in text.lower() if one not in set(string.punctuation))
        return re.sub(r"\b(a|an|the)\b", " ", kept).split()

    gold, given = tokens(reference), tokens(answer)
    if not gold or not given:
        return float(gold == given)
    same = sum((collections.Counter(gold) & collections.Counter(given)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(given), same / len(gold)
    return 2 * precision * recall / (precision + recall)


def test_long_lists_of_unequal_members_are_compared_in_no_time() -> None:
    reference = json.dumps([{"name": f"a{number}", "count": number} for number in range(2_000)])
    answer = json.dumps([{"name": f"b{number}", "count": number} for number in range(2_000)])

    started = time.process_time()

    assert metrics.json_fields(reference, answer) == pytest.approx(0.5)
    assert time.process_time() - started < 10


@given(reference=FREE, answer=FREE)
def test_squad_f1_is_squads(reference: str, answer: str) -> None:
    assert metrics.squad_f1(reference, answer) == pytest.approx(squads_f1(reference, answer))


@given(reference=PROSE, answer=PROSE)
def test_token_f1_of_english_prose_is_squads(reference: list[str], answer: list[str]) -> None:
    one, other = " ".join(reference), " ".join(answer)
    if not words(one) or set(words(one)) | set(words(other)) <= {"a", "an", "the"}:
        return  # an answer that is nothing but articles: SQuAD holds it to be empty

    expected = squads_f1(one, other) if set(words(other)) - {"a", "an", "the"} else 0.0
    if set(words(one)) - {"a", "an", "the"}:
        assert metrics.token_f1(one, other) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("reference", "answer"),
    [("A", "B"), ("C++", "C#"), ("C", "C++"), ("-5", "5"), ("3.14", "314"), ("+1", "-1"), ("50%", "50"),
     ("<=50K", ">50K"), ("a + b", "a - b"),
     ("x*y", "x/y"), ("10²", "102"), ("👍", "👎"), ("?", "!"), ("a != b", "a = b"),
     ("$5", "€5")],
)  # fmt: skip
def test_signs_distinguish_answers(reference: str, answer: str) -> None:
    for name in ("token_f1", "rouge_l", "normalized_match", "accuracy"):
        assert metrics.METRICS[name](reference, answer) < 1, name


@pytest.mark.parametrize(
    ("reference", "answer"),
    [("1,000", "1000"), ("Ｆｕｌｌ　ｗｉｄｔｈ", "full width"), ("STRASSE", "Straße"), ("−5", "-5"),
     ("❤️", "❤"), ("é", "e\u0301"), ("**bold**", "bold"), ("don’t", "dont"), ("٣٥ كم", "35 كم"), ("५", "5")],
)  # fmt: skip
def test_spelling_alone_distinguishes_nothing(reference: str, answer: str) -> None:
    assert metrics.token_f1(reference, answer) == metrics.normalized_match(reference, answer) == 1


@pytest.mark.parametrize("text", ["12", "A7", "٣", "፩፪", "፲", "½", "①", "❶", "CO₂", "m²"])
def test_numbers_are_found_in_every_script(text: str) -> None:
    assert any(map(has_digit, words(text)))


@pytest.mark.parametrize("text", ["m", "一", "three", "iv", "%"])
def test_what_only_names_a_number_is_a_word(text: str) -> None:
    assert not any(map(has_digit, words(text)))


@pytest.mark.parametrize(("one", "other"), [("CO₂", "CO2"), ("m²", "m^2"), ("①", "1"), ("Ⅳ", "IV")])
def test_strings_of_json_that_say_the_same_are_of_one_kind(one: str, other: str) -> None:
    assert leaves_of(json.dumps({"value": one})) == leaves_of(json.dumps({"value": other}))


@pytest.mark.parametrize(
    ("reference", "answer", "same"),
    [("12 km", "12km", True), ("12.0 km", "12 km", True), ("50 km/h", "50km/h", True), ("$5.00", "$5", True),
     ("5%", "5 %", True), ("-5.0", "-5", True), ("a,b,9", "a, b, 9", True), ("12 km", "12 m", False),
     ("$5", "€5", False), ("$5", "-$5", False), ("-$5.00", "-$5", True),
     ("-5", "5", False), ("1.10.2", "1.1.2", False), ("v 1.10", "v 1.1", False),
     ("007", "7", False), ("2024-05-17", "2024-5-17", False), ("10:30", "10:3", False),
     ("12 km 5", "12 km", False)],
)  # fmt: skip
def test_short_answers_are_compared_by_value_and_unit(reference: str, answer: str, same: bool) -> None:
    assert metrics.normalized_match(reference, answer) == metrics.normalized_match(answer, reference) == same


@given(st.text(st.sampled_from("abZ09.,:-+%_' \t\n\r\x1c\x0bé中#*!/@()\""), max_size=40))
@example("3.5")
@example("0 *")
def test_plain_text_is_split_as_the_pattern_splits_it(text: str) -> None:
    """Above a letter of a script without spaces, which alone makes a text no plain one."""
    assert words(text) == words(f"{text}\n中")[:-1]
    assert split_words(text) == split_words(f"{text}\n中")[:-1]


PLAIN = st.text(st.sampled_from("abcde ABC,?' "), min_size=1, max_size=60)


@given(reference=PLAIN, answer=PLAIN)
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
    assert metrics.token_f1(text, text) == 1


@given(reference=TEXTS, answer=TEXTS)
def test_every_score_is_between_zero_and_one(reference: str, answer: str) -> None:
    assert all(0 <= score(reference, answer) <= 1 for score in metrics.METRICS.values())


VERBS = ("open", "close", "lose", "block", "check", "find", "move")
THINGS = ("card", "account", "payment", "transfer", "limit", "pin", "refund", "fee", "top_up", "rate", "bill")
INTENTS = [f"{verb} {thing}" for verb in VERBS for thing in THINGS]


@pytest.mark.parametrize(
    ("references", "metric"),
    [
        (["yes", "no"] * 20, "accuracy"),
        (INTENTS * 2, "accuracy"),
        ([INTENTS[i * i % 77] for i in range(77)] + INTENTS[:40], "accuracy"),
        (["billing"] * 95 + ["other thing", "fraud"] * 2 + ["rare"], "accuracy"),
        (["a", "b", "c"] * 3 + ["a", "b"], "accuracy"),
        (["申请退款", "查询订单", "修改地址"] * 10, "accuracy"),
        (["C++", "C#", "C"] * 10, "accuracy"),
        (['{"a": 1}', '{"a": 2}'], "json_fields"),
        (['["a"]', '["b"]'] * 20, "json_fields"),
        (["a whole sentence of an answer", "and another one that is long"], "token_f1"),
        (["我们会在三个工作日内处理您的退款申请。", "请联系客服处理。"] * 20, "token_f1"),
        (["Thank you for asking, we will look into it."] * 20, "token_f1"),
        ([f"Person {number}" for number in range(60)] + ["Paris"] * 20, "normalized_match"),
        ([f"19{number}-03-07" for number in range(10, 60)], "normalized_match"),
        ([str(number - 30) for number in range(60)], "normalized_match"),
    ],
)
def test_the_metric_fits_the_task(references: list[str], metric: str) -> None:
    assert metrics.choose(references) == metric


@pytest.mark.parametrize(
    ("reference", "answer", "score"),
    [
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 3}', 0.5),
        ('{"a": 1}', "not json", 0),
        ('{"a": 1}', '{"a": 1, "b": 2, "c": 3}', 0.5),
        ('{"a": true}', '{"a": 1}', 0),
        ('{"a": 1}', '{"a": "1"}', 0),
        ('{"a": 1}', '{"a": 1.0}', 1),
        ('{"a": null}', "{}", 0),
        ('{"a": {"b": 1, "c": 2, "d": 3}}', '{"a": {"b": 1, "c": 2, "d": 4}}', 2 / 3),
        ('{"tags": ["x", "y"]}', '{"tags": ["y", "x"]}', 1),
        ('{"tags": ["x", "y"]}', '{"tags": ["x", "x"]}', 0.5),
        ('{"at": [1, 2]}', '{"at": [2, 1]}', 0),
        ('{"steps": ["x", "y"]}', '{"steps": ["y", "x"]}', 0),
        ('[{"a": 1, "b": 2}, {"a": 3, "b": 4}]', '[{"b": 4, "a": 3}, {"a": 1, "b": 9}]', 0.75),
        ("[]", "[]", 1),
        ("{}", '{"a": 1}', 0),
        ('{"a": NaN}', '{"a": NaN}', 0),
    ],
)
def test_json_is_compared_leaf_by_leaf(reference: str, answer: str, score: float) -> None:
    assert metrics.json_fields(reference, answer) == pytest.approx(score)


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=4),
    max_leaves=12,
)


@given(JSONS, JSONS)
def test_json_scores_are_shares_whichever_is_the_reference(one: object, other: object) -> None:
    first, second = json.dumps(one), json.dumps(other)

    assert metrics.json_fields(first, first) == 1
    assert 0 <= metrics.json_fields(first, second) <= 1
    if metrics.json_fields(first, second) == 1:
        assert metrics.json_fields(second, first) == 1
