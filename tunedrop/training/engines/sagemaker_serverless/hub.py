"""Base models in SageMaker's public hub (DescribeHubContent)."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from tunedrop.catalog.model import BaseModel

HUB = "SageMakerPublicHub"


class HubModel(msgspec.Struct, frozen=True, kw_only=True):
    """What the hub says of a base model. SageMaker always trains the newest version."""

    version: str
    techniques: tuple[str, ...]
    is_gated: bool


def arn(region: str, base_model: BaseModel) -> str:
    """What a job takes as its `BaseModelArn`."""
    return f"arn:aws:sagemaker:{region}:aws:hub-content/{HUB}/Model/{base_model.hub_content}"


def describe(sagemaker: Any, base_model: BaseModel) -> HubModel:
    """The hub's page of a base model, as far as it matters here.

    The document's fields are those that AWS's SDK reads: `RecipeCollection[].CustomizationTechnique`,
    `GatedBucket`, `HostingEulaUri` (sagemaker-python-sdk, hub/interfaces.py, read 2026-11-29). No public one
    was found to test with: that the names hold is a belief.
    """
    answer = sagemaker.describe_hub_content(
        HubName=HUB, HubContentType="Model", HubContentName=base_model.hub_content
    )
    document = json.loads(answer["HubContentDocument"])
    recipes = document.get("RecipeCollection") or []
    return HubModel(
        version=answer["HubContentVersion"],
        techniques=tuple(
            dict.fromkeys(
                str(one["CustomizationTechnique"]) for one in recipes if one.get("CustomizationTechnique")
            )
        ),
        is_gated=bool(document.get("GatedBucket") or document.get("HostingEulaUri")),
    )
