"""Makes MiniStack authorize requests as AWS does: actions, resources and condition keys that it lacks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.services import tagging

from local.ministack.keys import by_way_of

Tags = Callable[[], Iterator[tuple[str, Mapping[str, str]]]]

ResourcesOf = Mapping[str, Callable[[str, str, Mapping[str, str], bytes, str, str], list[str]]]
"""By service: (method, path, headers, body, Region, account) to ARNs, or `action|ARN` of a further action."""

ActionsOf = Mapping[str, Callable[[str, str], str]]
"""By service: (method, path) to the IAM action."""

PARTITION_KEYS = ("pk", "run_id")
"""Of the stage's tables, each of which has one of these."""


def know_actions(actions_of: ActionsOf) -> None:
    """MiniStack derives the action of a request from botocore's models."""
    action_of = iam_actions.extract_iam_action

    def action(service: str, method: str, path: str, *more: Any, **named: Any) -> str | None:
        if service in actions_of:
            return actions_of[service](method, path) or None
        found: str | None = action_of(service, method, path, *more, **named)
        return found

    iam_actions.extract_iam_action = action


def know_resources(resources_of: ResourcesOf) -> None:
    """MiniStack checks most Bedrock actions against `*`; AWS checks them against the request's resources.

    The same is true for two more actions, of SSM and IAM. And it has an action bedrock:Converse, where AWS
    requires bedrock:InvokeModel.
    """
    action_of = iam_actions.extract_iam_action

    def action(*request: Any, **more: Any) -> str | None:
        found: str | None = action_of(*request, **more)
        return "bedrock:InvokeModel" if found == "bedrock:Converse" else found

    iam_actions.extract_iam_action = action
    resource_arn = iam_actions.extract_resource_arn

    def extract(
        service: str,
        method: str,
        path: str,
        headers: Any,
        body: bytes,
        query: Any,
        region_name: str,
        account_id: str,
    ) -> str:
        if service in resources_of:
            return " ".join(resources_of[service](method, path, headers, body, region_name, account_id))
        if service == "ssm" and str(headers.get("x-amz-target", "")).endswith(".GetParametersByPath"):
            return f"arn:aws:ssm:{region_name}:{account_id}:parameter{json.loads(body)['Path']}"
        if service == "iam" and (role := query.get("PolicySourceArn")):
            return str(role[0] if isinstance(role, list) else role)
        return str(resource_arn(service, method, path, headers, body, query, region_name, account_id))

    iam_actions.extract_resource_arn = extract
    _enforce_each_resource(frozenset(resources_of))


def _enforce_each_resource(services: frozenset[str]) -> None:
    """A request about several resources is allowed if each of them is; MiniStack supports one per request.

    An additional action that a request needs precedes its resource: `iam:PassRole|arn:aws:iam:...`.
    """
    enforce = iam_evaluator.enforce

    def enforced(
        key: str,
        action: str,
        service: str,
        region: str,
        *,
        resource_arn: str = "*",
        service_context: Mapping[str, Any] | None = None,
    ) -> Any:
        if service not in services:  # an S3 key may have any character
            return enforce(
                key, action, service, region, resource_arn=resource_arn, service_context=service_context
            )
        context = {**(service_context or {}), "iam:PassedToService": f"{service}.amazonaws.com"}
        context |= by_way_of(service, region)
        for one in resource_arn.split(" "):
            further, _, arn = one.rpartition("|")
            # With the service of the further action, a key's own policy counts too.
            denied = enforce(
                key, further or action, further.partition(":")[0] or service, region, resource_arn=arn,
                service_context=context if further else service_context,
            )  # fmt: skip
            if denied:
                return denied
        return None

    iam_evaluator.enforce = enforced


def know_leading_keys() -> None:
    """MiniStack has no dynamodb:LeadingKeys: the partition keys that a request names (developer guide,
    "Using IAM policy conditions for fine-grained access control"); of a query, the one that it asks for."""
    context_of = iam_actions.dynamodb_service_context

    def context(body: bytes) -> Any:
        found = context_of(body)
        if keys := list(_leading_keys(json.loads(body or b"{}"))):
            found["dynamodb:LeadingKeys"] = keys
        return found

    iam_actions.dynamodb_service_context = context


def _leading_keys(request: Mapping[str, Any]) -> Iterator[str]:
    for one in request.get("TransactItems", ()):
        for part in one.values():
            yield from _leading_keys(part)
    item = request.get("Key") or request.get("Item") or {}
    values = request.get("ExpressionAttributeValues", {})
    match = re.match(r"\(?\s*(#?\w+)\s*=\s*(:\w+)", request.get("KeyConditionExpression", ""))
    if match and "S" in values.get(match[2], {}):
        yield str(values[match[2]]["S"])
    for name in PARTITION_KEYS:
        if "S" in item.get(name, {}):
            yield str(item[name]["S"])
            return


def know_job_tags() -> None:
    """MiniStack reads the tags that a request gives where they are called `tags`; those of jobs and of the
    models that they make have unique names."""
    context_of = iam_actions.request_tag_context

    def context(service: str, iam_action: str, body: bytes, params: Any) -> Any:
        found = context_of(service, iam_action, body, params)
        if not service.startswith("bedrock") or body[:1] != b"{":
            return found
        request = json.loads(body)
        if service == "bedrock-mantle":
            return found | {"bedrock-mantle:Model": request.get("model", "")}
        given_as = ("jobTags", "customModelTags", "importedModelTags")
        tags = [tag for name in given_as for tag in request.get(name, ())]
        if tags:
            given = {f"aws:requesttag/{tag['key']}".lower(): tag["value"] for tag in tags}
            found = found | given | {"aws:TagKeys": [tag["key"] for tag in tags]}
        return found

    iam_actions.request_tag_context = context


def know_tags(tags: Tags) -> None:
    def collect() -> Iterator[tuple[str, list[dict[str, str]]]]:
        for arn, found in tags():
            yield arn, [{"Key": key, "Value": value} for key, value in found.items()]

    for service in ("bedrock", "sagemaker"):
        tagging._RESOURCE_TAG_COLLECTORS[service] = collect
