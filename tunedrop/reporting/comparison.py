"""Compares runs: common and different settings, and scores on the same prompts.

Each run is compared with the first, on prompts with the same reference that both were evaluated on. Test sets
split off different data have few or none in common.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tunedrop import naming
from tunedrop.aws import Aws
from tunedrop.contracts import Score
from tunedrop.evaluation.inference import predictions
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import Prediction
from tunedrop.evaluation.scoring import metrics
from tunedrop.evaluation.statistics import power
from tunedrop.evaluation.statistics.sample import Levels, Sample
from tunedrop.registry import Record
from tunedrop.registry.summaries import Summary, summary
from tunedrop.stage import Stage

Key = tuple[tuple[tuple[str, str], ...], str, str]
"""The conversation before a prompt, the prompt and its reference identify equal prompts of two runs."""


class Against(msgspec.Struct, frozen=True, kw_only=True):
    """One run compared with the first: the first's scores are `base`, this one's `tuned`.

    `prompts` is the number of common prompts, `units` of independent ones among them; `scores` begin with the
    metric that decided for the first run and are empty without common prompts.
    """

    run_id: str
    prompts: int
    units: int = 0
    scores: tuple[Score, ...] = ()


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt that all runs have in common: each model's answer with its score, in the order of the runs."""

    prompt: str
    reference: str
    before: tuple[str, ...] = ()
    base: str = ""
    answers: tuple[str, ...]
    scores: tuple[float, ...]

    @property
    def spread(self) -> float:
        """The range of the models' scores on this prompt."""
        return max(self.scores) - min(self.scores)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One setting or fact, by run; `differs` if the values are not all equal."""

    name: str
    values: tuple[str, ...]
    differs: bool


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What `compare --format json` prints. `answers` are to the prompts that all runs share, the largest
    differences first."""

    runs: tuple[Summary, ...]
    settings: tuple[Difference, ...]
    metric: str
    against_first: tuple[Against, ...]
    answers: tuple[Answers, ...]

    def is_incomparable(self, one: Against) -> bool:
        """Whether this run and the first were both evaluated, but on no common prompt."""
        evaluated = {row.run_id for row in self.runs if row.score}
        return not one.prompts and {self.runs[0].run_id, one.run_id} <= evaluated


def compare(aws: Aws, stage: Stage, records: Sequence[Record], production: Mapping[str, str]) -> Comparison:
    """Compare two runs or more, from the registry and their predictions."""
    asked = [_asked(aws, stage, record) for record in records]
    rows = tuple(summary(record, production) for record in records)
    metric = _metric(rows, asked)
    return Comparison(
        runs=rows,
        settings=tuple(_differences(rows)),
        metric=metric,
        against_first=tuple(
            _against(row, asked[0], other, metric, rows[0].run.evaluation.confidence)
            for row, other in zip(rows[1:], asked[1:], strict=True)
        ),
        answers=tuple(_answers(asked, metric)),
    )


def _asked(aws: Aws, stage: Stage, record: Record) -> dict[Key, Prediction]:
    key = naming.predictions_key(record.run.run_id)
    found = predictions.read(aws.s3, stage.artifacts_bucket, key)
    return {_key(one): one for one in found if not one.probe and not one.failed}


def _key(one: Prediction) -> Key:
    return tuple((said.role, said.text) for said in one.before), one.prompt, one.reference


def _metric(rows: Sequence[Summary], asked: Sequence[Mapping[Key, Prediction]]) -> str:
    """The deciding metric of the first run if it scores single answers; else one that fits the references."""
    named = next((one.metric for one in rows if one.metric in metrics.METRICS), "")
    references = [key[2] for key in (asked[0] if asked else ())]
    return named or (metrics.choose(references, "auto") if references else "")


def _differences(rows: Sequence[Summary]) -> list[Difference]:
    """The settings of the runs, different ones first."""
    names = sorted({name for row in rows for name in row.hyperparameters})
    facts: dict[str, list[str]] = {
        "base model": [row.base_model for row in rows],
        "method": [row.method for row in rows],
        **{name: [row.hyperparameters.get(name, "") for row in rows] for name in names},
        "records": [f"{row.trained_on_records:,}" for row in rows],
        "dataset hash": [row.dataset_hash for row in rows],
        "held out": [f"{row.held_out_records:,}" for row in rows],
        "minimal improvement": [f"{row.run.evaluation.min_improvement:g}" for row in rows],
        "serving": [row.run.deployment.mode for row in rows],
        "cost (USD)": [row.cost for row in rows],
    }
    found = [
        Difference(name=name, values=tuple(values), differs=len(set(values)) > 1)
        for name, values in facts.items()
    ]
    return sorted(found, key=lambda one: not one.differs)


def _against(
    row: Summary,
    first: Mapping[Key, Prediction],
    other: Mapping[Key, Prediction],
    metric: str,
    confidence: float,
) -> Against:
    pairs = [
        msgspec.structs.replace(one, base=one.tuned, tuned=other[key].tuned)
        for key, one in first.items()
        if key in other
    ]
    if not pairs:
        return Against(run_id=row.run_id, prompts=0)
    sample = Sample(pairs)
    alpha = power.alpha_of(confidence, 1)
    names = dict.fromkeys([metric, *(name for name in metrics.SHOWN[sample.task] if name != "macro_f1")])
    scores = tuple(
        sample.paired(name).score(Levels(alpha, alpha)) for name in names if name in metrics.METRICS
    )
    return Against(run_id=row.run_id, prompts=len(pairs), units=len(set(sample.units)), scores=scores)


def _answers(asked: Sequence[Mapping[Key, Prediction]], metric: str) -> list[Answers]:
    common = [key for key in (asked[0] if asked else ()) if all(key in one for one in asked)]
    if not common:
        return []
    scorer = Sample([asked[0][key] for key in common]).scorer(metric)
    found = [
        Answers(
            prompt=key[1],
            reference=key[2],
            before=tuple(f"{role}: {text}" for role, text in key[0]),
            base=_text(asked[0][key].base),
            answers=tuple(_text(one[key].tuned) for one in asked),
            scores=tuple(scorer(key[2], _text(one[key].tuned)) for one in asked),
        )
        for key in common
    ]
    return sorted(found, key=lambda one: -one.spread)


def _text(answer: Answer) -> str:
    return answer.text
