"""Whoever adds an engine adds one folder and its entries in the catalog: a sixth one lives a whole run here.

Nothing else knows of it, and the run is registered, looked at, priced, queued, trained, polled, stopped and
torn down as every other.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from infra import settings
from infra.settings import SettingsError
from tests import builders
from tests.unit.fake_bedrock import FakeBedrock
from tests.unit.local_bedrock import LocalBedrock
from tunedrop import catalog
from tunedrop.aws import Aws
from tunedrop.catalog._engine import Engine
from tunedrop.contracts import CompletedJob, Run, StartedJob, Wait
from tunedrop.cost.estimate import estimate
from tunedrop.errors import InvalidManifest, PreflightFailed
from tunedrop.evaluation.workload import workload
from tunedrop.preflight.checks import Preflighter
from tunedrop.registry import Registry
from tunedrop.results import release
from tunedrop.results.teardown import Teardown
from tunedrop.serving import choose, models
from tunedrop.stage import Stage
from tunedrop.training import engines
from tunedrop.waiting import _poll, queue
from tunedrop.waiting.table import Waits

ROOT = Path(__file__).parents[3]

ENTRY = """
inherits = ["nova"]
id = "acme.sixth-1b"
name = "Sixth 1B"
family = "sixth"
engine = "sixth"
inference_id = "acme.sixth-1b"
lifecycle_id = ""

[prices.training_per_million_tokens]
usd = 2.0
source = "a list"
priced_on = "2026-11-29"
"""

FOLDER = """
from tunedrop.contracts import Check, StartedJob
from tunedrop.training.engine import Leftover, TrainingEngine
from tunedrop.training.job import Charge, Job, started

JOBS = {}
HUBS = ["arn:aws:sixth:us-east-1:111122223333:hub/test"]


class Sixth(TrainingEngine):
    name = "sixth"
    service = "sixth"
    job_arns = ":sixth-job/"
    model_arns = ":sixth-model/"
    dead_end = "was made by the sixth engine: name the base model"
    unfreeable = "Ask for more"

    def start(self, aws, stage, run, planned, base_model, parent):
        name = self.name_of(stage, run, planned.number)
        arn = f"arn:aws:sixth:us-east-1:111122223333:sixth-job/{name}"
        JOBS.setdefault(arn, {"run": run.run_id, "status": "InProgress", "asked": planned.hyperparameters})
        return started(self.describe(aws, arn))

    def describe(self, aws, name_or_arn):
        arn = next((one for one in JOBS if one == name_or_arn or one.endswith("/" + name_or_arn)), None)
        if arn is None:
            return None
        done = JOBS[arn]["status"] == "Completed"
        model = arn.replace("sixth-job", "sixth-model") if done else ""
        return Job(arn=arn, name=arn.rpartition("/")[2], status=JOBS[arn]["status"], model_arn=model)

    def stop(self, aws, job_arn):
        was, JOBS[job_arn]["status"] = JOBS[job_arn]["status"], "Stopped"
        return was == "InProgress"

    def price(self, planned, base_model):
        return Charge(by="token", price=base_model.prices.training_per_million_tokens)

    def in_progress(self, aws):
        return sum(job["status"] == "InProgress" for job in JOBS.values())

    def status_of_model(self, aws, model_arn):
        return "Active" if model_arn.replace("sixth-model", "sixth-job") in JOBS else ""

    def delete_model(self, aws, model_arn):
        return JOBS.pop(model_arn.replace("sixth-model", "sixth-job"), None) is not None

    def checks(self, aws, stage, run, dataset, base_model):
        yield Check(name="sixth", passed=len(HUBS) == 1, detail="the sixth engine has a hub", hint="Make one")

    def leftovers(self, aws, stage, kinds):
        for arn, job in JOBS.items():
            kind = {"InProgress": "training job", "Completed": "trained model"}.get(job["status"], "")
            if kind in kinds:
                shown = arn if kind == "training job" else arn.replace("sixth-job", "sixth-model")
                status = "InProgress" if kind == "training job" else "Active"
                yield Leftover(kind=kind, arn=shown, name=arn.rpartition("/")[2], status=status,
                               run_id=job["run"], created_at="2026-11-29T00:00:00Z")

    def forget(self, aws, stage):
        gone, HUBS[:] = list(HUBS), []
        return gone


ENGINE = Sixth()
"""


@pytest.fixture
def sixth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The folder beside the others, and two entries in the catalog; gives the folder's module."""
    (tmp_path / "sixth").mkdir()
    (tmp_path / "sixth" / "__init__.py").write_text(FOLDER)
    monkeypatch.setattr(engines, "__path__", [*engines.__path__, str(tmp_path)])
    engines.every.cache_clear()
    pages = tmp_path / "catalog"
    (pages / "models").mkdir(parents=True)
    (pages / "families").symlink_to(Path(str(catalog.__file__)).parent / "families")
    (pages / "models" / "sixth.toml").write_text(ENTRY)
    for id_, model in catalog.read(pages).items():
        monkeypatch.setitem(catalog.load(), id_, model)
    monkeypatch.setitem(catalog.engines(), "sixth", Engine(title="the sixth engine"))
    yield importlib.import_module(f"{engines.__name__}.sixth")
    engines.every.cache_clear()
    sys.modules.pop(f"{engines.__name__}.sixth", None)


