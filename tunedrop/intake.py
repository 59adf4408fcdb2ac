"""What a key in the intake bucket means."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

DROP_PREFIX = "drop/"
RUNS_PREFIX = "runs/"
MANIFEST_NAMES = ("run.yaml", "run.yml", "run.json")
APPROVE = "approve"
STOP = "stop"
RETRY = "retry"
MORE_TEST = "test.jsonl"
"""Beside a retry object: held-out records for a run whose own were split off, and too few to tell."""


class Upload(msgspec.Struct, frozen=True):
    """An object that somebody put into the intake bucket, and the name it gives its run."""

    kind: Literal["dataset", "manifest", "approve", "stop", "retry", "other"]
    name: str = ""


def read_key(key: str) -> Upload:
    """What an intake key asks for.

    >>> read_key("drop/My support.jsonl")
    Upload(kind='dataset', name='My support')
    >>> read_key("runs/persona/run.yaml")
    Upload(kind='manifest', name='persona')
    """
    if key.endswith("/"):
        return Upload("other")
    if key.startswith(DROP_PREFIX):
        return Upload("dataset", re.sub(r"\.[^./]*$", "", key.removeprefix(DROP_PREFIX)))
    if not key.startswith(RUNS_PREFIX):
        return Upload("other")
    name, _, file = key.removeprefix(RUNS_PREFIX).rpartition("/")
    if not name:
        return Upload("other")
    if file in MANIFEST_NAMES:
        return Upload("manifest", name)
    if file == APPROVE:
        return Upload("approve", name)
    if file == STOP:
        return Upload("stop", name)
    if file == RETRY:
        return Upload("retry", name)
    return Upload("other")


def signal_key(name: str, signal: Literal["approve", "stop", "retry"]) -> str:
    """The object whose arrival approves, stops or retries the run of this name (or of this run id)."""
    return f"{RUNS_PREFIX}{name}/{signal}"


def more_test_key(name: str) -> str:
    """The object that adds held-out records when the run of this name (or of this run id) is retried."""
    return f"{RUNS_PREFIX}{name}/{MORE_TEST}"
