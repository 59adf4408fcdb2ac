"""The account probe, against an AWS that answers as the local Bedrock, and against one that differs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name

from local import compare
from local.bedrock.prices import products
from local.bedrock.prices import recorded as our_prices
from local.bedrock.quotas import LISTED, OF_TRAINING
from local.bedrock.shapes import problems
from local.bedrock.wire import Refusal
from local.questions import MISSING, Question, questions
from local.sagemaker.hub import document, models
from tests.unit.fake_bedrock import refusal
from tunedrop.aws import inference_quotas

REGION = "us-east-1"

PER_DAY = [
    {"QuotaCode": f"{kind} {model}", "QuotaName": f"{kind} for {model}", "Adjustable": False, "Value": 1.0}
    for kind in (inference_quotas.OF_A_MODEL, inference_quotas.OF_TUNED_MODELS)
    for model in ("Amazon Nova 2 Lite", "Amazon Nova Lite", "Amazon Nova Micro", "Amazon Nova Pro")
]
"""Named as an account's are (tests/recorded/inference-quotas.json)."""


class Account:
    """An AWS that answers as our services do, but for what a test changes."""

    def __init__(self, **changed: Any) -> None:
        self.changed = changed
        self.asked: list[str] = []

    def get_paginator(self, method: str) -> Any:
        class Pages:
            def paginate(_, **request: Any) -> list[Any]:  # noqa: N805
                return [getattr(self, method)(**request)]

        return Pages()

    def list_aws_default_service_quotas(self, **_: Any) -> Any:
        self.asked.append("list_aws_default_service_quotas")
        quotas = [
            {"QuotaCode": code, "QuotaName": name, "Adjustable": adjustable, "Value": 1.0}
            for code, _, name, adjustable in (*LISTED, *OF_TRAINING)
        ]
        return self.changed.get("quotas", {"Quotas": [*quotas, *PER_DAY]})

    def get_products(self, **_: Any) -> Any:
        self.asked.append("get_products")
        return self.changed.get("products", {"PriceList": products(our_prices())})

    def list_objects_v2(self, *, Bucket: str, Prefix: str) -> Any:  # noqa: N803
        self.asked.append("list_objects_v2")
        assert Bucket.startswith("jumpstart-cache-prod-")
        names = self.changed.get("files", ["config.json", "tokenizer_config.json", "model.safetensors"])
        return {"Contents": [{"Key": f"{Prefix}{name}"} for name in names]}

    def __getattr__(self, method: str) -> Any:
        def call(**request: Any) -> Any:
            self.asked.append(method)
            if method in self.changed:
                return self.changed[method]
            for question in questions(REGION):
                same = xform_name(question.operation) == method
                if same and question.request == request and question.local is not None:
                    try:
                        return question.local(request) | {"ResponseMetadata": {}}
                    except Refusal as refused:
                        raise refusal(refused.code, operation=question.operation) from None
            (entries,) = (
                one[0]
                for lists in compare.LISTS.values()
                for name, one in lists.items()
                if name.lower() == method.replace("_", "")
            )
            return {entries: []}

        return call


def differences(
    account: Account, keep: Any = lambda *_: None, region: str = REGION
) -> list[compare.Difference]:
    found: Iterator[compare.Difference] = compare.compare(lambda _: account, region, keep)
    return list(found)


def test_an_account_with_equal_responses_has_no_differences() -> None:
    assert differences(Account()) == []


def test_only_read_operations_are_called() -> None:
    account = Account()
    differences(account)

    assert account.asked
    assert all(method.startswith(("get_", "list_", "describe_")) for method in account.asked)


