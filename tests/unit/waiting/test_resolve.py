from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tests import builders
from tests.recorded import recorded
from tests.unit.fake_bedrock import FakeBedrock, refusal
from tunedrop import catalog, clock
from tunedrop.aws import Aws
from tunedrop.contracts import CompletedJob, Estimate, ImportedBase, Run, Serving, Wait, WaitKind
from tunedrop.registry import Registry
from tunedrop.registry.spending import Spending, month_of
from tunedrop.stage import Stage
from tunedrop.training import engines
from tunedrop.waiting import approval
from tunedrop.waiting.resolve import Callbacks
from tunedrop.waiting.table import DEPLOYMENTS, Waits

COMPLETED = {
    "jobArn": builders.JOB_ARN,
    "jobName": "job",
    "status": "Completed",
    "outputModelArn": builders.MODEL_ARN,
    "outputDataConfig": {"s3Uri": "s3://artifacts/out/"},
}
IN_PROGRESS = COMPLETED | {"status": "InProgress"}


ESTIMATE = Estimate(lines=(), low=1, likely=2, high=3, budget_usd=1, approval_reasons=("over budget",))


class ListsOnly:
    """S3, as it answers who may not use an object's key: listed like any other, never read."""

    def __init__(self, *keys: str) -> None:
        self._keys = keys

    def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
        now = datetime.now(UTC)
        found = (key for key in self._keys if key.startswith(asked["Prefix"]))
        return {"Contents": [{"Key": key, "LastModified": now} for key in found]}

    def head_object(self, **_: Any) -> None:
        raise refusal("400", status=400)

    get_object = head_object


