"""Maps base models to usage types of the service AmazonBedrock in AWS's price list.

Such as `USE1-NovaLite-Customization-Training` (price list rows quoted by public projects, read 2026-11-29).
"""

from __future__ import annotations

from typing import Literal

from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Commitment

Item = Literal[
    "training", "training hours", "storage", "input", "output", "custom input", "custom output",
    "provisioned none", "provisioned 1-month", "provisioned 6-months",
]  # fmt: skip
"""Items with a separate price."""

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
}

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
    """The usage type of a price; empty if the model's name in the price list is unknown, or the job is not
    Bedrock's own.

    Parameters
    ----------
    region
        Empty: the first Region of the base model.
    """
    prefix = REGIONS.get(region or model.regions[0], "")
    is_known = item in OF_ANSWERS or model.engine == "bedrock"
    name = model.price_list_name if is_known else ""
    return f"{prefix}-{name}-{SUFFIXES[item]}" if prefix and name else ""


def instance_hours(model: BaseModel, region: str = "") -> str:
    """The usage type of an hour of the instance that trains a base model, of the service AmazonSageMaker.

    Such as `USE1-Train:ml.g5.2xlarge` (public projects that asked GetProducts in August 2026, read
    2026-11-29); empty where nothing of it is trained on an instance.
    """
    prefix = REGIONS.get(region or model.regions[0], "")
    return f"{prefix}-Train:{model.training_instance}" if prefix and model.training_instance else ""
