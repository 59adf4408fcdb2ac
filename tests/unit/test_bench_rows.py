"""What `python -m bench rows` drops is taken: it trains for an hour, which a wrong manifest would waste."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import rows as bench
from tests import builders
from tests.rows import ACCEPTED, EVERY_ENGINE, ROWS, TRANSFERS, Row, name_of
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


def test_every_transfer_follows_the_row_whose_result_it_tunes_further() -> None:
    found = bench.chains([*ROWS, *TRANSFERS])
    alone = bench.chains(TRANSFERS[:1])

    assert [one.first for one in found] == ROWS
    assert sorted(name_of(row) for one in found for row in one.further) == sorted(map(name_of, TRANSFERS))
    assert all(row.after == one.first.method for one in found for row in one.further)
    assert [one.further for one in alone] == [TRANSFERS[:1]]
    assert name_of(alone[0].first) == "single-turn of amazon.nova-lite-v1:0:300k in us-east-1"
    assert bench.manifest_of(TRANSFERS[0], "row-1")["from"] == "row-1"
    assert "base_model" not in bench.manifest_of(TRANSFERS[0], "row-1")


def test_rows_that_ended_rightly_are_not_run_again(tmp_path: Path) -> None:
    log = bench.Log(tmp_path / "rows.jsonl")
    log.keep(bench.Ended("good", "us-east-1", "promoted", "", 1.0, ""))
    log.keep(bench.Ended("bad", "us-east-1", "failed", "it broke", 1.0, "failed: it broke"))

    assert bench.Log(tmp_path / "rows.jsonl").right == {"good"}
    assert bench.Log(None).right == set()
