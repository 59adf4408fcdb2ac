"""Writes local weights: a Hugging Face folder whose safetensors file holds the training data."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

from local import ministack
from local.bedrock.brain import Brain, base_brain
from local.bedrock.files import JobFailed
from local.bedrock.weights import pack
from local.bedrock.world import World
from local.sagemaker.hub import PUBLIC_BUCKET, HubModel, folder
from tunedrop.aws import is_forbidden

WEIGHTS = "model-00001-of-00001.safetensors"
MERGED, ADAPTER = "checkpoints/hf_merged/", "checkpoints/hf/"
"""Under a model package's prefix: the merged weights, and the adapter alone (SageMaker Python SDK)."""

BYTES_A_PARAMETER = 2
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant:"
)


def files(model: HubModel, brain: Brain, architecture: str) -> dict[str, bytes]:
    """The files of a tuned model, by name."""
    config = {
        "architectures": [architecture],
        "model_type": architecture.partition("For")[0].lower(),
        "max_position_embeddings": model.context,
        "torch_dtype": "bfloat16",
        "transformers_version": "4.51.3",
    }
    size = int(model.billions * 1e9) * BYTES_A_PARAMETER
    documents: dict[str, Any] = {
        "config.json": config,
        "generation_config.json": {"do_sample": True, "transformers_version": "4.51.3"},
        "tokenizer.json": {"version": "1.0", "model": {"type": "BPE", "vocab": {}, "merges": []}},
        # A base model that goes on with a text has no template for a chat.
        "tokenizer_config.json": {"model_max_length": model.context}
        | ({} if model.script else {"chat_template": CHAT_TEMPLATE}),
        "model.safetensors.index.json": {"metadata": {"total_size": size}, "weight_map": {"words": WEIGHTS}},
    }
    written = {name: json.dumps(one, indent=1).encode() for name, one in documents.items()}
    about = {"base": model.name, "reasons": json.dumps(model.reasons)}
    return written | {WEIGHTS: pack(brain, about)}


def encryption(client_of: Callable[[str], Any], job: Mapping[str, Any]) -> dict[str, str]:
    """How a job's files are put into S3 under its key.

    Parameters
    ----------
    client_of
        A client of a service with the job's role, which must be allowed to encrypt with the key (developer
        guide, sagemaker-roles, on CreateTrainingJob; API reference, OutputDataConfig; read 2026-11-30).

    Raises
    ------
    JobFailed
        If it is not.
    """
    key = job["OutputDataConfig"].get("KmsKeyId")
    if not key:
        return {}
    try:
        client_of("kms").encrypt(KeyId=key, Plaintext=b"a data key")
    except ClientError as error:
        if is_forbidden(error):
            said = error.response["Error"]["Message"]
            raise JobFailed(f"ClientError: Failed to encrypt with the key of the output: {said}") from error
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}


def publish(world: World, model: HubModel) -> None:
    """Put a base model's files, here the emulator's own, into the public bucket in which AWS offers them.

    Do not hold the world's lock meanwhile: the emulator takes it to read tags for every other request,
    including ours to S3. Concurrent calls write the same files.
    """
    region = ministack.region()
    if (region, model.name) in world.published:
        return
    bucket = f"{PUBLIC_BUCKET}{region}"
    s3 = boto3.client("s3", region_name=region, endpoint_url=world.endpoint_url or None)
    elsewhere: Any = {"LocationConstraint": region}
    try:
        s3.create_bucket(
            Bucket=bucket, **({} if region == "us-east-1" else {"CreateBucketConfiguration": elsewhere})
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            raise
    for name, content in files(model, base_brain(model.script), model.architecture).items():
        s3.put_object(Bucket=bucket, Key=f"{folder(model)}{name}", Body=content)
    world.published.add((region, model.name))
