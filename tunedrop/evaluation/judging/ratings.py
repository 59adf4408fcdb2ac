"""Judging by evaluation jobs: answers are written to S3, one job per model rates them, and ratings become
judgements."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from tunedrop import naming
from tunedrop.aws import Aws
from tunedrop.contracts import MOST_IN_EVALUATION_JOB, JudgeSettings, Run
from tunedrop.dataset.prepare.held_out import HeldOut
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import Judgement, Prediction
from tunedrop.evaluation.judging import judge_jobs
from tunedrop.evaluation.judging.judge_jobs import EvaluationJob, Ratable
from tunedrop.stage import Stage

Contender = Literal["base", "tuned", "champion"]

COMPARED: tuple[Contender, ...] = ("base", "tuned")
"""The models that must be rated; the production model may be rated too."""

EMPTY = 0.0
"""The rating of an empty answer, which is not part of a job, because the service refuses a dataset with a
blank text (reported, read 2026-11-26)."""

Asked = tuple[HeldOut, Prediction]


class Line(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A record in an evaluation job's dataset and output."""

    prompt: str
    model_responses: tuple[Response, ...]
    reference_response: str = ""


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """The precomputed answer of a record."""

    response: str
    model_identifier: str


class Rating(msgspec.Struct, frozen=True):
    """A judge's rating of one answer; `value` is from 0 to 1."""

    value: float
    why: str = ""


class Rater:
    """The evaluation jobs of a run's evaluation, and their ratings."""

    def __init__(self, aws_: Aws, stage: Stage, run: Run, judge: JudgeSettings) -> None:
        self._aws = aws_
        self._stage = stage
        self._run = run
        self._judge = judge

    def rate(
        self, questions: Sequence[HeldOut], predictions: Sequence[Prediction]
    ) -> tuple[str, list[Prediction]]:
        """The ARN of a job to wait for; if there is none, the predictions with judgements.

        The first call creates all jobs, later ones find them by name, so `predictions` must be the same in
        each call.

        Raises
        ------
        TransientError
            If a job cannot be created now, but a later try may succeed.
        """
        asked = [
            (question, one)
            for question, one in zip(questions, predictions, strict=True)
            if not one.probe and not one.failed
        ][:MOST_IN_EVALUATION_JOB]
        jobs = self._jobs(asked)
        failure = next((f"{whose}: {jobs[whose].failure}" for whose in COMPARED if jobs[whose].failure), "")
        at_work = [job.arn for job in jobs.values() if not job.is_over]
        if at_work and not failure:
            return at_work[0], list(predictions)
        for arn in at_work:
            judge_jobs.stop(self._aws.bedrock, arn)
        return "", self._judged(predictions, asked, jobs, failure)

    def _jobs(self, asked: Sequence[Asked]) -> dict[Contender, EvaluationJob]:
        """Each model's job, found or created. After Bedrock has refused one, no further job is created."""
        known = judge_jobs.of_run(self._aws.bedrock, self._run.run_id)
        jobs: dict[Contender, EvaluationJob] = {}
        for whose in self._contenders(asked):
            arn = known.get(self._name(whose))
            lines = [_line(one, whose) for one in asked if _text(one, whose)]
            if arn is not None:
                jobs[whose] = judge_jobs.describe(self._aws.bedrock, arn)
            elif not lines or any(job.status == "Failed" for job in jobs.values()):
                jobs[whose] = EvaluationJob(status="Completed")
            else:
                answers = self._written(whose, lines)
                jobs[whose] = judge_jobs.start(
                    self._aws.bedrock, self._stage, self._run, self._judge, answers
                )
        return jobs

    def _contenders(self, asked: Sequence[Asked]) -> tuple[Contender, ...]:
        """The models to rate; the production model only if the ratings may decide."""
        answers = any(one.champion is not None and not one.champion.error for _, one in asked)
        return (*COMPARED, "champion") if answers and self._run.evaluation.judge_may_decide else COMPARED

    def _name(self, whose: Contender) -> str:
        return naming.evaluation_job(self._run.run_id, whose, self._run.attempt)

    def _written(self, whose: Contender, lines: Sequence[Line]) -> Ratable:
        bucket = self._stage.artifacts_bucket
        key = f"{naming.judging_prefix(self._run.run_id)}{self._name(whose)}.jsonl"
        body = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        self._aws.s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/jsonl")
        references = all(line.reference_response for line in lines)
        return Ratable(whose=whose, uri=naming.uri(bucket, key), references=references)

    def _judged(
        self,
        predictions: Sequence[Prediction],
        asked: Sequence[Asked],
        jobs: dict[Contender, EvaluationJob],
        failure: str,
    ) -> list[Prediction]:
        rated = {whose: self._read(whose) for whose, job in jobs.items() if job.arn and not failure}
        found: dict[tuple[int, int], Judgement] = {}
        for one in asked:
            ratings = {whose: _take(rated.get(whose), one, whose) for whose in jobs}
            tokens = sum(self._tokens(one, whose) for whose in jobs if rated.get(whose))
            found[one[1].record, one[1].turn] = _judgement(ratings, failure, tokens)
        return [
            msgspec.structs.replace(one, judgement=None if one.probe else found.get((one.record, one.turn)))
            for one in predictions
        ]

    def _tokens(self, asked: Asked, whose: Contender) -> int:
        """The judge's estimated input tokens for one answer; evaluation jobs do not report them."""
        line = _line(asked, whose)
        read = len(line.prompt) + len(line.reference_response) + len(_text(asked, whose))
        return (
            judge_jobs.INSTRUCTION_TOKENS + (read + len(self._judge.rubric)) // judge_jobs.CHARACTERS_A_TOKEN
        )

    def _read(self, whose: Contender) -> dict[Line, deque[Rating | None]]:
        """Ratings by the rated content. A job writes under ids of its own (model-evaluation-report-s3)."""
        s3, bucket = self._aws.s3, self._stage.artifacts_bucket
        found: dict[Line, deque[Rating | None]] = defaultdict(deque)
        prefix = naming.judging_prefix(self._run.run_id)
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for key in sorted(item["Key"] for page in pages for item in page.get("Contents", ())):
            if f"/{self._name(whose)}/" in key and key.endswith("_output.jsonl"):
                for text in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_lines():
                    if (rated := _rated(text, judge_jobs.metric_of(self._judge))) is not None:
                        found[rated[0]].append(rated[1])
        return found


