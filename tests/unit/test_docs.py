"""What the documentation names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tunedrop.dataset.rules import reference

ROOT = Path(__file__).parents[2]
REFERENCES = sorted(
    {
        (page.name, file, name)
        for page in (ROOT / "docs").rglob("*.md")
        for file, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text())
    }
)


@pytest.mark.parametrize(("page", "file", "name"), REFERENCES)
def test_a_test_that_a_page_names_exists(page: str, file: str, name: str) -> None:
    assert re.search(rf"^(?:def|class) {name}\b", (ROOT / file).read_text(), flags=re.MULTILINE), page


def test_the_page_on_reliability_names_tests() -> None:
    assert len([one for one in REFERENCES if one[0] == "reliability.md"]) > 20


def test_the_reference_of_rules_is_up_to_date() -> None:
    assert (ROOT / "docs" / "rules.md").read_text() == reference.page()
