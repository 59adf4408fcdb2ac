"""The status of a run in one or two words."""

from __future__ import annotations

from tunedrop.contracts import CompletedJob
from tunedrop.registry import Record


def status(record: Record) -> str:
    """The step that an open run is at, or how a closed one ended."""
    if record.is_open:
        return record.step.replace("_", " ") or record.status
    job = record.document("job", CompletedJob)
    is_gone = job is not None and job.model_arn in record.gone
    return f"{record.status}, model deleted" if is_gone else record.status
