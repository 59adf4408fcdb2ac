"""Free preflight checks of a JumpStart job: everything that would fail once an instance is billed."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from tunedrop import aws
from tunedrop.aws import Aws
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Check, Dataset, Run
from tunedrop.planning.plan import plan
from tunedrop.stage import Stage
from tunedrop.training import sagemaker
from tunedrop.training.engines.sagemaker_jumpstart import limits
from tunedrop.training.engines.sagemaker_jumpstart import template as templates
from tunedrop.training.engines.sagemaker_jumpstart.template import Incomplete, Template

USUAL_LENGTH = 1_024
"""The meaning of `max_input_length: -1` (AWS's notebook on Llama 3)."""

OTHER = "Choose another base model: tunedrop bases --method continued-pretraining"


def every(aws_: Aws, stage: Stage, run: Run, dataset: Dataset, base_model: BaseModel) -> Iterator[Check]:
    """The checks of this engine, each with what to do if it fails."""
    yield sagemaker.roles(stage, "sagemaker-jumpstart")
    yield sagemaker.architecture(base_model)
    yield _origin(run)
    template, hub = _hub(aws_, stage, base_model)
    yield hub
    if template is not None:
        yield _licence(run, base_model, template)
        yield _instance(base_model, template)
        yield _time(run, dataset, template)
    yield _length(run, dataset)
    yield _quota(aws_, stage, base_model)


def _origin(run: Run) -> Check:
    """No job continues from another's model: no base model is known with IncrementalTrainingSupported."""
    return Check(
        name="from",
        passed=not run.parent_model and not run.earlier_stages,
        detail="continued pre-training begins with the base model itself, in a single job",
        hint="Leave out from and stages, and name the base model",
    )


def _hub(aws_: Aws, stage: Stage, base_model: BaseModel) -> tuple[Template | None, Check]:
    name = base_model.name
    try:
        found = templates.describe(aws_.sagemaker, base_model)
    except Incomplete as error:
        return None, Check(name="hub", passed=False, detail=f"{name} {error}", hint=OTHER)
    except ClientError as error:
        if aws.is_transient(error):
            raise
        gone = f"{name} is not in SageMaker's public hub in {stage.region} (any more)"
        detail = gone if sagemaker.is_missing(error) else aws.explain(error)
        return None, Check(name="hub", passed=False, detail=detail, hint=OTHER)
    strange = list(templates.strangers(found, stage.region, base_model.training_instance))
    where = f", but needs {', '.join(strange)}, which the jobs' role may not read"
    return found, Check(
        name="hub",
        passed=not strange,
        detail=f"the hub trains {name} {found.version} by JumpStart's script{where if strange else ''}",
        hint=OTHER,
    )


def _licence(run: Run, base_model: BaseModel, template: Template) -> Check:
    needs = template.is_gated or bool(base_model.license)
    named = base_model.license or template.licence or f"the licence of {base_model.name}"
    yes = ", which was accepted" if run.accept_eula else ", which nobody has accepted"
    return Check(
        name="license",
        passed=run.accept_eula or not needs,
        detail=f"{base_model.name} "
        + (f"is under {named}{yes}" if needs else "asks for no acceptance of a licence"),
        hint="Read it, and set accept_eula: true in the manifest, or list the base model in the stage's "
        "setting accept_eula",
    )


def _instance(base_model: BaseModel, template: Template) -> Check:
    """The estimate is for the catalog's instance type, so no other is used."""
    wanted = base_model.training_instance
    has = wanted in template.supported or wanted == template.instance
    return Check(
        name="instance",
        passed=has,
        detail=f"{base_model.name} is trained on one {wanted}"
        + ("" if has else f", which the hub does not list; it lists {', '.join(template.supported)}"),
        hint=f"Set training_instance of {base_model.id} in the catalog to {template.instance}, and its price",
    )


def _time(run: Run, dataset: Dataset, template: Template) -> Check:
    jobs = plan(run, dataset)
    longest = max(limits.hours(one)[1] for one in jobs)
    most = max(limits.run_seconds(one, template.most_seconds) for one in jobs) / 3600
    return Check(
        name="run time",
        passed=all(limits.fits(one, template.most_seconds) for one in jobs),
        detail=f"a job takes about {longest:.1f} h by a guess, and is stopped after {most:.1f} h",
        hint="Fewer epochs or fewer texts; or split the texts over several runs",
    )


def _length(run: Run, dataset: Dataset) -> Check:
    """Texts are joined and cut into blocks of equal length: fewer tokens than one block train nothing."""
    asked = int(run.hyperparameters.get("max_input_length", "-1"))
    block = asked if asked > 0 else USUAL_LENGTH
    files = {"train": dataset.train, "validation": dataset.validation}
    short = [f"{name} about {file.tokens:,}" for name, file in files.items() if file and file.tokens < block]
    return Check(
        name="length",
        passed=not short,
        detail=f"texts are cut into blocks of {block:,} tokens"
        + (f"; the data have fewer: {', '.join(short)}" if short else ""),
        hint="Give more text, or a smaller hyperparameter max_input_length",
    )


def _quota(aws_: Aws, stage: Stage, base_model: BaseModel) -> Check:
    """The quota of instances, which is 0 in new accounts. If it cannot be read, the check passes."""
    name = limits.name(base_model.training_instance)
    try:
        found = limits.find(aws_.service_quotas, base_model.training_instance)
    except (ClientError, BotoCoreError) as error:
        if aws.is_transient(error):
            raise
        return Check(
            name="instances",
            passed=True,
            detail=f"the quota '{name}' could not be read: {aws.explain(error)}",
        )
    if found is None:
        detail = (
            f"the quota '{name}' is not listed: SageMaker says at the start, unbilled, if it is too small"
        )
        return Check(name="instances", passed=True, detail=detail)
    return Check(
        name="instances",
        passed=found["Value"] >= 1,
        detail=f"the quota '{name}' ({found['QuotaCode']}) is {found['Value']:g}",
        hint=limits.request(name, stage.region, found["QuotaCode"]),
    )
