"""Rewards of held-out answers, for reinforcement: the function that graded the training grades them too.

It is called as Bedrock calls it (`tunedrop.evaluation.grading`), with the record's own metadata. A batch that
it does not grade is tried once more; what is left without a reward is counted, and never taken to be 0.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tunedrop import aws, naming
from tunedrop.aws import Aws
from tunedrop.contracts import Dataset
from tunedrop.evaluation import grading
from tunedrop.evaluation.evaluate import Prediction

BATCH, AT_ONCE, TRIES = 20, 4, 2
"""Answers a call, calls at once, and how often a batch is tried."""

MOST_BYTES = 5 << 20
"""Of one call's answers; a function takes 6 MB (Lambda quotas, read 2026-11-23)."""

MODELS = ("base", "tuned", "champion")


class Item(msgspec.Struct, frozen=True):
    """One model's answer to one prompt, as its grader is sent it; `place` is the prediction's."""

    place: int
    model: str
    sent: dict[str, Any]


def rewarded(aws_: Aws, grader: str, dataset: Dataset, done: Sequence[Prediction]) -> list[Prediction]:
    """The predictions with the rewards of all answers, or with the reason why some have none."""
    items = list(_items(done, _metadata(aws_.s3, dataset)))
    rewards: list[dict[str, float]] = [{} for _ in done]
    errors = [""] * len(done)

    def graded(batch: Sequence[Item]) -> tuple[Sequence[Item], dict[str, float], str]:
        return batch, *_graded(aws_.lambda_, grader, batch)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for batch, found, error in pool.map(graded, _batches(items)):
            for one in batch:
                if error:
                    errors[one.place] = error
                else:
                    rewards[one.place][one.model] = found[one.sent["id"]]
    return [
        msgspec.structs.replace(one, rewards=given, reward_error=error)
        for one, given, error in zip(done, rewards, errors, strict=True)
    ]


def _items(done: Sequence[Prediction], metadata: Mapping[int, dict[str, Any]]) -> Iterator[Item]:
    for place, one in enumerate(done):
        if one.probe or one.failed:
            continue
        asked = [{"role": said.role, "content": said.text} for said in one.before]
        asked.append({"role": "user", "content": one.prompt})
        for model in MODELS:
            answer = getattr(one, model)
            if answer is not None and not answer.error:
                said = {"role": "assistant", "content": answer.text}
                known = metadata.get(one.record, {"reference_answer": one.reference})
                sent = {"id": f"{place}-{model}", "messages": [*asked, said], "metadata": known}
                yield Item(place, model, sent)


def _metadata(s3: Any, dataset: Dataset) -> dict[int, dict[str, Any]]:
    """What each held-out record holds beside its messages, by its line."""
    if dataset.test is None:
        return {}
    bucket, key = naming.place_of(dataset.test.uri)
    lines = enumerate(s3.get_object(Bucket=bucket, Key=key)["Body"].iter_lines(), 1)
    records = ((number, json.loads(line)) for number, line in lines if line.strip())
    return {
        number: {name: value for name, value in record.items() if name != "messages"}
        for number, record in records
    }


def _batches(items: Sequence[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    size = 0
    for one in items:
        added = len(json.dumps(one.sent).encode())
        if batch and (len(batch) == BATCH or size + added > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += added
    if batch:
        yield batch


def _graded(lambda_: Any, grader: str, batch: Sequence[Item]) -> tuple[dict[str, float], str]:
    """The rewards by the items' ids, or why there are none."""
    sent, error = [one.sent for one in batch], ""
    for _ in range(TRIES):
        try:
            answer = lambda_.invoke(FunctionName=grader, Payload=json.dumps(sent).encode())
            body = json.loads(answer["Payload"].read() or b"null")
        except (ClientError, BotoCoreError) as refused:
            error = aws.explain(refused) if isinstance(refused, ClientError) else str(refused)
            continue
        except ValueError:
            error = "it answered no JSON"
            continue
        if "FunctionError" in answer:
            error = str(body.get("errorMessage", "no reason given") if isinstance(body, dict) else body)
        elif problems := grading.problems(sent, body):
            error = "; ".join(problems)
        else:
            return {str(one["id"]): float(one["aggregate_reward_score"]) for one in body}, ""
    return {}, f"the grader: {error}"[:500]
