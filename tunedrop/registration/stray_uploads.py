"""Reports uploads that do not start a run, once.

These are data below `runs/` without a manifest, a manifest under another name, a folder below `drop/` with
only documentation, a signal for an unknown run or without effect (`tunedrop.registration._vain_signals`), and
anything outside `drop/` and `runs/`. Data that a recent run has read is not reported. Objects are listed, not
read.
"""

from __future__ import annotations

import hashlib
import heapq
import posixpath
import re
import secrets
import zlib
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import msgspec

from tunedrop import clock, escaping, intake
from tunedrop.aws.subjects import attributes, subject
from tunedrop.contracts import Run
from tunedrop.registration import _vain_signals, retuning
from tunedrop.registration.missed_uploads import LOOK_BACK
from tunedrop.registry import Registry
from tunedrop.stage import Stage

T = TypeVar("T")

MOST_NAMED = 20
"""Maximum number of places in a message; the others are counted."""

MOST_TOLD = 500
"""Places that one message is about; the next one is about the others."""
MOST_PLACES = 20_000
MOST_RUNS = 2_000
"""Places, and runs that signals name, looked at in one turn: whoever uploads decides how many there are. Of
more, every turn looks at others."""
MOST_SIGNALS = 100
"""Signals to one run that are looked at, the newest."""

_DROPPINGS = re.compile(
    r"(.*/)?(\.DS_Store|\._[^/]*|~\$[^/]*|Thumbs\.db|desktop\.ini|\.git(keep|ignore))|(.*/)?__MACOSX/.*",
    re.IGNORECASE,
)
"""Files that systems leave next to others, for which no one expects a run."""


class Stray(msgspec.Struct, frozen=True, kw_only=True):
    """Objects that start no run, by place: an object of `drop/`, else their folder. `why` is what is wrong
    with a signal to an existing run."""

    place: str
    objects: int
    newest: str
    at: datetime
    why: str = ""

    @property
    def which(self) -> str:
        """Identifies the report, which is sent once; a later upload to the same place is reported again."""
        return f"{clock.write(self.at)} {hashlib.sha256(self.newest.encode()).hexdigest()[:16]}"


class _Sample(Generic[T]):
    """Values by name, of a limited number of names: of more, a random sample, another one in every turn, so
    that none is left out for good."""

    def __init__(self, most: int) -> None:
        self.values: dict[str, T] = {}
        self._most = most
        self._salt = secrets.token_hex(4)
        self._ranks: list[tuple[int, str]] = []

    def admits(self, name: str) -> bool:
        """Whether a name is in the sample; it may take the place of another."""
        if name in self.values:
            return True
        rank = -zlib.crc32(f"{self._salt} {name}".encode("utf-8", "replace"))
        if len(self._ranks) < self._most:
            heapq.heappush(self._ranks, (rank, name))
            return True
        _, left_out = heapq.heappushpop(self._ranks, (rank, name))
        self.values.pop(left_out, None)
        return left_out != name


def find(s3: Any, registry: Registry, stage: Stage, runs: Iterable[Run]) -> list[Stray]:
    """Places with uploads that start no run and have not been reported, after a grace period.

    Parameters
    ----------
    runs
        Recent runs; the data they read is not reported.
    """
    now, grace = datetime.now(UTC), timedelta(seconds=stage.upload_grace_seconds)
    used = {file.key for run in runs for file in retuning.read_by(run) if file.bucket == stage.intake_bucket}
    starting, found = _places(s3, registry, stage, used, now - LOOK_BACK)
    told = {one for day in (now - LOOK_BACK, now) for one in registry.claimed(_ONCE, f"{day:%Y-%m-%d}")}
    new = [
        one
        for one in found
        if one.at < now - grace and not _has(starting, one.newest) and one.which not in told
    ]
    return sorted(new, key=lambda one: one.at)[:MOST_TOLD]


def _places(
    s3: Any, registry: Registry, stage: Stage, used: set[str], since: datetime
) -> tuple[set[str], Collection[Stray]]:
    """The folders that start runs, and the places of recent objects that neither start a run nor belong to
    one."""
    starting, found = set[str](), _Sample[Stray](MOST_PLACES)
    signals = _Sample[list[tuple[datetime, str]]](MOST_RUNS)
    for one in _listed(s3, stage.intake_bucket):  # keep only the places of a million objects
        key, at = one["Key"], one["LastModified"]
        if _starts(key, stage.tenants):
            starting |= {_folder(key, stage.tenants)} - {key}
        elif since < at and key not in used:
            if not (run_id := _run_id(key)):
                _add(found, _place(key, stage.tenants), key, at)
            elif signals.admits(run_id):
                heapq.heappush(newest := signals.values.setdefault(run_id, []), (at, key))
                if len(newest) > MOST_SIGNALS:
                    heapq.heappop(newest)
    for run_id, newest in signals.values.items():
        record = next(registry.some([run_id]), None)
        if run_id in registry.unreadable:
            continue
        for at, key in newest:
            if record is None or (why := _vain_signals.why(registry, record, key, at)):
                _add(found, _place(key, stage.tenants), key, at, "" if record is None else why)
    return starting, found.values.values()