class Tokens:
    """Step Functions, as far as tokens go: each can be given back once."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send_task_success(self, **arguments: Any) -> None:
        self._send(arguments)

    def send_task_failure(self, **arguments: Any) -> None:
        self._send(arguments)

    def _send(self, arguments: dict[str, Any]) -> None:
        if arguments["taskToken"] in {sent["taskToken"] for sent in self.sent}:
            raise refusal("TaskTimedOut")
        self.sent.append(arguments)


@pytest.fixture
def tokens(aws: Aws) -> Tokens:
    tokens = Tokens()
    aws.step_functions = tokens
    return tokens


@pytest.fixture
def callbacks(aws: Aws, stage: Stage, registry: Registry, waits: Waits, intake: str) -> Callbacks:
    registry.register(builders.run())
    return Callbacks(aws, stage)


def test_a_token_is_given_back_when_the_job_is_done(
    aws: Aws, callbacks: Callbacks, registry: Registry, waits: Waits, tokens: Tokens
) -> None:
    aws.bedrock = FakeBedrock(get_model_customization_job=[IN_PROGRESS, COMPLETED])
    callbacks.register(builders.wait())
    assert tokens.sent == []

    callbacks.resolve_about(builders.JOB_ARN)

    (sent,) = tokens.sent
    assert msgspec.json.decode(sent["output"], type=CompletedJob).model_arn == builders.MODEL_ARN
    assert waits.of_run("persona-0123456789") == []
    record = registry.get("persona-0123456789")
    assert record is not None
    assert record.document("job", CompletedJob) is not None


def test_an_event_wakes_its_run_by_the_arn_that_its_documentation_shows(
    aws: Aws, callbacks: Callbacks, tokens: Tokens
) -> None:
    aws.bedrock = FakeBedrock(get_model_customization_job=[IN_PROGRESS, COMPLETED])
    callbacks.register(builders.wait())

    callbacks.resolve_about(recorded("customization-job-event")["detail"]["jobArn"])

    assert len(tokens.sent) == 1


def test_an_event_that_came_before_the_token_was_kept_is_not_lost(
    aws: Aws, callbacks: Callbacks, tokens: Tokens
) -> None:
    aws.bedrock = FakeBedrock(get_model_customization_job=COMPLETED)

    callbacks.register(builders.wait())

    assert len(tokens.sent) == 1


def test_an_event_delivered_twice_gives_the_token_back_once(
    aws: Aws, callbacks: Callbacks, waits: Waits, tokens: Tokens
) -> None:
    aws.bedrock = FakeBedrock(get_model_customization_job=COMPLETED)
    waits.register(builders.wait())

    callbacks.resolve_about(builders.JOB_ARN)
    callbacks.resolve_about(builders.JOB_ARN)

    assert len(tokens.sent) == 1


def test_a_lost_event_is_caught_by_the_schedule(
    aws: Aws, callbacks: Callbacks, waits: Waits, tokens: Tokens
) -> None:
    aws.bedrock = FakeBedrock(get_model_customization_job=COMPLETED)
    waits.register(builders.wait())

    callbacks.resolve_all()

    assert len(tokens.sent) == 1


def test_a_job_that_has_not_started_for_long_is_stopped_where_the_stage_says_so(
    aws: Aws, registry: Registry, waits: Waits, intake: str, tokens: Tokens
) -> None:
    del waits, intake
    registry.register(builders.run())
    registry.claim("STALLED", builders.JOB_ARN)  # it was announced before
    stage = builders.stage(stalled_after_seconds=60, stop_stalled=True)
    idle = IN_PROGRESS | {"statusDetails": {"trainingDetails": {"status": "NotStarted"}}}
    aws.bedrock = FakeBedrock(get_model_customization_job=idle, stop_model_customization_job={})

    Callbacks(aws, stage).register(builders.wait())

    (sent,) = tokens.sent
    assert sent["error"] == "CustomizationFailed"
    assert "AWS has not started training" in sent["cause"]


def test_a_wait_that_failed_a_moment_ago_is_left_to_its_event_or_a_signal(
    aws: Aws, callbacks: Callbacks, waits: Waits, tokens: Tokens
) -> None:
    """The schedule comes each minute, and looks again later and later."""
    aws.bedrock = bedrock = FakeBedrock(get_model_customization_job=refusal("AccessDeniedException"))
    waits.register(builders.wait())

    looks = []
    for look in (
        callbacks.resolve_all,
        callbacks.resolve_all,
        lambda: callbacks.resolve_about(builders.JOB_ARN),
        lambda: callbacks.resolve_run(builders.wait().run_id),
    ):
        look()
        looks.append(len(bedrock.called("get_model_customization_job")))

    assert looks == [1, 1, 2, 3]
    assert tokens.sent == []


def test_a_failed_job_fails_the_run_with_bedrocks_reason(
    aws: Aws, callbacks: Callbacks, tokens: Tokens
) -> None:
    failed = COMPLETED | {"status": "Failed", "failureMessage": "too few records"}
    aws.bedrock = FakeBedrock(get_model_customization_job=failed)

    callbacks.register(builders.wait())

    assert tokens.sent[0]["error"] == "CustomizationFailed"
    assert "too few records" in tokens.sent[0]["cause"]


FAILED = IN_PROGRESS | {"status": "Failed", "failureMessage": "bad data"}
STOPPED = IN_PROGRESS | {"status": "Stopped"}


@pytest.mark.parametrize(
    ("several", "job", "told"),
    [
        (False, IN_PROGRESS, None),
        (False, COMPLETED, "model_arn"),
        (False, FAILED, "CustomizationFailed"),
        (False, STOPPED, "RunStopped"),
        # Of a search, start_customization sees what is next, however one of its jobs has ended.
        (True, IN_PROGRESS, None),
        (True, COMPLETED, "job_arn"),
        (True, FAILED, "job_arn"),
        (True, STOPPED, "job_arn"),
    ],
)
def test_a_job_of_several_that_ended_lets_the_next_begin(
    aws: Aws, stage: Stage, registry: Registry, waits: Waits, intake: str, tokens: Tokens,
    several: bool, job: dict[str, Any], told: str | None,
) -> None:  # fmt: skip
    del waits, intake
    search = ({"epochCount": "1"}, {"epochCount": "2"})
    registry.register(builders.run(candidates=search if several else ()))
    aws.bedrock = FakeBedrock(get_model_customization_job=job)

    Callbacks(aws, stage).register(builders.wait())

    assert len(tokens.sent) == (told is not None)
    for sent in tokens.sent:
        output = msgspec.json.decode(sent["output"]) if "output" in sent else {}
        assert told in output or told == sent.get("error")
        assert output.keys() == {"job_arn"} if several else True


def test_throttling_while_parking_lets_step_functions_try_again(
    aws: Aws, callbacks: Callbacks, tokens: Tokens
) -> None:
    aws.bedrock = FakeBedrock(get_model_customization_job=refusal("ThrottlingException", status=429))

    callbacks.register(builders.wait())

    assert tokens.sent[0]["error"] == "TransientError"


@pytest.mark.parametrize("base_model", [builders.run().base_model, "amazon.gone-v1:0"])
def test_slots_are_granted_in_the_order_of_arrival(
    aws: Aws, callbacks: Callbacks, registry: Registry, waits: Waits, tokens: Tokens, base_model: str
) -> None:
    """Also beside a run whose base model the catalog has no more."""
    for number in (3, 1, 2):
        run = builders.run(run_id=f"run-{number}", **({"base_model": base_model} if number == 2 else {}))
        registry.register(run)
        waits.register(
            builders.wait(
                run_id=run.run_id,
                kind="slot",
                subject=run.run_id,
                token=f"token-of-{number}",
                arrived_at=f"2026-11-23T10:00:0{number}Z",
            )
        )
    busy = {"modelCustomizationJobSummaries": [{}]}
    free = {"modelCustomizationJobSummaries": []}
    aws.bedrock = FakeBedrock(list_model_customization_jobs=[busy, free])

    callbacks.grant_slots()

    assert [sent["taskToken"] for sent in tokens.sent] == ["token-of-1"]
    assert [wait.run_id for wait in waits.of_kind("slot")] == ["run-2", "run-3"]


@pytest.mark.parametrize("signal", ["approve/1-0a", "stop/2"])
def test_no_signal_lets_a_run_jump_the_queue(
    aws: Aws, stage: Stage, callbacks: Callbacks, waits: Waits, tokens: Tokens, signal: str
) -> None:
    """Whoever may put a signal could otherwise have a run let in before all others."""
    aws.bedrock = FakeBedrock(
        list_model_customization_jobs={
            "modelCustomizationJobSummaries": [{"jobArn": builders.JOB_ARN}] * stage.customization_quota
        },
        list_custom_model_deployments={"modelDeploymentSummaries": []},
    )
    kinds: tuple[WaitKind, ...] = ("slot", "deployment")
    for kind in kinds:
        waits.register(builders.wait(kind=kind, subject="persona-0123456789", token=kind))
    waits.note_refusal(0, DEPLOYMENTS)
    aws.s3.put_object(Bucket=stage.intake_bucket, Key=f"runs/persona-0123456789/{signal}")

    assert callbacks.resolve_run("persona-0123456789") == []
    assert tokens.sent == []


def approval_of(run: Run, estimate: Estimate) -> Wait:
    return builders.wait(run_id=run.run_id, kind="approval", subject=approval.key_of(run, estimate))


def test_an_approve_object_approves(aws: Aws, stage: Stage, callbacks: Callbacks, tokens: Tokens) -> None:
    wait = approval_of(builders.run(), ESTIMATE)
    aws.s3.put_object(Bucket=stage.intake_bucket, Key=wait.subject)

    callbacks.register(wait)

    assert "approved_at" in tokens.sent[0]["output"]


@pytest.mark.parametrize(
    ("run", "estimate"),
    [
        (builders.run(attempt=2), ESTIMATE),
        (builders.run(), msgspec.structs.replace(ESTIMATE, likely=115_442.0)),
        (builders.run(run_id="persona-9876543210"), ESTIMATE),
        (builders.run(run_id="victim-0123456789", name="persona-0123456789"), ESTIMATE),
    ],
    ids=["the next attempt", "another estimate", "a run of the same name", "a run named like another's id"],
)
def test_an_approval_approves_one_estimate_of_one_attempt_at_one_run(
    aws: Aws,
    stage: Stage,
    callbacks: Callbacks,
    registry: Registry,
    tokens: Tokens,
    run: Run,
    estimate: Estimate,
) -> None:
    registry.register(run)
    approved = approval.key_of(builders.run(), ESTIMATE)
    for key in (approved, f"runs/{run.name}/approve", f"runs/{run.run_id}/approve", f"{approved}/{run.name}"):
        aws.s3.put_object(Bucket=stage.intake_bucket, Key=key)

    callbacks.register(approval_of(run, estimate))

    assert tokens.sent == []


def test_an_approval_that_nobody_can_read_counts(callbacks: Callbacks, aws: Aws, tokens: Tokens) -> None:
    """An object encrypted with its uploader's own key is answered by 400; it is there all the same."""
    wait = approval_of(builders.run(), ESTIMATE)
    aws.s3 = ListsOnly(wait.subject)

    callbacks.register(wait)

    assert "approved_at" in tokens.sent[0]["output"]


