"""Models in production whose base model nears its end: said in time, and once for each date.

A custom model lives no longer than its base (Bedrock user guide, model-lifecycle, read 2026-11-23).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, catalog
from tunedrop.aws import Aws
from tunedrop.registry.aliases import Aliases, InProduction
from tunedrop.registry.runs import Registry
from tunedrop.stage import Stage

NOTICE = timedelta(days=120)
"""How long before: legacy models have at least six months (the same page); tuning anew takes weeks."""


class EndOfLife(msgspec.Struct, frozen=True, kw_only=True):
    """A model in production, its alias, and the day (YYYY-MM-DD) on which its base model ends."""

    model: InProduction
    alias: str
    base_model: str
    ends_on: str


def announce(aws_: Aws, stage: Stage, registry: Registry) -> list[EndOfLife]:
    """Tell the topic of every model in production that ends soon; looks once a day, tells each date once."""
    today = datetime.now(UTC)
    if not registry.claim("LIFECYCLE", f"{today:%Y-%m-%d}"):
        return []
    told = []
    for found in ending(aws_, stage, today):
        what, which = f"LIFECYCLE#{found.model.name}", f"{found.model.run_id}#{found.ends_on}"
        if registry.is_claimed(what, which):
            continue
        # Claimed once it is told: what could not be told today is told tomorrow.
        _publish(aws_.sns, stage, found)
        registry.claim(what, which)
        told.append(found)
    return told


def ending(aws_: Aws, stage: Stage, today: datetime) -> Iterator[EndOfLife]:
    """The models in production whose base model ends within `NOTICE`."""
    aliases = Aliases(aws_.ssm, aws_.dynamodb, stage)
    for parameter in aliases.all():
        history = aliases.history(parameter.rpartition("/")[2])
        if not history:
            continue
        base_model = catalog.base_of(history[0].model_arn)
        ends = _end_of_life(aws_.bedrock, base_model.lifecycle_id) if base_model is not None else None
        if base_model is not None and ends is not None and ends - today < NOTICE:
            yield EndOfLife(
                model=history[0], alias=parameter, base_model=base_model.id, ends_on=f"{ends:%Y-%m-%d}"
            )


def _end_of_life(bedrock: Any, model_id: str) -> datetime | None:
    try:
        details = bedrock.get_foundation_model(modelIdentifier=model_id)["modelDetails"]
    except ClientError as error:
        if aws.is_missing(error):
            return datetime.now(UTC)
        raise
    ends: datetime | None = details.get("modelLifecycle", {}).get("endOfLifeTime")
    return ends


def _publish(sns: Any, stage: Stage, found: EndOfLife) -> None:
    name, ends, parameter = found.model.name, found.ends_on, found.alias
    sns.publish(
        TopicArn=stage.topic_arn,
        Subject=f"Tunedrop: the base of {name} ends on {ends}"[:100],
        Message=(
            f"The model in production as {name} was tuned from {found.base_model}, which Bedrock ends "
            f"on {ends}. From then on it cannot be asked: applications that read {parameter} will get errors."
            f"\n\nTune a successor in time: upload the data of run {found.model.run_id} again with another "
            "base_model, under the same name. It will be measured against this one, and takes its place "
            "if it is better.\n\n"
            "Which base models suit the data, and what they cost:\n"
            "    tunedrop advise train.jsonl\n"
            "What is in production, with its scores:\n"
            f"    tunedrop models {name} --stage {stage.name}\n"
        ),
        MessageAttributes={
            key: {"DataType": "String", "StringValue": value}
            for key, value in (
                ("event", "base-model-ends"),
                ("stage", stage.name),
                ("run_id", found.model.run_id),
                ("ends_on", ends),
            )
        },
    )
