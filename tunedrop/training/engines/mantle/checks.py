"""Free preflight checks of a fine-tuning job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from tunedrop import aws
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Check
from tunedrop.training.engines.mantle.tuned import UNDELETABLE


def every(mantle: Any, base_model: BaseModel) -> Iterator[Check]:
    """The checks of this engine, each with what to do if it fails."""
    yield _base_model(mantle, base_model)
    # True for every run, and part of the approval request: reported before anything is created.
    yield Check(name="deletion", passed=True, detail=f"what the run leaves: {UNDELETABLE}")


def _base_model(mantle: Any, base_model: BaseModel) -> Check:
    hint = "Choose another base model: tunedrop bases"
    try:
        mantle.get_model(id=base_model.service_id)
    except ClientError as error:
        if aws.is_transient(error):
            raise
        gone = f"bedrock-mantle does not offer {base_model.service_id} in {mantle.meta.region_name}"
        return Check(
            name="base model", passed=False, hint=hint,
            detail=gone if aws.is_missing(error) else aws.explain(error),
        )  # fmt: skip
    return Check(
        name="base model", passed=True, hint=hint, detail=f"bedrock-mantle offers {base_model.name} here"
    )
