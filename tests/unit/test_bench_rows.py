"""What `python -m bench rows` drops is taken: it trains for an hour, which a wrong manifest would waste."""

from __future__ import annotations

import json

import pytest

from bench import rows as bench
from tests import builders
from tests.rows import ACCEPTED, EVERY_ENGINE, Row, name_of
from tunedrop import catalog

HELD_OUT = 0.3
"""At most so many of the records are held out, to validate and to test."""


@pytest.mark.parametrize("row", ACCEPTED, ids=name_of)
def test_each_row_has_a_manifest_that_is_registered_and_records_enough(row: Row) -> None:
    document = bench.manifest_of(row)
    stage = builders.stage(region=row.region, engines=EVERY_ENGINE)

    run = builders.resolved(stage, **document)

    assert run.method == row.method
    rules = catalog.find(run.base_model).methods[run.method]
    lines = bench.records_of(row).splitlines()
    assert all(json.loads(line) for line in lines)
    assert len(lines) * (1 - HELD_OUT) >= rules.min_train_records
