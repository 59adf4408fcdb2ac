"""Data that a run has trained is refused before its upload, as the pipeline would refuse it after."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests import builders
from tests.unit.fake_bedrock import refusal
from tunedrop import Failed, registration, submit
from tunedrop.aws import Aws
from tunedrop.cli.app import app
from tunedrop.cli.deployed import Deployed
from tunedrop.contracts import Dataset, S3Object
from tunedrop.registration import ObjectCreated
from tunedrop.registry import Record, Registry
from tunedrop.registry.trainings import Trainings
from tunedrop.stage import Stage
from tunedrop.steps.validate_data import validate

TABLE = "prompt;completion\n" + "".join(f"What is {n} and {n}?;It is {2 * n}.\n" for n in range(60))


def chat(n: int) -> str:
    said = [{"role": "user", "content": f"Say {n}."}, {"role": "assistant", "content": f"{n}!"}]
    return json.dumps({"messages": said}) + "\n"


CHAT = "".join(map(chat, range(60)))


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch, aws: Aws, stage: Stage, intake: str) -> None:
    """Nothing registers the run here, and nobody may ask Bedrock for a base model's life."""
    monkeypatch.setattr(
        "tunedrop.cli.runs.submitting.started", lambda *_: Record(run=builders.run(), status="running")
    )

    class Bedrock:
        def get_foundation_model(self, **_: str) -> dict[str, object]:
            raise refusal("AccessDeniedException")

    monkeypatch.setattr(Aws, "bedrock", Bedrock())
    where = {"LocationConstraint": "us-west-2"}
    aws.s3.create_bucket(Bucket=stage.artifacts_bucket, CreateBucketConfiguration=where)


FOLDERS = {
    "JSON lines": {"train.jsonl": CHAT},
    "table": {"train.csv": TABLE},
    "test file": {"train.jsonl": CHAT, "test.jsonl": CHAT.replace("Say", "Shout")},
    "settings": {
        "train.jsonl": CHAT,
        "more": "hyperparameters: {epoch_count: 3}\nevaluation: {max_prompts: 40}\n",
    },
}


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "support"
    path.mkdir()
    given = FOLDERS[getattr(request, "param", "JSON lines")]
    files = {name: text for name, text in given.items() if "." in name}
    for name, text in files.items():
        (path / name).write_text(text)
    data = ", ".join(f"{name.partition('.')[0]}: {name}" for name in files)
    (path / "run.yaml").write_text(f"data: {{{data}}}\n{given.get('more', '')}")
    return path


def send(folder: Path, *more: str) -> tuple[int, str, str]:
    options = ["--yes", "--stage", "test", "--region", "us-east-1", *more]
    result = CliRunner().invoke(app, ["submit", str(folder), *options])
    return result.exit_code, result.stdout, result.stderr


def train(aws: Aws, stage: Stage, registry: Registry) -> None:
    """What the pipeline does with what was uploaded: register_run, validate_data, the claim of preflight."""
    key = "runs/support/run.yaml"
    version = aws.s3.head_object(Bucket=stage.intake_bucket, Key=key)["VersionId"]
    source = S3Object(bucket=stage.intake_bucket, key=key, version_id=version)
    event = ObjectCreated(source=source, requester="ann", time="2026-11-23T10:00:00Z")
    run = registration.register(aws.s3, stage, event, "first", registry.latest_model, lambda _: "auto").run
    assert run is not None
    dataset = validate(aws.s3, stage, run)
    assert isinstance(dataset, Dataset)
    registry.register(run)
    registry.save(run.run_id, dataset=dataset)
    Trainings(aws.dynamodb, stage.registry_table, registry).claim(run, dataset)


def versions(aws: Aws, stage: Stage) -> int:
    return len(aws.s3.list_object_versions(Bucket=stage.intake_bucket)["Versions"])


@pytest.mark.parametrize("folder", FOLDERS, indirect=True)
def test_the_same_again_is_refused_and_nothing_is_uploaded(
    aws: Aws, deployed: Deployed, stage: Stage, registry: Registry, folder: Path
) -> None:
    assert send(folder)[0] == 0
    train(aws, stage, registry)
    before = versions(aws, stage)

    code, _, said = send(folder)

    assert code == 1
    assert "is training the same records with the same settings under this name" in said
    assert "--again" in said
    with pytest.raises(Failed, match="is training the same records"):
        submit(folder, stage="test", region="us-east-1")
    assert versions(aws, stage) == before


def test_who_says_again_or_changes_something_is_not_refused(
    aws: Aws, deployed: Deployed, stage: Stage, registry: Registry, folder: Path
) -> None:
    assert send(folder)[0] == 0
    train(aws, stage, registry)

    assert send(folder, "--again")[0] == 0
    submit(folder, stage="test", region="us-east-1", again=True)
    manifest = folder / "run.yaml"
    written = manifest.read_text()
    for change in ("again: true\n", "deployment: {mode: provisioned}\n"):
        manifest.write_text(written + change)
        assert send(folder)[0] == 0
    manifest.write_text(written)
    data = next(path for path in folder.iterdir() if path.stem == "train")
    data.write_text(data.read_text().replace("17", "seventeen"))
    assert send(folder)[0] == 0


def test_who_may_not_read_the_registry_may_still_upload(
    aws: Aws,
    deployed: Deployed,
    stage: Stage,
    registry: Registry,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert send(folder)[0] == 0
    train(aws, stage, registry)

    def refused(*_: object) -> None:
        raise refusal("AccessDeniedException")

    monkeypatch.setattr(Trainings, "refuse_repeated", refused)

    assert send(folder)[0] == 0
