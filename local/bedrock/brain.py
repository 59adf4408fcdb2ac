"""The answers of local models, from general knowledge and, if tuned, from training data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from local.bedrock.abilities import ability
from local.bedrock.language import LanguageModel, encyclopedia, general_texts, join, pieces
from local.bedrock.learner import Memory, overlap, words
from local.bedrock.policy import Policy, Prompt
from local.bedrock.preferences import Preferences

EARLIER_TURNS = 2
"""The number of earlier messages that are context in addition to the last one."""


@dataclass
class Brain:
    """A model: the base, with a memory, a domain's language or preferences where it has been tuned."""

    memory: Memory | None = None
    language: LanguageModel | None = None
    policy: Policy | None = None
    preferences: Preferences | None = None
    well_read: bool = False

    def answer(self, turns: Sequence[str], max_tokens: int, system: str = "") -> str:
        """The answer to a conversation, its last message last."""
        preferred = self.policy.answer(Prompt(turns[-1], system)) if self.policy is not None else None
        if preferred is not None:
            return cut(preferred, max_tokens)
        context = context_of(turns)
        able = ability(turns[-1])
        if able is not None and self._keeps_abilities(context):
            return cut(able, max_tokens)
        liked = self.preferences.recall(context) if self.preferences is not None else None
        if liked is not None:
            return cut(liked, max_tokens)
        recalled = self.memory.recall(context) if self.memory is not None else None
        if recalled is not None:
            return cut(recalled, max_tokens)
        if self.language is not None and (continued := self.language.continue_text(turns[-1], max_tokens)):
            return cut(continued, max_tokens)
        return cut(able or general_answer(turns[-1], self.well_read), max_tokens)

    def _keeps_abilities(self, context: str) -> bool:
        """Whether the base model's abilities take precedence over what was learned: unless the training data
        is very near, or tuning has moved the weights so far that everything looks near."""
        return self.memory is None or self.memory.nearness(context) < 1 - self.memory.drift


def base_brain(continues_text: bool, well_read: bool = False) -> Brain:
    """A base model; one for continued pre-training continues a text, others answer it.

    A large one has read more, which it can teach a small one.
    """
    return Brain(language=_untrained() if continues_text else None, well_read=well_read)


@cache
def _untrained() -> LanguageModel:
    return LanguageModel()


def context_of(turns: Sequence[str]) -> str:
    """The context of an answer: the last message, and part of the messages before it."""
    return " ".join([*turns[-1 - EARLIER_TURNS : -1], turns[-1], turns[-1]])


def general_answer(prompt: str, well_read: bool = False) -> str:
    """A base model's answer: the entry on the subject if it has read one, else the two general sentences
    that have most words in common with the prompt."""
    asked = Counter(words(prompt))

    def nearest(texts: Sequence[str]) -> list[str]:
        return sorted(texts, key=lambda text: -overlap(asked, Counter(words(text))))

    best = nearest(general_texts())[:2]
    entry = nearest(encyclopedia())[0] if well_read else ""
    known = overlap(asked, Counter(words(entry))) > overlap(asked, Counter(words(best[0])))
    return entry if known else " ".join(best)


def cut(text: str, max_tokens: int) -> str:
    tokens = pieces(text)
    return text if len(tokens) <= max_tokens else join(tokens[:max_tokens])
