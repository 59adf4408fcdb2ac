"""`python -m bench chaos [--seed N] [--minutes M] [--tenants]`: break a stage at random, check its promises.

Each round uploads datasets, manifests or folders of shards (`bench.chaos.uploads`) and does something else
to the stage: functions are killed or refused, a permission is missing for some seconds, AWS stands still,
Bedrock's events are lost (`bench.chaos.machines`); operators approve, stop, retry, promote, roll back,
release and tear down, with commands that are given twice or interrupted, and with objects that are right or
nearly (`bench.chaos.operators`). Then the promises are checked (`bench.chaos.promises`): every upload has
one run that has ended, and each attempt was told once; a folder's run reads all its shards; what may not be
read is not trained on; a run has no more jobs than attempts, and was approved, stopped and retried by nothing
but what names it; an alias names what is there and the registry agrees; nothing is served or trains that no
live run owns; no command died of an exception and no call was one that AWS's service models do not allow.

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

from bench.chaos.machines import Machines
from bench.chaos.operators import Broken
from bench.chaos.promises import Promises
from bench.chaos.uploads import TENANTS, Uploads
from local.driver import Inbox, Pipeline
from local.embedded import Embedded, running, settings_with

UPLOADS = ("drop", "drop", "submit", "submit", "folder", "quiet_folder", "litter", "poison", "trespass")
ACTIONS = (
    "break_calls", "freeze", "silence", "forbid", "abort", "delete",
    "approve", "approve_wrongly", "stop_object", "retry_object",
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
        *rolls.sample(ACTIONS, rolls.randint(1, 5)),
    ]
    return [Planned(one, rolls.uniform(0, 3), rolls.getrandbits(32)) for one in chosen]


class Chaos:
    """One stage, and what a seed does to it."""

    def __init__(self, embedded: Embedded, pipeline: Pipeline, inbox: Inbox, seed: int) -> None:
        self._seed = seed
        self._number = 0
        self._uploads = Uploads(pipeline)
        self._acts = Machines(embedded, pipeline)
        self._promises = Promises(embedded, pipeline, inbox, self._uploads, self._acts)

    def round(self) -> Counter[str]:
        """Do what this round's plan says, printing it, and check; returns the runs until now by outcome."""
        self._number += 1
        for one in plan(self._seed, self._number):
            time.sleep(one.pause)
            doer = self._uploads if one.action in UPLOADS else self._acts
            doer.random = random.Random(one.seed)
            act: Callable[[], str] = getattr(doer, one.action)
            print(f"  {act()}", flush=True)
        return self._promises.check()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench chaos", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=None, help="repeats what an earlier one did")
    parser.add_argument("--tenants", action="store_true", help="of a stage whose bucket two tenants share")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long (5)")
    asked = parser.parse_args(sys.argv[2:] if arguments is None else arguments)
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randint(0, 2**32)
    print(f"seed {seed}", flush=True)
    deadline = time.monotonic() + 60 * asked.minutes
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "aws") as embedded:
        changes = {"tenants": {one: [] for one in TENANTS}} if asked.tenants else {}
        embedded.deploy(folder=settings_with(Path(folder), **changes))
        pipeline = Pipeline(embedded.session())
        with pipeline.inbox() as inbox:
            chaos, number = Chaos(embedded, pipeline, inbox, seed), 0
            while time.monotonic() < deadline or not number:
                number += 1
                print(f"round {number}", flush=True)
                try:
                    ends = chaos.round()
                except (Broken, TimeoutError) as error:
                    again = f"--seed {seed}{' --tenants' * asked.tenants}"
                    print(f"BROKEN in round {number}: {error}\nrepeat: python -m bench chaos {again}")
                    return 1
                print(f"  runs until now: {', '.join(f'{n} {one}' for one, n in ends.items())}", flush=True)
    print(f"{number} rounds, no promise broken")
    return 0
