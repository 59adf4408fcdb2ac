"""Events of a run between two snapshots, as lines of text or JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from tunedrop import intake
from tunedrop.contracts import Wait
from tunedrop.formatting.amounts import duration
from tunedrop.formatting.costs import amount, in_words
from tunedrop.monitoring import Snapshot
from tunedrop.monitoring.facts import PHASES, fact, phase
from tunedrop.monitoring.timeline import Step, timeline
from tunedrop.registry import Record
from tunedrop.reporting.verdict import headline
from tunedrop.results.collect import ending_of

Kind = Literal["step-started", "step-ended", "step-failed", "job", "queue", "approval-required", "ended"]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event of `watch`. `step` is empty if it concerns the whole run; `status` is set when the run has
    ended."""

    at: str
    run_id: str
    event: Kind
    text: str
    step: str = ""
    seconds: float | None = None
    status: str = ""

    def line(self) -> str:
        """The event as a log line."""
        return f"{self.at}  {self.step.replace('_', ' ') or self.event:<20}  {self.text}".rstrip()


def changes(before: Snapshot | None, now: Snapshot) -> list[Event]:
    """The events between two snapshots, in order; without an earlier one, all events so far.

    `ended` is the last, also if the step that closes the run ends after it: a program that has read `ended`
    need not read on.
    """
    events = [*_of_steps(before, now), *_of_waits(before, now)]
    return sorted(events, key=lambda event: (event.event == "ended", event.at))


def steps_of(snapshot: Snapshot) -> list[Step]:
    """The run's timeline in a snapshot."""
    record = snapshot.record
    return timeline(snapshot.steps, snapshot.at, record.is_open, record.run.resumed_at)


def question(record: Record) -> str:
    """The estimated cost of a waiting run, and why it waits."""
    estimate = ending_of(record).estimate
    if estimate is None:
        return "the cost is not known"
    reasons = "; ".join(estimate.approval_reasons)
    return f"it would cost {amount(estimate)} ({reasons})"


def approve_command(record: Record, wait: Wait, stage: str = "") -> str:
    """The command that approves the current estimate of a waiting run."""
    where = f" --stage {stage}" if stage else ""
    return f"tunedrop approve {record.run.run_id} --estimate {intake.read_signal(wait.subject).code}{where}"


def _approval(record: Record, wait: Wait) -> str:
    stop = f"tunedrop stop {record.run.run_id}"
    return f"{question(record)}; {approve_command(record, wait)}, or {stop}"


def _of_steps(before: Snapshot | None, now: Snapshot) -> Iterator[Event]:
    earlier = {step.name: step for step in steps_of(before)} if before else {}
    for step in steps_of(now):
        if step != earlier.get(step.name) and step.state != "to come":
            yield from _of_step(now, step, earlier.get(step.name))


def _of_waits(before: Snapshot | None, now: Snapshot) -> Iterator[Event]:
    run_id = now.record.run.run_id
    if now.queue and (before is None or before.queue != now.queue):
        text = fact("wait_for_slot", now)
        yield Event(at=now.at, run_id=run_id, event="queue", text=text, step="wait_for_slot")
    if now.job and (word := phase(now.job)) in PHASES.values() and word != _phase(before):
        text = fact("wait_for_training", now)
        yield Event(at=now.at, run_id=run_id, event="job", text=text, step="wait_for_training")
    if now.approval and (before is None or before.approval is None):
        yield Event(
            at=now.at, run_id=run_id, event="approval-required", text=_approval(now.record, now.approval)
        )
    if not now.record.is_open and (before is None or before.record.is_open):
        at = now.record.ended_at or now.at
        yield Event(at=at, run_id=run_id, event="ended", text=_end(now), status=now.record.status)


def _phase(snapshot: Snapshot | None) -> str:
    return phase(snapshot.job) if snapshot is not None and snapshot.job is not None else ""


def _of_step(now: Snapshot, step: Step, earlier: Step | None) -> Iterator[Event]:
    run_id = now.record.run.run_id
    begun = earlier is None or earlier.state == "to come" or earlier.tries < step.tries
    if step.state == "going on" and begun:
        yield Event(at=step.started_at, run_id=run_id, event="step-started", text="started", step=step.name)
    if step.state in ("done", "failed") and (earlier is None or earlier.state != step.state):
        kind: Kind = "step-ended" if step.state == "done" else "step-failed"
        what = step.error.partition("\n")[0] if step.error else fact(step.name, now)
        verb = "done in" if step.state == "done" else "failed after"
        yield Event(
            at=step.ended_at or now.at,
            run_id=run_id,
            event=kind,
            text=f"{verb} {duration(step.seconds)}  {what}".rstrip(),
            step=step.name,
            seconds=step.seconds,
        )


def _end(snapshot: Snapshot) -> str:
    ending = ending_of(snapshot.record)
    cost = f"; cost {in_words(ending.cost)}" if ending.cost is not None and ending.cost.lines else ""
    return f"{snapshot.record.status}: {headline(ending)}{cost}"
