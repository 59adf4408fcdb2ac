"""promote_model: the production alias names the tuned model from now on."""

from __future__ import annotations

import msgspec

from lambdas.services import Services
from lambdas.step import step
from tunedrop.contracts import CompletedJob, Dataset, Evaluation, Promotion, Run, Serving
from tunedrop.registry.aliases import Aliases
from tunedrop.serving import release


class Input(msgspec.Struct, frozen=True):
    run: Run
    dataset: Dataset
    job: CompletedJob
    serving: Serving
    evaluation: Evaluation


@step(Input)
def handler(payload: Input, services: Services) -> Promotion:
    aliases = Aliases(services.aws.ssm, services.aws.dynamodb, services.stage)
    stays = release.keeps(payload.run, payload.serving, payload.evaluation, failure=None)
    model_arn = payload.job.model_arn
    model_id = payload.serving.arn if stays else model_arn
    return aliases.promote(payload.run.name, payload.run.run_id, model_arn, model_id)
