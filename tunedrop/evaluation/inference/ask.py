"""Calls a model: Converse for conversations, InvokeModel with the exact training format for others, and
OpenAI's chat body for imported models and those of bedrock-mantle, which Converse does not support."""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tunedrop import aws, escaping
from tunedrop.aws import inference_quotas
from tunedrop.catalog.method import CONVERSATIONS, Format
from tunedrop.catalog.model import BaseModel
from tunedrop.dataset.prepare.held_out import HeldOut
from tunedrop.errors import EvaluationFailed
from tunedrop.serving import kinds
from tunedrop.serving.kind import ServingKind
from tunedrop.serving.kinds.imported import is_asleep

SECONDS_TO_ASK = 600.0
"""The time limit for answers: a Lambda function has 900 s, and the rest is for pending answers and the
scores."""

SECONDS_BEFORE_DECIDING = 120.0
"""The time after which a call no longer decides, but leaves that to the next one."""

FEWEST_TOKENS = 512
"""The limit on an answer's tokens if its reference is short or missing."""

MOST_TOKENS = {"llama": 2_048, "titan": 3_072}
"""The maximum of InvokeModel, by family (user guide, model-parameters-meta and model-parameters-titan-text,
read 2026-11-26)."""

MOST_TOKENS_OF_OTHERS = 4_096
"""A belief: every model in the catalog that is called by Converse supports this."""

BYTES_A_TOKEN = 2
"""The minimum of UTF-8 bytes per token: 3 to 4 in English, 2 to 3 in other scripts. Limits are twice the
reference's length."""

REASONING_TOKENS = 2_048
"""Additional tokens for the reasoning of an imported model, which is part of its answer; a guess."""

WAKING_SECONDS = 300.0
"""How long an imported model may take to become ready (Bedrock user guide, invoke-imported-model, read
2026-11-29: usually tens of seconds)."""

SPENT = (
    "The account's tokens per day for {model} are used up (Service Quotas, Amazon Bedrock: {quota}). Retry "
    "the run tomorrow: it keeps its model and continues after the last answer. If the quota is 0, as in some "
    "new accounts, ask AWS Support for the default first"
)

TRIES = 8
LONGEST_PAUSE = 30.0

