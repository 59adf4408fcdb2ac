"""The registry table and the waits table."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct


class Tables(Construct):
    """The registry table (`tunedrop.registry`) and the waits table (`tunedrop.waiting.table`)."""

    def __init__(self, scope: Construct, id: str, *, key: kms.IKey, removal: RemovalPolicy) -> None:
        super().__init__(scope, id)

        def table(
            name: str, keys: tuple[str, str], indexes: dict[str, tuple[str, ...]], expires: str | None = None
        ) -> dynamodb.TableV2:
            return dynamodb.TableV2(
                self,
                name,
                partition_key=_text(keys[0]),
                sort_key=_text(keys[1]),
                global_secondary_indexes=[
                    dynamodb.GlobalSecondaryIndexPropsV2(
                        index_name=index,
                        partition_key=_text(attributes[0]),
                        sort_key=_text(attributes[1]) if len(attributes) > 1 else None,
                    )
                    for index, attributes in indexes.items()
                ],
                billing=dynamodb.Billing.on_demand(),
                encryption=dynamodb.TableEncryptionV2.customer_managed_key(key),
                point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                    point_in_time_recovery_enabled=True
                ),
                time_to_live_attribute=expires,
                deletion_protection=removal == RemovalPolicy.RETAIN,
                removal_policy=removal,
            )

        self.runs = table("Runs", ("pk", "sk"), {"by_time": ("gsi_pk", "gsi_sk")}, "ttl")
        self.waits = table(
            "Waits", ("run_id", "kind"), {"by_kind": ("kind", "arrived_at"), "by_subject": ("subject",)}
        )


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
