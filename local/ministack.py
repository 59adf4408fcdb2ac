"""Touches MiniStack's private names (ministack 1.5.33), as only `differences` does beside it; a contract test
watches them."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from ministack import app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime, responses, router
from ministack.services import eventbridge, iam, lambda_svc, stepfunctions, sts, tagging

from local import differences, once

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, Mapping[str, str], bytes, Mapping[str, Any]], Awaitable[Response]]

FASTEST_SCHEDULES = 30.0
"""Schedules run at most so many times faster than on AWS, however fast the local clock is: a Lambda here is a
process, and one that starts every few milliseconds would leave no time for anything else."""

Tags = Callable[[], Iterator[tuple[str, Mapping[str, str]]]]

ResourcesOf = Mapping[str, Callable[[str, str, Mapping[str, str], bytes, str, str], list[str]]]
"""By service: (method, path, headers, body, Region, account) to ARNs, or `action|ARN` of a further action."""

ActionsOf = Mapping[str, Callable[[str, str], str]]
"""By service: (method, path) to the IAM action."""

OnCall = Callable[[str, str, Callable[[], Awaitable[Response]], Callable[[], None]], Awaitable[Response]]
"""What stands between a function and AWS: (function, IAM action, let it through, kill the function)."""


class Service(Protocol):
    """What MiniStack asks of a service module."""

    @property
    def handle_request(self) -> Handler: ...

    def reset(self) -> None: ...


ADDED = ("servicequotas", "pricing", "sagemaker", "bedrock-mantle")
"""The services that MiniStack has nothing of."""


def serve(
    services: Mapping[str, Service],
    resources_of: ResourcesOf,
    actions_of: ActionsOf,
    tags: Tags,
    clock_speed: float,
    on_call: OnCall,
    folder: Path,
) -> None:
    """Run the emulator with our own services in it; returns when it is told to end.

    Parameters
    ----------
    services
        By MiniStack's name of the module, such as `bedrock`.
    resources_of
        The IAM resources of requests to our services.
    actions_of
        The IAM action of requests to services that botocore has no model of.
    tags
        Every tagged resource of our services, for policies that ask for `aws:ResourceTag`.
    clock_speed
        Seconds of AWS that pass in one second here; schedules follow it.
    on_call
        Asked at every AWS call of a deployed function.
    folder
        Where what is made once may be kept.
    """
    app._loaded_modules.update(services)
    # MiniStack has none of these; requests are routed by the service that they are signed for.
    for name in ADDED:
        app.SERVICE_HANDLERS[name] = services[name].handle_request
    for name in ("sagemaker", "bedrock-mantle"):
        iam_actions.SERVICE_TO_IAM_NAMESPACE[name] = name
    _know_actions(actions_of)
    _know_resources(resources_of)
    _know_tags(tags)
    _know_job_tags()
    _know_leading_keys()
    _stand_between(on_call)
    _keep_error_types()
    _fail_tasks_of_failed_functions()
    differences.cure()
    once.cure(folder / "unpacked", set(ADDED))
    _speed_up_schedules(min(clock_speed, FASTEST_SCHEDULES))
    # With TLS on, MiniStack would take port 443 as well, which nobody has asked for.
    app._port_is_bindable = lambda *_: False
    app.main()


def account() -> str:
    """The account of the request that this thread serves."""
    return str(responses.get_account_id())


def region() -> str:
    """The Region of the request that this thread serves."""
    return str(responses.get_region())


def put_event(
    account_id: str,
    region_name: str,
    source: str,
    detail_type: str,
    resources: list[str],
    detail: Mapping[str, Any],
) -> None:
    """Publish an event as an AWS service does; its source may begin with `aws.`."""
    responses.set_request_account_id(account_id)
    responses.set_request_region(region_name)
    entry = {
        "Source": source,
        "DetailType": detail_type,
        "Resources": resources,
        "Detail": json.dumps(detail),
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def assume_role(role_arn: str, service: str, account_id: str, source_arn: str) -> dict[str, str] | None:
    """Credentials of a role as an AWS service gets them; None when its trust policy does not let it.

    The trust policy is evaluated with `aws:SourceAccount` and `aws:SourceArn`, by MiniStack's IAM.
    """
    role = iam._roles.get_scoped(account_id, None, role_arn.rpartition("/")[2])
    if role is None or role.get("Arn") != role_arn:
        return None
    context = iam_evaluator.EvalContext(
        principal_arn="",
        principal_type="Service",
        principal_account=account_id,
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region="",
        service_context={"aws:sourceaccount": account_id, "aws:sourcearn": source_arn},
    )
    trust = role["AssumeRolePolicyDocument"]
    if iam_evaluator.evaluate_resource_policy(trust, context, service=service).decision != "Allow":
        return None
    return _session(role_arn, account_id, service.partition(".")[0])


def on_behalf_of(headers: Mapping[str, str]) -> dict[str, str] | None:
    """Credentials with which a service acts with its caller's rights; None where that is no role."""
    session = sts._sessions.get(router.extract_access_key_id(dict(headers), {}) or "", {})
    caller, _, name = str(session.get("Arn", "")).partition(":assumed-role/")
    if not name:
        return None
    account_id = caller.rpartition(":")[2]
    role_arn = f"arn:aws:iam::{account_id}:role/{name.partition('/')[0]}"
    return _session(role_arn, account_id, "bedrock-mantle")


