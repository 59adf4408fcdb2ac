from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests import builders
from tunedrop import catalog
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import (
    CostLine,
    Dataset,
    DatasetFile,
    DeploymentSettings,
    Estimate,
    EvaluationSettings,
    JudgeSettings,
    Method,
    Prompts,
    Teacher,
    Way,
)
from tunedrop.cost._media import shown_in
from tunedrop.cost._training import training
from tunedrop.cost.budgets import judge
from tunedrop.cost.estimate import PROBE_TOKENS, estimate
from tunedrop.cost.lines import FEWEST_TOKENS, MOST_TOKENS
from tunedrop.dataset.check.report import TokenEstimate
from tunedrop.errors import OverBudget
from tunedrop.evaluation import general_ability
from tunedrop.evaluation.inference.ask import FEWEST_TOKENS as FEWEST_ANSWER_TOKENS
from tunedrop.evaluation.workload import workload
from tunedrop.formatting.costs import in_words
from tunedrop.planning.plan import plan
from tunedrop.training.engines.mantle.tuned import UNDELETABLE


def cost(
    base_model: str = builders.LLAMA_3_3, way: Way = "on-demand", spent: float = 0.0, **run: Any
) -> Estimate:
    return judge(estimated(base_model, way, **run), builders.stage(monthly_budget_usd=100.0), spent)


def estimated(
    base_model: str = builders.LLAMA_3_3,
    way: Way = "on-demand",
    dataset: Dataset | None = None,
    has_champion: bool = False,
    **changes: Any,
) -> Estimate:
    dataset, run = dataset or builders.dataset(), builders.run(base_model=base_model, **changes)
    asked = workload(dataset, run, has_champion=has_champion)
    return estimate(run, dataset, catalog.find(base_model), way, asked)


def test_training_costs_tokens_times_epochs_times_the_catalogs_price() -> None:
    training = cost().lines[0]

    assert training.item == "training"
    assert training.likely == pytest.approx(20_000 * 5 / 1e6 * 3.30)
    assert training.low < training.likely < training.high
    assert training.source
    assert training.priced_on


def with_media(**media: int) -> Dataset:
    """The same media in what is trained on and in what is held out."""
    valid = builders.dataset()
    assert valid.test is not None
    train, test = (msgspec.structs.replace(one, media=media) for one in (valid.train, valid.test))
    return msgspec.structs.replace(valid, train=train, test=test)


def test_images_are_trained_on_by_the_catalogs_tokens_of_one() -> None:
    nova = "amazon.nova-2-lite-v1:0:256k"
    epochs = {"epochCount": "2"}

    plain, shown = (
        {line.item: line for line in estimated(nova, dataset=one, hyperparameters=epochs).lines}
        for one in (builders.dataset(), with_media(image=1_000))
    )

    more = shown["training"].likely - plain["training"].likely
    assert more == pytest.approx(1_000 * 230 * 2 / 1e6 * 3.78)
    assert "1,000 images of 230 tokens" in shown["training"].basis
    assert shown["evaluation, media"].likely == pytest.approx(2 * 1_000 * 230 / 1e6 * 0.33)
    for model in ("base", "tuned"):
        assert shown[f"evaluation, {model} model"] == plain[f"evaluation, {model} model"]


def test_images_are_shown_to_the_base_model_with_examples_too() -> None:
    settings = EvaluationSettings(few_shot=3)
    found = estimated("amazon.nova-2-lite-v1:0:256k", dataset=with_media(image=1_000), evaluation=settings)

    (line,) = [one for one in found.lines if one.item == "evaluation, media"]
    assert line.likely == pytest.approx(3 * 1_000 * 230 / 1e6 * 0.33)
    assert "and once more with examples" in line.basis


def test_a_tuned_model_is_reckoned_at_its_own_price_where_it_has_one() -> None:
    nova = {one.item: one for one in estimated("amazon.nova-2-lite-v1:0:256k").lines}

    base, tuned = nova["evaluation, base model"], nova["evaluation, tuned model"]
    assert base.likely / tuned.likely == pytest.approx(2.75 / 2.50)


