from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests import builders
from tests.unit.fake_bedrock import aws_of, refusal
from tunedrop import catalog
from tunedrop.contracts import Dataset, Run, S3Object, StartedJob, TrainingJob, TrainingStage
from tunedrop.errors import CustomizationFailed
from tunedrop.planning.plan import PlannedJob, has_several_jobs, plan
from tunedrop.stage import Stage
from tunedrop.training.series import advance, best

NAME = "tunedrop-test-persona-0123456789"
TEXT = S3Object(bucket="intake", key="runs/persona/handbook.jsonl")
STAGE = TrainingStage(train=TEXT, method="continued-pretraining", hyperparameters={"epochCount": "3"})
CANDIDATES = ({"epochCount": "1", "learningRate": "0.1"}, {"epochCount": "2", "learningRate": "0.1"})


class Jobs:
    """Bedrock's jobs by name, and whoever starts new ones: as many as there are slots."""

    def __init__(self, slots: int = 9, **statuses: str) -> None:
        self.jobs = {f"{NAME}{suffix.replace('_', '-')}": status for suffix, status in statuses.items()}
        self.slots = slots
        self.started: list[tuple[str, str]] = []
        self.losses: dict[str, float] = {}

    def get_model_customization_job(self, *, jobIdentifier: str) -> Mapping[str, Any]:  # noqa: N803
        if jobIdentifier not in self.jobs:
            raise refusal("ResourceNotFoundException")
        job = {"jobArn": f"arn:{jobIdentifier}", "jobName": jobIdentifier, "status": self.jobs[jobIdentifier]}
        return job | {
            "outputModelArn": f"model:{jobIdentifier}",
            "outputDataConfig": {"s3Uri": "s3://artifacts/out/"},
            "validationMetrics": [{"validationLoss": self.losses.get(jobIdentifier, 1.0)}],
        }

    def start(self, planned: PlannedJob, base: str) -> StartedJob:
        name = f"{NAME}-1b" if planned.number else NAME
        if self.slots == 0:
            return StartedJob(outcome="queued", job_name=name)
        self.slots -= 1
        self.started.append((name, base))
        return StartedJob(outcome="started", job_arn=f"arn:{name}", job_name=name)

    def advance(self, stage: Stage, run: Run, dataset: Dataset) -> StartedJob:
        return advance(aws_of(self), stage, run, dataset, catalog.find(run.base_model), self.start)


def staged(**changes: Any) -> tuple[Run, Dataset]:
    run = builders.run(earlier_stages=(STAGE,), **changes)
    return run, builders.dataset(earlier=(builders.dataset(method="continued-pretraining"),))


def searched() -> tuple[Run, Dataset]:
    return builders.run(candidates=CANDIDATES, hyperparameters=CANDIDATES[0]), builders.dataset()


def test_a_run_is_one_job_unless_it_has_stages_or_a_search() -> None:
    assert not has_several_jobs(builders.run())
    assert [one.title for one in plan(builders.run(), builders.dataset())] == [""]
    assert [one.title for one in plan(*staged())] == [
        "stage 1 of 2, continued-pretraining",
        "stage 2 of 2, single-turn",
    ]
    assert [one.title for one in plan(*searched())] == [
        "candidate 1 of 2, epochCount 1",
        "candidate 2 of 2, epochCount 2",
    ]


def test_the_first_stage_tunes_the_base_model(stage: Stage) -> None:
    jobs = Jobs()

    started = jobs.advance(stage, *staged())

    assert (started.outcome, started.more) == ("started", True)
    assert jobs.started == [(NAME, "")]


def test_the_next_stage_tunes_the_model_of_the_one_before(stage: Stage) -> None:
    jobs = Jobs(**{"": "Completed"})

    started = jobs.advance(stage, *staged())

    assert jobs.started == [(f"{NAME}-1b", f"model:{NAME}")]
    assert [one.status for one in started.series] == ["trained", "training"]


