"""Answers that are labels: whether they are, which label they have, and the confusion between labels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property

import msgspec
import regex

from tunedrop.evaluation.scoring.json_leaves import is_document
from tunedrop.evaluation.scoring.words import folded, split_words, words

OTHER = "none of them"
"""The label of an answer that is none of the labels."""

MOST_TOKENS, MOST_CHARACTERS = 8, 64
"""The maximum length of a label in tokens. A Chinese character is a token, so sentences in such scripts are
longer too."""

MOST_UNSEEN = 0.4
"""The share of references that occur once, by Good and Turing the chance that the next one is a new label
(Good 1953, Biometrika 40). 77 intents in as many prompts have 0.37, short free answers 0.7 and more; the
bench of the gate measures it."""

MOST_ODD = 0.1
"""The share of references that may be sentences or longer than a label."""

_EDGE = r"[\s`_[\p{Po}\p{Ps}\p{Pe}\p{Pi}\p{Pf}--[#%&@/\\‰]]]"
_OUTSIDE = regex.compile(rf"^{_EDGE}+|{_EDGE}+$", regex.VERSION1)
"""Punctuation of any script, except for parts of names: `C#`, `50%`, `a/b`."""

_BETWEEN = frozenset("/\\&")

_SENTENCE = re.compile(r"[.!?。！？।؟]\s*$")  # noqa: RUF001 - full-width forms are meant


def label_of(text: str) -> str:
    """A label without case, surrounding spaces and punctuation; symbols stay: `C++`, `<=50K`."""
    plain = " ".join(folded(text).split())
    return _OUTSIDE.sub("", plain) or plain


class LabelSet(msgspec.Struct, frozen=True, dict=True):
    """The labels of references, the most frequent first.

    If two labels differ only in case and punctuation, labels are compared as they are written.
    """

    names: tuple[str, ...]
    folds: bool = True

    def of(self, text: str) -> str:
        """A text as a label, whether or not it is one of these."""
        return label_of(text) if self.folds else text.strip()

    def share(self, label: str, text: str) -> float:
        """The degree to which a text names this label, from 0 to 1."""
        return self.shares(text).get(label, 0.0)

    def shares(self, text: str) -> dict[str, float]:
        """The labels that a text names: 1 for a single one, less for several.

        With many labels, a text that names two usually rules one of them out.
        """
        if (said := self.of(text)) in self.names:
            return {said: 1.0}
        named = self._named(text)
        share = 1.0 if len(named) == 2 <= len(self.names) / 2 else 1 / max(1, len(named))
        return dict.fromkeys(named, share)

    def _named(self, text: str) -> set[str]:
        said, found, at = words(text), set[str](), 0
        while at < len(said):
            sizes = [size for size in self._sizes if said[at : at + size] in self._by_words]
            if sizes:
                found.add(self._by_words[said[at : at + sizes[0]]])
            at += sizes[0] if sizes else 1
        return found or self._in_any_order(text)

    def _in_any_order(self, text: str) -> set[str]:
        """The multi-word labels whose words are adjacent in a text: `refund (billing)` for
        `billing/refund`."""
        said = _apart(text)
        spans = (
            frozenset(said[at : at + size])
            for size in sorted(set(map(len, self._by_parts)))
            for at in range(len(said) - size + 1)
        )
        return {self._by_parts[span] for span in spans if span in self._by_parts}

    @cached_property
    def _by_parts(self) -> dict[frozenset[str], str]:
        """Multi-word labels, without those that have the same words as another one."""
        parts = {name: frozenset(_apart(name)) for name in self.names}
        counts = Counter(parts.values())
        return {one: name for name, one in parts.items() if len(one) > 1 and counts[one] == 1}

    @cached_property
    def _by_words(self) -> dict[tuple[str, ...], str]:
        return {words(name): name for name in self.names if words(name)}

    @cached_property
    def _sizes(self) -> list[int]:
        """The numbers of words of labels, highest first: `card payment` is not `card`."""
        return sorted({len(one) for one in self._by_words}, reverse=True)


def _apart(text: str) -> list[str]:
    """The words of a text, without those that may separate the words of a label."""
    return [one for one in split_words(text) if one not in _BETWEEN]


def label_set(references: Sequence[str]) -> LabelSet:
    """The labels of these references."""
    written = Counter(one.strip() for one in references)
    folding = Counter(label_of(one) for one in references)
    folds = len(folding) == len(written)
    return LabelSet(tuple(name for name, _ in (folding if folds else written).most_common()), folds)


def are_labels(references: Sequence[str]) -> bool:
    """Whether these are labels: short, neither sentences nor JSON, and mostly repeated."""
    if not references:
        return False
    odd = sum(map(_is_odd, references))
    counts = Counter(label_of(one) for one in references)
    single = sum(count == 1 for count in counts.values())
    return odd <= MOST_ODD * len(references) and single <= MOST_UNSEEN * len(references)


def _is_odd(text: str) -> bool:
    """Whether a text cannot be a label: too long, a sentence, several lines, or JSON."""
    plain = text.strip()
    size = len(words(plain)) if len(plain) <= MOST_CHARACTERS else MOST_TOKENS + 1
    sentence = size > 3 and _SENTENCE.search(plain) is not None
    return not plain or "\n" in plain or size > MOST_TOKENS or sentence or is_document(plain)


class Confusion(msgspec.Struct, frozen=True, kw_only=True):
    """How often each correct label (row) was answered with each label (column); the last column is any other
    answer."""

    labels: tuple[str, ...]
    base: tuple[tuple[int, ...], ...]
    tuned: tuple[tuple[int, ...], ...]


def confusion(references: Sequence[str], base: Sequence[str], tuned: Sequence[str]) -> Confusion:
    """Both models' answers against the references."""
    labels = label_set(references)
    return Confusion(
        labels=labels.names,
        base=_matrix(labels, references, base),
        tuned=_matrix(labels, references, tuned),
    )


def _matrix(
    labels: LabelSet, references: Sequence[str], answers: Sequence[str]
) -> tuple[tuple[int, ...], ...]:
    column = {label: index for index, label in enumerate(labels.names)}
    counts = [[0] * (len(column) + 1) for _ in column]
    for reference, answer in zip(references, answers, strict=True):
        counts[column[labels.of(reference)]][column.get(labels.of(answer), len(column))] += 1
    return tuple(tuple(row) for row in counts)
