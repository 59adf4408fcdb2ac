"""sweep_throughput: releases resources that no active run owns, closes runs whose execution is gone, starts
runs whose event was lost or whose data has grown, and reports daily which production models are about to
end and which imported models nobody invokes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.services import Services, count_ended, logger, metrics, services, tracer
from lambdas.step import named_errors
from tunedrop.contracts import Ending
from tunedrop.monitoring import state
from tunedrop.serving.sweep import InService
from tunedrop.steps.notify import end
from tunedrop.steps.sweep_throughput import Sweep, Swept, is_settled


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    here = services()
    if is_settled(here.registry, event):
        return {}

    def close(ending: Ending) -> None:
        count_ended(end(here.aws, here.stage, here.registry, here.spending, ending))

    sweep = Sweep(here.aws, here.stage, close)
    with named_errors():
        swept = sweep.look_after_resources()
    metrics.add_metric("ExpiredThroughput", MetricUnit.Count, swept.expired)
    _count_failing(swept)
    try:
        _write_state(here, sweep.serving)
    except Exception:
        logger.exception("the dashboard's data could not be written")
    with named_errors():
        swept = sweep.look_for_uploads()
    _count_failing(swept)
    done: dict[str, Any] = msgspec.to_builtins(swept)
    logger.info("swept", extra=done)
    return done


def _count_failing(swept: Swept) -> None:
    """Write the metrics at once: listing very many uploads may take all the time of the function."""
    metrics.add_metric("FailingSubjects", MetricUnit.Count, len(swept.failed))
    metrics.flush_metrics()


def _write_state(here: Services, serving: Sequence[InService]) -> None:
    """Log the rows of the dashboard (`infra.observability`): one message per kind, with its fields."""
    rows = [
        *(("open run", one) for one in state.open_runs(here.open_runs.records())),
        *(("served", one) for one in state.served(serving)),
        ("month so far", state.month_so_far(here.spending, here.stage)),
    ]
    for message, row in rows:
        logger.info(message, extra=msgspec.to_builtins(row))