@pytest.fixture
def its_stage(stage: Stage) -> Stage:
    return msgspec.structs.replace(stage, engines=("bedrock", "sixth"))


def resolved(stage: Stage, **more: Any) -> Run:
    return builders.resolved(stage, **{"base_model": "acme.sixth-1b", "method": "single-turn", **more})


@pytest.mark.usefixtures("sixth")
def test_only_a_stage_that_has_it_trains_with_it(stage: Stage, its_stage: Stage) -> None:
    assert resolved(its_stage, engine="sixth") == resolved(its_stage)
    with pytest.raises(InvalidManifest, match=r'by the sixth engine.*add "sixth" to its setting engines'):
        resolved(stage)
    with pytest.raises(InvalidManifest, match="Sixth 1B is not tuned by mantle, but by sixth"):
        resolved(its_stage, engine="mantle")
    with pytest.raises(InvalidManifest, match="was made by the sixth engine: name the base model"):
        resolved(its_stage, base_model="arn:aws:sixth:us-east-1:111122223333:sixth-model/a")

    with pytest.raises(SettingsError, match="seventh is not an engine"):
        deployed(["bedrock", "seventh"])
    assert deployed(["bedrock", "sixth"]).engines == ("bedrock", "sixth")


def test_a_run_of_it_is_checked_priced_queued_trained_and_torn_down(
    sixth: ModuleType, aws: Aws, its_stage: Stage, registry: Registry, waits: Waits, tmp_path: Path
) -> None:
    run, data = resolved(its_stage), builders.dataset()
    base = catalog.find(run.base_model)
    registry.register(run)
    registry.save(run.run_id, dataset=data)
    aws.bedrock = LocalBedrock(tmp_path).client

    assert "sixth" in checked(aws, its_stage, run)
    sixth.HUBS.append("another")
    with pytest.raises(PreflightFailed, match=r"the sixth engine has a hub\. Make one"):
        checked(aws, its_stage, run)
    sixth.HUBS.pop()
    way = choose.way(base, run.deployment)
    priced = estimate(run, data, base, way, workload(data, run, has_champion=False))
    training = next(line for line in priced.lines if line.item == "training")
    assert (training.source, training.likely > 0) == ("a list", True)

    started = queue.start_or_queue(aws, waits, its_stage, run, data, base, granted=False)
    again = queue.start_or_queue(aws, waits, its_stage, run, data, base, granted=False)
    assert started == again
    assert started.outcome == "started"
    wait = waiting(run, started)
    assert _poll.poll(aws, its_stage, registry, wait) is None
    next(iter(sixth.JOBS.values()))["status"] = "Completed"
    done = _poll.poll(aws, its_stage, registry, wait)
    assert isinstance(done, CompletedJob)
    assert models.base_of(aws, its_stage, done.model_arn, run.run_id) is base

    torn_down = Teardown(aws, its_stage, None, lambda *_: None, lambda _: None).run()

    assert torn_down.remaining == {}
    assert torn_down.deleted == [done.model_arn, "arn:aws:sixth:us-east-1:111122223333:hub/test"]
    assert (sixth.JOBS, sixth.HUBS) == ({}, [])


def test_a_run_of_it_that_fails_leaves_no_job_at_work(
    sixth: ModuleType, aws: Aws, its_stage: Stage, registry: Registry, waits: Waits, tmp_path: Path
) -> None:
    run, data = resolved(its_stage), builders.dataset()
    registry.register(run)
    aws.bedrock = LocalBedrock(tmp_path).client
    started = queue.start_or_queue(
        aws, waits, its_stage, run, data, catalog.find(run.base_model), granted=False
    )

    assert release.stop_jobs(aws, its_stage, run) == [started.job_arn]
    assert [job["status"] for job in sixth.JOBS.values()] == ["Stopped"]


def deployed(names: list[str]) -> settings.Settings:
    """The settings of a stage with these engines, as synthesis reads them."""
    stage = json.loads((ROOT / "cdk.json").read_text())["context"]["stages"]["local"]
    return settings.read({"dev": {**stage, "engines": names}}, "dev")


def checked(aws: Aws, stage: Stage, run: Run) -> list[str]:
    """The names of the checks that passed."""
    aws.service_quotas = FakeBedrock(
        list_aws_default_service_quotas={"Quotas": []}, list_service_quotas={"Quotas": []}
    )
    found = Preflighter(aws, stage, run, builders.dataset(), catalog.find(run.base_model)).run()
    return [one.name for one in found.checks]


def waiting(run: Run, started: StartedJob) -> Wait:
    since = "2026-11-29T00:00:00Z"
    return Wait(
        run_id=run.run_id, kind="training", subject=started.job_arn, token="t", arrived_at=since,
        parked_at=since,
    )  # fmt: skip
