"""What one run and an idle month cost besides Bedrock, counted from an execution on the embedded AWS.

State transitions come from the execution's history, Lambda's time from the REPORT lines of its logs, requests
from the emulator's own count of the AWS calls that the functions made. Nothing is taken off for free tiers.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from bench import prices
from bench.prices import Price
from infra.functions import RECORDER, STEPS, WATCHERS
from local.calls import counted
from local.driver import Pipeline, until
from local.embedded import running
from tests.datasets import jsonl, single_turn

MOST_A_RUN = 0.01
WATCHED_SECONDS_A_MONTH = 30 * 86_400
LOG_BYTES_A_REQUEST = 2_000
"""The log of one invocation: START, END, REPORT and a few lines of Tunedrop."""

console = Console(width=130)


Report = tuple[float, int]
"""One invocation: billed seconds, memory in MB."""


class _Recorded(NamedTuple):
    """The AWS calls and the invocations of every function until a moment."""

    calls: Counter[tuple[str, str]]
    reports: dict[str, list[Report]]

    def since(self, start: _Recorded) -> _Recorded:
        calls = Counter(self.calls)
        calls.subtract(start.calls)
        reports = {name: lines[len(start.reports[name]) :] for name, lines in self.reports.items()}
        return _Recorded(calls, reports)


class Item(NamedTuple):
    """A quantity of something that has a price."""

    name: str
    amount: float
    price: Price

    @property
    def usd(self) -> float:
        return self.amount * self.price.usd


def main() -> int:
    """Print both bills; 1 when a run costs a cent or more."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "aws") as embedded:
        embedded.deploy()
        pipeline = Pipeline(embedded.session())
        pipeline.finished(pipeline.drop("warm", jsonl(single_turn("warm"))))
        log = embedded.state / "calls.log"
        start = _Recorded(counted(log), _reports(pipeline))
        record = pipeline.finished(pipeline.drop("counted", jsonl(single_turn("counted"))))
        of_run = _Recorded(counted(log), _reports(pipeline)).since(start)
        transitions = _transitions(pipeline, record.run.execution_arn)
        start = _Recorded(counted(log), _reports(pipeline))
        enough = len(start.reports["sweep_throughput"]) + 3
        until(
            lambda: len(_reports(pipeline)["sweep_throughput"]) >= enough or None,
            "three turns of the sweep",
            interval=2.0,
        )
        of_idle = _Recorded(counted(log), _reports(pipeline)).since(start)
    in_a_run = {one.name for one in (*STEPS, RECORDER)} | {"resume_waits"}
    run = list(_bill(transitions, of_run, in_a_run))
    idle = list(_idle(of_idle))
    total = _show("One run, beside Bedrock", run)
    _show("An idle month", idle)
    console.print(f"a run costs {total:.5f} USD; the mark is below {MOST_A_RUN} USD")
    return int(total >= MOST_A_RUN)


def _transitions(pipeline: Pipeline, execution_arn: str) -> int:
    """States entered, and every try after the first (Step Functions counts retries)."""
    pages = pipeline.aws.step_functions.get_paginator("get_execution_history")
    kinds = Counter(
        event["type"] for page in pages.paginate(executionArn=execution_arn) for event in page["events"]
    )
    entered = sum(count for kind, count in kinds.items() if kind.endswith("StateEntered"))
    return entered + kinds["TaskRetryScheduled"] + 1  # the start of the execution


def _reports(pipeline: Pipeline) -> dict[str, list[Report]]:
    """Every invocation of every function as (billed seconds, memory in MB)."""
    logs = pipeline.session.client("logs")
    found: dict[str, list[Report]] = {}
    for one in (*STEPS, *WATCHERS, RECORDER):
        group = f"/aws/lambda/tunedrop-{pipeline.stage.name}-{one.name.replace('_', '-')}"
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        lines = [event["message"] for page in pages for event in page["events"]]
        found[one.name] = [report for line in lines if (report := _report(line)) is not None]
    return found


def _report(line: str) -> Report | None:
    billed = re.search(r"Billed Duration: (\d+) ms", line)
    memory = re.search(r"Memory Size: (\d+) MB", line)
    return (int(billed[1]) / 1000, int(memory[1])) if billed and memory else None


def _bill(transitions: int, recorded: _Recorded, functions: set[str]) -> Iterator[Item]:
    if transitions:
        yield Item("state transitions", transitions, prices.TRANSITION)
    invocations = [report for name in functions for report in recorded.reports[name]]
    yield Item("Lambda requests", len(invocations), prices.LAMBDA_REQUEST)
    yield Item("Lambda time", sum(s * mb / 1024 for s, mb in invocations), prices.LAMBDA_GB_SECOND)
    made: Counter[str] = Counter()
    for (function, action), count in recorded.calls.items():
        if function in functions:
            made[action] += count
    # Items of a few KB: a write is taken as four units (a record grows to some 4 KB, and has an index).
    yield Item(
        "DynamoDB writes",
        4 * _of(made, "dynamodb:Put", "dynamodb:Upd", "dynamodb:Del"),
        prices.DYNAMODB_WRITE,
    )
    yield Item("DynamoDB reads", 2 * _of(made, "dynamodb:Get", "dynamodb:Query"), prices.DYNAMODB_READ)
    yield Item("S3 writes and lists", _of(made, "s3:Put", "s3:List"), prices.S3_PUT)
    yield Item("S3 reads", _of(made, "s3:Get"), prices.S3_GET)
    yield Item("SNS messages", _of(made, "sns:"), prices.SNS_PUBLISH)
    yield Item("events", _of(made, "events:"), prices.EVENT)
    # At most one request a call to an encrypted service; bucket and table keys are cached for minutes.
    yield Item("KMS requests", _of(made, "s3:", "sns:"), prices.KMS_REQUEST)
    yield Item("logs", len(invocations) * LOG_BYTES_A_REQUEST / 1e9, prices.LOG_GB)


def _of(made: Counter[str], *prefixes: str) -> int:
    return sum(count for action, count in made.items() if action.startswith(prefixes))


def _idle(recorded: _Recorded) -> Iterator[Item]:
    """The two functions that schedules run, by the mean of the turns that were recorded.

    Their rates are the defaults of `infra.settings`: every minute, every five minutes.
    """
    turns = {"resume_waits": WATCHED_SECONDS_A_MONTH / 60, "sweep_throughput": WATCHED_SECONDS_A_MONTH / 300}
    for name, month in turns.items():
        scale = month / max(1, len(recorded.reports[name]))
        for item in _bill(0, recorded, {name}):
            if item.amount:
                yield Item(f"{name}: {item.name}", item.amount * scale, item.price)
    yield Item("KMS key", 1, prices.KMS_KEY_MONTH)
    yield Item("alarms", 10, prices.ALARM_MONTH)


def _show(title: str, items: list[Item]) -> float:
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0), header_style="dim")
    for header in ("item", "amount", "USD a unit", "USD", "price from"):
        table.add_column(header, justify="left" if header in ("item", "price from") else "right")
    for one in items:
        source = f"{one.price.source} ({one.price.read_on})"
        table.add_row(one.name, f"{one.amount:,.4g}", f"{one.price.usd:.3g}", f"{one.usd:.6f}", source)
    total = sum(one.usd for one in items)
    table.add_row("total", "", "", f"{total:.6f}", "", style="bold")
    console.print(table)
    return total
