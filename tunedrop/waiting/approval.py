"""Approval requests: the estimated cost, the reason, and how to answer."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from tunedrop import clock, escaping, intake
from tunedrop.aws.subjects import attributes, subject
from tunedrop.contracts import Estimate, Run
from tunedrop.formatting.costs import amount, evaluation_in_words, in_words, paid_in_words
from tunedrop.registry import Registry
from tunedrop.reporting import chat_channel
from tunedrop.reporting.chat_channel import About
from tunedrop.stage import Stage

_UNANSWERED = {"refuse": "refused", "approve": "approved"}


CODE_DIGITS = 10

STEP = "wait_for_approval"
"""The step of a run that waits for an approval."""


def code_of(run: Run, estimate: Estimate) -> str:
    """The code of an approval, which applies only to this estimate of this attempt at this run.

    The code is an identifier, not a secret: S3's permissions are the authorization.
    """
    what = msgspec.json.encode((run.run_id, run.attempt, estimate))
    return f"{run.attempt}-{hashlib.sha256(what).hexdigest()[:CODE_DIGITS]}"


def key_of(run: Run, estimate: Estimate) -> str:
    """The key of the object that approves this estimate."""
    return intake.signal_key(run.run_id, "approve", code_of(run, estimate))


def note(registry: Registry, key: str) -> None:
    """Note the key that approves: a later release may write the estimate, and so its code, otherwise."""
    registry.claim(_ASKED, key)


def asked(registry: Registry, run: Run) -> set[str]:
    """The keys that approve what this attempt at a run has asked."""
    return registry.claimed(_ASKED, intake.signal_key(run.run_id, "approve", f"{run.attempt}-"))


_ASKED = "APPROVAL"


def ask(sns: Any, stage: Stage, run: Run, estimate: Estimate, expires_at: str) -> None:
    """Publish the approval request with attributes to filter on, also to the chat."""
    sns.publish(
        TopicArn=stage.topic_arn,
        Subject=subject(_subject(run, estimate)),
        Message=text(stage, run, estimate, expires_at),
        MessageAttributes=attributes(
            {"event": "approval-required", "run_id": run.run_id, "stage": stage.name}, run.notify
        ),
    )
    chat_channel.tell(sns, stage, in_chat(stage, run, estimate, expires_at))


def in_chat(stage: Stage, run: Run, estimate: Estimate, expires_at: str) -> dict[str, Any]:
    """The approval request for a chat channel, with the commands that answer it."""
    reasons = "\n".join(f"- {reason}" for reason in estimate.approval_reasons)
    return chat_channel.message(
        stage,
        run,
        About(event="approval-required", word="approval-required"),
        title=f":raised_hand: {run.run_id} is waiting for your approval",
        description=f"It would cost {amount(estimate)}. {paid_in_words(run)}\n{reasons}",
        summary=_subject(run, estimate),
        context={"approval": code_of(run, estimate)},
        steps=[
            f"To approve: {_command(stage, run, estimate)}",
            f"To refuse: tunedrop stop {run.run_id} --stage {stage.name}",
            _without_an_answer(stage, expires_at),
        ],
    )


def text(stage: Stage, run: Run, estimate: Estimate, expires_at: str) -> str:
    """The approval request as a message; amounts in US dollars."""
    width = max((len(line.item) for line in estimate.lines), default=0)
    lines = [
        f"  {line.item:<{width}}  {f'{line.likely:.2f} USD' if line.source else 'unknown':>12}  {line.basis}"
        for line in estimate.lines
    ]
    approve = f"s3://{stage.intake_bucket}/{key_of(run, estimate)}"
    stop = f"s3://{stage.intake_bucket}/{intake.signal_key(run.run_id, 'stop', str(run.attempt))}"
    said = "\n".join(
        [
            f"The run {run.run_id} ({run.name}, base model {run.base_model}) would cost "
            f"{amount(estimate)}. "
            f"{paid_in_words(run)}",
            "",
            "Why approval is needed:",
            *(f"  - {reason}" for reason in estimate.approval_reasons),
            "",
            "Estimate:",
            *lines,
            "",
            evaluation_in_words(estimate),
            "",
            f"To approve: {_command(stage, run, estimate)}",
            f"        or: put any object to {approve}",
            f"To refuse:  tunedrop stop {run.run_id} --stage {stage.name}",
            f"        or: put any object to {stop}",
            _without_an_answer(stage, expires_at),
        ]
    )
    return escaping.lines(said)


def _command(stage: Stage, run: Run, estimate: Estimate) -> str:
    return f"tunedrop approve {run.run_id} --estimate {code_of(run, estimate)} --stage {stage.name}"


def _subject(run: Run, estimate: Estimate) -> str:
    return f"Tunedrop: {run.run_id} is waiting for your approval, {in_words(estimate)}"


def _without_an_answer(stage: Stage, expires_at: str) -> str:
    return (
        f"Without an answer it is {_UNANSWERED[stage.when_unanswered]} on {clock.for_people(expires_at)} UTC."
    )