def test_media_without_documented_tokens_are_reported_as_left_out() -> None:
    found = estimated("amazon.nova-2-lite-v1:0:256k", dataset=with_media(video=3))

    unpriced = {line.item: line.basis for line in found.lines if not line.source}
    assert "not in it: 3 videos" in unpriced["videos in training"]
    assert "videos in evaluation" in unpriced
    assert not any(line(found, item).high for item in unpriced)
    assert "no dated price is known for videos in training" in in_words(found)


@pytest.mark.parametrize(
    ("epochs", "usd"),
    [("5", (1.0, 1.0, 1.0)), ("auto", (0.2, 2.0, 20.0))],  # of 1 to 100, as Bedrock chooses
)
def test_images_with_captions_are_billed_by_each_time_that_one_is_seen(
    epochs: str, usd: tuple[float, float, float]
) -> None:
    train = DatasetFile(uri="s3://a/train.jsonl", records=1_000, tokens=9_000)
    (line,) = lines_of("amazon.titan-embed-image-v1:0", train, {"epochCount": epochs, "batchSize": "576"})

    assert (line.low, line.likely, line.high) == pytest.approx(usd)
    assert "1,000 images" in line.basis
    assert line.priced_on == "2025-03-10"


def test_steps_of_batches_say_how_many_images_are_seen() -> None:
    train = DatasetFile(uri="s3://a/train.jsonl", records=100, tokens=900)
    (line,) = lines_of("amazon.nova-canvas-v1:0", train, {"stepCount": "500", "batchSize": "8"})

    assert "100 images, seen 4,000 times in all" in line.basis
    assert "no dated price is known" in line.basis


def lines_of(base_model: str, train: DatasetFile, hyperparameters: dict[str, str]) -> list[CostLine]:
    run = builders.run(base_model=base_model, method="image-caption", hyperparameters=hyperparameters)
    (job,) = plan(run, builders.dataset(method="image-caption", train=train, validation=None))
    return list(training(run, job, catalog.find(base_model)))


def test_a_range_of_tokens_of_an_image_widens_the_estimate() -> None:
    shown = shown_in({"image": 10}, catalog.find("amazon.nova-lite-v1:0:300k"))

    assert (shown.tokens.low, shown.tokens.likely, shown.tokens.high) == (8_000, 13_000, 26_000)


@pytest.mark.parametrize(("units", "kept", "hours"), [(1, None, 1), (2, 7200, 3), (1, 0, 1)])
def test_provisioned_throughput_is_paid_by_the_hour_and_unit(
    units: int, kept: int | None, hours: int
) -> None:
    """One hour to evaluate, and those for which it is asked to be kept."""
    settings = DeploymentSettings(model_units=units, keep_for_seconds=kept)

    lines = cost(builders.LLAMA_3_1, "provisioned", deployment=settings).lines

    assert lines[-1].likely == pytest.approx(units * 24.0 * hours)


@pytest.mark.parametrize(("minutes", "hours"), [(None, 1), (59.0, 1), (60.0, 1), (61.0, 2), (600.0, 10)])
def test_provisioned_throughput_is_paid_for_as_long_as_the_evaluation_takes(
    minutes: float | None, hours: int
) -> None:
    """Very many prompts, or an account that may ask four times a minute, cost many times one hour."""
    run, dataset = builders.run(base_model=builders.LLAMA_3_1), builders.dataset()
    asked = workload(dataset, run, has_champion=False)

    found = estimate(run, dataset, catalog.find(run.base_model), "provisioned", asked, minutes=minutes)

    assert found.lines[-1].likely == pytest.approx(24.0 * hours)
    assert found.evaluation_minutes == minutes


def test_beside_provisioned_throughput_the_base_models_answers_are_paid_for_by_token() -> None:
    evaluation = line(cost(builders.LLAMA_3_1, "provisioned"), "evaluation")

    probes = general_ability.questions("converse")
    assert evaluation.likely == pytest.approx((4_000 + len(probes) * PROBE_TOKENS) / 1e6 * 0.22)
    assert "x 1 model" in evaluation.basis


