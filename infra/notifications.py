"""The topic for run results, approval requests and alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from tunedrop.aws.subjects import NOTIFY


class Notifications(Construct):
    """An encrypted topic that requires TLS, its mail subscriptions, and, if enabled, a topic for chat."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        key: kms.IKey,
        emails: Sequence[str],
        groups: Mapping[str, Sequence[str]],
        chat: bool,
    ) -> None:
        super().__init__(scope, id)
        self.topic = sns.Topic(self, "Topic", display_name="Tunedrop", master_key=key, enforce_ssl=True)
        self.chat = (
            sns.Topic(self, "Chat", display_name="Tunedrop chat", master_key=key, enforce_ssl=True)
            if chat
            else None
        )
        for service in ("cloudwatch", "budgets"):
            self.topic.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=f"Publish{service.capitalize()}",
                    principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
                    actions=["sns:Publish"],
                    resources=[self.topic.topic_arn],
                    conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
                )
            )
        for email in dict.fromkeys(emails):
            self.topic.add_subscription(subscriptions.EmailSubscription(email))
        for email in sorted({one for group in groups.values() for one in group} - set(emails)):
            names = [email, *(name for name, group in groups.items() if email in group)]
            named = {NOTIFY: sns.SubscriptionFilter.string_filter(allowlist=names)}
            self.topic.add_subscription(subscriptions.EmailSubscription(email, filter_policy=named))

    def give_receipts_to(self, function: lambda_.IFunction) -> None:
        """Subscribe a function to the end of all runs."""
        ends = {"event": sns.SubscriptionFilter.string_filter(allowlist=["run-ended"])}
        self.topic.add_subscription(subscriptions.LambdaSubscription(function, filter_policy=ends))
