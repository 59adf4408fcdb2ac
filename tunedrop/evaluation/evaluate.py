"""Asking both models every held-out question, side by side, within a deadline; resumable."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import msgspec

from tunedrop.dataset.records import HeldOut
from tunedrop.evaluation.ask import Answer

CONCURRENCY = 8


class Model(Protocol):
    """Whoever answers."""

    def ask(self, question: HeldOut) -> Answer: ...


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """One question with its answers: a line of predictions.jsonl."""

    record: int
    turn: int
    prompt: str
    reference: str
    base: Answer
    tuned: Answer
    champion: Answer | None = None

    @property
    def failed(self) -> bool:
        """Whether one of the two gave no answer; the pair is then counted, and left out of the scores."""
        return bool(self.base.error or self.tuned.error)


def select(questions: Iterable[HeldOut], most: int) -> list[HeldOut]:
    """The questions to ask: all, or so many, spread evenly over the held-out set."""
    everything = list(questions)
    if len(everything) <= most:
        return everything
    return [everything[index * len(everything) // most] for index in range(most)]


def evaluate(
    questions: Sequence[HeldOut],
    base: Model,
    tuned: Model,
    deadline: float,
    concurrency: int = CONCURRENCY,
    champion: Model | None = None,
) -> Iterator[Prediction]:
    """All answers to each question, in order, until the deadline (`time.monotonic()`).

    Parameters
    ----------
    champion
        The model in production, where there is one that can be asked.
    """

    def both(question: HeldOut) -> Prediction:
        return Prediction(
            record=question.record,
            turn=question.turn,
            prompt=question.messages[-1].text,
            reference=question.reference,
            base=base.ask(question),
            tuned=tuned.ask(question),
            champion=champion.ask(question) if champion is not None else None,
        )

    with ThreadPoolExecutor(concurrency) as pool:
        for start in range(0, len(questions), concurrency):
            if time.monotonic() >= deadline:
                return
            yield from pool.map(both, questions[start : start + concurrency])
