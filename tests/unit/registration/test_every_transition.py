"""Tuning further: what may go on with what, at the drop. By hand from AWS's pages, read 2026-11-29.

Bedrock user guide, model-customization-submit (a custom model as `baseModelIdentifier`) and
fine-tuning-openai-apis (base models alone); SageMaker AI developer guide, customizing-models-continuous (a
package of a serverless job alone). No source says of any base model that JumpStart's script takes its own
result. Where the method is `auto`, preflight looks at the order (`test_serverless_packages.py`).
"""

from __future__ import annotations

from io import BytesIO
from typing import Any, NamedTuple

import msgspec
import pytest

from tests import builders
from tests.rows import EVERY_ENGINE, EXAMPLES
from tests.unit.fake_bedrock import FakeBedrock
from tunedrop import catalog, registration
from tunedrop.contracts import Registration, Run, S3Object
from tunedrop.errors import InvalidManifest
from tunedrop.registration import ObjectCreated
from tunedrop.stage import Stage
from tunedrop.training import engines

HERE = "us-east-1:111122223333"
NOVA = f"arn:aws:bedrock:{HERE}:custom-model/amazon.nova-lite-v1:0:300k/abcdefghij12"
PACKAGE = f"arn:aws:sagemaker:{HERE}:model-package/tunedrop-test-qwen3-32b/3"
JUMPSTART = f"arn:aws:sagemaker:{HERE}:training-job/pretrain-test-law-0123456789"
MANTLE = "https://bedrock-mantle.us-west-2.api.aws/v1/models/ft%3Aqwen.qwen3-32b%3A1%3Aa%3Ab"
IMPORTED = f"arn:aws:bedrock:{HERE}:imported-model/abcdefghij12"
DEPLOYED = f"arn:aws:bedrock:{HERE}:custom-model-deployment/abcdefghij12"
BOUGHT = f"arn:aws:bedrock:{HERE}:provisioned-model/abcdefghij12"


class Step(NamedTuple):
    """One step from a model to a method; `engine` forces one. Empty `refused`: it is taken."""

    parent: str
    method: str
    refused: str = ""
    engine: str = ""


STEPS = [
    *(Step(NOVA, method) for method in EXAMPLES),
    Step(NOVA, "reinforcement", "reinforcement for Nova Lite. Take amazon.nova-2-lite-v1"),
    Step(NOVA, "distillation", "a custom model cannot be a student; name a base model. Take amazon.nova-"),
    Step(NOVA, "preference", "Nova is tuned so by SageMaker AI's recipes.* Take qwen.qwen3-"),
    Step(NOVA, "continued-pretraining", "HyperPod cluster .* Take mistral.mistral-7b"),
    Step(NOVA, "single-turn", "was tuned by bedrock, and mantle cannot continue from it", "mantle"),
    *(Step(PACKAGE, method) for method in (*EXAMPLES, "preference", "reinforcement")),
    Step(PACKAGE, "distillation", "Bedrock distills into Nova alone .* Take amazon.nova-lite"),
    Step(PACKAGE, "continued-pretraining", "no service of AWS offers .* Take mistral.mistral-7b"),
    Step(PACKAGE, "reinforcement", "sagemaker-serverless, and mantle cannot continue from it", "mantle"),
    *(
        Step(JUMPSTART, one, "no job can continue from it: no source says .* Name the base model")
        for one in ("continued-pretraining", "single-turn", "preference")
    ),
    *(
        Step(MANTLE, one, "no job can continue from such a model: name the base model")
        for one in ("reinforcement", "single-turn", "preference")
    ),
    *(
        Step(one, "single-turn", "it serves one, and no job can continue from that; use from: RUN")
        for one in (IMPORTED, DEPLOYED, BOUGHT)
    ),
    # of another account, Region or stage
    Step(NOVA.replace("111122223333", "444455556666"), "single-turn", "not a custom model of this account"),
    Step(NOVA.replace("us-east-1", "us-west-2"), "single-turn", "copy a model of another Region here first"),
    Step(PACKAGE.replace("-test-", "-prod-"), "single-turn", "nor a model package that this stage has made"),
    Step(PACKAGE.replace("qwen3-32b", "gemma"), "single-turn", "the catalog does not know the base of"),
]  # fmt: skip


def name_of(step: Step) -> str:
    kind = step.parent.split(":", 5)[-1].split("/")[0]
    return f"{step.method} on {kind} {step.engine} {step.refused[:20]}"


def resolved(stage: Stage, step: Step) -> Run:
    engine = {"engine": step.engine} if step.engine else {}
    return builders.resolved(stage, base_model=step.parent, method=step.method, **engine)


@pytest.fixture
def every(stage: Stage) -> Stage:
    return msgspec.structs.replace(stage, engines=EVERY_ENGINE)


@pytest.mark.parametrize("step", [one for one in STEPS if not one.refused], ids=name_of)
def test_an_offered_step_continues_with_the_engine_that_made_the_model(every: Stage, step: Step) -> None:
    run = resolved(every, step)

    assert run.parent_model == step.parent
    assert run.method != "auto"
    assert engines.of(catalog.find(run.base_model), run.method) is engines.of_model(step.parent)


@pytest.mark.parametrize("step", [one for one in STEPS if one.refused], ids=name_of)
def test_another_step_is_refused_at_the_drop_with_the_reason_and_an_alternative(
    every: Stage, step: Step
) -> None:
    with pytest.raises(InvalidManifest, match=step.refused):
        resolved(every, step)


ORDERS = {
    "single-turn": (*EXAMPLES, "preference", "reinforcement"),
    "preference": (*EXAMPLES, "preference", "reinforcement"),
    "reinforcement": ("preference", "reinforcement"),
}
"""Which methods go on with what a method has made (developer guide, customizing-models-continuous)."""


@pytest.mark.parametrize("before", ORDERS)
@pytest.mark.parametrize("after", [*ORDERS["single-turn"], "auto"])
def test_an_order_of_methods_that_no_job_takes_is_refused_at_the_drop(
    every: Stage, before: Any, after: str
) -> None:
    found = dropped(every, before, f"base_model: {PACKAGE}\nmethod: {after}\ndata: {{train: train.jsonl}}\n")

    if after in (*ORDERS[before], "auto"):
        assert found.outcome == "registered", found.failure
        return
    assert found.failure is not None
    assert f"was tuned by {before}, and {after} cannot go on with that" in found.failure.cause
    assert "by preference it can go on from there; or name qwen.qwen3-32b" in found.failure.cause


def test_of_several_phases_the_first_goes_on_with_the_model(every: Stage) -> None:
    phases = "".join(
        f"  - {{method: {method}, data: {{train: train.jsonl}}}}\n"
        for method in ("single-turn", "preference")
    )

    found = dropped(every, "reinforcement", f"base_model: {PACKAGE}\nstages:\n{phases}")

    assert found.failure is not None
    assert "was tuned by reinforcement, and single-turn cannot go on with that" in found.failure.cause


def dropped(stage: Stage, before: Any, manifest: str) -> Registration:
    """What comes of a manifest whose base model was tuned by a method."""
    source = S3Object(bucket=stage.intake_bucket, key="runs/next/run.yaml", version_id="v1")
    event = ObjectCreated(source=source, requester="111122223333", time="2026-11-29T10:00:00Z")
    s3 = FakeBedrock(head_object={"VersionId": "v1", "ContentLength": 1_000, "ETag": ""})
    s3.get_object = lambda **_: {"Body": BytesIO(manifest.encode())}  # type: ignore[method-assign]
    return registration.register(s3, stage, event, "arn:execution", method_of=lambda _: before)
