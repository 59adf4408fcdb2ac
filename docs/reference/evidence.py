"""What stands behind each AWS call, id, quota and limit from an upload to its notification."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from docs.reference import local_bedrock
from docs.reference.tables import page, table
from infra.bundling import ROOT

OF_AN_OPERATION = {
    "bedrock:InvokeModel": ("Converse", "InvokeModel"),
    "bedrock-mantle:CreateInference": ("CreateChatCompletion",),
}
"""The operations that an action allows, where they are not one of its own name."""

_HEAD = """Every AWS call of the pipeline with the evidence that AWS answers it as we expect. Two things are
tested for every call and not repeated here: its permission, against AWS's Service Authorization Reference
(`tests/infra/test_authorization.py`), and its request, against botocore's service model (in every end-to-end
test).

**recorded** is a published response of a real account, **documented** an AWS page or service model,
**independent** an implementation by others (MiniStack, moto, LocalStack) that the named tests depend on,
**reported** a public report of AWS's behaviour, and **belief** our own assumption. A call, quota or limit
with no entry fails a test."""


class Evidence(msgspec.Struct, frozen=True):
    """By whose word something is so, and the tests that depend on it."""

    authority: str
    source: str = ""
    tests: tuple[str, ...] = ()

    @property
    def cells(self) -> tuple[str, str, str]:
        return self.authority, self.source, "<br>".join(f"`{one}`" for one in self.tests)


def rows(kind: str) -> list[dict[str, Any]]:
    """The rows of one kind: `call`, `command`, `id` or `limit`."""
    found: list[dict[str, Any]] = tomllib.loads((ROOT / "docs/reference/evidence.toml").read_text())[kind]
    return found


def of(row: Mapping[str, Any]) -> Evidence:
    return Evidence(row["authority"], row.get("source", ""), tuple(row.get("tests", ())))


def of_actions() -> dict[str, list[Evidence]]:
    """The evidence of every action that has some."""
    found = defaultdict[str, list[Evidence]](list)
    for row in rows("call"):
        for action in row["actions"]:
            found[action].append(of(row))
    for service in local_bedrock.SERVICES:
        answers = {one["operation"]: of(one) for one in local_bedrock.beliefs(service)["answer"]}
        allowed = {name for names in OF_AN_OPERATION.values() for name in names}
        for operation in sorted(answers.keys() - allowed):
            prefix = local_bedrock.PREFIXES.get(service, service)
            found[f"{prefix}:{operation}"].append(answers[operation])
        for action, operations in OF_AN_OPERATION.items():
            found[action] += [answers[one] for one in operations if one in answers]
    return found


def quotas() -> dict[str, str]:
    """The quotas of an account that the pipeline reads: code, and the name that AWS gives it."""
    code = re.compile(r"L-[0-9A-F]{8}")
    files = [*(ROOT / "tunedrop").rglob("*.py"), *(ROOT / "tunedrop").rglob("*.toml")]
    used = {found for file in files for found in code.findall(file.read_text())}
    recorded = (ROOT / "tests/recorded/service-quotas.json").read_bytes()
    names = {one["QuotaCode"]: one["QuotaName"] for one in msgspec.json.decode(recorded)["answer"]["Quotas"]}
    return {one: names.get(one, "") for one in sorted(used)}


def actions(resources: Mapping[str, Any]) -> set[str]:
    """Every action that a policy of the stack allows.

    Parameters
    ----------
    resources
        Of a synthesized template, by logical id.
    """
    return {
        action
        for one in resources.values()
        if one["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
        for statement in one["Properties"]["PolicyDocument"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }


def markdown(resources: Mapping[str, Any]) -> str:
    """The page."""
    return page(
        "# Evidence",
        _HEAD,
        "## Calls",
        table(("action", "authority", "source", "tests"), _calls(resources)),
        "## Calls of the command line",
        "Allowed by a person's own permissions, not by the stack's.",
        table(("action", "authority", "source", "tests"), _commands()),
        "## Ids",
        table(("id", "authority", "source", "tests"), ((one["what"], *of(one).cells) for one in rows("id"))),
        "## Quotas",
        "Codes and names are those of AWS's recorded list (`tests/recorded/service-quotas.json`).",
        table(("code", "name"), ((f"`{code}`", name) for code, name in quotas().items())),
        "## Limits",
        table(
            ("limit", "authority", "source", "tests"),
            ((one["what"], *of(one).cells) for one in rows("limit")),
        ),
    )


def _commands() -> Iterator[tuple[str, ...]]:
    for row in rows("command"):
        yield from ((f"`{action}`", *of(row).cells) for action in row["actions"])


def _calls(resources: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    known = of_actions()
    for action in sorted(actions(resources)):
        yield from ((f"`{action}`", *one.cells) for one in known.get(action, ()))
