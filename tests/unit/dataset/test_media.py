"""Images and videos that records refer to: looked at here and in S3, and copied for Bedrock to read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests import builders, pictures
from tests.unit.fake_bedrock import refusal
from tunedrop import catalog, naming
from tunedrop.contracts import ByteRange, Dataset, Run, S3Object, ShardDone, Sharding
from tunedrop.dataset.check.check import check_files
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.check.processes import check_on_all_cores
from tunedrop.dataset.check.report import Report
from tunedrop.dataset.sources.local import LocalFile
from tunedrop.dataset.sources.media import LocalMedia
from tunedrop.dataset.sources.media_s3 import Copies, StoredMedia
from tunedrop.dataset.types import Unseen
from tunedrop.errors import InvalidDataset
from tunedrop.steps.validate_data import validate, validate_shard

NOVA_LITE = "amazon.nova-lite-v1:0:300k"
LLAMA_VISION = "meta.llama3-2-11b-instruct-v1:0:128k"
STAGE = builders.stage(data_buckets=("shared",))


def seen(
    uri: str,
    format_: str = "png",
    kind: str = "image",
    asked: str = "What is to be seen here?",
    answer: str = "A cat.",
) -> dict[str, Any]:
    source = {"s3Location": {"uri": uri}}
    content = [{"text": asked}, {kind: {"format": format_, "source": source}}]
    return {
        "schemaVersion": "bedrock-conversation-2024",
        "messages": [
            {"role": "user", "content": content},
            {"role": "assistant", "content": [{"text": answer}]},
        ],
    }


def jsonl(records: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def checked(folder: Path, records: list[dict[str, Any]], model: str | None = NOVA_LITE) -> Report:
    file = folder / "train.jsonl"
    file.write_bytes(jsonl(records))
    asked = CheckOptions(base_model=catalog.find(model) if model else None)
    return check_files({"train": LocalFile(file)}, {"train": "train.jsonl"}, asked)


def found(report: Report) -> list[tuple[int, str]]:
    """Findings about media, by line and code."""
    both = report.errors + report.warnings
    return [(one.line, one.code) for one in both if one.code[:4] in ("TD07", "TD08")]


def beside_a_question(key: str, uri: str) -> dict[str, Any]:
    return {key: uri, "question": "What is to be seen here?", "answer": "A cat."}


@pytest.mark.parametrize(
    "record",
    [
        seen,
        partial(beside_a_question, "image"),
        partial(beside_a_question, "photo"),
        lambda uri: {"image-ref": uri, "caption": "A cat."},
    ],
)
def test_the_pictures_of_a_block_are_fetched_together(tmp_path: Path, record: Any) -> None:
    """Each takes 30 ms: one after another, those of 30,000 records take longer than a function has."""
    (tmp_path / "cat.png").write_bytes(pictures.png())
    expected: set[str] = set()

    class Expecting(LocalMedia):
        def expect(self, uris: Iterable[str]) -> None:
            expected.update(uris)

        def inspect(self, uri: str) -> Any:
            assert uri in expected
            return super().inspect("cat.png")

    file = tmp_path / "train.jsonl"
    file.write_bytes(jsonl([record(f"cat-{number}.png") for number in range(5)]))

    check_files({"train": LocalFile(file, Expecting(tmp_path))}, {"train": "train.jsonl"}, CheckOptions())

    assert expected == {f"cat-{number}.png" for number in range(5)}


def test_images_next_to_a_file_are_checked(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images/cat.png").write_bytes(pictures.png())

    report = checked(tmp_path, [seen("images/cat.png"), seen("images/dog.png")])

    assert found(report) == [(2, "TD078")]
    (finding,) = [one for one in report.errors if one.code == "TD078"]
    assert finding.path == "$.messages[0].content[1].image.source.s3Location.uri"
    assert finding.value == "images/dog.png"


@pytest.mark.parametrize(
    ("name", "body", "format_", "kind", "model", "codes"),
    [
        ("a.png", pictures.png(), "png", "image", NOVA_LITE, []),
        ("a.jpg", pictures.jpeg(before=60_000), "jpeg", "image", NOVA_LITE, []),
        ("a.png", pictures.png(), "jpeg", "image", NOVA_LITE, ["TD079"]),
        ("a.png", pictures.png(), "jpeg", "image", None, ["TD079"]),
        ("a.png", b"name,salary", "png", "image", NOVA_LITE, ["TD079"]),
        ("a.mov", b"\0\0\0\x08wide", "mov", "video", NOVA_LITE, []),
        ("a.png", b"", "png", "image", NOVA_LITE, ["TD078"]),
        ("a.png", pictures.png(padding=10_485_760), "png", "image", NOVA_LITE, ["TD081"]),
        ("a.png", pictures.png(padding=10_485_760), "png", "image", LLAMA_VISION, ["TD081"]),
        ("a.png", pictures.png(9_000, 100), "png", "image", LLAMA_VISION, ["TD082"]),
        ("a.png", pictures.png(9, 100), "png", "image", LLAMA_VISION, ["TD082"]),
        ("a.jpg", pictures.jpeg(8_193, 10, before=60_000), "jpeg", "image", LLAMA_VISION, ["TD082"]),
        ("a.mov", pictures.MP4, "mov", "video", NOVA_LITE, []),
        ("a.webm", pictures.MKV, "webm", "video", NOVA_LITE, []),
        ("a.mp4", pictures.MKV, "mp4", "video", NOVA_LITE, ["TD079"]),
        ("a.png", b"\x89PNG\r\n\x1a\n broken", "png", "image", LLAMA_VISION, []),
    ],
)
def test_a_media_file_has_the_declared_type_and_one_that_the_base_model_accepts(
    tmp_path: Path, name: str, body: bytes, format_: str, kind: str, model: str | None, codes: list[str]
) -> None:
    (tmp_path / name).write_bytes(body)

    report = checked(tmp_path, [seen(name, format_, kind)], model)

    assert found(report) == [(1, code) for code in codes]


@pytest.mark.parametrize(
    ("record", "codes"),
    [
        ({"image-ref": "a.png", "caption": "a cat on a mat"}, []),
        ({"image-ref": "narrow.png", "caption": "a cat on a mat"}, ["TD082"]),
        ({"image-ref": "none.png", "caption": "a cat on a mat"}, ["TD078"]),
    ],
)
def test_captioned_images_have_their_sides_too(
    tmp_path: Path, record: dict[str, Any], codes: list[str]
) -> None:
    (tmp_path / "a.png").write_bytes(pictures.png(1_024, 1_024))
    (tmp_path / "narrow.png").write_bytes(pictures.png(512, 4_000))

    assert found(checked(tmp_path, [record], "amazon.nova-canvas-v1:0")) == [(1, code) for code in codes]


@pytest.mark.parametrize(
    "uri", ["/etc/hostname", "../cat.png", "images/../../cat.png", "https://a/b.png", "images/my cat.png"]
)
def test_a_path_outside_the_folder_is_refused_and_never_opened(tmp_path: Path, uri: str) -> None:
    shown, captioned = seen(uri), {"image-ref": uri, "caption": "a cat on a mat"}

    for record in (shown, captioned):
        for model in (None, NOVA_LITE if record is shown else "amazon.nova-canvas-v1:0"):
            assert found(checked(tmp_path, [record], model)) == [(1, "TD073")]


def test_media_are_counted_beside_the_tokens(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(pictures.png())
    twice = seen("cat.png", asked="Which of them is it?")
    twice["messages"][0]["content"].append(twice["messages"][0]["content"][1])

    assert checked(tmp_path, [seen("cat.png"), twice]).files["train"].media == {"image": 3}


def test_all_cores_find_what_one_finds(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(pictures.png())
    records = [seen("cat.png" if number % 3 else "dog.png") for number in range(60)]
    report = checked(tmp_path, records)
    asked = CheckOptions(base_model=catalog.find(NOVA_LITE))

    assert check_on_all_cores({"train": tmp_path / "train.jsonl"}, asked, processes=2) == report


def test_one_question_about_many_images_is_no_near_duplicate(tmp_path: Path) -> None:
    records = [seen(f"{number}.png", answer="It is a cat that sits on a mat.") for number in range(9)]
    for number in range(9):
        (tmp_path / f"{number}.png").write_bytes(pictures.png())

    report = checked(tmp_path, records)

    assert (report.duplicates, report.near_duplicates) == (0, 0)


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        for bucket in (STAGE.intake_bucket, STAGE.artifacts_bucket, "shared", "private"):
            client.create_bucket(Bucket=bucket)
        yield client


@pytest.fixture
def submitted(s3: Any) -> Callable[[list[dict[str, Any]]], Run]:
    def submit(records: list[dict[str, Any]]) -> Run:
        key = "runs/cats/train.jsonl"
        s3.put_object(Bucket=STAGE.intake_bucket, Key=key, Body=jsonl(records))
        source = S3Object(bucket=STAGE.intake_bucket, key=key)
        return builders.run(train=source, base_model=NOVA_LITE, method="auto")

    return submit


def many(*places: str) -> list[dict[str, Any]]:
    """Enough records to train on, which refer to these by turns."""
    return [
        seen(places[number % len(places)], asked=f"Which cat is it, of {number}?", answer=f"Cat {number}.")
        for number in range(120)
    ]


def test_media_are_copied_beside_the_dataset_that_refers_to_the_copies(
    s3: Any, submitted: Callable[[list[dict[str, Any]]], Run]
) -> None:
    s3.put_object(Bucket=STAGE.intake_bucket, Key="runs/cats/images/cat.png", Body=pictures.png(8, 8))
    s3.put_object(Bucket="shared", Key="zoo/cat.png", Body=pictures.png(16, 16))
    run = submitted(many("images/cat.png", "./images//cat.png", "s3://shared/zoo/cat.png"))

    dataset = validate(s3, STAGE, run)

    assert isinstance(dataset, Dataset)
    assert dataset.test is not None
    assert dataset.test.prompts is not None
    assert dataset.train.media == {"image": dataset.train.records}
    assert dataset.test.prompts.media == {"image": dataset.test.records}
    copies = copies_of(s3, run)
    assert sorted(copies.values()) == sorted([pictures.png(8, 8), pictures.png(16, 16)])
    assert {uri for split in ("train", "test") for uri in referred(s3, run, split)} == set(copies)
    assert all(uri.endswith("/cat.png") for uri in copies)


def test_shards_copy_what_their_records_refer_to(
    s3: Any, submitted: Callable[[list[dict[str, Any]]], Run]
) -> None:
    s3.put_object(Bucket=STAGE.intake_bucket, Key="runs/cats/one.png", Body=pictures.png(8, 8))
    s3.put_object(Bucket=STAGE.intake_bucket, Key="runs/cats/two.png", Body=pictures.png(16, 16))
    run = submitted(many("one.png", "two.png"))
    whole = validate(s3, STAGE, run)
    small = builders.stage(data_buckets=("shared",), validation_shard_bytes=5_000)

    done: Any = validate(s3, small, run)
    while isinstance(done, Sharding):
        for shard in done.shards:
            assert validate_shard(s3, small, run, done.work, shard) == ShardDone()
            assert isinstance(shard, ByteRange)
        done = validate(s3, small, run, done)

    assert done == whole
    assert len(copies_of(s3, run)) == 2


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        ("images/dog.png", "TD078"),
        ("s3://shared/dog.png", "TD078"),
        ("s3://private/dog.png", "TD075"),
        ("empty.png", "TD078"),
        ("long/" * 205 + "a.png", "TD078"),
    ],
)
def test_what_is_missing_empty_or_out_of_reach_refuses_the_run_by_its_line(
    s3: Any, submitted: Callable[[list[dict[str, Any]]], Run], uri: str, code: str
) -> None:
    s3.put_object(Bucket="private", Key="dog.png", Body=pictures.png())
    s3.put_object(Bucket=STAGE.intake_bucket, Key="runs/cats/empty.png", Body=b"")
    s3.put_object(Bucket=STAGE.intake_bucket, Key="runs/cats/cat.png", Body=pictures.png())
    records = many("cat.png")
    records[60] = seen(uri)

    with pytest.raises(InvalidDataset, match=rf"line 61 .*\[{code}\]"):
        validate(s3, STAGE, submitted(records))


@pytest.mark.parametrize(("code", "status"), [("InvalidRequest", 400), ("InvalidObjectState", 403)])
def test_an_object_that_cannot_be_read_is_told_by_its_line(code: str, status: int) -> None:
    """Under a key of its owner's (SSE-C), or archived: later tries would not succeed either."""

    class Bucket:
        def get_object(self, **_: str) -> None:
            raise refusal(code, status=status)

    found = StoredMedia(Bucket(), "intake", "runs/cats/train.jsonl", ["s3://intake/"]).inspect("cat.png")

    assert isinstance(found, Unseen)
    assert found.code == "TD078"
    assert "s3://intake/runs/cats/cat.png cannot be read" in found.why


