"""`teardown`: deletes what runs have made in Bedrock, checks that it is gone, says what still bills.

`cdk destroy` knows none of it: jobs, deployments, throughput and models are made while the stack lives.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from tunedrop import naming
from tunedrop.cli.exits import NO, YES
from tunedrop.cli.output import Format, console, errors, print_json
from tunedrop.cli.stage import Deployed
from tunedrop.errors import ThroughputFailed, TransientError
from tunedrop.evaluation import judge_jobs
from tunedrop.serving import models, throughput
from tunedrop.serving.sweep import in_service
from tunedrop.stage import Stage
from tunedrop.training import jobs

PATIENCE_SECONDS = 1800.0


class TornDown(msgspec.Struct, frozen=True, kw_only=True):
    """What `teardown --format json` prints: ARNs, and the aliases that named one of them.

    `still_bills` is empty when all of it is gone.
    """

    stopped: list[str] = []
    released: list[str] = []
    deleted: list[str] = []
    still_bills: list[str] = []
    orphaned: list[str] = []


def teardown(here: Deployed, run_id: str | None, format_: Format = Format.text) -> int:
    """Delete what one run has made, or what all have; 0 when nothing is left that bills."""
    part = run_id or ""
    prefix = f"tunedrop-{here.stage.name}-"
    bedrock = here.aws.bedrock
    done = TornDown()

    def tell(verb: str, arns: list[str], arn: str) -> None:
        arns.append(arn)
        if format_ is Format.text:
            console.print(f"{verb:<9} {arn}")

    for job in _jobs(bedrock, prefix + part):
        if jobs.stop(bedrock, job):
            tell("stopped", done.stopped, job)
    for job in _judging(bedrock, here.stage, part):
        if judge_jobs.stop(bedrock, job):
            tell("stopped", done.stopped, job)
    for arn in [one.arn for one in in_service(bedrock, here.stage) if part in one.name]:
        if _patiently(lambda arn=arn: throughput.release(bedrock, arn)):  # type: ignore[misc]
            tell("released", done.released, arn)
    for arn in list(_models(bedrock, prefix + part)):
        if _patiently(lambda arn=arn: models.delete(bedrock, arn)):  # type: ignore[misc]
            tell("deleted", done.deleted, arn)
    done.still_bills.extend(one.arn for one in in_service(bedrock, here.stage) if part in one.name)
    done.still_bills.extend(_models(bedrock, prefix + part))
    gone = {*done.released, *done.deleted}
    done.orphaned.extend(alias for alias, model in here.aliases.all().items() if model in gone)
    _sum_up(done, format_)
    return NO if done.still_bills else YES


def _sum_up(done: TornDown, format_: Format) -> None:
    if format_ is Format.json:
        print_json(done)
        return
    for arn in done.still_bills:
        console.print(f"STILL BILLS  {arn}", style="red")
    for alias in done.orphaned:
        name = alias.rpartition("/")[2]
        console.print(f"{alias} names a model that is gone: tunedrop rollback {name}", style="yellow")
    left = len(done.still_bills)
    console.print(f"{left} resources still bill" if left else "nothing is left that bills")


def _jobs(bedrock: Any, part: str) -> Iterator[str]:
    pages = bedrock.get_paginator("list_model_customization_jobs")
    for page in pages.paginate(nameContains=part, statusEquals="InProgress"):
        yield from (job["jobArn"] for job in page["modelCustomizationJobSummaries"])


def _judging(bedrock: Any, stage: Stage, run_id: str) -> Iterator[str]:
    """Evaluation jobs at work. Whose they are, their tags say: their names have no room for the stage."""
    mine = {"key": naming.STAGE_TAG, "value": stage.name}
    for job in judge_jobs.of_run(bedrock, run_id or "tunedrop-", statusEquals="InProgress").values():
        if mine in bedrock.list_tags_for_resource(resourceARN=job)["tags"]:
            yield job


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
            errors.print(str(error), style="red")
            return False
