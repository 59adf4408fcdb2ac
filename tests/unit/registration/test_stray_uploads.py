"""Uploads to places that start nothing end in one message; what a run starts from or reads ends in none."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests import builders
from tunedrop import intake
from tunedrop.aws import Aws
from tunedrop.contracts import Estimate, S3Object
from tunedrop.registration import missed_uploads, stray_uploads
from tunedrop.registration.stray_uploads import Stray
from tunedrop.registry import Record, Registry
from tunedrop.stage import Stage
from tunedrop.waiting import approval

STAGE = builders.stage(upload_grace_seconds=-5)
TENANTS = builders.stage(upload_grace_seconds=-5, tenants={"law": (), "sales": ()})


class Topic:
    """SNS, as far as publishing goes."""

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []

    def publish(self, **message: Any) -> None:
        self.published.append(message)


def put(aws: Aws, *keys: str) -> None:
    for key in keys:
        aws.s3.put_object(Bucket=STAGE.intake_bucket, Key=key, Body=b"data")


def find(aws: Aws, registry: Registry, stage: Stage = STAGE) -> list[Stray]:
    runs = [one.run for one in registry.recent(limit=100)]
    return stray_uploads.find(aws.s3, registry, stage, runs)


def places(aws: Aws, registry: Registry) -> list[str]:
    return [one.place for one in find(aws, registry)]


@pytest.mark.usefixtures("intake")
def test_what_starts_nothing_is_told_once(aws: Aws, registry: Registry) -> None:
    put(aws, "train.jsonl", "Drop/a.jsonl", "data/x/1.jsonl", "data/x/2.jsonl", "drop/README_de.txt")
    put(aws, "drop/notes/README.md", "runs/train.jsonl", "runs/forgot/train.jsonl", "runs/late/Run.yaml")
    put(aws, "runs/nobody-0123456789/approve/1-0a", "runs/nobody-0123456789/test.jsonl")
    topic = Topic()

    strays = find(aws, registry)
    stray_uploads.tell(topic, STAGE, registry, strays)
    stray_uploads.tell(topic, STAGE, registry, find(aws, registry))

    assert {one.place for one in strays} == {
        "train.jsonl", "Drop/", "data/x/", "drop/README_de.txt", "drop/notes/", "runs/", "runs/forgot/",
        "runs/late/", "runs/nobody-0123456789/approve/", "runs/nobody-0123456789/",
    }  # fmt: skip
    (message,) = topic.published
    assert message["Subject"] == "Tunedrop: 11 uploads started no run"
    assert "s3://intake/data/x/ (2 objects)" in message["Message"]
    assert message["MessageAttributes"]["event"]["StringValue"] == "upload-starts-nothing"


@pytest.mark.usefixtures("intake")
def test_what_a_tenant_drops_beside_its_datasets_is_told_one_by_one(aws: Aws, registry: Registry) -> None:
    put(aws, "drop/law/a.jsonl", "drop/law/README.md", "drop/law/_SUCCESS")
    put(aws, "drop/law/2026/0.jsonl", "drop/law/2026/README.md", "drop/law/notes/README.md")

    strays = find(aws, registry, TENANTS)

    assert {one.place for one in strays} == {"drop/law/README.md", "drop/law/_SUCCESS", "drop/law/notes/"}
    assert "s3://intake/drop/TENANT/NAME.jsonl\n" in stray_uploads.text(TENANTS, strays)
    assert "s3://intake/drop/NAME.jsonl\n" in stray_uploads.text(STAGE, strays)


@pytest.mark.usefixtures("intake")
def test_a_later_upload_to_the_same_place_is_told_as_well(aws: Aws, registry: Registry) -> None:
    topic = Topic()
    put(aws, "runs/forgot/train.jsonl")
    stray_uploads.tell(topic, STAGE, registry, find(aws, registry))
    put(aws, "runs/forgot/valid.jsonl")

    stray_uploads.tell(topic, STAGE, registry, find(aws, registry))

    assert len(topic.published) == 2


@pytest.mark.usefixtures("intake")
def test_what_a_run_starts_from_or_has_read_is_in_its_place(aws: Aws, registry: Registry) -> None:
    run = builders.run(
        source=S3Object(bucket="intake", key="runs/mine/run.yaml"),
        train=S3Object(
            bucket="intake", key="shared/a.jsonl", more=(S3Object(bucket="intake", key="shared/b.jsonl"),)
        ),
        test=S3Object(bucket="intake", key="shared/test.jsonl"),
    )
    registry.register(run)
    registry.end(run.run_id, "failed", None)
    put(aws, "runs/mine/run.yaml", "runs/mine/train.jsonl", "runs/mine/media/a.png", "runs/mine/notes.md")
    put(aws, "drop/a.jsonl", "drop/garden/part-0.jsonl", "drop/garden/README.md", "drop/garden/x/_metadata")
    put(aws, "shared/a.jsonl", "shared/b.jsonl", "shared/test.jsonl")
    put(aws, f"runs/{run.run_id}/stop/1", f"runs/{run.run_id}/test.jsonl", f"runs/{run.run_id}/retry/1")
    put(aws, "drop/.DS_Store", "runs/._x", "drop/__MACOSX/a.jsonl", "drop/~$a.xlsx")
    aws.s3.put_object(Bucket="intake", Key="runs/empty/")

    assert places(aws, registry) == []


@pytest.mark.usefixtures("intake")
def test_a_signal_to_a_run_whose_row_cannot_be_read_keeps_no_other_upload_from_being_told(
    aws: Aws, registry: Registry
) -> None:
    row = {"pk": {"S": "RUN#broken-0123456789"}, "sk": {"S": "RUN"}, "run": {"S": "{"}}
    aws.dynamodb.put_item(TableName=STAGE.registry_table, Item=row)
    put(aws, "runs/broken-0123456789/stop/1", "runs/forgot/train.jsonl")

    assert places(aws, registry) == ["runs/forgot/"]


@pytest.mark.usefixtures("intake")
@pytest.mark.parametrize(
    ("outcome", "code", "is_told"),
    [("running", "1", False), ("failed", "1", False), ("promoted", "1", True), ("failed", "latest", True)],
)
def test_a_retry_that_leads_to_nothing_is_told(
    aws: Aws, registry: Registry, outcome: str, code: str, is_told: bool
) -> None:
    run = builders.run()
    registry.register(run)
    if outcome != "running":
        registry.end(run.run_id, outcome, None)
    put(aws, f"runs/{run.run_id}/retry/{code}")

    assert places(aws, registry) == [f"runs/{run.run_id}/retry/"] * is_told


@pytest.mark.usefixtures("intake")
@pytest.mark.parametrize(
    ("signal", "told"),
    [
        ("approve/{right}", ""),
        ("approve/{right}0", "approves nothing; the run waits for runs/{run_id}/approve/{right}"),
        ("approve/2-0123456789", "approves nothing; the run waits for runs/{run_id}/approve/{right}"),
        ("approve/yes", "approves nothing; the run waits for runs/{run_id}/approve/{right}"),
        ("approve/0-0123456789", "approves nothing; the run waits for runs/{run_id}/approve/{right}"),
        ("stop/1", ""),
        ("stop/2", "stops nothing; the run is in attempt 1"),
        ("stop/all", "stops nothing; the run is in attempt 1"),
        ("stop/" + "9" * 900, "stops nothing; the run is in attempt 1"),
    ],
)
def test_a_signal_that_does_nothing_is_told_with_the_reason(
    aws: Aws, registry: Registry, signal: str, told: str
) -> None:
    run, estimate = builders.run(), Estimate(lines=(), low=1.0, likely=2.0, high=3.0, budget_usd=1.0)
    registry.register(run)
    registry.save(run.run_id, estimate=estimate)
    registry.start_step(run.run_id, "wait_for_approval", "2026-11-30T00:00:00Z")
    right = approval.code_of(run, estimate)
    approval.note(registry, approval.key_of(run, estimate))
    put(aws, f"runs/{run.run_id}/{signal.format(right=right)}")

    strays = find(aws, registry)

    assert [one.why for one in strays] == [told.format(run_id=run.run_id, right=right)] * bool(told)
    assert not told or f": {strays[0].why}\n" in stray_uploads.text(STAGE, strays)


@pytest.mark.usefixtures("intake")
@pytest.mark.parametrize("is_noted", [True, False])
def test_an_approval_that_was_asked_for_before_an_upgrade_is_not_told(
    aws: Aws, registry: Registry, is_noted: bool
) -> None:
    """A release whose estimates have another field gives them other codes; the run waits for the old one."""
    run, estimate = builders.run(), Estimate(lines=(), low=1.0, likely=2.0, high=3.0, budget_usd=1.0)
    registry.register(run)
    registry.save(run.run_id, estimate=msgspec.structs.replace(estimate, approval_reasons=("it is dear",)))
    if is_noted:
        approval.note(registry, f"runs/{run.run_id}/approve/1-0123456789")
    put(aws, f"runs/{run.run_id}/approve/1-0123456789")

    assert find(aws, registry) == []


@pytest.mark.usefixtures("intake")
@pytest.mark.parametrize(("attempt", "is_told"), [("1", False), ("2", True), ("3", True)])
def test_an_approval_of_an_earlier_attempt_is_not_told_and_one_of_a_later_is(
    aws: Aws, registry: Registry, attempt: str, is_told: bool
) -> None:
    run = builders.run(attempt=2)
    registry.register(run)
    put(aws, f"runs/{run.run_id}/approve/{attempt}-0123456789")

    assert [one.why for one in find(aws, registry)] == [
        "approves nothing; the run does not wait for an approval"
    ] * is_told


@pytest.mark.usefixtures("intake")
def test_very_many_places_are_told_one_part_after_the_other_the_oldest_first(
    aws: Aws, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each costs a write; an uploader of a million must not keep the sweep from those of others."""
    monkeypatch.setattr(stray_uploads, "MOST_TOLD", 3)
    put(aws, *(f"place{number}/x" for number in range(5)))
    topic, turns = Topic(), []
    for _ in range(3):
        strays = find(aws, registry)
        turns.append([one.place for one in strays])
        stray_uploads.tell(topic, STAGE, registry, strays)

    assert [len(one) for one in turns] == [3, 2, 0]
    assert len(set(turns[0] + turns[1])) == 5


