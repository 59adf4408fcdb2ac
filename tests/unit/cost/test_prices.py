"""Bedrock's prices from AWS's price list, in the form that AWS's own recorded example has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
import botocore
import pytest
from botocore.stub import Stubber

from local.bedrock.prices import products, recorded
from tests import builders
from tests.recorded import recorded as answer
from tunedrop import catalog, clock
from tunedrop.aws import Aws
from tunedrop.catalog.model import Prices
from tunedrop.catalog.price_list import usage_type
from tunedrop.contracts import Ending, EvaluationSettings, Judged, JudgeSettings
from tunedrop.cost import prices
from tunedrop.cost.actual import actual
from tunedrop.cost.estimate import estimate
from tunedrop.cost.lines import of_catalog
from tunedrop.cost.prices import PriceList
from tunedrop.evaluation.workload import workload
from tunedrop.registry import Registry
from tunedrop.stage import Stage

RECORDED = recorded()
"""Rows of the price list that public projects have quoted, each with who and when."""

LITE, PRO, MICRO, LITE_2 = (
    f"amazon.nova-{name}:0:{context}"
    for name, context in (
        ("lite-v1", "300k"), ("pro-v1", "300k"), ("micro-v1", "128k"), ("2-lite-v1", "256k"),
    )
)  # fmt: skip


def client(*pages: list[str], hours: Sequence[str] = ()) -> Any:
    """GetProducts of Bedrock in pages, then of the instance that trains, with the rows that it asks for."""
    pricing = boto3.client(
        "pricing", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    stub = Stubber(pricing)
    for number, page in enumerate(pages):
        more = {"NextToken": f"page-{number + 1}"} if number + 1 < len(pages) else {}
        asked = {
            "ServiceCode": "AmazonBedrock",
            "Filters": [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": "us-east-1"}],
        }
        if number:
            asked["NextToken"] = f"page-{number}"
        stub.add_response("get_products", {"FormatVersion": "aws_v1", "PriceList": page, **more}, asked)
    for instance in sorted({one.training_instance for one in catalog.load().values()} - {""}):
        wanted = {"regionCode": "us-east-1", "usagetype": f"USE1-Train:{instance}"}
        filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in wanted.items()]
        asked = {"ServiceCode": "AmazonSageMaker", "Filters": filters}
        stub.add_response("get_products", {"FormatVersion": "aws_v1", "PriceList": [*hours]}, asked)
    stub.activate()
    return pricing


def read(rows: list[dict[str, Any]]) -> PriceList:
    half = len(rows) // 2
    return prices.read(client(products(rows[:half]), products(rows[half:])), "us-east-1")


def test_the_form_of_a_product_is_that_of_awss_own_example() -> None:
    folder = Path(botocore.__file__).parent / "data" / "pricing" / "2017-10-15"
    example = json.loads((folder / "examples-1.json").read_text())["examples"]["GetProducts"][0]
    text = example["output"]["PriceList"][0]

    assert prices._price(json.loads(text)) == ("CAN1-EBS:VolumeUsage.piops", 0.138, "GB-Mo")


def test_recorded_prices_replace_the_catalogs_in_its_units() -> None:
    found = read(RECORDED)
    new = prices.with_prices(catalog.find(LITE_2), found, "us-east-1")

    assert new.training_per_million_tokens is not None
    assert new.custom_output_per_million_tokens is not None
    assert new.training_per_million_tokens.usd == pytest.approx(3.78)
    assert new.training_per_million_tokens.source == "AWS Price List API"
    assert new.custom_output_per_million_tokens.usd == pytest.approx(2.50)
    assert new.provisioned_per_unit_hour["none"].usd == 60.50


def test_the_rate_of_imported_models_is_that_of_their_architecture() -> None:
    rows = [
        {
            "usagetype": f"USE1-{name}-CustomModelImport-Inference-v1:0",
            "usd": usd,
            "unit": "Custom Model Unit per Min",
        }
        for name, usd in (("Llama", "0.06"), ("Mistral", "0.07"), ("Qwen2", "0.08"), ("OSS", "0.09"))
    ]
    found = read(rows)

    rates = {
        model: prices.with_prices(catalog.find(model), found, "us-east-1").imported_per_unit_minute
        for model in ("meta.llama3-1-8b-instruct", "mistral.mistral-7b", "qwen.qwen3-8b", "qwen.qwen3-32b")
    }

    assert [rate.usd for rate in rates.values() if rate is not None] == [0.06, 0.07, 0.08, 0.08]


def test_the_hours_of_an_instance_are_asked_of_sagemaker() -> None:
    """An instance in other public hands: its usage type names the Region's prefix and what is done on it."""
    (known,) = (one for one in answer("price-list")["rows"] if one.get("servicecode") == "AmazonSageMaker")
    mistral = catalog.find("mistral.mistral-7b")
    usage = usage_type(mistral, "training hours", "us-east-1")
    row = {**known, "usagetype": usage, "usd": "9.5"}

    found = prices.read(client([], hours=products([row])), "us-east-1")
    price = prices.with_prices(mistral, found, "us-east-1").training_per_hour

    assert usage == known["usagetype"].replace("ml.g5.2xlarge", mistral.training_instance)
    assert price is not None
    assert (price.usd, price.source) == (9.5, "AWS Price List API")


