"""A dashboard and the alarms of a stage."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import get_args

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from tunedrop.contracts import Outcome
from tunedrop.monitoring.state import MonthSoFar, OpenRun, Served

PERIOD = Duration.minutes(5)

SHOWN = Duration.minutes(30)
"""The initial time range of the tables: the latest sweeps, so that ended runs do not appear."""

OPEN_RUNS, SERVED, MONTH = (one.__struct_fields__ for one in (OpenRun, Served, MonthSoFar))

RUN_FAILED = "A run failed. Run tunedrop runs, then tunedrop show RUN"
RUN_TIMED_OUT = "A run exceeded the time limit. Check tunedrop show RUN and its execution in Step Functions"
THROTTLED = "AWS throttles Tunedrop. Check Service Quotas, Lambda concurrent executions"
WATCHER_FAILED = "A function that watches waits, throughput or prices failed. Check its log group"
EVENT_LOST = "An event could not be delivered. Check the messages of the dead-letter queue"
SUBJECT_FAILING = (
    "One upload, wait, release or run keeps failing; it is retried, and all others continue. "
    "Check the topic's messages and the log groups of resume-waits and sweep-throughput"
)
THROUGHPUT_EXPIRED = "Expired throughput is still billed. Run tunedrop throughput"


class Observability(Construct):
    """One metric per alarm, so that the alarm says what is wrong; metric math would cost the same.

    Errors of steps raise no alarm: they are retried, or fail their run, which raises one.
    """

    def __init__(
        self, scope: Construct, id: str, *, name: str, workflow: sfn.StateMachine,
        functions: Sequence[lambda_.IFunction], watchers: Sequence[lambda_.IFunction],
        sweep: lambda_.Function, dead_letters: sqs.IQueue, topic: sns.ITopic,
    ) -> None:  # fmt: skip
        super().__init__(scope, id)
        self._topic = topic
        busiest = watchers[0]
        expired = _custom(name, "ExpiredThroughput")
        waiting_dead = dead_letters.metric_approximate_number_of_messages_visible(
            period=PERIOD, statistic="Maximum"
        )
        self.alarms = [
            self._alarm("RunFailed", workflow.metric_failed(period=PERIOD), RUN_FAILED),
            self._alarm("RunTimedOut", workflow.metric_timed_out(period=PERIOD), RUN_TIMED_OUT),
            self._alarm("RunThrottled", workflow.metric_throttled(period=PERIOD), THROTTLED),
            *(
                self._alarm(f"{_title(one)}Failed", one.metric_errors(period=PERIOD), WATCHER_FAILED)
                for one in watchers
            ),
            # One watcher is enough, because throttling affects the whole account, and this one is called
            # every minute.
            self._alarm(f"{_title(busiest)}Throttled", busiest.metric_throttles(period=PERIOD), THROTTLED),
            self._alarm("EventLost", waiting_dead, EVENT_LOST),
            self._alarm("ThroughputExpired", expired, THROUGHPUT_EXPIRED),
            self._alarm("SubjectFailing", _custom(name, "FailingSubjects"), SUBJECT_FAILING),
        ]
        self._dashboard(name, workflow, functions, sweep, dead_letters, expired)

    def _alarm(self, id: str, metric: cloudwatch.IMetric, description: str) -> cloudwatch.Alarm:
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
        sweep: lambda_.Function, dead_letters: sqs.IQueue, expired: cloudwatch.IMetric,
    ) -> None:  # fmt: skip
        """The widgets; the tables query what the sweep has logged."""
        # Dashboards belong to an account, stages to a Region of it.
        region = Stack.of(self).region
        dashboard = cloudwatch.Dashboard(
            self, "Dashboard", dashboard_name=f"{name}-{region}", default_interval=SHOWN
        )
        log = sweep.log_group.log_group_name
        dashboard.add_widgets(_table("Open runs, and what each waits for", log, "open run", OPEN_RUNS, 24))
        dashboard.add_widgets(
            _table("Served models, and what they cost by the hour", log, "served", SERVED, 12),
            _table("This month against the budget", log, "month so far", MONTH, 12),
        )
        graph = functools.partial(cloudwatch.GraphWidget, width=12, start="-P7D", period=Duration.hours(1))
        ended = [_custom(name, "RunsEnded", outcome=one, statistic="Sum") for one in get_args(Outcome)]
        executions = [workflow.metric_started(), workflow.metric_succeeded(), workflow.metric_failed()]
        dashboard.add_widgets(
            graph(title="Results of runs", left=ended, stacked=True), graph(title="Runs", left=executions)
        )
        trouble = [
            dead_letters.metric_approximate_number_of_messages_visible(),
            expired,
            _custom(name, "FailingSubjects"),
        ]
        dashboard.add_widgets(
            graph(title="Errors by function", left=[one.metric_errors() for one in functions]),
            graph(title="Lost events, expired throughput, failing subjects", left=trouble),
        )
        longest = [one.metric_duration(statistic="Maximum") for one in functions]
        dashboard.add_widgets(
            graph(title="Duration by function (longest)", left=longest),
            cloudwatch.AlarmStatusWidget(title="Alarms", alarms=self.alarms, width=12, height=6),
        )


def _table(
    title: str, log: str, message: str, fields: Sequence[str], width: int
) -> cloudwatch.LogQueryWidget:
    """The rows of the latest sweeps: the last state of each key, newest first."""
    key, *others = fields
    return cloudwatch.LogQueryWidget(
        title=title,
        log_group_names=[log],
        query_lines=[
            f'filter message = "{message}"',
            f"stats {', '.join(f'latest({one}) as {one}_' for one in others)}, "
            f"max(@timestamp) as seen by {key}",
            "sort seen desc",
        ],
        width=width,
        height=6,
    )


def _custom(service: str, metric: str, statistic: str = "Maximum", **dimensions: str) -> cloudwatch.Metric:
    """A metric that a function writes to its log (embedded metric format)."""
    return cloudwatch.Metric(
        namespace="Tunedrop",
        metric_name=metric,
        dimensions_map={"service": service, **dimensions},
        period=PERIOD,
        statistic=statistic,
    )


def _title(function: lambda_.IFunction) -> str:
    return function.node.id
