"""The state machine: the journey of one dataset, read from top to bottom.

Every step leaves its result in a variable and hands the next what it needs by name. Whatever fails goes by
way of ReleaseThroughput, so that nothing that bills is left, and Notify, so that somebody is told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.functions import Functions

SLOT_PATIENCE = Duration.days(60)
TRAINING_PATIENCE = Duration.days(14)
THROUGHPUT_PATIENCE = Duration.days(1)
"""How long a run waits at most, should neither event nor schedule ever end the wait: then it fails, and what
it holds is released. A long queue and the job of 74 hours that was reported stay well below."""

EXECUTION_TIMEOUT = Duration.days(120)

LAMBDA_ERRORS = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
)
KILLED = ("Lambda.Unknown", "Sandbox.Timedout", "Runtime.ExitError")
"""A function that ran out of time or memory, or lost its machine: worth two more tries, not six."""

# A function that raises gives its error as JSON text around the message; a person wants the message. Never
# parsed as a whole: Step Functions cuts causes at 32 KiB, and an error inside Catch could not be caught.
CAUSE = r"""(
  $cause := $exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : "";
  $found := $match($cause, /"errorMessage":\s*("(?:[^"\\]|\\.)*")/);
  $exists($found) ? $parse($found[0].groups[0])
    : $cause != "" ? $cause
    : $states.errorOutput.Error = "States.Timeout" ? "it took longer than it may" : "no cause was given"
)"""

_NULL = "{% null %}"  # a plain None would not survive the way through jsii


class Workflow(Construct):
    """One Standard state machine, in JSONata; one execution a run."""

    def __init__(
        self, scope: Construct, id: str, *, name: str, functions: Functions, approval_timeout: Duration,
        log_retention: logs.RetentionDays, removal: RemovalPolicy,
    ) -> None:  # fmt: skip
        super().__init__(scope, id)
        log_group = logs.LogGroup(
            self,
            "Logs",
            # A name under this prefix needs no resource policy of its own (Step Functions guide, cw-logs).
            log_group_name=f"/aws/vendedlogs/states/{name}",
            retention=log_retention,
            removal_policy=removal,
        )
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=name,
            comment="Tunedrop: from a dropped dataset to a tuned, evaluated, reported model",
            definition_body=sfn.DefinitionBody.from_chainable(
                Journey(self, functions, approval_timeout).chain()
            ),
            query_language=sfn.QueryLanguage.JSONATA,
            timeout=EXECUTION_TIMEOUT,
            tracing_enabled=True,
            # All events, so that a run can be followed after its 90 days of history; no input or output, which
            # the registry and the artifacts bucket keep under our key.
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
            removal_policy=removal,
        )


class Journey:
    """The states, and how they follow each other."""

    def __init__(self, scope: Construct, functions: Functions, approval_timeout: Duration) -> None:
        self._scope = scope
        self._functions = functions
        # Refusing when nobody has answered is resume_waits' part; this is the net under it.
        self._approval_patience = approval_timeout.plus(Duration.days(1))
        self._release = self._release_throughput(self._notify().next(self._end()))

    def chain(self) -> sfn.IChainable:
        """Everything, from a dropped file to the notification."""
        register_run = self._register_run()
        validate_data = self._step("ValidateData", "run", result="dataset")
        preflight = self._step("Preflight", "run", "dataset")
        estimate_cost = self._step("EstimateCost", "run", "dataset", result="estimate")
        start_customization = self._step("StartCustomization", "run", "dataset", "granted", result="started")
        wait_for_completion = self._wait(
            "WaitForCompletion",
            "training",
            "$started.job_arn",
            TRAINING_PATIENCE,
            {"job": "{% $states.result %}"},
        )
        set_up_throughput = self._step("SetUpThroughput", "run", "dataset", "job", result="serving")
        evaluate_model = self._evaluate_model()
        promote_model = self._step(
            "PromoteModel", "run", "dataset", "job", "serving", "evaluation", result="promotion"
        )

        register_run.next(self._if_registered(validate_data))
        validate_data.next(preflight).next(estimate_cost).next(self._if_affordable(start_customization))
        start_customization.next(self._if_started(wait_for_completion, start_customization))
        wait_for_completion.next(set_up_throughput).next(self._if_in_service(evaluate_model))
        evaluate_model.next(self._by_verdict(evaluate_model, promote_model))
        promote_model.next(self._release)
        return sfn.Chain.start(register_run)

    # --- from an upload to a run -----------------------------------------------------------------------

    def _register_run(self) -> sfn.TaskStateBase:
        """The one step without Catch: nothing is held yet, and a redrive of the execution starts it again."""
        return self._retried(
            tasks.LambdaInvoke.jsonata(
                self._scope,
                "RegisterRun",
                lambda_function=self._functions["register_run"],
                payload=sfn.TaskInput.from_object(
                    {
                        "event": "{% $states.input %}",
                        "execution_arn": "{% $states.context.Execution.Id %}",
                        "execution_name": "{% $states.context.Execution.Name %}",
                    }
                ),
                outputs="{% $states.result.Payload %}",
                assign={
                    "run": "{% $states.result.Payload.run %}",
                    "granted": False,
                    "next_record": 0,
                    **dict.fromkeys(_VARIABLES, _NULL),
                },
                retry_on_service_exceptions=False,
            )
        )

    def _if_registered(self, go_on: sfn.IChainable) -> sfn.Choice:
        failure = {"failure": "{% $states.input.failure %}"}
        return (
            self._choice("Registered?")
            .when(_where('$states.input.outcome = "registered"'), go_on)
            .when(_where('$states.input.outcome = "refused"'), self._release, assign=failure)
            .otherwise(
                sfn.Succeed.jsonata(
                    self._scope, "NothingToDo", comment="This upload has a run already, or asks for none"
                )
            )
        )

    # --- before paying ---------------------------------------------------------------------------------

    def _if_affordable(self, go_on: sfn.IChainable) -> sfn.Choice:
        await_approval = self._wait(
            "AwaitApproval",
            "approval",
            "$run.run_id",
            self._approval_patience,
            {},
            estimate="{% $estimate %}",
        )
        return (
            self._choice("Affordable?")
            .when(_where("$count($estimate.approval_reasons) > 0"), await_approval.next(go_on))
            .otherwise(go_on)
        )

    # --- training --------------------------------------------------------------------------------------

    def _if_started(self, go_on: sfn.IChainable, start_again: sfn.IChainable) -> sfn.Choice:
        await_slot = self._wait("AwaitSlot", "slot", "$run.run_id", SLOT_PATIENCE, {"granted": True})
        return (
            self._choice("Started?")
            .when(_where('$started.outcome = "queued"'), await_slot.next(start_again))
            .otherwise(go_on)
        )

    # --- serving and evaluation ------------------------------------------------------------------------

    def _if_in_service(self, go_on: sfn.IChainable) -> sfn.Choice:
        await_throughput = self._wait(
            "AwaitThroughput",
            "throughput",
            "$serving.arn",
            THROUGHPUT_PATIENCE,
            {"serving": "{% $states.result %}"},
            serving="{% $serving %}",
        )
        return (
            self._choice("InService?")
            .when(_where('$serving.status = "Creating"'), await_throughput.next(go_on))
            .otherwise(go_on)
        )

    def _evaluate_model(self) -> sfn.TaskStateBase:
        """Comes back to itself with `next_record` while its fifteen minutes are not enough."""
        return self._step(
            "EvaluateModel", "run", "dataset", "job", "serving", "next_record",
            result="evaluation",
            assign={"next_record": "{% $states.result.Payload.next_record %}"},
        )  # fmt: skip

    def _by_verdict(self, again: sfn.IChainable, promote: sfn.IChainable) -> sfn.Choice:
        return (
            self._choice("Better?")
            .when(_where("$not($evaluation.done)"), again)
            .when(_where('$evaluation.verdict = "promote"'), promote)
            .otherwise(self._release)
        )

    # --- the end, whatever happened --------------------------------------------------------------------

    def _release_throughput(self, tell: sfn.IChainable) -> sfn.IChainable:
        """What is still being created can only be deleted afterwards: tried for more than an hour.

        Should it fail all the same, that is told too; the sweep goes on trying.
        """
        held = ("run", "started", "serving", "evaluation", "failure")
        task = self._task("ReleaseThroughput", *held, result="released")
        task.add_retry(
            errors=["TransientError"],
            interval=Duration.seconds(5),
            backoff_rate=2,
            max_delay=Duration.minutes(5),
            max_attempts=24,
        )
        failure = f"{{% $exists($failure.error) ? $failure : {_failure('release_throughput')} %}}"
        self._retried(task).add_catch(tell, errors=["States.ALL"], assign={"failure": failure})
        return task.next(tell)

    def _notify(self) -> sfn.TaskStateBase:
        """Without Catch: a failure to tell fails the execution, which raises an alarm, and can be redriven."""
        return self._retried(self._task("Notify", "run", *_VARIABLES_TOLD))

    def _end(self) -> sfn.IChainable:
        failed = sfn.Fail.jsonata(
            self._scope, "Failed", error="{% $failure.error %}", cause="{% $failure.cause %}"
        )
        return (
            self._choice("Failed?")
            .when(_where("$exists($failure.error)"), failed)
            .otherwise(sfn.Succeed.jsonata(self._scope, "Done"))
        )

    # --- what the states have in common ----------------------------------------------------------------

    def _step(self, title: str, *variables: str, **settings: Any) -> sfn.TaskStateBase:
        """A step of the journey: retried where that can help, else released and notified."""
        return self._guarded(title, self._task(title, *variables, **settings))

    def _task(
        self, title: str, *variables: str, result: str = "", assign: Mapping[str, Any] | None = None
    ) -> sfn.TaskStateBase:
        """The function of this name, called with these variables; its answer is kept as `result`."""
        kept = {result: "{% $states.result.Payload %}"} if result else {}
        return tasks.LambdaInvoke.jsonata(
            self._scope,
            title,
            lambda_function=self._functions[_snake(title)],
            payload=sfn.TaskInput.from_object({name: f"{{% ${name} %}}" for name in variables}),
            outputs="{% $states.result.Payload %}",
            assign={**kept, **(assign or {})},
            retry_on_service_exceptions=False,
        )

    def _wait(
        self,
        title: str,
        kind: str,
        subject: str,
        patience: Duration,
        assign: Mapping[str, Any],
        **payload: str,
    ) -> sfn.TaskStateBase:
        """Parks this state's task token; no polling, no state transitions while the run waits."""
        task = tasks.LambdaInvoke.jsonata(
            self._scope,
            title,
            lambda_function=self._functions["wait_for_completion"],
            integration_pattern=sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN,
            payload=sfn.TaskInput.from_object(
                {
                    "run": "{% $run %}",
                    "kind": kind,
                    "subject": f"{{% {subject} %}}",
                    "token": "{% $states.context.Task.Token %}",
                    **payload,
                }
            ),
            assign=assign,
            task_timeout=sfn.Timeout.duration(patience),
            retry_on_service_exceptions=False,
        )
        return self._guarded(title, task)

    def _guarded(self, title: str, task: sfn.TaskStateBase) -> sfn.TaskStateBase:
        failure = {"failure": f"{{% {_failure(_snake(title))} %}}"}
        return self._retried(task).add_catch(self._release, errors=["States.ALL"], assign=failure)

    @staticmethod
    def _retried(task: sfn.TaskStateBase) -> sfn.TaskStateBase:
        task.add_retry(
            errors=[*LAMBDA_ERRORS, "TransientError"],
            interval=Duration.seconds(2),
            backoff_rate=2,
            max_delay=Duration.seconds(60),
            max_attempts=6,
            jitter_strategy=sfn.JitterType.FULL,
        )
        return task.add_retry(errors=list(KILLED), interval=Duration.seconds(2), max_attempts=2)

    def _choice(self, title: str) -> sfn.Choice:
        return sfn.Choice.jsonata(self._scope, title)


_VARIABLES_TOLD = (
    "dataset", "estimate", "job", "serving", "evaluation", "promotion", "released", "failure",
)  # fmt: skip
_VARIABLES = ("started", *_VARIABLES_TOLD)
"""What the run has not come to yet is null; Step Functions has no undefined variables."""


def _failure(step: str) -> str:
    """What went wrong, inside a Catch, as `tunedrop.contracts.Failure`."""
    return f'{{"error": $states.errorOutput.Error, "cause": {CAUSE}, "step": "{step}"}}'


def _where(condition: str) -> sfn.Condition:
    return sfn.Condition.jsonata(f"{{% {condition} %}}")


def _snake(title: str) -> str:
    """The step of a state: `ValidateData` is `validate_data`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", title).lower()
