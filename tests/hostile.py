"""What holds for a dataset of any bytes, whoever wrote them: the tests and the fuzzer try to break it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, get_args

import msgspec
import pytest

from tunedrop import catalog
from tunedrop.dataset import formats
from tunedrop.dataset.check.check import check_files
from tunedrop.dataset.check.merge import merge_ranges
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.check.report import Report, plain_errors
from tunedrop.dataset.check.results import Range, RangeResult
from tunedrop.dataset.check.scan import scan_range
from tunedrop.dataset.formats import json_typed
from tunedrop.dataset.prepare.plan import Shares, plan
from tunedrop.dataset.prepare.split import prepare
from tunedrop.dataset.sources.local import Held
from tunedrop.dataset.sources.opened import opened
from tunedrop.dataset.tools.convert import Target, convert
from tunedrop.dataset.tools.decode import NotRepairable
from tunedrop.dataset.tools.repair import repair
from tunedrop.dataset.types import ReadOptions

MODELS = (
    None,
    "amazon.nova-lite-v1:0:300k",
    "amazon.nova-2-lite-v1:0:256k",
    "meta.llama3-3-70b-instruct-v1:0:128k",
    "anthropic.claude-3-haiku-20240307-v1:0:200k",
    "amazon.nova-canvas-v1:0",
)
METHODS: tuple[Any, ...] = ("auto", "single-turn", "distillation", "reinforcement", "image-caption")
NAMES: Any = {"train": "train.jsonl"}
TARGETS: tuple[Target, ...] = get_args(Target)
REPAIRABLE = {"TD003", "TD018"}
"""What `--fix` mends wherever it is."""


def asked_of(choice: int) -> CheckOptions:
    """One of many things that a check may be asked."""
    model = MODELS[choice % len(MODELS)]
    method = METHODS[choice // len(MODELS) % len(METHODS)]
    return CheckOptions(base_model=catalog.find(model) if model else None, method=method, max_findings=20)


def everything(body: bytes, choice: int) -> None:
    """All of it: checked, repaired, converted and split."""
    asked = asked_of(choice)
    report = checked(body, asked)
    parts_and_rules_agree(body, asked, report, cut=choice)
    repaired_for_good(body, asked)
    converted(body)
    prepared(body, report)


def checked(body: bytes, asked: CheckOptions) -> Report:
    """The report, which can be sent, printed to a terminal and read by a person."""
    report = check_files({"train": Held(body)}, NAMES, asked)
    sent = msgspec.json.decode(msgspec.json.encode(report), type=Report)
    assert sent.errors == report.errors
    for one in report.errors + report.warnings:
        told(one.path, one.message, one.value, one.expected)
    told(*report.files["train"].labels, *plain_errors(report))
    return report


def told(*texts: str) -> None:
    """Whether texts do nothing to a terminal, and are short enough to be read."""
    for text in texts:
        assert text.isprintable(), text
        assert len(text) < 2_000, text


@contextmanager
def line_by_line() -> Iterator[None]:
    """Every line is read by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_typed, "TYPED", {})
        patch.setattr("tunedrop.dataset.check.scan.TYPED", {})
        yield


def parts_and_rules_agree(body: bytes, asked: CheckOptions, expected: Report, cut: int) -> None:
    """Two parts, put together, and every line by itself, give the same report."""
    source = Held(body)
    place = cut % (len(body) + 1)
    with line_by_line():
        parts = [
            msgspec.msgpack.encode(scan_range(source, Range("train", start, stop), asked))
            for start, stop in ((0, place), (place, len(body)))
            if start < stop
        ]
    decoded = (msgspec.msgpack.decode(part, type=RangeResult) for part in parts)
    assert merge_ranges(decoded, {"train": source}, NAMES, asked) == expected


def repaired_for_good(body: bytes, asked: CheckOptions) -> None:
    """What has been repaired needs no second repair, and has no finding that a repair would mend."""
    first, second = io.BytesIO(), io.BytesIO()
    try:
        changes = [change.what for change in repair([body], first)]
    except NotRepairable as error:
        told(str(error))
        return
    told(*changes)
    fixed = first.getvalue()
    report = checked(fixed, asked)
    with suppress(NotRepairable):
        assert list(repair([fixed], second)) == []
        assert second.getvalue() == fixed
        found = {one.code for one in report.errors + report.warnings}
        assert not found & REPAIRABLE


def converted(body: bytes) -> None:
    """Every record is written or refused, with its line."""
    for target in TARGETS:
        sink = io.BytesIO()
        done = convert([body], sink, target)
        assert done.read == done.written + done.refusals
        told(*done.refused, *done.lost)
        sink = io.BytesIO()
        read = opened(Held(body), "train.csv", ReadOptions(), sink, lambda: Held(sink.getvalue()))  # noqa: B023
        convert(read.source.chunks(0, read.source.size), io.BytesIO(), target)


def prepared(body: bytes, report: Report) -> None:
    """What is valid is split and written, unless the format cannot say it; what is written is valid too."""
    if not report.valid or report.method is None:
        return
    for model in filter(None, MODELS):
        rules = catalog.find(model).methods.get(report.method)
        if rules is None:
            continue
        sinks: Any = {split: io.BytesIO() for split in ("train", "validation", "test")}
        try:
            sides = plan(body.splitlines(), Shares(validation=0.2, test=0.2))
            made = prepare({"train": [body]}, sinks, sides, rules)
        except ValueError as error:
            told(str(error))
            continue
        written = b"".join(sink.getvalue() for sink in sinks.values())
        assert sum(one.records for one in made.files.values()) == report.records == written.count(b"\n")
        for line in written.splitlines():
            assert formats.detect(msgspec.json.decode(line)) == rules.format
