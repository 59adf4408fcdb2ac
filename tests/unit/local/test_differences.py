"""The embedded AWS refuses what AWS refuses, where MiniStack alone would let it pass."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ministack.core import iam_evaluator
from ministack.services import eventbridge, s3, sns, stepfunctions
from moto.sns.models import MAXIMUM_MESSAGE_LENGTH

from local import differences

PATCHED = {
    stepfunctions: (
        "_add_event", "_apply_jsonata_arguments", "_apply_jsonata_output", "_apply_state_assign",
        "_error_matches",
    ),
    eventbridge: ("_event_pattern_error",),
    sns: ("publish_internal",),
    iam_evaluator: ("enforce",),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, names in PATCHED.items():
        for name in names:
            monkeypatch.setattr(module, name, getattr(module, name))


def run(state: dict[str, Any]) -> dict[str, Any]:
    """How an execution of one state ends; what it catches goes to Caught."""
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "First",
        "States": {"First": state, "Caught": {"Type": "Succeed"}},
    }
    role = "arn:aws:iam::000000000000:role/x"
    made = json.loads(
        stepfunctions._create_state_machine(
            {"name": f"m{time.time_ns()}", "definition": json.dumps(definition), "roleArn": role}
        )[2]
    )
    started = json.loads(
        stepfunctions._start_execution({"stateMachineArn": made["stateMachineArn"], "input": "{}"})[2]
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found: dict[str, Any] = stepfunctions._executions[started["executionArn"]]
        if found["status"] != "RUNNING":
            return found
        time.sleep(0.02)
    raise AssertionError("the execution has not ended")


def text_of(size: int) -> str:
    """JSONata for a JSON string of this many bytes, quotes included."""
    return "{% $pad('', " + str(size - 2) + ", 'x') %}"


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "Output": text_of(262_145), "End": True},
        {"Type": "Pass", "Assign": {"kept": text_of(262_145)}, "End": True},
        {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": "f", "Payload": text_of(262_145)},
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 2}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
            "End": True,
        },
    ],
    ids=["output", "variable", "arguments"],
)
def test_a_state_over_256_kib_ends_the_execution_past_its_catches(state: dict[str, Any]) -> None:
    differences._limit_states()

    ended = run(state)

    assert (ended["status"], ended["error"]) == ("FAILED", "States.DataLimitExceeded")


def test_a_state_of_256_kib_goes_on() -> None:
    differences._limit_states()

    assert run({"Type": "Pass", "Output": text_of(262_144), "End": True})["status"] == "SUCCEEDED"


TRIED_WITHOUT_END: dict[str, Any] = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Arguments": {"FunctionName": "missing", "Payload": {}},
    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "First"}],
    "End": True,
}
"""Fails, and begins again: two events each time."""


def test_an_execution_of_25_000_events_ends_past_its_catches(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the Step Functions guide says it (bp-history-limit), here with fewer; the cause is quoted by
    cloudonaut.io (step-functions-pitfall-maximum-number-of-history-events)."""
    assert differences.MOST_EVENTS == 25_000
    monkeypatch.setattr(differences, "MOST_EVENTS", 250)
    differences._limit_histories()

    ended = run(TRIED_WITHOUT_END)

    assert (ended["status"], len(ended["events"])) == ("FAILED", 250)
    assert "reached the maximum number of history events" in ended["cause"]
    assert ended["events"][-1]["type"] == "ExecutionFailed"


def test_an_execution_may_end_well_with_its_last_event(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run({"Type": "Pass", "End": True})["events"]
    monkeypatch.setattr(differences, "MOST_EVENTS", len(whole))
    differences._limit_histories()

    assert run({"Type": "Pass", "End": True})["status"] == "SUCCEEDED"


@pytest.mark.parametrize(("count", "is_refused"), [(6, False), (7, True)])
def test_a_rule_of_too_many_wildcards_is_refused(count: int, is_refused: bool) -> None:
    differences._limit_wildcards()
    keys = [{"wildcard": f"runs/*/{number}"} for number in range(count)]

    found = eventbridge._event_pattern_error(json.dumps({"detail": {"object": {"key": keys}}}))

    assert bool(found) == is_refused


@pytest.mark.parametrize(("length", "is_refused"), [(2_048, False), (2_049, True)])
def test_a_rule_whose_pattern_is_too_long_is_refused(length: int, is_refused: bool) -> None:
    differences._limit_wildcards()
    pattern = '{"detail": {"key": ["' + "k" * (length - 25) + '"]}}'

    assert len(pattern) == length
    assert bool(eventbridge._event_pattern_error(pattern)) == is_refused


@pytest.mark.parametrize(
    ("subject", "message"), [("x" * 100, "m"), ("two\nlines", "m"), ("s", "ü" * 131_072)]
)
def test_a_message_that_sns_would_refuse_is_refused(subject: str, message: str) -> None:
    differences._limit_messages()

    with pytest.raises(sns.SnsPublishError):
        sns.publish_internal("arn", message, subject)


def test_a_message_may_be_as_long_as_others_have_found() -> None:
    """moto's limit is its authors' own; of a subject it takes one character more than AWS's page says."""
    assert differences.MOST_MESSAGE_BYTES == MAXIMUM_MESSAGE_LENGTH


@pytest.mark.parametrize(("subject", "message"), [("x" * 99, "m"), ("Prüfung", "m"), ("s", "m" * 262_000)])
def test_a_message_that_sns_takes_is_published(
    monkeypatch: pytest.MonkeyPatch, subject: str, message: str
) -> None:
    monkeypatch.setattr(sns, "publish_internal", lambda *_, **__: "published")
    differences._limit_messages()

    assert sns.publish_internal("arn", message, subject) == "published"


@pytest.fixture
def bucket() -> Iterator[str]:
    s3._buckets["data"] = {"objects": {"drop/there.jsonl": {}}}
    yield "data"
    del s3._buckets["data"]


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(
    ("allowed", "key", "is_denied"),
    [
        ({"s3:GetObject"}, "drop/there.jsonl", False),
        ({"s3:GetObject"}, "drop/missing.jsonl", True),
        ({"s3:GetObject", "s3:ListBucket"}, "drop/missing.jsonl", False),
        ({"s3:ListBucket"}, "drop/there.jsonl", True),
    ],
)
def test_a_missing_object_is_not_found_for_callers_who_may_list(
    monkeypatch: pytest.MonkeyPatch, allowed: set[str], key: str, is_denied: bool
) -> None:
    def enforce(_: str, action: str, *__: str, **___: Any) -> str | None:
        return None if action in allowed else f"no {action}"

    monkeypatch.setattr(iam_evaluator, "enforce", enforce)
    differences._say_missing_to_who_may_list()
    enforced: Callable[..., Any] = iam_evaluator.enforce

    found = enforced("key", "s3:GetObject", "s3", "us-east-1", resource_arn=f"arn:aws:s3:::data/{key}")

    assert bool(found) == is_denied