def test_an_approval_that_nobody_gave_refuses_the_run(
    callbacks: Callbacks, waits: Waits, tokens: Tokens
) -> None:
    wait = builders.wait(kind="approval", subject="persona-0123456789", expires_at="2026-11-23T10:02:00Z")
    waits.register(wait)

    callbacks.resolve_all()

    assert tokens.sent[0]["error"] == "OverBudget"
    assert "Nothing was paid" in tokens.sent[0]["cause"]


def test_a_retry_that_nobody_approved_has_cost_something_and_is_not_uploaded_again(
    callbacks: Callbacks, registry: Registry, waits: Waits, tokens: Tokens
) -> None:
    registry.register(builders.run(attempt=2, spent_before_usd=12.5, trained_before=True))
    waits.register(
        builders.wait(kind="approval", subject="persona-0123456789", expires_at="2026-11-23T10:02:00Z")
    )

    callbacks.resolve_all()

    assert "Nothing more was paid" in tokens.sent[0]["cause"]
    assert "upload it again" not in tokens.sent[0]["cause"]


def test_a_stop_ends_whatever_the_run_waits_for(
    aws: Aws, callbacks: Callbacks, registry: Registry, waits: Waits, tokens: Tokens
) -> None:
    aws.bedrock = FakeBedrock(get_model_customization_job=IN_PROGRESS)
    waits.register(builders.wait())
    registry.request_stop(builders.run(), by="ann")

    callbacks.resolve_run("persona-0123456789")

    assert tokens.sent[0]["error"] == "RunStopped"
    assert "ann" in tokens.sent[0]["cause"]


