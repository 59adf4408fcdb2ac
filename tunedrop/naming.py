"""Every name and S3 prefix that a run makes: all hold to Bedrock's patterns, whatever key a user uploads.

The patterns are those of botocore's bedrock service model (2023-04-20): job names take letters, digits, `-`,
`.` and `+`; model and throughput names take no doubled separators; S3 URIs take no space, `=`, `+`, `:`, `@`
or `,`; client tokens take letters, digits and hyphens. All are at most 63 characters (tokens 256).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

MAX_STAGE = 12
MAX_SLUG = 26
HASH_DIGITS = 10
MAX_RUN_ID = MAX_SLUG + 1 + HASH_DIGITS


def slug(text: str, limit: int = MAX_SLUG) -> str:
    """Lower-case ASCII letters and digits joined by single hyphens, at most `limit` long; never empty.

    >>> slug("Kundenservice  Übung+2026 %20.v2")
    'kundenservice-ubung-2026-2'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:limit].strip("-") or "run"


def run_id(name: str, identity: Iterable[str]) -> str:
    """The id of a run: its name and a hash of what makes it this run and no other.

    Parameters
    ----------
    name
        What the user called it; any text.
    identity
        Object versions and resolved settings. The same upload delivered twice has the same identity.
    """
    digest = hashlib.sha256("\0".join(identity).encode()).hexdigest()
    return f"{slug(name)}-{digest[:HASH_DIGITS]}"


def resource_name(stage: str, run: str, attempt: int = 1) -> str:
    """The name of the job, the custom model and the throughput of one attempt at a run (63 at most).

    Job names can never be used again, so that every attempt has its own.
    """
    suffix = "" if attempt == 1 else f"-{attempt}"
    return f"tunedrop-{stage}-{run}{suffix}"


def client_token(*parts: str) -> str:
    """A client request token that is the same for the same parts, and for no others."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def run_prefix(run: str) -> str:
    """Where a run's files are, in the artifacts bucket."""
    return f"runs/{run}/"


def dataset_key(run: str, split: str) -> str:
    return f"{run_prefix(run)}dataset/{split}.jsonl"


def training_prefix(run: str) -> str:
    """Where Bedrock writes a job's output."""
    return f"{run_prefix(run)}training/"


def validation_key(run: str) -> str:
    return f"{run_prefix(run)}validation.json"


def evaluation_key(run: str) -> str:
    return f"{run_prefix(run)}evaluation.json"


def predictions_key(run: str) -> str:
    return f"{run_prefix(run)}predictions.jsonl"


def prediction_shard_key(run: str, model_arn: str, start: int, stop: int) -> str:
    """What one shard of a model's evaluation has asked."""
    model = client_token(model_arn)[:HASH_DIGITS]
    return f"{run_prefix(run)}predictions/{model}/{start:07}-{stop:07}.jsonl"


def judging_prefix(run: str) -> str:
    """Where Bedrock's evaluation jobs read answers and write ratings."""
    return f"{run_prefix(run)}judging/"


def judging_key(run: str, job: str) -> str:
    """The answers that one evaluation job is to rate."""
    return f"{judging_prefix(run)}{job}.jsonl"


def report_key(run: str) -> str:
    return f"{run_prefix(run)}report.html"


def summary_key(run: str) -> str:
    return f"{run_prefix(run)}summary.md"


def uri(bucket: str, key: str) -> str:
    return f"s3://{bucket}/{key}"


def key_of(s3_uri: str) -> str:
    """The key of an `s3://bucket/key` URI."""
    return s3_uri.removeprefix("s3://").partition("/")[2]
