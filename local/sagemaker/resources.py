"""Which resources and further actions a SageMaker request needs, by AWS's own data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from local.bedrock.authorization import reference

AND = "|"
"""Between a further action and its resource."""

TYPE_OF = {
    "TrainingJobName": "training-job",
    "ModelPackageGroupName": "model-package-group",
    "ModelPackageName": "model-package",
}
"""The members that name what a request is about, and the resource types of what they name."""


def resources_of(
    method: str, path: str, headers: Mapping[str, str], body: bytes, region: str, account: str
) -> list[str]:
    """The ARNs that a policy has to allow for the request, each of them; `*` alone where it has none.

    Further actions that the reference lists as dependent stand as `action|ARN`.
    """
    del method, path
    action = str(headers.get("x-amz-target", "")).rpartition(".")[2]
    document = json.loads(body or b"{}")
    types = reference("sagemaker").types_of(action) if reference("sagemaker").knows(action) else frozenset()
    if action == "ListModelPackages" and "ModelPackageGroupName" in document:
        # What AWS's sample policies name for it (developer guide, model-registry-version-xaccount).
        name = document["ModelPackageGroupName"].rpartition("/")[2]
        return [f"arn:aws:sagemaker:{region}:{account}:model-package/{name}/*"]
    arns = [arn for arn in _arns(document, region, account) if reference("sagemaker").type_of(arn) in types]
    further = list(_further(document, arns)) if action.startswith("Create") else []
    return [*(dict.fromkeys(arns) or ["*"]), *further]


def _arns(document: Mapping[str, Any], region: str, account: str) -> Iterator[str]:
    for member, type_ in TYPE_OF.items():
        if name := document.get(member):
            ours = f"arn:aws:sagemaker:{region}:{account}:{type_}/{name}"
            yield name if name.startswith("arn:") else ours
    if arn := document.get("ResourceArn"):
        yield arn
    if hub := document.get("HubName"):
        hub = hub.rpartition("/")[2]
        # The public hub is of no account of ours.
        owner = "aws" if hub == "SageMakerPublicHub" else account
        yield f"arn:aws:sagemaker:{region}:{owner}:hub/{hub}"
        if name := document.get("HubContentName"):
            kind = document.get("HubContentType", "Model")
            yield f"arn:aws:sagemaker:{region}:{owner}:hub-content/{hub}/{kind}/{name}"


def _further(document: Mapping[str, Any], arns: list[str]) -> Iterator[str]:
    if role := document.get("RoleArn"):
        yield f"iam:PassRole{AND}{role}"
    if document.get("Tags"):
        yield from (f"sagemaker:AddTags{AND}{arn}" for arn in arns)
