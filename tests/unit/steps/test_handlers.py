"""The few lines of each handler that decide something: what is asked, kept, counted."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import msgspec
import pytest

from tests import builders
from tests.recorded import recorded
from tests.unit.fake_bedrock import FakeBedrock
from tests.unit.handlers import Here
from tunedrop import catalog, naming
from tunedrop.catalog.price_list import usage_type
from tunedrop.contracts import (
    CompletedJob,
    CostLine,
    Dataset,
    DatasetFile,
    DeploymentSettings,
    Estimate,
    EvaluationSettings,
    Failure,
    JudgeSettings,
    Promotion,
    Registration,
    S3Object,
    Score,
    StartedJob,
)
from tunedrop.cost import imported, prices
from tunedrop.cost.prices import PriceList
from tunedrop.errors import InvalidDataset, NameTaken, OverBudget, RunStopped
from tunedrop.evaluation.inference.ask import SECONDS_BEFORE_DECIDING, SECONDS_TO_ASK
from tunedrop.evaluation.workload import MOST_HELD_OUT_TOKENS
from tunedrop.monitoring.state import MonthSoFar, OpenRun, Served
from tunedrop.registry.aliases import Aliases
from tunedrop.registry.spending import Spending
from tunedrop.results import mlflow
from tunedrop.serving.sweep import InService
from tunedrop.steps.sweep_throughput import Sweep, Swept
from tunedrop.waiting import approval
from tunedrop.waiting.resolve import Callbacks

NOVA = "amazon.nova-lite-v1:0:300k"
RUN_ID = builders.run().run_id
OTHERS = builders.MODEL_ARN.replace("abcdefghij12", "persona90000")
PUBLISHED = {"MessageId": "1"}


def stop_object(attempt: int) -> dict[str, Any]:
    key = f"runs/{RUN_ID}/stop/{attempt}"
    return {"source": "aws.s3", "detail": {"object": {"key": key}, "requester": "Ada"}}


@pytest.mark.parametrize(("evaluated", "way"), [(False, "on-demand"), (True, "provisioned")])
@pytest.mark.parametrize("attempt", [1, 2])
def test_throughput_is_bought_for_a_model_that_has_passed_and_once(
    here: Here, evaluated: bool, way: str, attempt: int
) -> None:
    here.aws.bedrock = bedrock = FakeBedrock(
        create_custom_model_deployment={"customModelDeploymentArn": builders.DEPLOYMENT_ARN},
        create_provisioned_model_throughput={"provisionedModelArn": builders.PROVISIONED_ARN},
    )
    settings = DeploymentSettings(mode="provisioned", keep_for_seconds=3600)
    run = builders.run(base_model=NOVA, deployment=settings, attempt=attempt)

    serving = here.call(
        "set_up_throughput", run=run, dataset=builders.dataset(), job=builders.job(), evaluated=evaluated
    )

    ((_, request),) = bedrock.calls
    assert (serving["way"], serving["provisional"]) == (way, not evaluated)
    name = request["provisionedModelName" if evaluated else "modelDeploymentName"]
    assert name == "tunedrop-test-persona-0123456789" + ("-2" if attempt > 1 else "")


@pytest.mark.parametrize("compared", [False, True])
def test_no_throughput_is_bought_for_a_model_that_may_not_be_promoted(here: Here, compared: bool) -> None:
    """A term was bought although another run's model had been put into production meanwhile."""
    here.aws.bedrock = bedrock = FakeBedrock(
        create_provisioned_model_throughput={"provisionedModelArn": builders.PROVISIONED_ARN}
    )
    here.replace("set_up_throughput.handler.ownership.unrelated_to", "")
    run = builders.run(
        base_model=NOVA, deployment=DeploymentSettings(mode="provisioned", keep_for_seconds=3600)
    )
    Aliases(here.aws.ssm, here.aws.dynamodb, here.stage).promote(run.name, "persona-9", OTHERS, OTHERS)
    champion = builders.evaluation().scores[0] if compared else None
    payload = {
        "run": run, "dataset": builders.dataset(), "job": builders.job(), "evaluated": True,
        "evaluation": builders.evaluation(champion=champion),
    }  # fmt: skip

    if compared:
        here.call("set_up_throughput", **payload)
    else:
        with pytest.raises(NameTaken, match="the two were not compared"):
            here.call("set_up_throughput", **payload)

    assert bool(bedrock.calls) is compared


