"""Model packages: a group for each stage and base model, a version for each job, and the weights of each."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from tunedrop import aws, catalog, naming
from tunedrop.aws import Aws
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Dataset, Method
from tunedrop.errors import ThroughputFailed, TransientError
from tunedrop.registry import Registry
from tunedrop.stage import Stage
from tunedrop.training.sagemaker import delete_files, is_missing, stage_tags

MERGED = "checkpoints/hf_merged/"
"""Where a job writes merged weights, below its model package's prefix (sagemaker-python-sdk,
bedrock_model_builder.py, and an AWS workshop of 2026; no page says so)."""


def group_prefix(stage_name: str) -> str:
    """The prefix of the names of a stage's groups."""
    return f"tunedrop-{stage_name}-"


def group_name(stage: Stage, base_model: BaseModel) -> str:
    """The group of a stage's models of a base model; part of the ARNs of its packages."""
    return group_prefix(stage.name) + base_model.short_name


def base_of(stage: Stage, model_arn: str) -> BaseModel | None:
    """The base of a package, by its group: `…:model-package/tunedrop-<stage>-<short name>/<version>`."""
    group = model_arn.partition(":model-package/")[2].partition("/")[0]
    found = (one for one in catalog.load().values() if one.hub_content and group == group_name(stage, one))
    return next(found, None)


def group(sagemaker: Any, stage: Stage, base_model: BaseModel) -> str:
    """The ARN of the group, which is created if it does not exist."""
    name = group_name(stage, base_model)
    found = describe_group(sagemaker, name)
    if found:
        return found
    try:
        answer = sagemaker.create_model_package_group(
            ModelPackageGroupName=name,
            ModelPackageGroupDescription=f"Tunedrop: models tuned from {base_model.name}",
            Tags=stage_tags(stage),
        )
    except ClientError:
        # Another run may have just created it.
        if found := describe_group(sagemaker, name):
            return found
        raise
    return str(answer["ModelPackageGroupArn"])


def describe_group(sagemaker: Any, name: str) -> str:
    """The ARN of a group; empty if there is none."""
    try:
        return str(sagemaker.describe_model_package_group(ModelPackageGroupName=name)["ModelPackageGroupArn"])
    except ClientError as error:
        if is_missing(error):
            return ""
        raise


def weights(sagemaker: Any, model_arn: str) -> str:
    """Where the merged weights of a package are, as an `s3://` prefix."""
    return prefix(sagemaker.describe_model_package(ModelPackageName=model_arn)) + MERGED


def method_of(aws_: Aws, stage: Stage, model_arn: str) -> Method | None:
    """The method of the run that made a model package; None if the registry does not know the run, or the
    package does not exist (any more).

    Raises
    ------
    ClientError
        If SageMaker refuses the call.
    """
    try:
        package = aws_.sagemaker.describe_model_package(ModelPackageName=model_arn)
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    record = Registry(aws_.dynamodb, stage.registry_table).get(naming.run_of(prefix(package)))
    dataset = record.document("dataset", Dataset) if record is not None else None
    return dataset.method if dataset is not None else None


def prefix(package: dict[str, Any]) -> str:
    """The `s3://` prefix of a package, from its description; empty if it names none."""
    containers = package.get("InferenceSpecification", {}).get("Containers", [])
    first: dict[str, Any] = containers[0] if containers else {}
    source = first.get("ModelDataSource", {}).get("S3DataSource", {})
    uri = str(source.get("S3Uri") or first.get("ModelDataUrl", ""))
    return f"{uri.rstrip('/')}/" if uri else ""


def status(sagemaker: Any, model_arn: str) -> str:
    """`Active` if a package can be used; empty if there is none."""
    try:
        package = sagemaker.describe_model_package(ModelPackageName=model_arn)
    except ClientError as error:
        if is_missing(error):
            return ""
        raise
    found = str(package["ModelPackageStatus"])
    return "Active" if found == "Completed" else found


def delete(sagemaker: Any, s3: Any, model_arn: str) -> bool:
    """Delete the weights of a package, then the package, then its group if that was the last.

    In this order, because an interrupted deletion is found again by the package.
    """
    try:
        package = sagemaker.describe_model_package(ModelPackageName=model_arn)
        if where := prefix(package):
            delete_files(s3, where)
        sagemaker.delete_model_package(ModelPackageName=model_arn)
        _delete_group_if_empty(sagemaker, package.get("ModelPackageGroupName", ""))
    except ClientError as error:
        if is_missing(error):
            return False
        if aws.is_transient(error) or aws.code_of(error) == "ConflictException":
            raise TransientError(aws.explain(error)) from error
        raise ThroughputFailed(aws.explain(error)) from error
    return True


def _delete_group_if_empty(sagemaker: Any, name: str) -> None:
    if not name.startswith("tunedrop-"):
        return
    left = sagemaker.list_model_packages(ModelPackageGroupName=name, MaxResults=1)
    if not left["ModelPackageSummaryList"]:
        sagemaker.delete_model_package_group(ModelPackageGroupName=name)
