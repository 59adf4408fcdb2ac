"""What another stage of the account has, which nothing of ours may touch."""

from __future__ import annotations

from typing import Any

from local.driver import Pipeline
from tunedrop import naming
from tunedrop.contracts import Dataset
from tunedrop.registry import Record


def job_of_another_stage(pipeline: Pipeline, like: Record, name: str, run_id: str) -> str:
    """Start a customization job on a run's data, it and its model tagged as another stage's."""
    stage, dataset = pipeline.stage, like.document("dataset", Dataset)
    assert dataset is not None
    tags = naming.tags("another", run_id)
    answer: dict[str, Any] = pipeline.aws.bedrock.create_model_customization_job(
        jobName=name,
        customModelName=name,
        roleArn=stage.bedrock_role_arn,
        baseModelIdentifier=like.run.base_model,
        customizationType="FINE_TUNING",
        trainingDataConfig={"s3Uri": dataset.train.uri},
        outputDataConfig={"s3Uri": f"s3://{stage.artifacts_bucket}/runs/another/training/"},
        hyperParameters=like.run.hyperparameters,
        jobTags=tags,
        customModelTags=tags,
    )
    return str(answer["jobArn"])
