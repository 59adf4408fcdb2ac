"""What lies beside a dataset: check accepts it, submit uploads it and the pipeline finds it, by one rule."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from moto import mock_aws

from tests import pictures
from tunedrop.dataset.check.check import check_files
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.sources.attachments import named_beside
from tunedrop.dataset.sources.local import Held, LocalFile
from tunedrop.dataset.sources.media import LocalMedia
from tunedrop.dataset.sources.media_s3 import StoredMedia
from tunedrop.dataset.types import Seen

FILES = {
    "a.png": pictures.png(8, 8),
    "img/a.png": pictures.png(16, 16),
    "img/..a/b.png": pictures.png(32, 32),
}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        outside = Path(name) / "a.png"
        outside.write_bytes(pictures.png(64, 64))
        for path, body in FILES.items():
            file = Path(name) / "set" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)
        yield Path(name) / "set"


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="intake")
        yield client


def captioned(uri: str) -> dict[str, Any]:
    return {"image-ref": uri, "caption": "a cat on a mat"}


def shown(uri: str) -> dict[str, Any]:
    image = {"image": {"format": "png", "source": {"s3Location": {"uri": uri}}}}
    messages = [
        {"role": "user", "content": [{"text": "What is to be seen here?"}, image]},
        {"role": "assistant", "content": [{"text": "A cat."}]},
    ]
    return {"schemaVersion": "bedrock-conversation-2024", "messages": messages}


def as_php_writes_it(text: str) -> str:
    return text.replace("/", "\\/")


def with_letters_escaped(text: str) -> str:
    return (
        text.replace("uri", "\\u0075ri")
        .replace("image-ref", "image\\u002dref")
        .replace("a.png", "\\u0061\\u002epng")
    )


def asked_about(uri: str) -> dict[str, Any]:
    """As VQA has it: any key may name the picture."""
    return {"photo": uri, "question": "What is to be seen here?", "answer": "A cat on a mat."}


PARTS = st.sampled_from(
    ["a.png", "img", "b.png", "..a", ".", "..", "", "missing", "b c", "img\\a.png", "s3:"]
)
PATHS = st.lists(PARTS, min_size=1, max_size=5).map("/".join)
RECORDS = st.sampled_from([captioned, shown, asked_about])
SPELLINGS = st.sampled_from([str, as_php_writes_it, with_letters_escaped])


@given(uri=PATHS, record_of=RECORDS, spelled=SPELLINGS)
def test_what_check_accepts_is_what_submit_uploads_and_the_pipeline_finds(
    folder: Path, s3: Any, uri: str, record_of: Any, spelled: Any
) -> None:
    assume(not uri.startswith("s3://"))  # in a bucket, which a check here cannot look into
    assume(uri or record_of is not asked_about)  # an empty cell beside a question names none
    data = folder / "train.jsonl"
    data.write_text(spelled(json.dumps(record_of(uri))) + "\n")

    report = check_files({"train": LocalFile(data)}, {"train": data.name}, CheckOptions())
    accepted = not any(one.code in ("TD073", "TD078") for one in report.errors)

    named = list(named_beside(LocalFile(data)))
    uploaded = {path: FILES[path] for path in named if path in FILES}
    for path, body in uploaded.items():
        s3.put_object(Bucket="intake", Key=f"runs/cats/{path}", Body=body)
    found = StoredMedia(s3, "intake", "runs/cats/train.jsonl", ["s3://intake/"]).inspect(uri)
    for path in uploaded:
        s3.delete_object(Bucket="intake", Key=f"runs/cats/{path}")

    assert accepted == bool(uploaded) == isinstance(found, Seen)
    assert not accepted or found == LocalMedia(folder).inspect(uri)


@pytest.mark.parametrize(
    "uri", ["../a.png", "/a.png", "img/../../a.png", "img/../a.png", "img\\a.png", "s3://b/a.png"]
)
def test_nothing_outside_the_folder_is_ever_named(uri: str) -> None:
    assert list(named_beside(Held(json.dumps(shown(uri)).encode()))) == []


def test_a_file_is_named_once_whatever_its_spelling() -> None:
    uris = ["b/two.png", "./one.png", "one.png", "b//two.png", "one.png/"]
    body = "".join(json.dumps(record(uri)) + "\n" for record in (shown, captioned) for uri in uris)

    assert list(named_beside(Held(body.encode()))) == ["b/two.png", "one.png"]


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": '"uri": "notes.txt"', "completion": "Yes.", "uri": "notes.txt"},
        {
            "messages": [
                {"role": "user", "content": [{"toolUse": {"toolUseId": "1", "input": {"uri": "a.png"}}}]}
            ]
        },
        {
            "messages": [
                {"role": "user", "content": [{"image": {"source": {"s3Location": {"uri": "a.png"}}}}]}
            ]
        },
        {"image-ref": 7, "caption": "a cat"},
    ],
)
def test_what_is_called_so_and_is_no_image_is_not_uploaded(record: dict[str, Any]) -> None:
    assert list(named_beside(Held(json.dumps(record).encode()))) == []
