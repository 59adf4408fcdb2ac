"""A run's steps in order, each once, however often it was tried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from tunedrop import clock
from tunedrop.registry import StepRecord

JOURNEY = (
    "validate_data",
    "preflight",
    "estimate_cost",
    "wait_for_approval",
    "start_customization",
    "wait_for_slot",
    "wait_for_training",
    "set_up_throughput",
    "wait_for_deployment",
    "wait_for_throughput",
    "evaluate_model",
    "wait_for_judging",
    "promote_model",
    "release_throughput",
    "notify",
)
"""The steps by their names in the registry, in order. Others are ordered by time."""

ONLY_IF_NEEDED = frozenset(
    {
        "wait_for_approval",
        "wait_for_slot",
        "wait_for_deployment",
        "wait_for_throughput",
        "wait_for_judging",
        "promote_model",
    }
)
"""Optional steps, shown only once they occur."""

State = Literal["to come", "going on", "done", "failed"]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step. `seconds` is its duration so far."""

    name: str
    state: State
    seconds: float = 0.0
    started_at: str = ""
    ended_at: str = ""
    error: str = ""
    tries: int = 0


def timeline(records: Sequence[StepRecord], now: str, is_open: bool, since: str = "") -> list[Step]:
    """The steps so far, then, for an open run, the expected ones.

    Parameters
    ----------
    since
        When the current attempt began; earlier failures of a step are ignored.
    """
    taken: dict[str, list[StepRecord]] = {}
    for record in sorted(records, key=lambda record: record.started_at):
        taken.setdefault(record.step, []).append(record)
    order = [*JOURNEY, *(name for name in taken if name not in JOURNEY)]
    reached = max((order.index(name) for name, tries in taken.items() if _counts(tries, since)), default=-1)
    steps = [_step(name, taken[name], now, since) for name in order if name in taken]
    if is_open:
        steps += [
            Step(name=name, state="to come")
            for index, name in enumerate(order)
            if index > reached and name not in taken and name not in ONLY_IF_NEEDED
        ]
    return steps


def _counts(tries: Sequence[StepRecord], since: str) -> bool:
    return any(one.started_at >= since for one in tries)


def _step(name: str, records: Sequence[StepRecord], now: str, since: str) -> Step:
    present = [one for one in records if one.started_at >= since] or list(records)
    last = present[-1]
    state: State = "failed" if last.error else "done" if last.ended_at else "going on"
    if last.error and last.started_at < since:
        state = "to come"
    ends = (max(0.0, clock.seconds_between(one.started_at, one.ended_at or now)) for one in present)
    return Step(
        name=name,
        state=state,
        seconds=0.0 if state == "to come" else sum(ends),
        started_at=present[0].started_at,
        ended_at=last.ended_at,
        error=last.error if state == "failed" else "",
        tries=len(present),
    )
