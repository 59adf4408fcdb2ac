"""Amazon Bedrock's model customization jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tunedrop import catalog
from tunedrop.aws import Aws
from tunedrop.aws.quotas import Quotas, Shortage, Use
from tunedrop.catalog.model import BaseModel
from tunedrop.catalog.price_list import usage_type
from tunedrop.contracts import Method, Run, StartedJob
from tunedrop.planning.plan import PlannedJob
from tunedrop.stage import Stage
from tunedrop.training.engine import JobEvent, TrainingEngine
from tunedrop.training.engines.bedrock import custom_models, jobs
from tunedrop.training.engines.bedrock.jobs import SCHEDULED_JOBS
from tunedrop.training.job import Billed, Charge, Job


class Bedrock(TrainingEngine):
    """CreateModelCustomizationJob."""

    name = "bedrock"
    job_arns = ":model-customization-job/"
    model_arns = ":custom-model/"
    parents = "arn:aws:bedrock:{region}:{account}:custom-model/[a-z0-9.:-]+/[a-z0-9]{{12}}"
    event = JobEvent("aws.bedrock", "Model Customization Job State Change")
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

    def billed_by(self, method: Method) -> Billed:
        """Reinforcement by the hour (aws.amazon.com/bedrock/pricing, 2026-07-24); images with captions by the
        image seen (the same page, in a copy of 2025-03-10)."""
        return {"reinforcement": "hour", "image-caption": "image"}.get(method, "token")  # type: ignore[return-value]

    def price(self, planned: PlannedJob, base_model: BaseModel) -> Charge:
        if self.billed_by(planned.method) == "hour":
            return Charge(by="hour", price=None, sku=usage_type(base_model, "training hours"))
        prices, by = base_model.prices, self.billed_by(planned.method)
        price = prices.training_per_image if by == "image" else prices.training_per_million_tokens
        return Charge(by=by, price=price, sku=usage_type(base_model, "training"))

    def in_progress(self, aws: Aws) -> int:
        return jobs.count_in_progress(aws.bedrock)

    def shortages(self, aws: Aws, quotas: Quotas, jobs: int) -> Iterator[Shortage]:
        quota = quotas.get(custom_models.CUSTOM_MODELS)
        if quota is not None and (used := custom_models.count(aws.bedrock)) + jobs > quota.value:
            yield Shortage(quota, used, used + jobs)

    def uses(self, aws: Aws, base_models: Sequence[BaseModel], jobs: int) -> Iterator[Use]:
        del base_models
        running, used = self.in_progress(aws), custom_models.count(aws.bedrock)
        yield Use(
            code=SCHEDULED_JOBS, counts="concurrent customization jobs", used=running, needed=max(1, jobs)
        )
        yield Use(code=custom_models.CUSTOM_MODELS, counts="custom models", used=used, needed=used + 1)

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
