"""Hubs of an account, which hold evaluators: hub content of type JsonDoc that refers to a Lambda function."""

from __future__ import annotations

import json
from typing import Any

from local.bedrock.wire import Refusal
from local.bedrock.world import now
from local.sagemaker.state import Content, PrivateHub, State, here, tags_in


class PrivateHubs:
    """The operations on hubs of one's own and on what they hold."""

    def __init__(self, state: State) -> None:
        self._state = state

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["HubName"]
        arn = here("hub", name)
        with self._state.world.lock:
            if arn in self._state.hubs:
                raise Refusal("ResourceInUse", f"Hub {arn} already exists.")
            self._state.hubs[arn] = PrivateHub(
                arn, name, now(), request["HubDescription"], tags=tags_in(request)
            )
        return {"HubArn": arn}

    def describe(self, request: dict[str, Any]) -> dict[str, Any]:
        one = self.hub(request["HubName"])
        return {
            "HubName": one.name,
            "HubArn": one.arn,
            "HubDescription": one.description,
            "HubStatus": "InService",
            "CreationTime": one.created,
            "LastModifiedTime": one.created,
        }

    def delete(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._state.world.lock:
            one = self.hub(request["HubName"])
            if one.contents:
                raise Refusal("ResourceInUse", f"Hub {one.arn} still contains hub content.")
            del self._state.hubs[one.arn]
        return {}

    def import_content(self, request: dict[str, Any]) -> dict[str, Any]:
        one, name = self.hub(request["HubName"]), request["HubContentName"]
        if request["HubContentType"] != "JsonDoc":
            raise Refusal("ValidationException", "only evaluators are part of the local SageMaker")
        with self._state.world.lock:
            if name in one.contents:
                raise Refusal("ResourceInUse", f"Hub content {name} already exists.")
            version = request.get("HubContentVersion", "1.0.0")
            arn = here("hub-content", f"{one.name}/JsonDoc/{name}/{version}")
            one.contents[name] = Content(
                arn, name, version, now(), request["DocumentSchemaVersion"], request["HubContentDocument"]
            )
        return {"HubArn": one.arn, "HubContentArn": arn}

    def describe_content(self, request: dict[str, Any]) -> dict[str, Any]:
        """What a hub holds; who asks for the first time meets it while it is still being imported."""
        one = self.hub(request["HubName"])
        found = one.contents.get(request["HubContentName"])
        if found is None or request["HubContentType"] != "JsonDoc":
            raise Refusal("ResourceNotFound", f"Hub content {request['HubContentName']} does not exist.")
        status, found.is_seen = "Available" if found.is_seen else "Importing", True
        return {
            "HubName": one.name,
            "HubArn": one.arn,
            "HubContentName": found.name,
            "HubContentArn": found.arn,
            "HubContentVersion": found.version,
            "HubContentType": "JsonDoc",
            "DocumentSchemaVersion": found.schema,
            "HubContentDocument": found.document,
            "HubContentStatus": status,
            "CreationTime": found.created,
        }

    def delete_content(self, request: dict[str, Any]) -> dict[str, Any]:
        one, name = self.hub(request["HubName"]), request["HubContentName"]
        with self._state.world.lock:
            if name not in one.contents:
                raise Refusal("ResourceNotFound", f"Hub content {name} does not exist.")
            del one.contents[name]
        return {}

    def hub(self, name_or_arn: str) -> PrivateHub:
        """A hub by its name or ARN."""
        arn = name_or_arn if name_or_arn.startswith("arn:") else here("hub", name_or_arn)
        if arn not in self._state.hubs:
            raise Refusal("ResourceNotFound", f"Hub {name_or_arn} does not exist.")
        return self._state.hubs[arn]


def function_of(state: State, evaluator_arn: str) -> str:
    """The Lambda function behind an evaluator; empty if there is no such evaluator (any more)."""
    contents = [content for one in state.hubs.values() for content in one.contents.values()]
    found = next((one for one in contents if one.arn == evaluator_arn), None)
    if found is None:
        return ""
    document = json.loads(json.loads(found.document).get("JsonContent", "{}"))
    return str(document.get("Reference", "")) if document.get("EvaluatorType") == "RewardFunction" else ""
