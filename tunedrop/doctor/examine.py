"""All checks, in the order in which a deployment would fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
from botocore.exceptions import ClientError

from tunedrop import catalog
from tunedrop.aws import Aws, is_missing
from tunedrop.catalog.model import BaseModel
from tunedrop.doctor import _account, _concurrency, _deployment, _machine, _quotas, models
from tunedrop.doctor._finding import Finding, asked
from tunedrop.stage import Stage, parameter_name

JOBS_AT_ONCE = 1
"""The minimum that a stage needs, before its own settings are known."""


def examine(aws: Aws, stage_name: str, base_model: BaseModel | None, folder: Path) -> Iterator[Finding]:
    """Yield all findings, each as soon as it is known.

    Parameters
    ----------
    base_model
        The base model to check; None: the stage's default, or all that this Region customizes.
    folder
        The folder with the pinned CDK CLI.
    """
    yield from _machine.check(folder)
    found = list(_account.check(aws))
    yield from found
    if not _account.can_be_asked(found):
        return
    yield from _concurrency.check(aws)
    stage = _stage(aws, stage_name)
    chosen = _models(aws, base_model, stage)
    yield from models.check(aws, chosen)
    yield from _quotas.check(aws, chosen, stage.customization_quota if stage is not None else JOBS_AT_ONCE)
    if stage is None:
        yield from asked(f"Stage {stage_name}", "stage", lambda: iter([_not_deployed(aws, stage_name)]))
    else:
        yield from _deployment.check(aws, stage)


def _stage(aws: Aws, name: str) -> Stage | None:
    """The stage, if it is deployed and readable; `_not_deployed` finds out why not."""
    try:
        answer = aws.ssm.get_parameter(Name=parameter_name(name))
    except ClientError:
        return None
    return msgspec.json.decode(answer["Parameter"]["Value"], type=Stage)


def _not_deployed(aws: Aws, name: str) -> Finding:
    try:
        aws.ssm.get_parameter(Name=parameter_name(name))
    except ClientError as error:
        if not is_missing(error):
            raise
    return Finding(
        about=f"Stage {name}",
        name="stage",
        state="note",
        detail=f"is not deployed in {aws.session.region_name} yet",
        hint=f"make deploy STAGE={name}",
    )


def _models(aws: Aws, base_model: BaseModel | None, stage: Stage | None) -> list[BaseModel]:
    if base_model is not None:
        return [base_model]
    if stage is not None:
        return [catalog.find(stage.default_base_model)]
    return catalog.tunable(region=aws.session.region_name)
