"""Checks the policy of a stage's key: whether AWS services without a role of ours may use it.

The stack writes the policy of its own key, but cannot change that of an existing key (`kms_key`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from tunedrop.aws import Aws
from tunedrop.doctor._finding import Finding
from tunedrop.stage import Stage

NAME = "key policy"
USES = ("kms:Decrypt", "kms:GenerateDataKey")

SERVICES = {
    "cloudwatch.amazonaws.com": "no alarm arrives",
    "bedrock.amazonaws.com": "provisioned throughput cannot serve tuned Nova models",
}
"""Services that use the key directly, and what fails otherwise (CloudWatch user guide, on encrypted topics;
Nova user guide, customize-fine-tune-encrypt; read 2026-11-29). AWS Budgets only for a stage with a budget."""


def check(aws: Aws, stage: Stage) -> Iterator[Finding]:
    """One finding: the services that may not use the key, and what fails."""
    answer = aws.client("kms", read_timeout=15).get_key_policy(KeyId=stage.key_arn, PolicyName="default")
    statements = json.loads(answer["Policy"])["Statement"]
    stopped = [f"{one} may not use it: {why}" for one, why in SERVICES.items() if not _may(statements, one)]
    if not _delegates(statements, stage.account):
        stopped.append("it does not let IAM policies of the account allow its use: no function can work")
    yield Finding(
        about=f"Stage {stage.name}",
        name=NAME,
        state="bad" if stopped else "good",
        detail="; ".join(stopped) or "functions, alarms and Bedrock may use the key",
        hint=f"Add the statements of docs/how-to/stages.md (Your own key) to the policy of {stage.key_arn}; "
        f"or, for the stack's own key: make deploy STAGE={stage.name}"
        if stopped
        else "",
    )


def _may(statements: list[Mapping[str, Any]], service: str) -> bool:
    """Whether a service may use the key for both actions; conditions are assumed to hold."""
    return all(
        any(
            one["Effect"] == "Allow"
            and service in _of(one, "Service")
            and any(fnmatchcase(use, action) for action in _listed(one.get("Action")))
            for one in statements
        )
        for use in USES
    )


def _delegates(statements: list[Mapping[str, Any]], account: str) -> bool:
    """Whether the key policy delegates to the account's IAM policies (KMS developer guide,
    key-policy-default-allow-root-enable-iam)."""
    everybody = (account, f"arn:aws:iam::{account}:root")
    return any(
        one["Effect"] == "Allow"
        and any(name in _of(one, "AWS") for name in everybody)
        and {"kms:*", "*"} & {*_listed(one.get("Action"))}
        for one in statements
    )


def _of(statement: Mapping[str, Any], kind: str) -> list[str]:
    principal = statement.get("Principal", {})
    return _listed(principal.get(kind)) if isinstance(principal, Mapping) else []


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())
