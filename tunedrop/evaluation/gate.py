"""The gate: promote what is surely better, reject what surely is not, and say so where it cannot be told.

A tuned model is promoted when all of this holds, each at the attempt's level (`power.alpha_of`):
- the deciding metric has risen by at least `min_improvement` and above zero; on open text every overlap score
  has risen, since none of them knows what a text means;
- it beats the answers that cost nothing (`free`) and its own answers to other prompts, its gain is not one
  of form alone (`content`), and it does not always say one word for another (`substitution`);
- nothing else has fallen, and it is no worse than the model in production, whose place it takes only where
  it scores higher.

It is rejected on evidence alone: that the improvement is smaller than wanted, or that something has fallen.
Everything else is inconclusive. Because a promotion has to pass every test, only attempts multiply its error;
a rejection may come from any test, so those share the level.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from tunedrop.contracts import Contender, Evaluation, EvaluationSettings, Reason, Score
from tunedrop.evaluation import metrics, power, reasons, scores
from tunedrop.evaluation.evaluate import Prediction
from tunedrop.evaluation.examples import Example
from tunedrop.evaluation.measured import MOST_FAILED, OWN_ANSWERS, Measured
from tunedrop.evaluation.power import FEWEST_UNITS, MOST_UNITS
from tunedrop.evaluation.sample import Paired
from tunedrop.evaluation.speed import speed
from tunedrop.evaluation.substitution import systematic

Verdict = Literal["promote", "reject", "inconclusive"]


class Finding(NamedTuple):
    """A verdict and its reason; by which comparison more held-out records would tell, and what it wants."""

    verdict: Verdict
    reason: str
    rejected_for: Reason = ""
    open_in: Paired | None = None
    wanted: float = 0.0


GUARDED = ("rouge_l", "chrf", "json_valid", "macro_f1")
GUARD_MARGIN = 0.02
"""A guarded metric has fallen when its interval lies below zero and its difference below minus this."""

GENERAL_MARGIN = 0.02
"""The same for general ability: of 405 prompts, eight net are lost; fewer may be an accident of wording."""

CONTENT_MARGIN, CONTENT_MARGIN_UNSEEN = 0.05, 0.1
"""A gain in form must leave no doubt that the content fell by less than this; less is asked where it did not
fall at all."""

CONTENT_SHARE = 0.2
"""The least part of what open text gained that must be a gain in content."""

PRODUCTION_MARGIN = 0.02
"""A model that takes the place of one in production must be no worse than it by more than this."""


class Gate:
    """The tests of one decision, on what was measured."""

    def __init__(self, found: Measured) -> None:
        self.found, self.settings, self.sample = found, found.settings, found.sample

    def too_little(self) -> Finding | None:
        """No verdict where too little was asked, or answered, or judged, or too much has failed."""
        held_out, probes = self.found.held_out, self.found.probes
        judged = [one.judgement for one in self.sample.answered if self.found.is_judged]
        for what, everything, errors in (
            ("prompts", len(held_out), [one.error for one in held_out if one.failed]),
            ("general-ability prompts", len(probes), [one.error for one in probes if one.failed]),
            ("judgements", len(judged), [one.error if one else "" for one in judged if not one or one.error]),
        ):
            if len(errors) > MOST_FAILED * everything:
                return Finding("inconclusive", reasons.too_many_failed(what, everything, errors))
        for model in self.found.incomplete:
            if model.total > MOST_FAILED * len(self.sample.answered):
                return Finding("inconclusive", reasons.too_many_incomplete(model, len(self.sample.answered)))
        units = len(set(self.sample.units)) if self.sample.answered else 0
        if units < FEWEST_UNITS:
            return Finding(
                "inconclusive",
                f"{units} of {len(held_out)} held-out prompts were answered and are independent (turns "
                "of one conversation, and prompts that say the same, count once): that is too few to tell, "
                f"{FEWEST_UNITS} are the fewest",
                open_in=self.found.compared,
                wanted=self.settings.min_improvement,
            )
        return None

    def by_score(self) -> Finding:
        """What the deciding metric's interval says; of open text, what all that have to agree say."""
        score, wanted = self.found.decisive, self.settings.min_improvement
        if score is None:
            return Finding("inconclusive", "nothing was measured")
        others = [one for one in self.found.scores if one.metric in self.found.agreeing]
        moved, sure = reasons.moved(score), self._sure(score)
        if score.low >= wanted and score.low > 0:
            behind = [metrics.TITLES[one.metric] for one in others if one.low <= 0]
            if not behind:
                return Finding("promote", f"{moved} ({sure})")
            doubt = f"{' and '.join(behind)} may not have risen, and no overlap score decides alone"
            slowest = min((one for one in others if one.low <= 0), key=lambda one: one.low)
            return Finding(
                "inconclusive", f"{moved} ({sure}), but {doubt}", open_in=self.found.measured[slowest.metric]
            )
        below = [one for one in self.found.scores if one.metric in self.found.rejecting]
        if all(one.high < wanted or one.high <= 0 for one in (score, *below)):
            reason = f"{moved} ({sure}); the run asks for at least {wanted:+.3f}"
            return Finding("reject", reason, "difference")
        return Finding(
            "inconclusive",
            f"{moved}; the {sure} is too wide to tell whether that is the wanted {wanted:+.3f}",
            open_in=self.found.compared,
            wanted=wanted,
        )

    def guarded(self, reason: str) -> Finding:
        """A promotion, unless something else speaks against it."""
        tests = (
            self._fallen(reason),
            *(self._beats(reason, one) for one in self.found.contenders if not self.found.is_judged),
            self._says_more(reason),
            self._substitutes(reason),
            self._in_production(reason),
        )
        found = [one for one in tests if one is not None]
        rejected = [one for one in found if one.verdict == "reject"]
        return next(iter([*rejected, *found]), Finding("promote", reason + self._of_form()))

    def _of_form(self) -> str:
        """What the reason says of a gain that is one of form."""
        content = self.found.content
        if content is None or content.low > 0 or self.found.is_judged:
            return ""
        said = f"{reasons.moved(content)} {reasons.between(content)}"
        return f"; the gain may be one of form: of what the answers say, {said}"

    def _substitutes(self, reason: str) -> Finding | None:
        if self.sample.task != "text" or self.found.is_judged:
            return None
        found = systematic(self.sample.references, self.sample.texts("tuned"), self.sample.units)
        if found is None:
            return None
        return Finding(
            "inconclusive",
            f"{reason}; but {found.units} answers of the tuned model say {found.said!r} where the references "
            f"say {found.wanted!r}: no overlap score knows whether that means the same; a judge does",
        )

    def _fallen(self, reason: str) -> Finding | None:
        general = self.found.general
        fallen = [
            metrics.TITLES[one.metric]
            for one in self.found.scores
            if one.metric in GUARDED and one.metric != self.found.metric and _has_fallen(one, GUARD_MARGIN)
        ]
        if fallen:
            return Finding("reject", f"{reason}, but {', '.join(fallen)} fell", "guarded metric")
        if general is not None and _has_fallen(general, GENERAL_MARGIN):
            forgotten = f"{reasons.moved(general)} (difference {general.low:+.3f} to {general.high:+.3f})"
            return Finding(
                "reject",
                f"{reason}, but it has forgotten what its base could do: {forgotten}",
                "general ability",
            )
        return None

    def _beats(self, reason: str, contender: Contender) -> Finding | None:
        score, wanted = contender.score, self.settings.min_improvement
        if score.low > 0 or self.found.is_no_copy(contender):
            return None
        own = contender.name == OWN_ANSWERS
        free = contender.name if own else f"the {contender.name}, which costs nothing,"
        said = (
            f"{reason}; but {free} {'score' if own else 'scores'} {score.base:.3f} {reasons.between(score)}"
        )
        room = 1 - score.base > wanted
        if room and score.high < wanted:
            return Finding("reject", said, "free answers")
        return Finding("inconclusive", said, open_in=self.found.opposed[contender.name])

    def _says_more(self, reason: str) -> Finding | None:
        content = self.found.content
        if content is None or self.found.is_judged:
            return None
        margin = CONTENT_MARGIN if content.difference < 0 else CONTENT_MARGIN_UNSEEN
        wanted = 0.0 if self.sample.task == "text" else -margin
        if content.low > wanted and not self._mostly_form(content):
            return None
        said = f"{reason}; but that may be its form alone: of what the answers say, {reasons.moved(content)}"
        if _has_fallen(content, GUARD_MARGIN):
            return Finding("reject", f"{said} {reasons.between(content)}", "content")
        return Finding(
            "inconclusive",
            f"{said} {reasons.between(content)}",
            open_in=self.found.opposed["content"],
            wanted=wanted,
        )

    def _mostly_form(self, content: Score) -> bool:
        """Whether what the answers have in common with the references says little of this prompt."""
        score = self.found.decisive
        if score is None or self.found.metric not in metrics.METRICS:
            return False
        if self.sample.task == "text":
            return content.difference < CONTENT_SHARE * score.difference
        return content.tuned < CONTENT_SHARE * score.tuned

    def _in_production(self, reason: str) -> Finding | None:
        score = self.found.champion
        asked = [one.champion for one in self.sample.answered]
        if all(one is None for one in asked):
            return None
        missing = [one.error if one is not None else "no answer" for one in asked if one is None or one.error]
        if len(missing) > MOST_FAILED * len(asked):
            failed = reasons.too_many_failed("answers of the model in production", len(asked), missing)
            return Finding("inconclusive", f"{reason}; but {failed}", "model in production")
        if score is None:
            few = f"fewer than {FEWEST_UNITS} independent prompts were answered by the model in production"
            return Finding("inconclusive", f"{reason}; but {few}", open_in=self.found.compared)
        said = f"{reason}; but the model in production scores {score.base:.3f} {reasons.between(score)}"
        if score.high < 0:
            return Finding("reject", said, "model in production")
        if score.difference <= 0:
            return Finding("inconclusive", f"{said}, and keeps its place where it is as good")
        if score.low <= -PRODUCTION_MARGIN:
            open_in = self.found.opposed["production"]
            return Finding("inconclusive", said, open_in=open_in, wanted=-PRODUCTION_MARGIN)
        return None

    def _sure(self, score: Score) -> str:
        return (
            f"{self.settings.confidence:.0%} interval of the difference {score.low:+.3f} to {score.high:+.3f}"
        )

    def needed(self, finding: Finding) -> int:
        """Held-out units that would probably tell; 0 where it is no question of how many."""
        if finding.verdict != "inconclusive" or finding.open_in is None:
            return FEWEST_UNITS if not self.sample.answered else 0
        confidence = self.settings.confidence
        return power.needed_units(finding.open_in.differences, finding.wanted, confidence, self.found.attempt)


