"""Makes functions fail in MiniStack as they do on AWS, and lets tests intercept their AWS calls."""

from __future__ import annotations

import re
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from ministack import app
from ministack.core import iam_actions, lambda_runtime, router
from ministack.services import lambda_svc, stepfunctions, sts

Response = tuple[int, dict[str, str], bytes]

OnCall = Callable[[str, str, Callable[[], Awaitable[Response]], Callable[[], None]], Awaitable[Response]]
"""An interceptor of AWS calls: (function, IAM action, proceed, kill the function)."""

DIED = ("Worker process died", "Worker process exited", "[Errno 32] Broken pipe")
"""MiniStack's messages about a killed process: during a call, during its start, in between."""


def keep_error_types() -> None:
    """MiniStack calls every error of a warm Python worker Runtime.HandlerError; AWS names its class.

    A process that ends during a call or its start is Runtime.ExitError on AWS.
    """
    execute = lambda_svc._execute_function_warm

    def executed(function: Any, event: Any, request_id: str) -> Any:
        result = execute(function, event, request_id)
        body = result.get("body")
        if result.get("error") and isinstance(body, dict):
            if str(body.get("errorMessage")).startswith(DIED):
                body["errorType"] = "Runtime.ExitError"
            elif body.get("errorType") == "Runtime.HandlerError":
                body["errorType"] = _class_of(result.get("log", ""))
        return result

    lambda_svc._execute_function_warm = executed


def _class_of(log: str) -> str:
    """The class of the exception that a traceback ends with."""
    _, _, last = log.rpartition("Traceback (most recent call last):\n")
    match = re.search(r"^(?:[\w.]+\.)?(\w+)(?::|$)", last, flags=re.MULTILINE)
    return match[1] if match else ""


def fail_tasks_of_failed_functions() -> None:
    """With a task token, MiniStack keeps waiting after the function has failed; AWS fails the task at once.

    And its error for an account without free concurrency is Lambda.Unknown.
    """
    waiting = threading.local()
    invoke, call = stepfunctions._invoke_with_callback, stepfunctions._call_lambda

    def invoked(resource: Any, input_data: Any, token: str, state: Any) -> Any:
        waiting.token = token
        try:
            return invoke(resource, input_data, token, state)
        finally:
            waiting.token = None

    def called(function: Any, event: Any) -> Any:
        try:
            return call(function, event)
        except stepfunctions._ExecutionError as error:
            if "TooManyRequestsException" in str(error.cause):
                error.error = "Lambda.TooManyRequestsException"  # AWS's name
            info = stepfunctions._task_tokens.get(getattr(waiting, "token", None))
            if info is not None and not info["event"].is_set():
                info["error"] = {"Error": error.error, "Cause": error.cause}
                info["event"].set()
            raise

    stepfunctions._invoke_with_callback, stepfunctions._call_lambda = invoked, called


def intercept_calls(on_call: OnCall) -> None:
    """Call `on_call` at every AWS call with the credentials of a function."""
    dispatch = app._dispatch_service_request
    starting = _workers_that_start()

    async def dispatched(
        method: str, path: str, headers: Any, body: bytes, query_params: Any, request_id: str
    ) -> Any:
        async def proceed() -> Any:
            return await dispatch(method, path, headers, body, query_params, request_id)

        session = sts._sessions.get(router.extract_access_key_id(headers, query_params) or "", {})
        function = session.get("Arn", "").rpartition("/")[2]
        if not function.startswith("tunedrop-"):
            return await proceed()
        service = router.detect_service(method, path, headers, query_params)
        routing = app._routing_params(method, path, headers, body, query_params)
        action = iam_actions.extract_iam_action(service, method, path, headers, body, routing) or service
        return await on_call(function, action, proceed, lambda: _kill(function, starting))

    app._dispatch_service_request = dispatched


def _workers_that_start() -> set[Any]:
    """Those whose process has not begun its work; kept up to date."""
    starting: set[Any] = set()
    spawn = lambda_runtime.Worker._spawn

    def spawned(worker: Any) -> None:
        starting.add(worker)
        try:
            spawn(worker)
        finally:
            starting.discard(worker)

    lambda_runtime.Worker._spawn = spawned
    return starting


def _kill(function: str, starting: set[Any]) -> None:
    """Kill the processes that run a function, like the loss of a machine.

    A starting process has made no call; if it failed, MiniStack would remove the code of all others.
    """
    with lambda_runtime._lock:
        workers = [one for pool in lambda_runtime._workers.values() for one in pool]
    for worker in workers:
        if worker.func_name == function and worker.in_use and worker not in starting and worker._proc:
            worker._proc.kill()
