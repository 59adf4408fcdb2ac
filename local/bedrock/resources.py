"""The IAM resource that each Bedrock request is about (Service Authorization Reference, read 2026-11-23)."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote

from local.bedrock.evaluations import judge_of

_IN_BODY = {
    "/model-customization-jobs": ("baseModelIdentifier", "foundation-model"),
    "/model-customization/custom-model-deployments": ("modelArn", "custom-model"),
    "/provisioned-model-throughput": ("modelId", "custom-model"),
    "/listTagsForResource": ("resourceARN", ""),
    "/tagResource": ("resourceARN", ""),
    "/untagResource": ("resourceARN", ""),
}
"""What a POST names in its body, and which resource type a bare name of it is."""

_IN_PATH = (
    (re.compile(r"/foundation-models/(.+)"), "foundation-model"),
    (re.compile(r"/foundation-model-availability/(.+)"), "foundation-model"),
    (re.compile(r"/model-customization-jobs/(.+?)(?:/stop)?"), "model-customization-job"),
    (re.compile(r"/model-customization/custom-model-deployments/(.+)"), "custom-model-deployment"),
    (re.compile(r"/provisioned-model-throughput/(.+)"), "provisioned-model"),
    (re.compile(r"/custom-models/(.+)"), "custom-model"),
    (re.compile(r"/evaluation-jobs?/(.+?)(?:/stop)?"), "evaluation-job"),
    (re.compile(r"/model/(.+)/(?:converse|invoke)"), "foundation-model"),
)


def resource_of(method: str, path: str, body: bytes, region: str, account: str) -> str:
    """The ARN that a policy has to allow; `*` for operations that have no resource, such as lists."""
    path = unquote(path)
    if method == "POST" and path == "/evaluation-jobs":
        return _arn(judge_of(json.loads(body or b"{}")), "foundation-model", region, account)
    if method == "POST" and path in _IN_BODY:
        field, kind = _IN_BODY[path]
        return _arn(str(json.loads(body or b"{}").get(field, "*")), kind, region, account)
    for pattern, kind in _IN_PATH:
        match = pattern.fullmatch(path)
        if match:
            return _arn(match[1], kind, region, account)
    return "*"


def _arn(name: str, kind: str, region: str, account: str) -> str:
    if name.startswith("arn:") or name == "*":
        return name
    if kind == "foundation-model":
        if re.match(r"(us|eu|apac|global)\.", name):
            return f"arn:aws:bedrock:{region}:{account}:inference-profile/{name}"
        return f"arn:aws:bedrock:{region}::foundation-model/{name}"
    return f"arn:aws:bedrock:{region}:{account}:{kind}/{name}"
