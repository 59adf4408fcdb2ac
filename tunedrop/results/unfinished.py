"""The usage of an evaluation that ended without a verdict, which is billed like any other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, clock, naming
from tunedrop.contracts import Ending, Evaluation, Judged
from tunedrop.evaluation import shards
from tunedrop.stage import Stage


class _Tokens(msgspec.Struct):
    input_tokens: int | None = 0
    output_tokens: int | None = 0

    def add(self, other: _Tokens) -> None:
        self.input_tokens = (self.input_tokens or 0) + (other.input_tokens or 0)
        self.output_tokens = (self.output_tokens or 0) + (other.output_tokens or 0)


class _Asked(msgspec.Struct):
    """The tokens of a `Prediction`: all else in its line, which may be long, is not kept."""

    base: _Tokens
    tuned: _Tokens
    champion: _Tokens | None = None
    prompted: _Tokens | None = None
    judgement: _Tokens | None = None
    against_champion: _Tokens | None = None


def counted(s3: Any, stage: Stage, ending: Ending) -> Evaluation | None:
    """A run's evaluation; if it is not done, with the tokens of its saved answers and judgements, which a
    retry reuses."""
    evaluation, serving, run = ending.evaluation, ending.serving, ending.run
    if serving is None or (evaluation is not None and evaluation.done):
        return evaluation
    # Of an evaluation whose first call has not ended, nothing is known but the answers that it may have kept.
    since = "" if evaluation is not None else run.resumed_at or serving.created_at
    asked = evaluation or Evaluation(done=False)
    keys = [shards.key(run, serving.model_arn, shard) for shard in asked.shards]
    answers, judgements = _Tokens(), _Tokens()
    for key in keys or [naming.predictions_key(run.run_id)]:
        for one in _kept(s3, stage.artifacts_bucket, key, since):
            for answer in filter(None, (one.base, one.tuned, one.champion, one.prompted)):
                answers.add(answer)
            for said in filter(None, (one.judgement, one.against_champion)):
                judgements.add(said)
    if evaluation is None and answers == _Tokens():
        return None
    judge, judged = run.evaluation.judge, None
    if judge is not None and judgements != _Tokens():
        judged = Judged(
            model=judge.model, wins=0, losses=0, ties=0, via=judge.via, **msgspec.structs.asdict(judgements)
        )
    return msgspec.structs.replace(asked, judged=judged, **msgspec.structs.asdict(answers))


def _kept(s3: Any, bucket: str, key: str, since: str) -> Iterator[_Asked]:
    """The lines of an object, one at a time; none if there is no such object, or none written since."""
    try:
        found = s3.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if aws.is_missing(error):
            return
        raise
    if clock.write(found["LastModified"]) < since:
        return
    for line in found["Body"].iter_lines():
        yield msgspec.json.decode(line, type=_Asked)
