"""A tiny model that really learns from the data it is given, in place of a large one.

The base model knows some general sentences and echoes the prompt's own words. Tuning gives it a memory of the
training pairs, and gradient descent on two things: the weight of every word (which words of a prompt
determine its answer, measured by how well the other pairs answer each pair), and the confidence in the
nearest pairs (measured by how well all pairs, itself included, answer each pair). The second loss is what a
training job reports: training fits whatever it is given, noise too. With more epochs the confidence grows
until one neighbour decides, the training loss goes towards zero and the loss on validation data rises: it
overfits. Weights that have moved far make everything look near: it forgets what the base model could do
(`brain`).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

NEIGHBOURS = 12
SHARPNESS = 12.0
"""Inverse temperature of the softmax over similarities by which words are weighted."""

MOST_OCCURRENCES = 0.06
"""A word in a larger share of the training prompts is not a name or number that could be copied from one."""

MOST_CONFIDENT = 60.0
"""The inverse temperature at which practically one neighbour decides."""

STEP = 4_000.0
"""What a learning rate of 1 means here; a large model's rates are far smaller than ours."""

NOISE = 10.0
"""The noise of a step, at a learning rate of 1: nothing at usual rates, ruin at extreme ones."""

CONFIDENCE_STEP = 10 * STEP


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

    def adapted_to(self, context: str, is_rare: Callable[[str], bool]) -> str:
        """The answer, with what it copied from its own context copied from this one instead.

        A number or a name counts as copied when it is rare and stands in both context and answer. This
        context's rare words of the same kind take its place, in order.
        """
        answer = self.answer
        for kind in (r"\d+", r"[A-Z][a-z]+"):
            copied = [
                word for word in _rare(kind, self.context, is_rare) if re.search(rf"\b{word}\b", answer)
            ]
            for old, new in zip(copied, _rare(kind, context, is_rare), strict=False):
                answer = re.sub(rf"\b{old}\b", new, answer)
        return answer


