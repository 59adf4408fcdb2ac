"""The cost calculator: `tunedrop estimate` for a dataset that does not exist yet.

An estimate is linear in the trained and the held-out tokens. Its coefficients are read from
`tunedrop.cost.estimate` itself, so that the script (docs/assets/calculator.js) knows no price and no formula.
"""

from __future__ import annotations

import json
from typing import Any

from tunedrop import catalog
from tunedrop.catalog.model import BaseModel
from tunedrop.catalog.tunable import obstacle
from tunedrop.contracts import Dataset, DatasetFile, DeploymentSettings, Estimate, Method, Run, S3Object
from tunedrop.cost.estimate import estimate
from tunedrop.dataset.prepare import split
from tunedrop.dataset.rules.record import BYTES_PER_TOKEN
from tunedrop.evaluation.workload import workload
from tunedrop.serving import choose

METHOD: Method = "single-turn"
MILLION = 1_000_000


def script() -> str:
    """The coefficients as a script: a page that is opened from a disk can load no other file."""
    return f"const PRICES = {json.dumps(data())};\n"


def data() -> dict[str, Any]:
    """What the script calculates with: shares of the split, and each base model's lines."""
    return {
        "bytes_per_token": BYTES_PER_TOKEN,
        "test_share": split.TEST_SHARE,
        "validation_share": split.VALIDATION_SHARE,
        "max_test_records": split.MAX_TEST_RECORDS,
        "max_prompts": _run(next(iter(_models()))).evaluation.max_prompts,
        "models": [_model(one) for one in _models()],
    }


def _models() -> list[BaseModel]:
    return [
        one
        for one in catalog.load().values()
        if one.engine == "bedrock" and METHOD in one.methods and not obstacle(one)
    ]


def _model(base_model: BaseModel) -> dict[str, Any]:
    rules = base_model.methods[METHOD]
    nothing = _estimate(base_model)
    asked = _estimate(base_model, held_out=0)
    trained = _estimate(base_model, trained=MILLION)
    held_out = _estimate(base_model, held_out=MILLION)
    champion = _estimate(base_model, held_out=MILLION, has_champion=True)
    return {
        "id": base_model.id,
        "name": base_model.name,
        "epochs": base_model.hyperparameters["epochCount"].default,
        "min_train_records": rules.min_train_records,
        "max_validation_records": rules.max_validation_records if rules.takes_validation else 0,
        "takes_validation": rules.takes_validation,
        "lines": [
            {
                "item": line.item,
                "source": f"{line.source} {line.priced_on}".strip(),
                "fixed": _amounts(nothing, place),
                "probes": _less(_amounts(asked, place), _amounts(nothing, place)),
                "trained": _less(_amounts(trained, place), _amounts(nothing, place)),
                "held_out": _less(_amounts(held_out, place), _amounts(asked, place)),
                "champion": _less(_amounts(champion, place), _amounts(held_out, place)),
            }
            for place, line in enumerate(nothing.lines)
        ],
    }


def _amounts(found: Estimate, place: int) -> list[float]:
    line = found.lines[place]
    return [line.low, line.likely, line.high]


def _less(whole: list[float], part: list[float]) -> list[float]:
    return [round(one - other, 9) for one, other in zip(whole, part, strict=True)]


def _estimate(
    base_model: BaseModel, trained: int = 0, held_out: int | None = None, *, has_champion: bool = False
) -> Estimate:
    """One epoch on so many tokens, and so many held out; None holds out nothing."""
    run = _run(base_model)
    dataset = Dataset(
        method=METHOD,
        source_format="",
        target_format=base_model.methods[METHOD].format,
        content_hash="",
        train=DatasetFile(uri="", records=1, tokens=trained),
        test=None if held_out is None else DatasetFile(uri="", records=1, tokens=held_out),
    )
    way = choose.way(base_model, DeploymentSettings())
    return estimate(run, dataset, base_model, way, workload(dataset, run, has_champion=has_champion))


def _run(base_model: BaseModel) -> Run:
    nowhere = S3Object(bucket="", key="", version_id="")
    return Run(
        run_id="",
        name="",
        source=nowhere,
        train=nowhere,
        base_model=base_model.id,
        hyperparameters={"epochCount": "1"},
        budget_usd=0.0,
        created_at="",
        execution_arn="",
    )
