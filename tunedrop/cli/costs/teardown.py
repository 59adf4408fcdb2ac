"""`teardown`: deletes what runs have made in Bedrock, checks that it is gone, says what still bills.

`cdk destroy` knows none of it: jobs, deployments, throughput and models are made while the stack lives.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import naming
from tunedrop.aws import explain
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
    """What `teardown --format json` prints: ARNs, and aliases (SSM parameters) whose model is gone.

    `still_bills` is empty when all of it is gone. `removed` are the aliases that went with it, `orphaned`
    those that are still there.
    """

    stopped: list[str] = []
    released: list[str] = []
    deleted: list[str] = []
    still_bills: list[str] = []
    removed: list[str] = []
    orphaned: list[str] = []


def teardown(here: Deployed, run_id: str | None, format_: Format = Format.text) -> int:
    """Delete what one run has made, or what all have; 0 when nothing is left that bills.

    With all runs go the aliases, which CloudFormation does not know either. Of one run they stay, because
    applications read them: what they are to name now is for a person to say.
    """
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
    for alias in list(_orphaned(here, run_id)):
        if run_id is None and _remove(here, alias):
            tell("removed", done.removed, alias)
        else:
            done.orphaned.append(alias)
    _sum_up(here, done, format_)
    return NO if done.still_bills else YES


def _orphaned(here: Deployed, run_id: str | None) -> Iterator[str]:
    """The aliases that stand for a model of the run, or of any, which is not there any more."""
    for alias in here.aliases.all():
        history = here.aliases.history(_name(alias))
        if not history or run_id not in (None, history[0].run_id):
            continue
        if not models.status(here.aws.bedrock, history[0].model_arn):
            yield alias


def _remove(here: Deployed, alias: str) -> bool:
    """Delete an alias. False where that is not allowed: teardown is about what bills, and goes on."""
    try:
        here.aliases.remove(alias)
    except ClientError as error:
        errors.print(explain(error), style="red")
        return False
    return True


def _name(alias: str) -> str:
    return alias.rpartition("/")[2]


def _cure(here: Deployed, alias: str) -> str:
    """The command after which an alias names a model again, or is gone."""
    history = here.aliases.history(_name(alias))
    earlier = dict.fromkeys(one.model_arn for one in history if one.model_arn != history[0].model_arn)
    if any(models.status(here.aws.bedrock, arn) for arn in earlier):
        return f"return to an earlier one: tunedrop rollback {_name(alias)} --stage {here.name}"
    return f"there is no other: aws ssm delete-parameter --name {alias}"


def _sum_up(here: Deployed, done: TornDown, format_: Format) -> None:
    if format_ is Format.json:
        print_json(done)
        return
    for arn in done.still_bills:
        console.print(f"STILL BILLS  {arn}", style="red")
    for alias in done.orphaned:
        cure = _cure(here, alias)
        console.print(f"{alias} names a model that is gone; {cure}", style="yellow", soft_wrap=True)
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
