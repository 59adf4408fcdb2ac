"""Which IAM action and resources a Bedrock request needs, by AWS's own data: no mapping is written by hand.

`authorization.json` is the extract of the Service Authorization Reference that `python -m
local.bedrock.authorization` writes; the request's operation and members come from botocore's service model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import unquote

from local.bedrock.wire import Refusal, Router

ACTION_OF = {"Converse": "InvokeModel", "ConverseStream": "InvokeModel"}
"""Operations that are authorized under another operation's name (API reference, Converse)."""

IDENTIFYING = frozenset(
    {
        "baseModelIdentifier", "customModelDeploymentIdentifier", "desiredModelId", "jobIdentifier",
        "jobIdentifiers",
        "modelArn", "modelId", "modelIdentifier", "provisionedModelId", "resourceARN",
    }
)  # fmt: skip
"""The members of Bedrock's requests that name what the request is about."""

PROFILE = re.compile(r"(?:us|us-gov|eu|apac|global)\.")
"""How the id of a cross-Region inference profile begins (user guide, inference-profiles-support)."""


def resources_of(method: str, path: str, body: bytes, region: str, account: str) -> list[str]:
    """The ARNs that a policy has to allow, each of them; `*` alone for actions without a resource type."""
    found = _operation(method, path)
    if found is None:
        return ["*"]
    name, labels = found
    types = types_of(ACTION_OF.get(name, name))
    if not types:
        return ["*"]
    document = json.loads(body) if body[:1] == b"{" else {}
    named = [value for name, value in labels.items() if name in IDENTIFYING]
    arns = [
        arn
        for value in (*named, *_identifiers(document))
        for arn in _arns(value, types, region, account)
        if type_of(arn) in types
    ]
    return list(dict.fromkeys(arns)) or ["*"]


def types_of(action: str) -> frozenset[str]:
    """The resource types that an action of Bedrock's takes; empty where only `*` grants it.

    Raises
    ------
    KeyError
        When the reference has no such action.
    """
    return frozenset(_reference()["actions"][action])


def type_of(arn: str) -> str:
    """The resource type that an ARN is of; empty where it is of none."""
    return next((name for name, pattern in _patterns().items() if pattern.fullmatch(arn)), "")


@cache
def _reference() -> dict[str, Any]:
    text = (resources.files("local.bedrock") / "authorization.json").read_text("utf-8")
    reference: dict[str, Any] = json.loads(text)
    return reference


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    found = {}
    for name, format_ in _reference()["arns"].items():
        parts = re.split(r"(\$\{\w+\})", format_)
        wild = {"${Partition}": "aws", "${Region}": "[a-z0-9-]+", "${Account}": r"\d{12}"}
        found[name] = re.compile(
            "".join(wild.get(part, ".+") if part.startswith("${") else re.escape(part) for part in parts)
        )
    return found


@cache
def _routers() -> tuple[Router, ...]:
    return tuple(Router(service, {}) for service in ("bedrock", "bedrock-runtime"))


def _operation(method: str, path: str) -> tuple[str, dict[str, str]] | None:
    for router in _routers():
        try:
            name, labels = router.find(method, path)
        except Refusal:
            continue
        if ACTION_OF.get(name, name) in _reference()["actions"]:
            return name, {label: unquote(value) for label, value in labels.items()}
    return None


def _identifiers(document: Any) -> Iterator[str]:
    """The values of identifying members, however deep: an evaluation job names its judge far inside."""
    if isinstance(document, Mapping):
        for name, value in document.items():
            if name in IDENTIFYING and isinstance(value, str | list):
                yield from [value] if isinstance(value, str) else value
            else:
                yield from _identifiers(value)
    elif isinstance(document, list):
        for one in document:
            yield from _identifiers(one)


def _arns(name: str, types: frozenset[str], region: str, account: str) -> Iterator[str]:
    if name.startswith("arn:"):
        yield name
        return
    if PROFILE.match(name):
        yield f"arn:aws:bedrock:{region}:{account}:inference-profile/{name}"
        # The profile, and the model in the Region that answers (user guide, inference-profiles-prereq).
        name = name.partition(".")[2]
    if "foundation-model" in types and "." in name:
        yield f"arn:aws:bedrock:{region}::foundation-model/{name}"
        return
    for type_ in sorted(types - {"foundation-model"}):
        yield f"arn:aws:bedrock:{region}:{account}:{type_}/{name}"
        return
