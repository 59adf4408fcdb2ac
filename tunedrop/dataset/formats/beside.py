"""What stands beside a question and its answer and belongs into their conversation.

| from | form |
| --- | --- |
| VQA, LLaVA | `{"image": "cats/1.png", "question", "answer"}` |
| xLAM, APIGen | `{"query", "tools": "[…]", "answers": "[{\\"name\\", \\"arguments\\"}]"}` |

Learned without it, a model would answer about what it has not seen, or call what nobody has declared: what
cannot be read is an error. Source: the data sets' cards. Read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tunedrop.dataset.formats import names, pairs, turns
from tunedrop.dataset.formats.record import Conversation, Reading
from tunedrop.dataset.types import Problem, shorten

_KINDS = {
    **dict.fromkeys(names.IMAGES, "an image"),
    **dict.fromkeys(names.VIDEOS, "a video"),
    **dict.fromkeys(names.SOUNDS, "sound"),
}


def folded(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A pair as a chat with the images that stand beside it; the same record where there are none."""
    key = pictures(record)
    if not key or "messages" in record:
        return record
    places = turns.places(record[key])
    keys = pairs.keys_of(record)
    if not keys.format or not places or not all(map(turns.is_place, places)):
        return record
    found = pairs.read(record, Reading(keys.format))
    if found is None or found.losses:
        return record
    question, answer = found.turns
    parts = [*({"type": "image", "image": one} for one in places), {"type": "text", "text": question.text}]
    rest = {name: value for name, value in found.unread.items() if name != key}
    system = [{"role": "system", "content": found.system}] if found.system else []
    asked = {"role": "user", "content": parts}
    return {"messages": [*system, asked, {"role": "assistant", "content": answer.text}], **rest}


def pictures(record: Mapping[str, Any]) -> str:
    """The key of the images that stand in a record; empty where there are none."""
    return next((key for key, value in record.items() if value and _kind(key, value) == "an image"), "")


def _kind(key: str, value: Any) -> str:
    name = names.plain(key)
    return "an image" if name in names.FILES and turns.is_place(value) else _KINDS.get(name, "")


def left_out(conversation: Conversation) -> Iterator[Problem]:
    """Images, films and sound that no turn of a conversation has, and that the answers may be about."""
    for path, key, value in _around(conversation):
        if value and (kind := _kind(key, value)):
            is_text = conversation.turns[0].role == "text" and kind != "sound"
            how = _HOWS["text"] if is_text else _how(kind, value)
            why = f"{shorten(key)} holds {kind}, without which a model learns to answer blindly: {how}. {_OR}"
            yield Problem(path, "TD016" if kind == "sound" else "TD073", why, shorten(value), _BLOCK)


_BLOCK = '{"image": {"format": "png", "source": {"s3Location": {"uri": "cat.png"}}}}'
_HOWS = {
    "text": "texts for continued pre-training have none; write messages, or image-ref and caption",
    "sound": "no base model is tuned on it, so write what it says into the prompt",
    "a video": "put the file beside the dataset, and a Converse block with its path into the user's message",
    "a path": "put a block with its path into the user's message; single-turn and multi-turn take images",
    "an image": "put the file beside the dataset and name its path; single-turn and multi-turn take images",
}
_OR = (
    "To leave it out on purpose, name what is learned (--column prompt=KEY --column completion=KEY), or "
    "remove the key"
)


def _how(kind: str, value: Any) -> str:
    return _HOWS["a path" if kind == "an image" and turns.is_place(value) else kind]


def _around(conversation: Conversation) -> Iterator[tuple[str, str, Any]]:
    for key, value in (*conversation.unread.items(), *conversation.extra.items()):
        yield f"$.{shorten(key)}", key, value
    for turn in conversation.turns:
        for key, value in turn.extra.items():
            yield f"{turn.path.removesuffix('.content')}.{shorten(key)}", key, value
