"""`estimate` on this machine: the figures that estimate_cost will have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import builders
from tunedrop.cli.data import folder
from tunedrop.cli.plan import estimating


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
