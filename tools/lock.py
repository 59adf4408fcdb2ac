"""Pins every package, in one resolution: requirements*.txt from the ranges in pyproject.toml.

`requirements.txt` is for deployments, `requirements-dev.txt` for development (`make setup` installs it), and
the others are for the functions, one file per layer. Without `--upgrade`, pins that still fit stay.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EVERYTHING = ROOT / "requirements-dev.txt"
DEPLOYMENT = ROOT / "requirements.txt"
BUNDLED = tuple(ROOT / f"requirements-{layer}.txt" for layer in ("lambda", "reading", "scoring"))

_HEADERS = {
    EVERYTHING: "# Everything, pinned: what `make setup` installs. Written by `make lock`.\n",
    DEPLOYMENT: "# What `cdk deploy` needs, pinned. Written by `make lock`.\n",
}


def name_of(line: str) -> str:
    """The normalized name in a line of a requirements file; empty for comments.

    >>> name_of("Ruamel.yaml==0.19.1  # why")
    'ruamel-yaml'
    """
    found = re.match(r"[A-Za-z0-9._-]+", line)
    return re.sub(r"[-_.]+", "-", found.group()).lower() if found else ""


def pins_in(path: Path) -> dict[str, str]:
    """The version of each package in a requirements file."""
    return {
        name: line.partition("==")[2].split()[0]
        for line in path.read_text("utf-8").splitlines()
        if (name := name_of(line))
    }


def _compile(extra: str, output: Path, *options: str) -> None:
    command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    command += ["--no-header", "--no-annotate", "--extra", extra, "--output-file", str(output), *options]
    subprocess.run([*command, "pyproject.toml"], cwd=ROOT, check=True)  # noqa: S603 - our own words
    output.write_text(_HEADERS[output] + output.read_text("utf-8"), "utf-8")


def _pin(path: Path, pins: dict[str, str]) -> None:
    """The same packages, at the versions of the lock."""
    lines = path.read_text("utf-8").splitlines()
    path.write_text(
        "".join(
            f"{line.partition('==')[0]}=={pins[name]}\n" if (name := name_of(line)) else f"{line}\n"
            for line in lines
        ),
        "utf-8",
    )


def main() -> None:
    _compile("dev", EVERYTHING, *sys.argv[1:])
    _compile("deploy", DEPLOYMENT, "--constraint", str(EVERYTHING))
    for path in BUNDLED:
        _pin(path, pins_in(EVERYTHING))


if __name__ == "__main__":
    main()