def _session(role_arn: str, account_id: str, name: str) -> dict[str, str]:
    key = "ASIA" + secrets.token_hex(8).upper()
    secret, token = secrets.token_hex(20), hashlib.sha256(key.encode()).hexdigest()
    role = role_arn.rpartition("/")[2]
    responses.set_request_account_id(account_id)
    sts.register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{account_id}:assumed-role/{role}/{name}",
            "UserId": f"{role}:{name}",
            "SecretAccessKey": secret,
            "SessionToken": token,
            "AccountId": account_id,
            "PrincipalType": "AssumedRole",
        },
    )
    return {"aws_access_key_id": key, "aws_secret_access_key": secret, "aws_session_token": token}


def _speed_up_schedules(clock_speed: float) -> None:
    seconds_of = eventbridge._parse_rate_seconds

    def scaled(expression: str) -> float | None:
        seconds = seconds_of(expression)
        return None if seconds is None else seconds / clock_speed

    eventbridge._parse_rate_seconds = scaled
    eventbridge._SCHEDULER_TICK_INTERVAL = 0.5
    _let_scheduled_functions_end()


def _let_scheduled_functions_end() -> None:
    """A function whose schedule comes again while it is at work misses that turn.

    Schedules here are thirty times as fast as those of AWS. On a slow machine they would start
    functions faster than they end, each in a process of its own, until nothing else had its turn.
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


def _know_resources(resources_of: ResourcesOf) -> None:
    """MiniStack checks most Bedrock actions against `*`; AWS checks them against what the request names.

    The same holds for two more actions that we use, of SSM and IAM. And it knows an action
    bedrock:Converse, where AWS asks for bedrock:InvokeModel.
    """
    action_of = iam_actions.extract_iam_action

    def action(*request: Any, **more: Any) -> str | None:
        found: str | None = action_of(*request, **more)
        return "bedrock:InvokeModel" if found == "bedrock:Converse" else found

    iam_actions.extract_iam_action = action
    resource_arn = iam_actions.extract_resource_arn

    def extract(
        service: str,
        method: str,
        path: str,
        headers: Any,
        body: bytes,
        query: Any,
        region_name: str,
        account_id: str,
    ) -> str:
        if service in resources_of:
            return " ".join(resources_of[service](method, path, headers, body, region_name, account_id))
        if service == "ssm" and str(headers.get("x-amz-target", "")).endswith(".GetParametersByPath"):
            return f"arn:aws:ssm:{region_name}:{account_id}:parameter{json.loads(body)['Path']}"
        if service == "iam" and (role := query.get("PolicySourceArn")):
            return str(role[0] if isinstance(role, list) else role)
        return str(resource_arn(service, method, path, headers, body, query, region_name, account_id))

    iam_actions.extract_resource_arn = extract
    _enforce_each_resource(frozenset(resources_of))


def _know_actions(actions_of: ActionsOf) -> None:
    """MiniStack finds the action of a request in botocore's models."""
    action_of = iam_actions.extract_iam_action

    def action(service: str, method: str, path: str, *more: Any, **named: Any) -> str | None:
        if service in actions_of:
            return actions_of[service](method, path) or None
        found: str | None = action_of(service, method, path, *more, **named)
        return found

    iam_actions.extract_iam_action = action


def _enforce_each_resource(services: frozenset[str]) -> None:
    """A request about several resources is allowed when each of them is; MiniStack knows one a request.

    A further action that a request needs stands before its resource: `iam:PassRole|arn:aws:iam:...`.
    """
    enforce = iam_evaluator.enforce

    def enforced(
        key: str,
        action: str,
        service: str,
        region: str,
        *,
        resource_arn: str = "*",
        service_context: Mapping[str, Any] | None = None,
    ) -> Any:
        arns = resource_arn.split(" ") if service in services else [resource_arn]
        context = {**(service_context or {}), "iam:PassedToService": f"{service}.amazonaws.com"}
        for one in arns:
            further, _, arn = one.rpartition("|")
            denied = enforce(
                key, further or action, service, region, resource_arn=arn,
                service_context=context if further else service_context,
            )  # fmt: skip
            if denied:
                return denied
        return None

    iam_evaluator.enforce = enforced


