"""Explains why a record has no supported format, and names the closest one."""

from __future__ import annotations

import difflib
import functools
import itertools
from collections.abc import Mapping
from typing import Any

from tunedrop.dataset.formats import exports, names, naming, preference, turns
from tunedrop.dataset.types import Problem, shorten

MOST_KEYS = 50
"""The maximum number of keys that are compared with usual names; each takes a fifth of a millisecond."""


def is_one_message(record: Mapping[str, Any]) -> bool:
    """Whether a record is a single message of a conversation."""
    if turns.role_of(record.get("role", record.get("from"))):
        return True
    inside = record.get("message", record.get("payload"))
    if isinstance(inside, dict) and turns.role_of(inside.get("role")):  # of sessions of coding agents
        return True
    creator = record.get("creator")
    if isinstance(creator, dict) and "user_type" in creator:  # of Google Chat
        return True
    return record.get("type", record.get("messageType")) in _MESSAGES or not _SENDERS.isdisjoint(record)


_MESSAGES = ("message", "Default")
"""The type of a message in exports of Slack, Teams, Telegram and Discord."""
_SENDERS = frozenset(("sender", "sender_name", "is_from_me", "fromMe", "isCreatedByUser", "is_user"))
"""The key of a message's sender in exports of LibreChat, Messenger, Instagram, iMessage and WhatsApp."""


def problem(record: Mapping[str, Any]) -> Problem:
    """Why a record is of no format that can be trained on, and which is the nearest."""
    keys = ", ".join(shorten(key) for key in record) or "none"
    if preference.is_label(record):
        why = (
            "a label for one answer (KTO), which no service of AWS tunes on: keep the good ones as examples, "
            "or put a good and a bad answer to each prompt together, as chosen and rejected"
        )
        return Problem("$", "TD017", why, shorten(keys), "prompt, chosen and rejected")
    expected = "prompt and completion, messages, instruction and output, image-ref and caption, or input"
    if is_one_message(record):
        why = "a single message is not a record; put all messages of a conversation into a list, messages"
        return Problem("$", "TD010", why, shorten(keys), '{"messages": [...]}')
    near = exports.hint(record) or _held(record) or _nearest(record)
    why = f"unknown format: the keys are {shorten(keys)}; {near or f'expected {expected}'}"
    if sum(isinstance(value, str) for value in record.values()) > 1:
        why += "; or name the columns: --column prompt=KEY --column completion=KEY"
    return Problem("$", "TD010", why, shorten(keys), expected)


def _held(record: Mapping[str, Any]) -> str:
    """The lists of records in a record, in words."""
    found = [
        f"{shorten(key)} holds {len(value)} records"
        for key, value in itertools.islice(record.items(), MOST_KEYS)
        if isinstance(value, list) and value and isinstance(value[0], dict) and _is_pair(value[0])
    ]
    return f"{', '.join(found[:3])}; write each of them on a line of its own" if found else ""


def _is_pair(record: Mapping[str, Any]) -> bool:
    keys = naming.keys_of(record)
    return bool(keys.prompt and keys.answer) or isinstance(record.get("messages"), list)


def _nearest(record: Mapping[str, Any]) -> str:
    """The format whose keys are most similar to those of a record, in words."""
    plain_ = {key: names.plain(key) for key in itertools.islice(record, MOST_KEYS)}
    for key, name in plain_.items():
        if name in ("messages", *names.CONVERSATIONS) and record[key] != []:
            is_list = isinstance(record[key], list)
            what = "must hold turns with role and content" if is_list else "must be a list of turns"
            return f"{shorten(key)} {what}" if name not in ("data", "items") else ""
    for key, name in plain_.items():
        if name.endswith("_id") or (isinstance(record[key], dict) and name not in names.CONVERSATIONS):
            continue
        for known in _known(name):
            is_prompt = known in names.PROMPTS
            which = "a prompt" if is_prompt else "an answer" if known in names.ANSWERS else "a conversation"
            near = "" if known == name else f" (similar to {known})"
            missing = "its answer" if is_prompt else "its prompt"
            return f"{shorten(key)}{near} is {which}" + (
                "" if which == "a conversation" else f", but no key has a usual name for {missing}"
            )
    return ""


def part_of(title: str) -> str:
    """Which part of a record a column's title names, or resembles, in words; empty if none."""
    name = names.plain(title)
    known = next(iter(_known(name)), "") if name else ""
    if not known:
        return ""
    which = (
        "a prompt" if known in names.PROMPTS else "an answer" if known in names.ANSWERS else "a conversation"
    )
    return f"{shorten(title)} is {which}" if known == name else f"{shorten(title)} is like {known}, {which}"


@functools.lru_cache(1024)
def _known(name: str) -> list[str]:
    """The usual name that a key equals or resembles; cached, because every record of a file has the same
    keys."""
    return [name] if name in _KNOWN else difflib.get_close_matches(name, _KNOWN, 1, 0.8)


_KNOWN = (*names.PROMPTS, *names.ANSWERS, *names.CONVERSATIONS, "messages")