@pytest.mark.usefixtures("intake")
def test_the_places_and_runs_that_are_looked_at_are_bounded(
    aws: Aws, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stray_uploads, "MOST_PLACES", 4)
    monkeypatch.setattr(stray_uploads, "MOST_RUNS", 2)
    asked: list[str] = []
    monkeypatch.setattr(registry, "some", lambda run_ids: iter(asked.extend(run_ids) or ()))
    put(aws, *(f"runs/nobody-{number}/stop/1" for number in range(5)), *(f"z{one}/x" for one in range(5)))

    assert len(find(aws, registry)) == 4
    assert len(asked) == 2


@pytest.mark.usefixtures("intake")
@pytest.mark.parametrize("key", ["runs/nobody-{}/stop/1", "elsewhere{}/x"])
def test_of_very_many_places_and_runs_each_turn_looks_at_others(
    aws: Aws, registry: Registry, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """Whoever names a thousand runs first in the alphabet must not hide the signals of others."""
    monkeypatch.setattr(stray_uploads, "MOST_PLACES", 2)
    monkeypatch.setattr(stray_uploads, "MOST_RUNS", 2)
    put(aws, *(key.format(number) for number in range(8)))

    seen = set[str]()
    for _ in range(200):  # each has its turn with a chance of a quarter
        turn = {one.newest for one in find(aws, registry)}
        assert len(turn) == 2
        if len(seen := seen | turn) == 8:
            break

    assert len(seen) == 8


@pytest.mark.usefixtures("intake")
def test_the_signals_to_one_run_that_are_looked_at_are_bounded(
    aws: Aws, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stray_uploads, "MOST_SIGNALS", 3)
    put(aws, *(f"runs/nobody/approve/{number}" for number in range(9)))

    assert [one.objects for one in find(aws, registry)] == [3]


@pytest.mark.usefixtures("intake")
def test_data_may_come_a_while_before_its_manifest(aws: Aws, registry: Registry, stage: Stage) -> None:
    put(aws, "runs/mine/train.jsonl")

    assert find(aws, registry, stage) == []


@pytest.mark.usefixtures("intake")
def test_a_name_can_neither_break_the_message_nor_fill_it(aws: Aws, registry: Registry) -> None:
    put(aws, "runs/x\nApproved by: the boss/\x1b[2J.jsonl", *(f"other{n}/{'k' * 900}" for n in range(30)))

    text = stray_uploads.text(STAGE, find(aws, registry))

    assert "\nApproved" not in text
    assert "\x1b" not in text
    assert "and 11 more" in text


class Listing:
    """S3 with one object, whatever its key."""

    def __init__(self, key: str) -> None:
        self._key = key

    def get_paginator(self, operation: str) -> Any:
        one = {"Key": self._key, "Size": 4, "LastModified": stray_uploads.datetime.now(stray_uploads.UTC)}
        versions = [one | {"VersionId": "v1", "IsLatest": True}]

        class Pages:
            def paginate(self, Bucket: str, Prefix: str = "") -> Any:  # noqa: N803
                starts = one["Key"].startswith(Prefix)
                return [{"Contents": [one] * starts, "Versions": versions * starts}]

        return Pages()


class Nobody:
    """A registry without runs."""

    def __init__(self) -> None:
        self.unreadable: dict[str, Exception] = {}

    def some(self, _: list[str]) -> Iterator[Record]:
        return iter(())

    def claimed(self, *_: str) -> set[str]:
        return set()


NAMES = st.sampled_from(
    [
        "drop",
        "runs",
        "run.yaml",
        "_SUCCESS",
        "readme",
        "config.json",
        "approve",
        "stop",
        "retry",
        "1",
        "a.jsonl",
    ]
) | st.text(max_size=6)


@settings(max_examples=300)
@given(
    st.lists(NAMES | st.just("law"), min_size=1, max_size=5).map("/".join).filter(bool),
    st.sampled_from([STAGE, TENANTS]),
)
@example("drop/law/README.md", TENANTS)
@example("drop/law/a.jsonl", TENANTS)
@example("drop/law/x/a.jsonl", TENANTS)
def test_whatever_the_key_an_object_starts_a_run_or_is_told(key: str, stage: Stage) -> None:
    s3: Any = Listing(key)
    nobody: Any = Nobody()

    starts = {one.source.key for one in missed_uploads.overdue(s3, stage)}
    told = stray_uploads.find(s3, nobody, stage, [])

    dropping = stray_uploads._DROPPINGS.fullmatch(key) is not None
    assert (len(starts) + len(told) == 1) != dropping
    assert all(one.newest == key and posixpath.dirname(key) in one.place for one in told)


@pytest.mark.parametrize(("ending", "starts"), [
    ("jsonl", True), ("csv", True), ("xlsx", True), ("parquet", True), ("json", True), ("zip", True),
    ("docx", False), ("pdf", False),
])  # fmt: skip
def test_the_message_names_what_starts_a_run_and_what_does_not(ending: str, starts: bool) -> None:
    assert (intake.read_key(f"drop/letter.{ending}", ()).kind == "dataset") is starts
    assert f".{ending}" in stray_uploads.text(STAGE, [])
