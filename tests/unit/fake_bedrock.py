"""A Bedrock that says what a test tells it to: one canned answer or error an operation, calls kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from botocore.exceptions import ClientError

from tunedrop.aws import Aws

Answer: TypeAlias = "dict[str, Any] | Exception"

ACCESSIBLE: dict[str, Any] = {
    "agreementAvailability": {"status": "AVAILABLE"},
    "authorizationStatus": "AUTHORIZED",
    "entitlementAvailability": "AVAILABLE",
    "regionAvailability": "AVAILABLE",
}
"""GetFoundationModelAvailability about a model that may be called (anthropics/claude-code, issue 51183)."""

NOT_SUBSCRIBED: dict[str, Any] = ACCESSIBLE | {"agreementAvailability": {"status": "NOT_AVAILABLE"}}
"""Of a model that is sold through AWS Marketplace, until somebody who may subscribe has called it."""


def aws_of(bedrock: Any) -> Aws:
    """AWS with this Bedrock, and nothing else."""
    found = Aws()
    found.bedrock = bedrock
    return found


def refusal(code: str, message: str = "no", operation: str = "Operation", status: int = 400) -> ClientError:
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, operation)


class FakeBedrock:
    """Answers each operation with its next answer; the last one is given for ever."""

    def __init__(self, **answers: Answer | list[Answer]) -> None:
        self._answers = {name: list(a) if isinstance(a, list) else [a] for name, a in answers.items()}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self.calls.append((operation, arguments))
            return self._next(operation)

        return call

    def get_paginator(self, operation: str) -> Any:
        fake = self

        class Pages:
            def paginate(self, **arguments: Any) -> Iterator[Any]:
                fake.calls.append((operation, arguments))
                yield fake._next(operation)

        return Pages()

    def called(self, operation: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.calls if name == operation]

    def _next(self, operation: str) -> dict[str, Any]:
        answers = self._answers.get(operation)
        assert answers, f"the test did not expect {operation}"
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        found: dict[str, Any] = answer
        return found
