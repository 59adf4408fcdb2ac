"""Custom model deployments and provisioned throughput: quotas, states, and a bill by the scaled hour."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

from local import ministack
from local.bedrock.wire import Refusal
from local.bedrock.world import (
    DEPLOYMENT_MINUTES,
    PROVISIONED_MINUTES,
    UPDATE_MINUTES,
    Endpoint,
    World,
    new_id,
    now,
)


class Serving:
    """The operations on both serving modes of a custom model."""

    def __init__(self, world: World) -> None:
        self._world = world

    def create_deployment(self, request: dict[str, Any]) -> dict[str, Any]:
        endpoint = self._create(
            "custom-model-deployment", request["modelDeploymentName"], request["modelArn"], request
        )
        return {"customModelDeploymentArn": endpoint.arn}

    def create_provisioned(self, request: dict[str, Any]) -> dict[str, Any]:
        endpoint = self._create(
            "provisioned-model", request["provisionedModelName"], request["modelId"], request
        )
        return {"provisionedModelArn": endpoint.arn}

    def get_deployment(self, request: dict[str, Any]) -> dict[str, Any]:
        endpoint = self._find(self._world.deployments, request["customModelDeploymentIdentifier"])
        found = self._deployment(endpoint) | {"lastUpdatedAt": endpoint.updated or endpoint.created}
        return {**found, "modelDeploymentName": endpoint.name}

    def get_provisioned(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._provisioned(self._find(self._world.provisioned, request["provisionedModelId"]))

    def list_deployments(self, request: dict[str, Any]) -> dict[str, Any]:
        part = request.get("nameContains", "")
        found = [
            self._deployment(one, update_shown=False) | {"customModelDeploymentName": one.name}
            for one in _here(self._world.deployments)
            if part in one.name
        ]
        return {"modelDeploymentSummaries": found}

    def list_provisioned(self, request: dict[str, Any]) -> dict[str, Any]:
        part = request.get("nameContains", "")
        found = [self._provisioned(one) for one in _here(self._world.provisioned) if part in one.name]
        return {"provisionedModelSummaries": found}

    def update_deployment(self, request: dict[str, Any]) -> dict[str, Any]:
        endpoint = self._find(self._world.deployments, request["customModelDeploymentIdentifier"])
        self._swap(endpoint, request["modelArn"], "Custom model deployment")
        return {"customModelDeploymentArn": endpoint.arn}

    def update_provisioned(self, request: dict[str, Any]) -> dict[str, Any]:
        endpoint = self._find(self._world.provisioned, request["provisionedModelId"])
        if "desiredModelId" in request:
            self._refuse_other_base(endpoint, request["desiredModelId"])
            self._swap(endpoint, request["desiredModelId"], "Provisioned throughput")
            endpoint.status = "Updating"
        endpoint.name = request.get("desiredProvisionedModelName", endpoint.name)
        return {}

    def delete_deployment(self, request: dict[str, Any]) -> dict[str, Any]:
        endpoint = self._find(self._world.deployments, request["customModelDeploymentIdentifier"])
        if endpoint.status == "Creating" or endpoint.update_status == "Updating":
            raise Refusal("ValidationException", "Custom model deployment is in a mutating state")
        del self._world.deployments[endpoint.arn]
        return {}

    def delete_provisioned(self, request: dict[str, Any]) -> dict[str, Any]:
        endpoint = self._find(self._world.provisioned, request["provisionedModelId"])
        if endpoint.status in ("Creating", "Updating"):
            raise Refusal("ConflictException", "Provisioned throughput is in a mutating state")
        if endpoint.commitment and now() < _end_of_term(endpoint):
            raise Refusal("ValidationException", "The commitment term has not ended.")
        self._world.billed.append((endpoint.arn, self._hours(endpoint) * endpoint.units))
        del self._world.provisioned[endpoint.arn]
        return {}

    def _create(self, kind: str, name: str, model: str, request: dict[str, Any]) -> Endpoint:
        world, on_demand = self._world, kind == "custom-model-deployment"
        token = (kind, request.get("clientRequestToken", ""))
        shelf = world.deployments if on_demand else world.provisioned
        with world.lock:
            if token[1] and world.tokens.get(token) in shelf:
                return shelf[world.tokens[token]]
            tuned = next((one for one in world.models.values() if model in (one.arn, one.name)), None)
            if tuned is None:
                raise Refusal("ResourceNotFoundException", f"The custom model {model} could not be found.")
            if any(one.name == name for one in shelf.values()):
                raise Refusal("ValidationException", f"The name {name} is already in use.")
            serving = tuned.base.serving
            if ("on-demand" if on_demand else "provisioned") not in serving.ways:
                way = "on-demand inference" if on_demand else "Provisioned Throughput"
                raise Refusal("ValidationException", f"{way} is not supported for models of {tuned.base.id}")
            units = 0 if on_demand else request["modelUnits"]
            self._refuse_over_quota(on_demand, units)
            arn = f"arn:aws:bedrock:{ministack.region()}:{ministack.account()}:{kind}/{new_id()}"
            tags = {tag["key"]: tag["value"] for tag in request.get("tags", [])}
            endpoint = Endpoint(
                arn, name, tuned.arn, "Creating", now(), units, request.get("commitmentDuration"), tags
            )
            shelf[arn] = endpoint
            world.tokens[token] = arn
        threading.Thread(target=self._bring_into_service, args=(endpoint, on_demand), daemon=True).start()
        return endpoint

    def _refuse_over_quota(self, on_demand: bool, units: int) -> None:
        quota = self._world.quota
        if on_demand and len(_here(self._world.deployments)) >= quota("deployments"):
            raise Refusal(
                "ServiceQuotaExceededException", "You have reached the limit of custom model deployments."
            )
        used = sum(one.units for one in _here(self._world.provisioned))
        if used + units > quota("model_units"):
            raise Refusal(
                "ServiceQuotaExceededException",
                "Your account does not currently have any no commitment model units reserved for this model.",
            )

    def _bring_into_service(self, endpoint: Endpoint, on_demand: bool) -> None:
        self._world.pass_minutes(DEPLOYMENT_MINUTES if on_demand else PROVISIONED_MINUTES)
        endpoint.status = "Active" if on_demand else "InService"

    def _swap(self, endpoint: Endpoint, model: str, what: str) -> None:
        """Start to replace the model; until that is done the old one answers."""
        with self._world.lock:
            if model not in self._world.models:
                raise Refusal("ResourceNotFoundException", f"The custom model {model} could not be found.")
            if endpoint.status not in ("Active", "InService") or endpoint.update_status == "Updating":
                raise Refusal("ValidationException", f"{what} is in a mutating state")
            endpoint.desired, endpoint.update_status = model, "Updating"
        threading.Thread(target=self._finish_swap, args=(endpoint,), daemon=True).start()

    def _finish_swap(self, endpoint: Endpoint) -> None:
        self._world.pass_minutes(UPDATE_MINUTES)
        fails = self._world.faults.take_swap_failure()
        with self._world.lock:
            if not fails:
                endpoint.model_arn = endpoint.desired
            if endpoint.status == "Updating":
                endpoint.status, endpoint.desired = "InService", endpoint.model_arn
            endpoint.update_status = "UpdateFailed" if fails else "UpdateCompleted"
            endpoint.updated = now()

    def _refuse_other_base(self, endpoint: Endpoint, model: str) -> None:
        """Provisioned throughput changes only to a model of the same base (botocore's model, 2026-11-23)."""
        desired = self._world.models.get(model)
        if desired is not None and desired.base != self._world.models[endpoint.model_arn].base:
            raise Refusal("ValidationException", "The desired model has another base model.")

    def _find(self, shelf: dict[str, Endpoint], identifier: str) -> Endpoint:
        for endpoint in shelf.values():
            if identifier in (endpoint.arn, endpoint.name):
                return endpoint
        raise Refusal("ResourceNotFoundException", f"{identifier} could not be found.")

    def _hours(self, endpoint: Endpoint) -> float:
        """Hours of AWS since it was created."""
        return (now() - endpoint.created).total_seconds() * self._world.clock_speed / 3600

    def _deployment(self, endpoint: Endpoint, update_shown: bool = True) -> dict[str, Any]:
        update = {"modelArn": endpoint.desired, "updateStatus": endpoint.update_status}
        found = {
            "customModelDeploymentArn": endpoint.arn,
            "modelArn": endpoint.model_arn,
            "createdAt": endpoint.created,
            "status": endpoint.status,
        }
        return found | ({"updateDetails": update} if update_shown and endpoint.update_status else {})

    def _provisioned(self, endpoint: Endpoint) -> dict[str, Any]:
        base = self._world.models[endpoint.model_arn].base
        found = {
            "provisionedModelArn": endpoint.arn,
            "provisionedModelName": endpoint.name,
            "modelArn": endpoint.model_arn,
            "desiredModelArn": endpoint.desired or endpoint.model_arn,
            "foundationModelArn": f"arn:aws:bedrock:{ministack.region()}::foundation-model/{base.id}",
            "modelUnits": endpoint.units,
            "desiredModelUnits": endpoint.units,
            "status": endpoint.status,
            "creationTime": endpoint.created,
            "lastModifiedTime": endpoint.updated or endpoint.created,
        }
        if not endpoint.commitment:
            return found
        term = {"commitmentDuration": endpoint.commitment}
        return found | term | {"commitmentExpirationTime": _end_of_term(endpoint)}


def _here(shelf: dict[str, Endpoint]) -> list[Endpoint]:
    """Those of the request's Region: Bedrock's lists and quotas are per Region."""
    return [one for one in shelf.values() if one.arn.split(":")[3] == ministack.region()]


def _end_of_term(endpoint: Endpoint) -> datetime:
    """The end of a commitment. How many days Bedrock's months have is a belief."""
    return endpoint.created + timedelta(days={"OneMonth": 30, "SixMonths": 180}[endpoint.commitment or ""])
