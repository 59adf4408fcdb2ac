"""The names and S3 prefixes of a run, which match Bedrock's patterns for any uploaded key.

The patterns are those of botocore's bedrock service model (2023-04-20): job names allow letters, digits, `-`,
`.` and `+`; model and throughput names no double separators; S3 URIs no space, `=`, `+`, `:`, `@` or `,`;
client tokens take letters, digits and hyphens. All are at most 63 characters (tokens 256).
"""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Iterable

SHARDS_PREFIX = "shards/"
MAX_STAGE = 12
MAX_SLUG = 26
HASH_DIGITS = 10
MAX_ALIAS = 100
ALIAS_DIGITS = 8


def slug(text: str, limit: int = MAX_SLUG) -> str:
    """Lower-case ASCII letters and digits joined by single hyphens, at most `limit` long; never empty.

    Other scripts are transliterated. It is for people, and not unique.

    >>> slug("Kundenservice  Übung+2026 %20.v2"), slug("客服 問答"), slug("Поддержка")
    ('kundenservice-ubung-2026-2', 'ke-fu-wen-da', 'podderzhka')
    """
    plain = (text if text.isascii() else _latin(text)).lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:limit].strip("-") or "run"


def _latin(text: str) -> str:
    from anyascii import anyascii

    # It writes Chinese syllables without spaces.
    spaced = re.sub("([\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])", r"\1 ", text)
    return str(anyascii(spaced))


def alias(name: str) -> str:
    """The production alias of a name: unique, and readable.

    The name itself if it is valid in an SSM parameter name, which is case-sensitive (Systems Manager API
    reference, PutParameter, read 2026-11-29); else its slug with a hash of the name. A name that looks like
    such an alias gets a hash too, so that no one can choose another name's alias.

    >>> alias("support"), alias("Support"), alias("team a/support")
    ('support', 'Support', 'team-a-support-2b437c0b')
    """
    if re.fullmatch(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{0,{MAX_ALIAS - 1}}}", name) and not _ends_in_a_hash(name):
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()
    return f"{slug(name, MAX_ALIAS - 1 - ALIAS_DIGITS)}-{_digits(digest, ALIAS_DIGITS)}"


def _ends_in_a_hash(name: str, digits: int = ALIAS_DIGITS) -> bool:
    match = re.search(rf"-([0-9a-f]{{{digits}}})$", name.casefold())
    return match is not None and not match[1].isdecimal()


def run_id(name: str, identity: Iterable[str]) -> str:
    """The id of a run: its name and a hash of its identity.

    Parameters
    ----------
    name
        The name of the run; any text.
    identity
        Object versions and resolved settings. The same upload delivered twice has the same identity.
    """
    digest = hashlib.sha256("\0".join(identity).encode()).hexdigest()
    return f"{slug(name)}-{_digits(digest, HASH_DIGITS)}"


def _digits(digest: str, count: int) -> str:
    """Digits of a hexadecimal digest that include a letter, to distinguish them from dates and numbers."""
    starts = range(len(digest) - count)
    return next(digest[at : at + count] for at in starts if not digest[at : at + count].isdecimal())


def looks_like_a_run_id(name: str) -> bool:
    """Whether a name could be mistaken for a run id, which ends with a hash.

    >>> looks_like_a_run_id("persona-0a1b2c3d4e"), looks_like_a_run_id("export-1764393600")
    (True, False)
    """
    return _ends_in_a_hash(name, HASH_DIGITS)


def resource_name(stage: str, run: str, attempt: int = 1, job: int = 0, begins: str = "tunedrop") -> str:
    """The name of the job, the custom model and the throughput of one attempt at a run (63 at most).

    Job names can never be reused, so that every attempt has its own, and every job of an attempt (`job`
    counts them from 0). `begins` is another prefix of at most eight letters, for engines that are identified
    by the job's ARN.

    >>> resource_name("dev", "persona-0123456789", 2, 1)
    'tunedrop-dev-persona-0123456789-2b'
    """
    letter = string.ascii_lowercase[job] if job else ""
    suffix = f"-{attempt}{letter}" if letter or attempt > 1 else ""
    return f"{begins}-{stage}-{run}{suffix}"


OUR_TAGS = "tunedrop:"
"""The prefix of all tags that stages set themselves."""
STAGE_TAG = "tunedrop:stage"
RUN_TAG = "tunedrop:run"
EXPIRES_TAG = "tunedrop:expires"
MODEL_TAG = "tunedrop:model"
"""Tag of a resource that serves a copy of a model: that model's ARN."""
BASE_TAG = "tunedrop:base"
"""Tag of an imported base model, which belongs to the stage: its id in the catalog."""
REMOVAL_TAG = "tunedrop:removal"
"""Tag of a bucket that goes with its stack (`destroy`): only such a bucket is ever emptied."""
KEEP_TAG = "tunedrop:keep"
"""Tag of a resource that was deployed for a rollback, which stays until it expires."""


def tags(stage: str, run: str) -> list[dict[str, str]]:
    """The tags that identify the owner of every resource that a run creates."""
    return [{"key": STAGE_TAG, "value": stage}, {"key": RUN_TAG, "value": run}]


