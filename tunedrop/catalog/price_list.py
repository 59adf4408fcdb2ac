"""Maps base models to usage types in AWS's price list.

Such as `USE1-NovaLite-Customization-Training` of the service AmazonBedrock (price list rows quoted by public
projects, read 2026-11-29).
"""

from __future__ import annotations

from typing import Literal

from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Commitment

SERVICE, SERVICE_OF_INSTANCES = "AmazonBedrock", "AmazonSageMaker"

Item = Literal[
    "training", "training hours", "storage", "input", "output", "custom input", "custom output",
    "provisioned none", "provisioned 1-month", "provisioned 6-months", "imported",
]  # fmt: skip
"""Items with a separate price; `imported` is a custom model unit of an imported model for a minute."""

SUFFIXES: dict[Item, str] = {
    "training": "Customization-Training",
    "training hours": "RFT-Training-Hours",
    "storage": "Customization-Storage",
    "input": "input-tokens",
    "output": "output-tokens",
    "custom input": "input-tokens-custom-model",
    "custom output": "output-tokens-custom-model",
    "provisioned none": "ProvisionedThroughput-NoCommit-ModelUnits",
    "provisioned 1-month": "ProvisionedThroughput-1month-ModelUnits",
    "provisioned 6-months": "ProvisionedThroughput-6months-ModelUnits",
    "imported": "CustomModelImport-Inference-v1:0",
}

_IMPORTED_AS = {"LlamaForCausalLM": "Llama", "MistralForCausalLM": "Mistral", "Qwen3ForCausalLM": "Qwen2"}
"""The names of architectures in the usage types of imported models, as a public project that reads the price
list has them (2026-09-12); a row of Llama alone was seen."""

PROVISIONED: dict[Commitment, Item] = {
    "none": "provisioned none",
    "1-month": "provisioned 1-month",
    "6-months": "provisioned 6-months",
}

REGIONS = {"us-east-1": "USE1", "us-west-2": "USW2"}
"""Prefixes of a Region's usage types; Bedrock customizes models in these two Regions."""


OF_ANSWERS: tuple[Item, ...] = ("input", "output", "custom input", "custom output")
"""Items billed for inference, whichever engine tuned the model."""


def usage_type(model: BaseModel, item: Item, region: str = "") -> str:
    """The usage type of a price, of `SERVICE` unless it is of an instance's hours; empty if the model's name
    in the price list is unknown, or the job is not Bedrock's own.

    Parameters
    ----------
    region
        Empty: the first Region of the base model.
    """
    if item == "training hours" and model.training_instance:
        return instance_hours(model, region)
    prefix = REGIONS.get(region or model.regions[0], "")
    is_known = item in OF_ANSWERS or model.engine == "bedrock"
    name = model.price_list_name if is_known else ""
    if item == "imported":
        name = _IMPORTED_AS.get(model.architecture, "") if "imported" in model.serving.ways else ""
    return f"{prefix}-{name}-{SUFFIXES[item]}" if prefix and name else ""


def instance_hours(model: BaseModel, region: str = "") -> str:
    """The usage type of an hour of the instance that trains a base model, of `SERVICE_OF_INSTANCES`.

    Such as `USE1-Train:ml.g5.2xlarge` (public projects that asked GetProducts in August 2026, read
    2026-11-29); empty where nothing of it is trained on an instance.
    """
    prefix = REGIONS.get(region or model.regions[0], "")
    return f"{prefix}-Train:{model.training_instance}" if prefix and model.training_instance else ""