def test_rows_of_other_products_are_not_taken_for_a_price() -> None:
    rows = [
        {"usagetype": "USE1-NovaLite-input-tokens-batch", "usd": "0.00003", "unit": "1K tokens"},
        {"usagetype": "USE1-NovaLite-cache-read-input-token-count", "usd": "0.000015", "unit": "1K tokens"},
        {"usagetype": "USW2-TitanTextG1-Lite-Customization-Training", "usd": "0.0004", "unit": "1K tokens"},
        {"usagetype": "USE1-NovaLite-input-tokens", "usd": "0.00006", "unit": "1K tokens"},
    ]

    assert read(rows).usd == {"USE1-NovaLite-input-tokens": 0.00006}


@pytest.mark.parametrize(
    ("unit", "usd"), [("1K tokens", 2.0), ("1M tokens", 0.002), ("1B tokens", None), ("tokens", None)]
)
def test_a_price_of_tokens_is_read_by_its_unit_and_none_is_guessed(unit: str, usd: float | None) -> None:
    """AWS lists most models by 1,000 tokens, and some by a million."""
    rows = [{"usagetype": "USE1-NovaPro-Customization-Training", "usd": "0.002", "unit": unit}]
    new = prices.with_prices(catalog.find(PRO), read(rows), "us-east-1").training_per_million_tokens

    assert (new and new.usd) == usd


@pytest.mark.parametrize("usd", ["0.0000000000", "NaN", "-1", "Infinity"])
def test_a_price_that_would_let_a_run_pass_every_budget_is_none(usd: str) -> None:
    rows = [{"usagetype": "USE1-NovaLite-Customization-Training", "usd": usd, "unit": "1K tokens"}]

    assert read(rows).usd == {}


def test_judges_and_teachers_are_priced_by_the_stages_list_too(
    aws: Aws, registry: Registry, stage: Stage
) -> None:
    rows = [{"usagetype": "USE1-NovaPro-output-tokens", "usd": "0.05", "unit": "1K tokens"}]
    east = builders.stage(region="us-east-1")
    aws.sns, aws.pricing = Topic(), client(products(rows))
    assert prices.lookup(registry, east) is of_catalog
    prices.refresh(aws, east, registry)

    prices_of = prices.lookup(registry, east)

    output = prices_of(PRO).output_per_million_tokens
    assert output is not None
    assert (output.usd, output.source) == (50.0, "AWS Price List API")
    assert prices_of("a.model-of-nobody") == Prices()
    run = builders.run(
        base_model=PRO,
        hyperparameters={"epochCount": "2"},
        evaluation=EvaluationSettings(judge=JudgeSettings(model=PRO)),
    )
    dataset = builders.dataset()
    asked = workload(dataset, run, has_champion=False)
    found = estimate(run, dataset, catalog.find(PRO), "on-demand", asked, prices_of)
    (judging,) = [one for one in found.lines if one.item == "judging"]
    assert judging.source == "AWS Price List API"
    judged = builders.evaluation(judged=Judged(model=PRO, wins=1, losses=0, ties=0, output_tokens=1_000_000))
    spent = actual(Ending(run=run, evaluation=judged), catalog.find(PRO), clock.now(), prices_of)
    (judgements,) = [one for one in spent.lines if one.item == "judging, judgements"]
    assert judgements.likely == pytest.approx(50.0)


def test_what_the_catalog_knows_is_what_others_have_read_in_the_price_list() -> None:
    """Rows that two public projects have read there on their own; the catalog has Nova's prices from AWS's
    price page and from reports. Nova Lite's price of training stands in neither list, and is not compared."""
    witnesses = answer("price-list")["rows"]
    found = read(witnesses)

    assert list(prices.drift(found)) == []
    imported = catalog.find("meta.llama3-1-8b-instruct").prices.imported_per_unit_minute
    assert imported is not None
    assert found.usd["USE1-Llama-CustomModelImport-Inference-v1:0"] == imported.usd
    for model in (LITE, PRO, MICRO, LITE_2):
        sources = [
            price.source
            for item, field in prices._FIELDS.items()
            if usage_type(catalog.find(model), item, "us-east-1") in found.usd
            and (price := getattr(catalog.find(model).prices, field)) is not None
        ]
        assert len(sources) >= 2
        assert prices.SOURCE not in sources


