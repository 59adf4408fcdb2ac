"""The gate: promote what is surely better, reject what surely is not, and say so where it cannot be told.

A tuned model is promoted when all of this holds, each at the attempt's level (`power.alpha_of`):
- the deciding metric has risen by at least `min_improvement` and above zero; on open text every overlap score
  has risen, since none of them knows what a text means;
- it beats the answers that cost nothing (`free`), and its gain is not one of form alone (`content`);
- nothing else has fallen, and it is no worse than the model in production, whose place it takes only where
  it scores higher.

It is rejected on evidence alone: that the improvement is smaller than wanted, or that something has fallen.
Everything else is inconclusive. Because a promotion has to pass every test, only attempts multiply its error;
a rejection may come from any test, so those share the level.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from tunedrop.contracts import Contender, Evaluation, EvaluationSettings, Incomplete, Reason, Score
from tunedrop.evaluation import complete, metrics, power, scores
from tunedrop.evaluation.evaluate import Prediction
from tunedrop.evaluation.examples import Example
from tunedrop.evaluation.free import free_answers
from tunedrop.evaluation.macro import macro_f1_score
from tunedrop.evaluation.power import FEWEST_UNITS, MOST_UNITS
from tunedrop.evaluation.sample import Levels, Paired, Sample
from tunedrop.evaluation.speed import speed

Verdict = Literal["promote", "reject", "inconclusive"]


class Finding(NamedTuple):
    """A verdict and its reason; by which comparison more held-out records would tell, and what it wants."""

    verdict: Verdict
    reason: str
    rejected_for: Reason = ""
    open_in: Paired | None = None
    wanted: float = 0.0


MOST_FAILED = 0.1
"""Above this share of failed, cut or missing answers there is no verdict: they may not be like the rest."""

LONGEST_ERROR = 200
"""So many characters of an error are told in a reason."""

GUARDED = ("rouge_l", "chrf", "json_valid", "macro_f1")
GUARD_MARGIN = 0.02
"""A guarded metric has fallen when its interval lies below zero and its difference below minus this."""

GENERAL_MARGIN = 0.02
"""The same for general ability: of 405 prompts, eight net are lost; fewer may be an accident of wording."""

CONTENT_MARGIN = 0.05
"""A gain in form must leave no doubt that the content fell by less than this."""

PRODUCTION_MARGIN = 0.02
"""A model that takes the place of one in production must be no worse than it by more than this."""

REJECTING = 8
"""How many more tests may reject: three guards, content, three free answers, the model in production."""


class Gate:
    """One decision: the answers, how sure it has to be, and what was measured."""

    def __init__(
        self,
        predictions: Sequence[Prediction],
        settings: EvaluationSettings,
        attempt: int,
        known: Sequence[Example],
    ) -> None:
        self.settings, self.attempt, self.known = settings, attempt, known
        self.held_out = [one for one in predictions if not one.probe]
        self.probes = [one for one in predictions if one.probe]
        self.sample = Sample([one for one in self.held_out if not one.failed])
        self.alpha = power.alpha_of(settings.confidence, attempt)
        rest = (1 - power.REJECTING_SHARE - power.FORGETTING_SHARE) * self.alpha / REJECTING
        self.levels = Levels(self.alpha, power.REJECTING_SHARE * self.alpha)
        self.guards = Levels(self.alpha, rest)
        self.forgetting = Levels(self.alpha, power.FORGETTING_SHARE * self.alpha)
        self.metric = self._deciding()
        self.measured = {one.metric: one for one in self._measured()} if self.sample.answered else {}
        self.opposed: dict[str, Paired] = {}
        self.incomplete = tuple(self._incomplete())
        self.scores = tuple(self._scores()) if self.sample.answered else ()
        self.decisive = next((one for one in self.scores if one.metric == self.metric), None)

    # --- what is measured ----------------------------------------------------------------------------------

    def _deciding(self) -> str:
        judge = self.settings.judge
        if self.settings.metric == "judge" and judge is not None:
            return metrics.JUDGED[judge.via]
        return metrics.choose(self.sample.references, self.settings.metric)

    @property
    def overlap(self) -> str:
        """The metric by which given answers are compared: the deciding one, where no judge decides."""
        named = self.metric in metrics.METRICS
        return self.metric if named else metrics.SHOWN[self.sample.task][0]

    @property
    def agreeing(self) -> tuple[str, ...]:
        """The scores that have to agree with the deciding one."""
        overlaps = (*metrics.OVERLAPS, "squad_f1")
        if self.sample.task != "text" or self.metric not in overlaps:
            return ()
        return tuple(one for one in metrics.OVERLAPS if one != self.metric)

    def _measured(self) -> Iterator[Paired]:
        shown = [self.metric, *metrics.SHOWN[self.sample.task], *self.agreeing]
        for name in dict.fromkeys(one for one in shown if one in metrics.METRICS):
            yield self.sample.paired(name)
        if self.settings.judge is not None:
            judged = scores.judged_values(self.sample, self.settings.judge.via)
            if judged.tuned:
                yield judged

    def _scores(self) -> Iterator[Score]:
        """The deciding one first."""
        for one in sorted(self.measured.values(), key=lambda one: one.metric != self.metric):
            yield one.score(self.levels if one.metric in (self.metric, *self.agreeing) else self.guards)
        if self.sample.task == "labels" or self.metric == "macro_f1":
            yield macro_f1_score(self.sample, self.levels if self.metric == "macro_f1" else self.guards)

    def _incomplete(self) -> Iterator[Incomplete]:
        pairs = [(one.reference, one) for one in self.sample.answered]
        yield complete.incomplete("base", [(wanted, one.base) for wanted, one in pairs])
        yield complete.incomplete("tuned", [(wanted, one.tuned) for wanted, one in pairs])
        champion = [(wanted, one.champion) for wanted, one in pairs if one.champion is not None]
        if champion:
            given = [(wanted, one) for wanted, one in champion if not one.error]
            yield complete.incomplete("production", given)

    def content(self) -> Score | None:
        """What the answers say, apart from their form."""
        if not self.sample.answered:
            return None
        self.opposed["content"] = self.sample.paired("content")
        return self.opposed["content"].score(self.guards)

    def general(self) -> Score | None:
        """Base against tuned on the general-ability prompts that both have answered."""
        answered = [one for one in self.probes if not one.failed]
        return scores.general_values(answered).score(self.forgetting) if answered else None

    def contenders(self) -> tuple[Contender, ...]:
        """The tuned model against the answers that cost nothing."""
        sample = self.sample
        asked = [
            Example(one.prompt, one.reference, unit)
            for one, unit in zip(sample.answered, sample.units, strict=True)
        ]
        scorer = sample.scorer(self.overlap)
        answers = free_answers(asked, self.known or asked, scorer, are_labels=sample.task == "labels")
        found = {str(name): sample.against(self.overlap, given) for name, given in answers.items()}
        self.opposed |= found
        return tuple(Contender(name=name, score=one.score(self.guards)) for name, one in found.items())

    def champion(self) -> Score | None:
        """The tuned model against the one in production, where that one has answered enough."""
        both = self.sample.part(lambda one: one.champion is not None and not one.champion.error)
        if len(set(both.units)) < FEWEST_UNITS:
            return None
        if self.metric in metrics.JUDGED.values():
            judged = scores.against_champion_values(both, self.metric)
            if len(judged.tuned) >= (1 - MOST_FAILED) * len(both.answered):
                self.opposed["production"] = judged
                return judged.score(self.guards)
        self.opposed["production"] = both.paired(self.overlap, ("champion", "tuned"))
        return self.opposed["production"].score(self.guards)

    # --- what is decided -----------------------------------------------------------------------------------

    def too_little(self) -> Finding | None:
        """No verdict where too little was asked, or answered, or judged, or too much has failed."""
        judged = [one.judgement for one in self.sample.answered if self.metric in metrics.JUDGED.values()]
        for what, everything, errors in (
            ("prompts", len(self.held_out), [one.error for one in self.held_out if one.failed]),
            ("general-ability prompts", len(self.probes), [one.error for one in self.probes if one.failed]),
            ("judgements", len(judged), [one.error if one else "" for one in judged if not one or one.error]),
        ):
            if len(errors) > MOST_FAILED * everything:
                return Finding("inconclusive", _too_many_failed(what, everything, errors))
        for model in self.incomplete:
            if model.total > MOST_FAILED * len(self.sample.answered):
                return Finding("inconclusive", _too_many_incomplete(model, len(self.sample.answered)))
        units = len(set(self.sample.units)) if self.sample.answered else 0
        if units < FEWEST_UNITS:
            return Finding(
                "inconclusive",
                f"{units} of {len(self.held_out)} held-out prompts were answered and are independent (turns "
                "of one conversation, and prompts that say the same, count once): that is too few to tell, "
                f"{FEWEST_UNITS} are the fewest",
                open_in=self.compared,
                wanted=self.settings.min_improvement,
            )
        return None

    def by_score(self) -> Finding:
        """What the deciding metric's interval says; of open text, what all that have to agree say."""
        score, wanted = self.decisive, self.settings.min_improvement
        if score is None:
            return Finding("inconclusive", "nothing was measured")
        others = [one for one in self.scores if one.metric in self.agreeing]
        moved, sure = _moved(score), self._sure(score)
        if score.low >= wanted and score.low > 0:
            behind = [metrics.TITLES[one.metric] for one in others if one.low <= 0]
            if not behind:
                return Finding("promote", f"{moved} ({sure})")
            doubt = f"{' and '.join(behind)} may not have risen, and no overlap score decides alone"
            slowest = min((one for one in others if one.low <= 0), key=lambda one: one.low)
            return Finding(
                "inconclusive", f"{moved} ({sure}), but {doubt}", open_in=self.measured[slowest.metric]
            )
        if all(one.high < wanted or one.high <= 0 for one in (score, *others)):
            reason = f"{moved} ({sure}); the run asks for at least {wanted:+.3f}"
            return Finding("reject", reason, "difference")
        return Finding(
            "inconclusive",
            f"{moved}; the {sure} is too wide to tell whether that is the wanted {wanted:+.3f}",
            open_in=self.compared,
            wanted=wanted,
        )

    def guarded(
        self,
        reason: str,
        content: Score | None,
        general: Score | None,
        contenders: Sequence[Contender],
        champion: Score | None,
    ) -> Finding:
        """A promotion, unless something else speaks against it."""
        tests = (
            self._fallen(reason, general),
            *(self._beats(reason, one) for one in contenders if self.metric not in metrics.JUDGED.values()),
            self._says_more(reason, content),
            self._in_production(reason, champion),
        )
        found = [one for one in tests if one is not None]
        rejected = [one for one in found if one.verdict == "reject"]
        return next(iter([*rejected, *found]), Finding("promote", reason))

    def _fallen(self, reason: str, general: Score | None) -> Finding | None:
        fallen = [
            metrics.TITLES[one.metric]
            for one in self.scores
            if one.metric in GUARDED and one.metric != self.metric and _has_fallen(one, GUARD_MARGIN)
        ]
        if fallen:
            return Finding("reject", f"{reason}, but {', '.join(fallen)} fell", "guarded metric")
        if general is not None and _has_fallen(general, GENERAL_MARGIN):
            forgotten = f"{_moved(general)} (difference {general.low:+.3f} to {general.high:+.3f})"
            return Finding(
                "reject",
                f"{reason}, but it has forgotten what its base could do: {forgotten}",
                "general ability",
            )
        return None

    def _beats(self, reason: str, contender: Contender) -> Finding | None:
        score, wanted = contender.score, self.settings.min_improvement
        if score.low > 0:
            return None
        free = f"the {contender.name}, which costs nothing, scores {score.base:.3f}"
        said = f"{reason}; but {free} {_between(score)}"
        room = 1 - score.base > wanted
        if room and score.high < wanted:
            return Finding("reject", said, "free answers")
        return Finding("inconclusive", said, open_in=self.opposed[contender.name])

    def _says_more(self, reason: str, content: Score | None) -> Finding | None:
        if content is None or self.metric in metrics.JUDGED.values():
            return None
        wanted = 0.0 if self.sample.task == "text" else -CONTENT_MARGIN
        if content.low > wanted:
            return None
        said = f"{reason}; but that may be its form alone: of what the answers say, {_moved(content)}"
        if _has_fallen(content, GUARD_MARGIN):
            return Finding("reject", f"{said} {_between(content)}", "content")
        return Finding(
            "inconclusive", f"{said} {_between(content)}", open_in=self.opposed["content"], wanted=wanted
        )

    def _in_production(self, reason: str, score: Score | None) -> Finding | None:
        asked = [one.champion for one in self.sample.answered]
        if all(one is None for one in asked):
            return None
        missing = [one.error if one is not None else "no answer" for one in asked if one is None or one.error]
        if len(missing) > MOST_FAILED * len(asked):
            failed = _too_many_failed("answers of the model in production", len(asked), missing)
            return Finding("inconclusive", f"{reason}; but {failed}")
        if score is None:
            few = f"fewer than {FEWEST_UNITS} independent prompts were answered by the model in production"
            return Finding("inconclusive", f"{reason}; but {few}", open_in=self.compared)
        said = f"{reason}; but the model in production scores {score.base:.3f} {_between(score)}"
        if score.high < 0:
            return Finding("reject", said, "model in production")
        if score.difference <= 0:
            return Finding("inconclusive", f"{said}, and keeps its place where it is as good")
        if score.low <= -PRODUCTION_MARGIN:
            open_in = self.opposed["production"]
            return Finding("inconclusive", said, open_in=open_in, wanted=-PRODUCTION_MARGIN)
        return None

    def _sure(self, score: Score) -> str:
        return (
            f"{self.settings.confidence:.0%} interval of the difference {score.low:+.3f} to {score.high:+.3f}"
        )

    @property
    def compared(self) -> Paired | None:
        """The deciding metric's values; those of accuracy for macro F1, which has none of a single answer."""
        return self.measured.get(self.metric) or next(iter(self.measured.values()), None)

    def needed(self, finding: Finding) -> int:
        """Held-out units that would probably tell; 0 where it is no question of how many."""
        if finding.verdict != "inconclusive" or finding.open_in is None:
            return FEWEST_UNITS if not self.sample.answered else 0
        confidence = self.settings.confidence
        return power.needed_units(finding.open_in.differences, finding.wanted, confidence, self.attempt)


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
    gate = Gate(predictions, settings, attempt, known)
    content, general = gate.content(), gate.general()
    contenders = gate.contenders() if gate.sample.answered else ()
    champion = gate.champion() if gate.sample.answered else None
    finding = gate.too_little() or gate.by_score()
    if finding.verdict == "promote":
        finding = gate.guarded(finding.reason, content, general, contenders, champion)
    needed = gate.needed(finding)
    answered = gate.sample.answered
    return Evaluation(
        done=True,
        verdict=finding.verdict,
        rejected_for=finding.rejected_for,
        reason=finding.reason + _within(needed, settings.max_prompts),
        metric=gate.metric,
        scores=gate.scores,
        records=len(answered),
        units=len(set(gate.sample.units)) if answered else 0,
        attempt=attempt,
        alpha=gate.alpha,
        content=content,
        contenders=contenders,
        agreement=gate.agreeing,
        incomplete=gate.incomplete,
        failed_prompts=len(gate.held_out) - len(answered),
        base_speed=speed([one.base for one in answered]),
        tuned_speed=speed([one.tuned for one in answered]),
        champion=champion,
        general=general,
        judged=scores.judged(gate.held_out, settings.judge) if settings.judge is not None else None,
        input_tokens=sum(answer.input_tokens for one in predictions for answer in one.answers),
        output_tokens=sum(answer.output_tokens for one in predictions for answer in one.answers),
        needed=needed if needed < MOST_UNITS else 0,
    )


