"""The notify step, which closes a run: report, registry, one notification, one event."""

from __future__ import annotations

import logging

import msgspec

from tunedrop.aws import Aws
from tunedrop.contracts import Ending, Notice
from tunedrop.registry import Registry
from tunedrop.registry.spending import Spending
from tunedrop.results.close import close, with_cost, with_earlier, with_promotion
from tunedrop.results.report import with_fit, write_findings, write_report
from tunedrop.stage import Stage
from tunedrop.training import engines

_log = logging.getLogger(__name__)


def end(aws: Aws, stage: Stage, registry: Registry, spending: Spending, ending: Ending) -> Notice:
    """Close a run. If the report cannot be written, the notification is sent all the same."""
    ending = with_earlier(registry, with_promotion(aws, stage, registry, ending))
    failure = registry.ended_as(ending.run, ending.failure)
    ending = msgspec.structs.replace(ending, failure=failure)
    ending = with_cost(aws.s3, registry, stage, ending)
    if ending.cost is not None:
        to_come = sum(one.likely for one in (*ending.cost.forecast, *ending.cost.kept))
        spending.settle(ending.run, ending.cost.likely, committed=to_come)
    try:
        curves = engines.curves_of(aws, ending.job)
        ending = with_fit(registry, ending, curves)
        report = write_report(aws.s3, stage, registry, ending, curves)
    except Exception:
        _log.exception("the report of %s could not be made", ending.run.run_id)
        report = ""
    try:
        write_findings(aws, stage, ending)
    except Exception:
        _log.exception("the findings of %s could not be written", ending.run.run_id)
    return close(aws, stage, registry, ending, report)