def test_a_re_evaluated_model_costs_no_training() -> None:
    items = [one.item for one in cost(attempt=2, evaluation_attempt=2, spent_before_usd=9.0).lines]

    assert items == ["evaluation"]


def test_a_model_that_an_earlier_attempt_trained_costs_its_evaluation_alone() -> None:
    items = [one.item for one in cost(attempt=2, trained_before=True).lines]

    assert items == ["evaluation"]


@pytest.mark.parametrize(("share", "left"), [(0.0, 1.0), (0.75, 0.25), (1.0, 0.0), (1.5, 0.0)])
def test_a_retry_costs_only_the_answers_that_no_earlier_attempt_has_paid(share: float, left: float) -> None:
    judge = JudgeSettings(model="us.amazon.nova-pro-v1:0")
    again = {"attempt": 2, "trained_before": True, "evaluation": EvaluationSettings(judge=judge)}
    whole = cost(**again)

    found = cost(**again, spent_before_usd=99.0, evaluated_before_usd=share * whole.likely)

    assert found.likely == pytest.approx(left * whole.likely)
    assert found.low <= found.likely <= found.high
    assert found.high == pytest.approx(max(0.0, whole.high - share * whole.likely))


@pytest.mark.parametrize(
    ("run", "asked"),
    [({}, True), ({"attempt": 2, "evaluation_attempt": 2}, False), ({"trained_before": True}, False)],
    ids=["to be trained", "re-evaluated", "trained before"],
)
def test_training_that_cannot_reach_a_verdict_asks_first(run: dict[str, Any], asked: bool) -> None:
    held_out = DatasetFile(uri="s3://artifacts/test.jsonl", records=29, tokens=2_900)

    found = estimated(dataset=builders.dataset(test=held_out), **run)

    assert bool(found.undecidable) is asked
    assert bool(judge(found, builders.stage(), 0.0).approval_reasons) is asked


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_teacher_is_paid_for_held_out_prompts_without_answers_whenever_they_are_evaluated(
    attempt: int,
) -> None:
    teacher = Teacher(model="meta.llama3-3-70b-instruct-v1:0", max_response_length=500)
    prompts = Prompts(count=40, tokens=4_000, unanswered=10)
    held_out = msgspec.structs.replace(builders.dataset().test, prompts=prompts)

    found = estimated(
        builders.LLAMA_3_1,
        dataset=builders.dataset(test=held_out),
        teacher=teacher,
        evaluation_attempt=attempt,
    )

    assert line(found, "evaluation, teacher, prompts").likely == pytest.approx(1_000 / 1e6 * 0.72)
    answers = line(found, "evaluation, teacher, answers")
    assert answers.high == pytest.approx(10 * 500 / 1e6 * 0.72)
    assert (answers.low, answers.likely) == (
        pytest.approx(0.1 * answers.high), pytest.approx(0.4 * answers.high)
    )  # fmt: skip


@pytest.mark.parametrize(("records", "growth"), [(200, 75), (15_000, 1), (30_000, 1)])
def test_the_estimate_includes_the_prompts_that_bedrock_generates_for_a_teacher(
    records: int, growth: int
) -> None:
    teacher = Teacher(model="meta.llama3-3-70b-instruct-v1:0", max_response_length=500)
    train = msgspec.structs.replace(builders.dataset().train, records=records)

    found = estimated(builders.LLAMA_3_1, dataset=builders.dataset(train=train), teacher=teacher)

    prompts, answers = line(found, "teacher, prompts"), line(found, "teacher, answers")
    assert prompts.high == pytest.approx(growth * MOST_TOKENS * prompts.likely)
    assert answers.high == pytest.approx(max(records, 15_000) * 500 / 1e6 * 0.72)
    assert answers.likely == pytest.approx(0.4 * records * 500 / 1e6 * 0.72)


def test_a_run_within_its_budget_needs_no_approval() -> None:
    assert cost().approval_reasons == ()


