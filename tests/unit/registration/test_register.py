from __future__ import annotations

import json

import msgspec
import pytest

from tests import builders
from tunedrop import registration
from tunedrop.aws import Aws
from tunedrop.contracts import Registration, RuleSettings, S3Object
from tunedrop.registration import ObjectCreated
from tunedrop.stage import Stage

MANIFEST = f"base_model: {builders.LLAMA_3_1}\ndata: {{train: train.jsonl}}\n"


def put(aws: Aws, stage: Stage, key: str, body: str = "{}") -> ObjectCreated:
    answer = aws.s3.put_object(Bucket=stage.intake_bucket, Key=key, Body=body.encode())
    source = S3Object(bucket=stage.intake_bucket, key=key, version_id=answer["VersionId"])
    return ObjectCreated(source=source, requester="111122223333", time="2026-11-23T10:00:00Z")


def register(aws: Aws, stage: Stage, event: ObjectCreated) -> Registration:
    return registration.register(aws.s3, stage, event, execution_arn="arn:execution")


@pytest.fixture(autouse=True)
def _intake(intake: str) -> None:
    """Every test here has an intake bucket."""


def test_a_dropped_file_gets_a_run_with_the_stages_defaults(aws: Aws, stage: Stage) -> None:
    found = register(aws, stage, put(aws, stage, "drop/My persona.jsonl"))

    assert found.outcome == "registered"
    assert found.run is not None
    assert found.run.run_id.startswith("my-persona-")
    assert found.run.base_model == stage.default_base_model
    assert found.run.budget_usd == stage.budget_usd
    assert found.run.method == "auto"
    assert found.run.hyperparameters["epochCount"] == "2"


def test_a_manifest_gets_a_run_with_its_settings_and_the_versions_of_its_data(aws: Aws, stage: Stage) -> None:
    data = put(aws, stage, "runs/law/train.jsonl")
    text = MANIFEST + "hyperparameters: {epoch_count: 2, learning_rate: 1e-5}\nbudget_usd: 9\n"

    run = register(aws, stage, put(aws, stage, "runs/law/run.yaml", text)).run

    assert run is not None
    assert run.train == data.source
    assert run.base_model == builders.LLAMA_3_1
    assert run.hyperparameters == {"epochCount": "2", "batchSize": "1", "learningRate": "0.00001"}
    assert run.budget_usd == 9


def test_the_same_upload_delivered_twice_is_the_same_run(aws: Aws, stage: Stage) -> None:
    event = put(aws, stage, "drop/persona.jsonl")

    assert register(aws, stage, event) == register(aws, stage, event)


def test_a_new_version_of_the_same_key_is_a_new_run(aws: Aws, stage: Stage) -> None:
    first = register(aws, stage, put(aws, stage, "drop/persona.jsonl"))
    second = register(aws, stage, put(aws, stage, "drop/persona.jsonl"))

    assert first.run is not None
    assert second.run is not None
    assert first.run.run_id != second.run.run_id


def test_new_data_under_an_unchanged_manifest_is_a_new_run(aws: Aws, stage: Stage) -> None:
    put(aws, stage, "runs/law/train.jsonl")
    manifest = put(aws, stage, "runs/law/run.yaml", MANIFEST)
    first = register(aws, stage, manifest)
    put(aws, stage, "runs/law/train.jsonl", '{"new": 1}')

    assert register(aws, stage, manifest).run != first.run