def _add(found: _Sample[Stray], place: str, key: str, at: datetime, why: str = "") -> None:
    if not found.admits(place):
        return
    before = found.values.get(place)
    one = Stray(place=place, objects=1, newest=key, at=at, why=why)
    if before is not None:
        newest = one if at >= before.at else before
        one = msgspec.structs.replace(newest, objects=before.objects + 1)
    found.values[place] = one


def tell(sns: Any, stage: Stage, registry: Registry, strays: list[Stray]) -> None:
    """Notify the topic of them once, in one message."""
    if not strays:
        return
    sns.publish(
        TopicArn=stage.topic_arn,
        Subject=subject(f"Tunedrop: {_counted(strays)} started no run"),
        Message=text(stage, strays),
        MessageAttributes=attributes({"event": "upload-starts-nothing", "stage": stage.name}),
    )
    for one in strays:
        registry.claim(_ONCE, one.which)


def text(stage: Stage, strays: list[Stray]) -> str:
    """The places, and what would have started a run."""
    bucket, name = stage.intake_bucket, "TENANT/NAME" if stage.tenants else "NAME"
    named = [
        f"    s3://{bucket}/{escaping.line(one.place)}"
        + (f" ({one.objects:,} objects)" if one.objects > 1 else "")
        + (f": {one.why}" if one.why else "")
        for one in strays[:MOST_NAMED]
    ]
    more = [f"    and {len(strays) - MOST_NAMED:,} more"] if len(strays) > MOST_NAMED else []
    return "\n".join(
        [
            f"In stage {stage.name}, these uploads did not start a run, and no run has used them:",
            "",
            *named,
            *more,
            "",
            "What starts a run:",
            f"    a dataset at             s3://{bucket}/drop/{name}.jsonl",
            "        (or .csv, .xlsx, .parquet, .json, .zip; a .docx or .pdf must become a table first)",
            "        (not README, LICENSE, config.json, .x, _x and the like: they go with data)",
            f"    a folder of shards       s3://{bucket}/drop/{name}/, then its {intake.SUCCESS}",
            f"    data and, last of all,   s3://{bucket}/runs/{name}/run.yaml",
            f"    a retry, after its end   s3://{bucket}/runs/RUN/retry/ATTEMPT",
            "",
            "Data that a later manifest names can stay where it is. You receive this message only once.",
            "",
        ]
    )


_ONCE = "STRAY"


def _counted(strays: list[Stray]) -> str:
    objects = sum(one.objects for one in strays)
    return f"{objects:,} uploads" if objects > 1 else f"s3 object {escaping.line(strays[0].place)}"


def _listed(s3: Any, bucket: str) -> Iterator[dict[str, Any]]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for one in page.get("Contents", ()):
            if not intake.is_folder(one["Key"], one["Size"]) and not _DROPPINGS.fullmatch(one["Key"]):
                yield one


def _starts(key: str, tenants: Collection[str]) -> bool:
    """Whether an object starts a run, by its event or by the sweep (`tunedrop.registration._folders`)."""
    return intake.read_key(key, tenants).kind in ("dataset", "folder", "shard", "manifest")


def _place(key: str, tenants: Collection[str]) -> str:
    """The place of an object, for people."""
    folder = posixpath.dirname(key)
    alone = not folder or f"{folder}/" == intake.drop_root(key, tenants)
    return key if alone else f"{folder}/"


def _folder(key: str, tenants: Collection[str]) -> str:
    """The prefix of all objects of the run that an object starts: its own key, or its folder."""
    if intake.read_key(key, tenants).kind == "dataset":
        return key
    if key.startswith(intake.DROP_PREFIX):
        return intake.dropped_folder(key, tenants)
    return posixpath.dirname(key) + "/"


def _has(starting: set[str], key: str) -> bool:
    """Whether a run starts from one of the folders that contain an object."""
    parts = key.split("/")[:-1]
    return any("/".join(parts[:depth]) + "/" in starting for depth in range(2, len(parts) + 1))


def _run_id(key: str) -> str:
    """The run that a signal, or additional test records, belong to; empty for other objects."""
    upload = intake.read_signal(key)
    folder, _, file = key.removeprefix(intake.RUNS_PREFIX).partition("/")
    is_more_test = key.startswith(intake.RUNS_PREFIX) and file == intake.MORE_TEST
    return folder if upload.kind in intake.SIGNALS or is_more_test else ""
