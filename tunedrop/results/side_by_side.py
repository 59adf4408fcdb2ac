"""Asks the tuned, base and production model of a run the same question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Literal

import msgspec
from botocore.exceptions import ClientError

from tunedrop import catalog, naming
from tunedrop.aws import Aws, is_missing
from tunedrop.catalog.method import CONVERSATIONS, Format
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import CompletedJob, Dataset, Serving
from tunedrop.dataset.prepare.held_out import HeldOut, Message, read_held_out
from tunedrop.evaluation.inference.ask import Answer, Asker, RateLimiter
from tunedrop.registry import Record
from tunedrop.registry.aliases import Aliases
from tunedrop.serving import bases, choose, kinds
from tunedrop.serving.sweep import in_service
from tunedrop.stage import Stage

Who = Literal["tuned", "base", "production"]
WHO: tuple[Who, ...] = ("tuned", "base", "production")

TRAINED_BYTES = 1 << 20
TRAINED_RECORDS = 500
"""How many bytes of the training file are read to find the system prompt of training."""


class Contender(msgspec.Struct, frozen=True, kw_only=True):
    """A model that can be asked, or, with an empty `model_id`, why it cannot."""

    who: Who
    model_id: str = ""
    note: str = ""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of one model."""

    who: Who
    model_id: str
    text: str = ""
    error: str = ""
    latency_ms: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


class Models:
    """The models of a run that are served now."""

    def __init__(self, aws: Aws, stage: Stage, record: Record) -> None:
        self._aws = aws
        self._stage = stage
        self.record = record
        self._dataset = record.document("dataset", Dataset)
        self._base_model: BaseModel = catalog.find(record.run.base_model)

    @property
    def is_conversation(self) -> bool:
        """Whether the model was trained on conversations, so that earlier turns can be passed."""
        return self._format in CONVERSATIONS

    @property
    def _format(self) -> Format:
        return self._dataset.target_format if self._dataset is not None else "converse"

    def contenders(self, who: Sequence[Who] = WHO) -> list[Contender]:
        """The models that can be asked. If the production model is the tuned one, it is asked once."""
        return [self._contender(one) for one in who]

    def _contender(self, who: Who) -> Contender:
        if who == "base":
            return self._base()
        if who == "tuned":
            return self._tuned()
        current = Aliases(self._aws.ssm, self._aws.dynamodb, self._stage).champion(self.record.run.name)
        if not current:
            return Contender(who=who, note=f"nothing is in production for {self.record.run.name}")
        if current == self._tuned().model_id:
            return Contender(who=who, note="is the tuned model")
        return Contender(who=who, model_id=current)

    def _base(self) -> Contender:
        if not bases.is_needed(self._base_model):
            way = choose.way(self._base_model, self.record.run.deployment)
            return Contender(who="base", model_id=kinds.base_id(self._stage, self._base_model, way))
        found = in_service(self._aws, self._stage)
        arn = next((one.arn for one in found if one.base_model == self._base_model.id), "")
        note = "" if arn else "Bedrock does not sell it on demand, and no copy of it is imported now"
        return Contender(who="base", model_id=arn, note=note)

    def _tuned(self) -> Contender:
        job = self.record.document("job", CompletedJob)
        if job is None:
            return Contender(who="tuned", note=f"{self.record.run.run_id} has trained no model")
        if job.model_arn in self.record.gone:
            return Contender(who="tuned", note="was deleted")
        arn = self._served(job)
        return Contender(who="tuned", model_id=arn, note="" if arn else "nothing serves it now")

    def _served(self, job: CompletedJob) -> str:
        """What serves the run's model now; for serving modes without a list, what has served it."""
        serving = self.record.document("serving", Serving)
        if serving is not None and not kinds.of(serving.way).is_listed:
            return serving.arn
        found = in_service(self._aws, self._stage)
        return next((one.arn for one in found if one.model_arn == job.model_arn), "")

    def system_prompt(self) -> str:
        """The most common system prompt of the training records; may be empty."""
        if self._dataset is None or not self.is_conversation:
            return ""
        bucket, key = naming.place_of(self._dataset.train.uri)
        part = f"bytes=0-{TRAINED_BYTES - 1}"
        try:
            body: bytes = self._aws.s3.get_object(Bucket=bucket, Key=key, Range=part)["Body"].read()
        except ClientError as error:
            if not is_missing(error):
                raise
            return ""
        whole = body if len(body) < TRAINED_BYTES else body.rpartition(b"\n")[0] + b"\n"
        found = Counter(one.system for one in islice(read_held_out([whole]), TRAINED_RECORDS))
        return found.most_common(1)[0][0] if found else ""

    def ask(
        self,
        contenders: Sequence[Contender],
        prompt: str,
        system: str,
        before: dict[Who, list[Message]] | None = None,
    ) -> list[Said]:
        """Ask all models concurrently, at temperature 0.

        Parameters
        ----------
        before
            The conversation with each model so far; this question and the answers are appended.
        """
        history = before if before is not None else {}
        asked = [one for one in contenders if one.model_id]

        def one_answer(one: Contender) -> Said:
            said = history.setdefault(one.who, [])
            question = HeldOut(
                record=0,
                turn=len(said) // 2,
                system=system,
                messages=(*said, Message("user", prompt)),
                reference="",
            )
            answer = self._asker(one.model_id).ask(question)
            if not answer.error and self.is_conversation:
                said += [Message("user", prompt), Message("assistant", answer.text)]
            return _said(one, answer)

        with ThreadPoolExecutor(max(1, len(asked))) as pool:
            return list(pool.map(one_answer, asked))

    def _asker(self, model_id: str) -> Asker:
        client = kinds.client(self._aws, model_id)
        return Asker(client, model_id, self._base_model, self._format, RateLimiter(0))


def _said(one: Contender, answer: Answer) -> Said:
    return Said(
        who=one.who,
        model_id=one.model_id,
        text=answer.text,
        error=answer.error,
        latency_ms=answer.latency_ms,
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
    )
