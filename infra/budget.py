"""An AWS Budget on the stack's cost tag, for stages with the setting `cost_budget`."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_sns as sns
from constructs import Construct

from tunedrop import naming


class Budget(Construct):
    """Notifies the topic when the month's forecast, and when its actual cost, exceeds the budget.

    Costs count from the activation of the tag in the billing console ("Cost allocation tags"), which takes up
    to a day.
    """

    def __init__(
        self, scope: Construct, id: str, *, stage: str, monthly_usd: float, topic: sns.Topic
    ) -> None:
        super().__init__(scope, id)

        def tell(kind: str) -> budgets.CfnBudget.NotificationWithSubscribersProperty:
            return budgets.CfnBudget.NotificationWithSubscribersProperty(
                notification=budgets.CfnBudget.NotificationProperty(
                    comparison_operator="GREATER_THAN", notification_type=kind, threshold=100
                ),
                subscribers=[
                    budgets.CfnBudget.SubscriberProperty(subscription_type="SNS", address=topic.topic_arn)
                ],
            )

        region = Stack.of(self).region
        budget = budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                # Budgets belong to an account, stages to a Region of it.
                budget_name=f"tunedrop-{stage}-{region}",
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=monthly_usd, unit="USD"),
                cost_filters={"TagKeyValue": [f"user:{naming.STAGE_TAG}${stage}"], "Region": [region]},
            ),
            notifications_with_subscribers=[tell("FORECASTED"), tell("ACTUAL")],
        )
        # A budget can only be created if its topic already allows AWS Budgets to publish.
        budget.node.add_dependency(topic)
