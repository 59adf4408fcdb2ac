"""Counts the examples: available, required and useful."""

from __future__ import annotations

from tunedrop.advice.situation import Profile
from tunedrop.advice.statement import OURS, Statement
from tunedrop.catalog.method import MethodRules
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import EvaluationSettings
from tunedrop.dataset.prepare.split import records_that_leave
from tunedrop.evaluation.statistics.power import FEWEST_UNITS, TYPICAL_SPREAD, detectable, records_for

TELLING = 0.05
"""An improvement that an evaluation should be able to detect."""


def examples(data: Profile | None, base_model: BaseModel, rules: MethodRules) -> list[Statement]:
    """The examples that the base model requires, that are recommended, and that an evaluation needs."""
    if data is None:
        most = rules.max_train_records
        at_most = f"; {most:,} at most" if most else ""
        return [
            Statement(
                says=f"Collect {_wanted(rules):,} examples or more{at_most}.",
                because=f"{base_model.name} accepts {rules.min_train_records:,}"
                f"{_recommended(rules)}. {_to_decide(rules)}",
                source=_page(rules),
            ),
            _to_evaluate(0),
        ]
    statements = [_enough(data, base_model, rules)]
    if data.duplicates:
        statements.append(
            Statement(
                says=f"{data.duplicates:,} of them are duplicates: each counts once.",
                because="A duplicate teaches nothing new but is billed each time",
            )
        )
    statements.append(_to_evaluate(data.held_out))
    return statements


def records_to_tell(improvement: float) -> int:
    """The number of held-out records that detect such an improvement with 80% power, at the default
    settings."""
    defaults = EvaluationSettings()
    return records_for(improvement, defaults.min_improvement, defaults.confidence)


def _enough(data: Profile, base_model: BaseModel, rules: MethodRules) -> Statement:
    least, good, most = rules.min_train_records, rules.recommended_records, rules.max_train_records
    source = _page(rules)
    if data.records < least:
        return Statement(
            says=f"{least - data.records:,} more examples are needed: you have {data.records:,}.",
            because=f"{base_model.name} requires at least {least:,}",
            source=source,
        )
    if most and data.records > most:
        return Statement(
            says=f"Remove {data.records - most:,} of {data.records:,} examples.",
            because=f"{base_model.name} accepts at most {most:,}; choose the best and most diverse ones",
            source=source,
        )
    if data.held_out < FEWEST_UNITS:
        return Statement(
            says=f"{data.held_out:,} held-out examples are too few for a verdict: write a test file of "
            f"{FEWEST_UNITS} or more, or collect {_wanted(rules):,} examples or more without one.",
            because=f"{base_model.name} accepts your {data.records:,}{_recommended(rules)}. "
            f"{_to_decide(rules)}",
            source=source,
        )
    if data.records < good:
        return Statement(
            says=f"You have {data.records:,} examples; {good - data.records:,} more would be better.",
            because=f"{good:,} are recommended for {base_model.name}; quality beats quantity",
            source=source,
        )
    return Statement(
        says=f"Your {data.records:,} examples are enough to start.",
        because="From here on, quality counts: review the warnings of tunedrop check before you add more",
        source=OURS,
    )


def _page(rules: MethodRules) -> str:
    return f"{rules.source.page} (read {rules.source.read_on})"


def _wanted(rules: MethodRules) -> int:
    """The number of records that is recommended, and that leaves enough held-out ones for a verdict."""
    return max(rules.recommended_records, records_that_leave(FEWEST_UNITS, (), rules))


def _recommended(rules: MethodRules) -> str:
    good = rules.recommended_records
    return f"; {good:,} are recommended" if good > rules.min_train_records else ""


def _to_decide(rules: MethodRules) -> str:
    enough = records_that_leave(FEWEST_UNITS, (), rules)
    return (
        f"The verdict needs {FEWEST_UNITS} held-out examples or more, and so {enough:,} examples without a "
        "test file"
    )


def _to_evaluate(held_out: int) -> Statement:
    needed, fewer = records_to_tell(TELLING), records_to_tell(2 * TELLING)
    have = ""
    if held_out:
        settings = EvaluationSettings()
        found = detectable(held_out, settings.min_improvement, settings.confidence)
        tells = f"they detect one of {found:.0%}" if found < 1 else "too few for any verdict"
        have = f" (about {held_out:,} of yours will be held out: {tells})"
    return Statement(
        says=f"Hold out about {fewer:,} examples to detect an improvement of {2 * TELLING:.0%}, {needed:,} "
        f"for one of {TELLING:.0%}{have}.",
        because="These numbers detect it four times in five, if an improvement of "
        f"{EvaluationSettings().min_improvement:.0%} is required. Assumes a standard deviation of "
        f"{TYPICAL_SPREAD} per prompt",
    )
