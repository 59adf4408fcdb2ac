"""What JumpStart's jobs of a stage hold: those that run, and the files of those that have ended."""

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
"""SageMaker's own folder in a job's, beside the copy of the data."""


def folder(where: str) -> str:
    """A job's folder, by the place of its weights below it."""
    return f"{where.partition(OUTPUT)[0]}/"


ENDED = ("Completed", "Failed", "Stopped")


def of_stage(aws: Aws, stage: Stage, begins: str, kinds: Collection[LeftoverKind]) -> Iterator[Leftover]:
    """The jobs whose names begin so and that carry the stage's tag.

    A job that was stopped or failed has uploaded what it had: also then its files are a trained model's, and
    cost as much. SageMaker lists ended jobs for ever, so that they are looked at only for models.
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
    """Whether files of a job are in the stage's bucket: an older stage of its name had another."""
    answer = sagemaker.describe(aws.sagemaker, arn)
    where = weights.place(answer) if answer is not None else ""
    bucket, prefix = naming.place_of(where)
    if bucket != stage.artifacts_bucket:
        return False
    return bool(aws.s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("KeyCount"))
