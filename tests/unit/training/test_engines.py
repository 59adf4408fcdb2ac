"""The port: whoever adds an engine adds one folder, and a page to the catalog."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests import builders
from tunedrop import catalog
from tunedrop.aws import Aws
from tunedrop.contracts import StartedJob
from tunedrop.planning.plan import plan
from tunedrop.stage import Stage
from tunedrop.training import engines
from tunedrop.training.engine import outcome

ROOT = Path(__file__).parents[3]
HANDLERS_STEPS_REPORTS = (
    "lambdas", "tunedrop/steps", "tunedrop/reporting", "tunedrop/waiting", "tunedrop/results",
)  # fmt: skip

SIXTH = """
from tunedrop.contracts import StartedJob
from tunedrop.training.engine import Charge, Job, TrainingEngine


class Sixth(TrainingEngine):
    name = "sixth"
    job_arns = ":sixth-job/"
    model_arns = ":sixth-model/"
    unfreeable = "Ask for more"

    def start(self, aws, stage, run, planned, base_model, parent):
        return StartedJob(outcome="started", job_arn="arn:aws:sixth:::sixth-job/a", job_name="a")

    def describe(self, aws, name_or_arn):
        return Job(arn=name_or_arn, name="a", status="Completed", model_arn="arn:aws:sixth:::sixth-model/a")

    def stop(self, aws, job_arn):
        return False

    def role_of(self, stage):
        return "role"

    def price(self, planned, base_model):
        return Charge(by="token", price=None)

    def in_progress(self, aws):
        return 0

    def status_of_model(self, aws, model_arn):
        return "Active"

    def delete_model(self, aws, model_arn):
        return True


ENGINE = Sixth()
"""


@pytest.fixture
def sixth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One folder beside the others."""
    (tmp_path / "sixth").mkdir()
    (tmp_path / "sixth" / "__init__.py").write_text(SIXTH)
    monkeypatch.setattr(engines, "__path__", [*engines.__path__, str(tmp_path)])
    engines.every.cache_clear()
    yield
    engines.every.cache_clear()
    sys.modules.pop(f"{engines.__name__}.sixth", None)


@pytest.mark.usefixtures("sixth")
def test_a_sixth_engine_is_a_folder_and_a_word_in_the_catalog(aws: Aws, stage: Stage) -> None:
    base = msgspec.structs.replace(catalog.find("qwen.qwen3-32b"), engine="sixth")
    run, dataset = builders.run(), builders.dataset()
    (planned,) = plan(run, dataset)

    engine = engines.of(base, "single-turn")
    started = engine.start(aws, stage, run, planned, base, "")
    done = outcome(engines.of_job(started.job_arn), aws, started.job_arn)

    assert started == StartedJob(outcome="started", job_arn="arn:aws:sixth:::sixth-job/a", job_name="a")
    assert done is not None
    assert engines.of_model(done.model_arn) is engine


def test_every_engine_knows_its_own_jobs_and_models() -> None:
    for engine in engines.every():
        assert engines.of_job(f"arn:aws:x:us-east-1:1{engine.job_arns}a") is engine
        assert engines.of_model(f"arn:aws:x:us-east-1:1{engine.model_arns}a") is engine
        assert engines.named(engine.name) is engine


def test_no_handler_step_or_report_names_an_engine() -> None:
    """They ask the catalog; Bedrock, which serves every model, is the exception."""
    names = re.compile(r"sagemaker|mantle|jumpstart", re.IGNORECASE)
    found = [
        file.relative_to(ROOT).as_posix()
        for folder in (
            "lambdas",
            "tunedrop/steps",
            "tunedrop/reporting",
            "tunedrop/waiting",
            "tunedrop/results",
        )
        for file in (ROOT / folder).rglob("*.py")
        if names.search(file.read_text(encoding="utf-8"))
    ]

    assert found == []
