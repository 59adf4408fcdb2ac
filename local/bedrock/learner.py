"""A tiny model that really learns from the data it is given, in place of a large one.

The base model knows some general sentences and echoes the prompt's own words. Tuning gives it a memory of the
training pairs, and gradient descent on the weight of every word: which words of a prompt tell its answer. The
loss is the negative log-likelihood that a prompt's neighbours, leaving itself out, have its answer, at the
confidence that it has learned to have in them; answers are the likeliest, whatever the confidence. A memory
whose neighbours tell no more than answers drawn blindly is noise: the tuned model then answers as its base
does, which is what a model tuned on shuffled answers deserves.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

NEIGHBOURS = 12
SHARPNESS = 12.0
"""Inverse temperature of the softmax over similarities."""

STEP = 4_000.0
"""What a learning rate of 1 means here; a large model's rates are far smaller than ours."""

CONFIDENCE_STEP = 10 * STEP

SIGNIFICANT = 3.0
"""Standard errors by which the memory must beat blind answers before it is trusted."""


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def overlap(one: Counter[str], other: Counter[str]) -> float:
    """Token F1 of two bags of words, 0 to 1."""
    common = sum((one & other).values())
    return 2 * common / (one.total() + other.total()) if common else 0.0


@dataclass(frozen=True)
class Pair:
    """One thing to learn: what was said before, and the answer to it."""

    context: str
    answer: str


@dataclass
class Step:
    """One optimizer step, as it goes into step_wise_training_metrics.csv."""

    number: int
    epoch: int
    loss: float