Given = TypeVar("Given")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A model's answer; `error` is why there is none, `stop_reason` Bedrock's reason why it stopped."""

    text: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    latency_ms: int = 0
    stop_reason: str = ""
    error: str = ""


class Unavailable(Answer, frozen=True, kw_only=True):
    """No answer after all tries, because the model was throttled or failing: it may answer later."""


def most_tokens(reference: str, family: str) -> int:
    """The limit on an answer's tokens: twice the reference's length, up to the model's maximum."""
    most = next((limit for name, limit in MOST_TOKENS.items() if name in family), MOST_TOKENS_OF_OTHERS)
    return min(most, max(FEWEST_TOKENS, len(reference.encode("utf-8", "replace")) // BYTES_A_TOKEN))


class RateLimiter:
    """Limits requests per minute over all threads; 0 means no limit."""

    def __init__(
        self,
        per_minute: float,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap = 60 / per_minute if per_minute else 0.0
        self._now, self._sleep = now, sleep
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait for this request's turn."""
        if not self._gap:
            return
        with self._lock:
            turn = max(self._next, self._now())
            self._next = turn + self._gap
        self._sleep(max(0.0, turn - self._now()))


class Unanswered(Exception):
    """A model returned no answer after all tries; the message says why. `later`: it may answer later."""

    def __init__(self, reason: str, *, later: bool = False) -> None:
        super().__init__(reason)
        self.later = later


def persist(
    model_id: str,
    call: Callable[[], Given],
    limiter: RateLimiter,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> Given:
    """The result of a call of a model, rate-limited and retried with exponential backoff and jitter.

    A model that is not ready is awaited for up to `WAKING_SECONDS`, without counting as a try.

    Raises
    ------
    Unanswered
        If it was refused, or throttled or failing until the last try.
    EvaluationFailed
        If the account's tokens of the day are spent, so that no other prompt would be answered either.
    """
    pause, reason, tries = 1.0, "", 0
    awake_by = now() + WAKING_SECONDS
    while tries < TRIES:
        limiter.wait()
        try:
            return call()
        except (ClientError, BotoCoreError) as error:
            reason = aws.explain(error)
            if aws.is_spent_for_the_day(error):
                quota = inference_quotas.kind_of(model_id)
                raise EvaluationFailed(f"{reason} {SPENT.format(model=model_id, quota=quota)}") from error
            if not aws.is_transient(error):
                break
            tries += not (is_asleep(error) and now() < awake_by)
            sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            pause = min(LONGEST_PAUSE, 2 * pause)
    raise Unanswered(reason, later=tries == TRIES)


_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "content_filtered"}
"""OpenAI's `finish_reason` in Converse's words."""

_REASONING = re.compile(r"\A(?:(?!</think>).)*</think>\s*", re.DOTALL)


def without_reasoning(text: str) -> str:
    """An answer without the reasoning before it; empty if it was truncated within the reasoning.

    Chat templates may open the reasoning, so that the answer contains only its end tag.

    >>> [without_reasoning(one) for one in ("<think>hm</think> yes", "hm</think>yes", "<think>hm")]
    ['yes', 'yes', '']
    """
    if "</think>" in text:
        return _REASONING.sub("", text, count=1)
    return "" if text.lstrip().startswith("<think>") else text


class Asker:
    """Calls one model. Throttling and service errors are retried with exponential backoff and jitter."""

    def __init__(
        self,
        runtime: Any,
        model_id: str,
        base_model: BaseModel,
        format_: Format,
        limiter: RateLimiter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._runtime = runtime
        self._model_id = model_id
        self._family = base_model.family
        self._conversation = format_ in CONVERSATIONS
        self._continues = format_ == "text"
        self._limiter = limiter
        self._sleep = sleep

    def ask(self, question: HeldOut) -> Answer:
        """The model's answer, with `error` set if there was none after all tries."""
        try:
            answer = persist(self._model_id, lambda: self._read(question), self._limiter, self._sleep)
        except Unanswered as error:
            return (Unavailable if error.later else Answer)(error=escaping.whole(str(error)))
        return msgspec.structs.replace(answer, text=escaping.whole(answer.text))

    def _read(self, question: HeldOut) -> Answer:
        """One try. An imported model generates its response itself; one that is not as documented counts as
        no answer."""
        try:
            return msgspec.convert(msgspec.structs.asdict(self._timed(question)), Answer)
        except (ClientError, BotoCoreError):
            raise
        except (LookupError, AttributeError, TypeError, ValueError, msgspec.ValidationError) as error:
            raise Unanswered(f"its answer is not as documented: {error!r}") from error

    def _timed(self, question: HeldOut) -> Answer:
        """One try. InvokeModel reports no latency, so the duration of the request is used, without pauses."""
        started = time.monotonic()
        answer = self._ask(question)
        elapsed = int((time.monotonic() - started) * 1000)
        return msgspec.structs.replace(answer, latency_ms=answer.latency_ms or elapsed)

    def _ask(self, question: HeldOut) -> Answer:
        kind = kinds.of_arn(self._model_id)
        if kind is not None and kind.asked_by != "converse":
            return self._chat(question, kind) if self._conversation else self._complete(question, kind)
        return self._converse(question) if self._conversation else self._invoke(question)

    def _chat(self, question: HeldOut, kind: ServingKind) -> Answer:
        """OpenAI's chat body, in which the reasoning arrives as part of the answer; it is not scored."""
        system = [{"role": "system", "content": question.system}] if question.system else []
        messages = [*system, *({"role": one.role, "content": one.text} for one in question.messages)]
        limit = self._limit(question) + REASONING_TOKENS
        body = {"messages": messages, "max_tokens": limit}
        choice, answer = self._chosen(kind, body)
        return msgspec.structs.replace(answer, text=without_reasoning(choice["message"].get("content") or ""))

    def _complete(self, question: HeldOut, kind: ServingKind) -> Answer:
        """OpenAI's completion body: a base model has no chat template (user guide, invoke-imported-model)."""
        body = {"prompt": question.messages[-1].text, "max_tokens": self._limit(question)}
        choice, answer = self._chosen(kind, body)
        return msgspec.structs.replace(answer, text=choice.get("text") or "")

    def _chosen(self, kind: ServingKind, body: dict[str, Any]) -> tuple[dict[str, Any], Answer]:
        """The model's choice, and the answer without its text, whose place depends on the body."""
        said = kind.ask(self._runtime, self._model_id, body | {"temperature": 0.0})
        choice: dict[str, Any] = said["choices"][0]
        finish = choice.get("finish_reason") or ""
        return choice, Answer(
            input_tokens=said["usage"]["prompt_tokens"],
            output_tokens=said["usage"]["completion_tokens"],
            stop_reason=self._stopped(_STOP_REASONS.get(finish, finish)),
        )

    def _converse(self, question: HeldOut) -> Answer:
        system = {"system": [{"text": question.system}]} if question.system else {}
        response = self._runtime.converse(
            modelId=self._model_id,
            messages=[
                {"role": one.role, "content": list(one.blocks) or [{"text": one.text}]}
                for one in question.messages
            ],
            inferenceConfig={"maxTokens": self._limit(question), "temperature": 0.0},
            **system,
        )
        blocks = response["output"]["message"]["content"]
        return Answer(
            text="".join(block.get("text", "") for block in blocks),
            input_tokens=response["usage"]["inputTokens"],
            output_tokens=response["usage"]["outputTokens"],
            latency_ms=response["metrics"]["latencyMs"],
            stop_reason=response.get("stopReason", ""),
        )

    def _limit(self, question: HeldOut) -> int:
        return most_tokens(question.reference, self._family)

    def _stopped(self, reason: str | None) -> str:
        """The stop reason of an answer; a continuation ends only where it is cut off."""
        return "" if self._continues or reason is None else reason

    def _invoke(self, question: HeldOut) -> Answer:
        prompt, limit = question.messages[-1].text, self._limit(question)
        body = (
            {"inputText": prompt, "textGenerationConfig": {"maxTokenCount": limit, "temperature": 0.0}}
            if self._family.startswith("titan")
            else {"prompt": prompt, "max_gen_len": limit, "temperature": 0.0}
        )
        response = self._runtime.invoke_model(modelId=self._model_id, body=json.dumps(body))
        said = json.loads(response["body"].read())
        if self._family.startswith("titan"):
            result = said["results"][0]
            return Answer(
                text=result["outputText"],
                input_tokens=said["inputTextTokenCount"],
                output_tokens=result["tokenCount"],
                stop_reason=self._stopped(result.get("completionReason")),
            )
        return Answer(
            text=said["generation"],
            input_tokens=said["prompt_token_count"],
            output_tokens=said["generation_token_count"],
            stop_reason=self._stopped(said.get("stop_reason")),
        )
