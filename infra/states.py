"""Shared parts of the workflow's states: calls, retries, waits and error handling."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.functions import Functions
from tunedrop.contracts import WaitKind

LAMBDA_ERRORS = (
    "Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
)  # fmt: skip
NOT_READY = (
    "Lambda.TooManyRequestsException", "Lambda.ResourceNotReadyException", "Lambda.ENINotReadyException",
    "Lambda.ResourceConflictException", "Lambda.EC2ThrottledException", "Lambda.EC2UnexpectedException",
    "Lambda.ENILimitReachedException", "Lambda.SubnetIPAddressLimitReachedException",
)  # fmt: skip
"""Retried for half an hour: Lambda's concurrency limit (10 in a new account), and the network of a function
in a VPC, which Lambda takes away while no run uses it for weeks (developer guide, functions-states)."""
KILLED = ("Lambda.Unknown", "Sandbox.Timedout", "Runtime.ExitError", "Runtime.OutOfMemory")
"""A function that ran out of time or memory, or lost its host: retried twice, not six times."""

# A function that raises gives its error as JSON text around the message; a person wants the message. No
# regular expression: one overflows a JVM's stack from 1,430 characters on, and which engine AWS runs is not
# known. Escaped backslashes and quotes are hidden: the next quote ends the message. Step Functions cuts
# causes at 32 KiB: a message without its end is not parsed, since an error inside Catch could not be caught.
CAUSE = r"""(
  $cause := $exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : "";
  $swap := function($text, $old, $new) { $join($split($text, $old), $new) };
  $quoted := $substringAfter($substringAfter($cause, "\"errorMessage\":"), "\"");
  $hidden := $swap($swap($quoted, "\\\\", "\u0001"), "\\\"", "\u0002");
  $message := $substringBefore($hidden, "\"");
  $contains($cause, "\"errorMessage\":")
    ? $contains($hidden, "\"")
      ? $parse("\"" & $swap($swap($message, "\u0002", "\\\""), "\u0001", "\\\\") & "\"")
      : $swap($swap($swap($hidden, "\\n", "\n"), "\u0002", "\""), "\u0001", "\\")
    : $cause != "" ? $cause
    : $states.errorOutput.Error = "States.Timeout" ? "it took longer than it may" : "no cause was given"
)"""

BRIEF, PATIENT = Duration.minutes(1), Duration.minutes(5)
"""The longest delay between two tries of a task."""

PAYLOAD = "{% $states.result.Payload %}"
"""A function's response."""

NULL = "{% null %}"  # jsii would drop a plain None


class Branch(NamedTuple):
    """A branch of a choice: a JSONata condition, the next state, and variables to assign."""

    then: sfn.IChainable
    when: str = ""
    assign: Mapping[str, Any] | None = None


class States:
    """Creates the states of the state machine; `rescue` is the state after a permanent failure."""

    rescue: sfn.IChainable

    def __init__(self, scope: Construct, functions: Functions) -> None:
        self._scope = scope
        self._functions = functions

    def step(self, title: str, *variables: str, result: str = "", **assign: Any) -> sfn.TaskStateBase:
        """A step: the task of this name, which continues with `rescue` if it fails permanently."""
        return self.rescued(title, self.task(title, *variables, result=result, **assign))

    def task(self, title: str, *variables: str, result: str = "", **assign: Any) -> sfn.TaskStateBase:
        """Call the function of this name with these variables; its response is stored as `result`."""
        payload = {name: f"{{% ${name} %}}" for name in variables}
        return self.call(title, payload, {result: PAYLOAD, **assign} if result else assign)

    def call(
        self, title: str, payload: Mapping[str, Any], assign: Mapping[str, Any], step: str = "",
        outputs: str = PAYLOAD,
    ) -> sfn.TaskStateBase:  # fmt: skip
        """Call the function of this name with a payload, with retries.

        `step` is the function's name if the state's differs. `outputs` is the input of the next state.
        """
        task = tasks.LambdaInvoke.jsonata(
            self._scope,
            title,
            lambda_function=self._functions[step or snake(title)],
            payload=sfn.TaskInput.from_object(payload),
            outputs=outputs,
            assign=assign,
            retry_on_service_exceptions=False,
        )
        return _retried(task)

    def wait(
        self, title: str, kind: WaitKind, subject: str, patience: Duration, *, assign: Mapping[str, Any] = {},
        **payload: str,
    ) -> sfn.TaskStateBase:  # fmt: skip
        """Register this state's callback token; no polling and no state transitions while the run waits."""
        payload |= {"run": "{% $run %}", "kind": kind, "subject": f"{{% {subject} %}}"}
        task = tasks.LambdaInvoke.jsonata(
            self._scope,
            title,
            lambda_function=self._functions["wait_for_completion"],
            integration_pattern=sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN,
            payload=sfn.TaskInput.from_object({**payload, "token": "{% $states.context.Task.Token %}"}),
            assign=assign,
            task_timeout=sfn.Timeout.duration(patience),
            retry_on_service_exceptions=False,
        )
        return self.rescued(title, _retried(task))

    def choice(self, title: str, *branches: Branch) -> sfn.Choice:
        """Continue with the first branch whose condition holds; the last has none."""
        state = sfn.Choice.jsonata(self._scope, title)
        for branch in branches[:-1]:
            state.when(sfn.Condition.jsonata(f"{{% {branch.when} %}}"), branch.then, assign=branch.assign)
        return state.otherwise(branches[-1].then)

    def rescued(self, title: str, task: sfn.TaskStateBase) -> sfn.TaskStateBase:
        """Continue with `rescue` if the task fails permanently."""
        assign = {"failure": f"{{% {failure(snake(title))} %}}"}
        return task.add_catch(self.rescue, errors=["States.ALL"], assign=assign)


def failure(step: str, longest: int | None = None) -> str:
    """A JSONata expression for the failure inside a Catch, as `tunedrop.contracts.Failure`; its cause has at
    most `longest` characters."""
    cause = CAUSE if longest is None else f"$substring({CAUSE}, 0, {longest})"
    return f'{{"error": $states.errorOutput.Error, "cause": {cause}, "step": "{step}"}}'


def snake(title: str) -> str:
    """The step's name of a state: `ValidateData` is `validate_data`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", title).lower()


def _retried(task: sfn.TaskStateBase) -> sfn.TaskStateBase:
    """Exponential backoff with full jitter. AWS may be down or throttle for an hour; a run that fails
    meanwhile costs its owner a retry, and one in training its job."""

    def again(*errors: str, attempts: int, longest: Duration = BRIEF) -> sfn.TaskStateBase:
        return task.add_retry(
            errors=list(errors),
            max_attempts=attempts,
            interval=Duration.seconds(2),
            backoff_rate=2,
            max_delay=longest,
            jitter_strategy=sfn.JitterType.FULL,
        )

    again(*LAMBDA_ERRORS, attempts=6)
    again(*NOT_READY, attempts=36)
    again("TransientError", attempts=36, longest=PATIENT)
    again("PermissionMissing", attempts=10, longest=PATIENT)
    return again(*KILLED, attempts=2)
