"""An upload that is interrupted goes on with the parts that S3 has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tunedrop.aws import Aws
from tunedrop.cli.runs._sending import PART, is_there, parts_of, send

KEY = "runs/large/train.jsonl"


class Wire:
    """Watches what goes to moto's S3, breaks it where asked, and has ListParts say checksums, as S3 does."""

    def __init__(self, s3: Any) -> None:
        self.sent: list[int] = []
        self.broken: dict[str, Callable[[dict[str, Any]], None]] = {}
        self._checksums: dict[tuple[str, int], str] = {}
        s3.meta.events.register("provide-client-params.s3.UploadPart", self._part)
        s3.meta.events.register("provide-client-params.s3.ListMultipartUploads", self._listed)
        s3.meta.events.register("after-call.s3.ListParts", self._add_checksums)

    def _part(self, params: dict[str, Any], **_: object) -> None:
        self.broken.get("UploadPart", lambda _: None)(params)
        self.sent.append(params["PartNumber"])
        self._checksums[params["UploadId"], params["PartNumber"]] = params["ChecksumSHA256"]

    def _listed(self, params: dict[str, Any], **_: object) -> None:
        self.broken.get("ListMultipartUploads", lambda _: None)(params)

    def _add_checksums(self, parsed: dict[str, Any], **_: object) -> None:
        for part in parsed.get("Parts", []):
            part["ChecksumSHA256"] = self._checksums.get((parsed["UploadId"], part["PartNumber"]), "")


@pytest.fixture
def wire(aws: Aws) -> Wire:
    return Wire(aws.s3)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    path.write_bytes(b"a" * PART + b"b" * PART + b"the rest")
    return path


def sent(aws: Aws, intake: str, file: Path, told: list[int] | None = None) -> int:
    advance = (told if told is not None else []).append
    found, version = send(aws.s3, file, intake, KEY, parts_of(file), advance)
    assert version == aws.s3.head_object(Bucket=intake, Key=KEY)["VersionId"]
    return found


def content(aws: Aws, intake: str) -> bytes:
    body: bytes = aws.s3.get_object(Bucket=intake, Key=KEY)["Body"].read()
    return body


def interrupt(wire: Wire, aws: Aws, intake: str, file: Path) -> None:
    """Leave an upload that has its first two parts."""

    def gone(params: dict[str, Any]) -> None:
        if params["PartNumber"] == 3:
            raise ConnectionError("the network is gone")

    wire.broken["UploadPart"] = gone
    with pytest.raises(ConnectionError):
        sent(aws, intake, file)
    wire.broken.clear()
    wire.sent.clear()


def test_an_interrupted_upload_goes_on_where_it_was(aws: Aws, intake: str, wire: Wire, file: Path) -> None:
    interrupt(wire, aws, intake, file)

    told: list[int] = []
    found = sent(aws, intake, file, told)

    assert found == 2 * PART
    assert wire.sent == [3]
    assert sum(told) == file.stat().st_size
    assert content(aws, intake) == file.read_bytes()
    assert "Uploads" not in aws.s3.list_multipart_uploads(Bucket=intake)


def test_of_a_file_that_has_changed_meanwhile_what_changed_is_sent_again(
    aws: Aws, intake: str, wire: Wire, file: Path
) -> None:
    interrupt(wire, aws, intake, file)
    file.write_bytes(b"a" * PART + b"c" * PART + b"the rest")

    found = sent(aws, intake, file)

    assert found == PART
    assert sorted(wire.sent) == [2, 3]
    assert content(aws, intake) == file.read_bytes()


def test_an_upload_of_other_content_under_the_same_name_is_left_alone(
    aws: Aws, intake: str, wire: Wire, file: Path
) -> None:
    interrupt(wire, aws, intake, file)
    file.write_bytes(b"x" * PART + b"y" * PART)

    assert sent(aws, intake, file) == 0
    assert len(aws.s3.list_multipart_uploads(Bucket=intake)["Uploads"]) == 1


def test_who_may_not_look_for_earlier_uploads_sends_all(
    aws: Aws, intake: str, wire: Wire, file: Path
) -> None:
    interrupt(wire, aws, intake, file)

    def denied(_: dict[str, Any]) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "ListMultipartUploads")

    wire.broken["ListMultipartUploads"] = denied

    assert sent(aws, intake, file) == 0
    assert content(aws, intake) == file.read_bytes()


@pytest.mark.parametrize("body", [b"", b"small", b"a" * PART + b"large"])
def test_what_is_there_is_known_by_its_checksum(
    aws: Aws, intake: str, wire: Wire, file: Path, body: bytes
) -> None:
    file.write_bytes(body)
    assert not is_there(aws.s3, intake, KEY, parts_of(file))

    sent(aws, intake, file)

    assert is_there(aws.s3, intake, KEY, parts_of(file))
    file.write_bytes(body + b"more")
    assert not is_there(aws.s3, intake, KEY, parts_of(file))
