"""The state of the local Bedrock: models, jobs, deployments, quotas, and its clock."""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from threading import RLock
from typing import Any

from msgspec import structs

from local import ministack
from local.bedrock.brain import Brain, base_brain
from local.bedrock.wire import Refusal
from local.faults import Faults
from tunedrop import catalog
from tunedrop.catalog.method import Teacher
from tunedrop.catalog.model import BaseModel
from tunedrop.training.engines.bedrock.jobs import CUSTOMIZATION_TYPES

JOB_MINUTES = 150
"""A real job takes 2.5 to 4 hours, most of it in a queue (reported 2026-07 and 2026-08)."""
DEPLOYMENT_MINUTES = 8
PROVISIONED_MINUTES = 25
UPDATE_MINUTES = 8
"""How long it takes to replace the model of either; no AWS page gives a duration."""

CONTINUED = "CONTINUED_PRE_TRAINING"


@dataclass
class Quotas:
    """The quotas of the account. Real accounts start without model units; this one has some.

    No quota of serverless training jobs and of fine-tuning jobs was found: theirs are beliefs.
    """

    customization_jobs: int = 10
    custom_models: int = 100
    deployments: int = 10
    model_units: int = 4
    training_jobs: int = 20
    training_instances: int = 1
    imported_models: int = 3
    import_jobs: int = 1
    fine_tuning_jobs: int = 4


@dataclass
class Tuned:
    """A custom model: its brain, and where it came from."""

    arn: str
    name: str
    job_arn: str
    base: BaseModel
    kind: str
    created: datetime
    brain: Brain
    tags: dict[str, str] = field(default_factory=dict)
    description: dict[str, Any] = field(default_factory=dict)


@dataclass
class Endpoint:
    """A custom model deployment or provisioned throughput."""

    arn: str
    name: str
    model_arn: str
    status: str
    created: datetime
    units: int = 0
    commitment: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    updated: datetime | None = None
    desired: str = ""
    update_status: str = ""


@dataclass
class Imported:
    """A model that was imported: its brain, and how it is served. Its times are of `time.monotonic`."""

    arn: str
    name: str
    job: dict[str, Any]
    created: datetime
    brain: Brain
    architecture: str
    converses: bool
    has_template: bool
    reasons: bool
    units: int
    tags: dict[str, str] = field(default_factory=dict)
    awake_from: float | None = None
    asked: float = 0.0
    windows: int = 0
    window_until: float = 0.0


