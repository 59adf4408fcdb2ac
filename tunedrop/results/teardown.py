"""Deletes the Bedrock resources that runs created, and verifies that they are gone.

CloudFormation does not track them, because runs create them. They are found by the stage's tag
(`tunedrop.serving.inventory`). Teardown works in rounds, each with fresh lists, until these are empty, so
that it can be interrupted, repeated or run concurrently with new resources.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from functools import cached_property, partial
from typing import TypeVar

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws
from tunedrop.aws import Aws
from tunedrop.errors import AwsRefused, PermissionMissing, ThroughputFailed, TransientError
from tunedrop.evaluation.judging import judge_jobs
from tunedrop.registry import Record, Registry
from tunedrop.registry.aliases import Aliases, InProduction
from tunedrop.results import orphans, release
from tunedrop.results.removed_engines import made_by
from tunedrop.serving import inventory, models
from tunedrop.serving.inventory import Resource
from tunedrop.serving.removal import NamedInProduction, Removal
from tunedrop.stage import Stage
from tunedrop.training import engines

PATIENCE_SECONDS = 1800.0
"""How long to wait for Bedrock to create or stop a resource; a deployment took about 8 minutes (2026-08)."""

MODEL_PATIENCE_SECONDS = 120.0
"""How long Bedrock may consider a model served after its serving resources were deleted."""
PAUSE_SECONDS = 3.0
ALL_RUNS = 100_000

Tell = Callable[[str, str], None]
T = TypeVar("T")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The scope of a teardown: resources, open runs, and the aliases that point to them."""

    resources: list[Resource]
    open_runs: list[Record]
    production: dict[str, InProduction]
    """The model of each alias parameter."""


class TornDown(msgspec.Struct, kw_only=True):
    """What `teardown --format json` prints: ARNs, run ids and aliases.

    `remaining` has the reason for each resource that is left, from the last lists. `dangling` are aliases of
    deleted models that were not to be withdrawn.
    """

    runs_stopped: list[str] = []
    withdrawn: list[str] = []
    stopped: list[str] = []
    released: list[str] = []
    deleted: list[str] = []
    remaining: dict[str, str] = {}
    dangling: list[str] = []


