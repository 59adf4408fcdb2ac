"""The assumptions of the embedded Bedrock and SageMaker about AWS, with their sources."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

from docs.reference.tables import page, table
from infra.bundling import ROOT

SERVICES = {"bedrock": "Bedrock", "mantle": "bedrock-mantle", "sagemaker": "SageMaker"}
"""The folders below `local` of the services that are ours."""

PREFIXES = {"mantle": "bedrock-mantle"}
"""How the actions of a service begin, where not by the folder's name."""

_HEAD = """The embedded AWS replaces Bedrock, bedrock-mantle and SageMaker. The tests check every request and
response against botocore's shapes (those of bedrock-mantle with OpenAI's own client), and every permission
against AWS's Service Authorization Reference. This page lists the remaining assumptions, each with its
evidence: **recorded** is a published response of a real account (`tests/recorded/`), **documented** is an
AWS page or service model, **reported** is a public report of AWS's behaviour, and **belief** is our own
assumption.

With an account, `tunedrop doctor --compare-local` sends the pipeline's read-only requests to AWS and prints
the responses that differ."""


def beliefs(service: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of a service, by what they are about."""
    return tomllib.loads((ROOT / "local" / service / "beliefs.toml").read_text())


def markdown() -> str:
    """The page: of each service one table for each kind of row."""
    parts = [part for service in SERVICES for part in _service(service)]
    return page("# Assumptions of the embedded AWS", _HEAD, *parts)


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
