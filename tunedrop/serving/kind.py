"""The port to serving modes: a resource that inference accepts as its modelId."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple

import msgspec

from tunedrop.aws import Aws
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import DeploymentSettings, Way
from tunedrop.stage import Stage


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be served.

    `weights` is where the model's files are (an `s3://` prefix), for kinds that serve files; `model_arn` is
    empty for files that no job has made.
    """

    stage: Stage
    name: str
    model_arn: str
    settings: DeploymentSettings
    tags: list[dict[str, str]]
    weights: str = ""


class Served(NamedTuple):
    """How it stands. `arn` is what inference takes, once it is known; `units` what one copy is billed as."""

    status: str
    message: str
    arn: str
    units: int = 0


class ServingKind(ABC):
    """One way to serve a model. All its resources bill, or count against quotas, until they are deleted."""

    way: ClassVar[Way]

    arns: ClassVar[tuple[str, ...]]
    """What the ARNs of its resources have in them, and those of no other kind."""

    asked_by: ClassVar[str] = "converse"
    """`converse`; `chat` is OpenAI's chat body by InvokeModel, `chat-http` the same at its own endpoint."""

    is_free_while_idle: ClassVar[bool] = True
    """Whether it costs nothing by the hour while nobody asks."""

    is_listed: ClassVar[bool] = True
    """Whether what serves is something that AWS lists, and that has to be ended."""

    is_billed_by_token: ClassVar[bool] = False
    """Whether each answer is paid by its tokens, and nothing else."""

    quota_frees_up: ClassVar[bool] = True
    """Whether other runs give back what a quota is full of."""

    quota_cure: ClassVar[str]

    @abstractmethod
    def create(self, bedrock: Any, wanted: Wanted) -> str:
        """Begin to serve; the ARN of what serves, or of what will make it."""

    @abstractmethod
    def describe(self, bedrock: Any, arn: str) -> Served:
        """How it stands: Creating, Failed, else it serves."""

    @abstractmethod
    def find(self, bedrock: Any, name: str) -> str:
        """The ARN of what serves under this name; the client's own error where there is nothing."""

    @abstractmethod
    def delete(self, bedrock: Any, arn: str) -> None:
        """End it; the client's own error where AWS refuses."""

    def base_id(self, stage: Stage, base_model: BaseModel) -> str:
        """What the base model is asked as, to compare with a model that is served so."""
        del stage
        return base_model.inference_id

    def client(self, aws: Aws) -> Any:
        """The client that asks what is served so."""
        return aws.bedrock_runtime

    def model_in(self, arn: str) -> str:
        """The ARN of the model that is served, where that of what serves says it; else empty."""
        del arn
        return ""
