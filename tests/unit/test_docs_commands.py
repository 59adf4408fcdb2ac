"""Commands that a page shows and the tests cannot run: they exist, and take the options they are given."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator

import botocore.session
import pytest
import typer
from botocore import xform_name

from docs.reference.cli import commands
from tests.pages import PAGES, ROOT, Block, blocks
from tunedrop.cli.app import app

NOT_RUN = [block for page in PAGES for block in blocks(page) if block.reason]
AWS_OPTIONS = {"--region", "--profile", "--query", "--output", "--no-cli-pager", "--cli-input-json"}
CDK_COMMANDS = {"bootstrap", "deploy", "destroy", "diff", "import", "synth"}
SHELL = {"cd", "source", "git", "export", "pip", "echo", "npm"}
"""What needs no check of ours."""


def words_of(text: str) -> Iterator[list[str]]:
    """The commands in a block, also those inside `$(…)`, without assignments and redirections."""
    text = text.replace("\\\n", " ")
    yield from (words for inside in re.findall(r"\$\(([^()]*)\)", text) for words in words_of(inside))
    for line in text.splitlines():
        lexer = shlex.shlex(re.sub(r'"?\$\([^()]*\)"?', "value", line), posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if set(word) <= set("|&;<>"):
                if words:
                    yield words
                words = []
            elif words or not re.match(r"\w+=", word):
                words.append(word)


def check_tunedrop(words: list[str]) -> None:
    root = typer.main.get_command(app)
    known = {path.split()[-1]: command for path, command in commands(root)}
    assert words[1] in known, f"tunedrop has no command {words[1]}"
    options = {name for one in known[words[1]].params for name in one.opts if name.startswith("--")}
    assert {word for word in words[2:] if word.startswith("--")} <= options | {"--help"}


def check_make(words: list[str]) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert [word for word in words[1:] if "=" not in word and word not in targets] == []


S3_COMMANDS = {"cp": {"--recursive"}}
"""High-level commands of the AWS CLI that pages show, with options (AWS CLI user guide, cli-services-s3)."""

COMMAND_NAMES = {"s3api": "s3"}
"""Services whose commands the AWS CLI has under another name than botocore has the service."""


def check_aws(words: list[str]) -> None:
    service, operation, *rest = words[1:]
    if service == "s3":
        assert {word for word in rest if word.startswith("--")} <= S3_COMMANDS[operation]
        return
    service = COMMAND_NAMES.get(service, service)
    model = botocore.session.get_session().get_service_model(service)
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    assert operation in operations, f"{service} has no operation {operation}"
    shape = model.operation_model(operations[operation]).input_shape
    options = {f"--{xform_name(name, '-')}" for name in (shape.members if shape else ())}
    assert {word.partition("=")[0] for word in rest if word.startswith("--")} <= options | AWS_OPTIONS


def check_cdk(words: list[str]) -> None:
    assert words[1] in CDK_COMMANDS


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "tunedrop": check_tunedrop,
    "make": check_make,
    "aws": check_aws,
    "node_modules/.bin/cdk": check_cdk,
}


@pytest.mark.parametrize("block", NOT_RUN, ids=lambda block: f"{block.page}:{block.line}")
def test_a_command_that_is_not_run_exists(block: Block) -> None:
    found = list(words_of(block.text))

    assert found
    for words in found:
        assert words[0] in CHECKS or words[0] in SHELL, f"no check knows {words[0]}"
        if words[0] in CHECKS:
            CHECKS[words[0]](words)


@pytest.mark.parametrize(
    "text",
    [
        "tunedrop tune it",
        "tunedrop submit folder --wach",
        "make tests",
        "aws bedrock create-model-copy --source-model-arn x",
        "aws bedrock create-model-copy-job --from x",
        "aws s3api put-objects --bucket x",
        "aws s3api put-object --name x",
        "node_modules/.bin/cdk publish",
    ],
)
def test_a_command_that_does_not_exist_is_found(text: str) -> None:
    (words,) = words_of(text)

    with pytest.raises(AssertionError):
        CHECKS[words[0]](words)


def test_most_commands_are_run() -> None:
    shown = [block for page in PAGES for block in blocks(page)]

    assert len(NOT_RUN) < len(shown) / 2
