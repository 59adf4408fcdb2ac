"""What goes wrong with each engine, as a table: what the run's owner reads; and nothing bills afterwards.

Against the embedded services, which fail as AWS does where that is known (`tests/faults` needs a deployed
stage). Faults that a service cannot have are no row: bedrock-mantle documents no licence and no limit
of run time, and nothing is imported of it.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import msgspec
import pytest

from local.bedrock.files import JobFailed
from local.driver import until
from local.sagemaker import training
from tests import builders
from tests.unit.local_sagemaker import LocalAccount, stage_of
from tests.unit.tables import make_registry_table
from tunedrop import catalog, clock
from tunedrop.aws import Aws
from tunedrop.catalog.method import Format
from tunedrop.contracts import CompletedJob, DatasetFile, Run, Serving, StartedJob, Wait
from tunedrop.dataset.prepare.held_out import HeldOut, Message
from tunedrop.errors import CustomizationFailed, RunStopped, ThroughputFailed, TransientError
from tunedrop.evaluation.inference.ask import Answer, Asker, RateLimiter
from tunedrop.evaluation.reinforcement.grading import grade
from tunedrop.planning.hyperparameters import resolve
from tunedrop.planning.plan import plan
from tunedrop.registry import Registry
from tunedrop.results.release import stop_jobs
from tunedrop.serving import inventory, models, throughput
from tunedrop.stage import Stage
from tunedrop.training import engines
from tunedrop.training.engine import TrainingEngine, outcome
from tunedrop.training.job import Job, QuotaFull
from tunedrop.waiting import _poll, _stalled

RUN = "persona-0123456789"
GRADED = Path(__file__).parents[3] / "examples" / "graded-answers" / "train.jsonl"
CHATS = [
    {"messages": [
        {"role": "user", "content": f"how do I {work} part{number}"},
        {"role": "assistant", "content": f"first you stop part{number}, then you {work} it"},
    ]}
    for number in range(10) for work in ("clean", "grease")
]  # fmt: skip
TEXTS = [
    {"input": f"Before you {work} the part{n}, stop it."} for n in range(30) for work in ("clean", "test")
]


class Way(NamedTuple):
    """One engine, with what it is tried on."""

    engine: str
    base: str
    method: Any
    region: str
    records: list[dict[str, Any]]
    hyperparameters: dict[str, Any]
    stays: frozenset[str] = frozenset()


SERVERLESS = Way("sagemaker-serverless", "qwen.qwen3-32b", "single-turn", "us-east-1", CHATS, {})
JUMPSTART = Way(
    "sagemaker-jumpstart", "mistral.mistral-7b", "continued-pretraining", "us-east-1", TEXTS, {"epoch": 2}
)
MANTLE = Way(
    "mantle", "qwen.qwen3-32b:mantle", "reinforcement", "us-west-2",
    [json.loads(line) for line in GRADED.read_text().splitlines()[:120]], {"batch_size": 32},
    frozenset({"trained model"}),  # no documented operation deletes it, which is said before it is made
)  # fmt: skip
EVERY = (SERVERLESS, JUMPSTART, MANTLE)
IMPORTED = (SERVERLESS, JUMPSTART)


class Journey:
    """A run of one engine in its account."""

    def __init__(self, account: LocalAccount, way: Way) -> None:
        self.account, self.way = account, way
        self.aws: Aws = account.aws()
        self.aws.session = boto3.Session("testing", "testing", region_name=way.region)
        self.stage: Stage = stage_of(way.engine, way.region)
        self.engine: TrainingEngine = engines.named(way.engine)
        self.base = catalog.find(way.base)
        grader = account.function("tunedrop-test-grade-answers", lambda of: msgspec.to_builtins(grade(of)))
        self.run: Run = builders.run(
            base_model=way.base,
            method=way.method,
            hyperparameters=resolve(self.base, way.method, way.hyperparameters),
            grader=grader if way.method == "reinforcement" else "",
        )

    def start(self, base: catalog.BaseModel | None = None) -> StartedJob:
        uri = self.account.put(f"runs/{RUN}/dataset/train.jsonl", self.way.records)
        train = DatasetFile(uri=uri, records=len(self.way.records), tokens=2_000)
        dataset = builders.dataset(
            method=self.way.method, train=train, validation=None, test=None, target_format=self._format
        )
        (planned,) = plan(self.run, dataset)
        return self.engine.start(self.aws, self.stage, self.run, planned, base or self.base, "")

    def ended(self, started: StartedJob) -> CompletedJob:
        return until(lambda: outcome(self.engine, self.aws, started.job_arn), "the job")

    def job(self, started: StartedJob) -> Job:
        found = self.engine.describe(self.aws, started.job_arn)
        assert found is not None
        return found

    def imported(self, job: CompletedJob) -> Serving:
        begun = throughput.create(
            self.aws.bedrock, self.stage, RUN, f"tunedrop-test-{RUN}", job.model_arn, self.run.deployment,
            "imported", weights=models.weights(self.aws, job.model_arn),
        )  # fmt: skip
        return until(lambda: throughput.outcome(self.aws.bedrock, begun), "the import")

    def ask(self, client: Any, model_id: str) -> Answer:
        """A served model's answer, without the pauses between tries."""
        asker = Asker(client, model_id, self.base, self._format, RateLimiter(0), sleep=lambda _: None)
        message = Message("user", "Before you clean the part3")
        return asker.ask(HeldOut(record=1, turn=0, system="", messages=(message,), reference=""))

    @property
    def _format(self) -> Format:
        return self.base.methods[self.way.method].format

    def left(self) -> set[str]:
        return {one.kind for one in inventory.of_run(self.aws, self.stage, RUN)}

    def clean_up(self, started: StartedJob | None = None) -> None:
        """What the release of a failed run and the teardown of the run do."""
        self.account.faults.set()
        stop_jobs(self.aws, self.stage, self.run, started)
        until(lambda: None if "training job" in self.left() else True, "the end of the jobs")
        for one in inventory.of_run(self.aws, self.stage, RUN):
            if one.kind == "imported model":
                throughput.release(self.aws.bedrock, one.arn)
        for one in inventory.of_run(self.aws, self.stage, RUN):
            assert one.kind == "trained model", one
            if not self.engine.undeletable:
                models.delete(self.aws, one.arn)


