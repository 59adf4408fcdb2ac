"""Conditions that prevent a promotion although the deciding metric has improved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from tunedrop.contracts import Contender, Reason, Score
from tunedrop.evaluation.answers.code import broken
from tunedrop.evaluation.answers.content import Contradicted, most_contradicted
from tunedrop.evaluation.decision import _reasons, _scores
from tunedrop.evaluation.decision._baselines import ECHO
from tunedrop.evaluation.decision._measured import MOST_FAILED, Measured, is_rather_higher
from tunedrop.evaluation.decision._substitution import systematic
from tunedrop.evaluation.decision._worse_parts import worse_part
from tunedrop.evaluation.decision._wrong_parts import made_up, wrong_part
from tunedrop.evaluation.inference.prompting import PROMPTED
from tunedrop.evaluation.scoring import metrics
from tunedrop.evaluation.statistics import power
from tunedrop.evaluation.statistics.power import FEWEST_UNITS
from tunedrop.evaluation.statistics.sample import Levels, Model, Paired, Sample

Verdict = Literal["promote", "reject", "inconclusive"]


class Finding(NamedTuple):
    """A verdict and its reason; and the comparison that more held-out records would decide."""

    verdict: Verdict
    reason: str
    rejected_for: Reason = ""
    open_in: Paired | None = None
    wanted: float = 0.0


GUARDED = ("rouge_l", "chrf", "json_valid", "macro_f1")
GUARD_MARGIN = 0.02
"""A guarded metric has fallen if its interval is below zero and its difference below minus this."""

GENERAL_MARGIN = 0.02
"""The same for general ability: of 405 prompts, eight net are lost; fewer may be an accident of wording."""

CONTENT_MARGIN, CONTENT_MARGIN_UNSEEN = 0.05, 0.1
"""A gain in form must leave no doubt that the content fell by less than this; less is asked where it did not
fall at all."""

CONTENT_SHARE = 0.2
"""The least part of what open text gained that must be a gain in content."""

MOST_LOST = 0.25
"""Of two models that err independently, the better one is wrong where the other is right in no more than
b (1 - b) of all prompts, b being the other's share of right answers: never more than a quarter."""

PRODUCTION_MARGIN = 0.02
"""A model that takes the place of one in production must be no worse than it by more than this."""


