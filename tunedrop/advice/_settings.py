"""Initial hyperparameters: the base model's defaults, unless its vendor recommends others."""

from __future__ import annotations

from tunedrop.advice.situation import Profile
from tunedrop.advice.statement import HYPERPARAMETERS, NOVA, Statement
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Method

RECORDS_A_WARMUP_STEP = {"Nova Micro": 640, "Nova Lite": 160, "Nova Pro": 320}
"""Nova guidance: warm-up steps are about the number of records divided by this (Nova user guide, read
2026-11-23)."""
FEW, MANY = 1_000, 5_000

Settings = dict[str, str]


def settings(data: Profile | None, base_model: BaseModel, method: Method) -> tuple[Settings, list[Statement]]:
    """Hyperparameters by their names in Bedrock's API, with reasons."""
    known = base_model.hyperparameters_of(method)
    chosen = {name: one.written(one.default) for name, one in known.items()}
    statements = [
        Statement(
            says=f"Start with {base_model.name}'s defaults: {_listed(chosen) or 'it has none'}.",
            because="Change one setting at a time, and only after the loss curves of a first run",
            source=HYPERPARAMETERS,
        )
    ]
    if base_model.family != "nova" or data is None:
        return chosen, statements
    changed = _nova(data, base_model, chosen)
    if changed:
        statements.append(
            Statement(
                says=f"For {data.records:,} records set {_listed(changed)}.", because=_why(data), source=NOVA
            )
        )
    return chosen | changed, statements


def _nova(data: Profile, base_model: BaseModel, defaults: Settings) -> Settings:
    wanted: Settings = {}
    if "epochCount" in defaults and data.records > MANY:
        wanted["epochCount"] = "1"
    warmup = base_model.hyperparameters.get("learningRateWarmupSteps")
    if warmup is not None and (records := RECORDS_A_WARMUP_STEP.get(base_model.name)):
        steps = min(warmup.maximum, max(warmup.minimum, round(data.records / records)))
        wanted["learningRateWarmupSteps"] = f"{steps:g}"
    return {name: value for name, value in wanted.items() if value != defaults.get(name)}


def _why(data: Profile) -> str:
    if data.records > MANY:
        return f"Above {MANY:,} records one epoch is enough; warm-up grows with the number of records"
    few = ". Below 1,000, repeating the data can help more than epochs do" if data.records < FEW else ""
    return f"Up to {MANY:,} records two epochs are recommended; warm-up grows with the number of records{few}"


def _listed(chosen: Settings) -> str:
    return ", ".join(f"{name} {value}" for name, value in chosen.items())
