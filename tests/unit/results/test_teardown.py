"""A stage that has everything is torn down, whatever interrupts it; other stages keep what is theirs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import botocore.client
import pytest
from botocore.exceptions import ClientError

from tests import builders
from tests.unit.local_bedrock import LocalBedrock, tags
from tunedrop import clock
from tunedrop.aws import Aws
from tunedrop.contracts import Released, StartedJob
from tunedrop.errors import AwsRefused, PermissionMissing, TransientError
from tunedrop.registry import Registry
from tunedrop.registry.aliases import Aliases
from tunedrop.results import orphans
from tunedrop.results.teardown import Teardown, TornDown
from tunedrop.stage import Stage
from tunedrop.training import engines

STAGE = "test"
RUNS = ("support-0123456789", "persona-0123456789", "search-0123456789")
OTHERS = (
    ("test-two", "tunedrop-test-support-0123456789"),
    ("tes", "tunedrop-test"),
    ("prod", "support-0123456789"),
)
"""Other stages, and names of theirs that deceive."""


class Executions:
    """Step Functions, as far as stopping goes."""

    def __init__(self) -> None:
        self.stopped: list[str] = []

    def stop_execution(self, executionArn: str, cause: str) -> None:  # noqa: N803 - boto's name
        assert cause
        self.stopped.append(executionArn)


class Everything:
    """A stage that has one of each kind in each state, beside stages whose names deceive."""

    def __init__(
        self, aws: Aws, stage: Stage, registry: Registry, folder: Path, runs: Sequence[str] = RUNS
    ) -> None:
        self.aws, self.stage, self.registry = aws, stage, registry
        self.bedrock = LocalBedrock(folder)
        aws.bedrock = self.bedrock.client
        self.executions = Executions()
        aws.step_functions = self.executions
        self.aliases = Aliases(aws.ssm, aws.dynamodb, stage)
        self.mine = {run: self._of(STAGE, run, f"tunedrop-{STAGE}-{run}") for run in runs}
        for other, name in OTHERS[: len(runs)]:
            self._of(other, RUNS[0], name)
        self.foreign = {arn for arn, of in self.bedrock.world.tags() if of["tunedrop:stage"] != STAGE}
        for number, run in enumerate(runs):
            self._register(run, is_open=number == 2)
        support = self.mine[RUNS[0]]
        self.aliases.promote("support", RUNS[0], support["model"], support["deployment"])

    def _of(self, stage: str, run: str, name: str) -> dict[str, str]:
        put, mine = self.bedrock, tags(stage, run)
        model = put.model(name, mine)
        return {
            "model": model,
            "deployment": put.deployment(f"{name}-d", model, mine),
            "creating": put.deployment(f"{name}-c", model, mine, "Creating"),
            "throughput": put.throughput(f"{name}-t", model, mine, "Updating"),
            "renamed": put.throughput("by-hand", model, mine),
            "job": put.job(f"{name}-j", mine),
            "stopping": put.job(f"{name}-s", mine, "Stopping"),
            "ended": put.job(f"{name}-e", mine, "Completed"),
            "evaluation": put.evaluation(f"{name}-v", mine),
            "evaluated": put.evaluation(f"{name}-w", mine, "Completed"),
        }

    def _register(self, run_id: str, *, is_open: bool) -> None:
        run = builders.run(run_id=run_id, name=run_id.partition("-")[0], execution_arn=f"arn:{run_id}")
        self.registry.register(run)
        mine = self.mine[run_id]
        self.registry.save(
            run_id,
            job=builders.job(model_arn=mine["model"]),
            started=StartedJob(outcome="started", job_arn=mine["job"], job_name="j"),
            serving=builders.serving(arn=mine["deployment"], model_arn=mine["model"]),
            released=Released(kept=(mine["deployment"],)),
        )
        if not is_open:
            self.registry.end(run_id, "promoted", None)

    def teardown(self, run_id: str | None = None) -> TornDown:
        def sleep(_: float) -> None:
            self.bedrock.settle()

        return Teardown(self.aws, self.stage, run_id, lambda _verb, _what: None, sleep).run()

    def assert_nothing_remains(self) -> None:
        """By Bedrock's own lists: nothing of the stage, and everything of the others."""
        assert self.bedrock.tagged(STAGE) == {}
        assert {arn for arn, of in self.bedrock.world.tags() if of["tunedrop:stage"] != STAGE} == self.foreign
        assert self.aliases.all() == {}
        for run_id in self.mine:
            record = self.registry.get(run_id)
            assert record is not None
            assert {self.mine[run_id]["model"], self.mine[run_id]["deployment"]} <= record.gone


