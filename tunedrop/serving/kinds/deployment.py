"""Custom model deployments: on demand, billed by the token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from tunedrop import naming
from tunedrop.aws.quotas import Quotas, Shortage, Use
from tunedrop.catalog.model import BaseModel
from tunedrop.serving.kind import Behind, Demand, Listing, Served, ServingKind, Wanted
from tunedrop.serving.permissions import by_function, of_applications

IN_TOTAL = "L-1EF80F3E"
IN_PROGRESS = "L-430C95DD"


class Deployment(ServingKind):
    """CreateCustomModelDeployment. Quota codes: AWS General Reference, Bedrock, read 2026-11-23."""

    way = "on-demand"
    arns = (":custom-model-deployment/",)
    listings = (
        Listing(
            "deployment", "list_custom_model_deployments", "modelDeploymentSummaries",
            "customModelDeploymentArn", "customModelDeploymentName", "createdAt", model_arn="modelArn",
        ),
    )  # fmt: skip
    mode = "on-demand"
    title = "on demand"
    terms = "served on demand, free while idle"
    billed_by = "token"
    queues = True
    of_every_stage = True
    permissions = by_function("Deployments", "CustomModelDeployment", "custom-model-deployment", queues=True)
    applications = of_applications("Deployments", "custom-model-deployment")
    quota_hint = (
        f"Delete a custom model deployment, or ask for more in Service Quotas: {IN_TOTAL} (total) and "
        f"{IN_PROGRESS} (in progress)."
    )

    def create(self, bedrock: Any, wanted: Wanted) -> str:
        answer = bedrock.create_custom_model_deployment(
            modelDeploymentName=wanted.name,
            modelArn=wanted.model_arn,
            tags=wanted.tags,
            clientRequestToken=naming.client_token("deployment", wanted.name, wanted.model_arn),
        )
        return str(answer["customModelDeploymentArn"])

    def describe(self, bedrock: Any, arn: str) -> Served:
        answer = bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=arn)
        return Served(str(answer["status"]), str(answer.get("failureMessage", "")), arn)

    def find(self, bedrock: Any, name: str) -> str:
        answer = bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=name)
        return str(answer["customModelDeploymentArn"])

    def delete(self, bedrock: Any, arn: str) -> None:
        bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier=arn)

    def shortages(self, bedrock: Any, quotas: Quotas, demand: Demand) -> Iterator[Shortage]:
        """A deployment recent enough to belong to another run's evaluation will be released: the run then
        waits for it after training."""
        if (quota := quotas.get(IN_TOTAL)) is None:
            return
        found = self.existing(bedrock)
        since = datetime.now(UTC) - timedelta(seconds=demand.stage.throughput_expiry_seconds)
        may_free_up = any(one["createdAt"] > since for one in found)
        needed = len(found) + demand.count
        if needed > quota.value and not may_free_up:
            yield Shortage(quota, len(found), needed)

    def uses(self, bedrock: Any, quotas: Quotas, base_models: Sequence[BaseModel]) -> Iterator[Use]:
        del quotas, base_models
        found = self.existing(bedrock)
        making = sum(one.get("status") == "Creating" for one in found)
        in_all = len(found)
        yield Use(code=IN_TOTAL, counts="custom model deployments", used=in_all, needed=in_all + 1)
        yield Use(code=IN_PROGRESS, counts="concurrent deployment creations", used=making, needed=making + 1)

    def behind(self, bedrock: Any, arn: str) -> Behind:
        found = bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=arn)
        update = found.get("updateDetails") or {}
        change = _CHANGES.get(update.get("updateStatus", ""), "none")
        return Behind(found["modelArn"], update.get("modelArn", found["modelArn"]), change)

    def put_behind(self, bedrock: Any, arn: str, before: str, model_arn: str) -> None:
        """Any custom model is accepted, as far as documented."""
        del before
        bedrock.update_custom_model_deployment(customModelDeploymentIdentifier=arn, modelArn=model_arn)


KIND = Deployment()


_CHANGES: dict[str, Literal["none", "going on", "done", "failed"]] = {
    "Updating": "going on",
    "UpdateCompleted": "done",
    "UpdateFailed": "failed",
}
