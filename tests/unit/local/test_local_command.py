"""`tunedrop local up|down|reset` with an embedded AWS that only says that it runs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from local import __main__ as local
from local.driver import until
from local.embedded import EmbeddedError


class Pretended:
    """A process of the right name, instead of an emulator."""

    fails = False
    started: ClassVar[list[subprocess.Popen[bytes]]] = []

    def __init__(self, state: Path) -> None:
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, with_parent: bool) -> None:
        command = [sys.executable, "-c", "import time; time.sleep(60)", "local.server"]
        self._process = subprocess.Popen(command, start_new_session=True)
        self.started.append(self._process)
        # Until it has become the new program, a process still bears the name of the one that forked it.
        until(lambda: b"local.server" in _command_of(self.pid) or None, "the process to begin")

    def deploy(self, stage: str) -> None:
        if self.fails:
            raise EmbeddedError("cdk deploy failed")

    def stop(self) -> None:
        if self._process is not None:
            local.stop_group(self._process.pid)

    def answers(self) -> bool:
        return True

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    def environment(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL": f"https://localhost:{len(self.started)}"}


@pytest.fixture(autouse=True)
def pretended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Pretended]]:
    monkeypatch.setattr(Pretended, "started", [])
    monkeypatch.setattr(Pretended, "fails", False)
    monkeypatch.setattr(local, "Embedded", Pretended)
    for name in ("STATE", "FOLDER", "NOTE", "LOCK"):
        monkeypatch.setattr(local, name, tmp_path / name)
    monkeypatch.setattr(local, "STATE", tmp_path)
    yield Pretended
    for process in Pretended.started:
        local.stop_group(process.pid)
        process.wait(timeout=60)


def _command_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def is_gone(process: subprocess.Popen[bytes]) -> bool:
    return not Path(f"/proc/{process.pid}").exists()


def exported(capfd: pytest.CaptureFixture[str]) -> list[str]:
    return capfd.readouterr().out.splitlines()


def test_up_prints_what_a_shell_needs_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    assert local.main(["up"]) == 0

    assert exported(capfd) == [
        "export AWS_ENDPOINT_URL=https://localhost:1",
        "export TUNEDROP_STAGE_NAME=local",
    ]


def test_up_prints_what_a_client_needs(capfd: pytest.CaptureFixture[str]) -> None:
    assert local.main(["up", "json"]) == 0

    told = json.loads(capfd.readouterr().out)
    assert told["stage"] == "local"
    assert told["environment"]["AWS_ENDPOINT_URL"] == "https://localhost:1"


def test_a_second_up_uses_what_runs(capfd: pytest.CaptureFixture[str]) -> None:
    local.main(["up"])
    first = exported(capfd)

    local.main(["up"])

    assert exported(capfd) == first
    assert len(Pretended.started) == 1


def test_down_ends_it_and_a_second_down_finds_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    local.main(["up"])

    assert local.main(["down"]) == 0
    assert local.main(["down"]) == 0

    assert "nothing is running" in capfd.readouterr().err
    assert is_gone(Pretended.started[0])


def test_reset_starts_with_an_empty_account(capfd: pytest.CaptureFixture[str]) -> None:
    local.main(["up"])

    local.main(["reset"])

    assert len(Pretended.started) == 2
    assert is_gone(Pretended.started[0])


def test_a_deployment_that_fails_leaves_nothing_running(capfd: pytest.CaptureFixture[str]) -> None:
    Pretended.fails = True

    assert local.main(["up"]) == 1

    assert "cdk deploy failed" in capfd.readouterr().err
    assert is_gone(Pretended.started[0])
    assert not local.NOTE.exists()


def test_one_that_was_killed_half_way_is_ended_before_a_new_one_starts(
    capfd: pytest.CaptureFixture[str],
) -> None:
    local.main(["up"])
    local.NOTE.write_text(local.NOTE.read_text().replace("true", "false"))

    local.main(["up"])

    assert "left half done" in capfd.readouterr().err
    assert len(Pretended.started) == 2


def test_a_process_that_is_gone_is_not_taken_for_one_that_runs(capfd: pytest.CaptureFixture[str]) -> None:
    local.main(["up"])
    Pretended.started[0].kill()
    Pretended.started[0].wait(timeout=60)

    local.main(["up"])

    assert len(Pretended.started) == 2
