"""All that the local SageMaker knows: training jobs, model package groups, packages, hubs, their tags."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local import ministack
from local.bedrock.wire import Refusal
from local.bedrock.world import World


@dataclass
class Group:
    """A model package group and the number of the version that was made last."""

    arn: str
    name: str
    created: datetime
    description: str
    tags: dict[str, str] = field(default_factory=dict)
    last_version: int = 0


@dataclass
class Package:
    """A version in a group: what was tuned, by which technique, and where its weights are, if it has any."""

    arn: str
    group: str
    version: int
    created: datetime
    weights: str
    model: str
    technique: str
    peft: str
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Content:
    """What a hub of the account's holds."""

    arn: str
    name: str
    version: str
    created: datetime
    schema: str
    document: str
    is_seen: bool = False


@dataclass
class PrivateHub:
    """A hub of the account's, with its contents by name."""

    arn: str
    name: str
    created: datetime
    description: str
    contents: dict[str, Content] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


class State:
    """The state of one SageMaker, in memory; its clock, quotas and faults are the world's."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.jobs: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, Group] = {}
        self.packages: dict[str, Package] = {}
        self.hubs: dict[str, PrivateHub] = {}

    def tags(self) -> Iterator[tuple[str, dict[str, str]]]:
        """All resources with tags, and their tags."""
        with self.world.lock:
            found = [(one.arn, one.tags) for one in self.groups.values()]
            found += [(one.arn, one.tags) for one in self.packages.values()]
            found += [(one.arn, one.tags) for one in self.hubs.values()]
            found += [(arn, job["_tags"]) for arn, job in self.jobs.items()]
        yield from found

    def tags_of(self, arn: str) -> dict[str, str]:
        """The tags of one resource, to be changed in place."""
        for one, tags in self.tags():
            if one == arn:
                return tags
        raise Refusal("ValidationException", "Requested resource not found.")


class Tags:
    """The operations on tags."""

    def __init__(self, state: State) -> None:
        self._state = state

    def add(self, request: dict[str, Any]) -> dict[str, Any]:
        tags = self._state.tags_of(request["ResourceArn"])
        tags.update(tags_in(request))
        return {"Tags": written(tags)}

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"Tags": written(self._state.tags_of(request["ResourceArn"]))}

    def delete(self, request: dict[str, Any]) -> dict[str, Any]:
        tags = self._state.tags_of(request["ResourceArn"])
        for key in request["TagKeys"]:
            tags.pop(key, None)
        return {}


def tags_in(request: dict[str, Any]) -> dict[str, str]:
    """The tags that a request gives."""
    return {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}


def written(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as SageMaker writes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def here(kind: str, name: str) -> str:
    """The ARN of something of the account and Region of the request."""
    return f"arn:aws:sagemaker:{ministack.region()}:{ministack.account()}:{kind}/{name}"


def page(found: list[dict[str, Any]], request: dict[str, Any], entries: str) -> dict[str, Any]:
    """One page of a list, with the token of the next."""
    size, start = int(request.get("MaxResults", 10)), int(request.get("NextToken") or 0)
    more = {"NextToken": str(start + size)} if len(found) > start + size else {}
    return {entries: found[start : start + size], **more}
