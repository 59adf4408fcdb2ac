"""`python -m bench chaos [--seed N] [--minutes M]`: break a deployed stage at random and check its promises.

Each round drops datasets and breaks something: functions are killed or refused, a permission is missing for
some seconds, objects are put that cannot be read, runs are stopped, executions are aborted, deployments are
deleted. Then the promises are checked: every upload has one run that has ended and was told once, an alias
names what is there and the registry agrees, nothing is served or trains that no live run owns.

The seed is printed first, and repeats the plan: which names are dropped, what is broken in which order after
which pauses, which functions and calls. What the plan meets is not repeated: how far the runs are by then,
and so which of the open runs is stopped, or which deployment deleted.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from botocore.exceptions import ClientError

from local.driver import Inbox, Pipeline, until
from local.embedded import Embedded, running
from tests.datasets import jsonl, single_turn
from tests.faults.calls import CALLS
from tunedrop.registry.aliases import Aliases
from tunedrop.serving import inventory

ROUND_SECONDS = 600.0
NAMES = ("chaos-a", "chaos-b", "chaos-c")
FAULTS = ("throttled", "refused", "killed")
ACTIONS = ("break_calls", "forbid", "poison", "stop", "abort", "release", "silence")


class Planned(NamedTuple):
    """One thing that a round breaks: what, after how many seconds, and the seed of its own choices."""

    action: str
    pause: float
    seed: int


def plan(seed: int, number: int) -> tuple[list[str], list[Planned]]:
    """What a round drops and breaks: the same for the same seed, whatever the rounds before it met."""
    rolls = random.Random(f"{seed}/{number}")
    drops = [rolls.choice(NAMES) for _ in range(rolls.randint(1, 2))]
    chosen = rolls.sample(ACTIONS, rolls.randint(1, 3))
    return drops, [Planned(one, rolls.uniform(0, 2), rolls.getrandbits(32)) for one in chosen]


class Broken(Exception):
    """A promise was broken; the message says which, and what was seen."""


class Chaos:
    """One stage, and what a seed does to it."""

    def __init__(self, embedded: Embedded, pipeline: Pipeline, inbox: Inbox, seed: int) -> None:
        self._embedded = embedded
        self._pipeline = pipeline
        self._inbox = inbox
        self._seed = seed
        self._number = 0
        self._random = random.Random()
        self._uploads: dict[str, str] = {}
        self._aliases = Aliases(pipeline.aws.ssm, pipeline.aws.dynamodb, pipeline.stage)

    def round(self) -> list[str]:
        """Break and check once; gives what was done."""
        self._number += 1
        drops, actions = plan(self._seed, self._number)
        done = [self._drop(name) for name in drops]
        for one in actions:
            time.sleep(one.pause)
            self._random = random.Random(one.seed)
            act: Callable[[], str] = getattr(self, f"_{one.action}")
            done.append(act())
        self._check()
        return done

    # --- what can happen -----------------------------------------------------------------------------------

    def _drop(self, name: str) -> str:
        key = f"drop/{name}.jsonl"
        self._uploads[self._pipeline.put(key, jsonl(single_turn(name)))] = name
        return f"dropped {key}"

    def _break_calls(self) -> str:
        """Functions are throttled, refused or killed at some of their calls."""
        functions = self._random.sample(sorted(CALLS), 3)
        faults = [
            {
                "function": function,
                "fault": self._random.choice(FAULTS),
                "action": self._random.choice(CALLS[function]),
            }
            for function in functions
        ]
        self._embedded.faults.set(functions=faults)
        return f"broke {faults}"

    def _forbid(self) -> str:
        """A function has no permissions for some seconds."""
        function = self._random.choice(sorted(CALLS)).replace("_", "-")
        name = f"tunedrop-{self._pipeline.stage.name}-{function}"
        lambda_, iam = self._pipeline.aws.lambda_, self._pipeline.aws.iam
        role = lambda_.get_function_configuration(FunctionName=name)["Role"].rpartition("/")[2]
        (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        iam.delete_role_policy(RoleName=role, PolicyName=policy)
        time.sleep(self._random.uniform(0, 3))
        text = document if isinstance(document, str) else json.dumps(document)
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=text)
        return f"took the permissions of {function} away and gave them back"

    def _silence(self) -> str:
        how = self._random.choice(("never", "twice", "late"))
        self._embedded.faults.set(events=how)
        return f"Bedrock's events come {how}"

    def _poison(self) -> str:
        """An object that nobody but its uploader can read."""
        name = f"poison-{self._random.randint(0, 999)}"
        key = f"drop/{name}.jsonl"
        answer = self._pipeline.aws.s3.put_object(
            Bucket=self._pipeline.stage.intake_bucket,
            Key=key,
            Body=b"{}",
            SSECustomerAlgorithm="AES256",
            SSECustomerKey=bytes(range(32)),
        )
        self._uploads[str(answer["VersionId"])] = name
        return f"poisoned {key}"

    def _stop(self) -> str:
        open_runs = [one for one in self._pipeline.registry.recent(50) if one.is_open]
        if not open_runs:
            return "nothing to stop"
        run_id = self._random.choice(open_runs).run.run_id
        program = Path(sys.executable).with_name("tunedrop")
        environment = os.environ | self._embedded.environment()
        subprocess.run(
            [program, "stop", run_id, "--stage", self._pipeline.stage.name],
            env=environment, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        return f"stopped {run_id}"

    def _abort(self) -> str:
        open_runs = [one for one in self._pipeline.registry.recent(50) if one.is_open]
        if not open_runs:
            return "nothing to abort"
        run = self._random.choice(open_runs).run
        self._pipeline.aws.step_functions.stop_execution(executionArn=run.execution_arn, cause="chaos")
        return f"aborted the execution of {run.run_id}"

    def _release(self) -> str:
        """What serves is deleted behind the pipeline's back, unless an alias names it."""
        named = set(self._aliases.all().values())
        found = inventory.resources(self._pipeline.aws, self._pipeline.stage, inventory.SERVING)
        free = sorted(one.arn for one in found if one.arn not in named and one.kind == "deployment")
        if not free:
            return "nothing to release"
        arn = self._random.choice(free)
        try:
            self._pipeline.aws.bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier=arn)
        except ClientError as error:
            return f"could not delete {arn}: {error}"
        return f"deleted {arn}"

    # --- what must hold ------------------------------------------------------------------------------------

    def _check(self) -> None:
        for version, name in self._uploads.items():
            record = self._pipeline.run_of(name, version, ROUND_SECONDS)
            record = self._pipeline.closed(record.run.run_id, ROUND_SECONDS)
            told = [
                one for one in self._inbox.messages(record.run.run_id)
                if one.attributes["event"] == "run-ended"
            ]  # fmt: skip
            if [one.attributes["outcome"] for one in told] != [record.status]:
                raise Broken(f"{record.run.run_id} is {record.status}; told were {told}")
        self._uploads.clear()
        self._embedded.faults.set()
        until(self._aliases_agree, "aliases that name what is there", ROUND_SECONDS, 2.0)
        until(self._nothing_is_left, "nothing that no live run owns", ROUND_SECONDS, 2.0)

    def _aliases_agree(self) -> bool | None:
        aws, stage = self._pipeline.aws, self._pipeline.stage
        there = {one.arn for one in inventory.resources(aws, stage)}
        for parameter, model_id in self._aliases.all().items():
            head = self._aliases.history(parameter.rpartition("/")[2])[0]
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
                try:
                    done = chaos.round()
                except (Broken, TimeoutError) as error:
                    print(f"BROKEN in round {number}: {error}\nrepeat: python -m bench chaos --seed {seed}")
                    return 1
                print(f"round {number}: " + "; ".join(done), flush=True)
    print(f"{number} rounds, no promise broken")
    return 0
