"""Follows an active run, from the registry only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from tunedrop.registry._records import Record, StepRecord
from tunedrop.registry._runs import Registry


def follow(
    registry: Registry,
    run_id: str,
    deadline: float,
    interval: float = 1.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[StepRecord | Record]:
    """Yield each step when it starts and ends, then the run's record once it is closed.

    Parameters
    ----------
    deadline
        `time.monotonic()` at which to give up.
    interval
        Seconds between polls.

    Raises
    ------
    TimeoutError
        If the run is still open at the deadline.
    """
    seen: dict[tuple[str, str], tuple[bool, str]] = {}
    while True:
        record = registry.get(run_id)
        for step in registry.steps(run_id) if record is not None else ():
            # Both resolvers of a wait record its end; the second record is not news.
            state = (bool(step.ended_at), step.error)
            if seen.get((step.step, step.started_at)) != state:
                seen[(step.step, step.started_at)] = state
                yield step
        if record is not None and not record.is_open:
            yield record
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"run {run_id} has not ended; it is at {record.step if record else 'no step'}")
        sleep(interval)
