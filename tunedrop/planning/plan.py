"""The customization jobs of a run: usually one; several with training phases or a search."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tunedrop import naming
from tunedrop.contracts import Dataset, Method, Run

EPOCHS = ("epochCount", "max_epochs", "epoch", "n_epochs")
"""The engines' names for the number of epochs."""

_TRIES = ("trainingSamplePerPrompt", "rollout_n")
"""The engines' names for the number of samples per prompt."""


class PlannedJob(msgspec.Struct, frozen=True, kw_only=True):
    """One job of a run. `number` counts from 0; `title` is for people, and empty if there is only one."""

    number: int
    dataset: Dataset
    hyperparameters: dict[str, str]
    title: str = ""

    @property
    def method(self) -> Method:
        return self.dataset.method

    @property
    def epochs(self) -> float:
        """The number of epochs; 1 if the service chooses it (`auto`)."""
        return float(self._value_of(EPOCHS))

    @property
    def tries(self) -> int:
        """The number of samples per prompt and epoch in reinforcement."""
        return int(self._value_of(_TRIES))

    @property
    def millions(self) -> float:
        """Millions of trained tokens: those of the training set times epochs."""
        return self.dataset.train.tokens * self.epochs / 1e6

    def _value_of(self, names: tuple[str, ...]) -> str:
        """The hyperparameter with one of these names; default 1."""
        found = (self.hyperparameters.get(name) for name in names)
        return next((value for value in found if value and value != "auto"), "1")


def has_several_jobs(run: Run) -> bool:
    """Whether the run trains more than once."""
    return bool(run.earlier_stages or run.candidates)


def plan(run: Run, dataset: Dataset) -> tuple[PlannedJob, ...]:
    """All jobs of a run, in order. Training phases depend on each other; candidates of a search do not."""
    return tuple(_candidates(run, dataset) if run.candidates else _stages(run, dataset))


def stage_runs(run: Run) -> Iterator[Run]:
    """Each earlier training phase as a run, whose files are inside the run's."""
    for number, stage in enumerate(run.earlier_stages, start=1):
        yield msgspec.structs.replace(
            run,
            run_id=naming.stage_id(run.run_id, number),
            train=stage.train,
            validation=stage.validation,
            test=None,
            reading=stage.reading,
            method=stage.method,
            hyperparameters=stage.hyperparameters,
            earlier_stages=(),
        )


def _stages(run: Run, dataset: Dataset) -> Iterator[PlannedJob]:
    parts = [
        (stage.hyperparameters, data) for stage, data in zip(run.earlier_stages, dataset.earlier, strict=True)
    ]
    parts.append((run.hyperparameters, dataset))
    for number, (hyperparameters, data) in enumerate(parts):
        title = f"stage {number + 1} of {len(parts)}, {data.method}" if len(parts) > 1 else ""
        yield PlannedJob(number=number, dataset=data, hyperparameters=hyperparameters, title=title)


def _candidates(run: Run, dataset: Dataset) -> Iterator[PlannedJob]:
    searched = [name for name in run.hyperparameters if len({one[name] for one in run.candidates}) > 1]
    for number, values in enumerate(run.candidates):
        words = ", ".join(f"{name} {values[name]}" for name in searched)
        title = f"candidate {number + 1} of {len(run.candidates)}, {words}"
        yield PlannedJob(number=number, dataset=dataset, hyperparameters=values, title=title)