@pytest.mark.parametrize(
    ("keep_for", "named"),
    [(None, builders.DEPLOYMENT_ARN), (3600, builders.DEPLOYMENT_ARN), (0, builders.MODEL_ARN)],
)
def test_an_alias_names_what_stays_in_service_and_else_the_model(
    here: Here, keep_for: int | None, named: str
) -> None:
    here.aws.bedrock = FakeBedrock(get_custom_model_deployment={"status": "Active"})
    run = builders.run(deployment=DeploymentSettings(keep_for_seconds=keep_for))

    promotion = here.call(
        "promote_model", run=run, dataset=builders.dataset(), job=builders.job(),
        serving=builders.serving(), evaluation=builders.evaluation(),
    )  # fmt: skip

    assert promotion["model_id"] == named
    assert Aliases(here.aws.ssm, here.aws.dynamodb, here.stage).current(run.name) == named


@pytest.mark.parametrize(
    ("champion", "gone"),
    [(None, ""), (builders.evaluation().scores[0], ""), (None, builders.PROVISIONED_ARN)],
)
def test_a_model_that_nothing_served_is_not_replaced_by_one_that_was_not_compared_with_it(
    here: Here, champion: Score | None, gone: str
) -> None:
    here.aws.bedrock = FakeBedrock(get_custom_model_deployment={"status": "Active"})
    here.replace("promote_model.handler.ownership.unrelated_to", "")
    run = builders.run()
    aliases = Aliases(here.aws.ssm, here.aws.dynamodb, here.stage)
    aliases.promote(run.name, "persona-9", OTHERS, OTHERS)
    evaluation = msgspec.structs.replace(builders.evaluation(), champion=champion, production_gone=gone)
    payload = {
        "run": run, "dataset": builders.dataset(), "job": builders.job(),
        "serving": builders.serving(), "evaluation": evaluation,
    }  # fmt: skip

    replaces = champion is not None or bool(gone)
    if not replaces:
        with pytest.raises(NameTaken, match="the two were not compared"):
            here.call("promote_model", **payload)
    else:
        here.call("promote_model", **payload)

    assert aliases.current(run.name) == (builders.DEPLOYMENT_ARN if replaces else OTHERS)


def test_a_promotion_whose_step_failed_is_seen_before_anything_is_released(here: Here) -> None:
    here.aws.bedrock = bedrock = FakeBedrock(
        list_model_customization_jobs={"modelCustomizationJobSummaries": []},
        list_evaluation_jobs={"jobSummaries": []},
    )
    run = builders.run()
    aliases = Aliases(here.aws.ssm, here.aws.dynamodb, here.stage)
    aliases.promote(run.name, run.run_id, builders.MODEL_ARN, builders.DEPLOYMENT_ARN)

    released = here.call(
        "release_throughput", run=run, serving=builders.serving(), evaluation=builders.evaluation(),
        failure=Failure(error="Lambda.Unknown", cause="died", step="promote_model"),
    )  # fmt: skip

    record = here.registry.get(RUN_ID)
    assert tuple(released["kept"]) == (builders.DEPLOYMENT_ARN,)
    assert record is not None
    assert record.document("promotion", Promotion) is not None
    assert not bedrock.called("delete_custom_model_deployment")


def test_the_model_of_a_search_is_kept(here: Here) -> None:
    found = StartedJob(outcome="finished", job_arn=builders.JOB_ARN, job_name="job", job=builders.job())
    here.replace("start_customization.handler.start_or_queue", found)

    here.call("start_customization", run=builders.run(), dataset=builders.dataset())

    record = here.registry.get(RUN_ID)
    assert record is not None
    assert record.document("job", CompletedJob) == builders.job()
    assert list(here.registry.of_engines(["bedrock"], 9)) == [record]


def test_a_wait_for_approval_asks_once_and_waits_for_the_object_that_answers(here: Here) -> None:
    here.aws.sns = sns = FakeBedrock(publish=PUBLISHED)
    run, estimate = builders.run(), Estimate(lines=(), low=0.0, likely=60.0, high=60.0, budget_usd=50.0)

    wait = here.call(
        "wait_for_completion", run=run, kind="approval", subject=run.run_id, token="t", estimate=estimate
    )

    (asked,) = sns.called("publish")
    assert wait["subject"] == approval.key_of(run, estimate)
    assert approval.asked(here.registry, run) == {wait["subject"]}
    assert wait["subject"] in asked["Message"]
    assert asked["MessageAttributes"]["event"]["StringValue"] == "approval-required"


