"""`approve`: the command of a question approves that question's estimate, and nothing else."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from tests import builders
from tunedrop.aws import Aws
from tunedrop.cli.app import app
from tunedrop.cli.deployed import Deployed
from tunedrop.registry import Registry
from tunedrop.waiting.table import Waits

RUN = builders.run().run_id
APPROVAL = f"runs/{RUN}/approve/1-0a1b2c3d4e"


@pytest.fixture
def waiting(deployed: Deployed, waits: Waits, intake: str) -> None:
    waits.register(builders.wait(kind="approval", subject=APPROVAL))


def approve(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["approve", *arguments, "--stage", "test", "--region", "us-east-1"])
    return result.exit_code, result.output


def approved(aws: Aws) -> list[str]:
    return [item["Key"] for item in aws.s3.list_objects_v2(Bucket="intake").get("Contents", [])]


def test_the_command_of_the_question_approves_its_estimate(waiting: None, aws: Aws) -> None:
    assert approve(RUN, "--estimate", "1-0a1b2c3d4e")[0] == 0
    assert approved(aws) == [APPROVAL]


def test_the_command_of_an_earlier_question_approves_nothing(waiting: None, aws: Aws) -> None:
    code, said = approve(RUN, "--estimate", "1-9999999999")

    assert (code, approved(aws)) == (1, [])
    assert f"tunedrop approve {RUN} --estimate 1-0a1b2c3d4e --stage test" in said


def test_without_a_terminal_the_estimate_has_to_be_named(waiting: None, aws: Aws) -> None:
    code, said = approve("persona")

    assert (code, approved(aws)) == (2, [])
    assert "--estimate 1-0a1b2c3d4e" in said


def test_a_run_named_like_anothers_id_cannot_be_approved_in_its_place(
    waiting: None, aws: Aws, registry: Registry, waits: Waits
) -> None:
    attack = builders.run(run_id="attack-0123456789", name=RUN)
    registry.register(attack)
    waits.register(
        builders.wait(
            run_id=attack.run_id, kind="approval", subject=f"runs/{attack.run_id}/approve/1-0a1b2c3d4e"
        )
    )

    approve(RUN, "--estimate", "1-0a1b2c3d4e")

    assert approved(aws) == [APPROVAL]


def test_a_run_that_does_not_wait_has_nothing_to_approve(deployed: Deployed, intake: str, aws: Aws) -> None:
    code, said = approve(RUN, "--estimate", "1-0a1b2c3d4e")

    assert (code, approved(aws)) == (1, [])
    assert "is not waiting for approval" in said


def test_a_program_gets_what_it_has_approved(waiting: None) -> None:
    code, said = approve(RUN, "--estimate", "1-0a1b2c3d4e", "--format", "json")

    assert (code, json.loads(said)["estimate"]) == (0, "1-0a1b2c3d4e")
