"""`init`: creates a folder to start from, with a commented manifest and sample records."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tunedrop import catalog, clock
from tunedrop.catalog.method import Hyperparameter
from tunedrop.catalog.model import BaseModel
from tunedrop.catalog.tunable import obstacle
from tunedrop.cli.exits import USAGE
from tunedrop.cli.output import Format, console, errors, fail, print_json
from tunedrop.cli.plan._sample_records import sample
from tunedrop.contracts import Method
from tunedrop.formatting.commands import command
from tunedrop.planning.hyperparameters import manifests_name
from tunedrop.serving import kinds

_MANIFEST = """\
# A run of Tunedrop. Submit it with: {submit}
# Upload the data first and this file last: its arrival starts the run.

method: {method}
  # {why}

base_model: {base_model}
  # {name}, {route}; {served}
{needs}  # others: tunedrop bases --method {method}

{more}data:
  train: train.jsonl               # one JSON object per line; a file next to this one, or s3://…
  # validation: validation.jsonl   # for the validation loss; by default split off the training data
  # test: test.jsonl               # for the evaluation, never trained on; by default split off

{hyperparameters}budget_usd: 50                     # a run that may cost more asks for approval

# deployment:
#   mode: auto                     # on-demand, which is free while idle, if the base model supports it
#   keep_for: 2h                   # how long to keep provisioned throughput, which is billed by the hour

evaluation:
  min_improvement: 0.02            # the required rise of the deciding score, on a scale of 0 to 1
  # few_shot: 5                    # also compare with prompting: the base model with five examples
  # a judge model decides which of two texts is better, by your rubric:
  # judge: {{model: amazon.nova-pro-v1:0, rubric: Prefer the answer that a customer could act on at once.}}
"""

_WHY: dict[str, str] = {
    "instruction": "each record is a prompt and its completion",
    "single-turn": "each record is one question and its answer",
    "multi-turn": "each record is a conversation of several turns",
    "preference": "each record is a prompt with a preferred and a rejected answer",
    "continued-pretraining": "plain text that the model learns to continue",
    "distillation": "prompts, with or without answers: the teacher writes the missing ones",
    "reinforcement": "prompts with a reference_answer: the model answers, and a function grades",
}

_GRADER = """\
# grader: arn:aws:lambda:…          # your own function, if the stage allows it; default: the stage's grader

"""

_TEACHER = """\
teacher:
  model: {teacher}
    # {others}
  max_response_length: 500         # maximum number of tokens per answer; each is billed

"""

_BASE_MODELS: dict[str, str] = {
    "instruction": "amazon.nova-micro-v1:0:128k",
    "single-turn": "amazon.nova-lite-v1:0:300k",
    "multi-turn": "amazon.nova-lite-v1:0:300k",
    "preference": "qwen.qwen3-32b",
    "continued-pretraining": "mistral.mistral-7b",
    "distillation": "amazon.nova-micro-v1:0:128k",
    "reinforcement": "amazon.nova-2-lite-v1:0:256k",
}


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What `init --format json` prints."""

    folder: str
    method: Method
    base_model: str
    files: list[str]


def init(folder: Path, method: Method, base_model: str | None, format_: Format) -> None:
    """Write run.yaml and train.jsonl into a new folder, or one that has neither."""
    base_model = base_model or _BASE_MODELS[method]
    files = [str(path) for path in write(folder, method, base_model, {}, None)]
    if format_ is Format.json:
        return print_json(Written(folder=str(folder), method=method, base_model=base_model, files=files))
    for path in files:
        console.print(f"wrote  {path}")
    return console.print(f"next:  {command('check', str(folder))}; then replace the sample records")


def write(
    folder: Path,
    method: Method,
    base_model: str,
    hyperparameters: Mapping[str, str],
    train: Path | None,
) -> list[Path]:
    """Write a run's folder; returns the files in it.

    Parameters
    ----------
    hyperparameters
        By Bedrock's names; empty leaves them to the base model's defaults.
    train
        The data to copy; None writes sample records of the method.
    """
    there = [name for name in ("run.yaml", "train.jsonl") if os.path.lexists(folder / name)]
    if there:
        fail(f"{folder} has {' and '.join(there)} already; nothing was written", USAGE)
    manifest = _manifest(folder, method, base_model, hyperparameters)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.yaml").write_text(manifest, encoding="utf-8")
    if train is not None:
        shutil.copyfile(train, folder / "train.jsonl")
    else:
        (folder / "train.jsonl").write_text(sample(method), encoding="utf-8")
    return [folder / "run.yaml", folder / "train.jsonl"]


def _manifest(folder: Path, method: Method, base_model: str, hyperparameters: Mapping[str, str]) -> str:
    try:
        model = catalog.find(base_model)
    except LookupError as error:
        fail(str(error.args[0]), USAGE)
    if closed := obstacle(model, method=method):
        if catalog.tunable(method) or method not in model.methods:
            fail(f"{model.name} {closed}", USAGE, catalog.instead(model, method))
        errors.print(f"{model.name} {closed}. {catalog.instead(None, method)}", style="yellow")
    offered = kinds.offered(model)
    return _MANIFEST.format(
        submit=command("submit", str(folder), options="--watch"),
        method=method,
        why=_WHY.get(method, ""),
        base_model=model.id,
        name=model.name,
        route=catalog.route(model, method),
        needs="".join(f"  # it needs {one}\n" for one in catalog.needs(model, method)),
        served=offered[0].terms if offered else "not served",
        more=_more(method, model),
        hyperparameters=_hyperparameters(hyperparameters, model.hyperparameters_of(method)),
    )


def _more(method: Method, model: BaseModel) -> str:
    """The part of the manifest that is specific to a method."""
    if method == "reinforcement":
        return _GRADER
    if method != "distillation":
        return ""
    today = clock.today()
    first, *others = [one.id for one in model.methods[method].teachers if not one.has_ended(today)]
    choice = f"or {', '.join(others)}" if others else "the one that teaches this base model"
    return _TEACHER.format(teacher=first, others=choice)


def _hyperparameters(chosen: Mapping[str, str], known: Mapping[str, Hyperparameter]) -> str:
    """The chosen hyperparameters; without a choice, all of them with their ranges, commented out."""
    values = chosen or {name: one.written(one.default) for name, one in known.items()}
    mark = "" if chosen else "# "
    lines = [f"{mark}hyperparameters:"]
    for name, value in values.items():
        span = _span(known[name]) if name in known else ""
        lines.append(f"{mark}  {manifests_name(name)}: {value}".ljust(35) + (f"# {span}" if span else ""))
    return "\n".join(line.rstrip() for line in lines) + "\n\n" if values else ""


def _span(one: Hyperparameter) -> str:
    if one.type == "word" or one.values:
        return ", ".join(one.words or (f"{value:g}" for value in one.values))
    return f"{one.minimum:g} to {one.maximum:g}" if one.maximum < math.inf else f"{one.minimum:g} or more"
