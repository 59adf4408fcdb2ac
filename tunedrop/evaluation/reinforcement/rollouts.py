"""The reward function of jobs that do not call graders as Bedrock does: it calls the grader for them.

Every grader has Bedrock's contract (`grading`), whichever engine trains. This function passes the rollouts of
a training job to it in that form, without the model's reasoning, like the evaluation, and returns the rewards
in the job's format (`tunedrop.training.rollouts`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tunedrop.evaluation.inference.ask import without_reasoning
from tunedrop.evaluation.reinforcement import rewards
from tunedrop.stage import Stage
from tunedrop.training import rollouts
from tunedrop.training.rollouts import NoRollout, Rollout

GRADED, FAILED = 200, 500
"""The status of a response; AWS's examples return 500 if they could not grade."""


AT_ONCE = 16
"""Concurrent calls of graders; a step may have more than a thousand rollouts."""


class NotGraded(Exception):
    """A grader did not answer, or is not one of the stage's."""


def graded(lambda_: Any, stage: Stage, event: Any, seconds: float) -> dict[str, Any]:
    """The response to a batch of rollouts: all rewards, or none and the reason.

    A reward of 0 instead of a missing one would teach the model that its answer was wrong.

    Parameters
    ----------
    lambda_
        The client that calls graders.
    event
        The list that the training service sends.
    seconds
        The maximum duration; rollouts that are not graded by then fail the batch.
    """
    try:
        if not isinstance(event, list):
            raise NoRollout(f"the event is a {type(event).__name__} instead of a list of samples")
        found = [rollouts.read(sample, number) for number, sample in enumerate(event)]
        scores = _rewards(lambda_, stage, found, time.monotonic() + seconds)
    except (NoRollout, NotGraded) as error:
        return _answer(FAILED, {"error": str(error)})
    return _answer(
        GRADED,
        [
            {
                "id": one.id,
                "aggregate_reward_score": score,
                "metrics_list": [{"name": "reward", "value": score, "type": "Reward"}],
            }
            for one, score in zip(found, scores, strict=True)
        ],
    )


def _rewards(lambda_: Any, stage: Stage, found: Sequence[Rollout], last: float) -> list[float]:
    for grader in {one.grader for one in found} - set(stage.allowed_graders):
        raise NotGraded(f"this stage does not allow the grader {grader} (setting graders)")
    scores = [0.0] * len(found)

    def grade(batch: tuple[str, list[int]]) -> None:
        grader, places = batch
        # Rollouts of one prompt may share its id, so the grader gets other ids.
        sent = [_item(found[place], place) for place in places]
        given, error = rewards.asked(lambda_, grader, sent, last, first=False)
        if error or not given:
            raise NotGraded(error or "the grader failed, and no time was left to call it again")
        for place in places:
            scores[place] = given[str(place)]

    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        for _ in pool.map(grade, _batches(found), timeout=last - time.monotonic()):
            pass
    except TimeoutError:
        raise NotGraded(f"the grader took too long for {len(found)} rollouts") from None
    finally:
        # Waiting for pending calls would exceed the function's timeout.
        pool.shutdown(wait=False, cancel_futures=True)
    return scores


def _batches(found: Sequence[Rollout]) -> Iterator[tuple[str, list[int]]]:
    """Indices of rollouts with the same grader, in batches of one call."""
    for grader in dict.fromkeys(one.grader for one in found):
        places = [place for place, one in enumerate(found) if one.grader == grader]
        for start in range(0, len(places), rewards.BATCH):
            yield grader, places[start : start + rewards.BATCH]


def _item(one: Rollout, place: int) -> dict[str, Any]:
    *before, last = one.messages
    content = last.get("content")
    if last.get("role") == "assistant" and isinstance(content, str):
        last = {**last, "content": without_reasoning(content)}
    return {"id": str(place), "messages": [*before, last], "metadata": one.metadata}


def _answer(status: int, body: Any) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(body),
    }
