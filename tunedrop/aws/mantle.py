"""The client of bedrock-mantle, Bedrock's OpenAI-compatible API, for which botocore has no service model.

Our service model (`models/bedrock-mantle`) has the operations that AWS's user guide documents, with the
fields of OpenAI's API reference (fine-tuning-openai-job-create, rft-prepare-data-open-weight,
inference-chat-completions; read 2026-11-29); a test compares it with the types of OpenAI's own library.
Requests are signed with the function's own credentials, which the guide allows as an alternative to API keys
(rft-open-weight-access-security), so that there is no key to manage. Retries, endpoints and errors work as in
botocore.

AWS documents no ARNs of jobs, files and models, so they are identified by their URLs.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import boto3
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

SERVICE = "bedrock-mantle"
MODELS = Path(__file__).parent / "models"

JOBS = "/v1/fine_tuning/jobs/"
FILES = "/v1/files/"
TUNED_MODELS = "/v1/models/"
CHAT = "/v1/chat/completions?model="

_CODES = {401: "AccessDeniedException", 403: "AccessDeniedException", 404: "ResourceNotFoundException"}
"""AWS documents no error codes of this API; these are the codes of its other services, by HTTP status."""

_STARTS_A_JOB = "CreateFineTuningJob"
_A_RATE = re.compile(r"\brate\b|\b(?:requests|tokens)\b|\bper[ -](?:second|minute|hour|day)\b", re.IGNORECASE)
"""Words in a message about a quota that mean a rate limit, after which a short wait helps (a belief)."""


def client(session: boto3.Session, config: Config) -> Any:
    """A client of bedrock-mantle."""
    core = _Session(session)
    made = core.create_client(SERVICE, region_name=session.region_name, config=config)
    made.meta.events.register(f"before-parse.{SERVICE}", _flatten_error)
    return made


class _Session(botocore.session.Session):  # type: ignore[misc]
    """A session with the credentials of another one and our service model, which the other session
    cannot load because it has cached its list of services."""

    def __init__(self, other: boto3.Session) -> None:
        super().__init__(profile=other.profile_name if other.profile_name != "default" else None)
        self._other = other
        self.register_component("data_loader", Loader(extra_search_paths=[str(MODELS)]))

    def get_credentials(self) -> Any:
        return self._other.get_credentials()


def address(region: str, kind: str, id_: str) -> str:
    """The URL of a job, file, model or chat, by the path of its kind."""
    return f"https://{SERVICE}.{region}.api.aws{kind}{quote(id_, safe='')}"


def id_in(address_: str, kind: str) -> str:
    """The id in a URL; any other text is taken as the id itself."""
    return unquote(address_.rpartition(kind)[2].partition("#")[0])


def _flatten_error(response_dict: dict[str, Any], operation_model: Any, **_: Any) -> None:
    """OpenAI's errors are `{"error": {"message", "type", "param", "code"}}`, those of gateways arbitrary;
    botocore reads the top level."""
    status = int(response_dict["status_code"])
    if status < 300:
        return
    said, code = _said(response_dict["body"])
    if status == 429:
        full = operation_model.name == _STARTS_A_JOB and _is_full(said, code)
        code = "ServiceQuotaExceededException" if full else "ThrottlingException"
    elif status == 401 and "expired" in f"{code} {said}".lower():
        code = "ExpiredTokenException"
    else:
        code = _CODES.get(status) or code or str(status)
    response_dict["body"] = json.dumps({"message": said, "code": code}).encode()


def _said(body: bytes) -> tuple[str, str]:
    """The message and code of an error, if it has them."""
    try:
        answer = json.loads(body)
    except ValueError:
        return "", ""
    error = answer.get("error", answer) if isinstance(answer, dict) else answer
    if not isinstance(error, dict):
        return str(error), ""
    return str(error.get("message") or ""), str(error.get("code") or error.get("type") or "")


def _is_full(said: str, code: str) -> bool:
    """Whether no further job is accepted: OpenAI's code, or the word quota without a rate limit (a
    belief)."""
    return code == "insufficient_quota" or ("quota" in f"{code} {said}".lower() and not _A_RATE.search(said))


def multipart(fields: dict[str, str], filename: str, content: bytes, boundary: str) -> tuple[bytes, str]:
    """A form with a file in it (RFC 7578), and its content type.

    Raises
    ------
    ValueError
        If the content contains the boundary.
    """
    if boundary.encode() in content:
        raise ValueError(f"the boundary {boundary} stands in the file")
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
        "Content-Type: application/jsonl\r\n\r\n"
    )
    body = "".join(parts).encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"
