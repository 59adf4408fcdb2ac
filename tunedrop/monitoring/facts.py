"""A short summary of each step for the live view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

from tunedrop import clock
from tunedrop.contracts import Ending, Preflight
from tunedrop.evaluation.scoring.metrics import TITLES
from tunedrop.formatting.costs import in_words
from tunedrop.formatting.counts import counted
from tunedrop.monitoring._snapshot import Job, Snapshot
from tunedrop.results.collect import ending_of
from tunedrop.serving import kinds
from tunedrop.training.curves import Loss

PHASES = {
    "validation": "Validating",
    "dataProcessing": "DataProcessing",
    "training": "Training",
}
"""Bedrock's `statusDetails` in order, with the names that its console shows."""


def fact(step: str, snapshot: Snapshot) -> str:
    """The result of a step, or what it waits for; may be empty."""
    if step == "preflight":
        checks = snapshot.record.document("preflight", Preflight)
        return f"{len(checks.checks)} checks passed" if checks else ""
    if step in ("wait_for_slot", "wait_for_deployment"):
        queue = snapshot.queue
        return f"number {queue.place} of {queue.waiting} in the queue" if queue else ""
    if step == "wait_for_training":
        return training(snapshot.job)
    if step == "wait_for_approval" and snapshot.approval is not None:
        return f"waits for approval until {snapshot.approval.expires_at}"
    say = _OF_DOCUMENTS.get(step)
    return say(ending_of(snapshot.record)) if say else ""


def training(job: Job | None) -> str:
    """The phase of the job, and its loss or reward."""
    if job is None:
        return ""
    parts = [phase(job), *(str(one) for one in job.curves.inputs if one.partly or one.rejected)]
    if job.curves.training:
        first, last = _first_and_last(job.curves.training)
        parts.append(f"loss {first:.2f} → {last:.2f}")
    if (learned := job.curves.learned) is not None:
        parts.append(f"reward {learned[0]:.2f} → {learned[1]:.2f}")
    if job.curves.validation:
        parts.append(f"validation loss {job.curves.validation[-1].loss:.2f}")
    return "  ".join(parts)


def _first_and_last(rows: Sequence[Loss]) -> tuple[float, float]:
    """The mean loss of the first and the last epoch, or of the first and last quarter of a single epoch,
    because the loss of one step depends mostly on its records."""
    start = [row for row in rows if row.epoch == rows[0].epoch]
    end = [row for row in rows if row.epoch == rows[-1].epoch]
    if rows[0].epoch == rows[-1].epoch:
        quarter = max(1, len(rows) // 4)
        start, end = list(rows[:quarter]), list(rows[-quarter:])
    return fmean(row.loss for row in start), fmean(row.loss for row in end)


def phase(job: Job) -> str:
    """Bedrock's name for the job's current phase."""
    for name, word in PHASES.items():
        if job.status == "InProgress" and job.phases.get(name) == "InProgress":
            return word
    return job.status


def _dataset(ending: Ending) -> str:
    found = ending.dataset
    if found is None:
        return ""
    held_out = f", {found.test.records:,} held out" if found.test else ""
    warnings = f", {counted(found.warning_count, 'warning')}" if found.warning_count else ""
    return (
        f"{found.method}: {found.train.records:,} records, {found.train.tokens:,} tokens{held_out}{warnings}"
    )


def _estimate(ending: Ending) -> str:
    if ending.estimate is None:
        return ""
    minutes = ending.estimate.evaluation_minutes
    evaluation = f"; its evaluation {clock.about(60 * minutes)}" if minutes is not None else ""
    return f"{in_words(ending.estimate)}, budget {ending.run.budget_usd:.2f} USD{evaluation}"


def _started(ending: Ending) -> str:
    if ending.started is None:
        return ""
    return ending.started.job_name if ending.started.job_arn else "no slot is free"


def _serving(ending: Ending) -> str:
    if ending.serving is None:
        return ""
    kind, rate = kinds.of(ending.serving.way), ending.serving.hourly_usd
    hourly = f"{rate:.2f} USD an hour" if rate else "at an unknown price"
    return f"{ending.serving.way}, {kind.while_idle if kind.is_free_while_idle else hourly}"


def _evaluation(ending: Ending) -> str:
    found = ending.evaluation
    if found is None:
        return ""
    score = found.decisive
    if not found.done or score is None:
        return f"{found.next_record:,} prompts asked"
    title = TITLES.get(score.metric, score.metric)
    return f"{title} {score.base:.2f} → {score.tuned:.2f} on {found.records:,} held-out records"


def _judging(ending: Ending) -> str:
    judge, found = ending.run.evaluation.judge, ending.evaluation
    if judge is None or found is None:
        return ""
    return f"{judge.model} rates the answers to {found.records:,} prompts"


def _promotion(ending: Ending) -> str:
    return ending.promotion.alias if ending.promotion else ""


def _released(ending: Ending) -> str:
    if ending.released is None:
        return ""
    amounts = (
        (len(ending.released.released), "released"),
        (len(ending.released.kept), "kept in service"),
        (len(ending.released.failed), "STILL BILLS"),
    )
    return ", ".join(f"{count} {word}" for count, word in amounts if count) or "nothing to release"


_OF_DOCUMENTS: dict[str, Callable[[Ending], str]] = {
    "validate_data": _dataset,
    "estimate_cost": _estimate,
    "start_customization": _started,
    "set_up_throughput": _serving,
    "wait_for_throughput": _serving,
    "evaluate_model": _evaluation,
    "wait_for_judging": _judging,
    "promote_model": _promotion,
    "release_throughput": _released,
}
