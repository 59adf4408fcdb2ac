"""Imported models: merged weights in S3, imported by a job; used with OpenAI's chat body.

Billed per five-minute window with requests, and for their storage; they sleep otherwise (Bedrock
user guide, import-model-calculate-cost, read 2026-11-29). Architectures are checked by the job,
not at its submission (reported): preflight checks them before anything is paid.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from tunedrop import aws, clock, naming
from tunedrop.aws.permission import OURS, WITH_OUR_TAG, Permission
from tunedrop.aws.quotas import Quotas, Shortage, Use
from tunedrop.catalog.model import BaseModel
from tunedrop.serving.kind import Behind, Demand, Listing, Served, ServingKind, Wanted
from tunedrop.serving.permissions import BEDROCK, of_applications
from tunedrop.stage import Stage
from tunedrop.training.public_hub import PUBLIC_BUCKET

IMPORT_JOB = ":model-import-job/"
MODEL = ":imported-model/"
IN_TOTAL = "L-45B04988"
AT_ONCE = "L-5F098EFA"

_MODEL_ARNS, _JOB_ARNS = (f"{BEDROCK}imported-model/*",), (f"{BEDROCK}model-import-job/*",)
_READ_JOB = Permission(sid="ReadImports", actions=("bedrock:GetModelImportJob",), resources=_JOB_ARNS)
_READ = Permission(sid="ReadImported", actions=("bedrock:GetImportedModel",), resources=_MODEL_ARNS)
_READ_TAGS = Permission(
    sid="ReadImportTags", actions=("bedrock:ListTagsForResource",), resources=(*_MODEL_ARNS, *_JOB_ARNS)
)
# Bedrock's list operations, and the import of a model, take no resource (IAM reference, bedrock).
_LIST = Permission(
    sid="ListImports", actions=("bedrock:ListImportedModels", "bedrock:ListModelImportJobs"), resources=("*",)
)
_ASK = Permission(sid="AskImported", actions=("bedrock:InvokeModel",), resources=_MODEL_ARNS)
_PUBLIC = f"arn:aws:s3:::{PUBLIC_BUCKET}{{region}}"
# The chat template of a base model is read before anything is paid: here, or in AWS's own public bucket.
_READ_FILES = (
    Permission(
        sid="ReadBaseFiles",
        actions=("s3:GetObject",),
        resources=("{artifacts}/bases/*", f"{_PUBLIC}/*"),
    ),
    Permission(
        sid="ListBaseFiles",
        actions=("s3:ListBucket",),
        resources=(_PUBLIC,),
    ),
)
_IMPORT = (
    Permission(
        sid="Import",
        actions=("bedrock:CreateModelImportJob",),
        resources=("*",),
        conditions=WITH_OUR_TAG,
    ),
    Permission(
        sid="TagImports",
        actions=("bedrock:TagResource",),
        resources=(*_MODEL_ARNS, *_JOB_ARNS),
        conditions=WITH_OUR_TAG,
    ),
    Permission(
        sid="PassImportRole",
        actions=("iam:PassRole",),
        resources=("{import_role}",),
        conditions={"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}},
    ),
    Permission(
        sid="KeepBaseModel",
        actions=("bedrock:TagResource",),
        resources=_MODEL_ARNS,
        conditions={**OURS, "ForAllValues:StringEquals": {"aws:TagKeys": naming.EXPIRES_TAG}},
    ),
    # Without it S3 reports a missing object as forbidden (S3 API reference, GetObject).
    Permission(sid="ListArtifacts", actions=("s3:ListBucket",), resources=("{artifacts}",)),
)
_END = (
    _READ_JOB,
    _READ,
    _LIST,
    _READ_TAGS,
    Permission(
        sid="DeleteImported",
        actions=("bedrock:DeleteImportedModel",),
        resources=_MODEL_ARNS,
        conditions=OURS,
    ),
)
# Of CloudWatch's metrics none can be left out: the action takes no resource and no condition key (IAM
# reference, cloudwatch).
_COUNT_INVOCATIONS = Permission(
    sid="CountInvocations", actions=("cloudwatch:GetMetricData",), resources=("*",)
)


class Imported(ServingKind):
    """CreateModelImportJob. The job can be neither stopped nor deleted, and is free."""

    way = "imported"
    arns = (MODEL, IMPORT_JOB)
    listings = (
        Listing(
            "import job", "list_model_import_jobs", "modelImportJobSummaries", "jobArn", "jobName",
            "creationTime", statuses=("InProgress",), is_job=True,
        ),
        Listing(
            "imported model", "list_imported_models", "modelSummaries", "modelArn", "modelName",
            "creationTime",
        ),
    )  # fmt: skip
    title = "imported"
    asked_by = "chat"
    terms = "imported into Bedrock: billed by windows of five minutes"
    billed_by = "window"
    while_idle = "billed for storage alone while idle"
    serves_files = True
    permissions = {  # noqa: RUF012
        "preflight": (_LIST, _READ_JOB, _READ, *_READ_FILES),
        "set_up_throughput": (*_IMPORT, _READ_JOB, _READ, _LIST),
        "wait_for_completion": (_READ_JOB, _READ),
        "resume_waits": (_READ_JOB, _READ),
        "evaluate_model": (_ASK, _READ),
        "evaluate_shard": (_ASK,),
        "promote_model": (_READ_TAGS, _READ_JOB, _READ),
        "release_throughput": _END,
        "sweep_throughput": (*_END, _COUNT_INVOCATIONS),
    }
    endpoints = {"cloudwatch": "monitoring"}  # noqa: RUF012
    applications = of_applications("Imported", "imported-model")
    quota_hint = (
        f"Bedrock runs one import job at a time ({AT_ONCE}, which cannot be raised): wait until it has "
        "ended. If none runs, delete an imported model, or ask for more in Service Quotas: "
        f"{IN_TOTAL} (3 by default)."
    )

    def create(self, bedrock: Any, wanted: Wanted) -> str:
        of = [{"key": naming.MODEL_TAG, "value": wanted.model_arn}] if wanted.model_arn else []
        answer = bedrock.create_model_import_job(
            jobName=wanted.name,
            importedModelName=wanted.name,
            roleArn=wanted.stage.import_role_arn,
            modelDataSource={"s3DataSource": {"s3Uri": wanted.weights}},
            jobTags=wanted.tags,
            importedModelTags=[*wanted.tags, *of],
            importedModelKmsKeyId=wanted.stage.key_arn,
            clientRequestToken=naming.client_token("import", wanted.name, wanted.weights),
        )
        return str(answer["jobArn"])

    def describe(self, bedrock: Any, arn: str) -> Served:
        if IMPORT_JOB not in arn:
            return self._model(bedrock, arn)
        job = bedrock.get_model_import_job(jobIdentifier=arn)
        if job["status"] != "Completed":
            status = "Creating" if job["status"] == "InProgress" else str(job["status"])
            return Served(status, str(job.get("failureMessage", "")), arn)
        return self._model(bedrock, str(job["importedModelArn"]))

    def find(self, bedrock: Any, name: str) -> str:
        return str(bedrock.get_model_import_job(jobIdentifier=name)["jobArn"])

    def is_of(self, bedrock: Any, arn: str, wanted: Wanted) -> bool:
        """By the files that its job imports."""
        source = bedrock.get_model_import_job(jobIdentifier=arn).get("modelDataSource", {})
        return bool(source.get("s3DataSource", {}).get("s3Uri") == wanted.weights)

    def delete(self, bedrock: Any, arn: str) -> None:
        """A running import job must end first: Bedrock has no operation that stops it."""
        if IMPORT_JOB in arn:
            served = self.describe(bedrock, arn)
            if served.status == "Failed":
                return
            if served.status == "Creating":
                raise ClientError(
                    {"Error": {"Code": "ConflictException", "Message": f"{arn} still imports"}},
                    "DeleteImportedModel",
                )
            arn = served.arn
        bedrock.delete_imported_model(modelIdentifier=arn)

    def shortages(self, bedrock: Any, quotas: Quotas, demand: Demand) -> Iterator[Shortage]:
        if (quota := quotas.get(IN_TOTAL)) is None:
            return
        names = [str(one["modelName"]) for one in self.existing(bedrock)]
        needed = len(names) + demand.count
        if needed > quota.value:
            copies = _copies(demand.stage, demand.base_model, names)
            yield Shortage(quota, len(names), needed, copies)

    def uses(self, bedrock: Any, quotas: Quotas, base_models: Sequence[BaseModel]) -> Iterator[Use]:
        del quotas, base_models
        used = len(self.existing(bedrock))
        yield Use(code=IN_TOTAL, counts="imported models", used=used, needed=used + 1)

    def ask(self, client: Any, model_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = client.invoke_model(modelId=model_id, body=json.dumps(body))
        return dict(json.loads(answer["body"].read()))

    def behind(self, bedrock: Any, arn: str) -> Behind:
        """Its tag names the model; no operation replaces it."""
        tags = bedrock.list_tags_for_resource(resourceARN=arn).get("tags", ())
        model_arn = next((one["value"] for one in tags if one["key"] == naming.MODEL_TAG), "")
        return Behind(model_arn, model_arn)

    def _model(self, bedrock: Any, arn: str) -> Served:
        model = bedrock.get_imported_model(modelIdentifier=arn)
        units = int(model.get("customModelUnits", {}).get("customModelUnitsPerModelCopy", 0))
        return Served("InService", "", arn, units)


KIND = Imported()


def _copies(stage: Stage, model: BaseModel, names: list[str]) -> str:
    """The imported models that are the stage's copies of other base models; the sweep deletes unused ones."""
    own, every = naming.base_imports(stage.name, model.short_name), naming.base_imports(stage.name)
    others = [one for one in names if one.startswith(every) and not one.startswith(own)]
    if not others:
        return ""
    idle = clock.about(stage.base_model_idle_seconds)
    return (
        f", of them {', '.join(others)} to compare with: the sweep deletes each once no run needs it for "
        f"{idle}"
    )


def is_asleep(error: Exception) -> bool:
    """Whether an imported model must wake up first: HTTP 429, for tens of seconds (API reference,
    InvokeModel, ModelNotReadyException)."""
    return isinstance(error, ClientError) and aws.code_of(error) == "ModelNotReadyException"
