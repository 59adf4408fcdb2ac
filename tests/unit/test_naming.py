"""Names hold to the patterns of botocore's own service model, whatever key a user uploads."""

from __future__ import annotations

import re

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import builders
from tunedrop import catalog, intake, naming
from tunedrop.training import engines
from tunedrop.training.engines.sagemaker_serverless import evaluators, packages

SHAPES = {
    name: botocore.session.get_session().get_service_model(name).shape_for
    for name in ("bedrock", "sagemaker")
}
KEYS = st.text(min_size=1, max_size=200) | st.sampled_from(
    ["a b.jsonl", "a+b=c@d:e,f", "100%25", "größe/übung", "日本語", "-", "--a__b--", "x" * 200, "..", "😀"]
)
STAGES = st.from_regex(r"[a-z][a-z0-9]{0,11}", fullmatch=True)


def holds(shape: str, text: str, service: str = "bedrock") -> bool:
    limits = SHAPES[service](shape).metadata
    pattern = limits.get("pattern", ".*")
    return limits["min"] <= len(text) <= limits["max"] and re.fullmatch(pattern, text) is not None


@given(key=KEYS, stage=STAGES, attempt=st.integers(1, 99))
def test_every_upload_gets_names_that_bedrock_takes(key: str, stage: str, attempt: int) -> None:
    run_id = naming.run_id(intake.read_key(f"drop/{key}", ()).name, [key])
    name = naming.resource_name(stage, run_id, attempt)

    assert holds("JobName", name)
    assert holds("CustomModelName", name)
    assert holds("ProvisionedModelName", name)
    assert holds("ModelDeploymentName", name)
    assert holds("IdempotencyToken", naming.client_token("job", name))


@given(key=KEYS)
def test_every_upload_gets_s3_uris_that_bedrock_takes(key: str) -> None:
    run_id = naming.run_id(key, [key])

    for path in (naming.dataset_key(run_id, "train"), naming.training_prefix(run_id)):
        assert holds("S3Uri", naming.uri("tunedrop-artifacts-111122223333", path))


@given(key=KEYS, stage=STAGES, attempt=st.integers(1, 99), job=st.integers(0, 25))
def test_every_upload_gets_names_that_sagemaker_and_imports_take(
    key: str, stage: str, attempt: int, job: int
) -> None:
    run_id = naming.run_id(intake.read_key(f"drop/{key}", ()).name, [key])

    for engine in engines.every():
        name = naming.resource_name(stage, run_id, attempt, job, engine.job_names)
        assert holds("TrainingJobName", name, "sagemaker")
        assert holds("JobName", name)
        assert holds("ImportedModelName", name)


@given(stage=STAGES)
def test_every_stage_gets_names_that_sagemaker_takes(stage: str) -> None:
    its = builders.stage(name=stage)

    assert holds("HubName", evaluators.hub_name(stage), "sagemaker")
    assert holds("HubContentName", evaluators.NAME, "sagemaker")
    assert holds("HubContentVersion", evaluators.VERSION, "sagemaker")
    for model in (one for one in catalog.load().values() if one.hub_content):
        assert holds("EntityName", packages.group_name(its, model), "sagemaker")


def test_the_patterns_would_refuse_a_raw_key() -> None:
    assert not holds("JobName", "support_persona")
    assert not holds("CustomModelName", "a--b")
    assert not holds("S3Uri", "s3://bucket/dt=2026-01-01/train.jsonl")


@given(name=st.text(), one=st.text(), other=st.text())
def test_a_run_id_depends_on_what_was_uploaded(name: str, one: str, other: str) -> None:
    assert (naming.run_id(name, [one]) == naming.run_id(name, [other])) is (one == other)


def test_a_second_attempt_has_a_name_of_its_own() -> None:
    assert naming.resource_name("dev", "persona-0123456789", 2) == "tunedrop-dev-persona-0123456789-2"


@pytest.mark.parametrize("text", ["", "---", "!?"])
def test_a_name_without_letters_is_called_run(text: str) -> None:
    assert naming.slug(text) == "run"


SAME_TO_THE_EYE = [
    "support", "Support", "SUPPORT", "sup-port", "sup_port", "sup.port", "sup/port", "sup port", "a/b", "a-b",
    "A.b",
    "客服", "客服 ", "顧客", "Поддержка", "поддержка", "مساعد", "ทีม", "🦄", "run", "übung", "ubung",
    naming.alias("客服"), naming.alias(naming.alias("客服")),
    "support-deadbeef", "x" * 100, "x" * 101, "x" * 102,
]  # fmt: skip


def test_every_name_has_an_alias_of_its_own() -> None:
    aliases = {naming.alias(name) for name in SAME_TO_THE_EYE}

    assert len(aliases) == len(SAME_TO_THE_EYE)


@given(one=st.text(max_size=120), other=st.text(max_size=120))
def test_no_two_names_share_an_alias(one: str, other: str) -> None:
    one, other = intake.name_of(one), intake.name_of(other)

    assert (naming.alias(one) == naming.alias(other)) is (one == other)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", naming.alias(one))


@given(name=st.text(max_size=120))
def test_nobody_can_choose_a_name_whose_alias_is_somebody_elses(name: str) -> None:
    name = intake.name_of(name)
    chosen = naming.alias(name)

    assert chosen == name or naming.alias(chosen) != chosen


@pytest.mark.parametrize(
    ("name", "readable"), [("客服", "ke-fu"), ("Поддержка", "podderzhka"), ("Kundenservice Übung", "ubung")]
)
def test_what_is_derived_from_a_name_stays_readable(name: str, readable: str) -> None:
    assert readable in naming.alias(name)
    assert readable in naming.run_id(name, [name])
