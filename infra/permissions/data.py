"""Access to data: uploads, the files of runs, the registry, waits, and the key that encrypts them."""

from __future__ import annotations

from aws_cdk import aws_iam as iam

from infra.permissions.base import Statements, allow, leading
from tunedrop import naming

RUN_FILES = "runs/*"
DATASETS = "runs/*/dataset/*"
SHARD_FILES = f"{naming.SHARDS_PREFIX}*"
"""Where runs and their shards write, in the artifacts bucket (`tunedrop.naming`)."""

PRODUCTION = ("ALIAS#*", "ARN#*")
WRITES: dict[str, tuple[str, ...]] = {
    "register_run": ("NAME#*", "UPLOAD#*", "OPEN#*", "RETUNE"),
    "preflight": ("TRAINING#*",),
    "estimate_cost": ("MONTH#*",),
    "start_customization": ("ENGINE#*",),
    "wait_for_completion": ("TROUBLE", "ONCE#*", "MONTH#*"),
    "promote_model": PRODUCTION,
    "release_throughput": PRODUCTION,
    "notify": ("MONTH#*",),
    "resume_waits": ("TROUBLE", "ONCE#*", "MONTH#*"),
    "sweep_throughput": (*PRODUCTION, "TROUBLE", "ONCE#*", "MONTH#*"),
    "refresh_prices": ("ONCE#*", "KEPT#*"),
}
"""The partition keys that a function may write in the registry, besides runs (`tunedrop.registry._table`).

Only the functions that promote and release models may write aliases and claims.
"""


class Data(Statements):
    """Statements about the stage's buckets, tables and key."""

    def registry(self, name: str) -> list[iam.PolicyStatement]:
        """Read the registry; write runs and the function's own items (`WRITES`)."""
        runs = self.resources.runs.table_arn
        reads = ["dynamodb:GetItem", "dynamodb:Query"]
        writes = ["dynamodb:PutItem", "dynamodb:UpdateItem"]
        keys = leading("RUN#*", *WRITES.get(name, ()))
        return [
            allow("ReadRegistry", reads, [runs, f"{runs}/index/by_time"]),
            allow("WriteRegistry", writes, [runs], keys),
            *self.encryption(),
        ]

    def forget_troubles(self) -> iam.PolicyStatement:
        """Delete the notes of failures that are over. Nothing else in the registry is ever deleted."""
        runs = [self.resources.runs.table_arn]
        return allow("ForgetTroubles", ["dynamodb:DeleteItem"], runs, leading("TROUBLE"))

    def waits(self) -> iam.PolicyStatement:
        waits = self.resources.waits.table_arn
        actions = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:Query"]
        return allow("Waits", actions, [waits, f"{waits}/index/by_kind", f"{waits}/index/by_subject"])

    def encryption(self) -> list[iam.PolicyStatement]:
        """Use the stage's key, only through the services that encrypt the stage's data with it.

        The actions are those that DynamoDB requires (developer guide, "Encryption at rest").
        """
        services = ("s3", "dynamodb", "sns", "bedrock")
        via = [f"{service}.{self.resources.stack.region}.amazonaws.com" for service in services]
        actions = ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo")
        by_service = {"StringEquals": {"kms:ViaService": via}}
        return [allow("Key", [f"kms:{name}" for name in actions], [self.resources.key.key_arn], by_service)]

    def read_uploads(self) -> list[iam.PolicyStatement]:
        """Read uploads. With ListBucket, S3 reports a missing key as missing instead of forbidden."""
        buckets = [
            self.resources.intake.bucket_arn,
            *(f"arn:aws:s3:::{name}" for name in self.resources.settings.data_buckets),
        ]
        objects = [f"{bucket}/*" for bucket in buckets]  # users choose the keys
        statements = [
            allow("ReadUploads", ["s3:GetObject", "s3:GetObjectVersion"], objects),
            allow("ListUploads", ["s3:ListBucket"], buckets),
        ]
        if keys := self.resources.settings.data_bucket_keys:
            statements.append(allow("DataKeys", ["kms:Decrypt"], keys))
        return statements

    def run_files(self, *written: str, in_parts: bool = False) -> list[iam.PolicyStatement]:
        """Read the files of runs, and those of shards for a step that has any; write only the step's own.

        After validation, no function may change the training and test data of a run.
        """
        objects = self.resources.artifacts.arn_for_objects
        keys = [RUN_FILES, *([SHARD_FILES] if SHARD_FILES in written else [])]
        statements = [
            allow("ReadRunFiles", ["s3:GetObject"], [objects(key) for key in keys]),
            self.list_artifacts(),
        ]
        if written:
            actions = ["s3:PutObject", *(["s3:AbortMultipartUpload"] if in_parts else [])]
            statements.append(allow("WriteRunFiles", actions, [objects(key) for key in written]))
        return statements

    def read_shards(self) -> iam.PolicyStatement:
        """Read the files of shards, for a step that writes none."""
        return allow("ReadShards", ["s3:GetObject"], [self.resources.artifacts.arn_for_objects(SHARD_FILES)])

    def list_artifacts(self) -> iam.PolicyStatement:
        """Without this permission S3 reports a missing object as forbidden (S3 API reference, GetObject), and
        most steps look for results of an earlier try. There is no condition on the prefix because a GetObject
        has none. It exposes the names of runs' files, not their content."""
        return allow("ListArtifacts", ["s3:ListBucket"], [self.resources.artifacts.bucket_arn])

    def read_training_data(self) -> list[iam.PolicyStatement]:
        """Read the training data of the run and of the production model (`tunedrop.registry.ownership`)."""
        data = [self.resources.artifacts.arn_for_objects(DATASETS)]
        return [allow("ReadTrainingData", ["s3:GetObject"], data), self.list_artifacts()]

    def signals(self) -> list[iam.PolicyStatement]:
        """Whether a run was approved or stopped: only whether the object exists, not its content."""
        prefix = {"StringLike": {"s3:prefix": [f"{RUN_FILES}/{name}/*" for name in ("approve", "stop")]}}
        return [allow("ListSignals", ["s3:ListBucket"], [self.resources.intake.bucket_arn], prefix)]
