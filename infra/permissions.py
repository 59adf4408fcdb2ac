"""Who may do what: one function a Lambda, each with the exact actions and resources that its step calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from infra.functions import Functions
from infra.settings import Settings
from tunedrop.stage import Stage as StageDescription

RUN_FILES = "runs/*"
"""Where runs write, in the artifacts bucket (`tunedrop.naming`)."""


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """What the functions work with."""

    stack: Stack
    settings: Settings
    stage: StageDescription
    intake: s3.IBucket
    artifacts: s3.IBucket
    runs: dynamodb.ITableV2
    waits: dynamodb.ITableV2
    topic: sns.ITopic
    key: kms.IKey
    bedrock_role: iam.IRole
    workflow_name: str


def grant(functions: Functions, resources: Resources) -> None:
    """Give every function what it needs."""
    grants = Grants(resources)
    for name, statements in grants.by_function().items():
        for statement in (*grants.registry(), *statements):
            functions[name].add_to_role_policy(statement)


class Grants:
    """The statements. A resource of `*` says why."""

    def __init__(self, resources: Resources) -> None:
        self._r = resources

    def by_function(self) -> dict[str, list[iam.PolicyStatement]]:
        """Every function's statements, beside those on the registry, which all have."""
        return {
            "register_run": [*self.read_uploads()],
            "validate_data": [*self.read_uploads(), *self.run_files()],
            "preflight": [*self.preflight(), *self.run_files()],
            "estimate_cost": [self.list_jobs()],
            "start_customization": [*self.start_job(), self.read_job(), self.waits()],
            "wait_for_completion": [*self.settle(), self.publish()],
            "set_up_throughput": [*self.serve(), self.read_serving(), self.list_serving()],
            "evaluate_model": [*self.invoke(), *self.run_files(), self.read_serving()],
            "promote_model": [self.aliases(), self.read_serving(), self.update_serving()],
            "release_throughput": [self.release(), self.read_serving(), self.waits(), *self.stop_job()],
            "notify": [self.publish(), *self.run_files(), self.put_events()],
            "resume_waits": [*self.settle(), self.publish(), *self.stop_job(), self.stop_runs()],
            "sweep_throughput": [*self.sweep(), self.waits(), self.publish()],
        }

    # --- data ------------------------------------------------------------------------------------------

    def registry(self) -> list[iam.PolicyStatement]:
        runs = self._r.runs.table_arn
        actions = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query"]
        return [_allow("Registry", actions, [runs, f"{runs}/index/by_time"]), *self.encryption()]

    def waits(self) -> iam.PolicyStatement:
        waits = self._r.waits.table_arn
        actions = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:Query"]
        return _allow("Waits", actions, [waits, f"{waits}/index/by_kind", f"{waits}/index/by_subject"])

    def encryption(self) -> list[iam.PolicyStatement]:
        """Our key, only by way of the services that keep our data under it."""
        services = ("s3", "dynamodb", "sns", "bedrock")
        via = [f"{service}.{self._r.stack.region}.amazonaws.com" for service in services]
        actions = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
        actions += [
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
        ]  # DynamoDB user guide, "Encryption at rest: usage notes"
        return [
            _allow("Key", actions, [self._r.key.key_arn], {"StringEquals": {"kms:ViaService": via}}),
        ]

    def read_uploads(self) -> list[iam.PolicyStatement]:
        """What people uploaded; ListBucket makes S3 say that a key is missing instead of forbidden."""
        buckets = [
            self._r.intake.bucket_arn,
            *(f"arn:aws:s3:::{name}" for name in self._r.settings.data_buckets),
        ]
        objects = [f"{bucket}/*" for bucket in buckets]  # users choose the keys
        statements = [
            _allow("ReadUploads", ["s3:GetObject", "s3:GetObjectVersion"], objects),
            _allow("ListUploads", ["s3:ListBucket"], buckets),
        ]
        if keys := self._r.settings.data_bucket_keys:
            statements.append(_allow("DataKeys", ["kms:Decrypt"], keys))
        return statements

    def run_files(self) -> list[iam.PolicyStatement]:
        files = self._r.artifacts.arn_for_objects(RUN_FILES)
        prefix = {"StringLike": {"s3:prefix": [RUN_FILES]}}
        return [
            _allow("RunFiles", ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"], [files]),
            _allow("ListRunFiles", ["s3:ListBucket"], [self._r.artifacts.bucket_arn], prefix),
        ]

    def signals(self) -> list[iam.PolicyStatement]:
        """Whether somebody approved or stopped a run."""
        objects = [self._r.intake.arn_for_objects(f"runs/*/{name}") for name in ("approve", "stop")]
        return [
            _allow("ReadSignals", ["s3:GetObject"], objects),
            _allow("ListSignals", ["s3:ListBucket"], [self._r.intake.bucket_arn]),
        ]

    # --- Bedrock ---------------------------------------------------------------------------------------

    def preflight(self) -> list[iam.PolicyStatement]:
        actions = ["bedrock:GetFoundationModel", "bedrock:GetFoundationModelAvailability"]
        # Service Quotas has no resource for a quota's reading by its code (IAM reference, servicequotas).
        return [
            _allow("BaseModels", actions, [_FOUNDATION_MODELS]),
            _allow("OwnQuotas", ["servicequotas:GetServiceQuota"], ["*"]),
            _allow(
                "BedrockRole", ["iam:GetRole", "iam:SimulatePrincipalPolicy"], [self._r.bedrock_role.role_arn]
            ),
            self.read_job(),
            self.list_jobs(),
        ]

    def start_job(self) -> list[iam.PolicyStatement]:
        models = [_FOUNDATION_MODELS, self._arn("custom-model/*"), self._arn("model-customization-job/*")]
        to_bedrock = {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}}
        return [
            _allow("CreateJob", ["bedrock:CreateModelCustomizationJob", "bedrock:TagResource"], models),
            _allow("PassBedrockRole", ["iam:PassRole"], [self._r.bedrock_role.role_arn], to_bedrock),
            self.model_key(),
            self.list_jobs(),
        ]

    def read_job(self) -> iam.PolicyStatement:
        return _allow(
            "ReadJob", ["bedrock:GetModelCustomizationJob"], [self._arn("model-customization-job/*")]
        )

    def list_jobs(self) -> iam.PolicyStatement:
        """List operations of Bedrock take no resource (IAM reference, bedrock)."""
        return _allow("ListJobs", ["bedrock:ListModelCustomizationJobs", "bedrock:ListCustomModels"], ["*"])

    def stop_job(self) -> list[iam.PolicyStatement]:
        actions = ["bedrock:StopModelCustomizationJob", "bedrock:GetModelCustomizationJob"]
        return [_allow("StopJob", actions, [self._arn("model-customization-job/*")])]

    def model_key(self) -> iam.PolicyStatement:
        """Bedrock makes itself a grant on our key for each tuned model (encryption-custom-job)."""
        via = {"StringEquals": {"kms:ViaService": f"bedrock.{self._r.stack.region}.amazonaws.com"}}
        return _allow("ModelKey", ["kms:CreateGrant"], [self._r.key.key_arn], via)

    def serve(self) -> list[iam.PolicyStatement]:
        actions = ["bedrock:CreateCustomModelDeployment", "bedrock:CreateProvisionedModelThroughput"]
        actions += ["bedrock:GetCustomModel", "bedrock:TagResource"]
        return [_allow("Serve", actions, [self._arn("custom-model/*"), *self._serving()]), self.model_key()]

    def read_serving(self) -> iam.PolicyStatement:
        actions = ["bedrock:GetCustomModelDeployment", "bedrock:GetProvisionedModelThroughput"]
        return _allow("ReadServing", actions, self._serving())

    def list_serving(self) -> iam.PolicyStatement:
        """List operations of Bedrock take no resource (IAM reference, bedrock)."""
        actions = ["bedrock:ListCustomModelDeployments", "bedrock:ListProvisionedModelThroughputs"]
        return _allow("ListServing", actions, ["*"])

    def update_serving(self) -> iam.PolicyStatement:
        resources = [self._arn("custom-model/*"), self._arn("custom-model-deployment/*")]
        return _allow("UpdateServing", ["bedrock:UpdateCustomModelDeployment"], resources)

    def release(self) -> iam.PolicyStatement:
        actions = ["bedrock:DeleteCustomModelDeployment", "bedrock:DeleteProvisionedModelThroughput"]
        return _allow("Release", actions, self._serving())

    def sweep(self) -> list[iam.PolicyStatement]:
        return [
            self.release(),
            self.read_serving(),
            self.list_serving(),
            _allow("ReadTags", ["bedrock:ListTagsForResource"], self._serving()),
            *self.stop_job(),
            self.list_jobs(),
            _allow("ReadRuns", ["states:DescribeExecution"], [self._executions()]),
        ]

    def invoke(self) -> list[iam.PolicyStatement]:
        """A base model called by an inference profile runs in any Region of the profile."""
        models = ["arn:aws:bedrock:*::foundation-model/*", self._arn("inference-profile/*"), *self._serving()]
        profiles = [self._arn("inference-profile/*")]
        return [
            _allow("Invoke", ["bedrock:InvokeModel"], models),
            _allow("ReadProfiles", ["bedrock:GetInferenceProfile"], profiles),
        ]

    # --- everything else -------------------------------------------------------------------------------

    def settle(self) -> list[iam.PolicyStatement]:
        """A task token is itself the secret that names one task of one execution."""
        send = ["states:SendTaskSuccess", "states:SendTaskFailure"]
        return [
            _allow("GiveTokensBack", send, ["*"]),
            self.waits(),
            self.read_job(),
            self.list_jobs(),
            self.read_serving(),
            *self.signals(),
        ]

    def stop_runs(self) -> iam.PolicyStatement:
        return _allow("StopRuns", ["states:StopExecution"], [self._executions()])

    def publish(self) -> iam.PolicyStatement:
        return _allow("Publish", ["sns:Publish"], [self._r.topic.topic_arn])

    def put_events(self) -> iam.PolicyStatement:
        return _allow("Tell", ["events:PutEvents"], [self._arn("event-bus/default", "events")])

    def aliases(self) -> iam.PolicyStatement:
        parameters = self._arn(f"parameter{self._r.stage.alias_prefix}/*", "ssm")
        return _allow("Aliases", ["ssm:GetParameter", "ssm:PutParameter"], [parameters])

    def _serving(self) -> list[str]:
        return [self._arn("custom-model-deployment/*"), self._arn("provisioned-model/*")]

    def _executions(self) -> str:
        return self._arn(f"execution:{self._r.workflow_name}:*", "states")

    def _arn(self, resource: str, service: str = "bedrock") -> str:
        stack = self._r.stack
        return f"arn:aws:{service}:{stack.region}:{stack.account}:{resource}"


_FOUNDATION_MODELS = "arn:aws:bedrock:*::foundation-model/*"


def _allow(
    sid: str, actions: Sequence[str], resources: Sequence[str], conditions: dict[str, Any] | None = None
) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid=sid, actions=list(actions), resources=list(resources), conditions=conditions
    )
