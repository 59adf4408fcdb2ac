"""The policies of docs/how-to/access.md allow what the commands call, by the emulator's policy evaluator."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document
from typer.testing import CliRunner

from tests import builders
from tests.unit.fake_bedrock import refusal
from tunedrop.aws import Aws
from tunedrop.cli.app import app
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.runs.live import watch
from tunedrop.registry import Registry
from tunedrop.stage import Stage

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "access.md"
ACCOUNT = "arn:aws:{}:us-east-1:111122223333:{}"
BLOCKS = [json.loads(one) for one in re.findall(r"```json\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)]
UPLOADER, COMMAND_LINE = BLOCKS[:1], BLOCKS
ACTIONS = {"HeadObject": "GetObject", "ListObjectsV2": "ListBucket"}
"""Where an operation and its permission have different names (Service Authorization Reference)."""

Call = tuple[str, str]


def is_allowed(policies: list[Any], call: Call, stage: Stage) -> bool:
    """Whether the policies of the page, with the names of a stage in them, allow an action on a resource."""
    action, resource = call
    names = {
        "INTAKE": stage.intake_bucket, "ARTIFACTS": stage.artifacts_bucket, "tunedrop-dev-*": "*",
        "tunedrop/dev/": f"tunedrop/{stage.name}/",
    }  # fmt: skip
    text = json.dumps(policies)
    for placeholder, name in names.items():
        text = text.replace(placeholder, name)
    context = EvalContext(
        principal_arn="arn:aws:sts::111122223333:assumed-role/person/session", principal_type="AssumedRole",
        principal_account="111122223333", action=action, resource_arn=resource, region="us-east-1",
    )  # fmt: skip
    found = evaluate(context, [parse_policy_document(one) for one in json.loads(text)])
    return bool(found.decision == "Allow")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """What is called while a test runs, as the actions and resources that IAM sees."""
    found: list[Call] = []
    make = BaseClient._make_api_call

    def recorded(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        service = client.meta.service_model.service_name
        found.append((f"{service}:{ACTIONS.get(operation, operation)}", _resource(service, parameters)))
        if service == "bedrock":
            raise refusal("AccessDeniedException")  # moto has no base models
        return make(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", recorded)
    return found


def _resource(service: str, parameters: dict[str, Any]) -> str:
    match service:
        case "s3":
            key = f"/{parameters['Key']}" if "Key" in parameters else ""
            return f"arn:aws:s3:::{parameters['Bucket']}{key}"
        case "dynamodb":
            index = f"/index/{parameters['IndexName']}" if "IndexName" in parameters else ""
            return ACCOUNT.format("dynamodb", f"table/{parameters.get('TableName')}{index}")
        case "ssm":
            return ACCOUNT.format("ssm", f"parameter{parameters.get('Name') or parameters['Path']}")
        case _:
            return next((one for one in parameters.values() if str(one).startswith("arn:")), "*")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    answers = ("Monday to Friday.", "Within 30 days.", "Only with the receipt.")
    records = [{"prompt": f"Question {n}?", "completion": f"{answers[n % 3]} {n}"} for n in range(40)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    (tmp_path / "run.yaml").write_text(f"base_model: {builders.NOVA_LITE}\ndata: {{train: train.jsonl}}\n")
    return tmp_path


@pytest.mark.parametrize(
    "command",
    ["runs", "show persona", "models", "watch persona", "compare persona second", "stop persona"],
)
def test_the_policies_allow_what_a_command_calls(
    aws: Aws,
    stage: Stage,
    deployed: Deployed,
    registry: Registry,
    intake: str,
    calls: list[Call],
    command: str,
) -> None:
    registry.register(builders.run(run_id="second", name="second", execution_arn="second"))
    for run_id in ("persona-0123456789", "second"):
        registry.end(run_id, "rejected", None)
    calls.clear()

    CliRunner().invoke(app, [*command.split(), "--stage", "test", "--region", "us-east-1"])

    assert calls
    assert [call for call in dict.fromkeys(calls) if not is_allowed(COMMAND_LINE, call, stage)] == []


def test_the_policies_allow_a_submission(
    aws: Aws,
    stage: Stage,
    deployed: Deployed,
    intake: str,
    calls: list[Call],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks_twice = functools.partial(watch.started, seconds=0.5)  # no function registers the run here
    monkeypatch.setattr("tunedrop.cli.runs.submitting.started", looks_twice)
    arguments = ["submit", str(folder), "--yes", "--stage", "test", "--region", "us-east-1"]

    result = CliRunner().invoke(app, arguments)

    assert any(action == "s3:PutObject" for action, _ in calls), result.output
    assert [call for call in dict.fromkeys(calls) if not is_allowed(COMMAND_LINE, call, stage)] == []


@pytest.mark.parametrize(
    "call",
    [
        ("s3:PutObject", "arn:aws:s3:::artifacts/runs/a/report.html"),
        ("s3:DeleteObject", "arn:aws:s3:::intake/runs/a/train.jsonl"),
        ("ssm:PutParameter", ACCOUNT.format("ssm", "parameter/tunedrop/test/models/a")),
        ("dynamodb:PutItem", ACCOUNT.format("dynamodb", "table/registry")),
        ("bedrock:CreateModelCustomizationJob", "*"),
        ("bedrock:DeleteCustomModel", builders.MODEL_ARN),
        ("s3:GetObject", "arn:aws:s3:::elsewhere/secret"),
    ],
)
def test_the_policies_allow_no_change_of_what_the_pipeline_owns(stage: Stage, call: Call) -> None:
    assert not is_allowed(COMMAND_LINE, call, stage)


def test_who_uploads_reads_reports_and_starts_runs(stage: Stage) -> None:
    allowed = (
        ("s3:PutObject", "arn:aws:s3:::intake/drop/faq.xlsx"),
        ("s3:GetObject", "arn:aws:s3:::artifacts/runs/faq-0123456789/report.html"),
        ("s3:GetObject", "arn:aws:s3:::artifacts/index.html"),
    )

    assert all(is_allowed(UPLOADER, call, stage) for call in allowed)
    assert not is_allowed(UPLOADER, ("dynamodb:Query", ACCOUNT.format("dynamodb", "table/registry")), stage)
