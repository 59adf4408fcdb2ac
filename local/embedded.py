"""The embedded AWS: starts it, deploys a stage into it, stops it. Needs no AWS account and no Docker."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from local.faults import Faults

ROOT = Path(__file__).parents[1]
STATE = Path(os.environ.get("TUNEDROP_LOCAL_STATE", ROOT / ".work" / "local"))
REGION = "us-east-1"
"""The Region in which Bedrock tunes Nova."""

BEFORE_LEGACY = "2025-08-01"
"""A day on which base models could be tuned that are Legacy or gone today. Used to test what only Llama and
Titan have: provisioned throughput only, and unlabelled text."""

ACCOUNT = "000000000000"
READY_SECONDS = 300.0

ZIPS = ROOT / ".work" / "bundles" / "zips"
"""Where the CDK CLI keeps the bundles that it has zipped, by a hash of their content, for every embedded
AWS. By itself it keeps them in its output folder, of which each has its own."""

_QUIET_JSII = {
    "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
    "JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION": "1",
    "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "18,20,21,23",
}


class EmbeddedError(Exception):
    """The embedded AWS could not be started or deployed to; the message names the log."""


class Embedded:
    """One emulator on a free loopback port, with its state in a folder of its own."""

    def __init__(self, state: Path = STATE, day: str = "") -> None:
        """A day (YYYY-MM-DD) whose base models are offered; empty: TUNEDROP_LOCAL_DAY, or today."""
        self.state = state
        self._day = day or os.environ.get("TUNEDROP_LOCAL_DAY", "")
        self.port = 0
        self._bootstrapped: set[str] = set()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def certificate(self) -> Path:
        return self.state / "tmp" / "ministack-tls" / "server.crt"

    @property
    def violations(self) -> Path:
        """The file that lists calls and responses that AWS's service models do not allow."""
        return self.state / "violations.log"

    @property
    def faults(self) -> Faults:
        """The switches that break the local Bedrock on purpose."""
        return Faults(self.state / "faults.json")

    def environment(self) -> dict[str, str]:
        """The environment variables that point AWS clients and the CDK CLI to this AWS."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_CA_BUNDLE": str(self.certificate),
            "NODE_EXTRA_CA_CERTS": str(self.certificate),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "CDK_DEFAULT_ACCOUNT": ACCOUNT,
            "CDK_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def session(self) -> boto3.Session:
        """A boto3 session that talks to this AWS; sets this process's environment for it."""
        os.environ.update(self.environment())
        os.environ.pop("AWS_PROFILE", None)
        return boto3.Session()

    def start(self, with_parent: bool = True) -> None:
        """Start the emulator and wait until it answers.

        Raises
        ------
        EmbeddedError
            If it does not answer in time; the message names its log.
        """
        shutil.rmtree(self.state, ignore_errors=True)
        (self.state / "tmp").mkdir(parents=True)
        self._bootstrapped.clear()
        self.port = _free_port()
        command = [sys.executable, "-m", "local.server", str(self.state)]
        with (self.state / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--with-parent"] if with_parent else command,
                cwd=ROOT,
                env=self._server_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop the emulator and every process that it has started."""
        if self._process is None:
            return
        stop_group(self._process.pid)
        self._process.wait(timeout=10)
        self._process = None

    def set_pauses(self, scale: float) -> None:
        """Scale the delays between Step Functions retries; 1 is as on AWS."""
        request = urllib.request.Request(
            f"{self.endpoint}/_ministack/config",
            data=json.dumps({"stepfunctions._SFN_WAIT_SCALE": scale}).encode(),
        )
        context = ssl.create_default_context(cafile=str(self.certificate))
        with urllib.request.urlopen(request, context=context, timeout=10):
            pass

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    def deploy(self, stage: str = "local", region: str = REGION, folder: Path = ROOT) -> None:
        """Deploy a stage with the real CDK CLI, to the Region that its settings name.

        Parameters
        ----------
        folder
            The folder of the `cdk.json` that describes the stage.

        Raises
        ------
        EmbeddedError
            If the CLI fails; the message has the end of its output.
        """
        if region not in self._bootstrapped:
            self._cdk("bootstrap", f"aws://{ACCOUNT}/{region}", folder=self.state)
            self._bootstrapped.add(region)
        self._cdk("deploy", "-c", f"stage={stage}", "--all", "--require-approval", "never", folder=folder)

    def destroy(self, stage: str = "local") -> None:
        """Destroy a stage with the real CDK CLI.

        Raises
        ------
        EmbeddedError
            If the CLI fails; the message has the end of its output.
        """
        self._cdk("destroy", "-c", f"stage={stage}", "--all", "--force", folder=ROOT)

    def _cdk(self, *arguments: str, folder: Path) -> None:
        cdk = ROOT / "node_modules" / ".bin" / "cdk"
        if not cdk.exists():
            raise EmbeddedError("the CDK CLI is not installed; run: make setup")
        output = self.state / "cdk.out"
        if not output.exists():
            output.mkdir()
            ZIPS.mkdir(parents=True, exist_ok=True)
            (output / ".cache").symlink_to(ZIPS)
        command = [str(cdk), *arguments, "--ci", "--progress", "events", "--output", str(output)]
        # The CLI's own validation of templates takes seconds; the infra tests check more.
        environment = os.environ | self.environment() | _QUIET_JSII | {"CDK_VALIDATION": "false"}
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        environment.pop("AWS_PROFILE", None)
        log = self.state / f"cdk-{arguments[0]}.log"
        with log.open("wb") as out:
            done = subprocess.run(
                command, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT, check=False
            )
        if done.returncode:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-25:])
            raise EmbeddedError(f"cdk {arguments[0]} failed:\n{tail}\nAll of it: {log}")

    def _server_environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return inherited | {
            **self.environment(),
            "AUTH": "true",
            "USE_SSL": "1",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_REGION": REGION,
            "SSL_CERT_FILE": str(self.certificate),
            "TMPDIR": str(self.state / "tmp"),
            "POWERTOOLS_TRACE_DISABLED": "1",
            "OPENBLAS_NUM_THREADS": "1",  # on small matrices more threads spin
            "IOT_MTLS_ENABLED": "false",
            "LOG_LEVEL": "INFO",
            "PYTHONPATH": f"{ROOT / 'local' / 'witness'}{os.pathsep}{ROOT}",
            "TUNEDROP_VIOLATIONS": str(self.violations),
            "TUNEDROP_LOCAL_DAY": self._day,
        }

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            if self.certificate.exists() and self.answers():
                return
            time.sleep(0.1)
        raise EmbeddedError(f"the embedded AWS did not start; see {self.state / 'server.log'}")

    def answers(self) -> bool:
        """Whether it responds."""
        try:
            context = ssl.create_default_context(cafile=str(self.certificate))
            with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", context=context, timeout=2):
                return True
        except urllib.error.HTTPError:
            return True
        except (OSError, ssl.SSLError):
            return False


def stop_group(pid: int) -> None:
    """End a process and everything in its group."""
    try:
        os.killpg(pid, signal.SIGTERM)
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            os.killpg(pid, 0)
            if os.waitpid(pid, os.WNOHANG)[0]:
                break
            time.sleep(0.05)
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, ChildProcessError, PermissionError):
        return


@contextmanager
def running(state: Path = STATE, day: str = "") -> Iterator[Embedded]:
    """An emulator for as long as the block lasts."""
    embedded = Embedded(state, day)
    try:
        embedded.start()
        yield embedded
    finally:
        embedded.stop()


def settings_with(folder: Path, **changes: Any) -> Path:
    """A folder whose `cdk.json` is ours with another local stage, as somebody who edits it would have."""
    document = json.loads((ROOT / "cdk.json").read_text())
    document["app"] = f"{sys.executable} {ROOT / 'app.py'}"
    document["context"]["stages"]["local"] |= changes
    (folder / "cdk.json").write_text(json.dumps(document))
    return folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
