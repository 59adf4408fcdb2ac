"""Runs that ended before their time, and the one that means harm: each made of a run that ended well."""

from __future__ import annotations

import json

import msgspec

from local.attacks import ATTACKS
from local.samples.finished import BASE_MODEL, at, timeline
from tunedrop import catalog
from tunedrop.contracts import ActualCost, Ending, Failure, Released, S3Object
from tunedrop.dataset.check.check import check, plain_errors
from tunedrop.evaluation.decision.gate import decide
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import Prediction, Said
from tunedrop.registry import StepRecord
from tunedrop.reporting.report import Material


def failed(promoted: Material) -> Material:
    """Bedrock could not train."""
    cause = (
        "Bedrock could not train: Input size exceeded in file "
        "s3://tunedrop-prod-artifacts/runs/support-persona-1f2e3d4c5b/dataset/train.jsonl for record "
        "starting with {\"schemaVersion\""
    )  # fmt: skip
    failure = Failure(error="CustomizationFailed", cause=cause, step="wait_for_completion")
    ending = _ended_early(promoted.ending, failure)
    return msgspec.structs.replace(promoted, ending=ending, predictions=(), timeline=timeline(6, cause))


def refused(promoted: Material) -> Material:
    """The dataset breaks rules."""
    lines = [
        b'{"prompt": "How do I water it?", "completion": ""}\n',
        b'{"prompt": "How do I water it?", "completion": "Fill the tank"\n',
        b'{"question": "Where?", "answer": "Here"}\n',
        b'{"prompt": "How do I reach you?", "completion": "Write to jane.doe@example.com", "page": 3}\n' * 40,
    ]
    findings = check({"train": lines}, {"train": "train.jsonl"}, catalog.find(BASE_MODEL))
    cause = "\n".join(plain_errors(findings))
    failure = Failure(error="InvalidDataset", cause=cause, step="validate_data")
    ending = msgspec.structs.replace(
        _ended_early(promoted.ending, failure), dataset=None, estimate=None, started=None
    )
    return msgspec.structs.replace(
        promoted, ending=ending, predictions=(), findings=findings, timeline=timeline(2, cause)
    )


def hostile(promoted: Material) -> Material:
    """Every text that a user or a dataset can choose is an attack."""
    predictions = [
        Prediction(
            record=index,
            turn=0,
            prompt=attack,
            reference=attack,
            base=Answer(text=ATTACKS[index - 1]),
            tuned=Answer(text=attack),
            before=(Said(attack, attack), Said("assistant", attack)),
        )
        for index, attack in enumerate(ATTACKS)
    ]
    everything = " ".join(ATTACKS)
    run = msgspec.structs.replace(
        promoted.ending.run,
        name=everything,
        uploaded_by=everything,
        hyperparameters={everything: everything},
        train=S3Object(bucket="intake", key=everything, version_id=everything),
    )
    lines = [json.dumps({"prompt": one, "completion": one, one: one}).encode() + b"\n" for one in ATTACKS]
    evaluation = decide(predictions, run.evaluation)
    ending = msgspec.structs.replace(promoted.ending, run=run, evaluation=evaluation)
    return msgspec.structs.replace(
        promoted,
        ending=ending,
        predictions=predictions,
        findings=check({"train": lines}, {"train": everything}),
        timeline=[*promoted.timeline, StepRecord(step="notify", started_at=at(20), error=everything)],
    )


def _ended_early(ending: Ending, failure: Failure) -> Ending:
    return msgspec.structs.replace(
        ending, job=None, serving=None, evaluation=None, promotion=None, fit=None, failure=failure,
        released=Released(), cost=ActualCost(lines=(), low=0, likely=0, high=0),
    )  # fmt: skip
