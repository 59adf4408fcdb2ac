"""What each function may do, from the policies of the synthesized stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docs.reference.tables import page, table
from infra.diagram import ACCOUNT, REGION
from infra.functions import RECORDER, STEPS, WATCHERS, Declaration

_HEAD = """Every function has its own role, which allows only the actions and resources of its step; `<…>` is
a part of the stack. Every statement on the KMS key has the condition that the key is used through S3,
DynamoDB, SNS or Bedrock. A resource is `*` only if the action supports no resource (writing traces, Bedrock's
lists) or if the resource is itself a secret (a task token)."""

Resources = Mapping[str, Mapping[str, Any]]


def markdown(resources: Resources) -> str:
    """The functions in the order of the journey, then Bedrock's own roles.

    Parameters
    ----------
    resources
        Of a synthesized template, by logical id.
    """
    functions = [*STEPS, *WATCHERS, RECORDER]
    return page(
        "# Permissions",
        _HEAD,
        *(_function(resources, one) for one in functions),
        "## The role that Bedrock assumes to customize",
        "It reads a run's dataset and writes the training's output; only this account's customization jobs "
        "may use it.",
        _table(resources, _service_role(resources, "Bedrock")),
        "## The role that Bedrock assumes to judge",
        "It reads a run's answers, asks the judge and writes its ratings; only this account's evaluation "
        "jobs may use it.",
        _table(resources, _service_role(resources, "Evaluation")),
    )


def _function(resources: Resources, one: Declaration) -> list[str]:
    purpose = f"{one.purpose[0].upper()}{one.purpose[1:]}."
    return [f"## {one.name}", "", purpose, "", *_table(resources, _role_of(resources, one))]


def _table(resources: Resources, role: str) -> list[str]:
    return table(
        ("what for", "actions", "resources"),
        (
            (one.get("Sid", ""), _codes(one["Action"]), _codes(one["Resource"]))
            for one in statements(resources, role)
        ),
    )


def statements(resources: Resources, role: str) -> list[dict[str, Any]]:
    """Every statement of the policies of a role."""
    return [
        statement
        for one in resources.values()
        if one["Type"] == "AWS::IAM::Policy" and {"Ref": role} in one["Properties"]["Roles"]
        for statement in one["Properties"]["PolicyDocument"]["Statement"]
    ]


def _role_of(resources: Resources, one: Declaration) -> str:
    handler = f"lambdas.{one.name}.handler.handler"
    (role,) = [
        resource["Properties"]["Role"]["Fn::GetAtt"][0]
        for resource in resources.values()
        if resource["Type"] == "AWS::Lambda::Function" and resource["Properties"]["Handler"] == handler
    ]
    return str(role)


def _service_role(resources: Resources, construct: str) -> str:
    (role,) = [
        id_ for id_, one in resources.items() if one["Type"] == "AWS::IAM::Role" and id_.startswith(construct)
    ]
    return role


def _codes(values: Any) -> str:
    return "<br>".join(f"`{_plain(one)}`" for one in _list(values))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _plain(resource: Any) -> str:
    """`{"Fn::Join": …}` as `<Intake bucket>/runs/*`."""
    if isinstance(resource, str):
        return resource.replace(ACCOUNT, "<account>").replace(REGION, "<region>")
    ((function, value),) = resource.items()
    if function == "Fn::Join":
        return "".join(_plain(part) for part in value[1])
    name = value[0] if isinstance(value, list) else value
    return f"<{name[:-8]}>"  # without the hash of its path
