from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests import builders
from tests.unit.fake_bedrock import refusal
from tunedrop import clock
from tunedrop.aws import Aws
from tunedrop.registry import Registry
from tunedrop.registry import troubles as module
from tunedrop.registry.troubles import REPORT_AFTER, Troubles
from tunedrop.stage import Stage
from tunedrop.waiting.table import Waits


@pytest.fixture
def fresh(aws: Aws, stage: Stage, registry: Registry) -> Any:
    """A new turn of the schedule, each time that it is called."""
    return lambda: Troubles(aws.dynamodb, stage.registry_table)


def act(subject: str) -> str:
    if subject == "bad":
        raise ValueError("cannot be read")
    return subject.upper()


def test_one_that_fails_holds_up_no_other(fresh: Any) -> None:
    troubles = fresh()

    done = dict(troubles.each(["one", "bad", "two"], str, act))

    assert done == {"one": "ONE", "two": "TWO"}
    assert [one.subject for one in troubles.failed] == ["bad"]


def test_it_is_left_alone_for_a_while_that_doubles(fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [clock.now()]
    monkeypatch.setattr(module.clock, "now", lambda: now[0])
    tried = []
    for seconds in (0, 59, 1, 119, 1):
        now[0] = clock.after(now[0], seconds)
        troubles = fresh()
        list(troubles.each(["bad"], str, act))
        tried.append(bool(troubles.failed))

    assert tried == [True, False, True, False, True]


def test_what_has_happened_to_it_makes_it_due_at_once(fresh: Any) -> None:
    list(fresh().each(["bad"], str, act))

    troubles = fresh()
    list(troubles.each(["bad"], str, act, eager=True))

    assert [one.tries for one in troubles.failed] == [2]


def test_one_that_succeeds_is_forgotten(fresh: Any) -> None:
    list(fresh().each(["bad"], str, act))

    list(fresh().each(["bad"], str, str.upper, eager=True))

    assert fresh().known == {}


def test_what_goes_on_failing_is_reported_once(fresh: Any) -> None:
    for _ in range(REPORT_AFTER):
        assert fresh().to_report() == []
        list(fresh().each(["bad"], str, act, eager=True))

    troubles = fresh()
    (found,) = troubles.to_report()
    troubles.mark_reported(found)

    assert found.error == "ValueError: cannot be read"
    assert fresh().to_report() == []


def test_a_row_that_cannot_be_read_is_left_out_and_noted(
    aws: Aws, stage: Stage, registry: Registry, waits: Waits
) -> None:
    for number in range(3):
        registry.register(builders.run(run_id=f"persona-{number:010}"))
        waits.register(builders.wait(run_id=f"persona-{number:010}"))
    for table, key in (
        (stage.registry_table, {"pk": {"S": "RUN#persona-0000000001"}, "sk": {"S": "RUN"}}),
        (stage.waits_table, {"run_id": {"S": "persona-0000000001"}, "kind": {"S": "training"}}),
    ):
        broken = "run" if table == stage.registry_table else "token"
        aws.dynamodb.update_item(
            TableName=table,
            Key=key,
            UpdateExpression="SET #a = :bad",
            ExpressionAttributeNames={"#a": broken},
            ExpressionAttributeValues={":bad": {"S": "{"} if broken == "run" else {"N": "1"}},
        )

    assert len(registry.recent()) == 2
    assert list(registry.unreadable) == ["persona-0000000001"]
    assert len(waits.of_kind("training")) == 2
    assert list(waits.unreadable) == ["persona-0000000001"]


def test_our_own_row_that_cannot_be_read_is_written_anew(aws: Aws, stage: Stage, fresh: Any) -> None:
    item = {"pk": {"S": "TROUBLE"}, "sk": {"S": "bad"}, "trouble": {"S": "{"}}
    aws.dynamodb.put_item(TableName=stage.registry_table, Item=item)

    list(fresh().each(["bad"], str, act))

    assert msgspec.structs.asdict(fresh().known["bad"])["tries"] == 2


def test_a_subject_of_any_length_and_bytes_is_kept_on_one_line_under_a_name_of_its_own(fresh: Any) -> None:
    """DynamoDB takes sort keys of 1,024 bytes, and an S3 key alone may have them."""
    hostile = ["upload " + "\u00fc" * 1_000 + end for end in ("a", "b")] + ["x\nApproved: \x1b[2J"]

    def fail(_: str) -> None:
        raise ValueError("no\x1b[2J")

    list(fresh().each([*hostile, "after"], str, fail))

    known = fresh().known
    assert len(known) == 4
    assert all(len(one.encode()) <= 1_024 and "\n" not in one and "\x1b" not in one for one in known)
    assert all("\x1b" not in one.error for one in known.values())
    assert "after" in known


def test_a_failure_that_cannot_be_kept_holds_up_nothing(fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    troubles = fresh()
    assert troubles.known == {}

    def refuse(**_: Any) -> None:
        raise refusal("ProvisionedThroughputExceededException")

    monkeypatch.setattr(troubles._table.client, "put_item", refuse)
    done = dict(troubles.each(["bad", "two"], str, act))

    assert done == {"two": "TWO"}
