"""The SageMaker resources of a stage: training jobs and model packages."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from botocore.exceptions import ClientError

from tunedrop import clock, naming
from tunedrop.stage import Stage
from tunedrop.training.engine import Leftover, LeftoverKind
from tunedrop.training.engines.sagemaker_serverless import packages
from tunedrop.training.sagemaker import RUNNING, is_missing, jobs_of, tags_of


def of_stage(sagemaker: Any, stage: Stage, kinds: Collection[LeftoverKind]) -> Iterator[Leftover]:
    """The running training jobs and the model packages that carry the stage's tag or are in its groups.

    Ended jobs are free and keep no data; their model packages do. Finding packages takes a call for each,
    so they are only looked for on request.
    """
    prefix = packages.group_prefix(stage.name)
    if "training job" in kinds:
        for status in RUNNING:
            yield from jobs_of(sagemaker, stage, prefix, status)
    if "trained model" in kinds:
        groups = sagemaker.get_paginator("list_model_package_groups")
        for page in groups.paginate(NameContains=prefix):
            for group in page["ModelPackageGroupSummaryList"]:
                if group["ModelPackageGroupName"].startswith(prefix):
                    yield from _packages(sagemaker, stage, group)


def _packages(sagemaker: Any, stage: Stage, group: dict[str, Any]) -> Iterator[Leftover]:
    """The group's tag has the stage of its packages; the location of their weights has the run.

    Anyone who may register a package can do so in this group: one with weights elsewhere is not the stage's,
    and deleting it would delete them.
    """
    if tags_of(sagemaker, group["ModelPackageGroupArn"]).get(naming.STAGE_TAG) != stage.name:
        return
    pages = sagemaker.get_paginator("list_model_packages")
    for page in pages.paginate(ModelPackageGroupName=group["ModelPackageGroupName"]):
        for one in page["ModelPackageSummaryList"]:
            try:
                package = sagemaker.describe_model_package(ModelPackageName=one["ModelPackageArn"])
            except ClientError as error:
                if is_missing(error):
                    continue
                raise
            where = packages.prefix(package)
            if where and not (naming.place_of(where)[0] == stage.artifacts_bucket and naming.run_of(where)):
                continue
            yield Leftover(
                kind="trained model",
                arn=one["ModelPackageArn"],
                name=f"{group['ModelPackageGroupName']}/{one.get('ModelPackageVersion', '')}",
                status=one["ModelPackageStatus"],
                run_id=naming.run_of(where),
                created_at=clock.write(one["CreationTime"]),
            )