@pytest.mark.parametrize("model", ["openai.gpt-oss-20b", "qwen.qwen3-32b"])
def test_answers_of_open_weights_cost_what_others_have_read(model: str) -> None:
    base = catalog.find(model)
    read_there = {one["usagetype"]: float(one["usd"]) * 1_000 for one in answer("price-list")["rows"]}

    for item, price in (
        ("input", base.prices.input_per_million_tokens), ("output", base.prices.output_per_million_tokens),
    ):  # fmt: skip
        assert price is not None
        assert price.usd == pytest.approx(read_there[usage_type(base, item, "us-east-1")])  # type: ignore[arg-type]


def test_the_embedded_price_list_has_the_prices_that_others_have_read() -> None:
    ours = {one["usagetype"]: (float(one["usd"]), one["unit"]) for one in RECORDED}

    for row in answer("price-list")["rows"]:
        assert ours[row["usagetype"]] == (float(row["usd"]), row["unit"])


@pytest.mark.parametrize(
    ("usage_type", "usd", "says"),
    [
        ("USE1-NovaLite-Customization-Training", "0.004", "Nova Lite, training: 4 USD; the catalog has 2 of"),
        ("USE1-NovaPro-Customization-Training", "0.008", "Nova Pro, training: 8 USD; the catalog has none"),
        ("USE1-NovaLite-Customization-Storage", "2.95", "storage: 2.95 USD; the catalog has 1.95"),
        ("USE1-NovaLite-Customization-Storage", "1.95", ""),
        ("USE1-NovaLite-Customization-Storage", "1.9515", ""),  # less than a thousandth more
        ("USE1-NovaLite-Customization-Storage", "1.9525", "storage: 1.9525 USD; the catalog has 1.95"),
    ],
)
def test_differences_are_reported(usage_type: str, usd: str, says: str) -> None:
    found = list(prices.drift(read([{"usagetype": usage_type, "usd": usd, "unit": "1K tokens"}])))

    assert bool(found) == bool(says)
    assert all(says in one for one in found)


class Topic:
    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []

    def publish(self, **message: Any) -> None:
        self.published.append(message)


class BrokenTopic:
    def publish(self, **_: Any) -> None:
        raise ConnectionError


def test_a_stage_stores_and_uses_prices_and_reports_differences_once(aws: Aws, registry: Registry) -> None:
    topic = Topic()
    aws.sns = topic
    rows = [{"usagetype": "USE1-NovaPro-Customization-Training", "usd": "0.008", "unit": "1K tokens"}]
    east = builders.stage(region="us-east-1")
    for _ in range(2):
        aws.pricing = client(products(rows))
        prices.refresh(aws, east, registry)

    model = prices.current(registry, east, catalog.find(PRO))
    run = builders.run(base_model=PRO, hyperparameters={"epochCount": "2"})
    dataset = builders.dataset()
    found = estimate(run, dataset, model, "on-demand", workload(dataset, run, has_champion=False))
    assert len(topic.published) == 1
    assert "Nova Pro, training: 8 USD" in topic.published[0]["Message"]
    assert all(one.source for one in found.lines)
    assert found.lines[0].source == "AWS Price List API"


def test_a_difference_that_could_not_be_published_is_published_at_the_next_reading(
    aws: Aws, registry: Registry
) -> None:
    rows = [{"usagetype": "USE1-NovaPro-Customization-Training", "usd": "0.008", "unit": "1K tokens"}]
    east, topic = builders.stage(region="us-east-1"), Topic()
    aws.sns, aws.pricing = BrokenTopic(), client(products(rows))
    with pytest.raises(ConnectionError):
        prices.refresh(aws, east, registry)

    aws.sns, aws.pricing = topic, client(products(rows))
    prices.refresh(aws, east, registry)

    assert len(topic.published) == 1


def test_a_stage_without_a_price_list_has_the_catalogs_prices(registry: Registry, stage: Stage) -> None:
    model = catalog.find(LITE)

    assert prices.current(registry, stage, model) is model


@pytest.mark.parametrize("spoiled", ["{", '{"region": "us-east-1"}'])
def test_with_a_price_list_that_cannot_be_read_the_catalogs_prices_count(
    registry: Registry, stage: Stage, spoiled: str
) -> None:
    model = catalog.find(LITE)
    registry.keep(prices.DOCUMENT, spoiled)

    assert prices.current(registry, stage, model) is model
    assert prices.lookup(registry, stage)(LITE) == model.prices
