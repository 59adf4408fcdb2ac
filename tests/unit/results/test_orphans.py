from __future__ import annotations

from typing import Any

from tests import builders
from tunedrop.registry import Registry
from tunedrop.results.orphans import orphans


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
    registry.register(builders.run())

    ((record, failure),) = orphans(Executions("ABORTED"), registry)

    assert record.run.run_id == "persona-0123456789"
    assert failure.error == "RunStopped"


def test_a_run_whose_execution_goes_on_is_none(registry: Registry) -> None:
    registry.register(builders.run())

    assert orphans(Executions("RUNNING"), registry) == []


def test_a_run_that_closed_while_we_looked_is_no_orphan(registry: Registry) -> None:
    registry.register(builders.run())

    def close() -> None:
        registry.end("persona-0123456789", "promoted", None)

    assert orphans(Executions("SUCCEEDED", then=close), registry) == []
