"""The validate_data step: a dataset in shards comes out as it would in one piece, whatever its size."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from tests import builders
from tests.datasets import jsonl, many_held_out, single_turn
from tests.unit.fake_bedrock import FakeBedrock, refusal
from tests.unit.tables import make_intake_bucket
from tunedrop import naming
from tunedrop.aws import Aws
from tunedrop.contracts import ByteRange, Dataset, RuleSettings, Run, S3Object, Sharding
from tunedrop.dataset.sources.s3 import StoredFile
from tunedrop.errors import InvalidDataset
from tunedrop.steps._validate_shards import Shards
from tunedrop.steps.validate_data import validate, validate_shard

STAGE = builders.stage()
WHOLE = 1 << 30


@pytest.fixture
def s3(aws: Aws) -> object:
    make_intake_bucket(aws, STAGE)
    where = {"LocationConstraint": "us-west-2"}
    aws.s3.create_bucket(Bucket=STAGE.artifacts_bucket, CreateBucketConfiguration=where)
    return aws.s3


def uploaded(s3: Any, **files: bytes) -> Run:
    """A run with these files: train, validation, test."""
    objects = {}
    for split, body in files.items():
        key = f"runs/persona/{split}.jsonl"
        version = s3.put_object(Bucket=STAGE.intake_bucket, Key=key, Body=body)
        objects[split] = S3Object(
            bucket=STAGE.intake_bucket, key=key, version_id=version.get("VersionId", "")
        )
    return builders.run(**objects)


def validated(s3: Any, run: Run, shard_bytes: int) -> tuple[Dataset, int]:
    """What the workflow does: every shard, then the step again; and how many shards there were."""
    stage = msgspec.structs.replace(STAGE, validation_shard_bytes=shard_bytes)
    made, shards = validate(s3, stage, run), 0
    while isinstance(made, Sharding):
        done, shards = made, shards + len(made.shards)
        for shard in done.shards:
            validate_shard(s3, stage, run, done.work, shard)
        made = validate(s3, stage, run, done)
    return made, shards


def written(s3: Any, run: Run) -> dict[str, bytes]:
    """The report, and every split that was written."""
    prefix = naming.run_prefix(run.run_id)
    found = s3.list_objects_v2(Bucket=STAGE.artifacts_bucket, Prefix=prefix)
    return {one["Key"]: read(s3, one["Key"]) for one in found["Contents"]}


def read(s3: Any, key: str) -> bytes:
    body: bytes = s3.get_object(Bucket=STAGE.artifacts_bucket, Key=key)["Body"].read()
    return body


DATASETS: list[dict[str, bytes]] = [
    {"train": jsonl(single_turn("one"))},
    {"train": jsonl(single_turn("one")), "test": jsonl(many_held_out("one"))},
    {
        "train": jsonl(single_turn("one") + single_turn("one")[:50]),
        "validation": jsonl(single_turn("other")[:20]),
        "test": jsonl(many_held_out("one")),
    },
]


@pytest.mark.parametrize("files", DATASETS)
@pytest.mark.parametrize("shard_bytes", [5_000, 14_001])
def test_a_dataset_in_shards_is_the_same_dataset(s3: Any, files: dict[str, bytes], shard_bytes: int) -> None:
    run = uploaded(s3, **files)
    whole, no_shards = validated(s3, run, WHOLE)
    in_one_piece = written(s3, run)

    sharded, shards = validated(s3, run, shard_bytes)

    assert (no_shards, shards > 2) == (0, True)
    assert sharded == whole
    assert written(s3, run) == in_one_piece


def test_errors_of_several_shards_are_reported_with_their_lines(s3: Any) -> None:
    records = single_turn("one")
    for line in (3, 70, 144):
        records[line - 1]["messages"][1]["content"][0]["text"] = "  "
    run = uploaded(s3, train=jsonl(records))
    with pytest.raises(InvalidDataset) as whole:
        validated(s3, run, WHOLE)
    in_one_piece = written(s3, run)

    with pytest.raises(InvalidDataset) as sharded:
        validated(s3, run, 5_000)

    assert str(sharded.value) == str(whole.value)
    assert all(f"train.jsonl line {line} " in str(sharded.value) for line in (3, 70, 144))
    assert written(s3, run) == in_one_piece


def test_shards_that_an_earlier_release_has_checked_are_prepared(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It wrote nothing about media: an upgrade in the middle of a run is no reason to end it."""
    run = uploaded(s3, train=jsonl(single_turn("one")))
    whole, _ = validated(s3, run, WHOLE)
    look = Shards._media

    def without_its_file(shards: Shards, shard: ByteRange) -> dict[tuple[str, str], str]:
        s3.delete_object(Bucket=STAGE.artifacts_bucket, Key=shards._key("check", shard, "media"))
        return look(shards, shard)

    monkeypatch.setattr(Shards, "_media", without_its_file)

    assert validated(s3, run, 5_000)[0] == whole


def test_a_shard_whose_file_was_deleted_meanwhile_reports_it(s3: Any) -> None:
    run = uploaded(s3, train=jsonl(single_turn("one")))
    sharding = validate(s3, msgspec.structs.replace(STAGE, validation_shard_bytes=5_000), run)
    assert isinstance(sharding, Sharding)
    where = {"Bucket": run.train.bucket, "Key": run.train.key}
    s3.delete_object(**where, VersionId=run.train.version_id)

    with pytest.raises(InvalidDataset, match="was deleted after it was uploaded"):
        validate_shard(s3, STAGE, run, sharding.work, sharding.shards[0])