@pytest.mark.parametrize("code", ["AccessDenied", "SlowDown"])
def test_an_object_that_may_be_read_later_is_tried_again(code: str) -> None:
    class Bucket:
        def get_object(self, **_: str) -> None:
            raise refusal(code)

    with pytest.raises(ClientError, match=code):
        StoredMedia(Bucket(), "intake", "runs/cats/train.jsonl", ["s3://intake/"]).inspect("cat.png")


def test_an_object_of_any_name_is_copied_to_a_key_that_s3_takes(s3: Any) -> None:
    name = "a" * 1_000 + ".png"
    s3.put_object(Bucket=STAGE.intake_bucket, Key=name, Body=pictures.png())
    resolver = StoredMedia(s3, STAGE.intake_bucket, "train.jsonl", [f"s3://{STAGE.intake_bucket}/"])

    with Copies(s3, STAGE.artifacts_bucket, "cats-1") as copies:
        copy = copies.of(resolver, name)

    assert len(naming.key_of(copy)) < 300
    assert copy.endswith("a.png")


def test_an_object_that_vanishes_before_it_is_copied_is_named(s3: Any) -> None:
    resolver = StoredMedia(s3, STAGE.intake_bucket, "runs/cats/train.jsonl", [f"s3://{STAGE.intake_bucket}/"])

    with (
        pytest.raises(InvalidDataset, match=r"runs/cats/gone\.png was deleted"),
        Copies(s3, STAGE.artifacts_bucket, "cats-1") as copies,
    ):
        partial(copies.of, resolver)("gone.png")


