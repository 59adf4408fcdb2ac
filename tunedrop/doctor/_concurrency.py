"""Checks how many functions the account may run at once: 1,000 by default, 10 in many new accounts."""

from __future__ import annotations

from collections.abc import Iterator

from tunedrop.aws import Aws, quotas
from tunedrop.doctor._finding import Finding, asked

ABOUT = "Account"
NAME = "Lambda concurrency"
QUOTA = "L-B99A9384"
"""Concurrent executions (AWS General Reference, Lambda endpoints and quotas, read 2026-11-30)."""

COMFORTABLE = 20
"""A large run's shards (setting `shard_concurrency`, by default 8), the watchers, and steps of other runs."""


def check(aws: Aws) -> Iterator[Finding]:
    """One finding. Too few stop nothing: calls are tried again for half an hour, and runs slow each other."""
    yield from asked(ABOUT, NAME, lambda: iter([_judge(aws)]))


def _judge(aws: Aws) -> Finding:
    limit = aws.lambda_.get_account_settings()["AccountLimit"]
    free, most = int(limit["UnreservedConcurrentExecutions"]), int(limit["ConcurrentExecutions"])
    if free >= COMFORTABLE:
        return Finding(about=ABOUT, name=NAME, state="good", detail=f"{free:,} executions at once")
    return Finding(
        about=ABOUT,
        name=NAME,
        state="note",
        detail=f"{free} executions at once, of {most} in the account; a large run alone uses 10: runs wait "
        "for each other",
        hint=quotas.request(QUOTA, 1000, aws.session.region_name, "lambda"),
    )