@pytest.fixture
def everything(aws: Aws, stage: Stage, registry: Registry, tmp_path: Path) -> Everything:
    return Everything(aws, stage, registry, tmp_path)


def test_nothing_of_the_stage_remains_and_everything_of_others(everything: Everything) -> None:
    done = everything.teardown()

    everything.assert_nothing_remains()
    assert done.remaining == {}
    assert done.withdrawn == ["/tunedrop/test/models/support"]
    assert done.runs_stopped == [RUNS[2]]
    assert everything.executions.stopped == [f"arn:{RUNS[2]}"]


def test_one_run_goes_and_the_others_stay(everything: Everything) -> None:
    everything.teardown(RUNS[1])

    left = everything.bedrock.tagged(STAGE)
    assert {of["tunedrop:run"] for of in left.values()} == {RUNS[0], RUNS[2]}
    assert everything.aliases.all() != {}
    assert everything.executions.stopped == []


def test_the_plan_names_what_is_in_production_and_what_runs(everything: Everything) -> None:
    plan = Teardown(everything.aws, everything.stage, None, lambda _verb, _what: None).plan()

    assert {alias: model.run_id for alias, model in plan.production.items()} == {
        "/tunedrop/test/models/support": RUNS[0]
    }
    assert [one.run.run_id for one in plan.open_runs] == [RUNS[2]]


@pytest.mark.parametrize("withdrawn", [False, True])
@pytest.mark.parametrize("of", [RUNS[0], None])
def test_what_somebody_has_put_into_production_by_hand_stays(
    everything: Everything, of: str | None, withdrawn: bool
) -> None:
    """The head of the history is the model of a run that is torn down."""
    aliases, by_hand = everything.aliases, {"/tunedrop/test/models/support": "us.amazon.nova-lite-v1:0"}
    if withdrawn:
        aliases.withdraw("support")
    for alias, model_id in by_hand.items():
        everything.aws.ssm.put_parameter(Name=alias, Value=model_id, Type="String", Overwrite=True)
    plan = Teardown(everything.aws, everything.stage, of, lambda *_: None).plan()

    done = everything.teardown(of)

    assert plan.production == {}
    assert (done.withdrawn, done.dangling, done.remaining) == ([], [], {})
    assert aliases.all() == by_hand


def test_of_two_models_written_by_hand_only_the_one_that_was_seen_is_withdrawn(
    everything: Everything,
) -> None:
    alias, mine = "/tunedrop/test/models/copied", everything.mine[RUNS[1]]["deployment"]
    everything.aws.ssm.put_parameter(Name=alias, Value=mine, Type="String")
    work = Teardown(
        everything.aws, everything.stage, RUNS[1], lambda *_: None, lambda _: everything.bedrock.settle()
    )
    plan = work.plan()
    assert [one.model_id for one in plan.production.values()] == [mine]
    everything.aws.ssm.put_parameter(Name=alias, Value="us.amazon.nova-lite-v1:0", Overwrite=True)

    assert work.run(plan).withdrawn == []
    assert everything.aliases.all()[alias] == "us.amazon.nova-lite-v1:0"


