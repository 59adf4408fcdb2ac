"""A dashboard of the journey, and alarms for what a person should look at."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

PERIOD = Duration.minutes(5)


class Observability(Construct):
    """Steps' own errors raise no alarm: a run that fails does, and most are a user's data to cure."""

    def __init__(
        self, scope: Construct, id: str, *, name: str, workflow: sfn.StateMachine,
        functions: Sequence[lambda_.IFunction], watchers: Sequence[lambda_.IFunction], dead_letters: sqs.IQueue,
        topic: sns.ITopic,
    ) -> None:  # fmt: skip
        super().__init__(scope, id)
        self._topic = topic
        expired = _custom(name, "ExpiredThroughput")
        self.alarms = [
            self._alarm(
                "RunFailed",
                "A run failed, was aborted or timed out. Look: tunedrop runs, then tunedrop show RUN",
                _sum(
                    "failed runs",
                    workflow.metric_failed(period=PERIOD),
                    workflow.metric_aborted(period=PERIOD),
                    workflow.metric_timed_out(period=PERIOD),
                ),
            ),
            self._alarm(
                "Throttled",
                "Step Functions or Lambda is throttled. Look: Service Quotas, Lambda concurrent executions",
                _sum(
                    "throttles",
                    workflow.metric_throttled(period=PERIOD),
                    *(watcher.metric_throttles(period=PERIOD) for watcher in watchers),
                ),
            ),
            self._alarm(
                "WatcherFailed",
                "resume_waits or sweep_throughput raised an error. Look: its log group",
                _sum("errors", *(watcher.metric_errors(period=PERIOD) for watcher in watchers)),
            ),
            self._alarm(
                "EventsLost",
                "An event could not be delivered. Look: the dead-letter queue's messages say which, and why",
                dead_letters.metric_approximate_number_of_messages_visible(
                    period=PERIOD, statistic="Maximum"
                ),
            ),
            self._alarm(
                "ThroughputExpired",
                "Throughput is older than its expiry and still bills. Look: tunedrop throughput",
                expired,
            ),
        ]
        self._dashboard(name, workflow, functions, dead_letters, expired)

    def _alarm(self, id: str, description: str, metric: cloudwatch.IMetric) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            id,
            alarm_description=description,
            metric=metric,
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))
        return alarm

    def _dashboard(
        self, name: str, workflow: sfn.StateMachine, functions: Sequence[lambda_.IFunction],
        dead_letters: sqs.IQueue, expired: cloudwatch.IMetric,
    ) -> None:  # fmt: skip
        runs = [
            workflow.metric_started(period=PERIOD),
            workflow.metric_succeeded(period=PERIOD),
            workflow.metric_failed(period=PERIOD),
        ]
        trouble = [dead_letters.metric_approximate_number_of_messages_visible(period=PERIOD), expired]
        dashboard = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=name)
        dashboard.add_widgets(
            cloudwatch.GraphWidget(title="Runs", left=runs, width=12),
            cloudwatch.GraphWidget(title="Dead letters and expired throughput", left=trouble, width=12),
        )
        dashboard.add_widgets(
            cloudwatch.GraphWidget(
                title="Errors by step", width=12, left=[one.metric_errors(period=PERIOD) for one in functions]
            ),
            cloudwatch.GraphWidget(
                title="Duration by step (longest)",
                width=12,
                left=[one.metric_duration(period=PERIOD, statistic="Maximum") for one in functions],
            ),
        )
        dashboard.add_widgets(cloudwatch.AlarmStatusWidget(title="Alarms", alarms=self.alarms, width=24))


def _custom(service: str, metric: str) -> cloudwatch.Metric:
    """A metric that a function writes by way of its log (embedded metric format)."""
    return cloudwatch.Metric(
        namespace="Tunedrop",
        metric_name=metric,
        dimensions_map={"service": service},
        period=PERIOD,
        statistic="Maximum",
    )


def _sum(label: str, *metrics: cloudwatch.IMetric) -> cloudwatch.MathExpression:
    using = {f"m{number}": metric for number, metric in enumerate(metrics)}
    expression = " + ".join(f"FILL({name}, 0)" for name in using)
    return cloudwatch.MathExpression(label=label, expression=expression, using_metrics=using, period=PERIOD)
