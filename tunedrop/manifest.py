"""The manifest that submits a run: `run.yaml` (YAML 1.2) or `run.json`, uploaded last, beside its data.

YAML 1.2 semantics: `1e-5` is a number and `no` is a string. An unknown key is an error that names the nearest
known one; every error says which line to look at, and all of them are reported at once.
"""

from __future__ import annotations

import difflib
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from tunedrop import clock
from tunedrop.contracts import MOST_IN_A_JOB, Commitment, Method, Metric
from tunedrop.errors import InvalidManifest

MAX_BYTES = 64 * 1024
MAX_RUBRIC = 4_000
"""Characters. A custom metric of a Bedrock evaluation job takes instructions of 5,000 (CreateEvaluationJob,
read 2026-11-23), and ours are around it."""

_MODEL_ID = re.compile(r"[a-zA-Z0-9][\w.:/-]{0,2046}")

Scalar = str | int | float | bool


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """Data files: names beside the manifest, or `s3://` URIs in a bucket that the stage allows."""

    train: str = ""
    validation: str | None = None
    test: str | None = None


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """How to serve the tuned model; `keep_for` is a duration such as `2h`, or `0s` to release at once."""

    mode: Literal["auto", "on-demand", "provisioned"] = "auto"
    model_units: int = 1
    commitment: Commitment = "none"
    keep_for: str | None = None


