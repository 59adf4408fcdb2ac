"""The permissions of every function: which statements each step needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from aws_cdk import aws_iam as iam

from infra.permissions.base import FOUNDATION_MODELS, Resources, Statements, allow, leading
from infra.permissions.bedrock import Bedrock
from infra.permissions.data import DATASETS, RUN_FILES, SHARD_FILES, Data
from infra.permissions.declared import Filling
from infra.permissions.outcomes import Outcomes
from tunedrop import catalog, naming
from tunedrop.serving import kinds
from tunedrop.training import engines

_EVALUATION_FILES = ("runs/*/predictions.jsonl", "runs/*/evaluation.json", "runs/*/judging/*")
_REPORT_FILES = (
    "runs/*/summary.md", "runs/*/report.html", "runs/*/findings.html", "runs/*/model-card.md",
    naming.INDEX_KEY,
)  # fmt: skip
"""What each step writes in the artifacts bucket (`tunedrop.naming`)."""


class Grants(Statements):
    """Statements of functions, composed of those about each kind of resource."""

    def __init__(self, resources: Resources) -> None:
        super().__init__(resources)
        self.data = Data(resources)
        self.bedrock = Bedrock(resources)
        self.outcomes = Outcomes(resources)

    def by_function(self) -> dict[str, list[iam.PolicyStatement]]:
        """The statements of each function, apart from those that all have (`Data.registry`)."""
        data, bedrock, outcomes = self.data, self.bedrock, self.outcomes
        evaluated = (*_EVALUATION_FILES, SHARD_FILES)
        return {
            "register_run": [*data.read_uploads(), bedrock.read_job(), bedrock.read_model()],
            "validate_data": [
                *data.read_uploads(),
                *data.run_files(DATASETS, "runs/*/validation.json", SHARD_FILES, in_parts=True),
            ],
            "validate_shard": [
                *data.read_uploads(), *data.run_files(DATASETS, SHARD_FILES, in_parts=True),
            ],
            "preflight": [
                *bedrock.preflight(), bedrock.read_job(), *data.run_files(), bedrock.grade("TryGrader"),
            ],
            "estimate_cost": [outcomes.read_alias(), *data.read_training_data()],
            "start_customization": [
                *bedrock.start_job(), bedrock.read_job(), bedrock.list_jobs(), data.waits(),
            ],
            "wait_for_completion": [*self.resolve_waits(), outcomes.publish(), data.forget_troubles()],
            "set_up_throughput": [
                bedrock.model_key(), data.waits(), outcomes.read_alias(), *data.read_training_data(),
            ],
            "evaluate_model": [
                bedrock.invoke(), *data.run_files(*evaluated), outcomes.read_alias(),
                *bedrock.judge(), bedrock.read_judging(), bedrock.list_judging(), bedrock.stop_judging(),
                bedrock.grade("GradeAnswers"),
            ],
            "evaluate_shard": [bedrock.invoke(), *data.run_files(SHARD_FILES), outcomes.read_alias()],
            "promote_model": [
                outcomes.write_aliases(), *data.read_training_data(),
            ],
            "release_throughput": self.release_resources(),
            "notify": [*self.report(), outcomes.list_aliases()],
            "resume_waits": [*self.resolve_waits(), outcomes.publish(), data.forget_troubles()],
            "sweep_throughput": [*self.sweep(), *self.start_missed(), *self.report()],
            "refresh_prices": [outcomes.read_prices(), outcomes.publish()],
            "record_notice": [],
        }  # fmt: skip

    def answer(self) -> list[iam.PolicyStatement]:
        """List pending approvals, and write the objects that answer them."""
        keys = [
            self.resources.intake.arn_for_objects(f"{RUN_FILES}/{name}/*") for name in ("approve", "stop")
        ]
        index = f"{self.resources.waits.table_arn}/index/by_kind"
        return [
            allow("Approvals", ["dynamodb:Query"], [index]),
            allow("Answer", ["s3:PutObject"], keys),
            *self.data.encryption(),
        ]

    def export(self) -> list[iam.PolicyStatement]:
        """Read a run, its loss curves and the authorization header of the MLflow server."""
        header = self.resources.stage.mlflow_header_parameter
        named = f"arn:aws:ssm:{self.resources.stack.region}:{self.resources.stack.account}:parameter{header}"
        return [
            allow("ReadRuns", ["dynamodb:GetItem"], [self.resources.runs.table_arn], leading("RUN#*")),
            *self.data.run_files(),
            *([allow("ReadHeader", ["ssm:GetParameter"], [named])] if header else []),
            *self.data.encryption(),
        ]

    def resolve_waits(self) -> list[iam.PolicyStatement]:
        """End waits. A task token is a secret that stands for one task, so these actions take no resource."""
        send = ["states:SendTaskSuccess", "states:SendTaskFailure"]
        return [
            allow("GiveTokensBack", send, ["*"]),
            self.data.waits(),
            self.bedrock.read_job(),
            self.bedrock.list_jobs(),
            self.bedrock.read_judging(),
            self.bedrock.stop_job(),  # a job that does not start, if the stage has such a limit
            *self.data.signals(),
        ]

    def report(self) -> list[iam.PolicyStatement]:
        """The report, the notification and the event that end a run."""
        index = [self.resources.artifacts.arn_for_objects(naming.INDEX_KEY)]
        return [
            *self.data.run_files(*_REPORT_FILES),
            self.data.read_shards(),  # for the cost of evaluations without a verdict too
            # If-Match compares the existing page: S3 requires this in addition to PutObject (S3 user guide,
            # conditional-writes, "if the object has changed", quoted in mercuretechnologies/xprem pull 261).
            allow("CompareIndex", ["s3:GetObject"], index),
            self.outcomes.publish(),
            self.outcomes.put_events(),
        ]

    def release_resources(self) -> list[iam.PolicyStatement]:
        """Release billed resources. Tags say which run owns one, aliases which are in production."""
        bedrock, outcomes = self.bedrock, self.outcomes
        return [
            bedrock.delete_models(), bedrock.read_model(),
            bedrock.stop_job(), bedrock.list_jobs(), bedrock.stop_judging(), bedrock.list_judging(),
            bedrock.read_tags(), outcomes.list_aliases(), outcomes.write_aliases(),
        ]  # fmt: skip

    def sweep(self) -> list[iam.PolicyStatement]:
        """Find and release billed resources that no active run owns."""
        executions = self.arn(f"execution:{self.resources.workflow_name}:*", "states")
        return [
            *self.release_resources(),
            self.data.forget_troubles(),
            allow("BaseModels", ["bedrock:GetFoundationModel"], [FOUNDATION_MODELS]),
            allow("ReadRuns", ["states:DescribeExecution"], [executions]),
            self.data.waits(),
        ]

    def start_missed(self) -> list[iam.PolicyStatement]:
        """Start runs for uploads that have none, and for data files that have grown."""
        workflow = self.arn(f"stateMachine:{self.resources.workflow_name}", "states")
        return [
            *self.data.read_uploads(),
            allow("ListVersions", ["s3:ListBucketVersions"], [self.resources.intake.bucket_arn]),
            allow("StartMissed", ["states:StartExecution"], [workflow]),
        ]

    def declared(self, function: str) -> Iterator[iam.PolicyStatement]:
        """The permissions that the stage's engines and serving modes declare for a function."""
        parts = self.resources
        names = parts.settings.engines
        for name in names:
            models = catalog.load().values()
            tuned = [one.service_id for one in models if name in map(one.engine_of, one.methods)]
            several = {"{graders}": parts.stage.allowed_graders, "{base_models}": tuned}
            fill = self._filling(parts.training_roles.get(name), several)
            yield from map(fill.statement, engines.named(name).permissions.get(function, ()))
        # The sweep also deletes serving resources of engines that the settings no longer list.
        for kind in kinds.every() if function == "sweep_throughput" else kinds.used_by(names):
            yield from map(self._filling().statement, kind.permissions.get(function, ()))

    def _filling(
        self, training_role: iam.IRole | None = None, several: Mapping[str, Sequence[str]] | None = None
    ) -> Filling:
        parts = self.resources
        return Filling(
            parts.stack, parts.stage.name, parts.artifacts, parts.key, training_role, parts.import_role,
            several,
        )  # fmt: skip
