"""Local reinforcement training: the model chooses among words by their reward.

It begins without a preference, tries words, has its answers graded and follows the reward: policy gradient on
a linear softmax over (word of the question, word of the answer). It knows no reference answer, only grades.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from local.bedrock.learner import Step, words

Matrix = NDArray[np.float64]
Grader = Callable[[Sequence[tuple[int, str]]], Sequence[float]]
"""Rewards of answers, each given with the number of its prompt."""

STEP = 40_000.0
"""What a learning rate of 1 means here."""

GOOD = 0.5
"""The reward from which a word counts as an answer at all."""

ANYTHING = ""
"""A feature of every question, for answers that are good regardless of the question."""


@dataclass(frozen=True)
class Prompt:
    """A prompt; `system` may also offer words to answer with."""

    question: str
    system: str = ""

    @property
    def features(self) -> list[str]:
        return [ANYTHING, *dict.fromkeys(words(self.question))]

    @property
    def options(self) -> list[str]:
        return list(dict.fromkeys(words(f"{self.system} {self.question}")))


@dataclass
class Policy:
    """Weights of (feature, option) pairs, by the words that the training prompts have."""

    known: dict[str, int] = field(default_factory=dict)
    weights: Matrix = field(default_factory=lambda: np.zeros((0, 0)))
    rewarded: set[str] = field(default_factory=set)

    def train(
        self, prompts: Sequence[Prompt], grader: Grader, epochs: int, rate: float, batch: int, samples: int
    ) -> Iterator[Step]:
        """Returns every step with its loss: 1 minus the mean reward."""
        vocabulary = dict.fromkeys(word for one in prompts for word in (*one.features, *one.options))
        self.known = {word: index for index, word in enumerate(vocabulary)}
        self.weights = np.zeros((len(self.known), len(self.known)))
        random, number = np.random.default_rng(0), 0
        for epoch in range(epochs):
            order = random.permutation(len(prompts))
            for rows in np.array_split(order, max(1, len(prompts) // batch)):
                tried = [
                    (int(row), self._sample(prompts[row], random)) for row in rows for _ in range(samples)
                ]
                graded = grader(tried)
                self.rewarded |= {word for (_, word), gain in zip(tried, graded, strict=True) if gain > GOOD}
                rewards = np.array(graded).reshape(len(rows), samples)
                for row, answers, gains in zip(rows, _grouped(tried, samples), rewards, strict=True):
                    self._follow(prompts[row], answers, gains - gains.mean(), STEP * rate)
                yield Step(number, epoch, float(1 - rewards.mean()))
                number += 1

    def answer(self, prompt: Prompt) -> str | None:
        """The preferred word; None if no word was rewarded or none is preferred."""
        options = [one for one in prompt.options if one in self.rewarded]
        scores = self._scores(prompt, options)
        return options[int(np.argmax(scores))] if len(options) and scores.max() > 0 else None

    def loss_on(self, prompts: Sequence[Prompt], grader: Grader) -> float:
        """1 minus the mean reward, with one greedy answer per prompt."""
        answers = [(number, self.answer(one) or "") for number, one in enumerate(prompts)]
        return float(1 - np.mean(grader(answers)))

    def _sample(self, prompt: Prompt, random: np.random.Generator) -> str:
        options = prompt.options
        chosen: str = random.choice(options, p=_softmax(self._scores(prompt, options)))
        return str(chosen)

    def _follow(self, prompt: Prompt, answers: Sequence[str], gains: Matrix, step: float) -> None:
        options, features = prompt.options, [self.known[word] for word in prompt.features]
        chances = _softmax(self._scores(prompt, options))
        slope = np.zeros(len(options))
        for answer, gain in zip(answers, gains, strict=True):
            slope -= gain * chances
            slope[options.index(answer)] += gain
        columns = [self.known[word] for word in options]
        self.weights[np.ix_(features, columns)] += step * slope[None, :] / len(features)

    def _scores(self, prompt: Prompt, options: Sequence[str]) -> Matrix:
        features = [self.known[word] for word in prompt.features if word in self.known]
        columns = [self.known[word] for word in options]
        scores: Matrix = self.weights[np.ix_(features, columns)].sum(axis=0)
        return scores


def _grouped(tried: Sequence[tuple[int, str]], samples: int) -> Iterator[list[str]]:
    for start in range(0, len(tried), samples):
        yield [answer for _, answer in tried[start : start + samples]]


def _softmax(scores: Matrix) -> Matrix:
    raised = np.exp(scores - scores.max())
    chances: Matrix = raised / raised.sum()
    return chances