def test_another_wait_asks_nobody(here: Here) -> None:
    here.aws.sns = sns = FakeBedrock(publish=PUBLISHED)
    job = {"jobArn": builders.JOB_ARN, "jobName": "job", "status": "InProgress"}
    here.aws.bedrock = FakeBedrock(get_model_customization_job=job)

    wait = here.call(
        "wait_for_completion", run=builders.run(), kind="training", subject=builders.JOB_ARN, token="t"
    )

    assert wait["subject"] == builders.JOB_ARN
    assert sns.calls == []


@pytest.mark.usefixtures("intake")
@pytest.mark.parametrize(("attempt", "by"), [(1, "Ada"), (2, "")])
def test_a_stop_object_stops_the_attempt_that_it_names(here: Here, attempt: int, by: str) -> None:
    key = f"runs/{RUN_ID}/stop/{attempt}"
    here.aws.s3.put_object(Bucket=here.stage.intake_bucket, Key=key, Body=b"")
    here.wake("resume_waits", stop_object(attempt))

    record = here.registry.get(RUN_ID)
    assert record is not None
    assert record.stop_requested_by == by


@pytest.mark.usefixtures("intake")
def test_the_event_of_a_stop_that_comes_after_the_object_has_gone_stops_nothing(here: Here) -> None:
    """Such as one delivered again, after a retry of the attempt that it stopped."""
    here.wake("resume_waits", stop_object(1))

    record = here.registry.get(RUN_ID)
    assert record is not None
    assert not record.stop_requested_by


@pytest.mark.parametrize("step", ["estimate_cost", "wait_for_completion", "release_throughput", "notify"])
def test_an_execution_that_is_redriven_after_a_retry_has_begun_does_nothing(here: Here, step: str) -> None:
    """Step Functions goes on with an aborted execution where somebody says so (RedriveExecution)."""
    old = builders.run()
    here.registry.end(old.run_id, "stopped", None)
    assert here.registry.reopen(builders.run(attempt=2, execution_arn="another"))
    asked = {"kind": "training", "subject": builders.JOB_ARN, "token": "t"}
    payload = {"estimate_cost": {"dataset": builders.dataset()}, "wait_for_completion": asked}

    with pytest.raises(RunStopped, match="attempt 2 has begun"):
        here.call(step, run=old, **payload.get(step, {}))

    assert here.waits.of_run(old.run_id) == []


