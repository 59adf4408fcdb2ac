"""Each row of method, base model and Region of an engine beside Bedrock, from the start to nothing left.

By hand from AWS's pages, as `tests.rows`, which has every base model in every Region; each method and each
base model is trained here once in each Region that has it. `python -m bench rows` runs all of them, deployed.
"""

from __future__ import annotations

import json

import msgspec
import pytest

from local.driver import until
from tests.unit.local_sagemaker import LocalAccount
from tests.unit.training.test_every_fault import CHATS, GRADED, RUN, TEXTS, Journey, Way
from tunedrop.contracts import CompletedJob, StartedJob
from tunedrop.errors import TransientError
from tunedrop.evaluation.reinforcement import rewards, rollouts
from tunedrop.serving import kinds, models, throughput

EAST, WEST = "us-east-1", "us-west-2"
SERVERLESS, MANTLE = "sagemaker-serverless", "mantle"
PAIRS = [
    {"chosen": one["messages"], "rejected": [one["messages"][0], {"role": "assistant", "content": "no"}]}
    for one in CHATS
]
PROMPTS = [json.loads(line) for line in GRADED.read_text().splitlines()[:120]]
QUICK = {"max_epochs": 1, "rollout_n": 2}
UNDELETABLE = frozenset({"trained model"})

ROWS = [
    Way(SERVERLESS, "qwen.qwen3-4b", "instruction", EAST, CHATS, {}),
    Way(SERVERLESS, "qwen.qwen3-8b", "instruction", WEST, CHATS, {}),
    Way(SERVERLESS, "qwen.qwen3-32b", "single-turn", WEST, CHATS, {}),
    Way(SERVERLESS, "meta.llama3-1-8b-instruct", "single-turn", EAST, CHATS, {}),
    Way(SERVERLESS, "qwen.qwen3-8b", "multi-turn", EAST, CHATS, {}),
    Way(SERVERLESS, "meta.llama3-1-8b-instruct", "multi-turn", WEST, CHATS, {}),
    Way(SERVERLESS, "qwen.qwen3-32b", "preference", EAST, PAIRS, {}),
    Way(SERVERLESS, "qwen.qwen3-4b", "preference", WEST, PAIRS, {}),
    Way(SERVERLESS, "qwen.qwen3-32b", "reinforcement", EAST, PROMPTS, QUICK),
    Way(SERVERLESS, "qwen.qwen3-4b", "reinforcement", WEST, PROMPTS, QUICK),
    Way("sagemaker-jumpstart", "mistral.mistral-7b", "continued-pretraining", EAST, TEXTS, {"epoch": 2}),
    Way("sagemaker-jumpstart", "mistral.mistral-7b", "continued-pretraining", WEST, TEXTS, {"epoch": 2}),
    Way(MANTLE, "openai.gpt-oss-20b", "reinforcement", WEST, PROMPTS, {"batch_size": 32}, UNDELETABLE),
    Way(MANTLE, "qwen.qwen3-32b:mantle", "reinforcement", WEST, PROMPTS, {"batch_size": 32}, UNDELETABLE),
]


def name_of(way: Way) -> str:
    return f"{way.method} of {way.base} in {way.region}"


@pytest.fixture
def region(request: pytest.FixtureRequest) -> str:
    way: Way = request.getfixturevalue("way")
    return way.region


@pytest.mark.parametrize("way", ROWS, ids=name_of)
def test_a_row_is_trained_served_asked_and_leaves_nothing_that_can_be_deleted(
    account: LocalAccount, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewards, "PAUSE_SECONDS", 0.0)
    journey = Journey(account, way)
    stage = journey.stage
    account.function("tunedrop-test-grade-rollouts", lambda event: rollouts.graded(account, stage, event, 60))
    journey.run = msgspec.structs.replace(journey.run, accept_eula=bool(journey.base.license))

    started = begun(journey)
    job = journey.ended(started)
    serves = served(journey, job)

    assert models.status(journey.aws, job.model_arn) == "Active"
    answer = journey.ask(kinds.client(journey.aws, serves), serves)
    assert answer.error == ""
    assert answer.output_tokens > 0
    journey.clean_up(started)
    assert journey.left() <= way.stays


def begun(journey: Journey) -> StartedJob:
    """As the step does, which is called again while something of the stage's is being made."""

    def start() -> StartedJob | None:
        try:
            return journey.start()
        except TransientError:
            return None

    return until(start, "the start")


def served(journey: Journey, job: CompletedJob) -> str:
    """The ARN that serves the model, by the first kind that its base model has."""
    (kind, *_) = kinds.offered(journey.base)
    if kind.serves_files:
        return journey.imported(job).arn
    begun = throughput.create(
        journey.aws.bedrock, journey.stage, RUN, "name", job.model_arn, journey.run.deployment, kind.way
    )
    found = throughput.outcome(journey.aws.bedrock, begun)
    assert found is not None
    return found.arn
