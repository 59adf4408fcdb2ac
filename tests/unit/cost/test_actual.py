from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests import builders
from tunedrop import catalog
from tunedrop.contracts import (
    ActualCost,
    DeploymentSettings,
    Ending,
    Judged,
    Promotion,
    Score,
    StartedJob,
    TrainingJob,
)
from tunedrop.cost.actual import actual, evaluated_usd
from tunedrop.formatting.costs import forecast_in_words

NOW = "2026-11-23T14:02:00Z"
SCORE = Score(metric="token_f1", base=0.5, tuned=0.6, difference=0.1, low=0.05, high=0.15)
STARTED = StartedJob(outcome="started", job_arn=builders.JOB_ARN, job_name="job")


def cost(base_model: str = builders.LLAMA_3_3, **changes: Any) -> ActualCost:
    ending = Ending(run=builders.run(base_model=base_model), dataset=builders.dataset())
    return actual(msgspec.structs.replace(ending, **changes), catalog.find(base_model), NOW)


def items(found: ActualCost) -> dict[str, float]:
    return {line.item: line.likely for line in found.lines}


def test_a_run_that_was_refused_has_cost_nothing() -> None:
    assert cost() == ActualCost(lines=(), low=0, likely=0, high=0)
    assert actual(Ending(run=builders.run(base_model="")), None, NOW).likely == 0


def test_the_cost_before_a_re_evaluation_is_counted_once() -> None:
    run = builders.run(attempt=2, evaluation_attempt=2, spent_before_usd=9.0)
    evaluation = builders.evaluation(input_tokens=1_000_000)

    found = cost(run=run, started=STARTED, job=builders.job(), evaluation=evaluation)

    assert items(found)["before the retry"] == 9.0
    assert found.likely == pytest.approx(9.0 + 0.72)


def test_a_retry_adds_to_what_the_attempts_before_have_cost() -> None:
    """An hour of throughput, a job that failed: stopping and retrying a run makes no part of it free."""
    one, other = (msgspec.structs.replace(STARTED, job_arn=f"arn:{at}") for at in (1, 2))
    (failed,) = cost(started=one).lines
    retried = builders.run(attempt=2, spent_before_usd=failed.likely, jobs_before=("arn:1",))

    refused = cost(run=retried, started=one)
    trained = cost(run=retried, started=other, job=builders.job())

    assert items(refused) == {"before the retry": failed.likely}
    assert trained.likely == pytest.approx(2 * failed.likely)


def test_answers_that_a_retry_goes_on_with_are_counted_once() -> None:
    evaluation = builders.evaluation(input_tokens=1_000_000)
    first = cost(started=STARTED, job=builders.job(), evaluation=evaluation)
    run = builders.run(
        attempt=2, spent_before_usd=first.likely, evaluated_before_usd=evaluated_usd(first),
        jobs_before=(builders.JOB_ARN,), trained_before=True,
    )  # fmt: skip

    assert evaluated_usd(first) == pytest.approx(0.72)
    assert cost(run=run, started=STARTED, job=builders.job()).likely == pytest.approx(first.likely)
    again = cost(run=run, started=STARTED, job=builders.job(), evaluation=evaluation)
    assert again.likely == pytest.approx(first.likely)


def test_answers_that_a_retry_did_not_find_again_stay_paid() -> None:
    """It asks in other parts where a quota has changed, and may end before it has asked as many."""
    run = builders.run(attempt=2, spent_before_usd=2.0, evaluated_before_usd=0.72)

    for asked, usd in ((0, 2.0), (250_000, 2.0), (2_000_000, 2.72)):
        evaluation = builders.evaluation(done=False, input_tokens=asked)
        assert cost(run=run, evaluation=evaluation).likely == pytest.approx(usd)


def test_a_finished_job_costs_its_tokens_and_its_models_storage_is_a_forecast() -> None:
    found = cost(started=STARTED, job=builders.job())

    assert items(found) == {"training": pytest.approx(20_000 * 5 / 1e6 * 3.30)}
    (storage,) = found.forecast
    assert (storage.item, storage.likely) == ("model storage", pytest.approx(1.95))
    assert found.likely == pytest.approx(20_000 * 5 / 1e6 * 3.30)


def test_each_job_of_a_search_that_was_started_costs_its_own_epochs() -> None:
    """One has trained, one ended early, and one was never started."""
    search = tuple({"epochCount": epochs} for epochs in ("1", "2", "3"))
    run = builders.run(base_model=builders.LLAMA_3_3, candidates=search, hyperparameters=search[0])
    series = tuple(
        TrainingJob(title=str(at), method="single-turn", hyperparameters=one, job_arn=arn, job=job)
        for at, (one, arn, job) in enumerate(
            zip(search, ("arn:1", "arn:2", ""), (builders.job(), None, None), strict=True)
        )
    )
    for few in (2, 3):
        run = msgspec.structs.replace(run, candidates=search[:few])
        started = StartedJob(outcome="started", job_arn="arn:2", job_name="2", series=series[:few])

        lines = cost(run=run, started=started, job=builders.job()).lines

        epoch = 20_000 / 1e6 * 3.30
        assert [(line.low > 0, line.likely) for line in lines] == [
            (True, pytest.approx(epoch)), (False, pytest.approx(2 * epoch)),
        ]  # fmt: skip


def test_a_job_that_ended_early_may_have_cost_anything_up_to_all_its_tokens() -> None:
    (line,) = cost(started=STARTED).lines

    assert line.low == 0
    assert line.high > line.likely > 0
    assert "at most" in line.basis


