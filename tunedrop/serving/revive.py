"""Serves a model again that was in production before."""

from __future__ import annotations

from typing import Any

from tunedrop import clock, naming
from tunedrop.aws import Aws
from tunedrop.contracts import DeploymentSettings, Serving
from tunedrop.errors import TransientError
from tunedrop.registry.aliases import InProduction
from tunedrop.serving import choose, models, throughput
from tunedrop.stage import Stage


def create(aws_: Aws, stage: Stage, model: InProduction) -> Serving:
    """Start to serve a model again: on demand if its base model supports that, else with one model unit.

    Raises
    ------
    LookupError
        If the model does not exist any more, or its base model is not known.
    ThroughputFailed, TransientError
        As `tunedrop.serving.throughput.create`.
    """
    if not models.exists(aws_, model.model_arn, model.run_id):
        raise LookupError(f"{model.model_arn} was deleted; train it again")
    base_model = models.base_of(aws_, stage, model.model_arn, model.run_id)
    if base_model is None:
        raise LookupError(f"the base model of {model.model_arn} is not in the catalog")
    settings = DeploymentSettings()
    way = choose.way(base_model, settings)
    # The run's original name may be taken, and its client token would return the old resource.
    moment = clock.now().translate(str.maketrans("", "", "-:TZ"))[-6:]
    name = f"{naming.resource_name(stage.name, model.run_id)[:56].rstrip('-')}-{moment}"
    return throughput.create(
        aws_.bedrock, stage, model.run_id, name, model.model_arn, settings, way, keep=True,
        weights=models.weights(aws_, model.model_arn),
    )  # fmt: skip


def ready(bedrock: Any, serving: Serving) -> str:
    """The ARN, once it is in service.

    Raises
    ------
    TransientError
        While Bedrock creates it.
    ThroughputFailed
        If it could not be served.
    """
    if throughput.outcome(bedrock, serving) is None:
        raise TransientError(f"{serving.arn} comes into service")
    return serving.arn
