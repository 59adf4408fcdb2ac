"""The port to training engines: what Tunedrop needs of a service that trains models.

Each engine is a package in `tunedrop.training.engines`; the catalog says which one trains which base
model, by which method, in which Region.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from typing import ClassVar, Literal

import msgspec

from tunedrop import naming
from tunedrop.aws import Aws
from tunedrop.catalog.model import BaseModel, Price
from tunedrop.contracts import Check, CompletedJob, Dataset, Method, Run, StartedJob
from tunedrop.errors import CustomizationFailed, RunStopped
from tunedrop.planning.plan import PlannedJob
from tunedrop.stage import Stage

Status = Literal["InProgress", "Stopping", "Completed", "Failed", "Stopped", "Deleting"]
"""How a job stands; Bedrock and SageMaker AI use the same words."""


class QuotaFull(Exception):
    """The service would start no further job; its message, which names no quota by its code."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A training job as its service describes it.

    `phases` are the parts of its work, each with its own status; a job that was accepted and does not train
    has `training` at `NotStarted`. `model_arn` is what it has made, `output_uri` where its files are.
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
        """Whether the service has accepted it and does not train; one without phases is not taken for it."""
        return self.status == "InProgress" and self.phases.get("training") == "NotStarted"


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine bills for a job: each token that it trains, or each hour.

    `price` is for a million tokens, or for an hour; None if no dated one is known. `sku` is the usage type
    of AWS's price list. `hours` are at least, likely, at most; None if nobody says how many.
    """

    by: Literal["token", "hour"]
    price: Price | None
    sku: str = ""
    hours: tuple[float, float, float] | None = None


LeftoverKind = Literal["training job", "training file", "trained model"]


class Leftover(msgspec.Struct, frozen=True, kw_only=True):
    """Something of a stage that an engine has made: a job that runs, a model that costs its storage, or a
    training file in the service that no job at work and no model needs."""

    kind: LeftoverKind
    arn: str
    name: str
    status: str
    run_id: str
    created_at: str


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """A policy statement that one of the stage's functions needs for an engine.

    `{account}`, `{region}`, `{stage}`, `{training_role}` and `{artifacts}` (a bucket's ARN) are filled in;
    `{graders}` and `{base_models}` are several values each: the stage's graders, and what the engine tunes.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: dict[str, dict[str, str]] = {}


class TrainingEngine(ABC):
    """A service that trains. Every call names its job by the run and its plan, so that none is made twice."""

    name: ClassVar[str]
    """As the catalog calls it."""

    job_arns: ClassVar[str]
    """What the ARNs of its jobs have in them, and no other engine's."""

    model_arns: ClassVar[str]
    """The same of the models that it makes."""

    job_names: ClassVar[str] = "tunedrop"
    """How the names of its jobs begin, in eight letters at most: engines of one service differ in it."""

    service: ClassVar[str] = "bedrock"
    """Whose API starts its jobs, by its client's name; for `sagemaker` a stage has two roles and a rule."""

    role_permissions: ClassVar[tuple[Permission, ...]] = ()
    """What the role of its jobs needs beside the data, where the stage uses the engine."""

    arns_return: ClassVar[bool] = False
    """Whether a model that is made later may have the ARN of one that was deleted."""

    wraps_graders: ClassVar[bool] = False
    """Whether its jobs call a function of ours that calls the grader, whose answers they cannot read."""

    reinforces_results: ClassVar[bool] = False
    """Whether reinforcement can go on with a model that it has made, instead of a base model."""

    parents: ClassVar[str] = ""
    """A regular expression for the ARNs of models that a job can continue from, with `{account}`, `{region}`
    and `{stage}`; empty if there are none."""

    dead_end: ClassVar[str] = ""
    """Why no job can continue from its models, and what to do: a clause whose subject is the model."""

    undeletable: ClassVar[str] = ""
    """Why a model that it has made cannot be deleted; empty if it can. Said before one is made."""

    permissions: ClassVar[dict[str, tuple[Permission, ...]]] = {}
    """What the functions need, by function, where the stage uses the engine."""

    unfreeable: ClassVar[str]
    """What to do where it starts no job although none of its jobs runs: waiting would free nothing."""

    def name_of(self, stage: Stage, run: Run, number: int = 0, attempt: int = 0) -> str:
        """The name of an attempt's job (one of several, by its number); without an attempt, of this one."""
        return naming.resource_name(stage.name, run.run_id, attempt or run.attempt, number, self.job_names)

    @abstractmethod
    def start(
        self, aws: Aws, stage: Stage, run: Run, planned: PlannedJob, base_model: BaseModel, parent: str
    ) -> StartedJob:
        """Start a job of the run, or find the one that an earlier try has started.

        Parameters
        ----------
        parent
            The ARN of an earlier result to go on with; empty: the base model itself.

        Raises
        ------
        CustomizationFailed
            If the service refuses the job for a reason that a later try cannot heal.
        TransientError
            If a later try may succeed.
        QuotaFull
            If a quota of the account is full: whether waiting helps, the caller knows.
        """

    @abstractmethod
    def describe(self, aws: Aws, name_or_arn: str) -> Job | None:
        """A job, or None if there is none of this name."""

    @abstractmethod
    def stop(self, aws: Aws, job_arn: str) -> bool:
        """Stop a job. False when it had ended before. What it has trained is still billed."""

    def end_twins(self, aws: Aws, job_arn: str) -> None:
        """Stop duplicates of a running job; nothing to do if a name or token prevents them."""
        del aws, job_arn

    def discard(self, aws: Aws, file_arn: str) -> bool:
        """Delete a training file. False if it did not exist, or a running job or a model still needs it."""
        del aws, file_arn
        return False

    @abstractmethod
    def role_of(self, stage: Stage) -> str:
        """The ARN of the role that its jobs of a stage are given; empty if they are given none."""

    def billed_by(self, method: Method) -> Literal["token", "hour"]:
        """Whether training with a method is billed by token or by hour."""
        del method
        return "token"

    @abstractmethod
    def price(self, planned: PlannedJob, base_model: BaseModel) -> Charge:
        """What a job of this plan is billed by."""

    @abstractmethod
    def in_progress(self, aws: Aws) -> int:
        """Jobs of this account and Region that hold a slot, regardless of who started them."""

    @abstractmethod
    def status_of_model(self, aws: Aws, model_arn: str) -> str:
        """`Active` where a model that it has made is there; empty if it is not (any more)."""

    @abstractmethod
    def delete_model(self, aws: Aws, model_arn: str) -> bool:
        """Delete a model that it has made. False when it was gone before.

        Raises
        ------
        ThroughputFailed
            If the service refuses for good.
        TransientError
            If a later try may succeed; so while something still serves the model.
        """

    def base_of(self, stage: Stage, model_arn: str) -> BaseModel | None:
        """The base model of a model that it has trained, by ARN; None if only the run knows it."""
        del stage, model_arn
        return None

    def weights_of(self, aws: Aws, model_arn: str) -> str:
        """Where the files of a model are that Bedrock can import (`s3://…/`); empty if it keeps them."""
        del aws, model_arn
        return ""

    def base_weights(self, aws: Aws, base_model: BaseModel) -> str:
        """Where the files of a base model are that Bedrock can import as they are (`s3://…/`); empty if
        the service shows nobody, such as those under a licence."""
        del aws, base_model
        return ""

    def leftovers(self, aws: Aws, stage: Stage, kinds: Collection[LeftoverKind]) -> Iterator[Leftover]:
        """The jobs that run and the models of a stage, where Bedrock's own lists do not have them.

        Parameters
        ----------
        kinds
            What is looked for: finding models may take far more calls than finding jobs.
        """
        del aws, stage, kinds
        return iter(())

    def result(self, aws: Aws, job: Job) -> CompletedJob | None:
        """A job that ended well; None while it goes on.

        Raises
        ------
        CustomizationFailed
            If the job failed; the message is the service's own.
        RunStopped
            If somebody stopped the job.
        """
        del aws
        match job.status:
            case "Completed":
                return CompletedJob(
                    job_arn=job.arn,
                    job_name=job.name,
                    model_arn=job.model_arn,
                    output_uri=job.output_uri,
                    training_loss=job.training_loss,
                    validation_loss=job.validation_loss,
                    started_at=job.started_at,
                    ended_at=job.ended_at,
                )
            case "Failed":
                reason = job.failure or "the service gave no reason; try again, then ask AWS Support"
                raise CustomizationFailed(f"the training job {job.name} failed: {reason}")
            case "Stopped" | "Deleting":
                raise RunStopped(f"the training job {job.name} was stopped in AWS")
            case _:
                return None

    def checks(
        self, aws: Aws, stage: Stage, run: Run, dataset: Dataset, base_model: BaseModel
    ) -> Iterator[Check]:
        """What of this engine alone can be looked at before anything is paid."""
        del aws, stage, run, dataset, base_model
        return iter(())

    def reward_function(self, stage: Stage, run: Run) -> str:
        """The ARN of the function that the service calls to have answers graded."""
        return stage.reward_function_arn if self.wraps_graders else run.grader

    def forget(self, aws: Aws, stage: Stage) -> list[str]:
        """Delete what the stage has for all its runs, once they have nothing any more; returns the ARNs.

        Raises
        ------
        TransientError
            If a later try may succeed.
        """
        del aws, stage
        return []

    def customization_type(self, method: Method) -> str:
        """What GetFoundationModel calls a method in `customizationsSupported`; empty if it does not."""
        del method
        return ""


def started(job: Job) -> StartedJob:
    """A job that is there, as if it had just been started."""
    return StartedJob(outcome="started", job_arn=job.arn, job_name=job.name)


def outcome(engine: TrainingEngine, aws: Aws, job_arn: str) -> CompletedJob | None:
    """The job as it ended, or None while it goes on.

    Raises
    ------
    CustomizationFailed, RunStopped
        As `TrainingEngine.result`; also when the job is gone.
    """
    job = engine.describe(aws, job_arn)
    if job is None:
        raise CustomizationFailed(f"the training job {job_arn} does not exist (or no longer exists)")
    return engine.result(aws, job)
