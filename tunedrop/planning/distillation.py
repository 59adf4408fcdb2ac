"""Distillation: a larger model, the teacher, writes the answers that the base model, the student, learns
from.

Bedrock sends every prompt of the dataset to the teacher, may generate similar ones, and tunes the student on
the answers (Bedrock user guide, model-distillation and distillation-prepare-datasets, read 2026-11-23).
"""

from __future__ import annotations

from tunedrop import catalog, clock, manifest
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Teacher
from tunedrop.errors import InvalidManifest
from tunedrop.manifest import Manifest

MAX_PAIRS = 15_000
"""Maximum number of prompts with answers after Bedrock's augmentation; each is billed as inference."""


def teacher_of(base_model: BaseModel, parent_model: str, document: Manifest) -> Teacher | None:
    """The teacher of a manifest; default: the first that the base model supports.

    Raises
    ------
    InvalidManifest
        If Bedrock does not support this pair of teacher and student.
    """
    asked = document.teacher
    if document.method != "distillation":
        if asked is not None:
            raise InvalidManifest(f"teacher: only distillation has one; method is {document.method}")
        return None
    if parent_model:
        raise InvalidManifest(
            "base_model: a custom model cannot be a student; name a base model. "
            f"{catalog.instead(None, 'distillation')}"
        )
    return _teacher(base_model, asked or manifest.Teacher())


def _teacher(base_model: BaseModel, asked: manifest.Teacher) -> Teacher:
    rules = base_model.methods.get("distillation")
    today = clock.today()
    alive = [one for one in rules.teachers if not one.has_ended(today)] if rules is not None else []
    if not alive:
        raise InvalidManifest(
            f"method: Bedrock distills no teacher into {base_model.name}. "
            f"{catalog.instead(base_model, 'distillation')}"
        )
    names = ", ".join(one.id for one in alive)
    if not asked.model:
        return Teacher(model=alive[0].id, max_response_length=asked.max_response_length)
    known = next((one for one in (rules.teachers if rules else ()) if one.id == asked.model), None)
    if known is None:
        raise InvalidManifest(
            f"teacher.model: {asked.model} does not teach {base_model.name}; these do: {names}"
        )
    if known.has_ended(today):
        raise InvalidManifest(
            f"teacher.model: {known.name} reached its end of life on {known.ends_on}; take {names}"
        )
    return Teacher(model=known.id, max_response_length=asked.max_response_length)


def inference_id(teacher: Teacher) -> str:
    """The teacher's id for Converse: an inference profile if the catalog knows one."""
    try:
        return catalog.find(teacher.model).inference_id
    except LookupError:
        return teacher.model
