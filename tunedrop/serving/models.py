"""Trained models of all engines: their status, and their deletion."""

from __future__ import annotations

from tunedrop import catalog, naming
from tunedrop.aws import Aws
from tunedrop.catalog.model import BaseModel
from tunedrop.registry import Registry
from tunedrop.stage import Stage
from tunedrop.training import engines


def is_model(arn: str) -> bool:
    """Whether an ARN is of a trained model, not of a serving resource."""
    return any(engine.model_arns in arn for engine in engines.every())


def base_of(aws: Aws, stage: Stage, model_arn: str, run_id: str) -> BaseModel | None:
    """The base model of a tuned model: by its ARN, else by the run that has trained it; None if unknown."""
    found = engines.of_model(model_arn).base_of(stage, model_arn)
    if found is not None:
        return found
    record = Registry(aws.dynamodb, stage.registry_table).get(run_id)
    try:
        return catalog.find(record.run.base_model) if record is not None else None
    except LookupError:
        return None


def status(aws: Aws, model_arn: str) -> str:
    """`Active` if a model can be used, another word while it is created; empty if there is none."""
    return engines.of_model(model_arn).status_of_model(aws, model_arn)


def exists(aws: Aws, model_arn: str, run_id: str) -> bool:
    """Whether the model of a run exists (still): if ARNs return, another run's may have this one by now."""
    if not status(aws, model_arn):
        return False
    return not may_return(model_arn) or naming.run_of(weights(aws, model_arn)) in ("", run_id)


def may_return(arn: str) -> bool:
    """Whether another model may get this ARN once this one is deleted."""
    return is_model(arn) and engines.of_model(arn).arns_return


def weights(aws: Aws, model_arn: str) -> str:
    """The location of a model's files, from which Bedrock can import them (`s3://…/`)."""
    return engines.of_model(model_arn).weights_of(aws, model_arn)


def why_it_stays(aws: Aws, arn: str) -> str:
    """Why an existing model cannot be deleted; empty if it can, or if the ARN is not a model's.

    Raises
    ------
    ClientError
        If the service refuses to describe it.
    """
    why = engines.of_model(arn).undeletable if is_model(arn) else ""
    return why if why and status(aws, arn) else ""


def delete(aws: Aws, model_arn: str) -> bool:
    """Delete a model, whose storage is billed until then. False if it did not exist.

    Raises
    ------
    ThroughputFailed
        If AWS refuses for good.
    TransientError
        If a later try may succeed, such as while something still serves the model.
    """
    return engines.of_model(model_arn).delete_model(aws, model_arn)