class Teardown:
    """The teardown of a stage, or of one run."""

    def __init__(
        self,
        aws_: Aws,
        stage: Stage,
        run_id: str | None,
        tell: Tell,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._aws = aws_
        self._stage = stage
        self._run_id = run_id
        self._sleep = sleep
        self._tell = tell
        self._registry = Registry(aws_.dynamodb, stage.registry_table)
        self._aliases = Aliases(aws_.ssm, aws_.dynamodb, stage)
        self._removal = Removal(aws_, stage)
        self._done = TornDown()

    def plan(self) -> Plan:
        """List what would be deleted. Changes nothing."""
        found = self._resources()
        arns = {one.arn for one in found}
        # A resource stays if an alias with an unreadable history may point to it
        # (`tunedrop.serving.removal`).
        production = {
            parameter: model
            for parameter, model in self._aliases.all_intended()
            if arns & {model.model_id, model.model_arn}
        }
        opened = [one for one in self._runs() if one.is_open]
        return Plan(resources=found, open_runs=opened, production=production)

    def run(self, agreed: Plan | None = None) -> TornDown:
        """Stop runs, withdraw aliases, and delete resources until fresh lists are empty.

        Parameters
        ----------
        agreed
            The plan that somebody has seen; by default the current one. Models promoted since then remain.

        Raises
        ------
        ClientError
            If a list cannot be read, so that it is unknown what remains.
        """
        production = (agreed or self.plan()).production
        self._stop_runs()
        for alias, model in production.items():
            self._patiently(partial(self._withdraw, alias, model))
        self._end_all()
        self._forget_the_stage()
        self._note_what_is_gone()
        self._look_at_aliases()
        return self._done

    # --- runs

    def _stop_runs(self) -> None:
        """Stop the runs, so that no step of them is running or begins."""
        opened = [one for one in self._runs() if one.is_open]
        for record in opened:
            self._registry.request_stop(record.run, "teardown")
            try:
                self._aws.step_functions.stop_execution(
                    executionArn=record.run.execution_arn, cause="tunedrop teardown"
                )
            except ClientError as error:
                if aws.code_of(error) != "ExecutionDoesNotExist":
                    raise
            self._note("stopped", self._done.runs_stopped, record.run.run_id)
        for record in opened:
            self._patiently(lambda record=record: orphans.fence(self._registry, record))  # type: ignore[misc]

    def _patiently(self, act: Callable[[], T]) -> T:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return act()
            except TransientError:
                if time.monotonic() > deadline:
                    raise
                self._sleep(PAUSE_SECONDS)

    def _withdraw(self, alias: str, model: InProduction) -> None:
        """Withdraw an alias, unless another model has taken its place."""
        with self._aliases.alone_at(alias, f"teardown {uuid.uuid4()}"):
            now = self._aliases.intended_at(alias)
            if now is not None and _whose(now) == _whose(model):
                self._note("withdrew", self._done.withdrawn, self._aliases.withdraw_at(alias))

    # --- resources

    def _end_all(self) -> None:
        seen: set[str] = set()
        changed = time.monotonic()
        while left := self._resources():
            if seen != (seen := {one.arn for one in left}):
                changed = time.monotonic()
            refused, moving = self._round(left)
            patience = PATIENCE_SECONDS if moving.difference(inventory.MODELS) else MODEL_PATIENCE_SECONDS
            if not moving or time.monotonic() > changed + patience:
                for one in self._resources():
                    self._done.remaining[one.arn] = refused.get(one.arn, f"it is {one.status}")
                return
            self._sleep(PAUSE_SECONDS)

    def _round(self, left: list[Resource]) -> tuple[dict[str, str], set[str]]:
        """One step for each resource. Returns why the remaining ones stay, and the kinds of unfinished
        ones."""
        refused: dict[str, str] = {}
        moving: set[str] = set()
        stay: set[str] = set()
        for one in left:
            try:
                self._end(one)
            except TransientError as error:
                refused[one.arn] = str(error)
                if one.arn not in stay:
                    moving.add(one.kind)
            except (ThroughputFailed, NamedInProduction) as error:
                refused[one.arn] = str(error)
                stay.add(one.model_arn)
            else:
                moving.add("done")
        return refused, moving

    def _end(self, one: Resource) -> None:
        """Take the next step to delete a resource; a job must have stopped first.

        Raises
        ------
        TransientError, ThroughputFailed, NamedInProduction
            If more is to be done later, or it must stay.
        """
        if one.kind in inventory.jobs():
            return self._end_job(one)
        if self._removal.remove(one.arn, one.run_id):
            if one.kind in inventory.MODELS:
                self._note("deleted", self._done.deleted, one.arn)
            else:
                self._note("released", self._done.released, one.arn)
        return None

    def _end_job(self, one: Resource) -> None:
        if one.kind == "training file":
            if release.stop_job(self._aws, one):
                self._note("deleted", self._done.deleted, one.arn)
            return None
        if one.status == "InProgress":
            if release.stop_job(self._aws, one):
                self._note("stopped", self._done.stopped, one.arn)
        elif one.status not in ("Stopping", "Deleting") and judge_jobs.delete(self._aws.bedrock, one.arn):
            return self._note("deleted", self._done.deleted, one.arn)
        raise TransientError(f"{one.arn} has not ended yet")

    def _resources(self) -> list[Resource]:
        found = inventory.resources(self._aws, self._stage, ended_evaluations=True, of=self._engines)
        return [one for one in found if self._run_id in (None, one.run_id)]

    @cached_property
    def _engines(self) -> tuple[str, ...]:
        """The engines of the settings and of all runs: an engine's resources outlive its setting.

        Read once: a run that begins meanwhile uses an engine of the settings.
        """
        trained = engines.names_of(one.run.base_model for one in self._runs())
        return tuple(dict.fromkeys((*self._stage.engines, *trained)))

    def _forget_the_stage(self) -> None:
        """Delete what engines share between runs, once no run has any resources."""
        if self._run_id is not None or self._done.remaining:
            return
        for name in self._engines:
            try:
                gone = self._patiently(partial(engines.named(name).forget, self._aws, self._stage))
            except (TransientError, PermissionMissing, AwsRefused) as error:
                self._done.remaining[name] = str(error)
                continue
            for arn in gone:
                self._note("deleted", self._done.deleted, arn)

    # --- what is said about it

    def _runs(self) -> list[Record]:
        if self._run_id is None:
            return self._registry.recent(limit=ALL_RUNS)
        record = self._registry.get(self._run_id)
        return [record] if record is not None else []

    def _note_what_is_gone(self) -> None:
        """Record what is deleted in the registry, including earlier deletions by others."""
        there = {one.arn for one in inventory.resources(self._aws, self._stage, of=self._engines)}
        for record in self._runs():
            made = set(made_by(record)) - record.gone
            stay = {arn: why for arn in made if (why := models.why_it_stays(self._aws, arn))}
            self._done.remaining |= stay
            gone = made - there - set(stay)
            if gone:
                self._registry.note_gone(record.run.run_id, *sorted(gone))

    def _look_at_aliases(self) -> None:
        """Aliases of deleted models: withdrawn if everything is deleted, else only listed. Values that were
        written by hand stay."""
        for parameter, model in self._aliases.all_intended():
            if not model.run_id or self._run_id not in (None, model.run_id):
                continue
            if models.status(self._aws, model.model_arn):
                continue
            if self._run_id is None:
                self._patiently(partial(self._withdraw, parameter, model))
            else:
                self._done.dangling.append(parameter)

    def _note(self, verb: str, among: list[str], what: str) -> None:
        among.append(what)
        self._tell(verb, what)


def _whose(model: InProduction) -> str:
    """The run of a model, regardless of its serving resource; its modelId if it has no run."""
    return model.run_id or model.model_id
