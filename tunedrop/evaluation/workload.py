"""The number of requests of an evaluation and its duration, known before anything is paid."""

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

MOST_HELD_OUT_TOKENS = 640_000_000
"""Maximum for all prompts of a test file. Each has what was said before it, but the prompts of a conversation
share its messages in memory: what counts is that every function that sends requests reads them, at 0.15 s a
million (measured 2026-11-30)."""

MOST_ASKED_TOKENS = 16_000_000
"""Maximum for the selected prompts: evaluate_model keeps them and all answers in memory
(`infra.functions`)."""


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """The requests of an evaluation.

    Attributes
    ----------
    held_out
        The selected prompts of the dataset: all, or `max_prompts` of them.
    probes
        The number of general-ability prompts, which only the base and the tuned model get.
    contenders
        The number of models that answer the held-out prompts.
    few_shot
        The prompts that the base model answers with examples before them, and their tokens.
    judged
        The number of models whose answers are judged, including the production model only if the judge may
        decide.
    requests
        The number of answers and judgements. In fact, equal answers are not judged, and throttled requests
        are repeated. Evaluation jobs call their judge themselves, at their own rate.
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
        """The number of requests in sequence: all models get a prompt at the same time
        (`tunedrop.evaluation.inference.evaluate`), so that only one of these requests counts."""
        at_once = (self.contenders - 1) * self.held_out.count + self.probes + self.few_shot.count
        return self.requests - at_once


def workload(dataset: Dataset, run: Run, *, has_champion: bool) -> Workload:
    """The requests of the evaluation of a run.

    Parameters
    ----------
    has_champion
        Whether the run's name has a production model, which gets the prompts too.
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
    """The maximum number of held-out conversations that the evaluation of a run uses."""
    return min(dataset.test.records, run.evaluation.max_prompts) if dataset.test is not None else 0


def undecidable(dataset: Dataset, run: Run, base_model: BaseModel) -> str:
    """Why the evaluation of a run cannot reach a verdict, and what to do; empty if it can."""
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
    """Why a test set is too large for an evaluation, and what to do; empty if it is not.

    Without this check before anything is paid, the evaluation of the trained model would run out of memory
    or time, also when it is retried. What the stage has held out itself is small enough to be read
    (`tunedrop.dataset.prepare.split.MAX_TEST_RECORDS`).
    """
    prompts = _held_out(dataset)
    has_test_file = run.test is not None or run.more_test is not None
    if has_test_file and prompts.tokens > MOST_HELD_OUT_TOKENS:
        return (
            f"the prompts of the test set have {prompts.tokens:,} tokens, with what was said before each; an "
            f"evaluation reads at most {MOST_HELD_OUT_TOKENS:,}. Give a smaller test file (data.test in the "
            "manifest)"
        )
    asked = _selected(prompts, run.evaluation.max_prompts)
    if asked.tokens > MOST_ASKED_TOKENS:
        return (
            f"the {asked.count:,} prompts to be asked have {asked.tokens:,} tokens; an evaluation holds at "
            f"most {MOST_ASKED_TOKENS:,}. Upload it again with fewer evaluation.max_prompts, or with shorter "
            "records in data.test"
        )
    return ""


def minutes(asked: Workload, stage: Stage, base_model: BaseModel) -> float | None:
    """The duration of all requests in minutes; None if the allowed rate is not known."""
    per_minute = requests_per_minute(stage, base_model)
    if not per_minute:
        return None
    functions = functions_that_ask(asked.prompts, stage, per_minute)
    return max(asked.requests / per_minute, asked.in_turn / (functions * REQUESTS_A_FUNCTION))


def outlasts_throughput(minutes: float | None, stage: Stage, way: Way) -> str:
    """Why the evaluation would end without a verdict, because the model's throughput is released before
    its end; empty if it would not."""
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
    """The prompts of the held-out split; one per record if they have not been counted."""
    test = dataset.test
    if test is None:
        return Prompts()
    return test.prompts or Prompts(count=test.records, tokens=test.tokens, dense=test.dense, media=test.media)


def _few_shot(dataset: Dataset, examples: int, held_out: Prompts) -> Prompts:
    """The held-out prompts, each with `examples` training records of average length before it."""
    if not examples or dataset.target_format == "text":
        return Prompts()
    shown = examples * held_out.count / max(1, dataset.train.records)
    return Prompts(
        count=held_out.count,
        tokens=held_out.tokens + round(dataset.train.tokens * shown),
        dense=held_out.dense + round(dataset.train.dense * shown),
    )


def _selected(prompts: Prompts, most: int) -> Prompts:
    """At most `most` of the prompts, spread evenly."""
    return prompts if prompts.count <= most else prompts.share(most / prompts.count)
