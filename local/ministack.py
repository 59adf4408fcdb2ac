"""The one file that touches MiniStack's private names (ministack 1.5.33); a contract test watches them."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from ministack import app
from ministack.core import iam_actions, iam_evaluator, responses
from ministack.services import eventbridge, iam, lambda_svc, sts

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, Mapping[str, str], bytes, Mapping[str, Any]], Awaitable[Response]]

FASTEST_SCHEDULES = 30.0
"""Schedules run at most so many times faster than on AWS, however fast the local clock is: a Lambda here is a
process, and one that starts every few milliseconds would leave no time for anything else."""

ResourceOf = Callable[[str, str, bytes, str, str], str]


class Service(Protocol):
    """What MiniStack asks of a service module."""

    @property
    def handle_request(self) -> Handler: ...

    def reset(self) -> None: ...


def serve(services: Mapping[str, Service], resource_of: ResourceOf, clock_speed: float) -> None:
    """Run the emulator with our own services in it; returns when it is told to end.

    Parameters
    ----------
    services
        By MiniStack's name of the module, such as `bedrock`.
    resource_of
        The IAM resource of a Bedrock request: (method, path, body, Region, account) to an ARN.
    clock_speed
        Seconds of AWS that pass in one second here; schedules follow it.
    """
    app._loaded_modules.update(services)
    _know_bedrock_resources(resource_of)
    _keep_error_types()
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
    return _session(role_arn, account_id)


def _session(role_arn: str, account_id: str) -> dict[str, str]:
    key = "ASIA" + secrets.token_hex(8).upper()
    secret, token = secrets.token_hex(20), hashlib.sha256(key.encode()).hexdigest()
    role = role_arn.rpartition("/")[2]
    responses.set_request_account_id(account_id)
    sts.register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{account_id}:assumed-role/{role}/bedrock",
            "UserId": f"{role}:bedrock",
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


def _know_bedrock_resources(resource_of: ResourceOf) -> None:
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
        if service in ("bedrock", "bedrock-runtime"):
            return resource_of(method, path, body, region_name, account_id)
        if service == "ssm" and str(headers.get("x-amz-target", "")).endswith(".GetParametersByPath"):
            return f"arn:aws:ssm:{region_name}:{account_id}:parameter{json.loads(body)['Path']}"
        if service == "iam" and (role := query.get("PolicySourceArn")):
            return str(role[0] if isinstance(role, list) else role)
        return str(resource_arn(service, method, path, headers, body, query, region_name, account_id))

    iam_actions.extract_resource_arn = extract


def _keep_error_types() -> None:
    """MiniStack calls every error of a warm Python worker Runtime.HandlerError; AWS names its class."""
    execute = lambda_svc._execute_function_warm

    def executed(function: Any, event: Any, request_id: str) -> Any:
        result = execute(function, event, request_id)
        body = result.get("body")
        if result.get("error") and isinstance(body, dict) and body.get("errorType") == "Runtime.HandlerError":
            body["errorType"] = _class_of(result.get("log", "")) or body["errorType"]
        return result

    lambda_svc._execute_function_warm = executed


def _class_of(log: str) -> str:
    """The class of the exception that a traceback ends with."""
    _, _, last = log.rpartition("Traceback (most recent call last):\n")
    match = re.search(r"^(?:[\w.]+\.)?(\w+)(?::|$)", last, flags=re.MULTILINE)
    return match[1] if match else ""
