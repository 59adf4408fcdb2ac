"""A run that came to its end, made up around its predictions."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tunedrop import catalog
from tunedrop.contracts import (
    ActualCost,
    CompletedJob,
    CostLine,
    Dataset,
    DatasetFile,
    Ending,
    Estimate,
    Evaluation,
    EvaluationSettings,
    JudgeSettings,
    Method,
    Promotion,
    Released,
    Run,
    S3Object,
    Score,
    Serving,
    StartedJob,
)
from tunedrop.dataset.check.check import check
from tunedrop.evaluation.decision.gate import decide
from tunedrop.evaluation.inference.evaluate import Prediction
from tunedrop.registry import StepRecord
from tunedrop.reporting.report import Material
from tunedrop.stage import Stage
from tunedrop.training import fit, losses
from tunedrop.training.curves import Curves

BASE_MODEL = "amazon.nova-lite-v1:0:300k"
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
        region="us-east-1",
        intake_bucket="tunedrop-prod-intake",
        artifacts_bucket="tunedrop-prod-artifacts",
        registry_table="tunedrop-prod-registry",
        waits_table="tunedrop-prod-waits",
        topic_arn=f"arn:aws:sns:us-east-1:{ACCOUNT}:tunedrop-prod",
        bedrock_role_arn=f"arn:aws:iam::{ACCOUNT}:role/tunedrop-prod-bedrock",
        key_arn=f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        default_base_model=BASE_MODEL,
        budget_usd=50.0,
        monthly_budget_usd=500.0,
        customization_quota=2,
        approval_timeout_seconds=86_400,
        throughput_expiry_seconds=7_200,
    )


def finished(
    name: str,
    method: Method,
    predictions: Sequence[Prediction],
    curves: Curves,
    lines: Sequence[bytes],
    judge: JudgeSettings | None = None,
) -> Material:
    """A run of these records whose models gave these answers, decided by the gate itself."""
    run = _run(name, method, EvaluationSettings(judge=judge))
    dataset = _dataset(run.run_id, method, lines, len({one.record for one in predictions}))
    job = _job(run)
    evaluation = msgspec.structs.replace(
        decide(predictions, run.evaluation),
        losses=losses.final(curves, job, dataset),
        general=Score(metric="general_ability", base=0.92, tuned=0.9, difference=-0.02, low=-0.08, high=0.04),
    )
    is_base_only = method == "continued-pretraining"
    return Material(
        ending=_ending(run, dataset, job, evaluation, curves),
        stage=stage(),
        findings=check(
            {"train": lines},
            {"train": "train.jsonl"},
            None if is_base_only else catalog.find(BASE_MODEL),
            method,
        ),
        predictions=predictions,
        curves=curves,
        timeline=timeline(len(STEPS)),
    )


def _run(name: str, method: Method, evaluation: EvaluationSettings) -> Run:
    source = S3Object(bucket="tunedrop-prod-intake", key=f"runs/{name}/run.yaml", version_id="3sL4kqtJlcpXro")
    return Run(
        run_id=f"{name}-1f2e3d4c5b",
        name=name,
        source=source,
        train=S3Object(bucket=source.bucket, key=f"runs/{name}/train.jsonl", version_id="8xKqPqXwLmNzRt"),
        method=method,
        base_model=BASE_MODEL,
        hyperparameters={"epochCount": "4", "learningRate": "0.00001"},
        budget_usd=50.0,
        evaluation=evaluation,
        uploaded_by="AROAEXAMPLE:jane.doe",
        created_at=at(0),
        execution_arn=f"arn:aws:states:us-east-1:{ACCOUNT}:execution:tunedrop-prod:7f3c9a52-1c1d-4a8e-9b1f",
    )


def _job(run: Run) -> CompletedJob:
    return CompletedJob(
        job_arn=f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-customization-job/{BASE_MODEL}/k3f9x2m7q1zp",
        job_name=f"tunedrop-prod-{run.run_id}",
        model_arn=f"arn:aws:bedrock:us-east-1:{ACCOUNT}:custom-model/{BASE_MODEL}/k3f9x2m7q1zp",
        output_uri=f"s3://tunedrop-prod-artifacts/runs/{run.run_id}/training/",
        started_at=at(19),
        ended_at=at(9_499),
    )


def _ending(run: Run, dataset: Dataset, job: CompletedJob, evaluation: Evaluation, curves: Curves) -> Ending:
    model, deployment = (
        job.model_arn,
        f"arn:aws:bedrock:us-east-1:{ACCOUNT}:custom-model-deployment/v8w1r5t2y6nb",
    )
    promotion = Promotion(
        alias=f"/tunedrop/prod/models/{run.name}", model_arn=model, previous_model_arn=f"{model[:-1]}0"
    )
    promoted = evaluation.verdict == "promote"
    return Ending(
        run=run,
        dataset=dataset,
        estimate=Estimate(
            lines=_bill(1.0), low=1.62, likely=2.31, high=3.0, budget_usd=50.0, evaluation_requests=216,
            evaluation_minutes=5.2,
        ),
        started=StartedJob(outcome="started", job_arn=job.job_arn, job_name=job.job_name),
        job=job,
        serving=Serving(
            way="on-demand", arn=deployment, name=job.job_name, model_arn=model,
            status="InService", hourly_usd=0.0, created_at=at(9_502), expires_at=at(16_702),
        ),
        evaluation=evaluation,
        promotion=promotion if promoted else None,
        released=Released(kept=(deployment,)) if promoted else Released(released=(deployment,)),
        cost=_cost(),
        fit=fit.judge(curves),
    )  # fmt: skip


def _dataset(run_id: str, method: Method, lines: Sequence[bytes], held_out: int) -> Dataset:
    def file(split: str, records: int) -> DatasetFile:
        uri = f"s3://tunedrop-prod-artifacts/runs/{run_id}/dataset/{split}.jsonl"
        return DatasetFile(uri=uri, records=records, tokens=55 * records)

    return Dataset(
        method=method,
        source_format="converse" if method == "single-turn" else "prompt-completion",
        target_format="converse",
        content_hash="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        train=file("train", len(lines)),
        validation=file("validation", max(1, len(lines) // 10)),
        test=file("test", held_out),
        warning_count=2,
    )


def _cost() -> ActualCost:
    """What was spent; the storage of the model is still to come."""
    spent = tuple(one for one in _bill(1.04) if one.item != "model storage")
    storage = tuple(one for one in _bill(1.0) if one.item == "model storage")
    low, likely, high = (sum(getattr(one, name) for one in spent) for name in ("low", "likely", "high"))
    return ActualCost(lines=spent, low=low, likely=likely, high=high, forecast=storage)


def _bill(factor: float) -> tuple[CostLine, ...]:
    def line(item: str, usd: float, basis: str) -> CostLine:
        return CostLine(
            item=item, low=0.7 * usd * factor, likely=usd * factor, high=1.3 * usd * factor, basis=basis,
            source="aws.amazon.com/bedrock/pricing", priced_on="2026-08-20",
        )  # fmt: skip

    return (
        line("training", 0.19, "23,400 tokens x 4 epochs at 2.00 USD per 1M tokens"),
        line("model storage", 1.95, "one month at 1.95 USD a month"),
        line("evaluation", 0.05, "60 prompts asked of both models"),
    )


def timeline(steps: int, error: str = "") -> list[StepRecord]:
    """The first steps of the journey; the last one failed if there is an error."""
    now, rows = 0, []
    for index, (name, seconds) in enumerate(STEPS[:steps]):
        failed = error if index == steps - 1 else ""
        ended = "" if name == "notify" else at(now + seconds)
        rows.append(StepRecord(step=name, started_at=at(now), ended_at=ended, error=failed))
        now += seconds
    return rows


def at(second: int) -> str:
    """A moment of the run."""
    hours, rest = divmod(8 * 3600 + 1_805 + second, 3600)
    return f"2026-11-23T{hours:02}:{rest // 60:02}:{rest % 60:02}Z"
