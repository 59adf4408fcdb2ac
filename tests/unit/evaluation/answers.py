"""Answers of models to make verdicts on: different prompts, references of words of their own."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import Prediction

WORDS = tuple(
    f"{first}{vowel}{last}" for first in "bdfgklmnprst" for vowel in "aeiou" for last in "bdfgklmnprst"
)


def text(draw: random.Random, words: int = 10) -> str:
    return " ".join(draw.sample(WORDS, words))


def with_words(reference: str, kept: int) -> str:
    """The reference's first words, the rest replaced."""
    words = reference.split()
    return " ".join([*words[:kept], *(f"x{word}" for word in words[kept:])])


def prediction(number: int, base_words: int, tuned_words: int, error: str = "") -> Prediction:
    """A prompt of its own, with answers that have so many of the reference's ten words."""
    draw = random.Random(number)
    reference = text(draw)
    return Prediction(
        record=number,
        turn=0,
        prompt=f"about {text(draw)}",
        reference=reference,
        base=Answer(text=with_words(reference, base_words)),
        tuned=Answer(text=with_words(reference, tuned_words), error=error),
    )


def predictions(pairs: Sequence[tuple[int, int]]) -> list[Prediction]:
    """One of each (words that the base gets right, words that the tuned model gets right), of ten."""
    return [prediction(number, *pair) for number, pair in enumerate(pairs, 1)]


def labelled(rows: Sequence[tuple[str, str, str]], prompt: str = "about") -> list[Prediction]:
    """One of each (reference, base, tuned)."""
    return [
        Prediction(
            record=number,
            turn=0,
            prompt=f"{prompt} {text(random.Random(number))}",
            reference=reference,
            base=Answer(text=base),
            tuned=Answer(text=tuned),
        )
        for number, (reference, base, tuned) in enumerate(rows, 1)
    ]
