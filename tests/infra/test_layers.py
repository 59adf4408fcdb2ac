"""A function imports nothing that its layers lack."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from infra.bundling import READING_REQUIREMENTS, SCORING_REQUIREMENTS
from infra.functions import STEPS, WATCHERS

MODULES = {"backports.zstd": "backports", "arro3-core": "arro3", "arro3-io": "arro3"}


def packages(requirements: str) -> set[str]:
    names = (line.partition("==")[0] for line in requirements.splitlines() if "==" in line)
    return {MODULES.get(name, name) for name in names}


@pytest.mark.parametrize(
    ("flag", "file"), [("reads", READING_REQUIREMENTS), ("scores", SCORING_REQUIREMENTS)]
)
def test_functions_without_a_layer_start_without_its_packages(flag: str, file: Path) -> None:
    missing = packages(file.read_text())
    handlers = [f"lambdas.{one.name}.handler" for one in (*STEPS, *WATCHERS) if not getattr(one, flag)]
    program = (
        "import importlib, sys\n"
        f"sys.modules.update(dict.fromkeys({sorted(missing)!r}))\n"
        f"for name in {handlers!r}: importlib.import_module(name)\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert len(handlers) > 10
    assert done.returncode == 0, done.stderr
