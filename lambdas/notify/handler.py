"""notify: closes the run: report, registry, one notification, one event."""

from __future__ import annotations

import msgspec
from aws_lambda_powertools.metrics import MetricUnit

from lambdas.services import Services, logger, metrics
from lambdas.step import step
from tunedrop.contracts import (
    CompletedJob,
    Dataset,
    Ending,
    Estimate,
    Evaluation,
    Failure,
    Notice,
    Promotion,
    Released,
    Run,
    Serving,
    StartedJob,
)
from tunedrop.results.close import close, with_cost, with_promotion
from tunedrop.results.report import with_fit, write_report
from tunedrop.training.curves import Curves, of_job


class Input(msgspec.Struct, frozen=True):
    """Everything the workflow knows of the run; what did not happen is null."""

    run: Run
    dataset: Dataset | None = None
    estimate: Estimate | None = None
    started: StartedJob | None = None
    job: CompletedJob | None = None
    serving: Serving | None = None
    evaluation: Evaluation | None = None
    promotion: Promotion | None = None
    released: Released | None = None
    failure: Failure | None = None


@step(Input)
def handler(payload: Input, services: Services) -> Notice:
    return end(Ending(**msgspec.structs.asdict(payload)), services)


def end(ending: Ending, services: Services) -> Notice:
    """Close a run; a report that cannot be made does not keep anybody from being told."""
    ending = with_promotion(services.registry, ending)
    ending = with_cost(services.registry, ending)
    services.spending.settle(ending.run, ending.cost.likely if ending.cost is not None else 0.0)
    try:
        curves = of_job(services.aws.s3, ending.job) if ending.job is not None else Curves()
        ending = with_fit(services.registry, ending, curves)
        report = write_report(services.aws.s3, services.stage, services.registry, ending, curves)
    except Exception:
        logger.exception("the report could not be made")
        report = ""
    notice = close(services.aws, services.stage, services.registry, ending, report)
    metrics.add_dimension("outcome", notice.outcome)
    metrics.add_metric("RunsEnded", MetricUnit.Count, 1)
    metrics.flush_metrics()
    return notice
