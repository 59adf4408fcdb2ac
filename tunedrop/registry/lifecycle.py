"""Announces production models whose base model becomes Legacy or ends, once per date.

During the Legacy period of six months or 45 days, the base model cannot be tuned; a custom model ends with
its base model (Bedrock user guide, model-lifecycle, read 2026-11-29).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, catalog
from tunedrop.aws import Aws, foundation_models
from tunedrop.aws.subjects import attributes, subject
from tunedrop.catalog.model import BaseModel
from tunedrop.formatting.commands import command
from tunedrop.registry._runs import Registry
from tunedrop.registry.aliases import Aliases, InProduction
from tunedrop.registry.troubles import Troubles
from tunedrop.stage import Stage


class Ageing(msgspec.Struct, frozen=True, kw_only=True):
    """A production model whose base model is Legacy, or will be.

    `legacy_on` and `ends_on` are dates (YYYY-MM-DD), empty if Bedrock gives none; `gone`: the base model is
    no longer offered; `closed`: Bedrock starts no new jobs on it.
    """

    model: InProduction
    alias: str
    base_model: str
    legacy_on: str = ""
    ends_on: str = ""
    gone: bool = False
    closed: bool = False

    @property
    def is_legacy(self) -> bool:
        """Whether its base model can no longer be tuned."""
        return self.gone or self.closed


def announce(aws_: Aws, stage: Stage, registry: Registry, troubles: Troubles) -> list[Ageing]:
    """Notify the topic of production models whose base model is or becomes Legacy; checks once a day, and
    announces each date once."""
    today = datetime.now(UTC)
    if not registry.claim("LIFECYCLE", f"{today:%Y-%m-%d}"):
        return []

    def tell(parameter: str) -> Ageing | None:
        found = ageing(aws_, stage, parameter, today)
        if found is None:
            return None
        what = f"LIFECYCLE#{found.model.name}"
        which = f"{found.model.run_id}#{found.legacy_on}#{'gone' if found.gone else found.ends_on}"
        if registry.is_claimed(what, which):
            return None
        # Claimed after it was announced, so that a failure is retried tomorrow.
        _publish(aws_.sns, stage, found, today)
        registry.claim(what, which)
        return found

    aliases = Aliases(aws_.ssm, aws_.dynamodb, stage).all()
    told = troubles.each(aliases, lambda one: f"lifecycle of the base of {one}", tell, eager=True)
    return [found for _, found in told if found is not None]


def ageing(aws_: Aws, stage: Stage, parameter: str, today: datetime) -> Ageing | None:
    """The production model of an alias, if its base model is Legacy, will be, or is gone."""
    model = Aliases(aws_.ssm, aws_.dynamodb, stage).intended_at(parameter)
    if model is None or not model.run_id:
        return None
    base_model = catalog.base_of(model.model_arn)
    # The lifecycle concerns models that Bedrock tunes: imported models do not depend on their base model.
    if base_model is None or not catalog.engines()[base_model.engine].tunes_foundation_models:
        return None
    found = Ageing(model=model, alias=parameter, base_model=base_model.id)
    details = _describe(aws_.bedrock, base_model)
    if details is None:
        return msgspec.structs.replace(found, gone=True, ends_on=f"{today:%Y-%m-%d}")
    begins, ends = foundation_models.legacy_time(details), foundation_models.end_of_life(details)
    closed = bool(foundation_models.why_closed(details, today))
    if begins is None and ends is None and not closed:
        return None
    return msgspec.structs.replace(found, legacy_on=_day(begins), ends_on=_day(ends), closed=closed)


def _describe(bedrock: Any, base_model: BaseModel) -> dict[str, Any] | None:
    """Bedrock's description of the base model; None if it is no longer offered."""
    try:
        return foundation_models.describe(bedrock, base_model)
    except ClientError as error:
        if aws.is_missing(error):
            return None
        raise


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment is not None else ""


def _publish(sns: Any, stage: Stage, found: Ageing, today: datetime) -> None:
    said = {
        "event": "base-model-ends",
        "stage": stage.name,
        "run_id": found.model.run_id,
        "legacy_on": found.legacy_on,
        "ends_on": found.ends_on,
    }
    sns.publish(
        TopicArn=stage.topic_arn,
        Subject=subject(f"Tunedrop: the base of {found.model.name} {_what(found, today)}"),
        Message=text(stage, found, today),
        MessageAttributes=attributes({name: value for name, value in said.items() if value}),
    )


def _what(found: Ageing, today: datetime) -> str:
    """The next change in the base model's lifecycle."""
    day = f"{today:%Y-%m-%d}"
    if found.gone or (found.ends_on and found.ends_on <= day):
        return "has ended"
    if found.legacy_on > day:
        return f"becomes Legacy on {found.legacy_on}"
    return f"is Legacy and ends on {found.ends_on}" if found.ends_on else "is Legacy"


def text(stage: Stage, found: Ageing, today: datetime) -> str:
    """The text of the notice: what ends when, and what to tune instead."""
    base_model = catalog.find(found.base_model)
    name, legacy, ends = found.model.name, found.legacy_on, found.ends_on
    what = _what(found, today)
    lines = [f"The model in production as {name} was tuned from {base_model.id}, which {what}.", ""]
    if what != "has ended":
        since = f"From {legacy} on" if legacy > f"{today:%Y-%m-%d}" else "Now"
        lines += [
            f"{since}: Bedrock starts no new customization job or provisioned throughput on it, so no new "
            "version can be tuned from this base model. Accounts that have not used it for 15 days lose "
            "access. Existing deployments and throughput keep working.",
        ]
    until = f"From {ends} on" if ends and what != "has ended" else "Once it has ended" if not ends else "Now"
    lines += [
        f"{until}: the model cannot be invoked; applications that read {found.alias} get errors.",
        "",
        f"{catalog.instead(base_model)}: upload the data of run {found.model.run_id} again with this "
        "base_model, under the same name. The new model is compared with the one in production, and replaces "
        "it if it is better.",
        *_by_itself_or_by_hand(stage, found),
        "",
        "What else can be tuned, and what it costs:",
        "    tunedrop bases",
        "What is in production, with its scores:",
        f"    {command('models', name, options=f'--stage {stage.name}')}",
    ]
    return "\n".join(lines) + "\n"


def _by_itself_or_by_hand(stage: Stage, found: Ageing) -> Iterator[str]:
    """What the stage does by itself, and the command for the same."""
    if stage.succession:
        when = "Today" if found.is_legacy else "Once it is Legacy"
        yield (
            f"{when}, the stage starts such a run by itself, where its successor can be tuned here, and asks "
            "for approval before anything is paid (setting succession)."
        )
    else:
        yield "The stage starts such a run by itself if its setting succession says so."
    yield "By hand, with the manifest and its data in a folder, and the new base_model in the manifest:"
    yield f"    tunedrop submit FOLDER --stage {stage.name}"
