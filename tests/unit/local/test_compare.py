"""The account probe, against an AWS that answers as the local Bedrock, and against one that differs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import compare
from local.bedrock.wire import Refusal
from tests.unit.fake_bedrock import refusal

REGION = "us-east-1"


class Account:
    """An AWS that answers as the local Bedrock does, but for what a test changes."""

    def __init__(self, **changed: Any) -> None:
        self.changed = changed
        self.asked: list[str] = []

    def __getattr__(self, method: str) -> Any:
        def call(**request: Any) -> Any:
            self.asked.append(method)
            if method in self.changed:
                return self.changed[method]
            for question in compare.questions(REGION):
                if question.request == request and question.local is not None:
                    try:
                        return question.local(request) | {"ResponseMetadata": {}}
                    except Refusal as refused:
                        raise refusal(refused.code, operation=question.operation) from None
            (entries,) = (
                one[0] for name, one in compare.LISTS.items() if name.lower() == method.replace("_", "")
            )
            return {entries: []}

        return call


def differences(account: Account, keep: Any = lambda *_: None) -> list[compare.Difference]:
    found: Iterator[compare.Difference] = compare.compare(lambda _: account, REGION, keep)
    return list(found)


def test_an_account_that_answers_alike_has_no_differences() -> None:
    assert differences(Account()) == []


def test_nothing_but_reading_is_asked() -> None:
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
        ({"describe_hub_content": {"HubContentDocument": "{}"}}, "recipes"),
    ],
)  # fmt: skip
def test_what_differs_is_named(changed: dict[str, Any], about: str) -> None:
    account = Account(**changed, get_custom_model={})

    assert about in {one.about for one in differences(account)}


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