@pytest.mark.parametrize(
    ("changed", "about"),
    [
        ({"get_foundation_model": {"modelDetails": {"modelArn": "arn:x", "customizationsSupported": []}}},
         "customizationsSupported"),
        ({"list_foundation_models": {"modelSummaries": []}}, "amazon.nova-lite-v1:0:300k"),
        ({"list_custom_models": {"modelSummaries": [{"modelName": "no arn"}]}}, "AWS's service model"),
        ({"describe_hub_content": {"HubContentVersion": "1.0.0", "HubContentDocument": "{}"}}, "recipes"),
        ({"describe_training_job": {"TrainingJobName": "there"}}, "answer"),
        ({"quotas": {"Quotas": []}}, "L-1EF80F3E"),
        ({"quotas": {"Quotas": []}}, "L-ED7BD217"),
        ({"quotas": {"Quotas": PER_DAY[1:]}}, "us.amazon.nova-2-lite-v1:0"),
        ({"quotas": {"Quotas": PER_DAY[:-1]}}, "us.amazon.nova-pro-v1:0"),
        ({"files": ["config.json", "model.safetensors"]}, "tokenizer_config.json"),
        ({"list_training_jobs": {"TrainingJobSummaries": [{"TrainingJobName": "no arn"}]}},
         "AWS's service model"),
        ({"list_model_package_groups": {
            "ModelPackageGroupSummaryList": [{"ModelPackageGroupName": "tunedrop-dev-qwen3-4b"}]},
          "list_model_packages": {"ModelPackageSummaryList": [{"ModelPackageArn": "no arn"}]},
          "describe_model_package": {}},
         "AWS's service model"),
        ({"products": {"PriceList": []}}, "USE1-NovaLite-input-tokens"),
    ],
)  # fmt: skip
def test_what_differs_is_named(changed: dict[str, Any], about: str) -> None:
    account = Account(**{"get_custom_model": {}, "describe_training_job": {}, **changed})

    assert about in {one.about for one in differences(account)}


@pytest.mark.parametrize(
    "other", [{"SequenceLength": "8K"}, {"ServerlessMeteringType": "Hourly"}, {"Peft": "NONE"}]
)
def test_a_recipe_that_reads_or_bills_otherwise_is_named(other: dict[str, str]) -> None:
    ours = document(models()["huggingface-reasoning-qwen3-8b"], "us-east-1")
    theirs = {**ours, "RecipeCollection": [one | other for one in ours["RecipeCollection"]]}

    (found,) = compare._documents(Question("DescribeHubContent", {}, None, "sagemaker"), theirs, ours)

    assert found.about == "recipes"


def test_a_base_model_whose_files_cannot_be_listed_hides_no_other() -> None:
    class FirstDenied(Account):
        def list_objects_v2(self, *, Bucket: str, Prefix: str) -> Any:  # noqa: N803
            if "list_objects_v2" not in self.asked:
                self.asked.append("list_objects_v2")
                raise refusal("AccessDenied", status=403)
            return super().list_objects_v2(Bucket=Bucket, Prefix=Prefix)

    found = differences(FirstDenied(files=["config.json"]))

    assert {"answer", "tokenizer_config.json"} <= {one.about for one in found}


def test_bedrock_mantle_is_called_in_regions_where_it_tunes() -> None:
    """What an account has there is held against OpenAI's fields; a job that nobody has, against our code."""
    asked = {one.operation: one for one in questions("us-west-2") if one.service == "bedrock-mantle"}

    assert asked.keys() == {"ListFiles", "ListFineTuningJobs", "GetModel", "GetFineTuningJob"}
    for one in asked.values():
        assert one.local is not None
        if one.is_listed:
            assert list(problems(compare._operation(one).output_shape, one.local(one.request))) == []
        else:
            with pytest.raises(Refusal):
                one.local(one.request)
    assert not [one for one in questions("us-east-1") if one.service == "bedrock-mantle"]


@pytest.mark.parametrize(("service", "operation"), [(s, o) for s, asked in MISSING.items() for o in asked])
def test_missing_resources_are_requested_by_an_unused_name(service: str, operation: str) -> None:
    """The code of that answer decides what the pipeline does: another one would end runs."""
    (question,) = [
        one for one in questions(REGION) if (one.service, one.operation) == (service, operation)
        and set(one.request) == {MISSING[service][operation]}
    ]  # fmt: skip
    assert question.local is not None

    with pytest.raises(Refusal):
        question.local(question.request)


def test_what_is_recorded_names_no_account(tmp_path: Path) -> None:
    arn = "arn:aws:bedrock:us-east-1:999988887777:custom-model/amazon.nova-lite-v1:0:300k/abcdefghij12"
    account = Account(
        list_custom_models={"modelSummaries": [{"modelArn": arn}]},
        get_custom_model={"modelArn": arn, "modelName": "model"},
    )

    differences(account, compare.record(tmp_path, "999988887777"))

    texts = [file.read_text() for file in tmp_path.iterdir()]
    assert len(texts) > 5
    assert all("999988887777" not in text for text in texts)
    assert all(json.loads(text)["source"] for text in texts)
    assert any("get-custom-model" in file.name for file in tmp_path.iterdir())
