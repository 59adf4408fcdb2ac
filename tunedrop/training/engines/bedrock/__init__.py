"""Amazon Bedrock's model customization jobs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from tunedrop import catalog
from tunedrop.aws import Aws
from tunedrop.aws.quotas import Quotas, Shortage
from tunedrop.catalog.model import BaseModel
from tunedrop.catalog.price_list import usage_type
from tunedrop.contracts import Method, Run, StartedJob
from tunedrop.planning.plan import PlannedJob
from tunedrop.stage import Stage
from tunedrop.training.engine import TrainingEngine
from tunedrop.training.engines.bedrock import custom_models, jobs
from tunedrop.training.job import Charge, Job


class Bedrock(TrainingEngine):
    """CreateModelCustomizationJob."""

    name = "bedrock"
    job_arns = ":model-customization-job/"
    model_arns = ":custom-model/"
    parents = "arn:aws:bedrock:{region}:{account}:custom-model/[a-z0-9.:-]+/[a-z0-9]{{12}}"
    unfreeable = jobs.UNFREEABLE

    def start(
        self, aws: Aws, stage: Stage, run: Run, planned: PlannedJob, base_model: BaseModel, parent: str
    ) -> StartedJob:
        name = self.name_of(stage, run, planned.number)
        return jobs.start(aws.bedrock, stage, run, planned, parent or base_model.id, name)

    def describe(self, aws: Aws, name_or_arn: str) -> Job | None:
        return jobs.describe(aws.bedrock, name_or_arn)

    def stop(self, aws: Aws, job_arn: str) -> bool:
        return jobs.stop(aws.bedrock, job_arn)

    def role_of(self, stage: Stage) -> str:
        return stage.bedrock_role_arn

    def billed_by(self, method: Method) -> Literal["token", "hour"]:
        """Reinforcement is billed by the hour (aws.amazon.com/bedrock/pricing, 2026-07-24)."""
        return "hour" if method == "reinforcement" else "token"

    def price(self, planned: PlannedJob, base_model: BaseModel) -> Charge:
        if self.billed_by(planned.method) == "hour":
            return Charge(by="hour", price=None, sku=usage_type(base_model, "training hours"))
        price = base_model.prices.training_per_million_tokens
        return Charge(by="token", price=price, sku=usage_type(base_model, "training"))

    def in_progress(self, aws: Aws) -> int:
        return jobs.count_in_progress(aws.bedrock)

    def shortages(self, aws: Aws, quotas: Quotas, jobs: int) -> Iterator[Shortage]:
        quota = quotas.get(custom_models.CUSTOM_MODELS)
        if quota is not None and (used := custom_models.count(aws.bedrock)) + jobs > quota.value:
            yield Shortage(quota, used, used + jobs)

    def status_of_model(self, aws: Aws, model_arn: str) -> str:
        return custom_models.status(aws.bedrock, model_arn)

    def base_of(self, stage: Stage, model_arn: str) -> BaseModel | None:
        del stage
        return catalog.base_of(model_arn)

    def delete_model(self, aws: Aws, model_arn: str) -> bool:
        return custom_models.delete(aws.bedrock, model_arn)

    def customization_type(self, method: Method) -> str:
        return jobs.CUSTOMIZATION_TYPES[method]


ENGINE = Bedrock()