@pytest.mark.parametrize(
    ("since", "commitment", "units", "usd"),
    [
        ("2026-11-23T12:02:00Z", "none", 1, 2 * 24.0),
        ("2026-11-23T13:32:00Z", "none", 1, 0.5 * 24.0),  # by the hour that has passed, not begun
        ("2026-11-23T14:32:00Z", "none", 1, 0.0),  # clocks differ
        ("2026-11-23T12:02:00Z", "none", 3, 3 * 2 * 24.0),
        ("2026-11-23T12:02:00Z", "1-month", 1, 30 * 24 * 21.18),
        ("2026-10-04T14:02:00Z", "1-month", 2, 2 * 50 * 24 * 21.18),  # renewed
        ("2026-11-23T12:02:00Z", "6-months", 1, 180 * 24 * 13.08),
    ],
)
def test_provisioned_throughput_costs_its_hours_and_at_least_its_commitment(
    since: str, commitment: Any, units: int, usd: float
) -> None:
    deployment = DeploymentSettings(commitment=commitment, model_units=units)
    run = builders.run(base_model=builders.LLAMA_3_1, deployment=deployment)
    serving = builders.serving(way="provisioned", created_at=since)

    found = cost(builders.LLAMA_3_1, run=run, serving=serving)

    assert items(found)["provisioned throughput"] == pytest.approx(usd)
    assert (found.low, found.high) == (pytest.approx(usd), pytest.approx(usd))


@pytest.mark.parametrize(
    ("commitment", "swapped", "until", "hours"),
    [
        ("none", False, "2026-11-23T22:02:00Z", 8),
        ("none", True, "2026-11-23T22:02:00Z", 8),
        ("none", False, "2026-11-23T14:00:00Z", 0),
        ("none", False, "", 0),
        ("1-month", False, "2026-11-23T22:02:00Z", 0),  # which the commitment has paid
        ("1-month", False, "2026-12-24T12:02:00Z", 24),
    ],
)
def test_throughput_that_stays_in_production_costs_its_hours_to_come(
    commitment: Any, swapped: bool, until: str, hours: int
) -> None:
    """They were in the estimate, and in nobody's month once the run had ended."""
    deployment = DeploymentSettings(mode="provisioned", commitment=commitment, model_units=2)
    run = builders.run(base_model=builders.LLAMA_3_1, deployment=deployment)
    serving = builders.serving(way="provisioned", created_at="2026-11-23T12:02:00Z")
    promotion = Promotion(alias="/a", model_arn=builders.MODEL_ARN, kept_until=until, swapped=swapped)

    found = cost(builders.LLAMA_3_1, run=run, serving=serving, promotion=promotion)

    price = 24.0 if commitment == "none" else 21.18
    assert sum(line.likely for line in found.kept) == pytest.approx(2 * hours * price)
    assert ("for the throughput that serves" in forecast_in_words(found)) is bool(hours)


@pytest.mark.parametrize(("until", "hours"), [("2026-12-23T12:02:00Z", 0), ("2026-12-23T14:02:00Z", 2)])
def test_a_run_behind_a_stable_arn_keeps_only_the_hours_that_no_earlier_run_has_paid_for(
    until: str, hours: int
) -> None:
    """The same hours were in the month of each run that followed behind the ARN."""
    run = builders.run(base_model=builders.LLAMA_3_1, deployment=DeploymentSettings(mode="provisioned"))
    promotion = Promotion(
        alias="/a", model_arn=builders.MODEL_ARN, kept_until=until, paid_until="2026-12-23T12:02:00Z",
        swapped=True,
    )  # fmt: skip

    found = cost(builders.LLAMA_3_1, run=run, promotion=promotion)

    assert sum(line.likely for line in found.kept) == pytest.approx(hours * 24.0)


def test_an_evaluation_costs_the_tokens_that_bedrock_counted() -> None:
    evaluation = builders.evaluation(input_tokens=2_000_000, output_tokens=1_000_000)

    found = items(cost(evaluation=evaluation))

    assert found["evaluation, prompts"] == pytest.approx(2 * 0.72)
    assert found["evaluation, answers"] == pytest.approx(0.72)


@pytest.mark.parametrize(("champion", "of_the_base"), [(None, 1 / 2), (SCORE, 1 / 3)])
def test_an_evaluation_on_provisioned_throughput_costs_the_base_models_tokens(
    champion: Score | None, of_the_base: float
) -> None:
    """The base model's share of all tokens, where a model in production was asked too, and where none was."""
    evaluation = builders.evaluation(input_tokens=6_000_000, output_tokens=3_000_000, champion=champion)
    serving = builders.serving(way="provisioned")

    found = items(cost(builders.LLAMA_3_1, evaluation=evaluation, serving=serving))

    assert found["evaluation, prompts"] == pytest.approx(6 * 0.22 * of_the_base)
    assert found["evaluation, answers"] == pytest.approx(3 * 0.22 * of_the_base)


def test_tokens_of_evaluation_jobs_are_estimated_and_marked_as_such() -> None:
    judged = Judged(
        model="us.meta.llama3-3-70b-instruct-v1:0", wins=1, losses=0, ties=0, input_tokens=1_000_000,
        output_tokens=0, via="evaluation-job",
    )  # fmt: skip

    found = cost(evaluation=builders.evaluation(judged=judged))

    (line,) = [one for one in found.lines if one.item == "judging, prompts"]
    assert line.low < line.likely < line.high
    assert "estimated: evaluation jobs report none" in line.basis
