"""SageMakerPublicHub: the models that serverless customization starts from, and their documents."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from local import ministack
from local.bedrock.wire import Refusal
from local.sagemaker import jumpstart

PUBLIC_HUB = "SageMakerPublicHub"
PUBLIC_BUCKET, PRIVATE_BUCKET = "jumpstart-cache-prod-", "jumpstart-private-cache-prod-"
VERSION = "1.2.0"
SCHEMA_VERSION = "2.3.0"
PUBLISHED = datetime(2026, 9, 1, tzinfo=UTC)
BY_TOKEN = ("SFT", "DPO")
"""The techniques metered by the token, the others by the hour (tests/recorded/recipes.json)."""


class HubModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model of the hub.

    Attributes
    ----------
    billions
        Parameters, in billions.
    context
        The longest text that it reads, in tokens.
    reasons
        Whether its answers begin with its reasoning.
    full
        Whether all weights can be tuned; LoRA always can.
    licence
        The location of the licence that must be accepted; empty for none.
    script
        Whether JumpStart's script trains it, also on texts; such a model continues a text.
    """

    name: str
    display: str
    architecture: str
    billions: float
    context: int
    reasons: bool = False
    full: bool = True
    licence: str = ""
    techniques: tuple[str, ...] = ("SFT", "DPO", "RLVR", "RLAIF")
    script: bool = False


class Hub:
    """The operations on hub content.

    Parameters
    ----------
    publish
        Puts a model's files into the public bucket of the request's Region.
    """

    def __init__(self, publish: Callable[[HubModel], None] = lambda _: None) -> None:
        self._publish = publish

    def describe_content(self, request: dict[str, Any]) -> dict[str, Any]:
        model = self._find(request)
        if not model.licence:
            self._publish(model)
        arn = content_arn(model)
        return _entry(model) | {
            "HubName": PUBLIC_HUB,
            "HubArn": f"arn:aws:sagemaker:{ministack.region()}:aws:hub/{PUBLIC_HUB}",
            "HubContentArn": f"{arn}/{VERSION}",
            "HubContentDocument": json.dumps(document(model, ministack.region())),
            "LastModifiedTime": PUBLISHED,
        }

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        _refuse_other_hubs(request)
        part = request.get("NameContains", "")
        found = [_entry(one) for name, one in sorted(models().items()) if part in name]
        size, start = int(request.get("MaxResults", 100)), int(request.get("NextToken") or 0)
        more = {"NextToken": str(start + size)} if len(found) > start + size else {}
        summaries = found[start : start + size] if request["HubContentType"] == "Model" else []
        return {"HubContentSummaries": summaries, **more}

    def _find(self, request: Mapping[str, Any]) -> HubModel:
        _refuse_other_hubs(request)
        found = models().get(request["HubContentName"])
        if found is None or request["HubContentType"] != "Model":
            raise Refusal("ResourceNotFound", f"Hub content {request['HubContentName']} does not exist.")
        return found


def _refuse_other_hubs(request: Mapping[str, Any]) -> None:
    if str(request["HubName"]).rpartition("/")[2] != PUBLIC_HUB:
        raise Refusal("ResourceNotFound", f"Hub {request['HubName']} does not exist.")


@cache
def models() -> dict[str, HubModel]:
    """The hub's models, by name."""
    text = (resources.files("local.sagemaker") / "hub.toml").read_text("utf-8")
    found = msgspec.convert(tomllib.loads(text)["model"], list[HubModel])
    return {one.name: one for one in found}


def content_arn(model: HubModel) -> str:
    """A model's ARN without a version, in the Region of the request."""
    return f"arn:aws:sagemaker:{ministack.region()}:aws:hub-content/{PUBLIC_HUB}/Model/{model.name}"


def document(model: HubModel, region: str) -> dict[str, Any]:
    """A model's document: a belief except for the recipes, whose fields AWS's recipe validator lists."""
    licence = {"GatedBucket": True, "HostingEulaUri": model.licence.format(region=region)}
    bucket = (PRIVATE_BUCKET if model.licence else PUBLIC_BUCKET) + region
    return {
        "Url": f"https://huggingface.co/{model.name}",
        "TrainingSupported": True,
        "IncrementalTrainingSupported": False,
        **(licence if model.licence else {"GatedBucket": False}),
        "HostingArtifactUri": f"s3://{bucket}/{folder(model)}",
        "HostingArtifactS3DataType": "S3Prefix",
        "HostingArtifactCompressionType": "None",
        "RecipeCollection": list(recipes(model, region)),
        **(jumpstart.fields(model.name, region) if model.script else {}),
    }


def folder(model: HubModel) -> str:
    """The location of a model's files in its bucket; public projects name such paths for other models."""
    family = model.name.partition("-")[0]
    return f"{family}-llm/{model.name}/artifacts/inference-prepack/v1.0.0/"


def recipes(model: HubModel, region: str) -> list[dict[str, Any]]:
    """What can be done with a model: one recipe for each technique and way of tuning.

    Fields: aws/sagemaker-hyperpod-recipes, validations of recipe metadata; a published recipe of Nova's
    (read 2026-11-29).
    """
    found = []
    for technique in model.techniques:
        for peft in ("LORA", "") if model.full else ("LORA",):
            name = f"{model.name}-{technique}-{peft or 'FULL'}".lower()
            where = f"s3://jumpstart-cache-prod-{region}/recipes/{name}"
            found.append(
                {
                    "DisplayName": f"{model.display} {technique} {peft or 'full'}",
                    "Name": name,
                    "Type": "FineTuning",
                    "CustomizationTechnique": technique,
                    "Versions": ["1.0"],
                    "Hardware": "GPU",
                    "InstanceCount": 1,
                    "SequenceLength": "4K",
                    "ServerlessMeteringType": "Token-based" if technique in BY_TOKEN else "Hourly",
                    "SmtjRecipeTemplateS3Uri": f"{where}_payload_template_sm_jobs.yaml",
                    "SmtjOverrideParamsS3Uri": f"{where}_override_params_sm_jobs.json",
                    **({"Peft": peft} if peft else {}),
                }
            )
    return found


def _entry(model: HubModel) -> dict[str, Any]:
    return {
        "HubContentName": model.name,
        "HubContentArn": f"{content_arn(model)}/{VERSION}",
        "HubContentVersion": VERSION,
        "HubContentType": "Model",
        "DocumentSchemaVersion": SCHEMA_VERSION,
        "HubContentDisplayName": model.display,
        "HubContentStatus": "Available",
        "CreationTime": PUBLISHED,
    }
