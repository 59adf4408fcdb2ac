"""Bedrock's OpenAI-compatible fine-tuning (bedrock-mantle): reinforcement of open weights.

The tuned model is used at the same endpoint, billed by the token, without a deployment. Facts: Bedrock user
guide, fine-tuning-openai-apis, fine-tuning-openai-job-create and rft-open-weight-access-security, read
2026-11-29.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tunedrop.aws import Aws
from tunedrop.aws.mantle import FILES, SERVICE, TUNED_MODELS, id_in
from tunedrop.catalog.model import BaseModel
from tunedrop.catalog.price_list import usage_type
from tunedrop.contracts import Check, Dataset, Method, Run, StartedJob
from tunedrop.planning.plan import PlannedJob
from tunedrop.stage import Stage
from tunedrop.training.curves import Curves
from tunedrop.training.engine import Leftover, LeftoverKind, TrainingEngine
from tunedrop.training.engines.mantle import checks, inventory, jobs, metrics, tuned
from tunedrop.training.engines.mantle.permissions import PERMISSIONS
from tunedrop.training.job import Billed, Charge, Job


class Mantle(TrainingEngine):
    """`POST /v1/fine_tuning/jobs`. Jobs have no role: files are sent to the service, which calls the grader
    as the job's creator. There are no events."""

    name = "mantle"
    service = endpoint = "bedrock-mantle"
    job_arns = f"{SERVICE}."  # also of their training files
    model_arns = TUNED_MODELS
    dead_end = (
        "was tuned through an OpenAI-compatible API, and no job can continue from such a model: name the "
        "base "
        "model, and give all data at once"
    )
    unfreeable = jobs.UNFREEABLE
    undeletable = tuned.UNDELETABLE
    permissions = PERMISSIONS

    def start(
        self, aws: Aws, stage: Stage, run: Run, planned: PlannedJob, base_model: BaseModel, parent: str
    ) -> StartedJob:
        del parent  # no job continues from a tuned model (fine-tuning-openai-apis names only base models)
        return jobs.start(aws, stage, run, planned, base_model, self.name_of(stage, run, planned.number))

    def describe(self, aws: Aws, name_or_arn: str) -> Job | None:
        return jobs.describe(aws.mantle, name_or_arn)

    def curves(self, aws: Aws, job_arn: str) -> Curves:
        return metrics.curves(aws.mantle, job_arn)

    def stop(self, aws: Aws, job_arn: str) -> bool:
        return jobs.stop(aws.mantle, job_arn)

    def end_twins(self, aws: Aws, job_arn: str) -> None:
        jobs.end_twins(aws.mantle, job_arn)

    def discard(self, aws: Aws, file_arn: str) -> bool:
        return jobs.let_go(aws.mantle, id_in(file_arn, FILES))

    def billed_by(self, method: Method) -> Billed:
        del method
        return "hour"

    def price(self, planned: PlannedJob, base_model: BaseModel) -> Charge:
        """By the hour, like other reinforcement (aws.amazon.com/bedrock/pricing, 2026-07-24)."""
        del planned
        price = base_model.prices.training_per_hour
        return Charge(by="hour", price=price, sku=usage_type(base_model, "training hours"))

    def in_progress(self, aws: Aws) -> int:
        return jobs.count_in_progress(aws.mantle)

    def status_of_model(self, aws: Aws, model_arn: str) -> str:
        return tuned.status(aws.mantle, model_arn)

    def delete_model(self, aws: Aws, model_arn: str) -> bool:
        return tuned.delete(aws.mantle, model_arn)

    def checks(
        self, aws: Aws, stage: Stage, run: Run, dataset: Dataset, base_model: BaseModel
    ) -> Iterator[Check]:
        del stage, run, dataset
        return checks.every(aws.mantle, base_model)

    def leftovers(self, aws: Aws, stage: Stage, kinds: Collection[LeftoverKind]) -> Iterator[Leftover]:
        return inventory.of_stage(aws.mantle, stage, kinds)


ENGINE = Mantle()
