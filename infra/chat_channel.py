"""The chat channel: the configuration of Amazon Q Developer in chat applications, and its buttons.

A message's fields determine its buttons (`tunedrop.reporting.chat_channel`): they appear if the message has
the code of an estimate of this stage in this Region, which is all that their command contains.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_chatbot as chatbot
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.functions import ANSWERER
from infra.settings import Settings

_CONTEXT = "event.metadata.additionalContext"
"""The path of a variable's value in a custom notification, and the type `Custom`, as in several public
stacks; AWS's guide has no example. A belief until tried in an account."""

BUTTONS = {"approve": ("Approve", "yes"), "stop": ("Refuse", "no")}
"""The text of each button, and its key in `lambdas.answer.handler.Input`."""


class ChatChannel(Construct):
    """The buttons of approval requests, and the channel, if the settings name one.

    Anyone who can write to the channel can press them. The channel's role and guardrail may only call one
    function and read the encrypted topic; the function can only answer approval requests.
    """

    def __init__(
        self, scope: Construct, id: str, *, settings: Settings, topic: sns.ITopic, key: kms.IKey,
        answer: lambda_.Function,
    ) -> None:  # fmt: skip
        super().__init__(scope, id)
        self._settings, self._topic = settings, topic
        self._name = f"tunedrop-{settings.name}-{Stack.of(self).region}"
        self._actions = [self._button(name).attr_custom_action_arn for name in BUTTONS]
        if settings.slack is not None or settings.teams is not None:
            self._channel(answer, key)

    def _button(self, name: str) -> chatbot.CfnCustomAction:
        text, argument = BUTTONS[name]
        stage, region = self._settings.name, Stack.of(self).region
        function = f"tunedrop-{stage}-{ANSWERER.name}"
        return chatbot.CfnCustomAction(
            self,
            text,
            action_name=f"{self._name}-{name}",
            definition=chatbot.CfnCustomAction.CustomActionDefinitionProperty(
                command_text=f"lambda invoke --function-name {function} "
                f'--payload {{"{argument}":"$c"}} --region {region}'
            ),
            attachments=[
                chatbot.CfnCustomAction.CustomActionAttachmentProperty(
                    button_text=text,
                    notification_type="Custom",
                    variables={
                        "c": f"{_CONTEXT}.approval", "s": f"{_CONTEXT}.stage", "r": f"{_CONTEXT}.region",
                    },
                    criteria=[_criterion("c"), _criterion("s", stage), _criterion("r", region)],
                )
            ],
        )  # fmt: skip

    def _channel(self, answer: lambda_.Function, key: kms.IKey) -> None:
        """The Slack or Teams channel, with the buttons."""
        policy = self._policy(answer, key)
        common: dict[str, Any] = {
            "configuration_name": self._name, "iam_role_arn": self._role(policy).role_arn,
            "logging_level": "INFO", "guardrail_policies": [policy.managed_policy_arn],
            "sns_topic_arns": [self._topic.topic_arn], "customization_resource_arns": self._actions,
        }  # fmt: skip
        if (slack := self._settings.slack) is not None:
            chatbot.CfnSlackChannelConfiguration(
                self, "Slack", slack_workspace_id=slack.workspace, slack_channel_id=slack.channel, **common
            )
        if (teams := self._settings.teams) is not None:
            chatbot.CfnMicrosoftTeamsChannelConfiguration(
                self, "Teams", team_id=teams.team, teams_tenant_id=teams.tenant,
                teams_channel_id=teams.channel, **common,
            )  # fmt: skip

    def _policy(self, answer: lambda_.Function, key: kms.IKey) -> iam.ManagedPolicy:
        """The channel's permissions, and their limit."""
        through_sns = {"StringEquals": {"kms:ViaService": f"sns.{Stack.of(self).region}.amazonaws.com"}}
        return iam.ManagedPolicy(
            self,
            "Policy",
            description="Tunedrop: answers approval requests from the chat channel, and nothing else",
            statements=[
                iam.PolicyStatement(
                    sid="Answer", actions=["lambda:InvokeFunction"], resources=[answer.function_arn]
                ),
                iam.PolicyStatement(
                    sid="ReadTopic", actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[key.key_arn],
                    conditions=through_sns,
                ),
            ],
        )  # fmt: skip

    def _role(self, policy: iam.ManagedPolicy) -> iam.Role:
        return iam.Role(
            self,
            "Role",
            description="Assumed by Amazon Q Developer in chat applications for the channel of Tunedrop",
            # Without a condition, as in CDK's own construct: it is not documented that the service sends a
            # source.
            assumed_by=iam.ServicePrincipal("chatbot.amazonaws.com"),
            managed_policies=[policy],
        )


def _criterion(
    variable: str, value: str | None = None
) -> chatbot.CfnCustomAction.CustomActionAttachmentCriteriaProperty:
    return chatbot.CfnCustomAction.CustomActionAttachmentCriteriaProperty(
        operator="HAS_VALUE" if value is None else "EQUALS", variable_name=variable, value=value
    )
