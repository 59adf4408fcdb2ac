"""Runs that ended in every way, made up: for looking at reports, and for tests of them."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Sequence
from functools import cache

import msgspec

from local.attacks import ATTACKS
from local.embedded import ROOT
from tunedrop import catalog
from tunedrop.contracts import (
    ActualCost,
    CompletedJob,
    CostLine,
    Dataset,
    DatasetFile,
    DeploymentSettings,
    Ending,
    Estimate,
    EvaluationSettings,
    Failure,
    Fit,
    Judged,
    Method,
    Promotion,
    Released,
    Run,
    S3Object,
    Score,
    Serving,
    StartedJob,
)
from tunedrop.dataset.check import check
from tunedrop.evaluation.ask import Answer
from tunedrop.evaluation.evaluate import Prediction
from tunedrop.evaluation.gate import decide
from tunedrop.registry import StepRecord
from tunedrop.reporting.report import Material
from tunedrop.stage import Stage
from tunedrop.training import fit, losses
from tunedrop.training.curves import Curves, Loss

LLAMA = "meta.llama3-3-70b-instruct-v1:0:128k"
ACCOUNT = "111122223333"
STEPS = (
    ("register_run", 2), ("validate_data", 9), ("preflight", 3), ("estimate_cost", 1),
    ("start_customization", 4), ("wait_for_completion", 9_480), ("set_up_throughput", 3),
    ("wait_for_throughput", 490), ("evaluate_model", 312), ("promote_model", 2),
    ("release_throughput", 1), ("notify", 0),
)  # fmt: skip


def stage() -> Stage:
    """A stage as it would be described."""
    return Stage(
        name="prod",
        account=ACCOUNT,
        region="us-west-2",
        intake_bucket="tunedrop-prod-intake",
        artifacts_bucket="tunedrop-prod-artifacts",
        registry_table="tunedrop-prod-registry",
        waits_table="tunedrop-prod-waits",
        topic_arn=f"arn:aws:sns:us-west-2:{ACCOUNT}:tunedrop-prod",
        bedrock_role_arn=f"arn:aws:iam::{ACCOUNT}:role/tunedrop-prod-bedrock",
        key_arn=f"arn:aws:kms:us-west-2:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        default_base_model=LLAMA,
        budget_usd=50.0,
        monthly_budget_usd=500.0,
        customization_quota=2,
        approval_timeout_seconds=86_400,
        throughput_expiry_seconds=7_200,
    )


@cache
def all_of_them() -> dict[str, Material]:
    """Every sample by its name."""
    return {
        "promoted": _evaluated(
            "support-persona", 0.85, _curves((2.2, 1.1, 0.8, 0.72), (2.1, 1.2, 0.95, 0.93))
        ),
        "rejected": _evaluated("shuffled-answers", 0.03, _curves((2.3, 1.9, 1.7, 1.6), (2.3, 2.5, 2.9, 3.3))),
        "undecided": _evaluated("few-records", 0.18, _curves((2.2, 1.6), (2.2, 1.7)), prompts=18),
        "labels": _labels(),
        "continued-pretraining": _pretrained(),
        "failed": _failed(),
        "refused": _refused(),
        "hostile": hostile(),
    }


@cache
def hostile() -> Material:
    """A run whose every text that a user or a dataset can choose is an attack."""
    promoted = _evaluated("support-persona", 0.85, _curves((2.2, 1.1), (2.1, 1.2)))
    predictions = [
        Prediction(
            record=index,
            turn=0,
            prompt=attack,
            reference=attack,
            base=Answer(text=ATTACKS[index - 1]),
            tuned=Answer(text=attack),
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
        timeline=[*promoted.timeline, StepRecord(step="notify", started_at=_at(20), error=everything)],
    )


def _evaluated(name: str, skill: float, curves: Curves, prompts: int = 60) -> Material:
    """A run of conversations whose tuned model has this share of what was wanted."""
    lines = (ROOT / "examples" / "support-persona" / "train.jsonl").read_bytes().splitlines(keepends=True)
    predictions = list(_predictions(lines[:prompts], skill))
    return _material(name, "single-turn", predictions, curves, lines)


def _predictions(lines: Sequence[bytes], skill: float) -> Iterator[Prediction]:
    dice = random.Random(7)
    for index, line in enumerate(lines):
        messages = json.loads(line)["messages"]
        prompt, reference = (one["content"][0]["text"] for one in messages)
        words = reference.split()
        known = [word if dice.random() < skill else dice.choice(("well", "the", "it")) for word in words]
        vague = [word if dice.random() < 0.2 else dice.choice(("generally", "may", "a")) for word in words]
        yield Prediction(
            record=index,
            turn=0,
            prompt=prompt,
            reference=reference,
            base=Answer(text=" ".join(vague), latency_ms=dice.randint(400, 900), output_tokens=60),
            tuned=Answer(text=" ".join(known), latency_ms=dice.randint(450, 1_100), output_tokens=44),
        )


def _labels() -> Material:
    dice = random.Random(3)
    names = ("billing", "delivery", "returns", "technical", "other")

    def given(right: str, skill: float) -> Answer:
        return Answer(
            text=right if dice.random() < skill else dice.choice(names), latency_ms=300, output_tokens=2
        )

    predictions = []
    for index in range(160):
        right = dice.choices(names, (8, 5, 3, 4, 1))[0]
        prompt = f"Ticket {index}: a customer writes about {right} and asks what to do."
        base, tuned = given(right, 0.5), given(right, 0.9)
        predictions.append(
            Prediction(record=index, turn=0, prompt=prompt, reference=right, base=base, tuned=tuned)
        )
    lines = [
        json.dumps({"prompt": one.prompt, "completion": one.reference}).encode() + b"\n"
        for one in predictions
    ]
    curves = _curves((1.6, 0.6, 0.35, 0.2), (1.5, 0.7, 0.62, 0.81))
    return _material("ticket-labels", "instruction", predictions, curves, lines)


def _pretrained() -> Material:
    lines = (ROOT / "examples" / "domain-text" / "train.jsonl").read_bytes().splitlines(keepends=True)
    texts = [json.loads(line)["input"] for line in lines[:40]]
    predictions = []
    for index, text in enumerate(texts):
        words = text.split()
        prompt, reference = (" ".join(part) for part in (words[: len(words) // 2], words[len(words) // 2 :]))
        half = reference.split()
        tuned = " ".join(word if place % 3 else "the" for place, word in enumerate(half))
        base = " ".join(word if place % 5 == 0 else "of" for place, word in enumerate(half))
        predictions.append(
            Prediction(
                record=index, turn=0, prompt=prompt, reference=reference,
                base=Answer(text=base, latency_ms=700, output_tokens=50),
                tuned=Answer(text=tuned, latency_ms=720, output_tokens=52),
            )
        )  # fmt: skip
    curves = _curves((3.4, 2.6, 2.1), (3.3, 2.7, 2.2))
    return _material("domain-text", "continued-pretraining", predictions, curves, lines)


def _failed() -> Material:
    promoted = _evaluated("support-persona", 0.85, Curves())
    cause = (
        "Bedrock could not train: Input size exceeded in file "
        "s3://tunedrop-prod-artifacts/runs/support-persona-1f2e3d4c5b/dataset/train.jsonl for record "
        "starting with {\"schemaVersion\""
    )  # fmt: skip
    failure = Failure(error="CustomizationFailed", cause=cause, step="wait_for_completion")
    ending = _ended_early(promoted.ending, failure)
    return msgspec.structs.replace(promoted, ending=ending, predictions=(), timeline=_timeline(6, cause))


def _ended_early(ending: Ending, failure: Failure) -> Ending:
    return msgspec.structs.replace(
        ending, job=None, serving=None, evaluation=None, promotion=None, fit=None, failure=failure,
        released=Released(), cost=ActualCost(lines=(), low=0, likely=0, high=0),
    )  # fmt: skip


def _refused() -> Material:
    promoted = _evaluated("support-persona", 0.85, Curves())
    lines = [
        b'{"prompt": "How do I water it?", "completion": ""}\n',
        b'{"prompt": "How do I water it?", "completion": "Fill the tank"\n',
        b'{"question": "Where?", "answer": "Here"}\n',
        b'{"prompt": "How do I reach you?", "completion": "Write to jane.doe@example.com"}\n' * 3,
    ]
    findings = check({"train": lines}, {"train": "train.jsonl"}, catalog.find(LLAMA))
    cause = "\n".join(f"{one.file}:{one.line} {one.code} {one.message}" for one in findings.errors)
    failure = Failure(error="InvalidDataset", cause=cause, step="validate_data")
    ending = msgspec.structs.replace(
        _ended_early(promoted.ending, failure), dataset=None, estimate=None, started=None
    )
    return msgspec.structs.replace(
        promoted, ending=ending, predictions=(), findings=findings, timeline=_timeline(2, cause)
    )


def _material(
    name: str, method: Method, predictions: Sequence[Prediction], curves: Curves, lines: Sequence[bytes]
) -> Material:
    run_id = f"{name}-1f2e3d4c5b"
    dataset = _dataset(run_id, method, lines, len(predictions))
    source = S3Object(bucket="tunedrop-prod-intake", key=f"runs/{name}/run.yaml", version_id="3sL4kqtJlcpXro")
    run = Run(
        run_id=run_id,
        name=name,
        source=source,
        train=S3Object(bucket=source.bucket, key=f"runs/{name}/train.jsonl", version_id="8xKqPqXwLmNzRt"),
        method=method,
        base_model=LLAMA,
        hyperparameters={"epochCount": "4", "learningRate": "0.0001", "batchSize": "1"},
        budget_usd=50.0,
        deployment=DeploymentSettings(),
        evaluation=EvaluationSettings(),
        uploaded_by="AROAEXAMPLE:jane.doe",
        created_at=_at(0),
        execution_arn=f"arn:aws:states:us-west-2:{ACCOUNT}:execution:tunedrop-prod:7f3c9a52-1c1d-4a8e-9b1f",
    )
    job = CompletedJob(
        job_arn=f"arn:aws:bedrock:us-west-2:{ACCOUNT}:model-customization-job/{LLAMA}/k3f9x2m7q1zp",
        job_name=f"tunedrop-prod-{run_id}",
        model_arn=f"arn:aws:bedrock:us-west-2:{ACCOUNT}:custom-model/{LLAMA}/k3f9x2m7q1zp",
        output_uri=f"s3://tunedrop-prod-artifacts/runs/{run_id}/training/",
        started_at=_at(19),
        ended_at=_at(9_499),
    )
    evaluation = msgspec.structs.replace(
        decide(predictions, run.evaluation),
        losses=losses.final(curves, job, dataset),
        general=Score(metric="accuracy", base=0.92, tuned=0.9, difference=-0.02, low=-0.08, high=0.04),
        judged=Judged(model="amazon.nova-pro-v1:0", wins=len(predictions) // 2, losses=4, ties=7),
    )
    model = job.model_arn
    deployment = f"arn:aws:bedrock:us-west-2:{ACCOUNT}:custom-model-deployment/v8w1r5t2y6nb"
    promoted = evaluation.verdict == "promote"
    ending = Ending(
        run=run,
        dataset=dataset,
        estimate=Estimate(
            lines=_bill(1.0), low=1.62, likely=2.31, high=3.0, budget_usd=50.0, evaluation_minutes=5.2
        ),
        started=StartedJob(outcome="started", job_arn=f"{model}-job", job_name=f"tunedrop-prod-{run_id}"),
        job=job,
        serving=Serving(
            way="on-demand", arn=deployment, name=f"tunedrop-prod-{run_id}", model_arn=model,
            status="InService", hourly_usd=0.0, created_at=_at(9_502), expires_at=_at(16_702),
        ),
        evaluation=evaluation,
        promotion=Promotion(
            alias=f"/tunedrop/prod/models/{name}", model_arn=model, previous_model_arn=f"{model[:-1]}0"
        )
        if promoted
        else None,
        released=Released(kept=(deployment,)) if promoted else Released(released=(deployment,)),
        cost=ActualCost(lines=_bill(1.04), low=1.7, likely=2.34, high=2.9),
        fit=fit.judge(curves) if curves.training else Fit(verdict="unknown", sentence="No loss curve."),
    )  # fmt: skip
    return Material(
        ending=ending,
        stage=stage(),
        findings=check({"train": lines}, {"train": "train.jsonl"}, catalog.find(LLAMA), method)
        if method != "continued-pretraining"
        else check({"train": lines}, {"train": "train.jsonl"}),
        predictions=predictions,
        curves=curves,
        timeline=_timeline(len(STEPS)),
    )


def _dataset(run_id: str, method: Method, lines: Sequence[bytes], held_out: int) -> Dataset:
    def file(split: str, records: int) -> DatasetFile:
        uri = f"s3://tunedrop-prod-artifacts/runs/{run_id}/dataset/{split}.jsonl"
        return DatasetFile(uri=uri, records=records, tokens=55 * records)

    return Dataset(
        method=method,
        source_format="converse" if method == "single-turn" else "prompt-completion",
        target_format="converse" if method == "single-turn" else "prompt-completion",
        content_hash="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        train=file("train", len(lines)),
        validation=file("validation", max(1, len(lines) // 10)),
        test=file("test", held_out),
        warning_count=2,
    )


def _bill(factor: float) -> tuple[CostLine, ...]:
    def line(item: str, usd: float, basis: str) -> CostLine:
        return CostLine(
            item=item, low=0.7 * usd * factor, likely=usd * factor, high=1.3 * usd * factor, basis=basis,
            source="aws.amazon.com/bedrock/pricing", priced_on="2026-08-20",
        )  # fmt: skip

    return (
        line("training", 0.31, "23,400 tokens x 4 epochs at 3.30 USD per 1M tokens"),
        line("model storage", 1.95, "one month at 1.95 USD a month"),
        line("evaluation", 0.05, "60 prompts asked of both models"),
    )


def _curves(training: Sequence[float], validation: Sequence[float]) -> Curves:
    """Curves that pass through a mean loss at the end of each epoch, with the noise of single steps."""
    dice, steps = random.Random(5), 120
    rows = []
    for epoch, after in enumerate(training):
        before = training[epoch - 1] if epoch else 1.25 * after
        for step in range(steps):
            loss = after + (before - after) * math.exp(-4 * step / steps) + dice.gauss(0, 0.05 * after)
            rows.append(Loss(epoch * steps + step, epoch, max(0.01, loss)))
    held_out = [Loss((epoch + 1) * steps - 1, epoch, loss) for epoch, loss in enumerate(validation)]
    return Curves(tuple(rows), tuple(held_out))


def _timeline(steps: int, error: str = "") -> list[StepRecord]:
    now, rows = 0, []
    for index, (name, seconds) in enumerate(STEPS[:steps]):
        failed = error if index == steps - 1 else ""
        ended = "" if name == "notify" else _at(now + seconds)
        rows.append(StepRecord(step=name, started_at=_at(now), ended_at=ended, error=failed))
        now += seconds
    return rows


def _at(second: int) -> str:
    hours, rest = divmod(8 * 3600 + 1_805 + second, 3600)
    return f"2026-11-23T{hours:02}:{rest // 60:02}:{rest % 60:02}Z"
