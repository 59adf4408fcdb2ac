"""SageMaker AI as MiniStack sees it: one service, `sagemaker`."""

from __future__ import annotations

from functools import partial

from local import ministack
from local.bedrock.service import LocalService
from local.bedrock.wire import Operation, TargetRouter
from local.sagemaker import weights
from local.sagemaker.hub import Hub
from local.sagemaker.jobs import Jobs
from local.sagemaker.packages import Packages
from local.sagemaker.state import State, Tags


def services(state: State) -> dict[str, ministack.Service]:
    """The service, under MiniStack's name."""
    hub = Hub(partial(weights.publish, state.world))
    jobs, packages, tags = Jobs(state), Packages(state), Tags(state)
    operations: dict[str, Operation] = {
        "CreateTrainingJob": jobs.create,
        "DescribeTrainingJob": jobs.describe,
        "ListTrainingJobs": jobs.list,
        "StopTrainingJob": jobs.stop,
        "DeleteTrainingJob": jobs.delete,
        "DescribeHubContent": hub.describe,
        "ListHubContents": hub.list,
        "CreateModelPackageGroup": packages.create_group,
        "DescribeModelPackageGroup": packages.describe_group,
        "ListModelPackageGroups": packages.list_groups,
        "DeleteModelPackageGroup": packages.delete_group,
        "DescribeModelPackage": packages.describe,
        "ListModelPackages": packages.list,
        "DeleteModelPackage": packages.delete,
        "AddTags": tags.add,
        "ListTags": tags.list,
        "DeleteTags": tags.delete,
    }
    return {"sagemaker": LocalService(state.world, TargetRouter("sagemaker", operations, state.world.report))}