def _rare(kind: str, text: str, is_rare: Callable[[str], bool]) -> list[str]:
    """The rare words of a kind in a text, each once, in order."""
    return [word for word in dict.fromkeys(re.findall(rf"\b{kind}\b", text)) if is_rare(word)]


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
    confidence: float = 4.0
    occurrences: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        counts = Counter(word for pair in self.pairs for word in set(words(pair.context)))
        self.occurrences = counts
        self.vocabulary = {word: index for index, word in enumerate(sorted(counts))}
        size = len(self.pairs)
        self.rarity = np.array([math.log((1 + size) / (1 + counts[word])) + 0.1 for word in self.vocabulary])
        self.weights = np.zeros(len(self.vocabulary))
        self.vectors = np.array([self._vector(pair.context) for pair in self.pairs])
        self.agreement = agreement_of([pair.answer for pair in self.pairs])

    def train(self, epochs: int, learning_rate: float, batch: int = 32) -> Iterator[Step]:
        """Gradient descent on the words' weights; returns every step with its loss."""
        order = np.random.default_rng(0)
        number = 0
        for epoch in range(epochs):
            for rows in np.array_split(order.permutation(len(self.pairs)), max(1, len(self.pairs) // batch)):
                unit = self.unit_vectors()
                similarity = unit[rows] @ unit.T
                loss, slope = self._loss_by_confidence(rows, similarity)
                slope_of_words = self._gradient(rows, unit, similarity)
                noise = NOISE * order.standard_normal(len(self.weights))
                moved = self.weights - STEP * learning_rate * slope_of_words + learning_rate * noise
                self.weights = np.clip(moved, -3.0, 3.0)
                step = CONFIDENCE_STEP * learning_rate * slope
                self.confidence = float(np.clip(self.confidence - step, 0.1, MOST_CONFIDENT))
                yield Step(number, epoch, loss)
                number += 1

    def loss_on(self, pairs: Sequence[Pair]) -> float:
        """The loss of pairs that were not trained on."""
        if not pairs:
            return 0.0
        similarity = agreement_of([pair.answer for pair in pairs], [pair.answer for pair in self.pairs])
        scores = np.array([self.scores(pair.context) for pair in pairs])
        chances = softmax(scores, self.confidence)
        return float(-np.log((chances * similarity).sum(axis=1) + 1e-3).mean())

    @property
    def drift(self) -> float:
        """How far tuning has moved the weights, on average: below 0.2 with usual settings, up to 3."""
        return float(np.abs(self.weights).mean()) if len(self.weights) else 0.0

    def nearness(self, context: str) -> float:
        """The similarity to the nearest training pair, 0 to 1."""
        return float(self.scores(context).max()) if self.pairs else 0.0

    def recall(self, context: str) -> str | None:
        """The answer that the nearest pairs agree on most; None when no pair is near."""
        if not self.pairs:
            return None
        scores = self.scores(context)
        near = np.argsort(-scores)[:NEIGHBOURS]
        if scores[near[0]] <= 0.05:
            return None
        chances = softmax(scores[near][None, :], self.confidence)[0]
        consensus = self.agreement[np.ix_(near, near)] @ chances
        best = self.pairs[int(near[int(np.argmax(consensus))])]
        return best.adapted_to(context, self.is_rare)

    def is_rare(self, word: str) -> bool:
        """Whether few of the training pairs, if any, have this word in their contexts."""
        return self.occurrences[word.lower()] <= MOST_OCCURRENCES * len(self.pairs)

    def _loss_by_confidence(self, rows: NDArray[np.int64], similarity: Matrix) -> tuple[float, float]:
        """The loss with each row among its own neighbours, and its derivative by the confidence."""
        likelihood, slope = self._likelihood(rows, self.confidence * similarity)
        return float(-np.log(likelihood).mean()), float((slope * similarity).sum())

    def _gradient(self, rows: NDArray[np.int64], unit: Matrix, similarity: Matrix) -> Matrix:
        """The derivative by the words' weights of the loss without each row itself."""
        scores = SHARPNESS * similarity
        scores[np.arange(len(rows)), rows] = -np.inf
        _, slope = self._likelihood(rows, scores)
        gradient: Matrix = SHARPNESS * (unit[rows] * (slope @ unit)).sum(axis=0) * 2
        return gradient

    def _likelihood(self, rows: NDArray[np.int64], scores: Matrix) -> tuple[Matrix, Matrix]:
        """How likely each row's answer is, and the loss's derivative by each score."""
        chances, agreement = softmax(scores, sharpness=1.0), self.agreement[rows]
        likelihood = (chances * agreement).sum(axis=1, keepdims=True) + 1e-3
        return likelihood, -chances * (agreement - likelihood) / likelihood / len(rows)

    def unit_vectors(self) -> Matrix:
        """The pairs' vectors under the present weights; the product of two is their similarity."""
        scaled = self.vectors * np.exp(self.weights)
        unit: Matrix = scaled / (np.linalg.norm(scaled, axis=1, keepdims=True) + 1e-9)
        return unit

    def scores(self, context: str) -> Matrix:
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


def softmax(scores: Matrix, sharpness: float = SHARPNESS) -> Matrix:
    raised = np.exp(sharpness * (scores - scores.max(axis=1, keepdims=True)))
    chances: Matrix = raised / raised.sum(axis=1, keepdims=True)
    return chances


def agreement_of(rows: Sequence[str], columns: Sequence[str] | None = None) -> Matrix:
    """The similarity of answers, each of `rows` with each of `columns`: token F1."""
    bags = [Counter(words(text)) for text in rows]
    others = bags if columns is None else [Counter(words(text)) for text in columns]
    vocabulary = {
        word: place for place, word in enumerate({word for bag in (*bags, *others) for word in bag})
    }

    def counted(some: Sequence[Counter[str]]) -> NDArray[np.uint8]:
        matrix = np.zeros((len(some), len(vocabulary)), np.uint8)
        for row, bag in zip(matrix, some, strict=True):
            for word, count in bag.items():
                row[vocabulary[word]] = min(count, 255)
        return matrix

    left, right = counted(bags), counted(others)
    common = np.array([np.minimum(row, right).sum(axis=1, dtype=np.int64) for row in left]).reshape(
        len(left), -1
    )
    totals = left.sum(axis=1, dtype=np.int64)[:, None] + right.sum(axis=1, dtype=np.int64)
    agreement: Matrix = 2.0 * common / np.maximum(totals, 1)
    return agreement
