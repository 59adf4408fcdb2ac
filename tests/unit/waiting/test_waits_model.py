"""The waits table and the function that resolves waits, against a model: any order of all that can happen.

Runs register waits, jobs end, events come early, twice or never, schedules turn, people approve and stop,
Step Functions gives a new token for an old wait, and that function dies between sending a token and
forgetting its wait. Whatever the order, a token is given back at most once and for the right reason, slots
are granted in order of arrival, and one turn of the schedule leaves no wait that is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule
from moto import mock_aws

from tests import builders
from tests.unit.fake_bedrock import refusal
from tests.unit.tables import make_intake_bucket, make_registry_table, make_waits_table
from tunedrop import intake
from tunedrop.aws import Aws
from tunedrop.contracts import Wait
from tunedrop.registry import Registry
from tunedrop.waiting.resolve import Callbacks
from tunedrop.waiting.table import Waits

QUOTA = 2
PAST, FUTURE = "2026-01-01T00:00:00Z", "2126-01-01T00:00:00Z"


class Died(BaseException):
    """The function's machine is gone."""


class Jobs:
    """Bedrock, as far as jobs go: their states."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}

    def get_model_customization_job(self, jobIdentifier: str) -> dict[str, Any]:  # noqa: N803 - boto's name
        return {
            "jobArn": jobIdentifier,
            "jobName": "job",
            "status": self.states[jobIdentifier],
            "outputModelArn": builders.MODEL_ARN,
            "outputDataConfig": {"s3Uri": "s3://artifacts/out/"},
        }

    def get_paginator(self, _: str) -> Jobs:
        return self

    def paginate(self, statusEquals: str) -> Iterator[dict[str, Any]]:  # noqa: N803 - boto's name
        found = [arn for arn, state in self.states.items() if state == statusEquals]
        yield {"modelCustomizationJobSummaries": [{"jobArn": arn} for arn in found]}


class Tokens:
    """Step Functions, as far as tokens go: each waits for one answer, and is gone afterwards."""

    def __init__(self) -> None:
        self.waiting: set[str] = set()
        self.answers: list[tuple[str, str]] = []
        self.taken_at: dict[str, int] = {}
        self.taken: Callable[[str], int | None] = lambda _: None

    def send_task_success(self, taskToken: str, output: str) -> None:  # noqa: N803 - boto's name
        self._take(taskToken, "success")

    def send_task_failure(self, taskToken: str, error: str, cause: str) -> None:  # noqa: N803 - boto's name
        self._take(taskToken, error)

    def _take(self, token: str, answer: str) -> None:
        if token not in self.waiting:
            raise refusal("TaskTimedOut")
        self.waiting.remove(token)
        if answer == "success" and (taken := self.taken(token)) is not None:
            self.taken_at[token] = taken
        self.answers.append((token, answer))


class Waiting(RuleBasedStateMachine):
    """The rules are what can happen; the model is a dictionary of the waits that nobody has answered."""

    trainings, approvals, slots = Bundle("trainings"), Bundle("approvals"), Bundle("slots")
    views = Bundle("views")

    @initialize()
    def deploy(self) -> None:
        self.stage = builders.stage(customization_quota=QUOTA)
        self.mock = mock_aws()
        self.mock.start()
        self.aws = Aws(boto3.Session("testing", "testing", region_name="us-east-1"))
        for make in (make_registry_table, make_waits_table, make_intake_bucket):
            make(self.aws, self.stage)
        self.jobs, self.tokens = Jobs(), Tokens()
        self.tokens.taken = self._taken
        self.aws.bedrock, self.aws.step_functions = self.jobs, self.tokens
        self.registry = Registry(self.aws.dynamodb, self.stage.registry_table)
        self.waits = Waits(self.aws.dynamodb, self.stage.waits_table)
        self.callbacks = Callbacks(self.aws, self.stage)
        self.open: dict[str, Wait] = {}
        self.approved: set[str] = set()
        self.stopped: set[str] = set()
        self.number = 0
        for number in range(QUOTA):
            self.jobs.states[f"somebody-elses-{number}"] = "InProgress"

    def teardown(self) -> None:
        if hasattr(self, "mock"):
            self.mock.stop()

    # --- what can happen -----------------------------------------------------------------------------------

    @rule(target=trainings, state=st.sampled_from(["InProgress", "Completed", "Failed"]))
    def a_run_waits_for_its_job(self, state: str) -> Wait:
        """The job may have ended before its token is registered: its event came early."""
        arn = f"{builders.JOB_ARN}{self.number}"
        self.jobs.states[arn] = state
        return self._park("training", arn)

    @rule(target=approvals, expires_at=st.sampled_from([PAST, FUTURE]))
    def a_run_waits_for_approval(self, expires_at: str) -> Wait:
        key = intake.signal_key(f"run-{self.number}", "approve", "1-0a1b2c3d4e")
        return self._park("approval", key, expires_at=expires_at)

    @rule(target=slots)
    def a_run_waits_for_a_slot(self) -> Wait:
        return self._park("slot", f"run-{self.number}")

    @rule(wait=trainings, state=st.sampled_from(["Completed", "Failed", "Stopped"]))
    def a_job_ends(self, wait: Wait, state: str) -> None:
        if self.jobs.states[wait.subject] == "InProgress":
            self.jobs.states[wait.subject] = state

    @rule(wait=trainings)
    def an_event_comes(self, wait: Wait) -> None:
        self.callbacks.resolve_about(wait.subject)

    @rule()
    def an_event_is_about_somebody_elses_job(self) -> None:
        self.callbacks.resolve_about(f"{builders.JOB_ARN}-not-ours")

    @rule(wait=approvals, told=st.booleans())
    def somebody_approves(self, wait: Wait, told: bool) -> None:
        self._signal(wait, "approve")
        self.approved.add(wait.run_id)
        if told:
            self.callbacks.resolve_run(wait.run_id)

    @rule(wait=st.one_of(trainings, approvals, slots), told=st.booleans())
    def somebody_stops(self, wait: Wait, told: bool) -> None:
        self._signal(wait, "stop")
        self.stopped.add(wait.run_id)
        if told:
            self.callbacks.resolve_run(wait.run_id)

    @rule(target=views)
    def another_function_reads_the_queue(self) -> list[Wait]:
        return self.waits.of_kind("slot")

    @rule(view=consumes(views))
    def another_function_grants_what_it_has_read(self, view: list[Wait]) -> None:
        self.callbacks.grant(view)

    @rule(number=st.integers(0, QUOTA - 1))
    def somebody_elses_job_ends(self, number: int) -> None:
        """Its event wakes us like one of ours."""
        self.jobs.states[f"somebody-elses-{number}"] = "Completed"
        self.callbacks.resolve_about(f"somebody-elses-{number}")

    @rule(wait=consumes(slots))
    def a_run_that_was_let_in_starts_its_job(self, wait: Wait) -> None:
        if self._answer(wait) == "success" and f"job-of-{wait.run_id}" not in self.jobs.states:
            self.jobs.states[f"job-of-{wait.run_id}"] = "InProgress"
            self.waits.give_up_slot(wait.run_id)

    @rule(data=st.data())
    def the_job_of_a_run_that_was_let_in_ends(self, data: st.DataObject) -> None:
        ours = [arn for arn, state in self.jobs.states.items() if "job-of" in arn and state == "InProgress"]
        if ours:
            arn = data.draw(st.sampled_from(ours))
            self.jobs.states[arn] = "Completed"
            self.callbacks.resolve_about(arn)

    @rule(wait=st.one_of(trainings, approvals, slots))
    def step_functions_tries_the_task_again(self, wait: Wait) -> None:
        """Its earlier token is dead; the run keeps its place."""
        if (present := self.open.get(wait.run_id)) is None or present.token not in self.tokens.waiting:
            return
        self.tokens.waiting.discard(present.token)
        again = builders.wait(**{**_fields(present), "token": f"{present.token}'"})
        self._parked(again)

    @rule(wait=st.one_of(trainings, approvals))
    def the_function_dies_before_it_forgets(self, wait: Wait) -> None:
        def die(_: Wait) -> None:
            raise Died

        self.callbacks._waits.remove = die  # type: ignore[method-assign]
        try:
            self.callbacks.resolve_run(wait.run_id)
        except Died:
            pass
        finally:
            del self.callbacks._waits.remove  # type: ignore[attr-defined]

    @rule()
    def the_schedule_turns(self) -> None:
        self.callbacks.resolve_all()

        for wait in self.open.values():
            if wait.token in self.tokens.waiting:
                assert not self._is_over(wait), f"{wait} is over and was left waiting"

    # --- what must hold ------------------------------------------------------------------------------------

    @invariant()
    def every_answer_has_its_reason(self) -> None:
        for token, answer in getattr(self, "tokens", Tokens()).answers:
            wait = next(one for one in self.open.values() if one.token == token)
            assert answer in self._reasons(wait), (wait, answer)

    @invariant()
    def slots_are_granted_in_order_of_arrival(self) -> None:
        queue = [wait for wait in getattr(self, "open", {}).values() if wait.kind == "slot"]
        still = [one.arrived_at for one in queue if one.token in self.tokens.waiting and not self._stop(one)]
        let_in = [one.arrived_at for one in queue if self._answer(one) == "success"]
        assert not still or not let_in or max(let_in) < min(still)

    @invariant()
    def no_slot_is_granted_while_all_are_taken_or_promised(self) -> None:
        for taken in getattr(self, "tokens", Tokens()).taken_at.values():
            assert taken < QUOTA

    # --- the model -----------------------------------------------------------------------------------------

    def _park(self, kind: str, subject: str, expires_at: str = "") -> Wait:
        run = builders.run(run_id=f"run-{self.number}", name=f"run-{self.number}", created_at=PAST)
        self.registry.register(run)
        arrived = f"2026-11-23T10:{self.number // 60:02}:{self.number % 60:02}Z"
        self.number += 1
        wait = builders.wait(
            run_id=run.run_id,
            kind=kind,
            subject=subject,
            token=f"token-{run.run_id}",
            arrived_at=arrived,
            expires_at=expires_at,
        )
        return self._parked(wait)

    def _parked(self, wait: Wait) -> Wait:
        self.tokens.waiting.add(wait.token)
        self.open[wait.run_id] = wait
        self.callbacks.register(wait)
        return wait

    def _signal(self, wait: Wait, signal: Any) -> None:
        key = wait.subject if signal == "approve" else intake.signal_key(wait.run_id, "stop", "1")
        self.aws.s3.put_object(Bucket=self.stage.intake_bucket, Key=key, Body=b"")

    def _stop(self, wait: Wait) -> bool:
        return wait.run_id in self.stopped

    def _answer(self, wait: Wait) -> str:
        present = self.open[wait.run_id]
        return next((answer for token, answer in self.tokens.answers if token == present.token), "")

    def _is_over(self, wait: Wait) -> bool:
        if wait.kind == "slot":
            return self._stop(wait) or self._is_first_with_a_free_slot(wait)
        return bool(self._reasons(wait))

    def _is_first_with_a_free_slot(self, wait: Wait) -> bool:
        """After a turn nobody waits whose turn it is: the slots that were free have been granted."""
        return self._busy() + self._granted_now() < QUOTA

    def _taken(self, token: str) -> int | None:
        """Slots taken by jobs or promised to others, at the moment in which a slot is granted."""
        wait = next((one for one in self.open.values() if one.token == token), None)
        return self._busy() + self._granted_now() if wait is not None and wait.kind == "slot" else None

    def _granted_now(self) -> int:
        """Runs that were let in and have not started their job yet: their slots look free."""
        let_in = [one for one in self.open.values() if one.kind == "slot" and self._answer(one) == "success"]
        return sum(f"job-of-{one.run_id}" not in self.jobs.states for one in let_in)

    def _busy(self) -> int:
        return sum(state == "InProgress" for state in self.jobs.states.values())

    def _reasons(self, wait: Wait) -> set[str]:
        """The answers that the wait may get by now."""
        reasons = {"RunStopped"} if self._stop(wait) else set()
        match wait.kind:
            case "training":
                by_state = {"Completed": "success", "Failed": "CustomizationFailed", "Stopped": "RunStopped"}
                reasons |= {by_state.get(self.jobs.states[wait.subject], "")} - {""}
            case "approval":
                reasons |= {"success"} if wait.run_id in self.approved else set()
                reasons |= {"OverBudget"} if wait.expires_at == PAST else set()
            case "slot":
                reasons |= {"success"}
        return reasons


def _fields(wait: Wait) -> dict[str, str]:
    return {name: getattr(wait, name) for name in wait.__struct_fields__}


Waiting.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestWaiting = Waiting.TestCase
