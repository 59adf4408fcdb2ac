"""Resolves waits: polls the condition that a run waits for, and sends its callback.

Polls read the source of truth (Bedrock, S3), never the event that triggered them, so that a lost, late,
duplicate or reordered event only changes the delay. A callback is sent before its wait is deleted: after a
crash in between it is sent twice, and Step Functions refuses the second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tunedrop import catalog
from tunedrop.aws import Aws, as_error, code_of
from tunedrop.contracts import RESULT_NAMES, Dataset, Run, Wait, WaitKind
from tunedrop.errors import PermissionMissing, RunError, RunStopped, TransientError
from tunedrop.registry import Registry
from tunedrop.registry.spending import Spending
from tunedrop.registry.troubles import Troubles
from tunedrop.stage import Stage
from tunedrop.training import engines
from tunedrop.training.engine import TrainingEngine
from tunedrop.waiting import _poll
from tunedrop.waiting.table import DEPLOYMENTS, QUEUES, Waits

_TOKEN_IS_GONE = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})
"""Step Functions' errors for a token that was used before, or whose execution has ended."""

_MAX_CAUSE = 32_768
"""The maximum length of a cause in SendTaskFailure (Step Functions API, SensitiveCause)."""


def step_name(kind: WaitKind) -> str:
    """The name of a wait in a run's timeline."""
    return f"wait_for_{kind}"


def _called(wait: Wait) -> str:
    return f"wait of {wait.run_id} for {wait.kind}"


