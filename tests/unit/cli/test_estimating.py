"""`estimate` on this machine: the figures that estimate_cost will have."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from tests import builders
from tunedrop.cli.app import app
from tunedrop.cli.data import folder
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.exits import NO
from tunedrop.cli.plan import estimating
from tunedrop.dataset.sources.containers import reading
from tunedrop.evaluation import workload
from tunedrop.registry.spending import Spending
from tunedrop.stage import Stage


@pytest.mark.parametrize("sampled", [2_000, 10])
def test_digits_are_counted_as_the_pipeline_counts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sampled: int
) -> None:
    """A tokenizer may make a token of each: `dense_of` counts them in what validate_data writes."""
    monkeypatch.setattr(estimating, "SAMPLED", sampled)
    path = tmp_path / "train.jsonl"
    lines = [
        json.dumps({"prompt": f"Multiply {number:07} by 3", "completion": f"{3 * number:09}"})
        for number in range(300)
    ]
    path.write_text("\n".join(lines))

    found = estimating.plan(folder.read(path), builders.NOVA_LITE, None).dataset

    assert found.train.dense == pytest.approx(17 * found.train.records, rel=0.01)
    assert found.test is not None
    assert found.test.prompts is not None
    assert found.test.prompts.dense == pytest.approx(17 * found.test.records, rel=0.05)


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Stage:
    """Tenants with a budget, by default large enough for the whole of the month's."""
    changes = {"tenants": {"law": (), "support": ()}, "tenant_budgets_usd": {"law": 20}}
    return msgspec.structs.replace(builders.stage(), **changes | getattr(request, "param", {}))


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    records = ({"prompt": f"What is {n} and {n}?", "completion": f"It is {2 * n}."} for n in range(260))
    path.write_text("\n".join(map(json.dumps, records)))
    return path


def spend(deployed: Deployed, tenant: str, usd: float) -> None:
    """Let a run of a tenant have cost this much in this month."""
    run = msgspec.structs.replace(builders.run(), run_id=f"{tenant}-0a1b2c3d4e", tenant=tenant)
    Spending(deployed.aws.dynamodb, deployed.stage.registry_table).settle(run, usd)


def estimated(dataset: Path, *options: str) -> tuple[int, list[str], str]:
    """The exit code, the reasons for an approval that are about a month, and what stderr says."""
    where = ("--stage", "test", "--region", "us-east-1", "--base-model", builders.NOVA_LITE)
    result = CliRunner().invoke(app, ["estimate", str(dataset), *where, "--format", "json", *options])
    reasons = json.loads(result.stdout)["approval_reasons"] if result.stdout else []
    return result.exit_code, [one for one in reasons if "month" in one], result.stderr


def test_a_tenants_run_is_compared_with_what_its_other_runs_have_cost(
    deployed: Deployed, dataset: Path
) -> None:
    spend(deployed, "law", 19.99)

    (_, law, _), (_, support, _) = (estimated(dataset, "--tenant", one) for one in ("law", "support"))

    assert [one.partition(" amount to")[0] for one in law] == ["this month's runs of law"]
    assert support == []


@pytest.mark.parametrize("stage", [{"over_monthly_budget": "refuse"}], indirect=True)
def test_a_run_that_the_stage_would_refuse_fails_before_it_is_uploaded(
    deployed: Deployed, dataset: Path
) -> None:
    spend(deployed, "law", 19.99)

    code, _, err = estimated(dataset, "--tenant", "law")

    assert code == 1
    assert "they would exceed the monthly budget of law of 20.00 USD" in err


@pytest.mark.parametrize("tenant", [(), ("--tenant", "sales")])
def test_an_estimate_of_a_stage_with_tenants_needs_one_of_them(
    deployed: Deployed, dataset: Path, tenant: tuple[str, ...]
) -> None:
    code, _, err = estimated(dataset, *tenant)

    assert code == 2
    assert "--tenant law or --tenant support" in err


def test_a_tenant_without_a_stage_is_refused(dataset: Path) -> None:
    result = CliRunner().invoke(app, ["estimate", str(dataset), "--tenant", "law"])

    assert result.exit_code == 2
    assert "--tenant goes with --stage" in result.stderr


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("notify: li@example.com", "notify: the stage has no group li@example.com"),
        ("from: support/other", "law may not continue from support/other"),
    ],
)
def test_a_manifest_that_asks_for_what_the_stage_does_not_allow_fails_before_it_is_uploaded(
    deployed: Deployed, dataset: Path, setting: str, said: str
) -> None:
    manifest = f"base_model: {builders.NOVA_LITE}\ndata: {{train: {dataset.name}}}\n{setting}\n"
    if setting.startswith("from"):
        manifest = manifest.partition("\n")[2]
    (dataset.parent / "run.yaml").write_text(manifest)
    where = ("--stage", "test", "--region", "us-east-1", "--tenant", "law")

    result = CliRunner().invoke(app, ["estimate", str(dataset.parent), *where])

    assert result.exit_code != 0
    assert said in result.stderr


@pytest.mark.parametrize("folder", [False, True])
def test_options_say_how_a_table_is_read(tmp_path: Path, folder: bool) -> None:
    rows = [f"Wo ist Paket {number}?;Lieferung, Fach {number % 7}" for number in range(300)]
    (tmp_path / "tickets.csv").write_text("\n".join(["Anfrage;Kategorie", *rows]), "cp1252")
    (tmp_path / "run.yaml").write_text("base_model: amazon.nova-lite-v1:0:300k\ndata: {train: tickets.csv}\n")
    at = tmp_path if folder else tmp_path / "tickets.csv"
    named = ["--column", "prompt=Anfrage", "--column", "completion=Kategorie"]
    model = ["--base-model", "amazon.nova-lite-v1:0:300k"]

    def codes(*options: str) -> list[int]:
        commands = [[one, str(at), *model, *options] for one in ("estimate", "check")]
        return [CliRunner().invoke(app, one).exit_code for one in commands]

    assert codes() == [1, 1]
    assert codes(*named) == [0, 0]


@pytest.mark.parametrize(("most", "told"), [(100, True), (1_000_000, False)])
def test_a_test_file_that_the_pipeline_would_refuse_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, told: bool
) -> None:
    monkeypatch.setattr(workload, "MOST_HELD_OUT_TOKENS", most)
    for name, count in (("train", 260), ("test", 120)):
        records = ({"prompt": f"What is {name} {n}?", "completion": f"It is {2 * n}."} for n in range(count))
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, records)))
    (tmp_path / "run.yaml").write_text("data: {train: train.jsonl, test: test.jsonl}\n")

    result = CliRunner().invoke(app, ["estimate", str(tmp_path), "--base-model", builders.NOVA_LITE])

    assert result.exit_code == 0
    assert ("may be refused: the prompts of the test set" in " ".join(result.stderr.split())) is told


def test_files_that_are_too_large_in_all_are_refused_before_the_upload(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 5_000)

    result = CliRunner().invoke(app, ["check", str(dataset)])

    assert result.exit_code == NO
    assert "a dataset is at most" in result.stderr
