"""The intake and artifacts buckets, with their lifecycle rules."""

from __future__ import annotations

from typing import cast

from aws_cdk import Duration, RemovalPolicy, Tags
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from tunedrop import naming


class Buckets(Construct):
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
        if removal == RemovalPolicy.DESTROY:
            for bucket in self.made:
                Tags.of(bucket).add(naming.REMOVAL_TAG, "destroy")

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
