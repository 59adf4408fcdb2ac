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
from tunedrop.contracts import Commitment, Method, Metric
from tunedrop.errors import InvalidManifest

MAX_BYTES = 64 * 1024
MAX_STAGES = 4
MAX_RUBRIC = 4_000
"""Characters. A custom metric of a Bedrock evaluation job takes instructions of 5,000 (CreateEvaluationJob,
read 2026-11-23), and ours are around it."""

_MODEL_ID = re.compile(r"[a-zA-Z0-9][\w.:/-]{0,2046}")

Scalar = str | int | float | bool


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """Data files: names beside the manifest, or `s3://` URIs in a bucket that the stage allows.

    Attributes
    ----------
    train
        What the model is trained on.
    validation
        What its loss is measured on while it trains; split off `train` by content hash when absent.
    test
        Held out for the evaluation, never trained on; split off `train` likewise when absent.
    """

    train: str = ""
    validation: str | None = None
    test: str | None = None


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """How the tuned model is served.

    Attributes
    ----------
    mode
        On demand costs nothing while idle; `auto` takes it where the base model has it.
    model_units
        Of provisioned throughput.
    commitment
        A term lowers the hourly price and cannot be ended early; the stage must allow it.
    keep_for
        How long the model stays in service after its evaluation: a duration such as `2h`, or `0s` to release
        at once. Without it, a promoted model stays where that costs nothing while idle.
    stable_arn
        Whether a model that passes takes the place of the one in production behind the ARN that serves it,
        so that clients that pinned the ARN go on. Without it, the stage's setting.
    """

    mode: Literal["auto", "on-demand", "provisioned"] = "auto"
    model_units: int = 1
    commitment: Commitment = "none"
    keep_for: str | None = None
    stable_arn: bool | None = None


class Judge(msgspec.Struct, frozen=True, kw_only=True):
    """The model that compares answers, by a rubric of one's own or the shipped one.

    Attributes
    ----------
    model
        Its id, such as `amazon.nova-pro-v1:0`.
    rubric
        What makes an answer good, in your words.
    via
        Asked by Converse while the run evaluates, or by an evaluation job of Bedrock's.
    """

    model: str = ""
    rubric: str = ""
    via: Literal["converse", "evaluation-job"] = "converse"


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """When the tuned model counts as better. Scores are on a 0 to 1 scale.

    Attributes
    ----------
    metric
        The score that decides; `auto` takes the one that suits the data.
    min_improvement
        By how much the tuned model must be better; the stage's when absent.
    confidence
        How sure one must be; the stage's when absent.
    max_prompts
        How many held-out prompts are asked at most.
    judge
        The model that compares answers: its id, or a mapping of `model`, `rubric` and `via`.
    general_ability
        Whether to measure what the model could do before and still can; the stage decides when absent.
    """

    metric: Metric = "auto"
    min_improvement: float | None = None
    confidence: float | None = None
    max_prompts: int = 500
    judge: str | Judge | None = None
    general_ability: bool | None = None


class Teacher(msgspec.Struct, frozen=True, kw_only=True):
    """Whose answers a distillation learns from; left out, the first that may teach the base model."""

    model: str = ""
    max_response_length: int = 1_000


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One of several jobs that follow each other, each on the model of the one before.

    Attributes
    ----------
    method, data, hyperparameters
        As of a run.
    """

    method: Method | Literal["auto"] = "auto"
    data: Data = Data()
    hyperparameters: dict[str, Scalar] = {}


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks of a run. Everything but the training data has a default.

    Once read, the last of several `stages` is the run's own, and `stages` keeps those before it.

    Attributes
    ----------
    method
        How the base model is adapted; `auto` reads it off the records.
    base_model
        Its id in the catalog, or the ARN of a custom model, to tune it further; the stage's when absent.
    from_run
        Instead of `base_model`: the name of a run whose latest model is tuned further.
    data
        The files.
    hyperparameters
        By name, as in `{epoch_count: 2, learning_rate: 1e-5}`; the base model's defaults when absent.
    stages
        Jobs that follow each other, each on the model of the one before; 2 to 4.
    search
        Several values of a hyperparameter, as in `{learning_rate: [1e-5, 1e-4]}`: every combination is
        trained, and the one with the lowest validation loss goes on.
    keep_models
        Whether the models of earlier stages and of candidates that lost stay when the run is over.
    budget_usd
        What the run may cost before somebody is asked; the stage's when absent.
    deployment
        How the model is served, and how long.
    evaluation
        When the model counts as better.
    """

    method: Method | Literal["auto"] = "auto"
    base_model: str | None = None
    from_run: str | None = msgspec.field(default=None, name="from")
    data: Data = Data()
    hyperparameters: dict[str, Scalar] = {}
    stages: tuple[Stage, ...] = ()
    search: dict[str, Scalar | list[Scalar]] = {}
    keep_models: bool = False
    teacher: Teacher | None = None
    grader: str | None = None
    budget_usd: float | None = None
    deployment: Deployment = Deployment()
    evaluation: Evaluation = Evaluation()


