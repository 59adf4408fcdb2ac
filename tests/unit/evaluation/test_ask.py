from __future__ import annotations

import io
import json
import time
from collections.abc import Iterable
from contextlib import nullcontext

import msgspec
import pytest

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock, refusal
from tunedrop import catalog
from tunedrop.catalog.method import Format
from tunedrop.dataset.prepare.held_out import HeldOut, Message
from tunedrop.errors import EvaluationFailed, TransientError
from tunedrop.evaluation.inference.ask import Answer, Asker, RateLimiter, Unanswered, Unavailable, persist
from tunedrop.evaluation.inference.evaluate import CONCURRENCY, distinct, evaluate, select

QUESTION = HeldOut(record=1, turn=0, system="be kind", messages=(Message("user", "hello?"),), reference="hi")
SPOKEN = {
    "output": {"message": {"content": [{"text": "hi"}]}},
    "usage": {"inputTokens": 3, "outputTokens": 1},
    "metrics": {"latencyMs": 7},
}


def asker(runtime: FakeBedrock, base_model: str = builders.LLAMA_3_3, format_: str = "converse") -> Asker:
    return Asker(
        runtime,
        "model",
        catalog.find(base_model),
        format_,
        RateLimiter(0),
        sleep=lambda _: None,  # type: ignore[arg-type]
    )


def test_a_conversation_uses_converse_with_its_system_prompt() -> None:
    runtime = FakeBedrock(converse=SPOKEN)

    answer = asker(runtime).ask(QUESTION)

    (call,) = runtime.called("converse")
    assert answer == Answer(text="hi", input_tokens=3, output_tokens=1, latency_ms=7)
    assert call["system"] == [{"text": "be kind"}]
    assert call["inferenceConfig"]["temperature"] == 0


def test_an_answer_with_half_a_character_can_be_kept() -> None:
    """One that was cut between the two halves that JSON may escape it by; no file holds a half."""
    cut = {"output": {"message": {"content": [{"text": "\ud83d\ude00 \ud83d"}]}}}

    answer = asker(FakeBedrock(converse=SPOKEN | cut)).ask(QUESTION)

    assert answer.text == "\U0001f600 \ufffd"
    assert msgspec.json.encode(answer)


def test_a_model_trained_on_pairs_gets_the_exact_prompt() -> None:
    body = {"generation": "hi", "prompt_token_count": 3, "generation_token_count": 1}
    runtime = FakeBedrock(invoke_model={"body": io.BytesIO(json.dumps(body).encode())})

    answer = asker(runtime, builders.LLAMA_3_1, "prompt-completion").ask(QUESTION)

    assert answer.text == "hi"
    assert json.loads(runtime.called("invoke_model")[0]["body"])["prompt"] == "hello?"


@pytest.mark.parametrize(
    ("reference", "base_model", "limit"),
    [
        ("yes", builders.LLAMA_3_3, 512),
        ("x" * 3_000, builders.LLAMA_3_3, 1_500),
        ("答" * 1_000, builders.LLAMA_3_3, 1_500),
        ("x" * 100_000, builders.LLAMA_3_3, 2_048),
    ],
)
def test_an_answer_may_be_as_long_as_its_reference_asks(reference: str, base_model: str, limit: int) -> None:
    runtime = FakeBedrock(converse=SPOKEN | {"stopReason": "max_tokens"})

    answer = asker(runtime, base_model).ask(msgspec.structs.replace(QUESTION, reference=reference))

    assert runtime.called("converse")[0]["inferenceConfig"]["maxTokens"] == limit
    assert answer.stop_reason == "max_tokens"


def test_why_an_invoked_model_stopped_is_read_too() -> None:
    body = {"generation": "hi", "prompt_token_count": 3, "generation_token_count": 1, "stop_reason": "length"}

    def said(format_: str) -> Answer:
        runtime = FakeBedrock(invoke_model={"body": io.BytesIO(json.dumps(body).encode())})
        return asker(runtime, builders.LLAMA_3_1, format_).ask(QUESTION)

    assert said("prompt-completion").stop_reason == "length"
    assert said("text").stop_reason == ""  # a continuation has no end of its own


def test_throttling_is_tried_again() -> None:
    throttled = refusal("ThrottlingException", status=429)

    assert asker(FakeBedrock(converse=[throttled, throttled, SPOKEN])).ask(QUESTION).text == "hi"


def test_a_prompt_is_sent_once_where_the_tokens_of_the_day_are_spent() -> None:
    """Bedrock's message in minorun365/agent-book, issue 29 (read 2026-11-30)."""
    spent = "Too many tokens per day, please wait before trying again."
    runtime = FakeBedrock(converse=refusal("ThrottlingException", spent, status=429))

    with pytest.raises(
        EvaluationFailed, match=r"Too many tokens per day.*Model invocation max tokens per day"
    ):
        asker(runtime).ask(QUESTION)

    assert len(runtime.called("converse")) == 1


