"""The Lambda functions: those of the workflow, and those called by events, schedules, topics and other
services."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec
from aws_cdk import AssetHashType, Duration, RemovalPolicy, Size
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.bundling import Bundle, Bundles
from infra.settings import Settings, SettingsError
from tunedrop import stage
from tunedrop.stage import Stage
from tunedrop.training import engines


class Declaration(msgspec.Struct, frozen=True):
    """A function: its folder in `lambdas/`, purpose, timeout, memory and disk.

    `scores`, `reads`: whether it needs the layer for scoring, or for reading datasets.
    """

    name: str
    purpose: str
    timeout_seconds: int = 60
    memory_mb: int = 512
    storage_mb: int = 512
    scores: bool = False
    reads: bool = False


STEPS = (
    Declaration("register_run", "reads the manifest and registers the run"),
    Declaration("validate_data", "checks, splits and converts the dataset", 900, 2048, 4096, reads=True),
    Declaration("validate_shard", "checks a part of a large dataset", 900, 2048, 2048, reads=True),
    Declaration("preflight", "checks everything that training needs before anything is billed", 900),
    Declaration("estimate_cost", "estimates the run's cost and decides whether it needs approval"),
    Declaration("start_customization", "starts the run's customization job", 60, 2048, 2048),
    Declaration("wait_for_completion", "stores the task token of a run that waits"),
    Declaration("set_up_throughput", "deploys the tuned model"),
    Declaration(
        "evaluate_model", "evaluates base and tuned model on held-out prompts", 900, 2048, scores=True
    ),
    Declaration("evaluate_shard", "evaluates both models on a shard of held-out prompts", 900, 1024),
    Declaration("promote_model", "points the production alias to the tuned model"),
    Declaration("release_throughput", "releases billed resources, unless the run keeps them"),
    Declaration("notify", "writes the report and publishes the result", 120, 1024),
)
"""The functions that the workflow calls."""

WATCHERS = (
    Declaration("resume_waits", "resumes runs whose wait has ended", 300),
    Declaration("sweep_throughput", "releases billed resources that no active run owns", 300),
    Declaration("refresh_prices", "reads Bedrock's prices from AWS's price list", 120),
)
"""The functions that events and schedules call."""

RECORDER = Declaration("record_notice", "records that a run's result was published")
"""The function that the topic calls."""

ANSWERER = Declaration("answer", "answers an approval request when a chat button was pressed")
"""The function that chat buttons call, in stages with a chat."""

EXPORTER = Declaration("export_run", "sends a run that has ended to MLflow", 120)
"""The function for the event of a run's end, in stages with an MLflow server."""

EMPTIER = Declaration("empty_bucket", "empties a bucket before CloudFormation deletes it", 900)
"""The function that CloudFormation calls, in stages with removal: destroy."""

GRADER = Declaration("grade_answers", "grades answers for reinforcement fine-tuning", 300)
"""The function that Bedrock calls. It reads only its event."""

REWARDS = Declaration("grade_rollouts", "passes rollouts of a training job to the run's grader", 900)
"""The function that training jobs call, in stages with an engine that does not call graders itself."""


