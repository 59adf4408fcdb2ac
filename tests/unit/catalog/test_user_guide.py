"""The catalog and the guides against tables of the Bedrock user guide (`tests/recorded/user-guide.json`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recorded import recorded
from tunedrop import catalog
from tunedrop.catalog.model import BaseModel

GUIDE = recorded("user-guide")
DOCS = Path(__file__).parents[3] / "docs"
EVERY = pytest.mark.parametrize("model", catalog.load().values(), ids=lambda model: model.id)
TODAY = "2026-11-29"
"""When the tables were read: what had ended by then may have gone from them."""


def tuned_by_bedrock() -> Iterator[BaseModel]:
    yield from (model for model in catalog.load().values() if model.engine == "bedrock")


def test_every_teacher_that_still_answers_teaches_the_students_of_the_guide() -> None:
    ours = {
        (teacher.id, model.id)
        for model in tuned_by_bedrock()
        if "distillation" in model.methods
        for teacher in model.methods["distillation"].teachers
        if not teacher.has_ended(TODAY)
    }
    theirs = {
        (teacher, student)
        for teacher, students in GUIDE["distillation"].items()
        for student in students
        if GUIDE["ends"].get(teacher, "9") > TODAY
    }

    assert ours == theirs


@EVERY
def test_a_teacher_ends_on_the_date_in_the_guide(model: BaseModel) -> None:
    rules = model.methods.get("distillation")

    for teacher in rules.teachers if rules is not None else ():
        assert teacher.ends_on == GUIDE["ends"].get(teacher.id, ""), teacher.id


@EVERY
def test_a_base_model_ends_on_the_date_in_the_guide(model: BaseModel) -> None:
    if model.engine != "bedrock" or model.lifecycle_id == "amazon.titan-text-express-v1":  # long gone
        return
    assert model.lifecycle.ends_on == GUIDE["ends"].get(model.lifecycle_id, "")


def test_on_demand_is_offered_for_the_base_models_and_in_the_regions_of_the_guide() -> None:
    ours = {
        model.lifecycle_id: region
        for model in tuned_by_bedrock()
        if "on-demand" in model.serving.ways
        for region in model.regions
    }

    assert ours == GUIDE["on_demand"]


def test_the_guide_on_copies_deploys_where_copies_are_served() -> None:
    page = (DOCS / "how-to/copy.md").read_text()
    (copied,) = set(re.findall(r"custom-model/([^/\s]+):\d+k/", page))

    deployed = re.findall(r"create-custom-model-deployment --region (\S+)", page)

    assert deployed == [GUIDE["on_demand"][copied]]


def test_the_guides_name_judges_that_take_the_builtin_metrics() -> None:
    judges = [
        judge
        for page in [*DOCS.rglob("*.md"), *(DOCS.parent / "examples").rglob("*.yaml")]
        for judge in re.findall(r"\{model: (\S+), via: evaluation-job", page.read_text())
    ]

    assert len(judges) > 1
    assert set(judges) <= set(GUIDE["judges_of_builtin_metrics"])
    assert all(GUIDE["ends"].get(one, "9") > TODAY for one in judges)


def test_the_metrics_of_reinforcement_are_those_of_the_guide() -> None:
    page = (DOCS / "how-to/adapt.md").read_text()

    named = re.findall(r"`((?:critic|actor|val-score|response|prompt_length)[\w-]*/[\w/@]+)`", page)

    assert len(named) > 3
    assert set(named) <= set(GUIDE["reinforcement_metrics"])
