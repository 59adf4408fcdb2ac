"""Differences between MiniStack and AWS that matter here; private names as in `local.ministack`."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

import botocore.session
from ministack.core import iam_evaluator
from ministack.services import cloudwatch_logs, eventbridge, lambda_svc, s3, sns, stepfunctions
from ministack.services.cloudformation import provisioners

from local.ministack.keys import ask_for_keys


def patch() -> None:
    """Make MiniStack behave like AWS."""
    _read_jsonata_in_distributed_maps()
    _read_ranges_of_versions()
    _say_versions_in_events()
    _tag_buckets()
    _let_functions_make_no_log_groups()
    _limit_states()
    _limit_histories()
    _limit_wildcards()
    _limit_messages()
    _say_missing_to_who_may_list()
    ask_for_keys()


def _most(service: str, shape: str) -> int:
    """The maximum length of a value, by botocore's model of its service."""
    return int(botocore.session.get_session().get_service_model(service).shape_for(shape).metadata["max"])


MOST_STATE_BYTES = _most("stepfunctions", "SensitiveData")
"""Of the input of a task, the output of a state, or its variables (Step Functions guide, service-quotas)."""

MOST_EVENTS = 25_000
"""In the history of an execution (Step Functions guide, bp-history-limit, read 2026-11-30)."""

MOST_PATTERN = 2_048
"""Characters of a rule's pattern: the account's quota (L-664C5505; EventBridge user guide, eb-quota, read
2026-11-29), which is below what the API's model takes."""

MOST_MESSAGE_BYTES = 262_144
"""Of an SNS message with its attributes (SNS API reference, Publish; a test holds it against moto's)."""

MOST_WILDCARDS = 6
"""EventBridge took rules of six and refused them at eight (vals-ai/Valkyrie, pull request 278 of 2026-04-15);
its user guide names no number."""


def _limit_states() -> None:
    """A state that is too large ends the execution at once: no Retry and no Catch of all errors sees it (Step
    Functions guide, concepts-error-handling, States.DataLimitExceeded, read 2026-11-29)."""
    matches = stepfunctions._error_matches

    def limited(evaluate: Any) -> Any:
        def evaluated(state: Any, *given: Any, **more: Any) -> Any:
            value = evaluate(state, *given, **more)
            _refuse_large(value)
            return value

        return evaluated

    def assign(state: Any, given: Any, context: Any, **more: Any) -> None:
        if isinstance(template := state.get("Assign"), dict):
            _refuse_large(stepfunctions._apply_jsonata_template(template, given, context, **more))
        assigned(state, given, context, **more)

    def matched(names: Any, error: str) -> bool:
        named = [one for one in names if one not in ("States.ALL", "States.TaskFailed")]
        return bool(matches(named if error == "States.DataLimitExceeded" else names, error))

    assigned = stepfunctions._apply_state_assign
    stepfunctions._apply_jsonata_arguments = limited(stepfunctions._apply_jsonata_arguments)
    stepfunctions._apply_jsonata_output = limited(stepfunctions._apply_jsonata_output)
    stepfunctions._apply_state_assign = assign
    stepfunctions._error_matches = matched


def _refuse_large(value: Any) -> None:
    size = len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())
    if size > MOST_STATE_BYTES:
        raise stepfunctions._ExecutionError(
            "States.DataLimitExceeded",
            f"The state/task returned a result with a size exceeding the maximum number of bytes service "
            f"limit: {size} of {MOST_STATE_BYTES}.",
        )


def _limit_histories() -> None:
    """An execution fails when its history is full, and no Retry and no Catch sees it (the same page; the
    cause is what others have met, the error's name a belief). AWS counts more events a task than here."""
    add = stepfunctions._add_event

    def added(execution: Any, kind: str, details: Any = None) -> Any:
        if execution["status"] == "RUNNING" and len(execution["events"]) >= MOST_EVENTS - 1:
            # No _ExecutionError, which a Catch might take: MiniStack fails the execution by it.
            raise OverflowError(
                f"The execution reached the maximum number of history events ({MOST_EVENTS})."
            )
        return add(execution, kind, details)

    stepfunctions._add_event = added


def _limit_wildcards() -> None:
    """MiniStack accepts rules of any length with any number of wildcards."""
    error_of = eventbridge._event_pattern_error

    def error(pattern: Any) -> Any:
        if isinstance(pattern, str) and len(pattern) > MOST_PATTERN:
            return f"Event pattern exceeds {MOST_PATTERN} characters"
        wildcards = re.findall(r'"wildcard"\s*:\s*"([^"]*)"', pattern if isinstance(pattern, str) else "")
        if sum(one.count("*") for one in wildcards) > MOST_WILDCARDS:
            return "Rule is too complex - try using fewer wildcard characters"
        return error_of(pattern)

    eventbridge._event_pattern_error = error


def _limit_messages() -> None:
    """MiniStack accepts any subject and messages of any size (SNS API reference, Publish)."""
    publish = sns.publish_internal

    def published(topic: str, message: str, subject: str = "", **more: Any) -> Any:
        if subject and (len(subject) >= 100 or not subject.isprintable()):
            raise sns.SnsPublishError("InvalidParameter", "Invalid parameter: Subject")
        attributes = json.dumps(more.get("message_attributes") or {}, ensure_ascii=False)
        if len(message.encode()) + len(attributes.encode()) > MOST_MESSAGE_BYTES:
            raise sns.SnsPublishError("InvalidParameter", "Invalid parameter: Message too long")
        return publish(topic, message, subject, **more)

    sns.publish_internal = published


def _say_missing_to_who_may_list() -> None:
    """MiniStack tells everyone who may read objects that one is missing; S3 only who may list the bucket.

    Others get AccessDenied (S3 API reference, GetObject and HeadObject, read 2026-11-29).
    """
    enforce = iam_evaluator.enforce

    def enforced(key: str, action: str, service: str, region: str, **more: Any) -> Any:
        denied = enforce(key, action, service, region, **more)
        name, _, object_key = str(more.get("resource_arn", "")).removeprefix("arn:aws:s3:::").partition("/")
        if denied or action != "s3:GetObject" or not object_key or name not in s3._buckets:
            return denied
        if object_key in s3._buckets[name]["objects"]:
            return None
        bucket = {**more, "resource_arn": f"arn:aws:s3:::{name}", "service_context": {}}
        return enforce(key, "s3:ListBucket", service, region, **bucket)

    iam_evaluator.enforce = enforced


def _let_functions_make_no_log_groups() -> None:
    """MiniStack creates the log group of a function regardless of its role's permissions.

    No function has logs:CreateLogGroup, without which a function on AWS runs and logs nothing (Lambda
    operator guide, access-logs, read 2026-11-29): one that ends after its stage was destroyed leaves nothing.
    """
    emit = lambda_svc._emit_lambda_logs

    def emitted(function: Any, *arguments: Any, **more: Any) -> None:
        config = function.get("config") or function
        usual = f"/aws/lambda/{config['FunctionName']}"
        if (config.get("LoggingConfig") or {}).get("LogGroup", usual) in cloudwatch_logs._log_groups:
            emit(function, *arguments, **more)

    lambda_svc._emit_lambda_logs = emitted


def _read_ranges_of_versions() -> None:
    """MiniStack returns the whole object for a range of one version."""
    get = s3._get_object

    def got(bucket: str, key: str, headers: Any, query_params: Any = None) -> Any:
        status, answered, body = get(bucket, key, headers, query_params)
        asked = headers.get("range", "")
        if status != 200 or not asked or "versionId" not in (query_params or {}):
            return status, answered, body
        found = s3._parse_range(asked, len(body))
        if found is None:
            return get(bucket, key, headers)  # raises the error of S3
        start, end = found
        piece = body[start : end + 1]
        # The checksum is of the whole object.
        answered = {name: value for name, value in answered.items() if "checksum" not in name.lower()}
        answered |= {
            "Content-Length": str(len(piece)),
            "Content-Range": f"bytes {start}-{end}/{len(body)}",
        }
        return 206, answered, piece

    s3._get_object = got


def _say_versions_in_events() -> None:
    """MiniStack's S3 leaves the version out of its events on EventBridge.

    AWS includes it, so that every put is a separate upload (S3 user guide, ev-events, read 2026-11-29).
    """
    fire, dispatch = s3._fire_s3_event, eventbridge._dispatch_event
    fired = threading.local()

    def fires(*arguments: Any, version_id: str | None = None, **more: Any) -> None:
        fired.version = version_id
        try:
            fire(*arguments, version_id=version_id, **more)
        finally:
            fired.version = None

    def dispatched(event: dict[str, Any], *more: Any, **others: Any) -> Any:
        version = getattr(fired, "version", None)
        if event.get("Source") == "aws.s3" and version:
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version
            event = {**event, "Detail": json.dumps(detail)}
        return dispatch(event, *more, **others)

    s3._fire_s3_event, eventbridge._dispatch_event = fires, dispatched


def _tag_buckets() -> None:
    """MiniStack's CloudFormation leaves out the tags of buckets (property `Tags` of AWS::S3::Bucket)."""
    of_buckets = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    create, update = of_buckets["create"], of_buckets["update"]

    def tagged(made: Any, properties: dict[str, Any]) -> Any:
        name, _ = made
        s3._bucket_tags[name] = {one["Key"]: one["Value"] for one in properties.get("Tags", ())}
        return made

    def created(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        return tagged(create(logical_id, properties, stack), properties)

    def updated(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> Any:
        return tagged(update(physical_id, old, new, stack), new)

    of_buckets["create"], of_buckets["update"] = created, updated


def _read_jsonata_in_distributed_maps() -> None:
    """MiniStack's Distributed Map reads JSONPath only, and its children see the variables of their parent."""
    run, read = stepfunctions._run_distributed_map, stepfunctions._apply_jsonata_template

    def mapped(state: Any, given: Any, effective: Any, iterator: Any, execution: Any, context: Any) -> Any:
        if stepfunctions._state_query_language(state, context) != "JSONata":
            return run(state, given, effective, iterator, execution, context)

        def handed(index: int, item: Any) -> Any:
            place = {**context, "Map": {"Item": {"Index": index, "Value": item}}}
            return read(state["ItemSelector"], given, place) if "ItemSelector" in state else item

        items = read(state["Items"], given, context) if "Items" in state else given
        numbers = ("MaxConcurrency", "ToleratedFailureCount", "ToleratedFailurePercentage")
        plain = {name: read(state[name], given, context) for name in numbers if name in state}
        plain |= {name: state[name] for name in ("Label", "Next", "End") if name in state}
        children = [handed(index, item) for index, item in enumerate(items)]
        result, following = run(plain, given, children, iterator, execution, {**context, "variables": {}})
        output = stepfunctions._apply_jsonata_output(state, given, context, result=result, default=result)
        stepfunctions._apply_state_assign(state, given, context, result=result)
        return output, following

    stepfunctions._run_distributed_map = mapped
