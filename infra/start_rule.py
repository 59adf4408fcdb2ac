"""The rule that starts a run, and the keys of the uploads that start or signal one."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from tunedrop.intake import DROP_PREFIX, MANIFEST_NAMES, RUNS_PREFIX, SUCCESS

_BESIDE_DROPPED: tuple[dict[str, str], ...] = (
    *({"suffix": f"/{name}"} for name in MANIFEST_NAMES),
    {"wildcard": f"{RUNS_PREFIX}*/retry/*"},
)
"""Manifests anywhere; one outside `runs/` starts an execution that does nothing. EventBridge refuses rules
with too many wildcards (user guide, eb-create-pattern-operators, without a number): in public reports eight
were refused and six accepted. Prefixes and suffixes do not count."""

START_KEYS: tuple[dict[str, str], ...] = ({"prefix": DROP_PREFIX}, *_BESIDE_DROPPED)
"""The keys that start an execution: a dropped file, a manifest or a retry."""

EMPTY_START_KEYS: tuple[dict[str, str], ...] = (
    {"wildcard": f"{DROP_PREFIX}*.*"},
    {"suffix": f"/{SUCCESS}"},
    *_BESIDE_DROPPED,
)
"""Keys that start an execution even if the object is empty, so that the owner of an empty file is notified.
Consoles create an empty `drop/` as a folder, which EventBridge patterns cannot exclude by key."""

SIGNAL_KEYS: tuple[dict[str, str], ...] = tuple(
    {"wildcard": f"{RUNS_PREFIX}*/{signal}/*"} for signal in ("approve", "stop")
)
"""The keys that approve or stop a run."""


class StartRule(Construct):
    """Starts one execution of the workflow for each dropped file and each manifest."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        bucket: s3.IBucket,
        workflow: sfn.IStateMachine,
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, id)
        self.rule = events.Rule(
            self,
            "Rule",
            description="Tunedrop: a dropped dataset or a manifest starts a run",
            event_pattern=object_created(bucket, EMPTY_START_KEYS, START_KEYS[:1]),
            targets=[
                targets.SfnStateMachine(
                    workflow,
                    dead_letter_queue=dead_letters,
                    max_event_age=Duration.hours(24),
                    retry_attempts=185,
                )
            ],
        )


def object_created(
    bucket: s3.IBucket, keys: tuple[dict[str, str], ...], unless_empty: tuple[dict[str, str], ...] = ()
) -> events.EventPattern:
    """The event pattern for S3's "Object Created" with these keys; `unless_empty` keys only for non-empty
    objects."""
    of_any_size = {"object": {"key": list(keys)}}
    with_content = {"object": {"key": list(unless_empty), "size": [{"numeric": [">", 0]}]}}
    wanted = {"$or": [of_any_size, with_content]} if unless_empty else of_any_size
    return events.EventPattern(
        source=["aws.s3"],
        detail_type=["Object Created"],
        detail={"bucket": {"name": [bucket.bucket_name]}, **wanted},
    )