@pytest.fixture
def region(request: pytest.FixtureRequest) -> str:
    way: Way = request.getfixturevalue("way")
    return way.region


@pytest.fixture
def journey(account: LocalAccount, way: Way) -> Journey:
    return Journey(account, way)


def waiting(started: StartedJob, since: str) -> Wait:
    return Wait(
        run_id=RUN, kind="training", subject=started.job_arn, token="t", arrived_at=since, parked_at=since
    )


def of(*ways: Way) -> Callable[[Any], Any]:
    return pytest.mark.parametrize("way", ways, ids=[one.engine for one in ways])


@of(SERVERLESS)
def test_a_licence_that_nobody_accepted_starts_nothing(journey: Journey) -> None:
    """The service refuses too, should preflight have been passed by."""
    llama = catalog.find("meta.llama3-1-8b-instruct")

    with pytest.raises(CustomizationFailed, match="requires accepting its end-user license agreement"):
        journey.start(llama)

    journey.clean_up()
    assert journey.left() == set()
    assert journey.account.state.jobs == {}


LIMITS = {"sagemaker-serverless": "training_jobs", "sagemaker-jumpstart": "training_instances",
          "mantle": "fine_tuning_jobs"}  # fmt: skip


@of(*EVERY)
def test_a_limit_that_is_exceeded_starts_nothing(journey: Journey) -> None:
    journey.account.faults.set(quotas={LIMITS[journey.way.engine]: 0})

    with pytest.raises((QuotaFull, CustomizationFailed)):
        journey.start()

    journey.clean_up()
    assert journey.left() == set()
    assert journey.engine.in_progress(journey.aws) == 0


@of(*EVERY)
def test_a_job_that_waits_for_capacity_is_stopped_and_leaves_nothing(journey: Journey) -> None:
    journey.account.faults.set(no_capacity=True)
    started = journey.start()
    until(lambda: journey.job(started).has_not_started or None, "the wait for capacity")
    assert journey.left() == {"training job"}

    journey.clean_up(started)

    assert journey.left() == set()
    with pytest.raises(RunStopped):
        outcome(journey.engine, journey.aws, started.job_arn)