_SECTIONS: dict[str, type[msgspec.Struct]] = {
    "data": Data,
    "deployment": Deployment,
    "evaluation": Evaluation,
    "teacher": Teacher,
}

RANGES: dict[str, tuple[float, float]] = {
    "budget_usd": (0.0, 1e6),
    "deployment.model_units": (1, 1000),
    "teacher.max_response_length": (1, 100_000),
    "evaluation.min_improvement": (0.0, 1.0),
    "evaluation.confidence": (0.5, 0.9999),
    "evaluation.max_prompts": (1, 100_000),
}
"""The least and the most that a key takes."""


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
    if problems := list(_contradictions(manifest)):
        raise InvalidManifest("\n".join(f"{name}: {problem}" for problem in problems))
    return _with_the_last_stage_as_its_own(manifest)


def _with_the_last_stage_as_its_own(manifest: Manifest) -> Manifest:
    """A run is its last stage; `stages` keeps those before it."""
    if not manifest.stages:
        return manifest
    *earlier, last = manifest.stages
    return msgspec.structs.replace(
        manifest, stages=tuple(earlier), **{name: getattr(last, name) for name in Stage.__struct_fields__}
    )


def _contradictions(manifest: Manifest) -> Iterator[str]:
    """What is right key by key and makes no sense together."""
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
        yield f"stages has {len(manifest.stages)}; it takes 2 to {MAX_STAGES}. One alone needs no stages"
    for key in ("method", "data", "hyperparameters"):
        if getattr(manifest, key) != getattr(Manifest(), key):
            yield f"{key}: with stages, each says its own; move it into a stage"
    if manifest.search:
        yield "search: search in a run of one stage, then tune its model further with from"
    for number, stage in enumerate(manifest.stages, start=1):
        if not stage.data.train:
            yield f"stages {number}: data.train is missing; name the training file, such as train.jsonl"
        if stage.method in ("distillation", "reinforcement"):
            yield f"stages {number}: {stage.method} cannot be one of several stages; run it by itself"
    for number, stage in enumerate(manifest.stages[:-1], start=1):
        if stage.data.test is not None:
            yield f"stages {number}: only the last stage is evaluated; give data.test there"


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
    stages = document.get("stages")
    for number, stage in enumerate(stages if isinstance(stages, list) else [], start=1):
        if isinstance(stage, Mapping):
            yield from _keys_and_types(stage, Stage, f"stages {number}: ")
            if isinstance(stage.get("data"), Mapping):
                yield from _keys_and_types(stage["data"], Data, f"stages {number}: data.")
    yield from _values(document)
    yield from _judge(document)


def _keys_and_types(
    mapping: Mapping[str, Any], shape: type[msgspec.Struct], prefix: str
) -> Iterator[tuple[str, str]]:
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(shape)}
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
    if isinstance(judge, Mapping) and len(str(judge.get("rubric", ""))) > MAX_RUBRIC:
        yield _line(judge, "rubric"), f"evaluation.judge.rubric has more than {MAX_RUBRIC:,} characters"


def _values(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for path, (lowest, highest) in RANGES.items():
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
