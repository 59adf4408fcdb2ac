"""One stage as a stack: the pipeline, and CloudFormation outputs for people."""

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
        # A template has 1 MB, and its indentation would take a quarter of it.
        super().__init__(scope, id, suppress_template_indentation=True, **properties)
        # CDK omits "Default" from logical ids, as if the parts were directly in the stack.
        tunedrop = Tunedrop(self, "Default", settings=settings, bundles=bundles)
        region, console = self.region, f"https://{self.region}.console.aws.amazon.com"
        outputs = {
            "IntakeBucket": (tunedrop.intake.bucket_name, "Upload datasets to drop/ or runs/NAME/"),
            "ArtifactsBucket": (
                tunedrop.artifacts.bucket_name,
                "Reports, predictions and the index page of all runs",
            ),
            "TopicArn": (tunedrop.topic.topic_arn, "Subscribe for run results, approval requests and alarms"),
            "StateMachineArn": (
                tunedrop.workflow.state_machine_arn,
                "The workflow; each run is an execution",
            ),
            "KeyArn": (tunedrop.key.key_arn, "The KMS key of buckets, tables, topics and models"),
            "RegistryTable": (tunedrop.runs.table_name, "All data about every run"),
            "IndexPage": (
                f"{console}/s3/object/{tunedrop.artifacts.bucket_name}?region={region}&prefix=index.html",
                "All runs, spend and production models (written when the first run ends)",
            ),
            "Dashboard": (
                f"{console}/cloudwatch/home?region={region}#dashboards/dashboard/{tunedrop.name}-{region}",
                "Runs, errors, alarms",
            ),
            "Executions": (
                f"{console}/states/home?region={region}#/statemachines/view/{tunedrop.workflow.state_machine_arn}",
                "Every run, step by step",
            ),
        }
        if tunedrop.chat is not None:
            outputs["ChatTopic"] = (tunedrop.chat.topic_arn, "The topic for the chat client")
        for name, (value, description) in outputs.items():
            CfnOutput(self, name, value=value, description=description)
