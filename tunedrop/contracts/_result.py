"""The step notify: the result of a run, for people and for programs."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from tunedrop.contracts._cost import ActualCost, Estimate
from tunedrop.contracts._dataset import Dataset
from tunedrop.contracts._evaluation import Evaluation, Losses, Promotion, Score
from tunedrop.contracts._run import Failure, Run
from tunedrop.contracts._serving import Released, Serving
from tunedrop.contracts._training import CompletedJob, Fit, StartedJob

Outcome = Literal["promoted", "rejected", "inconclusive", "failed", "stopped", "refused"]
"""The results of a run. The user can fix `refused` (data, manifest, budget), but not `failed`."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict of an attempt at a run; `outcome` is how that attempt ended."""

    attempt: int
    outcome: str
    evaluation: Evaluation


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """All data of a run at its end; results of skipped steps are None. `earlier` is the verdict of an earlier
    attempt, which counts if this one has none."""

    run: Run
    dataset: Dataset | None = None
    estimate: Estimate | None = None
    started: StartedJob | None = None
    job: CompletedJob | None = None
    serving: Serving | None = None
    evaluation: Evaluation | None = None
    promotion: Promotion | None = None
    released: Released | None = None
    failure: Failure | None = None
    cost: ActualCost | None = None
    fit: Fit | None = None
    earlier: Verdict | None = None

    @property
    def standing(self) -> Verdict | None:
        """The verdict of an earlier attempt, if this one has ended without its own."""
        has_own = self.evaluation is not None and self.evaluation.done
        return None if has_own else self.earlier

    @property
    def hyperparameters(self) -> dict[str, str]:
        """The hyperparameters that the evaluated model was trained with."""
        return hyperparameters_of(self.run, self.started)


def hyperparameters_of(run: Run, started: StartedJob | None) -> dict[str, str]:
    """The hyperparameters of a run's model; of a search, those of the chosen candidate."""
    chosen = [one.hyperparameters for one in started.series if one.chosen] if started is not None else []
    return {**run.hyperparameters, **(chosen[-1] if chosen else {})}


RESULT_NAMES: dict[type, str] = {
    get_args(field.type)[0]: field.name for field in msgspec.structs.fields(Ending) if get_args(field.type)
}
"""The name of each result of a run, by its type: a variable of the workflow, an attribute in the registry.
This is the only place that defines these names."""

WORKFLOW_RESULTS = tuple(name for name in RESULT_NAMES.values() if name not in ("cost", "fit", "earlier"))
"""The results that are variables of the workflow; notify adds the others."""


class RunEnded(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended, for other programs: the detail of the event `Tunedrop Run Ended`, and the message
    attribute `detail` of the notification.

    Events are delivered at least once; `id` is the same in every delivery. `version` changes if a field
    changes its meaning; fields may be added. Fields of steps that a run did not reach are empty, 0 or null.
    """

    version: Literal["1"] = "1"
    id: str
    stage: str
    run_id: str
    name: str
    attempt: int
    outcome: Outcome
    sentence: str
    uploaded_by: str = ""
    created_at: str = ""
    base_model: str = ""
    method: str = ""
    dataset_hash: str = ""
    metric: str = ""
    scores: tuple[Score, ...] = ()
    champion: Score | None = None
    held_out_records: int = 0
    losses: Losses | None = None
    fit: Fit | None = None
    model_arn: str = ""
    alias: str = ""
    previous_model_arn: str = ""
    in_service: tuple[str, ...] = ()
    estimated_usd: float | None = None
    cost_usd: float | None = None
    failure: Failure | None = None
    execution_arn: str = ""
    report_uri: str = ""
    evaluation_uri: str = ""
    predictions_uri: str = ""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """The published notification. `sent` is False if it had been published before."""

    run_id: str
    outcome: Outcome
    subject: str
    sent: bool
    report_uri: str = ""
