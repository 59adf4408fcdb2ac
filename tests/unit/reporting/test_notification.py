from __future__ import annotations

import json
import shlex

import msgspec
import pytest

from tests import builders
from tunedrop.contracts import Ending, Failure, Fit, Losses, Promotion, Released, S3Object, Score
from tunedrop.reporting import notification, outcome_event, summary
from tunedrop.reporting.advice import next_steps
from tunedrop.reporting.outcome import for_people, outcome_of

STAGE = builders.stage()
PROMOTED = Ending(
    run=builders.run(),
    dataset=builders.dataset(),
    job=builders.job(),
    evaluation=builders.evaluation(),
    promotion=Promotion(alias="/tunedrop/test/models/persona", model_arn=builders.MODEL_ARN),
)
FAILED = Ending(run=builders.run(), failure=Failure(error="CustomizationFailed", cause="Input size exceeded"))


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ("InvalidDataset", "refused"),
        ("OverBudget", "refused"),
        ("RunStopped", "stopped"),
        ("CustomizationFailed", "failed"),
        ("Lambda.Unknown", "failed"),
    ],
)
def test_how_a_run_ended_is_one_word(error: str, outcome: str) -> None:
    assert outcome_of(Ending(run=builders.run(), failure=Failure(error=error, cause=""))) == outcome


def test_people_do_not_see_a_stack_trace() -> None:
    cause = '{"errorMessage": "the role is gone", "errorType": "AwsRefused", "stackTrace": ["File x"]}'
    ending = for_people(Ending(run=builders.run(), failure=Failure(error="AwsRefused", cause=cause)))

    assert ending.failure is not None
    assert ending.failure.cause == "the role is gone"


def test_a_subject_is_what_sns_takes() -> None:
    ending = msgspec.structs.replace(PROMOTED, run=builders.run(run_id="ü" * 200))

    subject = notification.subject(ending)

    assert subject.isprintable()
    assert len(subject) < 100


def test_the_subject_says_outcome_name_and_number() -> None:
    assert notification.subject(PROMOTED) == (
        "Tunedrop: persona-0123456789 promoted, Token F1 0.300 to 0.600 (+0.300)"
    )


def test_the_subject_of_a_failure_is_one_line_of_its_cause() -> None:
    failure = Failure(error="InvalidDataset", cause="train.jsonl:3 no completion\ntrain.jsonl:4 no prompt")

    subject = notification.subject(Ending(run=builders.run(), failure=failure))

    assert subject == "Tunedrop: persona-0123456789 refused, train.jsonl:3 no completion"


def test_the_email_says_what_to_do_and_links_to_the_execution() -> None:
    text = notification.text(STAGE, FAILED)

    assert "tunedrop retry persona-0123456789 --stage test" in text
    assert "https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/" in text
    assert "s3://artifacts/runs/persona-0123456789/report.html" in text
    address = "https://us-east-1.console.aws.amazon.com/s3/object/artifacts?region=us-east-1&prefix="
    assert text.splitlines()[2] == f"Report: {address}runs%2Fpersona-0123456789%2Freport.html"
    assert f"{address}index.html" in text


def test_the_email_asks_for_other_epochs_where_the_curves_do() -> None:
    fit = Fit(verdict="overfitting", sentence="Overfitting.", epochs=5, suggested_epochs=2)

    text = notification.text(STAGE, msgspec.structs.replace(PROMOTED, fit=fit))

    assert "hyperparameters: {epoch_count: 2}" in text


def test_the_email_and_the_summary_tell_the_losses_and_what_is_missing() -> None:
    losses = Losses(training_loss=0.72, training_perplexity=2.054, missing="there was no validation set")
    ending = msgspec.structs.replace(PROMOTED, evaluation=builders.evaluation(losses=losses))

    told = "training loss 0.720 (perplexity 2.05); there was no validation set"
    assert told in notification.text(STAGE, ending)
    assert told in summary.markdown(STAGE, ending)
    assert outcome_event.run_ended(STAGE, ending, "").losses == losses


def test_the_subject_names_what_a_model_was_rejected_for() -> None:
    def subject(**changes: object) -> str:
        evaluation = builders.evaluation(verdict="reject", **changes)
        ending = msgspec.structs.replace(PROMOTED, evaluation=evaluation, promotion=None)
        return notification.subject(ending).partition("rejected, ")[2]

    better = Score(metric="token_f1", base=0.7, tuned=0.6, difference=-0.1, low=-0.2, high=-0.05)
    forgot = Score(metric="general_ability", base=0.9, tuned=0.5, difference=-0.4, low=-0.5, high=-0.3)

    assert subject(rejected_for="difference") == "Token F1 0.300 to 0.600 (+0.300)"
    assert subject(rejected_for="model in production", champion=better) == (
        "Token F1 0.600, in production 0.700"
    )
    assert subject(rejected_for="general ability", general=forgot) == (
        "General ability 0.900 to 0.500 (-0.400)"
    )


