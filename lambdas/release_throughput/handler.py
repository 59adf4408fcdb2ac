"""release_throughput: releases the run's resources, on success and failure."""

from __future__ import annotations

import msgspec

from lambdas.services import Services
from lambdas.step import step
from tunedrop.contracts import Evaluation, Failure, Promotion, Released, Run, Serving, StartedJob
from tunedrop.results import release
from tunedrop.serving.production import Production


class Input(msgspec.Struct, frozen=True):
    run: Run
    started: StartedJob | None = None
    serving: Serving | None = None
    evaluation: Evaluation | None = None
    failure: Failure | None = None
    evaluated_on: Serving | None = None
    promotion: Promotion | None = None


@step(Input)
def handler(payload: Input, services: Services) -> Released:
    run, promotion = payload.run, payload.promotion
    if promotion is None and payload.serving is not None:
        # The promotion may have taken effect before its step failed.
        promotion = Production(services.aws, services.stage).settled(run, payload.serving.model_arn)
        if promotion is not None:
            services.registry.save(run.run_id, promotion=promotion)
    return release.finish(
        services.aws,
        services.stage,
        run,
        payload.started,
        payload.serving,
        payload.evaluation,
        payload.failure,
        payload.evaluated_on,
        promotion,
    )