class Judge(msgspec.Struct, frozen=True, kw_only=True):
    """The model that compares answers, by a rubric of one's own or the shipped one."""

    model: str = ""
    rubric: str = ""
    via: Literal["converse", "evaluation-job"] = "converse"


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """When the tuned model counts as better; None takes the stage's default. Scores are 0 to 1.

    `judge` is a model id, or a mapping with one.
    """

    metric: Metric = "auto"
    min_improvement: float | None = None
    confidence: float | None = None
    max_prompts: int = 500
    judge: str | Judge | None = None
    general_ability: bool | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks of a run. Everything but the training data has a default."""

    method: Method | Literal["auto"] = "auto"
    base_model: str | None = None
    data: Data = Data()
    hyperparameters: dict[str, Scalar] = {}
    budget_usd: float | None = None
    deployment: Deployment = Deployment()
    evaluation: Evaluation = Evaluation()


_SECTIONS: dict[str, type[msgspec.Struct]] = {
    "data": Data,
    "deployment": Deployment,
    "evaluation": Evaluation,
}


def read(text: bytes, name: str = "run.yaml") -> Manifest:
    """The manifest in a file's bytes. `name` is used in messages.

    Raises
    ------
    InvalidManifest
        When it is not YAML or JSON, or not a manifest; the message lists every error with its line.
    """
    document = _parse(text, name)
    findings = list(_findings(document))
    if findings:
        raise InvalidManifest("\n".join(f"{name}{where}: {message}" for where, message in findings))
    manifest = msgspec.convert(_plain(document), Manifest)
    if not manifest.data.train:
        raise InvalidManifest(f"{name}: data.train is missing; name the training file, such as train.jsonl")
    return manifest


def _parse(text: bytes, name: str) -> Mapping[str, Any]:
    if len(text) > MAX_BYTES:
        raise InvalidManifest(f"{name} is {len(text):,} bytes; a manifest is at most {MAX_BYTES:,}")
    reader = YAML(typ="rt", pure=True)
    try:
        document = reader.load(io.StringIO(text.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        raise InvalidManifest(f"{name}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except MarkedYAMLError as error:
        where = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InvalidManifest(f"{name}{where}: not valid YAML: {error.problem or error.context}") from error
    except (YAMLError, RecursionError, ValueError) as error:
        raise InvalidManifest(f"{name}: not valid YAML: {type(error).__name__}") from error
    if not isinstance(document, Mapping):
        raise InvalidManifest(f"{name}: a manifest is a mapping of keys such as base_model and data")
    return document


def _findings(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from _keys_and_types(document, Manifest, "")
    for section, shape in _SECTIONS.items():
        value = document.get(section)
        if isinstance(value, Mapping):
            yield from _keys_and_types(value, shape, f"{section}.")
    judge, key = _locate(document, "evaluation.judge")
    if isinstance(judge.get(key), Mapping):
        yield from _keys_and_types(judge[key], Judge, "evaluation.judge.")
    yield from _values(document)
    yield from _judge(document)


def _keys_and_types(
    mapping: Mapping[str, Any], shape: type[msgspec.Struct], prefix: str
) -> Iterator[tuple[str, str]]:
    fields = {field.name: field.type for field in msgspec.structs.fields(shape)}
    for key, value in mapping.items():
        if key not in fields:
            near = difflib.get_close_matches(str(key), fields, n=1, cutoff=0.4)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"known keys: {', '.join(fields)}"
            yield _line(mapping, key), f"unknown key {prefix}{key}; {hint}"
            continue
        if key in _SECTIONS and not prefix and isinstance(value, Mapping):
            continue
        try:
            msgspec.convert(_plain(value), fields[key])
        except msgspec.ValidationError as error:
            what = _not_among(value, fields[key]) or str(error).partition(" - at")[0]
            yield _line(mapping, key), f"{prefix}{key}: {what}"


def _not_among(value: Any, type_: Any) -> str:
    """That a text is none of the few that a key takes, and what it may have meant; empty for other types."""
    literals = [part for part in (type_, *get_args(type_)) if get_origin(part) is Literal]
    known = [one for literal in literals for one in get_args(literal)]
    if not known or not isinstance(value, str):
        return ""
    near = difflib.get_close_matches(value, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(known)}"
    return f"{value} is not known; {hint}"


def _judge(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    evaluation, key = _locate(document, "evaluation.judge")
    judge = evaluation.get(key)
    if judge is None and evaluation.get("metric") == "judge":
        yield _line(evaluation, "metric"), "evaluation.metric: name the model that judges: evaluation.judge"
    if not (isinstance(judge, str | Mapping)):
        return
    model = judge.get("model", "") if isinstance(judge, Mapping) else judge
    if isinstance(model, str) and not _MODEL_ID.fullmatch(model):
        example = "such as amazon.nova-pro-v1:0"
        yield _line(evaluation, key), f"evaluation.judge: {model!r} is not a model id; name one, {example}"
    if isinstance(judge, Mapping) and judge.get("via") == "evaluation-job":
        if judge.get("rubric"):
            what = "an evaluation job rates by Bedrock's own metric; leave it out, or say via: converse"
            yield _line(judge, "rubric"), f"evaluation.judge.rubric: {what}"
        if isinstance(most := evaluation.get("max_prompts"), int) and most > MOST_IN_A_JOB:
            what = f"an evaluation job takes at most {MOST_IN_A_JOB:,} prompts"
            yield _line(evaluation, "max_prompts"), f"evaluation.max_prompts: {what}"
    if isinstance(judge, Mapping) and len(str(judge.get("rubric", ""))) > MAX_RUBRIC:
        yield _line(judge, "rubric"), f"evaluation.judge.rubric has more than {MAX_RUBRIC:,} characters"


def _values(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for path, lowest, highest in (
        ("budget_usd", 0.0, 1e6),
        ("deployment.model_units", 1, 1000),
        ("evaluation.min_improvement", 0.0, 1.0),
        ("evaluation.confidence", 0.5, 0.9999),
        ("evaluation.max_prompts", 1, 100_000),
    ):
        mapping, key = _locate(document, path)
        value = mapping.get(key)
        if isinstance(value, int | float) and not lowest <= value <= highest:
            yield _line(mapping, key), f"{path} is {value}; it must be from {lowest:g} to {highest:g}"
    mapping, key = _locate(document, "deployment.keep_for")
    if isinstance(mapping.get(key), str):
        try:
            clock.duration_seconds(mapping[key])
        except ValueError as error:
            yield _line(mapping, key), f"deployment.keep_for: {error}"


def _locate(document: Mapping[str, Any], path: str) -> tuple[Mapping[str, Any], str]:
    section, _, key = path.rpartition(".")
    mapping = document.get(section, {}) if section else document
    return (mapping if isinstance(mapping, Mapping) else {}), key


def _line(mapping: Mapping[str, Any], key: Any) -> str:
    position = getattr(mapping, "lc", None)
    return f" line {position.key(key)[0] + 1}" if position is not None else ""


def _plain(value: Any) -> Any:
    """ruamel's round-trip values, which remember their layout, as Python's own."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value
