"""A run in MLflow's terms: parameters, metrics and tags (MLflow REST API 2.0, read 2026-11-29)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

import msgspec

from tunedrop import clock, escaping, naming
from tunedrop.contracts import Ending
from tunedrop.reporting import links
from tunedrop.reporting.outcome import outcome_of
from tunedrop.stage import Stage
from tunedrop.training.curves import Curves

MAX_PARAM = 500
"""The length of a parameter's value that every version of the server accepts."""

MOST_METRICS = 900
"""A request may have 1,000 metrics, parameters and tags, at most 100 parameters and 100 tags among them."""

KEY_TAG = "tunedrop.key"
"""Identifies an attempt at a run, in characters that are safe in a search."""

_STATUS = {"failed": "FAILED", "refused": "FAILED", "stopped": "KILLED"}


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One measured value; `timestamp` is in milliseconds since 1970."""

    key: str
    value: float
    timestamp: int
    step: int = 0


class MlflowRun(msgspec.Struct, frozen=True, kw_only=True):
    """The run to send; times are in milliseconds since 1970."""

    experiment: str
    name: str
    key: str
    status: str
    started: int
    ended: int
    params: dict[str, str]
    tags: dict[str, str]
    metrics: tuple[Metric, ...]


def of(stage: Stage, ending: Ending, ended_at: str, curves: Curves) -> MlflowRun:
    """The MLflow run of a run that has ended. Runs of the same name form an experiment.

    Parameters
    ----------
    ended_at
        When it ended. Metrics have the time at which the job ended, so that sending twice changes nothing.
    """
    run = ending.run
    measured = ending.job.ended_at if ending.job is not None else ""
    return MlflowRun(
        experiment=escaping.line(f"tunedrop/{stage.name}/{run.name}")[:MAX_PARAM],
        name=escaping.line(run.run_id),
        key=hashlib.sha256(f"{stage.account} {stage.region} {run.run_id} {run.attempt}".encode()).hexdigest(),
        status=_STATUS.get(outcome_of(ending), "FINISHED"),
        started=_milliseconds(run.created_at),
        ended=_milliseconds(ended_at or run.created_at),
        params={_key(name): escaping.line(value)[:MAX_PARAM] for name, value in _params(ending) if value},
        tags={name: escaping.line(value)[:MAX_PARAM] for name, value in _tags(stage, ending) if value},
        metrics=tuple(_metrics(ending, curves, _milliseconds(measured or run.created_at)))[:MOST_METRICS],
    )


def _params(ending: Ending) -> Iterator[tuple[str, str]]:
    run, dataset = ending.run, ending.dataset
    yield "base_model", run.base_model
    if dataset is not None:
        yield "method", dataset.method
        yield "dataset_hash", dataset.content_hash
    for name, value in sorted(ending.hyperparameters.items()):
        yield f"hyperparameters.{name}", value
    if ending.evaluation is not None:
        yield "metric", ending.evaluation.metric
        yield "held_out_records", str(ending.evaluation.records)


def _tags(stage: Stage, ending: Ending) -> Iterator[tuple[str, str]]:
    run = ending.run
    yield "mlflow.source.name", "tunedrop"
    yield "mlflow.user", run.uploaded_by
    yield "tunedrop.stage", stage.name
    yield "tunedrop.run_id", run.run_id
    yield "tunedrop.attempt", str(run.attempt)
    yield "tunedrop.outcome", outcome_of(ending)
    yield "tunedrop.report", links.lasting(stage, naming.report_key(run.run_id))
    if ending.job is not None:
        yield "tunedrop.model_arn", ending.job.model_arn
    if ending.promotion is not None:
        yield "tunedrop.alias", ending.promotion.alias
    if ending.failure is not None:
        yield "tunedrop.failure", ending.failure.cause


def _metrics(ending: Ending, curves: Curves, at: int) -> Iterator[Metric]:
    for score in ending.evaluation.scores if ending.evaluation is not None else ():
        for what in ("base", "tuned", "difference", "low", "high"):
            yield Metric(key=_key(f"{score.metric}.{what}"), value=getattr(score, what), timestamp=at)
    if ending.estimate is not None:
        yield Metric(key="cost.estimated_usd", value=ending.estimate.likely, timestamp=at)
    if ending.cost is not None:
        yield Metric(key="cost.spent_usd", value=ending.cost.likely, timestamp=at)
    courses = {
        "validation_loss": [(one.step, one.loss) for one in curves.validation],
        "training_loss": [(one.step, one.loss) for one in curves.training],
        "training_reward": [(one.step, one.reward) for one in curves.rewards],
    }
    for name, course in courses.items():
        for step, value in course[:: max(1, -(-len(course) // (MOST_METRICS // 3)))]:
            yield Metric(key=name, value=value, timestamp=at, step=step)


def _key(name: str) -> str:
    """Names consist of letters, digits, `_`, `-`, `.`, spaces and `/` (MLflow, validation of names)."""
    return re.sub(r"[^\w.\- /]", "_", name, flags=re.ASCII)[:250]


def _milliseconds(moment: str) -> int:
    return int(clock.read(moment).timestamp() * 1000)
