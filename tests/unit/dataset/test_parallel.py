"""Checking on several processes: the same report, progress that adds up, and an end when it is asked for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests import builders
from tunedrop import catalog
from tunedrop.dataset.check import processes as parallel
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.check.processes import check_on_all_cores

RECORDS = 400


@pytest.fixture
def files(tmp_path: Path) -> dict[Any, Path]:
    lines = [json.dumps({"prompt": f"Why {n % 390}?", "completion": f"Because {n}."}) for n in range(RECORDS)]
    lines[77], lines[300] = "{broken", json.dumps({"prompt": "only"})
    paths = {"train": tmp_path / "train.jsonl", "test": tmp_path / "test.jsonl"}
    paths["train"].write_text("\n".join(lines))
    paths["test"].write_text("\n".join(lines[:20]) + "\n")
    return paths


def test_two_processes_give_the_report_of_one(
    files: dict[Any, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "RANGE", 1_000)
    asked = CheckOptions(base_model=catalog.find(builders.LLAMA_3_1))
    done: list[int] = []

    report = check_on_all_cores(files, asked, done.append, processes=2)

    assert report == check_on_all_cores(files, asked, processes=1)
    assert report.error_count > 20
    assert sum(done) == sum(path.stat().st_size for path in files.values())
    assert len(done) > 10


def test_the_processes_do_not_run_the_program_that_starts_them(
    files: dict[Any, Path], tmp_path: Path
) -> None:
    program, noted = tmp_path / "program.py", tmp_path / "noted"
    program.write_text(
        "from pathlib import Path\n"
        f"with Path({str(noted)!r}).open('a') as notes: notes.write(__name__ + ' ')\n"
        "from tunedrop.dataset.check.options import CheckOptions\n"
        "from tunedrop.dataset.check.processes import check_on_all_cores\n"
        "if __name__ == '__main__':\n"
        f"    check_on_all_cores({{'train': Path({str(files['train'])!r})}}, CheckOptions(), processes=2)\n"
        "    assert Path(__file__).name == 'program.py'\n"
    )

    subprocess.run([sys.executable, program], check=True, cwd=Path(__file__).parents[3])

    assert noted.read_text() == "__main__ "


def test_a_folder_of_data_runs_no_code(files: dict[Any, Path], tmp_path: Path) -> None:
    """A new process of Python imports from the current folder, which may be somebody else's data set."""
    (folder := tmp_path / "data").mkdir()
    for name in ("multiprocessing", "struct", "random", "msgspec"):
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    program = tmp_path / "program.py"
    program.write_text(
        "from pathlib import Path\n"
        "from tunedrop.dataset.check.options import CheckOptions\n"
        "from tunedrop.dataset.check.processes import check_on_all_cores\n"
        "if __name__ == '__main__':\n"
        f"    check_on_all_cores({{'train': Path({str(files['train'])!r})}}, CheckOptions(), processes=2)\n"
    )
    root = str(Path(__file__).parents[3])

    subprocess.run(
        [sys.executable, program], check=True, cwd=folder, env=os.environ | {"PYTHONPATH": root}, timeout=120
    )

    assert not (tmp_path / "ran").exists()


def test_control_c_ends_all_processes_without_more_output(tmp_path: Path) -> None:
    file = tmp_path / "train.jsonl"
    line = json.dumps({"prompt": "Why?", "completion": "x" * 200, "odd": 1}).encode() + b"\n"
    file.write_bytes(line * (3 * parallel.FEWEST_BYTES // len(line)))
    command = [sys.executable, "-c", "from tunedrop.cli.main import main; main()", "check", str(file)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=_listen_to_interrupts,
        text=True,
    )
    _wait_for(lambda: _processes_of(process.pid) > 2)

    os.killpg(process.pid, signal.SIGINT)

    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, output + errors
    assert "Traceback" not in output + errors
    _wait_for(lambda: _processes_of(process.pid) == 0)


def _listen_to_interrupts() -> None:
    """Whoever runs the tests in the background may have them ignored, which is inherited."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _processes_of(group: int) -> int:
    found = subprocess.run(["ps", "-A", "-o", "pgid="], capture_output=True, text=True, check=True)
    return found.stdout.split().count(str(group))


def _wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
