"""Checks the tools that a deployment needs: Python, Node.js, the CDK CLI."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tunedrop.doctor._finding import Finding, State

ABOUT = "This machine"
PYTHON = (3, 11)
NODE = 20
SUPPORTED_NODE = 22
"""The oldest version that the CDK supports (jsii's warning of 2026-10-30); NODE works in our tests."""

CDK = (2, 1148)
"""The CLI versions that read this app's cloud assemblies; 3.0.0 on npm is an older, irregular release that
cannot."""

Version = Callable[[list[str]], str]
"""The output of a program's version option; empty if it is not installed."""


def version_of(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    return done.stdout.strip()


def check(folder: Path, version: Version = version_of) -> Iterator[Finding]:
    """Python, Node.js, and the CDK CLI pinned in the repository.

    Parameters
    ----------
    folder
        The repository, or any other folder; outside of it, neither Node.js nor the CDK CLI is needed.
    """
    yield _python()
    if not (folder / "cdk.json").is_file():
        yield _finding(
            "CDK CLI",
            "note",
            "this is not the repository: deployment is not possible from here",
            "Run it from there",
        )
        return
    yield _node(version(["node", "--version"]))
    yield _cdk(version([str(folder / "node_modules" / ".bin" / "cdk"), "--version"]))


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] >= PYTHON:
        return _finding("Python", "good", found)
    return _finding("Python", "bad", f"{found}; 3.11 or newer is needed", "make PYTHON=python3.12 setup")


def _node(text: str) -> Finding:
    match = re.match(r"v(\d+)\.", text)
    major = int(match[1]) if match else 0
    if major >= SUPPORTED_NODE:
        return _finding("Node.js", "good", text)
    if major >= NODE:
        why = f"{text} works, but is past its end of life"
        return _finding("Node.js", "note", why, f"Install Node.js {SUPPORTED_NODE} or newer")
    return _finding(
        "Node.js", "bad", f"{text or 'not there'}; {NODE} or newer is needed by the CDK", "make setup"
    )


def _cdk(text: str) -> Finding:
    match = re.match(r"(\d+)\.(\d+)", text)
    numbers = (int(match[1]), int(match[2])) if match else (0, 0)
    if numbers >= CDK and numbers[0] == CDK[0]:
        return _finding("CDK CLI", "good", text)
    return _finding(
        "CDK CLI", "bad", f"{text or 'not there'}; 2.{CDK[1]} or newer of 2.x is needed", "make setup"
    )


def _finding(name: str, state: State, detail: str, hint: str = "") -> Finding:
    return Finding(about=ABOUT, name=name, state=state, detail=detail, hint=hint)
