from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ministack.services import eventbridge

from infra.start_rule import SIGNAL_KEYS, START_KEYS
from tests.infra.conftest import Resources
from tunedrop import naming
from tunedrop.intake import read_key

TENANTS = ("law",)


def matches(patterns: tuple[dict[str, str], ...], key: str) -> bool:
    """EventBridge's own reading of these operators: prefix, suffix, and wildcard where `*` is any text."""
    return any(
        key.startswith(pattern.get("prefix", "")) and key.endswith(pattern.get("suffix", ""))
        if "wildcard" not in pattern
        else re.fullmatch(".*".join(map(re.escape, pattern["wildcard"].split("*"))), key, re.DOTALL)
        for pattern in patterns
    )


keys = st.one_of(
    st.text(min_size=1),
    st.lists(
        st.one_of(
            st.sampled_from(["drop", "runs", "run.yaml", "run.yml", "run.json"]),
            st.sampled_from(["approve", "stop", "Übung 1", "a+b%", "law", "_SUCCESS"]),
            st.text(min_size=1, max_size=5),
        ),
        min_size=1,
        max_size=4,
    ).map("/".join),
)  # fmt: skip


@given(keys)
@example("drop/with space+%.jsonl")
@example("drop/law/2026/_SUCCESS")
@example("runs/a/b/run.yaml")
@example("runs/run.yaml")
@example("runs/a/train.jsonl")
@example("runs/a-0123456789/retry/1")
def test_every_key_that_starts_a_run_or_lets_it_go_on_starts_an_execution(key: str) -> None:
    starts = read_key(key, TENANTS).kind in ("dataset", "folder", "manifest", "retry")

    assert matches(START_KEYS, key) or not starts


@given(keys)
@example("runs/a/approve/1-0a1b2c3d4e")
@example("runs/a/stop/1")
@example("drop/approve/1")
def test_every_key_that_approves_or_stops_wakes_who_waits(key: str) -> None:
    signals = read_key(key, TENANTS).kind in ("approve", "stop")

    assert matches(SIGNAL_KEYS, key) or not signals


@pytest.mark.parametrize(
    "key",
    [
        naming.dataset_key("r-1", "train"),
        naming.training_prefix("r-1") + "metrics.csv",
        naming.validation_key("r-1"),
        naming.evaluation_key("r-1"),
        naming.predictions_key("r-1"),
        naming.report_key("r-1"),
        naming.summary_key("r-1"),
    ],
)
def test_nothing_that_a_run_writes_could_start_a_run(key: str) -> None:
    assert not matches(START_KEYS + SIGNAL_KEYS, key)


def test_the_rules_listen_to_the_intake_bucket_only(resources: Resources) -> None:
    (intake,) = (
        id_
        for id_, bucket in resources.of("AWS::S3::Bucket").items()
        if "NotificationConfiguration" in bucket
    )
    listening = {
        rule["EventPattern"]["detail"]["bucket"]["name"][0]["Ref"]
        for rule in resources.of("AWS::Events::Rule").values()
        if rule.get("EventPattern", {}).get("source") == ["aws.s3"]
    }

    assert listening == {intake}


def test_no_function_may_write_to_the_intake_bucket(resources: Resources) -> None:
    (intake,) = (
        id_
        for id_, bucket in resources.of("AWS::S3::Bucket").items()
        if "NotificationConfiguration" in bucket
    )
    writing: list[Any] = [
        statement
        for _, statement in resources.statements()
        if "s3:PutObject" in statement["Action"] and intake in str(statement["Resource"])
    ]

    assert writing == []


@pytest.mark.parametrize(
    ("key", "size", "starts"),
    [
        ("drop/", 0, False),
        ("drop/team/", 0, False),
        ("drop/a.jsonl", 0, True),
        ("drop/a.jsonl", 7, True),
        ("drop/plain", 7, True),
        ("drop/parts/_SUCCESS", 0, True),
        ("drop/tenant/a.jsonl", 0, True),
        ("drop/tenant/plain", 7, True),
        ("drop/tenant/parts/", 0, False),
        ("drop/tenant/parts/_SUCCESS", 0, True),
        ("runs/a/run.yaml", 0, True),
        ("runs/a/run.json", 9, True),
        ("runs/a-0123456789/retry/1", 0, True),
        ("runs/a/train.jsonl", 9, False),
        ("other/a.jsonl", 7, False),
    ],
)
def test_a_folder_starts_nothing_and_an_empty_file_does(
    resources: Resources, key: str, size: int, starts: bool
) -> None:
    """By the emulator's reading of event patterns, which is no code of ours."""
    (rule,) = (
        one["EventPattern"]
        for one in resources.of("AWS::Events::Rule").values()
        if "$or" in one.get("EventPattern", {}).get("detail", {})
    )
    detail = {"bucket": {"name": "intake"}, "object": {"key": key, "size": size}}
    event = {"Source": "aws.s3", "DetailType": "Object Created", "Detail": json.dumps(detail)}
    pattern = json.dumps(rule).replace(json.dumps(rule["detail"]["bucket"]["name"]), '["intake"]')

    assert eventbridge._matches_pattern(pattern, event) == starts


MOST_WILDCARDS = 6
"""EventBridge took rules of six wildcards and refused them at eight, as too complex (vals-ai/Valkyrie, pull
request 278 of 2026-04-15); its user guide names no number."""


def test_no_rule_has_so_many_wildcards_that_eventbridge_may_refuse_it(resources: Resources) -> None:
    found = {
        id_: sum(one.count("*") for one in re.findall(r'"wildcard": "([^"]*)"', json.dumps(rule)))
        for id_, rule in resources.of("AWS::Events::Rule").items()
    }

    assert 0 < max(found.values()) < MOST_WILDCARDS


MOST_PATTERN, MOST_RULES = 2_048, 30
"""Characters of a pattern, and rules with wildcards on one bus, of all stages of an account (EventBridge user
guide, eb-quota, read 2026-11-29; the second cannot be raised)."""


def test_rules_leave_room_in_the_quotas_of_their_bus(resources: Resources) -> None:
    patterns = [
        json.dumps(rule["EventPattern"], separators=(",", ":"))
        for rule in resources.of("AWS::Events::Rule").values()
        if "EventPattern" in rule
    ]
    longest_name = 63 - len("x")  # of a bucket, where the template has a reference

    assert max(map(len, patterns)) + longest_name < MOST_PATTERN / 2
    assert sum("wildcard" in one for one in patterns) * 10 <= MOST_RULES, "ten stages in one account"
