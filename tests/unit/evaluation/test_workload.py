"""How much an evaluation asks, and how long that takes, as it is told before anything is paid."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from tests import builders
from tunedrop import catalog
from tunedrop.contracts import (
    Dataset,
    DatasetFile,
    EvaluationSettings,
    JudgeSettings,
    Prompts,
    S3Object,
    Teacher,
    Way,
)
from tunedrop.dataset.formats import Conversation, Turn
from tunedrop.dataset.prepare.held_out import HeldOut, prompts_of, questions
from tunedrop.dataset.prepare.split import MAX_TEST_RECORDS
from tunedrop.dataset.rules.record import MOST_MESSAGES
from tunedrop.evaluation import general_ability
from tunedrop.evaluation import workload as workloads
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import Judgement, evaluate, select
from tunedrop.evaluation.inference.speed import REQUESTS_A_FUNCTION
from tunedrop.evaluation.workload import (
    MOST_ASKED_TOKENS,
    MOST_HELD_OUT_TOKENS,
    outlasts_throughput,
    too_large,
    workload,
)

OF_UNKNOWN_PACE = catalog.find(builders.LLAMA_3_1)


class Counting:
    """Answers, and counts how often it was asked; as a judge, each comparison is two calls."""

    def __init__(self, name: str = "") -> None:
        self.asked, self._name = 0, name

    def ask(self, question: HeldOut) -> Answer:
        self.asked += 1
        return Answer(text=self._name)

    def compare(self, question: HeldOut, base: Answer, tuned: Answer) -> Judgement:
        self.asked += workloads.ORDERS_JUDGED
        return Judgement()


def held_out(**prompts: int) -> Dataset:
    file = DatasetFile(uri="s3://artifacts/test.jsonl", records=40, tokens=1)
    return builders.dataset(test=msgspec.structs.replace(file, prompts=Prompts(**prompts)))


def requests(dataset: Dataset, *, has_champion: bool = False, **settings: Any) -> int:
    run = builders.run(evaluation=EvaluationSettings(**settings))
    return workload(dataset, run, has_champion=has_champion).requests


def minutes(prompts: int, per_minute: int) -> float | None:
    settings = EvaluationSettings(max_prompts=100_000, general_ability=False)
    asked = workload(held_out(count=prompts), builders.run(evaluation=settings), has_champion=False)
    stage = builders.stage(evaluation_requests_per_minute=per_minute)
    return workloads.minutes(asked, stage, OF_UNKNOWN_PACE)


def test_every_candidate_answers_every_turn() -> None:
    turns = held_out(count=160, tokens=9_000)

    assert requests(turns, general_ability=False) == 2 * 160
    assert requests(turns, general_ability=False, has_champion=True) == 3 * 160


def test_the_workload_stays_within_the_runs_limit() -> None:
    assert requests(held_out(count=160), general_ability=False, max_prompts=100) == 2 * 100


def test_general_ability_is_measured_only_for_base_and_tuned() -> None:
    assert requests(held_out(count=160), general_ability=50) == 2 * 160 + 2 * 50
    assert requests(held_out(count=160), has_champion=True) == 3 * 160 + 2 * len(general_ability.probes())


def test_the_judge_reads_each_pair_in_both_orders() -> None:
    judge = JudgeSettings(model="judge")

    assert requests(held_out(count=40), general_ability=False, judge=judge) == (2 + 2) * 40


def test_evaluation_jobs_ask_their_judge_themselves() -> None:
    judge = JudgeSettings(model="judge", via="evaluation-job")

    assert requests(held_out(count=40), general_ability=False, judge=judge) == 2 * 40


def test_without_held_out_records_nothing_is_evaluated() -> None:
    assert requests(builders.dataset(test=None)) == 0


def test_a_split_whose_prompts_nobody_has_counted_has_one_a_record() -> None:
    assert requests(builders.dataset(), general_ability=False) == 2 * 40


def test_a_judge_that_decides_compares_with_the_model_in_production_too() -> None:
    judge = JudgeSettings(model="judge")

    def asked(metric: str) -> int:
        return requests(
            held_out(count=40), has_champion=True, general_ability=False, judge=judge, metric=metric
        )

    assert asked("judge") == asked("auto") == (3 + 2 * 2) * 40
    assert asked("token_f1") == (3 + 2) * 40


def test_the_stages_judge_counts_as_one_that_decides() -> None:
    judge = JudgeSettings(model="judge", open_text_only=True)

    asked = requests(held_out(count=40), has_champion=True, general_ability=False, judge=judge)

    assert asked == (3 + 2 * 2) * 40


@pytest.mark.parametrize("has_champion", [False, True])
@pytest.mark.parametrize("has_judge", [False, True])
@pytest.mark.parametrize("has_teacher", [False, True])
@pytest.mark.parametrize("few_shot", [0, 3])
def test_the_announced_workload_is_the_actual_one(
    has_champion: bool, has_judge: bool, has_teacher: bool, few_shot: int
) -> None:
    turns = [Turn(role, f"said {place}") for place in range(3) for role in ("user", "assistant")]
    conversations = [Conversation(tuple(turns[:length]), "system") for length in (2, 4, 6, 1, 3)]
    asked = [one for number, each in enumerate(conversations) for one in questions(number, each, False)]
    counted = sum((prompts_of(one, False) for one in conversations), Prompts())
    settings = EvaluationSettings(
        metric="judge",
        general_ability=False,
        judge=JudgeSettings(model="judge") if has_judge else None,
        max_prompts=1_000,
        few_shot=few_shot,
    )
    teacher = Teacher(model="teacher", max_response_length=9) if has_teacher else None
    run = builders.run(evaluation=settings, teacher=teacher)
    said = workload(held_out(**msgspec.structs.asdict(counted)), run, has_champion=has_champion)
    models = {name: Counting(name) for name in ("base", "tuned", "champion", "judge", "teacher", "prompted")}

    list(
        evaluate(
            select(lambda: asked, settings.max_prompts),
            models["base"],
            models["tuned"],
            time.monotonic() + 60,
            champion=models["champion"] if has_champion else None,
            judge=models["judge"] if has_judge else None,
            champion_judge=models["judge"] if has_judge else None,
            teacher=models["teacher"] if has_teacher else None,
            prompted=models["prompted"] if few_shot else None,
        )
    )

    assert counted.count == 1 + 2 + 3 + 1 + 2
    assert said.requests == sum(one.asked for one in models.values())


def test_examples_before_each_prompt_are_part_of_what_is_paid() -> None:
    dataset = msgspec.structs.replace(
        held_out(count=40, tokens=4_000),
        train=DatasetFile(uri="s3://artifacts/train.jsonl", records=100, tokens=15_000),
    )
    run = builders.run(evaluation=EvaluationSettings(few_shot=5))

    asked = workload(dataset, run, has_champion=False)

    assert asked.few_shot == Prompts(count=40, tokens=4_000 + 40 * 5 * 150)
    text = msgspec.structs.replace(dataset, target_format="text")
    assert not workload(text, run, has_champion=False).few_shot.count


def test_a_slow_accounts_evaluation_is_known_to_be_long() -> None:
    assert minutes(40, per_minute=4) == pytest.approx(2 * 40 / 4)
    assert minutes(40, per_minute=0) is None


@pytest.mark.parametrize(
    ("minutes", "way", "said"),
    [
        (None, "provisioned", ""),
        (240.0, "provisioned", ""),
        (
            540.0,
            "provisioned",
            "9 hours, and the provisioned throughput that serves its model is released",
        ),
        (540.0, "on-demand", ""),
    ],
)
def test_an_evaluation_that_outlasts_its_throughput_is_told_before_it_is_paid(
    minutes: float | None, way: Way, said: str
) -> None:
    """The sweep ends throughput at its expiry, also while it is asked: all would be paid for nothing."""
    found = outlasts_throughput(minutes, builders.stage(throughput_expiry_seconds=14_400), way)

    assert said in found
    assert bool(found) is bool(said)


def test_shards_evaluate_as_fast_as_the_account_allows() -> None:
    assert minutes(4_000, per_minute=480) == pytest.approx(2 * 4_000 / 480)


def test_no_pace_is_promised_that_the_functions_cannot_keep() -> None:
    """Both models are asked at once, so that two answers take the time of one."""
    assert minutes(400, per_minute=2_000) == pytest.approx(400 / REQUESTS_A_FUNCTION)
    assert minutes(50_000, per_minute=4_000) == pytest.approx(50_000 / (8 * REQUESTS_A_FUNCTION))
    assert minutes(50_000, per_minute=2_000) == pytest.approx(2 * 50_000 / 2_000)


@pytest.mark.parametrize(("records", "most", "decides"), [(29, 500, False), (30, 500, True), (40, 30, True)])
def test_a_verdict_takes_thirty_held_out_conversations(records: int, most: int, decides: bool) -> None:
    file = DatasetFile(uri="s3://artifacts/test.jsonl", records=records, tokens=1)
    run = builders.run(evaluation=EvaluationSettings(max_prompts=most))

    why = workloads.undecidable(builders.dataset(test=file), run, catalog.find(builders.NOVA_LITE))

    assert bool(why) is not decides
    if why:
        assert why.startswith("29 held-out conversations cannot decide whether its model is better")
        assert "with 250 records or more, or with a test file of 30 or more" in why


def test_nothing_held_out_decides_nothing() -> None:
    model = catalog.find(builders.NOVA_LITE)

    why = workloads.undecidable(builders.dataset(test=None), builders.run(), model)

    assert why.startswith("0 held-out conversations cannot decide")


@pytest.mark.parametrize(
    ("tokens", "most", "why"),
    [
        (MOST_HELD_OUT_TOKENS, 500, ""),
        (MOST_HELD_OUT_TOKENS + 1, 500, "data.test in the manifest"),
        (MOST_ASKED_TOKENS, 100_000, ""),
        (MOST_ASKED_TOKENS + 1, 100_000, "fewer evaluation.max_prompts"),
        (MOST_ASKED_TOKENS + 1, 500, ""),
    ],
)
def test_a_test_set_that_no_function_can_hold_is_told_before_it_is_paid(
    tokens: int, most: int, why: str
) -> None:
    file = S3Object(bucket="datasets", key="runs/answers/test.jsonl")
    run = builders.run(evaluation=EvaluationSettings(max_prompts=most), test=file)
    dataset = held_out(count=50_000, tokens=tokens)

    found = too_large(dataset, run)

    assert why in found
    assert bool(found) is bool(why)


@pytest.mark.parametrize("messages", [2, 40, MOST_MESSAGES])
def test_no_test_set_that_the_stage_holds_out_is_too_large(messages: int) -> None:
    """Of records as long as any base model takes, each prompt with all that was said before it."""
    rules = [one for model in catalog.load().values() for one in model.methods.values()]
    longest = max(one.max_record_tokens for one in rules)
    prompts = messages // 2
    split_off = held_out(
        count=MAX_TEST_RECORDS * prompts, tokens=MAX_TEST_RECORDS * longest * (prompts + 1) // 2
    )

    assert too_large(split_off, builders.run()) == ""
