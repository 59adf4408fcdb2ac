"""A snapshot of an active run: registry, wait, Bedrock job and losses so far."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec

from tunedrop import clock, naming
from tunedrop.aws import Aws
from tunedrop.contracts import StartedJob, Wait, WaitKind
from tunedrop.registry import Record, Registry, StepRecord
from tunedrop.stage import Stage
from tunedrop.training import curves, engines
from tunedrop.training.curves import Curves
from tunedrop.waiting.table import QUEUES, Waits

SLOWEST_SECONDS = 30.0
"""Polling interval of a long job: each poll costs a call to Bedrock and a listing in S3."""


class Job(msgspec.Struct, frozen=True):
    """A customization job: its status, that of its phases (`statusDetails`), and its losses so far."""

    status: str
    phases: dict[str, str] = {}
    curves: Curves = Curves()


class Queue(msgspec.Struct, frozen=True):
    """A run's place in the queue for a slot, from 1."""

    place: int
    waiting: int


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a run at time `at`. `approval` is a pending approval request."""

    record: Record
    at: str
    steps: tuple[StepRecord, ...] = ()
    job: Job | None = None
    queue: Queue | None = None
    approval: Wait | None = None


class Monitor:
    """Polls a run repeatedly, Bedrock and S3 less often the longer it takes."""

    def __init__(
        self,
        aws: Aws,
        stage: Stage,
        registry: Registry,
        run_id: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._aws = aws
        self._stage = stage
        self._registry = registry
        self._waits = Waits(aws.dynamodb, stage.waits_table)
        self._run_id = run_id
        self._monotonic = monotonic
        self._job: Job | None = None
        self._etags: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        self._training_since = 0.0
        self._next_job_look = 0.0
        self.latest: Snapshot | None = None
        """The last snapshot that was taken."""

    def __call__(self) -> Snapshot | None:
        """The current snapshot; None if the registry does not know the run."""
        snapshot = self._taken()
        self.latest = snapshot or self.latest
        return snapshot

    def _taken(self) -> Snapshot | None:
        record = self._registry.get(self._run_id)
        if record is None:
            return None
        waits = self._waits.of_run(self._run_id) if record.is_open else []
        return Snapshot(
            record=record,
            at=clock.now(),
            steps=tuple(self._registry.steps(self._run_id)),
            job=self._job_of(record),
            queue=next((self._queue(wait.kind) for wait in waits if wait.kind in QUEUES), None),
            approval=next((wait for wait in waits if wait.kind == "approval"), None),
        )

    def _queue(self, kind: WaitKind) -> Queue | None:
        waiting = [wait.run_id for wait in self._waits.of_kind(kind)]
        if self._run_id not in waiting:
            return None
        return Queue(place=waiting.index(self._run_id) + 1, waiting=len(waiting))

    def _job_of(self, record: Record) -> Job | None:
        started = record.document("started", StartedJob)
        if started is None or not started.job_arn:
            self._job, self._training_since = None, 0.0
            return None
        now = self._monotonic()
        self._training_since = self._training_since or now
        has_ended = self._job is not None and self._job.status not in ("InProgress", "Stopping")
        if now >= self._next_job_look and not has_ended:
            self._next_job_look = now + min(SLOWEST_SECONDS, (now - self._training_since) / 20)
            engine = engines.of_job(started.job_arn)
            found = engine.describe(self._aws, started.job_arn)
            if found is not None:
                curves_ = self._curves()
                if curves_ == Curves():
                    curves_ = engine.curves(self._aws, started.job_arn)
                self._job = Job(found.status, found.phases, curves_)
        return self._job

    def _curves(self) -> Curves:
        prefix = naming.training_prefix(self._run_id)
        pages = self._aws.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._stage.artifacts_bucket, Prefix=prefix
        )
        for page in pages:
            for item in page.get("Contents", []):
                if item["Key"].endswith(".csv") and self._etags.get(item["Key"]) != item["ETag"]:
                    self._texts[item["Key"]] = self._text(item["Key"])
                    self._etags[item["Key"]] = item["ETag"]
        return curves.read(self._texts.items())

    def _text(self, key: str) -> str:
        answer: Any = self._aws.s3.get_object(Bucket=self._stage.artifacts_bucket, Key=key)
        return str(answer["Body"].read().decode())