TENANTS = builders.stage(
    data_buckets=("shared",), tenants={"cats": ("s3://shared/cats/",), "dogs": ("s3://shared/dogs/",)}
)


@pytest.mark.parametrize(
    "uri",
    ["s3://intake/runs/dogs/dog.png", "s3://intake/drop/dogs/dog.png", "s3://intake/drop/dog.png",
     "s3://intake/runs/catsanddogs/dog.png", "s3://shared/dogs/dog.png", "s3://shared/dog.png"],
)  # fmt: skip
def test_a_record_refers_to_no_media_of_another_tenant(s3: Any, submitted: Any, uri: str) -> None:
    """A manifest could not name them; a model that has seen them would tell what they show."""
    bucket, key = naming.place_of(uri)
    s3.put_object(Bucket=bucket, Key=key, Body=pictures.png())
    run = submitted([*many(uri)])
    run = msgspec.structs.replace(run, source=run.train)

    with pytest.raises(InvalidDataset, match=r"TD075"):
        validate(s3, TENANTS, run)


@pytest.mark.parametrize("key", ["image", "photo", "what"])
@pytest.mark.parametrize("is_chat", [True, False])
def test_no_picture_of_another_tenant_stands_beside_a_question_whatever_its_key(
    s3: Any, submitted: Any, key: str, is_chat: bool
) -> None:
    """Of a chat only keys that say so name pictures; beside a question, what ends as one does."""
    s3.put_object(Bucket="shared", Key="dogs/dog.png", Body=pictures.png())
    records: list[dict[str, Any]] = [
        {
            key: "s3://shared/dogs/dog.png",
            "question": f"Which of them is it, of {number}?",
            "answer": f"It is {number}.",
        }
        for number in range(120)
    ]
    if is_chat:
        records = [
            {
                key: [one[key]],
                "messages": [
                    {"role": "user", "content": one["question"]},
                    {"role": "assistant", "content": one["answer"]},
                ],
            }
            for one in records
        ]
    run = submitted(records)
    run = msgspec.structs.replace(run, source=run.train)

    if is_chat and key == "what":
        validate(s3, TENANTS, run)
    else:
        with pytest.raises(InvalidDataset, match=r"TD075"):
            validate(s3, TENANTS, run)

    assert copies_of(s3, run) == {}


