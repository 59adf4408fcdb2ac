"""MiniStack (1.5.33) with our own services in it. This package and `local.differences` use its private names,
which a contract test watches."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from ministack import app
from ministack.core import iam_actions, responses
from ministack.services import cloudwatch, eventbridge

from local import caching, differences
from local.ministack import authorization, functions, processes, schedules
from local.ministack.authorization import ActionsOf, ResourcesOf, Tags
from local.ministack.credentials import assume_role, on_behalf_of
from local.ministack.functions import OnCall, Response

__all__ = [
    "Response",
    "Service",
    "account",
    "assume_role",
    "count",
    "on_behalf_of",
    "put_event",
    "region",
    "serve",
]

Handler = Callable[[str, str, Mapping[str, str], bytes, Mapping[str, Any]], Awaitable[Response]]


class Service(Protocol):
    """What MiniStack requires of a service module."""

    @property
    def handle_request(self) -> Handler: ...

    def reset(self) -> None: ...


ADDED = ("servicequotas", "pricing", "sagemaker", "bedrock-mantle")
"""The services that MiniStack does not have."""


def serve(
    services: Mapping[str, Service],
    resources_of: ResourcesOf,
    actions_of: ActionsOf,
    tags: Tags,
    clock_speed: float,
    on_call: OnCall,
    folder: Path,
) -> None:
    """Run the emulator with our own services until it is stopped.

    Parameters
    ----------
    services
        By MiniStack's name of the module, such as `bedrock`.
    resources_of
        The IAM resources of requests to our services.
    actions_of
        The IAM action of requests to services without a botocore model.
    tags
        Every tagged resource of our services, for policies with `aws:ResourceTag`.
    clock_speed
        Seconds of AWS that pass in one second here; schedules follow it.
    on_call
        Called at every AWS call of a deployed function.
    folder
        The folder for caches.
    """
    app._loaded_modules.update(services)
    # MiniStack has none of these; requests are routed by the service that they are signed for.
    for name in ADDED:
        app.SERVICE_HANDLERS[name] = services[name].handle_request
    for name in ("sagemaker", "bedrock-mantle"):
        iam_actions.SERVICE_TO_IAM_NAMESPACE[name] = name
    authorization.know_actions(actions_of)
    authorization.know_resources(resources_of)
    authorization.know_tags(tags)
    authorization.know_job_tags()
    authorization.know_leading_keys()
    functions.intercept_calls(on_call)
    processes.patch()
    functions.keep_error_types()
    functions.fail_tasks_of_failed_functions()
    differences.patch()
    caching.patch(folder / "unpacked", set(ADDED))
    schedules.speed_up(min(clock_speed, schedules.FASTEST))
    # With TLS on, MiniStack would also use port 443, which is not wanted.
    app._port_is_bindable = lambda *_: False
    app.main()


def account() -> str:
    """The account of the request that this thread serves."""
    return str(responses.get_account_id())


def region() -> str:
    """The Region of the request that this thread serves."""
    return str(responses.get_region())


def count(namespace: str, metric: str, **dimensions: str) -> None:
    """Add one to a metric of an AWS service in CloudWatch, in the account and Region of the request."""
    cloudwatch.record_metric(namespace, metric, 1.0, "Count", dimensions)


def put_event(
    account_id: str,
    region_name: str,
    source: str,
    detail_type: str,
    resources: list[str],
    detail: Mapping[str, Any],
) -> None:
    """Publish an event as an AWS service does; its source may begin with `aws.`."""
    responses.set_request_account_id(account_id)
    responses.set_request_region(region_name)
    entry = {
        "Source": source,
        "DetailType": detail_type,
        "Resources": resources,
        "Detail": json.dumps(detail),
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