def _answer(asked: Asked, whose: Contender) -> Answer | None:
    answer: Answer | None = getattr(asked[1], whose)
    return answer if answer is not None and not answer.error else None


def _text(asked: Asked, whose: Contender) -> str:
    answer = _answer(asked, whose)
    return answer.text.strip() if answer is not None else ""


def _line(asked: Asked, whose: Contender) -> Line:
    """The whole conversation as the prompt, because a record has no other place for it."""
    question, prediction = asked
    *before, last = question.messages
    said = [f"{one.role}: {one.text}" for one in before]
    parts = [question.system, *said, f"{last.role}: {last.text}" if before else last.text]
    return Line(
        prompt="\n".join(part for part in parts if part),
        model_responses=(Response(response=_text(asked, whose), model_identifier=whose),),
        reference_response=prediction.reference.strip(),
    )


def _rated(text: bytes, metric: str) -> tuple[Line, Rating | None] | None:
    """The content and rating in a line of the output. None if the line is not as documented: its answer then
    has no rating, and the evaluation, whose training was paid, continues."""
    try:
        record = msgspec.json.decode(text)
        said = {"modelResponses": record.get("modelResponses", ())} | record["inputRecord"]
        return msgspec.convert(said, Line), _rating(record, metric)
    except (msgspec.MsgspecError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _rating(record: dict[str, Any], metric: str) -> Rating | None:
    """The rating in a line of the output; None if the judge gave none (`null`)."""
    for score in record["automatedEvaluationResult"]["scores"]:
        result = score.get("result")
        if score["metricName"] == metric and isinstance(result, int | float) and 0 <= result <= 1:
            details = score.get("evaluatorDetails") or [{}]
            return Rating(float(result), str(details[0].get("explanation", "")))
    return None


def _take(rated: dict[Line, deque[Rating | None]] | None, asked: Asked, whose: Contender) -> Rating | None:
    """The rating of one answer; equal answers have separate ratings."""
    if _answer(asked, whose) is not None and not _text(asked, whose):
        return Rating(EMPTY, "the answer is empty")
    waiting = rated.get(_line(asked, whose)) if rated is not None else None
    return waiting.popleft() if waiting else None


def _judgement(ratings: dict[Contender, Rating | None], failure: str, tokens: int) -> Judgement:
    if failure:
        return Judgement(error=f"the evaluation job of the answers of {failure}")
    known = {whose: one for whose, one in ratings.items() if one is not None}
    missing = [whose for whose in COMPARED if whose not in known]
    if missing:
        return Judgement(error=f"the judge gave no rating of the answer of {missing[0]}", input_tokens=tokens)
    base, tuned = known["base"].value, known["tuned"].value
    return Judgement(
        better="tie" if base == tuned else "tuned" if tuned > base else "base",
        ratings={whose: one.value for whose, one in known.items()},
        reasons=tuple(f"{whose}: {one.why}" for whose, one in known.items() if one.why),
        input_tokens=tokens,
        output_tokens=sum(len(one.why) // judge_jobs.CHARACTERS_A_TOKEN for one in known.values()),
    )
