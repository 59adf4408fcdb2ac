"""Runs pytest in a fork of this process, which has imported what our code imports and nothing of our code."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import boto3  # noqa: F401 - imported once here instead of once a fault
import coverage
import hypothesis  # noqa: F401
import moto  # noqa: F401
import numpy  # noqa: F401 # ICN001
import pytest

RECORD = "lines.json"
"""In the tree: which tests run which line of which file (`lines`), and for how long each (`seconds`)."""


def run(tree: Path, tests: Sequence[str], seconds: float, record: Sequence[str] = ()) -> int | None:
    """pytest's exit code; None when it took longer than so many seconds.

    Parameters
    ----------
    record
        Folders of the tree whose lines are recorded, with the tests that run them.
    """
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            os._exit(_child(tree, tests, record))
        except BaseException:  # the fork must never go on as the tool
            os._exit(70)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _child(tree: Path, tests: Sequence[str], record: Sequence[str]) -> int:
    os.chdir(tree)
    os.environ |= {"PYTHONPATH": str(tree), "HYPOTHESIS_STORAGE_DIRECTORY": str(tree / ".hypothesis")}
    sys.path[:0] = [str(tree)]
    for name in [one for one in sys.modules if one.partition(".")[0] == "tools"]:
        del sys.modules[name]
    sys.dont_write_bytecode = not record
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(silent, stream)
    already = "ignore::pytest.PytestAssertRewriteWarning"
    arguments = ["-x", "-q", "-p", "no:cacheprovider", "-W", already, *tests]
    if not record:
        return int(pytest.main(arguments))
    watch = coverage.Coverage(data_file=None, config_file=False, source=[str(tree / one) for one in record])
    watch.start()
    contexts = _Contexts(watch)
    code = int(pytest.main(arguments, plugins=[contexts]))
    watch.stop()
    data = watch.get_data()
    lines = {
        str(Path(file).relative_to(tree)): data.contexts_by_lineno(file) for file in data.measured_files()
    }
    found = {"lines": lines, "seconds": contexts.seconds}
    (tree / RECORD).write_text(json.dumps(found), "utf-8")
    return code


class _Contexts:
    """Sets coverage's context to the running test."""

    def __init__(self, watch: coverage.Coverage) -> None:
        self._watch = watch
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._watch.switch_context(item.nodeid)
        began = time.monotonic()
        yield
        self.seconds[item.nodeid] = time.monotonic() - began
        self._watch.switch_context("")
