"""A folder below `drop/` is one dataset and one run; what programs leave beside data starts nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests import builders
from tunedrop.aws import Aws
from tunedrop.contracts import S3Object
from tunedrop.intake import read_key
from tunedrop.registration import ObjectCreated, _folders, missed_uploads, register
from tunedrop.registration.missed_uploads import Uploaded
from tunedrop.registry import Registry
from tunedrop.stage import Stage

STAGE = builders.stage(upload_grace_seconds=-5)


def put(aws: Aws, bucket: str, key: str, body: bytes = b"data") -> S3Object:
    answer = aws.s3.put_object(Bucket=bucket, Key=key, Body=body)
    return S3Object(bucket=bucket, key=key, version_id=answer["VersionId"])


def event(source: S3Object, reason: str = "") -> ObjectCreated:
    return ObjectCreated(source=source, requester="ann", time="", reason=reason)


def overdue(aws: Aws, registry: Registry, stage: Stage = STAGE) -> list[str]:
    found = missed_uploads.overdue(aws.s3, stage)
    return [one.source.key for one in found if missed_uploads.is_missed(registry, one)]


@pytest.mark.parametrize(
    "name", ["_SUCCESS", "README.md", ".DS_Store", "Thumbs.db", "dataset_info.json", "run.yaml"]
)
def test_junk_starts_nothing(aws: Aws, intake: str, name: str) -> None:
    for folder in ("drop/", "drop/garden/images/"):
        found = register(aws.s3, STAGE, event(put(aws, intake, f"{folder}{name}")), "arn")

        assert found.outcome == "ignored"


def test_markdown_is_data_where_nothing_else_is(aws: Aws, intake: str) -> None:
    alone = register(aws.s3, STAGE, event(put(aws, intake, "drop/handbook.md")), "arn").run
    for name in ("b.md", "a.md", "README.md"):
        page = put(aws, intake, f"drop/garden/{name}")
        assert register(aws.s3, STAGE, event(page), "arn").outcome == "ignored"
    folder = register(aws.s3, STAGE, event(put(aws, intake, "drop/garden/_SUCCESS", b"")), "arn").run

    assert alone is not None
    assert (alone.name, alone.train.key) == ("handbook", "drop/handbook.md")
    assert folder is not None
    assert [one.key for one in folder.train.objects] == ["drop/garden/a.md", "drop/garden/b.md"]


def test_a_folder_is_one_run_that_its_success_starts(aws: Aws, intake: str) -> None:
    for name in ("part-10.csv", "part-2.csv", "test.jsonl", "validation/0.parquet", "README.md"):
        shard = put(aws, intake, f"drop/garden/{name.replace('part', 'train')}")
        assert register(aws.s3, STAGE, event(shard), "arn").outcome == "ignored"

    found = register(aws.s3, STAGE, event(put(aws, intake, "drop/garden/_SUCCESS", b"")), "arn")

    run = found.run
    assert (found.outcome, run and run.name) == ("registered", "garden")
    assert run is not None
    assert [one.key for one in run.train.objects] == ["drop/garden/train-2.csv", "drop/garden/train-10.csv"]
    assert all(one.version_id for one in run.train.objects)
    assert run.test is not None
    assert run.validation is not None
    assert (run.test.key, run.validation.key) == (
        "drop/garden/test.jsonl",
        "drop/garden/validation/0.parquet",
    )


@pytest.mark.parametrize(
    "reason", ["PutObject", "POST Object", "CopyObject", "CompleteMultipartUpload", "grown"]
)
def test_no_event_of_s3_starts_a_folder_that_nothing_has_ended(aws: Aws, intake: str, reason: str) -> None:
    """They have a reason too (S3 user guide, ev-events, read 2026-11-29): every shard would be a run."""
    shard = put(aws, intake, "drop/garden/part-0.jsonl")
    object_ = {"key": shard.key, "size": 4, "etag": "0", "version-id": shard.version_id, "sequencer": "0"}
    detail = {"bucket": {"name": intake}, "object": object_, "reason": reason, "base-model": "x"}
    aws_event = {"source": "aws.s3", "detail-type": "Object Created", "time": "", "detail": detail}

    found = ObjectCreated.from_event(aws_event)

    assert (found.reason, found.base_model) == ("", "")
    assert register(aws.s3, STAGE, found, "arn").outcome == "ignored"


def test_the_event_of_the_sweep_starts_it(aws: Aws, intake: str) -> None:
    shard = put(aws, intake, "drop/garden/part-0.jsonl")
    started: list[dict[str, Any]] = []

    class Machine:
        def start_execution(self, **call: str) -> None:
            started.append(json.loads(call["input"]))

    aws.step_functions = Machine()
    missed_uploads.start(aws, "arn", Uploaded(source=shard, at=datetime.now(UTC)))

    assert register(aws.s3, STAGE, ObjectCreated.from_event(started[0]), "arn").outcome == "registered"


def test_a_folder_of_none_but_junk_is_refused_with_what_to_do(aws: Aws, intake: str) -> None:
    found = register(aws.s3, STAGE, event(put(aws, intake, "drop/empty/_SUCCESS", b"")), "arn")

    assert found.failure is not None
    assert "contains no data file" in found.failure.cause


def test_a_folder_without_success_is_started_once_when_it_is_quiet(
    aws: Aws, intake: str, registry: Registry
) -> None:
    put(aws, intake, "drop/garden/part-0.jsonl")
    last = put(aws, intake, "drop/garden/part-1.jsonl")
    assert overdue(aws, registry) == [last.key]

    found = register(aws.s3, STAGE, event(last, "missed"), "arn")
    assert found.run is not None
    registry.register(found.run)

    assert len(found.run.train.objects) == 2
    assert overdue(aws, registry) == []


def test_a_folder_that_success_has_started_is_not_started_by_quiet(
    aws: Aws, intake: str, registry: Registry
) -> None:
    put(aws, intake, "drop/garden/part-0.jsonl")
    success = put(aws, intake, "drop/garden/_SUCCESS", b"")
    assert overdue(aws, registry) == [success.key]

    found = register(aws.s3, STAGE, event(success), "arn")
    assert found.run is not None
    registry.register(found.run)

    assert overdue(aws, registry) == []


class Listed:
    """A bucket whose objects arrived so many minutes ago, each on a page of its own."""

    def __init__(self, **minutes: int) -> None:
        self._minutes = minutes
        self.pages = 0

    def get_paginator(self, _: str) -> Listed:
        return self

    def paginate(self, *, Prefix: str, **_: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        for key, minutes in sorted(self._minutes.items()):
            if key.startswith(Prefix):
                self.pages += 1
                at = datetime.now(UTC) - timedelta(minutes=minutes)
                one = {"Key": key, "VersionId": "v", "IsLatest": True, "LastModified": at, "Size": 9}
                yield {"Versions": [one]}


def found_in(listed: Listed) -> list[str]:
    return [one.source.key for one in missed_uploads.overdue(listed, builders.stage())]


def test_a_file_that_comes_after_success_is_no_upload_lost() -> None:
    """As when somebody uploads all files of a folder at once, or adds one a week later."""
    done = {"drop/garden/_SUCCESS": 60, "drop/garden/part-0.jsonl": 61, "drop/garden/part-1.jsonl": 70}

    assert found_in(Listed(**done)) == ["drop/garden/_SUCCESS"]
    assert found_in(Listed(**done | {"drop/garden/part-2.jsonl": 59})) == [
        "drop/garden/_SUCCESS", "drop/garden/part-2.jsonl",
    ]  # fmt: skip
    assert found_in(Listed(**done | {"drop/garden/part-0.jsonl": 30})) == [
        "drop/garden/_SUCCESS", "drop/garden/part-0.jsonl",
    ]  # fmt: skip
    assert found_in(Listed(**done | {"drop/garden/part-2.jsonl": 1})) == ["drop/garden/_SUCCESS"]


def test_of_very_many_folders_one_is_held() -> None:
    listed = Listed(**{f"drop/{number:03}/part-0.jsonl": 60 for number in range(100)})
    found = missed_uploads.overdue(listed, builders.stage())

    assert [next(found).source.key, listed.pages] == ["drop/000/part-0.jsonl", 2]


def test_of_tenants_each_file_and_each_quiet_folder_is_started_by_itself(
    aws: Aws, intake: str, registry: Registry
) -> None:
    stage = builders.stage(upload_grace_seconds=-5, tenants={"law": (), "sales": ()})
    for key in ("law/a.jsonl", "law/b.jsonl", "law/2026/0.jsonl", "sales/2026/0.jsonl", "sales/done/0.jsonl"):
        put(aws, intake, f"drop/{key}")
    put(aws, intake, "drop/sales/done/_SUCCESS", b"")
    put(aws, intake, "drop/law/_SUCCESS", b"")

    assert sorted(overdue(aws, registry, stage)) == [
        "drop/law/2026/0.jsonl", "drop/law/a.jsonl", "drop/law/b.jsonl", "drop/sales/2026/0.jsonl",
        "drop/sales/done/_SUCCESS",
    ]  # fmt: skip


def test_a_file_by_itself_is_a_run_as_ever() -> None:
    assert read_key("drop/My support.csv", ()).kind == "dataset"


@pytest.mark.parametrize(("files", "beside", "taken"), [(3, 1, True), (4, 0, False), (1, 4, False)])
def test_a_folder_of_more_files_than_are_listed_is_refused(
    aws: Aws, intake: str, monkeypatch: pytest.MonkeyPatch, files: int, beside: int, taken: bool
) -> None:
    """`_SUCCESS` is one of the objects that are looked at."""
    monkeypatch.setattr(_folders, "MAX_DATA_FILES", 3)
    monkeypatch.setattr(_folders, "MAX_LISTED", 5)
    for number in range(files):
        put(aws, intake, f"drop/garden/train-{number}.csv")
    for number in range(beside):
        put(aws, intake, f"drop/garden/.hidden-{number}")

    found = register(aws.s3, STAGE, event(put(aws, intake, "drop/garden/_SUCCESS", b"")), "arn")

    assert found.outcome == ("registered" if taken else "refused")
