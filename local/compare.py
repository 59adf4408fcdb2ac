"""`tunedrop doctor --compare-local`: makes the pipeline's read-only requests in an account, and compares
each response with that of the local Bedrock. `--record FOLDER` keeps AWS's answers as fixtures.
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import boto3
import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel
from ministack.core import responses

from local.bedrock.prices import recorded as our_prices
from local.bedrock.quotas import LISTED, OF_TRAINING
from local.bedrock.shapes import problems
from local.bedrock.wire import Refusal, service_model
from local.questions import Answer, Question, questions
from tunedrop import catalog
from tunedrop.aws import code_of, explain, inference_quotas, mantle
from tunedrop.aws.quotas import Quota
from tunedrop.catalog.model import BaseModel
from tunedrop.cost import prices
from tunedrop.naming import place_of
from tunedrop.training import public_hub

SAMPLE_ACCOUNT = "111122223333"

LISTS = {
    "bedrock": {
        "ListModelCustomizationJobs": (
            "modelCustomizationJobSummaries", "jobArn", "GetModelCustomizationJob", "jobIdentifier",
        ),
        "ListCustomModels": ("modelSummaries", "modelArn", "GetCustomModel", "modelIdentifier"),
        "ListCustomModelDeployments": (
            "modelDeploymentSummaries", "customModelDeploymentArn",
            "GetCustomModelDeployment", "customModelDeploymentIdentifier",
        ),
        "ListProvisionedModelThroughputs": (
            "provisionedModelSummaries", "provisionedModelArn",
            "GetProvisionedModelThroughput", "provisionedModelId",
        ),
        "ListEvaluationJobs": ("jobSummaries", "jobArn", "GetEvaluationJob", "jobIdentifier"),
        "ListModelImportJobs": ("modelImportJobSummaries", "jobArn", "GetModelImportJob", "jobIdentifier"),
        "ListImportedModels": ("modelSummaries", "modelArn", "GetImportedModel", "modelIdentifier"),
    },
    "sagemaker": {
        "ListTrainingJobs": (
            "TrainingJobSummaries", "TrainingJobName", "DescribeTrainingJob", "TrainingJobName",
        ),
        "ListModelPackageGroups": (
            "ModelPackageGroupSummaryList", "ModelPackageGroupName",
            "ListModelPackages", "ModelPackageGroupName",
        ),
        "ListModelPackages": (
            "ModelPackageSummaryList", "ModelPackageArn", "DescribeModelPackage", "ModelPackageName",
        ),
    },
}  # fmt: skip
"""By service the lists that the pipeline reads: where the entries are, what names one, and how it is asked
for."""

UNCOMPARED = ("inputModalities", "outputModalities", "providerName")
"""The values of a base model that no decision of the pipeline depends on."""

OF_RECIPES = ("CustomizationTechnique", "Peft", "SequenceLength", "ServerlessMeteringType")
"""The fields of a hub's recipe that the pipeline or its catalog relies on."""

IMPORTED_FILES = ("config.json", "tokenizer_config.json", ".safetensors")
"""The ends of the names of files that Bedrock imports (user guide, model-customization-import-model)."""


class Difference(msgspec.Struct, frozen=True):
    """Differences between AWS and the local Bedrock, or AWS's own service model."""

    question: str
    about: str
    aws: str
    local: str


_Look = Callable[[Callable[[str], Any], str], Iterator[Difference]]
"""Compares something of a Region, with the client of a service."""


def compare(
    client_of: Callable[[str], Any], region: str, keep: Callable[[Question, Answer], None]
) -> Iterator[Difference]:
    """Make all requests; returns the differences, and passes every response to `keep`.

    Parameters
    ----------
    client_of
        An AWS client by its service's name.
    """
    responses.set_request_region(region)
    clients = cache(client_of)
    for question in questions(region):
        yield from _ask(clients(question.service), question, keep)
    bases = [one for one in catalog.load().values() if one.hub_content and region in one.regions]
    looks: dict[str, _Look] = {one.hub_content: partial(_files, one) for one in bases}
    for name, look in {"service-quotas": _quotas, "pricing": _prices, **looks}.items():
        try:
            yield from look(clients, region)
        except (ClientError, BotoCoreError) as error:
            yield Difference(name, "answer", explain(error), "")
    for service, lists in LISTS.items():
        for operation, (entries, key, get, identifier) in lists.items():
            most = {"bedrock": "maxResults", "sagemaker": "MaxResults"}[service]
            listed, found = Question(operation, {most: 5}, None, service), list[Answer]()
            yield from _ask(clients(service), listed, lambda _, a: found.append(a))  # noqa: B023
            for entry in (found[0][entries] if found else [])[:2]:
                if key in entry:
                    asked = Question(get, {identifier: entry[key]}, None, service)
                    yield from _ask(clients(service), asked, keep)


