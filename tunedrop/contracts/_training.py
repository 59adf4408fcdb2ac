"""The steps start_customization and wait_for_completion: jobs and waits."""

from __future__ import annotations

from typing import Literal

import msgspec

from tunedrop.contracts._run import Method


class StartedJob(msgspec.Struct, frozen=True, kw_only=True):
    """`queued`: no slot was free; the run waits for one, in order of arrival, and tries again.

    A run with several jobs (`series`) returns to this step after each job (`more`), until it is `finished`:
    `job` is then the job whose model is served.
    """

    outcome: Literal["started", "queued", "finished"]
    job_arn: str = ""
    job_name: str = ""
    more: bool = False
    job: CompletedJob | None = None
    series: tuple[TrainingJob, ...] = ()


class TrainingJob(msgspec.Struct, frozen=True, kw_only=True):
    """The status of one of several jobs of a run: a training phase, or a candidate of a search.

    `title` is for people. `chosen`: its model is served and evaluated.
    """

    title: str
    method: Method
    hyperparameters: dict[str, str]
    status: Literal["waiting", "training", "trained", "failed"] = "waiting"
    job_arn: str = ""
    job: CompletedJob | None = None
    failure: str = ""
    chosen: bool = False


class CompletedJob(msgspec.Struct, frozen=True, kw_only=True):
    """A successful customization job. Losses are None if Bedrock reported none."""

    job_arn: str
    job_name: str
    model_arn: str
    output_uri: str
    training_loss: float | None = None
    validation_loss: float | None = None
    started_at: str = ""
    ended_at: str = ""


FitVerdict = Literal["overfitting", "memorising", "underfitting", "unstable", "fits", "unknown"]


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """The assessment of the loss curves (see `tunedrop.training.fit`). Losses are the last epoch's.

    `suggested_epochs` is the number of epochs that suits the data best, judging by the curves; 0: unknown.
    """

    verdict: FitVerdict
    sentence: str
    epochs: int = 0
    suggested_epochs: int = 0
    training_loss: float | None = None
    validation_loss: float | None = None
    best_validation_loss: float | None = None


WaitKind = Literal["approval", "slot", "training", "deployment", "throughput", "judging"]
"""A `slot` is a place among the concurrent customization jobs, a `deployment` one among the custom model
deployments."""


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """A stored task token. `subject` is what the run waits for: a job or throughput ARN, else the run id.

    `arrived_at` is its place in the queue, `parked_at` when this wait began.
    """

    run_id: str
    kind: WaitKind
    subject: str
    token: str
    arrived_at: str
    parked_at: str
    expires_at: str = ""