class Guards:
    """The tests that a promotion must pass in addition to the deciding metric."""

    def __init__(self, found: Measured) -> None:
        self.found, self.settings, self.sample = found, found.settings, found.sample

    def passed(self, reason: str) -> Finding:
        """A promotion, unless a guard prevents it."""
        tests = (
            self._fallen(reason),
            self._longer(reason),
            *([] if self.found.is_judged else self._unread(reason)),
            self._loses(reason),
            self._in_production(reason),
        )
        found = [one for one in tests if one is not None]
        rejected = [one for one in found if one.verdict == "reject"]
        first = next(iter([*rejected, *found]), None)
        return first or Finding("promote", reason + self._of_form() + self._regressed())

    def _unread(self, reason: str) -> Iterator[Finding | None]:
        """The tests of answers that no judge and no grader has read."""
        for one in self.found.contenders:
            yield self._beats(reason, one)
        yield self._looks_up(reason)
        yield self._says_more(reason)
        yield self._doubted(reason)
        yield self._worse_part(reason, self.sample)

    def _regressed(self) -> str:
        """What the reason of a promotion says of what the base had right."""
        lost, compared = self.found.regressions, self.found.compared
        return f"; {_reasons.regressed(lost, len(compared.differences))}" if compared and lost else ""

    def _of_form(self) -> str:
        """What the reason says of a gain that is one of form."""
        content = self.found.content
        if content is None or content.low > 0 or self.found.is_judged:
            return ""
        return f"; {_reasons.of_form(content, self._contradicted())}"

    def _contradicted(self) -> tuple[Contradicted, int] | None:
        """What most answers without content have wrong, and how many."""
        if self.sample.task != "text":
            return None
        return most_contradicted(self.sample.references, self.sample.texts("tuned"))

    def _doubted(self, reason: str) -> Finding | None:
        """What only a reader or a judge can tell the worth of."""
        said, measured = next(self._doubts(), ("", None))
        return Finding("inconclusive", f"{reason}; but {said}", "reading", measured) if said else None

    def _doubts(self) -> Iterator[tuple[str, Paired | None]]:
        """Each as a reason, with the comparison that more held-out records would decide."""
        sample = self.sample
        rows = sample.references, sample.texts("tuned"), sample.units
        if part := wrong_part(sample, self.found.guards):
            yield _reasons.wrong_throughout(part), part.measured
        if invented := made_up(sample):
            yield _reasons.made_up(invented), None
        if sample.task == "text" and (code := broken(*rows)):
            yield _reasons.broken(code), None
        if sample.task == "text" and (habit := systematic(*rows, sample.texts("base"))):
            yield _reasons.substituted(habit), None

    def _worse_part(
        self, reason: str, sample: Sample, other: Model = "base", name: str = "the base model"
    ) -> Finding | None:
        levels = Levels(self.found.alpha, power.alpha_of(self.settings.confidence))
        found = None if self.found.is_judged else worse_part(sample, levels, other)
        if found is None:
            return None
        said = f"{reason}; but {_reasons.worse(found, name)}"
        return Finding("inconclusive", said, "part", None if found.has_fallen else found.measured)

    def _loses(self, reason: str) -> Finding | None:
        """Whether more of what the base had right is lost than an unrelated model as good would lose."""
        lost, compared = self.found.regressions, self.found.compared
        if compared is None or self.found.metric == metrics.JUDGED["converse"]:
            return None
        if lost <= MOST_LOST * len(compared.differences):
            return None
        said = _reasons.regressed(lost, len(compared.differences))
        return Finding("inconclusive", f"{reason}; but {said}. {_reasons.READ_THEM}", "part")

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
            forgotten = f"{_reasons.moved(general)} (difference {general.low:+.3f} to {general.high:+.3f})"
            return Finding(
                "reject",
                f"{reason}, but it has forgotten what its base could do: {forgotten}",
                "general ability",
            )
        return None

    def _longer(self, reason: str) -> Finding | None:
        """Whether a judge that compares may like the length of the answers alone."""
        if self.found.metric != metrics.JUDGED["converse"]:
            return None
        equal = _scores.at_equal_length(self.found.held_out)
        if equal is None or not equal.is_by_length:
            return None
        said = (
            f"at equal length of the answers the judge prefers the tuned model in {equal.rate:.0%} of pairs"
        )
        doubt = f"{said}: it may prefer long answers. {_reasons.READ_THEM}"
        return Finding("inconclusive", f"{reason}; but {doubt}", "reading")

    def _beats(self, reason: str, contender: Contender) -> Finding | None:
        score, wanted = contender.score, self.settings.min_improvement
        is_echo = contender.name == ECHO and self.sample.task == "text"
        # the words of an instruction, which an echo has and a text does not, are no merit of a text
        if (
            score.low > (wanted if is_echo else 0)
            or contender.name == PROMPTED
            or self.found.is_no_copy(contender)
        ):
            return None
        if self.found.says_more_than(contender):
            return None
        said = f"{reason}; but {_reasons.beaten(contender.name, score)}"
        room = 1 - score.base > wanted
        if room and score.high < wanted and not is_echo:  # which is no answer, though it has its words
            return Finding("reject", said, "free answers")
        return Finding("inconclusive", said, "free answers", self.found.opposed[contender.name])

    def _looks_up(self, reason: str) -> Finding | None:
        """Nothing is learned from answers that others have, however a model finds the one that it copies."""
        found = next((one for one in self.found.looked_up() if not is_rather_higher(one)), None)
        if found is None:
            return None
        few = f"on the {len(set(found.units))} prompts whose answer no similar prompt has"
        return Finding(
            "inconclusive",
            f"{reason}; but {few}, it is right no more often than its answers to other prompts are",
            "free answers",
            found,
        )

    def _says_more(self, reason: str) -> Finding | None:
        content = self.found.content
        if content is None:
            return None
        margin = CONTENT_MARGIN if content.difference < 0 else CONTENT_MARGIN_UNSEEN
        wanted = 0.0 if self._is_overlap else -margin
        if content.low > wanted and not self._mostly_form(content):
            return None
        said = f"{reason}; but {_reasons.of_form(content, self._contradicted())}"
        if _has_fallen(content, GUARD_MARGIN):
            words = self.sample.paired("content words").score(self.found.guards)
            if _has_fallen(words, GUARD_MARGIN):
                return Finding("reject", said, "content")
        return Finding(
            "inconclusive",
            said,
            "content",
            self.found.opposed["content"],
            wanted,
        )

    @property
    def _is_overlap(self) -> bool:
        """Whether words in common decide: an exact match is right, also if only spaces changed."""
        return self.sample.task == "text" and self.found.metric != "exact_match"

    def _mostly_form(self, content: Score) -> bool:
        """Whether what the answers have in common with the references says little of this prompt."""
        score = self.found.decisive
        if score is None or self.found.metric not in metrics.METRICS:
            return False
        if self._is_overlap:
            return content.difference < CONTENT_SHARE * score.difference
        return content.tuned < CONTENT_SHARE * score.tuned

    def _in_production(self, reason: str) -> Finding | None:
        score = self.found.champion
        asked = [one.champion for one in self.sample.answered]
        if all(one is None for one in asked):
            return None
        missing = [one.error if one is not None else "no answer" for one in asked if one is None or one.error]
        if len(missing) > MOST_FAILED * len(asked):
            failed = _reasons.too_many_failed("answers of the model in production", len(asked), missing)
            return Finding("inconclusive", f"{reason}; but {failed}", "silent production")
        if score is None:
            few = (
                "too few answers of the model in production were judged or graded"
                if len(set(self.found.of_production.units)) >= FEWEST_UNITS
                else f"the model in production answered fewer than {FEWEST_UNITS} different prompts"
            )
            return Finding("inconclusive", f"{reason}; but {few}", open_in=self.found.compared)
        said = (
            f"{reason}; but the model in production scores {score.base:.3f} against {score.tuned:.3f} "
            f"{_reasons.between(score)}"
        )
        if score.high < 0:
            return Finding("reject", said, "model in production")
        if score.difference <= 0:
            kept = f"{said}, and stays where the new model is no better"
            return Finding("inconclusive", kept, "model in production")
        if score.low <= -PRODUCTION_MARGIN:
            open_in = self.found.opposed["production"]
            return Finding("inconclusive", said, "model in production", open_in, -PRODUCTION_MARGIN)
        return self._worse_part(reason, self.found.of_production, "champion", "the model in production")


def _has_fallen(score: Score, margin: float) -> bool:
    return score.high < 0 and score.difference < -margin