def _ask(bedrock: Any, question: Question, keep: Callable[[Question, Answer], None]) -> Iterator[Difference]:
    model = _operation(question)
    theirs = _theirs(bedrock, question)
    ours = _ours(question)
    if isinstance(theirs, str):
        if ours is not None and theirs != ours:
            yield Difference(question.name, "answer", theirs, _short(ours))
        return
    keep(question, theirs)
    for problem in problems(model.output_shape, theirs):
        yield Difference(question.name, "AWS's service model", problem[:300], "")
    if isinstance(ours, str):
        yield Difference(question.name, "answer", "answers", ours)
    elif ours is not None and not question.is_listed:
        yield from _values(question, theirs, ours)


def _values(question: Question, theirs: Answer, ours: Answer) -> Iterator[Difference]:
    if "modelSummaries" in theirs:
        listed = [{one["modelId"] for one in answer["modelSummaries"]} for answer in (theirs, ours)]
        for id_ in sorted(listed[0] ^ listed[1]):
            there, here = (("listed" if id_ in one else "not listed") for one in listed)
            yield Difference(question.name, id_, there, here)
        return
    if "HubContentDocument" in theirs:
        yield from _documents(question, *(json.loads(one["HubContentDocument"]) for one in (theirs, ours)))
        return
    their, our = theirs.get("modelDetails", theirs), ours.get("modelDetails", ours)
    for field in sorted((their.keys() | our.keys()) - {"ResponseMetadata", "modelArn", "modelName"}):
        if field not in their or field not in our:
            yield Difference(question.name, field, _short(their.get(field)), _short(our.get(field)))
        elif field not in UNCOMPARED and _plain(their[field]) != _plain(our[field]):
            yield Difference(question.name, field, _short(their[field]), _short(our[field]))


def _documents(question: Question, theirs: Answer, ours: Answer) -> Iterator[Difference]:
    """What the pipeline or its catalog relies on: which recipes there are, how long a record they read, what
    they are billed by, and whether there is a licence."""
    there, here = (
        {
            "recipes": sorted({" ".join(str(one.get(name, "-")) for name in OF_RECIPES)
                               for one in document.get("RecipeCollection", ())}),
            "GatedBucket": bool(document.get("GatedBucket")),
            "HostingEulaUri": bool(document.get("HostingEulaUri")),
        }
        for document in (theirs, ours)
    )  # fmt: skip
    for name, value in there.items():
        if value != here[name]:
            yield Difference(question.name, name, _short(value), _short(here[name]))


def _theirs(bedrock: Any, question: Question) -> Answer | str:
    method = re.sub(r"(?<!^)(?=[A-Z])", "_", question.operation).lower()
    try:
        answer: Answer = getattr(bedrock, method)(**question.request)
    except ClientError as error:
        return code_of(error)
    except BotoCoreError as error:
        return explain(error)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def _ours(question: Question) -> Answer | str | None:
    if question.local is None:
        return None
    try:
        return question.local(question.request)
    except Refusal as refusal:
        return refusal.code


def _operation(question: Question) -> OperationModel:
    if question.service == mantle.SERVICE:
        described = Loader(extra_search_paths=[str(mantle.MODELS)]).load_service_model(
            mantle.SERVICE, "service-2"
        )
        return ServiceModel(described, mantle.SERVICE).operation_model(question.operation)
    return service_model(question.service).operation_model(question.operation)


