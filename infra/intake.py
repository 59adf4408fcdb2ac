"""The intake and artifacts buckets, and the rule that starts a run."""

from __future__ import annotations

from typing import cast

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from tunedrop import naming
from tunedrop.intake import DROP_PREFIX, MANIFEST_NAMES, RUNS_PREFIX, SUCCESS

_BESIDE_DROPPED: tuple[dict[str, str], ...] = (
    *({"suffix": f"/{name}"} for name in MANIFEST_NAMES),
    {"wildcard": f"{RUNS_PREFIX}*/retry/*"},
)
"""Manifests anywhere; one outside `runs/` starts an execution that does nothing. EventBridge refuses rules
with too many wildcards (user guide, eb-create-pattern-operators, without a number): in public reports eight
were refused and six accepted. Prefixes and suffixes do not count."""

START_KEYS: tuple[dict[str, str], ...] = ({"prefix": DROP_PREFIX}, *_BESIDE_DROPPED)
"""The keys that start an execution: a dropped file, a manifest or a retry."""

EMPTY_START_KEYS: tuple[dict[str, str], ...] = (
    {"wildcard": f"{DROP_PREFIX}*.*"},
    {"suffix": f"/{SUCCESS}"},
    *_BESIDE_DROPPED,
)
"""Keys that start an execution even if the object is empty, so that the owner of an empty file is notified.
Consoles create an empty `drop/` as a folder, which EventBridge patterns cannot exclude by key."""

SIGNAL_KEYS: tuple[dict[str, str], ...] = tuple(
    {"wildcard": f"{RUNS_PREFIX}*/{signal}/*"} for signal in ("approve", "stop")
)
"""The keys that approve or stop a run."""


class Intake(Construct):
    """The intake bucket, which people write to, and the artifacts bucket, which only runs write to."""

    def __init__(
        self, scope: Construct, id: str, *, key: kms.IKey, removal: RemovalPolicy,
        existing: tuple[str | None, str | None] = (None, None),
    ) -> None:  # fmt: skip
        """`existing`: the names of buckets to use as intake and artifacts bucket instead of new ones."""
        super().__init__(scope, id)
        self._key, self._removal = key, removal
        intake, artifacts = existing
        self.made: list[s3.Bucket] = [] if intake and artifacts else [self._access_logs()]
        self.intake = self._bucket("Intake", intake, [])
        if isinstance(self.intake, s3.Bucket):
            _send_events(self.intake)
        self.artifacts = self._bucket("Artifacts", artifacts, [_cool_down(), _forget_shards()])

    def _access_logs(self) -> s3.Bucket:
        return s3.Bucket(
            self,
            "AccessLogs",
            # S3 delivers access logs only to buckets encrypted with its own keys (S3 user guide, "Enabling
            # server access logging").
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(expiration=Duration.days(90), noncurrent_version_expiration=Duration.days(1))
            ],
            removal_policy=self._removal,
        )

    def _bucket(self, name: str, existing: str | None, rules: list[s3.LifecycleRule]) -> s3.IBucket:
        """A new bucket, or an existing one, which the stack does not change."""
        if existing is not None:
            return s3.Bucket.from_bucket_attributes(
                self, name, bucket_name=existing, encryption_key=self._key
            )
        made = s3.Bucket(
            self,
            name,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self._key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            lifecycle_rules=[*rules, _tidy()],
            server_access_logs_bucket=self.made[0],
            server_access_logs_prefix=f"{name.lower()}/",
            removal_policy=self._removal,
        )
        self.made.append(made)
        return made


class StartRule(Construct):
    """Starts one execution of the workflow for each dropped file and each manifest."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        bucket: s3.IBucket,
        workflow: sfn.IStateMachine,
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, id)
        self.rule = events.Rule(
            self,
            "Rule",
            description="Tunedrop: a dropped dataset or a manifest starts a run",
            event_pattern=object_created(bucket, EMPTY_START_KEYS, START_KEYS[:1]),
            targets=[
                targets.SfnStateMachine(
                    workflow,
                    dead_letter_queue=dead_letters,
                    max_event_age=Duration.hours(24),
                    retry_attempts=185,
                )
            ],
        )


def object_created(
    bucket: s3.IBucket, keys: tuple[dict[str, str], ...], unless_empty: tuple[dict[str, str], ...] = ()
) -> events.EventPattern:
    """The event pattern for S3's "Object Created" with these keys; `unless_empty` keys only for non-empty
    objects."""
    of_any_size = {"object": {"key": list(keys)}}
    with_content = {"object": {"key": list(unless_empty), "size": [{"numeric": [">", 0]}]}}
    wanted = {"$or": [of_any_size, with_content]} if unless_empty else of_any_size
    return events.EventPattern(
        source=["aws.s3"],
        detail_type=["Object Created"],
        detail={"bucket": {"name": [bucket.bucket_name]}, **wanted},
    )


def _send_events(bucket: s3.Bucket) -> None:
    """Enable events by CloudFormation's property; CDK's `event_bridge_enabled` would add a Lambda
    function."""
    cfn_bucket = cast(s3.CfnBucket, bucket.node.default_child)
    cfn_bucket.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
    )


def _tidy() -> s3.LifecycleRule:
    """Expire old versions and incomplete uploads, which would otherwise be billed indefinitely."""
    return s3.LifecycleRule(
        noncurrent_version_expiration=Duration.days(90),
        abort_incomplete_multipart_upload_after=Duration.days(7),
        expired_object_delete_marker=True,
    )


def _forget_shards() -> s3.LifecycleRule:
    """Expire intermediate results of shards; a run resumed later repeats them."""
    return s3.LifecycleRule(
        prefix=naming.SHARDS_PREFIX,
        expiration=Duration.days(30),
        noncurrent_version_expiration=Duration.days(1),
    )


def _cool_down() -> s3.LifecycleRule:
    """Move datasets and predictions, rarely read after a run, to cheaper storage; small objects stay."""
    return s3.LifecycleRule(
        transitions=[
            s3.Transition(
                storage_class=s3.StorageClass.INTELLIGENT_TIERING,
                transition_after=Duration.days(30),
            )
        ]
    )
