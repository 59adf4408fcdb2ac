"""What all lines with one skeleton are: the rules say it, of one of them whose texts say nothing.

What they find in a record's keys, types and roles is true of each record with the same skeleton. So the rules
are written once, and a new format is quick without a word of C.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tunedrop.contracts import Method
from tunedrop.dataset.check.options import Asked
from tunedrop.dataset.formats import json_lines as lines
from tunedrop.dataset.formats import record as formats
from tunedrop.dataset.formats.record import Conversation, SourceFormat
from tunedrop.dataset.rules import record as rules
from tunedrop.dataset.rules.shape import KNOWN_KEYS
from tunedrop.dataset.types import Problem

MARK = b"\1"
"""Stands in a skeleton for a text."""


class Kind(msgspec.Struct, frozen=True):
    """What records with one skeleton have in common.

    Attributes
    ----------
    counted, asked, answer, last
        Numbers of texts, in the order of the line: those that are part of the conversation, that come before
        the answer, that are the answer (if there is one), that are said last.
    extra
        Characters between texts that are joined.
    problems
        Warnings that hold for each of these records.
    is_suspect
        Whether the base model may have something against each of them.
    """

    format: SourceFormat
    method: Method
    traits: tuple[str, ...]
    turns: int
    roles: dict[str, int]
    counted: tuple[int, ...]
    asked: tuple[int, ...]
    answer: int | None
    last: int
    extra: int
    problems: tuple[Problem, ...]
    is_suspect: bool


def filled(skeleton: bytes) -> tuple[bytes, list[str]]:
    """A line with a skeleton, and its texts: each a character for private use, which means nothing."""
    first, *rest = skeleton.split(MARK)
    fillers = [chr(0xE000 + number) for number in range(len(rest))]
    return first + b"".join(
        filler.encode() + part for filler, part in zip(fillers, rest, strict=True)
    ), fillers


def unknown_keys(record: Mapping[str, Any]) -> Iterator[str]:
    """The keys of a record that no rule looks at the value of."""
    messages = record.get("messages")
    for one in (record, *(messages if isinstance(messages, list) else ())):
        yield from _unknown_keys(one)


def _unknown_keys(value: Any) -> Iterator[str]:
    for key, inside in value.items() if isinstance(value, dict) else ():
        if key not in KNOWN_KEYS:
            yield key
            yield from _unknown_keys(inside)


def kind_of(skeleton: bytes, asked: Asked) -> Kind | None:
    """What all records with a skeleton are; None where they have to be read one by one.

    Parameters
    ----------
    skeleton
        A line without white space, in which each text is the byte 1.
    """
    raw, fillers = filled(skeleton)
    line = lines.parse(0, raw)
    format_ = formats.detect(line.record) if line.problem is None else None
    if format_ is None:
        return None
    problems = list(rules.shape_problems(line.record, format_, rules.answer_of(asked.method)))
    if rules.are_fatal(problems) or set(repr(problems)) & set(fillers):
        return None
    conversation = formats.read(line.record, format_)
    turns = conversation.turns
    said = "".join([*(turn.text for turn in turns), conversation.system])
    before = "".join(turn.text for turn in conversation.asked or turns)
    counted = tuple(number for number, filler in enumerate(fillers) if filler in said)
    answer, last = conversation.answer, turns[-1].text
    if any(turn.blocks for turn in turns) or last not in fillers or answer not in {*fillers, ""}:
        return None
    return Kind(
        format=format_,
        method=formats.method_of(format_, conversation),
        traits=tuple(rules.traits(conversation)),
        turns=len(turns),
        roles=Counter(turn.role for turn in turns),
        counted=counted,
        asked=tuple(number for number in counted if fillers[number] in before),
        answer=fillers.index(answer) if answer else None,
        last=fillers.index(last),
        extra=len(said) - len(counted),
        problems=tuple(problems),
        is_suspect=_is_suspect(line, format_, conversation, asked),
    )


def _is_suspect(line: lines.Line, format_: SourceFormat, conversation: Conversation, asked: Asked) -> bool:
    model = asked.base_model
    return model is not None and any(
        True
        for view in asked.views(format_)
        if view is not None
        for _ in rules.model_problems(line.record, format_, conversation, view, model)
    )
