"""Converts held-out records to prompts with references, for the evaluation."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from tunedrop.contracts import Prompts
from tunedrop.dataset import formats
from tunedrop.dataset.formats import Conversation, Turn
from tunedrop.dataset.formats import json_lines as lines
from tunedrop.dataset.rules import record as rules
from tunedrop.dataset.sources import media

MOST_OF_A_WORD = 20
"""The number of characters around the middle of a text in which to look for the end of a word."""

SHARE_GIVEN = 0.5
"""The maximum length of the first part of a held-out text, to be continued."""


class Message(msgspec.Struct, frozen=True):
    """One message; `role` is user or assistant, `blocks` its content if it has images or videos."""

    role: str
    text: str
    blocks: tuple[dict[str, Any], ...] = ()


def _message(turn: Turn) -> Message:
    """The content blocks that Converse accepts without a declaration, as tools would need one."""
    shown = tuple(block for block in turn.blocks if not _ASKED.isdisjoint(block))
    return Message(turn.role, turn.text, shown if any("text" not in block for block in shown) else ())


_ASKED = frozenset({"text", "image", "video"})


class HeldOut(msgspec.Struct, frozen=True, kw_only=True):
    """One prompt of the evaluation: the last of `messages` is the user's; `reference` is the recorded answer.

    `probe` names a general-ability prompt, which does not come from the dataset.
    """

    record: int
    turn: int
    system: str
    messages: tuple[Message, ...]
    reference: str
    probe: str = ""


def read_held_out(chunks: Iterable[bytes], *, is_text: bool = False) -> Iterator[HeldOut]:
    """All prompts of a held-out file: each assistant turn in context, or each text's second half.

    Parameters
    ----------
    is_text
        Whether the file is for continued pre-training, for which transcripts are plain text.
    """
    for line in lines.read(chunks):
        reading = formats.read_for(line.record, is_text=is_text) if line.problem is None else None
        if reading is not None and reading.conversation is not None:
            yield from questions(line.number, reading.conversation, reading.format == "text")


def questions(number: int, conversation: Conversation, is_text: bool) -> Iterator[HeldOut]:
    """All prompts of one record."""
    return _continuation(number, conversation) if is_text else _turns(number, conversation)


def prompts_of(conversation: Conversation, is_text: bool) -> Prompts:
    """The number of prompts of one record, and their estimated tokens."""
    asked = list(questions(0, conversation, is_text))
    return Prompts(
        count=len(asked),
        tokens=sum(rules.tokens_of(_bytes(one)) for one in asked),
        dense=sum(map(rules.dense_in, itertools.chain.from_iterable(map(_texts, asked)))),
        unanswered=sum(not one.reference for one in asked),
        media=media.counted(block for one in asked for said in one.messages for block in said.blocks),
    )


def _bytes(question: HeldOut) -> int:
    return sum(len(text.encode()) for text in _texts(question))


def _texts(question: HeldOut) -> Iterator[str]:
    return itertools.chain(
        (question.system, question.reference), (message.text for message in question.messages)
    )


def _turns(number: int, conversation: Conversation) -> Iterator[HeldOut]:
    messages = tuple(map(_message, conversation.turns))
    first = len(messages) - 1 if conversation.rejected is not None else 0  # only the last was preferred
    for index, message in enumerate(messages):
        if index < first:
            continue
        if message.role == "assistant" and index:
            yield HeldOut(
                record=number,
                turn=index // 2,
                system=conversation.system,
                messages=messages[:index],
                reference=message.text,
            )
    yield from _unanswered(number, conversation)


def _unanswered(number: int, conversation: Conversation) -> Iterator[HeldOut]:
    """A prompt without an answer: the reference is for its grader, or the teacher will write it."""
    if conversation.turns[-1].role == "user":
        yield HeldOut(
            record=number,
            turn=len(conversation.turns) // 2,
            system=conversation.system,
            messages=tuple(map(_message, conversation.turns)),
            reference=conversation.answer,
        )


def _continuation(number: int, conversation: Conversation) -> Iterator[HeldOut]:
    text = conversation.turns[0].text.strip()
    middle = _middle(text)
    given, rest = text[:middle].rstrip(" "), text[middle:].lstrip(" ")
    if given.strip() and rest.strip():
        yield HeldOut(record=number, turn=0, system="", messages=(Message("user", given),), reference=rest)


def _middle(text: str) -> int:
    """The position at which to divide a text: the space or line end closest to the middle, if one is near.

    Scripts without spaces are divided between characters, never before a combining mark.
    """
    half = int(len(text) * SHARE_GIVEN)
    near = max(MOST_OF_A_WORD, len(text) // 20)
    places = range(max(1, half - near), min(half + near, len(text)))
    spaces = [place for place in places if text[place].isspace()]
    if spaces:
        return min(spaces, key=lambda place: abs(place - half))
    while half < len(text) and unicodedata.combining(text[half]):
        half += 1
    return half
