"""IAM statements of what a training engine says that it needs (`tunedrop.training.engine.Permission`)."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from tunedrop.training.engine import Permission


class Filling:
    """Fills the words in braces of one stage's permissions."""

    def __init__(self, stack: Stack, stage: str, artifacts: s3.IBucket, training_role: str = "") -> None:
        self._words = {
            "{region}": stack.region,
            "{account}": stack.account,
            "{stage}": stage,
            "{training_role}": training_role,
            "{artifacts}": artifacts.bucket_arn,
        }

    def statement(self, one: Permission) -> iam.PolicyStatement:
        """A permission as a statement of a policy."""
        conditions = {
            operator: {key: self._filled(value) for key, value in keys.items()}
            for operator, keys in one.conditions.items()
        }
        return iam.PolicyStatement(
            sid=one.sid,
            actions=list(one.actions),
            resources=[self._filled(arn) for arn in one.resources],
            conditions=conditions or None,
        )

    def _filled(self, text: str) -> str:
        for word, value in self._words.items():
            text = text.replace(word, value)
        return text
