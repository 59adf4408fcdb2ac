"""`python -m bench rows [--region REGION] [--only TEXT] [--log FILE]`: run each row of method, base, Region.

A stage is deployed to each Region of `tests.rows`, and one small dataset is dropped for each row: it is
trained, served, measured and decided by the engine that the table names, or refused with the reason and what
can be tuned instead. A transfer follows the row whose result it tunes further. Then the stage is torn down:
nothing may be left that bills and can be deleted.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import msgspec

from local.bedrock.brain import base_brain
from local.driver import Pipeline, until
from local.embedded import ACCOUNT, ROOT, Embedded, running
from local.sagemaker import hub, weights
from tests.rows import EVERY_ENGINE, ROWS, TRANSFERS, Row, name_of
from tunedrop import catalog, naming
from tunedrop.contracts import CompletedJob, Serving
from tunedrop.registry import Record
from tunedrop.results.teardown import Teardown
from tunedrop.serving import inventory, models
from tunedrop.training import engines

AT_ONCE = 10
FUNCTIONS_AT_ONCE = "24"
SECONDS = 1200.0
LICENSED = "meta.llama3-1-8b-instruct"
SETTINGS: dict[str, Any] = {
    "account": ACCOUNT, "local": True, "engines": EVERY_ENGINE, "accept_eula": [LICENSED],
    "default_base_model": "amazon.nova-micro-v1:0:128k", "budget_usd": 1_000, "monthly_budget_usd": 1_000_000,
    "upload_grace_seconds": 5, "evaluation_requests_per_minute": 60_000, "general_ability": False,
    "removal": "destroy", "log_retention": "three_days",
}  # fmt: skip
QUOTAS = {
    "custom_models": 1_000, "deployments": 1_000, "imported_models": 1_000, "training_jobs": 100,
    "training_instances": 100, "fine_tuning_jobs": 100,
}  # fmt: skip
"""What an account has to ask for that runs all rows at once; its customization jobs stay at ten."""

DATA = {
    "instruction": "domain-questions/train.jsonl",
    "single-turn": "support-persona/train.jsonl",
    "multi-turn": "assistant-conversation/train.jsonl",
    "preference": "preferred-answers/train.jsonl",
    "reinforcement": "graded-answers/train.jsonl",
    "distillation": "teacher-and-student/prompts.jsonl",
    "continued-pretraining": "domain-text/train.jsonl",
}
"""The example of each method."""

RECORDS = 300
"""As many of them are enough for each method, and for most verdicts."""

SHORT = {
    ("bedrock", "reinforcement"): {"epoch_count": 1, "batch_size": 32, "training_sample_per_prompt": 2},
    ("sagemaker-serverless", "reinforcement"): {"max_epochs": 1, "rollout_n": 2},
    ("sagemaker-jumpstart", "continued-pretraining"): {"epoch": 1, "max_input_length": 128},
    ("mantle", "reinforcement"): {"n_epochs": 1, "batch_size": 32},
}
"""Hyperparameters with which a model learns little, and soon."""

RAN = ("promoted", "rejected", "inconclusive")


class Ended(msgspec.Struct, frozen=True):
    """How the run of a row has ended; `wrong`: why not as the table says."""

    row: str
    region: str
    status: str
    said: str
    seconds: float
    wrong: str


class Chain(NamedTuple):
    """A row, and the transfers that go on with its result."""

    first: Row
    further: list[Row]


def main(arguments: list[str] | None = None) -> int:
    """Print a line for each row; 1 when one ended otherwise than the table says, or something is left."""
    parser = argparse.ArgumentParser(prog="python -m bench rows", description=__doc__.partition("\n")[0])
    parser.add_argument("--region", help="the rows of this Region alone")
    parser.add_argument("--only", default="", help="the rows with this in their name alone")
    parser.add_argument("--log", type=Path, help="where ends are kept: what ended rightly is not run again")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help=f"so many runs at once ({AT_ONCE})")
    asked = parser.parse_args(sys.argv[2:] if arguments is None else arguments)
    log = Log(asked.log)
    chosen = [
        one
        for one in (*ROWS, *TRANSFERS)
        if asked.region in (None, one.region) and asked.only in name_of(one) and name_of(one) not in log.right
    ]
    logging.disable(logging.INFO)  # the emulator's modules turn it on
    os.environ["LAMBDA_ACCOUNT_CONCURRENCY"] = FUNCTIONS_AT_ONCE
    started = time.monotonic()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "aws") as embedded:
        embedded.faults.set(quotas=QUOTAS)
        embedded.session()
        by_region = itertools.groupby(sorted(chosen, key=lambda one: one.region), lambda one: one.region)
        for number, (region, rows) in enumerate(by_region, 1):
            stage = Stage(f"rows{number}", region, asked.at_once)
            wrong += _in_region(embedded, Path(folder), stage, chains(list(rows)), log)
        if embedded.violations.exists():
            wrong.append(f"calls or answers that AWS does not have: {embedded.violations.read_text()}")
    for one in wrong:
        print(f"WRONG: {one}")
    print(f"{len(chosen)} rows in {time.monotonic() - started:.0f} s, {len(wrong)} wrong")
    return int(bool(wrong))


class Stage(NamedTuple):
    """A stage to deploy, and how many of its runs go on at once."""

    name: str
    region: str
    at_once: int


class Log:
    """The ends of rows, a line each, in a file if one is given."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_bytes().splitlines() if path is not None and path.exists() else []
        before = [msgspec.json.decode(line, type=Ended) for line in lines]
        self.right = {one.row for one in before if not one.wrong}

    def keep(self, one: Ended) -> None:
        """Print the end of a row, and write it down."""
        print(_line(one), flush=True)
        if self._path is not None:
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(one) + b"\n")


