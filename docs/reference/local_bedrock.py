"""What the local Bedrock and SageMaker hold to be true of AWS's, and by whose word."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

from docs.reference.tables import page, table
from infra.bundling import ROOT

SERVICES = {"bedrock": "Bedrock", "sagemaker": "SageMaker"}
"""The folders below `local` of the services that are ours."""

_HEAD = """The embedded AWS answers for Bedrock and SageMaker in place of AWS. Every answer is held against
botocore's output shapes, every request against its input shapes, and every permission against AWS's Service
Authorization Reference; a violation fails the tests. What that leaves open is listed here, each row with its
authority: **recorded** is an account's public answer (`tests/recorded/`), **documented** is AWS's own page or
service model, **reported** is somebody's public account of what AWS did, **belief** is only our word.

With an account, `tunedrop doctor --compare-local` asks AWS the questions that the pipeline asks and prints
what differs from these answers."""


def beliefs(service: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of a service, by what they are about."""
    return tomllib.loads((ROOT / "local" / service / "beliefs.toml").read_text())


def markdown() -> str:
    """The page: of each service one table for each kind of row."""
    parts = [part for service in SERVICES for part in _service(service)]
    return page("# What the embedded AWS believes", _HEAD, *parts)


def _service(service: str) -> Iterator[str | list[str]]:
    for title, name, key in (
        ("Answers", "answer", "operation"),
        ("Refusals", "refusal", "text"),
        ("Durations", "duration", "name"),
        ("Behaviour", "behaviour", "what"),
    ):
        rows = ((f"`{one[key]}`" if key != "what" else one[key], one["authority"], one.get("source", ""))
                for one in beliefs(service)[name])  # fmt: skip
        yield f"## {SERVICES[service]}: {title.lower()}"
        yield table((key, "authority", "source"), rows)
