from __future__ import annotations

import pytest

from tests import builders
from tunedrop import catalog, manifest
from tunedrop.contracts import Estimate, Teacher
from tunedrop.cost.estimate import estimate
from tunedrop.errors import InvalidManifest
from tunedrop.evaluation.workload import workload
from tunedrop.planning.distillation import inference_id, teacher_of

STUDENT = catalog.find("meta.llama3-2-1b-instruct-v1:0:128k")
TEACHER = "meta.llama3-3-70b-instruct-v1:0"


def teacher(text: str = "", model: str = STUDENT.id, parent: str = "") -> Teacher | None:
    document = manifest.read(f"method: distillation\ndata: {{train: t}}\n{text}".encode())
    return teacher_of(catalog.find(model), parent, document)


def estimated(found: Teacher, **changes: object) -> Estimate:
    run = builders.run(base_model=STUDENT.id, teacher=found, hyperparameters={}, **changes)
    dataset = builders.dataset(method="distillation", validation=None)
    return estimate(run, dataset, STUDENT, "provisioned", workload(dataset, run, has_champion=False))


def test_a_named_teacher_uses_the_requested_answer_length() -> None:
    asked = f"teacher: {{model: {TEACHER}, max_response_length: 300}}\n"

    assert teacher(asked) == Teacher(model=TEACHER, max_response_length=300)


def test_without_a_name_the_first_teacher_of_the_student_is_taken() -> None:
    found = teacher()

    assert found is not None
    assert found.model == STUDENT.methods["distillation"].teachers[0].id


@pytest.mark.parametrize(
    ("text", "model", "parent", "expected"),
    [
        ("teacher: {model: amazon.nova-pro-v1:0}\n", STUDENT.id, "", "does not teach Llama 3.2 1B"),
        (
            "teacher: {model: amazon.nova-premier-v1:0}\n",
            "amazon.nova-lite-v1:0:300k",
            "",
            "Nova Premier reached its end of life on 2026-09-14; take amazon.nova-pro-v1:0",
        ),
        ("", builders.LLAMA_3_3, "", "Bedrock distills no teacher into Llama 3.3 70B"),
        ("", STUDENT.id, builders.MODEL_ARN, "a custom model cannot be a student"),
    ],
)
def test_a_pair_that_bedrock_does_not_distill_is_refused(
    text: str, model: str, parent: str, expected: str
) -> None:
    with pytest.raises(InvalidManifest, match=expected):
        teacher(text, model, parent)


def test_other_methods_have_no_teacher() -> None:
    with pytest.raises(InvalidManifest, match="only distillation has one"):
        teacher_of(STUDENT, "", manifest.read(b"data: {train: t}\nteacher: {model: a}\n"))


def test_the_teachers_inference_is_part_of_the_estimate() -> None:
    short, long = (Teacher(model=TEACHER, max_response_length=tokens) for tokens in (100, 1_000))

    lines = {line.item: line for line in estimated(long).lines}
    assert {"teacher, prompts", "teacher, answers", "training"} <= set(lines)
    assert lines["teacher, answers"].source
    assert lines["teacher, answers"].high == pytest.approx(15_000 * 1_000 / 1e6 * 0.72)
    assert estimated(short).likely < estimated(long).likely


def test_a_teacher_is_asked_by_way_of_its_inference_profile() -> None:
    assert inference_id(Teacher(model=TEACHER, max_response_length=1)) == f"us.{TEACHER}"
    assert inference_id(Teacher(model="somebody.else-v1:0", max_response_length=1)) == "somebody.else-v1:0"