def chains(rows: Sequence[Row]) -> list[Chain]:
    """The rows, each with the transfers that follow it; a row is there if it or one of those is asked for."""
    transfers = [one for one in rows if one.after]
    found = {one: Chain(one, []) for one in rows if not one.after}
    for transfer in transfers:
        first = next(one for one in ROWS if one.engine and is_followed(one, transfer))
        found.setdefault(first, Chain(first, [])).further.append(transfer)
    return list(found.values())


def is_followed(row: Row, transfer: Row) -> bool:
    """Whether a transfer goes on with the result of a row."""
    return (row.method, row.base, row.region) == (transfer.after, transfer.base, transfer.region)


def _in_region(embedded: Embedded, folder: Path, stage: Stage, found: list[Chain], log: Log) -> Iterator[str]:
    """Deploy a stage, run its rows, tear it down. Yields what is wrong."""
    settings = json.loads((ROOT / "cdk.json").read_text())
    settings["app"] = f"{sys.executable} {ROOT / 'app.py'}"
    settings["context"]["stages"] = {stage.name: SETTINGS | {"region": stage.region}}
    (folder / "cdk.json").write_text(json.dumps(settings))
    started = time.monotonic()
    embedded.deploy(stage.name, stage.region, folder)
    pipeline = Pipeline(boto3.Session(region_name=stage.region), stage.name)
    _bring_licensed_weights(pipeline)
    count = sum(1 + len(one.further) for one in found)
    print(f"{stage.region}: deployed in {time.monotonic() - started:.0f} s; {count} rows", flush=True)
    with ThreadPoolExecutor(stage.at_once) as pool:
        ended = [*itertools.chain(*pool.map(partial(_run_all, pipeline, log), itertools.count(), found))]
    counts = Counter(one.status for one in ended)
    print(f"{stage.region}: {', '.join(f'{n} {status}' for status, n in counts.items())}", flush=True)
    yield from (f"{one.row}: {one.wrong}" for one in ended if one.wrong)
    yield from _left(pipeline)


def _bring_licensed_weights(pipeline: Pipeline) -> None:
    """Copy the base model under a licence to where a person puts it: no service offers its files."""
    base = catalog.find(LICENSED)
    model = hub.models()[base.hub_content]
    for name, content in weights.files(model, base_brain(model.script), model.architecture).items():
        key = f"{naming.base_prefix(base.short_name)}{name}"
        pipeline.aws.s3.put_object(Bucket=pipeline.stage.artifacts_bucket, Key=key, Body=content)


def _run_all(pipeline: Pipeline, log: Log, number: int, chain: Chain) -> list[Ended]:
    """Run a row, then what goes on with its result."""
    name = f"row-{number}"
    ended = [_run(pipeline, name, chain.first)]
    log.keep(ended[0])
    for further, row in enumerate(chain.further):
        ended.append(_run(pipeline, f"{name}-{further}", row, after=name))
        log.keep(ended[-1])
    return ended


