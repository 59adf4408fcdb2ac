"""A job's files in S3: a folder as Hugging Face's `save_pretrained` writes it, which Bedrock imports.

`CompressionType: NONE` makes SageMaker upload the folder as it is, to `…/output/model/` (API reference,
OutputDataConfig). AWS's notebook on Mistral 7B imports that folder directly. That notebook is the only
evidence that the script writes merged safetensors and the tokenizer there, so the folder is checked before
the import.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from tunedrop import aws, naming
from tunedrop.training.sagemaker import BUCKET_GONE

CONFIG = "config.json"


def place(answer: Mapping[str, Any]) -> str:
    """The `s3://` prefix of a job's weights, by DescribeTrainingJob; empty if it has none."""
    uri = str((answer.get("ModelArtifacts") or {}).get("S3ModelArtifacts", ""))
    return uri if not uri or uri.endswith((".gz", "/")) else f"{uri}/"


def problem(names: set[str]) -> str:
    """Why Bedrock could not import a folder of these files; empty if it can, judging by the names.

    It needs safetensors, their config and the tokenizer (Bedrock user guide,
    model-customization-import-model, read 2026-11-29).
    """
    own = {name for name in names if "/" not in name}
    if "model.tar.gz" in own or not own:
        return "an archive, or nothing" if own else "nothing"
    if "adapter_config.json" in own and CONFIG not in own:
        return "an adapter that is not merged into its base model"
    missing = []
    if CONFIG not in own:
        missing.append(CONFIG)
    if not any(name.endswith(".safetensors") for name in own):
        missing.append("*.safetensors")
    if not own & {"tokenizer.json", "tokenizer.model"}:
        missing.append("tokenizer.json or tokenizer.model")
    return f"a folder without {', '.join(missing)}" if missing else ""


def names(s3: Any, where: str) -> set[str]:
    """The names of the objects under a prefix; none if the bucket has gone with its stage."""
    try:
        return set(_names(s3, where))
    except ClientError as error:
        if aws.code_of(error) == BUCKET_GONE:
            return set()
        raise


def _names(s3: Any, where: str) -> Iterator[str]:
    bucket, prefix = naming.place_of(where)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for one in page.get("Contents", ()):
            yield one["Key"].removeprefix(prefix)
