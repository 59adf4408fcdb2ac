"""promote_model: points the production alias to the tuned model."""

from __future__ import annotations

import msgspec

from lambdas.services import Services
from lambdas.step import step
from tunedrop.contracts import CompletedJob, Dataset, Evaluation, Promotion, Run, Serving
from tunedrop.registry import ownership
from tunedrop.results import release
from tunedrop.serving.production import Production


class Input(msgspec.Struct, frozen=True):
    run: Run
    dataset: Dataset
    job: CompletedJob
    serving: Serving
    evaluation: Evaluation


@step(Input)
def handler(payload: Input, services: Services) -> Promotion:
    run, serving, evaluation = payload.run, payload.serving, payload.evaluation
    production = Production(services.aws, services.stage)
    stays = release.keeps(run, serving, evaluation, failure=None)
    with production.aliases.alone(run.name, run.run_id):
        ownership.check_before_promotion(
            services.aws.s3, services.registry, production.aliases, run, payload.dataset,
            compared=evaluation.asked_production,
        )  # fmt: skip
        return production.promote(
            run.name,
            run.run_id,
            payload.job.model_arn,
            served_by=serving.arn if stays else None,
            deployment=run.deployment,
        )
