"""Handlers as Lambda calls them, on moto's tables; what they count is kept instead of logged."""

from __future__ import annotations

import importlib
from typing import Any

import msgspec
import pytest

from lambdas.services import Services
from tunedrop.aws import Aws
from tunedrop.stage import Stage


class Context:
    """What Powertools reads of Lambda's context."""

    function_name = "function"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:111122223333:function:function"
    aws_request_id = "request"


class Here(Services):
    """One run that is registered, and the handlers."""

    def __init__(self, stage: Stage, aws: Aws, patch: pytest.MonkeyPatch) -> None:
        super().__init__(stage, aws)
        self._patch = patch
        self.counted: dict[str, float] = {}
        patch.setattr("lambdas.step.services", lambda: self)

    def call(self, step: str, **payload: Any) -> Any:
        """The answer of a step's function to this payload, through JSON as Step Functions sends it."""
        return self.wake(step, msgspec.to_builtins(payload))

    def wake(self, function: str, event: dict[str, Any]) -> Any:
        """The answer of a function to an event."""
        module = importlib.import_module(f"lambdas.{function}.handler")
        for name, stand_in in (("services", lambda: self), ("metrics", self)):
            if hasattr(module, name):
                self._patch.setattr(module, name, stand_in)
        return module.handler(event, Context())

    def replace(self, place: str, answer: Any) -> None:
        """A function below a handler gives this."""
        self._patch.setattr(f"lambdas.{place}", lambda *_, **__: answer)

    def add_metric(self, name: str, _: Any, value: float) -> None:
        self.counted[name] = value

    def flush_metrics(self) -> None:
        pass
