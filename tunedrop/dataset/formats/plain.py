"""Plain text for continued pre-training, `{"input"}` or `{"text"}`; and captions of images for Nova Canvas.

Sources: older Bedrock documentation; Nova user guide, fine-tune-prepare-data-creative-content.
Read 2026-11-25.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tunedrop.dataset.formats import names
from tunedrop.dataset.formats.record import Conversation, Reading, Turn, said
from tunedrop.dataset.rules import blocks
from tunedrop.dataset.types import shorten


def key_of(record: Mapping[str, Any]) -> str:
    """The key of a record's text; empty if it has none."""
    return next((key for key in names.DOCUMENTS if key in record), "")


def read_text(record: Mapping[str, Any], reading: Reading) -> Conversation | None:
    """Read a text; None if it is malformed."""
    key = key_of(record) or "text"
    text = reading.text(record, key, f"$.{key}")
    if text is None or not _is_alone(record, key, reading):
        return None
    unread = {name: value for name, value in said(record).items() if name != key and value != ""}
    return Conversation((Turn("text", text, (), f"$.{key}"),), "", {}, unread)


def _is_alone(record: Mapping[str, Any], key: str, reading: Reading) -> bool:
    """Whether a text has no other key that may be its answer."""
    for name, value in record.items():
        if _may_be_learned(names.plain(name), value, key):
            shown = shorten(name)
            what = (
                f"{shown} beside {key} may be its answer, but texts for continued pre-training have none: "
                f"--column prompt={key} --column completion={shown}; or remove {shown}"
            )
            reading.add(f"$.{shown}", "TD010", what, value, "a prompt and its answer, or a text alone")
            return False
    return True


def _may_be_learned(name: str, value: Any, key: str) -> bool:
    if name in (key, _OF_A_PROGRAM) or value in (None, "", [], {}):
        return False
    if name in names.MADE_OF_TEXTS:
        return isinstance(value, str) and len(value.split()) > 1
    if name in names.ANNOTATIONS:
        return isinstance(value, list | dict)
    if name in names.CLASSES:
        return name != "tag" and key not in ("text", "input")
    if isinstance(value, dict) and value.keys() == {"choices"}:  # of Label Studio
        return True
    words = _words(name)
    words |= {word[:-1] for word in words if word.endswith("s")}  # intents, emotions
    if not words.isdisjoint(names.LEARNED):
        is_reference = "id" in words and words.isdisjoint(names.CLASSES)
        return words.isdisjoint(names.MEASURES) and not is_reference
    says_something = isinstance(value, str | dict | list)
    return key == "input" and says_something and words.isdisjoint(names.ABOUT_A_TEXT)


_OF_A_PROGRAM = "class_name"
"""LlamaIndex's name for the Python class of its nodes."""


@lru_cache(maxsize=1 << 10)
def _words(name: str) -> frozenset[str]:
    return frozenset(_WORD.findall(name))


_WORD = re.compile(r"[^\W_]+")


def read_caption(record: Mapping[str, Any], reading: Reading) -> Conversation | None:
    """Read an image and its caption; None if the record is malformed."""
    image = reading.text(record, "image-ref", "$.image-ref")
    caption = reading.text(record, "caption", "$.caption")
    if isinstance(record.get("image-ref"), str):
        reading.problems += blocks.uri_problems(record["image-ref"], "$.image-ref")
    if reading.problems or image is None or caption is None:
        return None
    unread = {key: one for key, one in said(record).items() if key not in ("image-ref", "caption")}
    return Conversation(
        (Turn("user", image, (), "$.image-ref"), Turn("assistant", caption, (), "$.caption")), "", {}, unread
    )


def write_text(conversation: Conversation) -> dict[str, Any]:
    """A text."""
    return {"input": conversation.turns[0].text}


def write_caption(conversation: Conversation) -> dict[str, Any]:
    """Write an image and its caption."""
    image, caption = conversation.turns
    return {"image-ref": image.text, "caption": caption.text}