@dataclass
class Memory:
    """The training pairs as vectors, and what was learned about them."""

    pairs: Sequence[Pair]
    vocabulary: dict[str, int] = field(default_factory=dict)
    rarity: Matrix = field(default_factory=lambda: np.zeros(0))
    weights: Matrix = field(default_factory=lambda: np.zeros(0))
    vectors: Matrix = field(default_factory=lambda: np.zeros((0, 0)))
    agreement: Matrix = field(default_factory=lambda: np.zeros((0, 0)))
    trusted: bool = False
    confidence: float = 1.0

    def __post_init__(self) -> None:
        counts = Counter(word for pair in self.pairs for word in set(words(pair.context)))
        self.vocabulary = {word: index for index, word in enumerate(sorted(counts))}
        size = len(self.pairs)
        self.rarity = np.array([math.log((1 + size) / (1 + counts[word])) + 0.1 for word in self.vocabulary])
        self.weights = np.zeros(len(self.vocabulary))
        self.vectors = np.array([self._vector(pair.context) for pair in self.pairs])
        self.agreement = _agreement([pair.answer for pair in self.pairs])

    def train(self, epochs: int, learning_rate: float, batch: int = 32) -> Iterator[Step]:
        """Gradient descent on the words' weights; gives every step with its loss."""
        order = np.random.default_rng(0)
        number = 0
        for epoch in range(epochs):
            for rows in np.array_split(order.permutation(len(self.pairs)), max(1, len(self.pairs) // batch)):
                loss, slope = self._loss_by_confidence(rows)
                self.weights = np.clip(self.weights - STEP * learning_rate * self._gradient(rows), -3.0, 3.0)
                step = CONFIDENCE_STEP * learning_rate * slope
                self.confidence = float(np.clip(self.confidence - step, 0.1, SHARPNESS))
                yield Step(number, epoch, loss)
                number += 1
        self.trusted = self._beats_blind_answers()

    def loss_on(self, pairs: Sequence[Pair]) -> float:
        """The loss of pairs that were not trained on."""
        if not pairs:
            return 0.0
        similarity = _agreement([pair.answer for pair in pairs], [pair.answer for pair in self.pairs])
        scores = np.array([self._scores(pair.context) for pair in pairs])
        chances = _softmax(scores, self.confidence)
        return float(-np.log((chances * similarity).sum(axis=1) + 1e-3).mean())

    @property
    def drift(self) -> float:
        """How far tuning has moved the weights, on average: below 0.2 with usual settings, up to 3."""
        return float(np.abs(self.weights).mean()) if len(self.weights) else 0.0

    def nearness(self, context: str) -> float:
        """How like the nearest training pair this is, 0 to 1."""
        return float(self._scores(context).max()) if self.pairs else 0.0

    def recall(self, context: str) -> str | None:
        """The answer that the nearest pairs agree on most; None when the memory has nothing to say."""
        if not self.trusted or not self.pairs:
            return None
        scores = self._scores(context)
        near = np.argsort(-scores)[:NEIGHBOURS]
        if scores[near[0]] <= 0.05:
            return None
        chances = _softmax(scores[near][None, :])[0]
        consensus = self.agreement[np.ix_(near, near)] @ chances
        return self.pairs[int(near[int(np.argmax(consensus * (0.2 + chances)))])].answer

    def _loss_by_confidence(self, rows: NDArray[np.int64]) -> tuple[float, float]:
        """The loss, and its derivative by the confidence."""
        likeness, chances, slope = self._neighbours(rows, self.confidence)
        likelihood = (chances * self.agreement[rows]).sum(axis=1) + 1e-3
        return float(-np.log(likelihood).mean()), float((slope * likeness).sum())

    def _gradient(self, rows: NDArray[np.int64]) -> Matrix:
        """The loss's derivative by the words' weights, as sharp as answers are recalled."""
        unit = self._unit_vectors()
        _, _, slope = self._neighbours(rows, SHARPNESS)
        gradient: Matrix = SHARPNESS * (unit[rows] * (slope @ unit)).sum(axis=0) * 2
        return gradient

    def _neighbours(self, rows: NDArray[np.int64], sharpness: float) -> tuple[Matrix, Matrix, Matrix]:
        """Of each row and each pair: how alike, how likely to answer, and the loss's slope by its score."""
        unit = self._unit_vectors()
        likeness = unit[rows] @ unit.T
        scores = sharpness * likeness
        scores[np.arange(len(rows)), rows] = -np.inf
        chances, agreement = _softmax(scores, sharpness=1.0), self.agreement[rows]
        likelihood = (chances * agreement).sum(axis=1, keepdims=True) + 1e-3
        return likeness, chances, -chances * (agreement - likelihood) / likelihood / len(rows)

    def _unit_vectors(self) -> Matrix:
        scaled = self.vectors * np.exp(self.weights)
        unit: Matrix = scaled / (np.linalg.norm(scaled, axis=1, keepdims=True) + 1e-9)
        return unit

    def _beats_blind_answers(self) -> bool:
        """Whether neighbours tell an answer better than blind draws do, leaving each pair out in turn."""
        if len(self.pairs) < 3:
            return False
        scores = np.array([self._scores(pair.context) for pair in self.pairs])
        np.fill_diagonal(scores, -np.inf)
        informed = (_softmax(scores) * self.agreement).sum(axis=1)
        others = self.agreement.sum(axis=1) - self.agreement.diagonal()
        gain = informed - others / (len(self.pairs) - 1)
        error = gain.std() / math.sqrt(len(gain)) + 1e-9
        return bool(gain.mean() > 0.02 and gain.mean() / error > SIGNIFICANT)

    def _scores(self, context: str) -> Matrix:
        query = self._vector(context) * np.exp(self.weights)
        scaled = self.vectors * np.exp(self.weights)
        norms = np.linalg.norm(scaled, axis=1) * (np.linalg.norm(query) or 1.0) + 1e-9
        scores: Matrix = scaled @ query / norms
        return scores

    def _vector(self, text: str) -> Matrix:
        vector = np.zeros(len(self.vocabulary))
        for word, count in Counter(words(text)).items():
            index = self.vocabulary.get(word)
            if index is not None:
                vector[index] = (1 + math.log(count)) * self.rarity[index]
        return vector


def _softmax(scores: Matrix, sharpness: float = SHARPNESS) -> Matrix:
    raised = np.exp(sharpness * (scores - scores.max(axis=1, keepdims=True)))
    chances: Matrix = raised / raised.sum(axis=1, keepdims=True)
    return chances


def _agreement(rows: Sequence[str], columns: Sequence[str] | None = None) -> Matrix:
    """How alike answers are, each of `rows` with each of `columns`: token F1."""
    bags = [Counter(words(text)) for text in rows]
    others = bags if columns is None else [Counter(words(text)) for text in columns]
    return np.array([[overlap(one, other) for other in others] for one in bags])
