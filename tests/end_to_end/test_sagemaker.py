"""SageMaker and imports in the embedded AWS, over the wire: IAM, KMS, S3, events; no stage is deployed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.exceptions import ClientError

from local.driver import until
from local.embedded import ACCOUNT, REGION, Embedded, running

BUCKET, GROUP = "open-weights", "tuned"
DATA, OUT = "in/train.jsonl", "out"
SAGEMAKER = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
HUB = f"arn:aws:sagemaker:{REGION}:aws"
CONTENT = f"{HUB}:hub-content/SageMakerPublicHub/Model/huggingface-reasoning-qwen3-4b"
QUESTION, ANSWER = "how do I use part3 today", "part3 goes into slot3"
RECORDS = [
    {"prompt": f"how do I use part{n} {word}", "completion": f"part{n} goes into slot{n}"}
    for n in range(8)
    for word in ("today", "at work", "with care", "in the kit")
]


class Wire:
    """Clients of the emulator: the root's, and of a user who may do what a test grants."""

    def __init__(self, embedded: Embedded) -> None:
        self.root = embedded.session()
        self.s3, self.iam = self.root.client("s3"), self.root.client("iam")
        self.s3.create_bucket(Bucket=BUCKET)
        body = "".join(f"{json.dumps(one)}\n" for one in RECORDS).encode()
        self.s3.put_object(Bucket=BUCKET, Key=DATA, Body=body)
        self.trainer = self.role("trainer", "sagemaker.amazonaws.com", "training-job/*")
        self.importer = self.role("importer", "bedrock.amazonaws.com", "model-import-job/*")
        self.root.client("sagemaker").create_model_package_group(ModelPackageGroupName=GROUP)
        self.iam.create_user(UserName="engineer")
        key = self.iam.create_access_key(UserName="engineer")["AccessKey"]
        self.user = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)

    def role(self, name: str, service: str, source: str) -> str:
        source_arn = f"arn:aws:{service.partition('.')[0]}:{REGION}:{ACCOUNT}:{source}"
        trust = [statement("sts:AssumeRole", "", Principal={"Service": service})]
        trust[0]["Condition"] = {"ArnLike": {"aws:SourceArn": source_arn}}
        del trust[0]["Resource"]
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
        objects = [
            statement("s3:*", f"arn:aws:s3:::{BUCKET}/*"),
            statement("s3:ListBucket", f"arn:aws:s3:::{BUCKET}"),
        ]
        self.iam.put_role_policy(RoleName=name, PolicyName="data", PolicyDocument=policy(objects))
        return str(arn)

    def grant(self, *statements: dict[str, Any]) -> None:
        """What the user may do, from now on."""
        self.iam.put_user_policy(
            UserName="engineer", PolicyName="granted", PolicyDocument=policy(list(statements))
        )

    def train(self, name: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.user.client("sagemaker").create_training_job(
            TrainingJobName=name,
            RoleArn=self.trainer,
            ServerlessJobConfig={
                "BaseModelArn": CONTENT, "JobType": "FineTuning",
                "CustomizationTechnique": "SFT", "Peft": "LORA",
            },
            HyperParameters={"merge_weights": "true"},
            InputDataConfig=[{
                "ChannelName": "train",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{DATA}"}},
            }],
            OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/{OUT}"},
            ModelPackageConfig={"ModelPackageGroupArn": f"{SAGEMAKER}:model-package-group/{GROUP}"},
            Tags=[{"Key": "team", "Value": "open"}],
        )  # fmt: skip
        return answer


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    # The environment is of this emulator for these tests alone: those after them have their own.
    with patch.dict(os.environ), running(tmp_path_factory.mktemp("sagemaker") / "aws") as embedded:
        yield Wire(embedded)
        violations = embedded.violations
        assert not violations.exists() or violations.read_text() == ""


def test_a_job_needs_itself_its_role_and_its_tags(wire: Wire) -> None:
    create = statement("sagemaker:CreateTrainingJob", f"{SAGEMAKER}:training-job/open-*")
    pass_role = statement("iam:PassRole", wire.trainer)
    pass_role["Condition"] = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    tag = statement("sagemaker:AddTags", f"{SAGEMAKER}:training-job/open-*")
    for granted in ([], [create], [create, pass_role], [create, tag], [pass_role, tag]):
        wire.grant(statement("sts:GetCallerIdentity", "*"), *granted)
        assert denied(lambda: wire.train("open-a"))
    wire.grant(create, pass_role, tag)

    assert denied(lambda: wire.train("closed-a"))
    assert wire.train("open-a")["TrainingJobArn"] == f"{SAGEMAKER}:training-job/open-a"


def test_the_public_hub_is_read_with_both_its_resources(wire: Wire) -> None:
    hub, content = f"{HUB}:hub/SageMakerPublicHub", f"{HUB}:hub-content/SageMakerPublicHub/Model/*"
    for granted in ([hub], [content]):
        wire.grant(*(statement("sagemaker:DescribeHubContent", one) for one in granted))
        assert denied(lambda: described(wire))
    wire.grant(*(statement("sagemaker:DescribeHubContent", one) for one in (hub, content)))

    assert described(wire)["HubContentType"] == "Model"


def test_a_trained_model_is_imported_and_used(wire: Wire) -> None:
    """Weights go through S3, with the roles that the services were passed."""
    events = heard(wire)
    sagemaker, bedrock = wire.root.client("sagemaker"), wire.root.client("bedrock")
    job = until(lambda: ended(sagemaker, "open-b"), "the job")
    package = sagemaker.describe_model_package(ModelPackageName=job["OutputModelPackageArn"])
    (container,) = package["InferenceSpecification"]["Containers"]
    weights = container["ModelDataSource"]["S3DataSource"]["S3Uri"] + "checkpoints/hf_merged/"

    bedrock.create_model_import_job(
        jobName="open", importedModelName="open", roleArn=wire.importer,
        modelDataSource={"s3DataSource": {"s3Uri": weights}},
    )  # fmt: skip
    done = until(lambda: over(bedrock.get_model_import_job(jobIdentifier="open")), "the import")
    model = done["importedModelArn"]
    other = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:imported-model/abcdefghij12"
    wire.grant(statement("bedrock:InvokeModel", other))
    assert denied(lambda: asked(wire, model))
    wire.grant(statement("bedrock:InvokeModel", model))

    assert until(lambda: asked(wire, model), "an answer").endswith(ANSWER)
    assert until(events, "the event")["TrainingJobStatus"] == "Completed"
    bedrock.delete_imported_model(modelIdentifier="open")


def heard(wire: Wire) -> Any:
    """Train the job `open-b`; gives what the event bus says of its end, when it has."""
    sqs, rules = wire.root.client("sqs"), wire.root.client("events")
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {
        "source": ["aws.sagemaker"],
        "detail": {"TrainingJobStatus": ["Completed", "Failed", "Stopped"]},
    }
    rule = rules.put_rule(Name="jobs", EventPattern=json.dumps(pattern))["RuleArn"]
    allow = statement("sqs:SendMessage", arn, Principal={"Service": "events.amazonaws.com"})
    allow["Condition"] = {"ArnEquals": {"aws:SourceArn": rule}}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy([allow])})
    rules.put_targets(Rule="jobs", Targets=[{"Id": "queue", "Arn": arn}])
    wire.grant(statement("*", "*"))
    wire.train("open-b")

    def found() -> dict[str, Any] | None:
        for message in sqs.receive_message(QueueUrl=url).get("Messages", []):
            detail: dict[str, Any] = json.loads(message["Body"])["detail"]
            if detail["TrainingJobName"] == "open-b":
                return detail
        return None

    return found


def statement(action: str, resource: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def policy(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def denied(call: Any) -> bool:
    with pytest.raises(ClientError) as caught:
        call()
    return bool(caught.value.response["Error"]["Code"] == "AccessDeniedException")


def described(wire: Wire) -> dict[str, Any]:
    found: dict[str, Any] = wire.user.client("sagemaker").describe_hub_content(
        HubName="SageMakerPublicHub", HubContentType="Model", HubContentName="huggingface-reasoning-qwen3-4b"
    )
    return found


def ended(sagemaker: Any, name: str) -> dict[str, Any] | None:
    job: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=name)
    return job if job["TrainingJobStatus"] == "Completed" else None


def over(job: dict[str, Any]) -> dict[str, Any] | None:
    return job if job["status"] == "Completed" else None


def asked(wire: Wire, model: str) -> str | None:
    """An answer, when the model is awake."""
    body = json.dumps({"messages": [{"role": "user", "content": QUESTION}], "max_tokens": 200})
    try:
        answer = wire.user.client("bedrock-runtime").invoke_model(modelId=model, body=body)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ModelNotReadyException":
            raise
        return None
    return str(json.loads(answer["body"].read())["choices"][0]["message"]["content"])
