"""Shared code of the steps: parses the input, records the timeline, refuses steps of stopped runs and earlier
attempts, maps errors, writes JSON."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.services import Services, logger, services, tracer
from tunedrop import aws, clock
from tunedrop.contracts import RESULT_NAMES, Preflight, Run
from tunedrop.errors import RunError, RunStopped
from tunedrop.registry import Record

Input = TypeVar("Input", bound=msgspec.Struct)
Output = TypeVar("Output", bound=msgspec.Struct)
Handler = Callable[[dict[str, Any], Any], Any]

_DOCUMENTS: dict[type, str] = {**RESULT_NAMES, Preflight: "preflight"}
"""The name under which the registry stores each contract."""

CLOSING = frozenset({"release_throughput", "notify"})
"""Steps that always run, even after a stop request."""

KEEPS_ITS_OWN_TIMELINE = frozenset({"wait_for_completion"})
"""The step whose timeline entry lasts as long as the wait, not as long as the function."""

SHARDS = frozenset({"evaluate_shard", "validate_shard"})
"""Steps that run in parallel; the timeline shows the step that they are part of."""


def step(shape: type[Input]) -> Callable[[Callable[[Input, Services], Output]], Handler]:
    """Make a function of typed input and services into a Lambda handler.

    The step's name is that of its folder. For Step Functions it raises a `RunError` by class name if the run
    cannot continue, `TransientError` or `PermissionMissing` if the step should be retried.
    """

    def decorate(function: Callable[[Input, Services], Output]) -> Handler:
        name = function.__module__.split(".")[-2]

        @functools.wraps(function)
        @logger.inject_lambda_context(clear_state=True)
        @tracer.capture_lambda_handler(capture_response=False)
        def handler(event: dict[str, Any], _: Any) -> Any:
            payload = msgspec.convert(event, shape)
            run = getattr(payload, "run", None)
            if run is not None:
                logger.append_keys(run_id=run.run_id)
                tracer.put_annotation("run_id", run.run_id)
            with named_errors():
                if run is not None and name in SHARDS | KEEPS_ITS_OWN_TIMELINE:
                    _may_begin(services().registry.get(run.run_id), run, name)
                if run is None or name in KEEPS_ITS_OWN_TIMELINE | SHARDS:
                    return msgspec.to_builtins(function(payload, services()))
                return msgspec.to_builtins(_recorded(name, run, function, payload))

        return handler

    return decorate


def _recorded(name: str, run: Run, function: Callable[[Input, Services], Output], payload: Input) -> Output:
    registry, run_id = services().registry, run.run_id
    started = clock.now()
    record = registry.start_step(run_id, name, started)
    try:
        _may_begin(record, run, name)
        output = function(payload, services())
    except RunError as error:
        registry.end_step(run_id, name, started, error=str(error))
        raise
    if (document := _DOCUMENTS.get(type(output))) is not None:
        registry.save(run_id, **{document: output})
    registry.end_step(run_id, name, started)
    return output


def _may_begin(record: Record | None, run: Run, name: str) -> None:
    """Refuse a step of a stopped run, and any step of an earlier attempt.

    An execution that was aborted can be redriven after a retry has begun in another: it would register its
    own token, stop the jobs of the run, and promote a second time.
    """
    if record is None:
        return
    if record.run.execution_arn != run.execution_arn:
        raise RunStopped(f"{name} of attempt {run.attempt}: attempt {record.run.attempt} has begun")
    if record.stop_requested_by and name not in CLOSING | KEEPS_ITS_OWN_TIMELINE:
        raise RunStopped(f"stopped by {record.stop_requested_by} before {name}")


class named_errors:  # noqa: N801 - reads as a verb where it is used
    """Maps AWS's errors to the kinds that the workflow distinguishes."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: object) -> None:
        if isinstance(error, ClientError | BotoCoreError):
            raise aws.as_error(error) from error