def test_what_was_answered_before_the_tokens_of_the_day_were_spent_is_kept() -> None:
    """The evaluation ends there, and says why when it is called again, today or in a retry."""

    class Frugal:
        def ask(self, question: HeldOut) -> Answer:
            if question.record > CONCURRENCY:
                raise EvaluationFailed("Too many tokens per day")
            return Answer(text=question.reference)

    questions = [msgspec.structs.replace(QUESTION, record=number) for number in range(1, 3 * CONCURRENCY)]
    later = time.monotonic() + 60

    done = list(evaluate(questions, Frugal(), Frugal(), deadline=later))

    assert [one.record for one in done] == list(range(1, CONCURRENCY + 1))
    with pytest.raises(EvaluationFailed):
        list(evaluate(questions[len(done) :], Frugal(), Frugal(), deadline=later))


THROTTLED = refusal("ThrottlingException", status=429)


@pytest.mark.parametrize(("questions", "answered"), [(CONCURRENCY - 1, CONCURRENCY - 1), (CONCURRENCY, 0)])
def test_a_model_that_answers_nobody_is_asked_again_later(questions: int, answered: int) -> None:
    """An hour without Bedrock was an evaluation without a verdict. A prompt that it never answers is one."""
    down = asker(FakeBedrock(converse=THROTTLED))
    up = asker(FakeBedrock(converse=SPOKEN))
    later = time.monotonic() + 60

    with pytest.raises(TransientError, match="Throttling") if not answered else nullcontext():
        done = list(evaluate([QUESTION] * questions, up, down, deadline=later))
        assert len(done) == answered

    refused = asker(FakeBedrock(converse=refusal("AccessDeniedException")))
    assert len(list(evaluate([QUESTION] * questions, up, refused, deadline=later))) == questions


def test_what_was_answered_before_a_model_answered_nobody_is_kept() -> None:
    spoken = [SPOKEN] * CONCURRENCY
    tuned = asker(FakeBedrock(converse=[*spoken, THROTTLED]))

    done = list(
        evaluate(
            [QUESTION] * 2 * CONCURRENCY, asker(FakeBedrock(converse=SPOKEN)), tuned,
            deadline=time.monotonic() + 60,
        )
    )  # fmt: skip

    assert [one.error for one in done] == [""] * CONCURRENCY


@pytest.mark.parametrize("before", [0, CONCURRENCY])
def test_neighbouring_prompts_that_take_too_long_each_time_count_as_unanswered(before: int) -> None:
    """Test sets are often sorted: by length, or by source. The evaluation would never get past them."""

    class OutOfTime:
        def ask(self, question: HeldOut) -> Answer:
            is_long = before < question.record <= before + CONCURRENCY
            return Unavailable(error="it took too long") if is_long else Answer(text="yes")

    asked = [msgspec.structs.replace(QUESTION, record=number + 1) for number in range(3 * CONCURRENCY)]
    up = asker(FakeBedrock(converse=SPOKEN))

    done = list(evaluate(asked, up, OutOfTime(), deadline=time.monotonic() + 60))

    assert [one.record for one in done] == [one.record for one in asked]
    failed = [one.record for one in done if one.failed]
    assert failed == list(range(before + 1, before + CONCURRENCY + 1))


def test_a_prompt_that_keeps_failing_has_a_reason() -> None:
    answer = asker(FakeBedrock(converse=refusal("AccessDeniedException", "not you"))).ask(QUESTION)

    assert "not you" in answer.error


def test_requests_are_paced_to_the_limit() -> None:
    waited: list[float] = []
    pace = RateLimiter(60, now=lambda: 100.0, sleep=waited.append)

    for _ in range(3):
        pace.wait()

    assert waited == [0.0, 1.0, 2.0]


def test_evaluation_ends_at_its_deadline_and_goes_on_where_it_ended() -> None:
    class Parrot:
        def ask(self, question: HeldOut) -> Answer:
            return Answer(text=question.reference)

    questions = [QUESTION] * 20

    assert list(evaluate(questions, Parrot(), Parrot(), deadline=time.monotonic() - 1)) == []
    assert len(list(evaluate(questions, Parrot(), Parrot(), deadline=time.monotonic() + 60))) == 20


def test_a_prediction_keeps_the_conversation_before_its_prompt() -> None:
    class Parrot:
        def ask(self, question: HeldOut) -> Answer:
            return Answer(text=question.reference)

    messages = (Message("user", "a lift?"), Message("assistant", "yes"), Message("user", "where?"))
    question = msgspec.structs.replace(QUESTION, messages=messages)

    (found,) = evaluate([question], Parrot(), Parrot(), deadline=time.monotonic() + 60)

    assert found.prompt == "where?"
    assert [(one.role, one.text) for one in found.before] == [("user", "a lift?"), ("assistant", "yes")]


def held_out(texts: Iterable[str]) -> list[HeldOut]:
    return [
        HeldOut(record=number, turn=0, system="", messages=(Message("user", text),), reference="yes")
        for number, text in enumerate(texts)
    ]


