"""What a serverless training job reads: the records of its channels, checked as its technique needs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from local.bedrock.files import JobFailed
from local.bedrock.lessons import text_of
from tunedrop.naming import place_of

Record = dict[str, Any]


def read(s3: Any, channel: dict[str, Any], technique: str) -> list[Record]:
    """The records of a channel, as a technique needs them.

    Raises
    ------
    JobFailed
        As the job would.
    """
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        raise JobFailed(f"ClientError: Data source of channel {channel['ChannelName']} is not supported.")
    uri = source["S3Uri"]
    bucket, prefix = place_of(uri)
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [one["Key"] for found in pages for one in found.get("Contents", ())]
        texts = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]
    except ClientError as error:
        raise JobFailed(
            f"ClientError: Data download failed: Failed to download data. "
            f"{error.response['Error']['Code']}: {uri}"
        ) from error
    if not keys:
        raise JobFailed(f"ClientError: Data download failed: No S3 objects found under S3 URL {uri}.")
    return [record for text in texts for record in _records(text, channel["ChannelName"], technique)]


def _records(text: bytes, channel: str, technique: str) -> Iterator[Record]:
    for number, line in enumerate(text.splitlines(), 1):
        try:
            record = json.loads(line)
        except ValueError as error:
            raise JobFailed(f"ClientError: {channel}: line {number} is not JSON.") from error
        wrong = _WRONG[technique](record) if isinstance(record, dict) else "is no object"
        if wrong:
            raise JobFailed(f"ClientError: {channel}: line {number} {wrong}.")
        yield record


def _no_example(record: Record) -> str:
    if "messages" in record or {"prompt", "completion"} <= set(record):
        return ""
    return "has neither messages nor prompt and completion"


def _no_preference(record: Record) -> str:
    """Developer guide, customizing-models-dpo: two lists of messages, or a prompt and two strings."""
    sides: list[Any] = [record.get("chosen"), record.get("rejected")]
    if "prompt" in record:
        texts = [record["prompt"], *sides, record.get("system", "")]
        return "" if all(isinstance(one, str) for one in texts) else "prompt, chosen and rejected are strings"
    if not all(isinstance(one, list) and one for one in sides):
        return "has no chosen and rejected"
    if [one[:1] for one in sides if one[0]["role"] == "system"] not in ([], [side[:1] for side in sides]):
        return "the system message is not the same in chosen and rejected"
    return ""


def _no_prompt(record: Record) -> str:
    """Developer guide, customizing-models-rft: a prompt of messages, and what it is verified by."""
    prompt, model = record.get("prompt"), record.get("reward_model")
    if not isinstance(prompt, list) or not prompt:
        return "has no prompt of messages"
    if not isinstance(model, dict) or model.get("style") != "rule" or "ground_truth" not in model:
        return "has no reward_model with the style rule and a ground_truth"
    return ""


_WRONG = {"SFT": _no_example, "DPO": _no_preference, "RLVR": _no_prompt}


def texts(record: Record) -> Iterator[str]:
    """All strings of a record."""
    for name in ("messages", "prompt", "chosen", "rejected"):
        if isinstance(record.get(name), list):
            yield from (text_of(one["content"]) for one in record[name])
    names = ("system", "prompt", "completion", "chosen", "rejected")
    yield from (record[name] for name in names if isinstance(record.get(name), str))
