"""The stage's own KMS key, and the AWS services that may use it without a role of ours."""

from __future__ import annotations

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct


class Encryption(Construct):
    """One key for buckets, tables, the topic and the tuned models; rotated every year by KMS."""

    def __init__(self, scope: Construct, id: str, *, removal: RemovalPolicy) -> None:
        super().__init__(scope, id)
        stack = Stack.of(self)
        self.key = kms.Key(
            self,
            "Key",
            description=f"Tunedrop: data, registry, notifications and models of {stack.stack_name}",
            enable_key_rotation=True,
            removal_policy=removal,
        )
        # Alarms and budgets publish to the encrypted topic by themselves (CloudWatch user guide, "Alarms and
        # SNS topics with encryption"; Budgets user guide, "SNS topic for budget notifications").
        for service in ("cloudwatch", "budgets"):
            self.key.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=f"Publish{service.capitalize()}",
                    principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
                    actions=["kms:Decrypt", "kms:GenerateDataKey"],
                    resources=["*"],  # in a key policy: this key
                    conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
                )
            )
        # Bedrock prepares a custom Nova model for provisioned throughput by itself, without a role of ours
        # (Nova user guide, customize-fine-tune-encrypt, PermissionsNovaProvisionedThroughput, which is said
        # to be in the key's policy always; read 2026-11-29). The condition is the page's.
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="ServeCustomModels",
                principals=[iam.ServicePrincipal("bedrock.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],
                conditions={
                    "ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "aws:bedrock:custom-model"}
                },
            )
        )
