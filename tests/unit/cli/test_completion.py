"""Tab in a real bash, with the script that `tunedrop --show-completion bash` prints."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BASH = shutil.which("bash") or ""
TAB = """
eval "$(tunedrop --show-completion bash)"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
eval "$(complete -p tunedrop | sed 's/.*-F \\([^ ]*\\).*/\\1/') tunedrop"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.skipif(not BASH, reason="no bash on this machine")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("tunedrop che", ["check"]),
        ("tunedrop throughput re", ["release"]),
        ("tunedrop local d", ["down"]),
        ("tunedrop init new --method dist", ["distillation"]),
        ("tunedrop check --base-model amazon.nova-lite", ["amazon.nova-lite-v1:0:300k"]),
        ("tunedrop explain TD061", ["TD061"]),
        ("tunedrop schema man", ["manifest"]),
    ],
)
def test_tab_offers_what_begins_so(typed: str, offered: list[str]) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    done = subprocess.run(
        [BASH, "--norc", "-c", TAB, "bash", *typed.split()],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.stdout.split() == offered, done.stderr