class Functions(Construct):
    """All functions, by name. Asynchronous calls that fail three times go to the queue `dead_letters`."""

    def __init__(
        self, scope: Construct, id: str, *, settings: Settings, stage: Stage, bundles: Bundles,
        dead_letters: sqs.IQueue,
    ) -> None:  # fmt: skip
        super().__init__(scope, id)
        self._settings = settings
        self._stage = stage
        self._code = _asset(bundles.code)
        self._layer = self._make_layer("Dependencies", "the Tunedrop functions", bundles.layer)
        self._reading = self._make_layer("Reading", "the functions that read datasets", bundles.reading)
        self._scoring = self._make_layer("Scoring", "the function that scores answers", bundles.scoring)
        self._by_name = {one.name: self._function(one, None) for one in STEPS}
        self._by_name |= {
            one.name: self._function(one, dead_letters) for one in (*WATCHERS, RECORDER, GRADER)
        }
        if any(engines.named(name).wraps_graders for name in settings.engines):
            self._by_name[REWARDS.name] = self._function(REWARDS, None)
        if settings.has_chat:
            self._by_name[ANSWERER.name] = self._function(ANSWERER, None)
        if settings.mlflow is not None:
            self._by_name[EXPORTER.name] = self._function(EXPORTER, dead_letters)
        if not settings.retains:
            self._by_name[EMPTIER.name] = self._function(EMPTIER, None)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> lambda_.Function:
        return self._by_name[name]

    def __iter__(self) -> Iterator[lambda_.Function]:
        return iter(self._by_name.values())

    @property
    def _runtime(self) -> lambda_.Runtime:
        return lambda_.Runtime(f"python{self._settings.python_version}", lambda_.RuntimeFamily.PYTHON)

    @property
    def _architecture(self) -> lambda_.Architecture:
        arm = self._settings.architecture == "arm64"
        return lambda_.Architecture.ARM_64 if arm else lambda_.Architecture.X86_64

    def _make_layer(self, id: str, whose: str, bundle: Bundle) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            id,
            description=f"Pinned dependencies of {whose}",
            code=_asset(bundle),
            compatible_runtimes=[self._runtime],
            compatible_architectures=[self._architecture],
        )

    def _function(self, one: Declaration, dead_letters: sqs.IQueue | None) -> lambda_.Function:
        title = "".join(word.capitalize() for word in one.name.split("_"))
        name = f"tunedrop-{self._stage.name}-{one.name.replace('_', '-')}"
        log_group = logs.LogGroup(
            self,
            f"{title}Logs",
            log_group_name=f"/aws/lambda/{name}",
            retention=retention(self._settings),
            removal_policy=RemovalPolicy.DESTROY,  # retained, its fixed name would block the next deployment
        )
        # Our own role: AWSLambdaBasicExecutionRole may write to every log group of the account.
        role = iam.Role(self, f"{title}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(role)
        if self._settings.network is not None:
            role.add_to_policy(_in_a_network())
        function = lambda_.Function(
            self,
            title,
            function_name=name,
            description=f"Tunedrop: {one.purpose}",
            handler=f"lambdas.{one.name}.handler.handler",
            code=self._code,
            layers=[
                self._layer,
                *([self._scoring] if one.scores else []),
                *([self._reading] if one.reads else []),
            ],
            runtime=self._runtime,
            architecture=self._architecture,
            timeout=Duration.seconds(one.timeout_seconds),
            memory_size=one.memory_mb,
            ephemeral_storage_size=Size.mebibytes(one.storage_mb),
            environment=self._environment(),
            role=role,
            log_group=log_group,
            tracing=lambda_.Tracing.ACTIVE,
            dead_letter_queue=dead_letters,
        )
        self._join_network(function)
        return function

    def _join_network(self, function: lambda_.Function) -> None:
        """Run a function in the stage's subnets; CDK's own property would look the VPC up in the account."""
        network, made = self._settings.network, function.node.default_child
        if network is not None and isinstance(made, lambda_.CfnFunction):
            made.vpc_config = lambda_.CfnFunction.VpcConfigProperty(
                subnet_ids=list(network.subnets), security_group_ids=list(network.security_groups)
            )

    def _environment(self) -> dict[str, str]:
        variables = {
            stage.ENVIRONMENT_VARIABLE: stage.as_json(self._stage),
            "POWERTOOLS_SERVICE_NAME": f"tunedrop-{self._stage.name}",
            "POWERTOOLS_METRICS_NAMESPACE": "Tunedrop",
            "POWERTOOLS_LOG_LEVEL": "INFO",
        }
        _refuse_too_long(variables)
        return variables


MAX_ENVIRONMENT_BYTES = 4096
"""The maximum size of a function's environment variables (Lambda guide, gettingstarted-limits, read
2026-11-29); a standard SSM parameter, which holds the same description, has 4 KB too."""

LONGEST_NAME = 128
"""The maximum length of values that CloudFormation fills in: ARNs with generated names."""


def _in_a_network() -> iam.PolicyStatement:
    """The permissions of Lambda's policy for functions in a VPC (AWSLambdaVPCAccessExecutionRole); new
    interfaces have no ARN yet (Lambda developer guide, configuration-vpc, read 2026-11-29)."""
    names = ("Create", "Describe", "Delete")
    actions = [f"ec2:{name}NetworkInterface{'s' if name == 'Describe' else ''}" for name in names]
    addresses = ["ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses", "ec2:DescribeSubnets"]
    return iam.PolicyStatement(sid="Network", actions=[*actions, *addresses], resources=["*"])


def _refuse_too_long(variables: Mapping[str, str]) -> None:
    """Refuse at synthesis, assuming the longest generated names, what AWS would refuse during deployment."""
    text = "".join(name + value for name, value in variables.items())
    size = len(re.sub(r"\$\{Token\[[^]]*\]\}", "x" * LONGEST_NAME, text).encode())
    if size > MAX_ENVIRONMENT_BYTES:
        raise SettingsError(
            f"the stage's settings may take up to {size:,} bytes, and a function's environment has at most "
            f"{MAX_ENVIRONMENT_BYTES:,}: shorten graders, data_buckets, tenants or notify"
        )


def retention(settings: Settings) -> logs.RetentionDays:
    """The stage's log retention, as CDK's enum."""
    return logs.RetentionDays[settings.log_retention.upper()]


def _asset(bundle: Bundle) -> lambda_.Code:
    return lambda_.Code.from_asset(
        str(bundle.path), asset_hash=bundle.hash, asset_hash_type=AssetHashType.CUSTOM
    )
