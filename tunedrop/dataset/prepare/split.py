"""Splits a checked dataset as planned, and converts it to the base model's format, in one pass."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import BinaryIO

import msgspec

from tunedrop.catalog.method import MethodRules
from tunedrop.contracts import Prompts
from tunedrop.dataset import formats
from tunedrop.dataset.check.statistics import add
from tunedrop.dataset.formats import Conversation, SourceFormat
from tunedrop.dataset.formats import json_lines as lines
from tunedrop.dataset.prepare.held_out import prompts_of
from tunedrop.dataset.prepare.plan import Shares, number_of
from tunedrop.dataset.rules import record as rules
from tunedrop.dataset.sources import media
from tunedrop.dataset.sources.media import Relocate
from tunedrop.dataset.types import Split

TEST_SHARE = 0.12
VALIDATION_SHARE = 0.08
MAX_TEST_RECORDS = 1_000

SPLITS: tuple[Split, ...] = ("train", "validation", "test")
"""The splits by their numbers in `plan`."""

Sides = Sequence[int]


class Written(msgspec.Struct):
    """The written data of one split: size in bytes, estimated tokens, bytes that may be a token each, media
    counted by kind. `prompts` is None except for `test`.
    """

    records: int = 0
    tokens: int = 0
    dense: int = 0
    bytes: int = 0
    media: dict[str, int] = {}
    prompts: Prompts | None = None


class Prepared(msgspec.Struct, frozen=True):
    """The written splits, and a hash of all records that does not depend on their order."""

    files: dict[Split, Written]
    content_hash: str


def shares(records: int, given: Iterable[Split], method_rules: MethodRules) -> Shares:
    """The shares to hold out, such that the training set keeps the base model's minimum.

    Parameters
    ----------
    records
        The number of records of the training file.
    given
        The splits with a separate file.
    """
    spare = max(0.0, (records - method_rules.min_train_records) / records) if records else 0.0
    test = 0.0 if "test" in given else min(TEST_SHARE, MAX_TEST_RECORDS / max(1, records))
    wants_validation = method_rules.takes_validation and "validation" not in given
    validation = VALIDATION_SHARE if wants_validation else 0.0
    if method_rules.max_validation_records:
        validation = min(validation, method_rules.max_validation_records / max(1, records))
    asked = test + validation
    scale = min(1.0, spare / asked) if asked else 0.0
    return Shares(validation=validation * scale, test=test * scale)


def records_that_leave(tested: int, given: Iterable[Split], method_rules: MethodRules) -> int:
    """The minimum size of a training file from which this many records are held out for the test set.

    Parameters
    ----------
    given
        The splits with a separate file; not `test`, for which nothing would be held out.
    """
    given = frozenset(given) - {"test"}
    return next(one for one in count() if held_out_to_test(one, given, method_rules) >= tested)


def held_out_to_test(records: int, given: Iterable[Split], method_rules: MethodRules) -> int:
    """The number of records of a training file that are held out for the test set."""
    return number_of(shares(records, given, method_rules).test, records)


def prepare(
    sources: Mapping[Split, Iterable[bytes]],
    sinks: Mapping[Split, BinaryIO],
    sides: Sides,
    method_rules: MethodRules,
    relocate: Mapping[Split, Relocate] | None = None,
) -> Prepared:
    """Write the splits of checked sources; `sinks` has one for each split that may get records.

    Parameters
    ----------
    sides
        The split of each line of the training file, by `tunedrop.dataset.prepare.plan`; empty: nothing is
        held out.
    relocate
        For each source, the location of the copies of its media. The content hash is calculated from the
        original records, so that the same dataset has the same hash in every run.

    Raises
    ------
    ValueError
        If the base model's format cannot express a record.
    """
    files: dict[Split, Written] = {split: Written() for split in sinks}
    everything = 0
    for given, chunks in sources.items():
        for line in lines.read(chunks):
            reading = formats.read_for(line.record, is_text=method_rules.format == "text")
            format_, conversation = reading.format, reading.conversation
            if line.problem is not None or conversation is None:
                raise ValueError(f"line {line.number} of the {given} file was not checked")
            split = SPLITS[sides[line.number - 1]] if given == "train" and sides else given
            record = formats.write(conversation, method_rules.format)
            text = msgspec.json.encode(record) + b"\n"
            everything += int.from_bytes(hashlib.sha256(given.encode() + text).digest())
            if relocate is not None and _shows(conversation, format_):
                moved = media.relocated(record, method_rules.format, relocate[given])
                text = msgspec.json.encode(moved) + b"\n"
            sinks[split].write(text)
            _count(files[split], conversation, len(text))
            if split == "test":
                asked = prompts_of(conversation, method_rules.format == "text")
                files[split].prompts = (files[split].prompts or Prompts()) + asked
    return Prepared(files, _hexadecimal(everything))


def content_hash(sources: Mapping[Split, Iterable[bytes]], method_rules: MethodRules) -> str:
    """The content hash of checked sources, as `prepare` calculates it; nothing is written.

    Raises
    ------
    ValueError
        As `prepare`.
    """
    with Path(os.devnull).open("wb") as nothing:
        return prepare(sources, dict.fromkeys(SPLITS, nothing), b"", method_rules).content_hash


def merge(parts: Iterable[Prepared]) -> Prepared:
    """The result that a single pass over all parts would have."""
    files: dict[Split, Written] = {}
    everything = 0
    for part in parts:
        everything += int(part.content_hash, 16)
        for split, written in part.files.items():
            whole = files.setdefault(split, Written())
            whole.records += written.records
            whole.tokens += written.tokens
            whole.dense += written.dense
            whole.bytes += written.bytes
            add(whole.media, written.media)
            if written.prompts is not None:
                whole.prompts = (whole.prompts or Prompts()) + written.prompts
    return Prepared(files, _hexadecimal(everything))


def _hexadecimal(everything: int) -> str:
    """A sum of SHA-256 hashes: independent of their order, and repeated records count each time."""
    return f"{everything % (1 << 256):064x}"


def _shows(conversation: Conversation, format_: SourceFormat) -> bool:
    """Whether a record may refer to media."""
    return format_ == "image-caption" or any(turn.blocks for turn in conversation.turns)


def _count(written: Written, conversation: Conversation, size: int) -> None:
    written.records += 1
    written.tokens += rules.tokens_of(rules.bytes_of(conversation))
    written.dense += rules.dense_of(conversation)
    written.bytes += size
    add(written.media, media.counted(block for turn in conversation.turns for block in turn.blocks))
