"""Base models in SageMaker's public hub (DescribeHubContent)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from tunedrop.aws.permission import Permission
from tunedrop.catalog.model import BaseModel

HUB = "SageMakerPublicHub"
PUBLIC_BUCKET = "jumpstart-cache-prod-"
"""The prefix of the buckets whose files need no acceptance of a licence, one per Region."""

BUCKETS = (f"{PUBLIC_BUCKET}{{region}}", "jumpstart-private-cache-prod-{region}")
"""The buckets in which JumpStart keeps scripts and weights, those under a licence in the second."""

_ARNS = tuple(f"arn:aws:s3:::{one}" for one in BUCKETS)
READ_FILES = (
    Permission(sid="ReadJumpStart", actions=("s3:GetObject",), resources=tuple(f"{one}/*" for one in _ARNS)),
    Permission(sid="FindJumpStart", actions=("s3:ListBucket",), resources=_ARNS),
)
"""What a job's role needs to read scripts and weights; those under a licence only with AcceptEula."""


class HubModel(msgspec.Struct, frozen=True, kw_only=True):
    """The hub's description of a base model. SageMaker always trains the newest version.

    `weights` is the location of its files (an `s3://` prefix) if anyone may read them.
    """

    version: str
    techniques: tuple[str, ...]
    is_gated: bool
    weights: str = ""


def arn(region: str, base_model: BaseModel) -> str:
    """The `BaseModelArn` of a job."""
    return f"arn:aws:sagemaker:{region}:aws:hub-content/{HUB}/Model/{base_model.hub_content}"


def page(sagemaker: Any, base_model: BaseModel) -> tuple[str, str]:
    """The version and the document of a base model.

    Raises
    ------
    ClientError
        If SageMaker refuses the call.
    """
    answer = sagemaker.describe_hub_content(
        HubName=HUB, HubContentType="Model", HubContentName=base_model.hub_content
    )
    return str(answer["HubContentVersion"]), str(answer["HubContentDocument"])


def describe(sagemaker: Any, base_model: BaseModel) -> HubModel:
    """The part that the documents of all models have.

    The document's fields are those that AWS's SDK reads: `RecipeCollection[].CustomizationTechnique`,
    `GatedBucket`, `HostingEulaUri`, `HostingArtifactUri` and `HostingArtifactCompressionType`
    (sagemaker-python-sdk, hub/interfaces.py, read 2026-11-29). That the names are right is a belief: no
    public document was found to test with.

    Raises
    ------
    ClientError
        If SageMaker refuses the call.
    """
    version, text = page(sagemaker, base_model)
    document = json.loads(text)
    recipes = document.get("RecipeCollection") or []
    return HubModel(
        version=version,
        techniques=tuple(
            dict.fromkeys(
                str(one["CustomizationTechnique"]) for one in recipes if one.get("CustomizationTechnique")
            )
        ),
        is_gated=_is_gated(document),
        weights=weights(document),
    )


def _is_gated(document: Mapping[str, Any]) -> bool:
    return bool(document.get("GatedBucket") or document.get("HostingEulaUri"))


def weights(document: Mapping[str, Any]) -> str:
    """The folder from which SageMaker hosts a base model; empty if it is an archive, which cannot be
    imported, or under a licence.

    Public projects copy such folders from `jumpstart-cache-prod-<Region>` with their own accounts (reported,
    2025-2026); that Bedrock imports from there, and that all have every file, is a belief.
    """
    uri = str(document.get("HostingArtifactUri") or "")
    is_folder = uri.endswith("/") and document.get("HostingArtifactCompressionType", "None") == "None"
    is_free = is_folder and not _is_gated(document)
    return uri if is_free and uri.startswith(f"s3://{PUBLIC_BUCKET}") else ""