def test_a_stop_object_whose_event_was_lost_is_found_by_the_schedule(
    aws: Aws, stage: Stage, callbacks: Callbacks, waits: Waits, tokens: Tokens
) -> None:
    aws.bedrock = FakeBedrock(get_model_customization_job=IN_PROGRESS)
    waits.register(builders.wait())
    aws.s3.put_object(Bucket=stage.intake_bucket, Key="runs/persona-0123456789/stop/1")

    callbacks.resolve_all()

    assert tokens.sent[0]["error"] == "RunStopped"


@pytest.mark.parametrize("key", ["stop", "stop/2", "stop/11", "stop/1/more"])
def test_a_stop_of_another_attempt_stops_nothing(
    aws: Aws, stage: Stage, callbacks: Callbacks, waits: Waits, tokens: Tokens, key: str
) -> None:
    aws.bedrock = FakeBedrock(get_model_customization_job=IN_PROGRESS)
    waits.register(builders.wait())
    aws.s3.put_object(Bucket=stage.intake_bucket, Key=f"runs/persona-0123456789/{key}")
    aws.s3.put_object(Bucket=stage.intake_bucket, Key="runs/persona/stop")

    callbacks.resolve_all()

    assert tokens.sent == []


@pytest.mark.parametrize(("resumed", "stopped"), [(-60, True), (60, False)])
def test_a_stop_that_was_there_before_its_attempt_began_stops_nothing(
    aws: Aws, stage: Stage, callbacks: Callbacks, waits: Waits, tokens: Tokens, registry: Registry,
    resumed: int, stopped: bool,
) -> None:  # fmt: skip
    """Else whoever leaves stops beforehand has a run stopped as often as it is retried."""
    aws.bedrock = FakeBedrock(get_model_customization_job=IN_PROGRESS)
    run = registry.get("persona-0123456789").run  # type: ignore[union-attr]
    registry.end(run.run_id, "failed", None)
    moment = clock.after(clock.now(), resumed)
    registry.reopen(msgspec.structs.replace(run, attempt=2, resumed_at=moment))
    waits.register(builders.wait())
    aws.s3.put_object(Bucket=stage.intake_bucket, Key="runs/persona-0123456789/stop/2")

    callbacks.resolve_all()

    assert [one["error"] for one in tokens.sent] == ["RunStopped"] * stopped


