"""Drives a deployed stage as its users do, through its public interfaces: S3, SNS and the registry.

The demo and the end-to-end tests share it.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import boto3
import msgspec

from tunedrop import intake
from tunedrop.aws import Aws
from tunedrop.contracts import Wait
from tunedrop.registry import Record, Registry, StepRecord
from tunedrop.registry.follow import follow
from tunedrop.stage import Stage, parameter_name
from tunedrop.waiting.table import Waits

T = TypeVar("T")

PATIENCE = 300.0
"""Seconds to wait for a condition at most: a run takes minutes on a busy machine."""


def until(look: Callable[[], T | None], what: str, seconds: float = PATIENCE, interval: float = 0.2) -> T:
    """The first result of `look` that is not None.

    Raises
    ------
    TimeoutError
        If there is none in time; the message names the condition.
    """
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(interval)
    return found


class Message(msgspec.Struct, frozen=True):
    """One SNS message as a subscriber receives it."""

    subject: str
    text: str
    attributes: dict[str, str]


class Inbox:
    """A queue that is subscribed to the stage's topic."""

    def __init__(self, session: boto3.Session, topic_arn: str) -> None:
        self._sqs = session.client("sqs")
        self._url = self._sqs.create_queue(QueueName=f"inbox-{uuid.uuid4().hex[:8]}")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "sns.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": arn,
                    "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
                }
            ],
        }
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": json.dumps(policy)})
        self._sns = session.client("sns")
        self._subscription = self._sns.subscribe(
            TopicArn=topic_arn, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True
        )["SubscriptionArn"]
        self._messages: list[Message] = []

    def messages(self, run_id: str) -> list[Message]:
        """All messages about a run until now, oldest first."""
        return [one for one in self.all() if one.attributes.get("run_id") == run_id]

    def all(self) -> list[Message]:
        """All messages until now."""
        while True:
            answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10)
            batch = answer.get("Messages", [])
            for item in batch:
                self._messages.append(_message(json.loads(item["Body"])))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=item["ReceiptHandle"])
            if not batch:
                return list(self._messages)

    def close(self) -> None:
        self._sns.unsubscribe(SubscriptionArn=self._subscription)
        self._sqs.delete_queue(QueueUrl=self._url)


def _message(envelope: Mapping[str, Any]) -> Message:
    attributes = {name: value["Value"] for name, value in envelope.get("MessageAttributes", {}).items()}
    return Message(envelope.get("Subject", ""), envelope["Message"], attributes)