def test_evaluated_prompts_are_spread_over_the_held_out_set() -> None:
    questions = held_out(map(str, range(100)))

    found = select(lambda: questions, 4)

    assert [one.record // 25 for one in found] == [0, 1, 2, 3]
    assert select(lambda: questions, 4) == found
    assert select(lambda: held_out(map(str, range(1, 101))), 4) != found
    assert select(lambda: questions, 100) == questions


@pytest.mark.parametrize("place", [0, 7, 50, 99])
def test_nobody_can_put_long_prompts_where_they_are_asked(place: int) -> None:
    """The estimate takes those that are asked for of average length: of these, one in a hundred is long."""
    texts = ["long" * 100 if number % 100 == place else "hi" for number in range(50_000)]

    found = select(lambda: held_out(f"{number} {text}" for number, text in enumerate(texts)), 500)

    assert sum("long" in one.messages[-1].text for one in found) < 25


def test_of_a_large_held_out_set_only_what_is_asked_is_held() -> None:
    """A test file may have gigabytes: an evaluation ran out of memory after the training was paid."""
    alive = most = 0

    class Counted(HeldOut, frozen=True, kw_only=True):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def read() -> Iterable[HeldOut]:
        nonlocal alive, most
        for number in range(1_000):
            alive += 1
            most = max(most, alive)
            yield Counted(
                record=number, turn=0, system="", messages=(Message("user", str(number)),), reference="yes"
            )

    assert len(select(read, 10)) == 10
    assert most <= 25


def test_a_prompt_of_two_records_is_evaluated_once() -> None:
    again = msgspec.structs.replace(QUESTION, record=7)
    other = msgspec.structs.replace(QUESTION, record=8, reference="something else")

    assert list(distinct([QUESTION, again, other])) == [QUESTION, other]


IMPORTED = "arn:aws:bedrock:us-east-1:111122223333:imported-model/abcdefghij12"
ASLEEP = refusal("ModelNotReadyException", "Model is not ready for inference.", status=429)


def chat(text: str, finished: str = "stop") -> dict[str, object]:
    body = {
        "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": finished}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 9},
    }
    return {"body": io.BytesIO(json.dumps(body).encode())}


def asked_imported(runtime: FakeBedrock, format_: Format = "messages") -> Answer:
    base = catalog.find("qwen.qwen3-32b")
    return Asker(runtime, IMPORTED, base, format_, RateLimiter(0), sleep=lambda _: None).ask(QUESTION)


@pytest.mark.parametrize("format_", ["messages", "openai-chat", "preference"])
def test_an_imported_model_uses_openais_chat_body_and_its_reasoning_is_not_scored(
    format_: Format,
) -> None:
    runtime = FakeBedrock(invoke_model=chat("<think>\nhm\n</think>\n\nhi"))

    answer = asked_imported(runtime, format_)

    body = json.loads(runtime.called("invoke_model")[0]["body"])
    assert msgspec.structs.replace(answer, latency_ms=0) == Answer(
        text="hi", input_tokens=3, output_tokens=9, stop_reason="end_turn"
    )
    assert body["messages"] == [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "hello?"},
    ]


def test_an_answer_that_was_cut_during_reasoning_is_empty() -> None:
    answer = asked_imported(FakeBedrock(invoke_model=chat("<think>\nso long", "length")))

    assert (answer.text, answer.stop_reason) == ("", "max_tokens")


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        "[]",
        {"choices": []},
        {"usage": None},
        {"usage": {"prompt_tokens": None, "completion_tokens": 9}},
        {"choices": [{"message": None}]},
        {"choices": [{"message": {"content": [{"text": "hi"}]}}]},
    ],
)
def test_an_answer_that_is_not_as_documented_is_none(body: str | dict[str, object]) -> None:
    """It failed the evaluation after the training was paid."""
    usual = json.loads(chat("hi")["body"].getvalue())  # type: ignore[attr-defined]
    said = body if isinstance(body, str) else json.dumps(usual | body)

    answer = asked_imported(FakeBedrock(invoke_model={"body": io.BytesIO(said.encode())}))

    assert answer.error.startswith("its answer is not as documented: ")
    assert answer.text == ""


@pytest.mark.parametrize(
    "body",
    [{"generation": "hi"}, {"generation": None, "prompt_token_count": 3, "generation_token_count": 1}],
)
def test_an_invoked_models_answer_that_is_not_as_documented_is_none(body: dict[str, object]) -> None:
    runtime = FakeBedrock(invoke_model={"body": io.BytesIO(json.dumps(body).encode())})

    answer = asker(runtime, builders.LLAMA_3_1, "prompt-completion").ask(QUESTION)

    assert answer.error.startswith("its answer is not as documented: ")


def test_a_model_that_sleeps_is_waited_for_longer_than_one_that_fails() -> None:
    runtime = FakeBedrock(invoke_model=[ASLEEP] * 50 + [chat("hi")])

    assert asked_imported(runtime).text == "hi"


def test_a_model_that_never_wakes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 100))
    monkeypatch.setattr(persist, "__defaults__", (lambda _: None, lambda: float(next(clock))))
    runtime = FakeBedrock(invoke_model=ASLEEP)

    with pytest.raises(Unanswered, match="not ready"):
        persist("model", lambda: runtime.invoke_model(), RateLimiter(0))
    assert len(runtime.called("invoke_model")) < 20
