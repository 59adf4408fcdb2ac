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
import botocore.session
import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import OperationModel
from ministack.core import responses

from local.bedrock.models import Models
from local.bedrock.shapes import problems
from local.bedrock.wire import Refusal
from local.bedrock.world import World
from local.faults import Faults
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
}  # fmt: skip
"""The lists that the pipeline reads: where the entries are, what names one, and how it is asked for."""

COMPARED = ("customizationsSupported", "inferenceTypesSupported", "modelLifecycle")
"""Of a base model, the values that the pipeline decides by."""

Answer = dict[str, Any]


class Question(msgspec.Struct, frozen=True):
    """One read-only call, and the local Bedrock's answer where it needs no resource of an account."""

    operation: str
    request: dict[str, Any]
    local: Callable[[dict[str, Any]], Answer] | None = None

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
    """What can be asked of any account: the base models that the catalog names for the Region."""
    ours = Models(World(Faults(Path(tempfile.mkdtemp()) / "none.json"), 1.0, ""))
    for model in catalog.load().values():
        if region not in model.regions:
            continue
        for id_ in dict.fromkeys((model.id, model.lifecycle_id)):
            yield Question("GetFoundationModel", {"modelIdentifier": id_}, ours.get_foundation)
            yield Question("GetFoundationModelAvailability", {"modelId": id_}, ours.availability)
    for kind in ("FINE_TUNING", "CONTINUED_PRE_TRAINING", "DISTILLATION"):
        yield Question("ListFoundationModels", {"byCustomizationType": kind}, ours.list_foundation)


def compare(bedrock: Any, region: str, keep: Callable[[Question, Answer], None]) -> Iterator[Difference]:
    """Ask everything; give what differs, and every answer to `keep`."""
    responses.set_request_region(region)
    for question in questions(region):
        yield from _ask(bedrock, question, keep)
    for operation, (entries, key, get, identifier) in LISTS.items():
        found: list[Answer] = []
        yield from _ask(bedrock, Question(operation, {"maxResults": 5}), lambda _, a: found.append(a))  # noqa: B023
        for entry in (found[0][entries] if found else [])[:2]:
            if key in entry:
                yield from _ask(bedrock, Question(get, {identifier: entry[key]}), keep)


def _ask(bedrock: Any, question: Question, keep: Callable[[Question, Answer], None]) -> Iterator[Difference]:
    model = _operation(question.operation)
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
    their, our = theirs.get("modelDetails", theirs), ours.get("modelDetails", ours)
    for field in sorted((their.keys() | our.keys()) - {"ResponseMetadata", "modelArn", "modelName"}):
        if field not in their or field not in our:
            yield Difference(question.name, field, _short(their.get(field)), _short(our.get(field)))
        elif (field in COMPARED or field not in ("inputModalities", "outputModalities", "providerName")) and (
            _plain(their[field]) != _plain(our[field])
        ):
            yield Difference(question.name, field, _short(their[field]), _short(our[field]))


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


def _operation(name: str) -> OperationModel:
    return botocore.session.get_session().get_service_model("bedrock").operation_model(name)


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
    for one in compare(session.client("bedrock"), session.region_name, keep):
        count += 1
        print(
            f"{one.question}: {one.about}\n  AWS:   {one.aws}\n  local: {one.local or '(as the model says)'}"
        )
    print(f"{count} differences" if count else "the local Bedrock answers as this account does")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