@pytest.mark.parametrize(
    ("manifest", "cause"),
    [
        ("data: {train: train.jsonl}\nepoch: 2\n", "line 2: unknown key epoch"),
        ("data: {train: other.jsonl}\n", "there is no s3://intake/runs/law/other.jsonl"),
        ("data: {train: ../secret.jsonl}\n", "is not in the manifest's folder"),
        ("data: {train: s3://elsewhere/train.jsonl}\n", "does not allow the bucket elsewhere"),
        (
            "base_model: meta.llama3\ndata: {train: train.jsonl}\n",
            "is not in the catalog; meta.llama3-",
        ),
        ("data: {train: train.jsonl}\nhyperparameters: {epochs: 2}\n", "it has epochCount"),
        ("data: {train: train.jsonl}\nhyperparameters: {epoch_count: 99}\n", "a whole number from 1 to 5"),
        ("data: {train: train.jsonl}\ndeployment: {commitment: 1-month}\n", "this stage does not allow it"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused_with_its_cause(
    aws: Aws, stage: Stage, manifest: str, cause: str
) -> None:
    put(aws, stage, "runs/law/train.jsonl")

    found = register(aws, stage, put(aws, stage, "runs/law/run.yaml", manifest))

    assert found.outcome == "refused"
    assert found.run is not None
    assert found.failure is not None
    assert found.failure.error == "InvalidManifest"
    assert cause in found.failure.cause


@pytest.mark.parametrize(
    ("base_model", "deployment", "cause"),
    [
        (base_model, f"{mode}{deployment}", cause)
        # Models tuned from Nova are served on demand too; those from Llama 3.1 by the hour only.
        for base_model, mode in (
            (builders.LLAMA_3_1, ""),
            (builders.LLAMA_3_1, "mode: provisioned, "),
            (builders.NOVA_LITE, "mode: provisioned, "),
        )
        for deployment, cause in (
            ("commitment: 1-month", "set deployment.keep_for to 30d or more"),
            ("commitment: 1-month, keep_for: 29d", "is billed for 30 days"),
            ("commitment: 6-months, keep_for: 30d", "set deployment.keep_for to 180d or more"),
            ("commitment: 1-month, keep_for: 30d, stable_arn: true", "deployment.stable_arn"),
            ("commitment: 1-month, keep_for: 30d", ""),
            ("commitment: none, keep_for: 8h, stable_arn: true", ""),
        )
    ]
    + [
        (builders.NOVA_LITE, "mode: on-demand, commitment: 1-month", ""),
        (builders.NOVA_LITE, "commitment: 1-month, keep_for: 30d, stable_arn: true", ""),
    ],
)
def test_a_term_is_not_bought_in_which_the_throughput_serves_nothing(
    aws: Aws, base_model: str, deployment: str, cause: str
) -> None:
    """A run that buys no throughput may name one, as in a manifest that others share."""
    stage = builders.stage(allow_commitment=True)
    put(aws, stage, "runs/law/train.jsonl")
    text = f"base_model: {base_model}\ndata: {{train: train.jsonl}}\ndeployment: {{{deployment}}}\n"

    found = register(aws, stage, put(aws, stage, "runs/law/run.yaml", text))

    assert (found.outcome == "refused") is bool(cause)
    assert found.failure is None or cause in found.failure.cause


def test_a_run_begins_at_a_whole_second_as_s3_tells_when_an_approve_object_came(
    aws: Aws, stage: Stage
) -> None:
    event = msgspec.structs.replace(put(aws, stage, "drop/persona.jsonl"), time="2026-11-23T10:00:00.986Z")

    run = register(aws, stage, event).run

    assert run is not None
    assert run.created_at == "2026-11-23T10:00:00Z"


def test_other_objects_are_ignored(aws: Aws, stage: Stage) -> None:
    mark = msgspec.structs.replace(put(aws, stage, "drop/", ""), size=0)
    assert register(aws, stage, mark).outcome == "ignored"


def test_a_run_tunes_the_model_of_an_earlier_run_further(aws: Aws, stage: Stage) -> None:
    put(aws, stage, "runs/law/train.jsonl")
    event = put(aws, stage, "runs/law/run.yaml", "from: persona\ndata: {train: train.jsonl}\n")
    models = {"persona": builders.MODEL_ARN}

    found = registration.register(aws.s3, stage, event, "arn:execution", models.get)
    unknown = registration.register(aws.s3, stage, event, "arn:execution", {}.get)

    assert found.run is not None
    assert (found.run.parent_model, found.run.base_model) == (builders.MODEL_ARN, builders.NOVA_LITE)
    assert unknown.outcome == "refused"
    assert unknown.failure is not None
    assert "no run named persona has made a model" in unknown.failure.cause


@pytest.mark.parametrize(
    "arn",
    [
        builders.MODEL_ARN.replace("111122223333", "999999999999"),
        builders.MODEL_ARN.replace("us-east-1", "us-west-2"),
        builders.MODEL_ARN + "/../x",
        builders.DEPLOYMENT_ARN,
    ],
)
def test_only_a_custom_model_of_this_account_and_region_is_tuned_further(
    aws: Aws, stage: Stage, arn: str
) -> None:
    put(aws, stage, "runs/law/train.jsonl")

    found = register(
        aws, stage, put(aws, stage, "runs/law/run.yaml", MANIFEST.replace(builders.LLAMA_3_1, arn))
    )

    assert found.failure is not None
    assert "is not a custom model of this account and Region" in found.failure.cause


def test_a_run_of_stages_has_the_data_and_hyperparameters_of_each(aws: Aws, stage: Stage) -> None:
    text, pairs = put(aws, stage, "runs/law/text.jsonl"), put(aws, stage, "runs/law/pairs.jsonl")
    manifest = (
        "stages:\n"
        "- {data: {train: text.jsonl}, hyperparameters: {epoch_count: 3}}\n"
        "- {data: {train: pairs.jsonl}}\n"
    )

    run = register(aws, stage, put(aws, stage, "runs/law/run.yaml", manifest)).run

    assert run is not None
    assert run.train == pairs.source
    (earlier,) = run.earlier_stages
    assert earlier.train == text.source
    assert earlier.hyperparameters["epochCount"] == "3"
    assert run.hyperparameters["epochCount"] == "2"


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("budget_usd: 0", "budget_usd", 0),
        ("budget_usd: 7", "budget_usd", 7),
        ("", "budget_usd", 50),
        ("evaluation: {min_improvement: 0}", "min_improvement", 0),
        ("evaluation: {min_improvement: 0.1}", "min_improvement", 0.1),
        ("", "min_improvement", 0.02),
        ("evaluation: {general_ability: false}", "general_ability", False),
        ("", "general_ability", True),
        ("evaluation: {few_shot: 4}", "few_shot", 4),
        ("", "few_shot", 0),
        ("evaluation: {confidence: 0.9}", "confidence", 0.9),
        ("", "confidence", 0.95),
        ("deployment: {stable_arn: false}", "stable_arn", False),
        ("", "stable_arn", True),
    ],
)
def test_what_a_manifest_says_counts_also_where_it_says_nothing_or_no(
    aws: Aws, text: str, field: str, value: object
) -> None:
    stage = builders.stage(stable_arn=True)
    put(aws, stage, "runs/law/train.jsonl")

    run = register(aws, stage, put(aws, stage, "runs/law/run.yaml", f"{MANIFEST}{text}\n")).run

    assert run is not None
    found = next(one for one in (run, run.evaluation, run.deployment) if hasattr(one, field))
    assert getattr(found, field) == value


def test_rules_of_a_manifest_are_resolved_with_those_of_the_stage(aws: Aws) -> None:
    stage = builders.stage(rules=RuleSettings(severity={"TD061": "error"}))
    put(aws, stage, "runs/law/train.jsonl")

    def registered(text: str) -> Registration:
        return register(aws, stage, put(aws, stage, "runs/law/run.yaml", f"{MANIFEST}{text}\n"))

    plain, own = registered(""), registered("rules: {thresholds: {rare_label: 9}}")
    assert plain.run is not None
    assert own.run is not None
    assert plain.run.rules == stage.rules
    assert own.run.rules == RuleSettings(severity={"TD061": "error"}, thresholds={"rare_label": 9})
    assert own.run.run_id != plain.run.run_id

    for text, message in (
        ("rules: {severity: {TD061: off}}", "the stage requires an error"),
        ("rules: {severity: {TD001: off}}", "always an error"),
        ("rules: {severity: {TD061: eror}}", "rules.severity: TD061: eror is unknown; did you mean error?"),
        ("rules: {severitee: {}}", "did you mean rules.severity?"),
    ):
        found = registered(text)
        assert found.failure is not None
        assert message in found.failure.cause


@pytest.mark.parametrize(
    "name", ["../law-secret/train.jsonl", "../law/../law-secret/train.jsonl", "../train.jsonl", ".."]
)
def test_a_manifest_names_no_file_beside_its_folder(aws: Aws, stage: Stage, name: str) -> None:
    put(aws, stage, "runs/law-secret/train.jsonl")
    put(aws, stage, "runs/train.jsonl")

    found = register(aws, stage, put(aws, stage, "runs/law/run.yaml", f"data: {{train: {name}}}\n"))

    assert found.outcome == "refused"
    assert found.failure is not None
    assert "is not in the manifest's folder" in found.failure.cause


def test_data_in_a_bucket_without_versions_is_pinned_by_its_etag(aws: Aws) -> None:
    stage = builders.stage(data_buckets=("shared",))
    aws.s3.create_bucket(Bucket="shared", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    etag = aws.s3.put_object(Bucket="shared", Key="train.jsonl", Body=b"{}")["ETag"]
    manifest = put(aws, stage, "runs/law/run.yaml", "data: {train: s3://shared/train.jsonl}\n")

    first = register(aws, stage, manifest).run
    aws.s3.put_object(Bucket="shared", Key="train.jsonl", Body=b"{ }")
    second = register(aws, stage, manifest).run

    assert first is not None
    assert second is not None
    assert (first.train.etag, first.train.version_id) == (etag, "")
    assert first.run_id != second.run_id


@pytest.mark.parametrize("key", ["drop/My data+1.jsonl", "drop/50%25 of it.jsonl", "drop/日本.jsonl"])
def test_a_key_in_an_event_is_the_objects_own(aws: Aws, stage: Stage, intake: str, key: str) -> None:
    """S3 encodes keys for queues, topics and functions, not for EventBridge: so moto and LocalStack have it
    (`localstack/services/s3/notifications.py`), and no page of AWS says it."""
    sqs, events = aws.client("sqs"), aws.client("events")
    queue = sqs.create_queue(QueueName="events")["QueueUrl"]
    events.put_rule(Name="uploads", EventPattern=json.dumps({"source": ["aws.s3"]}))
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_targets(Rule="uploads", Targets=[{"Id": "queue", "Arn": arn}])
    aws.s3.put_bucket_notification_configuration(
        Bucket=intake, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )

    put(aws, stage, key)

    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    event = ObjectCreated.from_event(json.loads(message["Body"]))
    assert event.source.key == key
    assert register(aws, stage, event).outcome == "registered"
