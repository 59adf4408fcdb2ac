"""With tracing on, as on AWS: the local stage switches it off, since nothing there listens to X-Ray."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from infra import bundling, settings
from tests.infra.conftest import CONTEXT

CALL = """
import json, sys
from lambdas.grade_answers.handler import handler

class Context:
    function_name = "tunedrop-dev-grade-answers"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-west-2:111122223333:function:tunedrop-dev-grade-answers"
    aws_request_id = "request"

print(json.dumps(handler([], Context())))
"""
TRACE = "Root=1-67bbf0c0-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=1"


def test_a_handler_sends_its_trace_and_answers(tmp_path: Path) -> None:
    """What is set is what Lambda sets (Lambda guide, configuration-envvars; X-Ray guide, xray-daemon)."""
    bundles = bundling.build(settings.read(CONTEXT["stages"], "local"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(10)
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(map(str, (bundles.layer.path / "python", bundles.code.path))),
            "AWS_DEFAULT_REGION": "us-west-2",
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_LAMBDA_FUNCTION_NAME": "tunedrop-dev-grade-answers",
            "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{daemon.getsockname()[1]}",
            "LAMBDA_TASK_ROOT": str(bundles.code.path),
            "POWERTOOLS_SERVICE_NAME": "tunedrop-dev",
            "_X_AMZN_TRACE_ID": TRACE,
        }
        done = subprocess.run(
            [sys.executable, "-S", "-c", CALL], env=environment, cwd=tmp_path, capture_output=True, text=True,
            check=False,
        )  # fmt: skip

        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "[]"
        sent = json.loads(daemon.recv(65_536).split(b"\n", 1)[1])
    assert sent["name"] == "## handler"
    assert sent["trace_id"] in TRACE
