"""Runs MiniStack's schedules at the speed of the local clock."""

from __future__ import annotations

from typing import Any

from ministack.services import eventbridge, lambda_svc

FASTEST = 30.0
"""The maximum speed of schedules, relative to AWS, however fast the local clock is: a Lambda here is a
process, and one that starts every few milliseconds would use all the time."""


def speed_up(clock_speed: float) -> None:
    seconds_of = eventbridge._parse_rate_seconds

    def scaled(expression: str) -> float | None:
        seconds = seconds_of(expression)
        return None if seconds is None else seconds / clock_speed

    eventbridge._parse_rate_seconds = scaled
    eventbridge._SCHEDULER_TICK_INTERVAL = 0.5
    _let_scheduled_functions_end()


def _let_scheduled_functions_end() -> None:
    """A function that is still running when its schedule fires skips that call.

    Schedules here are thirty times as fast as those of AWS. On a slow machine they would start
    functions faster than they end, each in its own process, until nothing else could run.
    """
    execute = lambda_svc._execute_function_with_config_scope
    at_work: set[str] = set()

    def executed(function: Any, event: Any) -> Any:
        if not isinstance(event, dict) or event.get("detail-type") != "Scheduled Event":
            return execute(function, event)
        arn = str(function["config"]["FunctionArn"])
        if arn in at_work:
            return {}
        at_work.add(arn)
        try:
            return execute(function, event)
        finally:
            at_work.discard(arn)

    lambda_svc._execute_function_with_config_scope = executed
