"""The gate: promote only what is surely better.

A tuned model is promoted when the whole confidence interval of the deciding metric's difference lies at or
above `min_improvement` and above zero: it has improved by at least that much, with the stage's confidence.
It is rejected when the whole interval lies below; and when a guarded metric or its general ability has surely
fallen, or when it is better than its base but worse than the model in production. Where the interval holds
the wanted improvement, the held-out set is too small to tell, and the evaluation says how many records would.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from tunedrop.contracts import Evaluation, EvaluationSettings, Reason, Score
from tunedrop.evaluation import metrics, scores
from tunedrop.evaluation.evaluate import Prediction
from tunedrop.evaluation.intervals import needed_records
from tunedrop.evaluation.scores import Values
from tunedrop.evaluation.speed import speed

Verdict = Literal["promote", "reject", "undecided"]


class Finding(NamedTuple):
    """A verdict and its reason; whether more held-out records would probably change it."""

    verdict: Verdict
    reason: str
    rejected_for: Reason = ""
    more_would_tell: bool = False


FEWEST = 10
"""Below so many answered prompts there is no verdict: one odd record would decide."""

MOST_FAILED = 0.1
"""Above this share of failed prompts there is no verdict: what failed may not be like the rest."""

LONGEST_ERROR = 200
"""So many characters of an error are told in a reason."""

GUARDED = ("rouge_l", "chrf", "json_valid", "macro_f1")
GUARD_MARGIN = 0.02
"""A guarded metric has fallen when its interval lies below zero and its difference below minus this."""

GENERAL_MARGIN = 0.02
"""The same for general ability: of 405 prompts, eight net are lost; fewer may be an accident of wording."""


def decide(predictions: Sequence[Prediction], settings: EvaluationSettings) -> Evaluation:
    """The scores with their intervals, and the verdict with its reason."""
    held_out = [one for one in predictions if not one.probe]
    answered = [one for one in held_out if not one.failed]
    metric = _deciding([one.reference for one in answered], settings)
    measured = _measured(answered, metric, settings)
    found = tuple(_scores(measured, answered, metric, settings.confidence))
    probes = [one for one in predictions if one.probe]
    general = _general(probes, settings.confidence)
    champion = _against_champion(answered, metric, settings.confidence)
    finding = next(
        one
        for one in (
            _too_little(held_out, answered, probes, metric),
            _by_score(found, metric, settings),
            Finding("undecided", "nothing was measured"),
        )
        if one is not None
    )
    if finding.verdict == "promote":
        finding = _guarded(finding.reason, found, metric, general, champion)
    return Evaluation(
        done=True,
        verdict=finding.verdict,
        rejected_for=finding.rejected_for,
        reason=finding.reason,
        metric=metric,
        scores=found,
        records=len(answered),
        failed_prompts=len(held_out) - len(answered),
        base_speed=speed([one.base for one in answered]),
        tuned_speed=speed([one.tuned for one in answered]),
        champion=champion,
        general=general,
        judged=scores.judged(held_out, settings.judge) if settings.judge is not None else None,
        input_tokens=sum(answer.input_tokens for one in predictions for answer in one.answers),
        output_tokens=sum(answer.output_tokens for one in predictions for answer in one.answers),
        needed=_needed(measured, metric, settings) if finding.more_would_tell else 0,
    )


def _deciding(references: Sequence[str], settings: EvaluationSettings) -> str:
    if settings.metric == "judge" and settings.judge is not None:
        return metrics.JUDGED[settings.judge.via]
    return metrics.choose(references, settings.metric)


# --- the verdict -------------------------------------------------------------------------------------------


def _too_little(
    held_out: Sequence[Prediction],
    answered: Sequence[Prediction],
    probes: Sequence[Prediction],
    metric: str,
) -> Finding | None:
    """No verdict where too little was asked, or answered, or judged, or too much has failed."""
    if len(held_out) < FEWEST:
        return _too_few(f"only {len(held_out)} held-out prompts were asked")
    pairs = [one.judgement for one in answered if metric in metrics.JUDGED.values()]
    judged = sum(one is not None and not one.error for one in pairs)
    for what, everything, errors in (
        ("prompts", len(held_out), [one.error for one in held_out if one.failed]),
        ("general-ability prompts", len(probes), [one.error for one in probes if one.failed]),
        ("judgements", len(pairs), [one.error if one else "" for one in pairs if not one or one.error]),
    ):
        if len(errors) > MOST_FAILED * everything:
            return Finding("undecided", _too_many_failed(what, everything, errors))
    if len(answered) < FEWEST:
        return _too_few(f"only {len(answered)} held-out prompts were answered")
    if pairs and judged < FEWEST:
        return _too_few(f"only {judged} pairs of answers were judged")
    return None


def _too_few(what: str) -> Finding:
    return Finding("undecided", f"{what}; that is too few to tell", more_would_tell=True)


def _too_many_failed(what: str, everything: int, errors: Sequence[str]) -> str:
    """How many, and what most of them say."""
    (common, _), *_ = Counter(errors).most_common(1)
    said = common if len(common) <= LONGEST_ERROR else f"{common[:LONGEST_ERROR]}…"
    why = f". Most often: {said}" if said else ""
    return f"{len(errors)} of {everything} {what} failed; that is too many to tell{why}"


def _by_score(found: Sequence[Score], metric: str, settings: EvaluationSettings) -> Finding | None:
    """What the deciding metric's interval says."""
    decisive = next((score for score in found if score.metric == metric), None)
    if decisive is None:
        return None
    moved, sure = _moved(decisive), _sure(decisive, settings.confidence)
    wanted = settings.min_improvement
    if decisive.low >= wanted and decisive.low > 0:
        return Finding("promote", f"{moved} ({sure})")
    if decisive.high < wanted or decisive.high <= 0:
        reason = f"{moved} ({sure}); the run asks for at least {wanted:+.3f}"
        return Finding("reject", reason, "difference")
    return Finding(
        "undecided",
        f"{moved}; the {sure} is too wide to tell whether that is the {wanted:+.3f} that the run asks for",
        more_would_tell=True,
    )


