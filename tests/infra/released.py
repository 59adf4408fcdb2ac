"""What a release leaves in an account, kept to hold later versions against: `python -m tests.infra.released`.

Run it when a version is released, after its section of the changelog has a date. It writes
`tests/recorded/release-VERSION.json`: what identifies the resources of the prod stage, the definition of the
state machine, and recorded runs with the results of the functions of that version.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from infra.bundling import ROOT
from infra.diagram import definition_of
from tests.infra.conftest import REGION, synthesize
from tunedrop import __version__

RECORDED = ROOT / "tests" / "recorded"
HOLDS_DATA = frozenset({"AWS::S3::Bucket", "AWS::DynamoDB::GlobalTable", "AWS::KMS::Key"})
RUNS = ("approval", "shards")
SETTINGS: dict[str, Any] = {"chat_notifications": True, "notification_emails": ["ana@example.com"]}
"""Beside those of the prod stage, so that the optional resources are there too."""


def identities(template: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """By logical id: the type, the properties that CloudFormation cannot change in place, and for resources
    that hold data the policies and all properties."""
    return {id_: _identity(one) for id_, one in sorted(template["Resources"].items())}


def names(identity: Mapping[str, Any]) -> dict[str, Any]:
    """The names that the template fixes, of those properties that CloudFormation cannot change in place."""
    fixed = identity["fixed"].items()
    return {key: value for key, value in fixed if key.endswith("Name") and isinstance(value, str)}


def prod(folder: Path) -> dict[str, Any]:
    """The template that is compared."""
    return synthesize(folder, "prod", **SETTINGS)


def _identity(resource: Mapping[str, Any]) -> dict[str, Any]:
    properties = resource.get("Properties", {})
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource["Type"]).schema
    paths = [path.split("/")[2:] for path in schema.get("createOnlyProperties", [])]
    fixed = {path[0]: properties[path[0]] for path in paths if path[0] in properties}
    found = {"type": resource["Type"], "fixed": fixed}
    if resource["Type"] in HOLDS_DATA:
        policies = {key: resource.get(key) for key in ("DeletionPolicy", "UpdateReplacePolicy")}
        found |= {**policies, "properties": properties}
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        template = prod(Path(folder))
    runs = json.loads((RECORDED / "runs.json").read_text())
    release = {
        "resources": identities(template),
        "definition": definition_of(template),
        "runs": {name: runs[name] for name in RUNS},
    }
    file = RECORDED / f"release-{__version__}.json"
    file.write_text(json.dumps(release, separators=(",", ":"), sort_keys=True) + "\n")
    print(file.relative_to(ROOT))


if __name__ == "__main__":
    main()
