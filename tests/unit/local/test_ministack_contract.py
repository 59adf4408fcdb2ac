"""The private names of MiniStack that we use; fails loudly when a newer version moves them."""

from __future__ import annotations

import inspect

from ministack import app
from ministack.core import iam_actions, iam_evaluator, responses
from ministack.services import eventbridge, iam, lambda_svc, sts

from local import ministack


def parameters(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)  # type: ignore[arg-type]


def test_services_are_found_in_one_dictionary() -> None:
    assert isinstance(app._loaded_modules, dict)


def test_events_of_aws_services_can_be_published() -> None:
    assert parameters(eventbridge._put_events) == ["data", "allow_aws_source"]


def test_schedules_are_read_from_one_function() -> None:
    assert eventbridge._parse_rate_seconds("rate(5 minutes)") == 300
    assert "_SCHEDULER_TICK_INTERVAL" in inspect.getsource(eventbridge._scheduler_loop)


def test_resources_and_actions_of_requests_are_told_by_two_functions() -> None:
    assert parameters(iam_actions.extract_resource_arn)[:4] == ["service", "method", "path", "headers"]
    assert parameters(iam_actions.extract_iam_action)[:3] == ["service", "method", "path"]
    assert "from ministack.core.iam_actions import" in inspect.getsource(app)


def test_python_functions_run_through_one_function() -> None:
    assert parameters(lambda_svc._execute_function_warm) == ["func", "event", "request_id"]


def test_roles_and_sessions_can_be_reached() -> None:
    assert hasattr(iam._roles, "get_scoped")
    assert parameters(sts.register_session) == ["access_key", "session"]
    assert "service" in parameters(iam_evaluator.evaluate_resource_policy)
    assert callable(responses.set_request_account_id)


def test_an_errors_class_is_read_off_its_traceback() -> None:
    log = (
        "Traceback (most recent call last):\n  File x\nbotocore.exceptions.ClientError: no\n\n"
        "The above exception was the direct cause of the following exception:\n\n"
        "Traceback (most recent call last):\n  File y\ntunedrop.errors.PreflightFailed: first\nsecond: line\n"
    )

    assert ministack._class_of(log) == "PreflightFailed"
