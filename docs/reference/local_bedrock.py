"""What the local Bedrock holds to be true of AWS's, and by whose word."""

from __future__ import annotations

import tomllib
from typing import Any

from docs.reference.tables import page, table
from infra.bundling import ROOT

_HEAD = """The embedded AWS answers for Bedrock in place of AWS. Every answer is held against botocore's
output shapes, every request against its input shapes, and every permission against AWS's Service
Authorization Reference; a violation fails the tests. What that leaves open is listed here, each row with its
authority: **recorded** is an account's public answer (`tests/recorded/`), **documented** is AWS's own page or
service model, **reported** is somebody's public account of what Bedrock did, **belief** is only our word.

With an account, `tunedrop doctor --compare-local` asks AWS the questions that the pipeline asks and prints
what differs from these answers."""


def beliefs() -> dict[str, list[dict[str, Any]]]:
    """The rows, by what they are about."""
    return tomllib.loads((ROOT / "local" / "bedrock" / "beliefs.toml").read_text())


def markdown() -> str:
    """The page: one table for each kind of row."""
    parts = []
    for title, name, key in (
        ("Answers", "answer", "operation"),
        ("Refusals", "refusal", "text"),
        ("Durations", "duration", "name"),
        ("Behaviour", "behaviour", "what"),
    ):
        rows = ((f"`{one[key]}`" if key != "what" else one[key], one["authority"], one.get("source", ""))
                for one in beliefs()[name])  # fmt: skip
        parts += [f"## {title}", table((key, "authority", "source"), rows)]
    return page("# What the local Bedrock believes", _HEAD, *parts)
