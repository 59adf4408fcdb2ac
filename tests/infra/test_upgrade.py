"""An account with a released version takes this one: no data is replaced, and runs in flight go on.

What this cannot show: that AWS carries the update out, which only a deployment to an account does. Which
properties CloudFormation replaces a resource for is AWS's own statement (the resource schemas in cfn-lint,
and for what they leave out the template reference); that all else is changed in place is a belief.
"""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from infra.states import snake
from tests.infra.released import HOLDS_DATA, RECORDED, identities, names, prod
from tests.infra.test_jsonata import RUNS, walk

RELEASES = sorted(RECORDED.glob("release-*.json"))

REPLACED_FOR = {"AWS::DynamoDB::GlobalTable": ("KeySchema", "LocalSecondaryIndexes")}
"""Beside what the schemas say (CloudFormation template reference, AWS::DynamoDB::GlobalTable, read
2026-11-29)."""


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return identities(prod(tmp_path_factory.mktemp("new")))


@pytest.fixture(scope="module", params=RELEASES, ids=lambda file: file.stem)
def release(request: pytest.FixtureRequest) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(request.param.read_text())
    return read


def test_the_last_version_of_the_changelog_is_recorded() -> None:
    changelog = (Path(__file__).parents[2] / "CHANGELOG.md").read_text()
    last = re.findall(r"^## (\d\S+) - ", changelog, flags=re.MULTILINE)[0]

    assert RECORDED / f"release-{last}.json" in RELEASES, "run python -m tests.infra.released"


def test_nothing_that_holds_data_is_deleted_or_replaced(release: dict[str, Any], new: dict[str, Any]) -> None:
    for id_, old in release["resources"].items():
        if old["type"] not in HOLDS_DATA:
            continue
        assert new[id_]["type"] == old["type"]
        assert new[id_]["fixed"] == old["fixed"]
        assert new[id_]["DeletionPolicy"] == new[id_]["UpdateReplacePolicy"] == "Retain"
        for key in REPLACED_FOR.get(old["type"], ()):
            assert new[id_]["properties"].get(key) == old["properties"].get(key)


def test_a_table_gains_or_loses_one_index_at_most(release: dict[str, Any], new: dict[str, Any]) -> None:
    """DynamoDB takes no second one in the same update (UpdateTable, GlobalSecondaryIndexUpdates)."""

    def indexes(one: dict[str, Any]) -> set[str]:
        return {json.dumps(index) for index in one["properties"].get("GlobalSecondaryIndexes", [])}

    for id_, old in release["resources"].items():
        if old["type"] == "AWS::DynamoDB::GlobalTable":
            assert len(indexes(old) ^ indexes(new[id_])) <= 1


def test_no_fixed_name_moves_or_has_to_be_replaced(release: dict[str, Any], new: dict[str, Any]) -> None:
    """CloudFormation creates before it deletes, and replaces no resource whose name stays the same."""
    owners = {(one["type"], str(names(one))): id_ for id_, one in new.items() if names(one)}
    for id_, old in release["resources"].items():
        if not names(old):
            continue
        assert owners.get((old["type"], str(names(old))), id_) == id_
        if id_ in new and names(new[id_]) == names(old):
            assert new[id_]["fixed"] == old["fixed"]


def test_functions_read_what_runs_in_flight_hand_them(release: dict[str, Any]) -> None:
    """The steps that a released version has taken, as its own state machine hands them to a function."""
    read = set()
    for run in release["runs"].values():
        for call in walk(release["definition"], run)["calls"]:
            name = snake(re.findall(r"^<Functions(\w+?)[0-9A-F]{8}\.Arn>$", call["FunctionName"])[0])
            handler = importlib.import_module(f"lambdas.{name}.handler")
            msgspec.convert(call["Payload"], handler.Input)
            read.add(name)

    assert {"evaluate_model", "notify", "promote_model", "validate_shard", "wait_for_completion"} <= read


@pytest.mark.parametrize("name", sorted(RUNS))
def test_a_released_state_machine_goes_on_with_the_results_of_todays_functions(
    release: dict[str, Any], name: str
) -> None:
    """An execution keeps the definition that it began with, and calls the functions of the new version."""
    assert walk(release["definition"], RUNS[name])["status"] == RUNS[name]["status"]
