"""Shared objects of the handlers: stage, AWS clients, tables, logs, traces, metrics."""

from __future__ import annotations

import json
from functools import cache, cached_property, partial

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

from tunedrop import stage
from tunedrop.aws import Aws
from tunedrop.contracts import Notice
from tunedrop.registry import Registry
from tunedrop.registry.open_runs import OpenRuns
from tunedrop.registry.spending import Spending
from tunedrop.stage import Stage
from tunedrop.waiting.resolve import Settler
from tunedrop.waiting.table import Waits

# As JSON of ASCII: no text can turn or break a line of a log.
logger = Logger(json_serializer=partial(json.dumps, default=str))
tracer = Tracer()
metrics = Metrics()


class Services:
    """The stage that this function belongs to, and its doors to AWS."""

    def __init__(self, stage: Stage, aws: Aws) -> None:
        self.stage = stage
        self.aws = aws

    @cached_property
    def registry(self) -> Registry:
        return Registry(self.aws.dynamodb, self.stage.registry_table)

    @cached_property
    def spending(self) -> Spending:
        return Spending(self.aws.dynamodb, self.stage.registry_table)

    @cached_property
    def open_runs(self) -> OpenRuns:
        return OpenRuns(self.aws.dynamodb, self.stage, self.registry)

    @cached_property
    def waits(self) -> Waits:
        return Waits(self.aws.dynamodb, self.stage.waits_table)

    @property
    def settler(self) -> Settler:
        """One for each call: it keeps what has failed in its turn."""
        return Settler(self.aws, self.stage)


@cache
def services() -> Services:
    """The services of this process."""
    return Services(stage.from_environment(), Aws())


def count_ended(notice: Notice) -> Notice:
    """Count a run that has ended, by its outcome."""
    metrics.add_dimension("outcome", notice.outcome)
    metrics.add_metric("RunsEnded", MetricUnit.Count, 1)
    metrics.flush_metrics()
    return notice
