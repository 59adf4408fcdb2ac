"""The permissions of every function: the exact actions and resources of its step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from infra.engine_permissions import Filling
from infra.functions import ANSWERER, EXPORTER, REWARDS, Functions
from infra.settings import Settings
from tunedrop import catalog, naming
from tunedrop.stage import Stage as StageDescription
from tunedrop.training import engines

FOUNDATION_MODELS = "arn:aws:bedrock:*::foundation-model/*"
"""Any: the run chooses its base model, and an inference profile the Region that answers."""

RUN_FILES = "runs/*"
DATASETS = "runs/*/dataset/*"
SHARD_FILES = f"{naming.SHARDS_PREFIX}*"
"""Where runs and their shards write, in the artifacts bucket (`tunedrop.naming`)."""


PRODUCTION = ("ALIAS#*", "ARN#*")
WRITES: dict[str, tuple[str, ...]] = {
    "register_run": ("NAME#*", "UPLOAD#*", "OPEN#*"),
    "preflight": ("TRAINING#*",),
    "estimate_cost": ("MONTH#*",),
    "wait_for_completion": ("TROUBLE", "ONCE#*", "MONTH#*"),
    "promote_model": PRODUCTION,
    "release_throughput": PRODUCTION,
    "notify": ("MONTH#*",),
    "resume_waits": ("TROUBLE", "ONCE#*", "MONTH#*"),
    "sweep_throughput": (*PRODUCTION, "TROUBLE", "ONCE#*", "MONTH#*"),
    "refresh_prices": ("ONCE#*", "KEPT#*"),
}
"""What a function may write in the registry beside runs: partition keys (`tunedrop.registry.table`).

