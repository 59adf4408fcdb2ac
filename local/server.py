"""The emulator's process: `python -m local.server`. It ends with the process that started it, if asked to."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from itertools import chain
from pathlib import Path

CLOCK_SPEED = 3_600.0
"""Seconds of AWS that pass in one second here: an hour. The one setting of the local clock's speed."""


def end_with(parent: int) -> None:
    """End this process group when the process that started it is gone, however it went."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def report(violation: str) -> None:
    """Note an answer of ours that AWS's service model does not allow; tests fail on it."""
    with Path(os.environ["TUNEDROP_VIOLATIONS"]).open("a") as log:
        log.write(f"{violation}\n")


def main() -> None:
    """Serve until told to end. Arguments: the state folder, and `--with-parent` to end with the starter."""
    folder = Path(sys.argv[1])
    if "--with-parent" in sys.argv:
        end_with(os.getppid())
    from local import ministack
    from local.bedrock import resources as bedrock_resources
    from local.bedrock.service import services
    from local.bedrock.world import World
    from local.calls import Calls
    from local.faults import Faults
    from local.mantle import service as mantle
    from local.mantle.state import State as MantleState
    from local.sagemaker import resources as sagemaker_resources
    from local.sagemaker.service import services as sagemaker_services
    from local.sagemaker.state import State

    sys.argv = sys.argv[:1]
    speed = float(os.environ.get("TUNEDROP_CLOCK_SPEED", CLOCK_SPEED))
    faults = Faults(folder / "faults.json")
    world = World(faults, speed, os.environ["AWS_ENDPOINT_URL"])
    world.report = report
    sagemaker = State(world)
    ministack.serve(
        services(world) | sagemaker_services(sagemaker) | mantle.services(MantleState(world)),
        {
            "bedrock": bedrock_resources.resources_of,
            "bedrock-runtime": bedrock_resources.of_encrypted_models(world.key_of),
            "sagemaker": sagemaker_resources.resources_of,
            mantle.NAME: mantle.resources_of,
        },
        {mantle.NAME: mantle.action_of},
        lambda: chain(world.tags(), sagemaker.tags()),
        speed,
        Calls(faults, folder / "calls.log"),
        folder,
    )


if __name__ == "__main__":
    main()