def decide(
    predictions: Sequence[Prediction],
    settings: EvaluationSettings,
    *,
    attempt: int = 1,
    known: Sequence[Example] = (),
) -> Evaluation:
    """The scores with their intervals, and the verdict with its reason.

    Parameters
    ----------
    attempt
        The how manieth evaluation of this model it is: each spends a part of the error that all may make.
    known
        Training examples, for the answers that cost nothing; the other test prompts stand in for them.
    """
    found = Measured(predictions, settings, attempt, known)
    gate = Gate(found)
    finding = gate.too_little() or gate.by_score()
    if finding.verdict == "promote":
        finding = gate.guarded(finding.reason)
    needed = gate.needed(finding)
    answered = found.sample.answered
    return Evaluation(
        done=True,
        verdict=finding.verdict,
        rejected_for=finding.rejected_for,
        reason=finding.reason + reasons.within(needed, settings.max_prompts),
        metric=found.metric,
        scores=found.scores,
        records=len(answered),
        units=len(set(found.sample.units)) if answered else 0,
        attempt=attempt,
        alpha=found.alpha,
        content=found.content,
        contenders=found.contenders,
        agreement=found.agreeing,
        incomplete=found.incomplete,
        failed_prompts=len(found.held_out) - len(answered),
        base_speed=speed([one.base for one in answered]),
        tuned_speed=speed([one.tuned for one in answered]),
        champion=found.champion,
        general=found.general,
        judged=scores.judged(found.held_out, settings.judge) if settings.judge is not None else None,
        input_tokens=sum(answer.input_tokens for one in predictions for answer in one.answers),
        output_tokens=sum(answer.output_tokens for one in predictions for answer in one.answers),
        needed=needed if needed < MOST_UNITS else 0,
    )


def _has_fallen(score: Score, margin: float) -> bool:
    return score.high < 0 and score.difference < -margin
