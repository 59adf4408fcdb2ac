"""Evaluates both models on all held-out prompts, side by side, within a deadline; resumable."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Literal, Protocol

import msgspec

from tunedrop.dataset.prepare.held_out import HeldOut, Message
from tunedrop.errors import EvaluationFailed, TransientError
from tunedrop.evaluation.inference.ask import Answer, Unavailable

CONCURRENCY = 8
"""Number of prompts sent at a time, each to all models at once: an imported model is billed for the
duration of the evaluation, however few requests it gets."""


class Model(Protocol):
    """A model that answers questions."""

    def ask(self, question: HeldOut) -> Answer: ...


class Comparer(Protocol):
    """A judge that compares two answers."""

    def compare(self, question: HeldOut, base: Answer, tuned: Answer) -> Judgement: ...


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """A judge's comparison of two answers; `error` is why there is none.

    `ratings`, from 0 to 1, by `base`, `tuned` and `champion`, if it rated each answer by itself.
    """

    better: Literal["tuned", "base", "tie"] = "tie"
    ratings: dict[str, float] = {}
    reasons: tuple[str, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    error: str = ""


class Said(msgspec.Struct, frozen=True):
    """A message of a conversation; `role` is user or assistant."""

    role: str
    text: str


class Neighbour(msgspec.Struct, frozen=True):
    """The training record whose prompt is the most similar; long texts are shortened."""

    prompt: str
    answer: str


def said_before(question: HeldOut) -> tuple[Said, ...]:
    """The messages before a question."""
    return tuple(Said(one.role, one.text) for one in question.messages[:-1])


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """One prompt with its answers: a line of predictions.jsonl.

    `before` has the preceding messages of a conversation. `probe` is the name of a general-ability prompt,
    empty for a held-out one. `against_champion` compares the tuned model with the production model, which is
    called `base` there. `prompted` is the base model's answer to a prompt with examples. `rewards` are a
    grader's, by `base`, `tuned` and `champion`; `reward_error` is why some are missing. `scores` are by
    model, then by metric; `distance`, from 0 to 1, is the distance of the prompt from that of the `nearest`
    training record. These three are set when the verdict is known.
    """

    record: int
    turn: int
    prompt: str
    reference: str
    base: Answer
    tuned: Answer
    champion: Answer | None = None
    judgement: Judgement | None = None
    against_champion: Judgement | None = None
    before: tuple[Said, ...] = ()
    probe: str = ""
    prompted: Answer | None = None
    rewards: dict[str, float] = {}
    reward_error: str = ""
    scores: dict[str, dict[str, float]] = {}
    distance: float | None = None
    nearest: Neighbour | None = None

    @property
    def failed(self) -> bool:
        """Whether the base or the tuned model gave no answer; the pair is then counted, but not scored."""
        return bool(self.error)

    @property
    def error(self) -> str:
        """Why the base or the tuned model gave no answer."""
        return self.tuned.error or self.base.error

    @property
    def answers(self) -> tuple[Answer, ...]:
        """The answers of all models that were asked."""
        others = (one for one in (self.champion, self.prompted) if one is not None)
        return (self.base, self.tuned, *others)

    @property
    def judgements(self) -> tuple[Judgement, ...]:
        """The judges' comparisons."""
        return tuple(one for one in (self.judgement, self.against_champion) if one is not None)


def distinct(questions: Iterable[HeldOut]) -> Iterator[HeldOut]:
    """The prompts, without duplicates that have the same reference."""
    asked = set()
    for one in questions:
        # For a large test set, hashes need less memory than texts.
        same = hashlib.sha256(msgspec.json.encode((one.system, one.messages, one.reference))).digest()
        if same not in asked:
            asked.add(same)
            yield one


