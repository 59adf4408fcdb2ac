"""SageMaker AI as MiniStack sees it: one service, `sagemaker`."""

from __future__ import annotations

from functools import partial
from typing import Any

from local import ministack
from local.bedrock.service import LocalService
from local.bedrock.wire import Operation, TargetRouter
from local.sagemaker import weights
from local.sagemaker.hub import PUBLIC_HUB, Hub
from local.sagemaker.jobs import Jobs
from local.sagemaker.packages import Packages
from local.sagemaker.private_hubs import PrivateHubs
from local.sagemaker.state import State, Tags


def services(state: State) -> dict[str, ministack.Service]:
    """The service, under MiniStack's name."""
    hub = Hub(partial(weights.publish, state.world))
    hubs = PrivateHubs(state)
    jobs, packages, tags = Jobs(state), Packages(state), Tags(state)
    operations: dict[str, Operation] = {
        "CreateTrainingJob": jobs.create,
        "DescribeTrainingJob": jobs.describe,
        "ListTrainingJobs": jobs.list,
        "StopTrainingJob": jobs.stop,
        "DeleteTrainingJob": jobs.delete,
        "CreateHub": hubs.create,
        "DescribeHub": hubs.describe,
        "DeleteHub": hubs.delete,
        "ImportHubContent": hubs.import_content,
        "DeleteHubContent": hubs.delete_content,
        "DescribeHubContent": lambda request: _hub_of(request, hub, hubs).describe_content(request),
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


def _hub_of(request: dict[str, Any], public: Hub, own: PrivateHubs) -> Hub | PrivateHubs:
    """AWS's own hub, or the account's."""
    return public if str(request["HubName"]).rpartition("/")[2] == PUBLIC_HUB else own
