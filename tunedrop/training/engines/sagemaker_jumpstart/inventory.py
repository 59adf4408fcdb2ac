"""What JumpStart's jobs of a stage hold: those that run, and the files of those that have ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tunedrop import clock, naming
from tunedrop.aws import Aws
from tunedrop.stage import Stage
from tunedrop.training import sagemaker
from tunedrop.training.engine import Leftover
from tunedrop.training.engines.sagemaker_jumpstart import weights

OUTPUT = "/output/"
"""SageMaker's own folder in a job's, beside the copy of the data."""


def folder(where: str) -> str:
    """A job's folder, by the place of its weights below it."""
    return f"{where.partition(OUTPUT)[0]}/"


def of_stage(aws: Aws, stage: Stage, begins: str) -> Iterator[Leftover]:
    """The jobs whose names begin so and that carry the stage's tag.

    A job that was stopped or failed has uploaded what it had: also then its files are a trained model's, and
    cost as much.
    """
    pages = aws.sagemaker.get_paginator("list_training_jobs").paginate(NameContains=begins)
    for page in pages:
        for one in page["TrainingJobSummaries"]:
            if one["TrainingJobName"].startswith(begins):
                yield from _held(aws, stage, one)


def _held(aws: Aws, stage: Stage, job: dict[str, Any]) -> Iterator[Leftover]:
    arn = job["TrainingJobArn"]
    runs = job["TrainingJobStatus"] in sagemaker.RUNNING
    if not runs and not _has_files(aws, arn):
        return
    tags = sagemaker.tags_of(aws.sagemaker, arn)
    if tags.get(naming.STAGE_TAG) == stage.name:
        yield Leftover(
            kind="training job" if runs else "trained model",
            arn=arn,
            name=job["TrainingJobName"],
            status=job["TrainingJobStatus"],
            run_id=tags.get(naming.RUN_TAG, ""),
            created_at=clock.write(job["CreationTime"]),
        )


def _has_files(aws: Aws, arn: str) -> bool:
    answer = sagemaker.describe(aws.sagemaker, arn)
    where = weights.place(answer) if answer is not None else ""
    if not where:
        return False
    bucket, prefix = naming.place_of(where)
    return bool(aws.s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("KeyCount"))
