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
from tunedrop.waiting.resolve import Callbacks
from tunedrop.waiting.table import Waits

# As ASCII JSON, so that no text can break a log line or change its direction.
logger = Logger(json_serializer=partial(json.dumps, default=str))
tracer = Tracer()
metrics = Metrics()


class Services:
    """The function's stage, and its access to AWS."""

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
    def callbacks(self) -> Callbacks:
        """One per call, because it records the failures of that call."""
        return Callbacks(self.aws, self.stage)


@cache
def services() -> Services:
    """The services of this process."""
    return Services(stage.from_environment(), Aws())


def count_ended(notice: Notice) -> Notice:
    """Count an ended run, by outcome."""
    metrics.add_dimension("outcome", notice.outcome)
    metrics.add_metric("RunsEnded", MetricUnit.Count, 1)
    metrics.flush_metrics()
    return notice
