"""Valid values of every contract; a test breaks one field."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from tunedrop import manifest
from tunedrop.contracts import (
    CompletedJob,
    Dataset,
    DatasetFile,
    Evaluation,
    Run,
    S3Object,
    Score,
    Serving,
    Wait,
)
from tunedrop.registration import resolve
from tunedrop.stage import Stage

NOVA_LITE = "amazon.nova-lite-v1:0:300k"
LLAMA_3_3 = "meta.llama3-3-70b-instruct-v1:0:128k"
LLAMA_3_1 = "meta.llama3-1-8b-instruct-v1:0:128k"
MODEL_ARN = f"arn:aws:bedrock:us-east-1:111122223333:custom-model/{NOVA_LITE}/abcdefghij12"
JOB_ARN = f"arn:aws:bedrock:us-east-1:111122223333:model-customization-job/{NOVA_LITE}/abcdefghij12"
DEPLOYMENT_ARN = "arn:aws:bedrock:us-east-1:111122223333:custom-model-deployment/abcdefghij12"
PROVISIONED_ARN = "arn:aws:bedrock:us-east-1:111122223333:provisioned-model/abcdefghij12"


def stage(**changes: Any) -> Stage:
    valid = Stage(
        name="test",
        account="111122223333",
        region="us-east-1",
        intake_bucket="intake",
        artifacts_bucket="artifacts",
        registry_table="registry",
        waits_table="waits",
        topic_arn="arn:aws:sns:us-east-1:111122223333:tunedrop",
        bedrock_role_arn="arn:aws:iam::111122223333:role/bedrock",
        key_arn="arn:aws:kms:us-east-1:111122223333:key/00000000-0000-0000-0000-000000000000",
        default_base_model=NOVA_LITE,
        budget_usd=50.0,
        monthly_budget_usd=500.0,
        customization_quota=2,
        approval_timeout_seconds=86_400,
        throughput_expiry_seconds=7_200,
    )
    return msgspec.structs.replace(valid, **changes)


def run(**changes: Any) -> Run:
    # One upload has one run: another run is another version of the file.
    version = f"v-{changes['run_id']}" if "run_id" in changes else "v1"
    source = S3Object(bucket="intake", key="drop/persona.jsonl", version_id=version)
    valid = Run(
        run_id="persona-0123456789",
        name="persona",
        source=source,
        train=source,
        base_model=NOVA_LITE,
        hyperparameters={"epochCount": "5", "batchSize": "1", "learningRate": "0.0001"},
        budget_usd=50.0,
        created_at="2026-11-23T10:00:00Z",
        execution_arn="arn:aws:states:us-east-1:111122223333:execution:tunedrop:1",
    )
    return msgspec.structs.replace(valid, **changes)


def resolved(stage: Stage, **asked: Any) -> Run:
    """The run of a manifest with these keys, as it is registered when the manifest is dropped."""
    document = manifest.read(json.dumps({"data": {"train": "train.jsonl"}, **asked}).encode())
    return resolve(stage, run(), document, {})


def dataset(**changes: Any) -> Dataset:
    valid = Dataset(
        method="single-turn",
        source_format="converse",
        target_format="converse",
        content_hash="0" * 64,
        train=DatasetFile(
            uri="s3://artifacts/runs/persona-0123456789/dataset/train.jsonl", records=200, tokens=20_000
        ),
        validation=DatasetFile(
            uri="s3://artifacts/runs/persona-0123456789/dataset/validation.jsonl", records=20, tokens=2_000
        ),
        test=DatasetFile(
            uri="s3://artifacts/runs/persona-0123456789/dataset/test.jsonl", records=40, tokens=4_000
        ),
    )
    return msgspec.structs.replace(valid, **changes)


def job(**changes: Any) -> CompletedJob:
    valid = CompletedJob(
        job_arn=JOB_ARN,
        job_name="tunedrop-test-persona-0123456789",
        model_arn=MODEL_ARN,
        output_uri="s3://artifacts/runs/persona-0123456789/training/model-customization-job-abcdefghij12/",
        training_loss=0.5,
        validation_loss=0.7,
        started_at="2026-11-23T10:01:00Z",
        ended_at="2026-11-23T12:01:00Z",
    )
    return msgspec.structs.replace(valid, **changes)


def serving(**changes: Any) -> Serving:
    valid = Serving(
        way="on-demand",
        arn=DEPLOYMENT_ARN,
        name="tunedrop-test-persona-0123456789",
        model_arn=MODEL_ARN,
        status="Creating",
        hourly_usd=0.0,
        created_at="2026-11-23T12:02:00Z",
        expires_at="2026-11-23T14:02:00Z",
    )
    return msgspec.structs.replace(valid, **changes)


def evaluation(**changes: Any) -> Evaluation:
    valid = Evaluation(
        done=True,
        verdict="promote",
        reason="token F1 rose from 0.30 to 0.60",
        metric="token_f1",
        scores=(Score(metric="token_f1", base=0.3, tuned=0.6, difference=0.3, low=0.2, high=0.4),),
        records=40,
    )
    return msgspec.structs.replace(valid, **changes)


def wait(**changes: Any) -> Wait:
    valid = Wait(
        run_id="persona-0123456789",
        kind="training",
        subject=JOB_ARN,
        token="token-1",
        arrived_at="2026-11-23T10:01:00Z",
        parked_at="2026-11-23T10:01:00Z",
    )
    return msgspec.structs.replace(valid, **changes)
