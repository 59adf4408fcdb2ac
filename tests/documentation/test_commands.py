"""Every command that a page shows is run, page by page, as a reader would who types it in.

The reader sits in a copy of the repository; the embedded AWS that `tunedrop local up` finds there is the one
that this process's other tests use.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from infra.bundling import CACHE
from local.driver import Pipeline
from local.embedded import Embedded
from tests.pages import PAGES, ROOT, Block, blocks
from tunedrop.serving.production import Production

SECONDS = 1200
"""Of a page, on a machine that has other things to do: `make demo` deploys a stage of its own."""

OURS = (".venv", "node_modules")
LEFT_OUT = (
    *OURS,
    ".git",
    ".work",
    ".hypothesis",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    "__pycache__",
    "site",
)
RUN = {page: [one for one in blocks(page) if not one.reason] for page in PAGES}


@pytest.fixture(scope="session")
def is_set_up() -> None:
    """Through the links of a desk, a `make setup` that has something to do would take this checkout apart."""
    done = subprocess.run(["make", "--question", "setup"], cwd=ROOT, check=False, capture_output=True)
    assert done.returncode == 0, "what is pinned has changed: make setup"


@pytest.fixture
def desk(tmp_path: Path, is_set_up: None, embedded: Embedded, pipeline: Pipeline) -> Path:
    """A copy of the repository, set up, beside an embedded AWS that runs and has nothing in production."""
    aliases = Production(pipeline.aws, pipeline.stage).aliases
    for parameter in aliases.all():
        aliases.withdraw(aliases.name_at(parameter))
    desk = tmp_path / "tunedrop"
    shutil.copytree(ROOT, desk, ignore=shutil.ignore_patterns(*LEFT_OUT))
    for name in OURS:
        (desk / name).symlink_to(ROOT / name)
    for manifest in (desk / "examples").glob("*/run.yaml"):
        # Every reader has a stage of their own; here other pages have trained the same examples before.
        manifest.write_text(manifest.read_text() + "again: true\n")
    note = desk / ".work" / "local" / "up.json"
    note.parent.mkdir(parents=True)
    running = {"pid": embedded.pid, "environment": embedded.environment(), "deployed": True}
    note.write_text(json.dumps(running))
    (note.parent / "up").symlink_to(embedded.state)  # its certificate, by which `up` asks whether it answers
    (desk / ".work" / "bundles").symlink_to(CACHE)  # named by a hash of what they are made of
    return desk


@pytest.mark.parametrize("page", [page for page, run in RUN.items() if run], ids=lambda page: page.stem)
def test_the_commands_of_a_page_work(page: Path, desk: Path) -> None:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TUNEDROP_"))
    }
    environment = inherited | {
        "PATH": f"{desk / '.venv' / 'bin'}{os.pathsep}{inherited['PATH']}",
        "PYTHONPATH": str(desk),
        "HOME": str(desk.parent),
        "AWS_PAGER": "",
        "NO_MKDOCS_2_WARNING": "1",
    }

    code, shown = run(script(RUN[page]), desk, environment)

    assert code == 0, shown
    assert "Traceback" not in shown


def run(text: str, folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """The exit code and the output of a shell script, which after a time-out leaves no process."""
    with subprocess.Popen(
        ["bash", "-c", text], cwd=folder, env=environment, text=True, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        try:
            shown, _ = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGINT)
            shown, _ = process.communicate()
            pytest.fail(f"The page takes longer than {SECONDS} seconds:\n{shown}")
        return process.returncode, shown


def script(run: Sequence[Block]) -> str:
    """All blocks in one shell that has found the embedded AWS: what one sets the next has."""
    lines = ["set -euo pipefail", 'eval "$(tunedrop local up)"']
    for block in run:
        lines.append(f"echo '### {block.page}:{block.line}'")
        if block.exit_code:
            lines += [
                "set +e",
                f"( {block.text.rstrip()}\n)",
                "code=$?",
                "set -e",
                f"test $code = {block.exit_code}",
            ]
        else:
            lines.append(block.text)
    return "\n".join(lines)
