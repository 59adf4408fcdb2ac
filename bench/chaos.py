"""`python -m bench chaos [--seed N] [--minutes M]`: break a deployed stage at random and check its promises.

Each round uploads datasets and does something else to the stage (`bench.chaos_acts`): functions are killed or
refused, a permission is missing for some seconds, AWS stands still, objects are put that cannot be read,
operators stop, retry, roll back, release and tear down, twice or interrupted. Then the promises are checked:
every upload has one run that has ended, and each attempt was told once; a run has no more jobs than attempts;
an alias names what is there and the registry agrees; nothing is served or trains that no live run owns; no
command died of an exception and no call was one that AWS's service models do not allow.

The seed is printed first, and repeats the plan: what is uploaded, what is broken in which order after which
pauses, which functions and calls. What the plan meets is not repeated: how far the runs are by then, and so
which of the open runs is stopped, or which deployment deleted.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bench.chaos_acts import Acts, Broken, Upload
from local.driver import Inbox, Pipeline, until
from local.embedded import Embedded, running
from tunedrop.registry import Record
from tunedrop.registry.aliases import Aliases
from tunedrop.serving import inventory

ROUND_SECONDS = 600.0
UPLOADS = ("drop", "drop", "submit", "litter", "poison")
ACTIONS = (
    "break_calls", "freeze", "silence", "forbid", "abort", "delete",
    "stop", "retry", "rollback", "promote", "release", "teardown",
)  # fmt: skip


class Planned(NamedTuple):
    """One thing that a round does: what, after how many seconds, and the seed of its own choices."""

    action: str
    pause: float
    seed: int


def plan(seed: int, number: int) -> list[Planned]:
    """What a round uploads and breaks: the same for the same seed, whatever the rounds before it met."""
    rolls = random.Random(f"{seed}/{number}")
    chosen = [
        "drop",
        *rolls.sample(UPLOADS, rolls.randint(0, 2)),
        *rolls.sample(ACTIONS, rolls.randint(1, 4)),
    ]
    return [Planned(one, rolls.uniform(0, 3), rolls.getrandbits(32)) for one in chosen]


class Chaos:
    """One stage, and what a seed does to it."""

    def __init__(self, embedded: Embedded, pipeline: Pipeline, inbox: Inbox, seed: int) -> None:
        self._embedded = embedded
        self._pipeline = pipeline
        self._inbox = inbox
        self._seed = seed
        self._number = 0
        self._acts = Acts(embedded, pipeline)
        self._known: dict[Upload, str] = {}
        self._aliases = Aliases(pipeline.aws.ssm, pipeline.aws.dynamodb, pipeline.stage)

    def round(self) -> Counter[str]:
        """Do what this round's plan says, printing it, and check; gives how the runs have ended."""
        self._number += 1
        for one in plan(self._seed, self._number):
            time.sleep(one.pause)
            self._acts.random = random.Random(one.seed)
            act: Callable[[], str] = getattr(self._acts, one.action)
            print(f"  {act()}", flush=True)
        return self._check()

    def _check(self) -> Counter[str]:
        """Check all promises, of the runs of earlier rounds too: their ends must not have been told again."""
        for upload in self._acts.uploads:
            self._registered(upload)
        ended = [self._ended(run_id) for run_id in self._known.values()]
        self._embedded.faults.set()
        until(self._aliases_agree, "aliases that name what is there", ROUND_SECONDS, 2.0)
        until(self._nothing_is_left, "nothing that no live run owns", ROUND_SECONDS, 2.0)
        for record in ended:
            self._has_its_jobs(record)
        violations = self._embedded.violations
        if violations.exists() and (found := violations.read_text()):
            raise Broken(f"calls or answers that AWS does not have: {found}")
        return Counter(one.status for one in ended)

    def _registered(self, upload: Upload) -> None:
        """An upload has one run."""
        if upload not in self._known:
            run_id = self._pipeline.run_of(upload.name, upload.version, ROUND_SECONDS).run.run_id
            self._known[upload] = run_id
        named = self._pipeline.registry.named(upload.name)
        runs = [one.run.run_id for one in named if one.run.source.version_id == upload.version]
        if runs != [self._known[upload]]:
            raise Broken(f"{upload} has the runs {runs}")

    def _ended(self, run_id: str) -> Record:
        """A run when it is closed and its end was told; what it asks for meanwhile is approved."""

        def look() -> Record | None:
            if asked := self._pipeline.waits.get(run_id, "approval"):
                self._pipeline.put(asked.subject, b"")
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

    def _has_its_jobs(self, record: Record) -> None:
        run_id = record.run.run_id
        jobs = self._pipeline.aws.bedrock.list_model_customization_jobs(nameContains=run_id)
        found = [one["jobName"] for one in jobs["modelCustomizationJobSummaries"]]
        if len(found) > record.run.attempt:
            raise Broken(f"{run_id} has the jobs {found} after {record.run.attempt} attempt(s)")

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
        kinds: tuple[inventory.Kind, ...] = (*inventory.JOBS, *inventory.SERVING)
        left = inventory.resources(self._pipeline.aws, self._pipeline.stage, kinds)
        return all(one.arn in named or one.status == "Stopping" for one in left) or None


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench chaos", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=None, help="repeats what an earlier one did")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long (5)")
    asked = parser.parse_args(sys.argv[2:] if arguments is None else arguments)
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randint(0, 2**32)
    print(f"seed {seed}", flush=True)
    deadline = time.monotonic() + 60 * asked.minutes
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "aws") as embedded:
        embedded.deploy()
        pipeline = Pipeline(embedded.session())
        with pipeline.inbox() as inbox:
            chaos, number = Chaos(embedded, pipeline, inbox, seed), 0
            while time.monotonic() < deadline or not number:
                number += 1
                print(f"round {number}", flush=True)
                try:
                    ends = chaos.round()
                except (Broken, TimeoutError) as error:
                    print(f"BROKEN in round {number}: {error}\nrepeat: python -m bench chaos --seed {seed}")
                    return 1
                print(f"  runs until now: {', '.join(f'{n} {one}' for one, n in ends.items())}", flush=True)
    print(f"{number} rounds, no promise broken")
    return 0
