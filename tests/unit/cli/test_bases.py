"""`tunedrop bases`: what can be tuned, by the catalog and by Bedrock itself, which wins."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from tests.unit.fake_bedrock import refusal
from tunedrop import catalog
from tunedrop.cli.app import app
from tunedrop.cli.failures import Format
from tunedrop.cli.plan import _bases

LITE = "amazon.nova-lite-v1:0:300k"
LLAMA = "meta.llama3-3-70b-instruct-v1:0:128k"


def offline(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["bases", "--offline", *arguments])
    return result.exit_code, result.stdout


def test_only_what_can_be_tuned_is_listed_with_its_missing_prices_named() -> None:
    code, output = offline("--format", "json")

    found = {one["base_model"]: one for one in json.loads(output)}
    assert code == 0
    assert set(found) == {one.id for one in catalog.tunable()}
    for one in found.values():
        training = (one["training_per_million_tokens"], one["training_per_hour"])
        priced = any(training) and (one["input_per_million_tokens"] or one["served"] == ["imported"])
        assert priced or one["missing_prices"]
    assert found["amazon.nova-pro-v1:0:300k"]["missing_prices"] == ["USE1-NovaPro-Customization-Training"]
    assert found[LITE]["checked"] == "catalog"
    assert set(found["qwen.qwen3-32b"]["methods"]) == {
        "instruction",
        "single-turn",
        "multi-turn",
        "preference",
        "reinforcement",
    }


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--method", "distillation"], 0, "amazon.nova-micro-v1:0:128k"),
        (["--method", "continued-pretraining"], 0, "10.18/h"),
        (["--method", "preference"], 0, "0.05718/unit min"),
        (["--region", "eu-west-1"], 1, "Take amazon.nova"),
        (["--all"], 0, "has been Legacy since 2026-09-30"),
        (["--method", "magic"], 2, ""),
    ],
)
def test_a_question_has_an_answer_and_a_code(arguments: list[str], code: int, says: str) -> None:
    found, output = offline(*arguments)

    assert found == code
    assert says in output


class Session:
    """A session whose Bedrock lists these models, or refuses."""

    def __init__(self, models: dict[str, dict[str, Any]] | ClientError) -> None:
        self._models = models

    def client(self, *_: Any, **__: Any) -> Any:
        return self

    def list_foundation_models(self) -> dict[str, Any]:
        if isinstance(self._models, ClientError):
            raise self._models
        return {"modelSummaries": [{"modelId": name, **one} for name, one in self._models.items()]}


class Asked:
    def __init__(self, models: dict[str, dict[str, Any]] | ClientError) -> None:
        self.session = Session(models)


def listed(capsys: pytest.CaptureFixture[str], asked: Any) -> dict[str, Any]:
    _bases.show(None, None, every=True, aws=asked, format_=Format.json)
    return {one["base_model"]: one for one in json.loads(capsys.readouterr().out)}


SOON = datetime.now(UTC) + timedelta(days=30)


@pytest.mark.parametrize(
    ("base_model", "lifecycle", "closed", "coming"),
    [
        (LLAMA, {"status": "ACTIVE"}, "", ""),
        (LITE, {"status": "LEGACY"}, "is Legacy", ""),
        (LITE, {"status": "ACTIVE", "legacyTime": SOON}, "", "becomes Legacy on"),
        (LITE, {"status": "ACTIVE"}, "", ""),
    ],
)
def test_bedrocks_response_overrides_the_catalog(
    capsys: pytest.CaptureFixture[str], base_model: str, lifecycle: dict[str, Any], closed: str, coming: str
) -> None:
    one = listed(capsys, Asked({base_model: {"modelLifecycle": lifecycle}}))[base_model]

    assert one["checked"] == "live"
    assert closed in one["closed"]
    assert bool(closed) == bool(one["closed"]) == bool(one["instead"])
    assert coming in one["coming"]


def test_a_region_that_refuses_leaves_the_answer_to_the_catalog(capsys: pytest.CaptureFixture[str]) -> None:
    found = listed(capsys, Asked(refusal("AccessDeniedException")))

    assert {one["checked"] for one in found.values()} == {"catalog"}
    assert found[LLAMA]["closed"]


@pytest.mark.parametrize(
    ("base_model", "code"), [(LLAMA, "has been Legacy"), (LITE, ""), ("llama", "can be tuned in us-east-1")]
)
def test_check_reports_a_base_model_that_cannot_be_tuned(tmp_path: Any, base_model: str, code: str) -> None:
    file = tmp_path / "train.jsonl"
    file.write_text('{"prompt": "a", "completion": "b"}\n')

    result = CliRunner().invoke(app, ["check", str(file), "--base-model", base_model])

    said = " ".join((result.stderr or str(result.exception)).split())
    assert code in said
    assert bool(code) == ("Legacy" in said)
