"""Columns of many text records, computed for all records at once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from operator import add
from typing import Any, NamedTuple

from tunedrop.dataset.formats.pairs import lists_answers
from tunedrop.dataset.formats.wrapped import looks_like_messages

MOST_TURNS = 256
PATHS = tuple(f"$.messages[{index}].content" for index in range(MOST_TURNS + 1))
_OPENING = frozenset("{[")
IN_TURN = ("user", "assistant") * (MOST_TURNS // 2)


class Batch(NamedTuple):
    """Records in order, with the values that their `Conversation`s would have.

    Attributes
    ----------
    prompts, answers
        The turns before the answer, joined by NUL, and the answer; "" if there is none.
    before
        The turn before the answer; the last turn if there is no answer.
    systems
        The system prompts; empty if no record has one.
    sizes
        Bytes of UTF-8 of all texts.
    turns
        The number of turns.
    added
        For records with blocks other than texts, by index: the bytes that they add to prompt and answer for
        comparison.
    media, alike
        The media of each record, and its key by `rules.record.alike`, () if it has only texts; empty if the
        format supports neither.
    """

    prompts: list[str]
    answers: list[str]
    before: list[str]
    systems: list[str]
    sizes: list[int]
    turns: list[int]
    added: dict[int, tuple[bytes, bytes]]
    media: list[tuple[str, ...]]
    alike: list[tuple[object, ...]]

    def unusual(self, most_turns: int, is_chat: bool) -> list[int]:
        """The indices of records to check individually, whatever their texts are."""
        found = [at for at, system in enumerate(self.systems) if system]
        if max(self.turns, default=0) > most_turns:
            found += [at for at, turns in enumerate(self.turns) if turns > most_turns]
        if is_chat:
            found += [at for at, turns in enumerate(self.turns) if turns % 2]
        return found


Read = Callable[[list[Any]], Batch | None]
"""Makes a batch of decoded records; None if one of them must be read individually."""


def pairs(records: list[Any]) -> Batch | None:
    """Prompts and completions."""
    prompts = [record.prompt for record in records]
    answers = [record.completion for record in records]
    if not _say_something(prompts) or not _say_something(answers):
        return None
    if _may_be_messages(prompts) or _may_be_messages(answers):
        return None
    if not _OPENING.isdisjoint([text[0] for text in answers]) and any(map(lists_answers, answers)):
        return None
    sizes = list(map(add, _sizes(prompts), _sizes(answers)))
    return Batch(prompts, answers, prompts, [], sizes, [2] * len(records), {}, [], [])


def _may_be_messages(texts: list[str]) -> bool:
    return not _OPENING.isdisjoint([text[0] for text in texts]) and any(map(looks_like_messages, texts))


def texts(records: list[Any]) -> Batch | None:
    """Texts for continued pre-training."""
    found = [record.input for record in records]
    if not _say_something(found) or _may_be_messages(found):
        return None
    return Batch(found, [""] * len(found), found, [], _sizes(found), [1] * len(found), {}, [], [])


def conversations(records: list[Any]) -> Batch | None:
    """Converse conversations with text blocks only."""
    messages = [message for record in records for message in record.messages]
    said = [
        content[0].text if len(content) == 1 else "\n".join([block.text for block in content])
        for content in [message.content for message in messages]
    ]
    systems = [system_of(record.system) if record.system else "" for record in records]
    return _in_turn(
        [message.role for message in messages], said, [len(record.messages) for record in records], systems
    )


def system_of(blocks: list[Any]) -> str:
    """The text of a system prompt."""
    return "\n".join([block.text for block in blocks if block.text.strip()])


def chats(records: list[Any]) -> Batch | None:
    """Conversations in OpenAI's chat format."""
    turns = [record.messages for record in records]
    systems: list[str] = []
    if any([one and one[0].role == "system" for one in turns]):
        has_system = [bool(one) and one[0].role == "system" for one in turns]
        systems = [one[0].content if has else "" for one, has in zip(turns, has_system, strict=True)]
        if not _say_something([text for text, has in zip(systems, has_system, strict=True) if has]):
            return None
        turns = [one[has:] for one, has in zip(turns, has_system, strict=True)]
    messages = [message for one in turns for message in one]
    return _in_turn(
        [message.role for message in messages],
        [message.content for message in messages],
        list(map(len, turns)),
        systems,
    )


def _in_turn(roles: list[str], said: list[str], turns: list[int], systems: list[str]) -> Batch | None:
    """Conversations whose turns alternate between user and assistant; None if one of them does not."""
    if min(turns) == 0 or max(turns) > MOST_TURNS or not _say_something(said):
        return None
    return conversing(said, turns, systems) if are_in_turn(roles, turns) else None


def are_in_turn(roles: list[str], turns: list[int]) -> bool:
    """Whether user and assistant alternate in all conversations; `turns` has the number of turns of each."""
    return roles == list(chain.from_iterable([IN_TURN[:count] for count in turns]))


def conversing(said: list[str], turns: list[int], systems: list[str]) -> Batch:
    """A batch of conversations with these numbers of turns, whose texts are `said`."""
    sizes = _sizes(said)
    if set(turns) == {2}:
        prompts, answers = said[::2], said[1::2]
        before = prompts
        sizes = list(map(add, sizes[::2], sizes[1::2]))
    else:
        prompts, answers, before, totals, start = [], [], [], [], 0
        for count in turns:
            stop = start + count
            answer = stop - (count % 2 == 0)
            prompts.append("\0".join(said[start:answer]))
            answers.append(said[answer] if answer < stop else "")
            before.append(said[answer - 1])
            totals.append(sum(sizes[start:stop]))
            start = stop
        sizes = totals
    if any(systems):
        sizes = list(map(add, sizes, _sizes(systems)))
    else:
        systems = []
    return Batch(prompts, answers, before, systems, sizes, turns, {}, [], [])


def _say_something(said: list[str]) -> bool:
    return all(map(str.strip, said))


def _sizes(said: list[str]) -> list[int]:
    are_ascii = all(map(str.isascii, said))
    return list(map(len, said if are_ascii else map(str.encode, said)))
