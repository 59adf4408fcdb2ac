"""The step register_run: the upload that starts or resumes a run."""

from __future__ import annotations

from typing import Literal

import msgspec

from tunedrop.contracts._cost import Estimate
from tunedrop.contracts._dataset import Dataset
from tunedrop.contracts._run import Failure, Run
from tunedrop.contracts._training import CompletedJob, StartedJob

ResumePoint = Literal["validate_data", "preflight", "estimate_cost"]
"""The steps from which an ended run can be resumed. For an inconclusive run, validate_data checks the test
set, and no training follows. Resumed at estimate_cost, a run with a trained model is not trained again
either; its remaining cost is compared with the budgets."""


class Resume(msgspec.Struct, frozen=True, kw_only=True):
    """The step from which a run resumes, and the results that it already has."""

    point: ResumePoint
    dataset: Dataset | None = None
    estimate: Estimate | None = None
    started: StartedJob | None = None
    job: CompletedJob | None = None
    next_record: int = 0


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """`duplicate`: this upload already has a run. `ignored`: nothing to do. `refused`: see `failure`.

    `resumed`: a run that failed, was stopped or ended inconclusive is resumed; see `resume`. If it cannot be
    resumed because its model is gone, it is `refused` with both.
    """

    outcome: Literal["registered", "resumed", "duplicate", "ignored", "refused"]
    run: Run | None = None
    failure: Failure | None = None
    resume: Resume | None = None
