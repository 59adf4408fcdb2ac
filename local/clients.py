"""Lets the very many clients of botocore that a process makes here share what is the same for each.

Private names of botocore, whose version is pinned.
"""

from __future__ import annotations

import functools
from typing import Any

import botocore.endpoint_provider
import botocore.hooks
import botocore.loaders
import botocore.session
from botocore.client import ClientCreator


@functools.cache
def share() -> None:
    """Read each service's model and endpoints, make its methods, and name each event once."""
    botocore.session.create_loader = functools.cache(botocore.loaders.create_loader)
    # Most of what it is asked about are botocore's own handlers; few of a client are kept alive.
    botocore.hooks.accepts_kwargs = functools.lru_cache(maxsize=256)(botocore.hooks.accepts_kwargs)
    _share_names_of_events()
    _share_models_and_methods()
    _share_rules_of_endpoints()


def _share_names_of_events() -> None:
    begin, names = botocore.hooks.EventAliaser.__init__, dict[str, str]()

    def begun(aliaser: Any, *given: Any, **more: Any) -> None:
        begin(aliaser, *given, **more)
        aliaser._alias_name_cache = names

    botocore.hooks.EventAliaser.__init__ = begun


def _share_models_and_methods() -> None:
    load, make = ClientCreator._load_service_model, ClientCreator._create_methods
    models: dict[tuple[Any, str, str | None], Any] = {}
    methods: dict[Any, dict[str, Any]] = {}

    def loaded(creator: Any, service: str, api_version: str | None = None) -> Any:
        key = (creator._loader, service, api_version)
        if key not in models:
            models[key] = load(creator, service, api_version)
        return models[key]

    def made(creator: Any, model: Any) -> dict[str, Any]:
        if model not in methods:
            methods[model] = make(creator, model)
        return dict(methods[model])  # the class that they become adds to them

    ClientCreator._load_service_model, ClientCreator._create_methods = loaded, made


def _share_rules_of_endpoints() -> None:
    begin = botocore.endpoint_provider.RuleSet.__init__
    read: dict[int, tuple[Any, dict[str, Any]]] = {}

    def begun(ruleset: Any, version: Any, parameters: Any, rules: Any, *more: Any, **others: Any) -> None:
        if id(rules) not in read:
            begin(ruleset, version, parameters, rules, *more, **others)
            read[id(rules)] = rules, vars(ruleset)  # who keeps the rules keeps their id
        vars(ruleset).update(read[id(rules)][1])

    botocore.endpoint_provider.RuleSet.__init__ = begun
