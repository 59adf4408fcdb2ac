"""The index page: what it shows, that concurrent ends lose nothing, that nothing of a user's acts in it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

from tests import builders
from tests.unit.tables import make_registry_table
from tunedrop import naming
from tunedrop.aws import Aws
from tunedrop.contracts import ActualCost, CostLine
from tunedrop.registry import Registry
from tunedrop.registry.aliases import Aliases
from tunedrop.reporting import links
from tunedrop.reporting.pages import index_page
from tunedrop.results import index
from tunedrop.stage import Stage

HOSTILE = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\u202egpj.exe", "x\x1b[2J", '" onclick="x',
    "'); --", "</style><script>",
)  # fmt: skip


class Bucket:
    """One object with S3's conditional writes, as its user guide describes them (read 2026-11-29)."""

    def __init__(self) -> None:
        self.body: bytes | None = None
        self.before_write: Callable[[], None] | None = None

    def list_objects_v2(self, **_: Any) -> dict[str, Any]:
        return {"Contents": [{"Key": naming.INDEX_KEY, "ETag": self.etag}]} if self.body is not None else {}

    def put_object(self, **request: Any) -> None:
        interruption, self.before_write = self.before_write, None
        if interruption is not None:
            interruption()
        changed = request.get("IfMatch", self.etag) != self.etag
        if changed or (request.get("IfNoneMatch") == "*" and self.body is not None):
            raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "PutObject")
        self.body = request["Body"]

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.body or b"").hexdigest()}"'


class WithBucket:
    """The stage's AWS, with that bucket."""

    def __init__(self, aws: Aws, bucket: Bucket) -> None:
        self.s3, self.dynamodb, self.ssm = bucket, aws.dynamodb, aws.ssm


