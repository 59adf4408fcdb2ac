"""Reasons to refuse a manifest regardless of its data, known without AWS."""

from __future__ import annotations

import math
import os
from datetime import UTC, datetime

import msgspec

from tunedrop import catalog, registration
from tunedrop.cli.data.folder import Submission
from tunedrop.cli.deployed import STAGE_VARIABLE
from tunedrop.cli.exits import USAGE
from tunedrop.cli.output import fail
from tunedrop.contracts import Run, S3Object
from tunedrop.errors import InvalidManifest, PreflightFailed
from tunedrop.intake.tenants import tenant_of
from tunedrop.manifest import Manifest
from tunedrop.planning import base_models
from tunedrop.serving import choose
from tunedrop.stage import Stage


def refusal(submission: Submission, base_model: str | None) -> str:
    """Why a run of this manifest would be refused regardless of its data; empty if it would not."""
    document = submission.document
    if base_model is not None:
        document = msgspec.structs.replace(document, base_model=base_model, from_run=None)
    if document.base_model is None:
        return ""  # the stage's default, or another run's model
    try:
        document = base_models.with_model(document, base_models.no_models)
        stage = no_stage(document)
        bare = bare_run(submission, stage)
        run = registration.resolve(stage, bare, document, {}, [{"train": bare.train}] * len(document.stages))
        model = catalog.find(run.base_model)
        choose.way(model, run.deployment)
    except (InvalidManifest, PreflightFailed) as error:
        return str(error)
    return _ended(model)


def _ended(model: catalog.BaseModel) -> str:
    today = datetime.now(UTC).date().isoformat()
    if (state := model.lifecycle.state(today)) != "active":
        return f"base_model: {model.name} is {state}; tunedrop advise lists others"
    return ""


def no_stage(document: Manifest) -> Stage:
    """A stage without limits, for estimates without a deployed stage."""
    if document.base_model is None:
        stage = os.environ.get(STAGE_VARIABLE) or "NAME"
        if document.from_run is not None:
            why = f"from: {document.from_run}: the stage knows which base model this run has"
            fail(why, USAGE, f"Add --stage {stage}, or --base-model ID")
        fail(
            "no base model is given",
            USAGE,
            "Add --base-model ID (tunedrop bases lists them), base_model in the manifest, or "
            f"--stage {stage}, which has a default",
        )
    return Stage(
        name="",
        account="",
        region="",
        intake_bucket="",
        artifacts_bucket="",
        registry_table="",
        waits_table="",
        topic_arn="",
        bedrock_role_arn="",
        key_arn="",
        default_base_model=document.base_model,
        budget_usd=math.inf,
        monthly_budget_usd=math.inf,
        customization_quota=1,
        approval_timeout_seconds=0,
        throughput_expiry_seconds=0,
        allow_commitment=True,
        engines=tuple(name for name, one in catalog.engines().items() if not one.closed),
    )


def bare_run(submission: Submission, stage: Stage) -> Run:
    source = S3Object(bucket=stage.intake_bucket, key=submission.key(submission.starts))
    tenant = tenant_of(stage, source.key) or ""
    return Run(run_id="", name=submission.name, source=source, train=source, tenant=tenant)
