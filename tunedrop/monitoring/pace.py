"""Estimates the remaining time of a run from earlier runs of the same base model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from tunedrop import clock
from tunedrop.contracts import Dataset
from tunedrop.monitoring.timeline import Step
from tunedrop.planning.plan import plan
from tunedrop.registry import Record, Registry, StepRecord

LEARN_FROM = 5
"""Maximum number of earlier runs to read; each costs one query."""

NOT_OURS_TO_TELL = frozenset({"wait_for_approval", "wait_for_slot", "wait_for_deployment"})
"""Waits whose duration does not depend on the run."""

Pace = Mapping[str, float]
"""Expected seconds of each step of this run, by name."""


def learn(registry: Registry, record: Record) -> Pace:
    """The expected pace, from the latest completed runs of this base model."""
    earlier = [
        one
        for one in registry.recent(50)
        if one.status in ("promoted", "rejected", "inconclusive")
        and one.run.base_model == record.run.base_model
        and one.run.run_id != record.run.run_id
    ][:LEARN_FROM]
    return pace(record, [(one, registry.steps(one.run.run_id)) for one in earlier])


def pace(record: Record, earlier: Sequence[tuple[Record, Sequence[StepRecord]]]) -> Pace:
    """The median duration of each step; training is scaled by the number of tokens."""
    mine = _millions(record)
    found: dict[str, list[float]] = {}
    for one, steps in earlier:
        theirs = _millions(one)
        for step in steps:
            if not step.ended_at or step.error or step.step in NOT_OURS_TO_TELL:
                continue
            scale = mine / theirs if step.step == "wait_for_training" and mine and theirs else 1.0
            seconds = clock.seconds_between(step.started_at, step.ended_at) * scale
            found.setdefault(step.step, []).append(seconds)
    return {name: median(seconds) for name, seconds in found.items()}


def remaining(steps: Iterable[Step], pace: Pace) -> float | None:
    """Seconds until the run ends; None if the remaining steps are unknown."""
    if not pace:
        return None
    left = 0.0
    for step in steps:
        if step.state == "going on" and step.name in NOT_OURS_TO_TELL:
            return None
        if step.state in ("to come", "going on"):
            left += max(0.0, pace.get(step.name, 0.0) - step.seconds)
    return left


def _millions(record: Record) -> float:
    dataset = record.document("dataset", Dataset)
    return sum(one.millions for one in plan(record.run, dataset)) if dataset is not None else 0.0