def test_a_stop_that_is_delivered_after_the_run_went_on_stops_nothing(registry: Registry) -> None:
    run = builders.run()
    registry.register(run)
    registry.end(run.run_id, "stopped", None)
    registry.reopen(msgspec.structs.replace(run, attempt=2, execution_arn="another"))

    assert not registry.request_stop(run, by="ann")

    record = registry.get(run.run_id)
    assert record is not None
    assert not record.stop_requested_by


def test_a_newer_token_is_not_forgotten_with_an_older_one(waits: Waits) -> None:
    old = builders.wait(token="old")
    waits.register(old)
    waits.register(builders.wait(token="new"))

    waits.remove(old)

    assert [wait.token for wait in waits.of_run("persona-0123456789")] == ["new"]


def test_a_stale_look_at_the_queue_promises_no_slot_to_a_run_that_has_started(
    aws: Aws, callbacks: Callbacks, waits: Waits, tokens: Tokens
) -> None:
    aws.bedrock = FakeBedrock(list_model_customization_jobs={"modelCustomizationJobSummaries": []})
    waits.register(builders.wait(kind="slot", subject="persona-0123456789"))
    stale = waits.of_kind("slot")
    callbacks.grant(stale)
    waits.give_up_slot("persona-0123456789")

    callbacks.grant(stale)

    assert len(tokens.sent) == 1
    assert waits.reserved_slots() == []


def test_two_functions_at_once_let_a_run_in_once(
    aws: Aws, callbacks: Callbacks, waits: Waits, tokens: Tokens
) -> None:
    aws.bedrock = FakeBedrock(list_model_customization_jobs={"modelCustomizationJobSummaries": []})
    waits.register(builders.wait(kind="slot", subject="persona-0123456789"))
    both_have_read = waits.of_kind("slot")

    callbacks.grant(both_have_read)
    callbacks.grant(both_have_read)

    assert len(tokens.sent) == 1
    assert waits.reserved_slots() == ["persona-0123456789"]


@pytest.mark.parametrize("status", ["Completed", "Failed"])
def test_a_wait_for_an_evaluation_job_ends_well_however_the_job_has_ended(
    aws: Aws, callbacks: Callbacks, tokens: Tokens, status: str
) -> None:
    """evaluate_model then decides, with its ratings or without."""
    arn = "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/abcdefghij12"
    aws.bedrock = FakeBedrock(get_evaluation_job=[{"status": "InProgress"}, {"status": status}])
    callbacks.register(builders.wait(kind="judging", subject=arn))
    assert tokens.sent == []

    callbacks.resolve_all()

    assert "output" in tokens.sent[0]


class Watched(Tokens):
    """Notes whether the wait is still kept at the moment at which its token is given back."""

    def __init__(self, waits: Waits, error: Exception | None = None) -> None:
        super().__init__()
        self._waits, self._error = waits, error
        self.kept: list[bool] = []

    def _send(self, arguments: dict[str, Any]) -> None:
        self.kept.append(bool(self._waits.of_run("persona-0123456789")))
        if self._error is not None:
            raise self._error
        super()._send(arguments)


@pytest.mark.parametrize("status", ["Completed", "Failed"])
def test_a_token_is_sent_before_its_wait_is_forgotten(
    aws: Aws, callbacks: Callbacks, waits: Waits, status: str
) -> None:
    """Who dies between the two sends it twice; the other way round a run would wait for ever."""
    aws.step_functions = watched = Watched(waits)
    aws.bedrock = FakeBedrock(get_model_customization_job=[IN_PROGRESS, COMPLETED | {"status": status}])
    callbacks.register(builders.wait())

    callbacks.resolve_about(builders.JOB_ARN)

    assert watched.kept == [True]
    assert waits.of_run("persona-0123456789") == []


@pytest.mark.parametrize(
    ("code", "kept"),
    [
        ("TaskTimedOut", False),
        ("TaskDoesNotExist", False),
        ("InvalidToken", False),
        ("ThrottlingException", True),
        ("AccessDeniedException", True),
        ("KmsAccessDeniedException", True),
    ],
)
def test_a_wait_is_forgotten_when_its_token_is_gone_and_kept_when_it_was_refused(
    aws: Aws, callbacks: Callbacks, waits: Waits, code: str, kept: bool
) -> None:
    aws.step_functions = Watched(waits, refusal(code))
    aws.bedrock = FakeBedrock(get_model_customization_job=[IN_PROGRESS, COMPLETED])
    callbacks.register(builders.wait())

    callbacks.resolve_about(builders.JOB_ARN)

    assert bool(waits.of_run("persona-0123456789")) == kept


