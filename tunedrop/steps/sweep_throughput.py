"""The scheduled work of a stage: releases first, then the other tasks, each subject separately.

A failure of one subject does not affect the others (`tunedrop.registry.troubles`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property, partial
from itertools import chain
from typing import Any, get_args

import msgspec

from tunedrop import catalog, clock, intake
from tunedrop.aws import Aws
from tunedrop.contracts import Ending, Run, WaitKind
from tunedrop.registration import GROWN, ObjectCreated, missed_uploads, retuning, stray_uploads, succession
from tunedrop.registry import Record, Registry, Seen, lifecycle
from tunedrop.registry.aliases import Aliases
from tunedrop.registry.open_runs import OpenRuns
from tunedrop.registry.spending import Spending, month_of
from tunedrop.registry.troubles import REPORT_OF, Trouble, Troubles
from tunedrop.reporting import trouble
from tunedrop.results import idle_models, orphans, release, removed_engines
from tunedrop.serving import inventory
from tunedrop.serving.sweep import InService, Sweeper
from tunedrop.stage import Stage
from tunedrop.waiting.table import Waits

LOOK_BACK = 1_000
"""Number of latest runs whose files are not reported as strays, and which are searched for those of removed
engines and those that request retuning. Of both, also the number of older ones in one turn."""


class Swept(msgspec.Struct, kw_only=True):
    """The result of one sweep: run ids, URIs, names, ARNs. `failed` are subjects, `expired` is throughput,
    `settled` are aliases, `stray` are places of uploads that start no run."""

    settled: list[str] = []
    released: list[str] = []
    stopped: list[str] = []
    closed: list[str] = []
    started: list[str] = []
    grown: list[str] = []
    ending: list[str] = []
    succeeded: list[str] = []
    idle: list[str] = []
    stray: list[str] = []
    failed: list[str] = []
    expired: int = 0


def is_settled(registry: Registry, event: Mapping[str, Any]) -> bool:
    """Whether an event is about an execution that has closed its run, so that there is nothing to sweep.

    Refused uploads end executions too, and a thousand of them must not cause a thousand sweeps.
    """
    detail = event.get("detail") or {}
    if event.get("source") != "aws.states" or not detail.get("input"):
        return False
    try:
        source = ObjectCreated.from_event(msgspec.json.decode(detail["input"])).source
    except (msgspec.MsgspecError, KeyError, TypeError):
        return False
    upload = intake.read_signal(source.key)
    record = registry.get(upload.name) if upload.kind == "retry" else registry.run_of(source)
    if record is None or record.is_open:
        return False
    return record.run.execution_arn == detail.get("executionArn")


class Sweep:
    """One sweep of a stage."""

    def __init__(self, aws: Aws, stage: Stage, close: Callable[[Ending], object]) -> None:
        self._aws = aws
        self._stage = stage
        self._close = close
        self._registry = Registry(aws.dynamodb, stage.registry_table)
        self._troubles = Troubles(aws.dynamodb, stage.registry_table)
        self._done = Swept()
        self.serving: tuple[InService, ...] = ()
        """The serving resources after the sweep: those that were listed at first and not released."""

    def run(self) -> Swept:
        """Do every task once; returns what was done."""
        self.look_after_resources()
        return self.look_for_uploads()

    def look_for_uploads(self) -> Swept:
        """The tasks that list the intake bucket: whoever uploads decides how long they take."""
        return self._attempt(
            ("starting missed uploads", self._start_missed),
            ("looking for uploads that start nothing", self._tell_of_strays),
        )

    def look_after_resources(self) -> Swept:
        """All other tasks."""
        return self._attempt(
            ("making aliases say what their history says", self._settle_aliases),
            ("releasing what serves models", self._release),
            ("stopping jobs of closed runs", self._stop_jobs),
            ("closing runs without execution", self._close_orphans),
            ("looking for runs of removed engines", self._report_removed_engines),
            ("starting what has grown", self._start_grown),
            ("announcing the end of base models", self._announce),
            ("starting on the successors of Legacy base models", self._start_successors),
            ("looking for imported models that nobody invokes", self._announce_idle),
            ("looking for rows that cannot be read", self._note_unreadable),
            ("reporting what goes on failing", self._report),
        )

    def _attempt(self, *tasks: tuple[str, Callable[[], None]]) -> Swept:
        for name, task in tasks:
            self._troubles.attempt(name, task, None)
        self._done.failed = [one.subject for one in self._troubles.failed]
        return self._done

    def _settle_aliases(self) -> None:
        """Complete aliases before anything is released, because resources that an alias names must stay."""
        aliases = Aliases(self._aws.ssm, self._aws.dynamodb, self._stage)
        for writing, was_behind in self._troubles.each(
            aliases.unsettled(), lambda one: f"alias {aliases.written_by(one)}", aliases.settle
        ):
            self._done.settled += [aliases.written_by(writing)] * was_behind

    def _release(self) -> None:
        # Resources of the stage's own engines are released even if the runs cannot be read.
        none: dict[str, str] = {}
        found = self._troubles.attempt("listing removed engines", lambda: self._of_removed_engines, none)
        removed = sorted(set(found.values()))
        sweeper = Sweeper(self._aws, self._stage, self._troubles, removed=removed)
        swept, self._done.expired = sweeper.sweep()
        self._done.released += swept.released
        self.serving = tuple(one for one in sweeper.found if one.arn not in swept.released)

    def _stop_jobs(self) -> None:
        """Stop running jobs of closed runs: each was started by a function that then died."""
        jobs = inventory.resources(self._aws, self._stage, inventory.jobs(), self._troubles.note)

        def stop(job: inventory.Resource) -> list[str]:
            record = self._registry.get(job.run_id)
            if record is None or record.is_open:
                return []
            return release.stop_jobs(self._aws, self._stage, record.run)

        for _, stopped in self._troubles.each(jobs, lambda job: f"job {job.arn}", stop):
            self._done.stopped += stopped

    def _close_orphans(self) -> None:
        def close(record: Record) -> bool:
            failure = orphans.fate(self._aws.step_functions, self._registry, record)
            if failure is None:
                return False
            self._close(orphans.settle(self._aws, self._stage, record, failure))
            return True

        opened = OpenRuns(self._aws.dynamodb, self._stage, self._registry).records()
        for record, was_orphan in self._troubles.each(opened, lambda one: f"run {one.run.run_id}", close):
            self._done.closed += [record.run.run_id] * was_orphan

    def _report_removed_engines(self) -> None:
        """Report runs of removed engines: their jobs and models are billed, and the stage's functions may not
        delete them."""
        check = partial(removed_engines.check, self._stage)
        runs = self._registry.some(self._of_removed_engines)
        list(self._troubles.each(runs, lambda one: f"removed engine of {one.run.run_id}", check))

    @cached_property
    def _of_removed_engines(self) -> dict[str, str]:
        """The runs of engines that the settings no longer list, by id, with the engine."""
        removed = [name for name in catalog.engines() if name not in self._stage.engines]
        older = self._registry.of_engines(removed, LOOK_BACK)
        # Those of earlier releases are only among the latest.
        found: Iterable[Seen | Run] = chain(self._recent, (one.run for one in older))
        named = ((one.run_id, removed_engines.removed(self._stage, one.base_model)) for one in found)
        return {run_id: name for run_id, name in named if name}

    @cached_property
    def _recent(self) -> list[Seen]:
        return self._registry.seen(LOOK_BACK)

    def _start_missed(self) -> None:
        def start(upload: missed_uploads.Uploaded) -> bool:
            if not missed_uploads.is_missed(self._registry, upload):
                return False
            started = missed_uploads.start(self._aws, self._stage.workflow_arn, upload)
            missed_uploads.check_is_not_lost(self._stage, upload)
            return started

        read = missed_uploads.of_folders(self._registry.runs(LOOK_BACK))
        every = missed_uploads.overdue(self._aws.s3, self._stage)
        overdue = (one for one in every if (one.source.key, one.source.version_id) not in read)
        due = missed_uploads.to_look_up(overdue, self._troubles)
        for one, started in self._troubles.each(due, lambda one: one.subject, start):
            self._done.started += [one.source.uri] * started

    def _tell_of_strays(self) -> None:
        # Read again, because the data of a run that began during this sweep is not stray.
        runs = self._registry.runs(LOOK_BACK)
        strays = stray_uploads.find(self._aws.s3, self._registry, self._stage, runs)
        stray_uploads.tell(self._aws.sns, self._stage, self._registry, strays)
        self._done.stray += [one.place for one in strays]

    def _start_grown(self) -> None:
        def start(record: Record) -> bool:
            one = retuning.grown(self._aws.s3, record)
            # A run that replaced a Legacy base model stays on the successor.
            base_model = record.run.base_model if record.run.succeeds else ""
            return one is not None and missed_uploads.start_once(
                self._aws, self._stage.workflow_arn, one.manifest, datetime.now(UTC), GROWN, one.identity,
                base_model=base_model,
            )  # fmt: skip

        # Those of earlier releases are only among the latest.
        ids = {one.name: one.run_id for one in retuning.latest_of_each_name(self._recent)}
        ids |= {one.run.name: one.run.run_id for one in self._registry.latest_to_retune(LOOK_BACK)}
        latest = self._registry.some(ids.values())
        for record, started in self._troubles.each(latest, lambda one: f"data of {one.run.name}", start):
            self._done.grown += [record.run.name] * started

    def _announce(self) -> None:
        told = lifecycle.announce(self._aws, self._stage, self._registry, self._troubles)
        self._done.ending += [one.model.name for one in told]

    def _start_successors(self) -> None:
        self._done.succeeded += succession.start_due(self._aws, self._stage, self._registry, self._troubles)

    def _announce_idle(self) -> None:
        self._done.idle += idle_models.announce(
            self._aws, self._stage, self._registry, self._troubles, self.serving
        )

    def _note_unreadable(self) -> None:
        waits = Waits(self._aws.dynamodb, self._stage.waits_table)
        for kind in get_args(WaitKind):
            waits.of_kind(kind)
        spending = Spending(self._aws.dynamodb, self._stage.registry_table)
        spending.read(month_of(clock.now()))
        rows_of: tuple[tuple[str, Registry | Waits | Spending], ...] = (
            ("registry row of run", self._registry),
            ("wait of run", waits),
            ("this month's amounts of run", spending),
        )
        for what, rows in rows_of:
            for run_id, error in rows.unreadable.items():
                self._troubles.note(f"{what} {run_id}", error)

    def _report(self) -> None:
        def report(one: Trouble) -> None:
            trouble.tell(self._aws.sns, self._stage, one)
            self._troubles.mark_reported(one)

        self._troubles.forget_others(inventory.SKIPPED)
        list(self._troubles.each(self._troubles.to_report(), lambda one: REPORT_OF + one.subject, report))
