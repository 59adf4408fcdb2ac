"""Reinforcement of open weights from the first call to the last, against the embedded bedrock-mantle.

It shares no code with the engine, and OpenAI's own client is its witness (tests/conformance). Permissions are
left to tests/end_to_end/test_mantle.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from local.driver import until
from tests import builders
from tests.unit.fake_bedrock import refusal
from tests.unit.local_sagemaker import ACCOUNT, LocalAccount, stage_of
from tunedrop import catalog
from tunedrop.aws import Aws, mantle
from tunedrop.contracts import CompletedJob, DatasetFile, Run, StartedJob
from tunedrop.dataset.prepare.held_out import HeldOut, Message
from tunedrop.errors import CustomizationFailed, InvalidManifest, RunStopped, ThroughputFailed
from tunedrop.evaluation.inference.ask import Asker, RateLimiter
from tunedrop.evaluation.reinforcement.grading import grade
from tunedrop.planning.hyperparameters import resolve
from tunedrop.planning.plan import plan
from tunedrop.results.release import stop_jobs
from tunedrop.serving import inventory, kinds, models, throughput
from tunedrop.serving._swap import behind, swap
from tunedrop.serving.kind import CannotSwap
from tunedrop.stage import Stage
from tunedrop.training import engines
from tunedrop.training.curves import Curves, Reward
from tunedrop.training.engine import outcome
from tunedrop.training.job import QuotaFull
from tunedrop.training.parents import find

BASE = catalog.find("openai.gpt-oss-20b")
ENGINE = engines.named("mantle")
RUN = "persona-0123456789"
NAME = f"tunedrop-test-{RUN}"
GRADER = f"arn:aws:lambda:us-west-2:{ACCOUNT}:function:tunedrop-test-grade-answers"
EXAMPLE = Path(__file__).parents[3] / "examples" / "graded-answers" / "train.jsonl"
QUICK = {"n_epochs": 1, "batch_size": 32}


@pytest.fixture
def region() -> str:
    return "us-west-2"


@pytest.fixture
def here(account: LocalAccount) -> Aws:
    return account.aws()


@pytest.fixture
def stage(region: str) -> Stage:
    return stage_of("mantle", region)


@pytest.fixture(autouse=True)
def sent(account: LocalAccount) -> list[list[dict[str, Any]]]:
    """What the stage's grader is called with."""
    found: list[list[dict[str, Any]]] = []

    def graded(items: list[dict[str, Any]]) -> Any:
        found.append(items)
        return msgspec.to_builtins(grade(items))

    assert account.function("tunedrop-test-grade-answers", graded) == GRADER
    return found


@pytest.fixture
def run() -> Run:
    values = resolve(BASE, "reinforcement", QUICK)
    return builders.run(base_model=BASE.id, method="reinforcement", hyperparameters=values, grader=GRADER)


def start(here: Aws, account: LocalAccount, stage: Stage, run: Run, lines: int = 120) -> StartedJob:
    records = [json.loads(line) for line in EXAMPLE.read_text().splitlines()[:lines]]
    key = f"runs/{RUN}/dataset/train.jsonl"
    train = DatasetFile(uri=account.put(key, records), records=len(records), tokens=1_000)
    dataset = builders.dataset(
        method="reinforcement", train=train, validation=None, target_format="openai-chat"
    )
    (planned,) = plan(run, dataset)
    return ENGINE.start(here, stage, run, planned, BASE, "")


def ended(here: Aws, started: StartedJob) -> CompletedJob:
    return until(lambda: outcome(ENGINE, here, started.job_arn), "the job")


def told(account: LocalAccount) -> list[dict[str, Any]]:
    """The events of the only job."""
    (job,) = account.mantle_state.jobs.values()
    return job.events


def kinds_left(here: Aws, stage: Stage) -> set[str]:
    return {one.kind for one in inventory.resources(here, stage, ("training job", "trained model"))}


