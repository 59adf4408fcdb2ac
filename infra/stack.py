"""One stage as a stack of its own: the pipeline, and what people look up in CloudFormation's outputs."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra.bundling import Bundles
from infra.pipeline import Tunedrop
from infra.settings import Settings


class TunedropStack(Stack):
    """One stage of Tunedrop in one account and Region."""

    def __init__(
        self, scope: Construct, id: str, *, settings: Settings, bundles: Bundles, **properties: Any
    ) -> None:
        super().__init__(scope, id, **properties)
        # CDK leaves "Default" out of logical ids: they are as if the parts were the stack's own.
        tunedrop = Tunedrop(self, "Default", settings=settings, bundles=bundles)
        outputs = {
            "IntakeBucket": tunedrop.intake.bucket_name,
            "ArtifactsBucket": tunedrop.artifacts.bucket_name,
            "TopicArn": tunedrop.topic.topic_arn,
            "StateMachineArn": tunedrop.workflow.state_machine_arn,
            "RegistryTable": tunedrop.runs.table_name,
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)
