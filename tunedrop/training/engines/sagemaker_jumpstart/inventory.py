"""The running JumpStart jobs of a stage, and the files of ended ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

from tunedrop import naming
from tunedrop.aws import Aws
from tunedrop.stage import Stage
from tunedrop.training import sagemaker
from tunedrop.training.engine import Leftover, LeftoverKind
from tunedrop.training.engines.sagemaker_jumpstart import weights

OUTPUT = "/output/"
"""SageMaker's folder in the job's folder, next to the copy of the data."""


def folder(where: str) -> str:
    """A job's folder, by the place of its weights below it."""
    return f"{where.partition(OUTPUT)[0]}/"


ENDED = ("Completed", "Failed", "Stopped")


def of_stage(aws: Aws, stage: Stage, begins: str, kinds: Collection[LeftoverKind]) -> Iterator[Leftover]:
    """The jobs with this prefix in their names, and the stage's tag.

    A stopped or failed job has uploaded what it had: its files cost as much as a trained model's. SageMaker
    lists ended jobs forever, so they are read only to find models.
    """
    if "training job" in kinds:
        for status in sagemaker.RUNNING:
            yield from sagemaker.jobs_of(aws.sagemaker, stage, begins, status)
    if "trained model" in kinds:
        for status in ENDED:
            for one in sagemaker.jobs_of(aws.sagemaker, stage, begins, status):
                if _has_files(aws, stage, one.arn):
                    yield msgspec.structs.replace(one, kind="trained model")


def _has_files(aws: Aws, stage: Stage, arn: str) -> bool:
    """Whether the files of a job are those of a run in the stage's bucket: an older stage of the same name
    had another, and somebody else's job may write anywhere."""
    answer = sagemaker.describe(aws.sagemaker, arn)
    where = weights.place(answer) if answer is not None else ""
    bucket, prefix = naming.place_of(where)
    if bucket != stage.artifacts_bucket or not naming.run_of(folder(where)):
        return False
    return bool(aws.s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("KeyCount"))
