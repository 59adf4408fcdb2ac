"""`tunedrop doctor --compare-local`: asks an account, read-only, what the pipeline asks, and holds each
answer against what the local Bedrock would have said. `--record FOLDER` keeps AWS's answers as fixtures.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import OperationModel
from ministack.core import responses

from local.bedrock.models import Models
from local.bedrock.shapes import problems
from local.bedrock.wire import Refusal, service_model
from local.bedrock.world import World, ids_of
from local.faults import Faults
from local.sagemaker import hub
from local.sagemaker.jobs import REGIONS
from tunedrop import catalog
from tunedrop.aws import code_of, explain

SAMPLE_ACCOUNT = "111122223333"

LISTS = {
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
}  # fmt: skip
"""The lists that the pipeline reads: where the entries are, what names one, and how it is asked for."""

COMPARED = ("customizationsSupported", "inferenceTypesSupported", "modelLifecycle")
"""Of a base model, the values that the pipeline decides by."""

Answer = dict[str, Any]


class Question(msgspec.Struct, frozen=True):
    """One read-only call, and our service's answer where it needs no resource of an account."""

    operation: str
    request: dict[str, Any]
    local: Callable[[dict[str, Any]], Answer] | None = None
    service: str = "bedrock"

    @property
    def name(self) -> str:
        """What the question is about, as a file can be called."""
        about = "-".join(str(value).rpartition("/")[2] for value in self.request.values())
        words = re.sub(r"(?<!^)(?=[A-Z])", "-", self.operation).lower()
        return re.sub(r"[^a-z0-9.-]+", "-", f"{words}-{about}".rstrip("-").lower())


class Difference(msgspec.Struct, frozen=True):
    """What AWS says otherwise than the local Bedrock, or than AWS's own service model."""

    question: str
    about: str
    aws: str
    local: str


def questions(region: str) -> Iterator[Question]:
    """What can be asked of any account: the base models of the catalog in the Region, those of the hub."""
    ours = Models(World(Faults(Path(tempfile.mkdtemp()) / "none.json"), 1.0, ""))
    for model in catalog.load().values():
        if region not in model.regions:
            continue
        for id_ in ids_of(model):
            yield Question("GetFoundationModel", {"modelIdentifier": id_}, ours.get_foundation)
            yield Question("GetFoundationModelAvailability", {"modelId": id_}, ours.availability)
    for kind in ("FINE_TUNING", "CONTINUED_PRE_TRAINING", "DISTILLATION"):
        yield Question("ListFoundationModels", {"byCustomizationType": kind}, ours.list_foundation)
    for name in hub.models() if region in REGIONS else ():
        content = {"HubName": hub.PUBLIC_HUB, "HubContentType": "Model", "HubContentName": name}
        yield Question("DescribeHubContent", content, hub.Hub().describe_content, "sagemaker")


def compare(
    client_of: Callable[[str], Any], region: str, keep: Callable[[Question, Answer], None]
) -> Iterator[Difference]:
    """Ask everything; give what differs, and every answer to `keep`.

    Parameters
    ----------
    client_of
        An AWS client by its service's name.
    """
    responses.set_request_region(region)
    bedrock, sagemaker = client_of("bedrock"), client_of("sagemaker")
    for question in questions(region):
        yield from _ask(sagemaker if question.service == "sagemaker" else bedrock, question, keep)
    for operation, (entries, key, get, identifier) in LISTS.items():
        found: list[Answer] = []
        yield from _ask(bedrock, Question(operation, {"maxResults": 5}), lambda _, a: found.append(a))  # noqa: B023
        for entry in (found[0][entries] if found else [])[:2]:
            if key in entry:
                yield from _ask(bedrock, Question(get, {identifier: entry[key]}), keep)


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
    elif ours is not None:
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
        elif (field in COMPARED or field not in ("inputModalities", "outputModalities", "providerName")) and (
            _plain(their[field]) != _plain(our[field])
        ):
            yield Difference(question.name, field, _short(their[field]), _short(our[field]))


def _documents(question: Question, theirs: Answer, ours: Answer) -> Iterator[Difference]:
    """What the pipeline reads of a hub document: which recipes there are, and whether there is a licence."""
    there, here = (
        {
            "recipes": sorted({f"{one.get('CustomizationTechnique')} {one.get('Peft', 'full')}"
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
    return service_model(question.service).operation_model(question.operation)


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str, sort_keys=True))


def _short(value: Any) -> str:
    return "nothing" if value is None else json.dumps(_plain(value))[:200]


def record(folder: Path, account: str) -> Callable[[Question, Answer], None]:
    """Keeps answers as fixtures, the account's id replaced wherever it stands."""
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
    for one in compare(session.client, session.region_name, keep):
        count += 1
        print(
            f"{one.question}: {one.about}\n  AWS:   {one.aws}\n  local: {one.local or '(as the model says)'}"
        )
    print(f"{count} differences" if count else "the embedded AWS answers as this account does")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
