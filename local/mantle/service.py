"""bedrock-mantle as a service of MiniStack, with OpenAI's paths, bodies and errors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from local import ministack
from local.bedrock.service import LocalService
from local.bedrock.wire import Refusal
from local.mantle.chat import Models
from local.mantle.files import Files
from local.mantle.jobs import Jobs
from local.mantle.state import State
from local.ministack import Response

JOB = r"/v1/fine_tuning/jobs/(?P<id>[^/]+)"
ROUTES = (
    ("POST", r"/v1/files", "CreateFile"),
    ("GET", r"/v1/files", "ListFiles"),
    ("GET", r"/v1/files/(?P<id>[^/]+)", "GetFile"),
    ("DELETE", r"/v1/files/(?P<id>[^/]+)", "DeleteFile"),
    ("POST", r"/v1/fine_tuning/jobs", "CreateFineTuningJob"),
    ("GET", r"/v1/fine_tuning/jobs", "ListFineTuningJobs"),
    ("GET", JOB, "GetFineTuningJob"),
    ("POST", f"{JOB}/cancel", "CancelFineTuningJob"),
    ("GET", f"{JOB}/events", "ListFineTuningEvents"),
    ("GET", f"{JOB}/checkpoints", "ListFineTuningCheckpoints"),
    ("GET", r"/v1/models/(?P<id>[^/]+)", "GetModel"),
    ("POST", r"/v1/chat/completions", "CreateChatCompletion"),
)
"""Of the user guide: rft-prepare-data-open-weight, fine-tuning-openai-job-create,
inference-chat-completions."""

ACTIONS = {
    "CreateChatCompletion": "CreateInference",
    "ListFineTuningEvents": "GetFineTuningJob",
    "ListFineTuningCheckpoints": "GetFineTuningJob",
}
"""Operations that are authorized under another name; for the last two that is a belief."""

NAME = "bedrock-mantle"
PROJECT = "arn:aws:bedrock-mantle:{region}:{account}:project/default"

_TYPES = {400: "invalid_request_error", 403: "permission_error", 404: "invalid_request_error",
          429: "rate_limit_error"}  # fmt: skip


def operation(method: str, path: str) -> tuple[str, dict[str, str]] | None:
    """The operation of a request, and the id in its path."""
    for verb, pattern, name in ROUTES:
        if verb == method and (match := re.fullmatch(pattern, path)):
            return name, {key: unquote(value) for key, value in match.groupdict().items()}
    return None


def action_of(method: str, path: str) -> str:
    """The IAM action of a request; empty if no operation answers it."""
    found = operation(method, path)
    return f"bedrock-mantle:{ACTIONS.get(found[0], found[0])}" if found else ""


def resources_of(
    method: str, path: str, headers: Mapping[str, str], body: bytes, region: str, account: str
) -> list[str]:
    """The project of a request: the one that it names, else the account's default."""
    del method, path, headers, body
    return [PROJECT.format(region=region, account=account)]


class Request(NamedTuple):
    """A request: the id in its path, the headers, the body, the query."""

    id: str
    headers: dict[str, str]
    body: bytes
    query: dict[str, Any]


class Router:
    """Routes a request to its operation, and responds."""

    def __init__(self, state: State) -> None:
        files, models = Files(state), Models(state)
        jobs = Jobs(state, files)
        self._operations: dict[str, Callable[[Request], Any]] = {
            "CreateFile": lambda asked: files.create(asked.body, asked.headers.get("content-type", "")),
            "ListFiles": lambda asked: files.list(asked.query),
            "GetFile": lambda asked: files.get(asked.id),
            "DeleteFile": lambda asked: files.delete(asked.id),
            "CreateFineTuningJob": lambda asked: jobs.create(_document(asked.body), asked.headers),
            "ListFineTuningJobs": lambda asked: jobs.list(asked.query),
            "GetFineTuningJob": lambda asked: jobs.get(asked.id),
            "CancelFineTuningJob": lambda asked: jobs.cancel(asked.id),
            "ListFineTuningEvents": lambda asked: jobs.events(asked.id, asked.query),
            "ListFineTuningCheckpoints": lambda asked: jobs.checkpoints(asked.id, asked.query),
            "GetModel": lambda asked: models.get(asked.id),
            "CreateChatCompletion": lambda asked: models.chat(_document(asked.body)),
        }

    def find(self, method: str, path: str, headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """The operation's name; its id and the request's headers."""
        found = operation(method, path)
        if found is None:
            raise Refusal("ResourceNotFoundException", f"no operation answers {method} {path}")
        return found[0], {**headers, **found[1]}

    def answer(self, name: str, labels: Mapping[str, str], body: bytes, query: Mapping[str, Any]) -> Response:
        asked = Request(labels.get("id", ""), dict(labels), body, dict(query))
        answer = self._operations[name](asked)
        return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()


class MantleService(LocalService):
    """Errors in OpenAI's form."""

    def _handle(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> Response:
        status, sent, answer = super()._handle(method, path, headers, body, query)
        if status < 300:
            return status, sent, answer
        said = json.loads(answer)
        error = {
            "message": said["message"], "type": _TYPES.get(status, "server_error"), "param": None,
            "code": said["__type"],
        }  # fmt: skip
        return status, {"Content-Type": "application/json"}, json.dumps({"error": error}).encode()


def services(state: State) -> dict[str, ministack.Service]:
    """The service, under the name that requests are signed for."""
    return {NAME: MantleService(state.world, Router(state))}


def _document(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        raise Refusal("ValidationException", "The body is not valid JSON.") from None
    if not isinstance(found, dict):
        raise Refusal("ValidationException", "The body must be a JSON object.")
    return found
