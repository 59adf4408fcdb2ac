"""What an evaluation that ended before its verdict has asked: it is paid like any other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tunedrop import naming
from tunedrop.contracts import Ending, Evaluation, Judged
from tunedrop.evaluation import shards
from tunedrop.evaluation.inference import predictions
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import Judgement
from tunedrop.stage import Stage


def counted(s3: Any, stage: Stage, ending: Ending) -> Evaluation | None:
    """A run's evaluation; if it is not done, with the tokens of the answers and judgements that it has kept,
    which are those that a retry goes on with."""
    evaluation, serving, run = ending.evaluation, ending.serving, ending.run
    if evaluation is None or evaluation.done or serving is None:
        return evaluation
    keys = [shards.key(run, serving.model_arn, shard) for shard in evaluation.shards]
    keys = keys or [naming.predictions_key(run.run_id)]
    kept = [one for key in keys for one in predictions.read(s3, stage.artifacts_bucket, key)]
    judge, judgements = run.evaluation.judge, [said for one in kept for said in one.judgements]
    judged = None
    if judge is not None and judgements:
        judged = Judged(model=judge.model, wins=0, losses=0, ties=0, via=judge.via, **_tokens(judgements))
    answers = [answer for one in kept for answer in one.answers]
    return msgspec.structs.replace(evaluation, judged=judged, **_tokens(answers))


def _tokens(said: Sequence[Answer | Judgement]) -> dict[str, Any]:
    return {
        "input_tokens": sum(one.input_tokens for one in said),
        "output_tokens": sum(one.output_tokens for one in said),
    }