def _guarded(
    reason: str, found: Sequence[Score], metric: str, general: Score | None, champion: Score | None
) -> Finding:
    """A promotion, unless something else has fallen."""
    fallen = [
        metrics.TITLES[one.metric]
        for one in found
        if one.metric in GUARDED and one.metric != metric and _has_fallen(one, GUARD_MARGIN)
    ]
    if fallen:
        return Finding("reject", f"{reason}, but {', '.join(fallen)} fell", "guarded metric")
    if general is not None and _has_fallen(general, GENERAL_MARGIN):
        return Finding(
            "reject",
            f"{reason}, but it has forgotten what its base could do: {_moved(general)} "
            f"(difference {general.low:+.3f} to {general.high:+.3f})",
            "general ability",
        )
    if champion is not None and champion.difference < 0:
        return Finding(
            "reject",
            f"{reason}; but the model in production stands at {champion.base:.3f} "
            f"(difference to it {champion.low:+.3f} to {champion.high:+.3f})",
            "model in production",
        )
    return Finding("promote", reason)


def _has_fallen(score: Score, margin: float) -> bool:
    return score.high < 0 and score.difference < -margin


def _moved(score: Score) -> str:
    return f"{metrics.TITLES[score.metric]} went from {score.base:.3f} to {score.tuned:.3f}"


def _sure(score: Score, confidence: float) -> str:
    return f"{confidence:.0%} interval of the difference {score.low:+.3f} to {score.high:+.3f}"


# --- what it is reached from -------------------------------------------------------------------------------


def _measured(answered: Sequence[Prediction], metric: str, settings: EvaluationSettings) -> list[Values]:
    """The metrics that fit the task and the one that decides, answer by answer; the deciding one first."""
    if not answered:
        return []
    task = metrics.task_of([one.reference for one in answered])
    found = scores.measure(answered, dict.fromkeys([metric, *metrics.SHOWN[task]]))
    if settings.judge is not None:
        judged = scores.judged_values(answered, settings.judge.via)
        found += [judged] if judged.tuned else []
    return sorted(found, key=lambda values: values.metric != metric)


def _scores(
    measured: Sequence[Values], answered: Sequence[Prediction], metric: str, confidence: float
) -> Iterator[Score]:
    yield from (values.score(confidence) for values in measured)
    is_labels = metrics.task_of([one.reference for one in answered]) == "labels"
    if answered and (is_labels or metric == "macro_f1"):
        yield scores.macro_f1_score(answered, confidence)


def _general(probes: Sequence[Prediction], confidence: float) -> Score | None:
    """Base against tuned on the general-ability prompts that both have answered."""
    answered = [one for one in probes if not one.failed]
    return scores.general_values(answered).score(confidence) if answered else None


def _against_champion(answered: Sequence[Prediction], metric: str, confidence: float) -> Score | None:
    """The tuned model against the one in production, where that one has answered.

    Where a judge decides and has judged too few of the two, the first metric that fits the task does.
    """
    both = [one for one in answered if one.champion is not None and not one.champion.error]
    if len(both) < FEWEST:
        return None
    if metric in metrics.JUDGED.values():
        judged = scores.against_champion_values(both, metric)
        if len(judged.tuned) >= FEWEST:
            return judged.score(confidence)
    name = metric if metric in metrics.METRICS else metrics.choose([one.reference for one in both])
    (values,) = scores.measure(both, [name], ("champion", "tuned"))
    return values.score(confidence)


def _needed(measured: Sequence[Values], metric: str, settings: EvaluationSettings) -> int:
    """Held-out records that would probably tell; macro F1 is taken to spread as accuracy does."""
    values = next((one for one in measured if one.metric == metric), measured[0] if measured else None)
    if values is None:
        return FEWEST
    wanted = settings.min_improvement
    found = needed_records(values.differences, wanted, settings.confidence, values.records)
    return max(FEWEST, len(set(values.records)) + 1, found)
