"""A run's settings: what its manifest says, completed with the defaults of the stage and its base model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from tunedrop import catalog, clock, manifest, naming
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import (
    DeploymentSettings,
    EvaluationSettings,
    JudgeSettings,
    ReadOptions,
    RuleSettings,
    Run,
    TrainingStage,
)
from tunedrop.cost.estimate import COMMITTED_HOURS
from tunedrop.dataset.rules import settings as rule_settings
from tunedrop.errors import InvalidManifest
from tunedrop.evaluation.reinforcement import grading
from tunedrop.manifest import Manifest
from tunedrop.planning import base_models, distillation, hyperparameters
from tunedrop.registration._data_files import DataFiles
from tunedrop.serving import kinds
from tunedrop.stage import Stage
from tunedrop.training import parents


def resolve(
    stage: Stage,
    bare: Run,
    document: Manifest,
    files: DataFiles,
    earlier: Sequence[DataFiles] = (),
) -> Run:
    """The run with the defaults of the stage and base model for everything that its manifest leaves open.

    Parameters
    ----------
    files, earlier
        The data of the run, and of its earlier training phases.

    Raises
    ------
    InvalidManifest
        If the base model is unknown, or does not support a setting.
    """
    found, parent_model = parents.find(stage, document.base_model or stage.default_base_model)
    base_model = base_models.trained_by(stage, found, document, parent_model)
    for method in (document.method, *(one.method for one in document.stages)):
        base_models.refuse_untunable(stage, base_model, method)
    grader = grading.grader_of(stage, base_model, parent_model, document)
    resolved = msgspec.structs.replace(
        bare,
        method=document.method,
        base_model=base_model.id,
        parent_model=parent_model,
        hyperparameters=hyperparameters.resolve(base_model, document.method, document.hyperparameters),
        candidates=hyperparameters.candidates(
            base_model, document.method, document.hyperparameters, document.search
        ),
        earlier_stages=tuple(
            TrainingStage(
                method=one.method,
                hyperparameters=hyperparameters.resolve(base_model, one.method, one.hyperparameters),
                reading=one.data.reading,
                **data,
            )
            for one, data in zip(document.stages, earlier, strict=True)
        ),
        reading=document.data.reading,
        rules=rule_settings.resolved(stage.rules, document.rules),
        keep_models=document.keep_models,
        again=document.again,
        teacher=distillation.teacher_of(base_model, parent_model, document),
        grader=grader,
        accept_eula=document.accept_eula or base_model.id in stage.accept_eula,
        budget_usd=stage.budget_usd if document.budget_usd is None else document.budget_usd,
        deployment=_deployment(stage, base_model, document.deployment),
        evaluation=_evaluation(stage, document.evaluation, graded=bool(grader)),
        **files,
    )
    return msgspec.structs.replace(resolved, run_id=naming.run_id(bare.name, identity(resolved)))


def identity(run: Run) -> Iterator[str]:
    """What identifies a run: object versions and resolved settings, but not the user or the time."""
    yield _written((run.source, run.train, run.validation, run.test, run.method, run.base_model))
    yield msgspec.json.encode(run.hyperparameters, order="sorted").decode()
    yield _written((run.budget_usd, run.deployment, run.evaluation))
    more = (run.parent_model, run.earlier_stages, run.candidates, run.teacher, run.grader, run.retune)
    if any(more):
        yield _written(more, order="sorted")
    if run.accept_eula:
        yield "accept_eula"
    if run.reading != ReadOptions():
        yield msgspec.json.encode(run.reading, order="sorted").decode()
    if run.rules != RuleSettings():
        yield msgspec.json.encode(run.rules, order="sorted").decode()


_NEW = (b',"etag":""', b',"open_text_only":false')
"""Defaults of keys that earlier releases did not have."""


def _written(value: object, order: Literal["sorted"] | None = None) -> str:
    """As JSON, without the defaults of newer keys, so that run ids stay the same."""
    text = msgspec.json.encode(value, order=order)
    for one in _NEW:
        text = text.replace(one, b"")
    return text.decode()


def _deployment(stage: Stage, base_model: BaseModel, asked: manifest.Deployment) -> DeploymentSettings:
    if asked.commitment != "none" and not stage.allow_commitment:
        raise InvalidManifest(
            f"deployment.commitment: {asked.commitment} cannot be ended early, and this stage does "
            "not allow it; use none, or set allow_commitment for the stage"
        )
    found = DeploymentSettings(
        mode=asked.mode,
        model_units=asked.model_units,
        commitment=asked.commitment,
        keep_for_seconds=None if asked.keep_for is None else clock.duration_seconds(asked.keep_for),
        stable_arn=stage.stable_arn if asked.stable_arn is None else asked.stable_arn,
    )
    offered = kinds.offered(base_model)
    buys = found.mode == "provisioned" or (offered and offered[0].billed_by == "hour")
    if buys and found.commitment != "none":
        _refuse_a_vain_commitment(found)
    return found


def _refuse_a_vain_commitment(asked: DeploymentSettings) -> None:
    """Refuse to pay for a term in which the throughput would not serve the model."""
    hours = COMMITTED_HOURS[asked.commitment]
    if (asked.keep_for_seconds or 0) < hours * 3600:
        raise InvalidManifest(
            f"deployment.commitment: {asked.commitment} is billed for {hours / 24:g} days, however long the "
            f"model is kept; set deployment.keep_for to {hours / 24:g}d or more"
        )
    if asked.stable_arn:
        raise InvalidManifest(
            "deployment.stable_arn: a model takes over the throughput behind the ARN in production, and its "
            f"own cannot be released before its commitment ({asked.commitment}) ends; write stable_arn: "
            "false for the run that buys it, and commitment: none for those that follow behind its ARN"
        )


def _evaluation(stage: Stage, asked: manifest.Evaluation, *, graded: bool) -> EvaluationSettings:
    return EvaluationSettings(
        metric=asked.metric,
        min_improvement=stage.min_improvement if asked.min_improvement is None else asked.min_improvement,
        confidence=stage.confidence if asked.confidence is None else asked.confidence,
        max_prompts=asked.max_prompts,
        judge=_judge(stage, asked, graded=graded),
        general_ability=stage.general_ability if asked.general_ability is None else asked.general_ability,
        few_shot=asked.few_shot,
    )


def _judge(stage: Stage, asked: manifest.Evaluation, *, graded: bool) -> JudgeSettings | None:
    """The manifest's judge, or the stage's where it decides: on open text, or everywhere if the metric says
    so; `graded` answers are decided by their rewards."""
    if asked.judge == manifest.NO_JUDGE:
        return None
    if asked.judge is not None and asked.judge != manifest.STAGE_JUDGE:
        judge = manifest.Judge(model=asked.judge) if isinstance(asked.judge, str) else asked.judge
        return JudgeSettings(model=_inference_id(judge.model), rubric=judge.rubric, via=judge.via)
    if asked.metric == "judge" and not stage.judge:
        raise InvalidManifest(
            "evaluation.metric: name the model that judges in evaluation.judge; "
            "the default is the stage's setting judge, which is not set"
        )
    decides = asked.metric == "judge" or (asked.metric == "auto" and not graded)
    if not stage.judge or not decides:
        return None
    return JudgeSettings(model=_inference_id(stage.judge), open_text_only=asked.metric == "auto")


def _inference_id(model: str) -> str:
    """What Converse takes, if the catalog knows the model."""
    try:
        return catalog.find(model).inference_id
    except LookupError:
        return model
