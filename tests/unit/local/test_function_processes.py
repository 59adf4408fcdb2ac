"""Functions have processes with their own environments, which outlive errors and are replaced when killed."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ministack.core import lambda_runtime

from local import caching
from local.ministack import fork_server, processes

HANDLER = """
import json, os
import boto3, shared

calls = []

def handler(event, context):
    calls.append(event)
    if event == "break":
        raise KeyError("broken")
    if event == "exit":
        os._exit(3)
    return {
        "calls": len(calls), "pid": os.getpid(), "name": context.function_name, "mine": os.environ["MINE"],
        "shared": shared.__file__, "folder": os.getcwd(), "boto3": boto3.__file__,
    }
"""


@pytest.fixture
def fork_servers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(lambda_runtime, "zipfile", lambda_runtime.zipfile)
    monkeypatch.setattr(lambda_runtime, "subprocess", lambda_runtime.subprocess)
    monkeypatch.setattr(lambda_runtime, "_PYTHON_WORKER_SCRIPT", lambda_runtime._PYTHON_WORKER_SCRIPT)
    monkeypatch.setattr(lambda_runtime.Worker, "invoke", lambda_runtime.Worker.invoke)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://localhost:1")
    caching.unpack_once(tmp_path / "kept")
    processes.patch()
    yield
    processes.end()


@pytest.fixture
def workers(fork_servers: None) -> Iterator[Any]:
    """Makes the worker of a function, all of the same bundle."""
    made = []

    def worker(mine: str) -> lambda_runtime.Worker:
        config = {
            "FunctionName": f"function-{mine}",
            "FunctionArn": f"arn:aws:lambda:us-east-1:000000000000:function:function-{mine}",
            "Runtime": "python3.13",
            "Handler": "lambdas.handler.handler",
            "Timeout": 30,
            "Environment": {"Variables": {"MINE": mine}},
        }
        made.append(lambda_runtime.Worker(config["FunctionName"], config, bundle()))
        return made[-1]

    yield worker
    lambda_runtime.kill_workers(made)


def bundle() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("lambdas/__init__.py", "")
        archive.writestr("lambdas/handler.py", HANDLER)
        archive.writestr("shared.py", "")
    return file.getvalue()


def test_functions_of_one_bundle_have_processes_and_environments_of_their_own(workers: Any) -> None:
    one, other = workers("one"), workers("other")
    results = [worker.invoke("event", "id")["result"] for worker in (one, other, one)]

    assert [each["mine"] for each in results] == ["one", "other", "one"]
    assert [each["name"] for each in results] == ["function-one", "function-other", "function-one"]
    assert [each["calls"] for each in results] == [1, 1, 2]
    assert results[0]["pid"] == results[2]["pid"] != results[1]["pid"]
    assert results[0]["pid"] != os.getpid()
    assert results[0]["folder"] != results[1]["folder"]
    written = Path(results[1]["folder"]).with_name("environment.json")
    assert json.loads(written.read_text())["MINE"] == "other"
    assert written.parent.stat().st_mode & 0o077 == 0


def test_an_error_of_a_handler_ends_the_call_and_not_the_process(workers: Any) -> None:
    worker = workers("one")
    before = worker.invoke("event", "id")["result"]
    broken = worker.invoke("break", "id")
    after = worker.invoke("event", "id")["result"]

    assert (broken["status"], broken["error"]) == ("error", "'broken'")
    assert "KeyError" in broken["trace"]
    assert (after["pid"], after["calls"]) == (before["pid"], 3)


def test_a_process_that_ends_or_is_killed_is_replaced(workers: Any) -> None:
    worker = workers("one")
    first = worker.invoke("event", "id")["result"]["pid"]
    ended = worker.invoke("exit", "id")
    second = worker.invoke("event", "id")["result"]["pid"]
    worker._proc.kill()
    worker._proc.wait(timeout=10)
    third = worker.invoke("event", "id")["result"]

    assert ended["error"].startswith("Worker process died")
    assert len({first, second, third["pid"]}) == 3
    assert third["calls"] == 1


def test_a_fork_server_that_dies_is_replaced(workers: Any) -> None:
    before = workers("one").invoke("event", "id")["result"]
    (server,) = processes._fork_servers.values()
    server._process.kill()
    server._process.wait(timeout=10)
    after = workers("other").invoke("event", "id")["result"]

    assert (before["mine"], after["mine"]) == ("one", "other")
    assert server._process.poll() is None


def test_a_fork_server_that_nobody_uses_ends(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    main = f"fork_server.IDLE_SECONDS = 0.1; fork_server.main({theirs.fileno()}, Path({str(tmp_path)!r}), [])"
    code = f"from pathlib import Path; import fork_server; {main}"
    with ours, theirs:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=Path(fork_server.__file__).parent,
            pass_fds=[theirs.fileno()], timeout=60,
        )  # fmt: skip

    assert done.returncode == 0


def test_a_process_that_cannot_begin_says_why_and_ends_no_other(workers: Any, tmp_path: Path) -> None:
    workers("one").invoke("event", "id")
    (server,) = processes._fork_servers.values()
    before = server._process.pid
    lost = server.start("worker.py", str(tmp_path / "gone"), {})
    assert lost.poll() is None
    lost.stdin.close()
    lost.wait(timeout=10)
    lost.kill()

    assert "FileNotFoundError" in lost.stderr.read()
    assert workers("other").invoke("event", "id")["result"]["mine"] == "other"
    assert server._process.pid == before
