"""The columns that are kept for the well-formed records of one format while a range is scanned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from tunedrop.dataset.duplicates.fingerprints import fingerprints, fingerprints_of
from tunedrop.dataset.formats import METHODS, Conversation, SourceFormat, method_of
from tunedrop.dataset.formats.batch import PATHS, Batch
from tunedrop.dataset.rules import blocks
from tunedrop.dataset.rules import record as rules

Kind = tuple[str, int, bool, tuple[str, ...]]
"""A record's method, its number of turns, whether it has a system prompt, and its media."""


class Rows(NamedTuple):
    """Records in the order of their lines.

    Attributes
    ----------
    prompts, answers, letters
        Their fingerprints.
    last
        The text of the last turn.
    said, before
        The answer to learn, or "" without one; and the turn before it, or None.
    ends
        The JSON path of the final answer of a conversation; "" if it ends with the user.
    """

    lines: list[int]
    prompts: list[int]
    answers: list[int]
    letters: list[int]
    tokens: list[int]
    last: list[str]
    said: list[str]
    before: Sequence[str | None]
    kinds: list[Kind]
    ends: list[str]

    def merged(self, other: Rows) -> Rows:
        """Merged with others, ordered by line."""
        lines = self.lines + other.lines
        columns: Iterator[tuple[Sequence[Any], Sequence[Any]]] = zip(self, other, strict=True)
        both = Rows._make([*mine, *theirs] for mine, theirs in columns)
        return both.chosen(sorted(range(len(lines)), key=lines.__getitem__))

    def chosen(self, places: list[int]) -> Rows:
        """The rows at some indices."""
        return Rows._make([column[at] for at in places] for column in self)


def is_chat(format_: SourceFormat) -> bool:
    """Whether records of a format are conversations of any number of turns."""
    return "multi-turn" in METHODS[format_]


def rows_of(format_: SourceFormat, lines: list[int], conversations: list[Conversation]) -> Rows:
    """The rows of records that were read one by one."""
    turns = [one.turns for one in conversations]
    ends = [(one[-1].path or "$") if one[-1].role == "assistant" else "" for one in turns]
    media = (
        [blocks.media_of([turn.blocks for turn in one]) for one in turns]
        if is_chat(format_)
        else [()] * len(turns)
    )
    return Rows(
        lines,
        *fingerprints(conversations),
        tokens=[rules.tokens_of(rules.bytes_of(one)) for one in conversations],
        last=[one[-1].text for one in turns],
        said=[
            one.turns[-1].text if path else one.answer for one, path in zip(conversations, ends, strict=True)
        ],
        before=[one[-2].text if len(one) > 1 else None for one in turns],
        kinds=[
            (method_of(format_, one), len(one.turns), one.system != "", some)
            for one, some in zip(conversations, media, strict=True)
        ],
        ends=ends,
    )


def rows_of_batch(format_: SourceFormat, lines: list[int], batch: Batch) -> Rows:
    """The rows of records of texts that were read together."""
    systems = batch.systems or [""] * len(lines)
    return Rows(
        lines,
        *fingerprints_of(batch),
        tokens=[rules.tokens_of(size) for size in batch.sizes],
        last=batch.answers
        if all(batch.answers)
        else [
            asked if turns % 2 else answer
            for answer, asked, turns in zip(batch.answers, batch.before, batch.turns, strict=True)
        ],
        said=batch.answers,
        before=batch.before,
        kinds=_kinds(format_, batch, systems),
        ends=_ends(format_, batch, systems) if is_chat(format_) else [""] * len(lines),
    )


def _kinds(format_: SourceFormat, batch: Batch, systems: list[str]) -> list[Kind]:
    if not batch.systems and not batch.media and min(batch.turns) == max(batch.turns):
        return [_kind(format_, batch.turns[0], False, ())] * len(systems)
    media = batch.media or [()] * len(systems)
    return [
        _kind(format_, turns, system != "", some)
        for turns, system, some in zip(batch.turns, systems, media, strict=True)
    ]


def _ends(format_: SourceFormat, batch: Batch, systems: list[str]) -> list[str]:
    is_before = format_ == "openai-chat"  # the system prompt is a message of its own
    return [
        "" if turns % 2 else PATHS[turns - 1 + (is_before and system != "")]
        for turns, system in zip(batch.turns, systems, strict=True)
    ]


@lru_cache(maxsize=1 << 10)
def _kind(format_: SourceFormat, turns: int, has_system: bool, media: tuple[str, ...]) -> Kind:
    method = METHODS[format_][0]
    if is_chat(format_):
        method = "distillation" if turns % 2 else "single-turn" if turns <= 2 else "multi-turn"
    return method, turns, has_system, media
