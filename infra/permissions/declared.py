"""IAM statements of the permissions that engines and serving modes declare (`tunedrop.aws.permission`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from tunedrop.aws.permission import Permission


class Filling:
    """Fills the words in braces of one stage's permissions; some stand for several values."""

    def __init__(
        self, stack: Stack, stage: str, artifacts: s3.IBucket, key: kms.IKey,
        training_role: iam.IRole | None = None, import_role: iam.IRole | None = None,
        several: Mapping[str, Sequence[str]] | None = None,
    ) -> None:  # fmt: skip
        self._words = {
            "{region}": stack.region,
            "{account}": stack.account,
            "{stage}": stage,
            "{training_role}": training_role.role_arn if training_role is not None else "",
            "{import_role}": import_role.role_arn if import_role is not None else "",
            "{artifacts}": artifacts.bucket_arn,
            "{key}": key.key_arn,
        }
        self._several = several or {}

    def statement(self, one: Permission) -> iam.PolicyStatement:
        """A permission as a statement of a policy."""
        conditions = {
            operator: {key: _one_or_all(self._values(value)) for key, value in keys.items()}
            for operator, keys in one.conditions.items()
        }
        return iam.PolicyStatement(
            sid=one.sid,
            actions=list(one.actions),
            resources=[value for arn in one.resources for value in self._values(arn)],
            conditions=conditions or None,
        )

    def _values(self, text: str | tuple[str, ...]) -> list[str]:
        if not isinstance(text, str):
            return [value for one in text for value in self._values(one)]
        return list(self._several.get(text, ())) or [self._filled(text)]

    def _filled(self, text: str) -> str:
        for word, value in self._words.items():
            text = text.replace(word, value)
        return text


def _one_or_all(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values