@pytest.mark.parametrize("event", ["customization-job-event", "training-job-event"])
def test_the_event_of_a_job_resumes_the_run_that_waits_for_it_and_no_other(
    here: Here, monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    """As AWS's guides show the event of each service."""
    asked: list[str] = []
    monkeypatch.setattr(Callbacks, "resolve_about", lambda _, subject: asked.append(subject) or [])
    sample = recorded(event)

    here.wake("resume_waits", sample)

    assert asked == sample["resources"]


def test_waits_that_fail_are_counted_for_the_alarm(here: Here) -> None:
    here.waits.register(builders.wait())
    here.aws.bedrock = FakeBedrock(get_model_customization_job=msgspec.UNSET)  # type: ignore[arg-type]

    here.wake("resume_waits", {})

    assert here.counted == {"FailingSubjects": 1}


def test_the_sweep_counts_what_has_expired_and_what_fails(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept = Swept(expired=2, failed=["a", "b", "c"], released=["arn"])
    counted_before: list[dict[str, float]] = []

    def killed(_: Sweep) -> Swept:
        counted_before.append(dict(here.counted))
        raise MemoryError

    monkeypatch.setattr(Sweep, "look_after_resources", lambda _: swept)
    monkeypatch.setattr(Sweep, "look_for_uploads", killed)

    with pytest.raises(MemoryError):
        here.wake("sweep_throughput", {})

    assert counted_before == [{"ExpiredThroughput": 2, "FailingSubjects": 3}]


def test_the_sweep_writes_the_rows_of_the_dashboard(
    here: Here, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What each table filters by and reads: the message, and the fields beside it."""
    serving = InService(
        arn=builders.PROVISIONED_ARN, name="n", way="provisioned", status="InService", model_arn="m",
        created_at="2026-11-29T06:00:00Z", run_id=RUN_ID, hourly_usd=24.5,
    )  # fmt: skip

    def run(sweep: Sweep) -> Swept:
        sweep.serving = (serving,)
        return Swept()

    monkeypatch.setattr(Sweep, "look_after_resources", run)
    monkeypatch.setattr(Sweep, "look_for_uploads", lambda _: Swept())
    here.registry.start_step(RUN_ID, "wait_for_approval", "2026-11-29T06:00:00Z")

    here.wake("sweep_throughput", {})

    rows = {one.getMessage(): vars(one) for one in caplog.records}
    assert (rows["open run"]["run_id"], rows["open run"]["waits_for"]) == (RUN_ID, "approval")
    assert rows["served"]["hourly_usd"] == 24.5
    assert rows["month so far"]["percent"] == 0
    for message, shape in (("open run", OpenRun), ("served", Served), ("month so far", MonthSoFar)):
        assert set(shape.__struct_fields__) <= set(rows[message])


def test_what_the_dashboard_shows_keeps_no_sweep_from_ending(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tasks in ("look_after_resources", "look_for_uploads"):
        monkeypatch.setattr(Sweep, tasks, lambda _: Swept(released=["arn"]))
    monkeypatch.setattr(Spending, "read", lambda *_: 1 / 0)

    assert here.wake("sweep_throughput", {})["released"] == ["arn"]


def upload(key: str = "drop/new.jsonl", arn: str = "arn:mine") -> dict[str, Any]:
    detail = {"bucket": {"name": "intake"}, "object": {"key": key, "size": 1, "version-id": "v9"}}
    return {"event": {"detail": detail, "time": "2026-11-23T10:00:00Z"}, "execution_arn": arn}


def test_an_upload_is_registered_once_and_belongs_to_the_first_execution(here: Here) -> None:
    run = builders.run(run_id="new-0123456789", execution_arn="arn:mine")
    here.replace("register_run.handler.registration.register", Registration(outcome="registered", run=run))

    first = here.wake("register_run", upload())
    again = here.wake("register_run", upload())
    other = msgspec.structs.replace(run, execution_arn="arn:other")
    here.replace("register_run.handler.registration.register", Registration(outcome="registered", run=other))
    late = here.wake("register_run", upload(arn="arn:other"))

    assert [one["outcome"] for one in (first, again, late)] == ["registered", "registered", "duplicate"]
    record = here.registry.get("new-0123456789")
    assert record is not None
    assert record.run == run


@pytest.mark.parametrize(("arn", "outcome"), [("mine", "refused"), ("other", "duplicate")])
def test_a_registration_that_failed_refuses_the_run_that_it_began_and_no_other(
    here: Here, arn: str, outcome: str
) -> None:
    run = builders.run(run_id="new-0123456789", execution_arn="mine", name="new")
    source = msgspec.structs.replace(run.source, key="drop/new.jsonl", version_id="v9")
    here.registry.register(msgspec.structs.replace(run, source=source))
    failure = {"error": "Lambda.Unknown", "cause": "died"}

    found = here.wake("register_run", upload(arn=arn) | {"failure": failure})

    assert found["outcome"] == outcome


def test_a_run_that_is_estimated_again_does_not_count_against_itself(here: Here) -> None:
    payload = {"run": builders.run(), "dataset": builders.dataset()}
    likely = here.call("estimate_cost", **payload)["likely"]
    record = here.registry.get(builders.run().run_id)
    assert record is not None
    assert record.estimated_usd == likely
    here.stage = builders.stage(monthly_budget_usd=1.5 * likely)

    again = here.call("estimate_cost", **payload)
    other = here.call("estimate_cost", run=_another(here), dataset=builders.dataset())

    assert not again["approval_reasons"]
    assert "monthly budget" in other["approval_reasons"][0]


def test_the_runs_of_others_do_not_count_against_a_tenant(here: Here) -> None:
    dataset = builders.dataset()
    likely = here.call("estimate_cost", run=builders.run(tenant="support"), dataset=dataset)["likely"]
    here.stage = builders.stage(
        monthly_budget_usd=100 * likely, tenants={"law": (), "support": ()},
        tenant_budgets_usd={"law": 1.5 * likely},
    )  # fmt: skip
    law = msgspec.structs.replace(_another(here), tenant="law")

    found = here.call("estimate_cost", run=law, dataset=dataset)

    assert not found["approval_reasons"]


def test_an_estimate_is_made_of_what_the_stage_knows_by_now(here: Here) -> None:
    """Its price list, for the base model and the judge; its model in production; what was paid before."""
    nova, judge, region = catalog.find(NOVA), catalog.find("amazon.nova-pro-v1:0:300k"), here.stage.region
    evaluation = EvaluationSettings(judge=JudgeSettings(model=judge.inference_id))
    payload = {"run": builders.run(base_model=NOVA, evaluation=evaluation), "dataset": builders.dataset()}
    before = here.call("estimate_cost", **payload)
    usd = {usage_type(nova, "training", region): 1.0, usage_type(judge, "output", region): 1.0}
    listed = PriceList(region=region, read_at="2026-11-29T00:00:00Z", usd=usd)
    here.registry.keep(prices.DOCUMENT, msgspec.json.encode(listed).decode())
    alias = Aliases(here.aws.ssm, here.aws.dynamodb, here.stage).parameter(payload["run"].name)
    here.aws.ssm.put_parameter(Name=alias, Value=builders.DEPLOYMENT_ARN, Type="String")
    paid = msgspec.structs.replace(
        payload["run"], spent_before_usd=1.0, budget_usd=1.0, succeeds="Nova Lite", left_out=("alpha",)
    )

    after = here.call("estimate_cost", **payload | {"run": paid})

    of_the_list = {line["item"] for line in after["lines"] if line["source"] == prices.SOURCE}
    assert of_the_list == {"training", "judging"}
    assert {line["source"] for line in before["lines"]} & {prices.SOURCE} == set()
    assert after["evaluation_requests"] > before["evaluation_requests"]
    assert after["evaluation_minutes"] > before["evaluation_minutes"]
    assert (after["succeeds"], after["left_out"]) == ("Nova Lite", ("alpha",))
    assert "the 1.00 USD of its attempts so far" in after["approval_reasons"][-1]


def test_somebody_is_asked_before_unrelated_data_takes_a_name(here: Here) -> None:
    here.replace("estimate_cost.handler.unrelated_to", "persona-9")

    found = here.call("estimate_cost", run=builders.run(), dataset=builders.dataset())

    assert found["unrelated_to"] == "persona-9"
    assert "learned, in run persona-9" in found["approval_reasons"][0]


def test_somebody_is_asked_before_an_evaluation_outlasts_what_serves_its_model(here: Here) -> None:
    here.replace("estimate_cost.handler.minutes", 60.0 * 24)
    run = builders.run(base_model=builders.LLAMA_3_1)

    found = here.call("estimate_cost", run=run, dataset=builders.dataset())

    assert "so that there would be no verdict" in found["undecidable"]
    assert any("24 h to evaluate" in line["basis"] for line in found["lines"])


def test_somebody_is_asked_before_a_model_is_replaced_that_nothing_serves(here: Here) -> None:
    aliases = Aliases(here.aws.ssm, here.aws.dynamodb, here.stage)
    aliases.promote(builders.run().name, "persona-9", builders.MODEL_ARN, builders.MODEL_ARN)

    found = here.call("estimate_cost", run=builders.run(), dataset=builders.dataset())

    assert found["uncompared_with"] == "persona-9"
    assert any("promote persona-9 --serve" in reason for reason in found["approval_reasons"])


@pytest.mark.parametrize(
    ("served_by", "is_priced"), [(builders.DEPLOYMENT_ARN, True), (builders.PROVISIONED_ARN, False)]
)
def test_the_model_in_production_is_estimated_at_the_price_of_its_own_base_model(
    here: Here, served_by: str, is_priced: bool
) -> None:
    pro = builders.MODEL_ARN.replace("nova-lite", "nova-pro")
    Aliases(here.aws.ssm, here.aws.dynamodb, here.stage).promote("persona", "persona-9", pro, served_by)

    found = here.call("estimate_cost", run=builders.run(), dataset=builders.dataset())

    assert any(one["item"] == "evaluation, model in production" for one in found["lines"]) == is_priced


def test_somebody_is_asked_before_a_model_is_replaced_that_was_put_there_by_hand(here: Here) -> None:
    aliases = Aliases(here.aws.ssm, here.aws.dynamodb, here.stage)
    alias = aliases.parameter(builders.run().name)
    here.aws.ssm.put_parameter(Name=alias, Value=builders.DEPLOYMENT_ARN, Type="String")

    found = here.call("estimate_cost", run=builders.run(), dataset=builders.dataset())

    assert found["put_by_hand"] == builders.DEPLOYMENT_ARN
    assert any("by hand" in reason for reason in found["approval_reasons"])


def test_a_stop_that_comes_before_a_step_stops_the_handler_itself(here: Here) -> None:
    here.registry.request_stop(builders.run(), "Ada")

    with pytest.raises(RunStopped):
        here.call("estimate_cost", run=builders.run(), dataset=builders.dataset())


def _another(here: Here) -> Any:
    run = builders.run(run_id="other-0123456789")
    here.registry.register(run)
    return run


def ended(here: Here, execution: str) -> dict[str, Any]:
    """The event of an execution that has ended without success."""
    source = builders.run().source
    object_ = {"key": source.key, "version-id": source.version_id}
    started_by = {"detail": {"bucket": {"name": source.bucket}, "object": object_}}
    detail = {
        "executionArn": execution,
        "status": "FAILED",
        "input": msgspec.json.encode(started_by).decode(),
    }
    return {"source": "aws.states", "detail": detail}


def sweeps_of(monkeypatch: pytest.MonkeyPatch) -> list[Swept]:
    """What the sweeps from now on have done: each looks after the resources, then for uploads."""
    swept: list[Swept] = []
    monkeypatch.setattr(Sweep, "look_after_resources", lambda _: swept.append(Swept()) or swept[-1])
    monkeypatch.setattr(Sweep, "look_for_uploads", lambda _: swept[-1])
    return swept


@pytest.mark.parametrize(
    ("is_closed", "execution", "sweeps"),
    [(True, "", 0), (False, "", 1), (True, "arn:another", 1)],
    ids=["it has closed its run", "it has left its run open", "its run is of another execution"],
)
def test_the_end_of_an_execution_has_the_stage_swept_where_it_left_something(
    here: Here, monkeypatch: pytest.MonkeyPatch, is_closed: bool, execution: str, sweeps: int
) -> None:
    """Every refused upload ends an execution: an uploader of thousands would start as many sweeps."""
    swept = sweeps_of(monkeypatch)
    if is_closed:
        here.registry.end(RUN_ID, "refused", None)

    here.wake("sweep_throughput", ended(here, execution or builders.run().execution_arn))

    assert len(swept) == sweeps


@pytest.mark.parametrize("input_", [None, "{}", "no json", "[]", '{"detail": {}}'])
def test_an_event_that_says_nothing_of_its_upload_has_the_stage_swept(
    here: Here, monkeypatch: pytest.MonkeyPatch, input_: str | None
) -> None:
    swept = sweeps_of(monkeypatch)

    here.wake("sweep_throughput", {"source": "aws.states", "detail": {"input": input_}})

    assert len(swept) == 1


def uploaded(here: Here, key: str, body: bytes = b"{}") -> Registration:
    """What register_run says to one of several datasets that were uploaded at once."""
    version = here.aws.s3.put_object(Bucket=here.stage.intake_bucket, Key=key, Body=body)["VersionId"]
    return asked(here, key, version, f"arn:{key}")


def asked(here: Here, key: str, version: str, execution: str) -> Registration:
    detail = {"bucket": {"name": here.stage.intake_bucket}, "object": {"key": key, "version-id": version}}
    answer = here.call("register_run", event={"detail": detail}, execution_arn=execution)
    return msgspec.convert(answer, Registration)


@pytest.mark.usefixtures("intake")
def test_an_upload_beyond_the_open_runs_of_a_stage_is_kept_and_can_be_resumed(here: Here) -> None:
    here.stage = msgspec.structs.replace(here.stage, max_open_runs=2)

    first, second, third = (uploaded(here, f"drop/{number}.jsonl") for number in range(3))

    assert [first.outcome, second.outcome, third.outcome] == ["registered", "registered", "refused"]
    assert third.run is not None
    assert third.failure is not None
    assert f"tunedrop retry {third.run.run_id} --stage test" in third.failure.cause
    run_id, retry = third.run.run_id, f"runs/{third.run.run_id}/retry/"
    here.registry.end(run_id, "refused", third.failure, third.run.execution_arn)
    too_soon = asked(here, f"{retry}1", "v", "arn:retry-1")
    assert too_soon.outcome == "refused"
    here.registry.end(run_id, "refused", too_soon.failure, "arn:retry-1")

    assert first.run is not None
    here.registry.end(first.run.run_id, "promoted", None)

    assert asked(here, f"{retry}2", "v", "arn:retry-2").outcome == "resumed"


@pytest.mark.usefixtures("intake")
def test_the_open_runs_of_a_tenant_take_no_place_of_another(here: Here) -> None:
    here.stage = msgspec.structs.replace(here.stage, max_open_runs=1, tenants={"law": (), "sales": ()})
    names = ("law/one", "sales/one", "law/two")
    for name in names:
        here.aws.s3.put_object(Bucket=here.stage.intake_bucket, Key=f"runs/{name}/a.jsonl", Body=b"{}")

    law, sales, more = (uploaded(here, f"runs/{name}/run.yaml", b"data: {train: a.jsonl}") for name in names)

    assert [law.outcome, sales.outcome, more.outcome] == ["registered", "registered", "refused"]
    assert more.failure is not None
    assert "1 runs of law are open" in more.failure.cause


@pytest.mark.usefixtures("intake")
def test_every_file_that_a_tenant_drops_is_a_run_of_its_own(here: Here) -> None:
    here.stage = msgspec.structs.replace(here.stage, tenants={"law": (), "sales": ()})

    found = [uploaded(here, f"drop/{file}") for file in ("law/a.jsonl", "law/b.jsonl", "sales/a.jsonl")]

    runs = [one.run for one in found if one.outcome == "registered" and one.run is not None]
    assert [(one.tenant, one.name) for one in runs] == [
        ("law", "law/a"), ("law", "law/b"), ("sales", "sales/a"),
    ]  # fmt: skip
    assert [one.train.objects for one in runs] == [(one.source,) for one in runs]
    assert len({naming.alias(one.name) for one in runs}) == len({one.run_id for one in runs}) == 3


@pytest.mark.usefixtures("intake")
def test_a_folder_that_a_tenant_drops_is_a_run_without_what_lies_beside_it(here: Here) -> None:
    here.stage = msgspec.structs.replace(here.stage, tenants={"law": (), "sales": ()})
    for key in ("law/a.jsonl", "sales/2026/c.jsonl"):
        here.aws.s3.put_object(Bucket=here.stage.intake_bucket, Key=f"drop/{key}", Body=b"{}")

    files = ("law/2026/0.jsonl", "law/2026/1.jsonl", "law/_SUCCESS", "law/2026/_SUCCESS")
    *before, last = (uploaded(here, f"drop/{file}") for file in files)

    assert [one.outcome for one in before] == ["ignored"] * 3
    assert last.run is not None
    assert (last.outcome, last.run.tenant, last.run.name) == ("registered", "law", "law/2026")
    assert [one.key for one in last.run.train.objects] == ["drop/law/2026/0.jsonl", "drop/law/2026/1.jsonl"]


@pytest.mark.usefixtures("intake")
def test_a_tenants_file_whose_registration_fails_has_a_refused_run_of_its_name(here: Here) -> None:
    here.stage = msgspec.structs.replace(here.stage, tenants={"law": ()})
    detail = {"bucket": {"name": here.stage.intake_bucket}, "object": {"key": "drop/law/a.jsonl"}}
    failure = {"error": "Lambda.Timeout", "cause": "it took too long"}

    answer = here.call("register_run", event={"detail": detail}, execution_arn="arn", failure=failure)

    assert (answer["outcome"], answer["run"]["name"], answer["run"]["tenant"]) == ("refused", "law/a", "law")


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_receipt_is_for_the_attempt_that_its_message_names(here: Here, attempt: int) -> None:
    here.registry.notices.claim(RUN_ID, 2)

    here.wake("record_notice", {"Records": [message(here, attempt=str(attempt))]})

    assert here.registry.notices.claim(RUN_ID, 2) == ("sent" if attempt == 2 else "unsure")


@pytest.mark.parametrize(("parameter", "header"), [("/mlflow/header", "Bearer secret"), ("", "")])
def test_a_run_is_exported_with_the_header_of_the_stages_parameter(
    here: Here, monkeypatch: pytest.MonkeyPatch, parameter: str, header: str
) -> None:
    here.aws.ssm.put_parameter(Name="/mlflow/header", Value=" Bearer secret\n", Type="SecureString")
    here.stage = msgspec.structs.replace(
        here.stage, mlflow_tracking_uri="https://mlflow.example.com", mlflow_header_parameter=parameter
    )
    servers: list[tuple[str, str]] = []
    monkeypatch.setattr(mlflow, "Server", lambda *given: servers.append(given))
    monkeypatch.setattr(mlflow, "export", lambda _s3, _stage, _registry, run_id, _server: f"runs/{run_id}")

    answer = here.wake("export_run", {"detail": {"run_id": RUN_ID}})

    assert servers == [("https://mlflow.example.com", header)]
    assert answer == {"address": f"runs/{RUN_ID}"}


@pytest.mark.parametrize(
    ("budget", "before", "units", "asked", "refused"),
    [
        (10.0, 0.0, 10, 0, False),  # it is 10 USD by now, which is exactly the budget
        (9.99, 0.0, 10, 0, True),
        (20.0, 10.01, 10, 0, True),  # the budget is for all attempts
        (20.0, 10.0, 10, 0, False),
        (0.5, 0.0, 1, 0, False),  # no more than somebody has agreed to
        (9.99, 0.0, 0, 0, False),  # its units are not known
        (9.99, 0.0, 10, 1, False),  # it is being asked already
    ],
)
def test_an_imported_model_that_is_dearer_than_agreed_is_not_asked(
    here: Here, budget: float, before: float, units: int, asked: int, refused: bool
) -> None:
    qwen = catalog.find("qwen.qwen3-4b")
    line = CostLine(item=imported.ANSWERING, low=0.1, likely=1.0, high=1.0, basis="", source="AWS")
    estimate = Estimate(lines=(line,), low=0.1, likely=1.0, high=1.0, budget_usd=budget)
    here.registry.save(RUN_ID, estimate=estimate)
    here.stage = builders.stage(budget_usd=999.0)
    here.replace("evaluate_model.handler.evaluate_model", builders.evaluation())
    payload = {
        "run": builders.run(base_model=qwen.id, spent_before_usd=before),
        "dataset": builders.dataset(),
        "serving": builders.serving(units=units * qwen.likely_units),
        "next_record": asked,
    }

    with pytest.raises(OverBudget) if refused else nullcontext():
        here.call("evaluate_model", **payload)

    record = here.registry.get(RUN_ID)
    assert record is not None
    kept = record.document("estimate", Estimate)
    assert kept is not None
    assert kept.likely == (1.0 if asked or not units else units)


def test_an_evaluation_that_is_asked_for_long_has_a_call_of_its_own_to_decide(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, float] = {}

    def evaluate(*_: Any, deadline: float, decide_until: float) -> Any:
        given.update(asks=deadline - decide_until)
        return builders.evaluation()

    monkeypatch.setattr("lambdas.evaluate_model.handler.evaluate_model", evaluate)

    here.call("evaluate_model", run=builders.run(), dataset=builders.dataset(), serving=builders.serving())

    assert given["asks"] == SECONDS_TO_ASK - SECONDS_BEFORE_DECIDING > 0


def message(here: Here, topic: str = "", **said: str) -> dict[str, Any]:
    """SNS's event of a run's result, changed."""
    attributes = {"stage": here.stage.name, "run_id": RUN_ID, "attempt": "1"} | said
    values = {name: {"Type": "String", "Value": value} for name, value in attributes.items() if value}
    return {"Sns": {"TopicArn": topic or here.stage.topic_arn, "MessageAttributes": values}}


@pytest.mark.parametrize(
    "changed",
    [
        {"run_id": ""},
        {"run_id": "nobody-0123456789"},
        {"attempt": ""},
        {"attempt": "2"},
        {"attempt": "-1"},
        {"attempt": "1" * 5_000},
        {"attempt": "one"},
        {"stage": "other"},
        {"topic": "arn:aws:sns:us-east-1:111122223333:other"},
    ],
)
def test_a_receipt_is_believed_only_of_the_result_that_is_being_published(
    here: Here, changed: dict[str, str]
) -> None:
    notices = here.registry.notices
    notices.claim(RUN_ID, 1)

    here.wake("record_notice", {"Records": [message(here, **changed)]})
    assert notices.claim(RUN_ID, 1) == "unsure"

    here.wake("record_notice", {"Records": [message(here, **changed), message(here)]})
    assert notices.claim(RUN_ID, 1) == "sent"


TOO_LARGE = DatasetFile(uri="s3://artifacts/test.jsonl", records=9, tokens=MOST_HELD_OUT_TOKENS + 1)
TEST_FILE = S3Object(bucket="datasets", key="runs/answers/test.jsonl")


@pytest.mark.parametrize("again", [False, True])
def test_a_test_set_that_no_function_can_hold_is_refused_before_anything_is_paid(
    here: Here, *, again: bool
) -> None:
    """Also one that a retry has grown to that."""
    found = builders.dataset(test=TOO_LARGE)
    here.replace(f"validate_data.handler.{'retest' if again else 'validate_all'}", found)
    trained = {"dataset": builders.dataset(), "job": builders.job()} if again else {}

    with pytest.raises(InvalidDataset, match="a smaller test file"):
        here.call("validate_data", run=builders.run(test=TEST_FILE), **trained)


def test_the_test_set_of_a_trained_model_is_not_refused_afterwards(here: Here) -> None:
    """A new version may have another limit; the training is paid."""
    trained = builders.dataset(test=TOO_LARGE)
    here.replace("validate_data.handler.retest", trained)

    found = here.call("validate_data", run=builders.run(test=TEST_FILE), dataset=trained, job=builders.job())

    assert msgspec.convert(found, Dataset) == trained
