"""Follows a run to its end, for a terminal, a log or a program."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import RenderableType
from rich.live import Live

from tunedrop import clock, escaping, intake
from tunedrop.aws import is_transient
from tunedrop.cli.confirming import if_interrupted
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.exits import NO, YES
from tunedrop.cli.output import Format, console, errors, fail
from tunedrop.cli.runs.live import _keys, final
from tunedrop.cli.runs.live.events import Event, changes
from tunedrop.cli.runs.live.view import View
from tunedrop.monitoring import Monitor, Snapshot, pace
from tunedrop.registry import Record

INTERVAL_SECONDS = 1.0

Wait = Callable[[float], str]
"""Waits this many seconds; returns the key pressed meanwhile, or nothing."""


def watch(here: Deployed, record: Record, format_: Format) -> int:
    """Follow a run to its end: 0 if it ended with a verdict, 1 if it failed, was stopped or was refused."""
    run_id = record.run.run_id
    monitor = Monitor(here.aws, here.stage, here.registry, run_id)

    def meanwhile() -> str:
        waits = monitor.latest is not None and monitor.latest.approval is not None
        return f"{run_id} waits for approval" if waits else f"{run_id} continues"

    with if_interrupted(meanwhile, f"Follow it: tunedrop watch {run_id} --stage {here.name}"):
        return _watched(here, monitor, record, format_)


def _watched(here: Deployed, monitor: Monitor, record: Record, format_: Format) -> int:
    if format_ is Format.text and console.is_terminal:
        last = _on_terminal(here, monitor, record)
        final.print_end(console, here.stage, last.record)
    else:
        last = _in_pipe(monitor, format_)
        if last.record.failure is not None and format_ is Format.text:
            errors.print(last.record.failure.cause)
    return NO if last.record.failure is not None else YES


def show(here: Deployed, record: Record) -> None:
    """Draw the view of a run once."""
    snapshot = Monitor(here.aws, here.stage, here.registry, record.run.run_id)()
    if snapshot is None:
        return
    view = View(here.stage.name, {}, can_answer=False, fills_line=console.is_terminal)
    console.print(view.draw(snapshot))
    if not snapshot.record.is_open:
        final.print_end(console, here.stage, snapshot.record)


def _on_terminal(here: Deployed, monitor: Monitor, record: Record) -> Snapshot:
    can_answer = _keys.can_read()
    view = View(here.stage.name, pace.learn(here.registry, record), can_answer=can_answer)

    def draw() -> RenderableType:
        latest = monitor.latest
        return view.draw(msgspec.structs.replace(latest, at=clock.now())) if latest is not None else ""

    with ExitStack() as stack:
        wait: Wait = stack.enter_context(_keys.keyboard()) if can_answer else _sleep
        live = stack.enter_context(
            Live(console=console, get_renderable=draw, refresh_per_second=8, vertical_overflow="crop")
        )
        (last,) = deque(_snapshots(monitor, wait, lambda key: _answer(here, monitor.latest, key)), maxlen=1)
        live.refresh()
    return last


def follow(here: Deployed, record: Record, say: Callable[[Event], object]) -> Snapshot:
    """Wait until a run has ended, and report each event."""
    return _follow(Monitor(here.aws, here.stage, here.registry, record.run.run_id), say)


def _follow(monitor: Monitor, say: Callable[[Event], object]) -> Snapshot:
    before: Snapshot | None = None
    for snapshot in _snapshots(monitor, _sleep, lambda _: None):
        for event in changes(before, snapshot):
            say(event)
        before = snapshot
    assert before is not None
    return before


def _in_pipe(monitor: Monitor, format_: Format) -> Snapshot:
    def say(event: Event) -> None:
        text = msgspec.json.encode(event).decode() if format_ is Format.json else event.line()
        sys.stdout.write(f"{escaping.json(text) if format_ is Format.json else escaping.line(text)}\n")
        sys.stdout.flush()

    return _follow(monitor, say)


def _snapshots(monitor: Monitor, wait: Wait, answer: Callable[[str], None]) -> Iterator[Snapshot]:
    """One snapshot per second until the run has ended. Network errors are retried."""
    while True:
        try:
            snapshot = monitor()
        except (ClientError, BotoCoreError) as error:
            if not is_transient(error):
                raise
            snapshot = None
        if snapshot is not None:
            yield snapshot
            if not snapshot.record.is_open:
                return
        if key := wait(INTERVAL_SECONDS):
            answer(key)


def _answer(here: Deployed, snapshot: Snapshot | None, key: str) -> None:
    """`y` approves and `n` stops while the run waits for approval."""
    if snapshot is None or snapshot.approval is None:
        return
    run = snapshot.record.run
    if key == "y":
        here.signal(snapshot.approval.subject)
    elif key == "n":
        here.signal(intake.signal_key(run.run_id, "stop", str(run.attempt)))


def _sleep(seconds: float) -> str:
    time.sleep(seconds)
    return ""


def started(find: Callable[[], Record | None], what: str, seconds: float = 120.0) -> Record:
    """Wait for a run that was just started to appear in the registry."""
    deadline = time.monotonic() + seconds
    with console.status(f"waiting for {what} to start …") if console.is_terminal else ExitStack():
        while time.monotonic() < deadline:
            if (record := find()) is not None:
                return record
            time.sleep(0.3)
    return fail(
        f"{what} has not started within {seconds:.0f} s",
        NO,
        "Check the state machine's executions in Step Functions, and run: tunedrop doctor",
    )
