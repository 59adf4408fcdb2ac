"""The gate: promote only what is surely better.

A tuned model is promoted when the metric that decides has improved by at least `min_improvement`, the whole
confidence interval of the difference is above zero, and no guarded metric has surely fallen. Where the
interval holds both zero and the wanted improvement, the held-out set is too small to tell. All else is
rejected.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Literal

from tunedrop.contracts import Evaluation, EvaluationSettings, Score
from tunedrop.evaluation import metrics
from tunedrop.evaluation.evaluate import Prediction
from tunedrop.evaluation.intervals import needed_records, paired_interval

Verdict = Literal["promote", "reject", "undecided"]

FEWEST = 10
"""Below so many answered prompts there is no verdict: one odd record would decide."""

MOST_FAILED = 0.1
"""Above this share of failed prompts there is no verdict: what failed may not be like the rest."""

GUARDED = ("rouge_l", "chrf")
GUARD_MARGIN = 0.02


def decide(predictions: Sequence[Prediction], settings: EvaluationSettings) -> Evaluation:
    """The scores with their intervals, and the verdict with its reason."""
    answered = [one for one in predictions if not one.failed]
    metric = metrics.choose([one.reference for one in answered], settings.metric)
    scores = tuple(_scores(answered, metric, settings.confidence))
    differences = _differences(answered, metric)
    verdict, reason = _verdict(scores, metric, settings, len(answered), len(predictions))
    undecided = verdict == "undecided"
    return Evaluation(
        done=True,
        verdict=verdict,
        reason=reason,
        metric=metric,
        scores=scores,
        records=len(answered),
        failed_prompts=len(predictions) - len(answered),
        input_tokens=sum(one.base.input_tokens + one.tuned.input_tokens for one in predictions),
        output_tokens=sum(one.base.output_tokens + one.tuned.output_tokens for one in predictions),
        needed=max(FEWEST, needed_records(differences, settings.min_improvement or 0.01, settings.confidence))
        if undecided
        else 0,
    )


def _verdict(
    scores: Sequence[Score], metric: str, settings: EvaluationSettings, answered: int, asked: int
) -> tuple[Verdict, str]:
    if answered < FEWEST:
        return "undecided", f"only {answered} held-out prompts were answered; that is too few to tell"
    if asked - answered > MOST_FAILED * asked:
        return "undecided", f"{asked - answered} of {asked} prompts failed; that is too many to tell"
    decisive = next(score for score in scores if score.metric == metric)
    title = metrics.TITLES[metric]
    moved = f"{title} went from {decisive.base:.3f} to {decisive.tuned:.3f}"
    sure = f"{settings.confidence:.0%} interval of the difference {decisive.low:+.3f} to {decisive.high:+.3f}"
    fallen = [
        score
        for score in scores
        if score.metric in GUARDED and score.high < 0 and score.difference < -GUARD_MARGIN
    ]
    if fallen:
        names = ", ".join(metrics.TITLES[score.metric] for score in fallen)
        return "reject", f"{moved} ({sure}), but {names} fell"
    if decisive.difference >= settings.min_improvement and decisive.low > 0:
        return "promote", f"{moved} ({sure})"
    if decisive.low <= 0 and decisive.high >= settings.min_improvement and decisive.difference > 0:
        return "undecided", f"{moved}; the {sure} is too wide to tell"
    wanted = f"the run asks for at least {settings.min_improvement:+.3f}"
    return "reject", f"{moved} ({sure}); {wanted}"


def _scores(answered: Sequence[Prediction], metric: str, confidence: float) -> Iterator[Score]:
    names = dict.fromkeys([metric, "token_f1", "rouge_l", "chrf", "normalized_match", "exact_match"])
    for name in names if answered else ():
        score = metrics.METRICS[name]
        base = [score(one.reference, one.base.text) for one in answered]
        tuned = [score(one.reference, one.tuned.text) for one in answered]
        differences = [after - before for before, after in zip(base, tuned, strict=True)]
        low, high = paired_interval(differences, confidence)
        yield Score(
            metric=name,
            base=fmean(base),
            tuned=fmean(tuned),
            difference=fmean(differences),
            low=low,
            high=high,
        )


def _differences(answered: Sequence[Prediction], metric: str) -> list[float]:
    score = metrics.METRICS[metric]
    return [score(one.reference, one.tuned.text) - score(one.reference, one.base.text) for one in answered]
