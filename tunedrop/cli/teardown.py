"""`teardown`: deletes what runs have made in Bedrock, checks that it is gone, says what still bills.

`cdk destroy` knows none of it: jobs, deployments, throughput and models are made while the stack lives.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from tunedrop.cli.exits import NO
from tunedrop.cli.output import console
from tunedrop.cli.stage import Deployed
from tunedrop.errors import ThroughputFailed, TransientError
from tunedrop.serving import models, throughput
from tunedrop.serving.sweep import in_service
from tunedrop.training import jobs

PATIENCE_SECONDS = 1800.0


def teardown(here: Deployed, run_id: str | None) -> int:
    """Delete what one run has made, or what all have; 0 when nothing is left that bills."""
    part = run_id or ""
    prefix = f"tunedrop-{here.stage.name}-"
    bedrock = here.aws.bedrock
    for job in _jobs(bedrock, prefix + part):
        if jobs.stop(bedrock, job):
            console.print(f"stopped   {job}")
    for arn in [one.arn for one in in_service(bedrock, here.stage) if part in one.name]:
        if _patiently(lambda arn=arn: throughput.release(bedrock, arn)):  # type: ignore[misc]
            console.print(f"released  {arn}")
    for arn in list(_models(bedrock, prefix + part)):
        if _patiently(lambda arn=arn: models.delete(bedrock, arn)):  # type: ignore[misc]
            console.print(f"deleted   {arn}")
    left = [one.arn for one in in_service(bedrock, here.stage) if part in one.name]
    left += _models(bedrock, prefix + part)
    for arn in left:
        console.print(f"STILL BILLS  {arn}", style="red")
    console.print("nothing is left that bills" if not left else f"{len(left)} resources still bill")
    return NO if left else 0


def _jobs(bedrock: Any, part: str) -> Iterator[str]:
    pages = bedrock.get_paginator("list_model_customization_jobs")
    for page in pages.paginate(nameContains=part, statusEquals="InProgress"):
        yield from (job["jobArn"] for job in page["modelCustomizationJobSummaries"])


def _models(bedrock: Any, part: str) -> Iterator[str]:
    for page in bedrock.get_paginator("list_custom_models").paginate(nameContains=part):
        yield from (model["modelArn"] for model in page["modelSummaries"])


def _patiently(act: Callable[[], bool]) -> bool:
    """Try until it is done or refused: what is still being created can only be deleted afterwards."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return act()
        except TransientError:
            if time.monotonic() > deadline:
                return False
            time.sleep(5)
        except ThroughputFailed as error:
            console.print(str(error), style="red")
            return False
