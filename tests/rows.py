"""Every row of method, base model and Region that AWS offers today, and what it does not offer.

By hand from AWS's pages, not from the catalog: Bedrock user guide, custom-models, fine-tuning-openai-apis,
reinforcement-fine-tuning, model-customization-import-model and prequisites-model-distillation; SageMaker AI
developer guide, customizing-models and jumpstart-foundation-models-fine-tuning-domain-adaptation;
sagemaker-python-sdk, finetune_utils.py; Nova user guide, nova-model-recipes (all read 2026-11-29).

`tests/unit/registration/test_every_row.py` looks at each up to its estimate; `python -m bench rows` runs each
on deployed stages.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

EAST, WEST = "us-east-1", "us-west-2"
SERVERLESS = (EAST, WEST, "eu-west-1", "ap-northeast-1")
IMPORTING = (EAST, "us-east-2", WEST, "eu-central-1")
EXAMPLES, TEXTS = ("instruction", "single-turn", "multi-turn"), ("continued-pretraining",)
EVERY_ENGINE = ("bedrock", "sagemaker-serverless", "sagemaker-jumpstart", "mantle")


class Row(NamedTuple):
    """What a person asks for, and by which engine and serving kind it is done; empty: it is refused.

    `after`: the method of the run of the same base model whose result is tuned further.
    """

    method: str
    base: str
    region: str
    engine: str = ""
    way: str = ""
    asked_engine: str = ""
    after: str = ""


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
TUNED, GRADED = ("single-turn", "preference"), ("reinforcement",)


def further(after: Names, methods: Names, base: str, regions: Names, engine: str = "") -> list[Row]:
    """What follows the results of runs by the same engine; by none: it is refused."""
    way = {"bedrock": "on-demand", "sagemaker-serverless": "imported"}.get(engine, "")
    return [
        Row(method, base, region, engine, way, after=before)
        for before, method, region in itertools.product(after, methods, regions)
    ]


TRANSFERS = [
    # on a Bedrock-tuned model: Nova, tuned or distilled
    *further(("single-turn",), ("single-turn",), NOVA[1], (EAST,), "bedrock"),
    *further(("distillation",), ("single-turn",), NOVA[0], (EAST,), "bedrock"),
    *further(("single-turn",), ("reinforcement", "distillation"), NOVA[3], (EAST,)),
    # on a serverless result
    *further(TUNED, (*TUNED, *GRADED), OPEN[0], (EAST, WEST), "sagemaker-serverless"),
    *further(GRADED, ("preference", *GRADED), OPEN[0], (EAST, WEST), "sagemaker-serverless"),
    *further(GRADED, ("single-turn",), OPEN[0], (EAST, WEST)),
    # continued pre-training, then anything
    *further(TEXTS, (*TEXTS, "single-turn"), "mistral.mistral-7b", (EAST, WEST)),
    # on a mantle model, and across engines
    *further(GRADED, GRADED, "openai.gpt-oss-20b", (WEST,)),
    Row("reinforcement", OPEN[2], WEST, asked_engine="mantle", after="single-turn"),
]
"""Transfers: each follows a row of `ROWS` in the same Region."""
ACCEPTED = [one for one in ROWS if one.engine]
REFUSED = [one for one in ROWS if not one.engine]


def name_of(row: Row) -> str:
    asked = f" by {row.asked_engine}" if row.asked_engine else ""
    after = f" after {row.after}" if row.after else ""
    return f"{row.method}{after} of {row.base}{asked} in {row.region}"
