"""SageMaker AI's serverless model customization: training jobs without an instance.

A job makes a version of a model package, whose merged weights Bedrock imports. Facts: SageMaker AI developer
guide, customizing-models; botocore's sagemaker service model; read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tunedrop.aws import Aws
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Check, CompletedJob, Dataset, Method, Run, StartedJob
from tunedrop.planning.plan import PlannedJob
from tunedrop.stage import Stage
from tunedrop.training import public_hub, sagemaker
from tunedrop.training.engine import Leftover, LeftoverKind, TrainingEngine
from tunedrop.training.engines.sagemaker_serverless import checks, evaluators, inventory, jobs, packages
from tunedrop.training.engines.sagemaker_serverless.permissions import OF_ITS_ROLE, PERMISSIONS
from tunedrop.training.job import Billed, Charge, Job


class SageMakerServerless(TrainingEngine):
    """CreateTrainingJob with a ServerlessJobConfig."""

    name = "sagemaker-serverless"
    service = "sagemaker"
    endpoint = "sagemaker.api"
    job_arns = ":training-job/tunedrop-"
    model_arns = ":model-package/"
    parents = "arn:aws:sagemaker:{region}:{account}:model-package/tunedrop-{stage}-[a-z0-9-]+/[0-9]{{1,6}}"
    # Versions count from 1 in a group that is created again.
    arns_return = True
    wraps_graders = True
    reinforces_results = True
    unfreeable = jobs.UNFREEABLE
    permissions = PERMISSIONS
    role = sagemaker.role(*OF_ITS_ROLE)
    event = sagemaker.EVENT

    def start(
        self, aws: Aws, stage: Stage, run: Run, planned: PlannedJob, base_model: BaseModel, parent: str
    ) -> StartedJob:
        name = self.name_of(stage, run, planned.number)
        return jobs.start(aws, stage, run, planned, base_model, parent, name)

    def describe(self, aws: Aws, name_or_arn: str) -> Job | None:
        return jobs.describe(aws.sagemaker, name_or_arn)

    def result(self, aws: Aws, job: Job) -> CompletedJob | None:
        return super().result(aws, jobs.with_weights(aws.sagemaker, job))

    def stop(self, aws: Aws, job_arn: str) -> bool:
        return sagemaker.stop(aws.sagemaker, job_arn)

    def billed_by(self, method: Method) -> Billed:
        """By what the recipes tell the hub (`ServerlessMeteringType`; aws/sagemaker-hyperpod-recipes, read
        2026-11-30): reinforcement by the hour, the rest by the trained token."""
        return "hour" if method == "reinforcement" else "token"

    def price(self, planned: PlannedJob, base_model: BaseModel) -> Charge:
        """No page has a dated rate."""
        prices, by = base_model.prices, self.billed_by(planned.method)
        known = prices.training_per_hour if by == "hour" else prices.training_per_million_tokens
        return Charge(by=by, price=known)

    def in_progress(self, aws: Aws) -> int:
        return sagemaker.count_in_progress(aws.sagemaker)

    def of_tunedrop(self, aws: Aws, in_progress: int) -> int:
        del in_progress
        return sagemaker.count_in_progress(aws.sagemaker, f"{self.job_names}-")

    def status_of_model(self, aws: Aws, model_arn: str) -> str:
        return packages.status(aws.sagemaker, model_arn)

    def base_of(self, stage: Stage, model_arn: str) -> BaseModel | None:
        return packages.base_of(stage, model_arn)

    def method_of(self, aws: Aws, stage: Stage, model_arn: str) -> Method | None:
        return packages.method_of(aws, stage, model_arn)

    def why_not_after(self, before: Method, after: Method) -> str:
        return "" if jobs.may_follow(before, after) else jobs.NEAREST

    def delete_model(self, aws: Aws, model_arn: str) -> bool:
        return packages.delete(aws.sagemaker, aws.s3, model_arn)

    def weights_of(self, aws: Aws, model_arn: str) -> str:
        return packages.weights(aws.sagemaker, model_arn)

    def base_weights(self, aws: Aws, base_model: BaseModel) -> str:
        return public_hub.describe(aws.sagemaker, base_model).weights

    def checks(
        self, aws: Aws, stage: Stage, run: Run, dataset: Dataset, base_model: BaseModel
    ) -> Iterator[Check]:
        return checks.every(aws, stage, run, dataset, base_model)

    def forget(self, aws: Aws, stage: Stage) -> list[str]:
        return evaluators.forget(aws.sagemaker, stage)

    def leftovers(self, aws: Aws, stage: Stage, kinds: Collection[LeftoverKind]) -> Iterator[Leftover]:
        return inventory.of_stage(aws.sagemaker, stage, kinds)


ENGINE = SageMakerServerless()
