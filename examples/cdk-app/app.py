"""Tunedrop inside an app of your own: two teams, one stack, and what else the app wants of them.

`cdk synth --app "python3 examples/cdk-app/app.py"` from the root of the repository.
"""

from __future__ import annotations

from aws_cdk import App, Environment, Stack
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import Settings, Tunedrop
from infra.bundling import Bundles


class ModelFactory(Stack):
    """Tuned models for support and for search, and the service that answers with them."""

    def __init__(self, scope: Construct, id: str, env: Environment, bundles: Bundles | None = None) -> None:
        super().__init__(scope, id, env=env)
        support = Tunedrop(
            self,
            "Support",
            settings=Settings(
                name="support",
                default_base_model="amazon.nova-lite-v1:0:300k",
                budget_usd=50,
                monthly_budget_usd=500,
                notification_emails=("support-ml@example.com",),
            ),
            bundles=bundles,
        )
        search = Tunedrop(
            self,
            "Search",
            settings=Settings(
                name="search",
                default_base_model="amazon.nova-micro-v1:0:128k",
                budget_usd=20,
                monthly_budget_usd=100,
                removal="destroy",
            ),
            bundles=bundles,
            key=support.key,  # one KMS key for both
        )

        answering = iam.Role(self, "Answering", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
        support.grant_ask_models(answering, "persona")  # the alias /tunedrop/support/models/persona
        uploads = iam.Role(self, "Uploads", assumed_by=iam.ServicePrincipal("glue.amazonaws.com"))
        search.grant_submit(uploads)
        promoted = sqs.Queue(self, "Promoted", enforce_ssl=True)
        support.on_run_ended("OnPromoted", targets.SqsQueue(promoted), outcomes=["promoted"])


def main() -> None:
    """What `cdk` runs."""
    app = App()
    ModelFactory(app, "ModelFactory", env=Environment(region="us-east-1"))
    app.synth()


if __name__ == "__main__":
    main()