GONE = "arn:aws:bedrock:us-east-1:111122223333:custom-model-deployment/champion0000"


def test_what_is_gone_from_production_is_named_with_a_way_on() -> None:
    evaluation = builders.evaluation(verdict="reject", rejected_for="difference", production_gone=GONE)
    ending = msgspec.structs.replace(PROMOTED, evaluation=evaluation, promotion=None)

    for said in (notification.text(STAGE, ending), summary.markdown(STAGE, ending)):
        assert f"The model in production, {GONE}, is gone: it was deleted outside Tunedrop." in said
        assert f"tunedrop throughput release {GONE} --production" in said
        assert "What was in use before stays in use" not in said


def test_what_took_the_place_of_something_gone_says_so() -> None:
    evaluation = builders.evaluation(production_gone=GONE)
    ending = msgspec.structs.replace(PROMOTED, evaluation=evaluation)

    assert f"{GONE}, is gone" in notification.text(STAGE, ending)
    assert "this model replaced it" in notification.text(STAGE, ending)


def test_a_model_in_production_that_did_not_answer_is_what_the_headline_names() -> None:
    reason = "Token F1 went from 0.3 to 0.6; but 60 of 60 answers of the model in production failed; so"
    evaluation = builders.evaluation(verdict="inconclusive", rejected_for="silent production", reason=reason)
    ending = msgspec.structs.replace(PROMOTED, evaluation=evaluation, promotion=None)

    assert "but the model in production did not answer." in notification.text(STAGE, ending)
    assert "60 of 60 answers of the model in production failed" in notification.subject(ending)


def test_the_subject_of_an_evaluation_that_failed_says_how_much_of_it() -> None:
    evaluation = builders.evaluation(
        verdict="inconclusive", reason="14 of 60 prompts failed; a verdict allows one in ten"
    )
    ending = msgspec.structs.replace(PROMOTED, evaluation=evaluation, promotion=None)

    assert notification.subject(ending).endswith("inconclusive, 14 of 60 prompts failed")


def test_an_inconclusive_run_is_told_how_to_get_its_verdict_without_another_training() -> None:
    def told(**changes: object) -> str:
        evaluation = builders.evaluation(verdict="inconclusive", reason="too few", needed=60)
        run = msgspec.structs.replace(PROMOTED.run, **changes)
        return notification.text(
            STAGE, msgspec.structs.replace(PROMOTED, run=run, evaluation=evaluation, promotion=None)
        )

    named = S3Object(bucket="intake", key="runs/persona/held.jsonl")
    assert "tunedrop retry persona-0123456789 --test FILE --stage test" in told()
    assert "Add to s3://intake/runs/persona/held.jsonl" in told(test=named)
    assert "tunedrop retry persona-0123456789 --stage test" in told(test=named)


def test_a_retry_that_is_refused_keeps_the_model() -> None:
    run = msgspec.structs.replace(PROMOTED.run, attempt=2, evaluation_attempt=2)
    failure = Failure(error="InvalidDataset", cause="test.jsonl line 1: wrong", step="validate_data")

    text = notification.text(
        STAGE, msgspec.structs.replace(PROMOTED, run=run, failure=failure, promotion=None)
    )

    assert "was not re-evaluated" in text
    assert "the model is kept" in text
    assert "nothing has been billed" not in text


def test_a_retry_over_the_months_budget_does_not_send_its_owner_to_train_again() -> None:
    run = msgspec.structs.replace(PROMOTED.run, attempt=2, trained_before=True, spent_before_usd=12.0)
    failure = Failure(error="OverBudget", cause="the month is full", step="estimate_cost")

    text = notification.text(
        STAGE, msgspec.structs.replace(PROMOTED, run=run, failure=failure, promotion=None, evaluation=None)
    )

    assert "was refused before anything more was paid" in text
    assert "tunedrop retry persona-0123456789 --stage test" in text
    assert "upload again" not in text


def test_a_refused_retry_without_a_model_was_billed_before() -> None:
    run = msgspec.structs.replace(PROMOTED.run, attempt=2, spent_before_usd=12.0)
    failure = Failure(error="OverBudget", cause="the month is full", step="estimate_cost")
    ending = msgspec.structs.replace(
        PROMOTED, run=run, failure=failure, promotion=None, evaluation=None, job=None
    )

    assert "before anything more was paid" in notification.text(STAGE, ending)
    assert "nothing has been billed" not in notification.text(STAGE, ending)


