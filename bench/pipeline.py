"""A large dataset through the deployed pipeline, in shards, against `tunedrop check` on the same file.

`TUNEDROP_PIPELINE_SIZE=1GB python -m bench pipeline`: one valid file and one with errors all over it are
dropped into a deployed stage; findings, statistics and the bytes to train on must be those of one pass here.
The time and the peak memory of each function are reported.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import msgspec
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from rich.console import Console
from rich.table import Table

from local.driver import Pipeline, until
from local.embedded import BEFORE_LEGACY, Embedded, running
from tunedrop import catalog, naming
from tunedrop.contracts import Dataset
from tunedrop.dataset.check.report import Report
from tunedrop.dataset.formats.json_lines import lines_of
from tunedrop.dataset.prepare.plan import are_few, plan
from tunedrop.dataset.prepare.split import prepare, shares
from tunedrop.dataset.sources.local import LocalFile
from tunedrop.registry import Record

SIZE = os.environ.get("TUNEDROP_PIPELINE_SIZE", "256MB")
STAGE, REGION = "localwest", "us-west-2"
"""A stage whose shards are as large as on AWS."""

UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9}
BASE_MODEL = "amazon.titan-text-express-v1:0:8k"
"""Takes 100,000 records of 4,096 tokens: two gigabytes."""

RECORDS = 99_000
WRONG_EVERY = 97
MANIFEST = f"""
method: continued-pretraining
base_model: {BASE_MODEL}
data: {{train: train.jsonl}}
budget_usd: 0.01
"""
"""Over its budget: the run waits to be approved once its dataset is prepared, and is stopped there."""

SECONDS = 3600.0
FUNCTIONS = ("validate-data", "validate-shard")

console = Console()


def main() -> int:
    """Drop, compare; 1 when the pipeline says anything else than the command line."""
    size = int(float(SIZE[:-2]) * UNITS[SIZE[-2:].upper()])
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "aws", BEFORE_LEGACY) as embedded:
        embedded.session()
        embedded.deploy(STAGE, REGION)
        pipeline = Pipeline(boto3.Session(region_name=REGION), STAGE)
        for name, wrong in (("valid", False), ("invalid", True)):
            file = Path(folder) / "train.jsonl"
            _write(file, size, wrong)
            with Watch(embedded) as watch:
                problems += _compare(pipeline, name, file)
            watch.show(f"{name}, {file.stat().st_size / 1e6:,.0f} MB")
    for problem in problems:
        console.print(f"[red]{problem}[/red]")
    return int(bool(problems))


def _write(path: Path, size: int, wrong: bool) -> None:
    """Texts of random words, some twice; `wrong` leaves one in so many empty, and the last one open."""
    rng = random.Random(7)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(5_000)]
    text = " ".join(rng.choices(words, k=600_000))
    length = size // RECORDS - 30
    with path.open("wb") as sink:
        for number in range(RECORDS):
            start = rng.randrange(len(text) - length)
            body = text[start : start + length]
            if number % 1_000 == 999:
                body = f"the same text every thousand records: {text[:200]}"
            elif wrong and number % WRONG_EVERY == 0:
                body = "  "
            sink.write(msgspec.json.encode({"input": body}) + b"\n")
        sink.write(b'{"input": "no end\n' if wrong else b"")


def _compare(pipeline: Pipeline, name: str, file: Path) -> Iterator[str]:
    started = time.monotonic()
    here = _check(file)
    console.print(f"{name}: tunedrop check took {time.monotonic() - started:.1f} s")
    record, seconds = _through_the_pipeline(pipeline, name, file)
    console.print(f"{name}: the pipeline took {seconds:.1f} s to {record.step or record.status}")
    there = json.loads(pipeline.artifact(naming.validation_key(record.run.run_id)))
    for key in here:
        if here[key] != there.get(key):
            yield f"{name}: {key} differs: {str(here[key])[:200]} here, {str(there.get(key))[:200]} there"
    if here["valid"]:
        yield from _compare_prepared(pipeline, record, file, here)
    runs = pipeline.aws.step_functions.list_map_runs(executionArn=record.run.execution_arn)["mapRuns"]
    console.print(
        f"{name}: {here['records']:,} records, {here['error_count']:,} errors, {len(runs)} map runs"
    )
    if not runs:
        yield f"{name}: it was not done in shards"


def _check(file: Path) -> dict[str, Any]:
    program = str(Path(sys.executable).with_name("tunedrop"))
    command = [program, "check", str(file), "--base-model", BASE_MODEL]
    done = subprocess.run([*command, "--format", "json"], capture_output=True, check=False)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _through_the_pipeline(pipeline: Pipeline, name: str, file: Path) -> tuple[Record, float]:
    """The run when it is refused, or waits for its approval; and how long that took after the upload."""
    folder = f"runs/{name}"
    pipeline.aws.s3.upload_file(str(file), pipeline.stage.intake_bucket, f"{folder}/train.jsonl")
    started = time.monotonic()
    version = pipeline.put(f"{folder}/run.yaml", MANIFEST.encode())
    run_id = pipeline.run_of(name, version).run.run_id

    def look() -> Record | None:
        try:
            record = pipeline.registry.get(run_id)
        except (ConnectTimeoutError, ReadTimeoutError):
            return None  # one process plays all of AWS: with a gigabyte at once, it is busy for seconds
        waits = record is not None and "estimate" in record.documents
        return record if record is not None and (waits or not record.is_open) else None

    record = until(look, "the dataset", SECONDS, interval=0.5)
    seconds = time.monotonic() - started
    pipeline.stop(run_id)
    pipeline.closed(run_id, SECONDS)
    return record, seconds


def _compare_prepared(pipeline: Pipeline, record: Record, file: Path, here: dict[str, Any]) -> Iterator[str]:
    """The bytes to train on, against those of one pass over the file."""
    report = msgspec.convert(here, Report, strict=False)
    dataset = record.document("dataset", Dataset)
    if report.method is None or dataset is None:
        yield f"{record.run.run_id} has no dataset: {record.failure}"
        return
    method_rules = catalog.find(BASE_MODEL).methods[report.method]
    near_together = are_few(report.near_duplicates, report.records)
    held_out = shares(report.files["train"].records, ("train",), method_rules)
    with (
        tempfile.TemporaryFile() as train,
        tempfile.TemporaryFile() as rest,
        tempfile.TemporaryFile() as test,
    ):
        sinks = {"train": train, "validation": rest, "test": test}
        with file.open("rb") as stream:
            chunks = iter(lambda: stream.read(1 << 20), b"")
            source = LocalFile(file)
            sides = plan(lines_of(source), held_out, near_together)
            prepared = prepare({"train": chunks}, sinks, sides, method_rules)  # type: ignore[arg-type]
        if prepared.content_hash != dataset.content_hash:
            yield "the content hash differs"
        for split, sink in sinks.items():
            sink.seek(0)
            mine = hashlib.file_digest(sink, "sha256").hexdigest()  # type: ignore[arg-type]
            theirs = hashlib.sha256()
            key = naming.dataset_key(record.run.run_id, split)
            body = pipeline.aws.s3.get_object(Bucket=pipeline.stage.artifacts_bucket, Key=key)["Body"]
            for chunk in body.iter_chunks(1 << 20):
                theirs.update(chunk)
            if mine != theirs.hexdigest():
                yield f"{split}.jsonl differs"


class Watch:
    """The peak memory of every process that runs a function, and what their logs say of their time."""

    def __init__(self, embedded: Embedded) -> None:
        self._embedded = embedded
        self._peaks: dict[str, int] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Watch:
        self._since = int(time.time() * 1000)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(0.2):
            for name, kilobytes in _functions_at_work(self._embedded.pid):
                self._peaks[name] = max(kilobytes, self._peaks.get(name, 0))

    def show(self, title: str) -> None:
        """Print a line a function."""
        logs = boto3.client("logs", region_name=REGION)
        table = Table(title=title)
        for column in ("function", "calls", "longest (s)", "in all (s)", "peak memory (MB)"):
            table.add_column(column)
        for name in FUNCTIONS:
            took = list(_durations(logs, f"/aws/lambda/tunedrop-{STAGE}-{name}", self._since))
            peak = self._peaks.get(f"tunedrop-{STAGE}-{name}", 0) / 1024
            longest, total = max(took, default=0.0), sum(took)
            table.add_row(name, str(len(took)), f"{longest:.1f}", f"{total:.1f}", f"{peak:,.0f}")
        console.print(table)


def _functions_at_work(server: int) -> Iterator[tuple[str, int]]:
    """(function, peak resident kilobytes) of the server's processes that run one."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(folder.name)) != os.getpgid(server):
                continue
            environment = (folder / "environ").read_bytes().split(b"\0")
            status = (folder / "status").read_text()
        except (OSError, ValueError):
            continue  # it has ended meanwhile
        names = [
            one.partition(b"=")[2].decode()
            for one in environment
            if one.startswith(b"AWS_LAMBDA_FUNCTION_NAME=")
        ]
        peaks = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")]
        yield from zip(names, peaks, strict=False)


def _durations(logs: Any, group: str, since: int) -> Iterator[float]:
    """Seconds of each call since then, from the REPORT lines."""
    for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since):
        for event in page["events"]:
            if event["message"].startswith("REPORT"):
                yield float(event["message"].split("Duration: ")[1].split(" ")[0]) / 1000
