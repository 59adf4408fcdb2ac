"""The state machine's resources: its definition from `workflow`, its logs, its limits."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.functions import Functions
from infra.workflow import Journey

EXECUTION_TIMEOUT = Duration.days(180)


class Workflow(Construct):
    """One Standard state machine, in JSONata; one execution a run."""

    def __init__(
        self, scope: Construct, id: str, *, name: str, functions: Functions, approval_timeout: Duration,
        shard_concurrency: int, log_retention: logs.RetentionDays,
    ) -> None:  # fmt: skip
        super().__init__(scope, id)
        log_group = logs.LogGroup(
            self,
            "Logs",
            # A name under this prefix needs no resource policy of its own (Step Functions guide, cw-logs).
            log_group_name=f"/aws/vendedlogs/states/{name}",
            retention=log_retention,
            removal_policy=RemovalPolicy.DESTROY,  # like those of the functions
        )
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=name,
            comment="Tunedrop: from a dropped dataset to a tuned, evaluated, reported model",
            definition_body=sfn.DefinitionBody.from_chainable(
                Journey(self, functions, approval_timeout, shard_concurrency).chain()
            ),
            query_language=sfn.QueryLanguage.JSONATA,
            timeout=EXECUTION_TIMEOUT,
            tracing_enabled=True,
            # All events, to see a run's history after Step Functions deletes it in 90 days; without input and
            # output, which the registry and the artifacts bucket store under our key.
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
            removal_policy=RemovalPolicy.DESTROY,
        )
