"""Every AWS call of every function, broken in every way: the run ends as if nothing had happened."""

from __future__ import annotations

import pytest

from local.calls import counted
from local.driver import Inbox, Pipeline, until
from local.embedded import Embedded
from tests.faults.calls import CALLS
from tests.faults.journeys import (
    Journey,
    assert_ended_as_if_nothing_had_happened,
    judged,
    minutes_of,
    on_demand,
    provisioned,
    released,
    stopped,
)

FAULTS = ("throttled", "refused", "timed-out")

JUDGING = {"bedrock:CreateEvaluationJob", "bedrock:GetEvaluationJob", "bedrock:ListEvaluationJobs"}

ELSEWHERE = JUDGING | {
    "bedrock:CreateCustomModelDeployment",
    "bedrock:DeleteCustomModelDeployment",
    "bedrock:GetCustomModelDeployment",
    "bedrock:StopModelCustomizationJob",
    "states:SendTaskFailure",
}
"""Calls that are not made on the journey with provisioned throughput."""

ON_THE_WAY = {name: [one for one in actions if one not in ELSEWHERE] for name, actions in CALLS.items()}
KILLS = 10
"""Runs in which each function is killed at a call of its own; those with more calls, which are the ones that
come again by themselves, are killed more than once in some."""

ELSEWHEN = {"sweep_throughput"}
"""Whose schedule may not come up while a run goes on."""

NOT_WHEN_STOPPED = {"set_up_throughput", "evaluate_model", "promote_model"}


@pytest.mark.parametrize("journey", [on_demand, provisioned, stopped, judged])
@pytest.mark.parametrize("fault", FAULTS)
def test_each_call_of_all_functions_is_broken_once(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox, journey: Journey, fault: str
) -> None:
    broken = [{"function": function, "fault": fault} for function in CALLS]
    embedded.faults.set(functions=broken, **minutes_of(journey))

    record = journey(pipeline)

    expected = set(CALLS) - ELSEWHEN - (NOT_WHEN_STOPPED if journey is stopped else set())
    pipeline.after_sweeps(lambda: expected <= _broken_in(embedded) or None, "a broken call of each function")
    assert_ended_as_if_nothing_had_happened(journey, record, pipeline, inbox)


@pytest.mark.parametrize("number", range(KILLS))
def test_each_function_is_killed_at_one_of_its_calls(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox, number: int
) -> None:
    """After the call has had its effect, and before the function knows."""
    _kill(embedded, {name: actions[number::KILLS] for name, actions in ON_THE_WAY.items()})

    record = provisioned(pipeline)

    assert embedded.faults.made()
    assert_ended_as_if_nothing_had_happened(provisioned, record, pipeline, inbox)


@pytest.mark.parametrize(
    ("journey", "calls"),
    [
        (
            on_demand,
            {
                "set_up_throughput": ("bedrock:CreateCustomModelDeployment",),
                "wait_for_completion": ("bedrock:GetCustomModelDeployment",),
                "resume_waits": ("bedrock:GetCustomModelDeployment",),
            },
        ),
        (
            judged,
            {
                "evaluate_model": ("bedrock:CreateEvaluationJob",),
                "resume_waits": ("bedrock:GetEvaluationJob",),
            },
        ),
        (released, {"release_throughput": ("bedrock:DeleteCustomModelDeployment",)}),
        (
            stopped,
            {
                "resume_waits": ("states:SendTaskFailure",),
                "release_throughput": ("bedrock:StopModelCustomizationJob",),
            },
        ),
    ],
)
def test_functions_are_killed_where_journeys_differ(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox, journey: Journey, calls: dict[str, tuple[str, ...]]
) -> None:
    _kill(embedded, calls, **minutes_of(journey))

    record = journey(pipeline)

    assert embedded.faults.made()
    assert_ended_as_if_nothing_had_happened(journey, record, pipeline, inbox)


def _broken_in(embedded: Embedded) -> set[str]:
    """The functions that have had a fault; that of `record_notice`, which hears of the end, comes last."""
    return {one.split(" ")[0] for one in embedded.faults.made()}


def _is_again(pipeline: Pipeline, run_id: str) -> bool | None:
    record = pipeline.registry.get(run_id)
    return (record is not None and record.run.attempt == 2) or None


def _kill(embedded: Embedded, calls: dict[str, tuple[str, ...]], **minutes: float) -> None:
    killed = [
        {"function": name, "fault": "killed", "action": action}
        for name, actions in calls.items()
        for action in actions
    ]
    embedded.faults.set(functions=killed, **minutes)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_retry_whose_registration_is_broken_goes_on_once(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox, fault: str
) -> None:
    embedded.faults.set(fail_next_job="no", functions=[{"function": "register_run", "fault": fault}])
    run_id = on_demand(pipeline).run.run_id

    pipeline.retry(run_id)

    until(lambda: _is_again(pipeline, run_id), "the second attempt")
    record = pipeline.closed(run_id)
    ends = [one.attributes["outcome"] for one in inbox.messages(run_id)]
    assert f"register_run bedrock:GetModelCustomizationJob {fault}" in embedded.faults.made()
    assert (record.status, record.run.attempt) == ("promoted", 2)
    assert ends == ["failed", "promoted"]


def test_a_service_that_stays_down_for_a_while_delays_the_run(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox
) -> None:
    """More refusals than the SDK tries by itself, so that Step Functions has to."""
    embedded.faults.set(
        functions=[{"function": "start_customization", "fault": "refused", "action": action, "times": 5}
                   for action in ("bedrock:CreateModelCustomizationJob", "dynamodb:Query")]
    )  # fmt: skip

    record = on_demand(pipeline)

    assert_ended_as_if_nothing_had_happened(on_demand, record, pipeline, inbox)


def test_the_table_of_calls_is_complete(embedded: Embedded, pipeline: Pipeline) -> None:
    log = embedded.state / "calls.log"
    before = counted(log)
    for journey in (on_demand, provisioned, released, stopped, judged):
        embedded.faults.set(**minutes_of(journey))
        journey(pipeline)

    made = set(counted(log) - before)
    known = {(function, action) for function, actions in CALLS.items() for action in actions}
    assert not made - known, sorted(made - known)