def test_a_run_over_its_budget_waits_for_approval() -> None:
    (reason,) = cost(budget_usd=1.0).approval_reasons

    assert "over the run's budget of 1.00 USD" in reason


def test_a_month_that_is_spent_asks_first() -> None:
    (reason,) = cost(spent=99.0).approval_reasons

    assert "monthly budget" in reason


def test_an_unknown_price_is_reported_and_needs_approval() -> None:
    found = cost("amazon.nova-pro-v1:0:300k", hyperparameters={"epochCount": "2"})

    assert found.approval_reasons == (
        "no dated price is known for training (USE1-NovaPro-Customization-Training)",
    )
    training = line(found, "training")
    assert (training.low, training.likely, training.high) == (0, 0, 0)


@pytest.mark.parametrize(
    "base_model",
    ["amazon.nova-lite-v1:0:300k", "amazon.nova-micro-v1:0:128k", "amazon.nova-2-lite-v1:0:256k"],
)
def test_a_default_run_has_all_its_prices_and_asks_nobody_for_want_of_one(base_model: str) -> None:
    found = cost(base_model, hyperparameters={"epochCount": "2"})

    assert all(one.source and one.priced_on for one in found.lines)
    assert found.approval_reasons == ()


def test_a_stage_may_refuse_what_passes_its_month() -> None:
    found = estimated()

    with pytest.raises(OverBudget, match=r"monthly budget of 100\.00 USD\. Nothing was paid"):
        judge(found, builders.stage(monthly_budget_usd=100.0, over_monthly_budget="refuse"), 99.9)
    with pytest.raises(OverBudget, match=r"Nothing more was paid"):
        judge(
            found, builders.stage(monthly_budget_usd=100.0, over_monthly_budget="refuse"), 99.9, before_usd=9
        )


def test_throughput_for_production_is_estimated_beside_an_evaluation_on_demand() -> None:
    settings = DeploymentSettings(mode="provisioned", keep_for_seconds=3600)

    lines = cost("amazon.nova-lite-v1:0:300k", deployment=settings).lines

    assert [one.item for one in lines] == [
        "training",
        "model storage",
        "evaluation",
        "provisioned throughput",
    ]
    assert lines[-1].basis.startswith("1 model unit(s) x 1 h (0 h to evaluate)")


def line(found: Estimate, item: str) -> CostLine:
    return next(one for one in found.lines if one.item == item)


def test_only_evaluated_prompts_are_billed() -> None:
    all_of_them = cost(evaluation=EvaluationSettings(general_ability=False))
    a_quarter = cost(evaluation=EvaluationSettings(general_ability=False, max_prompts=10))

    assert line(all_of_them, "evaluation").likely == pytest.approx(2 * 4_000 / 1e6 * 0.72)
    assert line(a_quarter, "evaluation").likely == pytest.approx(2 * 1_000 / 1e6 * 0.72)


def test_each_turn_of_a_conversation_is_billed_with_all_earlier_turns() -> None:
    prompts = Prompts(count=120, tokens=11_000)
    held_out = msgspec.structs.replace(builders.dataset().test, prompts=prompts)
    settings = EvaluationSettings(general_ability=False)

    found = estimated(dataset=builders.dataset(test=held_out), evaluation=settings, has_champion=True)

    assert line(found, "evaluation").likely == pytest.approx(3 * 11_000 / 1e6 * 0.72)
    assert found.evaluation_requests == 3 * 120


@pytest.mark.parametrize(("way", "count"), [("on-demand", 40), ("provisioned", 40), ("on-demand", 2_000)])
def test_a_model_in_production_of_another_base_model_is_asked_at_its_own_price(way: Way, count: int) -> None:
    """A name may go on with a base model of a twentieth of the price of the one in production."""
    micro, pro = (catalog.find(f"amazon.nova-{name}-v1:0") for name in ("micro", "pro"))
    held_out = DatasetFile(uri="s3://artifacts/t", records=count, tokens=count * 100)
    run = builders.run(evaluation=EvaluationSettings(max_prompts=count))
    asked = workload(builders.dataset(test=held_out), run, has_champion=True)

    def likely(champion: BaseModel | None) -> float:
        return estimate(run, builders.dataset(), micro, way, asked, champion=champion).likely

    assert micro.prices.output_per_million_tokens is not None
    assert pro.prices.output_per_million_tokens is not None
    tokens = count * 100 + max(0, count - 500) * FEWEST_ANSWER_TOKENS
    dear = tokens / 1e6 * pro.prices.output_per_million_tokens.usd
    cheap = tokens / 1e6 * micro.prices.output_per_million_tokens.usd if way == "on-demand" else 0.0
    assert likely(pro) - likely(None) == pytest.approx(dear - cheap)
    assert likely(micro) == likely(None)


