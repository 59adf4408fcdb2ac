"""The data as a job reads it: as prepared, except for reinforcement, which has its own format."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from itertools import islice
from typing import Any

from tunedrop import naming
from tunedrop.contracts import DatasetFile, Run
from tunedrop.planning.plan import PlannedJob
from tunedrop.stage import Stage
from tunedrop.training import rollouts

CHANNELS = ("train", "validation")


def place(s3: Any, stage: Stage, run: Run, planned: PlannedJob, name: str) -> dict[str, str]:
    """The URI of each channel: the prepared file or, for reinforcement, one converted from it.

    A repeated call writes the same files.

    Raises
    ------
    ClientError
        If S3 refuses.
    """
    files = {channel: getattr(planned.dataset, channel) for channel in CHANNELS}
    given = {channel: file for channel, file in files.items() if file is not None}
    if planned.method != "reinforcement":
        return {channel: file.uri for channel, file in given.items()}
    return {channel: _written(s3, stage, run, file, channel, name) for channel, file in given.items()}


def _written(s3: Any, stage: Stage, run: Run, file: DatasetFile, channel: str, name: str) -> str:
    key = f"{naming.training_prefix(run.run_id)}{name}/input/{channel}.jsonl"
    with tempfile.TemporaryFile() as sink:  # records with long references grow to several times their size
        sink.writelines(_lines(s3, file, run.grader))
        sink.seek(0)
        s3.upload_fileobj(sink, stage.artifacts_bucket, key, ExtraArgs={"ContentType": "application/jsonl"})
    return naming.uri(stage.artifacts_bucket, key)


def _lines(s3: Any, file: DatasetFile, grader: str) -> Iterator[bytes]:
    for chat in _rows(s3, file):
        yield json.dumps(rollouts.record(chat, grader)).encode() + b"\n"


def _rows(s3: Any, file: DatasetFile) -> Iterator[dict[str, Any]]:
    bucket, key = naming.place_of(file.uri)
    for line in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_lines():
        if line.strip():
            yield json.loads(line)


def samples(s3: Any, file: DatasetFile, grader: str, count: int = 2) -> list[dict[str, Any]]:
    """The first records as the reward function will get them, with the reference as the answer.

    Raises
    ------
    ClientError
        If S3 refuses.
    """
    rows = islice(_rows(s3, file), count)
    return [
        rollouts.sample(rollouts.record(chat, grader), str(chat.get("reference_answer", "an answer")), number)
        for number, chat in enumerate(rows)
    ]
