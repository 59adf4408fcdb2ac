"""The step validate_data: the dataset as Bedrock will read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from tunedrop.contracts._run import Method


class Prompts(msgspec.Struct, frozen=True, kw_only=True):
    """The prompts that the evaluation derives from held-out records: each assistant turn with the
    conversation before it, or the second half of each text.

    `tokens` are those of all prompts with their recorded answers; `unanswered` prompts have none. `media`
    counts their images and videos, by kind.
    """

    count: int = 0
    tokens: int = 0
    dense: int = 0
    unanswered: int = 0
    media: dict[str, int] = {}

    def __add__(self, other: Prompts) -> Prompts:
        return Prompts(
            count=self.count + other.count,
            tokens=self.tokens + other.tokens,
            dense=self.dense + other.dense,
            unanswered=self.unanswered + other.unanswered,
            media={
                kind: self.media.get(kind, 0) + other.media.get(kind, 0) for kind in self.media | other.media
            },
        )

    def share(self, share: float) -> Prompts:
        """A share of them, assuming an even distribution."""
        return Prompts(
            count=round(self.count * share),
            tokens=round(self.tokens * share),
            dense=round(self.dense * share),
            unanswered=round(self.unanswered * share),
            media=_shared(self.media, share),
        )


def _shared(counts: Mapping[str, int], share: float) -> dict[str, int]:
    return {kind: round(count * share) for kind, count in counts.items()}


class DatasetFile(msgspec.Struct, frozen=True, kw_only=True):
    """One split as Bedrock will read it (or, for `test`, as evaluate_model will).

    `tokens` are those of its texts, `dense` the bytes of them that may be a token each; `media` counts its
    images, videos and documents, by kind. `prompts` are those of a held-out split; None if not counted.
    """

    uri: str
    records: int
    tokens: int
    dense: int = 0
    bytes: int = 0
    media: dict[str, int] = {}
    prompts: Prompts | None = None

    def share(self, share: float) -> DatasetFile:
        """A share of it, assuming an even distribution, before it is written."""
        return DatasetFile(
            uri="",
            records=round(self.records * share),
            tokens=round(self.tokens * share),
            dense=round(self.dense * share),
            media=_shared(self.media, share),
            prompts=self.prompts.share(share) if self.prompts is not None else None,
        )


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """A validated dataset: split, converted to the base model's format, written to the artifacts bucket.

    `test` has the held-out records in the base model's format; it is never trained on. `split_off` are those
    from before the last retry, which added others. `earlier` are the datasets of the run's earlier training
    phases, in order.
    """

    method: Method
    source_format: str
    target_format: Literal[
        "prompt-completion", "converse", "text", "openai-chat", "messages", "preference", "image-caption"
    ]
    content_hash: str
    train: DatasetFile
    validation: DatasetFile | None = None
    test: DatasetFile | None = None
    split_off: DatasetFile | None = None
    warning_count: int = 0
    report_uri: str = ""
    earlier: tuple[Dataset, ...] = ()


class ByteRange(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of a dataset file that begin at byte `start` or later, and before `stop`."""

    split: Literal["train", "validation", "test"]
    start: int
    stop: int


class ShardWork(msgspec.Struct, frozen=True, kw_only=True):
    """The work on each shard of a dataset: check it; or split, convert and write it.

    `dataset` numbers the datasets of earlier training phases from 0, then the run's own. `method` and the
    shares of records to hold out are known once all shards have been checked.
    """

    kind: Literal["check", "prepare"]
    dataset: int = 0
    method: Method | None = None
    validation_share: float = 0.0
    test_share: float = 0.0


class Sharding(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset too large for one function: the work for its shards, after which the step is called again.

    `earlier` are the finished datasets of earlier training phases.
    """

    work: ShardWork
    shards: tuple[ByteRange, ...]
    earlier: tuple[Dataset, ...] = ()


class ShardDone(msgspec.Struct, frozen=True, kw_only=True):
    """One shard of a dataset is done; its result is in the artifacts bucket."""

    done: bool = True
