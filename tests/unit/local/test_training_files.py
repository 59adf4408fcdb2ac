"""A line of a training file ends at a line feed: JSON strings may hold what Unicode calls line ends."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from local.bedrock.files import read_records
from local.sagemaker import channels
from tunedrop import catalog

TEXT = "first\u2028second\u2029third\x85fourth"


class Bucket:
    """One object."""

    def __init__(self, *records: Any) -> None:
        self.body = "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in records).encode()

    def get_object(self, **_: Any) -> Any:
        return {"Body": io.BytesIO(self.body)}

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> Any:
        return [{"Contents": [{"Key": "train.jsonl"}]}]


@pytest.mark.parametrize("service", ["bedrock", "sagemaker"])
def test_a_record_with_line_ends_of_unicode_is_one_line(service: str) -> None:
    if service == "bedrock":
        record: dict[str, Any] = {"messages": [{"role": "user", "content": [{"text": TEXT}]}]}
        base = catalog.find("amazon.nova-lite-v1:0:300k")
        assert read_records(Bucket(record, record), "s3://b/train.jsonl", base) == [record, record]
    else:
        record = {"prompt": TEXT, "completion": TEXT}
        source = {"S3DataSource": {"S3Uri": "s3://b/train.jsonl"}}
        channel = {"ChannelName": "train", "DataSource": source}
        assert channels.read(Bucket(record, record), channel, "SFT") == [record, record]
