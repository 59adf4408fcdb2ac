"""The port to serving modes: a resource that inference accepts as its modelId."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple

import msgspec

from tunedrop.aws import Aws
from tunedrop.aws.permission import Permission
from tunedrop.aws.quotas import Quotas, Shortage, Use
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Commitment, DeploymentSettings, Way
from tunedrop.stage import Stage


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The model to serve.

    `weights` is the location of its files (an `s3://` prefix), for kinds that serve files; `model_arn` is
    empty for files that no job has made.
    """

    stage: Stage
    name: str
    model_arn: str
    settings: DeploymentSettings
    tags: list[dict[str, str]]
    weights: str = ""


class Served(NamedTuple):
    """Its status. `arn` is the modelId for inference, once known; `units` the billed units of one copy."""

    status: str
    message: str
    arn: str
    units: int = 0


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What a run needs of one kind: `count` more models of a base model, served as its manifest says."""

    stage: Stage
    base_model: BaseModel
    settings: DeploymentSettings
    count: int


class Listing(NamedTuple):
    """One list operation of Bedrock: the kind of the resources, and the members of its response.

    `model_arn` is the member with the model that a resource serves; empty: a tag has it. `statuses` restricts
    the list; empty: all. `is_job`: the resource is a job, which ends by itself. `filters` are further
    arguments of the operation.
    """

    kind: str
    operation: str
    items: str
    arn: str
    name: str
    created: str
    statuses: tuple[str, ...] = ()
    model_arn: str = ""
    is_job: bool = False
    filters: Mapping[str, Any] = {}

    def read(self, bedrock: Any) -> Iterator[Mapping[str, Any]]:
        """Bedrock's summaries of the account's resources, of all stages.

        Raises
        ------
        ClientError
            If AWS refuses the call.
        """
        pages = bedrock.get_paginator(self.operation)
        for filters in [{"statusEquals": status} for status in self.statuses] or [{}]:
            for page in pages.paginate(**self.filters, **filters):
                yield from page.get(self.items, ())


class CannotSwap(Exception):
    """The model behind this ARN cannot be replaced; the message says why. The alias must change instead."""


class Behind(msgspec.Struct, frozen=True):
    """The model behind an ARN, and the change towards another one, if any was asked for; `units`: its model
    units, if it has any."""

    model_arn: str
    desired: str
    change: Literal["none", "going on", "done", "failed"] = "none"
    units: int = 0


class ServingKind(ABC):
    """One way to serve a model. All its resources bill, or count against quotas, until they are deleted."""

    way: ClassVar[Way]

    arns: ClassVar[tuple[str, ...]]
    """A part of the ARNs of its resources, and of no other kind's."""

    asked_by: ClassVar[str] = "converse"
    """`converse`; `chat` is OpenAI's chat body by InvokeModel, `chat-http` the same at its own endpoint."""

    listings: ClassVar[tuple[Listing, ...]] = ()
    """The lists of its resources, and of the jobs that create them; empty if there is nothing to delete."""

    mode: ClassVar[Literal["on-demand", "provisioned", ""]] = ""
    """The `deployment.mode` of a manifest that requests it; empty if none does."""

    title: ClassVar[str]
    """Its name for people, in one or two words."""

    terms: ClassVar[str]
    """How it serves and what that costs, as a clause about the model."""

    billed_by: ClassVar[Literal["token", "hour", "window"]]
    """What is billed: the tokens of each answer; hours, including idle ones; windows with requests."""

    while_idle: ClassVar[str] = "free while idle"
    """What it costs without requests, unless it is billed by the hour: a clause about the model."""

    serves_files: ClassVar[bool] = False
    """Whether it serves a model's files in S3, not a model by its ARN."""

    queues: ClassVar[bool] = False
    """Whether runs wait in the stage's queue while the quota is exhausted."""

    quota_frees_up: ClassVar[bool] = True
    """Whether other runs free the quota when they end."""

    quota_hint: ClassVar[str]

    of_every_stage: ClassVar[bool] = False
    """Whether each stage has its permissions; others are for stages with an engine whose models need it."""

    permissions: ClassVar[Mapping[str, tuple[Permission, ...]]] = {}
    """What the functions need, by function."""

    endpoints: ClassVar[Mapping[str, str]] = {}
    """The VPC endpoints that the functions need for it, by client, beside those of every stage."""

    applications: ClassVar[tuple[Permission, ...]] = ()
    """What an application needs to ask its models."""

    @property
    def is_free_while_idle(self) -> bool:
        """Whether it costs nothing by the hour without requests."""
        return self.billed_by != "hour"

    @property
    def is_listed(self) -> bool:
        """Whether it has resources that AWS lists and that must be deleted."""
        return bool(self.listings)

    def serves(self, base_model: BaseModel) -> bool:
        """Whether it can serve models tuned from a base model."""
        return self.way in base_model.serving.ways

    @abstractmethod
    def create(self, bedrock: Any, wanted: Wanted) -> str:
        """Start to serve; returns the ARN of the serving resource, or of the job that creates it."""

    @abstractmethod
    def describe(self, bedrock: Any, arn: str) -> Served:
        """Its status: `Creating`, `Failed`, or else it serves."""

    @abstractmethod
    def find(self, bedrock: Any, name: str) -> str:
        """The ARN of the serving resource of this name; the client's error if there is none."""

    def is_of(self, bedrock: Any, arn: str, wanted: Wanted) -> bool:
        """Whether what was found under a name serves the model that is wanted; the name may be taken."""
        return self.behind(bedrock, arn).model_arn == wanted.model_arn

    @abstractmethod
    def delete(self, bedrock: Any, arn: str) -> None:
        """Delete it; the client's error if AWS refuses."""

    def shortages(self, bedrock: Any, quotas: Quotas, demand: Demand) -> Iterator[Shortage]:
        """The quotas that are too small for what a run needs.

        Raises
        ------
        ClientError
            If AWS does not return the current usage.
        """
        del bedrock, quotas, demand
        return iter(())

    def uses(self, bedrock: Any, quotas: Quotas, base_models: Sequence[BaseModel]) -> Iterator[Use]:
        """What it takes of Bedrock's quotas, with those for single base models of these.

        Raises
        ------
        ClientError
            If AWS does not return the current usage.
        """
        del bedrock, quotas, base_models
        return iter(())

    def existing(self, bedrock: Any) -> list[Mapping[str, Any]]:
        """Bedrock's summaries of its resources in the account, of whatever stage; without jobs.

        Raises
        ------
        ClientError
            If AWS refuses the call.
        """
        return [item for one in self.listings if not one.is_job for item in one.read(bedrock)]

    def hourly_usd(self, base_model: BaseModel, units: int, commitment: Commitment) -> float | None:
        """The cost per idle hour, in US dollars; None if the catalog has no price."""
        del base_model, units, commitment
        return 0.0

    def listed_hourly_usd(self, model_arn: str, facts: Mapping[str, Any]) -> float | None:
        """The same for a listed resource: the ARN of its model, and its summary in the list."""
        del model_arn, facts
        return 0.0

    def committed_until(self, facts: Mapping[str, Any]) -> str:
        """Until when a listed resource is billed and cannot be deleted, by its summary in the list; empty if
        it can be deleted at any time."""
        del facts
        return ""

    def base_id(self, stage: Stage, base_model: BaseModel) -> str:
        """The modelId of the base model, for the comparison with a model served like this."""
        del stage
        return base_model.inference_id

    def client(self, aws: Aws) -> Any:
        """The client for inference with models served like this."""
        return aws.bedrock_runtime

    def ask(self, client: Any, model_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one of OpenAI's bodies, for kinds whose models are asked by them.

        Raises
        ------
        ClientError
            If the service refuses the call.
        """
        raise NotImplementedError(f"{self.title} models are asked by Converse, not by {sorted(body)}")

    @abstractmethod
    def behind(self, bedrock: Any, arn: str) -> Behind:
        """The model behind an ARN, and the change to another one, if any was requested.

        Raises
        ------
        ClientError
            If AWS refuses the call.
        """

    def put_behind(self, bedrock: Any, arn: str, before: str, model_arn: str) -> None:
        """Begin to serve another model behind an ARN.

        Raises
        ------
        CannotSwap
            If this kind of serving cannot replace it.
        ClientError
            If AWS refuses the call.
        """
        del bedrock, before, model_arn
        raise CannotSwap(f"{arn} is of one model alone")
