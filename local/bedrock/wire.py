"""REST-JSON and JSON 1.1, driven by botocore's own service models: routes, required fields, patterns, limits.

AWS checks what botocore's client does not: patterns and maximum lengths. This does too, from the same file.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar
from urllib.parse import unquote

import botocore.session
from botocore.model import ServiceModel

from local.bedrock.shapes import problems, unknown
from local.ministack import Response

Operation = Callable[[dict[str, Any]], dict[str, Any] | bytes]

Report = Callable[[str], None]
"""Called for a response that AWS's model does not allow."""


class Refusal(Exception):
    """An error as the service gives it: a code of its API, and its HTTP status."""

    STATUS: ClassVar = {
        "AccessDeniedException": 403,
        "ConflictException": 400,
        "InternalServerException": 500,
        "ModelNotReadyException": 429,
        "ResourceInUse": 400,
        "ResourceLimitExceeded": 400,
        "ResourceNotFound": 400,
        "ResourceNotFoundException": 404,
        "ServiceQuotaExceededException": 400,
        "ThrottlingException": 429,
        "TooManyTagsException": 400,
        "ValidationException": 400,
    }

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def response(self) -> Response:
        """In both protocols: one reads the code from the header, the other from `__type`."""
        body = json.dumps({"__type": self.code, "message": str(self)}).encode()
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": self.code}
        return self.STATUS[self.code], headers, body


class Router:
    """Routes requests, reads their input and writes their output: REST-JSON."""

    def __init__(
        self, service: str, operations: Mapping[str, Operation], report: Report = lambda _: None
    ) -> None:
        self._report = report
        self._model = service_model(service)
        self._operations = operations
        self._routes = sorted(self._read_routes(), key=lambda route: -len(route[1].pattern))

    def _read_routes(self) -> Iterator[tuple[str, re.Pattern[str], str]]:
        for name in self._model.operation_names:
            http = self._model.operation_model(name).http
            path = re.sub(r"\{(\w+)\+?\}", r"(?P<\1>.+)", http["requestUri"].partition("?")[0])
            yield http["method"], re.compile(path), name

    def find(
        self, method: str, path: str, headers: Mapping[str, str] | None = None
    ) -> tuple[str, dict[str, str]]:
        """The operation's name and its path labels."""
        del headers
        for verb, pattern, name in self._routes:
            match = pattern.fullmatch(path)
            if verb == method and match:
                return name, {label: unquote(value) for label, value in match.groupdict().items()}
        raise Refusal("ValidationException", f"no operation answers {method} {path}")

    def answer(self, name: str, labels: Mapping[str, str], body: bytes, query: Mapping[str, Any]) -> Response:
        model = self._model.operation_model(name)
        if name not in self._operations:
            raise Refusal("ValidationException", f"{name} is not part of the local Bedrock")
        request = self._read(model.input_shape, labels, body, query) if model.input_shape else {}
        output = self._operations[name](request)
        if isinstance(output, dict) and model.output_shape is not None:
            for problem in (*problems(model.output_shape, output), *unknown(model.output_shape, output)):
                self._report(f"answer of {name}: {problem}")
        content = output if isinstance(output, bytes) else json.dumps(output, default=self._plain).encode()
        return model.http.get("responseCode", 200), {"Content-Type": "application/json"}, content

    @staticmethod
    def _read(shape: Any, labels: Mapping[str, str], body: bytes, query: Mapping[str, Any]) -> dict[str, Any]:
        return _checked(shape, _members(shape, labels, body, query))

    @staticmethod
    def _plain(value: Any) -> Any:
        return _iso(value)


class TargetRouter(Router):
    """The same for JSON 1.1: the operation is in a header, the whole input in the body."""

    def find(
        self, method: str, path: str, headers: Mapping[str, str] | None = None
    ) -> tuple[str, dict[str, str]]:
        """The operation's name; there are no path labels."""
        name = str((headers or {}).get("x-amz-target", "")).rpartition(".")[2]
        if name not in self._model.operation_names:
            raise Refusal("ValidationException", f"no operation answers {method} {path} {name}")
        return name, {}

    @staticmethod
    def _read(shape: Any, labels: Mapping[str, str], body: bytes, query: Mapping[str, Any]) -> dict[str, Any]:
        del labels, query
        return _checked(shape, json.loads(body or b"{}"))

    @staticmethod
    def _plain(value: Any) -> Any:
        return value.timestamp() if isinstance(value, datetime) else _iso(value)


@cache
def service_model(service: str) -> ServiceModel:
    """botocore's model of a service."""
    return botocore.session.get_session().get_service_model(service)


def _members(shape: Any, labels: Mapping[str, str], body: bytes, query: Mapping[str, Any]) -> dict[str, Any]:
    request: dict[str, Any] = {}
    payload = shape.serialization.get("payload")
    document = json.loads(body) if body and not payload else {}
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        wire_name = member.serialization.get("name", name)
        if location == "uri":
            request[name] = labels[wire_name]
        elif location == "querystring" and wire_name in query:
            value = query[wire_name]
            request[name] = value[0] if isinstance(value, list) else value
        elif name == payload:
            request[name] = body
        elif location is None and wire_name in document:
            request[name] = document[wire_name]
    return request


def _checked(shape: Any, request: dict[str, Any]) -> dict[str, Any]:
    found = list(problems(shape, request))
    if found:
        plural = "s" if len(found) > 1 else ""
        raise Refusal(
            "ValidationException", f"{len(found)} validation error{plural} detected: " + "; ".join(found)
        )
    return request


def _iso(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} has no JSON form")
