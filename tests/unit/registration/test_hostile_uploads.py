"""Whatever is uploaded ends in a run: registered, or refused with a cause that a person can read."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests import builders
from tests.unit.fake_bedrock import refusal
from tunedrop import escaping, intake, naming, registration
from tunedrop.contracts import Registration, S3Object
from tunedrop.manifest import Manifest
from tunedrop.registration import ObjectCreated

STAGE = builders.stage()
MOST_BYTES = 200_000
"""Of what register_run gives: Step Functions carries 256 KiB between states."""


class Uploads:
    """S3 with one manifest and any data file; answers as S3 does to keys that it does not take."""

    def __init__(self, manifest: bytes = b"", error: Exception | None = None) -> None:
        self._manifest = manifest
        self._error = error

    def get_object(self, Bucket: str, Key: str, VersionId: str = "") -> dict[str, Any]:  # noqa: N803
        if self._error is not None:
            raise self._error
        manifest = self._manifest

        class Body:
            def read(self, size: int) -> bytes:
                return manifest[:size]

        return {"Body": Body()}

    def head_object(self, Bucket: str, Key: str, VersionId: str = "") -> dict[str, Any]:  # noqa: N803
        if self._error is not None:
            raise self._error
        assert 0 < len(Key.encode()) <= 1024  # else botocore or S3 refuse the call itself
        if "missing" in Key:
            raise refusal("404", status=404)
        return {"VersionId": "v1", "ContentLength": 1_000}


def register(manifest: bytes, key: str = "runs/mine/run.yaml", s3: Any = None) -> Registration:
    source = S3Object(bucket=STAGE.intake_bucket, key=key, version_id="v1")
    event = ObjectCreated(source=source, requester="111122223333", time="2026-11-23T10:00:00Z")
    found = registration.register(s3 or Uploads(manifest), STAGE, event, "arn:execution", lambda _: None)
    told(found)
    return found


def told(found: Registration) -> None:
    """There is a run, whose names and cause can be stored, sent and shown."""
    assert found.outcome in ("registered", "refused")
    assert found.run is not None
    assert len(msgspec.json.encode(found)) < MOST_BYTES
    assert escaping.line(found.run.name) == found.run.name != ""
    assert len(f"NAME#{found.run.name}".encode()) <= 2_048
    assert naming.slug(found.run.name) in found.run.run_id
    if found.outcome == "refused":
        assert found.failure is not None
        assert found.failure.cause == escaping.lines(found.failure.cause)


@pytest.mark.parametrize(("names", "refused"), [(20, False), (150, True)])
def test_names_that_no_state_could_carry_are_refused(names: int, refused: bool) -> None:
    """Step Functions ends an execution over 256 KiB at once, without asking its catches."""
    keys = [f"drop/{'x' * 500}/{'y' * 400}/train-{n}.jsonl" for n in range(names)]

    class Folder(Uploads):
        def get_paginator(self, _: str) -> Any:
            return self

        def paginate(self, **_: Any) -> list[Any]:
            return [{"Contents": [{"Key": key, "Size": 9} for key in keys]}]

    found = register(b"", f"drop/{'x' * 500}/_SUCCESS", Folder())

    assert (found.outcome == "refused") == refused
    if refused:
        assert found.failure is not None
        assert "a run carries at most 100,000: merge some of the files" in found.failure.cause


class Crowded(Uploads):
    """A bucket with so many objects; counts how often it is listed."""

    def __init__(self, manifest: bytes, objects: int) -> None:
        super().__init__(manifest)
        self._objects = objects
        self.listed = 0

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> Any:
        for start in range(0, self._objects, 1_000):
            self.listed += 1
            stop = min(start + 1_000, self._objects)
            yield {"Contents": [{"Key": f"runs/mine/{n}.jsonl", "Size": 9} for n in range(start, stop)]}


@pytest.mark.parametrize(
    ("train", "objects", "why"),
    [
        (["*.jsonl"], 1_000_000, "more than 10,000 objects match the beginning of"),
        ([f"{'*' * n}.jsonl" for n in range(1, 5_000)], 10, "20 patterns among them"),
        (["9.jsonl"] * 5_000, 10, "names 5,000 files"),
        (["*.jsonl"], 201, "merge some of them"),
    ],
)
def test_a_manifest_lists_a_bucket_a_bounded_number_of_times(
    train: list[str], objects: int, why: str
) -> None:
    """Else an uploader of 64 KB has a function list a bucket of a million objects thousands of times."""
    s3 = Crowded(msgspec.json.encode({"data": {"train": [one[:8] for one in train]}}), objects)

    found = register(b"", s3=s3)

    assert found.failure is not None
    assert why in found.failure.cause
    assert s3.listed <= 11


def test_a_folder_of_a_million_objects_is_listed_as_far_as_it_may_hold() -> None:
    s3 = Crowded(b"", 1_000_000)

    found = register(b"", "drop/mine/_SUCCESS", s3)

    assert found.failure is not None
    assert "holds more than 10,000 objects" in found.failure.cause
    assert s3.listed <= 11


FIELDS = [
    *(f"{field.encode_name}" for field in msgspec.structs.fields(Manifest)), "train", "test", "model", "via",
    "keep_for", "mode", "judge", "metric", "max_prompts", "epoch_count", "learning_rate", "max_candidates",
    "at_most_every", "when_grown_by", "<<", "*a", "~",
]  # fmt: skip
ARN = "arn:aws:bedrock:us-east-1:111122223333:custom-model"
TEXTS = [
    "train.jsonl", "s3://intake/", "s3://", "s3://intake", "s3://intake/runs/other/missing.jsonl", "..", "/",
    "\\ud800.jsonl", "\\u202egpj.exe", "\\x1b[2J", "a" * 2_000, ".inf", ".nan", "1e999", "0x" + "f" * 400,
    "3000000d", "9999999999d", "2026-11-29", "!!binary aGk=", "!!set {a}", "!!python/name:os.system",
    "-0", "&a [*a]", "*a", "amazon.nova-pr-v1:0", f"{ARN}/x/abcdefghij12",
    "[1, 2]", "{a: b}", "true", "0", "-1", "1_000", "?", "!!float []", "!!timestamp 0000-00-00",
]  # fmt: skip


def documents() -> st.SearchStrategy[str]:
    """YAML in which anything may stand anywhere."""
    scalars = st.one_of(
        st.sampled_from(TEXTS),
        st.sampled_from(TEXTS).map(lambda text: f'"{text}"'),
        st.text(max_size=20),
        st.integers().map(str),
        st.floats().map(str),
    )
    keys = st.one_of(st.sampled_from(FIELDS), st.text(max_size=8))
    flow = st.recursive(
        scalars,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
            st.dictionaries(keys, inner, max_size=3).map(
                lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items.items()) + "}"
            ),
        ),
        max_leaves=8,
    )
    lines = st.lists(st.tuples(keys, flow).map(lambda pair: f"{pair[0]}: {pair[1]}"), max_size=6)
    return lines.map("\n".join)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
LONG = "a: &a " + "x" * 60_000 + "\nb: [" + "*a, " * 1_000 + "]\n"


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents())
@example(BOMB)
@example(LONG)
@example("a: &a {<<: *a}\n")
@example("data: &d {train: t}\nevaluation: {<<: *d, judge: 5}\n")
@example('data: {train: "\\ud800.jsonl"}')
@example("data: {train: s3://intake/}")
@example("data: {train: s3://intake}")
@example("data: {train: t}\nbudget_usd: 0x" + "f" * 60_000)
@example("data: {train: t}\nbudget_usd: " + "9" * 4_000)
@example("data: {train: t}\ndeployment: {keep_for: 3000000d}")
@example("data: {train: t}\nretune: {at_most_every: 999999999d}")
@example("data: {train: t}\nretune: {at_most_every: 1.5}")
@example("data: {train: t}\nretune: {when_grown_by: 5000}")
@example("data: {train: t}\nretune: {when_grown_by: 0}")
@example("data: {train: t}\ndeployment: {keep_for: 1e3}")
@example("data: {train: " + "a" * 1_025 + "}")
@example("data: {train: t}\nfrom: t\nbase_model: t")
@example("? [a, b]\n: c\n")
def test_any_manifest_gives_a_run(text: str) -> None:
    register(text.encode(errors="surrogatepass"))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_a_run(body: bytes) -> None:
    register(body)


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(max_size=200).map(lambda text: f"drop/{text}"),
        st.tuples(st.text(max_size=200), st.sampled_from(intake.MANIFEST_NAMES)).map(
            lambda pair: f"runs/{pair[0]}/{pair[1]}"
        ),
    ).filter(lambda key: len(key.encode(errors="replace")) <= 1_024)
)
@example("drop/")
@example("drop//")
@example("drop/.jsonl")
@example("drop/folder/")
@example("drop/\x1b[2J\nApproved by: the boss\u202e")
@example("drop/" + "\x00" * 1_000)
@example("runs//run.yaml")
@example("runs/../../run.yaml")
def test_any_key_gives_a_run_unless_it_is_junk_or_a_shard(key: str) -> None:
    kind = intake.read_key(key, ()).kind
    if kind in ("dataset", "manifest"):
        register(b"data: {train: t.jsonl}\n", key)
    elif kind != "folder":
        source = S3Object(bucket=STAGE.intake_bucket, key=key, version_id="v1")
        event = ObjectCreated(source=source, requester="", time="")
        assert registration.register(Uploads(b""), STAGE, event, "arn:execution").outcome == "ignored"


@pytest.mark.parametrize("key", ["drop/persona-0a1b2c3d4e.jsonl", "runs/persona-0A1B2C3D4E/run.yaml"])
def test_a_name_that_looks_like_a_run_id_is_refused(key: str) -> None:
    found = register(b"data: {train: t.jsonl}\n", key)

    assert found.failure is not None
    assert "looks like a run id" in found.failure.cause


@pytest.mark.parametrize("key", ["drop/export-1764393600.jsonl", "drop/persona-2026112900.jsonl"])
def test_a_name_that_ends_in_a_number_is_no_run_id(key: str) -> None:
    assert register(b"", key).outcome == "registered"


def test_every_run_id_looks_like_one() -> None:
    for number in range(2_000):
        assert naming.looks_like_a_run_id(naming.run_id("persona", [str(number)]))


@pytest.mark.parametrize("code", ["400", "InvalidRequest", "404", "NoSuchKey", "NoSuchVersion", "301"])
def test_an_object_that_cannot_be_read_gives_a_run(code: str) -> None:
    """Encrypted with the uploader's own key, deleted meanwhile, in a bucket of another Region."""
    found = register(b"", s3=Uploads(error=refusal(code, status=400)))

    assert found.failure is not None
    assert found.failure.error == "InvalidManifest"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("deployment: {keep_for: 3000000d}", "too long; a duration is at most 366d"),
        ("retune: {at_most_every: 999999d}", "too long"),
        ("retune: {when_grown_by: 1e9}", "must be from 1% to 10000%"),
        ("budget_usd: .nan", "a number must be from"),
        ("budget_usd: 0x" + "f" * 9_000, "a number must be from"),
        ("evaluation: {judge: nova}", "is not a model id"),
        ("evaluation: {judge: amazon/nova}", "is not a model id"),
        ("evaluation: {judge: {model: 'arn:aws:s3:::bucket'}}", "is not a model id"),
    ],
)
def test_what_means_nothing_is_refused_when_the_manifest_is_read(wrong: str, why: str) -> None:
    found = register(f"data: {{train: t.jsonl}}\n{wrong}\n".encode())

    assert found.failure is not None
    assert why in found.failure.cause
