"""`init`: a folder to begin with: a manifest that explains itself, a few records of the right shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tunedrop.cli.exits import USAGE
from tunedrop.cli.output import console, fail
from tunedrop.contracts import Method
from tunedrop.dataset import formats
from tunedrop.dataset.formats import Conversation, Turn

_MANIFEST = """\
# A run of Tunedrop. `tunedrop submit {folder}` uploads the folder; this file goes last and starts the run.
method: {method}
base_model: {base_model}
data:
  train: train.jsonl           # a few records to show the shape: put yours in their place
  # validation: validation.jsonl   # split off train when absent
  # test: test.jsonl               # held out for the evaluation, never trained on; split off when absent
# hyperparameters: {{epoch_count: 2}}   # left out: the base model's defaults
budget_usd: 50                 # above it the run asks you first
# deployment:
#   mode: auto                 # on-demand where the base model allows it: free while idle
#   keep_for: 2h               # how long provisioned throughput stays after a promotion; it bills by the hour
evaluation:
  min_improvement: 0.02        # by how much the deciding score has to rise, on a scale of 0 to 1
"""

_BASE_MODELS: dict[str, str] = {
    "instruction": "meta.llama3-1-8b-instruct-v1:0:128k",
    "single-turn": "amazon.nova-lite-v1:0:300k",
    "multi-turn": "amazon.nova-lite-v1:0:300k",
    "continued-pretraining": "amazon.titan-text-express-v1",
}

_ASKED = (
    ("How do I return a lamp?", "Put it into its box, print the label and leave it at any post office."),
    ("When will my order come?", "Orders leave us within two days; your account shows where yours is now."),
    ("Can I pay by invoice?", "Yes, from your second order on: choose it at the last step."),
)


def init(folder: Path, method: Method) -> None:
    """Write run.yaml and train.jsonl into a new folder, or one that has neither."""
    if method not in _BASE_MODELS:
        fail(f"init knows {', '.join(_BASE_MODELS)}", USAGE)
    files = {"run.yaml": _manifest(folder, method), "train.jsonl": _records(method)}
    there = [name for name in files if (folder / name).exists()]
    if there:
        fail(f"{folder} has {' and '.join(there)} already; nothing was written", USAGE)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
        console.print(f"wrote  {folder / name}")
    console.print(f"next:  put your records into train.jsonl, then: tunedrop check {folder / 'train.jsonl'}")


def _manifest(folder: Path, method: Method) -> str:
    return _MANIFEST.format(folder=folder, method=method, base_model=_BASE_MODELS[method])


def _records(method: Method) -> str:
    records = [_record(method, *asked) for asked in _ASKED]
    return "".join(f"{msgspec.json.encode(record).decode()}\n" for record in records)


def _record(method: Method, question: str, answer: str) -> dict[str, Any]:
    turns = (Turn("user", question), Turn("assistant", answer))
    match method:
        case "instruction":
            return formats.write(Conversation(turns), "prompt-completion")
        case "continued-pretraining":
            return formats.write(Conversation((Turn("text", f"{question} {answer}"),)), "text")
        case "multi-turn":
            more = (Turn("user", "Thank you. And by mail?"), Turn("assistant", "That works in the same way."))
            return formats.write(Conversation(turns + more, "You are the shop's assistant."), "converse")
        case _:
            return formats.write(Conversation(turns), "converse")
