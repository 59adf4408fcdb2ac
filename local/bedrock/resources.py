"""Which IAM action and resources a Bedrock request needs, from AWS's own data, without a mapping of our own.

`authorization` reads the Service Authorization Reference; the request's operation and members come from
botocore's service model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote

from local.bedrock.authorization import reference
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

AND = "|"
"""Between a further action and its resource."""

KEY_MEMBERS = ("customModelKmsKeyId", "importedModelKmsKeyId")
KEY_ACTIONS = ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey")
"""What whoever has a model made under a key needs on it (user guide, encryption-custom-job and
import-model-using-cmk, read 2026-11-30)."""

PROFILE = re.compile(r"(?:us|us-gov|eu|apac|global)\.")
"""Prefixes of cross-Region inference profiles (user guide, inference-profiles-support)."""


def resources_of(
    method: str, path: str, headers: Mapping[str, str], body: bytes, region: str, account: str
) -> list[str]:
    """The ARNs that a policy has to allow, each of them; `*` alone for actions without a resource type.

    Further actions, on the role that a request passes and the key that it names, are written `action|ARN`.
    """
    del headers
    found = _operation(method, path)
    if found is None:
        return ["*"]
    document = json.loads(body) if body[:1] == b"{" else {}
    return [*_named(*found, document, region, account), *_further(document)]


def of_encrypted_models(key_of: Callable[[str], str]) -> Callable[..., list[str]]:
    """`resources_of`, and the right to decrypt with the key of the model that is invoked (the same page,
    PermissionsDecryptModel).

    Parameters
    ----------
    key_of
        The key that the model behind an ARN is under; empty for none.
    """

    def resources(*request: Any) -> list[str]:
        found = resources_of(*request)
        return [*found, *(f"kms:Decrypt{AND}{key}" for arn in found if (key := key_of(arn)))]

    return resources


def _further(document: Mapping[str, Any]) -> Iterator[str]:
    if role := document.get("roleArn"):
        yield f"iam:PassRole{AND}{role}"
    for key in filter(None, map(document.get, KEY_MEMBERS)):
        yield from (f"{action}{AND}{key}" for action in KEY_ACTIONS)


def _named(
    name: str, labels: Mapping[str, str], document: Mapping[str, Any], region: str, account: str
) -> list[str]:
    types = reference("bedrock").types_of(ACTION_OF.get(name, name))
    if not types:
        return ["*"]
    named = [value for name, value in labels.items() if name in IDENTIFYING]
    arns = [
        arn
        for value in (*named, *_identifiers(document))
        for arn in _arns(value, types, region, account)
        if reference("bedrock").type_of(arn) in types
    ]
    return list(dict.fromkeys(arns)) or ["*"]


@cache
def _routers() -> tuple[Router, ...]:
    return tuple(Router(service, {}) for service in ("bedrock", "bedrock-runtime"))


def _operation(method: str, path: str) -> tuple[str, dict[str, str]] | None:
    for router in _routers():
        try:
            name, labels = router.find(method, path)
        except Refusal:
            continue
        if reference("bedrock").knows(ACTION_OF.get(name, name)):
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
        # The profile, and the model in the Region that answers (user guide, inference-profiles-prereq); of a
        # global one also without a Region (global-cross-region-inference; aws-samples/sample-badgers 33).
        geography, _, name = name.partition(".")
        if geography == "global":
            yield f"arn:aws:bedrock:::foundation-model/{name}"
    if "foundation-model" in types and "." in name:
        yield f"arn:aws:bedrock:{region}::foundation-model/{name}"
        return
    for type_ in sorted(types - {"foundation-model"}):
        yield f"arn:aws:bedrock:{region}:{account}:{type_}/{name}"
        return
