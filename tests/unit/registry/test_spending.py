"""What a month's runs count for: strongly consistent, whoever estimates at the same time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import msgspec
import pytest
from moto.dynamodb.models import DynamoDBBackend

from tests import builders
from tests.unit.tables import spoil
from tunedrop.aws import Aws
from tunedrop.contracts import Estimate, Run
from tunedrop.cost.budgets import judge
from tunedrop.registry import Registry
from tunedrop.registry.spending import Amounts, Month, Spending
from tunedrop.stage import Stage

ESTIMATE = Estimate(lines=(), low=10, likely=10, high=10, budget_usd=1_000)


@pytest.fixture
def spending(aws: Aws, stage: Stage, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Spending:
    monkeypatch.setattr("tunedrop.registry.spending.PAUSE_SECONDS", 0.01)
    return Spending(aws.dynamodb, stage.registry_table)


At = Callable[[str], None]


@pytest.fixture(autouse=True)
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """Sets the moment that it is: in November 2026 until a test says otherwise."""

    def set_to(moment: str) -> None:
        monkeypatch.setattr("tunedrop.clock.now", lambda: moment)

    set_to("2026-11-29T12:00:00Z")
    return set_to


def run(number: int, **changes: Any) -> Run:
    return builders.run(run_id=f"run-{number}", **changes)


def decided(which: Run, budget: float = 25.0, usd: float = 10.0) -> Callable[[Month], Estimate]:
    """As estimate_cost decides, against a month's budget."""
    stage = builders.stage(monthly_budget_usd=budget, budget_usd=1_000)
    found = msgspec.structs.replace(ESTIMATE, likely=usd)

    def decide(month: Month) -> Estimate:
        others, requested = month.counted(besides=which.run_id), month.requested(besides=which.run_id)
        return judge(found, stage, others, requested)

    return decide


@pytest.mark.parametrize(
    ("besides", "tenant", "counted", "requested"),
    [
        ("", "", 1 + 10 + 2 + 20, 100 + 200),
        (
            "a",
            "",
            1 + 2 + 20,
            200,
        ),  # what its earlier attempts have spent counts, and what is decided anew not
        ("b", "", 1 + 10 + 2, 100),
        ("", "law", 1 + 10, 300),
        ("a", "law", 1, 200),
        ("b", "law", 1 + 10, 100),
        ("", "support", 0, 300),
    ],
)
def test_a_month_counts_what_others_are_committed_to_and_everybody_has_spent(
    besides: str, tenant: str, counted: float, requested: float
) -> None:
    runs = {
        "a": Amounts(spent=1, committed=10, requested=100),
        "b": Amounts(spent=2, committed=20, requested=200),
    }
    month = Month(version=1, runs=runs, tenants={"a": "law"})

    assert month.counted(besides=besides, tenant=tenant) == counted
    assert month.requested(besides=besides) == requested


def test_a_run_that_waits_for_approval_blocks_nobody(spending: Spending) -> None:
    waits = spending.estimate(run(1), decided(run(1), usd=115_442))
    goes_on = spending.estimate(run(2), decided(run(2)))

    month = spending.read("2026-11")
    assert waits.approval_reasons
    assert goes_on.approval_reasons == ()
    assert (month.counted(), month.requested()) == (10, 115_442)


def test_a_tenant_is_asked_over_its_own_budget_and_others_go_on(spending: Spending) -> None:
    stage = builders.stage(
        monthly_budget_usd=1_000, budget_usd=1_000, tenants={"law": (), "support": ()},
        tenant_budgets_usd={"law": 15.0},
    )  # fmt: skip

    def estimate(number: int, tenant: str) -> Estimate:
        which = run(number, tenant=tenant)
        return spending.estimate(
            which,
            lambda month: judge(
                ESTIMATE, stage, month.counted(besides=which.run_id), 0.0,
                tenant, month.counted(besides=which.run_id, tenant=tenant),
            ),
        )  # fmt: skip

    assert [estimate(number, "support").approval_reasons for number in (1, 2)] == [(), ()]
    assert estimate(3, "law").approval_reasons == ()
    assert estimate(4, "law").approval_reasons == (
        "this month's runs of law amount to 10.00 USD; with the 10.00 USD of this one they would exceed the "
        "monthly budget of law of 15.00 USD",
    )
    spending.settle(run(3, tenant="law"), 2.0)
    assert estimate(5, "law").approval_reasons == ()


