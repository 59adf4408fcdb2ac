"""Reads a manifest from a file's bytes, or reports all errors, each with its line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from tunedrop import catalog, clock, escaping, wrong_values
from tunedrop.catalog import refusals
from tunedrop.contracts import MOST_IN_EVALUATION_JOB
from tunedrop.errors import InvalidManifest
from tunedrop.manifest import yaml_document
from tunedrop.manifest._shapes import NO_JUDGE, RANGES, SECTIONS, STAGE_JUDGE, Data, Judge, Manifest, Stage

MAX_STAGES = 4
MAX_FINDINGS = 20
MAX_FINDING = 500
MAX_RUBRIC = 4_000
"""Characters. A custom metric of a Bedrock evaluation job takes instructions of 5,000 (CreateEvaluationJob,
read 2026-11-23), and ours are around it."""

_PART = "[a-zA-Z0-9-]{1,63}"
_MODEL_ID = re.compile(
    r"(arn:aws(-[a-z]+)*:bedrock:[a-z0-9-]{1,20}:[0-9]{0,12}:(foundation-model|inference-profile)/)?"
    rf"{_PART}(\.{_PART}){{1,3}}(:{_PART}){{0,2}}"
)
"""A model or an inference profile: `amazon.nova-pro-v1:0`, `us.amazon.nova-pro-v1:0`, or the ARN of one (from
the patterns of modelId and EvaluatorModelIdentifier in botocore's service models, read 2026-11-29). No
application inference profile: the stage's functions may call none."""


def read(text: bytes, name: str = "run.yaml") -> Manifest:
    """The manifest in a file's bytes. `name` is used in messages.

    Raises
    ------
    InvalidManifest
        If it is not YAML or JSON, or not a manifest; the message lists every error with its line.
    """
    document = yaml_document.parse(text, name)
    findings = [f"{name}{where}: {escaping.line(message)}" for where, message in _findings(document)]
    if findings:
        raise InvalidManifest("\n".join(_first(findings)))
    manifest = msgspec.convert(yaml_document.plain(document), Manifest)
    if problems := list(_contradictions(manifest)):
        raise InvalidManifest("\n".join(f"{name}: {problem}" for problem in problems))
    return _with_the_last_stage_as_its_own(manifest)


def _first(findings: list[str]) -> Iterator[str]:
    """The first findings, each truncated, and the number of others."""
    for finding in findings[:MAX_FINDINGS]:
        yield finding if len(finding) <= MAX_FINDING else f"{finding[:MAX_FINDING]} …"
    if (more := len(findings) - MAX_FINDINGS) > 0:
        yield f"and {more:,} more"


def _with_the_last_stage_as_its_own(manifest: Manifest) -> Manifest:
    """A run is its last stage; `stages` keeps those before it."""
    if not manifest.stages:
        return manifest
    *earlier, last = manifest.stages
    return msgspec.structs.replace(
        manifest, stages=tuple(earlier), **{name: getattr(last, name) for name in Stage.__struct_fields__}
    )


def _contradictions(manifest: Manifest) -> Iterator[str]:
    """Keys that are valid individually but contradict each other."""
    if manifest.stages:
        yield from _about_stages(manifest)
    elif not manifest.data.train:
        yield "data.train is missing; name the training file, such as train.jsonl"
    if manifest.base_model is not None and manifest.from_run is not None:
        yield "base_model and from both say what to tune; keep one"
    if manifest.search and manifest.method in ("distillation", "reinforcement"):
        yield f"search: candidates are compared by validation loss, which {manifest.method} does not have"


def _about_stages(manifest: Manifest) -> Iterator[str]:
    if not 2 <= len(manifest.stages) <= MAX_STAGES:
        yield f"stages has {len(manifest.stages)}; 2 to {MAX_STAGES} are allowed. One needs no stages"
    for key in ("method", "data", "hyperparameters"):
        if getattr(manifest, key) != getattr(Manifest(), key):
            yield f"{key}: with stages, each stage has its own; move it into a stage"
    if manifest.search:
        yield "search: search in a run of one stage, then tune its model further with from"
    for number, stage in enumerate(manifest.stages, start=1):
        if not stage.data.train:
            yield f"stages {number}: data.train is missing; name the training file, such as train.jsonl"
        if stage.method in ("distillation", "reinforcement"):
            yield f"stages {number}: {stage.method} cannot be one of several stages; run it separately"
    for number, stage in enumerate(manifest.stages[:-1], start=1):
        if stage.data.test is not None:
            yield f"stages {number}: only the last stage is evaluated; give data.test there"


def _findings(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from _keys_and_types(document, Manifest, "")
    for section, shape in SECTIONS.items():
        value = document.get(section)
        if isinstance(value, Mapping):
            yield from _keys_and_types(value, shape, f"{section}.")
    judge, key = yaml_document.locate(document, "evaluation.judge")
    if isinstance(judge.get(key), Mapping):
        yield from _keys_and_types(judge[key], Judge, "evaluation.judge.")
    stages = document.get("stages")
    for number, stage in enumerate(stages if isinstance(stages, list) else [], start=1):
        if isinstance(stage, Mapping):
            yield from _keys_and_types(stage, Stage, f"stages {number}: ")
            if isinstance(stage.get("data"), Mapping):
                yield from _keys_and_types(stage["data"], Data, f"stages {number}: data.")
    yield from _blank(document)
    yield from _values(document)
    yield from _judge(document)


def _blank(mapping: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Blank texts, which are probably a mistake."""
    for key, value in mapping.items():
        path = f"{above}{key}"
        parts = value if isinstance(value, list) else [value]
        if any(isinstance(one, str) and not one.strip() for one in parts):
            yield yaml_document.line_of(mapping, key), f"{path} is empty; give it a value or leave it out"
        for one in parts:
            if isinstance(one, Mapping):
                yield from _blank(one, f"{path}.")


def _keys_and_types(
    mapping: Mapping[str, Any], shape: type[msgspec.Struct], prefix: str
) -> Iterator[tuple[str, str]]:
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(shape)}
    for key, value in mapping.items():
        if key not in fields:
            near = difflib.get_close_matches(str(key), fields, n=1, cutoff=0.4)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"known keys: {', '.join(fields)}"
            yield yaml_document.line_of(mapping, key), f"unknown key {prefix}{key}; {hint}"
            continue
        if key in SECTIONS and not prefix and isinstance(value, Mapping):
            continue
        try:
            msgspec.convert(yaml_document.plain(value), fields[key])
        except msgspec.ValidationError as error:
            what = wrong_values.not_among(value, fields[key]) or wrong_values.in_words(
                str(error).partition(" - at")[0], fields[key]
            )
            if key == "method" and isinstance(value, str):
                what = _refused_method(mapping, value) or what
            yield yaml_document.line_of(mapping, key), f"{prefix}{key}: {what}"


def _refused_method(mapping: Mapping[str, Any], method: str) -> str:
    """Why an AWS method is not supported, and the closest alternative; empty for any other name."""
    if method not in refusals.methods():
        return ""
    base = mapping.get("base_model")
    why = catalog.refusal(base if isinstance(base, str) else "", method)
    return f"{method} is not offered: {why.reason}. {why.nearest}" if why is not None else ""


def _judge(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    evaluation, key = yaml_document.locate(document, "evaluation.judge")
    judge = evaluation.get(key)
    if judge == NO_JUDGE and evaluation.get("metric") == "judge":
        yield (
            yaml_document.line_of(evaluation, key),
            f"evaluation.judge: {NO_JUDGE} leaves evaluation.metric: judge without a judge; name a model",
        )
    if judge in (STAGE_JUDGE, NO_JUDGE) or not isinstance(judge, str | Mapping):
        return
    model = judge.get("model", "") if isinstance(judge, Mapping) else judge
    if isinstance(model, str) and not _MODEL_ID.fullmatch(model):
        example = f"such as amazon.nova-pro-v1:0, or write judge: {STAGE_JUDGE}, or judge: {NO_JUDGE}"
        yield (
            yaml_document.line_of(evaluation, key),
            f"evaluation.judge: {model!r} is not a model id; name one, {example}",
        )
    if isinstance(judge, Mapping) and len(str(judge.get("rubric", ""))) > MAX_RUBRIC:
        yield (
            yaml_document.line_of(judge, "rubric"),
            f"evaluation.judge.rubric has more than {MAX_RUBRIC:,} characters",
        )
    most = evaluation.get("max_prompts")
    by_job = isinstance(judge, Mapping) and judge.get("via") == "evaluation-job"
    if by_job and isinstance(most, int) and most > MOST_IN_EVALUATION_JOB:
        yield (
            yaml_document.line_of(evaluation, "max_prompts"),
            f"evaluation.max_prompts is {most:,}; with evaluation.judge.via: evaluation-job it is at most "
            f"{MOST_IN_EVALUATION_JOB:,}, Bedrock's limit",
        )


def _values(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for path, (lowest, highest) in RANGES.items():
        mapping, key = yaml_document.locate(document, path)
        value = mapping.get(key)
        if isinstance(value, int | float) and not lowest <= value <= highest:
            yield (
                yaml_document.line_of(mapping, key),
                f"{path} is {value}; it must be from {lowest:g} to {highest:g}",
            )
    for path, read_value in _WRITTEN.items():
        mapping, key = yaml_document.locate(document, path)
        value = mapping.get(key)
        # A number that means a duration has a wrong type, which was found before.
        if isinstance(value, str) or (read_value is share and isinstance(value, int | float)):
            try:
                read_value(value)
            except ValueError as error:
                yield yaml_document.line_of(mapping, key), f"{path}: {error}"


def share(text: str | float) -> float:
    """`20%` and `0.2` are both a fifth.

    Raises
    ------
    ValueError
        If it is neither, or not from 1% to 10000%.
    """
    if isinstance(text, str) and (match := re.fullmatch(r"\s*(\d{1,4}(?:\.\d{1,9})?)\s*%\s*", text)):
        found = float(match[1]) / 100
    elif isinstance(text, int | float) and not isinstance(text, bool):
        found = float(text)
    else:
        raise ValueError(f"{text!r} is not a share; write 20% or 0.2")
    if not 0.01 <= found <= 100:
        raise ValueError(f"{text!r} must be from 1% to 10000%")
    return found


_WRITTEN: dict[str, Callable[[Any], float]] = {
    "deployment.keep_for": clock.duration_seconds,
    "retune.at_most_every": clock.duration_seconds,
    "retune.when_grown_by": share,
}
"""A string that means a number."""
