"""Scores of an answer against its reference, each from 0 to 1.

ROUGE-L follows the rouge-score package (F-measure of the longest common subsequence of words, no stemming);
chrF follows sacreBLEU (character 6-grams, beta 2, no spaces). Tests hold both against those packages.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal

from rapidfuzz.distance import LCSseq

from tunedrop.contracts import JudgedVia

MAX_LABELS = 30
MAX_LABEL_WORDS = 4
CHRF_ORDER = 6
CHRF_BETA = 2


@lru_cache(maxsize=8192)
def words(text: str) -> tuple[str, ...]:
    """Lower-case letters and digits, as rouge-score splits them."""
    return tuple(re.findall(r"[a-z0-9]+", text.lower())) or tuple(re.findall(r"\w+", text.lower()))


def exact_match(reference: str, answer: str) -> float:
    return float(reference.strip() == answer.strip())


def normalized_match(reference: str, answer: str) -> float:
    """Equal but for case, punctuation and spaces."""
    return float(words(reference) == words(answer))


def token_f1(reference: str, answer: str) -> float:
    """Harmonic mean of precision and recall of words, as SQuAD counts it."""
    expected, given = Counter(words(reference)), Counter(words(answer))
    common = sum((expected & given).values())
    return 2 * common / (expected.total() + given.total()) if common else 0.0


def rouge_l(reference: str, answer: str) -> float:
    expected, given = words(reference), words(answer)
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
    """Whether the answer is a JSON object at all."""
    return float(_is_json_object(answer))


def json_fields(reference: str, answer: str) -> float:
    """The share of the reference's JSON fields that the answer has; 0 when it is not JSON."""
    try:
        expected, given = json.loads(reference), json.loads(answer)
    except (ValueError, RecursionError):
        return 0.0
    if not isinstance(expected, dict) or not isinstance(given, dict) or not expected:
        return float(expected == given)
    found = sum(bool(name in given and given[name] == value) for name, value in expected.items())
    return found / len(expected)


METRICS: dict[str, Callable[[str, str], float]] = {
    "accuracy": normalized_match,
    "exact_match": exact_match,
    "normalized_match": normalized_match,
    "token_f1": token_f1,
    "rouge_l": rouge_l,
    "chrf": chrf,
    "json_fields": json_fields,
    "json_valid": json_valid,
}
"""Every metric by the name that a manifest may ask for."""

TITLES = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro F1",
    "exact_match": "Exact match",
    "normalized_match": "Normalised match",
    "token_f1": "Token F1",
    "rouge_l": "ROUGE-L",
    "chrf": "chrF",
    "json_fields": "JSON fields",
    "json_valid": "Valid JSON",
    "judge": "Judge's preference",
    "judge_rating": "Judge's rating",
    "general_ability": "General ability",
}


JUDGED: dict[JudgedVia, str] = {"converse": "judge", "evaluation-job": "judge_rating"}
"""What a judge's score is called: a win rate where it compares, a mean rating where it rates."""

Task = Literal["labels", "json", "text"]

SHOWN: dict[Task, tuple[str, ...]] = {
    "labels": ("accuracy",),
    "json": ("json_fields", "json_valid", "exact_match"),
    "text": ("token_f1", "rouge_l", "chrf", "normalized_match", "exact_match"),
}
"""The metrics that fit a task; the first one decides unless the run asks for another."""


def task_of(references: Sequence[str]) -> Task:
    """What the answers are: JSON objects, a few short labels that come again and again, or other text."""
    if references and all(_is_json_object(reference) for reference in references):
        return "json"
    labels = {" ".join(words(reference)) for reference in references}
    short = all(len(label.split()) <= MAX_LABEL_WORDS for label in labels)
    if references and short and len(labels) <= min(MAX_LABELS, max(2, len(references) // 4)):
        return "labels"
    return "text"


def choose(references: Sequence[str], asked: str = "auto") -> str:
    """The metric that decides: what the run asks for, else what fits the references."""
    return asked if asked != "auto" else SHOWN[task_of(references)][0]


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _ngrams(text: str, order: int) -> Counter[str]:
    return Counter(text[start : start + order] for start in range(len(text) - order + 1))
