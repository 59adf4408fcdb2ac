"""Foundation models and custom models, and the tags of everything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from local import ministack
from local.bedrock.wire import Refusal
from local.bedrock.world import Tuned, World, foundation_arn, ids_of, kinds
from tunedrop.catalog.model import BaseModel


class Models:
    """The operations on foundation models, custom models and tags."""

    def __init__(self, world: World) -> None:
        self._world = world

    def get_foundation(self, request: dict[str, Any]) -> dict[str, Any]:
        asked = str(request["modelIdentifier"]).rpartition("/")[2]
        model = self._world.foundation_model(asked, ministack.region())
        if asked not in ids_of(model):
            raise Refusal("ValidationException", "The provided model identifier is invalid.")
        details = foundation_entry(model, asked) | {"modelLifecycle": self._lifecycle(model)}
        return {"modelDetails": details}

    def _lifecycle(self, model: BaseModel) -> dict[str, Any]:
        """The catalog's dates on the local day (API FoundationModelLifecycle), unless a test says others."""
        if ends := self._world.faults.end_of_life(model.lifecycle_id):
            return {"status": "LEGACY", "endOfLifeTime": ends}
        known = {"legacyTime": model.lifecycle.legacy_since, "endOfLifeTime": model.lifecycle.ends_on}
        dates = {name: datetime.fromisoformat(day).replace(tzinfo=UTC) for name, day in known.items() if day}
        if self._world.state_of(model) == "active":
            return {"status": "ACTIVE"}
        return {"status": "LEGACY", **dates}

    def list_foundation(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = request.get("byCustomizationType")
        found = [
            foundation_entry(model, id_) | {"modelLifecycle": self._lifecycle(model)}
            for model in self._world.foundation_models(ministack.region()).values()
            for id_ in ids_of(model)
        ]
        return {
            "modelSummaries": [
                one for one in found if wanted is None or wanted in one["customizationsSupported"]
            ]
        }

    def availability(self, request: dict[str, Any]) -> dict[str, Any]:
        asked = request["modelId"]
        model = self._world.foundation_model(asked, ministack.region())
        if asked != model.lifecycle_id:  # a belief: no response about another id is published
            raise Refusal("ValidationException", "The provided model identifier is invalid.")
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
            "baseModelArn": foundation_arn(model.base),
            "customizationType": model.kind,
            "hyperParameters": self._world.jobs[model.job_arn]["hyperParameters"],
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
                    "baseModelArn": foundation_arn(model.base),
                    "baseModelName": model.base.lifecycle_id.partition(":")[0],
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
        for tagged in (world.models, world.deployments, world.provisioned, world.imported):
            if arn in tagged:
                return tagged[arn].tags
        for jobs in (world.jobs, world.evaluations, world.imports):
            if arn in jobs:
                tags: dict[str, str] = jobs[arn]["_tags"]
                return tags
        raise Refusal("ResourceNotFoundException", f"{arn} could not be found.")


def foundation_entry(model: BaseModel, asked: str) -> dict[str, Any]:
    """Bedrock's description of one id of a base model; most have two ids with different details.

    The id with a context length is customized and provisioned, the plain one answers on demand and lists no
    customization (`tests/recorded/list-foundation-models.json`).
    """
    plain = asked == model.lifecycle_id != model.id
    # Its list has no value for reinforcement (botocore, ModelCustomization).
    customizations = [] if plain else [one for one in kinds(model) if one != "REINFORCEMENT_FINE_TUNING"]
    return {
        "modelArn": f"arn:aws:bedrock:{ministack.region()}::foundation-model/{asked}",
        "modelId": asked,
        "modelName": model.name[:MODEL_NAME],
        "providerName": model.lifecycle_id.partition(".")[0].capitalize(),
        "inputModalities": ["TEXT"],
        "outputModalities": ["TEXT"],
        "customizationsSupported": customizations,
        "inferenceTypesSupported": ["ON_DEMAND"] if asked == model.lifecycle_id else ["PROVISIONED"],
        "modelLifecycle": {"status": "ACTIVE"},
    }


MODEL_NAME = 20
"""The longest name of a base model that the service's own model has (botocore, BrandedName)."""
