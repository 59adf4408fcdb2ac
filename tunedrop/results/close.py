"""Closes a run: report, registry entry, one notification, one event."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, catalog, clock, naming
from tunedrop.aws import Aws
from tunedrop.aws.subjects import attributes
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Ending, Evaluation, Notice, Promotion, Run, RunEnded, Verdict
from tunedrop.cost import prices
from tunedrop.cost.actual import actual
from tunedrop.errors import TransientError
from tunedrop.registry import Registry
from tunedrop.registry.aliases import UNREADABLE
from tunedrop.reporting import chat, chat_channel, links, model_card, notification, outcome_event, summary
from tunedrop.reporting.outcome import after_promotion, for_people, outcome_of
from tunedrop.results import index, unfinished
from tunedrop.results.artifacts import write_text
from tunedrop.serving.production import Production
from tunedrop.stage import Stage

_log = logging.getLogger(__name__)


def close(aws_: Aws, stage: Stage, registry: Registry, ending: Ending, report: str) -> Notice:
    """Notify once of a run's result, then close it, so that the owner of every closed run was notified.

    Parameters
    ----------
    report
        The HTML report; empty if it could not be written.
    """
    ending = for_people(ending)
    run, outcome = ending.run, outcome_of(ending)
    report_uri = _write(aws_, stage, ending, report)
    ended = outcome_event.run_ended(stage, ending, report_uri)
    # People first: a bus that is gone for good keeps nobody from being notified.
    sent = _publish(aws_, stage, registry, ending, ended)
    _emit(aws_, stage, registry, ended)
    registry.end(run.run_id, outcome, ending.failure, run.execution_arn)
    _rewrite_index(aws_, stage)
    return Notice(
        run_id=run.run_id,
        outcome=outcome,
        subject=notification.subject(ending),
        sent=sent,
        report_uri=report_uri,
    )


def _rewrite_index(aws_: Aws, stage: Stage) -> None:
    """A failure to write the page does not keep the run open; the next run's end writes it."""
    try:
        index.rewrite(aws_, stage)
    except Exception:
        _log.exception("the index page could not be written")


def with_promotion(aws_: Aws, stage: Stage, registry: Registry, ending: Ending) -> Ending:
    """Add the promotion from the registry, or from the alias's history, if the step that promoted the model
    has failed. What the history says is what the sweep writes to the alias once it may.

    A later failure becomes a note, so that registry, message and alias agree.
    """
    if ending.promotion is None and (record := registry.get(ending.run.run_id)) is not None:
        promotion = record.document("promotion", Promotion)
        if promotion is None and ending.job is not None:
            promotion = _noted(aws_, stage, ending.run, ending.job.model_arn)
        ending = msgspec.structs.replace(ending, promotion=promotion)
    told = after_promotion(ending)
    if told.promotion is not None and told.promotion != ending.promotion:
        registry.save(ending.run.run_id, promotion=told.promotion)
    return told


def _noted(aws_: Aws, stage: Stage, run: Run, model_arn: str) -> Promotion | None:
    """The promotion that the history has; a history that cannot be read keeps no run open."""
    try:
        return Production(aws_, stage).noted(run, model_arn)
    except UNREADABLE:
        _log.exception("the history of what %s has in production cannot be read", run.name)
        return None


def with_earlier(registry: Registry, ending: Ending) -> Ending:
    """Add the verdict of an earlier attempt, which counts if this one has ended without its own."""
    record = registry.get(ending.run.run_id)
    earlier = record.document("earlier", Verdict) if record is not None else None
    return msgspec.structs.replace(ending, earlier=earlier)


def with_cost(s3: Any, registry: Registry, stage: Stage, ending: Ending) -> Ending:
    """Add the run's actual cost by the stage's prices, and save it in the registry."""
    paid = msgspec.structs.replace(ending, evaluation=_asked(s3, stage, ending))
    cost = actual(paid, _base_model(registry, stage, ending), clock.now(), prices.lookup(registry, stage))
    registry.save(ending.run.run_id, cost=cost)
    registry.note_cost(ending.run.run_id, actual_usd=cost.likely)
    return msgspec.structs.replace(ending, cost=cost)