@pytest.mark.parametrize(
    ("base_model", "way", "has_champion", "models"),
    [
        (builders.LLAMA_3_3, "on-demand", False, 2),
        (builders.LLAMA_3_3, "on-demand", True, 2),  # the model in production has no abilities to lose
        (builders.LLAMA_3_1, "provisioned", False, 1),  # the tuned model's tokens are paid for by its hours
    ],
)
def test_general_ability_costs_the_answers_that_are_billed_by_token(
    base_model: str, way: Way, has_champion: bool, models: int
) -> None:
    def answers(general_ability: bool) -> float:
        settings = EvaluationSettings(general_ability=general_ability)
        found = estimated(base_model, way, has_champion=has_champion, evaluation=settings)
        return line(found, "evaluation").likely

    price = catalog.find(base_model).prices.output_per_million_tokens
    assert price is not None
    probes = workload(builders.dataset(), builders.run(base_model=base_model), has_champion=False).probes
    assert probes > 100
    assert answers(True) - answers(False) == pytest.approx(models * probes * PROBE_TOKENS / 1e6 * price.usd)


def test_a_judge_is_paid_for_reading_each_pair_twice() -> None:
    judge = JudgeSettings(model="us.meta.llama3-3-70b-instruct-v1:0")

    judging = line(cost(evaluation=EvaluationSettings(judge=judge)), "judging")

    assert judging.likely == pytest.approx(2 * (3 * 4_000 + 40 * 450) / 1e6 * 0.72)
    assert "40 pairs x 2 orders" in judging.basis


def test_the_stages_judge_may_cost_nothing_since_it_reads_open_text_alone() -> None:
    judge = JudgeSettings(model="us.amazon.nova-pro-v1:0", open_text_only=True)

    judging = line(cost(evaluation=EvaluationSettings(judge=judge)), "judging")

    assert judging.likely == pytest.approx(2 * (3 * 4_000 + 40 * 450) / 1e6 * 3.2)
    assert judging.low == 0
    assert "40 pairs x 2 orders if the answers are open text" in judging.basis
    assert judging.source


def test_the_stages_judge_counts_in_the_budget() -> None:
    judge = JudgeSettings(model="us.amazon.nova-pro-v1:0", open_text_only=True)
    without = cost().high

    found = cost(evaluation=EvaluationSettings(judge=judge), budget_usd=without + 0.01)

    assert any("the run's budget" in one for one in found.approval_reasons)
    assert not cost(budget_usd=without + 0.01).approval_reasons


def test_evaluation_jobs_are_paid_for_rating_each_answer_once() -> None:
    judge = JudgeSettings(model="us.meta.llama3-3-70b-instruct-v1:0", via="evaluation-job")

    judging = line(cost(evaluation=EvaluationSettings(judge=judge)), "judging")

    assert judging.likely == pytest.approx(2 * (2 * 4_000 + 40 * 900) / 1e6 * 0.72)
    assert "40 prompts x 2 answers, each in an evaluation job" in judging.basis


@pytest.mark.parametrize(("via", "readings"), [("converse", 2 * 40), ("evaluation-job", 2 * 40)])
def test_a_rubric_of_ones_own_is_read_at_each_judgement(via: Any, readings: int) -> None:
    """Of four characters a token: in both orders of each pair, or with each of two answers."""
    model = "us.meta.llama3-3-70b-instruct-v1:0"

    def judging(rubric: str) -> float:
        settings = EvaluationSettings(judge=JudgeSettings(model=model, via=via, rubric=rubric))
        return line(cost(evaluation=settings), "judging").likely

    assert judging("x" * 400) - judging("") == pytest.approx(readings * 100 / 1e6 * 0.72)


