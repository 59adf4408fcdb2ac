"""Answers that are one of a few labels: which they are, how they are confused, macro F1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from tunedrop.evaluation.metrics import words

OTHER = "none of them"
"""What counts as given when an answer is none of the labels."""


class Confusion(msgspec.Struct, frozen=True, kw_only=True):
    """How often each label (a row) was answered by each (a column); the last column is any other answer."""

    labels: tuple[str, ...]
    base: tuple[tuple[int, ...], ...]
    tuned: tuple[tuple[int, ...], ...]


def label_of(text: str) -> str:
    """A label without case, punctuation and spaces at its ends."""
    return " ".join(words(text))


def labels_of(references: Sequence[str]) -> tuple[str, ...]:
    """All labels, the most frequent first."""
    return tuple(label for label, _ in Counter(label_of(one) for one in references).most_common())


def confusion(references: Sequence[str], base: Sequence[str], tuned: Sequence[str]) -> Confusion:
    """Both models' answers against the references."""
    labels = labels_of(references)
    return Confusion(
        labels=labels, base=_matrix(labels, references, base), tuned=_matrix(labels, references, tuned)
    )


def macro_f1(pairs: Sequence[tuple[str, str]]) -> float:
    """The mean over labels of each label's F1, from (reference, answer) as labels.

    As scikit-learn's f1_score with average="macro" over the labels of the references: a label that was never
    answered rightly counts 0.
    """
    expected, given = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    right = Counter(one for one, other in pairs if one == other)
    scores = [2 * right[label] / (expected[label] + given[label]) for label in expected]
    return sum(scores) / len(scores) if scores else 0.0


def _matrix(
    labels: Sequence[str], references: Sequence[str], answers: Sequence[str]
) -> tuple[tuple[int, ...], ...]:
    column = {label: index for index, label in enumerate(labels)}
    counts = [[0] * (len(labels) + 1) for _ in labels]
    for reference, answer in zip(references, answers, strict=True):
        counts[column[label_of(reference)]][column.get(label_of(answer), len(labels))] += 1
    return tuple(tuple(row) for row in counts)
