"""Snapshots of one run at several moments, and what a terminal would show of them."""

from __future__ import annotations

import io
from typing import Any

import msgspec
from rich.console import Console, RenderableType

from tests import builders
from tunedrop.contracts import CostLine, Estimate, Preflight, StartedJob
from tunedrop.monitoring import Job, Snapshot
from tunedrop.registry import Record, StepRecord
from tunedrop.training.curves import Curves, Loss

NOW = "2026-11-23T10:05:00Z"
STARTED = StartedJob(outcome="started", job_arn=builders.JOB_ARN, job_name="tunedrop-test-persona")
ESTIMATE = Estimate(
    lines=(
        CostLine(item="training", low=1, likely=2, high=3, basis="", source="page", priced_on="2026-07-24"),
    ),
    low=1.0,
    likely=2.0,
    high=3.0,
    budget_usd=1.0,
    approval_reasons=("it would likely cost 2.00 USD, over the run's budget of 1.00 USD",),
)

APPROVAL = "runs/persona-0123456789/approve/1-0a1b2c3d4e"


def record(status: str = "running", failure: Any = None, **documents: msgspec.Struct) -> Record:
    return Record(
        run=builders.run(method="single-turn", budget_usd=1.0),
        status=status,
        failure=failure,
        documents={name: msgspec.json.encode(one).decode() for name, one in documents.items()},
    )


def step(name: str, start: str, end: str = "", error: str = "") -> StepRecord:
    return StepRecord(
        step=name,
        started_at=f"2026-11-23T10:{start}Z",
        ended_at=f"2026-11-23T10:{end}Z" if end else "",
        error=error,
    )


CHECKED = (step("validate_data", "00:01", "00:04"), step("preflight", "00:04", "00:05"))
PRICED = (*CHECKED, step("estimate_cost", "00:05", "00:06"))


def waits_for_approval() -> Snapshot:
    wait = builders.wait(kind="approval", subject=APPROVAL, expires_at="2026-11-24T10:00:00Z")
    return Snapshot(
        record=record(dataset=builders.dataset(), estimate=ESTIMATE),
        at=NOW,
        steps=(*PRICED, step("wait_for_approval", "00:06")),
        approval=wait,
    )


def trains() -> Snapshot:
    losses = tuple(Loss(number, number // 10, 2.0 - number / 20) for number in range(30))
    job = Job("InProgress", {"validation": "Completed", "training": "InProgress"}, Curves(losses))
    return Snapshot(
        record=record(
            dataset=builders.dataset(), preflight=Preflight(checks=()), estimate=ESTIMATE, started=STARTED
        ),
        at=NOW,
        steps=(
            *PRICED,
            step("start_customization", "00:06", "00:07"),
            step("wait_for_training", "00:07"),
        ),
        job=job,
    )


def ended(status: str = "promoted", **documents: msgspec.Struct) -> Record:
    return record(
        status, dataset=builders.dataset(), estimate=ESTIMATE, evaluation=builders.evaluation(), **documents
    )


def seen(picture: RenderableType, width: int = 110) -> str:
    """What a person sees, without colours."""
    console = Console(file=io.StringIO(), width=width, record=True, force_terminal=True)
    console.print(picture)
    return console.export_text()
