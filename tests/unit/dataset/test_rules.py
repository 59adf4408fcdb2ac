"""Every rule has a dataset that fails and one that passes: the documentation's own examples."""

from __future__ import annotations

from typing import Any

import pytest

from tests.datasets import jsonl
from tunedrop import catalog
from tunedrop.dataset.check.check import Report, check
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.rules import explanations
from tunedrop.dataset.rules import files as file_rules
from tunedrop.dataset.rules.codes import CODES, ERRORS, WARNINGS
from tunedrop.dataset.rules.explanations import Example, Explanation
from tunedrop.dataset.rules.files import FileCounts

EXPLAINED = explanations.load()
WITH_EXAMPLES = pytest.mark.parametrize(
    "code", [code for code, one in EXPLAINED.items() if one.breaks is not None]
)
BEYOND_A_FILE = {"TD008", "TD009", "TD041", "TD057"} | {
    "TD075",
    "TD078",
    "TD079",
    "TD081",
    "TD082",
    "TD083",
    "TD088",
}
"""Tables, a file of 10 GB, below, one of 20 million records, and what media are: `test_media.py`."""
ALSO_BROKEN = {"TD072": ["TD076"]}
"""A message with an image and a video makes a dataset that has both."""


def checked(explained: Explanation, example: Example | None) -> Report:
    assert example is not None
    files: Any = example.files(explained.filler)
    names: Any = {split: example.name if split == "train" else f"{split}.jsonl" for split in files}
    model = catalog.find(explained.model) if explained.model else None
    method: Any = explained.method
    return check({split: [body] for split, body in files.items()}, names, model, method)


def test_no_code_is_without_its_explanation_and_examples() -> None:
    assert set(EXPLAINED) == set(CODES) == ERRORS.keys() | WARNINGS.keys()
    without = {code for code, one in EXPLAINED.items() if one.breaks is None or one.holds is None}
    assert without == BEYOND_A_FILE


@WITH_EXAMPLES
def test_a_dataset_that_breaks_the_rule_has_a_finding_at_that_place(code: str) -> None:
    explained = EXPLAINED[code]

    report = checked(explained, explained.breaks)

    held = report.errors if code in ERRORS else report.warnings
    found = [one for one in held if one.code == code]
    assert found, [(one.line, one.code, one.message) for one in report.errors + report.warnings]
    assert all(one.message and one.file.endswith((".jsonl", ".json")) for one in found)
    assert {one.code for one in report.errors} <= {code, *ALSO_BROKEN.get(code, ())}


@WITH_EXAMPLES
def test_a_dataset_that_follows_the_rule_has_no_finding(code: str) -> None:
    explained = EXPLAINED[code]

    report = checked(explained, explained.holds)

    assert report.errors == ()
    assert code not in {one.code for one in report.warnings}


@pytest.mark.parametrize(("size", "codes"), [(10_737_418_240, []), (10_737_418_241, ["TD041"])])
def test_a_file_has_its_largest_size(size: int, codes: list[str]) -> None:
    model = catalog.find("meta.llama3-3-70b-instruct-v1:0:128k")
    files: Any = {"train": FileCounts(name="train.jsonl", records=5_000, bytes=size)}

    found = file_rules.dataset_problems(files, "single-turn", model, CheckOptions().threshold)

    assert [problem.code for _, problem in found] == codes


@pytest.mark.parametrize(
    ("model", "valid", "why"),
    [
        (
            "qwen.qwen3-32b",
            True,
            "reads the first 4,096 of a record (hyperparameter dataset_max_len) and cuts",
        ),
        ("amazon.titan-text-express-v1:0:8k", False, "takes 4,096 a record"),
    ],
)
def test_a_record_that_is_only_cut_is_a_warning(model: str, valid: bool, why: str) -> None:
    """By AWS's recipes of serverless jobs (`tests/recorded/recipes.json`)."""
    record = {"prompt": "What is a lien?", "completion": "word " * 12_000}
    body = jsonl([record, *({**record, "completion": f"A claim {n}."} for n in range(200))])

    report = check({"train": [body]}, {"train": "train.jsonl"}, catalog.find(model), "single-turn")

    assert report.valid is valid, report.errors
    code = "TD035" if valid else "TD031"
    (told,) = [one for one in report.warnings + report.errors if one.code == code]
    assert told.line == 1
    assert why in told.message