def _know_leading_keys() -> None:
    """MiniStack has no dynamodb:LeadingKeys: the partition keys that a request names (developer guide,
    "Using IAM policy conditions for fine-grained access control"); of a query, the one that it asks for."""
    context_of = iam_actions.dynamodb_service_context

    def context(body: bytes) -> Any:
        found = context_of(body)
        if keys := list(_leading_keys(json.loads(body or b"{}"))):
            found["dynamodb:LeadingKeys"] = keys
        return found

    iam_actions.dynamodb_service_context = context


def _know_job_tags() -> None:
    """MiniStack reads the tags that a request gives where they are called `tags`; those of jobs and of the
    models that they make have unique names."""
    context_of = iam_actions.request_tag_context

    def context(service: str, iam_action: str, body: bytes, params: Any) -> Any:
        found = context_of(service, iam_action, body, params)
        if not service.startswith("bedrock") or body[:1] != b"{":
            return found
        request = json.loads(body)
        if service == "bedrock-mantle":
            return found | {"bedrock-mantle:Model": request.get("model", "")}
        given_as = ("jobTags", "customModelTags", "importedModelTags")
        tags = [tag for name in given_as for tag in request.get(name, ())]
        if tags:
            given = {f"aws:requesttag/{tag['key']}".lower(): tag["value"] for tag in tags}
            found = found | given | {"aws:TagKeys": [tag["key"] for tag in tags]}
        return found

    iam_actions.request_tag_context = context


def _leading_keys(request: Mapping[str, Any]) -> Iterator[str]:
    for one in request.get("TransactItems", ()):
        for part in one.values():
            yield from _leading_keys(part)
    item = request.get("Key") or request.get("Item") or {}
    values = request.get("ExpressionAttributeValues", {})
    match = re.match(r"\(?\s*(#?\w+)\s*=\s*(:\w+)", request.get("KeyConditionExpression", ""))
    if match and "S" in values.get(match[2], {}):
        yield str(values[match[2]]["S"])
    for name in PARTITION_KEYS:
        if "S" in item.get(name, {}):
            yield str(item[name]["S"])
            return


PARTITION_KEYS = ("pk", "run_id")
"""Of the stage's tables, each of which has one of these."""


def _know_tags(tags: Tags) -> None:
    def collect() -> Iterator[tuple[str, list[dict[str, str]]]]:
        for arn, found in tags():
            yield arn, [{"Key": key, "Value": value} for key, value in found.items()]

    for service in ("bedrock", "sagemaker"):
        tagging._RESOURCE_TAG_COLLECTORS[service] = collect


DIED = ("Worker process died", "Worker process exited", "[Errno 32] Broken pipe")
"""What MiniStack says of a process that was killed: while it worked, while it started, in between."""


def _keep_error_types() -> None:
    """MiniStack calls every error of a warm Python worker Runtime.HandlerError; AWS names its class.

    A process that ends, at work or while it starts, is Runtime.ExitError on AWS.
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


def _stand_between(on_call: OnCall) -> None:
    """Ask `on_call` at every AWS call that is made with the credentials of a function."""
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
    """End the processes that run a function now, as a lost machine would.

    One that starts has made no call; were it to fail, MiniStack would take the code from all others.
    """
    with lambda_runtime._lock:
        workers = [one for pool in lambda_runtime._workers.values() for one in pool]
    for worker in workers:
        if worker.func_name == function and worker.in_use and worker not in starting and worker._proc:
            worker._proc.kill()


def _fail_tasks_of_failed_functions() -> None:
    """With a task token, MiniStack waits on when the function has failed; AWS fails the task at once.

    And it calls an account that is out of concurrency Lambda.Unknown.
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
                error.error = "Lambda.TooManyRequestsException"  # as AWS calls it
            info = stepfunctions._task_tokens.get(getattr(waiting, "token", None))
            if info is not None and not info["event"].is_set():
                info["error"] = {"Error": error.error, "Cause": error.cause}
                info["event"].set()
            raise

    stepfunctions._invoke_with_callback, stepfunctions._call_lambda = invoked, called


def _class_of(log: str) -> str:
    """The class of the exception that a traceback ends with."""
    _, _, last = log.rpartition("Traceback (most recent call last):\n")
    match = re.search(r"^(?:[\w.]+\.)?(\w+)(?::|$)", last, flags=re.MULTILINE)
    return match[1] if match else ""
