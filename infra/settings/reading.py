"""Reads the settings of a stage from `cdk.json`, context key `stages`, and refuses wrong ones."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from infra.settings import contradictions
from infra.settings.contradictions import SettingsError
from infra.settings.stage import Settings, StageSettings
from tunedrop import wrong_values


def check(settings: Settings, where: str) -> None:
    """Refuse settings with wrong types or values, which Python does not check on construction.

    Parameters
    ----------
    where
        The beginning of the message, such as the construct's path.

    Raises
    ------
    SettingsError
        The message names the key.
    """
    try:
        msgspec.convert(msgspec.to_builtins(settings), type(settings))
    except msgspec.ValidationError as error:
        raise SettingsError(f"{where}{_explain(error, msgspec.to_builtins(settings))}") from error
    contradictions.refuse(where, settings)


def read(stages: Any, name: Any) -> StageSettings:
    """The settings of one stage.

    Parameters
    ----------
    stages
        The context value `stages`: an object of stages by name.
    name
        The context value `stage`.

    Raises
    ------
    SettingsError
        If there is no such stage, or a key or value is invalid; the message names the key.
    """
    if not isinstance(stages, Mapping) or not stages:
        raise SettingsError('cdk.json: context.stages must be an object such as {"dev": {...}}')
    if name is None:
        deployable = [
            one for one in stages if not (isinstance(stages[one], Mapping) and stages[one].get("local"))
        ]
        raise SettingsError(f"say which stage: -c stage=NAME; cdk.json has {', '.join(deployable or stages)}")
    if name not in stages:
        raise SettingsError(
            f"cdk.json: there is no stage {name!r}; {contradictions.hint(str(name), list(stages))}"
        )
    where = f"cdk.json: stages.{name}"
    given = stages[name]
    if not isinstance(given, Mapping):
        raise SettingsError(f"{where} must be an object")
    _refuse_unknown_keys(where, given)
    try:
        settings = msgspec.convert({**given, "name": name}, StageSettings)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{where}{_explain(error, given)}") from error
    contradictions.refuse(where, settings)
    _refuse_a_shared_channel(where, settings, stages)
    return settings


def environment(settings: StageSettings) -> dict[str, str | None]:
    """Account and Region to deploy to: the stage's own, else those of the CDK CLI's credentials."""
    return {
        "account": settings.account or os.environ.get("CDK_DEFAULT_ACCOUNT"),
        "region": settings.region or os.environ.get("CDK_DEFAULT_REGION"),
    }


def _refuse_unknown_keys(where: str, given: Mapping[str, Any]) -> None:
    known = [field for field in StageSettings.__struct_fields__ if field != "name"]
    for key in given:
        if key not in known:
            raise SettingsError(f"{where}.{key} is not a setting; {contradictions.hint(key, known)}")


def _refuse_a_shared_channel(where: str, settings: StageSettings, stages: Mapping[str, Any]) -> None:
    """An account can configure a channel once ("has already been configured for AWS account": awscc provider
    of Terraform, issue 1011; cloudformation-coverage-roadmap, issue 1155; read 2026-11-30)."""
    for name, other in stages.items():
        if name == settings.name or not isinstance(other, Mapping):
            continue
        accounts = {settings.account, other.get("account")} - {None}
        for key in ("slack", "teams"):
            ours = msgspec.to_builtins(getattr(settings, key))
            if ours is not None and ours == other.get(key) and len(accounts) < 2:
                raise SettingsError(
                    f"{where}.{key}: stage {name} has this channel, and an account can configure it once: "
                    "set chat_notifications here instead, and add this stage's ChatTopic to the channel in "
                    "the console"
                )


def _explain(error: msgspec.ValidationError, given: Mapping[str, Any]) -> str:
    """msgspec's messages end with the path, as in "Expected `int`, got `str` - at `$.budget_usd`", or "… - at
    `key` in `$.tags`"."""
    found = re.fullmatch(r"(.*) - at `(?:(key)` in `)?\$(.*?)`", str(error), flags=re.DOTALL)
    message, of_key, path = found.groups() if found is not None else (str(error), None, "")
    top = path.lstrip(".").partition(".")[0].partition("[")[0]
    kinds = {field.name: field.type for field in msgspec.structs.fields(StageSettings)}
    what = wrong_values.not_among(given.get(top), kinds.get(top))
    what = what or wrong_values.in_words(message, StageSettings)
    return f"{path}{' (a key of it)' if of_key else ''}: {what}"
