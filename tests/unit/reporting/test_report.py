from __future__ import annotations

import msgspec
import pytest

from tests import builders
from tunedrop.contracts import Ending, Failure, Promotion
from tunedrop.ending.outcome import for_people, outcome_of
from tunedrop.evaluation.ask import Answer
from tunedrop.evaluation.evaluate import Prediction
from tunedrop.registry import StepRecord
from tunedrop.reporting import metrics_files, notification, report, summary
from tunedrop.reporting.metrics_files import Curves, Loss

ATTACK = '<script>alert("x")</script><img src=x onerror=alert(1)>'
PROMOTED = Ending(
    run=builders.run(),
    dataset=builders.dataset(),
    job=builders.job(),
    evaluation=builders.evaluation(),
    promotion=Promotion(alias="/tunedrop/test/models/persona", model_arn=builders.MODEL_ARN),
)
FAILED = Ending(run=builders.run(), failure=Failure(error="CustomizationFailed", cause="Input size exceeded"))


def render(ending: Ending, predictions: list[Prediction] | None = None, curves: Curves | None = None) -> str:
    step = StepRecord(
        step="validate_data", started_at="2026-11-23T10:00:00Z", ended_at="2026-11-23T10:00:05Z"
    )
    return report.render(
        ending, findings=None, predictions=predictions or [], curves=curves or Curves(), timeline=[step]
    )


def prediction(text: str) -> Prediction:
    return Prediction(
        record=1, turn=0, prompt=text, reference=text, base=Answer(text=text), tuned=Answer(text=text)
    )


def test_nothing_of_a_dataset_can_run_in_the_report() -> None:
    ending = msgspec.structs.replace(PROMOTED, run=builders.run(name=ATTACK, uploaded_by=ATTACK))

    page = render(ending, [prediction(ATTACK)])

    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page
    assert "default-src 'none'" in page


def test_the_report_loads_nothing_from_elsewhere() -> None:
    page = render(PROMOTED, [prediction("hello")])

    assert "http" not in page.replace("http-equiv", "")
    assert "src=" not in page


def test_the_verdict_comes_first() -> None:
    page = render(PROMOTED)

    assert page.index("is better than its base model") < page.index("Scores") < page.index("Lineage")


def test_a_failed_run_shows_its_cause_first() -> None:
    page = render(FAILED)

    assert page.index("Input size exceeded") < page.index("Lineage")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ("InvalidDataset", "refused"),
        ("OverBudget", "refused"),
        ("RunStopped", "stopped"),
        ("CustomizationFailed", "failed"),
        ("Lambda.Unknown", "failed"),
    ],
)
def test_how_a_run_ended_is_one_word(error: str, outcome: str) -> None:
    assert outcome_of(Ending(run=builders.run(), failure=Failure(error=error, cause=""))) == outcome


def test_people_do_not_see_a_stack_trace() -> None:
    cause = '{"errorMessage": "the role is gone", "errorType": "AwsRefused", "stackTrace": ["File x"]}'
    ending = for_people(Ending(run=builders.run(), failure=Failure(error="AwsRefused", cause=cause)))

    assert ending.failure is not None
    assert ending.failure.cause == "the role is gone"


def test_a_subject_is_what_sns_takes() -> None:
    ending = msgspec.structs.replace(PROMOTED, run=builders.run(run_id="ü" * 200))

    subject = notification.subject(ending)

    assert subject.isascii()
    assert len(subject) <= 100


def test_the_message_says_outcome_reason_alias_and_report() -> None:
    text = notification.text(PROMOTED)

    assert "is better than its base model and in production" in text
    assert "token F1 rose" in text
    assert "/tunedrop/test/models/persona" in text
    assert "tunedrop report persona-0123456789" in text


def test_programs_can_filter_and_parse_the_message() -> None:
    assert notification.attributes(PROMOTED)["outcome"] == "promoted"
    assert notification.as_json(FAILED)["failure"]["cause"] == "Input size exceeded"


def test_the_summary_has_the_scores() -> None:
    assert "| Token F1 | 0.300 | 0.600 | +0.300 (+0.200 to +0.400) |" in summary.markdown(PROMOTED)


def curves(validation: list[float], training: list[float]) -> Curves:
    return Curves(
        tuple(Loss(epoch, epoch, loss) for epoch, loss in enumerate(training)),
        tuple(Loss(epoch, epoch, loss) for epoch, loss in enumerate(validation)),
    )


def test_a_validation_loss_that_rises_again_is_overfitting() -> None:
    reading = metrics_files.interpret(curves([1.0, 0.5, 0.9], [1.0, 0.5, 0.2]))

    assert reading.verdict == "overfitting"
    assert reading.epochs == 2


def test_a_training_loss_that_still_falls_is_underfitting() -> None:
    assert metrics_files.interpret(curves([1.0, 0.8], [1.0, 0.6])).verdict == "underfitting"


def test_losses_that_level_off_fit() -> None:
    assert metrics_files.interpret(curves([1.0, 0.9, 0.9], [1.0, 0.9, 0.89])).verdict == "fits"


def test_bedrocks_metrics_files_are_told_by_their_names() -> None:
    text = "step_number,epoch_number,training_loss,perplexity\n0,0,2.5,12.1\n1,0,2.0,7.4\n"

    read = metrics_files.read([("runs/x/training_artifacts/step_wise_training_metrics.csv", text)])

    assert [one.loss for one in read.training] == [2.5, 2.0]
