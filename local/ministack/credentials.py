"""Temporary credentials of roles, as AWS services obtain them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping

from ministack.core import iam_evaluator, responses, router
from ministack.services import iam, sts


def assume_role(role_arn: str, service: str, account_id: str, source_arn: str) -> dict[str, str] | None:
    """Credentials of a role for an AWS service; None if its trust policy does not allow it.

    The trust policy is evaluated with `aws:SourceAccount` and `aws:SourceArn`, by MiniStack's IAM.
    """
    role = iam._roles.get_scoped(account_id, None, role_arn.rpartition("/")[2])
    if role is None or role.get("Arn") != role_arn:
        return None
    context = iam_evaluator.EvalContext(
        principal_arn="",
        principal_type="Service",
        principal_account=account_id,
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region="",
        service_context={"aws:sourceaccount": account_id, "aws:sourcearn": source_arn},
    )
    trust = role["AssumeRolePolicyDocument"]
    if iam_evaluator.evaluate_resource_policy(trust, context, service=service).decision != "Allow":
        return None
    return _session(role_arn, account_id, service.partition(".")[0])


def on_behalf_of(headers: Mapping[str, str]) -> dict[str, str] | None:
    """Credentials with which a service acts as its caller; None if the caller is not a role."""
    session = sts._sessions.get(router.extract_access_key_id(dict(headers), {}) or "", {})
    caller, _, name = str(session.get("Arn", "")).partition(":assumed-role/")
    if not name:
        return None
    account_id = caller.rpartition(":")[2]
    role_arn = f"arn:aws:iam::{account_id}:role/{name.partition('/')[0]}"
    return _session(role_arn, account_id, "bedrock-mantle")


def _session(role_arn: str, account_id: str, name: str) -> dict[str, str]:
    key = "ASIA" + secrets.token_hex(8).upper()
    secret, token = secrets.token_hex(20), hashlib.sha256(key.encode()).hexdigest()
    role = role_arn.rpartition("/")[2]
    responses.set_request_account_id(account_id)
    sts.register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{account_id}:assumed-role/{role}/{name}",
            "UserId": f"{role}:{name}",
            "SecretAccessKey": secret,
            "SessionToken": token,
            "AccountId": account_id,
            "PrincipalType": "AssumedRole",
        },
    )
    return {"aws_access_key_id": key, "aws_secret_access_key": secret, "aws_session_token": token}
