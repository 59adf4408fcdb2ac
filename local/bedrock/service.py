"""Bedrock's services for MiniStack: `bedrock`, `bedrock_runtime`, and those that go with them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Protocol

from local import ministack
from local.bedrock.evaluations import Evaluations
from local.bedrock.imported import ImportedModels
from local.bedrock.imports import Imports
from local.bedrock.jobs import Jobs
from local.bedrock.models import Models
from local.bedrock.prices import PriceListService
from local.bedrock.quotas import ServiceQuotas
from local.bedrock.runtime import Runtime
from local.bedrock.serving import Serving
from local.bedrock.wire import Operation, Refusal, Router
from local.bedrock.world import World
from local.ministack import Response

TIMED_OUT_SECONDS = 3.0
"""How long a call hangs that must time out after its effect; clients in tests wait less."""


class Routes(Protocol):
    """Routes a request to its operation, and responds."""

    def find(self, method: str, path: str, headers: Mapping[str, str]) -> tuple[str, dict[str, str]]: ...
    def answer(
        self, name: str, labels: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> Response: ...


class LocalService:
    """One emulated service: routes requests, and injects the faults that tests set."""

    def __init__(self, world: World, router: Routes) -> None:
        self._world = world
        self._router = router

    async def handle_request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Mapping[str, Any]
    ) -> Response:
        return await asyncio.to_thread(self._handle, method, path, headers, body, query_params)

    def reset(self) -> None:
        """Forget nothing: a run's models outlive MiniStack's own reset; the process is the unit of reset."""

    def _handle(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> Response:
        try:
            name, labels = self._router.find(method, path, headers)
            fault = self._world.faults.take_call(name)
            if fault is None:
                return self._router.answer(name, labels, body, query)
            if fault.get("after_effect"):
                self._router.answer(name, labels, body, query)
            if fault["error"] == "timeout":
                time.sleep(TIMED_OUT_SECONDS)
                raise Refusal("InternalServerException", "timed out on purpose")
            raise Refusal(fault["error"], "broken on purpose")
        except Refusal as refusal:
            return refusal.response()


def services(world: World) -> dict[str, ministack.Service]:
    """Both services and their quotas over one world, under MiniStack's names."""
    runtime = Runtime(world)
    control = _jobs(world) | _models(world) | _serving(world)
    inference: dict[str, Operation] = {"Converse": runtime.converse, "InvokeModel": runtime.invoke}
    return {
        "bedrock": LocalService(world, Router("bedrock", control, world.report)),
        "bedrock_runtime": LocalService(world, Router("bedrock-runtime", inference, world.report)),
        "servicequotas": ServiceQuotas(world),
        "pricing": PriceListService(),
    }


def _jobs(world: World) -> dict[str, Operation]:
    jobs, evaluations, imports = Jobs(world), Evaluations(world), Imports(world)
    return {
        "CreateModelCustomizationJob": jobs.create,
        "GetModelCustomizationJob": jobs.get,
        "ListModelCustomizationJobs": jobs.list,
        "StopModelCustomizationJob": jobs.stop,
        "CreateEvaluationJob": evaluations.create,
        "GetEvaluationJob": evaluations.get,
        "ListEvaluationJobs": evaluations.list,
        "StopEvaluationJob": evaluations.stop,
        "BatchDeleteEvaluationJob": evaluations.batch_delete,
        "CreateModelImportJob": imports.create,
        "GetModelImportJob": imports.get,
        "ListModelImportJobs": imports.list,
    }


def _models(world: World) -> dict[str, Operation]:
    models, imported = Models(world), ImportedModels(world)
    return {
        "GetFoundationModel": models.get_foundation,
        "ListFoundationModels": models.list_foundation,
        "GetFoundationModelAvailability": models.availability,
        "GetCustomModel": models.get,
        "ListCustomModels": models.list,
        "DeleteCustomModel": models.delete,
        "GetImportedModel": imported.get,
        "ListImportedModels": imported.list,
        "DeleteImportedModel": imported.delete,
        "ListTagsForResource": models.list_tags,
        "TagResource": models.tag,
        "UntagResource": models.untag,
    }


def _serving(world: World) -> dict[str, Operation]:
    serving = Serving(world)
    return {
        "CreateCustomModelDeployment": serving.create_deployment,
        "GetCustomModelDeployment": serving.get_deployment,
        "ListCustomModelDeployments": serving.list_deployments,
        "UpdateCustomModelDeployment": serving.update_deployment,
        "DeleteCustomModelDeployment": serving.delete_deployment,
        "CreateProvisionedModelThroughput": serving.create_provisioned,
        "GetProvisionedModelThroughput": serving.get_provisioned,
        "ListProvisionedModelThroughputs": serving.list_provisioned,
        "UpdateProvisionedModelThroughput": serving.update_provisioned,
        "DeleteProvisionedModelThroughput": serving.delete_provisioned,
    }
