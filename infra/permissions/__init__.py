"""Permissions: the exact actions and resources of every function, and no more. A resource of `*` says why."""

from __future__ import annotations

from infra.functions import ANSWERER, EXPORTER, REWARDS, Functions
from infra.permissions.applications import ask_models
from infra.permissions.base import Resources
from infra.permissions.by_function import Grants

__all__ = ["Resources", "ask_models", "grant"]


def grant(functions: Functions, resources: Resources) -> None:
    """Grant every function its permissions."""
    grants = Grants(resources)
    if resources.chat is not None:
        for statement in grants.answer():
            functions[ANSWERER.name].add_to_role_policy(statement)
    if resources.settings.mlflow is not None:
        for statement in (*grants.export(), *grants.declared(EXPORTER.name)):
            functions[EXPORTER.name].add_to_role_policy(statement)
    if REWARDS.name in functions:
        functions[REWARDS.name].add_to_role_policy(grants.bedrock.grade("CallGraders"))
    for name, statements in grants.by_function().items():
        more = grants.declared(name)
        for statement in (*grants.data.registry(name), *statements, *more):
            functions[name].add_to_role_policy(statement)
    for statement in grants.bedrock.bedrock_role():
        resources.bedrock_role.add_to_principal_policy(statement)
