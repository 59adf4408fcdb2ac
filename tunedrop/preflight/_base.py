"""The preflight check of a base model that must be imported for the comparison."""

from __future__ import annotations

from tunedrop.aws import Aws
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Check
from tunedrop.serving import bases
from tunedrop.stage import Stage

NAME = "base model to compare with"


def check(aws_: Aws, stage: Stage, model: BaseModel) -> Check:
    """Whether the stage has a copy of the base model, or files to import it from."""
    if bases.latest(aws_.bedrock, stage, model).base is not None:
        return Check(name=NAME, passed=True, detail=f"{model.name}, to compare with, is imported")
    source = bases.weights(aws_, stage, model)
    return Check(
        name=NAME,
        passed=bool(source),
        detail=f"{model.name}, to compare with, will be imported from {source}"
        if source
        else f"{model.name} is not sold on demand in Bedrock, and {bases.no_weights(stage, model)}",
        hint="Or take qwen.qwen3-32b, which Bedrock sells",
    )
