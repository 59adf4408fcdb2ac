"""Every row of method, base model and Region that AWS offers today: accepted as a whole, or refused.

The rows are written by hand from AWS's pages, not from the catalog: Bedrock user guide, custom-models,
fine-tuning-openai-apis, reinforcement-fine-tuning, model-customization-import-model and prequisites-model-
distillation; SageMaker AI developer guide, customizing-models and jumpstart-foundation-models-fine-tuning-
domain-adaptation; sagemaker-python-sdk, finetune_utils.py; Nova user guide, nova-model-recipes (all read
2026-11-29). What is accepted is registered, passes preflight against the embedded services, is priced or says
what has no price, and would be served; what is refused says why, and names what can be tuned today.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock
from tests.unit.local_sagemaker import LocalAccount, stage_of
from tunedrop import catalog
from tunedrop.contracts import Dataset, DatasetFile, Estimate, Run
from tunedrop.cost.budgets import judge
from tunedrop.cost.estimate import estimate
from tunedrop.errors import InvalidManifest, PreflightFailed
from tunedrop.evaluation import rollouts
from tunedrop.evaluation.grading import grade
from tunedrop.evaluation.workload import workload
from tunedrop.preflight.checks import Preflighter
from tunedrop.serving import choose
from tunedrop.stage import Stage
from tunedrop.training import engines

EAST, WEST = "us-east-1", "us-west-2"
SERVERLESS = (EAST, WEST, "eu-west-1", "ap-northeast-1")
IMPORTING = (EAST, "us-east-2", WEST, "eu-central-1")
EXAMPLES, TEXTS = ("instruction", "single-turn", "multi-turn"), ("continued-pretraining",)
GRADED = Path(__file__).parents[3] / "examples" / "graded-answers" / "train.jsonl"
EVERY_ENGINE = ("bedrock", "sagemaker-serverless", "sagemaker-jumpstart", "mantle")


class Row(NamedTuple):
    """What a person asks for, and by which engine and serving kind it is done; empty: it is refused."""

    method: str
    base: str
    region: str
    engine: str = ""
    way: str = ""
    asked_engine: str = ""


Names = tuple[str, ...]


def rows(methods: Names, bases: Names, regions: Names, engine: str = "", way: str = "") -> list[Row]:
    return [Row(*one, engine, way) for one in itertools.product(methods, bases, regions)]


NOVA = (
    "amazon.nova-micro-v1:0:128k", "amazon.nova-lite-v1:0:300k", "amazon.nova-pro-v1:0:300k",
    "amazon.nova-2-lite-v1:0:256k",
)  # fmt: skip
OPEN = ("qwen.qwen3-4b", "qwen.qwen3-8b", "qwen.qwen3-32b", "meta.llama3-1-8b-instruct")
"""The serverless bases that Tunedrop tunes; those below it refuses by name."""
OTHERS = (
    "Qwen/Qwen3-0.6B", "qwen.qwen3-1-7b", "qwen3-14b", "Qwen2.5-7B-Instruct", "Qwen2.5-72B-Instruct",
    "DeepSeek-R1-Distill-Qwen-32B", "deepseek-r1-distill-llama-8b", "meta-llama/Llama-3.2-1B-Instruct",
    "Llama-3.3-70B-Instruct", "openai.gpt-oss-20b", "openai/gpt-oss-120b",
)  # fmt: skip
NOT_IMPORTED = (
    "Qwen/Qwen3.5-4B", "qwen3.6-27b", "qwen3.8-27b", "google/gemma-4-E4B", "Ministral-3-8B",
    "nvidia-nemotron-3-8b",
)  # fmt: skip
OTHER_SCRIPTS = ("meta-textgeneration-llama-2-7b", "meta-llama/Meta-Llama-3-8B", "Meta-Llama-3-70B")

ROWS = [
    # instruction, single and multi-turn: Nova by Bedrock
    *rows(EXAMPLES, NOVA, (EAST,), "bedrock", "on-demand"),
    *rows(EXAMPLES, NOVA, (WEST,)),
    # the same, full rank or DPO: Nova by SageMaker's recipes
    *rows(("preference", "dpo", "full-rank"), NOVA, (EAST,)),
    # the same and DPO: open weights by serverless customization
    *rows((*EXAMPLES, "preference"), OPEN, (EAST, WEST), "sagemaker-serverless", "imported"),
    *rows((*EXAMPLES, "preference"), OPEN, ("eu-west-1", "ap-northeast-1")),
    *rows(("single-turn", "preference"), (*OTHERS, *NOT_IMPORTED), SERVERLESS),
    *rows(("dpo", "full-rank"), OPEN, (EAST,)),
    # reinforcement
    Row("reinforcement", "amazon.nova-2-lite-v1:0:256k", EAST, "bedrock", "on-demand"),
    *rows(("reinforcement",), NOVA[:3], (EAST,)),
    Row("reinforcement", "openai.gpt-oss-20b", WEST, "mantle", "mantle"),
    Row("reinforcement", "openai.gpt-oss-20b", EAST),
    Row("reinforcement", "qwen.qwen3-32b", WEST, "mantle", "mantle", "mantle"),
    Row("reinforcement", "qwen.qwen3-32b", EAST, asked_engine="mantle"),
    *rows(("reinforcement",), OPEN, (EAST, WEST), "sagemaker-serverless", "imported"),
    *rows(("reinforcement",), OPEN, ("eu-west-1", "ap-northeast-1")),
    *rows(("reinforcement",), ("openai/gpt-oss-120b", *OTHERS[:9], *NOT_IMPORTED), (EAST, WEST)),
    *rows(("rlvr", "rlaif"), OPEN, (EAST,)),
    # distillation
    *rows(("distillation",), NOVA[:2], (EAST,), "bedrock", "on-demand"),
    *rows(("distillation",), (*NOVA[2:], *OPEN), (EAST,)),
    # continued pre-training
    *rows(TEXTS, ("mistral.mistral-7b",), (EAST, WEST), "sagemaker-jumpstart", "imported"),
    *rows(TEXTS, ("mistral.mistral-7b",), ("us-east-2", "eu-central-1")),
    *rows(TEXTS, OTHER_SCRIPTS, IMPORTING),
    *rows(TEXTS, (*NOVA, *OPEN, "openai.gpt-oss-20b", "gemma-4-31b"), (EAST,)),
]  # fmt: skip
ACCEPTED = [one for one in ROWS if one.engine]
REFUSED = [one for one in ROWS if not one.engine]


def name_of(row: Row) -> str:
    asked = f" by {row.asked_engine}" if row.asked_engine else ""
    return f"{row.method} of {row.base}{asked} in {row.region}"


@pytest.fixture
def region(request: pytest.FixtureRequest) -> str:
    row: Row = request.getfixturevalue("row")
    return row.region


def stage_in(region: str) -> Stage:
    """A stage that has every engine, and accepts every licence that a person has to accept."""
    found = stage_of("mantle", region, accept_eula=("meta.llama3-1-8b-instruct",))
    return msgspec.structs.replace(found, engines=EVERY_ENGINE)


def resolved(stage: Stage, row: Row) -> Run:
    engine = {"engine": row.asked_engine} if row.asked_engine else {}
    return builders.resolved(stage, base_model=row.base, method=row.method, **engine)


def looked_at(account: LocalAccount, stage: Stage, run: Run) -> Estimate:
    """Its preflight, then its estimate, as the steps do them."""
    here = account.aws()
    here.iam = FakeBedrock(simulate_principal_policy={"EvaluationResults": [{"EvalDecision": "allowed"}]})
    nothing = {"Quotas": []}
    here.service_quotas = FakeBedrock(list_aws_default_service_quotas=nothing, list_service_quotas=nothing)
    base, data = catalog.find(run.base_model), dataset(account, run)
    Preflighter(here, stage, run, data, base).run()
    way = choose.way(base, run.deployment)
    return judge(estimate(run, data, base, way, workload(data, run, has_champion=False)), stage, 0.0)


def dataset(account: LocalAccount, run: Run) -> Dataset:
    assert run.method != "auto"
    records = [json.loads(line) for line in GRADED.read_text().splitlines()[:4]]
    train = account.put(f"runs/{run.run_id}/dataset/train.jsonl", records)
    rules = catalog.find(run.base_model).methods[run.method]
    return builders.dataset(
        method=run.method,
        target_format=rules.format,
        train=DatasetFile(uri=train, records=600, tokens=200_000),
        validation=DatasetFile(uri=train, records=60, tokens=20_000) if rules.takes_validation else None,
    )


def prepared(account: LocalAccount, stage: Stage) -> None:
    """The stage's own grader, what hands it rollouts, and the files of the one base model under a licence."""
    account.function("tunedrop-test-grade-answers", lambda items: msgspec.to_builtins(grade(items)))
    account.function("tunedrop-test-grade-rollouts", lambda event: rollouts.graded(account, stage, event, 60))
    account.put("bases/llama3-1-8b-instruct/config.json", [])


