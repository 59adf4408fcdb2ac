"""Bedrock's files about a job, as a public report of an account shows them."""

from __future__ import annotations

import pytest

from tunedrop.monitoring import Job
from tunedrop.monitoring.facts import training
from tunedrop.training import curves

RECORDED = (
    "fileName,totalProcessedRecordCount,acceptedRecordCount,partiallyAcceptedRecordCount,rejectedRecordCount\n"
    "train.jsonl,189,189,0,0\n"
    "validation.jsonl,21,21,0,0\n"
)
"""A manifest.report.csv of a Nova 2 Lite job (a public report, August 2026)."""

KEY = "runs/a-1/training/model-customization-job-abc/input_status/x/manifest.report.csv"


def test_what_bedrock_accepted_is_read() -> None:
    found = curves.read([(KEY, RECORDED)])

    assert [str(one) for one in found.inputs] == [
        "train.jsonl: 189 of 189 records accepted",
        "validation.jsonl: 21 of 21 records accepted",
    ]
    assert [one.short for one in found.inputs] == ["train 189 of 189", "validation 21 of 21"]
    assert training(Job("InProgress", {"training": "InProgress"}, found)) == "Training"


def test_what_bedrock_rejected_is_shown_while_the_job_runs() -> None:
    found = curves.read([(KEY, RECORDED.replace("189,189,0,0", "189,180,2,7"))])

    said = training(Job("InProgress", {"training": "InProgress"}, found))

    assert said == "Training  train.jsonl: 180 of 189 records accepted (2 in part, 7 rejected)"
    assert found.inputs[0].short == "train 180 of 189 (2 in part, 7 rejected)"


@pytest.mark.parametrize("text", ["", "fileName\ntrain.jsonl\n", RECORDED.replace("189", "many"), "\x00"])
def test_a_report_of_another_form_is_left_out(text: str) -> None:
    assert all(one.file != "train.jsonl" for one in curves.read([(KEY, text)]).inputs)