@of(*EVERY)
def test_a_job_that_never_starts_is_announced_stopped_and_leaves_nothing(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    journey.account.faults.set(no_capacity=True)
    started = journey.start()
    until(lambda: journey.job(started).has_not_started or None, "the wait for capacity")
    stage = msgspec.structs.replace(journey.stage, stalled_after_seconds=3_600, stop_stalled=True)
    make_registry_table(journey.aws, stage)
    registry = Registry(journey.aws.dynamodb, stage.registry_table)
    registry.register(journey.run)
    told: list[str] = []
    monkeypatch.setattr(_stalled, "_publish", lambda *given: told.append(given[-1]))
    wait = waiting(started, "2026-11-01T00:00:00Z")

    with pytest.raises(CustomizationFailed, match=r"has not started training .* Nothing is billed"):
        _poll.poll(journey.aws, stage, registry, wait)

    assert len(told) == 1
    journey.clean_up(started)
    assert journey.left() == set()


@of(*EVERY)
def test_an_event_that_is_lost_is_not_needed(journey: Journey) -> None:
    """The schedule looks: the job is found done, and its model is used and deleted as ever."""
    journey.account.faults.set(events="never")
    stage = journey.stage
    make_registry_table(journey.aws, stage)
    registry = Registry(journey.aws.dynamodb, stage.registry_table)
    registry.register(journey.run)
    started = journey.start()
    wait = waiting(started, clock.now())

    found = until(lambda: _poll.poll(journey.aws, stage, registry, wait), "the look of the schedule")

    assert journey.account.events == []
    assert isinstance(found, CompletedJob)
    assert models.status(journey.aws, found.model_arn) == "Active"
    journey.clean_up(started)
    assert journey.left() <= journey.way.stays


@of(*EVERY)
def test_a_job_that_fails_says_why_and_leaves_nothing(journey: Journey) -> None:
    journey.account.faults.set(fail_next_job="the data could not be read")
    started = journey.start()

    with pytest.raises(CustomizationFailed, match="the data could not be read"):
        journey.ended(started)

    journey.clean_up(started)
    assert journey.left() == set()


@of(*IMPORTED)
def test_a_job_that_is_stopped_at_its_run_time_limit_fails_and_what_it_uploaded_is_deleted(
    journey: Journey,
) -> None:
    journey.account.faults.set(training_minutes=60 * 24 * 30)
    started = journey.start()

    with pytest.raises(CustomizationFailed, match="run-time limit of"):
        journey.ended(started)

    journey.clean_up(started)
    assert journey.left() == set()


@of(*IMPORTED)
def test_an_architecture_that_the_import_finds_unsupported_serves_nothing(journey: Journey) -> None:
    journey.account.faults.set(architecture="Gemma4ForCausalLM")
    job = journey.ended(journey.start())

    with pytest.raises(ThroughputFailed, match="Gemma4ForCausalLM is not supported"):
        journey.imported(job)

    assert journey.left() == {"trained model"}
    journey.clean_up()
    assert journey.left() == set()


@of(SERVERLESS)
def test_what_a_job_that_failed_in_training_has_logged_goes_with_its_run(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Developer guide, customize-model: a failed job's checkpoint is logged as a model."""

    def fails(*_: object) -> None:
        raise JobFailed("AlgorithmError: out of memory")

    monkeypatch.setattr(training, "imitate", fails)
    started = journey.start()

    with pytest.raises(CustomizationFailed, match="out of memory"):
        journey.ended(started)

    assert journey.left() == {"trained model"}
    journey.clean_up(started)
    assert journey.left() == set()
    assert journey.account.keys(f"runs/{RUN}/training/") == set()


@of(SERVERLESS)
def test_what_a_job_that_never_trained_has_logged_goes_with_the_stage(journey: Journey) -> None:
    """The same page: without a checkpoint, metadata is logged, which nothing joins to its run."""
    journey.account.faults.set(fail_next_job="no data")
    with pytest.raises(CustomizationFailed, match="no data"):
        journey.ended(journey.start())
    of_stage = functools.partial(inventory.resources, journey.aws, journey.stage, ("trained model",))

    (found,) = of_stage()
    models.delete(journey.aws, found.arn)

    assert list(of_stage()) == []
    assert journey.account.state.groups == {}


@pytest.mark.parametrize(
    ("quota", "code"), [("imported_models", "L-45B04988"), ("import_jobs", "L-5F098EFA")]
)
@of(*IMPORTED)
def test_a_full_quota_of_imports_serves_nothing_until_there_is_room(
    journey: Journey, quota: str, code: str
) -> None:
    job = journey.ended(journey.start())
    journey.account.faults.set(quotas={quota: 0})

    with pytest.raises(TransientError, match=code):
        journey.imported(job)

    journey.account.faults.set()
    assert journey.imported(job).status == "InService"
    journey.clean_up()
    assert journey.left() == set()


@of(*IMPORTED)
def test_a_model_that_sleeps_is_woken_and_one_that_never_wakes_is_no_answer(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = journey.imported(journey.ended(journey.start()))
    asleep = {"operation": "InvokeModel", "error": "ModelNotReadyException"}

    journey.account.faults.set(calls=[{**asleep, "times": 7}])
    assert journey.ask(journey.account.runtime, serving.arn).error == ""

    monkeypatch.setattr("tunedrop.evaluation.inference.ask.WAKING_SECONDS", 0.0)
    journey.account.faults.set(calls=[{**asleep, "times": 10_000}])
    assert "ModelNotReadyException" in journey.ask(journey.account.runtime, serving.arn).error

    journey.clean_up()
    assert journey.left() == set()


@of(*IMPORTED)
def test_more_units_than_were_estimated_are_known_before_anything_is_asked(journey: Journey) -> None:
    """`check_units` compares their price with the budget (tests/faults/test_imports.py ends a run so)."""
    journey.account.faults.set(model_units=400)

    serving = journey.imported(journey.ended(journey.start()))

    assert serving.units == 400 > journey.base.most_units
    journey.clean_up()
    assert journey.left() == set()
