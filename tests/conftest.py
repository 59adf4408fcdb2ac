"""One deployed stage on the embedded AWS for every test that asks for it; after each, nothing bills."""

from __future__ import annotations

import functools
import gc
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import botocore.loaders
import botocore.session
import hypothesis
import pytest

from local.driver import Inbox, Pipeline
from local.embedded import BEFORE_LEGACY, Embedded, running
from tunedrop import naming
from tunedrop.errors import ThroughputFailed, TransientError
from tunedrop.results.teardown import Teardown
from tunedrop.serving import throughput
from tunedrop.serving.production import Production
from tunedrop.serving.sweep import InService, in_service

KEPT_DEPLOYMENTS = 4

# A busy machine is not a finding: what is measured is measured in bench/.
hypothesis.settings.register_profile("tunedrop", deadline=None)
hypothesis.settings.load_profile("tunedrop")

# Matrices in tests are small: a second thread of OpenBLAS spins for longer than it works.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Each session of boto3 reads the service models that it needs from their files. The sessions of a test run
# share one loader, which halves the time of tests that use moto.
botocore.session.create_loader = functools.cache(botocore.loaders.create_loader)


def pytest_collection_finish() -> None:
    """What is there before the first test stays to the end: collections of garbage need not look at it.

    Those of the oldest generation look at all that tests keep, and free little: a fifth of them will do.
    """
    gc.freeze()
    gc.set_threshold(700, 10, 50)


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """As of a day on which every base model of the catalog could be tuned; a test of today sets today."""
    with running(tmp_path_factory.mktemp("embedded") / "aws", BEFORE_LEGACY) as embedded:
        embedded.deploy()
        yield embedded


@pytest.fixture(scope="session")
def pipeline(embedded: Embedded) -> Pipeline:
    return Pipeline(embedded.session())


@pytest.fixture(scope="session")
def west(embedded: Embedded, pipeline: Pipeline) -> Iterator[Pipeline]:
    """A second stage, in another Region, with a base model that is Legacy today."""
    embedded.deploy("localwest", "us-west-2")
    west = Pipeline(boto3.Session(region_name="us-west-2"), "localwest")
    yield west
    for one in in_service(west.aws, west.stage):
        throughput.release(west.aws.bedrock, one.arn)


@pytest.fixture(scope="session")
def inbox(pipeline: Pipeline) -> Iterator[Inbox]:
    with pipeline.inbox() as inbox:
        yield inbox


@pytest.fixture(scope="session")
def examples() -> Path:
    return Path(__file__).parents[1] / "examples"


@pytest.fixture(autouse=True)
def every_call_is_one_that_aws_would_take(request: pytest.FixtureRequest) -> Iterator[None]:
    """What functions asked, and what our Bedrock answered, by botocore's models: patterns, lengths, enums."""
    yield
    if "embedded" in request.fixturenames:
        violations: Path = request.getfixturevalue("embedded").violations
        found = violations.read_text().splitlines() if violations.exists() else []
        violations.unlink(missing_ok=True)
        assert found == []


@pytest.fixture(scope="session")
def localopen(embedded: Embedded) -> Pipeline:
    """A stage that may use every engine."""
    embedded.deploy("localopen", "us-east-1")
    return Pipeline(embedded.session(), "localopen")


@pytest.fixture(scope="module")
def every_engine(localopen: Pipeline) -> Pipeline:
    """A stage that may use every engine, without what earlier files left: an account imports three models."""
    Teardown(localopen.aws, localopen.stage, None, lambda *_: None).run()
    return localopen


@pytest.fixture(autouse=True)
def nothing_bills_afterwards(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test of the deployed stage: no provisioned throughput, no job at work, no fault left on.

    Deployments may stay until the sweep finds that no alias names them: they bill nothing while idle.
    """
    yield
    if "pipeline" not in request.fixturenames:
        return
    embedded: Embedded = request.getfixturevalue("embedded")
    pipeline: Pipeline = request.getfixturevalue("pipeline")
    embedded.faults.set()
    _end_open_runs(pipeline)
    serving = list(in_service(pipeline.aws, pipeline.stage))
    _make_room(pipeline, [one for one in serving if one.way == "on-demand"])
    left = [one for one in serving if one.way == "provisioned"]
    deployed = pipeline.aws.bedrock.list_custom_model_deployments()["modelDeploymentSummaries"]
    assert left == []
    assert {one["customModelDeploymentArn"] for one in deployed} <= {one.arn for one in serving}
    assert [one["jobName"] for one in _at_work(pipeline)] == []


def _end_open_runs(pipeline: Pipeline) -> None:
    """A run that a test has left open goes on to its end: a job at work is then one that nobody waits for."""
    for job in _at_work(pipeline):
        answer = pipeline.aws.bedrock.list_tags_for_resource(resourceARN=job["jobArn"])
        tags = {one["key"]: one["value"] for one in answer["tags"]}
        record = pipeline.registry.get(tags.get(naming.RUN_TAG, ""))
        if record is not None and record.is_open:
            pipeline.closed(record.run.run_id)


def _at_work(pipeline: Pipeline) -> list[dict[str, Any]]:
    answer = pipeline.aws.bedrock.list_model_customization_jobs(statusEquals="InProgress")
    jobs: list[dict[str, Any]] = answer["modelCustomizationJobSummaries"]
    return jobs


def _make_room(pipeline: Pipeline, deployments: list[InService]) -> None:
    """An account may have ten deployments, and every name that was promoted keeps one.

    What an alias names is taken out of production first, as `tunedrop release` does: an alias of what is gone
    would make the next run of that name inconclusive.
    """
    production = Production(pipeline.aws, pipeline.stage)
    for one in sorted(deployments, key=lambda one: one.created_at)[:-KEPT_DEPLOYMENTS]:
        production.stand_down(one.arn)
        with suppress(ThroughputFailed, TransientError):
            throughput.release(pipeline.aws.bedrock, one.arn)