def test_what_is_requested_is_named_to_whoever_has_to_approve_next(spending: Spending) -> None:
    spending.estimate(run(1), decided(run(1), usd=30))
    spending.estimate(run(2), decided(run(2), usd=20))

    found = spending.estimate(run(3), decided(run(3)))

    assert (
        "this month's runs amount to 20.00 USD (30.00 USD more wait for approval)"
        in found.approval_reasons[0]
    )


def test_what_was_approved_is_committed_and_what_has_ended_is_spent(spending: Spending) -> None:
    spending.estimate(run(1), decided(run(1), usd=30))

    spending.approve(run(1))
    spending.approve(run(1))
    assert spending.read("2026-11").counted() == 30

    spending.settle(run(1), 7.5)
    assert (spending.read("2026-11").counted(), spending.read("2026-11").requested()) == (7.5, 0)


def test_a_run_that_nobody_approved_counts_for_nothing_once_it_has_ended(spending: Spending) -> None:
    spending.estimate(run(1), decided(run(1), usd=30))
    spending.settle(run(1), 0.0)

    assert (spending.read("2026-11").counted(), spending.read("2026-11").requested()) == (0, 0)


def test_an_estimate_that_is_repeated_counts_once_and_another_attempt_on_top_of_what_was_spent(
    spending: Spending,
) -> None:
    for _ in range(2):
        spending.estimate(run(1), decided(run(1)))
    assert spending.read("2026-11").counted() == 10

    spending.settle(run(1), 4.0)
    spending.estimate(run(1), decided(run(1)))
    assert spending.read("2026-11").counted() == 14


def test_a_run_counts_in_the_month_in_which_it_was_estimated(spending: Spending, at: At) -> None:
    at("2026-10-31T23:59:59Z")
    spending.estimate(run(1, created_at="2026-10-31T23:59:00Z"), decided(run(1)))

    assert spending.read("2026-11").counted() == 0
    assert spending.read("2026-10").counted() == 10


def test_what_is_approved_in_another_month_counts_in_that_one(spending: Spending, at: At) -> None:
    waits = run(1, created_at="2026-11-29T12:00:00Z")
    spending.estimate(waits, decided(waits, usd=30))
    at("2027-01-02T12:00:00Z")

    spending.approve(waits)
    spending.approve(waits)

    assert [spending.read(month).counted() for month in ("2026-11", "2026-12", "2027-01")] == [0, 0, 30]
    assert spending.read("2026-11").requested() == 0
    spending.settle(waits, 12.0, committed=1.0)
    assert [spending.read(month).counted() for month in ("2026-11", "2027-01")] == [0, 13]


def test_another_attempt_in_another_month_counts_there_and_what_was_spent_where_it_was(
    spending: Spending, at: At
) -> None:
    again = run(1, created_at="2026-11-29T12:00:00Z")
    spending.estimate(again, decided(again))
    spending.settle(again, 4.0, committed=2.0)
    at("2026-12-01T00:00:00Z")

    found = spending.estimate(again, decided(again, budget=12.0))

    assert found.approval_reasons == ()
    assert (spending.read("2026-11").counted(), spending.read("2026-12").counted()) == (4, 10)
    spending.settle(again, 11.0)
    assert (spending.read("2026-11").counted(), spending.read("2026-12").counted()) == (4, 7)


def test_a_run_that_goes_on_over_the_end_of_a_month_settles_where_it_was_let_through(
    spending: Spending, at: At
) -> None:
    spending.estimate(run(1), decided(run(1)))
    at("2026-12-01T00:00:01Z")

    spending.settle(run(1), 9.0)

    assert (spending.read("2026-11").counted(), spending.read("2026-12").counted()) == (9, 0)


