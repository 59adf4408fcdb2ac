"""The package as people use it in notebooks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import tunedrop
from tests import builders
from tunedrop import naming
from tunedrop.aws import Aws
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.plan._sample_records import sample
from tunedrop.contracts import CompletedJob, Dataset
from tunedrop.notebook import calls
from tunedrop.registry import Registry

CHAT = [
    {"role": "user", "content": [{"text": "Where?"}]},
    {"role": "assistant", "content": [{"text": "Here."}]},
]
ROOT = Path(__file__).resolve().parents[3]
ARN = "arn:aws:bedrock:us-east-1:111122223333:custom-model-deployment/abcdefghijkl"


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    path.write_text(sample("single-turn"), encoding="utf-8")
    return path


def test_importing_it_imports_nothing_else() -> None:
    script = "import tunedrop, sys; print(*[name for name in sys.modules if name.startswith('tunedrop')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["tunedrop"]


def test_every_public_function_is_documented_and_typed() -> None:
    for name in tunedrop.__all__:
        thing = getattr(tunedrop, name)
        assert thing.__doc__, name
        if name != "Failed":
            assert thing.__annotations__["return"], name


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'checks'"):
        tunedrop.checks  # type: ignore[attr-defined]  # noqa: B018 - the access is what is tested


def test_a_check_gives_a_report(dataset: Path) -> None:
    report = tunedrop.check(dataset)

    assert report.valid
    assert report.method == "single-turn"


def test_a_check_of_a_wrong_dataset_is_a_report_with_its_errors(dataset: Path) -> None:
    dataset.write_text(dataset.read_text() + "{\n")

    assert not tunedrop.check(str(dataset), max_findings=1).valid


def test_what_cannot_be_checked_is_an_error_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text("")

    with pytest.raises(tunedrop.Failed, match=r"there is no file .*trian\.jsonl") as failed:
        tunedrop.check(tmp_path / "trian.jsonl")
    assert "Did you mean" in failed.value.next


def test_an_estimate_has_a_source_for_every_price() -> None:
    found = tunedrop.estimate(ROOT / "examples" / "support-persona")

    assert found.likely > 0
    assert all(line.source or "no dated price" in line.basis for line in found.lines)


def test_a_conversion_reports_its_records(dataset: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"

    done = tunedrop.convert(dataset, "openai-chat", output)

    assert done.written == done.read == len(output.read_text().splitlines())
    assert "messages" in json.loads(output.read_text().splitlines()[0])


def test_runs_are_listed(deployed: Deployed) -> None:
    (record,) = tunedrop.runs("test", region="us-east-1")

    assert record.run.run_id == builders.run().run_id


def test_following_an_ended_run_prints_its_events_and_returns_the_result(
    deployed: Deployed, registry: Registry
) -> None:
    run_id = builders.run().run_id
    registry.save(run_id, dataset=builders.dataset(), job=builders.job())
    registry.end(run_id, "promoted", None)
    lines: list[str] = []

    ending = tunedrop.follow(run_id, "test", region="us-east-1", progress=lines.append)

    assert isinstance(ending.dataset, Dataset)
    assert isinstance(ending.job, CompletedJob)
    assert lines


def test_a_name_without_a_model_is_refused(deployed: Deployed) -> None:
    with pytest.raises(tunedrop.Failed, match="no model is in production under the name persona"):
        tunedrop.ask("persona", "Hello?", stage="test", region="us-east-1")


def test_the_model_in_production_answers(
    deployed: Deployed, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = builders.run().run_id
    dataset = builders.dataset(target_format="converse")
    registry.save(run_id, dataset=dataset)
    deployed.aws.s3.create_bucket(Bucket="artifacts")
    trained = {"system": [{"text": "You are Fern."}], "messages": CHAT}
    deployed.aws.s3.put_object(
        Bucket="artifacts", Key=naming.place_of(dataset.train.uri)[1], Body=json.dumps(trained).encode()
    )
    deployed.aliases.promote("persona", run_id, builders.MODEL_ARN, ARN)
    asked: dict[str, object] = {}

    class Runtime:
        def converse(self, **request: object) -> dict[str, object]:
            asked.update(request)
            message = {"content": [{"text": "It is on its way."}]}
            usage = {"inputTokens": 1, "outputTokens": 1}
            return {"output": {"message": message}, "usage": usage, "metrics": {"latencyMs": 1}}

    monkeypatch.setattr(calls.Deployed, "aws", deployed.aws, raising=False)
    monkeypatch.setattr(type(deployed.aws), "bedrock_runtime", Runtime())

    assert tunedrop.ask("persona", "Where is it?", stage="test", region="us-east-1") == "It is on its way."
    assert asked["modelId"] == ARN
    assert asked["system"] == [{"text": "You are Fern."}], "the system prompt that it was trained with"
    tunedrop.ask("persona", "Where?", system="Be short.", stage="test", region="us-east-1")
    assert asked["system"] == [{"text": "Be short."}]
    deployed.aws.s3.delete_object(Bucket="artifacts", Key=naming.place_of(dataset.train.uri)[1])
    tunedrop.ask("persona", "Where?", stage="test", region="us-east-1")
    alias = deployed.aliases.parameter("persona")
    deployed.aws.ssm.put_parameter(Name=alias, Value=f"{ARN}-copy", Overwrite=True)
    with pytest.raises(tunedrop.Failed, match=f"{ARN}-copy, was put there by hand"):
        tunedrop.ask("persona", "Where?", stage="test", region="us-east-1")


def test_errors_of_aws_say_what_to_do(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.delenv("AWS_REGION", raising=False)

    with pytest.raises(tunedrop.Failed, match="region") as failed:
        tunedrop.runs("test")
    assert "set AWS_REGION" in str(failed.value), "a notebook shows the text of the error alone"


def test_the_stage_and_region_are_those_of_the_environment(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("TUNEDROP_STAGE_NAME", "test")

    assert len(tunedrop.runs()) == 1


def test_columns_of_a_table_can_be_named(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("foo;bar\nWhat?;That.\n", encoding="utf-8")
    columns = {"prompt": "foo", "completion": "bar"}

    assert not tunedrop.check(table).valid
    assert tunedrop.check(table, columns=columns).valid
    assert tunedrop.convert(table, "converse", tmp_path / "out.jsonl", columns=columns).written == 1
    with pytest.raises(tunedrop.Failed, match=r"columns: there is no part 'promt'.*prompt, completion"):
        tunedrop.check(table, columns={"promt": "foo"})
