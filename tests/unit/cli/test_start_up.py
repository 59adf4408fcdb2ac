"""What a command line that only informs or refuses may not wait for."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest
import typer

from tunedrop.cli import completion
from tunedrop.cli.index import INDEX, Commands
from tunedrop.cli.plan._sample_records import METHODS
from tunedrop.contracts import ResumePoint
from tunedrop.registry.summaries import Order
from tunedrop.schemas import SCHEMAS

SLOW = ("botocore", "boto3", "markdown_it", "rich", "jinja2", "hyperscan", "numpy", "rapidfuzz")

_RUN = """
import sys
from tunedrop.cli.main import main
sys.argv = ["tunedrop", *{arguments!r}]
try:
    main()
finally:
    print(*{{name.partition(".")[0] for name in sys.modules}}, file=sys.stderr)
"""


def imported_by(*arguments: str, **environment: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", _RUN.format(arguments=arguments)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        [],
        ["chekc"],
        ["--nonsense"],
        ["check", "--help"],
        ["throughput", "release", "-h"],
        ["check"],
        ["check", "--nonsense"],
        ["check", "/nowhere"],
        ["schema", "nothing", "--wrong"],
        ["schema", "nothing"],
    ],
    ids=" ".join,
)
def test_help_and_wrong_uses_wait_for_no_aws_and_no_renderer(arguments: list[str]) -> None:
    assert not imported_by(*arguments) & {*SLOW, "msgspec"}


def test_the_help_of_no_command_waits_for_aws_or_a_renderer() -> None:
    script = (
        "import sys\nfrom typer.testing import CliRunner\nfrom tunedrop.cli.app import app\n"
        f"for name in {list(INDEX)!r}:\n"
        "    assert CliRunner().invoke(app, [name, '--help']).exit_code == 0, name\n"
        "print(*{name.partition('.')[0] for name in sys.modules})\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr
    assert not set(done.stdout.split()) & {*SLOW, "msgspec"}


def test_help_imports_only_the_command_line_itself() -> None:
    script = (
        "import sys\nfrom tunedrop.cli.main import main\nsys.argv = ['tunedrop', 'check', '--help']\n"
        "try:\n    main()\nfinally:\n    print(*sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    ours = {name for name in done.stdout.splitlines()[-1].split() if name.startswith("tunedrop.")}

    assert {name for name in ours if not name.startswith("tunedrop.cli")} == {
        "tunedrop.errors",
        "tunedrop.escaping",
    }
    assert {name for name in ours if name.startswith("tunedrop.cli.data.")} == {
        "tunedrop.cli.data.commands",
        "tunedrop.cli.data._paths",
    }


def test_the_garbage_collector_is_on_while_a_command_runs() -> None:
    script = (
        "import gc, sys\nfrom tunedrop.cli.main import main\nfrom tunedrop.cli.data import checking\n"
        "def check_files(*_):\n    print(gc.isenabled())\n    return 0\nchecking.check_files = check_files\n"
        "sys.argv = ['tunedrop', 'check', sys.executable]\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)

    assert done.stdout == "True\n", done.stderr


def test_the_version_waits_for_nothing_at_all() -> None:
    assert not imported_by("--version") & {*SLOW, "typer", "msgspec", "email"}


@pytest.mark.parametrize(
    "typed", ["tunedrop ", "tunedrop che", "tunedrop check --me", "tunedrop init --method d"]
)
def test_tab_waits_for_no_aws_and_no_renderer(typed: str) -> None:
    words = {"_TUNEDROP_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}

    assert not imported_by(**words) & set(SLOW)


def test_the_lists_that_help_repeats_are_complete() -> None:
    assert METHODS == completion.STARTERS
    assert get_args(ResumePoint) == completion.RESUME_POINTS
    assert set(get_args(Order)) == set(completion.ORDERS)
    assert tuple(SCHEMAS) == completion.SCHEMAS


def test_checking_a_dataset_imports_no_aws(tmp_path: Path) -> None:
    file = tmp_path / "train.jsonl"
    file.write_text('{"prompt": "What is a lien?", "completion": "A claim on property."}\n')

    assert not imported_by("check", str(file)) & {"botocore", "boto3"}


def test_every_command_is_in_the_index_and_every_entry_is_a_command() -> None:
    commands = Commands()

    assert {name: command.name for name, command in commands.items()} == {name: name for name in INDEX}
    for group in {entry.group for entry in INDEX.values()}:
        declared = {name for name, command in commands.items() if INDEX[name].group == group}
        assert declared == _declared(group)


def _declared(group: str) -> set[str]:
    return set(typer.main.get_group(import_module(f"tunedrop.cli.{group}.commands").app).commands)
