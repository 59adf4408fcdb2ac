"""Provisioned throughput: billed per hour and model unit, even while idle."""

from __future__ import annotations

from typing import Any

from tunedrop import catalog, naming
from tunedrop.contracts import Commitment
from tunedrop.serving.kind import Behind, CannotSwap, Served, ServingKind, Wanted

COMMITMENTS: dict[Commitment, str] = {"1-month": "OneMonth", "6-months": "SixMonths"}
"""The API's `commitmentDuration`, which is omitted for no commitment."""


def commitment_of(duration: str) -> Commitment:
    """The commitment of the API's name."""
    return next((name for name, value in COMMITMENTS.items() if value == duration), "none")


class Provisioned(ServingKind):
    """CreateProvisionedModelThroughput. Quota codes: AWS General Reference and cloud-custodian's test README,
    read 2026-11-23."""

    way = "provisioned"
    arns = (":provisioned-model/",)
    offered_as = title = mode = "provisioned"
    terms = "served by the hour only"
    billed_by = "hour"
    # Waiting does not help in an account without units.
    quota_frees_up = False
    quota_cure = (
        "No-commitment model units are 0 by default: ask for some in Service Quotas, L-BE77399C, and for the "
        "model's own units per provisioned model (L-3632DE15 for Llama 3.1 8B)."
    )

    def create(self, bedrock: Any, wanted: Wanted) -> str:
        commitment = COMMITMENTS.get(wanted.settings.commitment)
        answer = bedrock.create_provisioned_model_throughput(
            provisionedModelName=wanted.name,
            modelId=wanted.model_arn,
            modelUnits=wanted.settings.model_units,
            tags=wanted.tags,
            clientRequestToken=naming.client_token("throughput", wanted.name, wanted.model_arn),
            **({"commitmentDuration": commitment} if commitment else {}),
        )
        return str(answer["provisionedModelArn"])

    def describe(self, bedrock: Any, arn: str) -> Served:
        answer = bedrock.get_provisioned_model_throughput(provisionedModelId=arn)
        return Served(str(answer["status"]), str(answer.get("failureMessage", "")), arn)

    def find(self, bedrock: Any, name: str) -> str:
        return str(bedrock.get_provisioned_model_throughput(provisionedModelId=name)["provisionedModelArn"])

    def delete(self, bedrock: Any, arn: str) -> None:
        bedrock.delete_provisioned_model_throughput(provisionedModelId=arn)

    def behind(self, bedrock: Any, arn: str) -> Behind:
        found = bedrock.get_provisioned_model_throughput(provisionedModelId=arn)
        desired = found.get("desiredModelArn", found["modelArn"])
        if found["status"] == "Updating":
            return Behind(found["modelArn"], desired, "going on")
        return Behind(found["modelArn"], desired, "none" if desired == found["modelArn"] else "failed")

    def put_behind(self, bedrock: Any, arn: str, before: str, model_arn: str) -> None:
        """Only models of the same base model are accepted."""
        if catalog.base_of(before) != catalog.base_of(model_arn):
            raise CannotSwap(f"{arn} is provisioned throughput of another base model")
        bedrock.update_provisioned_model_throughput(provisionedModelId=arn, desiredModelId=model_arn)