def _run(pipeline: Pipeline, name: str, row: Row, after: str = "") -> Ended:
    """Drop the row's dataset, approve what it asks for, and look at its end."""
    started = time.monotonic()
    pipeline.put(f"runs/{name}/train.jsonl", records_of(row))
    version = pipeline.put(f"runs/{name}/run.yaml", msgspec.json.encode(manifest_of(row, after)))
    try:
        run_id = pipeline.run_of(name, version, SECONDS).run.run_id
        record = until(lambda: _closed(pipeline, run_id), f"the end of {run_id}", SECONDS, 1.0)
    except TimeoutError as error:
        status, said, wrong = "open", "", str(error)
    else:
        status, said = record.status, record.failure.cause if record.failure is not None else ""
        wrong = "; ".join(_wrong(row, record, said))
    return Ended(name_of(row), row.region, status, said, time.monotonic() - started, wrong)


def records_of(row: Row) -> bytes:
    """The lines that are dropped for a row; for a method that nobody offers, any."""
    path = ROOT / "examples" / DATA.get(row.method, DATA["single-turn"])
    return b"".join(path.read_bytes().splitlines(keepends=True)[:RECORDS])


def manifest_of(row: Row, after: str = "") -> dict[str, Any]:
    """The manifest that is dropped for a row, to go on with the result of another run."""
    document: dict[str, Any] = {
        "method": row.method,
        **({"from": after} if after else {"base_model": row.base}),
        "budget_usd": 1_000,
        "hyperparameters": SHORT.get((row.engine, row.method), {}),
        "data": {"train": "train.jsonl"},
    }
    if row.asked_engine:
        document["engine"] = row.asked_engine
    if row.method == "distillation":
        document["teacher"] = {"model": "amazon.nova-pro-v1:0", "max_response_length": 100}
    return document


def _closed(pipeline: Pipeline, run_id: str) -> Record | None:
    if asked := pipeline.waits.get(run_id, "approval"):
        pipeline.put(asked.subject, b"")
    record = pipeline.registry.get(run_id)
    return None if record is None or record.is_open else record


def _wrong(row: Row, record: Record, said: str) -> Iterator[str]:
    """What of the run's end is not as the table says."""
    if not row.engine:
        nearest = [*(one.id for one in catalog.tunable()), *(["ame the base model"] if row.after else [])]
        if record.status != "refused" or not any(one in said for one in nearest):
            yield f"{record.status}, not refused with what to take instead: {said}"
        if record.actual_usd:
            yield f"refused after {record.actual_usd:.2f} USD"
        return
    if record.status not in RAN:
        yield f"{record.status}: {said}"
        return
    job, serving = record.document("job", CompletedJob), record.document("serving", Serving)
    if job is None or engines.of_job(job.job_arn).name != row.engine:
        yield f"trained by {job.job_arn if job else 'nothing'}, not by {row.engine}"
    if serving is None or serving.way != row.way:
        yield f"served by {serving.way if serving else 'nothing'}, not by {row.way}"


def _left(pipeline: Pipeline) -> Iterator[str]:
    """What works or serves for no run in production; and what the stage's teardown leaves."""
    aws, stage = pipeline.aws, pipeline.stage
    kinds = (*inventory.jobs(), *inventory.serving())
    for one in inventory.resources(aws, stage, kinds):
        if not one.base_model and not _is_kept(pipeline, one):
            yield f"the {one.kind} {one.arn} is left, {one.status}"
    done = Teardown(aws, stage, None, lambda *_: None).run()
    for arn, why in done.remaining.items():
        if not models.why_it_stays(aws, arn):
            yield f"{arn} is left after the teardown: {why}"
    left: Iterable[inventory.Resource] = inventory.resources(aws, stage)
    yield from (f"the {one.kind} {one.arn} is left" for one in left if one.arn not in done.remaining)


def _is_kept(pipeline: Pipeline, one: inventory.Resource) -> bool:
    """Whether it serves a run whose model is in production, or which nobody could decide about."""
    record = pipeline.registry.get(one.run_id)
    return record is not None and record.status in ("promoted", "inconclusive")


def _line(one: Ended) -> str:
    mark = "WRONG" if one.wrong else "     "
    return f"{mark} {one.seconds:5.0f} s  {one.status:12}  {one.row}  {one.said}".rstrip()
