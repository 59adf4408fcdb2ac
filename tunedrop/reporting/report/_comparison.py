"""All answers together: wins and losses, parts of the test set, and each answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec
from markupsafe import Markup

from tunedrop.contracts import Evaluation
from tunedrop.evaluation import general_ability
from tunedrop.evaluation.decision.complete import incomplete
from tunedrop.evaluation.inference.evaluate import Neighbour, Prediction
from tunedrop.evaluation.reinforcement.reward_scale import Scale, scale_of
from tunedrop.evaluation.scoring import metrics
from tunedrop.evaluation.scoring.labels import label_set
from tunedrop.formatting.texts import shorten
from tunedrop.reporting.report import _histogram
from tunedrop.reporting.report._slices import Scored, Slice, slices

LONGEST = 700
"""Maximum number of characters of each text in the list of all answers."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One prompt of the list; `kind` is win, tie or loss, `fault` a defect of the tuned answer."""

    place: str
    kind: str
    fault: str
    prompt: str
    reference: str
    base: str
    tuned: str
    champion: str | None
    base_score: float
    tuned_score: float
    distance: float
    nearest: Neighbour | None


class Lost(msgspec.Struct, frozen=True):
    """A general-ability prompt that the base model answers correctly and the tuned model does not."""

    prompt: str
    wanted: str
    said: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What a section of the report shows; counts are prompts, `low` those with a tuned score below 0.5."""

    title: str
    meaning: str
    wins: int
    ties: int
    losses: int
    much_worse: int
    low: int
    bar: Markup
    histogram: Markup
    slices: tuple[Slice, ...]
    entries: tuple[Entry, ...]


def of(evaluation: Evaluation | None, predictions: Sequence[Prediction]) -> Comparison | None:
    """The comparison by the deciding metric, or one that fits the references; None without answers."""
    answered = [one for one in predictions if not one.failed]
    graded = [one for one in answered if {"base", "tuned"} <= set(one.rewards)]
    if evaluation is not None and evaluation.metric == metrics.REWARD and graded:
        scale = scale_of(answered)
        base, tuned = ([scale.of(one.rewards[model]) for one in graded] for model in ("base", "tuned"))
        found = _compared(metrics.REWARD, Scored(graded, base, tuned, None))
        return found if scale == (0, 1) else msgspec.structs.replace(found, meaning=_meaning(scale))
    if evaluation is None or not answered:
        return None
    references = [one.reference for one in answered]
    named = evaluation.metric in metrics.METRICS
    metric = evaluation.metric if named else metrics.choose(references)
    return _compared(metric, _scored(metric, answered))


def _meaning(scale: Scale) -> str:
    ends = f"{scale.least:.4g} counts as 0 and {scale.most:.4g} as 1, with values beyond clipped"
    return f"{metrics.MEANINGS[metrics.REWARD]} Of its rewards {ends}."


def _compared(metric: str, scored: Scored) -> Comparison:
    gains = [after - before for before, after in zip(scored.base, scored.tuned, strict=True)]
    counts = Counter(map(_kind, gains))
    return Comparison(
        title=metrics.TITLES[metric],
        meaning=metrics.MEANINGS[metric],
        wins=counts["win"],
        ties=counts["tie"],
        losses=counts["loss"],
        much_worse=sum(gain <= -metrics.MUCH for gain in gains),
        low=sum(score < metrics.MUCH for score in scored.tuned),
        bar=_histogram.bar(counts),
        histogram=_histogram.of(gains),
        slices=tuple(slices(scored)),
        entries=tuple(_entries(scored)),
    )


def _scored(metric: str, answered: Sequence[Prediction]) -> Scored:
    references = [one.reference for one in answered]
    labels = label_set(references) if metrics.task_of(references) == "labels" else None

    def score(reference: str, answer: str) -> float:
        if metric == "accuracy" and labels is not None:
            return float(labels.of(reference) == labels.of(answer))
        return metrics.METRICS[metric](reference, answer)

    base = [score(one.reference, one.base.text) for one in answered]
    return Scored(answered, base, [score(one.reference, one.tuned.text) for one in answered], labels)


def lost(probes: Sequence[Prediction]) -> list[Lost]:
    """The general-ability prompts that the tuned model lost."""
    return [
        Lost(shorten(one.prompt, LONGEST), one.reference, shorten(one.tuned.text, LONGEST))
        for one in probes
        if not one.failed and _is_right(one, one.base.text) and not _is_right(one, one.tuned.text)
    ]


def _is_right(one: Prediction, answer: str) -> bool:
    return one.probe in general_ability.probes() and general_ability.is_right(one.probe, one.prompt, answer)


def _kind(gain: float) -> str:
    return "tie" if abs(gain) < _histogram.TIE else "win" if gain > 0 else "loss"


def _entries(scored: Scored) -> Iterator[Entry]:
    has_turns = any(one.turn for one in scored.answered)
    for one, before, after in zip(scored.answered, scored.base, scored.tuned, strict=True):
        fault = incomplete("tuned", [(one.prompt, one.reference, one.tuned)])
        yield Entry(
            place=f"record {one.record}" + (f", turn {one.turn + 1}" if has_turns else ""),
            kind=_kind(after - before),
            fault="cut" if fault.truncated else "filtered" if fault.filtered else "empty" * fault.empty,
            prompt=shorten(one.prompt, LONGEST),
            reference=shorten(one.reference, LONGEST),
            base=shorten(one.base.text, LONGEST),
            tuned=shorten(one.tuned.text, LONGEST),
            champion=shorten(one.champion.text, LONGEST) if one.champion is not None else None,
            base_score=before,
            tuned_score=after,
            distance=one.distance or 0.0,
            nearest=one.nearest,
        )
