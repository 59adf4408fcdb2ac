from __future__ import annotations

from typing import Any

import pytest

from tests import builders
from tunedrop import clock
from tunedrop.errors import TransientError
from tunedrop.registry import Record, Registry
from tunedrop.results.orphans import fate, fence

RUN = builders.run()


class Executions:
    """Step Functions, as far as an execution's state goes."""

    def __init__(self, status: str, then: Any = None) -> None:
        self._status = status
        self._then = then

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803 - boto's name
        if self._then is not None:
            self._then()
        return {"status": self._status}


def test_a_run_whose_execution_was_aborted_is_an_orphan(registry: Registry) -> None:
    registry.register(RUN)

    failure = fate(Executions("ABORTED"), registry, seen(registry))

    assert failure is not None
    assert failure.error == "RunStopped"


def test_a_run_whose_execution_goes_on_is_none(registry: Registry) -> None:
    registry.register(RUN)

    assert fate(Executions("RUNNING"), registry, seen(registry)) is None


def test_a_run_that_closed_while_we_looked_is_no_orphan(registry: Registry) -> None:
    registry.register(RUN)

    def close() -> None:
        registry.end(RUN.run_id, "promoted", None)

    assert fate(Executions("SUCCEEDED", then=close), registry, seen(registry)) is None


def test_an_orphan_is_not_closed_while_a_step_may_be_at_work_that_promotes(registry: Registry) -> None:
    registry.register(RUN)
    registry.start_step(RUN.run_id, "promote_model", clock.now())

    with pytest.raises(TransientError, match="may still be at work"):
        fence(registry, seen(registry))


def test_from_the_fence_on_no_step_begins(registry: Registry) -> None:
    registry.register(RUN)

    fence(registry, seen(registry))

    assert registry.start_step(RUN.run_id, "promote_model", clock.now()).stop_requested_by


def test_a_step_that_died_long_ago_holds_nobody_up(registry: Registry) -> None:
    registry.register(RUN)
    registry.start_step(RUN.run_id, "promote_model", clock.after(clock.now(), -61))

    fence(registry, seen(registry))

    assert seen(registry).stop_requested_by


def seen(registry: Registry) -> Record:
    record = registry.get(RUN.run_id)
    assert record is not None
    return record
