"""What serverless jobs are asked for, against the recipes of AWS that they use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import builders
from tests.recorded import recorded
from tunedrop import catalog
from tunedrop.catalog.method import Hyperparameter
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Method
from tunedrop.planning.hyperparameters import resolve
from tunedrop.planning.plan import plan
from tunedrop.training import engines
from tunedrop.training.engines.sagemaker_serverless import jobs

RECIPES: dict[str, dict[str, Any]] = recorded("recipes")

OURS = {
    "SFT": {"max_epochs": 3.0},
    "DPO": {},
    "RLVR": {"max_epochs": 3.0, "max_prompt_length": 4_096.0},
}
"""Defaults that are our own: as many epochs as of other base models, and prompts as long as examples."""

SENT = "merge_weights"
"""What is no choice: Bedrock imports merged weights."""

OF_A_SPLIT = "train_val_split_ratio"
"""The one hyperparameter that the pages do not call required: every run has its own validation records."""


def trained() -> Iterator[tuple[BaseModel, Method]]:
    for model in catalog.tunable():
        for method in model.methods:
            if model.engine_of(method) == "sagemaker-serverless":
                yield model, method


EVERY = pytest.mark.parametrize(
    ("model", "method"), [*trained()], ids=lambda one: one if isinstance(one, str) else one.id
)


def recipe(method: Method) -> dict[str, Any]:
    return RECIPES[jobs.TECHNIQUES[method]]


@EVERY
def test_every_hyperparameter_that_is_required_is_sent(model: BaseModel, method: Method) -> None:
    """The developer guide calls them so; AWS's own client sends the recipe's default of each."""
    run = builders.run(base_model=model.id, hyperparameters=resolve(model, method, {}))
    (planned,) = plan(run, builders.dataset(method=method))

    sent = jobs._asked(planned)

    required = {name for name, one in recipe(method)["hyperparameters"].items() if one["required"]}
    assert set(sent) == required


@EVERY
def test_defaults_are_the_recipes(model: BaseModel, method: Method) -> None:
    published = recipe(method)["hyperparameters"]
    ours = OURS[jobs.TECHNIQUES[method]]

    for name, known in model.hyperparameters_of(method).items():
        assert known.default == ours.get(name, published[name]["default"]), name


@EVERY
def test_a_hyperparameter_takes_what_the_pages_say(model: BaseModel, method: Method) -> None:
    published = recipe(method)["hyperparameters"]

    for name, known in model.hyperparameters_of(method).items():
        assert taken(known) == expected(name, published[name]), name


def taken(known: Hyperparameter) -> object:
    return [*known.words] or [*known.values] or (known.minimum, known.maximum)


def expected(name: str, published: dict[str, Any]) -> object:
    """A prompt that is too long is left out, so that we ask for no shorter ones than we take."""
    if "values" in published:
        return published["values"]
    least, most = published["from"], published["to"]
    if name == "max_prompt_length":
        least = 4_096
    return (least, most)


@EVERY
def test_a_record_that_the_job_would_cut_or_leave_out_is_told(model: BaseModel, method: Method) -> None:
    asked = model.hyperparameters_of(method)
    most = asked.get("dataset_max_len", asked.get("max_prompt_length"))

    assert most is not None
    assert 0 < model.methods[method].max_record_tokens <= float(most.default)
    assert model.methods[method].cuts_records is ("dataset_max_len" in asked)


@EVERY
def test_auto_is_the_default_of_the_recipe(model: BaseModel, method: Method) -> None:
    """As manifests of earlier versions say, which had it as a default."""
    names = model.hyperparameters_of(method)

    assert resolve(model, method, dict.fromkeys(names, "auto")) == resolve(model, method, {})


@EVERY
def test_training_is_billed_as_its_recipe_is_metered(model: BaseModel, method: Method) -> None:
    billed = {"Token-based": "token", "Hourly": "hour"}[recipe(method)["metered"]]

    assert engines.of(model, method).billed_by(method) == billed
