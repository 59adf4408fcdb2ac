"""The gate: promote only what is surely better.

A tuned model is promoted when the metric that decides has improved by at least `min_improvement`, the whole
confidence interval of the difference is above zero, and no guarded metric has surely fallen. Where the
interval holds both zero and the wanted improvement, the held-out set is too small to tell. All else is
rejected; and so is what is better than its base but worse than the model in production.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Literal

from tunedrop.contracts import Evaluation, EvaluationSettings, Score
from tunedrop.evaluation import metrics
from tunedrop.evaluation.evaluate import Prediction
from tunedrop.evaluation.intervals import corpus_interval, needed_records, paired_interval
from tunedrop.evaluation.labels import label_of, macro_f1
from tunedrop.evaluation.speed import speed

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
    champion = _against_champion(answered, metric, settings.confidence)
    if verdict == "promote" and champion is not None and champion.difference < 0:
        verdict = "reject"
        reason += (
            f"; but the model in production stands at {champion.base:.3f} "
            f"(difference to it {champion.low:+.3f} to {champion.high:+.3f})"
        )
    undecided = verdict == "undecided"
    return Evaluation(
        done=True,
        verdict=verdict,
        reason=reason,
        metric=metric,
        scores=scores,
        records=len(answered),
        failed_prompts=len(predictions) - len(answered),
        base_speed=speed([one.base for one in answered]),
        tuned_speed=speed([one.tuned for one in answered]),
        champion=champion,
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
    if not answered:
        return
    task = metrics.task_of([one.reference for one in answered])
    for name in dict.fromkeys([metric, *metrics.SHOWN[task]]):
        base, tuned = (_each(answered, name, model) for model in ("base", "tuned"))
        yield _score(name, base, tuned, confidence)
    if task == "labels":
        yield _macro_f1(answered, confidence)


def _score(name: str, base: Sequence[float], tuned: Sequence[float], confidence: float) -> Score:
    differences = [after - before for before, after in zip(base, tuned, strict=True)]
    low, high = paired_interval(differences, confidence)
    return Score(
        metric=name,
        base=fmean(base),
        tuned=fmean(tuned),
        difference=fmean(differences),
        low=low,
        high=high,
    )


def _macro_f1(answered: Sequence[Prediction], confidence: float) -> Score:
    base, tuned = (
        [(label_of(one.reference), label_of(getattr(one, model).text)) for one in answered]
        for model in ("base", "tuned")
    )

    def difference(indices: Sequence[int]) -> float:
        return macro_f1([tuned[index] for index in indices]) - macro_f1([base[index] for index in indices])

    low, high = corpus_interval(difference, len(answered), confidence)
    before, after = macro_f1(base), macro_f1(tuned)
    return Score(metric="macro_f1", base=before, tuned=after, difference=after - before, low=low, high=high)


def _against_champion(answered: Sequence[Prediction], metric: str, confidence: float) -> Score | None:
    """The tuned model against the one in production, where that one has answered."""
    both = [one for one in answered if one.champion is not None and not one.champion.error]
    if len(both) < FEWEST:
        return None
    return _score(metric, _each(both, metric, "champion"), _each(both, metric, "tuned"), confidence)


def _each(answered: Sequence[Prediction], metric: str, model: str) -> list[float]:
    score = metrics.METRICS[metric]
    return [score(one.reference, getattr(one, model).text) for one in answered]


def _differences(answered: Sequence[Prediction], metric: str) -> list[float]:
    base, tuned = (_each(answered, metric, model) for model in ("base", "tuned"))
    return [after - before for before, after in zip(base, tuned, strict=True)]
