"""Records in exactly Bedrock's formats, as strict structs: a whole block of lines is decoded in one call.

A line that does not fit is read by `read`, which says why; both produce the same conversation.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from tunedrop.dataset.formats import batch, json_rich
from tunedrop.dataset.formats.batch import Batch
from tunedrop.dataset.formats.json_rich import Block, Strict, with_system
from tunedrop.dataset.formats.pairs import lists_answers
from tunedrop.dataset.formats.record import Conversation, SourceFormat, Turn
from tunedrop.dataset.formats.wrapped import looks_like_messages
from tunedrop.dataset.rules.record import Text, texts_of

_SPACED_KEY = re.compile(rb'"[ \t\r]+:')
_PATHS = batch.PATHS[: batch.MOST_TURNS]


class _Pair(Strict):
    prompt: str
    completion: str


class _Text(Strict):
    input: str


class _Turn(Strict):
    role: Literal["user", "assistant"]
    content: list[Block]


class _Converse(Strict):
    schemaVersion: Literal["bedrock-conversation-2024"]  # noqa: N815 - Bedrock's name
    messages: list[_Turn]
    system: list[Block] = msgspec.field(default_factory=list)


class _Message(Strict):
    role: Literal["user", "assistant", "system"]
    content: str


class _Chat(Strict):
    messages: list[_Message]


def _pair(record: Any) -> Conversation | None:
    prompt, answer = record.prompt, record.completion
    if not prompt or not answer or prompt.isspace() or answer.isspace():
        return None
    if looks_like_messages(prompt) or looks_like_messages(answer) or lists_answers(answer):
        return None
    return Conversation((Turn("user", prompt, (), "$.prompt"), Turn("assistant", answer, (), "$.completion")))


def _text(record: Any) -> Conversation | None:
    text = record.input
    if not text or text.isspace() or looks_like_messages(text):
        return None
    return Conversation((Turn("text", text, (), "$.input"),))


def _converse(record: Any) -> Conversation | None:
    messages = record.messages
    if not messages or len(messages) > len(_PATHS):
        return None
    turns, expected = [], "user"
    for message, path in zip(messages, _PATHS, strict=False):
        content = message.content
        if message.role != expected or not content:
            return None
        text = content[0].text if len(content) == 1 else "\n".join([block.text for block in content])
        if not text or text.isspace():
            return None
        turns.append(Turn(expected, text, (), path))
        expected = "assistant" if expected == "user" else "user"
    return with_system(record, tuple(turns), {})


def _chat(record: Any) -> Conversation | None:
    messages = record.messages
    if not messages or len(messages) > len(batch.PATHS):
        return None
    turns: list[Turn] = []
    expected, system, place = "user", "", "$.system"
    for message, path in zip(messages, batch.PATHS, strict=False):
        text = message.content
        if not text or text.isspace():
            return None
        if message.role == "system":
            if turns or system:
                return None
            system, place = text, path
            continue
        if message.role != expected:
            return None
        turns.append(Turn(expected, text, (), path))
        expected = "assistant" if expected == "user" else "user"
    return Conversation(tuple(turns), system, {}, {}, (), place) if turns else None


class Typed(msgspec.Struct, frozen=True):
    """How to decode records of one format. `keys` gives the keys whose number is known from the decoded
    records: if the bytes have one more, an object may have a duplicate key.
    """

    format: SourceFormat
    decoder: msgspec.json.Decoder[Any]
    conversation: Callable[[Any], Conversation | None]
    keys: Callable[[list[Any]], dict[bytes, int]]
    batch: Callable[[list[Any]], Batch | None]

    def texts(self, record: Any) -> list[Text]:
        """The result of `texts_of` for its conversation; empty if the record must be read individually."""
        if self.format == "prompt-completion":
            return [("$.prompt", "user", record.prompt), ("$.completion", "assistant", record.completion)]
        conversation = self.conversation(record)
        return texts_of(conversation) if conversation is not None else []

    def names_each_key_once(self, body: bytes, records: list[Any], may_hide: bool) -> bool:
        """Whether no object of a block has a duplicate key; may be False because of a text that looks like
        one.

        With `may_hide`, the block contains escapes, which could hide a key, so all keys are counted.
        """
        keys = self.keys(records)
        if self.format == "converse" and self.conversation is json_rich.conversation:
            return _no_key_got_lost(body, records)
        if may_hide and (body.count(b'":') != sum(keys.values()) or _SPACED_KEY.search(body)):
            return False
        return all(body.count(key) == times for key, times in keys.items())


_ENCODER = msgspec.json.Encoder()


def _no_key_got_lost(body: bytes, records: list[Any]) -> bool:
    """Whether the encoded records have as many keys as the bytes had: inputs of tools may have any keys."""
    written = _ENCODER.encode_lines(records)
    may_hide = any(one in body for one in (b'" :', b'"\t:', b"\\u0022", b"\\u003a", b"\\u003A"))
    if not may_hide and body.count(b'":') == written.count(b'":'):
        return True
    return written.translate(None, b" ") == body.removesuffix(b"\n").translate(None, b" ") + b"\n"


def _pair_keys(records: list[Any]) -> dict[bytes, int]:
    return {b'"prompt"': len(records), b'"completion"': len(records)}


def _text_keys(records: list[Any]) -> dict[bytes, int]:
    return {b'"input"': len(records)}


def _converse_keys(records: list[Any]) -> dict[bytes, int]:
    count, turns = len(records), sum([len(record.messages) for record in records])
    blocks = sum([len(turn.content) for record in records for turn in record.messages])
    system = sum([len(record.system) for record in records])
    return {
        b'"schemaVersion"': count,
        b'"messages"': count,
        b'"system"': sum([bool(record.system) for record in records]),
        b'"role"': turns,
        b'"content"': turns,
        b'"text"': blocks + system,
    }


def _chat_keys(records: list[Any]) -> dict[bytes, int]:
    turns = sum([len(record.messages) for record in records])
    return {b'"messages"': len(records), b'"role"': turns, b'"content"': turns}


RICH = "converse with blocks"

TYPED: dict[str, Typed] = {
    "prompt-completion": Typed(
        "prompt-completion", msgspec.json.Decoder(_Pair), _pair, _pair_keys, batch.pairs
    ),
    "text": Typed("text", msgspec.json.Decoder(_Text), _text, _text_keys, batch.texts),
    "converse": Typed(
        "converse", msgspec.json.Decoder(_Converse), _converse, _converse_keys, batch.conversations
    ),
    RICH: Typed(
        "converse",
        msgspec.json.Decoder(json_rich.Converse),
        json_rich.conversation,
        lambda _: {},
        json_rich.batch,
    ),
    "openai-chat": Typed("openai-chat", msgspec.json.Decoder(_Chat), _chat, _chat_keys, batch.chats),
}
