"""Which prompts ask about one text: a model that does well or badly on that text does so in all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import regex

from tunedrop.evaluation.scoring.words import words

LONG, FEWEST_WORDS, HALF = 8, 25, 0.5
"""The sentences of a text have so many words, so many together, and such a part of those of the prompt."""

MOST = 0.1
"""What a larger part of all prompts has may be an instruction, which comes in a few wordings."""

_ENDS = regex.compile(r"(?<=[.!?।؟])\s+|(?<=[。！？])|\n+")  # noqa: RUF001 - full-width forms are meant


def passages_of(prompts: Sequence[str]) -> list[str]:
    """Of each prompt the longest sentence of a text that others have too; empty where there is none."""
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