def test_what_a_run_may_not_read_is_not_copied_either(s3: Any) -> None:
    """The function that copies may read what all tenants have."""
    s3.put_object(Bucket="shared", Key="dogs/dog.png", Body=pictures.png())
    resolver = StoredMedia(s3, "intake", "runs/cats/train.jsonl", ["s3://shared/cats/"])

    with (
        pytest.raises(InvalidDataset, match=r"may not read s3://shared/dogs/dog\.png"),
        Copies(s3, STAGE.artifacts_bucket, "cats-1") as copies,
    ):
        copies.of(resolver, "s3://shared/dogs/dog.png")


@pytest.mark.parametrize("uri", ["s3://intake/drop/cats/cat.png", "s3://shared/cats/cat.png", "cat.png"])
def test_a_record_refers_to_media_that_its_tenant_may_read(s3: Any, submitted: Any, uri: str) -> None:
    place = naming.place_of(uri) if uri.startswith("s3://") else ("intake", f"runs/cats/{uri}")
    s3.put_object(Bucket=place[0], Key=place[1], Body=pictures.png())
    run = submitted([*many(uri)])
    run = msgspec.structs.replace(run, source=run.train)

    assert isinstance(validate(s3, TENANTS, run), Dataset)


def refuse_what_was_replaced(s3: Any) -> None:
    """moto has no CopySourceIfMatch: compare it here, as S3 does."""

    def compare(params: dict[str, Any], **_: Any) -> None:
        headers = params["headers"]
        bucket, _, key = headers["x-amz-copy-source"].partition("/")
        if headers["x-amz-copy-source-if-match"] != s3.head_object(Bucket=bucket, Key=key)["ETag"]:
            raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "CopyObject")

    s3.meta.events.register("before-call.s3.CopyObject", compare)


