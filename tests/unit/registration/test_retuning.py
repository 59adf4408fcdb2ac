from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tunedrop import clock, manifest, registration
from tunedrop.aws import Aws
from tunedrop.contracts import Registration, S3Object
from tunedrop.errors import InvalidManifest
from tunedrop.registration import ObjectCreated
from tunedrop.registration.retuning import Grown, latest_of_each_name, settings_of
from tunedrop.registration.retuning import grown as has_grown
from tunedrop.registry import Registry
from tunedrop.stage import Stage

MANIFEST = "data: {train: train.jsonl}\nretune: {when_grown_by: 20%, at_most_every: 1d}\n"
SOURCE = S3Object(bucket="intake", key="runs/law/run.yaml", version_id="v1")


def put(aws: Aws, stage: Stage, key: str, body: str) -> str:
    answer = aws.s3.put_object(Bucket=stage.intake_bucket, Key=key, Body=body.encode())
    return str(answer["VersionId"])


def upload(aws: Aws, stage: Stage, text: str = MANIFEST) -> ObjectCreated:
    version = put(aws, stage, "runs/law/run.yaml", text)
    source = S3Object(bucket=stage.intake_bucket, key="runs/law/run.yaml", version_id=version)
    return ObjectCreated(source=source, requester="somebody", time="2026-11-01T10:00:00Z")


def registered(aws: Aws, stage: Stage, registry: Registry, event: ObjectCreated) -> Registration:
    found = registration.register(aws.s3, stage, event, "arn:execution")
    assert found.run is not None, found.failure
    registry.register(found.run)
    registry.end(found.run.run_id, "promoted", None)
    return found


@pytest.fixture(autouse=True)
def _data(aws: Aws, stage: Stage, intake: str) -> None:
    put(aws, stage, "runs/law/train.jsonl", "x" * 100)


def due(s3: Any, registry: Registry) -> Iterator[Grown]:
    """What the sweep finds."""
    latest = registry.some(one.run_id for one in latest_of_each_name(registry.seen(50)))
    found = (has_grown(s3, record) for record in latest)
    return (one for one in found if one is not None)


def test_data_that_has_grown_enough_is_due_and_the_new_run_is_another(
    aws: Aws, stage: Stage, registry: Registry
) -> None:
    event = upload(aws, stage)
    first = registered(aws, stage, registry, event)
    put(aws, stage, "runs/law/train.jsonl", "x" * 120)

    (grown,) = due(aws.s3, registry)
    second = registration.register(aws.s3, stage, event, "arn:again")

    assert (grown.name, grown.manifest) == ("law", event.source)
    assert grown.share == pytest.approx(0.2)
    assert first.run is not None
    assert second.run is not None
    assert second.run.run_id != first.run.run_id
    assert second.run.retune is not None
    assert second.run.retune.data_bytes == 120


def test_the_same_growth_is_the_same_identity(aws: Aws, stage: Stage, registry: Registry) -> None:
    registered(aws, stage, registry, upload(aws, stage))
    put(aws, stage, "runs/law/train.jsonl", "x" * 130)

    once, again = next(due(aws.s3, registry)), next(due(aws.s3, registry))
    put(aws, stage, "runs/law/train.jsonl", "x" * 140)
    more = next(due(aws.s3, registry))

    assert once == again
    assert more.identity != once.identity


def test_a_little_growth_is_not_enough(aws: Aws, stage: Stage, registry: Registry) -> None:
    registered(aws, stage, registry, upload(aws, stage))
    put(aws, stage, "runs/law/train.jsonl", "x" * 119)

    assert list(due(aws.s3, registry)) == []


def test_it_is_off_unless_a_manifest_asks_for_it(aws: Aws, stage: Stage, registry: Registry) -> None:
    registered(aws, stage, registry, upload(aws, stage, "data: {train: train.jsonl}\n"))
    put(aws, stage, "runs/law/train.jsonl", "x" * 900)

    assert list(due(aws.s3, registry)) == []


def test_it_waits_for_the_time_between_two_runs(
    aws: Aws, stage: Stage, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(aws, stage, registry, upload(aws, stage))
    put(aws, stage, "runs/law/train.jsonl", "x" * 200)

    monkeypatch.setattr(clock, "now", lambda: "2026-11-02T09:59:59Z")
    assert list(due(aws.s3, registry)) == []
    monkeypatch.setattr(clock, "now", lambda: "2026-11-02T10:00:00Z")
    assert [one.name for one in due(aws.s3, registry)] == ["law"]


def test_a_run_that_is_still_open_is_not_overtaken(aws: Aws, stage: Stage, registry: Registry) -> None:
    found = registration.register(aws.s3, stage, upload(aws, stage), "arn:execution")
    assert found.run is not None
    registry.register(found.run)
    put(aws, stage, "runs/law/train.jsonl", "x" * 200)

    assert list(due(aws.s3, registry)) == []


def test_data_that_was_deleted_is_left_alone(aws: Aws, stage: Stage, registry: Registry) -> None:
    registered(aws, stage, registry, upload(aws, stage))
    aws.s3.delete_object(Bucket=stage.intake_bucket, Key="runs/law/train.jsonl")

    assert list(due(aws.s3, registry)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{when_grown_by: a lot}", "retune.when_grown_by: 'a lot' is not a share; write 20% or 0.2"),
        ("{when_grown_by: 0%}", "must be from 1% to 10000%"),
        ("{at_most_every: often}", "retune.at_most_every: 'often' is not a duration"),
    ],
)
def test_settings_that_make_no_sense_are_refused(text: str, expected: str) -> None:
    with pytest.raises(InvalidManifest, match=expected):
        manifest.read(f"data: {{train: t}}\nretune: {text}\n".encode())


@pytest.mark.parametrize("text", ["20%", "0.2", "20.0 %"])
def test_a_share_is_a_number_or_a_percentage(text: str) -> None:
    document = manifest.read(f"data: {{train: t}}\nretune: {{when_grown_by: {text}}}\n".encode())

    found = settings_of(document, SOURCE, 100)

    assert found is not None
    assert found.when_grown_by == pytest.approx(0.2)
    assert found.at_most_every_seconds == 7 * 86_400
