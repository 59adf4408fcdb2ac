"""Checks the deployed stage: its resources, and who receives notifications."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from tunedrop.aws import Aws, is_missing
from tunedrop.doctor import _key
from tunedrop.doctor._finding import Finding, State, asked
from tunedrop.stage import Stage

AGAIN = "Deploy the stage again: make deploy STAGE={name}"

OF_YOUR_OWN = "For a bucket of your own: S3 console, Properties"


def check(aws: Aws, stage: Stage) -> Iterator[Finding]:
    """Buckets, tables, the state machine, Bedrock's role, the topic and its subscribers."""
    about = f"Stage {stage.name}"
    s3, dynamodb = aws.s3, aws.dynamodb
    parts = (
        ("intake bucket", stage.intake_bucket, lambda: s3.head_bucket(Bucket=stage.intake_bucket)),
        ("artifacts bucket", stage.artifacts_bucket, lambda: s3.head_bucket(Bucket=stage.artifacts_bucket)),
        ("registry", stage.registry_table, lambda: dynamodb.describe_table(TableName=stage.registry_table)),
        ("waits", stage.waits_table, lambda: dynamodb.describe_table(TableName=stage.waits_table)),
        (
            "workflow",
            stage.workflow_arn,
            lambda: aws.step_functions.describe_state_machine(stateMachineArn=stage.workflow_arn),
        ),
        (
            "Bedrock's role",
            stage.bedrock_role_arn,
            lambda: aws.iam.get_role(RoleName=stage.bedrock_role_arn.rpartition("/")[2]),
        ),
    )
    for name, which, call in parts:
        yield from asked(about, name, lambda n=name, w=which, c=call: iter([_there(about, stage, n, w, c)]))  # type: ignore[misc]
    yield from asked(about, "event delivery", lambda: iter([_events(aws, about, stage)]))
    yield from asked(about, "bucket settings", lambda: iter([_buckets(aws, about, stage)]))
    yield from asked(about, _key.NAME, lambda: _key.check(aws, stage))
    yield from asked(about, "subscribers", lambda: iter([_subscribers(aws, about, stage)]))


def _there(about: str, stage: Stage, name: str, which: str, call: object) -> Finding:
    try:
        call()  # type: ignore[operator]
    except ClientError as error:
        if not is_missing(error) and "NoSuchEntity" not in str(error) and "DoesNotExist" not in str(error):
            raise
        return _finding(about, name, "bad", f"{which} is gone", AGAIN.format(name=stage.name))
    return _finding(about, name, "good", which)


def _events(aws: Aws, about: str, stage: Stage) -> Finding:
    """Without this setting of the bucket no upload starts a run."""
    answer = aws.s3.get_bucket_notification_configuration(Bucket=stage.intake_bucket)
    if "EventBridgeConfiguration" in answer:
        return _finding(about, "event delivery", "good", "the intake bucket sends its events to EventBridge")
    hint = f"{AGAIN.format(name=stage.name)}. {OF_YOUR_OWN}, Amazon EventBridge, On"
    return _finding(about, "event delivery", "bad", "the intake bucket sends no events", hint)


def _buckets(aws: Aws, about: str, stage: Stage) -> Finding:
    """What the stack configures for its own buckets, but cannot for existing ones: versioning, because a run
    is identified by the version of its upload, and the Region, because Bedrock reads only buckets of its
    own."""
    for name in (stage.intake_bucket, stage.artifacts_bucket):
        if aws.s3.get_bucket_versioning(Bucket=name).get("Status") != "Enabled":
            hint = f"{OF_YOUR_OWN}, Bucket Versioning, Enable"
            return _finding(about, "bucket settings", "bad", f"{name} keeps no versions", hint)
        region = aws.s3.get_bucket_location(Bucket=name).get("LocationConstraint") or "us-east-1"
        if region != stage.region:
            hint = "Set intake_bucket and artifacts_bucket to buckets of the stage's Region"
            return _finding(about, "bucket settings", "bad", f"{name} is in {region}", hint)
    return _finding(about, "bucket settings", "good", "both buckets keep versions")


def _subscribers(aws: Aws, about: str, stage: Stage) -> Finding:
    """The function that records deliveries subscribes too, and does not count."""
    pages = aws.sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=stage.topic_arn)
    all_of_them = [one for page in pages for one in page["Subscriptions"]]
    people = [one for one in all_of_them if f":tunedrop-{stage.name}-" not in one["Endpoint"]]
    waiting = [one for one in people if not one["SubscriptionArn"].startswith("arn:")]
    if waiting:
        addresses = ", ".join(one["Endpoint"] for one in waiting)
        return _finding(
            about,
            "subscribers",
            "note",
            f"not confirmed yet: {addresses}",
            "Confirm with the link in the mail from AWS",
        )
    if not people:
        hint = f"Set notification_emails in cdk.json, or: aws sns subscribe --topic-arn {stage.topic_arn} …"
        return _finding(about, "subscribers", "note", "the topic has no subscribers", hint)
    return _finding(about, "subscribers", "good", ", ".join(one["Endpoint"] for one in people))


def _finding(about: str, name: str, state: State, detail: str, hint: str = "") -> Finding:
    return Finding(about=about, name=name, state=state, detail=detail, hint=hint)
