"""Commands that are proposed for a copy and paste act on the run or the file that they name, and no other."""

from __future__ import annotations

import shlex
from typing import Any

import msgspec
import pytest
import typer
from hypothesis import example, given
from hypothesis import strategies as st

from tests import builders
from tunedrop import intake
from tunedrop.cli.app import app
from tunedrop.contracts import Ending, Failure, Promotion, S3Object
from tunedrop.formatting.commands import command
from tunedrop.reporting.advice import next_steps

STAGE = builders.stage()
NAMES = st.builds(intake.name_of, st.one_of(st.text(min_size=1), st.text("-=rfal$`'\"\\ ;~!*[{", min_size=1)))


def parsed(text: str) -> dict[str, Any]:
    """What the command line makes of a command that was pasted into a POSIX shell, without defaults."""
    words = shlex.split(text)
    assert words.pop(0) == "tunedrop"
    at: Any = typer.main.get_command(app)
    while hasattr(at, "commands"):
        at = at.commands[words.pop(0)]
    context = at.make_context(at.name, words)
    defaults = {one.name: one.get_default(context) for one in at.params}
    return {key: value for key, value in context.params.items() if value and value != defaults[key]}


def a_rollback(name: str) -> Ending:
    promotion = Promotion(alias="/a", model_arn=builders.MODEL_ARN, previous_model_arn=builders.MODEL_ARN)
    return Ending(
        run=builders.run(name=name), evaluation=builders.evaluation(verdict="promote"), promotion=promotion
    )


def a_refused_file(name: str) -> Ending:
    run = builders.run(name=name, train=S3Object(bucket="intake", key=f"drop/{name.replace('/', '_')}"))
    return Ending(run=run, failure=Failure(error="InvalidDataset", cause="a record is wrong"))


def commands_of(ending: Ending, verb: str) -> list[str]:
    return [one.command for one in next_steps(STAGE, ending) if one.command.startswith(f"tunedrop {verb} ")]


@given(NAMES)
@example("-rf")
@example("--all")
@example("--help")
@example("--stage=prod")
def test_a_rollback_that_is_proposed_is_of_that_name(name: str) -> None:
    (proposed,) = commands_of(a_rollback(name), "rollback")

    assert parsed(proposed) == {"name": name, "stage": STAGE.name}


@given(NAMES)
@example("--fix")
def test_a_check_that_is_proposed_is_of_that_file(name: str) -> None:
    ending = a_refused_file(name)
    (proposed,) = commands_of(ending, "check")

    found = parsed(proposed)
    assert [str(file) for file in found.pop("files")] == [ending.run.train.key.removeprefix("drop/")]
    assert found == {"base_model": ending.run.base_model}


@pytest.mark.parametrize(
    "verb", ["retry", "watch", "show", "stop", "models", "rollback", "promote", "report"]
)
@pytest.mark.parametrize("name", ["-rf", "--all", "--", "-", "-y"])
def test_a_name_that_looks_like_an_option_is_the_name(verb: str, name: str) -> None:
    found = parsed(command(verb, name, options="--stage dev"))

    assert found == {"name": name, "stage": "dev"}


def test_a_rollback_to_a_model_that_is_served_again_is_of_that_name() -> None:
    gone = msgspec.structs.replace(
        a_rollback("--all"),
        promotion=None,
        evaluation=builders.evaluation(verdict="reject", production_gone=builders.MODEL_ARN),
    )

    (proposed,) = commands_of(gone, "rollback")

    assert parsed(proposed) == {"name": "--all", "serve": True, "stage": STAGE.name}
