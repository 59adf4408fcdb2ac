"""Model package groups and model packages: where SageMaker registers what a customization made."""

from __future__ import annotations

from typing import Any

from local.bedrock.wire import Refusal
from local.bedrock.world import now
from local.sagemaker.hub import VERSION
from local.sagemaker.state import Group, Package, State, here, page, tags_in

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.33.0-lmi15.0.0-cu128"
"""An image of AWS's Deep Learning Containers; what a serverless job's package names was not found."""


class Packages:
    """The operations on groups and packages."""

    def __init__(self, state: State) -> None:
        self._state = state

    def create_group(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["ModelPackageGroupName"]
        arn = here("model-package-group", name)
        with self._state.world.lock:
            if arn in self._state.groups:
                raise Refusal("ValidationException", f"Model Package Group already exists: {arn}")
            description = request.get("ModelPackageGroupDescription", "")
            self._state.groups[arn] = Group(arn, name, now(), description, tags_in(request))
        return {"ModelPackageGroupArn": arn}

    def describe_group(self, request: dict[str, Any]) -> dict[str, Any]:
        return _group(self.group(request["ModelPackageGroupName"])) | {"CreatedBy": {}}

    def list_groups(self, request: dict[str, Any]) -> dict[str, Any]:
        part = request.get("NameContains", "")
        mine = here("model-package-group", "")
        found = [
            _group(one)
            for arn, one in self._state.groups.items()
            if arn.startswith(mine) and part in one.name
        ]
        return page(found, request, "ModelPackageGroupSummaryList")

    def delete_group(self, request: dict[str, Any]) -> dict[str, Any]:
        group = self.group(request["ModelPackageGroupName"])
        with self._state.world.lock:
            if any(one.group == group.name for one in _in_region(self._state)):
                raise Refusal(
                    "ConflictException",
                    f"Model Package Group cannot be deleted because it still contains Model Packages: "
                    f"{group.arn}",
                )
            del self._state.groups[group.arn]
        return {}

    def describe(self, request: dict[str, Any]) -> dict[str, Any]:
        one = self.package(request["ModelPackageName"])
        # Of a versioned package no name was seen in an answer; the service model asks for one.
        return _summary(one) | {
            "ModelPackageName": one.group,
            "ModelPackageStatusDetails": {"ValidationStatuses": []},
            **({"InferenceSpecification": {"Containers": [_container(one)]}} if one.weights else {}),
        }

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = str(request.get("ModelPackageGroupName", "")).rpartition("/")[2]
        found = [_summary(one) for one in _in_region(self._state) if wanted in ("", one.group)]
        return page(found, request, "ModelPackageSummaryList")

    def delete(self, request: dict[str, Any]) -> dict[str, Any]:
        """The package; its weights stay where they are (a belief)."""
        with self._state.world.lock:
            del self._state.packages[self.package(request["ModelPackageName"]).arn]
        return {}

    def group(self, name_or_arn: str) -> Group:
        """A group by its name or ARN."""
        arn = name_or_arn if name_or_arn.startswith("arn:") else here("model-package-group", name_or_arn)
        if arn not in self._state.groups:
            raise Refusal("ValidationException", f"ModelPackageGroup {arn} does not exist.")
        return self._state.groups[arn]

    def package(self, name_or_arn: str) -> Package:
        """A package by its ARN, or by its group and version."""
        arn = name_or_arn if name_or_arn.startswith("arn:") else here("model-package", name_or_arn)
        if arn not in self._state.packages:
            raise Refusal("ValidationException", f"ModelPackage {arn} does not exist.")
        return self._state.packages[arn]


def _in_region(state: State) -> list[Package]:
    mine = here("model-package", "")
    return [one for arn, one in state.packages.items() if arn.startswith(mine)]


def _group(one: Group) -> dict[str, Any]:
    described = {"ModelPackageGroupDescription": one.description} if one.description else {}
    return described | {
        "ModelPackageGroupName": one.name,
        "ModelPackageGroupArn": one.arn,
        "CreationTime": one.created,
        "ModelPackageGroupStatus": "Completed",
    }


def _summary(one: Package) -> dict[str, Any]:
    return {
        "ModelPackageGroupName": one.group,
        "ModelPackageVersion": one.version,
        "ModelPackageArn": one.arn,
        "CreationTime": one.created,
        "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": "PendingManualApproval",
    }


def _container(one: Package) -> dict[str, Any]:
    source = {"S3Uri": one.weights, "S3DataType": "S3Prefix", "CompressionType": "None"}
    recipe = f"{one.model}-{one.technique}-{one.peft or 'FULL'}".lower()
    return {
        "Image": IMAGE,
        "ModelDataSource": {"S3DataSource": source},
        "IsCheckpoint": True,
        "BaseModel": {"HubContentName": one.model, "HubContentVersion": VERSION, "RecipeName": recipe},
    }
