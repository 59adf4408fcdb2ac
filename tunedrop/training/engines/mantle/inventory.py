"""The running jobs and the models of a stage, by the names of their training files; and unused files.

An unused file is left after a start that failed, or after a job that ended without a model: a copy of the
owner's data that is no longer needed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from tunedrop.aws.mantle import FILES, address
from tunedrop.stage import Stage
from tunedrop.training.engine import Leftover, LeftoverKind
from tunedrop.training.engines.mantle import files, jobs


def of_stage(mantle: Any, stage: Stage, kinds: Collection[LeftoverKind]) -> Iterator[Leftover]:
    """The stage's unused files, running jobs and models; jobs and models are found by their files.

    Raises
    ------
    ClientError
        If a list cannot be read.
    """
    ours = {one.id: one for one in files.every(mantle) if one.stage == stage.name}
    if not ours:
        return
    needed: set[str] = set()
    for file, job in jobs.of_files(mantle, ours):
        kind: LeftoverKind = "training job" if job.status == "InProgress" else "trained model"
        arn = job.arn if kind == "training job" else job.model_arn
        if arn:
            needed.add(file.id)
        if arn and kind in kinds:
            yield Leftover(
                kind=kind,
                arn=arn,
                name=job.name,
                status="InProgress" if kind == "training job" else "Active",
                run_id=file.run,
                created_at=job.started_at,
            )
    if "training file" in kinds:
        for id_, file in ours.items():
            if id_ not in needed:
                yield Leftover(
                    kind="training file",
                    arn=address(mantle.meta.region_name, FILES, id_),
                    name=file.job_name,
                    status="Unused",
                    run_id=file.run,
                    created_at=jobs.moment(file.created_at),
                )
