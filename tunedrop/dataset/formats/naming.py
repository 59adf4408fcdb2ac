"""Determines which key of a record is its prompt, its answer and so on, by common names (`names`)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from tunedrop.dataset.formats import names
from tunedrop.dataset.formats.record import SourceFormat


class Keys:
    """The roles of a record's keys; the same for all records with the same keys (`keys_of`)."""

    def __init__(self, given: tuple[str, ...], program: str = "") -> None:
        there = {name: key for key in reversed(given) if (name := names.plain(key))}
        prompt = next((one for one in names.PROMPTS if one in there and not _says_whose(one, there)), "")
        answer = next((one for one in _answers(prompt) if one in there and one != prompt), "")
        if answer in names.CLASSES:
            answer = next((name for end in _NAMES if (name := f"{answer}_{end}") in there), answer)
        if answer == "a" and "b" in there:  # the choices A and Q, not question and answer
            answer = ""
        if program and not answer and prompt in names.TASKS:
            answer = names.plain(program)
        context = next((one for one in names.CONTEXTS if one in there and one not in (prompt, answer)), "")
        system = next((one for one in names.SYSTEMS if one in there), "")
        self.prompt, self.answer = there.get(prompt, ""), there.get(answer, "")
        self.context = there[context] if context and prompt else ""
        used = (prompt, answer, context, system, *(["text"] if prompt == "instruction" else []))
        others = [there[one] for one in names.WHAT_IS_ASKED_ABOUT if one in there and one not in used]
        self.others = tuple(others) if prompt and answer else ()
        self.system = there.get(system, "")
        self.format = _format(prompt, answer, context)


def _says_whose(name: str, there: Collection[str]) -> bool:
    """Whether `user` or `source` next to a text names its author or origin."""
    if name not in _WHOSE:
        return False
    partners, texts = _WHOSE[name]
    if any(one in there for one in partners):
        return False
    if name == "source" and any(one in there for one in _ANSWERS_TO_A_QUESTION):
        return True
    texts = (*texts, *_WHOSE_CLASS) if any(one in there for one in (*names.CLASSES, "target")) else texts
    return any(one in there for one in texts)


_MESSAGES = (
    "message", "user_message", "user_input", "tweet", "review", "sms", "comment", "comment_text",
)  # fmt: skip
_WHOSE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "user": (("assistant", "ai", "bot", "gpt", "bot_response", "model_response"), _MESSAGES),
    "source": (("target", "tgt", "target_text"), (*_MESSAGES, "document", "article", "dialogue")),
}
"""Names that are a prompt only next to one of these answers, and not next to one of these texts (Sentiment140
has `user` and `text`)."""
_ANSWERS_TO_A_QUESTION = ("answer", "answers", "response", "reply")
"""Next to one of these names, a `source` is the origin."""
_WHOSE_CLASS = ("text", "sentence", "headline", "utterance")
"""The same beside a class."""


def _answers(prompt: str) -> tuple[str, ...]:
    """The names that may be the answer to a prompt of this name, the most likely first."""
    if prompt not in ("question", "nl"):  # a query is the answer to a question; otherwise it is the prompt
        usual = tuple(one for one in names.ANSWERS if one != "query")
        if prompt in _CLASSIFIED:
            return (*_REPLIES, *names.CLASSES[:2], *usual, *names.CLASSES)
        return (*usual, "reference") if prompt == "user_input" else usual  # of RAGAS
    return (*names.ANSWERS, "reference")


_REPLIES = ("completion", "response", "reply")
"""Next to one of these names, a class describes the whole pair."""
_NAMES = ("text", "name")
"""Suffixes of the key with a class's name, next to its number: `label_text`, `class_name`."""
_CLASSIFIED = names.TEXTS_TO_CLASSIFY


def _format(prompt: str, answer: str, context: str) -> SourceFormat | None:
    """The format of a record by its names; None if it is not a pair."""
    if prompt in ("prompt", "") and answer in ("completion", ""):
        return "prompt-completion" if prompt or answer else None
    if prompt == "instruction":
        return "dolly" if answer == "response" or context == "context" else "alpaca"
    if not answer:
        return "prompt-completion" if prompt == "prompt" else None
    return "text-label" if prompt in _CLASSIFIED and answer in names.CLASSES else "question-answer"


@lru_cache(maxsize=1 << 10)
def _keys(given: tuple[str, ...], program: str = "") -> Keys:
    return Keys(given, program)


def keys_of(record: Mapping[str, Any]) -> Keys:
    """The roles of a record's keys."""
    given = tuple(record)
    found = _keys(given)
    if record.get(found.prompt, "") is None:  # a column of another dataset in the same file
        there = _keys(tuple(key for key, value in record.items() if value is not None))
        if there.answer and names.plain(there.prompt) in names.TASKS - {"text"}:
            return there
    if found.answer or not found.prompt:
        return found
    program = next((key for key in given if names.plain(key) in names.PROGRAMS), "")
    if any(isinstance(record[key], str) and names.plain(key) in names.OF_PROGRAMS for key in given):
        return found
    return _keys(given, program) if program and is_program(record[program]) else found


def is_program(value: Any) -> bool:
    """Whether a text looks like a program: several lines, characters that are rare in sentences, or an SQL
    query."""
    return isinstance(value, str) and _OF_PROGRAMS.search(value) is not None


_OF_PROGRAMS = re.compile(r"\S\s*\n\s*\S|[(){}\[\];=<>|$]|(?i:\bselect\b.+\bfrom\b)")