def test_a_commitment_made_meanwhile_is_seen_before_another_is_made(spending: Spending) -> None:
    """The read is stale when it is acted on, as of any two functions at once."""
    second, seen = decided(run(2)), []

    def decide(month: Month) -> Estimate:
        if not seen:
            spending.estimate(run(1), decided(run(1), usd=20))
        seen.append(month)
        return second(month)

    found = spending.estimate(run(2), decide)

    assert len(seen) == 2
    assert found.approval_reasons
    assert spending.read("2026-11").counted() == 20


@pytest.fixture
def _serializable(monkeypatch: pytest.MonkeyPatch) -> None:
    """DynamoDB's transactions are serializable; moto checks and writes without a lock between its threads."""
    lock, plain = Lock(), DynamoDBBackend.transact_write_items

    def one_at_a_time(self: DynamoDBBackend, items: list[dict[str, Any]]) -> None:
        with lock:
            plain(self, items)

    monkeypatch.setattr(DynamoDBBackend, "transact_write_items", one_at_a_time)


@pytest.mark.usefixtures("_serializable")
def test_of_many_runs_at_once_no_more_are_committed_than_the_month_has_room_for(spending: Spending) -> None:
    runs = [run(number) for number in range(8)]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda one: spending.estimate(one, decided(one)), runs))

    assert sum(not one.approval_reasons for one in found) == 2
    assert spending.read("2026-11").counted() == 20
    assert spending.read("2026-11").requested() == 60


def test_what_a_query_does_not_see_of_the_last_change_counts(
    aws: Aws, stage: Stage, spending: Spending
) -> None:
    """It may return one item of a transaction, not another (DynamoDB developer guide, transaction-apis)."""
    spending.estimate(run(1), decided(run(1)))
    spending.estimate(run(2), decided(run(2)))
    seen = spending.read("2026-11")
    late = {"pk": {"S": "MONTH#2026-11"}, "sk": {"S": "RUN#run-2"}}
    aws.dynamodb.delete_item(TableName=stage.registry_table, Key=late)

    assert spending.read("2026-11") == seen
    assert spending.estimate(run(3), decided(run(3))).approval_reasons


def test_amounts_are_sent_as_dynamodb_keeps_them(aws: Aws, spending: Spending) -> None:
    """Or a call that is sent again, as after a timeout, may look like another one with the same token."""
    sent: list[dict[str, Any]] = []
    aws.dynamodb.meta.events.register(
        "provide-client-params.dynamodb.TransactWriteItems", lambda params, **_: sent.append(params)
    )

    spending.estimate(run(1), decided(run(1), usd=2.50))

    lines = [one["Put"]["Item"] for call in sent for one in call["TransactItems"] if "Put" in one]
    amounts = {value["N"] for line in lines for value in line.values() if "N" in value}
    assert amounts == {"0", "2.5"}


def test_a_row_of_a_month_that_cannot_be_read_stops_no_other_run(
    aws: Aws, stage: Stage, spending: Spending
) -> None:
    """No run could be estimated, and none could end."""
    spending.estimate(run(1), decided(run(1)))
    spending.estimate(run(2), decided(run(2)))
    aws.dynamodb.update_item(
        TableName=stage.registry_table, Key={"pk": {"S": "MONTH#2026-11"}, "sk": {"S": "RUN#run-1"}},
        UpdateExpression="SET committed = :none", ExpressionAttributeValues={":none": {"S": "ten"}},
    )  # fmt: skip

    spending.estimate(run(3), decided(run(3), budget=100))
    spending.settle(run(2), 4.0)

    assert spending.read("2026-11").counted() == 14
    assert set(spending.unreadable) == {"run-1"}
    spending.settle(run(1), 2.0)  # which repairs it
    assert spending.read("2026-11").counted() == 16


def test_a_version_of_a_month_that_cannot_be_read_stops_no_run(
    aws: Aws, stage: Stage, spending: Spending
) -> None:
    """No run could be estimated, and none could end."""
    spending.estimate(run(1), decided(run(1)))
    spoil(aws, stage.registry_table, {"pk": "MONTH#2026-11", "sk": "#VERSION"}, "version", "two")

    spending.estimate(run(2), decided(run(2)))
    spending.settle(run(1), 4.0)

    assert spending.read("2026-11").counted() == 14
    assert spending.read("2026-11").version == 2