Only those that promote and release write what decides about production.
"""


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
    chat: sns.ITopic | None
    key: kms.IKey
    bedrock_role: iam.IRole
    evaluation_role: iam.IRole
    training_role: iam.IRole | None = None
    import_role: iam.IRole | None = None
    workflow_name: str


def grant(functions: Functions, resources: Resources) -> None:
    """Give every function what it needs."""
    grants = Grants(resources)
    if resources.chat is not None:
        for statement in grants.answer():
            functions[ANSWERER.name].add_to_role_policy(statement)
    if resources.settings.mlflow is not None:
        for statement in grants.export():
            functions[EXPORTER.name].add_to_role_policy(statement)
    if REWARDS.name in functions:
        functions[REWARDS.name].add_to_role_policy(grants.grade("CallGraders"))
    for name, statements in grants.by_function().items():
        more = (*grants.engines(name), *grants.imports(name))
        for statement in (*grants.registry(name), *statements, *more):
            functions[name].add_to_role_policy(statement)
    for statement in grants.bedrock_role():
        resources.bedrock_role.add_to_principal_policy(statement)


class Grants:
    """The statements. A resource of `*` says why."""

    def __init__(self, resources: Resources) -> None:
        self._r = resources

    def by_function(self) -> dict[str, list[iam.PolicyStatement]]:
        """Every function's statements, beside those that all have: on its own run in the registry."""
        evaluated = (*_EVALUATION_FILES, *_SHARDS)
        return {
            "register_run": [
                *self.read_uploads(), self.read_job(), self.read_model(),
            ],
            "validate_data": [
                *self.read_uploads(),
                *self.run_files(DATASETS, "runs/*/validation.json", *_SHARDS, in_parts=True),
            ],
            "validate_shard": [
                *self.read_uploads(), *self.run_files(DATASETS, *_SHARDS, in_parts=True),
            ],
            "preflight": [*self.preflight(), self.read_job(), *self.run_files(), self.grade("TryGrader")],
            "estimate_cost": [self.read_alias(), *self.read_training_data()],
            "start_customization": [*self.start_job(), self.read_job(), self.list_jobs(), self.waits()],
            "wait_for_completion": [*self.settle(), self.publish(), self.forget_troubles()],
            "set_up_throughput": [
                *self.serve(), self.read_serving(), self.list_deployments(), self.waits(),
            ],
            "evaluate_model": [
                self.invoke(), *self.run_files(*evaluated), self.read_alias(), self.read_serving(),
                *self.judge(), self.read_judging(), self.list_judging(), self.stop_judging(),
                self.grade("GradeAnswers"),
            ],
            "evaluate_shard": [self.invoke(), *self.run_files(*_SHARDS), self.read_alias()],
            "promote_model": [
                self.write_aliases(), self.read_serving(), *self.swap(), *self.read_training_data(),
            ],
            "release_throughput": [*self.end_what_bills(), *self.swap()],
            "notify": [*self.tell(), self.list_aliases()],
            "resume_waits": [*self.settle(), self.publish(), self.forget_troubles()],
            "sweep_throughput": [*self.sweep(), *self.start_missed(), *self.tell()],
            "refresh_prices": [self.read_prices(), self.publish()],
            "record_notice": [],
        }  # fmt: skip

    # --- data ------------------------------------------------------------------------------------------

    def registry(self, name: str) -> list[iam.PolicyStatement]:
        """Everything is read; written are the items that the function's step keeps (`WRITES`)."""
        runs = self._r.runs.table_arn
        reads = ["dynamodb:GetItem", "dynamodb:Query"]
        writes = ["dynamodb:PutItem", "dynamodb:UpdateItem"]
        keys = _leading("RUN#*", *WRITES.get(name, ()))
        return [
            _allow("ReadRegistry", reads, [runs, f"{runs}/index/by_time"]),
            _allow("WriteRegistry", writes, [runs], keys),
            *self.encryption(),
        ]

    def forget_troubles(self) -> iam.PolicyStatement:
        """What has failed is forgotten when it succeeds; nothing else in the registry is ever deleted."""
        runs = [self._r.runs.table_arn]
        return _allow("ForgetTroubles", ["dynamodb:DeleteItem"], runs, _leading("TROUBLE"))

    def waits(self) -> iam.PolicyStatement:
        waits = self._r.waits.table_arn
        actions = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:Query"]
        return _allow("Waits", actions, [waits, f"{waits}/index/by_kind", f"{waits}/index/by_subject"])

    def encryption(self) -> list[iam.PolicyStatement]:
        """Our key, by way of the services that keep our data under it, and no other way.

        The actions are those that DynamoDB asks of a table's users (developer guide, "Encryption at rest").
        """
        services = ("s3", "dynamodb", "sns", "bedrock")
        via = [f"{service}.{self._r.stack.region}.amazonaws.com" for service in services]
        actions = ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo")
        by_service = {"StringEquals": {"kms:ViaService": via}}
        return [_allow("Key", [f"kms:{name}" for name in actions], [self._r.key.key_arn], by_service)]

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

    def run_files(self, *written: str, in_parts: bool = False) -> list[iam.PolicyStatement]:
        """Read the files of runs, and of shards where the step has some; write those alone that it makes.

        After validation nothing may write what a run trains on or is measured by.
        """
        objects = self._r.artifacts.arn_for_objects
        keys = [RUN_FILES, *(one for one in _SHARDS if one in written)]
        statements = [
            _allow("ReadRunFiles", ["s3:GetObject"], [objects(key) for key in keys]),
            self.list_artifacts(),
        ]
        if written:
            actions = ["s3:PutObject", *(["s3:AbortMultipartUpload"] if in_parts else [])]
            statements.append(_allow("WriteRunFiles", actions, [objects(key) for key in written]))
        return statements

    def list_artifacts(self) -> iam.PolicyStatement:
        """Who may not list a bucket is told of a missing object that it is forbidden (S3 API reference,
        GetObject). No condition on the prefix: a GetObject has none, and most steps look for what an earlier
        try may have left. It shows names of runs' files, and no content."""
        return _allow("ListArtifacts", ["s3:ListBucket"], [self._r.artifacts.bucket_arn])

    def read_training_data(self) -> list[iam.PolicyStatement]:
        """What a run trains on, and what the model in production learned (`tunedrop.registry.ownership`)."""
        data = [self._r.artifacts.arn_for_objects(DATASETS)]
        return [_allow("ReadTrainingData", ["s3:GetObject"], data), self.list_artifacts()]

    def answer(self) -> list[iam.PolicyStatement]:
        """Which approvals are waited for, and the objects that answer them."""
        keys = [self._r.intake.arn_for_objects(f"{RUN_FILES}/{name}/*") for name in ("approve", "stop")]
        index = f"{self._r.waits.table_arn}/index/by_kind"
        return [
            _allow("Approvals", ["dynamodb:Query"], [index]),
            _allow("Answer", ["s3:PutObject"], keys),
            *self.encryption(),
        ]

    def export(self) -> list[iam.PolicyStatement]:
        """The run, its loss curves, and what authorizes at the server."""
        header = self._r.stage.mlflow_header_parameter
        named = f"arn:aws:ssm:{self._r.stack.region}:{self._r.stack.account}:parameter{header}"
        return [
            _allow("ReadRuns", ["dynamodb:GetItem"], [self._r.runs.table_arn], _leading("RUN#*")),
            *self.run_files(),
            *([_allow("ReadHeader", ["ssm:GetParameter"], [named])] if header else []),
            *self.encryption(),
        ]

    def signals(self) -> list[iam.PolicyStatement]:
        """Whether somebody approved or stopped a run: that the object is there, never what it holds."""
        prefix = {"StringLike": {"s3:prefix": [f"{RUN_FILES}/{name}/*" for name in ("approve", "stop")]}}
        return [_allow("ListSignals", ["s3:ListBucket"], [self._r.intake.bucket_arn], prefix)]

    # --- Bedrock ---------------------------------------------------------------------------------------

    def preflight(self) -> list[iam.PolicyStatement]:
        return [
            _allow("BaseModels", ["bedrock:GetFoundationModel"], [FOUNDATION_MODELS]),
            # The one question about a model that takes no resource type (Service Authorization Reference).
            _allow("ModelAccess", ["bedrock:GetFoundationModelAvailability"], ["*"]),
            self.read_model(),
            # None of these takes a resource type (Service Authorization Reference).
            _allow(
                "Quotas",
                [
                    "bedrock:ListCustomModelDeployments",
                    "bedrock:ListCustomModels",
                    "bedrock:ListProvisionedModelThroughputs",
                    "servicequotas:ListAWSDefaultServiceQuotas",
                    "servicequotas:ListServiceQuotas",
                ],
                ["*"],
            ),
            _allow(
                "BedrockRoles",
                ["iam:SimulatePrincipalPolicy"],
                [
                    one.role_arn
                    for one in (self._r.bedrock_role, self._r.evaluation_role, self._r.training_role)
                    if one is not None
                ],
            ),
        ]

    def bedrock_role(self) -> list[iam.PolicyStatement]:
        """Beside the data: the teachers of the catalog, by way of an inference profile or without, and the
        graders (user guide, custom-model-job-access-security; prequisites-model-distillation)."""
        return [
            _allow("AskTeachers", ["bedrock:InvokeModel"], [*self._teachers()]),
            self.grade("CallGraders"),
        ]

    def grade(self, sid: str) -> iam.PolicyStatement:
        return _allow(sid, ["lambda:InvokeFunction"], self._r.stage.allowed_graders)

    def _teachers(self) -> Iterator[str]:
        models = catalog.load().values()
        rules = [one.methods["distillation"] for one in models if "distillation" in one.methods]
        for teacher in sorted({teacher.id for one in rules for teacher in one.teachers}):
            yield f"arn:aws:bedrock:*::foundation-model/{teacher}"
            yield self._arn(f"inference-profile/us.{teacher}")

    def start_job(self) -> list[iam.PolicyStatement]:
        resources = [FOUNDATION_MODELS, self._arn("custom-model/*")]
        return [
            _allow("CreateJob", ["bedrock:CreateModelCustomizationJob"], resources, self._with_our_tag()),
            self.tag_new("model-customization-job/*", "custom-model/*"),
            _allow("PassBedrockRole", ["iam:PassRole"], [self._r.bedrock_role.role_arn], _TO_BEDROCK),
            self.model_key(),
        ]

    def read_prices(self) -> iam.PolicyStatement:
        """The price list is public and takes no resource (Service Authorization Reference, pricing)."""
        return _allow("ReadPrices", ["pricing:GetProducts"], ["*"])

    def list_jobs(self) -> iam.PolicyStatement:
        """Bedrock's list operations take no resource (IAM reference, bedrock)."""
        return _allow("ListJobs", ["bedrock:ListModelCustomizationJobs"], ["*"])

    def list_deployments(self) -> iam.PolicyStatement:
        """Bedrock's list operations take no resource."""
        return _allow("ListDeployments", ["bedrock:ListCustomModelDeployments"], ["*"])

    def stop_job(self) -> iam.PolicyStatement:
        return _allow(
            "StopJob",
            ["bedrock:StopModelCustomizationJob"],
            [self._arn("model-customization-job/*")],
            self._ours(),
        )

    def serve(self) -> list[iam.PolicyStatement]:
        actions = ["bedrock:CreateCustomModelDeployment", "bedrock:CreateProvisionedModelThroughput"]
        models = [self._arn("custom-model/*")]
        return [
            _allow("Serve", actions, models, self._with_our_tag()),
            self.tag_new("custom-model-deployment/*", "provisioned-model/*"),
            self.model_key(),
        ]

    def tag_new(self, *kinds: str) -> iam.PolicyStatement:
        """Tags are given when something is made, and never to what has a stage's tag already.

        Bedrock asks for this action when a request to create carries tags (user guide, tagging).
        """
        resources = [self._arn(kind) for kind in kinds]
        untagged = {"Null": {f"aws:ResourceTag/{naming.STAGE_TAG}": "true"}}
        return _allow("TagNew", ["bedrock:TagResource"], resources, self._with_our_tag() | untagged)

    def _with_our_tag(self) -> dict[str, Any]:
        """The request gives the stage's tag to what it makes."""
        return {"StringEquals": {f"aws:RequestTag/{naming.STAGE_TAG}": self._r.stage.name}}

    def _ours(self) -> dict[str, Any]:
        """Only what a run of this stage has made: its tag says so."""
        return {"StringEquals": {f"aws:ResourceTag/{naming.STAGE_TAG}": self._r.stage.name}}

    def invoke(self) -> iam.PolicyStatement:
        """A base model called by an inference profile runs in any Region of the profile."""
        models = [FOUNDATION_MODELS, self._arn("inference-profile/*"), *self._serving()]
        return _allow("Invoke", ["bedrock:InvokeModel"], models)

    def judge(self) -> list[iam.PolicyStatement]:
        """An evaluation job is created on its judge: a model, or an inference profile (IAM reference)."""
        resources = [FOUNDATION_MODELS, self._arn("inference-profile/*")]
        role = [self._r.evaluation_role.role_arn]
        return [
            _allow("CreateJudging", ["bedrock:CreateEvaluationJob"], resources, self._with_our_tag()),
            self.tag_new("evaluation-job/*"),
            _allow("PassEvaluationRole", ["iam:PassRole"], role, _TO_BEDROCK),
        ]

    def list_judging(self) -> iam.PolicyStatement:
        """Bedrock's list operations take no resource."""
        return _allow("ListJudging", ["bedrock:ListEvaluationJobs"], ["*"])

    def read_judging(self) -> iam.PolicyStatement:
        return _allow("ReadJudging", ["bedrock:GetEvaluationJob"], [self._arn("evaluation-job/*")])

    def stop_judging(self) -> iam.PolicyStatement:
        jobs = [self._arn("evaluation-job/*")]
        return _allow("StopJudging", ["bedrock:StopEvaluationJob"], jobs, self._ours())

    def end_what_bills(self) -> list[iam.PolicyStatement]:
        """What is whose, its tags say; what stays, the aliases: both are read before anything ends."""
        return [
            self.release(), self.read_serving(), self.delete_models(), self.read_model(), self.stop_job(),
            self.list_jobs(), self.stop_judging(), self.list_judging(), self.read_tags(),
            self.list_aliases(), self.write_aliases(),
        ]  # fmt: skip

    def read_tags(self) -> iam.PolicyStatement:
        tagged = [self._arn("model-customization-job/*"), self._arn("evaluation-job/*"), *self._serving()]
        return _allow("ReadTags", ["bedrock:ListTagsForResource"], tagged)

    def sweep(self) -> list[iam.PolicyStatement]:
        """List operations of Bedrock take no resource; whose a throughput is, its tags say."""
        lists = ["bedrock:ListCustomModelDeployments", "bedrock:ListProvisionedModelThroughputs"]
        executions = self._arn(f"execution:{self._r.workflow_name}:*", "states")
        return [
            _allow("ListServing", lists, ["*"]),
            *self.end_what_bills(),
            *self.swap(),
            self.forget_troubles(),
            _allow("BaseModels", ["bedrock:GetFoundationModel"], [FOUNDATION_MODELS]),
            _allow("ReadRuns", ["states:DescribeExecution"], [executions]),
            self.waits(),
        ]

    def start_missed(self) -> list[iam.PolicyStatement]:
        """Uploads that have no run, data files that have grown, and the workflow that gives them one."""
        workflow = self._arn(f"stateMachine:{self._r.workflow_name}", "states")
        return [
            *self.read_uploads(),
            _allow("ListVersions", ["s3:ListBucketVersions"], [self._r.intake.bucket_arn]),
            _allow("StartMissed", ["states:StartExecution"], [workflow]),
        ]

    def read_job(self) -> iam.PolicyStatement:
        return _allow(
            "ReadJob", ["bedrock:GetModelCustomizationJob"], [self._arn("model-customization-job/*")]
        )

    def model_key(self) -> iam.PolicyStatement:
        """Bedrock makes itself a grant on our key for each tuned model (encryption-custom-job)."""
        via = {"StringEquals": {"kms:ViaService": f"bedrock.{self._r.stack.region}.amazonaws.com"}}
        return _allow("ModelKey", ["kms:CreateGrant"], [self._r.key.key_arn], via)

    def read_model(self) -> iam.PolicyStatement:
        """Whether a custom model is there: one to tune further, one to evaluate anew."""
        return _allow("ReadModel", ["bedrock:GetCustomModel"], [self._arn("custom-model/*")])

    def read_serving(self) -> iam.PolicyStatement:
        actions = ["bedrock:GetCustomModelDeployment", "bedrock:GetProvisionedModelThroughput"]
        return _allow("ReadServing", actions, self._serving())

    def swap(self) -> list[iam.PolicyStatement]:
        """Another model behind an ARN, which then belongs to another run (IAM reference, bedrock)."""
        actions = ["bedrock:UpdateCustomModelDeployment", "bedrock:UpdateProvisionedModelThroughput"]
        keys = {"ForAllValues:StringEquals": {"aws:TagKeys": [naming.RUN_TAG, naming.EXPIRES_TAG]}}
        return [
            _allow("Swap", actions, [self._arn("custom-model/*"), *self._serving()], self._ours()),
            _allow("HandOver", ["bedrock:TagResource"], self._serving(), self._ours() | keys),
        ]

    def release(self) -> iam.PolicyStatement:
        actions = ["bedrock:DeleteCustomModelDeployment", "bedrock:DeleteProvisionedModelThroughput"]
        return _allow("Release", actions, self._serving(), self._ours())

    def delete_models(self) -> iam.PolicyStatement:
        models = [self._arn("custom-model/*")]
        return _allow("DeleteModels", ["bedrock:DeleteCustomModel"], models, self._ours())

    # --- other engines -----------------------------------------------------------------------------------

    def engines(self, function: str) -> Iterator[iam.PolicyStatement]:
        """What each engine of the stage needs of a function; its package says so."""
        role = self._r.training_role
        role_arn = role.role_arn if role is not None else ""
        for name in self._r.settings.engines:
            models = catalog.load().values()
            tuned = [one.service_id for one in models if name in map(one.engine_of, one.methods)]
            several = {"{graders}": self._r.stage.allowed_graders, "{base_models}": tuned}
            fill = Filling(self._r.stack, self._r.stage.name, self._r.artifacts, role_arn, several)
            yield from map(fill.statement, engines.named(name).permissions.get(function, ()))

    def imports(self, function: str) -> list[iam.PolicyStatement]:
        """Imported models: what brings them into service, reads, asks and ends them."""
        if self._r.import_role is None:
            return []
        models, jobs = [self._arn("imported-model/*")], [self._arn("model-import-job/*")]
        lists = ["bedrock:ListImportedModels", "bedrock:ListModelImportJobs"]
        read = [
            _allow("ReadImports", ["bedrock:GetModelImportJob"], jobs),
            _allow("ReadImported", ["bedrock:GetImportedModel"], models),
        ]
        tags = _allow("ReadImportTags", ["bedrock:ListTagsForResource"], [*models, *jobs])
        # Bedrock's list operations, and the import of a model, take no resource (IAM reference, bedrock).
        listed = _allow("ListImports", lists, ["*"])
        renewed = self._ours() | {"ForAllValues:StringEquals": {"aws:TagKeys": [naming.EXPIRES_TAG]}}
        kept = _allow("KeepBaseModel", ["bedrock:TagResource"], models, renewed)
        ended = _allow("DeleteImported", ["bedrock:DeleteImportedModel"], models, self._ours())
        asked = _allow("AskImported", ["bedrock:InvokeModel"], models)
        role = [self._r.import_role.role_arn]
        made = [
            _allow("Import", ["bedrock:CreateModelImportJob"], ["*"], self._with_our_tag()),
            _allow("TagImports", ["bedrock:TagResource"], [*models, *jobs], self._with_our_tag()),
            _allow("PassImportRole", ["iam:PassRole"], role, _TO_BEDROCK),
        ]
        found: dict[str, list[iam.PolicyStatement]] = {
            "preflight": [listed, *read],
            "set_up_throughput": [*made, *read, listed, kept, self.list_artifacts()],
            "wait_for_completion": read,
            "resume_waits": read,
            "evaluate_model": [asked, read[1]],
            "evaluate_shard": [asked],
            "promote_model": [tags, *read],
            "release_throughput": [*read, listed, tags, ended],
            "sweep_throughput": [*read, listed, tags, ended],
        }
        return found.get(function, [])

    # --- everything else -------------------------------------------------------------------------------

    def settle(self) -> list[iam.PolicyStatement]:
        """A task token is itself the secret that names one task of one execution."""
        send = ["states:SendTaskSuccess", "states:SendTaskFailure"]
        return [
            _allow("GiveTokensBack", send, ["*"]),
            self.waits(),
            self.read_job(),
            self.list_jobs(),
            self.list_deployments(),
            self.read_serving(),
            self.read_judging(),
            self.stop_job(),  # one that does not start, where the stage says so
            *self.signals(),
        ]

    def publish(self) -> iam.PolicyStatement:
        topics = [topic.topic_arn for topic in (self._r.topic, self._r.chat) if topic is not None]
        return _allow("Publish", ["sns:Publish"], topics)

    def tell(self) -> list[iam.PolicyStatement]:
        """The report, the notification and the event that end a run."""
        event_bus = self._arn(f"event-bus/{self._r.stage.event_bus}", "events")
        index = [self._r.artifacts.arn_for_objects(naming.INDEX_KEY)]
        return [
            *self.run_files(*_REPORT_FILES),
            # If-Match compares the page that is there: S3 asks for this beside PutObject (S3 user guide,
            # conditional-writes, "if the object has changed", quoted in mercuretechnologies/xprem pull 261).
            _allow("CompareIndex", ["s3:GetObject"], index),
            self.publish(),
            _allow("PutEvents", ["events:PutEvents"], [event_bus]),
        ]

    def write_aliases(self) -> iam.PolicyStatement:
        aliases = self._arn(f"parameter{self._r.stage.alias_prefix}/*", "ssm")
        return _allow("WriteAliases", ["ssm:GetParameter", "ssm:PutParameter"], [aliases])

    def read_alias(self) -> iam.PolicyStatement:
        aliases = self._arn(f"parameter{self._r.stage.alias_prefix}/*", "ssm")
        return _allow("ReadAlias", ["ssm:GetParameter"], [aliases])

    def list_aliases(self) -> iam.PolicyStatement:
        """By their path, which AWS writes with a slash at its end and without."""
        prefix = self._arn(f"parameter{self._r.stage.alias_prefix}", "ssm")
        return _allow("ListAliases", ["ssm:GetParametersByPath"], [prefix, f"{prefix}/*"])

    def _serving(self) -> list[str]:
        return [self._arn("custom-model-deployment/*"), self._arn("provisioned-model/*")]

    def _arn(self, resource: str, service: str = "bedrock") -> str:
        stack = self._r.stack
        return f"arn:aws:{service}:{stack.region}:{stack.account}:{resource}"


_EVALUATION_FILES = ("runs/*/predictions.jsonl", "runs/*/evaluation.json", "runs/*/judging/*")
_REPORT_FILES = (
    "runs/*/summary.md", "runs/*/report.html", "runs/*/findings.html", "runs/*/model-card.md",
    naming.INDEX_KEY,
)  # fmt: skip
_SHARDS = (SHARD_FILES,)
"""What each step writes in the artifacts bucket (`tunedrop.naming`)."""


def _leading(*keys: str) -> dict[str, Any]:
    """The partition keys that a request may name; a request that names none is not meant."""
    return {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(keys)},
        "Null": {"dynamodb:LeadingKeys": "false"},
    }


_TO_BEDROCK = {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}}


def _allow(
    sid: str, actions: Sequence[str], resources: Sequence[str], conditions: dict[str, Any] | None = None
) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid=sid, actions=list(actions), resources=list(resources), conditions=conditions
    )