def base_import(stage: str, base_model: str, number: int) -> str:
    """The name of a stage's import job of a base model, and of the model, counted from 1.

    No run has such a name, because run ids end with a hash. Names of jobs can never be reused.

    >>> base_import("dev", "qwen3-4b", 1)
    'tunedrop-dev-base-qwen3-4b-1'
    """
    return f"{base_imports(stage, base_model)}{number}"


def base_imports(stage: str, base_model: str = "") -> str:
    """The prefix of the names of a stage's imported base models: of one, or of all.

    >>> base_imports("dev", "qwen3-4b"), base_imports("dev")
    ('tunedrop-dev-base-qwen3-4b-', 'tunedrop-dev-base-')
    """
    return f"tunedrop-{stage}-base-{base_model}-" if base_model else f"tunedrop-{stage}-base-"


def base_prefix(base_model: str) -> str:
    """The prefix for uploaded files of a base model, in the artifacts bucket."""
    return f"bases/{base_model}/"


def evaluation_job(run: str, whose: str, attempt: int = 1) -> str:
    """The name of the evaluation job that rates one model's answers (63 at most, lower case).

    It has no room for the stage. No two stages share one: a run's id has a hash of its bucket's name.

    >>> evaluation_job("persona-0123456789", "base")
    'tunedrop-base-persona-0123456789-1'
    """
    return f"tunedrop-{whose}-{run}-{attempt}"


def stage_id(run: str, number: int) -> str:
    """The id under which an earlier training phase (from 1) stores its files, inside the run's."""
    return f"{run}/stages/{number}"


def client_token(*parts: str) -> str:
    """A client request token, the same for the same parts only."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def run_prefix(run: str) -> str:
    """The prefix of a run's files, in the artifacts bucket."""
    return f"runs/{run}/"


def run_of(s3_uri: str) -> str:
    """The run of a file of the artifacts bucket, by its URI; empty if it belongs to none.

    >>> run_of("s3://artifacts/runs/persona-0123456789/training/x/"), run_of("s3://elsewhere/x")
    ('persona-0123456789', '')
    """
    parts = key_of(s3_uri).split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "runs" else ""


def dataset_key(run: str, split: str, attempt: int = 1) -> str:
    """The key of a split; `attempt` is a retry with other test records."""
    which = split if attempt == 1 else f"{split}-{attempt}"
    return f"{run_prefix(run)}dataset/{which}.jsonl"


def media_key(run: str, name: str) -> str:
    """The key of the copy of an image or video that the dataset refers to."""
    return f"{run_prefix(run)}dataset/media/{name}"


def training_prefix(run: str) -> str:
    """The prefix for a job's output."""
    return f"{run_prefix(run)}training/"


def validation_key(run: str) -> str:
    return f"{run_prefix(run)}validation.json"


def evaluation_key(run: str) -> str:
    return f"{run_prefix(run)}evaluation.json"


def predictions_key(run: str) -> str:
    return f"{run_prefix(run)}predictions.jsonl"


def judging_prefix(run: str) -> str:
    """The prefix for the answers and ratings of evaluation jobs."""
    return f"{run_prefix(run)}judging/"


def shards_prefix(run: str) -> str:
    """The prefix for intermediate results of shards, not needed after the run."""
    return f"{SHARDS_PREFIX}{run}/"


def read_key(run: str, split: str, number: int) -> str:
    """What a data file that is no plain JSON lines was read as; beside it `.reading`, how."""
    return f"{shards_prefix(run)}read/{split}-{number:04}.jsonl"


def prediction_shard_key(run: str, model_arn: str, attempt: int, start: int, stop: int) -> str:
    """The key of the answers of a shard, in the evaluation that began at this attempt."""
    model = client_token(model_arn)[:HASH_DIGITS]
    return f"{shards_prefix(run)}predictions/{model}/{attempt}/{start:07}-{stop:07}.jsonl"


def dataset_shard_key(run: str, attempt: int, work: str, split: str, start: int, what: str) -> str:
    """The key of a dataset shard's result; `what` is its suffix."""
    return f"{shards_prefix(run)}{work}/{attempt}/{split}-{start:012}.{what}"


def report_key(run: str) -> str:
    return f"{run_prefix(run)}report.html"


def summary_key(run: str) -> str:
    return f"{run_prefix(run)}summary.md"


INDEX_KEY = "index.html"
"""The page of all runs, in the artifacts bucket."""


def findings_key(run: str) -> str:
    return f"{run_prefix(run)}findings.html"


def model_card_key(run: str) -> str:
    return f"{run_prefix(run)}model-card.md"


def uri(bucket: str, key: str) -> str:
    return f"s3://{bucket}/{key}"


def place_of(s3_uri: str) -> tuple[str, str]:
    """The bucket and the key of an `s3://bucket/key` URI."""
    bucket, _, key = s3_uri.removeprefix("s3://").partition("/")
    return bucket, key


def key_of(s3_uri: str) -> str:
    """The key of an `s3://bucket/key` URI."""
    return place_of(s3_uri)[1]
