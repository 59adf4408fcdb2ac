"""The models of an evaluation: base, tuned, production, and the judge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Self

import msgspec

from tunedrop import naming
from tunedrop.aws import Aws
from tunedrop.catalog.method import CONVERSATIONS
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import CompletedJob, Dataset, Run, Serving
from tunedrop.dataset.prepare.held_out import HeldOut, read_held_out
from tunedrop.evaluation import general_ability
from tunedrop.evaluation.decision.examples import MOST_KNOWN, Example
from tunedrop.evaluation.inference.ask import Asker, RateLimiter
from tunedrop.evaluation.inference.evaluate import Prediction, distinct, evaluate, select
from tunedrop.evaluation.inference.prompting import Prompted, chosen
from tunedrop.evaluation.judging.judge import Judge
from tunedrop.evaluation.scoring import metrics
from tunedrop.planning import distillation
from tunedrop.registry.aliases import Aliases
from tunedrop.serving import kinds
from tunedrop.stage import Stage

EXAMPLE_BYTES = 4 << 20
"""The number of bytes of the training file to read for examples."""


class EvaluationTask(msgspec.Struct, frozen=True, kw_only=True):
    """One run's evaluation: its prompts and models; `job` is the one that trained the tuned model."""

    stage: Stage
    run: Run
    dataset: Dataset
    job: CompletedJob | None = None
    serving: Serving
    base_model: BaseModel

    @property
    def base_id(self) -> str:
        """The model id of the base model."""
        base = self.serving.base
        if base is not None:
            return base.arn
        return kinds.base_id(self.stage, self.base_model, self.serving.way)

    def questions(self, aws_: Aws) -> list[HeldOut]:
        """The held-out prompts, followed by those of general ability, in the order of evaluation."""
        if self.dataset.test is None:
            return []
        settings = self.run.evaluation
        bucket, key = naming.place_of(self.dataset.test.uri)

        def read() -> Iterator[HeldOut]:
            body = aws_.s3.get_object(Bucket=bucket, Key=key)["Body"]
            found = read_held_out(body.iter_chunks(1 << 20), is_text=self.dataset.target_format == "text")
            return distinct(found) if self.dataset.split_off is not None else found

        held_out = select(read, settings.max_prompts)
        probes = general_ability.questions(self.dataset.target_format, settings.general_ability)
        return held_out + probes

    def on(self, questions: Sequence[HeldOut]) -> Self:
        """The same task, without the judge if it is for open text only and these answers are not open text.

        All prompts of the run decide this, so that its shards agree; prompts whose answers the teacher has
        not written yet do not count.
        """
        judge, settings = self.run.evaluation.judge, self.run.evaluation
        references = [one.reference for one in questions if one.reference and not one.probe]
        if judge is None or not judge.open_text_only or metrics.task_of(references) == "text":
            return self
        run = msgspec.structs.replace(self.run, evaluation=msgspec.structs.replace(settings, judge=None))
        return msgspec.structs.replace(self, run=run)

    def examples(self, aws_: Aws) -> list[Example]:
        """Training examples for the baselines, from the first part of the file."""
        asked = islice(self._trained_on(aws_), MOST_KNOWN)
        return [Example(one.messages[-1].text, one.reference) for one in asked if one.reference]

    def _trained_on(self, aws_: Aws) -> Iterator[HeldOut]:
        bucket, key = naming.place_of(self.dataset.train.uri)
        answer = aws_.s3.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{EXAMPLE_BYTES - 1}")
        whole, _, _ = answer["Body"].read().rpartition(b"\n")
        return read_held_out([whole + b"\n"], is_text=self.dataset.target_format == "text")

    def few_shot(self, aws_: Aws) -> list[HeldOut]:
        """The training examples in the base model's few-shot prompt; none for datasets of plain text."""
        wanted = self.run.evaluation.few_shot
        if not wanted or self.dataset.target_format == "text":
            return []
        return chosen(islice(self._trained_on(aws_), MOST_KNOWN), wanted, self.dataset.train)

    def ask(
        self, aws_: Aws, questions: Sequence[HeldOut], per_minute: float, deadline: float
    ) -> Iterator[Prediction]:
        """All models' answers to each prompt, in order, until the deadline (`time.monotonic()`).

        Parameters
        ----------
        per_minute
            Maximum number of requests per minute to all models together; 0 is no limit.
        """
        limiter = RateLimiter(per_minute)

        def asker(model_id: str) -> Asker:
            client = kinds.client(aws_, model_id)
            return Asker(client, model_id, self.base_model, self.dataset.target_format, limiter)

        current = Aliases(aws_.ssm, aws_.dynamodb, self.stage).champion(self.run.name)
        champion = asker(current) if current and current != self.serving.arn else None
        base, tuned = asker(self.base_id), asker(self.serving.arn)
        settings = self.run.evaluation.judge
        judge = (
            Judge(aws_.bedrock_runtime, settings, limiter)
            if settings is not None and settings.via == "converse"
            else None
        )
        shown, converses = self.few_shot(aws_), self.dataset.target_format in CONVERSATIONS
        taught_by = self.run.teacher
        teacher = asker(distillation.inference_id(taught_by)) if taught_by is not None else None
        return evaluate(
            questions,
            base,
            tuned,
            deadline,
            champion=champion,
            judge=judge,
            champion_judge=judge if self.run.evaluation.judge_may_decide else None,
            teacher=teacher,
            prompted=Prompted(base, shown, converses=converses) if shown else None,
        )
