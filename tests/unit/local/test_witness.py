"""The hook that the functions of the local stage run with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
CALL = """
import boto3
from botocore.exceptions import BotoCoreError, ClientError
client = boto3.client("bedrock", region_name="us-east-1", endpoint_url="http://127.0.0.1:9")
try:
    client.get_custom_model(modelIdentifier={name!r})
except (BotoCoreError, ClientError):
    pass
"""


def violations(tmp_path: Path, name: str) -> str:
    log = tmp_path / "violations.log"
    environment = os.environ | {
        "PYTHONPATH": f"{ROOT / 'local' / 'witness'}{os.pathsep}{ROOT}",
        "TUNEDROP_VIOLATIONS": str(log),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_MAX_ATTEMPTS": "1",
    }
    subprocess.run([sys.executable, "-c", CALL.format(name=name)], env=environment, check=True)
    return log.read_text() if log.exists() else ""


def test_a_call_that_aws_would_refuse_is_noted(tmp_path: Path) -> None:
    assert "GetCustomModel: Value 'no such name!' at 'modelIdentifier'" in violations(
        tmp_path, "no such name!"
    )


def test_a_call_that_aws_would_take_is_not(tmp_path: Path) -> None:
    assert violations(tmp_path, "model") == ""
