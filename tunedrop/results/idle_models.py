"""Announces imported models that nobody has invoked for a while: their storage is billed until they go.

What no alias names is swept; this is about what stays, above all models in production. CloudWatch counts the
successful invocations of a model (namespace AWS/Bedrock, `Invocations` by `ModelId`: Bedrock user guide,
monitoring-runtime-metrics, read 2026-11-30). Whether that of an imported model is its ARN or the id in it is
not documented: either counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from tunedrop import catalog, clock
from tunedrop.aws import Aws
from tunedrop.aws.subjects import attributes, subject
from tunedrop.contracts import CostLine
from tunedrop.cost import imported
from tunedrop.formatting.commands import command
from tunedrop.registry import Record, Registry
from tunedrop.registry.aliases import Aliases
from tunedrop.registry.troubles import Troubles
from tunedrop.serving import kinds, throughput
from tunedrop.serving.sweep import InService
from tunedrop.stage import Stage

IDLE = timedelta(days=30)
"""Storage is billed by the month; the notice is repeated after this time."""

KEPT = timedelta(days=455)
"""How long CloudWatch keeps hourly data points (its user guide, cloudwatch_concepts, read 2026-11-30)."""

DAY = 86_400
"""Seconds of a data point: when in that time a model was invoked is not known."""


class Idle(msgspec.Struct, frozen=True, kw_only=True):
    """An idle model of a run. `last_asked` is the day (YYYY-MM-DD) of its last known invocation, empty if
    CloudWatch has none; `alias` the parameter that names it, if any; `storage` its cost for a month."""

    model: InService
    record: Record
    days: int
    last_asked: str
    alias: str
    storage: CostLine


def announce(
    aws_: Aws, stage: Stage, registry: Registry, troubles: Troubles, serving: Iterable[InService]
) -> list[str]:
    """Notify the topic of each idle model, again whenever it has been idle for as long again; checks once a
    day. Returns their ARNs."""
    now = clock.read(clock.now())
    old = [one for one in serving if _may_be_idle(one, now)]
    if not old or not registry.claim("IDLE", f"{now:%Y-%m-%d}"):
        return []
    aliases = {arn: parameter for parameter, arn in Aliases(aws_.ssm, aws_.dynamodb, stage).all().items()}

    def tell(one: InService) -> bool:
        found = _idle(aws_, registry, one, aliases.get(one.arn, ""), now)
        if found is None:
            return False
        what, which = f"IDLE#{one.arn}", f"{found.last_asked}#{found.days // IDLE.days}"
        if registry.is_claimed(what, which):
            return False
        # Claimed after it was announced, so that a failure is retried tomorrow.
        _publish(aws_.sns, stage, found)
        registry.claim(what, which)
        return True

    told = troubles.each(old, lambda one: f"invocations of {one.arn}", tell, eager=True)
    return [one.arn for one, was_told in told if was_told]


def _may_be_idle(one: InService, now: datetime) -> bool:
    """A copy of a base model belongs to the stage, and is swept when no run needs it."""
    is_old = clock.read(one.created_at) < now - IDLE
    return is_old and kinds.of(one.way).billed_by == "window" and not one.base_model


def _idle(aws_: Aws, registry: Registry, one: InService, alias: str, now: datetime) -> Idle | None:
    """What there is to tell of a model; None if it is in use, gone, or of no known run."""
    record = registry.get(one.run_id)
    base_model = catalog.load().get(record.run.base_model) if record is not None else None
    if record is None or base_model is None:
        return None
    begin = clock.read(one.created_at)
    last = _last_asked(aws_.cloudwatch, one.arn, max(begin, now - KEPT), now)
    days = (now - (last + timedelta(seconds=DAY) if last is not None else begin)).days
    if days < IDLE.days:
        return None
    served = throughput.describe_or_none(aws_.bedrock, one.arn)
    if served is None:
        return None
    return Idle(
        model=one,
        record=record,
        days=days,
        last_asked=f"{last:%Y-%m-%d}" if last is not None else "",
        alias=alias,
        storage=imported.storage(base_model, served.units),
    )


def _last_asked(cloudwatch: Any, arn: str, begin: datetime, end: datetime) -> datetime | None:
    """The beginning of the last day with an invocation; None if there is none."""
    queries = [
        {
            "Id": f"by{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Bedrock",
                    "MetricName": "Invocations",
                    "Dimensions": [{"Name": "ModelId", "Value": value}],
                },
                "Period": DAY,
                "Stat": "Sum",
            },
        }
        for number, value in enumerate((arn, arn.rpartition("/")[2]))
    ]
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=begin, EndTime=end
    )
    asked = [
        moment
        for page in pages
        for one in page["MetricDataResults"]
        for moment, count in zip(one["Timestamps"], one["Values"], strict=True)
        if count
    ]
    return max(asked, default=None)


def _publish(sns: Any, stage: Stage, found: Idle) -> None:
    said = {"event": "model-idle", "stage": stage.name, "run_id": found.record.run.run_id}
    sns.publish(
        TopicArn=stage.topic_arn,
        Subject=subject(f"Tunedrop: nobody has used {found.model.name} for {found.days} days"),
        Message=text(stage, found),
        MessageAttributes=attributes(said),
    )


def text(stage: Stage, found: Idle) -> str:
    """Which model it is, what it costs, and what removes it."""
    run_id, name = found.record.run.run_id, found.record.run.name
    if found.last_asked:
        since = f"nobody has invoked since {found.last_asked}"
    else:
        since = (
            f"nobody has invoked since {found.model.created_at[:10]}, as far as CloudWatch says. It does not "
            "count the requests of the evaluation either, so look at how it is used before you delete it"
        )
    storage = found.storage
    cost = f"{storage.likely:.2f} USD a month" if storage.source else "an amount that the catalog lacks"
    production = found.alias and f"It is in production: applications read {found.alias}."
    delete = command("teardown", run_id, options=f"--stage {stage.name}")
    lines = [
        f"Stage {stage.name} keeps the imported model {found.model.name} of run {run_id}, which {since}.",
        *([production] if production else []),
        "",
        f"    {found.model.arn}",
        f"    storage: {cost} ({storage.basis}), until it is deleted",
        "",
        "If nobody needs it, this deletes it with its weights, and keeps the run's report"
        + (f" (it asks again because {name} is in production):" if production else ":"),
        f"    {delete}",
        "",
        f"You receive this message again in {IDLE.days} days if nobody has invoked it by then.",
        "",
    ]
    return "\n".join(lines)
