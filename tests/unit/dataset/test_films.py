"""How long a video is, and which are too long for a base model (Nova user guide: 90 seconds)."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from tests import pictures
from tests.unit.dataset.test_media import checked, found, seen
from tunedrop.dataset.sources import films
from tunedrop.dataset.sources.media_s3 import StoredMedia
from tunedrop.dataset.types import Seen

FILMS = {
    "its length first": ("mp4", pictures.mp4(90.5)),
    "its length last": ("mp4", pictures.mp4(90.5, at_the_end=True)),
    "QuickTime": ("mov", pictures.mp4(90.5, at_the_end=True, brand=False)),
    "long times": ("mp4", pictures.mp4(90.5, wide=True)),
    "Matroska": ("mkv", pictures.mkv(90.5)),
    "WebM with a clock of its own": ("webm", pictures.mkv(90.5, scale=1_000)),
    "a stream that was cut": ("webm", pictures.mkv(90.5, endless=True)),
}


@pytest.mark.parametrize(("format_", "body"), FILMS.values(), ids=FILMS)
def test_a_video_longer_than_the_base_model_takes_is_an_error(
    tmp_path: Path, format_: str, body: bytes
) -> None:
    name = f"film.{format_}"
    (tmp_path / name).write_bytes(body)

    report = checked(tmp_path, [seen(name, format_, "video")])

    assert found(report) == [(1, "TD088")]
    (finding,) = [one for one in report.errors if one.code == "TD088"]
    assert "the video is 90.5 s long; Nova Lite takes 90" in finding.message


@pytest.mark.parametrize(
    ("format_", "body"),
    [
        ("mp4", pictures.mp4(90)),
        ("mkv", pictures.mkv(90)),
        ("mp4", pictures.mp4(7_158_278.825)),  # all bits set: not known
        ("mp4", pictures.mp4(500)[:60]),  # cut off: not known
        ("webm", pictures.mkv(0)),  # a live recording says none
    ],
)
def test_a_video_that_is_short_enough_or_has_no_length_passes(
    tmp_path: Path, format_: str, body: bytes
) -> None:
    (tmp_path / "film").write_bytes(body)

    assert found(checked(tmp_path, [seen("film", format_, "video")])) == []


def test_little_of_a_video_in_s3_is_read_wherever_its_length_is() -> None:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="data")
        s3.put_object(Bucket="data", Key="film.mp4", Body=pictures.mp4(91, at_the_end=True))
        resolver = StoredMedia(s3, "data", "train.jsonl", ["s3://data/"])

        looked = resolver.inspect("film.mp4")

    assert isinstance(looked, Seen)
    assert looked.seconds == 91


@given(st.binary(max_size=400), st.sampled_from(["mp4", "mkv"]))
def test_no_bytes_make_it_fail(body: bytes, format_: str) -> None:
    start = b"" if format_ == "mp4" else b"\x1aE\xdf\xa3"
    whole = start + body

    assert films.seconds(format_, lambda at, count: whole[at : at + count], len(whole)) >= 0
