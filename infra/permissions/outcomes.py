"""Access to the results of a run (aliases in Parameter Store, the notification, the event) and to prices."""

from __future__ import annotations

from aws_cdk import aws_iam as iam

from infra.permissions.base import Statements, allow


class Outcomes(Statements):
    """Statements about aliases, topics, the event bus and the price list."""

    def publish(self) -> iam.PolicyStatement:
        topics = [
            topic.topic_arn for topic in (self.resources.topic, self.resources.chat) if topic is not None
        ]
        return allow("Publish", ["sns:Publish"], topics)

    def write_aliases(self) -> iam.PolicyStatement:
        """Includes deletion: of an alias whose name was withdrawn meanwhile, or whose model, which somebody
        set by hand, is about to be deleted."""
        aliases = self.arn(f"parameter{self.resources.stage.alias_prefix}/*", "ssm")
        actions = [f"ssm:{verb}Parameter" for verb in ("Get", "Put", "Delete")]
        return allow("WriteAliases", actions, [aliases])

    def read_alias(self) -> iam.PolicyStatement:
        aliases = self.arn(f"parameter{self.resources.stage.alias_prefix}/*", "ssm")
        return allow("ReadAlias", ["ssm:GetParameter"], [aliases])

    def list_aliases(self) -> iam.PolicyStatement:
        """By path, whose ARN AWS writes with and without a trailing slash."""
        prefix = self.arn(f"parameter{self.resources.stage.alias_prefix}", "ssm")
        return allow("ListAliases", ["ssm:GetParametersByPath"], [prefix, f"{prefix}/*"])

    def read_prices(self) -> iam.PolicyStatement:
        """The price list is public and takes no resource (Service Authorization Reference, pricing)."""
        return allow("ReadPrices", ["pricing:GetProducts"], ["*"])

    def put_events(self) -> iam.PolicyStatement:
        event_bus = self.arn(f"event-bus/{self.resources.stage.event_bus}", "events")
        return allow("PutEvents", ["events:PutEvents"], [event_bus])