@pytest.mark.parametrize(
    ("code", "status", "raised"),
    [("400", 400, InvalidDataset), ("InvalidObjectState", 403, InvalidDataset), ("403", 403, ClientError),
     ("SlowDown", 503, ClientError)],
)  # fmt: skip
def test_what_only_its_uploader_can_decrypt_is_refused_with_what_to_do(
    code: str, status: int, raised: type[Exception]
) -> None:
    """A missing permission and a throttled service are tried again."""
    s3 = FakeBedrock(head_object=refusal(code, status=status))
    where = S3Object(bucket="intake", key="drop/a.jsonl", version_id="v1")

    with pytest.raises(raised) as found:
        StoredFile(s3, where, ())

    assert ("without your own encryption key" in str(found.value)) == (raised is InvalidDataset)


@pytest.mark.parametrize(("shard_bytes", "count"), [(128 << 20, 80), (1_000_000, 1_000), (100_000, 1_000)])
def test_the_plan_of_ten_gigabytes_fits_into_the_payload_of_a_state(
    s3: Any, shard_bytes: int, count: int
) -> None:
    from tunedrop.steps._validate_shards import ranges_of

    class TenGigabytes:
        size = 10 << 30

        def chunks(self, start: int, stop: int) -> Iterator[bytes]:
            yield b'{"input": "x"}\n'[start:stop]

    shards = ranges_of({"train": TenGigabytes()}, shard_bytes)  # type: ignore[dict-item]

    assert len(shards) == count
    assert len(msgspec.json.encode(shards)) < 256 * 1024 / 4


def test_any_container_comes_through_the_door_one_file_or_several(s3: Any) -> None:
    records = single_turn("one")[:300]
    rows = [["prompt", "completion"]] + [_pair(one) for one in records[:150]]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows(rows)
    shard = gzip.compress(jsonl([dict(zip(rows[0], _pair(one), strict=True)) for one in records[150:]]))
    run = uploaded(s3, train=text.getvalue().encode("cp1252"))
    key = "runs/persona/more.json.gz"
    version = s3.put_object(Bucket=STAGE.intake_bucket, Key=key, Body=shard)["VersionId"]
    more = S3Object(bucket=STAGE.intake_bucket, key=key, version_id=version)
    run = msgspec.structs.replace(run, train=msgspec.structs.replace(run.train, more=(more,)))

    whole, _ = validated(s3, run, WHOLE)
    before = written(s3, run)
    sharded, shards = validated(s3, run, 4_000)

    assert shards > 4
    assert written(s3, run) == before
    assert sharded == whole
    assert whole.test is not None
    assert whole.validation is not None
    assert (whole.train.records, whole.validation.records, whole.test.records) == (240, 24, 36)


def test_a_row_that_does_not_fit_is_refused_with_its_file_and_row(s3: Any) -> None:
    run = uploaded(s3, train=b"prompt,completion\nWhat?,Early, before noon\n")

    with pytest.raises(InvalidDataset, match=r"train\.jsonl line 2: the row has 3 cells.*TD009"):
        validate(s3, STAGE, run)


def _pair(record: Any) -> list[str]:
    return [message["content"][0]["text"] for message in record["messages"]]


@pytest.mark.parametrize("shard_bytes", [WHOLE, 100_000])
def test_rules_of_a_run_decide_what_is_refused(s3: Any, shard_bytes: int) -> None:
    records = single_turn()
    records[7]["messages"][0]["content"][0]["text"] += " Mail ana.pereira@example-mail.com"
    run = uploaded(s3, train=jsonl(records))
    validated(s3, run, shard_bytes)

    strict = msgspec.structs.replace(run, rules=RuleSettings(severity={"TD062": "error"}))
    with pytest.raises(InvalidDataset, match=r"line 8 .*TD062"):
        validated(s3, strict, shard_bytes)


def test_a_file_in_a_bucket_without_versions_that_is_replaced_is_not_trained_on(s3: Any) -> None:
    """What was checked, in one function or in shards, is what is prepared; the length may be the same."""
    s3.create_bucket(Bucket="plain", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    body = jsonl(single_turn())
    etag = s3.put_object(Bucket="plain", Key="train.jsonl", Body=body)["ETag"]
    run = builders.run(train=S3Object(bucket="plain", key="train.jsonl", etag=etag))
    stage = msgspec.structs.replace(STAGE, validation_shard_bytes=20_000)
    checked = validate(s3, stage, run)
    assert isinstance(checked, Sharding)
    for shard in checked.shards:
        validate_shard(s3, stage, run, checked.work, shard)
    planned = validate(s3, stage, run, checked)
    assert isinstance(planned, Sharding)

    s3.put_object(Bucket="plain", Key="train.jsonl", Body=body.replace(b"vinegar", b"gunfire"))

    with pytest.raises(InvalidDataset, match=r"plain/train\.jsonl was replaced"):
        validate_shard(s3, stage, run, planned.work, planned.shards[0])
    with pytest.raises(InvalidDataset, match=r"plain/train\.jsonl was replaced"):
        validate(s3, STAGE, run)


@pytest.mark.parametrize("shard_bytes", [WHOLE, 100_000])
def test_a_validation_set_is_refused_where_the_base_model_takes_none(s3: Any, shard_bytes: int) -> None:
    run = uploaded(s3, train=jsonl(single_turn("one")), validation=jsonl(single_turn("two")))
    run = msgspec.structs.replace(run, base_model="amazon.nova-2-lite-v1:0:256k")

    with pytest.raises(InvalidDataset, match=r"Nova 2 Lite takes no validation set .* \[TD043\]"):
        validated(s3, run, shard_bytes)
