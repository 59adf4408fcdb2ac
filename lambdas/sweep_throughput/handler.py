"""sweep_throughput: releases what no live run owns, closes runs whose execution is gone, starts those whose
event was lost or whose data has grown, and says once a day which models in production near their end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.notify.handler import end
from lambdas.services import logger, metrics, services, tracer
from lambdas.step import named_errors
from tunedrop.registration import missed_uploads, retuning
from tunedrop.registry import lifecycle
from tunedrop.results import orphans
from tunedrop.serving.sweep import Sweeper


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, list[str]]:
    here = services()
    with named_errors():
        closed = []
        for record, failure in orphans.orphans(here.aws.step_functions, here.registry):
            logger.warning("closing a run without execution", extra={"run_id": record.run.run_id})
            end(orphans.settle(here.aws, here.stage, record, failure), here)
            closed.append(record.run.run_id)
        started = [
            source.uri
            for source, modified in missed_uploads.missed(here.aws.s3, here.registry, here.stage)
            if missed_uploads.start(here.aws, here.stage.workflow_arn, source, modified)
        ]
        grown = [
            one.name
            for one in retuning.due(here.aws.s3, here.registry)
            if missed_uploads.start(
                here.aws, here.stage.workflow_arn, one.manifest, datetime.now(UTC), one.identity
            )
        ]
        ending = lifecycle.announce(here.aws, here.stage, here.registry)
        swept, expired = Sweeper(here.aws, here.stage).sweep()
    metrics.add_metric("ExpiredThroughput", MetricUnit.Count, expired)
    metrics.flush_metrics()
    if swept.released or swept.failed:
        logger.warning("swept", extra={"released": swept.released, "failed": swept.failed})
    if grown:
        logger.info("tuning again what has grown", extra={"names": grown})
    if started:
        logger.warning("started what S3's event had not", extra={"uploads": started})
    return {
        "closed": closed,
        "started": started,
        "grown": grown,
        "ending": [one.model.name for one in ending],
        "released": list(swept.released),
        "failed": list(swept.failed),
    }