def test_an_approved_run_counts_in_the_month_of_its_approval(
    aws: Aws, stage: Stage, callbacks: Callbacks, waits: Waits, tokens: Tokens
) -> None:
    spending = Spending(aws.dynamodb, stage.registry_table)
    spending.estimate(builders.run(), lambda _: ESTIMATE)
    wait = approval_of(builders.run(), ESTIMATE)
    waits.register(wait)
    before = spending.read(month_of(clock.now()))

    aws.s3.put_object(Bucket=stage.intake_bucket, Key=wait.subject)
    callbacks.resolve_run(wait.run_id)

    after = spending.read(month_of(clock.now()))
    assert (before.counted(), before.requested()) == (0, 2)
    assert (after.counted(), after.requested()) == (2, 0)


def test_the_end_of_a_job_lets_in_whoever_has_waited_longest(
    aws: Aws, callbacks: Callbacks, registry: Registry, waits: Waits, tokens: Tokens
) -> None:
    for number in (2, 1):
        registry.register(builders.run(run_id=f"run-{number}"))
        waits.register(
            builders.wait(
                run_id=f"run-{number}", kind="slot", subject=f"run-{number}", token=f"slot-of-{number}",
                arrived_at=f"2026-11-23T10:00:0{number}Z",
            )
        )  # fmt: skip
    waits.register(builders.wait())
    aws.bedrock = FakeBedrock(
        get_model_customization_job=COMPLETED,
        list_model_customization_jobs={"modelCustomizationJobSummaries": []},
    )

    callbacks.resolve_about(builders.JOB_ARN)

    assert [one["taskToken"] for one in tokens.sent][:2] == ["token-1", "slot-of-1"]


def test_a_slot_whose_run_has_ended_is_free_again(
    aws: Aws, callbacks: Callbacks, waits: Waits, tokens: Tokens
) -> None:
    aws.bedrock = FakeBedrock(list_model_customization_jobs={"modelCustomizationJobSummaries": []})
    wait = builders.wait(kind="slot", subject="persona-0123456789")
    tokens.sent.append({"taskToken": wait.token})  # Step Functions refuses it from now on
    waits.register(wait)

    callbacks.grant_slots()

    assert waits.of_kind("slot") == []
    assert waits.reserved_slots() == []


def test_a_run_that_comes_back_to_its_queue_keeps_its_place(waits: Waits) -> None:
    first = waits.register(builders.wait(kind="slot", arrived_at="2026-11-23T10:00:00Z", token="first"))

    again = waits.register(builders.wait(kind="slot", arrived_at="2026-11-23T11:00:00Z", token="again"))

    assert (again.arrived_at, again.token) == (first.arrived_at, "again")
    assert waits.of_kind("slot") == [again]


@pytest.mark.parametrize(
    ("for_a_person", "approved"),
    [
        ({}, True),
        ({"unrelated_to": "persona-9"}, False),
        ({"uncompared_with": "persona-9"}, False),
        ({"put_by_hand": "arn:copy"}, False),
    ],
)
def test_silence_approves_where_the_stage_says_so_but_never_gives_a_name_away(
    aws: Aws, registry: Registry, waits: Waits, tokens: Tokens, intake: str, for_a_person: dict[str, str],
    approved: bool,
) -> None:  # fmt: skip
    run = builders.run()
    registry.register(run)
    registry.save(run.run_id, estimate=msgspec.structs.replace(ESTIMATE, **for_a_person))
    waits.register(builders.wait(kind="approval", subject=run.run_id, expires_at="2026-11-23T10:02:00Z"))

    Callbacks(aws, builders.stage(when_unanswered="approve")).resolve_all()

    assert ("output" in tokens.sent[0]) == approved


JOBS = "arn:aws:bedrock:us-east-1:111122223333:model-import-job/"
MODELS = "arn:aws:bedrock:us-east-1:111122223333:imported-model/"