class World:
    """The state of one Bedrock, in memory, until the emulator ends."""

    def __init__(
        self, faults: Faults, clock_speed: float, endpoint_url: str, quotas: Quotas | None = None
    ) -> None:
        self.faults = faults
        self.clock_speed = clock_speed
        self.endpoint_url = endpoint_url
        self.quotas = quotas or Quotas()
        self.lock = RLock()
        self.jobs: dict[str, dict[str, Any]] = {}
        self.models: dict[str, Tuned] = {}
        self.deployments: dict[str, Endpoint] = {}
        self.provisioned: dict[str, Endpoint] = {}
        self.evaluations: dict[str, dict[str, Any]] = {}
        self.imports: dict[str, dict[str, Any]] = {}
        self.imported: dict[str, Imported] = {}
        self.published: set[tuple[str, str]] = set()
        self.tokens: dict[tuple[str, str], str] = {}
        self.billed: list[tuple[str, float]] = []
        self.report: Callable[[str], None] = lambda _: None

    def quota(self, name: str) -> int:
        """The current value of a quota, by its field in `Quotas`."""
        return self.faults.quota(name, getattr(self.quotas, name))

    def pass_minutes(self, minutes: float) -> None:
        """Wait for this many minutes of AWS time."""
        time.sleep(minutes * 60 / self.clock_speed)

    def foundation_models(self, region: str) -> dict[str, BaseModel]:
        """The base models that this Region has on the day (`faults.lifecycle_day`), Legacy ones too.

        A model without an id for its lifecycle is not one of Bedrock's.
        """
        tuned = {
            model.lifecycle_id: model
            for model in catalog.load().values()
            if model.lifecycle_id and region in model.regions and self.state_of(model) != "ended"
        }
        return self._only_teachers(tuned) | tuned

    def state_of(self, model: BaseModel) -> str:
        """Whether a base model is active, legacy or ended on the day."""
        return model.lifecycle.state(self.faults.lifecycle_day())

    def foundation_model(self, identifier: str, region: str) -> BaseModel:
        for model in self.foundation_models(region).values():
            names = {*ids_of(model), model.inference_id} - {""}
            if identifier in names or identifier.rpartition("/")[2] in names:
                return model
        raise Refusal(
            "ResourceNotFoundException",
            f"Could not resolve the foundation model from model identifier: {identifier}",
        )

    def base_brain_of(self, base: BaseModel) -> Brain:
        """What a base model knows before it is tuned."""
        return base_brain(CONTINUED in kinds(base), well_read=base.lifecycle_id in _teachers())

    def _only_teachers(self, students: Mapping[str, BaseModel]) -> dict[str, BaseModel]:
        """The teachers of a Region's students that cannot be customized themselves, each like a student."""
        found, day = {}, self.faults.lifecycle_day()
        for student in students.values():
            rules = student.methods.get("distillation")
            for one in rules.teachers if rules is not None else ():
                if not one.has_ended(day):
                    found[one.id] = structs.replace(
                        student, id=one.id, lifecycle_id=one.id, inference_id=one.id, name=one.name,
                        methods={},
                    )  # fmt: skip
        return found

    def tags(self) -> Iterator[tuple[str, dict[str, str]]]:
        """All resources with tags, and their tags."""
        with self.lock:
            found = [(one.arn, one.tags) for one in self.models.values()]
            found += [(one.arn, one.tags) for one in (*self.deployments.values(), *self.provisioned.values())]
            found += [(one.arn, one.tags) for one in self.imported.values()]
            jobs = (*self.jobs.items(), *self.evaluations.items(), *self.imports.items())
            found += [(arn, job["_tags"]) for arn, job in jobs]
        yield from found

    def key_of(self, arn: str) -> str:
        """The KMS key of the tuned or imported model that answers under this ARN; empty for none."""
        if one := self.imported.get(arn):
            return str(one.job.get("importedModelKmsKeyArn") or "")
        endpoint = self.deployments.get(arn) or self.provisioned.get(arn)
        job = self.jobs[self.models[endpoint.model_arn].job_arn] if endpoint is not None else {}
        return str(job.get("outputModelKmsKeyArn") or "")

    def brain_of(self, model_id: str, region: str) -> tuple[Brain, BaseModel]:
        """The model behind this modelId: a base model, or the model of a deployment or throughput."""
        endpoint = self.deployments.get(model_id) or self.provisioned.get(model_id)
        if endpoint is None:
            base = self.foundation_model(model_id, region)
            return self.base_brain_of(base), base
        if endpoint.status not in ("Active", "InService", "Updating"):
            raise Refusal("ModelNotReadyException", f"{endpoint.name} is not ready for inference")
        tuned = self.models[endpoint.model_arn]
        return tuned.brain, tuned.base


@cache
def _teachers() -> dict[str, Teacher]:
    """The models that distillation learns from, by id."""
    rules = [one.methods["distillation"] for one in catalog.load().values() if "distillation" in one.methods]
    return {teacher.id: teacher for one in rules for teacher in one.teachers}


def kinds(model: BaseModel) -> list[str]:
    """The customizations that a base model supports, in the API's words."""
    methods = model.methods if model.engine == "bedrock" else ()
    return sorted({CUSTOMIZATION_TYPES[method] for method in methods})


def ids_of(model: BaseModel) -> list[str]:
    """Bedrock's ids of a base model: the one that it customizes, where it does, and the plain one."""
    own = (model.id,) if model.engine == "bedrock" else ()
    return [id_ for id_ in dict.fromkeys((*own, model.lifecycle_id)) if id_]


def foundation_arn(model: BaseModel) -> str:
    """A base model's ARN in the Region of the request."""
    return f"arn:aws:bedrock:{ministack.region()}::foundation-model/{model.id}"


def new_id() -> str:
    """Twelve characters, as at the end of Bedrock's ARNs."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(12))


def now() -> datetime:
    return datetime.now(UTC)
