"""The rules that call the watchers: the events of jobs, signal objects, and schedules.

Schedules complement the events, because Bedrock sends events on a best-effort basis.
"""

from __future__ import annotations

from collections.abc import Collection

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.start_rule import SIGNAL_KEYS, object_created
from tunedrop.training.engine import JobEvent


class EventRules(Construct):
    """The rules of the watchers."""

    def __init__(
        self, scope: Construct, id: str, *, resume: lambda_.IFunction, sweep: lambda_.IFunction,
        prices: lambda_.IFunction, job_events: Collection[JobEvent],
        intake: s3.IBucket, workflow: sfn.IStateMachine, resume_every: Duration, sweep_every: Duration,
        dead_letters: sqs.IQueue,
    ) -> None:  # fmt: skip
        super().__init__(scope, id)
        self._dead_letters = dead_letters
        self._resume(resume, intake, resume_every, job_events)
        self._sweep(sweep, workflow, sweep_every)
        self._every("Prices", prices, "reads Bedrock's prices from AWS's price list", Duration.days(1))

    def _resume(
        self, function: lambda_.IFunction, intake: s3.IBucket, interval: Duration,
        job_events: Collection[JobEvent],
    ) -> None:  # fmt: skip
        """Waits are checked when a job changes, when a run is approved or stopped, and regularly."""
        if job_events:
            pattern = events.EventPattern(
                source=sorted({one.source for one in job_events}),
                detail_type=sorted({one.detail_type for one in job_events}),
            )
            self._on("JobChanged", function, "a training job changed its state", pattern)
        self._on("Signalled", function, "a run was approved or stopped", object_created(intake, SIGNAL_KEYS))
        self._every("Resume", function, "checks every wait, in case an event was lost", interval)

    def _sweep(self, function: lambda_.IFunction, workflow: sfn.IStateMachine, interval: Duration) -> None:
        """What no run owns any more is released when an execution breaks, and regularly."""
        self._on(
            "RunBroken",
            function,
            "an execution ended without releasing its resources",
            events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "stateMachineArn": [workflow.state_machine_arn],
                    "status": ["ABORTED", "TIMED_OUT", "FAILED"],
                },
            ),
        )
        self._every("Sweep", function, "releases billed resources that no active run owns", interval)

    def _on(
        self, id: str, function: lambda_.IFunction, description: str, pattern: events.EventPattern
    ) -> None:
        events.Rule(
            self,
            id,
            description=f"Tunedrop: {description}",
            event_pattern=pattern,
            targets=[self._target(function, Duration.hours(24))],
        )

    def _every(self, id: str, function: lambda_.IFunction, description: str, interval: Duration) -> None:
        events.Rule(
            self,
            id,
            description=f"Tunedrop: {description}",
            schedule=events.Schedule.rate(interval),
            # The next call does the same work, so late events are dropped.
            targets=[self._target(function, interval)],
        )

    def _target(self, function: lambda_.IFunction, max_age: Duration) -> targets.LambdaFunction:
        return targets.LambdaFunction(
            function, dead_letter_queue=self._dead_letters, max_event_age=max_age, retry_attempts=185
        )
