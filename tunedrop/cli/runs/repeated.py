"""Refuses to upload records that were trained with the same settings before; the pipeline would refuse them.

The upload alone costs time, and its refusal arrives by mail.
"""

from __future__ import annotations

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tunedrop import catalog
from tunedrop.cli.data.folder import Submission
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.plan.estimating import Plan
from tunedrop.contracts import Dataset
from tunedrop.dataset.prepare.split import content_hash
from tunedrop.dataset.sources.opening import open_files
from tunedrop.registry.trainings import Trainings


def refuse(here: Deployed, submission: Submission, plan: Plan, *, again: bool) -> None:
    """Fail if a run of this name has trained, or is training, this submission.

    Runs of several training phases are left to the pipeline, which knows the versions of their files.

    Raises
    ------
    AlreadyTrained
        With the earlier run.
    """
    if again or plan.run.again or submission.earlier or plan.report.method is None:
        return
    try:
        if not _may_repeat(here, plan):
            return
        rules = catalog.find(plan.run.base_model).methods[plan.report.method]
        with open_files(submission.files, submission.document.data.reading) as opened:
            sources = {split: one.source.chunks(0, one.source.size) for split, one in opened.items()}
            dataset = msgspec.structs.replace(plan.dataset, content_hash=content_hash(sources, rules))
        trainings = Trainings(here.aws.dynamodb, here.stage.registry_table, here.registry)
        trainings.refuse_repeated(plan.run, dataset)
    except (BotoCoreError, ClientError, ValueError):
        return  # whoever may upload need not be allowed to read the registry; the pipeline decides


def _may_repeat(here: Deployed, plan: Plan) -> bool:
    """Whether a run of this name had as many records: only then are they read once more, and hashed."""
    records = sum(file.records for file in plan.report.files.values())
    earlier = (one.document("dataset", Dataset) for one in here.registry.named(plan.run.name))
    return any(one is not None and _records(one) == records for one in earlier)


def _records(dataset: Dataset) -> int:
    parts = (dataset.train, dataset.validation, dataset.split_off or dataset.test)
    return sum(one.records for one in parts if one is not None)
