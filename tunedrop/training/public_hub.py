"""Base models in SageMaker's public hub (DescribeHubContent)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from tunedrop.catalog.model import BaseModel

HUB = "SageMakerPublicHub"
PUBLIC_BUCKET = "jumpstart-cache-prod-"
"""How the names of the buckets begin whose files need no acceptance of a licence, one a Region."""


class HubModel(msgspec.Struct, frozen=True, kw_only=True):
    """What the hub says of a base model. SageMaker always trains the newest version.

    `weights` is where its files are (an `s3://` prefix), where anybody may read them as they are.
    """

    version: str
    techniques: tuple[str, ...]
    is_gated: bool
    weights: str = ""


def arn(region: str, base_model: BaseModel) -> str:
    """What a job takes as its `BaseModelArn`."""
    return f"arn:aws:sagemaker:{region}:aws:hub-content/{HUB}/Model/{base_model.hub_content}"


def page(sagemaker: Any, base_model: BaseModel) -> tuple[str, str]:
    """The version and the document of a base model.

    Raises
    ------
    ClientError
        If SageMaker refuses to say.
    """
    answer = sagemaker.describe_hub_content(
        HubName=HUB, HubContentType="Model", HubContentName=base_model.hub_content
    )
    return str(answer["HubContentVersion"]), str(answer["HubContentDocument"])


def describe(sagemaker: Any, base_model: BaseModel) -> HubModel:
    """What all models of the hub have in their documents.

    The document's fields are those that AWS's SDK reads: `RecipeCollection[].CustomizationTechnique`,
    `GatedBucket`, `HostingEulaUri`, `HostingArtifactUri` and `HostingArtifactCompressionType`
    (sagemaker-python-sdk, hub/interfaces.py, read 2026-11-29). No public one was found to test with: that the
    names hold is a belief.

    Raises
    ------
    ClientError
        If SageMaker refuses to say.
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
    """The folder that SageMaker hosts a base model from; empty if it is an archive, which cannot be
    imported, or under a licence.

    Public projects copy such folders out of `jumpstart-cache-prod-<Region>` from accounts of their own
    (reported, 2025-2026); that Bedrock imports from there, and that each has every file, is a belief.
    """
    uri = str(document.get("HostingArtifactUri") or "")
    is_folder = uri.endswith("/") and document.get("HostingArtifactCompressionType", "None") == "None"
    is_free = is_folder and not _is_gated(document)
    return uri if is_free and uri.startswith(f"s3://{PUBLIC_BUCKET}") else ""
