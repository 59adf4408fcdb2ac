"""A training job as the engines describe it, whichever service runs it, and what it is billed by."""

from __future__ import annotations

from typing import Literal

import msgspec

from tunedrop.catalog.source import Price
from tunedrop.contracts import StartedJob

Status = Literal["InProgress", "Stopping", "Completed", "Failed", "Stopped", "Deleting"]
"""The statuses of jobs; Bedrock and SageMaker AI use the same words."""


Billed = Literal["token", "image", "hour"]
"""What training is billed by."""


class QuotaFull(Exception):
    """The service does not start another job; its message, which does not include the quota's code."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A training job as its service describes it.

    `phases` are its phases, each with a status; an accepted job that does not train yet has `training` at
    `NotStarted`. `model_arn` is the model that it has made, `output_uri` the location of its files.
    """

    arn: str
    name: str
    status: Status
    role_arn: str = ""
    failure: str = ""
    phases: dict[str, str] = {}
    model_arn: str = ""
    output_uri: str = ""
    training_loss: float | None = None
    validation_loss: float | None = None
    started_at: str = ""
    ended_at: str = ""
    trained_tokens: int = 0

    @property
    def has_not_started(self) -> bool:
        """Whether the service has accepted it but does not train yet; False for a job without phases."""
        return self.status == "InProgress" and self.phases.get("training") == "NotStarted"


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine bills for a job: each token that it trains, each image, or each hour.

    `price` is for a million tokens, for an image each time that the model sees it, or for an hour; None if no
    dated price is known. `sku` is the usage type
    of AWS's price list. `hours` are the minimum, likely and maximum duration; None if unknown.
    """

    by: Billed
    price: Price | None
    sku: str = ""
    hours: tuple[float, float, float] | None = None


def started(job: Job) -> StartedJob:
    """An existing job, as if it had just been started."""
    return StartedJob(outcome="started", job_arn=job.arn, job_name=job.name)
