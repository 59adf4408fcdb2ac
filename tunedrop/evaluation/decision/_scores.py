"""Scores of judges, and of general ability, as pairs of values of two models."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tunedrop.contracts import Judged, JudgedVia, JudgeSettings
from tunedrop.evaluation import general_ability
from tunedrop.evaluation.inference.evaluate import Judgement, Prediction
from tunedrop.evaluation.judging.length_control import AtEqualLength, win_rate
from tunedrop.evaluation.reinforcement.reward_scale import scale_of
from tunedrop.evaluation.scoring import metrics
from tunedrop.evaluation.statistics.sample import Model, Paired, Sample


def judged_values(sample: Sample, via: JudgedVia = "converse") -> Paired:
    """Win rates, ties counted half each, of the pairs that a judge has compared; or its ratings of both."""
    if via == "evaluation-job":
        return rated_values(sample)
    return compared_values(sample, lambda one: one.judgement)


def against_champion_values(sample: Sample, metric: str) -> Paired:
    """The same for the model in production, as `base`; `metric` is one of `metrics.JUDGED`."""
    if metric == metrics.JUDGED["evaluation-job"]:
        return rated_values(sample, ("champion", "tuned"))
    return compared_values(sample, lambda one: one.against_champion)


def compared_values(sample: Sample, judgement_of: Callable[[Prediction], Judgement | None]) -> Paired:
    """Win rates of the pairs on which a judge has said something."""
    found = [(judgement_of(one), unit) for one, unit in zip(sample.answered, sample.units, strict=True)]
    said = [(POINTS[one.better], unit) for one, unit in found if one is not None and not one.error]
    tuned = [point for point, _ in said]
    base = [1 - one for one in tuned]
    return Paired(metrics.JUDGED["converse"], base, tuned, [unit for _, unit in said], widest=True)


def rated_values(sample: Sample, models: tuple[Model, Model] = ("base", "tuned")) -> Paired:
    """A judge's ratings of the answers of two models, where it has rated both."""
    both = [
        (one.judgement.ratings, unit)
        for one, unit in zip(sample.answered, sample.units, strict=True)
        if one.judgement is not None and set(models) <= set(one.judgement.ratings)
    ]
    before, after = ([ratings[model] for ratings, _ in both] for model in models)
    return Paired(metrics.JUDGED["evaluation-job"], before, after, [unit for _, unit in both])


def rewards(sample: Sample, models: tuple[Model, Model] = ("base", "tuned")) -> Paired:
    """A grader's rewards of the answers of two models, where it has graded both, on one scale."""
    both = [
        (one.rewards, unit)
        for one, unit in zip(sample.answered, sample.units, strict=True)
        if set(models) <= set(one.rewards)
    ]
    scale = scale_of(sample.answered)
    before, after = ([scale.of(one[model]) for one, _ in both] for model in models)
    return Paired(metrics.REWARD, before, after, [unit for _, unit in both])


POINTS = {"tuned": 1.0, "base": 0.0, "tie": 0.5}


def at_equal_length(predictions: Sequence[Prediction]) -> AtEqualLength | None:
    """The tuned model's win rate without the judge's liking for long answers."""
    said = [one for one in predictions if one.judgement is not None and not one.judgement.error]
    points = [POINTS[one.judgement.better] for one in said if one.judgement is not None]
    return win_rate(points, [len(one.tuned.text) for one in said], [len(one.base.text) for one in said])


def judged(predictions: Sequence[Prediction], settings: JudgeSettings) -> Judged:
    """How the judge found, pair by pair."""
    found = [one.judgement for one in predictions if one.judgement is not None]
    equal = at_equal_length(predictions)
    read = [said for one in predictions for said in one.judgements]
    said = [one.better for one in found if not one.error]
    return Judged(
        model=settings.model,
        wins=said.count("tuned"),
        losses=said.count("base"),
        ties=said.count("tie"),
        failed=len(found) - len(said),
        at_equal_length=None if equal is None else equal.rate,
        via=settings.via,
        reason=next((one.error for one in found if one.error), ""),
        input_tokens=sum(one.input_tokens for one in read),
        output_tokens=sum(one.output_tokens for one in read),
    )


def general_values(probes: Sequence[Prediction]) -> Paired:
    """Right answers to the general-ability prompts, 1 or 0 each; every prompt stands for itself."""
    base, tuned = (
        [float(general_ability.is_right(one.probe, one.prompt, _text(one, model))) for one in probes]
        for model in ("base", "tuned")
    )
    return Paired("general_ability", base, tuned, range(len(probes)))


def _text(prediction: Prediction, model: str) -> str:
    answer = getattr(prediction, model)
    return str(answer.text) if answer is not None else ""
