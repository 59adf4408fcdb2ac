"""Finds prompts about the same text: a model that does well or badly on a text does so in all of its
prompts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import regex

from tunedrop.evaluation.scoring.words import words

LONG, FEWEST_WORDS, HALF = 8, 25, 0.5
"""The minimum number of words of a sentence of the text, of all its sentences together, and their share of
the prompt."""

MOST = 0.1
"""Sentences in a larger share of all prompts may be an instruction, which has a few wordings."""

_ENDS = regex.compile(r"(?<=[.!?।؟])\s+|(?<=[。！？])|\n+")  # noqa: RUF001 - full-width forms are meant


def passages_of(prompts: Sequence[str]) -> list[str]:
    """For each prompt, the longest sentence of a text that other prompts contain too; empty if there is
    none."""
    having = [[one for one in dict.fromkeys(_ENDS.split(text)) if _length(one) >= LONG] for text in prompts]
    counts = Counter(sentence for one in having for sentence in one)
    found = []
    for prompt, sentences in zip(prompts, having, strict=True):
        shared = [one for one in sentences if 1 < counts[one] <= MOST * len(prompts)]
        is_text = sum(map(_length, shared)) >= max(FEWEST_WORDS, HALF * _length(prompt))
        found.append(max(shared, key=_length) if is_text else "")
    return found


def _length(text: str) -> int:
    return len(words(text))
