"""Foundation models and custom models, and the tags of everything."""

from __future__ import annotations

from typing import Any

from local import ministack
from local.bedrock.wire import Refusal
from local.bedrock.world import Tuned, World, kinds
from tunedrop.catalog.model import BaseModel


class Models:
    """The operations on foundation models, custom models and tags."""

    def __init__(self, world: World) -> None:
        self._world = world

    def get_foundation(self, request: dict[str, Any]) -> dict[str, Any]:
        model = self._world.foundation_model(request["modelIdentifier"], ministack.region())
        details = _details(model)
        if ends := self._world.faults.end_of_life(model.lifecycle_id):
            details["modelLifecycle"] = {"status": "LEGACY", "endOfLifeTime": ends}
        return {"modelDetails": details}

    def list_foundation(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = request.get("byCustomizationType")
        models = self._world.foundation_models(ministack.region()).values()
        return {"modelSummaries": [_details(one) for one in models if wanted in (None, *kinds(one))]}

    def availability(self, request: dict[str, Any]) -> dict[str, Any]:
        model = self._world.foundation_model(request["modelId"], ministack.region())
        return {
            "modelId": model.lifecycle_id,
            "agreementAvailability": {"status": "AVAILABLE"},
            "authorizationStatus": "AUTHORIZED",
            "entitlementAvailability": "AVAILABLE",
            "regionAvailability": "AVAILABLE",
        }

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        model = self._find(request["modelIdentifier"])
        return {
            "modelArn": model.arn,
            "modelName": model.name,
            "jobArn": model.job_arn,
            "baseModelArn": self._world.jobs[model.job_arn]["baseModelArn"],
            "customizationType": model.kind,
            "creationTime": model.created,
            "modelStatus": "Active",
            "trainingDataConfig": self._world.jobs[model.job_arn]["trainingDataConfig"],
            "outputDataConfig": self._world.jobs[model.job_arn]["outputDataConfig"],
        }

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        part = request.get("nameContains", "")
        return {
            "modelSummaries": [
                {
                    "modelArn": model.arn,
                    "modelName": model.name,
                    "creationTime": model.created,
                    "baseModelArn": f"arn:aws:bedrock:{ministack.region()}::foundation-model/{model.base.id}",
                    "baseModelName": model.base.name,
                    "customizationType": model.kind,
                    "modelStatus": "Active",
                }
                for model in self._world.models.values()
                if part in model.name
            ]
        }

    def delete(self, request: dict[str, Any]) -> dict[str, Any]:
        model = self._find(request["modelIdentifier"])
        endpoints = [*self._world.deployments.values(), *self._world.provisioned.values()]
        if any(endpoint.model_arn == model.arn for endpoint in endpoints):
            raise Refusal("ConflictException", f"The model {model.name} is still deployed.")
        del self._world.models[model.arn]
        return {}

    def list_tags(self, request: dict[str, Any]) -> dict[str, Any]:
        tags = self._tags(request["resourceARN"])
        return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}

    def tag(self, request: dict[str, Any]) -> dict[str, Any]:
        self._tags(request["resourceARN"]).update({tag["key"]: tag["value"] for tag in request["tags"]})
        return {}

    def untag(self, request: dict[str, Any]) -> dict[str, Any]:
        tags = self._tags(request["resourceARN"])
        for key in request["tagKeys"]:
            tags.pop(key, None)
        return {}

    def _find(self, identifier: str) -> Tuned:
        for model in self._world.models.values():
            if identifier in (model.arn, model.name):
                return model
        raise Refusal("ResourceNotFoundException", f"The custom model {identifier} could not be found.")

    def _tags(self, arn: str) -> dict[str, str]:
        world = self._world
        for tagged in (world.models, world.deployments, world.provisioned):
            if arn in tagged:
                return tagged[arn].tags
        for jobs in (world.jobs, world.evaluations):
            if arn in jobs:
                tags: dict[str, str] = jobs[arn]["_tags"]
                return tags
        raise Refusal("ResourceNotFoundException", f"{arn} could not be found.")


def _details(model: BaseModel) -> dict[str, Any]:
    return {
        "modelArn": f"arn:aws:bedrock:{ministack.region()}::foundation-model/{model.lifecycle_id}",
        "modelId": model.lifecycle_id,
        "modelName": model.name,
        "providerName": model.lifecycle_id.partition(".")[0].capitalize(),
        "inputModalities": ["TEXT"],
        "outputModalities": ["TEXT"],
        "customizationsSupported": kinds(model),
        "inferenceTypesSupported": ["ON_DEMAND"],
        "modelLifecycle": {"status": "ACTIVE"},
    }
