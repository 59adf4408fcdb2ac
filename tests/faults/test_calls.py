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

ON_PROVISIONED = ("wait_for_completion", "set_up_throughput", "release_throughput", "resume_waits")
"""The functions that have more to do on this journey than on the other one."""

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
KILLS = max(len(actions) for actions in ON_THE_WAY.values())


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("function", CALLS)
def test_each_call_of_a_function_is_broken_once(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox, function: str, fault: str
) -> None:
    journey = provisioned if function in ON_PROVISIONED else on_demand
    embedded.faults.set(functions=[{"function": function, "fault": fault}])

    record = journey(pipeline)

    assert_ended_as_if_nothing_had_happened(journey, record, pipeline, inbox)
    made = embedded.faults.made()
    assert made or function == "sweep_throughput"  # whose schedule may not have come up meanwhile


@pytest.mark.parametrize("journey", [on_demand, stopped, judged])
@pytest.mark.parametrize("fault", FAULTS)
def test_each_call_of_all_functions_is_broken_once(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox, journey: Journey, fault: str
) -> None:
    broken = [{"function": function, "fault": fault} for function in CALLS]
    embedded.faults.set(functions=broken, **minutes_of(journey))

    record = journey(pipeline)

    assert len(embedded.faults.made()) > 30
    assert_ended_as_if_nothing_had_happened(journey, record, pipeline, inbox)


@pytest.mark.parametrize("number", range(KILLS))
def test_each_function_is_killed_at_one_of_its_calls(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox, number: int
) -> None:
    """After the call has had its effect, and before the function knows."""
    _kill(embedded, {name: actions[number] for name, actions in ON_THE_WAY.items() if number < len(actions)})

    record = provisioned(pipeline)

    assert embedded.faults.made() or number >= len(ON_THE_WAY["resume_waits"])
    assert_ended_as_if_nothing_had_happened(provisioned, record, pipeline, inbox)


@pytest.mark.parametrize(
    ("journey", "calls"),
    [
        (
            on_demand,
            {
                "set_up_throughput": "bedrock:CreateCustomModelDeployment",
                "wait_for_completion": "bedrock:GetCustomModelDeployment",
                "resume_waits": "bedrock:GetCustomModelDeployment",
            },
        ),
        (
            judged,
            {
                "evaluate_model": "bedrock:CreateEvaluationJob",
                "resume_waits": "bedrock:GetEvaluationJob",
            },
        ),
        (released, {"release_throughput": "bedrock:DeleteCustomModelDeployment"}),
        (
            stopped,
            {
                "resume_waits": "states:SendTaskFailure",
                "release_throughput": "bedrock:StopModelCustomizationJob",
            },
        ),
    ],
)
def test_functions_are_killed_where_journeys_differ(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox, journey: Journey, calls: dict[str, str]
) -> None:
    _kill(embedded, calls, **minutes_of(journey))

    record = journey(pipeline)

    assert embedded.faults.made()
    assert_ended_as_if_nothing_had_happened(journey, record, pipeline, inbox)


def _is_again(pipeline: Pipeline, run_id: str) -> bool | None:
    record = pipeline.registry.get(run_id)
    return (record is not None and record.run.attempt == 2) or None


def _kill(embedded: Embedded, calls: dict[str, str], **minutes: float) -> None:
    killed = [{"function": name, "fault": "killed", "action": action} for name, action in calls.items()]
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
    log = embedded.state / "calls.json"
    before = counted(log)
    for journey in (on_demand, provisioned, released, stopped, judged):
        embedded.faults.set(**minutes_of(journey))
        journey(pipeline)

    made = set(counted(log) - before)
    known = {(function, action) for function, actions in CALLS.items() for action in actions}
    assert not made - known, sorted(made - known)
