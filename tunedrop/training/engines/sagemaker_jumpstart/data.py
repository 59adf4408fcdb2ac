"""The data as JumpStart's domain adaptation reads it: one file per channel, identified by its extension.

A channel's folder holds exactly one CSV, JSON or TXT file; of a JSON file the column `text` is read, or the
first if there is none (AWS's notebook on Mistral 7B; SageMaker AI developer guide,
jumpstart-foundation-models-fine-tuning-domain-adaptation, read 2026-11-29). Tunedrop's texts are JSON lines
with a single key, which Hugging Face's `datasets`, used by the script, reads as a JSON file.
"""

from __future__ import annotations

from typing import Any

from tunedrop import naming
from tunedrop.contracts import Run
from tunedrop.planning.plan import PlannedJob
from tunedrop.stage import Stage


def prefix(run: Run, name: str) -> str:
    """The folder of a job in the artifacts bucket, where SageMaker writes its output."""
    return f"{naming.training_prefix(run.run_id)}{name}/"


def place(s3: Any, stage: Stage, run: Run, planned: PlannedJob, name: str) -> dict[str, str]:
    """Copy the dataset within S3, one file for each channel; returns the channels' URIs.

    A repeated call writes the same files.
    """
    files = {"train": planned.dataset.train, "validation": planned.dataset.validation}
    found = {}
    for channel, file in files.items():
        if file is None:
            continue
        bucket, key = naming.place_of(file.uri)
        folder = f"{prefix(run, name)}input/{channel}/"
        s3.copy(
            CopySource={"Bucket": bucket, "Key": key},
            Bucket=stage.artifacts_bucket,
            Key=f"{folder}{channel}.json",
        )
        found[channel] = naming.uri(stage.artifacts_bucket, folder)
    return found
