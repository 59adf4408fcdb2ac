"""The gate: promotes what is significantly better, rejects what significantly is not, else reports
inconclusive.

A tuned model is promoted when all of this holds, each at the attempt's level (`power.alpha_of`):
- the deciding metric has risen by at least `min_improvement` and above zero; on open text every overlap score
  has risen, since none of them knows what a text means;
- it beats the answers that cost nothing (`baselines`) and its own answers to other prompts, its gain is not
  one of form alone (`content`), no part of the answers is wrong throughout or made up (`wrong_parts`),
  most code can run (`code`), and it does not always say one word for another (`substitution`);
- nothing else has fallen, on no part of the answers and no kind of prompts, and the facts of open text have
  risen where they could (`worse_parts`); the same against the model in production, whose place it takes only
  where it scores higher.

It is rejected on evidence alone: that the improvement is smaller than wanted, or that something has fallen.
Everything else is inconclusive. Because a promotion has to pass every test, only attempts multiply its error;
a rejection may come from any test, so those share the level.
"""

from __future__ import annotations

from collections.abc import Sequence

from tunedrop.contracts import Evaluation, EvaluationSettings, Score
from tunedrop.evaluation.decision import _reasons, _scores
from tunedrop.evaluation.decision._guards import Finding, Guards
from tunedrop.evaluation.decision._measured import MOST_FAILED, Measured
from tunedrop.evaluation.decision.examples import Example
from tunedrop.evaluation.inference.evaluate import Prediction
from tunedrop.evaluation.inference.speed import speed
from tunedrop.evaluation.scoring import metrics
from tunedrop.evaluation.statistics import power
from tunedrop.evaluation.statistics.power import FEWEST_UNITS, MOST_UNITS


class Gate:
    """The tests of one decision, on the measurements."""

    def __init__(self, found: Measured) -> None:
        self.found, self.settings, self.sample = found, found.settings, found.sample

    def too_little(self) -> Finding | None:
        """No verdict if too few prompts were evaluated, answered or judged, or too many failed."""
        held_out, probes = self.found.held_out, self.found.probes
        asked = self.sample.answered if self.found.is_judged else []
        rewarded = self.found.metric == metrics.REWARD
        judged = [] if rewarded else [one.judgement for one in asked]
        missing = [
            one.reward_error for one in asked if rewarded and not {"base", "tuned"} <= set(one.rewards)
        ]
        for what, everything, errors in (
            ("prompts", len(held_out), [one.error for one in held_out if one.failed]),
            ("general-ability prompts", len(probes), [one.error for one in probes if one.failed]),
            ("judgements", len(judged), [one.error if one else "" for one in judged if not one or one.error]),
            ("rewards", len(asked), missing),
        ):
            if len(errors) > MOST_FAILED * everything:
                return Finding("inconclusive", _reasons.too_many_failed(what, everything, errors), "failures")
        for model in self.found.incomplete:
            if model.total > MOST_FAILED * len(self.sample.answered):
                said = _reasons.too_many_incomplete(model, len(self.sample.answered))
                return Finding("inconclusive", said, "failures")
        units = len(set(self.sample.units)) if self.sample.answered else 0
        if units < FEWEST_UNITS:
            return Finding(
                "inconclusive",
                _reasons.too_few(units, len(held_out)),
                open_in=self.found.compared,
                wanted=self.settings.min_improvement,
            )
        return None

    def by_score(self) -> Finding:
        """The verdict of the deciding metric's interval; for open text, of all metrics that must agree."""
        score, wanted = self.found.decisive, self.settings.min_improvement
        if score is None:
            return Finding("inconclusive", "nothing was measured", "failures")
        others = [one for one in self.found.scores if one.metric in self.found.agreeing]
        said = _reasons.risen(score, self.settings.confidence)
        if _has_risen(score, wanted):
            behind = [metrics.TITLES[one.metric] for one in others if one.low <= 0]
            if not behind:
                return Finding("promote", said)
            doubt = (
                f"{' and '.join(behind)} may not have risen. On open text all of these scores have to, since "
                "none of them knows what a text means. "
                f"{_reasons.READ_OR_JUDGE}"
            )
            slowest = min((one for one in others if one.low <= 0), key=lambda one: one.low)
            return Finding(
                "inconclusive", f"{said}; but {doubt}", "reading", self.found.measured[slowest.metric]
            )
        below = [one for one in self.found.scores if one.metric in self.found.rejecting]
        if all(one.high < wanted or one.high <= 0 for one in (score, *below)):
            content = self.found.content
            compares_content = bool(others) or self.sample.task != "text"
            if compares_content and content is not None and _has_risen(content, wanted):
                more = _reasons.says_more(content, self.sample.task)
                return Finding("inconclusive", f"{said}; but {more}", "reading")
            exact = next((one for one in self.found.scores if one.metric == "exact_match"), None)
            if exact is not None and _has_risen(exact, wanted):
                return Finding("inconclusive", f"{said}; but {_reasons.exactly(exact)}", "reading")
            reason = f"{said}; the run requires at least {wanted:+.3f}"
            return Finding("reject", reason, "difference")
        return Finding(
            "inconclusive",
            f"{said}: it may be below or above the required {wanted:+.3f}",
            open_in=self.found.compared,
            wanted=wanted,
        )

    def needed(self, finding: Finding) -> int:
        """The number of held-out units that would probably decide; 0 if more would not help."""
        if finding.verdict != "inconclusive" or finding.open_in is None:
            return FEWEST_UNITS if not self.sample.answered else 0
        confidence = self.settings.confidence
        return power.needed_units(finding.open_in.differences, finding.wanted, confidence, self.found.attempt)


def _has_risen(score: Score, wanted: float) -> bool:
    """Whether the whole interval is above zero, and at least `wanted`, which may be 0."""
    return score.low >= wanted and score.low > 0


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
        The number of this evaluation of the model, starting at 1; each spends a part of the total error rate.
    known
        Training examples for the baselines; without them, the other test prompts are used.
    """
    found = Measured(predictions, settings, attempt, known)
    gate = Gate(found)
    finding = gate.too_little() or gate.by_score()
    if finding.verdict == "promote":
        finding = Guards(found).passed(finding.reason)
    needed = gate.needed(finding)
    answered = found.sample.answered
    return Evaluation(
        done=True,
        verdict=finding.verdict,
        rejected_for=finding.rejected_for,
        reason=finding.reason
        + _reasons.within(needed, settings.max_prompts)
        + _reasons.prompting(found.contenders),
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
        regressions=found.regressions,
        base_speed=speed([one.base for one in answered]),
        tuned_speed=speed([one.tuned for one in answered]),
        champion=found.champion,
        general=found.general,
        judged=_scores.judged(found.held_out, settings.judge) if settings.judge is not None else None,
        input_tokens=sum(answer.input_tokens for one in predictions for answer in one.answers),
        output_tokens=sum(answer.output_tokens for one in predictions for answer in one.answers),
        needed=needed if needed < MOST_UNITS else 0,
    )
