"""What operators do: commands, once, twice at the same time or interrupted, and objects that say the same."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from bench.chaos.uploads import NAMES, named
from local.driver import Pipeline
from local.embedded import Embedded
from tunedrop import intake
from tunedrop.contracts import S3Object
from tunedrop.registration.resuming import RETRIABLE
from tunedrop.registry import Record
from tunedrop.registry.aliases import Aliases

COMMAND_SECONDS = 180.0

Attempt = tuple[str, int]
"""A run id and the number of one of its attempts."""


class Broken(Exception):
    """A promise was broken; the message says which, and what was seen."""


class Operators:
    """Each method does one thing, by the choices of `random`, and says what.

    What they were entitled to ask for is noted, so that nothing else may have happened: `approved` are the
    keys of right approvals, `stops` the attempts that somebody or something may have stopped, `retries` those
    that somebody may have had followed by another, `owed` those that have to be.
    """

    def __init__(self, embedded: Embedded, pipeline: Pipeline) -> None:
        self._embedded = embedded
        self._pipeline = pipeline
        self._aliases = Aliases(pipeline.aws.ssm, pipeline.aws.dynamodb, pipeline.stage)
        self.random = random.Random()
        self.approved: set[str] = set()
        self.stops: set[Attempt] = set()
        self.retries: set[Attempt] = set()
        self.owed: dict[Attempt, tuple[S3Object, ...]] = {}

    # --- objects -------------------------------------------------------------------------------------------

    def approve(self, run_id: str = "") -> str:
        """The object that approves what a run waits for."""
        waiting = self._pipeline.waits.of_kind("approval")
        waiting = [one for one in waiting if run_id in ("", one.run_id)]
        if not waiting:
            return "nothing to approve"
        key = self.random.choice(waiting).subject
        self.approved.add(key)
        self._pipeline.put(key, b"")
        return f"put {key}"

    def approve_wrongly(self) -> str:
        """Objects that look like approvals of a run that waits, with a code that is not its own."""
        if not (waiting := self._pipeline.waits.of_kind("approval")):
            return "nothing to approve wrongly"
        right = self.random.choice(waiting).subject
        folder, _, code = right.rpartition("/")
        others = sorted({one.subject.rpartition("/")[2] for one in waiting} - {code})
        wrong = [code[:-1], f"{code}0", code.upper() + "X", f"2{code[1:]}x", "yes", *others]
        keys = [f"{folder}/{one}" for one in self.random.sample(wrong, 3)]
        for key in keys:
            self._pipeline.put(key, right.encode())
        time.sleep(2)
        return f"put {', '.join(keys)}"

    def stop_object(self) -> str:
        """The object that stops an attempt; as often one of an attempt that is not at work."""
        if (record := self._one(is_open=True)) is None:
            return "nothing to stop by an object"
        attempt = record.run.attempt
        code = self.random.choice((str(attempt), str(attempt), str(attempt + 1), "0", "all"))
        if code == str(attempt):
            self.stops.add((record.run.run_id, attempt))
        self._pipeline.put(key := intake.signal_key(record.run.run_id, "stop", code), b"")
        return f"put {key}"

    def retry_object(self) -> str:
        """The object that retries an attempt, perhaps twice; as often one of an attempt that never was."""
        if (record := self._one(is_open=None)) is None:
            return "nothing to retry by an object"
        run_id, attempt = record.run.run_id, record.run.attempt
        code = self.random.choice((str(attempt), str(attempt), str(attempt + 1), "0", "all"))
        bucket, key = self._pipeline.stage.intake_bucket, intake.signal_key(run_id, "retry", code)
        versions = tuple(
            S3Object(bucket=bucket, key=key, version_id=self._pipeline.put(key, b""))
            for _ in range(self.random.randint(1, 2))
        )
        if code == str(attempt):
            # The run may have ended since it was read: then the retry counts, but is not owed.
            self.retries.add((run_id, attempt))
            if record.status in RETRIABLE and record.run.base_model:
                self.owed[run_id, attempt] = versions
        return f"put {key} {len(versions)} time(s), {record.status}"

    # --- commands ------------------------------------------------------------------------------------------

    def stop(self) -> str:
        record = self._one(is_open=True)
        return self._typed("stop", record) if record else "nothing to stop"

    def retry(self) -> str:
        record = self._one(is_open=False)
        return self._typed("retry", record, "--yes") if record else "nothing to retry"

    def rollback(self) -> str:
        name = named(self.random.choice(NAMES), self._pipeline.stage, self.random)
        return self._run("rollback", name, "--yes")

    def promote(self) -> str:
        record = self._one(is_open=False)
        return self._typed("promote", record, "--yes") if record else "nothing to promote"

    def release(self) -> str:
        """What serves a model in production is released with its alias."""
        named = sorted(self._aliases.all().values())
        if not named:
            return "nothing to release"
        return self._run("throughput", "release", self.random.choice(named), "--production", "--yes")

    def teardown(self) -> str:
        record = self._one(is_open=None)
        if record is None:
            return "nothing to tear down"
        return self._typed("teardown", record, "--production", "--yes")

    def _one(self, *, is_open: bool | None) -> Record | None:
        found = [one for one in self._pipeline.registry.recent(50) if is_open in (None, one.is_open)]
        return self.random.choice(found) if found else None

    def _typed(self, command: str, record: Record, *options: str) -> str:
        """A command about a run; notes the attempts that it may have ended or had followed."""
        said = self._run(command, record.run.run_id, *options)
        now = self._pipeline.registry.get(record.run.run_id) or record
        attempts = {(record.run.run_id, one) for one in range(record.run.attempt, now.run.attempt + 1)}
        if command in ("stop", "teardown"):
            self.stops |= attempts
        elif command == "retry":
            self.retries |= attempts
        return said

    def _run(self, *arguments: str) -> str:
        """A command of the command line; once, twice at the same time, or interrupted soon."""
        how = self.random.choice(("once", "twice", "interrupted"))
        program = Path(sys.executable).with_name("tunedrop")
        environment = os.environ | self._embedded.environment()
        processes = [
            subprocess.Popen(
                [program, *arguments, "--stage", self._pipeline.stage.name],
                env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(2 if how == "twice" else 1)
        ]  # fmt: skip
        if how == "interrupted":
            time.sleep(self.random.uniform(0.5, 4))
            processes[0].send_signal(signal.SIGINT)
        codes = [self._read(process, arguments) for process in processes]
        return f"{how} tunedrop {' '.join(arguments)}: {codes}"

    @staticmethod
    def _read(process: subprocess.Popen[str], arguments: tuple[str, ...]) -> int:
        """The exit code as a shell shows it: a signal while the interpreter ends is 128 and its number."""
        try:
            said, errors = process.communicate(timeout=COMMAND_SECONDS)
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.wait()
            raise Broken(f"tunedrop {' '.join(arguments)} did not end in {COMMAND_SECONDS:g} s") from error
        code = 128 + signal.SIGINT if process.returncode == -signal.SIGINT else process.returncode
        if "Traceback" in errors or code not in (0, 1, 2, 3, 130):
            raise Broken(f"tunedrop {' '.join(arguments)} gave {code}:\n{said}{errors}")
        return code
