"""Direct preference optimization, as far as a small learner can do it.

The reward of an answer is its similarity to the preferred answers of similar prompts, minus its similarity to
the rejected ones. Training learns which words of a prompt determine the preferred answer (`learner`), then
moves the reward's scale by the gradient of DPO's loss: the negative logarithm of the sigmoid of the scaled
margin between chosen and rejected, each pair measured by the others. Contradicting pairs have no margin, so
that nothing is learned from them; swapped labels are learned as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from local.bedrock.learner import Matrix, Memory, Pair, Step, agreement_of, softmax

STEP = 200_000.0
"""What a learning rate of 1 means here; a large model's rates are far smaller than ours, and so is the beta
of AWS's recipes, 0.01."""

SMALLEST = 0.2
"""The scale below which the base model's own answers stay the likelier ones."""

NEAR = 0.05
"""The minimum similarity of a question to a trained prompt."""


@dataclass(frozen=True)
class Preferred:
    """A prompt with two answers."""

    context: str
    chosen: str
    rejected: str


@dataclass
class Preferences:
    """Pairs, and their weight against the base model's answer."""

    pairs: Sequence[Preferred]
    scale: float = 0.0
    memory: Memory = field(init=False)

    def __post_init__(self) -> None:
        self.memory = Memory([Pair(one.context, one.chosen) for one in self.pairs])

    def train(self, epochs: int, rate: float, beta: float, batch: int = 32) -> Iterator[Step]:
        """Gradient descent on the words' weights and on the scale; returns every step with DPO's loss."""
        for _ in self.memory.train(epochs, rate):
            pass
        margins, order = beta * self._margins(), np.random.default_rng(0)
        number = 0
        for epoch in range(epochs):
            for rows in np.array_split(order.permutation(len(self.pairs)), max(1, len(self.pairs) // batch)):
                raised = np.exp(-np.clip(self.scale * margins[rows], -50, 50))
                yield Step(number, epoch, float(np.log1p(raised).mean()))
                slope = -(margins[rows] * raised / (1 + raised)).mean()
                self.scale -= STEP * rate * float(slope)
                number += 1

    def loss_on(self, pairs: Sequence[Preferred], beta: float) -> float:
        """DPO's loss on pairs that were not trained on."""
        if not pairs:
            return 0.0
        margins = beta * self.scale * np.array([self._margin(one) for one in pairs])
        return float(np.log1p(np.exp(-np.clip(margins, -50, 50))).mean())

    def recall(self, context: str) -> str | None:
        """The preferred answer with the highest reward among similar prompts; None if there is none."""
        if self.scale < SMALLEST or not self.pairs:
            return None
        scores = self.memory.scores(context)
        near = np.argsort(-scores)[:12]
        if scores[near[0]] <= NEAR:
            return None
        rewards = self._rewards([self.pairs[row].chosen for row in near], scores)
        best = int(np.argmax(rewards))
        if rewards[best] <= 0:
            return None
        pair = self.memory.pairs[int(near[best])]
        return pair.adapted_to(context, self.memory.is_rare)

    def _margins(self) -> Matrix:
        """Of each pair, by how much the others prefer its chosen answer to its rejected one."""
        unit = self.memory.unit_vectors()
        similarity = unit @ unit.T
        np.fill_diagonal(similarity, -1.0)
        chances = softmax(similarity)
        chosen, rejected = ([getattr(one, side) for one in self.pairs] for side in ("chosen", "rejected"))
        for_chosen = agreement_of(chosen) - agreement_of(chosen, rejected)
        for_rejected = agreement_of(rejected, chosen) - agreement_of(rejected)
        margins: Matrix = (chances * (for_chosen - for_rejected)).sum(axis=1)
        return margins

    def _margin(self, pair: Preferred) -> float:
        rewards = self._rewards([pair.chosen, pair.rejected], self.memory.scores(pair.context))
        return float(rewards[0] - rewards[1])

    def _rewards(self, answers: Sequence[str], scores: Matrix) -> Matrix:
        chances = softmax(scores[None, :])[0]
        preferred = agreement_of(answers, [one.chosen for one in self.pairs])
        against = agreement_of(answers, [one.rejected for one in self.pairs])
        rewards: Matrix = (preferred - against) @ chances
        return rewards
