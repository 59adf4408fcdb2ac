from __future__ import annotations

import json

import pytest

from tests.infra.conftest import Resources, as_list


def test_there_are_three_buckets_each_private_versioned_and_encrypted(resources: Resources) -> None:
    buckets = resources.of("AWS::S3::Bucket")

    assert len(buckets) == 3
    for bucket in buckets.values():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert bucket["LifecycleConfiguration"]["Rules"]


def test_an_upload_that_was_given_up_does_not_bill_for_ever(resources: Resources) -> None:
    buckets = resources.of("AWS::S3::Bucket").values()
    intake_and_artifacts = [one for one in buckets if "LoggingConfiguration" in one]
    assert len(intake_and_artifacts) == 2
    for bucket in intake_and_artifacts:
        rules = bucket["LifecycleConfiguration"]["Rules"]
        assert {"DaysAfterInitiation": 7} in [rule.get("AbortIncompleteMultipartUpload") for rule in rules]


def test_every_bucket_takes_tls_only(resources: Resources) -> None:
    policies = resources.of("AWS::S3::BucketPolicy")
    refusing = {
        policy["Bucket"]["Ref"]
        for policy in policies.values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        and statement["Action"] == "s3:*"
    }

    assert refusing == set(resources.of("AWS::S3::Bucket"))


def test_people_s_data_and_runs_data_are_under_our_key(resources: Resources) -> None:
    algorithms = [
        rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"]
        for bucket in resources.of("AWS::S3::Bucket").values()
        for rule in bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    ]

    assert sorted(algorithms) == ["AES256", "aws:kms", "aws:kms"]  # access logs cannot be under a key of ours


def test_only_the_intake_bucket_sends_events_and_by_its_own_property(resources: Resources) -> None:
    sending = [
        id_
        for id_, bucket in resources.of("AWS::S3::Bucket").items()
        if "NotificationConfiguration" in bucket
    ]

    assert len(sending) == 1
    assert not resources.has("Custom::S3BucketNotifications")


def test_both_tables_are_under_our_key_with_backups(resources: Resources) -> None:
    tables = resources.of("AWS::DynamoDB::GlobalTable")

    assert len(tables) == 2
    for table in tables.values():
        assert table["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS"}
        for replica in table["Replicas"]:
            assert replica["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
            assert "KMSMasterKeyId" in replica["SSESpecification"]


def test_what_the_registry_keeps_for_a_time_expires_there_and_waits_do_not(resources: Resources) -> None:
    tables = resources.of("AWS::DynamoDB::GlobalTable").values()

    expiring = {one["KeySchema"][0]["AttributeName"]: one.get("TimeToLiveSpecification") for one in tables}

    assert expiring == {"pk": {"AttributeName": "ttl", "Enabled": True}, "run_id": None}


@pytest.mark.parametrize(
    ("keys", "indexes"),
    [
        (["pk", "sk"], {"by_time": ["gsi_pk", "gsi_sk"]}),
        (["run_id", "kind"], {"by_kind": ["kind", "arrived_at"], "by_subject": ["subject"]}),
    ],
)
def test_the_tables_have_the_keys_that_the_domain_asks_by(
    resources: Resources, keys: list[str], indexes: dict[str, list[str]]
) -> None:
    found = [
        {
            index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]]
            for index in table["GlobalSecondaryIndexes"]
        }
        for table in resources.of("AWS::DynamoDB::GlobalTable").values()
        if [key["AttributeName"] for key in table["KeySchema"]] == keys
    ]

    assert found == [indexes]


def test_the_topic_and_the_queue_take_tls_only(resources: Resources) -> None:
    for type_ in ("AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"):
        (policy,) = resources.of(type_).values()
        denials = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"]
        assert [one["Condition"] for one in denials] == [{"Bool": {"aws:SecureTransport": "false"}}]


def test_a_lost_event_can_be_looked_at_for_two_weeks(resources: Resources) -> None:
    """The longest that SQS keeps a message (SQS API, MessageRetentionPeriod)."""
    (queue,) = resources.of("AWS::SQS::Queue").values()

    assert queue["MessageRetentionPeriod"] == 14 * 86_400


def test_alarms_may_publish_to_the_topic_under_our_key(resources: Resources) -> None:
    (key,) = resources.of("AWS::KMS::Key").values()
    users = {
        principal["Service"]
        for statement in key["KeyPolicy"]["Statement"]
        if isinstance(principal := statement["Principal"], dict) and "Service" in principal
        if "kms:Decrypt" in as_list(statement["Action"])
    }

    publishers = {
        statement["Principal"]["Service"]
        for policy in resources.of("AWS::SNS::TopicPolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    }
    assert publishers == {"cloudwatch.amazonaws.com", "budgets.amazonaws.com"}
    assert users == publishers | {"bedrock.amazonaws.com"}
    assert key["EnableKeyRotation"] is True


FOR_NOVA = {
    "Sid": "PermissionsNovaProvisionedThroughput",
    "Effect": "Allow",
    "Principal": {"Service": ["bedrock.amazonaws.com"]},
    "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
    "Resource": "*",
    "Condition": {"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "aws:bedrock:custom-model"}},
}
"""The statement that a key's policy has to have for custom Nova models (Nova user guide,
customize-fine-tune-encrypt, read 2026-11-29)."""


def test_bedrock_itself_may_prepare_a_tuned_nova_model_under_our_key(resources: Resources) -> None:
    """It does so without a role of ours, so that no role's policy can allow it."""
    (key,) = resources.of("AWS::KMS::Key").values()
    (principal,) = FOR_NOVA["Principal"]["Service"]  # type: ignore[index]

    (ours,) = (one for one in key["KeyPolicy"]["Statement"] if one["Principal"] == {"Service": principal})

    same = ("Effect", "Action", "Resource", "Condition")
    assert {name: ours[name] for name in same} == {name: FOR_NOVA[name] for name in same}


def test_the_keys_policy_leaves_its_use_to_the_policies_of_roles(resources: Resources) -> None:
    """Without this statement no role's own policy lets it use the key (KMS developer guide,
    key-policy-default-allow-root-enable-iam, read 2026-11-29)."""
    (key,) = resources.of("AWS::KMS::Key").values()
    of_the_account = [
        statement for statement in key["KeyPolicy"]["Statement"]
        if ":root" in json.dumps(statement["Principal"]) and statement["Effect"] == "Allow"
    ]  # fmt: skip

    (statement,) = of_the_account
    assert (statement["Action"], statement["Resource"]) == ("kms:*", "*")
    assert "Condition" not in statement
    assert not [one for one in key["KeyPolicy"]["Statement"] if one["Effect"] == "Deny"]
