"""A word n-gram language model: what continued pre-training trains here.

The base model has read a few general sentences; training interpolates counts of the domain's text with them.
The share of the domain grows with every step of gradient descent on the held-out loss.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from importlib import resources

from local.bedrock.abilities import known_facts
from local.bedrock.learner import Step

ORDER = 4
MOSTLY_GENERAL, ONLY_DOMAIN = 0.5, 0.999
"""The shares of the domain below which it has no effect, and above which nothing else has."""

STEP = 2_000.0
"""What a learning rate of 1 means here."""


def pieces(text: str) -> list[str]:
    """Words and punctuation, in order."""
    return re.findall(r"\w+(?:['-]\w+)*|[^\w\s]", text)


def join(tokens: Sequence[str]) -> str:
    """Text from pieces, with no space before punctuation."""
    return re.sub(r" ([.,;:!?%)])", r"\1", " ".join(tokens)).replace("( ", "(")


class Counts:
    """How often each word followed each context of up to three words."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.following: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        self.beginnings: Counter[str] = Counter()
        for text in texts:
            tokens = pieces(text)
            self.beginnings.update(tokens[:1])
            for index, token in enumerate(tokens):
                for length in range(ORDER):
                    if length <= index:
                        context = tuple(word.lower() for word in tokens[index - length : index])
                        self.following[context][token] += 1

    def chance(self, token: str, context: Sequence[str]) -> float:
        """The chance of a token after a context: longer contexts count more (Jelinek-Mercer)."""
        chance = 1e-5
        for length in range(ORDER):
            seen = self.following.get(_context(context, length))
            if seen:
                chance = 0.35 * chance + 0.65 * seen[token] / seen.total()
        return chance

    def after(self, context: Sequence[str], length: int) -> str | None:
        """The most frequent continuations of a context."""
        seen = self.following.get(_context(context, length)) if len(context) >= length else None
        return seen.most_common(1)[0][0] if seen else None

    def beginning(self) -> str:
        """The most frequent first words of texts."""
        return self.beginnings.most_common(1)[0][0]


def _context(tokens: Sequence[str], length: int) -> tuple[str, ...]:
    return tuple(word.lower() for word in tokens[len(tokens) - length :]) if length else ()


def general_texts() -> list[str]:
    """The general sentences that every base model here has read."""
    return _lines("general.txt")


def encyclopedia() -> list[str]:
    """Additional sentences that only the large local models have read."""
    return _lines("encyclopedia.txt")


def _lines(name: str) -> list[str]:
    text = (resources.files("local.bedrock") / name).read_text("utf-8")
    return [line for line in text.splitlines() if line]


class LanguageModel:
    """The base model's counts, and the domain's once it has been trained."""

    def __init__(self) -> None:
        self.general = Counts([*general_texts(), *known_facts()])
        self.domain: Counts | None = None
        self.texts: Sequence[str] = ()
        self.share = 0.0

    def train(self, texts: Sequence[str], epochs: int, learning_rate: float) -> Iterator[Step]:
        """Train on the domain's texts; returns every step with its loss, cross-validated over the texts."""
        folds = [texts[index::5] for index in range(5)]
        models = [
            Counts([text for other, part in enumerate(folds) if other != index for text in part])
            for index in range(5)
        ]
        logit, number = -3.0, 0
        for epoch in range(epochs):
            for fold, model in zip(folds, models, strict=True):
                share = 1 / (1 + math.exp(-logit))
                loss, slope = _loss_and_slope(fold, self.general, model, share)
                logit -= STEP * learning_rate * slope * share * (1 - share)
                yield Step(number, epoch, loss)
                number += 1
        self.remember(texts, 1 / (1 + math.exp(-logit)))

    def remember(self, texts: Sequence[str], share: float) -> None:
        """Use a domain's texts with this share, without training."""
        self.texts, self.share, self.domain = texts, share, Counts(texts) if texts else None

    def loss_on(self, texts: Sequence[str]) -> float:
        """Nats a token on texts that were not trained on."""
        return _loss_and_slope(texts, self.general, self.domain or self.general, self.share)[0]

    def continue_text(self, text: str, max_tokens: int) -> str:
        """The likeliest continuation, word by word; it never repeats four words.

        After unknown words it begins a new sentence, because a large model always continues a text.
        """
        tokens = pieces(text)
        said: set[tuple[str | None, ...]] = set()
        start = len(tokens)
        while len(tokens) - start < max_tokens:
            token = self._likeliest(tokens) or (None if said else self.general.beginning())
            phrase = (*tokens[-3:], token)
            if token is None or phrase in said:
                break
            said.add(phrase)
            tokens.append(token)
        return join(tokens[start:])

    def _likeliest(self, tokens: Sequence[str]) -> str | None:
        """The prediction of the longest known context; only the domain's once it dominates."""
        if self.domain is None or self.share <= MOSTLY_GENERAL:
            readings = [self.general]
        elif self.share < ONLY_DOMAIN:
            readings = [self.domain, self.general]
        else:
            readings = [self.domain]
        for length in reversed(range(1, ORDER)):
            for reading in readings:
                if (token := reading.after(tokens, length)) is not None:
                    return token
        return None


def _loss_and_slope(
    texts: Sequence[str], general: Counts, domain: Counts, share: float
) -> tuple[float, float]:
    loss, slope, count = 0.0, 0.0, 0
    for text in texts:
        tokens = pieces(text)
        for index, token in enumerate(tokens):
            context = tokens[max(0, index - ORDER + 1) : index]
            base, tuned = general.chance(token, context), domain.chance(token, context)
            mixed = share * tuned + (1 - share) * base
            loss -= math.log(mixed)
            slope -= (tuned - base) / mixed
            count += 1
    return loss / max(1, count), slope / max(1, count)