def test_an_object_that_is_replaced_after_the_check_is_not_copied(s3: Any) -> None:
    s3.put_object(Bucket="intake", Key="runs/cats/cat.png", Body=pictures.png())
    resolver = StoredMedia(s3, "intake", "runs/cats/train.jsonl", ["s3://intake/"])
    resolver.inspect("cat.png")
    s3.put_object(Bucket="intake", Key="runs/cats/cat.png", Body=pictures.png(9, 9))
    refuse_what_was_replaced(s3)

    with (
        pytest.raises(InvalidDataset, match=r"runs/cats/cat\.png was replaced"),
        Copies(s3, STAGE.artifacts_bucket, "cats-1") as copies,
    ):
        partial(copies.of, resolver)("cat.png")


def test_an_object_that_is_replaced_between_the_shards_that_check_and_copy_it_is_not_copied(
    s3: Any, submitted: Callable[[list[dict[str, Any]]], Run]
) -> None:
    s3.put_object(Bucket="intake", Key="runs/cats/cat.png", Body=pictures.png())
    run = submitted(many("cat.png"))
    small = builders.stage(validation_shard_bytes=5_000)
    done: Any = validate(s3, small, run)
    for shard in done.shards:
        validate_shard(s3, small, run, done.work, shard)
    done = validate(s3, small, run, done)
    s3.put_object(Bucket="intake", Key="runs/cats/cat.png", Body=pictures.png(9, 9))
    refuse_what_was_replaced(s3)

    with pytest.raises(InvalidDataset, match=r"runs/cats/cat\.png was replaced"):
        validate_shard(s3, small, run, done.work, done.shards[0])


def test_a_key_is_as_long_as_its_bytes(s3: Any) -> None:
    found = StoredMedia(s3, "intake", "runs/cats/train.jsonl", ["s3://intake/"]).inspect(
        "s3://intake/" + "猫" * 400
    )

    assert isinstance(found, Unseen)
    assert "at most 1,024 bytes, not 1,200" in found.why


def copies_of(s3: Any, run: Run) -> dict[str, bytes]:
    prefix = naming.media_key(run.run_id, "")
    listed = s3.list_objects_v2(Bucket=STAGE.artifacts_bucket, Prefix=prefix).get("Contents", [])
    return {
        naming.uri(STAGE.artifacts_bucket, one["Key"]): s3.get_object(
            Bucket=STAGE.artifacts_bucket, Key=one["Key"]
        )["Body"].read()
        for one in listed
    }


def referred(s3: Any, run: Run, split: str) -> set[str]:
    body = s3.get_object(Bucket=STAGE.artifacts_bucket, Key=naming.dataset_key(run.run_id, split))["Body"]
    blocks = [json.loads(line)["messages"][0]["content"][1] for line in body.read().splitlines()]
    return {block["image"]["source"]["s3Location"]["uri"] for block in blocks}
