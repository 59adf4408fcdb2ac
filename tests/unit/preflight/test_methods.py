from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from tests import builders
from tests.recorded import recorded
from tests.unit.fake_bedrock import ACCESSIBLE, NOT_SUBSCRIBED, FakeBedrock
from tunedrop.contracts import Teacher
from tunedrop.preflight import _methods

GRADER = "arn:aws:lambda:us-east-1:111122223333:function:tunedrop-test-grade-answers"
TEACHER = Teacher(model="meta.llama3-3-70b-instruct-v1:0", max_response_length=500)
RECORDS = [
    {"messages": [{"role": "user", "content": f"question {number}"}], "reference_answer": str(number)}
    for number in range(3)
]
ALLOWED = {"EvaluationResults": [{"EvalDecision": "allowed"}]}
DENIED = {"EvaluationResults": [{"EvalDecision": "implicitDeny"}]}
UNKNOWN = recorded("simulated-under-a-control-policy")


class Lambda:
    """A function that answers what a test says, and keeps what it was called with."""

    def __init__(self, answer: Any, failed: bool = False) -> None:
        self._answer, self._failed = answer, failed
        self.items: list[dict[str, Any]] = []

    def invoke(self, **arguments: Any) -> dict[str, Any]:
        self.items = json.loads(arguments["Payload"])
        body = self._answer(self.items) if callable(self._answer) else self._answer
        error = {"FunctionError": "Unhandled"} if self._failed else {}
        return {"Payload": io.BytesIO(json.dumps(body).encode()), **error}


class Body(io.BytesIO):
    def iter_lines(self) -> list[bytes]:
        return self.getvalue().splitlines()


def checked(function: Lambda, simulated: dict[str, Any] = ALLOWED, called: str = GRADER) -> Any:
    body = Body(b"\n".join(json.dumps(record).encode() for record in RECORDS))
    aws = SimpleNamespace(
        iam=FakeBedrock(simulate_principal_policy=simulated),
        s3=FakeBedrock(get_object={"Body": body}),
        grader=function,
    )
    run = builders.run(method="reinforcement", grader=GRADER)
    return _methods.grader(aws, run, builders.dataset(), "us-east-1", "arn:role", called)  # type: ignore[arg-type]


def graded(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": item["id"], "aggregate_reward_score": 0.5} for item in items]


def test_a_grader_is_tried_on_two_records_as_bedrock_will_call_it() -> None:
    function = Lambda(graded)

    found = checked(function)

    assert found.passed
    assert len(function.items) == 2
    first = function.items[0]
    assert [message["role"] for message in first["messages"]] == ["user", "assistant"]
    assert first["metadata"] == {"reference_answer": "0"}


@pytest.mark.parametrize(
    ("function", "simulated", "expected"),
    [
        (Lambda([]), ALLOWED, "answered none"),
        (Lambda({"errorMessage": "no module named x"}, failed=True), ALLOWED, "it failed on two records"),
        (Lambda(graded), DENIED, "the jobs' role arn:role may not call it"),
    ],
)
def test_a_grader_that_would_fail_the_job_fails_preflight(
    function: Lambda, simulated: dict[str, Any], expected: str
) -> None:
    found = checked(function, simulated)

    assert not found.passed
    assert expected in found.detail


def test_what_an_organizations_policy_may_deny_keeps_no_grader_from_its_job() -> None:
    assert checked(Lambda(graded), UNKNOWN).passed


def test_a_grader_that_gives_no_answer_is_called_once_and_said_to_be_slow() -> None:
    calls = []

    class Slow(Lambda):
        def invoke(self, **arguments: Any) -> dict[str, Any]:
            calls.append(arguments)
            raise ReadTimeoutError(endpoint_url="https://lambda")

    found = checked(Slow(None))

    assert not found.passed
    assert "it did not respond for two records of the dataset within 300 seconds" in found.detail
    assert len(calls) == 1


def test_where_another_function_calls_the_grader_that_is_what_the_jobs_role_may_call() -> None:
    found = checked(Lambda(graded), DENIED, "arn:aws:lambda:us-east-1:111122223333:function:between")

    assert "may not call arn:aws:lambda:us-east-1:111122223333:function:between" in found.detail
    assert GRADER in found.detail


@pytest.mark.parametrize(
    ("lifecycle", "access", "simulated", "expected"),
    [
        ({}, ACCESSIBLE, ALLOWED, "is available and may be called"),
        (
            {"endOfLifeTime": datetime(2026, 1, 1, tzinfo=UTC)},
            ACCESSIBLE,
            ALLOWED,
            "has reached its end of life",
        ),
        ({}, NOT_SUBSCRIBED, ALLOWED, "cannot be called in this account (agreement NOT_AVAILABLE)"),
        ({}, ACCESSIBLE, DENIED, "may not be called by Bedrock's role"),
        ({}, ACCESSIBLE, UNKNOWN, "is available and may be called"),
    ],
)
def test_a_teacher_is_alive_and_may_be_asked(
    lifecycle: dict[str, Any], access: dict[str, Any], simulated: dict[str, Any], expected: str
) -> None:
    aws = SimpleNamespace(
        iam=FakeBedrock(simulate_principal_policy=simulated),
        bedrock=FakeBedrock(
            get_foundation_model={"modelDetails": {"modelLifecycle": lifecycle}},
            get_foundation_model_availability=access,
        ),
    )

    found = _methods.teacher(aws, TEACHER, "us-east-1", "arn:role")  # type: ignore[arg-type]

    assert expected in found.detail
    assert found.passed is (expected == "is available and may be called")
