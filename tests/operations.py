"""The AWS operations that the product's code calls, by the names of botocore's clients."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import botocore.session
from botocore import xform_name

from infra.bundling import ROOT
from tunedrop.aws.actions import OTHER_NAMES

SERVICES = ("bedrock", "bedrock-runtime", "sagemaker", "s3", "dynamodb", "sns", "stepfunctions", "events",
            "ssm", "service-quotas", "pricing", "lambda", "sts", "iam", "kms")  # fmt: skip
OUR_WORDS = {"search", "query", "scan", "publish", "sign", "stop_job", "delete_model", "get_group"}
"""Operations whose names are words of our own code, too."""

CODE = [*(ROOT / "tunedrop").rglob("*.py"), *(ROOT / "lambdas").rglob("*.py")]
PEOPLES = ("cli", "doctor", "notebook")
"""The packages that run with a person's permissions."""


@cache
def _known() -> dict[str, dict[str, str]]:
    """Operations by the name of their method, with the prefix of the service's actions."""
    session, found = botocore.session.get_session(), dict[str, dict[str, str]]()
    for service in SERVICES:
        model = session.get_service_model(service)
        for operation in model.operation_names:
            found.setdefault(xform_name(operation), {})[model.signing_name] = operation
    return found


def called(files: Iterable[Path]) -> Iterator[tuple[str, set[str]]]:
    """Each operation with the actions that may allow it; several where services share the name."""
    names = {
        name
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(name := getattr(node, "attr", getattr(node, "value", None)), str) and name in _known()
    }
    for name in sorted(names - OUR_WORDS):
        services = _known()[name]
        actions = {
            action
            for prefix, operation in services.items()
            for action in OTHER_NAMES.get(operation, f"{prefix}:{operation}").split(" and ")
        }
        yield next(iter(services.values())), actions


def of_functions() -> list[Path]:
    """The modules that functions of a stage run."""
    return [file for file in CODE if file.relative_to(ROOT).parts[1] not in PEOPLES]
