"""Makes MiniStack check the permission to use the KMS key of a request's data, as AWS's services do.

MiniStack encrypts nothing and checks no key. AWS's services use a customer managed key with the permissions
of their caller (`kms:ViaService` is the service): what the caller's policies or the key's policy deny, the
service denies. For Bedrock and SageMaker see `local.bedrock.resources` and `local.sagemaker`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.core import iam_evaluator, responses, router
from ministack.services import dynamodb, kms, s3, sns
from ministack.services.cloudformation import provisioners

_OF_ITEMS = ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem",
             "BatchWriteItem", "ConditionCheckItem", "TransactGetItems", "TransactWriteItems")  # fmt: skip

USES: Mapping[str, tuple[str, ...]] = {
    "s3:PutObject": ("kms:GenerateDataKey",),
    "sns:Publish": ("kms:GenerateDataKey", "kms:Decrypt"),
    # The table key is decrypted for each caller, for writes too (DynamoDB, "Table key caching").
    **dict.fromkeys((f"dynamodb:{one}" for one in _OF_ITEMS), ("kms:Decrypt",)),
}
"""The key actions that an action on a bucket, topic or table needs (S3 user guide, UsingKMSEncryption; SNS
developer guide, sns-key-management; DynamoDB developer guide, encryption.usagenotes; read 2026-11-29)."""


def ask_for_keys() -> None:
    """Check the keys of buckets, topics and tables at each request."""
    _remember_keys_of_tables()
    _ask_who_writes()
    _ask_who_reads_objects()


def _remember_keys_of_tables() -> None:
    """MiniStack's CloudFormation forgets the key of a table."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::GlobalTable"]
    create = handlers["create"]

    def created(logical_id: str, properties: Mapping[str, Any], stack: str) -> Any:
        name, attributes = create(logical_id, properties, stack)
        for replica in properties.get("Replicas", ()):
            key = replica.get("SSESpecification", {}).get("KMSMasterKeyId")
            dynamodb._tables[name]["SSEDescription"] = dynamodb._sse_description_from_spec(
                {"Enabled": True, "KMSMasterKeyId": key} if key else None
            )
        return name, attributes

    handlers["create"] = created


def _ask_who_writes() -> None:
    enforce = iam_evaluator.enforce

    def enforced(caller: str, action: str, service: str, region: str, **more: Any) -> Any:
        denied = enforce(caller, action, service, region, **more)
        key = "" if denied or action not in USES else _key_of(service, str(more.get("resource_arn", "")))
        for use in USES[action] if key else ():
            denied = denied or enforce(
                caller, use, "kms", region, resource_arn=key, service_context=by_way_of(service, region)
            )
        return denied

    iam_evaluator.enforce = enforced


def _ask_who_reads_objects() -> None:
    """An object has the key that it was put under; a head decrypts nothing."""
    get = s3._get_object

    def got(bucket: str, key: str, headers: Any, query_params: Any = None) -> Any:
        answer = get(bucket, key, headers, query_params)
        arn = answer[1].get("x-amz-server-side-encryption-aws-kms-key-id", "") if answer[0] < 300 else ""
        if not arn.startswith("arn:"):
            return answer
        caller, region = router.extract_access_key_id(headers, query_params) or "", responses.get_region()
        denied = iam_evaluator.enforce(
            caller, "kms:Decrypt", "kms", region, resource_arn=arn, service_context=by_way_of("s3", region)
        )
        if not denied:
            return answer
        said = (
            "You are not authorized to perform: kms:Decrypt on the resource associated with this ciphertext"
        )
        return s3._error("AccessDenied", said, 403, f"/{bucket}/{key}")

    s3._get_object = got


def by_way_of(service: str, region: str) -> dict[str, str]:
    """The condition key of a service's calls to KMS; Bedrock's runtime is Bedrock."""
    return {"kms:ViaService": f"{service.removesuffix('-runtime')}.{region}.amazonaws.com"}


def _key_of(service: str, arn: str) -> str:
    """The ARN of our key that a bucket, a topic or a table is under; empty for none."""
    named = ""
    if service == "s3":
        bucket = arn.removeprefix("arn:aws:s3:::").partition("/")[0]
        sse = s3._bucket_default_sse_headers(bucket)
        named = sse.get("x-amz-server-side-encryption-aws-kms-key-id", "")
    elif service == "sns":
        named = (sns._topics.get(arn) or {}).get("attributes", {}).get("KmsMasterKeyId", "")
    elif service == "dynamodb":
        table = dynamodb._tables.get(arn.partition(":table/")[2].partition("/")[0]) or {}
        named = (table.get("SSEDescription") or {}).get("KMSMasterKeyArn", "")
    return str((kms._resolve_key(named) or {}).get("Arn", ""))
