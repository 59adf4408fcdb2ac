"""Scores of an answer against its reference, each from 0 to 1.

Token F1 is SQuAD's F1 for text in any script (`words`); `squad_f1` is that of SQuAD 2.0's own script, for
English. ROUGE-L follows the rouge-score package (F-measure of the longest common subsequence of words, no
stemming); chrF follows sacreBLEU (character 6-grams, beta 2, no spaces). Tests hold each against those.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Literal

import regex
from rapidfuzz.distance import LCSseq

from tunedrop.contracts import JudgedVia
from tunedrop.evaluation.scoring.json_leaves import is_document, leaf_f1
from tunedrop.evaluation.scoring.labels import are_labels, label_of
from tunedrop.evaluation.scoring.words import CACHED, in_common, split_words, words

CHRF_ORDER = 6
CHRF_BETA = 2

MUCH = 0.5
"""The fall of a score that makes an answer much worse."""

_QUANTITY = regex.compile(
    r"(?P<sign>-?) ?(?P<before>\p{Sc}?) ?(?P<number>(?:0|[1-9][0-9]*)(?:\.[0-9]+)?) ?"
    r"(?P<unit>[^\p{N}\s]*(?: [^\p{N}\s]+){0,3})"
)
_ARTICLES = frozenset(("a", "an", "the"))
_ARTICLE = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def exact_match(reference: str, answer: str) -> float:
    return float(reference.strip() == answer.strip())


def normalized_match(reference: str, answer: str) -> float:
    """Equality apart from case, punctuation and spaces; numbers are compared by value, also with a unit: 42.0
    is 42, and `5km` is `5.0 km`, but 007 is not 7."""
    return float(not forms(reference).isdisjoint(forms(answer)))


@lru_cache(CACHED)
def forms(text: str) -> frozenset[Hashable]:
    """The forms of a text for `normalized_match`: two texts with a common form are equal."""
    tokens = words(text)
    if not tokens:
        return frozenset((text.strip(),))
    quantity = _quantity(tokens)
    found = (("words", tokens), ("split", split_words(text)), ("quantity", quantity))
    return frozenset(one for one in found if one[1])


def accuracy(reference: str, answer: str) -> float:
    """The same label."""
    return float(label_of(reference) == label_of(answer))


def token_f1(reference: str, answer: str) -> float:
    """Harmonic mean of precision and recall of words; articles count only if there are no other words."""
    expected, given = _without_articles(words(reference)), _without_articles(words(answer))
    return f1(expected, given) if expected or given else exact_match(reference, answer)


def squad_f1(reference: str, answer: str) -> float:
    """SQuAD 2.0's F1, as in its evaluate-v2.0.py: lower case, no ASCII punctuation, no articles; two answers
    without words are equal."""
    expected, given = (
        _ARTICLE.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split() for text in (reference, answer)
    )
    return f1(expected, given) if expected and given else float(expected == given)


def rouge_l(reference: str, answer: str) -> float:
    expected, given = split_words(reference), split_words(answer)
    if not expected or not given:
        return 0.0
    common: int = LCSseq.similarity(expected, given)
    return 2 * common / (len(expected) + len(given)) if common else 0.0


def chrf(reference: str, answer: str) -> float:
    """Character n-gram F-score, averaged over the orders that both texts have."""
    expected, given = "".join(reference.split()), "".join(answer.split())
    precision, recall, orders = 0.0, 0.0, 0
    for order in range(1, CHRF_ORDER + 1):
        one, other = _ngrams(expected, order), _ngrams(given, order)
        if not one or not other:
            continue
        common = sum((one & other).values())
        precision += common / other.total()
        recall += common / one.total()
        orders += 1
    if not orders or not precision + recall:
        return 0.0
    precision, recall, weight = precision / orders, recall / orders, CHRF_BETA**2
    score: float = (1 + weight) * precision * recall / (weight * precision + recall)
    return score


def json_valid(_: str, answer: str) -> float:
    """Whether the answer is a JSON object or list."""
    return float(is_document(answer))


def json_fields(reference: str, answer: str) -> float:
    """F1 of the leaves of two JSON documents; 0 if the answer is not JSON."""
    return leaf_f1(reference, answer)


METRICS: dict[str, Callable[[str, str], float]] = {
    "accuracy": accuracy,
    "exact_match": exact_match,
    "normalized_match": normalized_match,
    "token_f1": token_f1,
    "squad_f1": squad_f1,
    "rouge_l": rouge_l,
    "chrf": chrf,
    "json_fields": json_fields,
    "json_valid": json_valid,
}
"""The metrics by their names in manifests."""

TITLES = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro F1",
    "exact_match": "Exact match",
    "normalized_match": "Normalised match",
    "token_f1": "Token F1",
    "squad_f1": "SQuAD F1",
    "rouge_l": "ROUGE-L",
    "chrf": "chrF",
    "json_fields": "JSON fields",
    "json_valid": "Valid JSON",
    "content": "Content",
    "judge": "Judge's preference",
    "judge_rating": "Judge's rating",
    "reward": "Grader's reward",
    "general_ability": "General ability",
}


MEANINGS = {
    "accuracy": "The share of prompts that got the right label, and nothing but the label.",
    "exact_match": "The share of answers that are the reference, character for character.",
    "normalized_match": "The share of answers that are the reference, but for case, punctuation and spaces.",
    "token_f1": "How many words an answer and its reference have in common: 1 is all of both, 0 is none.",
    "squad_f1": "How many words an answer and its reference have in common, as SQuAD counts them.",
    "rouge_l": "The longest sequence of words that answer and reference have in common: 1 is all of both.",
    "chrf": "How many short sequences of characters answer and reference have in common: 1 is all of both.",
    "json_fields": "The share of JSON values that are right and in their place; made-up ones count as wrong.",
    "reward": "The mean reward that the run's grader gives an answer.",
    "json_valid": "The share of answers that are a JSON document at all.",
}
"""The meaning of each metric, in one sentence."""

JUDGED: dict[JudgedVia, str] = {"converse": "judge", "evaluation-job": "judge_rating"}
"""The name of a judge's score: a win rate if it compares, a mean rating if it rates."""

