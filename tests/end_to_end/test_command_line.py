"""The command line against a deployed stage, as a person runs it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.driver import Pipeline
from local.embedded import Embedded
from local.faults import A_DAY
from tests.end_to_end.terminal import Terminal, Tunedrop
from tunedrop import naming
from tunedrop.serving import inventory


@pytest.fixture(scope="module")
def run_id(
    tunedrop: Tunedrop, pipeline: Pipeline, examples: Path, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """A run that was submitted and watched to its end."""
    folder = tmp_path_factory.mktemp("runs") / "by-hand"
    shutil.copytree(examples / "support-persona", folder)

    done = tunedrop("submit", str(folder), "--watch", "--yes")

    assert "uploaded  s3://" in done.stdout
    assert "promoted" in done.stdout
    return pipeline.run_named("by-hand").run.run_id


@pytest.fixture(scope="module")
def approved(embedded: Embedded, examples: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a person saw who submitted a run over its budget, approved it with a key and saw it end."""
    folder = tmp_path_factory.mktemp("runs") / "over-budget"
    shutil.copytree(examples / "support-persona", folder)
    manifest = folder / "run.yaml"
    manifest.write_text(re.sub(r"budget_usd: \d+", "budget_usd: 1", manifest.read_text()))

    with Terminal(embedded, "submit", str(folder), "--watch", "--stage", "local") as terminal:
        terminal.shows("Submit over-budget to stage local?")
        terminal.types("y\n")
        terminal.shows("over the run's budget of 1.00 USD")
        terminal.shows("Approve it?")
        terminal.types("y")
        terminal.shows("loss ")
        terminal.shows("is better than its base model and in production")
        assert terminal.exit_code() == 0
    return terminal.output