def _asked(s3: Any, stage: Stage, ending: Ending) -> Evaluation | None:
    """The evaluation, with what an unfinished one has asked; answers that cannot be read keep no run open."""
    try:
        return unfinished.counted(s3, stage, ending)
    except Exception:
        _log.exception("the answers of an unfinished evaluation could not be counted")
        return ending.evaluation


def _base_model(registry: Registry, stage: Stage, ending: Ending) -> BaseModel | None:
    """The base model; None if the run has none, or the catalog of a later release has lost it."""
    try:
        return prices.current(registry, stage, catalog.find(ending.run.base_model))
    except LookupError:
        return None


def _write(aws_: Aws, stage: Stage, ending: Ending, report: str) -> str:
    """Write summary, report and, for a promoted model, the model card; returns the report's URI, or an empty
    one."""
    run_id = ending.run.run_id
    write_text(aws_, stage, naming.summary_key(run_id), summary.markdown(stage, ending), "text/markdown")
    if ending.promotion is not None:
        card = model_card.markdown(stage, ending)
        write_text(aws_, stage, naming.model_card_key(run_id), card, "text/markdown")
    return write_text(aws_, stage, naming.report_key(run_id), report, "text/html") if report else ""


def _publish(aws_: Aws, stage: Stage, registry: Registry, ending: Ending, ended: RunEnded) -> bool:
    """Publish the notification, unless it was published before.

    A Publish without a response may have succeeded, and SNS cannot be queried. Such a try is not repeated at
    once: the next one waits for the receipt that record_notice writes.

    Raises
    ------
    TransientError
        If it is not known yet whether an earlier try succeeded.
    """
    run = ending.run
    match registry.notices.claim(run.run_id, run.attempt):
        case "sent":
            return False
        case "unsure":
            raise TransientError("it is not known yet whether an earlier notification was delivered")
    link = links.to(aws_.s3_links, stage, naming.report_key(run.run_id))
    try:
        aws_.sns.publish(
            TopicArn=stage.topic_arn,
            Subject=notification.subject(ending),
            Message=notification.text(stage, ending, link),
            MessageAttributes=attributes(notification.attributes(ended), run.notify),
        )
    except ClientError as error:
        if aws.is_refused(error):
            registry.notices.give_back(run.run_id)
        raise
    registry.notices.confirm(run.run_id, run.attempt)
    chat_channel.tell(aws_.sns, stage, chat.message(stage, ending, link))
    return True


def _emit(aws_: Aws, stage: Stage, registry: Registry, ended: RunEnded) -> None:
    """Put the outcome on the event bus, at least once, always with the same `id`. A bus that does not exist
    keeps no run open.

    Raises
    ------
    TransientError
        If the bus did not accept it: PutEvents reports failed entries in a successful response.
    """
    record = registry.get(ended.run_id)
    if record is not None and record.emitted_attempt == ended.attempt:
        return
    entry = {
        "EventBusName": stage.event_bus,
        "Source": outcome_event.SOURCE,
        "DetailType": outcome_event.DETAIL_TYPE,
        "Detail": msgspec.json.encode(ended).decode(),
        "Resources": [one for one in (ended.execution_arn, ended.model_arn) if one.startswith("arn:")],
    }
    try:
        answer = aws_.events.put_events(Entries=[entry])
    except ClientError as error:
        if not aws.is_missing(error):
            raise
        _log.exception("the event bus %s does not exist (any more)", stage.event_bus)
        return
    if answer.get("FailedEntryCount"):
        (failed,) = answer["Entries"]
        raise TransientError(f"the event bus {stage.event_bus} did not accept the event: {failed}")
    registry.notices.mark_emitted(ended.run_id, ended.attempt)
