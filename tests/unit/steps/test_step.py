"""What every step does around its work: the timeline, the stop, the result, the names of errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from lambdas.step import step
from tests import builders
from tests.unit.fake_bedrock import refusal
from tests.unit.handlers import Context, Here
from tunedrop.contracts import Preflight, Run, StartedJob
from tunedrop.errors import AwsRefused, InvalidDataset, PermissionMissing, RunStopped, TransientError
from tunedrop.registry import Registry

STARTED = StartedJob(outcome="started", job_arn=builders.JOB_ARN, job_name="job")
RUN_ID = builders.run().run_id

HEEDS_A_STOP = (
    "validate_data", "preflight", "estimate_cost", "start_customization", "set_up_throughput",
    "evaluate_model", "promote_model", "validate_shard", "evaluate_shard",
)  # fmt: skip
GOES_ON = ("release_throughput", "notify", "wait_for_completion")
"""Those that close a run; and the wait, which looks for a stop by itself."""


class Input(msgspec.Struct):
    run: Run | None = None


class Killed(BaseException):
    """The function's process ends here."""


def handler(name: str, act: Callable[[], Any]) -> Callable[[], Any]:
    def function(_payload: Input, _services: Any) -> Any:
        return act()

    function.__module__ = f"lambdas.{name}.handler"
    made = step(Input)(function)
    return lambda: made({"run": msgspec.to_builtins(builders.run())}, Context())


def failing(error: BaseException) -> Callable[[], Any]:
    def act() -> Any:
        raise error

    return act


def test_a_result_is_kept_under_its_name_and_the_step_ends(here: Here) -> None:
    answer = handler("start_customization", lambda: STARTED)()

    record, (timeline,) = here.registry.get(RUN_ID), here.registry.steps(RUN_ID)
    assert answer == msgspec.to_builtins(STARTED)
    assert record is not None
    assert (record.step, record.document("started", StartedJob)) == ("start_customization", STARTED)
    assert (timeline.step, bool(timeline.ended_at), timeline.error) == ("start_customization", True, "")


def test_what_preflight_found_is_kept_too(here: Here) -> None:
    handler("preflight", lambda: Preflight(checks=()))()

    record = here.registry.get(RUN_ID)
    assert record is not None
    assert record.document("preflight", Preflight) == Preflight(checks=())


def test_a_step_that_fails_ends_with_its_reason_and_keeps_nothing(here: Here) -> None:
    with pytest.raises(InvalidDataset, match="line 3"):
        handler("validate_data", failing(InvalidDataset("line 3")))()

    (timeline,) = here.registry.steps(RUN_ID)
    assert (bool(timeline.ended_at), timeline.error) == (True, "line 3")


def test_a_step_that_is_tried_again_stays_at_work(here: Here) -> None:
    """The sweep must not settle a run whose step may still have an effect."""
    with pytest.raises(TransientError):
        handler("start_customization", failing(TransientError("later")))()

    assert [one.ended_at for one in here.registry.steps(RUN_ID)] == [""]


@pytest.mark.parametrize("name", HEEDS_A_STOP)
def test_a_stopped_run_begins_no_further_step(here: Here, name: str) -> None:
    here.registry.request_stop(builders.run(), "Ada")
    began: list[str] = []

    with pytest.raises(RunStopped, match=f"stopped by Ada before {name}"):
        handler(name, lambda: began.append(name))()

    assert began == []


@pytest.mark.parametrize("name", GOES_ON)
def test_a_stopped_run_is_closed_all_the_same(here: Here, name: str) -> None:
    here.registry.request_stop(builders.run(), "Ada")

    assert handler(name, lambda: STARTED)() == msgspec.to_builtins(STARTED)


@pytest.mark.parametrize("name", ["wait_for_completion", "validate_shard", "evaluate_shard"])
def test_waits_and_shards_have_no_line_of_their_own_in_the_timeline(here: Here, name: str) -> None:
    handler(name, lambda: STARTED)()

    assert here.registry.steps(RUN_ID) == []


@pytest.mark.parametrize(
    ("raised", "named"),
    [
        (refusal("ThrottlingException"), TransientError),
        (refusal("WhateverException", status=503), TransientError),
        (EndpointConnectionError(endpoint_url="https://bedrock"), TransientError),
        (refusal("AccessDeniedException", status=403), PermissionMissing),
        (refusal("ValidationException"), AwsRefused),
        (NoCredentialsError(), AwsRefused),
        (TransientError("later"), TransientError),
        (ValueError("a bug"), ValueError),
    ],
)
@pytest.mark.parametrize("name", ["preflight", "evaluate_shard"])
def test_an_error_has_the_name_that_the_workflow_tells_apart(
    here: Here, name: str, raised: Exception, named: type[Exception]
) -> None:
    with pytest.raises(named) as error:
        handler(name, failing(raised))()

    assert type(error.value) is named


@pytest.mark.parametrize("survived", range(4))
def test_a_step_that_dies_between_two_effects_never_seems_to_have_ended(
    here: Here, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    """Whoever sees that a step has ended finds what it has made."""
    left = [survived]

    def dying(effect: Callable[..., Any]) -> Callable[..., Any]:
        def act(*given: Any, **named: Any) -> Any:
            if not left[0]:
                raise Killed
            left[0] -= 1
            return effect(*given, **named)

        return act

    for effect in ("start_step", "save", "end_step"):
        monkeypatch.setattr(Registry, effect, dying(getattr(Registry, effect)))
    try:
        handler("start_customization", lambda: STARTED)()
    except Killed:
        assert survived < 3
    record = here.registry.get(RUN_ID)
    ended = [one for one in here.registry.steps(RUN_ID) if one.ended_at]
    assert record is not None
    assert not ended or record.document("started", StartedJob) == STARTED
    assert bool(ended) == (survived >= 3)