@pytest.fixture
def bucket(aws: Aws, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    make_registry_table(aws, stage)
    monkeypatch.setattr(index, "PAUSE_SECONDS", 0.0)
    return Bucket()


def ended(aws: Aws, stage: Stage, run_id: str, outcome: str = "promoted") -> None:
    registry = Registry(aws.dynamodb, stage.registry_table)
    registry.register(builders.run(run_id=run_id, name=run_id.rpartition("-")[0]))
    registry.save(run_id, dataset=builders.dataset(), job=builders.job(), evaluation=builders.evaluation())
    registry.note_cost(run_id, actual_usd=1.25)
    registry.end(run_id, outcome, None)


def test_the_page_has_every_run_with_score_cost_and_links(aws: Aws, stage: Stage, bucket: Bucket) -> None:
    ended(aws, stage, "persona-0123456789")
    Aliases(aws.ssm, aws.dynamodb, stage).promote(
        "persona", "persona-0123456789", builders.MODEL_ARN, builders.DEPLOYMENT_ARN
    )

    index.rewrite(WithBucket(aws, bucket), stage)  # type: ignore[arg-type]

    page = (bucket.body or b"").decode()
    assert "persona-0123456789" in page
    assert "0.300 → <b>0.600</b>" in page
    assert "+0.300 (+0.200 to +0.400)" in page
    assert 'href="runs/persona-0123456789/report.html"' in page
    assert "in production" in page
    assert "of 500.00 USD" in page
    assert builders.DEPLOYMENT_ARN in page


def test_the_page_says_why_a_model_with_a_better_score_was_not_promoted(
    aws: Aws, stage: Stage, bucket: Bucket
) -> None:
    tie = builders.evaluation(verdict="inconclusive", rejected_for="model in production")
    ended(aws, stage, "persona-0123456789", "inconclusive")
    Registry(aws.dynamodb, stage.registry_table).save("persona-0123456789", evaluation=tie)

    index.rewrite(WithBucket(aws, bucket), stage)  # type: ignore[arg-type]

    assert (
        "(+0.200 to +0.400); is not clearly better than the model in production"
        in (bucket.body or b"").decode()
    )


@pytest.mark.parametrize(("source", "shown"), [("Bedrock pricing", "1.25"), ("", "≥ 1.25")])
def test_a_cost_that_leaves_out_what_has_no_price_is_marked(
    aws: Aws, stage: Stage, bucket: Bucket, source: str, shown: str
) -> None:
    ended(aws, stage, "persona-0123456789")
    line = CostLine(item="training", low=1.25, likely=1.25, high=1.25, basis="", source=source)
    cost = ActualCost(lines=(line,), low=1.25, likely=1.25, high=1.25)
    Registry(aws.dynamodb, stage.registry_table).save("persona-0123456789", cost=cost)

    index.rewrite(WithBucket(aws, bucket), stage)  # type: ignore[arg-type]

    assert f">{shown}<" in (bucket.body or b"").decode()


def test_an_end_that_comes_between_reading_and_writing_is_not_lost(
    aws: Aws, stage: Stage, bucket: Bucket
) -> None:
    ended(aws, stage, "first-0123456789")

    def another_end() -> None:
        ended(aws, stage, "second-0123456789", "rejected")
        index.rewrite(WithBucket(aws, bucket), stage)  # type: ignore[arg-type]

    bucket.before_write = another_end
    index.rewrite(WithBucket(aws, bucket), stage)  # type: ignore[arg-type]

    page = (bucket.body or b"").decode()
    assert "first-0123456789" in page
    assert "second-0123456789" in page


def test_nothing_of_a_users_acts_in_the_page() -> None:
    from tunedrop.registry.summaries import Summary

    spend = index_page.Spend(month="2026-11", spent=0, committed=0, requested=0, budget=10)
    hostile = tuple(
        Summary(
            run_id=f"run-{number}", name=text, status="failed", created_at="2026-11-23T10:00:00Z",
            base_model=text, uploaded_by=text, failure=text, run=builders.run(name=text),
        )
        for number, text in enumerate(HOSTILE)
    )  # fmt: skip
    page = index_page.render(
        builders.stage(), index_page.Index(at="2026-11-23T10:00:00Z", runs=hostile, spend=spend)
    )

    assert page.count("<script>") == 1
    assert "<img" not in page
    assert "\u202e" not in page
    attributes = re.findall(r"<tr data-[^>]*>", page)
    assert len(attributes) == len(HOSTILE)
    assert all(re.fullmatch(r'<tr( data-[a-z]+="[\w:. -]*")+>', one) for one in attributes)


@pytest.mark.parametrize(
    ("setting", "begins"),
    [
        ("console", "https://us-east-1.console.aws.amazon.com/s3/object/artifacts?region=us-east-1&prefix="),
        ("https://reports.example.com/t/", "https://reports.example.com/t/runs/persona-1/report.html"),
        ("presigned", "https://"),
    ],
)
def test_links_open_what_the_stage_asks_for(aws: Aws, setting: str, begins: str) -> None:
    stage = builders.stage(report_links=setting, report_link_hours=2)

    link = links.to(aws.s3_links, stage, naming.report_key("persona-1"))

    assert link.startswith(begins)
    assert ("X-Amz-Expires=7200" in link) == (setting == "presigned")


@pytest.mark.parametrize(
    ("region", "host"), [("us-east-1", "s3.amazonaws.com"), ("us-west-2", "s3.us-west-2.amazonaws.com")]
)
def test_a_presigned_link_opens_an_object_under_our_key_in_a_new_bucket(region: str, host: str) -> None:
    """S3 requires Signature Version 4 for objects under a KMS key: "check whether the query parameter
    contains X-Amz-Algorithm=AWS4-HMAC-SHA256" (re:Post, s3-kms-signature-version-error). The general
    endpoint, us-east-1's, redirects requests for new buckets of other Regions (boto/boto3, issue 4651)."""
    elsewhere = Aws(boto3.Session("id", "secret", "token", region_name=region))

    link = links.to(
        elsewhere.s3_links, builders.stage(report_links="presigned"), "runs/persona-1/report.html"
    )

    assert urlsplit(link).hostname in (host, f"artifacts.{host}")
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in link