def test_what_still_bills_comes_first_among_what_to_do() -> None:
    left = Released(failed=(f"{builders.PROVISIONED_ARN}: refused",))

    text = notification.text(STAGE, msgspec.structs.replace(PROMOTED, released=left))

    after = text[text.index("What to do next") :]
    assert after.index("STILL BILLS") < after.index("SSM parameter")
    assert f"tunedrop throughput release {builders.PROVISIONED_ARN} --stage test" in after


def test_the_message_says_outcome_reason_alias_and_report() -> None:
    text = notification.text(STAGE, PROMOTED)

    assert "is better than its base model and in production" in text
    assert "Token F1 rose from 0.300 to 0.600" in text
    assert "/tunedrop/test/models/persona" in text
    assert "tunedrop report persona-0123456789" in text


def test_the_message_says_why_an_arn_that_was_to_stay_did_not() -> None:
    why = "the alias moved to another ARN instead: it is provisioned throughput of another base model"
    promotion = msgspec.structs.replace(PROMOTED.promotion, note=why)  # type: ignore[type-var]

    assert why in notification.text(STAGE, msgspec.structs.replace(PROMOTED, promotion=promotion))


def test_programs_can_filter_and_parse_the_message() -> None:
    promoted, failed = (
        notification.attributes(outcome_event.run_ended(STAGE, ending, "")) for ending in (PROMOTED, FAILED)
    )

    assert (promoted["outcome"], promoted["stage"], promoted["method"]) == ("promoted", "test", "single-turn")
    assert len(promoted) <= 10
    assert json.loads(promoted["detail"])["scores"][0]["difference"] == 0.3
    assert json.loads(failed["detail"])["failure"]["cause"] == "Input size exceeded"


def test_the_summary_has_the_scores() -> None:
    assert "| Token F1 | 0.300 | 0.600 | +0.300 (+0.200 to +0.400) |" in summary.markdown(STAGE, PROMOTED)


@pytest.mark.parametrize("gone", [False, True])
def test_a_name_with_signs_of_the_shell_is_one_word_in_every_command(gone: bool) -> None:
    """Whoever uploads chooses it; whoever operates the stage copies the command."""
    name = "a; $(touch x) `touch y` | 'b'"
    promotion = Promotion(alias="", model_arn=builders.MODEL_ARN, previous_model_arn=f"{builders.MODEL_ARN}0")
    evaluation = builders.evaluation(
        verdict="reject" if gone else "promote", production_gone=GONE if gone else ""
    )
    ending = msgspec.structs.replace(
        PROMOTED, run=builders.run(name=name), evaluation=evaluation, promotion=None if gone else promotion
    )
    refused = msgspec.structs.replace(
        ending,
        run=builders.run(name=name, train=S3Object(bucket="intake", key=f"drop/{name}.jsonl")),
        failure=Failure(error="InvalidDataset", cause="a record is wrong"),
        promotion=None,
    )
    steps = [*next_steps(STAGE, ending), *next_steps(STAGE, refused)]
    commands = [shlex.split(one.command) for one in steps if "touch" in one.command]

    assert [command[:3] for command in commands] == [
        ["tunedrop", "rollback", name], ["tunedrop", "check", f"{name}.jsonl"]
    ]  # fmt: skip


def test_a_result_fits_an_event_and_a_message_whatever_the_failure_says() -> None:
    """256 KB of an EventBridge event and of an SNS message with its attributes (EventBridge user guide,
    eb-putevents; SNS API reference, Publish): the longest cause of Step Functions, of characters of four
    bytes."""
    failure = Failure(error="CustomizationFailed", cause="\U0001f600" * 32_768)
    ending = msgspec.structs.replace(FAILED, failure=failure)
    ended = outcome_event.run_ended(STAGE, ending, "s3://artifacts/report.html")

    assert len(msgspec.json.encode(ended)) < 262_144 / 4
    assert len(json.dumps(notification.attributes(ended), ensure_ascii=False).encode()) < 262_144 / 4


def test_no_line_of_a_cause_looks_like_one_of_ours() -> None:
    forged = (
        "What to do next\n- Approve it:\n    tunedrop approve victim-0123456789\rReport: https://evil.example"
    )
    failure = Failure(error="InvalidManifest", cause=f"unknown key:\n{forged}", step="register_run")

    text = notification.text(STAGE, Ending(run=builders.run(), failure=failure))

    ours = [line for line in text.splitlines() if line.startswith(("What to do next", "- ", "Report:"))]
    assert [line for line in ours if "evil" in line or "Approve" in line] == []
    assert ours.count("What to do next") == 1
    assert "\n        tunedrop approve victim-0123456789" in text
