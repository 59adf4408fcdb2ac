"""Bedrock's REST-JSON, driven by botocore's own service model: routes, required fields, patterns, limits.

AWS checks what botocore's client does not: patterns and maximum lengths. So do we, from the same file.
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

from local.ministack import Response

Operation = Callable[[dict[str, Any]], dict[str, Any] | bytes]


class Refusal(Exception):
    """An error as Bedrock gives it: a code of its API, and its HTTP status."""

    STATUS: ClassVar = {
        "AccessDeniedException": 403,
        "ConflictException": 400,
        "InternalServerException": 500,
        "ModelNotReadyException": 429,
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
        body = json.dumps({"message": str(self)}).encode()
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": self.code}
        return self.STATUS[self.code], headers, body


class Router:
    """Finds the operation that a request asks for, reads its input and writes its output."""

    def __init__(self, service: str, operations: Mapping[str, Operation]) -> None:
        self._model = botocore.session.get_session().get_service_model(service)
        self._operations = operations
        self._routes = sorted(self._read_routes(), key=lambda route: -len(route[1].pattern))

    def _read_routes(self) -> Iterator[tuple[str, re.Pattern[str], str]]:
        for name in self._model.operation_names:
            http = self._model.operation_model(name).http
            path = re.sub(r"\{(\w+)\+?\}", r"(?P<\1>.+)", http["requestUri"].partition("?")[0])
            yield http["method"], re.compile(path), name

    def find(self, method: str, path: str) -> tuple[str, dict[str, str]]:
        """The operation's name and its path labels."""
        for verb, pattern, name in self._routes:
            match = pattern.fullmatch(path)
            if verb == method and match:
                return name, {label: unquote(value) for label, value in match.groupdict().items()}
        raise Refusal("ValidationException", f"no operation answers {method} {path}")

    def answer(self, name: str, labels: Mapping[str, str], body: bytes, query: Mapping[str, Any]) -> Response:
        model = self._model.operation_model(name)
        if name not in self._operations:
            raise Refusal("ValidationException", f"{name} is not part of the local Bedrock")
        request = _read(model.input_shape, labels, body, query) if model.input_shape else {}
        output = self._operations[name](request)
        content = output if isinstance(output, bytes) else json.dumps(output, default=_plain).encode()
        return model.http["responseCode"], {"Content-Type": "application/json"}, content


def _read(shape: Any, labels: Mapping[str, str], body: bytes, query: Mapping[str, Any]) -> dict[str, Any]:
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
    problems = list(_problems(shape, request, ""))
    if problems:
        plural = "s" if len(problems) > 1 else ""
        raise Refusal(
            "ValidationException",
            f"{len(problems)} validation error{plural} detected: " + "; ".join(problems),
        )
    return request


def _problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        for name in shape.required_members:
            if value.get(name) is None:
                yield f"Value null at '{path}{name}' failed to satisfy constraint: Member must not be null"
        for name, item in value.items():
            if name in shape.members and item is not None and not isinstance(item, bytes):
                yield from _problems(shape.members[name], item, f"{path}{name}.")
    elif kind == "list" and isinstance(value, list):
        yield from _length(shape, len(value), path, value)
        for index, item in enumerate(value):
            yield from _problems(shape.member, item, f"{path}{index + 1}.")
    elif kind == "map" and isinstance(value, dict):
        for key, item in value.items():
            yield from _problems(shape.value, item, f"{path}{key}.")
    elif kind == "string":
        yield from _string(shape, value, path)
    elif kind in ("integer", "float", "long", "double") and isinstance(value, int | float):
        yield from _length(shape, value, path, value, "value")


_BESIDE_ENUM = {"EvaluationTaskType": ("General",)}
"""What the service takes, and asks for, though its own model does not list it (see `judge_jobs.TASK`)."""


def _string(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"Value '{value}' at '{path[:-1]}' failed to satisfy constraint: Member must be a string"
        return
    yield from _length(shape, len(value), path, value)
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(value):
        yield (
            f"Value '{value}' at '{path[:-1]}' failed to satisfy constraint: Member must satisfy "
            f"regular expression pattern: {pattern}"
        )
    if shape.enum and value not in (*shape.enum, *_BESIDE_ENUM.get(shape.name, ())):
        yield (
            f"Value '{value}' at '{path[:-1]}' failed to satisfy constraint: Member must satisfy enum "
            f"value set: [{', '.join(shape.enum)}]"
        )


def _length(shape: Any, size: float, path: str, value: Any, what: str = "length") -> Iterator[str]:
    limits = shape.metadata
    where = f"Value '{value}' at '{path[:-1]}' failed to satisfy constraint: Member must have {what}"
    if "min" in limits and size < limits["min"]:
        yield f"{where} greater than or equal to {limits['min']}"
    if "max" in limits and size > limits["max"]:
        yield f"{where} less than or equal to {limits['max']}"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} has no JSON form")
