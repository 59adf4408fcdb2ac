"""What the registry knows of a run, and of each attempt at a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from tunedrop.contracts import RESULT_NAMES, CompletedJob, Evaluation, Failure, Retune, Run, Verdict

T = TypeVar("T")

OPEN = "running"
"""The status of a run that has not ended; the others are the outcomes of `tunedrop.contracts.Outcome`."""

UNREADABLE = (msgspec.MsgspecError, KeyError, TypeError, ValueError)
"""The errors of a row, or a document of it, that cannot be read."""

_DOCUMENTS = ("preflight", *(name for name in RESULT_NAMES.values() if name != "failure"))


class StepRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at a step; `ended_at` is empty while it runs, `error` when it succeeded."""

    step: str
    started_at: str
    ended_at: str = ""
    error: str = ""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a run that is held of very many: whoever uploads decides how large the whole is."""

    run_id: str
    name: str
    base_model: str
    retune: Retune | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What the registry knows of a run. `documents` holds the contracts as JSON text, by name; `gone` are the
    ARNs of its models and serving resources that were deleted."""

    run: Run
    status: str
    step: str = ""
    updated_at: str = ""
    failure: Failure | None = None
    stop_requested_by: str = ""
    estimated_usd: float | None = None
    actual_usd: float | None = None
    emitted_attempt: int = 0
    ended_at: str = ""
    gone: frozenset[str] = frozenset()
    documents: dict[str, str] = {}

    @property
    def is_open(self) -> bool:
        return self.status == OPEN

    @property
    def trained(self) -> CompletedJob | None:
        """The job that has made the run's model; None if there is none, or the model was deleted."""
        job = self.document("job", CompletedJob)
        return job if job is not None and job.model_arn not in self.gone else None

    @property
    def verdict(self) -> Verdict | None:
        """The latest verdict on the run's model: that of the latest attempt, or of an earlier one as long as
        this has none."""
        evaluation = self.document("evaluation", Evaluation)
        if evaluation is not None and evaluation.done:
            return Verdict(attempt=self.run.attempt, outcome=self.status, evaluation=evaluation)
        return self.document("earlier", Verdict)

    def document(self, name: str, shape: type[T]) -> T | None:
        """A contract that the run has produced; None when it has not yet."""
        text = self.documents.get(name)
        return msgspec.json.decode(text, type=shape) if text else None


def record_of(item: Mapping[str, Any]) -> Record:
    """The record that an item of the table holds."""
    return Record(
        run=run_of(item),
        status=item["status"],
        step=item.get("step", ""),
        updated_at=item.get("updated_at", ""),
        failure=msgspec.json.decode(item["failure"], type=Failure) if "failure" in item else None,
        stop_requested_by=item.get("stop_requested_by", ""),
        estimated_usd=_dollars(item, "estimated_usd"),
        actual_usd=_dollars(item, "actual_usd"),
        emitted_attempt=int(item.get("emitted_attempt", 0)),
        ended_at=item.get("ended_at", ""),
        gone=frozenset(item.get("gone", ())),
        documents={name: item[name] for name in _DOCUMENTS if name in item},
    )


def run_of(item: Mapping[str, Any]) -> Run:
    """The run as it was registered, of an item of the table."""
    return msgspec.json.decode(item["run"], type=Run)


def step_of(item: Mapping[str, Any]) -> StepRecord:
    """The attempt at a step that an item of the table holds."""
    return msgspec.convert(
        {name: item[name] for name in StepRecord.__struct_fields__ if name in item}, StepRecord
    )


def _dollars(item: Mapping[str, Any], name: str) -> float | None:
    return float(item[name]) if name in item else None
