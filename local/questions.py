"""The requests of `tunedrop doctor --compare-local`: read-only, for accounts with any resources."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from local.bedrock.service import services as bedrock_services
from local.bedrock.world import World, ids_of
from local.faults import Faults
from local.mantle.service import Request
from local.mantle.service import Router as MantleRouter
from local.mantle.state import State as MantleState
from local.sagemaker import hub
from local.sagemaker.jobs import REGIONS
from local.sagemaker.service import services as sagemaker_services
from local.sagemaker.state import State
from tunedrop import catalog

Answer = dict[str, Any]

NOTHING = "tunedrop-asks-for-nothing"
"""A name that does not exist; the pipeline depends on each service's response to it."""

MISSING = {
    "bedrock": {
        "GetModelCustomizationJob": "jobIdentifier",
        "GetCustomModelDeployment": "customModelDeploymentIdentifier",
        "GetProvisionedModelThroughput": "provisionedModelId", "GetModelImportJob": "jobIdentifier",
        "GetCustomModel": "modelIdentifier", "GetImportedModel": "modelIdentifier",
    },
    "sagemaker": {
        "DescribeTrainingJob": "TrainingJobName", "DescribeModelPackageGroup": "ModelPackageGroupName",
        "DescribeHub": "HubName",
    },
}  # fmt: skip
"""The operations that are asked for it, and the member that names it."""


class Question(msgspec.Struct, frozen=True):
    """One read-only call, and our service's answer where it needs no resource of an account.

    `is_listed`: what an account has is in the answer, which is held against the shapes alone.
    """

    operation: str
    request: dict[str, Any]
    local: Callable[[dict[str, Any]], Answer] | None = None
    service: str = "bedrock"
    is_listed: bool = False

    @property
    def name(self) -> str:
        """The subject of the request, as a file name."""
        about = "-".join(str(value).rpartition("/")[2] for value in self.request.values())
        words = re.sub(r"(?<!^)(?=[A-Z])", "-", self.operation).lower()
        return re.sub(r"[^a-z0-9.-]+", "-", f"{words}-{about}".rstrip("-").lower())


def questions(region: str) -> Iterator[Question]:
    """What can be asked of any account: the base models of the catalog in the Region, those of the hub, what
    is missing, and bedrock-mantle where it tunes."""
    world = World(Faults(Path(tempfile.mkdtemp()) / "none.json"), 1.0, "")
    operations: dict[str, Any] = {
        **bedrock_services(world)["bedrock"]._router._operations,  # type: ignore[attr-defined]
        **sagemaker_services(State(world))["sagemaker"]._router._operations,  # type: ignore[attr-defined]
    }
    for model in catalog.load().values():
        if region not in model.regions:
            continue
        for id_ in ids_of(model):
            for operation, member in (
                ("GetFoundationModel", "modelIdentifier"),
                ("GetFoundationModelAvailability", "modelId"),
            ):
                yield Question(operation, {member: id_}, operations[operation])
    for kind in ("FINE_TUNING", "CONTINUED_PRE_TRAINING", "DISTILLATION"):
        yield Question(
            "ListFoundationModels", {"byCustomizationType": kind}, operations["ListFoundationModels"]
        )
    for name in hub.models() if region in REGIONS else ():
        content = {"HubName": hub.PUBLIC_HUB, "HubContentType": "Model", "HubContentName": name}
        yield Question("DescribeHubContent", content, hub.Hub().describe_content, "sagemaker")
    for service, asked in MISSING.items():
        for operation, member in asked.items():
            yield Question(operation, {member: NOTHING}, operations[operation], service)
    if region in catalog.regions_of_engine("mantle"):
        yield from _of_mantle(world)


def _of_mantle(world: World) -> Iterator[Question]:
    """Lists of the account's resources, a model that exists everywhere, and a job that does not exist."""
    router = MantleRouter(MantleState(world))

    def local(operation: str) -> Callable[[dict[str, Any]], Answer]:
        def answer(request: dict[str, Any]) -> Answer:
            asked = Request(request.get("id", ""), {}, b"", {})
            found: Answer = router._operations[operation](asked)
            return found

        return answer

    asked: tuple[tuple[str, dict[str, Any], bool], ...] = (
        ("ListFiles", {}, True),
        ("ListFineTuningJobs", {}, True),
        ("GetModel", {"id": "openai.gpt-oss-20b"}, True),
        ("GetFineTuningJob", {"id": f"ftjob-{NOTHING}"}, False),
    )
    for operation, request, is_listed in asked:
        yield Question(operation, request, local(operation), "bedrock-mantle", is_listed)
