"""Custom model deployments: on demand, billed by the token."""

from __future__ import annotations

from typing import Any, Literal

from tunedrop import naming
from tunedrop.serving.kind import Behind, Served, ServingKind, Wanted


class Deployment(ServingKind):
    """CreateCustomModelDeployment. Quota codes: AWS General Reference, Bedrock, read 2026-11-23."""

    way = "on-demand"
    arns = (":custom-model-deployment/",)
    offered_as = "on_demand"
    mode = "on-demand"
    title = "on demand"
    terms = "served on demand, free while idle"
    billed_by = "token"
    queues = True
    quota_cure = (
        "Delete a custom model deployment, or ask for more in Service Quotas: L-1EF80F3E (total) and "
        "L-430C95DD (in progress)."
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

    def behind(self, bedrock: Any, arn: str) -> Behind:
        found = bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=arn)
        update = found.get("updateDetails") or {}
        change = _CHANGES.get(update.get("updateStatus", ""), "none")
        return Behind(found["modelArn"], update.get("modelArn", found["modelArn"]), change)

    def put_behind(self, bedrock: Any, arn: str, before: str, model_arn: str) -> None:
        """Any custom model is accepted, as far as documented."""
        del before
        bedrock.update_custom_model_deployment(customModelDeploymentIdentifier=arn, modelArn=model_arn)


_CHANGES: dict[str, Literal["none", "going on", "done", "failed"]] = {
    "Updating": "going on",
    "UpdateCompleted": "done",
    "UpdateFailed": "failed",
}
