"""Preflight check of the jobs' role: may it read the dataset and write the output?"""

from __future__ import annotations

from tunedrop import naming
from tunedrop.aws import Aws
from tunedrop.contracts import Check, Dataset, Run
from tunedrop.preflight._simulation import denial
from tunedrop.stage import Stage


def check(aws_: Aws, stage: Stage, run: Run, dataset: Dataset, role: str) -> Check:
    """What IAM's simulator says about the files of all stages of a pipeline."""
    datasets = (*dataset.earlier, dataset)
    asked = [("s3:GetObject", naming.key_of(one.train.uri)) for one in datasets]
    asked.append(("s3:PutObject", naming.training_prefix(run.run_id) + "metrics.csv"))
    objects = f"arn:aws:s3:::{stage.artifacts_bucket}"
    denied = [
        f"{action} on {key} ({why})"
        for action, key in asked
        if (why := denial(aws_.iam, stage.region, role, action, f"{objects}/{key}"))
    ]
    return Check(
        name="data access",
        passed=not denied,
        detail=f"the role of its jobs, {role}: "
        f"{'may not ' + ', '.join(denied) if denied else 'may read the data and write its output'}",
        hint="Deploy the stage again: the role is part of it; then look for a denying policy",
    )
