"""The codes of quotas: what we ask for and answer, against what AWS publishes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tunedrop
from local.bedrock.quotas import LISTED, OF_TRAINING
from tests.recorded import recorded

PUBLISHED = {one["QuotaCode"]: one for one in recorded("service-quotas")["Quotas"]}
ROOT = Path(tunedrop.__file__).parent


def test_the_embedded_quotas_have_the_published_names() -> None:
    ours = {code: (name, adjustable) for code, _, name, adjustable in (*LISTED, *OF_TRAINING)}

    assert ours == {code: (PUBLISHED[code]["QuotaName"], PUBLISHED[code]["Adjustable"]) for code in ours}


@pytest.mark.parametrize(
    "path", [one for one in ROOT.rglob("*.py") if re.search(r"\bL-[0-9A-F]{8}\b", one.read_text())],
    ids=lambda path: str(path.relative_to(ROOT)),
)  # fmt: skip
def test_every_quota_code_that_the_product_names_is_published(path: Path) -> None:
    assert set(re.findall(r"\bL-[0-9A-F]{8}\b", path.read_text())) <= set(PUBLISHED)