def test_nothing_goes_while_a_step_of_a_stopped_run_is_at_work(
    everything: Everything, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may make a job or a deployment yet, that no list has."""
    monkeypatch.setitem(orphans.AT_WORK_SECONDS, "start_customization", 3600)
    began, before = clock.now(), everything.bedrock.tagged(STAGE)
    everything.registry.start_step(RUNS[2], "start_customization", began)
    seen: list[object] = []

    def sleep(_: float) -> None:
        seen.append(everything.bedrock.tagged(STAGE))
        everything.registry.end_step(RUNS[2], "start_customization", began)
        everything.bedrock.settle()

    Teardown(everything.aws, everything.stage, None, lambda *_: None, sleep).run()

    assert seen[0] == before
    everything.assert_nothing_remains()


@pytest.mark.parametrize("name", ["support", "another"])
def test_what_was_promoted_since_somebody_was_asked_stays_in_production(
    everything: Everything, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A person takes minutes to answer; another run may be promoted meanwhile."""
    monkeypatch.setattr("tunedrop.results.teardown.models.status", lambda *_: "Active")
    other = everything.mine[RUNS[1]]
    work = Teardown(
        everything.aws, everything.stage, None, lambda _verb, _what: None,
        lambda _: everything.bedrock.settle(),
    )  # fmt: skip
    plan = work.plan()
    everything.aliases.promote(name, RUNS[1], other["model"], other["deployment"])

    done = work.run(plan)

    assert everything.aliases.all() == {f"/tunedrop/test/models/{name}": other["deployment"]}
    assert "is in production" in done.remaining[other["deployment"]]
    assert other["model"] in done.remaining


def test_an_alias_that_is_promoted_while_it_is_found_dangling_stays(
    everything: Everything, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = everything.mine[RUNS[1]]

    def gone(*_: Any) -> str:
        everything.aliases.promote("support", RUNS[1], other["model"], other["deployment"])
        return ""

    monkeypatch.setattr("tunedrop.results.teardown.models.status", gone)
    Teardown(everything.aws, everything.stage, None, lambda *_: None, lambda _: None)._look_at_aliases()

    assert everything.aliases.current("support") == other["deployment"]


class Interrupted(BaseException):
    """Ctrl-C, a closed laptop, a killed process."""


@contextmanager
def _interrupted(at: int) -> Iterator[list[int]]:
    """The `at`-th call of AWS ends the process, before its effect or after. Gives the number of calls."""
    calls, made = [0], botocore.client.BaseClient._make_api_call

    def call(client: Any, operation: str, arguments: Any) -> Any:
        calls[0] += 1
        number = calls[0]
        if number == at and at % 2:
            raise Interrupted
        answer = made(client, operation, arguments)
        if number == at:
            raise Interrupted
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", call)
        yield calls


def test_interrupted_anywhere_it_goes_on_when_it_is_run_again(
    aws: Aws, stage: Stage, registry: Registry, tmp_path: Path
) -> None:
    """One run in production, and a process that dies at one of the calls, early or late."""
    with _interrupted(at=0) as calls:
        Everything(aws, stage, registry, tmp_path, RUNS[:1]).teardown()
    assert calls[0] > 20
    for at in range(7, calls[0], calls[0] // 5):
        _start_over(aws, stage)
        everything = Everything(aws, stage, registry, tmp_path, RUNS[:1])
        with _interrupted(at), suppress(Interrupted):
            everything.teardown()

        everything.teardown()

        everything.assert_nothing_remains()


def _start_over(aws: Aws, stage: Stage) -> None:
    for item in aws.dynamodb.scan(TableName=stage.registry_table)["Items"]:
        key = {name: item[name] for name in ("pk", "sk")}
        aws.dynamodb.delete_item(TableName=stage.registry_table, Key=key)


def test_a_list_that_cannot_be_read_is_no_proof(everything: Everything) -> None:
    everything.teardown()
    everything.bedrock.world.faults.set(
        calls=[{"operation": "ListCustomModels", "times": 9, "error": "AccessDeniedException"}]
    )

    with pytest.raises(ClientError, match="AccessDenied"):
        everything.teardown()


@pytest.mark.parametrize(
    ("answers", "remains"),
    [
        ([TransientError("in use"), TransientError("in use"), ["arn:hub"]], False),
        ([PermissionMissing("DeleteHub: AccessDenied")], True),
        ([AwsRefused("DeleteHub: ValidationException")], True),
    ],
)
def test_what_engines_have_for_all_runs_goes_with_patience(
    everything: Everything, monkeypatch: pytest.MonkeyPatch, answers: list[Any], remains: bool
) -> None:
    left = list(answers)

    def forget(*_: Any) -> list[str]:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    monkeypatch.setattr(engines.named("bedrock"), "forget", forget)

    done = everything.teardown()

    assert done.remaining == ({"bedrock": str(answers[-1])} if remains else {})
    assert ("arn:hub" in done.deleted) is not remains
    assert left == []


def test_an_engine_that_was_taken_out_of_the_settings_leaves_nothing(
    everything: Everything, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its hub, jobs and models are there although the stage does not use it any more."""
    everything.registry.register(builders.run(run_id="open-0123456789", base_model="qwen.qwen3-4b"))
    engine, asked = engines.named("sagemaker-serverless"), []
    monkeypatch.setattr(engine, "leftovers", lambda *_: asked.append("leftovers") or [], raising=False)
    monkeypatch.setattr(engine, "forget", lambda *_: ["arn:hub"], raising=False)

    done = everything.teardown()

    assert everything.stage.engines == ("bedrock",)
    assert asked
    assert "arn:hub" in done.deleted


def test_a_commitment_that_has_not_ended_remains_and_is_named(everything: Everything) -> None:
    arn = everything.mine[RUNS[0]]["renamed"]
    everything.bedrock.world.provisioned[arn].commitment = "OneMonth"

    done = everything.teardown()

    assert set(done.remaining) == {arn, everything.mine[RUNS[0]]["model"]}
    assert "commitment" in done.remaining[arn]


def test_what_went_by_other_hands_is_said_to_be_gone(everything: Everything) -> None:
    everything.bedrock.world.models.clear()
    everything.bedrock.world.deployments.clear()
    everything.bedrock.world.provisioned.clear()

    everything.teardown()

    record = everything.registry.get(RUNS[1])
    assert record is not None
    assert everything.mine[RUNS[1]]["model"] in record.gone


def test_a_run_at_work_is_waited_for(everything: Everything) -> None:
    """A step that makes something may still be at work when its execution has been stopped."""
    everything.registry.start_step(RUNS[2], "set_up_throughput", clock.now())
    waited = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        record = everything.registry.get(RUNS[2])
        assert record is not None
        assert record.stop_requested_by == "teardown"
        for step in everything.registry.steps(RUNS[2]):
            everything.registry.end_step(RUNS[2], step.step, step.started_at)
        everything.bedrock.settle()

    Teardown(everything.aws, everything.stage, None, lambda _verb, _what: None, sleep).run()

    assert waited
    everything.assert_nothing_remains()


def test_an_alias_whose_history_cannot_be_read_keeps_what_it_may_name_and_nothing_else(
    everything: Everything,
) -> None:
    """Teardown ended there with an exception, and all that is listed behind it stayed."""
    aliases, aws, support = everything.aliases, everything.aws, everything.mine[RUNS[0]]
    table = everything.stage.registry_table
    (head,) = aws.dynamodb.query(
        TableName=table, KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "ALIAS#support"}},
    )["Items"]  # fmt: skip
    aws.dynamodb.put_item(TableName=table, Item=head | {"model": {"S": "{"}})

    found = everything.teardown()

    left = everything.bedrock.tagged(STAGE)
    assert {of["tunedrop:run"] for of in left.values()} == {RUNS[0]}
    assert {support["deployment"], support["model"]} <= set(left) == set(found.remaining)
    assert aliases.current("support") == support["deployment"]
    assert (aliases.of_runs(), set(aliases.unreadable)) == ({}, {aliases.parameter("support")})

    # Behind a head that can be read, it hides nothing.
    aws.dynamodb.put_item(TableName=table, Item=head | {"sk": {"S": "2126-01-01T00:00:00.000000Z#x"}})
    assert [one.run_id for one in aliases.history("support")] == [RUNS[0]]
