"""Rewards of held-out answers, for reinforcement, from the function that graded the training.

It is called as Bedrock calls it (`grading`), with the record's own metadata. A batch that it does not grade
is tried again; answers that remain without a reward are counted, and never treated as 0.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tunedrop import aws, escaping, naming
from tunedrop.aws import Aws
from tunedrop.contracts import Dataset
from tunedrop.evaluation.inference.evaluate import Prediction
from tunedrop.evaluation.reinforcement import grading
from tunedrop.training import rollouts

BATCH, AT_ONCE = 20, 4
"""Answers per call, and concurrent calls."""

TRIES, FEWEST_TRIES, PAUSE_SECONDS = 3, 2, 1.0
"""Tries per batch, with growing pauses; in the first round, even if no time is left."""

CALL_SECONDS, MARGIN_SECONDS = aws.GRADER_SECONDS, 60
"""The maximum duration of a call; none begins closer to the deadline."""

MOST_BYTES = 5 << 20
"""Maximum bytes of answers per call; a function accepts 6 MB (Lambda quotas, read 2026-11-23)."""

MODELS = ("base", "tuned", "champion")


class Item(msgspec.Struct, frozen=True):
    """One model's answer to one prompt, as sent to the grader; `place` is the index of the prediction."""

    place: int
    model: str
    sent: dict[str, Any]


def rewarded(
    aws_: Aws,
    grader: str,
    dataset: Dataset,
    done: Sequence[Prediction],
    deadline: float,
    save: Callable[[list[Prediction]], None],
) -> list[Prediction]:
    """The predictions with the rewards of their answers, or with the reason why some have none.

    Only predictions with neither are graded. Each round of calls is saved. A round begins only if there is
    time for it, except the first one, which is always completed, so that every call of this function makes
    progress.

    Parameters
    ----------
    deadline
        `time.monotonic()` at which the caller wants to end; a call may exceed it by `CALL_SECONDS`.
    """
    found = list(done)
    batches = list(_batches(list(_items(found, _metadata(aws_.s3, dataset, {one.record for one in found})))))
    last = deadline - MARGIN_SECONDS
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for start in range(0, len(batches), AT_ONCE):
            if start and time.monotonic() >= last:
                break
            first = start == 0
            now = batches[start : start + AT_ONCE]
            graded = pool.map(
                lambda batch, one=first: asked(
                    aws_.grader, grader, [item.sent for item in batch], last, first=one
                ),
                now,
            )
            for batch, (rewards, error) in zip(now, graded, strict=True):
                _note(found, batch, rewards, error)
            save(found)
    return found


def is_graded(one: Prediction) -> bool:
    """Whether a prediction needs no more grading."""
    return bool(one.probe or one.failed or one.reward_error) or set(_answers(one)) <= set(one.rewards)


def with_known(done: Sequence[Prediction], kept: Sequence[Prediction]) -> list[Prediction]:
    """Reuse the saved rewards for equal answers."""
    known = {(one.record, one.turn, one.probe): one for one in kept if one.rewards or one.reward_error}
    found = []
    for one in done:
        same = known.get((one.record, one.turn, one.probe))
        if same is not None and same.answers == one.answers:
            one = msgspec.structs.replace(one, rewards=same.rewards, reward_error=same.reward_error)
        found.append(one)
    return found


def _note(found: list[Prediction], batch: Sequence[Item], rewards: Mapping[str, float], error: str) -> None:
    for item in batch:
        one = found[item.place]
        if error:
            found[item.place] = msgspec.structs.replace(one, reward_error=error)
        elif item.sent["id"] in rewards:
            given = one.rewards | {item.model: rewards[item.sent["id"]]}
            found[item.place] = msgspec.structs.replace(one, rewards=given)


def _answers(one: Prediction) -> Iterator[str]:
    """The models whose answers can be graded."""
    answers = ((model, getattr(one, model)) for model in MODELS)
    return (model for model, answer in answers if answer is not None and not answer.error)


def _items(done: Sequence[Prediction], metadata: Mapping[int, dict[str, Any]]) -> Iterator[Item]:
    for place, one in enumerate(done):
        if is_graded(one):
            continue
        before = [{"role": said.role, "content": said.text} for said in one.before]
        before.append({"role": "user", "content": one.prompt})
        for model in _answers(one):
            if model not in one.rewards:
                said = {"role": "assistant", "content": getattr(one, model).text}
                known = metadata.get(one.record, {"reference_answer": one.reference})
                sent = {"id": f"{place}-{model}", "messages": [*before, said], "metadata": known}
                yield Item(place, model, sent)


def _metadata(s3: Any, dataset: Dataset, asked: Collection[int]) -> dict[int, dict[str, Any]]:
    """What the held-out records that were asked hold beside their messages, by their lines."""
    if dataset.test is None:
        return {}
    bucket, key = naming.place_of(dataset.test.uri)
    lines = enumerate(s3.get_object(Bucket=bucket, Key=key)["Body"].iter_lines(), 1)
    records = ((number, json.loads(line)) for number, line in lines if number in asked and line.strip())
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


def asked(
    lambda_: Any, grader: str, sent: Sequence[Mapping[str, Any]], last: float, *, first: bool
) -> tuple[dict[str, float], str]:
    """The rewards of a batch by item id, or why there are none; neither if there was no time to try again.

    A failure in the first round is permanent; otherwise a grader that never answers would be called forever.

    Parameters
    ----------
    sent
        `{id, messages, metadata}` of each answer.
    last
        `time.monotonic()` after which nothing is tried again.
    """
    error = ""
    for tried in range(TRIES):
        if time.monotonic() >= last and tried >= (FEWEST_TRIES if first else 1):
            if first:
                break
            return {}, ""
        if tried:
            time.sleep(PAUSE_SECONDS * tried)
        try:
            answer = lambda_.invoke(FunctionName=grader, Payload=json.dumps(sent).encode())
            body = rollouts.answered(answer["Payload"].read())
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
    return {}, escaping.whole(f"the grader: {error}"[:500])
