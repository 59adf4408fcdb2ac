"""Runs to MLflow: one function, called by the event of a run's end, that reads and can write nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.settings import SettingsError
from tests.infra.conftest import Resources, as_list, synthesize

SERVER = {"tracking_uri": "https://mlflow.example.com", "header_parameter": "/team/mlflow/authorization"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    return Resources(synthesize(tmp_path_factory.mktemp("export"), mlflow=SERVER))


def test_every_end_of_a_run_calls_it(made: Resources) -> None:
    (rule,) = (
        one
        for one in made.of("AWS::Events::Rule").values()
        if one.get("EventPattern", {}).get("detail-type") == ["Tunedrop Run Ended"]
    )
    (target,) = rule["Targets"]

    assert rule["EventPattern"]["detail"] == {"stage": ["dev"]}
    assert "FunctionsExportRun" in str(target["Arn"])
    assert "DeadLetterConfig" in target


def test_it_reads_runs_and_the_header_and_writes_nothing(made: Resources) -> None:
    actions = {
        action: str(statement["Resource"])
        for id_, statement in made.statements()
        if id_.startswith("FunctionsExportRun")
        for action in as_list(statement["Action"])
        if not action.startswith(("kms:", "logs:", "xray:", "sqs:"))
    }

    assert set(actions) == {"dynamodb:GetItem", "s3:GetObject", "s3:ListBucket", "ssm:GetParameter"}
    assert actions["ssm:GetParameter"].endswith(":parameter/team/mlflow/authorization")


def test_it_reads_the_events_of_jobs_whose_service_writes_no_files(tmp_path: Path) -> None:
    engines = ["bedrock", "mantle"]
    resources = Resources(synthesize(tmp_path, "local", mlflow=SERVER, engines=engines))
    actions = {
        action
        for id_, statement in resources.statements()
        if id_.startswith("FunctionsExportRun")
        for action in as_list(statement["Action"])
        if action.startswith("bedrock")
    }

    assert actions == {"bedrock-mantle:GetFineTuningJob"}


def test_an_export_that_fails_is_a_dead_letter_which_raises_an_alarm(made: Resources) -> None:
    (function,) = (one for id_, one in made.of("AWS::Lambda::Function").items() if "ExportRun" in id_)
    (alarm,) = (one for id_, one in made.of("AWS::CloudWatch::Alarm").items() if "EventLost" in id_)

    assert "DeadLetters" in str(function["DeadLetterConfig"])
    assert "DeadLetters" in str(alarm["Dimensions"])


def test_without_a_server_there_is_no_such_function(resources: Resources) -> None:
    assert not [name for name in resources.of("AWS::Lambda::Function") if "Export" in name]


@pytest.mark.parametrize(
    "server",
    [
        {"tracking_uri": "http://mlflow.example.com"},
        {"tracking_uri": "https://user:password@mlflow.example.com"},
        {"tracking_uri": "https://mlflow.example.com", "header_parameter": "mlflow"},
        {"tracking_uri": "https://mlflow.example.com", "token": "secret"},
        {},
    ],
)
def test_a_wrong_server_is_refused(server: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"stages\.dev\.mlflow"):
        synthesize(tmp_path, mlflow=server)
