"""The command line, for every test that uses it against the deployed stage."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.embedded import Embedded
from tests.end_to_end.terminal import Tunedrop


@pytest.fixture(scope="session")
def tunedrop(embedded: Embedded) -> Tunedrop:
    """The installed entry point, with the environment that a shell would have."""
    program = Path(sys.executable).with_name("tunedrop")
    environment = os.environ | embedded.environment() | {"TUNEDROP_STAGE_NAME": "local"}

    def run(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [program, *arguments], env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run