def test_a_judge_without_a_known_price_needs_approval() -> None:
    settings = EvaluationSettings(judge=JudgeSettings(model="anthropic.claude-sonnet-4-5"))

    assert "no dated price is known for judging" in cost(evaluation=settings).approval_reasons


def test_an_amount_with_missing_prices_is_shown_as_a_minimum() -> None:
    assert in_words(cost()).startswith("about ")
    assert in_words(cost("amazon.nova-pro-v1:0:300k")).endswith("no dated price is known for training")


@pytest.mark.parametrize(
    ("commitment", "hours"), [("none", "2 h"), ("1-month", "720 h"), ("6-months", "4320 h")]
)
def test_a_commitment_is_paid_to_its_end(commitment: Any, hours: str) -> None:
    settings = DeploymentSettings(commitment=commitment, keep_for_seconds=3600)

    line = cost(builders.LLAMA_3_1, "provisioned", deployment=settings).lines[-1]

    assert f"x {hours} (1 h to evaluate)" in line.basis


def test_a_search_stores_the_model_of_each_candidate() -> None:
    values = builders.run().hyperparameters
    one = line(cost(), "model storage")

    three = line(cost(candidates=(values,) * 3), "model storage")

    assert three.likely == pytest.approx(3 * one.likely)


def test_the_range_is_the_one_that_the_checker_reports() -> None:
    known = TokenEstimate()

    assert (known.low, known.high) == (FEWEST_TOKENS, MOST_TOKENS)


def asked_of_short_references(prompts: int, **evaluation: Any) -> Estimate:
    """The estimate of an evaluation whose references are one word each."""
    short = msgspec.structs.replace(
        builders.dataset().test, prompts=Prompts(count=prompts, tokens=10 * prompts)
    )
    settings = EvaluationSettings(general_ability=False, max_prompts=prompts, **evaluation)
    return cost(dataset=builders.dataset(test=short), evaluation=settings)


def test_whoever_asks_for_very_many_answers_pays_for_long_ones_only_when_approved() -> None:
    found = asked_of_short_references(100_000)

    most = 2 * 99_500 * FEWEST_ANSWER_TOKENS / 1e6 * 0.72
    assert line(found, "evaluation").likely < 2
    assert line(found, "evaluation, long answers").likely == pytest.approx(most)
    assert any("over the run's budget" in reason for reason in found.approval_reasons)


@pytest.mark.parametrize("prompts", [30, 500])
def test_as_many_prompts_as_usual_are_taken_to_have_usual_answers(prompts: int) -> None:
    lines = asked_of_short_references(prompts).lines

    assert not any("long answers" in one.item for one in lines)


@pytest.mark.parametrize(("via", "answers"), [("converse", 4), ("evaluation-job", 2)])
def test_a_judge_reads_the_long_answers_too(via: Any, answers: int) -> None:
    judge = JudgeSettings(model="us.meta.llama3-3-70b-instruct-v1:0", via=via)

    found = line(asked_of_short_references(1_000, judge=judge), "judging, long answers")

    assert found.likely == pytest.approx(answers * 500 * FEWEST_ANSWER_TOKENS / 1e6 * 0.72)


@pytest.mark.parametrize(
    ("base_model", "method", "trained_before", "said"),
    [
        ("openai.gpt-oss-20b", "reinforcement", False, UNDELETABLE),
        ("openai.gpt-oss-20b", "reinforcement", True, ""),  # it exists: nobody can decide against it now
        (builders.LLAMA_3_3, "single-turn", False, ""),
    ],
)
def test_what_cannot_be_deleted_is_said_before_it_is_trained(
    base_model: str, method: Method, trained_before: bool, said: str
) -> None:
    found = estimated(base_model, dataset=builders.dataset(method=method), trained_before=trained_before)

    assert found.stays == said
