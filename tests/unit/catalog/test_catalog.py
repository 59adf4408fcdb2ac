"""The catalog: complete, sourced, without repetition; a model is one file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from tests.recorded import recorded
from tunedrop import catalog, clock
from tunedrop.catalog.model import BaseModel
from tunedrop.catalog.tunable import obstacle
from tunedrop.dataset.check.check import check

CATALOG = Path(catalog.__file__).parent
CUSTOMIZABLE = {
    "amazon.nova-2-lite-v1:0:256k": {"fine-tuning", "reinforcement"},
    "amazon.nova-micro-v1:0:128k": {"fine-tuning", "distillation"},
    "amazon.nova-lite-v1:0:300k": {"fine-tuning", "distillation"},
    "amazon.nova-pro-v1:0:300k": {"fine-tuning"},
    "meta.llama3-3-70b-instruct-v1:0:128k": {"fine-tuning"},
    "meta.llama3-1-8b-instruct-v1:0:128k": {"fine-tuning", "distillation"},
    "meta.llama3-1-70b-instruct-v1:0:128k": {"fine-tuning", "distillation"},
    "meta.llama3-2-1b-instruct-v1:0:128k": {"fine-tuning", "distillation"},
    "meta.llama3-2-3b-instruct-v1:0:128k": {"fine-tuning", "distillation"},
    "meta.llama3-2-11b-instruct-v1:0:128k": {"fine-tuning"},
    "meta.llama3-2-90b-instruct-v1:0:128k": {"fine-tuning"},
    "amazon.titan-image-generator-v2:0": {"image-caption"},
    "amazon.titan-embed-image-v1:0": {"image-caption"},
    "amazon.nova-canvas-v1:0": {"image-caption"},
    "anthropic.claude-3-haiku-20240307-v1:0:200k": {"fine-tuning"},
    "openai.gpt-oss-20b": {"reinforcement"},
    "qwen.qwen3-32b:mantle": {"reinforcement"},
    "qwen.qwen3-32b": {"fine-tuning", "preference", "reinforcement"},
    "qwen.qwen3-4b": {"fine-tuning", "preference", "reinforcement"},
    "qwen.qwen3-8b": {"fine-tuning", "preference", "reinforcement"},
    "meta.llama3-1-8b-instruct": {"fine-tuning", "preference", "reinforcement"},
    "mistral.mistral-7b": {"continued-pretraining"},
    "amazon.titan-text-express-v1:0:8k": {"continued-pretraining", "fine-tuning"},
}
"""Bedrock user guide, custom-model-fine-tuning, prequisites-model-distillation and reinforcement-fine-tuning
(read 2026-11-23), the last base that could be pre-trained further, and the bases of SageMaker AI's serverless
customization and of its JumpStart that Tunedrop takes (developer guide, customizing-models and
jumpstart-foundation-models-fine-tuning-domain-adaptation, read 2026-11-29)."""

LISTED_ON = "2026-04-20"
"""The day of `tests/recorded/model-ids.json`."""

LISTED = recorded("list-foundation-models")["modelSummaries"]

EVERY = pytest.mark.parametrize("model", catalog.load().values(), ids=lambda model: model.id)


def test_every_model_that_can_be_customized_is_there_with_its_methods() -> None:
    fine_tuning = {"instruction", "single-turn", "multi-turn"}

    found = {
        model.id: {"fine-tuning" if method in fine_tuning else method for method in model.methods}
        for model in catalog.load().values()
    }

    assert found == CUSTOMIZABLE


@EVERY
def test_every_figure_has_its_source_and_day(model: BaseModel) -> None:
    prices = [
        one
        for one in (
            model.prices.training_per_million_tokens,
            model.prices.training_per_hour,
            model.prices.storage_per_month,
            model.prices.input_per_million_tokens,
            model.prices.output_per_million_tokens,
            *model.prices.provisioned_per_unit_hour.values(),
        )
        if one is not None
    ]
    media = [one for one in (model.images, model.videos) if one is not None]
    sources = [model.source, model.lifecycle.source, model.serving.source, *(one.source for one in media)]
    sources += [rules.source for rules in model.methods.values()]

    assert all(one.page and re.fullmatch(r"20\d\d-\d\d-\d\d", one.read_on) for one in sources)
    assert all(one.source and re.fullmatch(r"20\d\d-\d\d-\d\d", one.priced_on) for one in prices)


@EVERY
def test_the_figures_of_a_model_fit_together(model: BaseModel) -> None:
    for rules in model.methods.values():
        assert 0 < rules.min_train_records <= rules.max_train_records <= rules.max_total_records
        assert not rules.takes_images or model.images is not None
        assert not rules.takes_video or model.videos is not None
        assert rules.takes_validation or rules.format != "text"
    for method in model.methods:
        for name, one in model.hyperparameters_of(method).items():
            assert one.refusal(one.default) == "", name


@EVERY
def test_a_student_has_a_teacher_that_still_works_and_that_is_not_itself(model: BaseModel) -> None:
    rules = model.methods.get("distillation")

    if rules is not None and not obstacle(model):
        assert any(not teacher.has_ended(clock.today()) for teacher in rules.teachers)
    if rules is not None:
        assert model.lifecycle_id not in {teacher.id for teacher in rules.teachers}


def test_only_distillation_has_teachers_and_only_reinforcement_needs_a_grader() -> None:
    every = [(method, rules) for model in catalog.load().values() for method, rules in model.methods.items()]

    assert {method for method, rules in every if rules.teachers} == {"distillation"}
    assert {method for method, rules in every if rules.needs_grader} == {"reinforcement"}


def test_no_figure_is_written_twice() -> None:
    """A table that two models share belongs in a family."""
    tables: dict[str, str] = {}
    for page in sorted((CATALOG / "models").glob("*.toml")):
        for table in re.split(r"\n(?=\[)", page.read_text())[1:]:
            if table.count("\n") > 6:
                assert table not in tables, (
                    f"{page.name} repeats {tables.get(table)}: {table.splitlines()[0]}"
                )
                tables[table] = page.name


def test_a_new_model_is_one_file_and_no_code(tmp_path: Path) -> None:
    (tmp_path / "families").symlink_to(CATALOG / "families")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "amazon-nova-3-lite.toml").write_text(
        """
        inherits = ["nova"]
        id = "amazon.nova-3-lite-v1:0:1m"
        name = "Nova 3 Lite"
        inference_id = "us.amazon.nova-3-lite-v1:0"
        lifecycle_id = "amazon.nova-3-lite-v1:0"
        [dataset]
        min_train_records = 4
        reserved_words = ["<think>"]
        [methods]
        distillation = false
        """
    )

    model = catalog.read(tmp_path)["amazon.nova-3-lite-v1:0:1m"]

    assert set(model.methods) == {"instruction", "single-turn", "multi-turn"}
    assert [one.code for one in _checked(model, 3).errors] == ["TD040"]
    assert _checked(model, 4).valid
    assert [one.code for one in _checked(model, 4, "please <think> first").errors] == ["TD030"] * 4


def _checked(model: BaseModel, count: int, said: str = "hello") -> Any:
    records = [
        {
            "schemaVersion": "bedrock-conversation-2024",
            "messages": [
                {"role": "user", "content": [{"text": f"{said} {number}"}]},
                {"role": "assistant", "content": [{"text": f"an answer to {number}"}]},
            ],
        }
        for number in range(count)
    ]
    body = b"".join(json.dumps(record).encode() + b"\n" for record in records)
    return check({"train": [body]}, {"train": "train.jsonl"}, model)


def test_a_file_with_an_unknown_key_names_file_and_key(tmp_path: Path) -> None:
    (tmp_path / "families").symlink_to(CATALOG / "families")
    (tmp_path / "models").mkdir()
    body = (CATALOG / "models" / "amazon-nova-lite.toml").read_text()
    (tmp_path / "models" / "typo.toml").write_text("regoins = []\n" + body)

    with pytest.raises(ValueError, match=r"typo\.toml: .*regoins"):
        catalog.read(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "refusal"),
    [
        ("epochCount", 2, ""),
        ("epochCount", 2.5, "2.5 is not a whole number from 1 to 50"),
        ("epochCount", True, "True is not a number"),
        ("learningRate", 1e-9, "1e-09 is not from 1e-07 to 0.001"),
        ("reasoningEffort", "low", ""),
        ("reasoningEffort", "most", "'most' is not one of low, medium, high"),
        ("reasoningEffort", True, "'true' is not one of low, medium, high"),
        ("inferenceMaxTokens", 100_000, ""),
    ],
)
def test_a_refused_hyperparameter_value_has_a_reason(name: str, value: Any, refusal: str) -> None:
    offered = catalog.find("amazon.nova-2-lite-v1:0:256k").hyperparameters_of("reinforcement")

    assert offered[name].refusal(value) == refusal


@pytest.mark.parametrize("name", ["global_batch_size", "lora_rank", "lora_alpha"])
def test_a_hyperparameter_takes_its_values_alone(name: str) -> None:
    """SageMaker AI developer guide, customizing-models-dpo: powers of two, from a list."""
    known = catalog.find("qwen.qwen3-32b").hyperparameters_of("preference")[name]

    assert known.refusal(32) == ""
    allowed = "16, 32" if name != "lora_rank" else "8"
    assert known.refusal(48).startswith(f"48 is not one of {allowed}")


def test_a_base_model_has_the_id_under_which_an_account_lists_its_customizations() -> None:
    """Its plain twin lists none, and would be refused (`tests/recorded/list-foundation-models.json`)."""
    customized = {one["modelId"] for one in LISTED if one["customizationsSupported"]}
    ids = {}
    for model in catalog.load().values():
        twins = {one for one in customized if model.lifecycle_id and one.startswith(model.lifecycle_id)}
        if twins:
            ids[model.id] = twins

    assert set(ids) == {"amazon.titan-text-express-v1:0:8k", "amazon.titan-embed-image-v1:0"}
    assert all(id_ in twins for id_, twins in ids.items())


@pytest.mark.parametrize(
    "model",
    [
        one
        for one in catalog.load().values()
        if one.lifecycle_id and one.lifecycle.state(LISTED_ON) != "ended"
    ],
    ids=lambda model: model.id,
)
def test_a_base_model_that_bedrock_has_is_called_as_an_account_lists_it(model: BaseModel) -> None:
    """For customization and for calls, by the profile where there is one (`tests/recorded/model-ids.json`);
    another service that trains it has an id of its own."""
    profile, found, plain = model.inference_id.partition("us.")
    called, way = (plain, "us") if found and not profile else (model.inference_id, "base")
    for region in model.regions:
        listed = recorded("model-ids")[region]
        assert model.lifecycle_id in listed
        assert way in listed[called]
        assert model.engine != "bedrock" or model.id == called or listed[model.id] == []


def test_a_base_model_that_two_engines_train_has_an_entry_for_each_and_one_id_at_its_services() -> None:
    """`qwen.qwen3-32b` is what bedrock-mantle takes (Bedrock user guide, fine-tuning-openai-apis)."""
    usual, by_mantle = catalog.entries(catalog.find("qwen.qwen3-32b"))

    assert (usual.engine, by_mantle.engine) == ("sagemaker-serverless", "mantle")
    assert usual.service_id == by_mantle.service_id == usual.id == "qwen.qwen3-32b"
    assert catalog.entries(by_mantle) == [usual, by_mantle]
    assert catalog.find("qwen.qwen3-32b-v1:0") is usual


def test_every_region_is_in_the_partition_that_our_arns_name() -> None:
    """They begin with `arn:aws:`; those of GovCloud, China and the European Sovereign Cloud do not."""
    regions = {region for model in catalog.load().values() for region in model.regions}
    partition_of = botocore.session.get_session().get_partition_for_region

    assert {partition_of(region) for region in regions} == {"aws"}
