"""200 datasets dropped at once against a quota of two jobs: each is trained once, in order, none is lost."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from local.driver import Pipeline
from local.embedded import running
from tests.datasets import jsonl, single_turn

RUNS = int(os.environ.get("TUNEDROP_LOAD_RUNS", "200"))
MANIFEST = b"""
data: {train: train.jsonl}
hyperparameters: {epoch_count: 5, learning_rate: 1e-4}
deployment: {keep_for: 0s}
"""
"""Nothing stays in service: an account may have ten deployments."""

PATIENCE_SECONDS = 60 * 60
FUNCTIONS_AT_ONCE = "24"
"""A Lambda here is a process of some 60 MB; an account's own limit is 1,000, or 10 when it is new."""

console = Console()


def main() -> int:
    """Drop, wait, count; 1 if a run was lost, trained twice, or started before its turn."""
    os.environ["LAMBDA_ACCOUNT_CONCURRENCY"] = FUNCTIONS_AT_ONCE
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "aws") as embedded:
        embedded.deploy()
        pipeline = Pipeline(embedded.session())
        started = time.monotonic()
        with ThreadPoolExecutor(16) as pool:
            versions = list(pool.map(lambda number: _drop(pipeline, number), range(RUNS)))
        console.print(f"{RUNS} datasets dropped in {time.monotonic() - started:.1f} s")
        _wait(pipeline, started)
        problems = list(_problems(pipeline, versions))
        seconds = time.monotonic() - started
    for problem in problems:
        console.print(f"[red]{problem}[/red]")
    console.print(f"{RUNS} runs in {seconds:.0f} s, {seconds / RUNS:.1f} s each; {len(problems)} problems")
    return int(bool(problems))


def _drop(pipeline: Pipeline, number: int) -> str:
    folder = f"runs/load-{number}"
    pipeline.put(f"{folder}/train.jsonl", jsonl(single_turn(f"load{number}")))
    return pipeline.put(f"{folder}/run.yaml", MANIFEST)


def _wait(pipeline: Pipeline, started: float) -> None:
    while time.monotonic() - started < PATIENCE_SECONDS:
        records = pipeline.registry.recent(limit=10_000)
        counts = Counter(f"{record.status} {record.step}".strip() for record in records)
        print(f"{time.monotonic() - started:6.0f} s  {dict(counts)}", file=sys.stderr, flush=True)
        if len(records) == RUNS and not any(record.is_open for record in records):
            return
        time.sleep(10)


def _problems(pipeline: Pipeline, versions: list[str]) -> list[str]:
    records = pipeline.registry.recent(limit=10_000)
    jobs = [
        job
        for page in pipeline.aws.bedrock.get_paginator("list_model_customization_jobs").paginate()
        for job in page["modelCustomizationJobSummaries"]
    ]
    trained = Counter(job["jobName"].removeprefix("tunedrop-local-") for job in jobs)
    found = []
    missing = set(versions) - {record.run.source.version_id for record in records}
    if missing:
        found.append(f"{len(missing)} uploads have no run")
    for record in records:
        if record.status not in ("promoted", "rejected", "inconclusive"):
            found.append(f"{record.run.run_id} is {record.status}: {record.failure}")
        if trained[record.run.run_id] != 1:
            found.append(f"{record.run.run_id} has {trained[record.run.run_id]} jobs")
    overtaken = _overtaken(pipeline)
    found += [f"{later} was let in before {earlier}, which stood before it" for earlier, later in overtaken]
    return found


class _Queued(NamedTuple):
    """A run that had to wait: the times of its arrival, its queueing and its start."""

    run_id: str
    arrived: str
    joined: str
    let_in: str


def _overtaken(pipeline: Pipeline) -> list[tuple[str, str]]:
    """Pairs of queued runs of which the later one started first (whole seconds)."""
    queue = []
    for record in pipeline.registry.recent(limit=10_000):
        waits = [step for step in pipeline.registry.steps(record.run.run_id) if step.step == "wait_for_slot"]
        if waits:
            run = record.run
            queue.append(_Queued(run.run_id, run.created_at, waits[0].started_at, waits[-1].ended_at))
    return [
        (one.run_id, other.run_id)
        for one in queue
        for other in queue
        if one.arrived < other.arrived and one.joined < other.let_in < one.let_in
    ]
