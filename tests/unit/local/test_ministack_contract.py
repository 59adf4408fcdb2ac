"""The private names of MiniStack that we use; fails loudly when a newer version moves them."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from ministack import app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime, responses, router
from ministack.services import dynamodb, eventbridge, iam, lambda_svc, s3, stepfunctions, sts, tagging

import local
from local.ministack import functions, processes


def parameters(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)  # type: ignore[arg-type]


def names_used() -> Iterator[tuple[ModuleType, str]]:
    """The names of MiniStack's modules that `local` reads or replaces."""
    for file in Path(local.__path__[0]).rglob("*.py"):
        nodes = list(ast.walk(ast.parse(file.read_text())))
        modules = {
            one.name: importlib.import_module(f"{node.module}.{one.name}")
            for node in nodes
            if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == "ministack"
            for one in node.names
        }
        for node in nodes:
            match node:
                case ast.Attribute(value=ast.Name(id=module), attr=name) if module in modules:
                    yield modules[module], name


def test_every_name_that_we_use_or_replace_is_there() -> None:
    used = set(names_used())

    assert (lambda_runtime, "_PYTHON_WORKER_SCRIPT") in used
    assert [f"{module.__name__}.{name}" for module, name in used if not hasattr(module, name)] == []


def test_services_are_found_in_one_dictionary() -> None:
    assert isinstance(app._loaded_modules, dict)


def test_services_that_it_does_not_have_can_be_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(router, "_KNOWN_AWS_SERVICE_NAMES", frozenset({"sagemaker"}))
    assert "sagemaker" not in app.SERVICE_HANDLERS
    assert router._is_aws_service_name("sagemaker")
    assert not router._is_aws_service_name("bedrock")
    assert iam_actions.SERVICE_TO_IAM_NAMESPACE["bedrock"] == "bedrock"
    target = {"x-amz-target": "SageMaker.ListTags"}
    assert iam_actions.extract_iam_action("bedrock", "POST", "/", target, b"{}", {}) == "bedrock:ListTags"


def test_events_of_aws_services_can_be_published() -> None:
    assert parameters(eventbridge._put_events) == ["data", "allow_aws_source"]


def test_events_of_s3_are_dispatched_by_the_thread_that_fires_them() -> None:
    assert {"version_id", "sequencer"} <= set(parameters(s3._fire_s3_event))
    assert "_eb._dispatch_event(eb_event)" in inspect.getsource(s3._fire_s3_event)


def test_schedules_are_read_from_one_function() -> None:
    assert eventbridge._parse_rate_seconds("rate(5 minutes)") == 300
    assert "_SCHEDULER_TICK_INTERVAL" in inspect.getsource(eventbridge._scheduler_loop)


def test_two_functions_return_the_resources_and_actions_of_requests() -> None:
    assert parameters(iam_actions.extract_resource_arn)[:4] == ["service", "method", "path", "headers"]
    assert parameters(iam_actions.extract_iam_action)[:3] == ["service", "method", "path"]
    assert "from ministack.core.iam_actions import" in inspect.getsource(app)


def test_each_resource_is_enforced_by_one_function_found_at_each_request() -> None:
    assert "resource_arn" in parameters(iam_evaluator.enforce)
    assert "import AuthError, enforce, pin_request_caller" in inspect.getsource(app)


def test_tags_of_resources_are_collected_by_service() -> None:
    assert callable(tagging._RESOURCE_TAG_COLLECTORS["dynamodb"])
    assert "_RESOURCE_TAG_COLLECTORS" in inspect.getsource(tagging.resource_tags)


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

    assert functions._class_of(log) == "PreflightFailed"


def test_calls_of_functions_go_through_one_dispatcher() -> None:
    assert parameters(app._dispatch_service_request)[:5] == [
        "method", "path", "headers", "body", "query_params",
    ]  # fmt: skip
    assert isinstance(sts._sessions, dict)
    assert parameters(app._routing_params)[:3] == ["method", "path", "headers"]
    assert parameters(router.extract_access_key_id) == ["headers", "query_params"]


def test_workers_can_be_killed() -> None:
    assert isinstance(lambda_runtime._workers, dict)
    source = inspect.getsource(lambda_runtime.Worker)
    assert all(said in source for said in ("Worker process died", "Worker process exited"))
    assert parameters(lambda_runtime.Worker._spawn) == ["self"]
    assert "self._proc" in source


def test_tasks_with_a_token_can_be_failed() -> None:
    assert parameters(stepfunctions._invoke_with_callback) == ["resource", "input_data", "token", "state_def"]
    assert parameters(stepfunctions._call_lambda) == ["func_ref", "event"]
    assert callable(stepfunctions._task_tokens.get)
    assert stepfunctions._ExecutionError("E", "why").cause == "why"


def test_ranges_of_versions_are_read_by_one_function() -> None:
    assert parameters(s3._get_object) == ["bucket_name", "key", "headers", "query_params"]
    assert s3._parse_range("bytes=2-5", 10) == (2, 5)


def test_distributed_maps_are_run_by_one_function() -> None:
    assert parameters(stepfunctions._run_distributed_map) == [
        "state_def", "raw_input", "effective", "iterator", "execution", "ctx",
    ]  # fmt: skip
    assert parameters(stepfunctions._apply_jsonata_template)[:3] == ["value", "raw_input", "ctx"]
    assert "result" in parameters(stepfunctions._apply_jsonata_output)
    assert "result" in parameters(stepfunctions._apply_state_assign)
    assert stepfunctions._state_query_language({}, {"QueryLanguage": "JSONata"}) == "JSONata"


def test_logs_of_functions_are_written_by_one_function() -> None:
    assert parameters(lambda_svc._emit_lambda_logs)[0] == "func"
    assert "_cwl._log_groups[group_name] = {" in inspect.getsource(lambda_svc._emit_lambda_logs)
    assert "    _emit_lambda_logs(" in inspect.getsource(lambda_svc)


def test_what_is_done_once_has_its_places() -> None:
    assert isinstance(router._KNOWN_AWS_SERVICE_NAMES, set | frozenset | None)
    assert "_KNOWN_AWS_SERVICE_NAMES" in inspect.getsource(router._is_aws_service_name)
    assert parameters(dynamodb._condition_syntax_error) == ["expr", "slot"]
    assert parameters(iam_evaluator.parse_policy_document) == ["doc"]
    assert inspect.getsource(iam_evaluator._gather_role_policies).count(" parse_policy_document(doc)") == 2
    spawn = inspect.getsource(lambda_runtime.Worker._spawn)
    assert spawn.count("zipfile.ZipFile(") == spawn.count(".extractall(") == 2


def test_processes_of_functions_start_and_fail_where_we_think() -> None:
    assert inspect.getsource(lambda_runtime).count(processes._FAILED) == 1
    spawn = inspect.getsource(lambda_runtime.Worker._spawn)
    assert spawn.count("subprocess.Popen(") == 1
    given = ('f"_worker{ext}"', "cwd=code_dir,", "env=spawn_env,", 'spawn_env["_LAMBDA_LAYERS_DIRS"] = ')
    assert all(one in spawn for one in given)
    assert 'if response.get("status") == "error":' in inspect.getsource(lambda_runtime.Worker.invoke)
