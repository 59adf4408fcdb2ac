"""The prompt of a preference: the messages before the two answers, and the texts that they are about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunedrop.dataset.formats import comparisons, contexts, names, naming, preference_texts, sharegpt, turns
from tunedrop.dataset.formats.record import Reading
from tunedrop.dataset.types import shorten


def asked(
    record: Mapping[str, Any], reading: Reading, losses: list[str]
) -> tuple[list[preference_texts.Said], set[str]]:
    """The messages of the prompt, and their key; empty if there is no such key."""
    key = _prompt_key(record) or next(iter(_lists(record)), "")
    value = record.get(key)
    if not key:
        return [], set()
    if isinstance(value, dict):
        losses += [f"$.{key}.{shorten(one)}" for one in value if one != "messages" and value[one]]
        return list(
            preference_texts.messages(value.get("messages"), f"$.{key}.messages", reading, turns.USER)
        ), {key}
    if isinstance(value, list) and not comparisons.are_messages(value):
        return _spread(record, key, reading, losses), {key}
    return list(preference_texts.messages(value, f"$.{key}", reading, turns.USER)), {key}


def _prompt_key(record: Mapping[str, Any]) -> str:
    """The key of a separate prompt; empty if the prompt is only part of a conversation."""
    there = {one: value for one, value in record.items() if isinstance(value, str | list | dict)}
    key = naming.keys_of(there).prompt
    value, lists = record.get(key), _lists(record)
    is_task = names.plain(key) in names.TASKS - {"text"}
    if key and key not in lists and (is_task or not lists):
        if isinstance(value, dict) or (isinstance(value, str) and value.strip()):
            return key
        if comparisons.are_messages(value):
            return key
    texts = (one for one in there if names.plain(one) in names.CONVERSATIONS and isinstance(record[one], str))
    return "" if lists else next(texts, "")


def _lists(record: Mapping[str, Any]) -> list[str]:
    """The keys of the conversations before the answers."""
    return [key for key, value in record.items() if isinstance(value, list) and _is_conversation(key, value)]


def _is_conversation(key: str, value: list[Any]) -> bool:
    name = names.plain(key)
    if name not in ("messages", *names.CONVERSATIONS):
        return False
    is_sure = name not in ("log", "interactions", "data")
    return comparisons.are_messages(value) or (is_sure and sharegpt.is_of_turns(value, name))


def _spread(
    record: Mapping[str, Any], key: str, reading: Reading, losses: list[str]
) -> list[preference_texts.Said]:
    turns_ = sharegpt.spread(record[key], f"$.{key}", losses)
    return [one for at, given in turns_ for one in preference_texts.message(given, at, turns.USER, reading)]


def before(
    record: Mapping[str, Any],
    asked: list[preference_texts.Said],
    used: set[str],
    reading: Reading,
    losses: list[str],
) -> list[preference_texts.Said]:
    """The prompt after the earlier turns, with the texts that it is about; their keys are added to the used
    ones."""
    last = next((index for index in reversed(range(len(asked))) if asked[index][1] == turns.USER), -1)
    if last < 0:
        return asked
    path, who, text, message = asked[last]
    lists = [key for key in _lists(record) if key not in used]
    about = contexts.texts_about(record, {*used, *lists}, text, reading, losses)
    if about and not isinstance(text, str):
        reading.wrong_type(path, f"a string, because {shorten(next(iter(about)))} belongs to it", text)
        return asked
    whole = "\n\n".join([text, *about.values()]) if about else text
    found = [*asked[:last], (path, who, whole, message), *asked[last + 1 :]]
    used.update(about)
    for key in lists:
        earlier = _spread(record, key, reading, losses)
        again = [at for at, one in enumerate(earlier) if one[1] == who and one[2] == text]
        if again and last:
            continue  # the prompt has its own history
        found = [*(earlier[: again[-1]] if again else earlier), *found]
        if not again or not earlier[again[-1] + 1 :]:
            used.add(key)
    return found
