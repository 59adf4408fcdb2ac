"""What chaos does to a stage: uploads of all kinds, broken functions and permissions, hasty operators."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
from botocore.exceptions import ClientError

from local.driver import Pipeline
from local.embedded import Embedded
from tests.datasets import jsonl, single_turn
from tests.faults.calls import CALLS
from tunedrop import intake
from tunedrop.registry import Record
from tunedrop.registry.aliases import Aliases
from tunedrop.serving import inventory

NAMES = ("chaos-a", "chaos-b", "chaos-c", "chaos-d")
FAULTS = ("throttled", "refused", "killed")
SIZES = (120, 360, 360)
"""Records: too few to tell, and enough for a better model."""
COMMAND_SECONDS = 180.0


class Broken(Exception):
    """A promise was broken; the message says which, and what was seen."""


class Upload(msgspec.Struct, frozen=True):
    """An upload that has to end in one run: its name and its version."""

    name: str
    version: str


class Acts:
    """Everything that can happen. Each method does one thing, by the choices of `random`, and says what.

    `uploads` has what was uploaded and has to end in a run.
    """

    def __init__(self, embedded: Embedded, pipeline: Pipeline) -> None:
        self._embedded = embedded
        self._pipeline = pipeline
        self._aliases = Aliases(pipeline.aws.ssm, pipeline.aws.dynamodb, pipeline.stage)
        self.random = random.Random()
        self.uploads: list[Upload] = []

    # --- uploads -------------------------------------------------------------------------------------------

    def drop(self) -> str:
        """A dataset of any size: some tell a better model, some too little."""
        name = self.random.choice(NAMES)
        return self._put(f"drop/{name}.jsonl", self._records(name))

    def submit(self) -> str:
        """A folder whose manifest asks for what the stage's budget does not have: somebody is asked."""
        name = self.random.choice(NAMES)
        self._pipeline.put(f"runs/{name}/train.jsonl", self._records(name))
        return self._put(f"runs/{name}/run.yaml", b"data: {train: train.jsonl}\nbudget_usd: 0.01\n")

    def litter(self) -> str:
        """Bytes that mean nothing, as a dataset or a manifest."""
        body = self.random.randbytes(self.random.randint(0, 400))
        key = self.random.choice(("drop/{}.jsonl", "runs/{}/run.yaml")).format(f"litter-{self._number()}")
        return self._put(key, body)

    def poison(self) -> str:
        """An object that nobody but its uploader can read."""
        name = f"poison-{self._number()}"
        answer = self._pipeline.aws.s3.put_object(
            Bucket=self._pipeline.stage.intake_bucket,
            Key=f"drop/{name}.jsonl",
            Body=b"{}",
            SSECustomerAlgorithm="AES256",
            SSECustomerKey=bytes(range(32)),
        )
        self.uploads.append(Upload(name, str(answer["VersionId"])))
        return f"poisoned {name}"

    def _put(self, key: str, body: bytes) -> str:
        self.uploads.append(Upload(intake.read_key(key).name, self._pipeline.put(key, body)))
        return f"uploaded {key}, {len(body):,} bytes"

    def _records(self, name: str) -> bytes:
        return jsonl(self.random.sample(single_turn(name), self.random.choice(SIZES)))

    def _number(self) -> int:
        return self.random.randint(0, 999_999)

    # --- machines ------------------------------------------------------------------------------------------

    def break_calls(self) -> str:
        """Functions are throttled, refused or killed at some of their calls."""
        faults = [
            {
                "function": function,
                "fault": self.random.choice(FAULTS),
                "action": self.random.choice(CALLS[function]),
            }
            for function in self.random.sample(sorted(CALLS), 4)
        ]
        self._embedded.faults.set(functions=faults)
        return "broke " + ", ".join(" ".join(fault.values()) for fault in faults)

    def freeze(self) -> str:
        """AWS stands still for some seconds: calls get no answer, schedules do not come."""
        seconds = self.random.uniform(1, 8)
        os.kill(self._embedded.pid, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            os.kill(self._embedded.pid, signal.SIGCONT)
        return f"froze AWS for {seconds:.1f} s"

    def silence(self) -> str:
        """Bedrock's events."""
        how = self.random.choice(("never", "twice", "late", "early"))
        self._embedded.faults.set(events=how)
        return f"Bedrock's events come {how}"

    def forbid(self) -> str:
        """A function has no permissions for some seconds."""
        function = self.random.choice(sorted(CALLS)).replace("_", "-")
        name = f"tunedrop-{self._pipeline.stage.name}-{function}"
        lambda_, iam = self._pipeline.aws.lambda_, self._pipeline.aws.iam
        role = lambda_.get_function_configuration(FunctionName=name)["Role"].rpartition("/")[2]
        (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        iam.delete_role_policy(RoleName=role, PolicyName=policy)
        time.sleep(self.random.uniform(0, 3))
        text = document if isinstance(document, str) else json.dumps(document)
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=text)
        return f"took the permissions of {function} away and gave them back"

    def abort(self) -> str:
        """Somebody ends an execution in the console."""
        if (record := self._one(is_open=True)) is None:
            return "nothing to abort"
        arn = record.run.execution_arn
        self._pipeline.aws.step_functions.stop_execution(executionArn=arn, cause="chaos")
        return f"aborted the execution of {record.run.run_id}"

    def delete(self) -> str:
        """What serves is deleted behind the pipeline's back, unless an alias names it."""
        named = set(self._aliases.all().values())
        found = inventory.resources(self._pipeline.aws, self._pipeline.stage, inventory.SERVING)
        free = sorted(one.arn for one in found if one.arn not in named and one.kind == "deployment")
        if not free:
            return "nothing to delete"
        arn = self.random.choice(free)
        try:
            self._pipeline.aws.bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier=arn)
        except ClientError as error:
            return f"could not delete {arn}: {error}"
        return f"deleted {arn}"

    # --- operators -----------------------------------------------------------------------------------------

    def stop(self) -> str:
        record = self._one(is_open=True)
        return self._typed("stop", record.run.run_id) if record else "nothing to stop"

    def retry(self) -> str:
        record = self._one(is_open=False)
        return self._typed("retry", record.run.run_id, "--yes") if record else "nothing to retry"

    def rollback(self) -> str:
        return self._typed("rollback", self.random.choice(NAMES), "--yes")

    def promote(self) -> str:
        record = self._one(is_open=False)
        return self._typed("promote", record.run.run_id, "--yes") if record else "nothing to promote"

    def release(self) -> str:
        """What serves a model in production is released with its alias."""
        named = sorted(self._aliases.all().values())
        if not named:
            return "nothing to release"
        return self._typed("throughput", "release", self.random.choice(named), "--production", "--yes")

    def teardown(self) -> str:
        record = self._one(is_open=None)
        if record is None:
            return "nothing to tear down"
        return self._typed("teardown", record.run.run_id, "--production", "--yes")

    def _one(self, *, is_open: bool | None) -> Record | None:
        found = [one for one in self._pipeline.registry.recent(50) if is_open in (None, one.is_open)]
        return self.random.choice(found) if found else None

    def _typed(self, *arguments: str) -> str:
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
