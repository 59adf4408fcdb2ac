"""Another test set for a model that is trained: what it was trained on stays, and is never asked."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.datasets import jsonl, many_held_out, single_turn
from tests.unit.dataset.test_validate import STAGE, read, s3, uploaded
from tunedrop import naming
from tunedrop.contracts import Dataset, RuleSettings, Run, Sharding
from tunedrop.errors import InvalidDataset
from tunedrop.steps.validate_data import validate, validate_shard
from tunedrop.steps.validate_test_set import retest

__all__ = ["s3"]

TRAIN = jsonl(single_turn("one"))
MORE = many_held_out("one")


def trained(s3: Any, **files: bytes) -> tuple[Run, Dataset]:
    run = uploaded(s3, train=TRAIN, **files)
    dataset = validate(s3, STAGE, run)
    assert isinstance(dataset, Dataset)
    return msgspec.structs.replace(run, method=dataset.method), dataset


def again(s3: Any, run: Run, attempt: int, **given: bytes) -> Run:
    """The run as a retry opens it, with a test set that was uploaded meanwhile."""
    ((field, body),) = given.items()
    later = uploaded(s3, train=TRAIN, test=body).test
    return msgspec.structs.replace(run, attempt=attempt, evaluation_attempt=attempt, **{field: later})


def retested(s3: Any, run: Run, dataset: Dataset, shard_bytes: int = 1 << 30) -> Dataset:
    stage = msgspec.structs.replace(STAGE, validation_shard_bytes=shard_bytes)
    made = retest(s3, stage, run, dataset)
    while isinstance(made, Sharding):
        for shard in made.shards:
            validate_shard(s3, stage, run, made.work, shard)
        made = retest(s3, stage, run, dataset, made)
    return made


def lines_of(s3: Any, uri: str) -> list[bytes]:
    return read(s3, naming.key_of(uri)).splitlines()


@pytest.mark.parametrize("shard_bytes", [1 << 30, 5_000])
def test_more_records_join_those_that_were_split_off(s3: Any, shard_bytes: int) -> None:
    run, dataset = trained(s3)
    assert dataset.test is not None
    first = lines_of(s3, dataset.test.uri)

    found = retested(s3, again(s3, run, 2, more_test=jsonl(MORE)), dataset, shard_bytes)

    assert found.test is not None
    asked = lines_of(s3, found.test.uri)
    assert asked[: len(first)] == first
    assert len(asked) == found.test.records == len(first) + len(MORE)
    assert found.test.prompts is not None
    assert found.test.prompts.count == found.test.records
    assert found.split_off == dataset.test
    assert (found.train, found.validation, found.content_hash) == (
        dataset.train, dataset.validation, dataset.content_hash,
    )  # fmt: skip


def test_what_a_second_retry_brings_joins_what_the_first_has(s3: Any) -> None:
    run, dataset = trained(s3)
    assert dataset.test is not None
    second = retested(s3, again(s3, run, 2, more_test=jsonl(MORE[:10])), dataset)
    assert second.test is not None

    third = retested(s3, again(s3, run, 3, more_test=jsonl(MORE[10:30])), second)

    assert third.test is not None
    assert third.test.records == dataset.test.records + 30
    assert third.split_off == second.test


@pytest.mark.parametrize("shard_bytes", [1 << 30, 5_000])
def test_a_named_test_file_that_is_replaced_adds_to_the_test_set(s3: Any, shard_bytes: int) -> None:
    run, dataset = trained(s3, test=jsonl(MORE[:10]))
    assert dataset.test is not None

    found = retested(s3, again(s3, run, 2, test=jsonl(MORE[10:25])), dataset, shard_bytes)

    assert found.test is not None
    assert lines_of(s3, found.test.uri)[:10] == lines_of(s3, dataset.test.uri)
    assert (found.test.records, found.split_off) == (25, dataset.test)


@pytest.mark.parametrize("records", [10, 25])
def test_a_test_file_that_goes_on_after_what_was_there_counts_once(records: int, s3: Any) -> None:
    run, dataset = trained(s3, test=jsonl(MORE[:10]))

    found = retested(s3, again(s3, run, 2, test=jsonl(MORE[:records])), dataset)

    assert found.test is not None
    assert found.test.records == len(lines_of(s3, found.test.uri)) == records


@pytest.mark.parametrize("shard_bytes", [1 << 30, 5_000])
def test_what_was_trained_on_cannot_be_held_out(s3: Any, shard_bytes: int) -> None:
    run, dataset = trained(s3)
    overlapping = again(s3, run, 2, more_test=jsonl([*MORE, single_turn("one")[0]]))

    with pytest.raises(InvalidDataset, match=rf"test.jsonl line {len(MORE) + 1}: .*cannot be held out"):
        retested(s3, overlapping, dataset, shard_bytes)


def test_a_test_set_that_was_split_off_and_not_added_to_is_left_alone(s3: Any) -> None:
    run, dataset = trained(s3)

    assert retested(s3, msgspec.structs.replace(run, evaluation_attempt=2), dataset) == dataset


@pytest.mark.parametrize("shard_bytes", [1 << 30, 5_000])
def test_what_was_trained_on_is_not_judged_again(s3: Any, shard_bytes: int) -> None:
    """A new version may have other rules; the model is trained, and paid."""
    trained_on = single_turn("one")
    run = uploaded(s3, train=jsonl([*trained_on, trained_on[0]]))
    dataset = validate(s3, STAGE, run)
    assert isinstance(dataset, Dataset)
    stricter = RuleSettings(severity={"TD050": "error"})
    run = msgspec.structs.replace(run, method=dataset.method, rules=stricter)

    found = retested(s3, again(s3, run, 2, more_test=jsonl(MORE)), dataset, shard_bytes)

    assert found.test is not None
    assert dataset.test is not None
    assert found.test.records == dataset.test.records + len(MORE)
    with pytest.raises(InvalidDataset, match=r"test.jsonl line .*TD050"):
        retested(s3, again(s3, run, 3, more_test=jsonl([*MORE, MORE[0]])), dataset, shard_bytes)