class Callbacks:
    """Polls waits and resolves those whose condition holds."""

    def __init__(self, aws: Aws, stage: Stage) -> None:
        self._aws = aws
        self._stage = stage
        self._waits = Waits(aws.dynamodb, stage.waits_table)
        self._registry = Registry(aws.dynamodb, stage.registry_table)
        self.troubles = Troubles(aws.dynamodb, stage.registry_table)
        self._spending = Spending(aws.dynamodb, stage.registry_table)
        self._engines: dict[str, TrainingEngine] = {}

    def register(self, wait: Wait) -> Wait:
        """Register a wait and poll at once: the condition may have become true before the token was
        registered.

        Errors are sent through the callback: Step Functions then retries or fails the state instead of
        waiting forever.
        """
        try:
            kept = self._waits.register(wait)
            self._registry.start_step(wait.run_id, step_name(wait.kind), kept.parked_at)
            if wait.kind in QUEUES:
                self._grant_queues(wait.kind)
            else:
                self._resolve(kept)
            return kept
        except (RunError, TransientError) as error:
            self._fail(wait, error)
        except (ClientError, BotoCoreError) as error:
            self._fail(wait, as_error(error))
        return wait

    def resolve(self, waits: Iterable[Wait], *, eager: bool = True) -> list[Wait]:
        """Resolve those whose condition holds; returns them. A wait that cannot be polled does not delay
        others.

        Parameters
        ----------
        eager
            Whether to poll those that failed recently too, because an event concerns them.
        """
        done = self.troubles.each(waits, _called, self._resolve, eager=eager)
        return [wait for wait, resolved in done if resolved]

    def resolve_all(self) -> list[Wait]:
        """Resolve all waits, on a schedule, so that a lost event costs only time."""
        kinds: tuple[WaitKind, ...] = ("approval", "training", "throughput", "judging")
        resolved = self.resolve((wait for kind in kinds for wait in self._waits.of_kind(kind)), eager=False)
        nobody: list[Wait] = []
        resolved += self.troubles.attempt("granting slots", self.grant_slots, nobody)
        return resolved + self.troubles.attempt("granting deployments", self.grant_deployments, nobody)

    def resolve_about(self, subject: str) -> list[Wait]:
        """Resolve the waits that an event concerns, and grant slots that became free.

        In its documented sample the job's ARN lacks the base model, unlike all other responses of Bedrock
        (user guide, monitoring-eventbridge-how-it-works, read 2026-11-29); in that case all jobs are polled.
        """
        waits = self._waits.about(subject) or self._waits.of_kind("training")
        return self.resolve(waits) + self.grant_slots()

    def resolve_run(self, run_id: str) -> list[Wait]:
        """Resolve the waits of a run that was approved or stopped.

        A signal does not change its place in a queue; there it only stops the run.
        """
        waits = self._waits.of_run(run_id)
        resolved = self.resolve(wait for wait in waits if wait.kind not in QUEUES)
        return resolved + self._grant_queues(*(wait.kind for wait in waits))

    def grant_slots(self) -> list[Wait]:
        """Let the runs that have waited longest try again, one per free slot."""
        return self.grant(self._waits.of_kind("slot"))

    def grant_deployments(self) -> list[Wait]:
        """The same for the deployments that an account may have.

        A grant is not a reservation: a run that comes too late is refused, and keeps its place.
        """
        stopped, waiting = self._sorted_out(self._waits.of_kind("deployment"))
        if not waiting:
            return self.resolve(stopped)
        free = _poll.free_deployments(self._aws.bedrock, self._waits.refused_at(DEPLOYMENTS))
        return self.resolve([*stopped, *waiting[:free]])

    def _grant_queues(self, *kinds: WaitKind) -> list[Wait]:
        slots = self.grant_slots() if "slot" in kinds else []
        return slots + (self.grant_deployments() if "deployment" in kinds else [])

    def _sorted_out(self, queue: list[Wait]) -> tuple[list[Wait], list[Wait]]:
        """The waits that were stopped, and those that continue; a wait that cannot be polled is in
        neither."""
        asked = list(self.troubles.each(queue, _called, self._is_stopped, eager=True))
        return [one for one, stopped in asked if stopped], [one for one, stopped in asked if not stopped]

    def grant(self, queue: list[Wait]) -> list[Wait]:
        """The same for a queue read earlier; another process may have granted its slots meanwhile."""
        if not queue:
            return []
        stopped, waiting = self._sorted_out(queue)
        return self.resolve([*stopped, *self._let_in(waiting)])

    def _let_in(self, waiting: list[Wait]) -> list[Wait]:
        """The runs that may try again now, in order, with separate slots per engine.

        A run whose engine is not known holds up no other, nor does an engine that does not answer.
        """
        wait_of = {wait.run_id: wait for wait in waiting}
        known = list(self._engines_of(list(wait_of)))
        others = [one for one in self._waits.reserved_slots() if one not in wait_of]
        taken = Counter(engine for _, engine in self._engines_of(others))

        def free(engine: TrainingEngine) -> int:
            refused_at = self._waits.refused_at(engine.name)
            free = _poll.free_slots(self._aws, engine, self._stage.customization_quota, refused_at)
            return max(0, free - taken[engine])

        let_in: list[str] = []
        asked = dict.fromkeys(engine for _, engine in known)
        for engine, count in self.troubles.each(asked, lambda one: f"slots of {one.name}", free, eager=True):
            queue = [run_id for run_id, its in known if its is engine]
            let_in += [run_id for run_id in queue[:count] if self._waits.reserve_slot(run_id)]
        return [wait_of[run_id] for run_id in let_in]

    def _engines_of(self, run_ids: list[str]) -> Iterator[tuple[str, TrainingEngine]]:
        """The engines that runs wait for, of those whose engine is known."""
        return self.troubles.each(run_ids, lambda one: f"engine of {one}", self._engine_of, eager=True)

    def _engine_of(self, run_id: str) -> TrainingEngine:
        """The engine that a run waits for; the stage's default if the registry does not know the run, or the
        catalog of a later release its base model."""
        if run_id not in self._engines:
            record = self._registry.get(run_id)
            dataset = record.document("dataset", Dataset) if record is not None else None
            known = catalog.load().get(record.run.base_model) if record is not None else None
            self._engines[run_id] = engines.of(
                known or catalog.find(self._stage.default_base_model),
                dataset.method if dataset is not None else "auto",
            )
        return self._engines[run_id]

    def _resolve(self, wait: Wait) -> bool:
        try:
            if self._is_stopped(wait):
                raise RunStopped(self._stop_cause(wait))
            output = _poll.poll(self._aws, self._stage, self._registry, wait)
        except RunError as error:
            self._fail(wait, error)
            return True
        if output is None:
            return False
        self._succeed(wait, output)
        return True

    def _is_stopped(self, wait: Wait) -> bool:
        record = self._registry.get(wait.run_id)
        if record is None:
            return False
        return bool(record.stop_requested_by) or self.stops(record.run, "a stop object")

    def stops(self, run: Run, by: str) -> bool:
        """Whether the object is there that stops this attempt; if so, a stop is requested."""
        is_there = _poll.is_stopped(self._aws.s3, self._stage, run)
        if is_there:
            self._registry.request_stop(run, by)
        return is_there

    def _stop_cause(self, wait: Wait) -> str:
        record = self._registry.get(wait.run_id)
        return f"stopped by {record.stop_requested_by or 'a stop object'}" if record else "stopped"

    def _succeed(self, wait: Wait, output: msgspec.Struct) -> None:
        if (name := RESULT_NAMES.get(type(output))) is not None:
            self._registry.save(wait.run_id, **{name: output})
        if wait.kind == "approval" and (record := self._registry.get(wait.run_id)) is not None:
            self._spending.approve(record.run)
        text = msgspec.json.encode(output).decode()
        self._registry.end_step(wait.run_id, step_name(wait.kind), wait.parked_at)
        accepted = self._send(wait, "send_task_success", taskToken=wait.token, output=text)
        if wait.kind == "slot" and not accepted:
            self._waits.give_up_slot(wait.run_id)

    def _fail(self, wait: Wait, error: RunError | TransientError | PermissionMissing) -> None:
        cause = str(error)[:_MAX_CAUSE]
        self._registry.end_step(wait.run_id, step_name(wait.kind), wait.parked_at, error=cause)
        self._send(wait, "send_task_failure", taskToken=wait.token, error=type(error).__name__, cause=cause)

    def _send(self, wait: Wait, operation: str, **arguments: Any) -> bool:
        """Send the callback and delete the wait. False if it had been sent before."""
        accepted = True
        try:
            getattr(self._aws.step_functions, operation)(**arguments)
        except ClientError as error:
            if code_of(error) not in _TOKEN_IS_GONE:
                raise
            accepted = False
        self._waits.remove(wait)
        return accepted
