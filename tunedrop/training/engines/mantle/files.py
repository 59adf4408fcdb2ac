"""Training files: copies of the data inside Bedrock, whose names identify the job and its run.

Jobs have no name, tag or client token. The file's name lets a repeated start find the first one, and
distinguishes the jobs of a stage from others in the same project.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, naming
from tunedrop.aws.mantle import multipart
from tunedrop.contracts import Run
from tunedrop.stage import Stage

PURPOSE = "fine-tune"
PAGE = 100
"""Entries per page of a list (OpenAI's API reference: 1 to 100 of jobs and events, more of files)."""


class TrainingFile(msgspec.Struct, frozen=True):
    """A file of a stage: `stage.run.job name.jsonl`, of which none has a dot in it."""

    id: str
    stage: str
    run: str
    job_name: str
    created_at: int = 0


def filename(stage: Stage, run: Run, job_name: str) -> str:
    """The name of a job's file."""
    return f"{stage.name}.{run.run_id}.{job_name}.jsonl"


def every(mantle: Any) -> Iterator[TrainingFile]:
    """All training files with names like these, newest first.

    Raises
    ------
    ClientError
        If the files cannot be listed.
    """
    found = sorted(pages(mantle.list_files, purpose=PURPOSE), key=lambda one: -_created(one))
    return (ours for one in found if (ours := _read(one, str(one["id"]))) is not None)


def find(mantle: Any, job_name: str) -> list[TrainingFile]:
    """The files of a job, newest first: more than one if an upload got no response in time."""
    return [one for one in every(mantle) if one.job_name == job_name]


def get(mantle: Any, file_id: str) -> TrainingFile | None:
    """A file; None if it does not exist or is not Tunedrop's, or if the id is empty."""
    if not file_id:
        return None
    try:
        return _read(mantle.get_file(id=file_id), file_id)
    except ClientError as error:
        if aws.is_missing(error):
            return None
        raise


def upload(mantle: Any, s3: Any, uri: str, name: str) -> str:
    """Copy a dataset's file into the service; returns the id of the copy.

    Raises
    ------
    ClientError
        If S3 or the service refuses.
    """
    bucket, key = naming.place_of(uri)
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    boundary = f"tunedrop-{hashlib.sha256(content).hexdigest()}"
    body, content_type = multipart({"purpose": PURPOSE}, name, content, boundary)
    return str(mantle.create_file(body=body, content_type=content_type)["id"])


def delete(mantle: Any, file_id: str) -> bool:
    """Delete a file. False if it did not exist."""
    if not file_id:
        return False
    try:
        mantle.delete_file(id=file_id)
    except ClientError as error:
        if aws.is_missing(error):
            return False
        raise
    return True


def _read(answer: Mapping[str, Any], file_id: str) -> TrainingFile | None:
    parts = str(answer.get("filename", "")).split(".")
    if len(parts) != 4 or parts[-1] != "jsonl":
        return None
    stage, run, job_name, _ = parts
    return TrainingFile(file_id, stage, run, job_name, _created(answer))


def _created(one: Mapping[str, Any]) -> int:
    return int(one.get("created_at") or 0)


def pages(operation: Any, **asked: Any) -> Iterator[dict[str, Any]]:
    """Every entry of a list, page by page (`after`, `has_more`)."""
    after: dict[str, str] = {}
    while True:
        page = operation(limit=PAGE, **asked, **after)
        data = page.get("data", [])
        yield from data
        if not page.get("has_more") or not data:
            return
        after = {"after": str(data[-1]["id"])}