def select(read: Callable[[], Iterable[HeldOut]], most: int) -> list[HeldOut]:
    """The prompts to evaluate: all, or `most`, one from each of as many equal parts of the held-out set.

    The one is drawn with a seed from all prompts. The estimate assumes prompts of average length, and the
    author of a test set could otherwise place long ones where they are used.

    Parameters
    ----------
    read
        Reads the held-out set from its beginning. It is called twice if the set has more prompts than `most`,
        so that a large set is never in memory as a whole.
    """
    count, seed, first = 0, hashlib.sha256(), list[HeldOut]()
    for count, one in enumerate(read(), 1):
        seed.update(repr((one.system, one.messages, one.reference)).encode())
        if count <= most:
            first.append(one)
    if count <= most:
        return first
    first.clear()
    draw = random.Random(seed.digest())  # noqa: S311 - not a secret, only not to be steered
    bounds = [index * count // most for index in range(most + 1)]
    chosen = {draw.randrange(begin, end) for begin, end in pairwise(bounds)}
    return [one for at, one in enumerate(read()) if at in chosen]


def evaluate(
    questions: Sequence[HeldOut],
    base: Model,
    tuned: Model,
    deadline: float,
    concurrency: int = CONCURRENCY,
    champion: Model | None = None,
    judge: Comparer | None = None,
    champion_judge: Comparer | None = None,
    teacher: Model | None = None,
    prompted: Model | None = None,
) -> Iterator[Prediction]:
    """All answers to each question, in order, until the deadline (`time.monotonic()`) or the end of a daily
    quota.

    General-ability prompts are sent only to the base and the tuned model.

    Parameters
    ----------
    champion
        The production model, if there is one that can be called.
    judge
        The judge that compares base and tuned, if the run has one.
    champion_judge
        The judge that compares production and tuned model, if that decides.
    teacher
        The teacher that writes missing references.
    prompted
        The base model with examples in its prompt, if the run requests it.

    Raises
    ------
    EvaluationFailed
        If a daily quota is used up at the first questions. Later, this only ends the iteration, so that the
        answers so far are kept, and the next call raises it.
    TransientError
        In the same way, if a model answers none of `concurrency` questions, nor a short one, because it is
        throttled or failing; they are sent again later. Other such questions count as unanswered, since the
        model may take too long for them each time.
    """

    every = {"base": base, "champion": champion, "prompted": prompted}
    others = {name: one for name, one in every.items() if one is not None}

    def answer(question: HeldOut) -> Prediction:
        if teacher is not None and not question.reference and not question.probe:
            taught = teacher.ask(question)
            if taught.error:
                return _unanswerable(question, f"the teacher: {taught.error}")
            question = msgspec.structs.replace(question, reference=taught.text)
        asked = [name for name in others if name == "base" or not question.probe]
        pending = {name: at_once.submit(others[name].ask, question) for name in asked}
        own = tuned.ask(question)
        given = {name: one.result() for name, one in pending.items()}
        prediction = Prediction(
            record=question.record,
            turn=question.turn,
            prompt=question.messages[-1].text,
            reference=question.reference,
            base=given["base"],
            tuned=own,
            champion=given.get("champion"),
            before=said_before(question),
            probe=question.probe,
            prompted=given.get("prompted"),
        )
        if question.probe or prediction.failed:
            return prediction
        return msgspec.structs.replace(
            prediction,
            judgement=_compared(judge, question, prediction.base, prediction.tuned),
            against_champion=_compared(champion_judge, question, prediction.champion, prediction.tuned),
        )

    with ThreadPoolExecutor(concurrency) as pool, ThreadPoolExecutor(concurrency * len(others)) as at_once:
        for start in range(0, len(questions), concurrency):
            if time.monotonic() >= deadline:
                return
            try:
                answered = list(pool.map(answer, questions[start : start + concurrency]))
                nobody = len(answered) == concurrency and all(map(_is_down, answered))
                is_down = nobody and _is_down(answer(_SHORT))
            except EvaluationFailed:
                if not start:
                    raise
                return
            if is_down:
                if not start:
                    raise TransientError(f"a model does not answer now: {answered[0].error}")
                return
            yield from answered


_SHORT = HeldOut(
    record=0, turn=0, system="", messages=(Message("user", "Say yes."),), reference="yes", probe="short"
)
"""A question that every model answers unless it is down."""


def _is_down(prediction: Prediction) -> bool:
    """Whether the base or the tuned model may answer this prompt later."""
    return isinstance(prediction.base, Unavailable) or isinstance(prediction.tuned, Unavailable)


def _compared(
    judge: Comparer | None, question: HeldOut, other: Answer | None, tuned: Answer
) -> Judgement | None:
    if judge is None or other is None or other.error:
        return None
    return judge.compare(question, other, tuned)


def _unanswerable(question: HeldOut, reason: str) -> Prediction:
    nobody = Answer(error=reason)
    return Prediction(
        record=question.record,
        turn=question.turn,
        prompt=question.messages[-1].text,
        reference="",
        base=nobody,
        tuned=nobody,
        before=said_before(question),
    )
