"""`tunedrop local up` for real: an account on this machine, from nothing to gone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path


def test_up_deploys_a_stage_that_a_shell_can_use_and_down_ends_it(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("tunedrop")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = inherited | {"TUNEDROP_LOCAL_STATE": str(tmp_path / "local")}

    def tunedrop(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *arguments],
            env=environment | more,
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )

    try:
        up = tunedrop("local", "up")
        exported = dict(re.findall(r"^export (\w+)='?(.*?)'?$", up.stdout, re.MULTILINE))

        assert tunedrop("runs", "--format", "json", **exported).stdout.strip() == "[]"
        assert tunedrop("local", "up").stdout == up.stdout, "a second up uses what runs"
        assert "tunedrop submit" in up.stderr
    finally:
        down = tunedrop("local", "down")
    assert "stopped" in down.stderr
