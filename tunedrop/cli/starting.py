"""`init`: a folder to begin with: a manifest that explains itself, sample records that pass the check."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from tunedrop import catalog
from tunedrop.cli.exits import USAGE
from tunedrop.cli.output import console, fail
from tunedrop.contracts import Method
from tunedrop.dataset import formats
from tunedrop.dataset.formats import Conversation, Turn

_MANIFEST = """\
# A run of Tunedrop. Submit it with: tunedrop submit {folder} --watch
# The data is uploaded first; this file goes last, and its arrival starts the run.

method: {method}
  # {why}

base_model: {base_model}
  # {name}, tuned in {regions}; {served}
  # others: tunedrop advise

data:
  train: train.jsonl               # one JSON object a line; names beside this file, or s3://…
  # validation: validation.jsonl   # watched while training; split off train when absent
  # test: test.jsonl               # held out for the evaluation, never trained on; split off when absent

{hyperparameters}
budget_usd: 50                     # above it the run asks you before anything is paid

# deployment:
#   mode: auto                     # on-demand where the base model allows it: free while idle
#   keep_for: 2h                   # how long provisioned throughput stays; it bills by the hour

evaluation:
  min_improvement: 0.02            # by how much the deciding score has to rise, on a scale of 0 to 1
"""

_WHY: dict[str, str] = {
    "instruction": "a prompt and its completion a record",
    "single-turn": "one question and its answer a record",
    "multi-turn": "a conversation of several turns a record",
    "continued-pretraining": "plain text: the model reads on. AWS documents no base model for it today",
}

_BASE_MODELS: dict[str, str] = {
    "instruction": "meta.llama3-1-8b-instruct-v1:0:128k",
    "single-turn": "meta.llama3-3-70b-instruct-v1:0:128k",
    "multi-turn": "meta.llama3-3-70b-instruct-v1:0:128k",
    "continued-pretraining": "amazon.titan-text-express-v1",
}

METHODS = tuple(_BASE_MODELS)
"""The methods that a folder can be written for."""

SAMPLES = 120
"""Enough for every base model's least (Llama: 100)."""

_THINGS = (
    "lamp",
    "chair",
    "kettle",
    "rug",
    "mirror",
    "shelf",
    "clock",
    "vase",
    "desk",
    "blanket",
    "stool",
    "frame",
)
_ASKED = (
    ("How do I return a {}?", "Put the {} into its box, print the label and leave it at any post office."),
    ("When will my {} come?", "Your {} leaves us within two days; your account shows where it is now."),
    (
        "Can I pay for a {} by invoice?",
        "Yes, from your second order on: choose invoice at the last step for the {}.",
    ),
    (
        "My {} arrived broken. What now?",
        "We are sorry. Send us a picture of the {} and we send a new one today.",
    ),
    ("Is the {} in stock?", "The page of the {} shows it; where it says sold out, leave your address there."),
    ("How do I clean a {}?", "Wipe the {} with a soft, dry cloth; never with anything that scratches."),
    (
        "Can I change my order of a {}?",
        "As long as the {} has not left us: open the order and choose change.",
    ),
    (
        "Does the {} come assembled?",
        "The {} comes in parts, with a page of pictures and the one tool it takes.",
    ),
    ("How long is the {} under warranty?", "Two years from the day the {} reached you; keep the invoice."),
    (
        "Do you deliver a {} abroad?",
        "We bring a {} to every country of our list; the price is shown at the end.",
    ),
)


def init(folder: Path, method: Method, base_model: str | None = None) -> None:
    """Write run.yaml and train.jsonl into a new folder, or one that has neither."""
    write(folder, method, base_model or _BASE_MODELS[method], {}, None)
    console.print(f"next:  tunedrop check {folder / 'train.jsonl'}; then put your own records in its place")


def write(
    folder: Path,
    method: Method,
    base_model: str,
    hyperparameters: Mapping[str, str],
    train: Path | None,
    stream: Console = console,
) -> None:
    """Write a run's folder.

    Parameters
    ----------
    hyperparameters
        By Bedrock's names; empty leaves them to the base model's defaults.
    train
        The data to copy; None writes sample records of the method.
    """
    there = [name for name in ("run.yaml", "train.jsonl") if (folder / name).exists()]
    if there:
        fail(f"{folder} has {' and '.join(there)} already; nothing was written", USAGE)
    manifest = _manifest(folder, method, base_model, hyperparameters)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.yaml").write_text(manifest, encoding="utf-8")
    if train is not None:
        shutil.copyfile(train, folder / "train.jsonl")
    else:
        (folder / "train.jsonl").write_text(_records(method), encoding="utf-8")
    for name in ("run.yaml", "train.jsonl"):
        stream.print(f"wrote  {folder / name}")


def _manifest(folder: Path, method: Method, base_model: str, hyperparameters: Mapping[str, str]) -> str:
    try:
        model = catalog.find(base_model)
    except LookupError as error:
        fail(str(error.args[0]), USAGE)
    served = "served on demand, free while idle" if model.serving.on_demand else "served by the hour only"
    return _MANIFEST.format(
        folder=folder,
        method=method,
        why=_WHY.get(method, ""),
        base_model=model.id,
        name=model.name,
        regions=" and ".join(model.regions),
        served=served,
        hyperparameters=_hyperparameters(hyperparameters, model.hyperparameters_of(method)),
    )


def _hyperparameters(chosen: Mapping[str, str], known: Mapping[str, Any]) -> str:
    """Those that were chosen, or all that there are with their ranges, commented out."""
    values = chosen or {name: one.written(one.default) for name, one in known.items()}
    mark = "" if chosen else "# "
    lines = [f"{mark}hyperparameters:"]
    for name, value in values.items():
        one = known.get(name)
        span = f"{one.minimum:g} to {one.maximum:g}" if one is not None and one.type != "word" else ""
        lines.append(f"{mark}  {name}: {value}".ljust(35) + (f"# {span}" if span else ""))
    return "\n".join(line.rstrip() for line in lines) + "\n" if values else ""


def _records(method: Method) -> str:
    asked = [
        (question.format(thing), answer.format(thing)) for question, answer in _ASKED for thing in _THINGS
    ]
    records = [_record(method, *one) for one in asked[:SAMPLES]]
    return "".join(f"{msgspec.json.encode(record).decode()}\n" for record in records)


def _record(method: Method, question: str, answer: str) -> dict[str, Any]:
    turns = (Turn("user", question), Turn("assistant", answer))
    match method:
        case "instruction":
            return formats.write(Conversation(turns), "prompt-completion")
        case "continued-pretraining":
            return formats.write(Conversation((Turn("text", f"{question} {answer}"),)), "text")
        case "multi-turn":
            more = (
                Turn("user", "Thank you. Is there anything else to know?"),
                Turn("assistant", f"No, that is all. In short: {answer}"),
            )
            return formats.write(Conversation(turns + more, "You are the shop's assistant."), "converse")
        case _:
            return formats.write(Conversation(turns), "converse")
