from __future__ import annotations

import ast
import json
from typing import Any

import msgspec
import pytest

from infra.bundling import ROOT
from infra.functions import EMPTIER, GRADER, RECORDER, STEPS, WATCHERS
from tests.infra.conftest import Resources, as_list
from tunedrop.aws import Aws
from tunedrop.stage import Stage


def names(resources: Resources) -> set[str]:
    return {one["FunctionName"] for one in resources.of("AWS::Lambda::Function").values()}


def targets_of(resources: Resources) -> list[dict[str, Any]]:
    return [target for rule in resources.of("AWS::Events::Rule").values() for target in rule["Targets"]]


def test_there_is_one_function_a_step_and_two_watchers_and_no_other(resources: Resources) -> None:
    functions = (*STEPS, *WATCHERS, RECORDER, GRADER, EMPTIER)
    declared = {f"tunedrop-dev-{one.name.replace('_', '-')}" for one in functions}

    assert names(resources) == declared


@pytest.mark.parametrize("name", [one.name for one in (*STEPS, *WATCHERS, RECORDER, GRADER, EMPTIER)])
def test_every_declared_function_has_a_handler(name: str) -> None:
    source = ROOT / "lambdas" / name / "handler.py"

    defined = {node.name for node in ast.parse(source.read_text()).body if isinstance(node, ast.FunctionDef)}
    assert "handler" in defined


def test_every_function_gets_the_stage_description(resources: Resources) -> None:
    for one in resources.of("AWS::Lambda::Function").values():
        text = one["Environment"]["Variables"]["TUNEDROP_STAGE"]
        parts = [part if isinstance(part, str) else "x" for part in text["Fn::Join"][1]]
        stage = msgspec.json.decode("".join(parts), type=Stage)
        assert (stage.name, stage.account, stage.region) == ("dev", "111122223333", "us-east-1")
        assert len(json.dumps(one["Environment"])) < 4096  # Lambda's limit for all variables


def test_every_function_logs_to_a_group_of_its_own_that_forgets(resources: Resources) -> None:
    groups = resources.of("AWS::Logs::LogGroup")

    for one in resources.of("AWS::Lambda::Function").values():
        group = groups[one["LoggingConfig"]["LogGroup"]["Ref"]]
        assert group["LogGroupName"] == f"/aws/lambda/{one['FunctionName']}"
    assert {group["RetentionInDays"] for group in groups.values()} == {30}


def test_every_function_is_traced_on_arm_and_the_pinned_python(resources: Resources) -> None:
    for one in resources.of("AWS::Lambda::Function").values():
        assert one["TracingConfig"] == {"Mode": "Active"}
        assert one["Architectures"] == ["arm64"]
        assert one["Runtime"] == "python3.13"


def test_every_function_that_is_called_asynchronously_has_a_dead_letter_queue(resources: Resources) -> None:
    called = {str(target["Arn"]) for target in targets_of(resources)}
    asynchronous = {
        id_: one
        for id_, one in resources.of("AWS::Lambda::Function").items()
        if any(id_ in arn for arn in called)
    }

    assert len(asynchronous) == len(WATCHERS)
    assert all("TargetArn" in one["DeadLetterConfig"] for one in asynchronous.values())


def test_no_event_is_lost_without_a_dead_letter(resources: Resources) -> None:
    targets = targets_of(resources)

    assert len(targets) == 7
    assert all("Arn" in target["DeadLetterConfig"] for target in targets)


def test_every_rule_may_write_to_the_dead_letter_queue(resources: Resources) -> None:
    (policy,) = resources.of("AWS::SQS::QueuePolicy").values()
    allowed = {
        condition["Fn::GetAtt"][0]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
        for condition in as_list(statement["Condition"]["ArnEquals"]["aws:SourceArn"])
    }

    assert allowed == set(resources.of("AWS::Events::Rule"))


def test_the_client_that_tries_graders_calls_once_and_ends_before_preflight_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    config = Aws().grader.meta.config
    (preflight,) = [one for one in STEPS if one.name == "preflight"]

    assert config.retries["total_max_attempts"] == 1
    assert preflight.timeout_seconds > 2 * (config.read_timeout + config.connect_timeout)


def test_no_function_needs_more_memory_than_a_new_account_has(resources: Resources) -> None:
    """3,008 MB, until AWS raises it (reported by many; Lambda developer guide, gettingstarted-limits, says
    that new accounts have less memory and concurrency)."""
    assert max(one["MemorySize"] for one in resources.of("AWS::Lambda::Function").values()) <= 3_008