class Pipeline:
    """A deployed stage, as seen from outside."""

    def __init__(self, session: boto3.Session, stage: str = "local") -> None:
        self.session = session
        self.aws = Aws(session)
        self.read(stage)

    def read(self, stage: str) -> None:
        """Read the stage's description: a stage that was destroyed and created again has other names."""
        description = self.aws.ssm.get_parameter(Name=parameter_name(stage))["Parameter"]["Value"]
        self.stage = msgspec.json.decode(description, type=Stage)
        self.registry = Registry(self.aws.dynamodb, self.stage.registry_table)
        self.waits = Waits(self.aws.dynamodb, self.stage.waits_table)

    @contextmanager
    def inbox(self) -> Iterator[Inbox]:
        """A subscription to the stage's topic for as long as the block lasts."""
        inbox = Inbox(self.session, self.stage.topic_arn)
        try:
            yield inbox
        finally:
            inbox.close()

    def put(self, key: str, body: bytes | Path, *, again: bool = True) -> str:
        """Upload one object to the intake bucket; returns its version.

        Parameters
        ----------
        again
            Whether to train it even if the same data was trained before.
        """
        content = body.read_bytes() if isinstance(body, Path) else body
        metadata = {intake.AGAIN: "true"} if again else {}
        answer = self.aws.s3.put_object(
            Bucket=self.stage.intake_bucket, Key=key, Body=content, Metadata=metadata
        )
        return str(answer.get("VersionId", ""))

    def drop(self, name: str, body: bytes | Path) -> str:
        """Drop one dataset file; returns the name of its run."""
        self.put(f"{intake.DROP_PREFIX}{name}.jsonl", body)
        return name

    def run_of(self, name: str, version: str, seconds: float = PATIENCE) -> Record:
        """The run that one version of an upload has started; waits until there is one."""

        def look() -> Record | None:
            runs = self.registry.named(name)
            return next((one for one in runs if one.run.source.version_id == version), None)

        return until(look, f"a run of {name}, version {version}", seconds)

    def submit(self, folder: Path, name: str = "") -> str:
        """Upload a run's folder, its manifest last; returns the name of its run."""
        name = name or folder.name
        files = sorted(path for path in folder.iterdir() if path.suffix in (".jsonl", ".yaml", ".json"))
        files.sort(key=lambda path: path.name in intake.MANIFEST_NAMES)
        for path in files:
            self.put(f"{intake.RUNS_PREFIX}{name}/{path.name}", path)
        return name

    def run_named(self, name: str, seconds: float = PATIENCE) -> Record:
        """The latest run of a name; waits until there is one."""
        return until(lambda: next(iter(self.registry.named(name)), None), f"a run named {name}", seconds)

    def follow(self, run_id: str, seconds: float = PATIENCE) -> Iterator[StepRecord | Record]:
        """The run's steps as they happen, then its record when it is closed."""
        return follow(self.registry, run_id, time.monotonic() + seconds, interval=0.4)

    def finished(self, name: str, seconds: float = PATIENCE) -> Record:
        """The latest run of a name; waits until it is closed."""
        return self.closed(self.run_named(name, seconds).run.run_id, seconds)

    def closed(self, run_id: str, seconds: float = PATIENCE) -> Record:
        """A run; waits until it is closed."""
        *_, record = self.follow(run_id, seconds)
        assert isinstance(record, Record)
        return record

    def approved(self, run_id: str, seconds: float = PATIENCE) -> Record:
        """A run; waits until it is closed, and approves its requests meanwhile."""
        found: StepRecord | Record | None = None
        for found in self.follow(run_id, seconds):
            if isinstance(found, StepRecord) and found.step == "wait_for_approval" and not found.ended_at:
                self.approve(run_id)
        assert isinstance(found, Record)
        return found

    def approve(self, run_id: str) -> None:
        """Approve what a run waits for, as anyone with write access to the intake bucket can."""
        self.put(self.asked(run_id).subject, b"")

    def asked(self, run_id: str) -> Wait:
        """The approval that a run waits for; waits until it is requested."""
        return until(lambda: self.waits.get(run_id, "approval"), f"{run_id} to ask for approval")

    def after_sweeps(self, look: Callable[[], T | None], what: str, seconds: float = PATIENCE) -> T:
        """The first result of `look` that is not None, after as many turns of the sweep as it takes.

        Nobody has to wait for its schedule.

        Raises
        ------
        TimeoutError
            If there is none in time; the message names the condition.
        """
        name = f"tunedrop-{self.stage.name}-sweep-throughput"

        def turn() -> T | None:
            self.aws.lambda_.invoke(FunctionName=name)
            return look()

        return until(turn, what, seconds, interval=2.0)

    def stop(self, run_id: str, attempt: int = 1) -> None:
        """Stop an attempt at a run."""
        self.put(intake.signal_key(run_id, "stop", str(attempt)), b"")

    def retry(self, run_id: str, attempt: int = 1) -> None:
        """Resume a run after an attempt has ended."""
        self.put(intake.signal_key(run_id, "retry", str(attempt)), b"")

    def artifact(self, key: str) -> bytes:
        """One object of the artifacts bucket."""
        body: bytes = self.aws.s3.get_object(Bucket=self.stage.artifacts_bucket, Key=key)["Body"].read()
        return body