def error_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What a program is told of a command that has failed; nothing else is on stdout."""
    assert done.stdout == ""
    error: dict[str, Any] = json.loads(done.stderr)["error"]
    return error


def test_runs_are_listed_for_people_and_for_programs(tunedrop: Tunedrop, run_id: str) -> None:
    listed = json.loads(tunedrop("runs", "--format", "json").stdout)

    assert run_id in [one["run"]["run_id"] for one in listed]
    assert run_id in tunedrop("runs").stdout


def test_a_run_is_shown_with_what_it_has_produced(tunedrop: Tunedrop, run_id: str) -> None:
    shown = json.loads(tunedrop("show", run_id, "--format", "json").stdout)

    assert shown["status"] == "promoted"
    assert {"dataset", "estimate", "job", "evaluation", "cost"} <= set(shown)
    assert "evaluate model" in tunedrop("show", "by-hand").stdout


def test_a_report_is_downloaded(tunedrop: Tunedrop, run_id: str, tmp_path: Path) -> None:
    told = json.loads(
        tunedrop("report", run_id, "--output", str(tmp_path / "report.html"), "--format", "json").stdout
    )

    assert told["path"] == str(tmp_path / "report.html")
    assert told["uri"].endswith(f"/runs/{run_id}/report.html")
    assert "is better than its base model" in (tmp_path / "report.html").read_text()


def test_the_index_page_has_the_run_its_links_and_what_is_in_production(
    pipeline: Pipeline, run_id: str
) -> None:
    page = pipeline.artifact(naming.INDEX_KEY).decode()

    assert f'href="runs/{run_id}/report.html"' in page
    assert f'href="runs/{run_id}/findings.html"' in page
    assert "/tunedrop/local/models/by-hand" in page
    assert "every record follows every rule" in pipeline.artifact(naming.findings_key(run_id)).decode()


def test_a_promoted_model_has_a_card(tunedrop: Tunedrop, run_id: str) -> None:
    card = tunedrop("models", "by-hand", "--card").stdout

    assert card.startswith("---\nbase_model: ")
    assert run_id in card


def test_tuned_and_base_model_get_the_same_question_with_the_trained_system_prompt(
    tunedrop: Tunedrop, run_id: str
) -> None:
    asked = json.loads(tunedrop("ask", run_id, "My planter leaks.", "--format", "json").stdout)

    assert [one["who"] for one in asked["answers"]] == ["tuned", "base"]
    assert all(one["text"] and not one["error"] for one in asked["answers"])
    assert asked["not_asked"] == {"production": "is the tuned model"}
    assert "Fern" in asked["system"]
    assert "tuned: " in tunedrop("ask", "by-hand", "My planter leaks.").stdout


def test_models_in_production_are_listed(tunedrop: Tunedrop, run_id: str) -> None:
    models = json.loads(tunedrop("models", "--format", "json").stdout)

    assert ":custom-model-deployment/" in models["/tunedrop/local/models/by-hand"]


def test_serving_resources_are_listed_with_their_cost(tunedrop: Tunedrop, run_id: str) -> None:
    serving = json.loads(tunedrop("throughput", "--format", "json").stdout)

    assert {one["hourly_usd"] for one in serving["in_service"] if one["run_id"] == run_id} == {0.0}
    assert "free while idle" in tunedrop("throughput").stdout


def test_a_name_with_one_model_cannot_be_rolled_back(tunedrop: Tunedrop, run_id: str) -> None:
    assert "no earlier model" in tunedrop("rollback", "by-hand", code=1).stderr


def test_a_model_is_promoted_by_hand(tunedrop: Tunedrop, run_id: str) -> None:
    assert ":custom-model-deployment/" in tunedrop("promote", run_id, "--yes").stdout
    assert json.loads(tunedrop("promote", run_id, "--yes", "--format", "json").stdout)["alias"].endswith(
        "/by-hand"
    )


def test_a_run_that_went_well_has_nothing_to_retry(tunedrop: Tunedrop, run_id: str) -> None:
    assert "there is nothing to retry" in tunedrop("retry", run_id, code=1).stderr
    assert error_of(tunedrop("retry", run_id, "--format", "json", code=1))["exit_code"] == 1


def test_a_run_that_has_ended_cannot_be_approved(tunedrop: Tunedrop, run_id: str) -> None:
    error = error_of(tunedrop("approve", run_id, "--format", "json", code=1))

    assert error["message"] == f"{run_id} is promoted: it is not waiting for approval"


def test_a_released_resource_is_reported_as_released(tunedrop: Tunedrop, run_id: str) -> None:
    arn = "arn:aws:bedrock:us-east-1:000000000000:custom-model-deployment/zzzzzzzzzzzz"

    error = error_of(tunedrop("throughput", "release", arn, "--format", "json", code=1))

    assert error["message"] == f"stage local serves no model under {arn}"
    assert error["next"] == "See them: tunedrop throughput --stage local"


def test_a_slip_in_what_is_to_be_released_is_pointed_out(
    tunedrop: Tunedrop, pipeline: Pipeline, run_id: str
) -> None:
    alias = pipeline.aws.ssm.get_parameter(Name="/tunedrop/local/models/by-hand")["Parameter"]["Value"]

    error = error_of(tunedrop("throughput", "release", f"{alias[:-1]}_", "--format", "json", code=1))

    assert error["next"] == f"Did you mean {alias}?"


def test_an_estimate_counts_with_the_stages_budgets(tunedrop: Tunedrop, run_id: str, examples: Path) -> None:
    example = str(examples / "support-persona")

    estimate = json.loads(tunedrop("estimate", example, "--stage", "local", "--format", "json").stdout)

    assert {line["item"] for line in estimate["lines"]} == {"training", "model storage", "evaluation"}
    assert all(line["source"] and line["priced_on"] for line in estimate["lines"])
    assert estimate["approval_reasons"] == []


def test_a_stopped_run_is_retried_from_the_command_line(
    embedded: Embedded, tunedrop: Tunedrop, pipeline: Pipeline, examples: Path
) -> None:
    embedded.faults.set(training_minutes=A_DAY)
    name = pipeline.drop("stopped-by-hand", examples / "support-persona" / "train.jsonl")
    stopped = pipeline.run_named(name).run.run_id
    tunedrop("stop", stopped)
    pipeline.closed(stopped)
    embedded.faults.set()
    assert "stopped" in tunedrop("watch", stopped, code=1).stderr

    tunedrop("retry", stopped, "--watch", "--yes")

    record = pipeline.registry.get(stopped)
    assert record is not None
    assert (record.status, record.run.attempt) == ("promoted", 2)


def test_a_person_sees_the_run_go_and_approves_it_with_a_key(approved: str, pipeline: Pipeline) -> None:
    assert "\x1b[32m✓" in approved
    assert pipeline.run_named("over-budget").status == "promoted"


def test_runs_on_the_same_data_are_compared_on_the_prompts_that_they_share(
    tunedrop: Tunedrop, run_id: str, approved: str, tmp_path: Path
) -> None:
    page = tmp_path / "compare.html"

    found = json.loads(
        tunedrop("compare", run_id, "over-budget", "--html", str(page), "--format", "json").stdout
    )

    (against,) = found["against_first"]
    assert against["prompts"] > 20
    assert all(one["low"] <= one["difference"] <= one["high"] for one in against["scores"])
    assert len(found["answers"]) == against["prompts"]
    assert run_id in page.read_text()
    assert "in common with the first" in tunedrop("compare", run_id, "over-budget").stdout


def test_events_of_a_run_are_json_lines_for_programs(tunedrop: Tunedrop, run_id: str) -> None:
    events = [json.loads(line) for line in tunedrop("watch", run_id, "--format", "json").stdout.splitlines()]

    assert {"step-ended", "ended"} <= {event["event"] for event in events}
    assert events[-1]["status"] == "promoted"


def test_programs_get_the_submitted_run_as_json(
    tunedrop: Tunedrop, pipeline: Pipeline, examples: Path, tmp_path: Path
) -> None:
    file = tmp_path / "one-file.jsonl"
    shutil.copy(examples / "support-persona" / "train.jsonl", file)

    submitted = json.loads(tunedrop("submit", str(file), "--yes", "--format", "json").stdout)

    assert submitted["uploaded"][0].endswith("/drop/one-file.jsonl")
    assert submitted["estimate"]["lines"]
    assert json.loads(tunedrop("stop", submitted["run_id"], "--format", "json").stdout)["asked"] == "stop"
    pipeline.closed(submitted["run_id"])


def test_data_that_the_pipeline_would_refuse_is_not_uploaded(
    tunedrop: Tunedrop, pipeline: Pipeline, tmp_path: Path
) -> None:
    (tmp_path / "broken.jsonl").write_text('{"prompt": "only"}\n')

    assert "completion is missing" in tunedrop("submit", str(tmp_path / "broken.jsonl"), code=1).stderr
    assert "Contents" not in pipeline.aws.s3.list_objects_v2(
        Bucket=pipeline.stage.intake_bucket, Prefix="drop/broken"
    )


def test_a_doctor_finds_the_deployed_stage_healthy(tunedrop: Tunedrop) -> None:
    found = json.loads(tunedrop("doctor", "--format", "json").stdout)

    states = {(finding["about"], finding["name"]): finding["state"] for finding in found["findings"]}
    assert found["healthy"] is True
    assert states["Account", "CDK bootstrap"] == "good"
    assert states["Base models", "Nova Lite"] == "good"
    assert states["Service quotas", "concurrent customization jobs"] == "good"
    assert states["Stage local", "event delivery"] == "good"
    assert states["Stage local", "bucket settings"] == "good"
    assert states["Stage local", "Bedrock's role"] == "good"


def test_the_doctor_reports_what_would_fail(tunedrop: Tunedrop) -> None:
    done = tunedrop("doctor", "--base-model", "meta.llama3-3-70b-instruct-v1:0:128k", code=1)

    assert "is customized in us-west-2, not in us-east-1" in done.stdout
    assert "1 will fail" in done.stdout


def test_a_missing_run_is_reported(tunedrop: Tunedrop) -> None:
    assert "there is no run nobody" in tunedrop("show", "nobody", code=1).stderr


def test_a_missing_stage_is_reported(tunedrop: Tunedrop) -> None:
    assert "make deploy STAGE=elsewhere" in tunedrop("runs", "--stage", "elsewhere", code=3).stderr


def test_teardown_asks_for_the_name_of_a_model_in_production(
    tunedrop: Tunedrop, embedded: Embedded, pipeline: Pipeline, run_id: str
) -> None:
    refused = tunedrop("teardown", run_id, code=2)
    assert "say --yes" in refused.stderr
    refused = tunedrop("teardown", run_id, "--yes", code=2)
    assert "IN PRODUCTION" in refused.stderr
    assert "/tunedrop/local/models/by-hand" in refused.stderr
    with Terminal(embedded, "teardown", run_id, "--stage", "local") as terminal:
        terminal.shows("IN PRODUCTION")
        terminal.shows("Delete ")
        terminal.types("y\n")
        terminal.shows("out of production?")
        terminal.types("n\n")
        terminal.shows("nothing was deleted")
        assert terminal.exit_code() == 1
    assert mine(pipeline, run_id)


def test_what_an_alias_names_is_not_released(tunedrop: Tunedrop, pipeline: Pipeline, run_id: str) -> None:
    alias = pipeline.aws.ssm.get_parameter(Name="/tunedrop/local/models/by-hand")["Parameter"]["Value"]

    assert "is in production" in tunedrop("throughput", "release", alias, code=1).stderr
    assert "stage local serves no model under" in tunedrop("throughput", "release", "foo", code=1).stderr


def test_teardown_leaves_nothing_of_a_run(tunedrop: Tunedrop, pipeline: Pipeline, run_id: str) -> None:
    done = tunedrop("teardown", run_id, "--yes", "--production")

    assert f"no billable resources of {run_id} remain" in done.stdout
    assert "withdrew  /tunedrop/local/models/by-hand" in done.stdout
    again = json.loads(tunedrop("teardown", run_id, "--yes", "--format", "json").stdout)
    assert (again["remaining"], again["deleted"]) == ({}, [])
    assert mine(pipeline, run_id) == []
    assert "deleted" in tunedrop("models", "by-hand").stdout
    assert (
        json.loads(tunedrop("models", "--format", "json").stdout).get("/tunedrop/local/models/by-hand")
        is None
    )


def mine(pipeline: Pipeline, run_id: str) -> list[inventory.Resource]:
    """What Bedrock's own lists hold of a run."""
    return list(inventory.of_run(pipeline.aws, pipeline.stage, run_id))
