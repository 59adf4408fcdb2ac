"""OpenAI's own client against the embedded bedrock-mantle, as AWS's user guide uses it.

Runs in an environment of its own. Answers are validated by the client's types, which it does not do by
itself; and the fields of our service model are those that the types have.
"""

from __future__ import annotations

import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import openai
from openai.types import FileDeleted, FileObject, Model
from openai.types.chat import ChatCompletion
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint
from pydantic import BaseModel

ROOT = Path(__file__).parents[2]
SERVICE = ROOT / "tunedrop" / "aws" / "models" / "bedrock-mantle" / "2026-02-17" / "service-2.json"
EXAMPLE = ROOT / "examples" / "graded-answers" / "train.jsonl"
GRADER = "arn:aws:lambda:us-west-2:111122223333:function:my-reward-function"
METHOD = {
    "type": "reinforcement",
    "reinforcement": {
        "grader": {"type": "lambda", "lambda": {"function": GRADER}},
        "hyperparameters": {"n_epochs": 1, "batch_size": 32, "learning_rate_multiplier": 1.0},
    },
}
TYPES: dict[str, type[BaseModel]] = {
    "File": FileObject,
    "Deleted": FileDeleted,
    "Model": Model,
    "FineTuningJob": FineTuningJob,
    "Event": FineTuningJobEvent,
    "Checkpoint": FineTuningJobCheckpoint,
    "ChatCompletion": ChatCompletion,
}
LAMBDA = ("method",)
"""The lambda grader is AWS's, and no type of OpenAI's."""


def valid(answer: Any, type_: type[BaseModel]) -> Any:
    """The answer, which is one of OpenAI's as it stands on the wire."""
    raw = json.loads(answer.text)
    for one in raw["data"] if raw.get("object") == "list" else [raw]:
        type_.model_validate({name: value for name, value in one.items() if name not in LAMBDA})
    return answer.parse()


def our_fields() -> None:
    """Every field that our service model reads is one of OpenAI's types."""
    shapes = json.loads(SERVICE.read_text())["shapes"]
    for name, type_ in TYPES.items():
        unknown = set(shapes[name]["members"]) - set(type_.model_fields)
        assert not unknown, f"{name}: {unknown}"


def files(client: openai.OpenAI) -> str:
    """Upload, list, retrieve and delete; gives the id of one that stays."""
    raw = client.files.with_raw_response
    lines = EXAMPLE.read_bytes().splitlines(keepends=True)[:120]
    for content in (b"{}\n", b"".join(lines)):
        sent = io.BytesIO(content)
        file = valid(raw.create(file=("train.jsonl", sent), purpose="fine-tune"), FileObject)
    first = valid(raw.list(purpose="fine-tune"), FileObject).data[-1]
    assert valid(raw.retrieve(first.id), FileObject).bytes == 3
    assert valid(raw.delete(first.id), FileDeleted).deleted
    return str(file.id)


def refused(status: type[openai.APIStatusError], call: Any, **request: Any) -> None:
    """The error that the client makes of an answer."""
    body: object = None
    try:
        call(**request)
    except status as error:
        body = error.body
    assert body, f"{request} was not refused, or not in OpenAI's form"


def job(client: openai.OpenAI, file: str) -> Any:
    """Create, follow, cancel; gives the job that has succeeded."""
    raw, asked = client.fine_tuning.jobs.with_raw_response, {"model": "openai.gpt-oss-20b"}
    body = {"extra_body": {"method": METHOD}}
    refused(openai.NotFoundError, raw.create, **asked, training_file="file-none", **body)
    refused(openai.BadRequestError, raw.create, **asked, training_file=file, suffix="mine", **body)
    refused(openai.BadRequestError, raw.create, model="gpt-4o-mini", training_file=file, **body)
    made = valid(raw.create(**asked, training_file=file, **body), FineTuningJob)
    deadline = time.monotonic() + 120
    while (found := valid(raw.retrieve(made.id), FineTuningJob)).status != "succeeded":
        assert found.status in ("validating_files", "queued", "running"), found
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert valid(raw.list(limit=1), FineTuningJob).data[0].id == made.id
    events = list(client.fine_tuning.jobs.list_events(made.id, limit=3))
    valid(raw.list_events(made.id, limit=100), FineTuningJobEvent)
    assert len(events) == len({one.id for one in events}) > 3, "paging by after and has_more"
    checkpoints = client.fine_tuning.jobs.checkpoints.with_raw_response.list(made.id)
    assert valid(checkpoints, FineTuningJobCheckpoint).data
    refused(openai.BadRequestError, raw.cancel, fine_tuning_job_id=made.id)
    return found


def chat(client: openai.OpenAI, model: str) -> None:
    """Ask the tuned model, its checkpoint and its base."""
    messages: Any = [{"role": "user", "content": "Is this fine?"}]
    raw = client.chat.completions.with_raw_response
    for id_ in (model, "openai.gpt-oss-20b"):
        answer = valid(raw.create(model=id_, messages=messages, max_tokens=100), ChatCompletion)
        assert answer.choices[0].message.content
        valid(client.models.with_raw_response.retrieve(id_), Model)
    refused(openai.NotFoundError, raw.create, model="ft:none", messages=messages)


def main() -> None:
    our_fields()
    client = openai.OpenAI(base_url=sys.argv[1], api_key="a key", max_retries=0)
    done = job(client, files(client))
    chat(client, done.fine_tuned_model)
    print("OpenAI's client: files, jobs, events, checkpoints, models and chat are as its types say")


if __name__ == "__main__":
    main()
