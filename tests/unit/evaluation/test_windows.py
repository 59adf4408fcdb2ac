"""The five-minute windows in which an evaluation keeps imported models awake, by a clock of its own.

Each answer takes the seconds that estimates assume. Billing begins a window with the first request outside of
the one before (Bedrock user guide, import-model-calculate-cost, read 2026-11-29).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from tests import builders
from tunedrop.contracts import EvaluationSettings, JudgeSettings
from tunedrop.cost import imported
from tunedrop.dataset.prepare.held_out import HeldOut, Message
from tunedrop.evaluation.inference import evaluate as asking
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import CONCURRENCY, Judgement, Prediction, evaluate
from tunedrop.evaluation.inference.speed import ANSWER_SECONDS
from tunedrop.evaluation.workload import workload

WINDOW = 5 * 60.0
PROMPTS = 2_000


class Given(NamedTuple):
    """What a task gave, and when."""

    value: Any
    at: float
    clock: Clock

    def result(self) -> Any:
        self.clock.now = max(self.clock.now, self.at)
        return self.value


class Clock:
    """Simulated time, which passes only while a model answers, or somebody sleeps."""

    now = 0.0

    def pass_by(self, seconds: float) -> None:
        self.now += seconds

    def executor(self, workers: int) -> Workers:
        return Workers(self, workers)


class Workers:
    """`ThreadPoolExecutor` in simulated time: a task begins when it is submitted and a worker is free."""

    def __init__(self, clock: Clock, workers: int) -> None:
        self._clock = clock
        self._free = [0.0] * workers

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self._clock.now = max(self._clock.now, *self._free)

    def submit(self, task: Callable[..., Any], *arguments: Any) -> Given:
        clock, submitted = self._clock, self._clock.now
        worker = self._free.index(min(self._free))
        clock.now = max(submitted, self._free[worker])
        value = task(*arguments)
        self._free[worker], clock.now = clock.now, submitted
        return Given(value, self._free[worker], clock)

    def map(self, task: Callable[..., Any], items: Iterable[Any]) -> Iterator[Any]:
        given = [self.submit(task, item) for item in items]
        return (one.result() for one in given)


class Imported:
    """A model that is asked, or a judge, with the moments of its requests."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.asked: list[float] = []

    def ask(self, _question: HeldOut) -> Answer:
        self.asked.append(self._clock.now)
        self._clock.pass_by(ANSWER_SECONDS)
        return Answer(text="yes")

    def compare(self, question: HeldOut, _base: Answer, _tuned: Answer) -> Judgement:
        self.ask(question)
        self.ask(question)
        return Judgement()

    @property
    def windows(self) -> int:
        """How many are billed."""
        count, until = 0, -math.inf
        for moment in sorted(self.asked):
            if moment >= until:
                count, until = count + 1, moment + WINDOW
        return count


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(asking, "ThreadPoolExecutor", found.executor)
    monkeypatch.setattr(asking, "time", SimpleNamespace(monotonic=lambda: found.now, sleep=found.pass_by))
    return found


def evaluated(clock: Clock, base: Any, tuned: Any, **others: Any) -> list[Prediction]:
    questions = [
        HeldOut(record=number, turn=0, system="", messages=(Message("user", "?"),), reference="yes")
        for number in range(PROMPTS)
    ]
    return list(evaluate(questions, base, tuned, math.inf, **others))


SECONDS = PROMPTS / CONCURRENCY * ANSWER_SECONDS
"""What one model takes that is asked by all workers all the time."""


@pytest.mark.parametrize("others", [(), ("champion",), ("champion", "prompted")])
def test_each_model_is_awake_in_as_few_windows_as_if_it_were_alone(
    clock: Clock, others: tuple[str, ...]
) -> None:
    """Asked one after another, of two models each would be billed for twice the windows; in separate passes,
    the evaluation would take twice the time, and a deadline would leave answers without their counterparts.
    """
    models = {name: Imported(clock) for name in ("base", "tuned", *others)}

    answered = evaluated(clock, **models)

    assert len(answered) == PROMPTS
    assert {name: one.windows for name, one in models.items()} == dict.fromkeys(
        models, math.ceil(SECONDS / WINDOW)
    )
    assert clock.now == SECONDS


def test_a_judge_keeps_the_models_awake_for_as_long_as_the_estimate_says(clock: Clock) -> None:
    base, tuned, judge = Imported(clock), Imported(clock), Imported(clock)
    evaluated(clock, base, tuned, judge=judge)
    settings = EvaluationSettings(
        general_ability=False, judge=JudgeSettings(model="judge"), max_prompts=PROMPTS
    )
    test = builders.dataset().test
    assert test is not None
    dataset = builders.dataset(test=type(test)(uri=test.uri, records=PROMPTS, tokens=1))

    asked = workload(dataset, builders.run(evaluation=settings), has_champion=False)

    assert base.windows == tuned.windows == math.ceil(3 * SECONDS / WINDOW)
    assert imported.windows(asked.in_turn * ANSWER_SECONDS / CONCURRENCY) == base.windows