def test_a_model_is_tuned_by_its_grades_asked_by_the_token_and_its_file_deleted(
    here: Aws, account: LocalAccount, stage: Stage, run: Run, sent: list[list[dict[str, Any]]]
) -> None:
    started = start(here, account, stage, run)
    assert start(here, account, stage, run) == started  # a repeated call starts nothing
    assert len(account.mantle_state.jobs) == len(account.mantle_state.files) == 1

    done = ended(here, started)

    course = engines.curves_of(here, done).rewards
    metrics = [one["data"] for one in told(account) if one["type"] == "metrics"]
    assert course == tuple(Reward(one["step"], one["critic_rewards_mean"]) for one in reversed(metrics))
    assert len(course) > 1
    assert done.job_name == NAME
    assert models.status(here, done.model_arn) == "Active"
    item = sent[0][0]
    assert set(item) == {"id", "messages", "metadata"}
    assert "reference_answer" in item["metadata"]
    serving = throughput.create(here.bedrock, stage, RUN, NAME, done.model_arn, run.deployment, "mantle")
    served = throughput.outcome(here.bedrock, serving)
    assert served is not None
    record = json.loads(EXAMPLE.read_text().splitlines()[0])
    messages = [Message(one["role"], one["content"]) for one in record["messages"] if one["role"] == "user"]
    system = " ".join(one["content"] for one in record["messages"] if one["role"] == "system")
    question = HeldOut(record=0, turn=0, system=system, messages=tuple(messages), reference="")
    for address in (served.arn, kinds.base_id(stage, BASE, "mantle")):
        asker = Asker(kinds.client(here, address), address, BASE, "openai-chat", RateLimiter(0))
        answer = asker.ask(question)
        assert answer.error == ""
        assert answer.output_tokens > 0
    assert behind(here.bedrock, served.arn).model_arn == done.model_arn
    with pytest.raises(CannotSwap):
        swap(here.bedrock, served.arn, f"{done.model_arn}-2")
    assert throughput.release(here.bedrock, served.arn)
    assert kinds_left(here, stage) == {"trained model"}

    with pytest.raises(ThroughputFailed, match="no documented operation of AWS deletes a model"):
        models.delete(here, done.model_arn)

    assert account.mantle_state.files == {}
    assert models.why_it_stays(here, done.model_arn)
    assert "ask AWS Support" in ENGINE.undeletable