def test_a_job_under_way_is_waited_for_and_not_started_again(stage: Stage) -> None:
    jobs = Jobs(**{"": "Completed", "_1b": "InProgress"})

    started = jobs.advance(stage, *staged())

    assert started.job_arn == f"arn:{NAME}-1b"
    assert jobs.started == []


def test_the_last_stages_model_is_the_one_to_serve(stage: Stage) -> None:
    started = Jobs(**{"": "Completed", "_1b": "Completed"}).advance(stage, *staged())

    assert started.outcome == "finished"
    assert started.job is not None
    assert started.job.model_arn == f"model:{NAME}-1b"
    assert [one.chosen for one in started.series] == [False, True]


def test_a_stage_that_failed_fails_the_run_and_says_which(stage: Stage) -> None:
    with pytest.raises(CustomizationFailed, match=r"stage 2 of 2, single-turn: .* failed"):
        Jobs(**{"": "Completed", "_1b": "Failed"}).advance(stage, *staged())


def test_a_retry_goes_on_with_the_stage_that_was_trained_before(stage: Stage) -> None:
    jobs = Jobs(**{"": "Completed", "_1b": "Failed"})

    jobs.advance(stage, *staged(attempt=2))

    assert [base for _, base in jobs.started] == [f"model:{NAME}"]


def test_a_full_queue_lets_a_stage_wait(stage: Stage) -> None:
    started = Jobs(slots=0, **{"": "Completed"}).advance(stage, *staged())

    assert started.outcome == "queued"


def test_as_many_candidates_train_at_once_as_there_are_slots(stage: Stage) -> None:
    both, one, none = Jobs(), Jobs(slots=1), Jobs(slots=0)

    assert both.advance(stage, *searched()).job_arn == f"arn:{NAME}"
    assert one.advance(stage, *searched()).outcome == "started"
    assert none.advance(stage, *searched()).outcome == "queued"
    assert [len(each.started) for each in (both, one, none)] == [2, 1, 0]


def test_a_candidate_that_failed_does_not_fail_the_search(stage: Stage) -> None:
    started = Jobs(**{"": "Failed", "_1b": "Completed"}).advance(stage, *searched())

    assert started.outcome == "finished"
    assert [(one.status, one.chosen) for one in started.series] == [("failed", False), ("trained", True)]


def test_a_candidate_that_bedrock_refuses_does_not_fail_the_search(stage: Stage) -> None:
    bedrock = Jobs()

    def start(planned: PlannedJob, base: str) -> StartedJob:
        if not planned.number:
            raise CustomizationFailed("a learning rate that is not taken")
        return bedrock.start(planned, base)

    run, dataset = searched()
    started = advance(aws_of(bedrock), stage, run, dataset, catalog.find(run.base_model), start)

    assert [one.status for one in started.series] == ["failed", "training"]
    assert "a learning rate" in started.series[0].failure


def test_a_search_fails_when_every_candidate_has(stage: Stage) -> None:
    with pytest.raises(CustomizationFailed, match="no candidate of the search was trained: candidate 1 of 2"):
        Jobs(**{"": "Failed", "_1b": "Stopped"}).advance(stage, *searched())


def test_the_least_validation_loss_is_chosen(stage: Stage) -> None:
    jobs = Jobs(**{"": "Completed", "_1b": "Completed"})
    jobs.losses = {NAME: 0.7, f"{NAME}-1b": 0.6}

    started = jobs.advance(stage, *searched())

    assert started.job is not None
    assert started.job.validation_loss == 0.6


def test_a_candidate_without_a_validation_loss_comes_last() -> None:
    def candidate(loss: float | None) -> TrainingJob:
        job = builders.job(validation_loss=loss)
        return TrainingJob(title="", method="single-turn", hyperparameters={}, status="trained", job=job)

    unknown, known = candidate(None), candidate(5.0)

    assert best([unknown, known]) is known
