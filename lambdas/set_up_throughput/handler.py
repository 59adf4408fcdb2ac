"""set_up_throughput: serves the tuned model, on demand if its base model supports it."""

from __future__ import annotations

import msgspec

from lambdas.services import Services
from lambdas.step import step
from tunedrop import catalog, naming
from tunedrop.contracts import CompletedJob, Dataset, Evaluation, Run, Serving
from tunedrop.registry import ownership
from tunedrop.registry.aliases import Aliases
from tunedrop.serving import bases, choose, kinds, models, throughput
from tunedrop.waiting import deployments


class Input(msgspec.Struct, frozen=True):
    """`evaluated`: the model has passed, as `evaluation` says, and is now served as the run requests.

    `granted`: the run has waited for a deployment, and it is its turn.
    """

    run: Run
    dataset: Dataset
    job: CompletedJob
    evaluated: bool = False
    evaluation: Evaluation | None = None
    granted: bool = False


@step(Input)
def handler(payload: Input, services: Services) -> Serving:
    run, stage = payload.run, services.stage
    if payload.evaluation is not None:  # so that no term is bought for a model that will not be promoted
        aliases = Aliases(services.aws.ssm, services.aws.dynamodb, stage)
        ownership.check_before_promotion(
            services.aws.s3, services.registry, aliases, run, payload.dataset,
            compared=payload.evaluation.asked_production,
        )  # fmt: skip
    base_model = catalog.find(run.base_model)
    bought_later = choose.production_way(base_model, run.deployment)
    way = bought_later if payload.evaluated and bought_later else choose.way(base_model, run.deployment)
    name = naming.resource_name(stage.name, run.run_id, run.attempt)
    bedrock, model_arn = services.aws.bedrock, payload.job.model_arn
    weights = models.weights(services.aws, model_arn) if kinds.of(way).serves_files else ""

    def create() -> Serving:
        return throughput.create(
            bedrock, stage, run.run_id, name, model_arn, run.deployment, way, weights=weights
        )

    if kinds.of(way).queues:
        serving = deployments.create_or_queue(
            bedrock, services.waits, kinds.of(way), name, create, granted=payload.granted
        )
    else:
        serving = create()
    compared = not payload.evaluated and bases.is_needed(base_model)
    return msgspec.structs.replace(
        serving,
        base=bases.ensure(services.aws, stage, base_model) if compared else None,
        hourly_usd=choose.hourly_usd(base_model, run.deployment, way),
        provisional=bought_later is not None and not payload.evaluated,
    )
