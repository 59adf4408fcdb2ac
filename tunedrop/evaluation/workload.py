"""How much an evaluation will ask, and how long that will take: known before anything is paid."""

from __future__ import annotations

import msgspec

from tunedrop import clock
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Dataset, Prompts, Run, Way
from tunedrop.dataset.prepare.split import records_that_leave
from tunedrop.evaluation import general_ability
from tunedrop.evaluation.inference.speed import REQUESTS_A_FUNCTION, functions_that_ask, requests_per_minute
from tunedrop.evaluation.statistics.power import FEWEST_UNITS
from tunedrop.formatting.counts import counted
from tunedrop.serving import kinds
from tunedrop.stage import Stage

ORDERS_JUDGED = 2

MOST_HELD_OUT_TOKENS = 64_000_000
"""Of all prompts of a test set: each function that asks reads it, within minutes."""

MOST_ASKED_TOKENS = 16_000_000
"""Of the prompts that are asked: evaluate_model holds them and all answers (`infra.functions`)."""


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, and how often.

    Attributes
    ----------
    held_out
        The prompts of the dataset that are asked: all, or `max_prompts` of them.
    probes
        The general-ability prompts, which are asked of base and tuned alone.
    contenders
        How many models answer the held-out prompts.
    few_shot
        How many of the prompts the base model answers with examples before them, and the tokens of all.
    judged
        How many models' answers the judge judges: the one in production only where it may decide.
    requests
        All answers and judgements that are asked for. Two equal answers are not judged, and what is throttled
        is asked again. Evaluation jobs ask their judge themselves, at a pace of their own.
    """

    held_out: Prompts
    probes: int
    contenders: int
    requests: int
    judged: int = 0
    few_shot: Prompts = Prompts()

    @property
    def prompts(self) -> int:
        return self.held_out.count + self.probes

    @property
    def in_turn(self) -> int:
        """The requests that wait for another of the same prompt, and one of each prompt: all models are asked
        at once (`tunedrop.evaluation.inference.evaluate`)."""
        at_once = (self.contenders - 1) * self.held_out.count + self.probes + self.few_shot.count
        return self.requests - at_once


def workload(dataset: Dataset, run: Run, *, has_champion: bool) -> Workload:
    """What the evaluation of a run will ask.

    Parameters
    ----------
    has_champion
        Whether the run's name has a model in production that will be asked too.
    """
    settings = run.evaluation
    held_out = _selected(_held_out(dataset), settings.max_prompts)
    asked = settings.general_ability if dataset.test is not None else False
    probes = len(general_ability.questions(dataset.target_format, asked))
    contenders = 3 if has_champion else 2
    judged = (contenders if settings.judge_may_decide else 2) if settings.judge is not None else 0
    compares = settings.judge is not None and settings.judge.via == "converse"
    judgements = ORDERS_JUDGED * (judged - 1) * held_out.count if compares else 0
    few_shot = _few_shot(dataset, settings.few_shot, held_out)
    taught = held_out.unanswered if run.teacher is not None else 0
    return Workload(
        held_out=held_out,
        probes=probes,
        contenders=contenders,
        judged=judged,
        few_shot=few_shot,
        requests=contenders * held_out.count + 2 * probes + judgements + taught + few_shot.count,
    )


def conversations(dataset: Dataset, run: Run) -> int:
    """How many held-out conversations the evaluation of a run will ask at most."""
    return min(dataset.test.records, run.evaluation.max_prompts) if dataset.test is not None else 0


def undecidable(dataset: Dataset, run: Run, base_model: BaseModel) -> str:
    """Why the evaluation of a run could reach no verdict, and what to do; empty if it could."""
    count = conversations(dataset, run)
    if count >= FEWEST_UNITS:
        return ""
    enough = records_that_leave(FEWEST_UNITS, (), base_model.methods[dataset.method])
    return (
        f"{counted(count, 'held-out conversation')} cannot decide whether its model is better, which takes "
        f"{FEWEST_UNITS}, and it would not be promoted. Upload it again with {enough:,} records or more, or "
        f"with a test file of {FEWEST_UNITS} or more"
    )


def too_large(dataset: Dataset, run: Run) -> str:
    """Why a test set is more than an evaluation can hold, and what to do; empty if it is not.

    It is known before anything is paid: without it, the evaluation of a trained model runs out of memory,
    however often it is retried.
    """
    prompts = _held_out(dataset)
    if prompts.tokens > MOST_HELD_OUT_TOKENS:
        return (
            f"the prompts of the test set have {prompts.tokens:,} tokens, with what was said before each; an "
            f"evaluation reads at most {MOST_HELD_OUT_TOKENS:,}. Upload it again with a smaller test set"
        )
    asked = _selected(prompts, run.evaluation.max_prompts)
    if asked.tokens > MOST_ASKED_TOKENS:
        return (
            f"the {asked.count:,} prompts to be asked have {asked.tokens:,} tokens; an evaluation holds at "
            f"most {MOST_ASKED_TOKENS:,}. Upload it again with fewer evaluation.max_prompts"
        )
    return ""


def minutes(asked: Workload, stage: Stage, base_model: BaseModel) -> float | None:
    """How long asking all of it will take; None if the allowed pace is not known."""
    per_minute = requests_per_minute(stage, base_model)
    if not per_minute:
        return None
    functions = functions_that_ask(asked.prompts, stage, per_minute)
    return max(asked.requests / per_minute, asked.in_turn / (functions * REQUESTS_A_FUNCTION))


def outlasts_throughput(minutes: float | None, stage: Stage, way: Way) -> str:
    """Why the evaluation would end without a verdict because what serves the model is released before; empty
    if it would not."""
    seconds = 60 * (minutes or 0.0)
    if kinds.of(way).is_free_while_idle or seconds <= stage.throughput_expiry_seconds:
        return ""
    return (
        f"its evaluation takes {clock.about(seconds)}, and the provisioned throughput that serves its model "
        f"is released after {clock.about(stage.throughput_expiry_seconds).removeprefix('about ')} (setting "
        "throughput_expiry_seconds), so that there would be no verdict. Upload it again with fewer "
        "evaluation.max_prompts"
    )


def _held_out(dataset: Dataset) -> Prompts:
    """The prompts of the held-out split; one a record where nobody has counted them."""
    test = dataset.test
    if test is None:
        return Prompts()
    return test.prompts or Prompts(count=test.records, tokens=test.tokens, dense=test.dense, media=test.media)


def _few_shot(dataset: Dataset, examples: int, held_out: Prompts) -> Prompts:
    """The held-out prompts, each behind so many examples as long as training records are."""
    if not examples or dataset.target_format == "text":
        return Prompts()
    shown = examples * held_out.count / max(1, dataset.train.records)
    return Prompts(
        count=held_out.count,
        tokens=held_out.tokens + round(dataset.train.tokens * shown),
        dense=held_out.dense + round(dataset.train.dense * shown),
    )


def _selected(prompts: Prompts, most: int) -> Prompts:
    """At most this many of them, spread evenly."""
    return prompts if prompts.count <= most else prompts.share(most / prompts.count)
