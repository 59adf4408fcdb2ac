"""The stage's own KMS key, and the AWS services that may use a stage's key without a role of ours."""

from __future__ import annotations

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.settings import Settings


class Encryption(Construct):
    """One key for buckets, tables, topics and tuned models, rotated yearly by KMS."""

    def __init__(self, scope: Construct, id: str, *, removal: RemovalPolicy) -> None:
        super().__init__(scope, id)
        self.key = kms.Key(
            self,
            "Key",
            description=f"Tunedrop: data, registry, notifications and models of {Stack.of(self).stack_name}",
            enable_key_rotation=True,
            removal_policy=removal,
        )


def stage_key(
    scope: Construct, settings: Settings, given: kms.IKey | None, removal: RemovalPolicy
) -> kms.IKey:
    """The given key, or the existing key that the settings name, or a new one."""
    if given is not None:
        key = given
    elif settings.kms_key is not None:
        key = kms.Key.from_key_arn(scope, "Encryption", settings.kms_key)
    else:
        key = Encryption(scope, "Encryption", removal=removal).key
    _let_services_use(key, Stack.of(scope).account)
    return key


def _let_services_use(key: kms.IKey, account: str) -> None:
    """Add to a key's policy what alarms, budgets and Bedrock need. An imported key must already have it."""
    # Alarms and budgets publish to the encrypted topic directly (CloudWatch user guide, "Alarms and SNS
    # topics with encryption"; Budgets user guide, "SNS topic for budget notifications").
    of_the_account = {"StringEquals": {"aws:SourceAccount": account}}
    for service in ("cloudwatch", "budgets"):
        _allow(key, f"Publish{service.capitalize()}", service, of_the_account)
    # Bedrock prepares a custom Nova model for provisioned throughput by itself: the page wants this statement
    # in the key's policy always, and has this condition (Nova user guide, customize-fine-tune-encrypt,
    # PermissionsNovaProvisionedThroughput, read 2026-11-29).
    of_models = {"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "aws:bedrock:custom-model"}}
    _allow(key, "ServeCustomModels", "bedrock", of_models)


def _allow(key: kms.IKey, sid: str, service: str, conditions: dict[str, dict[str, str]]) -> None:
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid=sid,
            principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=["*"],  # in a key policy: this key
            conditions=conditions,
        )
    )