def test_rewards_are_read_from_events_and_checkpoints_while_the_job_runs(
    here: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    """More than a page of events, in no order, some with nothing that can be read."""
    account.faults.set(no_capacity=True)
    arn = start(here, account, stage, run).job_arn
    (job,) = account.mantle_state.jobs.values()
    for step in (*range(2, 150), 1):
        job.tell("metrics", data={"step": step, "critic_rewards_mean": step / 100, "actor_entropy": 0.1})
    for odd in (True, None, "9.0", float("nan")):
        job.tell("odd", data={"step": 9, "critic_rewards_mean": odd})
    job.tell("odd", data={"step": "8", "critic_rewards_mean": 9.0})
    job.tell("odd", data={"critic_rewards_mean": 9.0})
    job.checkpoints += [
        {"id": "ftckpt_a", "step_number": 150, "metrics": {"critic_rewards_mean": 1.5}},
        {"id": "ftckpt_b", "step_number": 151, "metrics": None},
    ]

    found = ENGINE.curves(here, arn)

    assert found.rewards == tuple(Reward(step, step / 100) for step in range(1, 151))
    assert found.learned == (pytest.approx(0.19), pytest.approx(1.32))


def test_a_run_goes_on_without_the_rewards_that_nobody_may_read(
    here: Aws, account: LocalAccount, stage: Stage, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = start(here, account, stage, run)
    done = ended(here, started)

    def refused(**_: Any) -> None:
        raise refusal("AccessDeniedException")

    monkeypatch.setattr(here.mantle, "list_fine_tuning_checkpoints", refused)

    assert engines.curves_of(here, done) == Curves()


def test_a_job_that_is_stopped_leaves_no_file(
    here: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    account.faults.set(no_capacity=True)
    started = start(here, account, stage, run)
    job = until(
        lambda: one if (one := ENGINE.describe(here, NAME)) and one.has_not_started else None, "queue"
    )
    assert ENGINE.in_progress(here) == 1
    assert kinds_left(here, stage) == {"training job"}

    assert ENGINE.stop(here, job.arn)
    assert not ENGINE.stop(here, job.arn)

    with pytest.raises(RunStopped):
        outcome(ENGINE, here, started.job_arn)
    assert account.mantle_state.files == {}
    assert kinds_left(here, stage) == set()


def test_too_few_examples_fail_the_job_with_the_services_words_and_its_release_leaves_no_file(
    here: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    started = start(here, account, stage, run, lines=99)

    with pytest.raises(CustomizationFailed, match="has 99 examples; 100 to 20000 are needed"):
        ended(here, started)
    assert len(account.mantle_state.files) == 1  # to look at a job deletes nothing: not all who look may

    stop_jobs(here, stage, run, started)
    assert account.mantle_state.files == {}


def test_a_full_quota_is_waited_for_and_the_file_of_a_refused_job_is_deleted_by_the_release(
    here: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    account.faults.set(quotas={"fine_tuning_jobs": 0})
    with pytest.raises(QuotaFull, match="Quota exceeded"):
        start(here, account, stage, run)
    account.faults.set()

    wrong = msgspec.structs.replace(run, grader="not an ARN")
    with pytest.raises(CustomizationFailed, match=r"grader\.lambda\.function must be the ARN"):
        start(here, account, stage, wrong)

    assert len(stop_jobs(here, stage, run)) == 1
    assert account.mantle_state.files == {}


def test_of_two_jobs_of_one_file_the_first_is_found_and_both_are_stopped(
    here: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    """A start whose answer was lost, and which was not listed yet when it was tried again."""
    account.faults.set(no_capacity=True)
    started = start(here, account, stage, run)
    first = here.mantle.list_fine_tuning_jobs()["data"][0]
    second = here.mantle.create_fine_tuning_job(
        **{key: first[key] for key in ("model", "training_file", "method")}
    )
    account.mantle_state.jobs[second["id"]].about["created_at"] += 1

    assert start(here, account, stage, run) == started
    assert ENGINE.stop(here, mantle.address("us-west-2", mantle.JOBS, second["id"]))

    assert ENGINE.in_progress(here) == 0
    assert account.mantle_state.files == {}


@pytest.mark.parametrize("waited_for", [0, 1])
def test_of_two_jobs_of_one_file_the_one_that_is_waited_for_goes_on_alone(
    here: Aws, account: LocalAccount, stage: Stage, run: Run, waited_for: int
) -> None:
    account.faults.set(no_capacity=True)
    start(here, account, stage, run)
    first = here.mantle.list_fine_tuning_jobs()["data"][0]
    second = here.mantle.create_fine_tuning_job(
        **{key: first[key] for key in ("model", "training_file", "method")}
    )
    mine = mantle.address("us-west-2", mantle.JOBS, (first, second)[waited_for]["id"])

    ENGINE.end_twins(here, mine)
    ENGINE.end_twins(here, mine)

    assert ENGINE.in_progress(here) == 1
    assert start(here, account, stage, run).job_arn == mine


def test_a_job_in_a_status_that_nobody_knows_holds_a_slot(
    here: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    account.faults.set(no_capacity=True)
    start(here, account, stage, run)
    (job,) = account.mantle_state.jobs.values()
    job.about["status"] = "pausing"

    assert ENGINE.in_progress(here) == 1


def test_a_file_stays_while_a_job_of_it_is_being_cancelled(
    here: Aws, account: LocalAccount, stage: Stage, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.faults.set(no_capacity=True)
    started = start(here, account, stage, run)
    with monkeypatch.context() as slow:
        slow.setattr(here.mantle, "cancel_fine_tuning_job", lambda **_: {})
        assert ENGINE.stop(here, started.job_arn)
        assert kinds_left(here, stage) == {"training job"}

    assert ENGINE.stop(here, started.job_arn)
    assert account.mantle_state.files == {}


def test_copies_that_no_job_was_made_of_are_deleted_by_release_and_teardown(here: Aws, stage: Stage) -> None:
    for name in (f"test.{RUN}.{NAME}.jsonl", f"test.other.{NAME}-2.jsonl", f"alien.{RUN}.{NAME}.jsonl"):
        body, kind = mantle.multipart({"purpose": "fine-tune"}, name, b"{}\n", "b")
        here.mantle.create_file(body=body, content_type=kind)

    assert len(stop_jobs(here, stage, builders.run(base_model=BASE.id))) == 1
    (other,) = inventory.resources(here, stage, inventory.OF_ENGINES)

    assert (other.kind, other.run_id) == ("training file", "other")
    assert ENGINE.discard(here, other.arn)
    assert [one["filename"] for one in here.mantle.list_files()["data"]] == [f"alien.{RUN}.{NAME}.jsonl"]


def test_a_job_without_file_and_a_file_without_moment_are_read(
    here: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    account.faults.set(no_capacity=True)
    started = start(here, account, stage, run)
    (job,), (file,) = account.mantle_state.jobs.values(), account.mantle_state.files.values()
    file.about["created_at"] = None
    assert ENGINE.describe(here, NAME) is not None

    job.about["training_file"] = None

    assert ENGINE.describe(here, started.job_arn) is not None
    assert ENGINE.stop(here, started.job_arn)


def test_no_run_goes_on_with_a_model_that_was_tuned_so(stage: Stage) -> None:
    model = mantle.address("us-west-2", mantle.TUNED_MODELS, "ft:openai.gpt-oss-20b:1:custom-model:a")

    with pytest.raises(InvalidManifest, match="no job can continue from such a model: name the base model"):
        find(stage, model)


def test_what_others_have_uploaded_is_nobodys_leftover(here: Aws, stage: Stage) -> None:
    for name in ("train.jsonl", f"other.{RUN}.{NAME}.jsonl", "a.b.c.d.e.jsonl"):
        body, kind = mantle.multipart({"purpose": "fine-tune"}, name, b"{}\n", "b")
        here.mantle.create_file(body=body, content_type=kind)

    assert kinds_left(here, stage) == set()
    assert ENGINE.describe(here, "train") is None
