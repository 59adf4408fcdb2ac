"""Changes to the rules, from a file or a manifest; fails if they are invalid."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tunedrop.cli.exits import NO, USAGE
from tunedrop.cli.output import fail
from tunedrop.contracts import RuleSettings
from tunedrop.dataset.rules import settings
from tunedrop.errors import InvalidManifest
from tunedrop.manifest import yaml_document


def read(path: Path | None) -> RuleSettings:
    """Read them from a file: `severity` and `thresholds`, at the top level or under `rules` as in a
    manifest."""
    if path is None:
        return RuleSettings()
    try:
        document = yaml_document.plain(yaml_document.parse(path.read_bytes(), path.name))
        found = msgspec.convert(document.get("rules", document), RuleSettings)
    except (OSError, InvalidManifest, msgspec.ValidationError) as error:
        fail(f"--rules {path}: {error}", USAGE, 'Write, for example: {"severity": {"TD061": "error"}}')
    for wrong in settings.problems(found):
        fail(f"--rules {path}: {wrong}", USAGE)
    return found


def of_manifest(own: RuleSettings, stage: RuleSettings | None = None) -> RuleSettings:
    """The manifest's changes on top of the stage's."""
    try:
        return settings.resolved(stage or RuleSettings(), own)
    except InvalidManifest as error:
        fail(str(error), NO)
