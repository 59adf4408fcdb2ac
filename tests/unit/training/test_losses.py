"""The losses that an evaluation carries, from Bedrock's files or from the job."""

from __future__ import annotations

import math

import boto3
import pytest
from moto import mock_aws

from tests import builders
from tunedrop.contracts import Dataset, Losses
from tunedrop.training import curves, losses
from tunedrop.training.curves import Curves, Loss

CURVES = Curves(
    training=(Loss(0, 0, 2.0), Loss(1, 0, 1.6), Loss(2, 1, 0.8), Loss(3, 1, 0.6)),
    validation=(Loss(1, 0, 1.5), Loss(3, 1, 0.9)),
)


def test_losses_are_those_of_the_last_epoch() -> None:
    found = losses.final(CURVES, builders.job(), builders.dataset())

    assert (found.training_loss, found.validation_loss) == (pytest.approx(0.7), 0.9)
    assert found.training_perplexity == pytest.approx(math.exp(0.7))
    assert found.validation_perplexity == pytest.approx(math.exp(0.9))
    assert found.missing == ""


def test_without_files_the_job_itself_tells_the_losses() -> None:
    found = losses.final(Curves(), builders.job(training_loss=0.5, validation_loss=0.7), builders.dataset())

    assert (found.training_loss, found.validation_loss) == (0.5, 0.7)


@pytest.mark.parametrize(
    ("dataset", "missing"),
    [
        (
            builders.dataset(),
            "Bedrock wrote no training loss for this job; Bedrock wrote no validation loss for this job",
        ),
        (
            builders.dataset(validation=None),
            "Bedrock wrote no training loss for this job; there was no validation set",
        ),
    ],
)
def test_a_loss_that_nobody_reports_is_missing_with_its_reason(dataset: Dataset, missing: str) -> None:
    found = losses.final(Curves(), builders.job(training_loss=None, validation_loss=None), dataset)

    assert found == Losses(missing=missing)


def test_rewards_have_no_perplexity() -> None:
    found = losses.final(CURVES, builders.job(), builders.dataset(method="reinforcement"))

    assert found.training_loss == pytest.approx(0.7)
    assert found.training_perplexity is None
    assert "has no perplexity" in found.missing


def test_a_loss_without_measure_has_no_perplexity() -> None:
    found = losses.final(Curves(), builders.job(training_loss=1e4), builders.dataset())

    assert found.training_perplexity is None


@mock_aws
def test_a_jobs_curves_are_read_from_its_own_output_alone() -> None:
    s3, job = boto3.client("s3", "us-east-1"), builders.job()
    prefix = "runs/persona-0123456789/training"
    own = f"{prefix}/model-customization-job-abcdefghij12/training_artifacts/step_wise_training_metrics.csv"
    s3.create_bucket(Bucket="artifacts")
    rows = "step_number,epoch_number,training_loss,perplexity\n0,0,{},9\n"
    s3.put_object(Bucket="artifacts", Key=own, Body=rows.format(1.5))
    s3.put_object(Bucket="artifacts", Key=own.replace("abcdefghij12", "other"), Body=rows.format(9.9))

    assert curves.of_job(s3, job) == Curves(training=(Loss(0, 0, 1.5),))
