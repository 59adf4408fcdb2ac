"""Open weights: trained by SageMaker AI, imported into Bedrock, measured against the base, torn down."""

from __future__ import annotations

from pathlib import Path

from local.driver import Pipeline
from tests.datasets import jsonl, single_turn
from tests.end_to_end.runs import torn_down, whole
from tunedrop import naming
from tunedrop.contracts import CompletedJob, Dataset, Estimate, Evaluation, Serving
from tunedrop.evaluation.inference import predictions
from tunedrop.results.teardown import Teardown
from tunedrop.serving import inventory


def submitted(every_engine: Pipeline, name: str, manifest: str) -> str:
    every_engine.put(f"runs/{name}/train.jsonl", jsonl(single_turn(name)))
    every_engine.put(f"runs/{name}/run.yaml", f"{manifest}\ndata: {{train: train.jsonl}}\n".encode())
    return every_engine.run_named(name).run.run_id


def refused(every_engine: Pipeline, name: str, manifest: str) -> str:
    """Why a run of such a manifest was refused; it has cost nothing."""
    record = every_engine.closed(submitted(every_engine, name, manifest))
    assert record.status == "refused"
    assert record.failure is not None
    assert not record.actual_usd
    return record.failure.cause


def test_open_weights_are_trained_imported_measured_promoted_and_torn_down(every_engine: Pipeline) -> None:
    run_id = submitted(
        every_engine, "open", "base_model: qwen.qwen3-32b\nmethod: single-turn\nbudget_usd: 90"
    )

    record = every_engine.approved(run_id, 600.0)

    assert record.status == "promoted", record.failure
    job, serving = whole(record, "job", CompletedJob), whole(record, "serving", Serving)
    assert ":model-package/" in job.model_arn
    assert ":imported-model/" in serving.arn
    assert serving.units > 0
    assert any("imported model" in line.item for line in whole(record, "estimate", Estimate).lines)
    assert "<think>" not in every_engine.artifact(f"runs/{run_id}/predictions.jsonl").decode()
    assert every_engine.artifact(f"runs/{run_id}/report.html")

    assert [key for key in torn_down(every_engine, run_id) if "hf_merged" in key] == []


def test_a_base_model_that_bedrock_does_not_sell_is_imported_once_and_torn_down_with_the_stage(
    every_engine: Pipeline,
) -> None:
    """Two runs share the copy, which is the stage's: a run's teardown leaves it, the stage's ends it."""
    manifest = "base_model: qwen.qwen3-4b\nmethod: single-turn\nbudget_usd: 90"
    first, second = (submitted(every_engine, name, manifest) for name in ("small", "smaller"))

    records = [every_engine.approved(run_id, 600.0) for run_id in (first, second)]

    assert [record.status for record in records] == ["promoted", "promoted"], records[0].failure
    served = [whole(record, "serving", Serving) for record in records]
    bases = {one.base.arn for one in served if one.base is not None}
    assert len(bases) == 1
    (base,) = bases
    assert ":imported-model/" in base
    evaluation = whole(records[0], "evaluation", Evaluation)
    assert evaluation.decisive is not None
    assert evaluation.decisive.base < evaluation.decisive.tuned
    items = {line.item for line in whole(records[0], "estimate", Estimate).lines}
    assert {"imported base model, answers", "imported base model, storage"} <= items
    report = every_engine.artifact(f"runs/{first}/report.html").decode()
    assert "imported base model" in report
    Teardown(every_engine.aws, every_engine.stage, first, lambda *_: None).run()
    assert base in copies(every_engine)
    Teardown(every_engine.aws, every_engine.stage, second, lambda *_: None).run()
    assert base in copies(every_engine)
    Teardown(every_engine.aws, every_engine.stage, None, lambda *_: None).run()
    assert copies(every_engine) == []


def copies(every_engine: Pipeline) -> list[str]:
    """The imported models of the stage."""
    found = inventory.resources(every_engine.aws, every_engine.stage, ("imported model",))
    return [one.arn for one in found]


def test_a_base_model_under_a_licence_has_to_be_brought_by_a_person(every_engine: Pipeline) -> None:
    said = refused(every_engine, "llama", "base_model: meta.llama3-1-8b-instruct\naccept_eula: true")

    assert "Llama 3.1 8B (open weights) is not sold on demand in Bedrock" in said
    assert f"s3://{every_engine.stage.artifacts_bucket}/bases/llama3-1-8b-instruct/" in said


def test_preferences_are_trained_imported_measured_and_promoted(
    every_engine: Pipeline, examples: Path
) -> None:
    name = every_engine.submit(examples / "preferred-answers", "preferred")

    record = every_engine.approved(every_engine.run_named(name).run.run_id, 600.0)

    assert record.status == "promoted", record.failure
    dataset, job = whole(record, "dataset", Dataset), whole(record, "job", CompletedJob)
    assert dataset.method == "preference"
    assert ":model-package/" in job.model_arn
    described = every_engine.aws.sagemaker.describe_training_job(TrainingJobName=job.job_name)
    assert described["ServerlessJobConfig"]["CustomizationTechnique"] == "DPO"
    answers = predictions.decode(every_engine.artifact(naming.predictions_key(record.run.run_id)))
    asked = [one for one in answers if not one.probe]
    assert asked
    assert all(one.reference.startswith("Of course: ") for one in asked)
    assert all(one.tuned.text.startswith("Of course: ") for one in asked)


def test_what_no_engine_trains_is_refused_at_the_drop(every_engine: Pipeline) -> None:
    said = refused(every_engine, "gemma", "base_model: google.gemma-4-31b")

    assert "'google.gemma-4-31b' cannot be tuned: Bedrock imports no model of its architecture" in said