def _quotas(clients: Callable[[str], Any], region: str) -> Iterator[Difference]:
    """The codes by which the pipeline reads quotas, with their names and whether they can be raised."""
    lists = clients("service-quotas").get_paginator("list_aws_default_service_quotas")
    for service, listed in {"bedrock": LISTED, "sagemaker": OF_TRAINING}.items():
        theirs = {
            one["QuotaCode"]: one for page in lists.paginate(ServiceCode=service) for one in page["Quotas"]
        }
        for code, _, name, adjustable in listed:
            found = theirs.get(code)
            said = f"{found['QuotaName']}, adjustable: {found['Adjustable']}" if found else "not listed"
            ours = f"{name}, adjustable: {adjustable}"
            if said != ours:
                yield Difference(f"quotas of {service} in {region}", code, said, ours)
        if service == "bedrock":
            yield from _tokens_per_day(theirs, region)


def _tokens_per_day(theirs: dict[str, dict[str, Any]], region: str) -> Iterator[Difference]:
    """The quotas that the pipeline finds by the names of models, not by their codes."""
    named = {code: Quota(code=code, name=one["QuotaName"], value=0) for code, one in theirs.items()}
    for model in catalog.load().values():
        if region not in model.regions or "on-demand" not in model.serving.ways:
            continue
        for kind in (inference_quotas.OF_A_MODEL, inference_quotas.OF_TUNED_MODELS):
            if inference_quotas.per_day(named, model.inference_id, kind) is None:
                yield Difference(f"quotas of bedrock in {region}", model.inference_id, "not listed", kind)


def _prices(clients: Callable[[str], Any], region: str) -> Iterator[Difference]:
    """The prices of the embedded list, by their usage types; AWS lists a price for each Region."""
    theirs = prices.read(clients("pricing"), region).usd
    for row in our_prices():
        name, usd = row["usagetype"], float(row["usd"])
        if name in prices.usage_types(region) and not math.isclose(theirs.get(name, 0.0), usd, rel_tol=0.001):
            yield Difference(f"prices in {region}", name, _short(theirs.get(name)), _short(usd))


def _files(model: BaseModel, clients: Callable[[str], Any], _: str) -> Iterator[Difference]:
    """The files of a base model that Bedrock imports for the comparison, at the place that the hub names."""
    found = public_hub.describe(clients("sagemaker"), model)
    if found.is_gated:
        return  # under a licence: only SageMaker can read them
    if not found.weights:
        yield Difference(model.hub_content, "files", "no folder in the public bucket", "a folder")
        return
    bucket, prefix = place_of(found.weights)
    pages = clients("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    names = [one["Key"].removeprefix(prefix) for page in pages for one in page.get("Contents", ())]
    for file in IMPORTED_FILES:
        if not any(one.endswith(file) for one in names):
            yield Difference(found.weights, file, ", ".join(names)[:200] or "nothing", "is there")


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str, sort_keys=True))


def _short(value: Any) -> str:
    return "nothing" if value is None else json.dumps(_plain(value))[:200]


def record(folder: Path, account: str) -> Callable[[Question, Answer], None]:
    """Keeps answers as fixtures, with the account's id replaced everywhere."""
    folder.mkdir(parents=True, exist_ok=True)

    def keep(question: Question, answer: Answer) -> None:
        document = {
            "operation": question.operation,
            "source": f"an account, by tunedrop doctor --compare-local on {datetime.now(UTC):%Y-%m-%d}",
            "request": question.request,
            "answer": answer,
        }
        text = json.dumps(document, indent=1, default=str).replace(account, SAMPLE_ACCOUNT)
        (folder / f"{question.name.replace(account, SAMPLE_ACCOUNT)[:120]}.json").write_text(text + "\n")

    return keep


def main(arguments: list[str]) -> int:
    """Print the differences; 0 when there are none."""
    session = boto3.Session()
    os.environ.pop("TUNEDROP_LOCAL_DAY", None)
    keep: Callable[[Question, Answer], None] = lambda *_: None  # noqa: E731
    if "--record" in arguments:
        account = session.client("sts").get_caller_identity()["Account"]
        keep = record(Path(arguments[arguments.index("--record") + 1]), account)
    count = 0

    def client_of(service: str) -> Any:
        if service == mantle.SERVICE:
            return mantle.client(session, Config(connect_timeout=5, read_timeout=25))
        # The Price List answers from a few Regions.
        return session.client(service, region_name="us-east-1" if service == "pricing" else None)

    for one in compare(client_of, session.region_name, keep):
        count += 1
        print(
            f"{one.question}: {one.about}\n  AWS:   {one.aws}\n  local: {one.local or '(as the model says)'}"
        )
    print(f"{count} differences" if count else "the embedded AWS answers as this account does")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
