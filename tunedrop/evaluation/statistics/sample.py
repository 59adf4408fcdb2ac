"""The answers to one test set with what is known of them together: task, labels, independent units."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import compress
from statistics import fmean
from typing import Literal

import msgspec
import numpy as np

from tunedrop.contracts import Score
from tunedrop.evaluation.answers.content import Content
from tunedrop.evaluation.inference.evaluate import Prediction
from tunedrop.evaluation.scoring import metrics
from tunedrop.evaluation.scoring.labels import LabelSet, label_set
from tunedrop.evaluation.scoring.metrics import Task
from tunedrop.evaluation.scoring.ngrams import chrf_of_all
from tunedrop.evaluation.scoring.words import in_common
from tunedrop.evaluation.statistics._units import units_of
from tunedrop.evaluation.statistics.intervals import Vector, interval

Model = Literal["base", "tuned", "champion", "prompted"]


class Levels(msgspec.Struct, frozen=True):
    """How often the lower and the upper bound of a difference may miss it."""

    low: float
    high: float


class Paired(msgspec.Struct, frozen=True, dict=True):
    """One metric of the answers of two models to the same prompts; `units` says which belong together.

    `widest`: whether a unit could have lost 1, as by a judge; else no more than the other model's score. What
    could have been gained is always 1: prompts that the base fails on may not have been drawn.
    """

    metric: str
    base: Sequence[float]
    tuned: Sequence[float]
    units: Sequence[int]
    widest: bool = False

    @cached_property
    def differences(self) -> Vector:
        """Tuned minus base, the mean of each unit: a long conversation counts no more than a short one."""
        return self._by_unit(self.tuned) - self._by_unit(self.base)

    def where(self, keep: Sequence[bool]) -> Paired:
        """The same of some of the answers."""
        base, tuned = (list(compress(one, keep)) for one in (self.base, self.tuned))
        return Paired(self.metric, base, tuned, list(compress(self.units, keep)), self.widest)

    def score(self, levels: Levels) -> Score:
        """Both means over units, and their difference with its interval."""
        before, after = self._by_unit(self.base), self._by_unit(self.tuned)
        low, high = -1.0, 1.0
        if len(before) > 3:
            losses = np.ones(len(before)) if self.widest else before
            low, high = interval(after - before, losses, np.ones(len(before)), levels.low, levels.high)
        one, other = fmean(before), fmean(after)
        return Score(metric=self.metric, base=one, tuned=other, difference=other - one, low=low, high=high)

    def _by_unit(self, values: Sequence[float]) -> Vector:
        place = np.asarray(self.units)
        counts = np.bincount(place)
        means: Vector = (np.bincount(place, weights=np.asarray(values, dtype=float)) / np.maximum(counts, 1))[
            counts > 0
        ]
        return means


HALF_RIGHT = 0.5
"""Beyond its prompt, an answer must say more than this share of what its reference says there."""

OTHERS = 4
"""With the answers to so many other prompts an answer is compared."""

SEED = 20_261_129


class Sample:
    """Answered prompts of one test set; `learned` are the answers that the tuned model was trained on."""

    def __init__(self, answered: Sequence[Prediction], learned: Sequence[str] = ()) -> None:
        self.answered, self.learned = list(answered), learned
        self.references = [one.reference for one in self.answered]
        self.task: Task = metrics.task_of(self.references)
        self._scored: dict[tuple[str, Model], list[float]] = {}

    @cached_property
    def labels(self) -> LabelSet:
        return label_set(self.references)

    @cached_property
    def asked(self) -> list[str]:
        """Each prompt with what was said before it."""
        return ["\n".join([*(said.text for said in one.before), one.prompt]) for one in self.answered]

    @cached_property
    def units(self) -> list[int]:
        return units_of([one.record for one in self.answered], self.asked, self.references)

    @cached_property
    def content(self) -> Content:
        return Content(self.task, self.references, self.labels, self.learned)

    @cached_property
    def elsewhere(self) -> list[list[int]]:
        """For each prompt the place of another unit's prompt, a few times over."""
        return list(_moved(self.units))

    def part(self, keep: Callable[[Prediction], bool]) -> Sample:
        """Some of the prompts, with the task, the labels and the units of all."""
        places = [index for index, one in enumerate(self.answered) if keep(one)]
        found = Sample([self.answered[index] for index in places])
        found.task = self.task
        found.__dict__ |= {
            "labels": self.labels,
            "units": [self.units[index] for index in places],
            "content": self.content,
        }
        return found

    def texts(self, model: Model) -> list[str]:
        answers = (getattr(one, model) for one in self.answered)
        return [answer.text if answer is not None else "" for answer in answers]

    def paired(self, name: str, models: tuple[Model, Model] = ("base", "tuned")) -> Paired:
        """A metric of `metrics.METRICS`, `content` or `content words`, of the answers of two models."""
        base, tuned = self._of_models(name, models)
        return Paired(name, base, tuned, self.units)

    def against(self, name: str, answers: Sequence[str]) -> Paired:
        """The tuned model against given answers, which stand as `base`."""
        (tuned,), (base,) = self._of_models(name, ("tuned",)), self.scores(name, [answers])
        return Paired(name, base, tuned, self.units)

    def beyond_prompt(self) -> Paired:
        """What the tuned model says that an echo of the prompt does not, where there is something to say.

        `base` is `HALF_RIGHT`: a text that is the prompt but for new mistakes says less.
        """
        rows = zip(self.asked, self.references, self.texts("tuned"), self.units, strict=True)
        beyond = self.content.beyond
        said = ((beyond(asked, wanted), beyond(asked, given), unit) for asked, wanted, given, unit in rows)
        found = [(in_common(wanted, given) / len(wanted), unit) for wanted, given, unit in said if wanted]
        right, units = [one for one, _ in found], [unit for _, unit in found]
        return Paired("content", [HALF_RIGHT] * len(found), right, units)

    def beside(self, name: str, answers: Sequence[str]) -> Paired:
        """Where given answers are wrong: how right the tuned model is; `base`: how much it says the same."""
        scorer = self.scorer(name)
        rows = [
            (scorer(given, tuned), scorer(reference, tuned), unit)
            for reference, given, tuned, unit in zip(
                self.references, answers, self.texts("tuned"), self.units, strict=True
            )
            if scorer(reference, given) < 1
        ]
        same, right, units = zip(*rows, strict=True) if rows else ((), (), ())
        return Paired(name, same, right, units)

    def where_wrong(self, compared: Paired, answers: Sequence[Sequence[str]]) -> Paired:
        """A comparison on those prompts alone of which none of the given answers is right."""
        scorer = self.scorer(compared.metric)
        rows = zip(self.references, answers, strict=True)
        return compared.where([all(scorer(reference, one) < 1 for one in given) for reference, given in rows])

    def wanted_once(self, compared: Paired) -> Paired:
        """A comparison on those prompts alone whose label, or short answer, no other prompt wants."""
        forms = [
            {self.labels.of(one)} if self.task == "labels" else metrics.forms(one) for one in self.references
        ]
        counts = Counter(form for one in forms for form in one)
        return compared.where([all(counts[form] == 1 for form in one) for one in forms])

    def against_own(self, name: str, model: Model = "tuned") -> Paired:
        """A model against its own answers to other prompts: the mean over a few of other units."""
        given = self.texts(model)
        swapped = [[given[place] for place in places] for places in self.elsewhere]
        (own,), others = self._of_models(name, (model,)), self.scores(name, swapped)
        means = [fmean(scores) for scores in zip(*others, strict=True)] if others else [0.0] * len(own)
        return Paired(name, means, own, self.units)

    def _of_models(self, name: str, models: Sequence[Model]) -> list[list[float]]:
        """The scores of some models' answers, each computed once."""
        new = [model for model in models if (name, model) not in self._scored]
        for model, found in zip(new, self.scores(name, [self.texts(model) for model in new]), strict=True):
            self._scored[name, model] = found
        return [self._scored[name, model] for model in models]

    def scores(self, name: str, answers: Sequence[Sequence[str]]) -> list[list[float]]:
        """A list of scores for each list of answers."""
        if name == "chrf":
            return chrf_of_all(self.references, answers)
        scorer = self.scorer(name)
        return [[scorer(*pair) for pair in zip(self.references, one, strict=True)] for one in answers]

    def scorer(self, name: str) -> Callable[[str, str], float]:
        """How (reference, answer) scores; accuracy as the label set compares, macro F1 as accuracy."""
        if name == "content":
            return self.content.score
        if name == "content words":
            return self.content.in_any_order
        if name in ("accuracy", "macro_f1"):
            labels = self.labels
            return lambda reference, answer: float(labels.of(reference) == labels.of(answer))
        return metrics.METRICS[name]


def _moved(units: Sequence[int]) -> Iterator[list[int]]:
    """For each answer the place of one of another unit, a few times over."""
    members: dict[int, list[int]] = defaultdict(list)
    for place, unit in enumerate(units):
        members[unit].append(place)
    order = random.Random(SEED).sample(sorted(members), len(members))  # noqa: S311 - no secret
    rank = {unit: index for index, unit in enumerate(order)}
    nth = {place: index for places in members.values() for index, place in enumerate(places)}
    for shift in range(1, min(OTHERS, len(order) - 1) + 1):
        others = [members[order[(rank[unit] + shift) % len(order)]] for unit in units]
        yield [other[nth[place] % len(other)] for place, other in enumerate(others)]
