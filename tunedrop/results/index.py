"""The index page of a stage, written from the registry after each run.

Runs may end concurrently. The page is written only if it has not changed since before the registry was read
(S3 conditional writes, If-Match; user guide, conditional-writes, read 2026-11-29), so that no result is lost:
the second writer has read the first one's result, or is refused and reads again.
"""

from __future__ import annotations

import random
import time
from typing import Any

from botocore.exceptions import ClientError

from tunedrop import clock, naming
from tunedrop.aws import Aws, code_of
from tunedrop.errors import TransientError
from tunedrop.registry import Record, Registry
from tunedrop.registry.aliases import Aliases
from tunedrop.registry.spending import Spending, month_of
from tunedrop.registry.summaries import summary
from tunedrop.reporting.pages import index_page
from tunedrop.reporting.pages.index_page import Index, InProduction, Spend
from tunedrop.stage import Stage

MOST_RUNS = 500
TRIES = 10
PAUSE_SECONDS = 0.3
_LOST = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409", "NoSuchKey", "404")
"""S3's error codes for a page that another process has written, is writing, or has deleted."""


def rewrite(aws: Aws, stage: Stage) -> None:
    """Write the page from the current registry.

    Raises
    ------
    TransientError
        If other runs keep ending at the same time; the page of the last one includes this run.
    """
    for number in range(TRIES):
        before = _etag(aws.s3, stage)
        page = index_page.render(stage, gather(aws, stage))
        if _write(aws.s3, stage, page, before):
            return
        time.sleep(random.uniform(0, PAUSE_SECONDS * (number + 1)))  # noqa: S311 - jitter
    raise TransientError("the index page was rewritten by other runs again and again")


def gather(aws: Aws, stage: Stage) -> Index:
    """Read the content of the page."""
    registry = Registry(aws.dynamodb, stage.registry_table)
    aliases = Aliases(aws.ssm, aws.dynamodb, stage)
    production = _production(aliases)
    by_run = {one.run_id: one.alias for one in production}
    records = registry.recent(MOST_RUNS + 1)
    now = clock.now()
    return Index(
        at=now,
        runs=tuple(summary(_as_it_is(registry, one), by_run) for one in records[:MOST_RUNS]),
        spend=_spend(aws, stage, month_of(now)),
        production=tuple(production),
        left_out=len(records) > MOST_RUNS,
    )


def _as_it_is(registry: Registry, record: Record) -> Record:
    """Read a run consistently if the list, which is eventually consistent, says it is open."""
    return (registry.get(record.run.run_id) or record) if record.is_open else record


def _production(aliases: Aliases) -> list[InProduction]:
    return [
        InProduction(name=one.name, alias=alias, model_id=one.model_id, run_id=one.run_id, since=one.since)
        for alias, one in sorted(aliases.of_runs().items())
    ]


def _spend(aws: Aws, stage: Stage, month: str) -> Spend:
    found = Spending(aws.dynamodb, stage.registry_table).read(month)
    return Spend(
        month=month,
        spent=sum(one.spent for one in found.runs.values()),
        committed=sum(one.committed for one in found.runs.values()),
        requested=found.requested(),
        budget=stage.monthly_budget_usd,
    )


def _etag(s3: Any, stage: Stage) -> str:
    """The ETag of the existing page; empty for none. Listed, because HeadObject may be forbidden."""
    answer = s3.list_objects_v2(Bucket=stage.artifacts_bucket, Prefix=naming.INDEX_KEY, MaxKeys=1)
    return next((one["ETag"] for one in answer.get("Contents", ()) if one["Key"] == naming.INDEX_KEY), "")


def _write(s3: Any, stage: Stage, page: str, before: str) -> bool:
    """Write the page; False if another was written meanwhile."""
    condition = {"IfMatch": before} if before else {"IfNoneMatch": "*"}
    try:
        s3.put_object(
            Bucket=stage.artifacts_bucket,
            Key=naming.INDEX_KEY,
            Body=page.encode(errors="replace"),
            ContentType="text/html; charset=utf-8",
            CacheControl="no-cache",
            **condition,
        )
    except ClientError as error:
        if code_of(error) in _LOST:
            return False
        raise
    return True
