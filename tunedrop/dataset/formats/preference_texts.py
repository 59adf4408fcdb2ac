"""The messages of a preference's prompt or answer, in any form: a string, a transcript as in hh-rlhf, a
message, a list of messages, or JSON in a string."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tunedrop.dataset.formats import comparisons, tools, turns
from tunedrop.dataset.formats.record import Reading
from tunedrop.dataset.types import shorten

_SPEAKER = re.compile(r"(?:\A|(?<!\n)\n\n)\s*(Human|Assistant):[ \t]?")
"""The match begins at the first of several line feeds; trying each one would take quadratic time."""

Said = tuple[str, str, Any, Mapping[str, Any]]
"""A message's path, its speaker, its text, and the message itself."""


def messages(value: Any, path: str, reading: Reading, speaker: str = turns.ASSISTANT) -> Iterator[Said]:
    """The messages of a string, a transcript, a message or a list of messages."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "[") and '"role"' in value:
        value = _decoded(value, speaker)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        value = value[0]
    if isinstance(value, str):
        told = list(transcript(value))
        if speaker == turns.USER and told and not told[-1][1]:
            told.pop()  # the answer begins there
        yield from ((path, who, text, {}) for who, text in told or [(speaker, value)])
        return
    if isinstance(value, dict):
        value = value["messages"] if comparisons.are_messages(value.get("messages")) else [value]
    if not isinstance(value, list):
        reading.wrong_type(path, "a string or a list of messages", value)
        return
    if len(value) > 1 and all(isinstance(one, str) for one in value):
        what = f"{len(value)} texts where one is needed; write a record for each pair"
        reading.add(path, "TD012", what, value, "a string or a list of messages")
        return
    for index, one in enumerate(value):
        at = f"{path}[{index}]"
        yield from message(one, at, speaker if len(value) == 1 else None, reading)
        if reading.problems:
            return


def message(one: Mapping[str, Any], at: str, speaker: str | None, reading: Reading) -> Iterator[Said]:
    """One message, by `speaker` if it has no role of its own; a malformed one adds a problem."""
    if not isinstance(one, dict):
        reading.wrong_type(at, "a message", one)
        return
    role = one.get("role", one.get("from", speaker))
    kind = turns.role_of(role)
    if kind not in (turns.USER, turns.ASSISTANT, turns.SYSTEM):
        what = f"role is {shorten(role)}; a preference has user, assistant and system"
        reading.add(f"{at}.role", "TD023", what, role, "user or assistant")
        return
    yield f"{at}.content", kind, one.get("content", one.get("value", one.get("text"))), one


def _decoded(text: str, speaker: str) -> Any:
    """The messages in a string of JSON, which must end with the assistant's in an answer; else the string."""
    found = tools.decoded(text)
    messages = found if isinstance(found, list) else [found]
    roles = [str(one.get("role")).strip().lower() if isinstance(one, dict) else "" for one in messages]
    are_messages = all(turns.ROLES.get(one) for one in roles) and all("content" in one for one in messages)
    is_ended = speaker != turns.ASSISTANT or turns.ROLES.get(roles[-1] if roles else "") == turns.ASSISTANT
    return found if are_messages and is_ended else text


def transcript(text: str) -> Iterator[tuple[str, str]]:
    """The turns of a transcript as in hh-rlhf; empty if the string is not one."""
    if not text.lstrip().startswith("Human:"):
        return
    parts = _SPEAKER.split(text)
    if len(parts) < 3 or parts[0].strip() or parts[1] != "Human":
        return
    for who, words in zip(parts[1::2], parts[2::2], strict=True):
        yield (turns.USER if who == "Human" else turns.ASSISTANT), words.strip()


def answer(value: Any, path: str, asked: list[Said], reading: Reading) -> list[Said]:
    """The messages of an answer, which may be a transcript that begins with the prompt, or has no separate
    prompt."""
    found = list(messages(value, path, reading))
    if isinstance(value, str) and asked and any(transcript(value)):
        texts = [text.strip() for _, who, text, _ in asked if who != turns.SYSTEM and isinstance(text, str)]
        if [text for _, _, text, _ in found][: len(texts)] != texts:
            return [(path, turns.ASSISTANT, value, {})]
    return found
