"""The port to training engines: what Tunedrop requires of a service that trains models.

Each engine is a package in `tunedrop.training.engines`; the catalog says which one trains which base
model, by which method, in which Region.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from typing import ClassVar, Literal, NamedTuple

import msgspec

from tunedrop import naming
from tunedrop.aws import Aws
from tunedrop.aws.permission import Permission
from tunedrop.aws.quotas import Quotas, Shortage, Use
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Check, CompletedJob, Dataset, Method, Run, StartedJob
from tunedrop.errors import CustomizationFailed, RunStopped
from tunedrop.planning.plan import PlannedJob
from tunedrop.stage import Stage
from tunedrop.training.curves import Curves
from tunedrop.training.job import Billed, Charge, Job

LeftoverKind = Literal["training job", "training file", "trained model"]


class Leftover(msgspec.Struct, frozen=True, kw_only=True):
    """A resource of a stage that an engine has made: a running job, a model, which is billed for its storage,
    or a training file in the service that no running job and no model needs."""

    kind: LeftoverKind
    arn: str
    name: str
    status: str
    run_id: str
    created_at: str


class JobRole(msgspec.Struct, frozen=True, kw_only=True):
    """The role that an engine's service assumes for its jobs in a stage.

    Each reads the datasets of runs, and reads and writes what their training leaves; `permissions` is what it
    needs besides. `service` is who assumes it, such as `sagemaker` for `sagemaker.amazonaws.com`; `jobs` the
    type of resource in the ARNs of its jobs.
    """

    service: str
    jobs: str
    permissions: tuple[Permission, ...] = ()


class JobEvent(NamedTuple):
    """The event that EventBridge gets when a job changes. It names the job by its ARN, as `detail.jobArn` or
    as its first resource."""

    source: str
    detail_type: str


class TrainingEngine(ABC):
    """A service that trains. A job's name comes from the run and its plan, so that none is made twice."""

    name: ClassVar[str]
    """Its name in the catalog."""

    job_arns: ClassVar[str]
    """A part of the ARNs of its jobs, and of no other engine's."""

    model_arns: ClassVar[str]
    """The same for the models that it makes."""

    job_names: ClassVar[str] = "tunedrop"
    """The prefix of its jobs' names, at most eight letters; different for each engine of a service."""

    service: ClassVar[str] = "bedrock"
    """The client that starts its jobs."""

    endpoint: ClassVar[str] = ""
    """The name of its service's VPC endpoint (PrivateLink guide, aws-services-privatelink-support); empty if
    every stage calls that."""

    role: ClassVar[JobRole | None] = None
    """The role of its jobs, which the stages that use it have; None if the service assumes none, or every
    stage has it."""

    event: ClassVar[JobEvent | None] = None
    """What resumes a run whose job has ended; None if the service sends nothing, so that only the schedule
    does."""

    arns_return: ClassVar[bool] = False
    """Whether a new model may get the ARN of a deleted one."""

    wraps_graders: ClassVar[bool] = False
    """Whether its jobs call our function, which calls the grader, because they cannot read its response."""

    reinforces_results: ClassVar[bool] = False
    """Whether reinforcement can continue from a model that it has made, instead of a base model."""

    parents: ClassVar[str] = ""
    """A regular expression for the ARNs of models that a job can continue from, with `{account}`, `{region}`
    and `{stage}`; empty if there are none."""

    dead_end: ClassVar[str] = ""
    """Why no job can continue from its models, and what to do: a clause whose subject is the model."""

    undeletable: ClassVar[str] = ""
    """Why a model that it has made cannot be deleted; empty if it can. Reported before one is made."""

    permissions: ClassVar[dict[str, tuple[Permission, ...]]] = {}
    """What the functions need, by function, if the stage uses the engine."""

    unfreeable: ClassVar[str]
    """What to do if it starts no job although none is running, so that waiting would not help."""

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
            The ARN of an earlier result to continue from; empty: the base model itself.

        Raises
        ------
        CustomizationFailed
            If the service refuses the job, and would refuse it again.
        TransientError
            If a later try may succeed.
        QuotaFull
            If a quota of the account is full; the caller knows whether waiting helps.
        """

    @abstractmethod
    def describe(self, aws: Aws, name_or_arn: str) -> Job | None:
        """A job, or None if there is none of this name."""

    @abstractmethod
    def stop(self, aws: Aws, job_arn: str) -> bool:
        """Stop a job. False if it had ended before. What it has trained is still billed."""

    def end_twins(self, aws: Aws, job_arn: str) -> None:
        """Stop duplicates of a running job; nothing to do if a name or token prevents them."""
        del aws, job_arn

    def discard(self, aws: Aws, file_arn: str) -> bool:
        """Delete a training file. False if it did not exist, or a running job or a model still needs it."""
        del aws, file_arn
        return False

    def role_of(self, stage: Stage) -> str:
        """The ARN of the role of its jobs in a stage; empty if they have none."""
        return stage.training_role_arns.get(self.name, "")

    def billed_by(self, method: Method) -> Billed:
        """What training with a method is billed by."""
        del method
        return "token"

    @abstractmethod
    def price(self, planned: PlannedJob, base_model: BaseModel) -> Charge:
        """The charge of a job of this plan."""

    @abstractmethod
    def in_progress(self, aws: Aws) -> int:
        """Jobs of this account and Region that hold a slot, regardless of who started them."""

    def of_tunedrop(self, aws: Aws, in_progress: int) -> int:
        """How many of these count against a stage's `customization_quota`: all, unless the service runs other
        jobs too, which are no customization."""
        del aws
        return in_progress

    def shortages(self, aws: Aws, quotas: Quotas, jobs: int) -> Iterator[Shortage]:
        """Bedrock's quotas that leave no room for the models of so many jobs.

        Raises
        ------
        ClientError
            If AWS does not return the current usage.
        """
        del aws, quotas, jobs
        return iter(())

    def uses(self, aws: Aws, base_models: Sequence[BaseModel], jobs: int) -> Iterator[Use]:
        """What it takes of the account's quotas, to train these base models by so many jobs at once.

        Raises
        ------
        ClientError
            If AWS does not return the current usage.
        """
        del aws, base_models, jobs
        return iter(())

    @abstractmethod
    def status_of_model(self, aws: Aws, model_arn: str) -> str:
        """`Active` if a model that it has made exists; empty if it does not (any more)."""

    @abstractmethod
    def delete_model(self, aws: Aws, model_arn: str) -> bool:
        """Delete a model that it has made. False if it did not exist.

        Raises
        ------
        ThroughputFailed
            If the service refuses for good.
        TransientError
            If a later try may succeed, such as while something still serves the model.
        """

    def base_of(self, stage: Stage, model_arn: str) -> BaseModel | None:
        """The base model of a model that it has trained, by ARN; None if only the run knows it."""
        del stage, model_arn
        return None

    def method_of(self, aws: Aws, stage: Stage, model_arn: str) -> Method | None:
        """The method that a model was tuned by, if it limits the methods that can follow; else, or if it is
        unknown, None.

        Raises
        ------
        ClientError
            If the service refuses the call.
        """
        del aws, stage, model_arn
        return None

    def why_not_after(self, before: Method, after: Method) -> str:
        """Why a job of one method cannot continue from the model of a job of another, and what to do instead:
        a sentence; empty if it can."""
        del before, after
        return ""

    def weights_of(self, aws: Aws, model_arn: str) -> str:
        """The location of a model's files, for an import into Bedrock (`s3://…/`); empty if it keeps them."""
        del aws, model_arn
        return ""

    def base_weights(self, aws: Aws, base_model: BaseModel) -> str:
        """The location of a base model's files, from which Bedrock can import them (`s3://…/`); empty if the
        service does not publish it, such as for models under a licence."""
        del aws, base_model
        return ""

    def leftovers(self, aws: Aws, stage: Stage, kinds: Collection[LeftoverKind]) -> Iterator[Leftover]:
        """The running jobs and the models of a stage that are not in Bedrock's own lists.

        Parameters
        ----------
        kinds
            What to look for: finding models may take far more calls than finding jobs.
        """
        del aws, stage, kinds
        return iter(())

    def curves(self, aws: Aws, job_arn: str) -> Curves:
        """The curves that the service's API has of a job, while it is running and later; empty if it writes
        them into S3, or has none."""
        del aws, job_arn
        return Curves()

    def result(self, aws: Aws, job: Job) -> CompletedJob | None:
        """A job that succeeded; None while it is running.

        Raises
        ------
        CustomizationFailed
            If the job failed; the message is the service's.
        RunStopped
            If the job was stopped.
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
        """The free preflight checks of this engine."""
        del aws, stage, run, dataset, base_model
        return iter(())

    def reward_function(self, stage: Stage, run: Run) -> str:
        """The ARN of the function that the service calls to grade answers."""
        return stage.reward_function_arn if self.wraps_graders else run.grader

    def forget(self, aws: Aws, stage: Stage) -> list[str]:
        """Delete what the runs of the stage share, once they have no resources; returns the ARNs.

        Raises
        ------
        TransientError
            If a later try may succeed.
        """
        del aws, stage
        return []

    def customization_type(self, method: Method) -> str:
        """A method's name in `customizationsSupported` of GetFoundationModel; empty if it has none."""
        del method
        return ""


def outcome(engine: TrainingEngine, aws: Aws, job_arn: str) -> CompletedJob | None:
    """The job after its end, or None while it is running.

    Raises
    ------
    CustomizationFailed, RunStopped
        As `TrainingEngine.result`; also if the job is gone.
    """
    job = engine.describe(aws, job_arn)
    if job is None:
        raise CustomizationFailed(f"the training job {job_arn} does not exist (or no longer exists)")
    return engine.result(aws, job)
