"""What a stage has in Bedrock: what is listed, by which filter, and what of it is the stage's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock, aws_of, refusal
from tunedrop.serving import inventory
from tunedrop.stage import Stage
from tunedrop.training.engine import Leftover

CREATED = datetime(2026, 11, 23, tzinfo=UTC)
RUNNING = [{"statusEquals": "InProgress"}, {"statusEquals": "Stopping"}]
OURS = {"tags": [{"key": "tunedrop:stage", "value": "test"}, {"key": "tunedrop:run", "value": "mine"}]}

LISTS: dict[Any, tuple[str, str, list[dict[str, Any]]]] = {
    "customization job": ("list_model_customization_jobs", "modelCustomizationJobSummaries", RUNNING),
    "evaluation job": ("list_evaluation_jobs", "jobSummaries", RUNNING),
    "import job": ("list_model_import_jobs", "modelImportJobSummaries", RUNNING[:1]),
    "deployment": ("list_custom_model_deployments", "modelDeploymentSummaries", [{}]),
    "throughput": ("list_provisioned_model_throughputs", "provisionedModelSummaries", [{}]),
    "imported model": ("list_imported_models", "modelSummaries", [{}]),
    "custom model": ("list_custom_models", "modelSummaries", [{"isOwned": True}]),
}
"""For each kind its operation, where the answer holds its resources, and by what they are asked for: of jobs
those that run or are being stopped, since an import can be neither stopped nor deleted."""


def listing(kind: Any, *arns: str, tags: Any = OURS) -> FakeBedrock:
    """A Bedrock with resources of a kind, each with all the names that one operation or another uses."""
    operation, items, asked = LISTS[kind]
    found = [
        {"createdAt": CREATED, "creationTime": CREATED, "modelArn": builders.MODEL_ARN}
        | dict.fromkeys(("jobArn", "customModelDeploymentArn", "provisionedModelArn"), arn)
        | dict.fromkeys(("jobName", "customModelDeploymentName", "provisionedModelName", "modelName"), "a")
        | ({"modelArn": arn} if kind in ("imported model", "custom model") else {})
        for arn in arns
    ]
    pages = [{items: found}, *({items: []} for _ in asked[1:])]
    return FakeBedrock(**{operation: pages, "list_tags_for_resource": tags})


def importing(stage: Stage) -> Stage:
    """One with an engine whose models are imported."""
    return msgspec.structs.replace(stage, engines=("bedrock", "sagemaker-serverless"))


@pytest.mark.parametrize("kind", LISTS)
def test_each_kind_is_asked_for_by_what_still_costs_or_can_be_ended(kind: Any, stage: Stage) -> None:
    bedrock = listing(kind, "arn:1")

    (found,) = inventory.resources(aws_of(bedrock), importing(stage), (kind,))

    operation, _, asked = LISTS[kind]
    assert bedrock.called(operation) == asked
    assert (found.kind, found.arn, found.run_id, found.created_at) == (
        kind, "arn:1", "mine", "2026-11-23T00:00:00Z",
    )  # fmt: skip


def test_evaluation_jobs_that_have_ended_are_listed_where_they_are_to_be_deleted(stage: Stage) -> None:
    bedrock = listing("evaluation job", "arn:1")

    list(inventory.resources(aws_of(bedrock), stage, ("evaluation job",), ended_evaluations=True))

    assert bedrock.called("list_evaluation_jobs") == [{}]


def test_a_stage_that_imports_nothing_lists_no_imports(stage: Stage) -> None:
    """Its functions may not."""
    bedrock = listing("imported model", "arn:1")

    assert list(inventory.resources(aws_of(bedrock), stage, ("import job", "imported model"))) == []
    assert bedrock.calls == []


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        (OURS, 1),
        ({"tags": [{"key": "tunedrop:stage", "value": "test2"}]}, 0),
        ({"tags": [{"key": "stage", "value": "test"}]}, 0),
        ({}, 0),
        (refusal("ResourceNotFoundException"), 0),  # it has gone since it was listed
    ],
)
def test_what_is_the_stages_its_tag_says(stage: Stage, tags: Any, found: int) -> None:
    bedrock = listing("deployment", "arn:1", tags=tags)

    assert len(list(inventory.resources(aws_of(bedrock), stage, ("deployment",)))) == found


def test_one_whose_tags_cannot_be_read_hides_no_other(stage: Stage) -> None:
    refused = refusal("AccessDeniedException")
    told: list[tuple[str, ClientError | BotoCoreError]] = []
    bedrock = listing("deployment", "arn:1", "arn:2", tags=[refused, OURS])

    found = inventory.resources(
        aws_of(bedrock), stage, ("deployment",), lambda what, error: told.append((what, error))
    )

    assert [one.arn for one in found] == ["arn:2"]
    assert told == [("tags of arn:1", refused)]
    with pytest.raises(ClientError):
        list(
            inventory.resources(aws_of(listing("deployment", "arn:1", tags=refused)), stage, ("deployment",))
        )


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        (("training job", "deployment"), [["training job"]]),
        (("trained model", "training job"), [["training job", "trained model"]]),
        (("deployment",), []),
    ],
)
def test_what_engines_hold_is_asked_of_each_engine_of_the_stage(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, wanted: Any, asked: list[list[str]]
) -> None:
    calls: list[list[str]] = []

    class Engine:
        def leftovers(self, _: Any, __: Stage, kinds: list[str]) -> list[Leftover]:
            calls.append(kinds)
            return [
                Leftover(kind="training job", arn="arn:job", name="a", status="InProgress", run_id="mine",
                         created_at="2026-11-23T00:00:00Z")
            ]  # fmt: skip

    monkeypatch.setattr(inventory.engines, "named", lambda _: Engine())
    bedrock = FakeBedrock(list_custom_model_deployments={"modelDeploymentSummaries": []})
    stage = msgspec.structs.replace(stage, engines=("one",))

    found = list(inventory.resources(aws_of(bedrock), stage, wanted))

    assert calls == asked
    assert [(one.kind, one.arn, one.run_id) for one in found] == [
        ("training job", "arn:job", "mine") for _ in asked
    ]


@pytest.mark.parametrize("silent", ["first", "second", "third"])
def test_an_engine_that_does_not_answer_hides_no_other(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, silent: str
) -> None:
    refused = refusal("AccessDeniedException")

    class Engine:
        def __init__(self, name: str) -> None:
            self.name = name

        def leftovers(self, *_: Any) -> list[Leftover]:
            if self.name == silent:
                raise refused
            return [
                Leftover(kind="training job", arn=self.name, name="a", status="InProgress", run_id="mine",
                         created_at="2026-11-23T00:00:00Z")
            ]  # fmt: skip

    monkeypatch.setattr(inventory.engines, "named", Engine)
    stage = msgspec.structs.replace(stage, engines=("first", "second", "third"))
    told: list[tuple[str, ClientError | BotoCoreError]] = []

    found = inventory.resources(
        aws_of(FakeBedrock()), stage, ("training job",), lambda what, error: told.append((what, error))
    )

    assert {one.arn for one in found} == {"first", "second", "third"} - {silent}
    assert told == [(f"the resources of the engine {silent}", refused)]
    with pytest.raises(ClientError):
        list(inventory.resources(aws_of(FakeBedrock()), stage, ("training job",)))
