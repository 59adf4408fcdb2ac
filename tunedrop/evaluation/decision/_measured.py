"""Everything that the gate compares: the metrics, content, free answers, general ability, production."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice

from tunedrop.contracts import Contender, EvaluationSettings, Incomplete, Score
from tunedrop.evaluation.decision import _scores, complete
from tunedrop.evaluation.decision._baselines import ECHO, NEAREST, free_answers, letters, nearest, spread
from tunedrop.evaluation.decision.examples import MOST_KNOWN, Example
from tunedrop.evaluation.inference.evaluate import Prediction
from tunedrop.evaluation.inference.prompting import PROMPTED
from tunedrop.evaluation.scoring import metrics
from tunedrop.evaluation.scoring.words import words
from tunedrop.evaluation.statistics import power
from tunedrop.evaluation.statistics.macro import macro_f1_score
from tunedrop.evaluation.statistics.power import FEWEST_UNITS
from tunedrop.evaluation.statistics.sample import Levels, Paired, Sample

OWN_ANSWERS = "its own answers to other prompts"
"""A model whose answers do as well under other prompts has not read the prompts: a style, a constant answer,
a bag of common words."""

MOST_FAILED = 0.1
"""Above this share of failed, cut or missing answers there is no verdict: they may not be like the rest."""

NO_DOUBT, FEW = 1.645, 10
"""Standard errors by which a model has to be rather right, where more than a few can tell."""

MOST_NEIGHBOURS = 8
"""So many near prompts a model may have copied an answer from."""

REJECTING = 9
"""How many more tests may reject: three guards, content, four contenders, the model in production."""


class Measured:
    """What one decision rests on: the answers, how sure it has to be, and every comparison that was made."""

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
        answered = [one for one in self.held_out if not one.failed]
        self.sample = Sample(answered, [one.answer for one in known])
        self.alpha = power.alpha_of(settings.confidence, attempt)
        rest = (1 - power.REJECTING_SHARE - power.FORGETTING_SHARE) * self.alpha / REJECTING
        self.levels = Levels(self.alpha, power.REJECTING_SHARE * self.alpha)
        self.guards = Levels(self.alpha, rest)
        self.forgetting = Levels(self.alpha, power.FORGETTING_SHARE * self.alpha)
        self.metric = self._deciding()
        self.measured = {one.metric: one for one in self._measured()} if self.sample.answered else {}
        self.opposed: dict[str, Paired] = {}
        self.free: dict[str, list[str]] = {}
        self.repeated: Paired | None = None
        self.incomplete = tuple(self._incomplete())
        self.scores = tuple(self._scores()) if self.sample.answered else ()
        self.decisive = next((one for one in self.scores if one.metric == self.metric), None)
        self.content = self._content()
        self.general = self._general()
        self.contenders = tuple(self._contenders()) if self.sample.answered else ()
        self.champion = self._champion() if self.sample.answered else None

    def _deciding(self) -> str:
        judge = self.settings.judge
        if self.settings.metric == "judge" and judge is not None:
            return metrics.JUDGED[judge.via]
        if self.settings.metric == "auto" and any(one.rewards or one.reward_error for one in self.held_out):
            return metrics.REWARD
        if self.settings.metric == "auto" and judge is not None and self._is_judged_text():
            return metrics.JUDGED[judge.via]
        return metrics.choose(self.sample.references, self.settings.metric)

    def _is_judged_text(self) -> bool:
        """Whether these are answers in open text, and a judge has said anything of them."""
        said = (one.judgement for one in self.sample.answered)
        return self.sample.task == "text" and any(one is not None and not one.error for one in said)

    @property
    def overlap(self) -> str:
        """The metric by which given answers are compared: the deciding one, where no judge decides."""
        named = self.metric in metrics.METRICS
        return self.metric if named else metrics.SHOWN[self.sample.task][0]

    @property
    def agreeing(self) -> tuple[str, ...]:
        """The scores that have to agree with the deciding one."""
        overlaps = (*metrics.OVERLAPS, "squad_f1")
        if self.sample.task == "short" and self.metric in overlaps:
            return ("normalized_match",)
        if self.sample.task != "text" or self.metric not in overlaps:
            return ()
        return tuple(one for one in metrics.OVERLAPS if one != self.metric)

    @property
    def rejecting(self) -> tuple[str, ...]:
        """The scores that have to be below what is wanted too, before a model is rejected."""
        return (*self.agreeing, "token_f1") if self.sample.task == "short" else self.agreeing

    def _measured(self) -> Iterator[Paired]:
        shown = [self.metric, *metrics.SHOWN[self.sample.task], *self.agreeing]
        for name in dict.fromkeys(one for one in shown if one in metrics.METRICS):
            yield self.sample.paired(name)
        rewarded = _scores.rewards(self.sample)
        if rewarded.tuned:
            yield rewarded
        if self.settings.judge is not None:
            judged = _scores.judged_values(self.sample, self.settings.judge.via)
            if judged.tuned:
                yield judged

    def _scores(self) -> Iterator[Score]:
        """The deciding one first."""
        for one in sorted(self.measured.values(), key=lambda one: one.metric != self.metric):
            yield one.score(self.levels if one.metric in (self.metric, *self.rejecting) else self.guards)
        if self.sample.task == "labels" or self.metric == "macro_f1":
            yield macro_f1_score(self.sample, self.levels if self.metric == "macro_f1" else self.guards)

    def _incomplete(self) -> Iterator[Incomplete]:
        rows = list(zip(self.sample.asked, self.sample.references, self.sample.answered, strict=True))
        yield complete.incomplete("base", [(asked, wanted, one.base) for asked, wanted, one in rows])
        yield complete.incomplete("tuned", [(asked, wanted, one.tuned) for asked, wanted, one in rows])
        champion = [(asked, wanted, one.champion) for asked, wanted, one in rows if one.champion is not None]
        if champion:
            given = [(asked, wanted, one) for asked, wanted, one in champion if not one.error]
            yield complete.incomplete("production", given)

    def _content(self) -> Score | None:
        """What the answers say, apart from their form."""
        if not self.sample.answered:
            return None
        self.opposed["content"] = self.sample.paired("content")
        return self.opposed["content"].score(self.guards)

    def _general(self) -> Score | None:
        """Base against tuned on the general-ability prompts that both have answered."""
        answered = [one for one in self.probes if not one.failed]
        return _scores.general_values(answered).score(self.forgetting) if answered else None

    def _contenders(self) -> Iterator[Contender]:
        """The tuned model against the answers that cost nothing, and against its own to other prompts."""
        sample = self.sample
        scorer, asked = sample.scorer(self.overlap), self._asked
        answers = free_answers(asked, self.known or asked, scorer, are_labels=sample.task == "labels")
        self.free = {str(name): given for name, given in answers.items()}
        found = {name: sample.against(self.overlap, given) for name, given in self.free.items()}
        if not self.known and NEAREST in answers:
            self.repeated = sample.beside(self.overlap, answers[NEAREST])
        self.opposed |= found | {OWN_ANSWERS: sample.against_own(self.overlap)}
        for name in (*found, OWN_ANSWERS):
            yield Contender(name=name, score=self.opposed[name].score(self.guards))
        yield from self._prompted()

    def _prompted(self) -> Iterator[Contender]:
        """The tuned model against the base model with examples in its prompt, where it answered enough."""
        both = self.sample.part(lambda one: one.prompted is not None and not one.prompted.error)
        if len(set(both.units)) >= FEWEST_UNITS:
            against = both.paired(self.overlap, ("prompted", "tuned"))
            yield Contender(name=PROMPTED, score=against.score(self.guards))

    @property
    def _asked(self) -> list[Example]:
        pairs = zip(self.sample.answered, self.sample.units, strict=True)
        return [Example(one.prompt, one.reference, unit) for one, unit in pairs]

    def _champion(self) -> Score | None:
        """The tuned model against the one in production, where that one has answered enough."""
        both = self.of_production
        if len(set(both.units)) < FEWEST_UNITS:
            return None
        if self.is_judged:
            read = (
                _scores.rewards(both, ("champion", "tuned"))
                if self.metric == metrics.REWARD
                else _scores.against_champion_values(both, self.metric)
            )
            self.opposed["production"] = read
            return (
                read.score(self.guards) if len(read.tuned) >= (1 - MOST_FAILED) * len(both.answered) else None
            )
        self.opposed["production"] = both.paired(self.overlap, ("champion", "tuned"))
        return self.opposed["production"].score(self.guards)

    @cached_property
    def of_production(self) -> Sample:
        """The prompts that the model in production has answered."""
        return self.sample.part(lambda one: one.champion is not None and not one.champion.error)

    def says_more_than(self, contender: Contender) -> bool:
        """Whether open text says more than answers that cost nothing, which have the references' set phrases.

        A reply in other words than those phrases has fewer words in common with a reference than another
        reference has. But the nearest training answer could be given instead of the model's.
        """
        if self.sample.task != "text" or (contender.name == NEAREST and self.known):
            return False
        if contender.name == OWN_ANSWERS:
            found = self.sample.against_own("content")
        elif contender.name == ECHO:
            found = self.sample.beyond_prompt()
        else:
            found = self.sample.against("content", self.free[contender.name])
        return bool(found.units) and found.score(self.guards).low > 0

    def is_no_copy(self, contender: Contender) -> bool:
        """Whether a model need not beat the nearest neighbour to have learned more than to look it up.

        Both may be right everywhere. And where test references stand in for the training data, that neighbour
        knows answers that no model has seen: it is enough that, where it is wrong, the model is right more
        often than it says the same.
        """
        if contender.name != NEAREST:
            return False
        if min(contender.score.base, contender.score.tuned) >= 1:
            return True
        if self.repeated is None or not self.repeated.units:
            return self.repeated is not None
        return is_rather_higher(self.repeated)

    def looked_up(self) -> Iterator[Paired]:
        """The model against its own answers to other prompts, where other prompts' answers do not help.

        Of labels and short answers, where a few prompts want what no other does; and where none of the near
        prompts wants the same, of as many near ones as leave a few. A model that copies is never right there.
        """
        if self.known or self.sample.task not in ("labels", "short"):
            return
        pairs, own = enumerate(self.sample.answered), self.opposed[OWN_ANSWERS]
        asked = [Example(one.prompt, one.reference, place) for place, one in pairs]
        known = spread(asked, MOST_KNOWN)
        near = [nearest(asked, known, MOST_NEIGHBOURS, features) for features in (words, letters)]
        given = (
            [[*one[:count], *other[:count]] for one, other in zip(*near, strict=True)]
            for count in range(MOST_NEIGHBOURS, 0, -1)
        )
        alone, close = self.sample.wanted_once(own), (self.sample.where_wrong(own, one) for one in given)
        if len(set(alone.units)) >= FEW:
            yield alone
        yield from islice((one for one in close if len(set(one.units)) >= FEW), 1)

    @property
    def compared(self) -> Paired | None:
        """The deciding metric's values; those of accuracy for macro F1, which has none of a single answer."""
        return self.measured.get(self.metric) or next(iter(self.measured.values()), None)

    @property
    def regressions(self) -> int:
        """How many units are answered much worse than by the base model."""
        return 0 if self.compared is None else int((self.compared.differences <= -metrics.MUCH).sum())

    @property
    def is_judged(self) -> bool:
        """Whether a judge or a grader has read the answers."""
        return self.metric in (*metrics.JUDGED.values(), metrics.REWARD)


def is_rather_higher(found: Paired) -> bool:
    """Whether the second of two compared is higher, beyond doubt where more than a few can tell."""
    differences = found.differences
    few = len(differences) < FEW
    doubt = 0.0 if few else NO_DOUBT * float(differences.std()) / len(differences) ** 0.5
    return float(differences.mean()) > doubt