@pytest.mark.parametrize("row", ACCEPTED, ids=name_of)
def test_what_is_offered_passes_preflight_and_has_an_engine_a_way_to_serve_and_a_price(
    account: LocalAccount, row: Row
) -> None:
    stage = stage_in(row.region)
    prepared(account, stage)

    run = resolved(stage, row)
    base = catalog.find(run.base_model)
    found = looked_at(account, stage, run)

    assert run.method != "auto"
    assert engines.of(base, run.method).name == row.engine
    assert choose.way(base, run.deployment) == row.way
    assert any(line.item.startswith("training") for line in found.lines)
    unpriced = [line for line in found.lines if not line.source]
    assert all("no dated price is known" in line.basis for line in unpriced)
    assert bool(unpriced) <= bool(found.approval_reasons)


@pytest.mark.parametrize("row", REFUSED, ids=name_of)
def test_what_is_not_offered_is_refused_with_the_reason_and_an_alternative(
    request: pytest.FixtureRequest, row: Row
) -> None:
    stage = stage_in(row.region)
    try:
        run = resolved(stage, row)
    except InvalidManifest as error:
        said = str(error)
    else:
        account: LocalAccount = request.getfixturevalue("account")  # for what is not refused at the drop
        prepared(account, stage)
        with pytest.raises(PreflightFailed) as raised:
            looked_at(account, stage, run)
        said = str(raised.value)

    assert any(one.id in said for one in catalog.tunable()), said