REWARD = "reward"
"""The name of a grader's mean reward."""

Task = Literal["labels", "json", "short", "text"]

SHOWN: dict[Task, tuple[str, ...]] = {
    "labels": ("accuracy",),
    "json": ("json_fields", "json_valid", "exact_match"),
    "short": ("normalized_match", "token_f1", "exact_match"),
    "text": ("token_f1", "rouge_l", "chrf", "normalized_match", "exact_match"),
}
"""The metrics that fit a task; the first one decides unless the run asks for another."""


SHORT_WORDS, SHORT_TOKENS, SHORT_CHARACTERS = 3, 8, 40
"""The maximum length of a short answer in words, tokens and characters."""

MOST_SHORT = 0.9
"""Above this share of short references, answers are correct or wrong as a whole."""

OVERLAPS: tuple[str, ...] = ("token_f1", "rouge_l", "chrf")
"""Overlap scores, which cannot distinguish `can` from `cannot`: if one of them decides on open text, all of
them must agree."""


def task_of(references: Sequence[str]) -> Task:
    """The type of answers: JSON documents, a few repeated labels, other short answers (numbers, dates, names)
    that are correct or wrong as a whole, or other text."""
    if references and all(map(is_document, references)):
        return "json"
    if are_labels(references):
        return "labels"
    return "short" if sum(map(_is_short, references)) > MOST_SHORT * len(references) else "text"


def choose(references: Sequence[str], asked: str = "auto") -> str:
    """The deciding metric: the one that the run requests, else one that fits the references."""
    return asked if asked != "auto" else SHOWN[task_of(references)][0]


def f1(expected: Sequence[str], given: Sequence[str]) -> float:
    """The F1 score of two bags of words; 0 if they have none in common."""
    common = in_common(expected, given)
    return 2 * common / (len(expected) + len(given)) if common else 0.0


def _is_short(text: str) -> bool:
    plain = text.strip()
    return (
        0 < len(plain) <= SHORT_CHARACTERS
        and len(plain.split()) <= SHORT_WORDS
        and len(words(plain)) <= SHORT_TOKENS
        and not is_document(plain)
    )


def _quantity(tokens: tuple[str, ...]) -> tuple[str, Decimal, str] | None:
    """The number that a text consists of, with a currency before it or a unit after it; None if it contains
    more."""
    found = _QUANTITY.fullmatch(" ".join(tokens))
    return (found["before"], Decimal(found["sign"] + found["number"]), found["unit"]) if found else None


def _without_articles(tokens: tuple[str, ...]) -> tuple[str, ...]:
    if _ARTICLES.isdisjoint(tokens):
        return tokens
    return tuple(one for one in tokens if one not in _ARTICLES) or tokens


def _ngrams(text: str, order: int) -> Counter[str]:
    return Counter(text[start : start + order] for start in range(len(text) - order + 1))
