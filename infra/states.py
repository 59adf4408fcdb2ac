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

LAMBDA_ERRORS = ("Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException")
CROWDED = ("Lambda.TooManyRequestsException",)
"""More functions at once than the account may run (10 in a new one): worth half an hour of tries."""
KILLED = ("Lambda.Unknown", "Sandbox.Timedout", "Runtime.ExitError")
"""A function that ran out of time or memory, or lost its machine: worth two more tries, not six."""

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
"""The longest that a task is left alone between two tries."""

PAYLOAD = "{% $states.result.Payload %}"
"""What a function answered."""

NULL = "{% null %}"  # a plain None would not survive the way through jsii


class Branch(NamedTuple):
    """One way to go on: when a JSONata condition holds, then to a state, with variables assigned."""

    then: sfn.IChainable
    when: str = ""
    assign: Mapping[str, Any] | None = None


class States:
    """Makes the states of one state machine; `rescue` is where a step goes that fails for good."""

    rescue: sfn.IChainable

    def __init__(self, scope: Construct, functions: Functions) -> None:
        self._scope = scope
        self._functions = functions

    def step(self, title: str, *variables: str, result: str = "", **assign: Any) -> sfn.TaskStateBase:
        """A step of the journey: the task of this name, rescued when it fails for good."""
        return self.rescued(title, self.task(title, *variables, result=result, **assign))

    def task(
        self, title: str, *variables: str, result: str = "", patient: bool = False, **assign: Any
    ) -> sfn.TaskStateBase:
        """The function of this name, called with these variables; its answer is kept as `result`."""
        payload = {name: f"{{% ${name} %}}" for name in variables}
        return self.call(title, payload, {result: PAYLOAD, **assign} if result else assign, patient)

    def call(
        self, title: str, payload: Mapping[str, Any], assign: Mapping[str, Any], patient: bool = False,
        step: str = "", outputs: str = PAYLOAD,
    ) -> sfn.TaskStateBase:  # fmt: skip
        """The function of this name, called with a payload; tried again where that can help.

        `patient` tries for an hour or so, for what AWS itself has to finish first. `step` names the function
        where the state is called otherwise. `outputs` is what the next state gets.
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
        return _retried(task, patient)

    def wait(
        self, title: str, kind: WaitKind, subject: str, patience: Duration, *, assign: Mapping[str, Any] = {},
        **payload: str,
    ) -> sfn.TaskStateBase:  # fmt: skip
        """Parks this state's task token; no polling, no state transitions while the run waits."""
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
        """The first branch whose condition holds; the last has none."""
        state = sfn.Choice.jsonata(self._scope, title)
        for branch in branches[:-1]:
            state.when(sfn.Condition.jsonata(f"{{% {branch.when} %}}"), branch.then, assign=branch.assign)
        return state.otherwise(branches[-1].then)

    def rescued(self, title: str, task: sfn.TaskStateBase) -> sfn.TaskStateBase:
        """The same task, going by way of `rescue` when it fails for good."""
        assign = {"failure": f"{{% {failure(snake(title))} %}}"}
        return task.add_catch(self.rescue, errors=["States.ALL"], assign=assign)


def failure(step: str) -> str:
    """What went wrong, inside a Catch, as `tunedrop.contracts.Failure`: a JSONata expression."""
    return f'{{"error": $states.errorOutput.Error, "cause": {CAUSE}, "step": "{step}"}}'


def snake(title: str) -> str:
    """The step of a state: `ValidateData` is `validate_data`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", title).lower()


def _retried(task: sfn.TaskStateBase, patient: bool = False) -> sfn.TaskStateBase:
    """Each try after twice as long, at random within it, so that many runs do not come back at once."""

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
    again(*CROWDED, attempts=36)
    again("TransientError", attempts=36 if patient else 6, longest=PATIENT if patient else BRIEF)
    again("PermissionMissing", attempts=10, longest=PATIENT)
    return again(*KILLED, attempts=2)
