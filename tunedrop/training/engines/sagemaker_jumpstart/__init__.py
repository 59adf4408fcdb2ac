"""SageMaker JumpStart: continued pre-training with AWS's script, on one instance, billed by the hour.

The base model's hub document has the image, script, weights and hyperparameters; Bedrock imports the folder
that a job writes. A job's model has no ARN of its own: the job's ARN identifies it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import msgspec

from tunedrop.aws import Aws
from tunedrop.aws.quotas import Quota, Use
from tunedrop.catalog.model import BaseModel
from tunedrop.catalog.price_list import usage_type
from tunedrop.contracts import Check, CompletedJob, Dataset, Method, Run, StartedJob
from tunedrop.errors import CustomizationFailed
from tunedrop.planning.plan import PlannedJob
from tunedrop.stage import Stage
from tunedrop.training import sagemaker
from tunedrop.training.engine import Leftover, LeftoverKind, TrainingEngine
from tunedrop.training.engines.sagemaker_jumpstart import (
    checks,
    inventory,
    jobs,
    limits,
    losses,
    weights,
)
from tunedrop.training.engines.sagemaker_jumpstart import template as templates
from tunedrop.training.engines.sagemaker_jumpstart.permissions import OF_ITS_ROLE, PERMISSIONS
from tunedrop.training.job import Billed, Charge, Job


class SageMakerJumpStart(TrainingEngine):
    """CreateTrainingJob with an image, a script and an instance."""

    name = "sagemaker-jumpstart"
    service = "sagemaker"
    endpoint = "sagemaker.api"
    job_names = "pretrain"
    job_arns = model_arns = ":training-job/pretrain-"
    # IncrementalTrainingSupported of a hub document would say so; in no known document or example it is true.
    dead_end = (
        "is a training job that stands for the model it has made, and no job can continue from it: no source "
        "says that JumpStart's script takes its own result. Name the base model, and give all texts at once"
    )
    unfreeable = jobs.UNFREEABLE
    permissions = PERMISSIONS
    role = sagemaker.role(*OF_ITS_ROLE)
    event = sagemaker.EVENT

    def start(
        self, aws: Aws, stage: Stage, run: Run, planned: PlannedJob, base_model: BaseModel, parent: str
    ) -> StartedJob:
        """Start a job. No job continues from another's weights: `parent` was refused before."""
        del parent
        return jobs.start(aws, stage, run, planned, base_model, self.name_of(stage, run, planned.number))

    def describe(self, aws: Aws, name_or_arn: str) -> Job | None:
        answer = sagemaker.describe(aws.sagemaker, name_or_arn)
        if answer is None:
            return None
        job = sagemaker.job(answer)
        training, validation = losses.final(answer)
        return msgspec.structs.replace(
            job,
            model_arn=job.arn if job.status == "Completed" else "",
            output_uri=weights.place(answer),
            training_loss=training,
            validation_loss=validation,
        )

    def result(self, aws: Aws, job: Job) -> CompletedJob | None:
        """See `TrainingEngine.result`; fails if Bedrock could not import the files."""
        done = super().result(aws, job)
        if done is not None and (problem := weights.problem(weights.names(aws.s3, job.output_uri))):
            raise CustomizationFailed(
                f"the training job {job.name} has left {problem} in {job.output_uri}, which Bedrock does not "
                "import: JumpStart's script has changed. Report it, and keep the files: nothing else is lost"
            )
        return done

    def stop(self, aws: Aws, job_arn: str) -> bool:
        return sagemaker.stop(aws.sagemaker, job_arn)

    def billed_by(self, method: Method) -> Billed:
        del method
        return "hour"

    def price(self, planned: PlannedJob, base_model: BaseModel) -> Charge:
        """By the instance hour."""
        return Charge(
            by="hour",
            price=base_model.prices.training_per_hour,
            sku=usage_type(base_model, "training hours"),
            hours=limits.hours(planned),
        )

    def in_progress(self, aws: Aws) -> int:
        return sagemaker.count_in_progress(aws.sagemaker)

    def of_tunedrop(self, aws: Aws, in_progress: int) -> int:
        del in_progress
        return sagemaker.count_in_progress(aws.sagemaker, f"{self.job_names}-")

    def uses(self, aws: Aws, base_models: Sequence[BaseModel], jobs: int) -> Iterator[Use]:
        """One instance of each type, of which new accounts have none."""
        del jobs
        for instance in sorted({one.training_instance for one in base_models} - {""}):
            found = limits.find(aws.service_quotas, instance)
            name = limits.name(instance)
            quota = (
                Quota(found["QuotaCode"], name, float(found["Value"]), bool(found.get("Adjustable", True)))
                if found is not None
                else None
            )
            yield Use(
                code=quota.code if quota else "", counts=name, used=0, needed=1, quota=quota,
                service=self.service,
            )  # fmt: skip

    def status_of_model(self, aws: Aws, model_arn: str) -> str:
        where = self.weights_of(aws, model_arn)
        return "Active" if where and weights.names(aws.s3, where + weights.CONFIG) else ""

    def delete_model(self, aws: Aws, model_arn: str) -> bool:
        """Delete a job's files in S3; its record is free, and AWS keeps it."""
        where = self.weights_of(aws, model_arn)
        return bool(where) and sagemaker.delete_files(aws.s3, inventory.folder(where))

    def weights_of(self, aws: Aws, model_arn: str) -> str:
        answer = sagemaker.describe(aws.sagemaker, model_arn)
        return weights.place(answer) if answer is not None else ""

    def base_weights(self, aws: Aws, base_model: BaseModel) -> str:
        """The hub's files of the base model, if they are unpacked and not under a licence."""
        try:
            return templates.describe(aws.sagemaker, base_model).base_weights
        except templates.Incomplete:
            return ""

    def checks(
        self, aws: Aws, stage: Stage, run: Run, dataset: Dataset, base_model: BaseModel
    ) -> Iterator[Check]:
        return checks.every(aws, stage, run, dataset, base_model)

    def leftovers(self, aws: Aws, stage: Stage, kinds: Collection[LeftoverKind]) -> Iterator[Leftover]:
        return inventory.of_stage(aws, stage, f"{self.job_names}-{stage.name}-", kinds)


ENGINE = SageMakerJumpStart()
