"""The formats as msgspec decodes them fastest: typed, and no rule beyond that."""

from __future__ import annotations

from msgspec import Struct


class _Struct(Struct, gc=False):
    pass


class Pair(_Struct):
    """A prompt and its completion."""

    prompt: str
    completion: str


class Document(_Struct):
    """A text for continued pre-training."""

    input: str


class Block(_Struct):
    """A block of content."""

    text: str


class Turn(_Struct):
    """A message of Converse."""

    role: str
    content: list[Block]


class Converse(_Struct):
    """A conversation of Converse."""

    schemaVersion: str  # noqa: N815 - Bedrock's name
    system: list[Block]
    messages: list[Turn]


class ChatTurn(_Struct):
    """A message of a chat."""

    role: str
    content: str


class Chat(_Struct):
    """A chat."""

    messages: list[ChatTurn]


STRUCTS: dict[str, type[Struct]] = {
    "prompt-completion": Pair,
    "converse": Converse,
    "openai-chat": Chat,
    "text": Document,
}