class Imports:
    """Bedrock's answers about two imports, of the tuned model and of its base, as a test says they stand."""

    def __init__(self, **status: str) -> None:
        self.status = status

    def get_model_import_job(self, jobIdentifier: str) -> dict[str, Any]:  # noqa: N803 - boto's name
        name = jobIdentifier.rpartition("/")[2]
        found = {"jobArn": jobIdentifier, "status": self.status[name], "failureMessage": "out of luck"}
        return found | ({"importedModelArn": MODELS + name} if self.status[name] == "Completed" else {})

    def get_imported_model(self, modelIdentifier: str) -> dict[str, Any]:  # noqa: N803
        return {"modelArn": modelIdentifier, "customModelUnits": {"customModelUnitsPerModelCopy": 2}}


def test_a_run_goes_on_when_its_model_and_the_base_model_are_imported(
    aws: Aws, callbacks: Callbacks, registry: Registry, tokens: Tokens
) -> None:
    aws.bedrock = imports = Imports(tuned="Completed", base="InProgress")
    serving = builders.serving(way="imported", arn=f"{JOBS}tuned", base=ImportedBase(arn=f"{JOBS}base"))
    registry.save(builders.run().run_id, serving=msgspec.structs.replace(serving, created_at=clock.now()))
    callbacks.register(builders.wait(kind="throughput", subject=f"{JOBS}tuned"))
    assert tokens.sent == []

    imports.status["base"] = "Completed"
    callbacks.resolve_all()

    (sent,) = tokens.sent
    found = msgspec.json.decode(sent["output"], type=Serving)
    assert (found.arn, found.base) == (f"{MODELS}tuned", ImportedBase(arn=f"{MODELS}base", units=2))


def test_a_run_whose_base_model_cannot_be_imported_goes_on_and_says_so(
    aws: Aws, callbacks: Callbacks, registry: Registry, tokens: Tokens
) -> None:
    aws.bedrock = Imports(tuned="Completed", base="Failed")
    serving = builders.serving(way="imported", arn=f"{JOBS}tuned", base=ImportedBase(arn=f"{JOBS}base"))
    registry.save(builders.run().run_id, serving=serving)

    callbacks.register(builders.wait(kind="throughput", subject=f"{JOBS}tuned"))

    (sent,) = tokens.sent
    base = msgspec.json.decode(sent["output"], type=Serving).base
    assert base == ImportedBase(failure="Bedrock could not import it: out of luck")


def test_a_run_whose_base_model_the_catalog_has_lost_waits_as_one_of_the_default_and_holds_up_no_other(
    aws: Aws, callbacks: Callbacks, registry: Registry, waits: Waits, tokens: Tokens
) -> None:
    """As after a deployment whose catalog lacks it."""
    aws.bedrock = FakeBedrock(list_model_customization_jobs={"modelCustomizationJobSummaries": []})
    registry.register(builders.run(run_id="gone-0123456789", base_model="gone.model-v1:0"))
    for number, run_id in enumerate(("gone-0123456789", "persona-0123456789")):
        waits.register(
            builders.wait(
                run_id=run_id,
                kind="slot",
                subject=run_id,
                token=run_id,
                arrived_at=f"2026-11-23T10:0{number}:00Z",
            )
        )

    callbacks.resolve_all()

    assert [one["taskToken"] for one in tokens.sent] == ["gone-0123456789", "persona-0123456789"]
    assert callbacks.troubles.failed == []


def test_an_engine_that_does_not_answer_holds_up_only_its_own_queue(
    aws: Aws, registry: Registry, waits: Waits, intake: str, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    del intake
    mantle = next(one.id for one in catalog.load().values() if one.engine == "mantle")
    aws.bedrock = FakeBedrock(list_model_customization_jobs={"modelCustomizationJobSummaries": []})
    registry.register(builders.run(run_id="mantle-0123456789", base_model=mantle))
    registry.register(builders.run())

    def down(*_: Any) -> int:
        raise refusal("ServiceUnavailableException")

    monkeypatch.setattr(type(engines.named("mantle")), "in_progress", down)
    for number, run_id in enumerate(("mantle-0123456789", "persona-0123456789")):
        moment = f"2026-11-23T10:0{number}:00Z"
        waits.register(
            builders.wait(run_id=run_id, kind="slot", subject=run_id, token=run_id, arrived_at=moment)
        )
    callbacks = Callbacks(aws, builders.stage(engines=("bedrock", "mantle")))

    callbacks.resolve_all()

    assert [one["taskToken"] for one in tokens.sent] == ["persona-0123456789"]
    assert [one.subject for one in callbacks.troubles.failed] == ["slots of mantle"]
