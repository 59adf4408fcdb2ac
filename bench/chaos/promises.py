"""The promises that chaos checks after each round, of the runs of all rounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bench.chaos.machines import Machines
from bench.chaos.operators import Attempt, Broken
from bench.chaos.uploads import Upload, Uploads
from local.driver import Inbox, Pipeline, until
from local.embedded import Embedded
from tunedrop.contracts import Estimate, Run, S3Object
from tunedrop.registry import Record
from tunedrop.registry.aliases import Aliases
from tunedrop.serving import inventory
from tunedrop.waiting import approval

ROUND_SECONDS = 600.0


class Promises:
    """What holds of a stage, whatever was done to it; `uploads` and `acts` know what was done."""

    def __init__(
        self, embedded: Embedded, pipeline: Pipeline, inbox: Inbox, uploads: Uploads, acts: Machines
    ) -> None:
        self._embedded = embedded
        self._pipeline = pipeline
        self._inbox = inbox
        self._uploads = uploads
        self._acts = acts
        self._known: dict[Upload, str] = {}
        self._aliases = Aliases(pipeline.aws.ssm, pipeline.aws.dynamodb, pipeline.stage)

    def check(self) -> Counter[str]:
        """Wait until all runs have ended, and check; returns their number by outcome.

        Raises
        ------
        Broken
            If a promise is broken.
        TimeoutError
            If something that was promised does not come.
        """
        for upload in self._uploads.uploads:
            self._registered(upload)
        for attempt, versions in self._acts.owed.items():
            self._was_retried(attempt, versions)
        ended = [self._ended(run_id) for run_id in self._known.values()]
        self._embedded.faults.set()
        until(self._aliases_agree, "aliases that name what is there", ROUND_SECONDS, 2.0)
        until(self._nothing_is_left, "nothing that no live run owns", ROUND_SECONDS, 2.0)
        for upload, record in zip(self._known, ended, strict=True):
            self._has_its_jobs(record, 0 if upload.trespasses else record.run.attempt)
            self._was_asked_for(record)
        violations = self._embedded.violations
        if violations.exists() and (found := violations.read_text()):
            raise Broken(f"calls or answers that AWS does not have: {found}")
        return Counter(one.status for one in ended)

    def _registered(self, upload: Upload) -> None:
        """An upload has one run, and a folder's reads all its shards."""
        if upload not in self._known:
            run = until(lambda: next(self._runs_of(upload), None), f"a run of {upload}", ROUND_SECONDS, 0.5)
            self._known[upload] = run.run_id
            if upload.shards and len(run.train.objects) not in (0, upload.shards):
                raise Broken(f"{run.run_id} reads {len(run.train.objects)} of {upload.shards} shards")
        runs = [one.run_id for one in self._runs_of(upload)]
        if runs != [self._known[upload]]:
            raise Broken(f"{upload} has the runs {runs}")

    def _runs_of(self, upload: Upload) -> Iterator[Run]:
        """The runs that it has started, or that have read it: the last shard may come while another starts
        the run of its folder."""
        for record in self._pipeline.registry.named(upload.name):
            if upload.version in {one.version_id for one in (record.run.source, *record.run.train.objects)}:
                yield record.run

    def _was_retried(self, attempt: Attempt, versions: tuple[S3Object, ...]) -> None:
        """A right retry has led to the next attempt, or to a refused run that says why not."""
        run_id, number = attempt
        registry = self._pipeline.registry

        def look() -> bool | None:
            record = registry.get(run_id)
            begun = record is not None and record.run.attempt > number
            return begun or any(registry.run_of(one) is not None for one in versions) or None

        until(look, f"the attempt after {number} of {run_id}", ROUND_SECONDS, 0.5)

    def _ended(self, run_id: str) -> Record:
        """A run when it is closed and its end was told; what it asks for meanwhile is approved."""

        def look() -> Record | None:
            if self._pipeline.waits.get(run_id, "approval"):
                self._acts.approve(run_id)
            told = [
                one.attributes["outcome"] for one in self._inbox.messages(run_id)
                if one.attributes["event"] == "run-ended"
            ]  # fmt: skip
            record = self._pipeline.registry.get(run_id)
            if record is None or record.is_open or len(told) < record.run.attempt:
                return None
            if len(told) > record.run.attempt or told[-1] != record.status:
                raise Broken(f"{run_id} is {record.status} in attempt {record.run.attempt}; told were {told}")
            return record

        return until(look, f"the end of {run_id}, told once an attempt", ROUND_SECONDS, 0.5)

    def _has_its_jobs(self, record: Record, most: int) -> None:
        run_id = record.run.run_id
        jobs = self._pipeline.aws.bedrock.list_model_customization_jobs(nameContains=run_id)
        found = [one["jobName"] for one in jobs["modelCustomizationJobSummaries"]]
        if len(found) > most:
            raise Broken(f"{run_id} has the jobs {found} after {record.run.attempt} attempt(s)")

    def _was_asked_for(self, record: Record) -> None:
        """Only who was entitled has approved, stopped or retried it."""
        run, acts = record.run, self._acts
        made = {(run.run_id, number) for number in range(1, run.attempt)}
        if unasked := made - acts.retries:
            raise Broken(f"{sorted(unasked)} were followed by attempts that nobody asked for")
        if record.status == "stopped" and (run.run_id, run.attempt) not in acts.stops:
            raise Broken(f"attempt {run.attempt} of {run.run_id} is stopped: {record.failure}")
        estimate = record.document("estimate", Estimate)
        passed = [
            one for one in self._pipeline.registry.steps(run.run_id)
            if one.step == "wait_for_approval" and one.ended_at and not one.error
            and one.started_at >= run.resumed_at
        ]  # fmt: skip
        if passed and (estimate is None or approval.key_of(run, estimate) not in acts.approved):
            raise Broken(f"attempt {run.attempt} of {run.run_id} went on without its approval")

    def _aliases_agree(self) -> bool | None:
        aws, stage = self._pipeline.aws, self._pipeline.stage
        there = {one.arn for one in inventory.resources(aws, stage)}
        for parameter, model_id in self._aliases.all().items():
            head = self._aliases.history_at(parameter)[0]
            if model_id not in there or head.model_id != model_id:
                return None
        return True

    def _nothing_is_left(self) -> bool | None:
        named = set(self._aliases.all().values())
        kinds = (*inventory.jobs(), *inventory.serving())
        left = inventory.resources(self._pipeline.aws, self._pipeline.stage, kinds)
        return all(one.arn in named or one.status == "Stopping" for one in left) or None
