"""`teardown` and the production aliases of what is gone: SSM parameters that CloudFormation does not know."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock, refusal
from tunedrop.aws import Aws
from tunedrop.cli.costs.teardown import teardown
from tunedrop.cli.output import Format
from tunedrop.cli.stage import Deployed
from tunedrop.registry import Registry

RUN = builders.run().run_id
EARLIER = builders.MODEL_ARN.replace("abcdefghij12", "earlier00001")
ALIAS = "/tunedrop/test/models/persona"
NOTHING: dict[str, Any] = {
    "list_model_customization_jobs": {"modelCustomizationJobSummaries": []},
    "list_evaluation_jobs": {"jobSummaries": []},
    "list_custom_model_deployments": {"modelDeploymentSummaries": []},
    "list_provisioned_model_throughputs": {"provisionedModelSummaries": []},
    "list_custom_models": {"modelSummaries": []},
}
GONE = refusal("ResourceNotFoundException")
ALIVE = {"modelArn": EARLIER, "modelStatus": "Active"}


@pytest.fixture
def here(aws: Aws, deployed: Deployed, registry: Registry) -> Deployed:
    """A stage with one alias."""
    deployed.aliases.promote("persona", RUN, builders.MODEL_ARN, builders.DEPLOYMENT_ARN)
    return deployed


def torn_down(here: Deployed, run_id: str | None, *models: Any) -> None:
    """Tear down where nothing is left in Bedrock; `models` is what it says of each model."""
    here.aws.bedrock = FakeBedrock(**NOTHING, get_custom_model=list(models))
    assert teardown(here, run_id) == 0


def test_with_all_runs_go_the_aliases_that_name_nothing_any_more(
    here: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    torn_down(here, None, GONE)

    assert f"removed   {ALIAS}" in capsys.readouterr().out
    assert here.aliases.all() == {}


def test_an_alias_whose_model_is_still_there_stays(here: Deployed) -> None:
    torn_down(here, None, ALIVE)

    assert here.aliases.all() == {ALIAS: builders.DEPLOYMENT_ARN}


def test_the_alias_of_one_run_stays_and_is_told_with_the_way_back(
    here: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    here.aliases.promote("persona", "persona-before", EARLIER, EARLIER)
    here.aliases.promote("persona", RUN, builders.MODEL_ARN, builders.DEPLOYMENT_ARN)

    torn_down(here, RUN, GONE, ALIVE)

    said = capsys.readouterr().out
    assert f"{ALIAS} names a model that is gone" in said
    assert "tunedrop rollback persona --stage test" in said
    assert here.aliases.all() == {ALIAS: builders.DEPLOYMENT_ARN}


def test_an_alias_without_an_earlier_model_is_told_with_how_to_remove_it(
    here: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    torn_down(here, RUN, GONE)

    assert f"aws ssm delete-parameter --name {ALIAS}" in capsys.readouterr().out


def test_the_alias_of_another_run_is_not_this_ones(here: Deployed) -> None:
    torn_down(here, "another-run", GONE)

    assert here.aliases.all() == {ALIAS: builders.DEPLOYMENT_ARN}


def test_programs_are_told_which_aliases_went(here: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    here.aws.bedrock = FakeBedrock(**NOTHING, get_custom_model=GONE)

    teardown(here, None, Format.json)

    told = json.loads(capsys.readouterr().out)
    assert (told["removed"], told["orphaned"]) == ([ALIAS], [])
