"""The fields around the conversation in a wrapper (`wrapped`), which stay in the record under longer
names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from tunedrop.dataset.formats import names, naming

_LIFTED = ("tools", "functions", "system", "systemInstruction", "system_instruction")
"""Keys that are part of a conversation in any place."""


def without(record: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """A record without these keys."""
    return {key: value for key, value in record.items() if key not in keys}


def beneath(record: Mapping[str, Any], key: str, inside: Mapping[str, Any]) -> dict[str, Any]:
    """The value of a key as the record; the fields around it are renamed where they would change one of its
    parts."""
    own, rest = naming.keys_of(inside), without(record, key)
    both = naming.keys_of({**rest, **inside})
    is_changed = (own.prompt, own.answer, own.others) != (both.prompt, both.answer, both.others)
    asked = {*names.PROMPTS, *names.ANSWERS, *names.WHAT_IS_ASKED_ABOUT} if is_changed else set()
    asked -= {*names.CONTEXTS}
    changing = [one for one in rest if one in inside or names.plain(one) in asked]
    return renamed(record, key, changing) | dict(inside)


def renamed(record: Mapping[str, Any], key: str, others: Collection[str]) -> dict[str, Any]:
    """A record without a key; some other keys get longer names, so that they are not taken for parts of the
    conversation."""
    rest = without(record, key)
    return {f"{one} beside {key}" if one in others else one: value for one, value in rest.items()}


def beside(name: str, value: Any) -> dict[str, Any]:
    """The fields next to the messages in a wrapper."""
    if not isinstance(value, dict) or isinstance(value.get("role"), str):
        return {}
    used = ("messages", "choices", "content", "generations", "contents", "body", "message", "candidates")
    found = {key if key in _LIFTED else f"{name}.{key}": one for key, one in value.items() if key not in used}
    for inside in ("body", "message"):
        found |= beside(f"{name}.{inside}", value.get(inside))
    for key, own in (("candidates", "content"), ("choices", "message")):
        found |= _beside_each(f"{name}.{key}", value.get(key), (own,))
    for one in _listed(value.get("generations")):
        found |= _beside_each(name, one, ("text", "message"))
    return found


def _beside_each(name: str, several: Any, own: tuple[str, ...]) -> dict[str, Any]:
    """The fields next to the message in each of several answers; an answer that is not an object stays as it
    is."""
    found: dict[str, Any] = {}
    for one in _listed(several):
        if isinstance(one, dict):
            found |= {f"{name}.{key}": inside for key, inside in one.items() if key not in own}
        else:
            found[name] = one
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []
