"""Where MiniStack differs from AWS in what we need; private names as in `local.ministack`."""

from __future__ import annotations

import json
import threading
from typing import Any

from ministack.services import cloudwatch_logs, eventbridge, lambda_svc, s3, stepfunctions


def cure() -> None:
    """Make MiniStack do as AWS does."""
    _read_jsonata_in_distributed_maps()
    _read_ranges_of_versions()
    _say_versions_in_events()
    _let_functions_make_no_log_groups()


def _let_functions_make_no_log_groups() -> None:
    """MiniStack makes the log group that a function writes to, whatever its role may do.

    No role of a stage has logs:CreateLogGroup, without which a function on AWS runs and logs nothing (Lambda
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
    """MiniStack gives the whole object where one version is asked for in a range."""
    get = s3._get_object

    def got(bucket: str, key: str, headers: Any, query_params: Any = None) -> Any:
        status, answered, body = get(bucket, key, headers, query_params)
        asked = headers.get("range", "")
        if status != 200 or not asked or "versionId" not in (query_params or {}):
            return status, answered, body
        found = s3._parse_range(asked, len(body))
        if found is None:
            return get(bucket, key, headers)  # says how S3 refuses it
        start, end = found
        piece = body[start : end + 1]
        # A checksum is that of the whole.
        answered = {name: value for name, value in answered.items() if "checksum" not in name.lower()}
        answered |= {
            "Content-Length": str(len(piece)),
            "Content-Range": f"bytes {start}-{end}/{len(body)}",
        }
        return 206, answered, piece

    s3._get_object = got


def _say_versions_in_events() -> None:
    """MiniStack's S3 leaves the version out of its events on EventBridge.

    AWS's say it, so that every put is an upload of its own (S3 user guide, ev-events, read 2026-11-29).
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