def _within(needed: int, max_prompts: int) -> str:
    """What more records would do, where that is not just to upload them."""
    if needed >= MOST_UNITS:
        return "; it is too near to what is wanted for any number of prompts to be sure to tell"
    if needed > max_prompts:
        return f"; about {needed:,} independent prompts would tell, more than max_prompts ({max_prompts:,})"
    return ""


def _too_many_failed(what: str, everything: int, errors: Sequence[str]) -> str:
    """How many, and what most of them say."""
    (common, _), *_ = Counter(errors).most_common(1)
    said = common if len(common) <= LONGEST_ERROR else f"{common[:LONGEST_ERROR]}…"
    why = f". Most often: {said}" if said else ""
    return f"{len(errors)} of {everything} {what} failed; that is too many to tell{why}"


def _too_many_incomplete(model: Incomplete, everything: int) -> str:
    kinds = (("truncated", model.truncated), ("filtered", model.filtered), ("empty", model.empty))
    told = ", ".join(f"{count} {kind}" for kind, count in kinds if count)
    return f"{model.total} of {everything} answers of the {model.model} model are not whole ({told})"


def _has_fallen(score: Score, margin: float) -> bool:
    return score.high < 0 and score.difference < -margin


def _moved(score: Score) -> str:
    return f"{metrics.TITLES[score.metric]} went from {score.base:.3f} to {score.tuned:.3f}"


def _between(score: Score) -> str:
    return f"(difference {score.low:+.3f} to {score.high:+.3f})"
