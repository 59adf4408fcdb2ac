"""The preflight checks of a base model's files: to be imported for the comparison, and asked by a chat."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from tunedrop import aws, naming
from tunedrop.aws import Aws
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Check
from tunedrop.serving import bases
from tunedrop.stage import Stage

NAME = "base model to compare with"
TEMPLATE = "chat template"


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


def chat_template(aws_: Aws, stage: Stage, model: BaseModel) -> Check:
    """Whether an imported model can be asked by a chat: Bedrock adds no template to the files (Bedrock user
    guide, custom-chat-templates-tokenizers, read 2026-11-29). If the files cannot be read, the check passes.

    That a job leaves the tokenizer's files of its base model is a belief.
    """
    try:
        where = bases.weights(aws_, stage, model)
        has = _has_template(aws_.s3, where) if where else None
    except ClientError as error:
        if aws.is_transient(error):
            raise
        unread = f"whether {model.name} has a chat template could not be read: {aws.explain(error)}"
        return Check(name=TEMPLATE, passed=True, detail=unread)
    if has is None:
        detail = f"whether {model.name} has a chat template is not known: no service offers its files"
    else:
        detail = f"{model.name} has {'a' if has else 'no'} chat template in {where}"
    return Check(
        name=TEMPLATE,
        passed=has is not False,
        detail=detail,
        hint="Add chat_template.jinja to the files, or take qwen.qwen3-32b",
    )


def _has_template(s3: Any, where: str) -> bool:
    bucket, prefix = naming.place_of(where)
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}chat_template.", MaxKeys=1)
    if found.get("KeyCount"):
        return True
    try:
        said = s3.get_object(Bucket=bucket, Key=f"{prefix}tokenizer_config.json")["Body"].read()
    except ClientError as error:
        if aws.is_missing(error):
            return False
        raise
    try:
        return bool(json.loads(said).get("chat_template"))
    except (ValueError, AttributeError):
        return False
