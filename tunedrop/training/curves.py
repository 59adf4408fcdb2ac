"""Bedrock's own files about a job: its loss curves, and how many records it accepted.

Columns and paths: Bedrock user guide, model-customization-analyze; AWS's notebooks disagree about the folder
of the validation file, so files are found by name (read 2026-11-23).
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean
from typing import Any

import msgspec

from tunedrop import naming
from tunedrop.contracts import CompletedJob

TRAINING_FILE = "step_wise_training_metrics.csv"
VALIDATION_FILE = "validation_metrics.csv"
INPUT_FILE = "manifest.report.csv"
"""Under `input_status/`: what Bedrock accepted of each data file (a public report of August 2026)."""


class Loss(msgspec.Struct, frozen=True):
    """One row: a step, its epoch, its loss in nats."""

    step: int
    epoch: int
    loss: float


class Reward(msgspec.Struct, frozen=True):
    """The mean reward of the answers that a model has sampled in a step of reinforcement."""

    step: int
    reward: float


class Accepted(msgspec.Struct, frozen=True):
    """What Bedrock accepted of one data file, in records."""

    file: str
    records: int
    accepted: int
    partly: int
    rejected: int

    def __str__(self) -> str:
        return f"{self.file}: {self.accepted:,} of {self.records:,} records accepted{self._less}"

    @property
    def short(self) -> str:
        """Such as `train 180 of 189 (7 rejected)`."""
        return f"{self.file.removesuffix('.jsonl')} {self.accepted:,} of {self.records:,}{self._less}"

    @property
    def _less(self) -> str:
        left = [f"{self.partly:,} in part"] * bool(self.partly) + [f"{self.rejected:,} rejected"] * bool(
            self.rejected
        )
        return f" ({', '.join(left)})" if left else ""


class Curves(msgspec.Struct, frozen=True):
    """Both loss curves and the rewards, by step, and the accepted records; empty if the service has none."""

    training: tuple[Loss, ...] = ()
    validation: tuple[Loss, ...] = ()
    inputs: tuple[Accepted, ...] = ()
    rewards: tuple[Reward, ...] = ()

    @property
    def learned(self) -> tuple[float, float] | None:
        """The mean reward of the first and of the last quarter of the steps: that of one step depends mostly
        on its prompts. None without rewards."""
        if not self.rewards:
            return None
        quarter = max(1, len(self.rewards) // 4)
        first, last = self.rewards[:quarter], self.rewards[-quarter:]
        return fmean(one.reward for one in first), fmean(one.reward for one in last)


def read(files: Iterable[tuple[str, str]]) -> Curves:
    """The curves in a job's output, given as (key, text)."""
    training: tuple[Loss, ...] = ()
    validation: tuple[Loss, ...] = ()
    inputs: dict[str, Accepted] = {}
    for key, text in files:
        if key.endswith(TRAINING_FILE):
            training = _rows(text, "training_loss")
        elif key.endswith(VALIDATION_FILE):
            validation = _rows(text, "validation_loss")
        elif key.endswith(INPUT_FILE):
            inputs |= {one.file: one for one in _accepted(text)}
    return Curves(training, validation, tuple(inputs.values()))


def of_job(s3: Any, job: CompletedJob) -> Curves:
    """The curves that a service wrote into S3 for a job; empty if it wrote none."""
    bucket, prefix = naming.place_of(job.output_uri)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    return read(
        (key, s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode())
        for key in keys
        if key.endswith((TRAINING_FILE, VALIDATION_FILE, INPUT_FILE))
    )


def by_epoch(rows: Sequence[Loss]) -> list[float]:
    """The mean loss of each epoch, in order; whether Bedrock counts epochs from 0 or 1 does not matter."""
    grouped: dict[int, list[float]] = {}
    for row in rows:
        grouped.setdefault(row.epoch, []).append(row.loss)
    return [fmean(losses) for _, losses in sorted(grouped.items())]


def _accepted(text: str) -> Iterator[Accepted]:
    """The rows of a manifest report, without malformed ones."""
    counts = (
        "totalProcessedRecordCount", "acceptedRecordCount", "partiallyAcceptedRecordCount",
        "rejectedRecordCount",
    )  # fmt: skip
    for row in csv.DictReader(io.StringIO(text)):
        try:
            yield Accepted(row["fileName"], *(int(row[name]) for name in counts))
        except (KeyError, TypeError, ValueError):
            continue


def _rows(text: str, column: str) -> tuple[Loss, ...]:
    """The rows with numbers, without malformed ones."""
    found = []
    for row in csv.DictReader(io.StringIO(text)):
        try:
            one = Loss(int(float(row["step_number"])), int(float(row["epoch_number"])), float(row[column]))
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
        if math.isfinite(one.loss):
            found.append(one)
    return tuple(sorted(found, key=lambda one: one.step))
