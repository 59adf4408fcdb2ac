"""The calculator of the documentation gives the figures of `tunedrop estimate`."""

from __future__ import annotations

import json
import shutil
import subprocess
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from docs.reference import calculator
from tests import builders
from tunedrop import catalog
from tunedrop.cli.data import folder
from tunedrop.cli.plan import estimating
from tunedrop.contracts import Dataset, DatasetFile, DeploymentSettings, Estimate
from tunedrop.cost.estimate import estimate
from tunedrop.dataset.prepare.split import shares
from tunedrop.evaluation.workload import workload
from tunedrop.serving import choose

SCRIPT = Path(__file__).parents[3] / "docs" / "assets" / "calculator.js"
DATA = calculator.data()
MODELS: list[str] = [one["id"] for one in DATA["models"]]
_RUN = """
const { estimate } = require(process.argv[1]);
const { data, asked } = JSON.parse(require("fs").readFileSync(0));
console.log(JSON.stringify(asked.map((one) => estimate(data, one))));
"""


def by_script(*asked: dict[str, Any], data: dict[str, Any] = DATA) -> list[list[dict[str, Any]]]:
    done = subprocess.run(
        [shutil.which("node") or "node", "-e", _RUN, str(SCRIPT)],
        input=json.dumps({"data": data, "asked": asked}), capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: list[list[dict[str, Any]]] = json.loads(done.stdout)
    return found


def assert_same(found: list[dict[str, Any]], wanted: Estimate) -> None:
    assert [line["item"] for line in found] == [line.item for line in wanted.lines]
    for line, other in zip(found, wanted.lines, strict=True):
        # Python splits whole records and tokens.
        assert line["usd"] == pytest.approx([other.low, other.likely, other.high], rel=0.01, abs=0.001)


def test_the_calculator_agrees_with_the_command_on_files(tmp_path: Path) -> None:
    cases = [
        {"model": model, "records": records, "characters": characters, "epochs": epochs, "champion": False}
        for model, (records, characters, epochs) in product(
            MODELS, [(250, 1_000, 1), (400, 40, 3), (6_000, 300, 2)]
        )
    ]

    for case, found in zip(cases, by_script(*cases), strict=True):
        assert_same(found, of_a_file(tmp_path, **case))


def of_a_file(
    tmp_path: Path, model: str, records: int, characters: int, epochs: int, **_: object
) -> Estimate:
    place = tmp_path / f"{model}-{records}-{characters}".replace(":", "-")
    place.mkdir()
    (place / "run.yaml").write_text(
        f"base_model: {model}\nmethod: single-turn\nhyperparameters: {{epoch_count: {epochs}}}\n"
        "data: {train: train.jsonl}\n"
    )
    with (place / "train.jsonl").open("w") as file:
        for number in range(records):
            # Letters alone: the calculator does not know that digits may be a token each.
            name = "".join("abcdefghij"[int(digit)] for digit in f"{number:07}")
            prompt = f"Question {name}"
            answer = f"{name} ".ljust(characters - len(prompt), "x")
            turns = [
                {"role": "user", "content": [{"text": prompt}]},
                {"role": "assistant", "content": [{"text": answer}]},
            ]
            record = {"schemaVersion": "bedrock-conversation-2024", "messages": turns}
            file.write(json.dumps(record) + "\n")
    return estimating.plan(folder.read(place), None, None).estimate


def test_the_calculator_agrees_with_the_estimate_where_a_model_is_in_production() -> None:
    for model in MODELS:
        base_model = catalog.find(model)
        run = builders.run(base_model=model, hyperparameters={"epochCount": "3"})
        held = shares(1_000, (), base_model.methods["single-turn"])
        whole = DatasetFile(uri="", records=1_000, tokens=100_000)
        dataset = Dataset(
            method="single-turn", source_format="", target_format="converse", content_hash="",
            train=whole.share(1 - held.test - held.validation), test=whole.share(held.test),
        )  # fmt: skip
        way = choose.way(base_model, DeploymentSettings())
        asked = workload(dataset, run, has_champion=True)

        (found,) = by_script(
            {"model": model, "records": 1_000, "characters": 600, "epochs": 3, "champion": True}
        )

        assert_same(found, estimate(run, dataset, base_model, way, asked))


def test_data_that_is_too_small_to_hold_out_any_costs_its_training_and_storage_only() -> None:
    model = next(one for one in DATA["models"] if one["min_train_records"] > 1)
    case = {"model": model["id"], "records": model["min_train_records"], "characters": 600, "epochs": 1}

    (lines,) = by_script(case | {"champion": True})

    assert all(line["usd"][1] == 0 for line in lines if line["item"].startswith("evaluation"))


def test_it_offers_every_base_model_that_bedrocks_jobs_tune_today() -> None:
    assert "amazon.nova-lite-v1:0:300k" in MODELS
    assert not {"qwen.qwen3-32b", "amazon.nova-canvas-v1:0"} & set(MODELS)
