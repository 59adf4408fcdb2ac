"""Finds settings that contradict each other, or that AWS would refuse during deployment."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tunedrop import catalog, naming
from tunedrop.catalog.tunable import obstacle
from tunedrop.dataset.rules import settings as rule_settings
from tunedrop.training import engines

if TYPE_CHECKING:
    from infra.settings.stage import Settings

Wrong = Iterator[tuple[str, str]]
"""The key of an invalid setting, and the problem."""

MOST_RECIPIENTS = 199
"""SNS takes 200 filter policies a topic by default (developer guide, subscription-filter-policy-constraints,
read 2026-11-30); one is for receipts."""

MOST_GROUPS = 149
"""A filter policy has at most 150 values (the same page); one is the address itself."""

LONGEST_TAGS = 4_000
"""Bytes of all keys and values: about 120 resources carry them, in a template of at most 1 MB (CloudFormation
user guide, cloudformation-limits, read 2026-11-30)."""

_BOUNDARY = re.compile(r"[\w+=,.@/-]{1,512}")


class SettingsError(Exception):
    """The settings do not describe a stage; the message names the key and what is wrong with it."""


def refuse(where: str, settings: Settings) -> None:
    """Refuse settings whose combination is invalid.

    Parameters
    ----------
    where
        The beginning of messages, such as the construct's path.

    Raises
    ------
    SettingsError
        The message names the key.
    """
    _refuse_models(where, settings)
    for contradictions in (
        _of_judge, _of_budgets, _of_buckets, _of_tenants, _of_places, _of_roles_and_tags, _of_recipients,
    ):  # fmt: skip
        for key, what in contradictions(settings):
            raise SettingsError(f"{where}.{key}{what}")


def _refuse_models(where: str, settings: Settings) -> None:
    try:
        base_model = catalog.find(settings.default_base_model)
    except LookupError as error:
        raise SettingsError(f"{where}.default_base_model: {error.args[0]}") from error
    # The clock of the embedded AWS may be before a base model became Legacy.
    if not settings.local and (closed := obstacle(base_model)):
        instead = catalog.instead(base_model)
        raise SettingsError(f"{where}.default_base_model: {base_model.id} {closed}. {instead}")
    for name in settings.engines:
        # Engines that are not offered yet can be tried on the embedded AWS.
        offered = [one.name for one in engines.every()]
        known = [one for one in offered if settings.local or not catalog.engines()[one].closed]
        if name not in known:
            raise SettingsError(f"{where}.engines: {name} is not an engine; {hint(name, known)}")
    trains = dict.fromkeys(map(base_model.engine_of, base_model.methods))
    if not trains.keys() & {*settings.engines}:
        raise SettingsError(
            f"{where}.default_base_model: {base_model.id} is tuned by {' and '.join(trains)}, and the "
            "setting engines has none of them"
        )
    for name in settings.accept_eula:
        try:
            catalog.find(name)
        except LookupError as error:
            raise SettingsError(f"{where}.accept_eula: {error.args[0]}") from error
    for wrong in rule_settings.problems(settings.rules):
        raise SettingsError(f"{where}.rules.{wrong}")
    if (region := getattr(settings, "region", None)) is not None:
        refuse_region(where, settings, region)


def refuse_region(where: str, settings: Settings, region: str) -> None:
    """Refuse a Region where the default base model is not customized, or an engine tunes nothing.

    Raises
    ------
    SettingsError
        The message names the key.
    """
    if settings.local:
        return
    base_model = catalog.find(settings.default_base_model)
    if region not in base_model.regions:
        raise SettingsError(
            f"{where}.region: {base_model.id} is customized in {' and '.join(base_model.regions)}, "
            f"not in {region}"
        )
    for name in settings.engines:
        regions = catalog.regions_of_engine(name)
        if region not in regions:
            raise SettingsError(
                f"{where}.engines: {name} tunes in {' and '.join(regions)}, and the stage is in {region}"
            )


def _of_judge(settings: Settings) -> Wrong:
    """A judge must be priced: its calls count in the budget of every run that uses the stage's."""
    known = catalog.judges()
    if settings.judge and not any(settings.judge in one.names for one in known):
        usable = ", ".join(one.lifecycle_id for one in known)
        yield "judge", f": {settings.judge} is not an active model with known token prices; such are {usable}"


def _of_budgets(settings: Settings) -> Wrong:
    if settings.budget_usd > settings.monthly_budget_usd:
        yield "budget_usd", " (of one run) is more than monthly_budget_usd (of all)"
    for tenant, budget in settings.tenant_budgets_usd.items():
        key = f"tenant_budgets_usd.{tenant}"
        if tenant not in settings.tenants:
            yield key, f": {tenant} is not in tenants; {hint(tenant, list(settings.tenants))}"
        if budget > settings.monthly_budget_usd:
            yield key, " is more than monthly_budget_usd (of all)"


def _of_buckets(settings: Settings) -> Wrong:
    own = {
        key: name
        for key in ("intake_bucket", "artifacts_bucket")
        if (name := getattr(settings, key)) is not None
    }
    if len(set(own.values())) < len(own):
        yield "artifacts_bucket", " is intake_bucket; who may upload could then change results"
    for key, name in own.items():
        if ".." in name or re.fullmatch(r"[0-9.]+", name):
            yield key, f": S3 has no bucket {name}"
        if name in settings.data_buckets:
            yield "data_buckets", f": {name} is {key} already"
    if settings.data_bucket_keys and not settings.data_buckets:
        yield "data_bucket_keys", " are the keys of data_buckets, and there is none"


def _of_tenants(settings: Settings) -> Wrong:
    """Prefixes must be in a bucket that the functions may read."""
    readable = {*settings.data_buckets, *filter(None, [settings.intake_bucket])}
    for tenant, prefixes in settings.tenants.items():
        for prefix in prefixes:
            bucket = prefix.removeprefix("s3://").partition("/")[0]
            if bucket not in readable:
                yield f"tenants.{tenant}", f": {bucket} is not in data_buckets"


def _of_places(settings: Settings) -> Wrong:
    """Resources must be in the stage's account and Region, if the settings have these."""
    place = [getattr(settings, "region", None), getattr(settings, "account", None)]
    arns = [("kms_key", settings.kms_key), *(("graders", one) for one in settings.graders)]
    for key, arn in arns:
        for wanted, found in zip(place, (arn or "").split(":")[3:5], strict=False):
            if wanted is not None and wanted != found:
                yield key, f": {arn} is in {found}, and the stage in {wanted}"


def _of_roles_and_tags(settings: Settings) -> Wrong:
    boundary = settings.permissions_boundary
    if boundary is not None and not _BOUNDARY.fullmatch(boundary):
        yield "permissions_boundary", f" is the name of a managed policy in the account, not {boundary}"
    for key in settings.tags:
        if key.startswith(naming.OUR_TAGS):
            yield (
                "tags",
                f": {key} is not for you to set; {naming.OUR_TAGS} is how the stage finds what is its own",
            )

    if (size := len("".join(key + value for key, value in settings.tags.items()).encode())) > LONGEST_TAGS:
        yield (
            "tags",
            (
                f": their keys and values are {size:,} bytes, and the stack's template has room for "
                f"{LONGEST_TAGS:,}: shorten them"
            ),
        )


def _of_recipients(settings: Settings) -> Wrong:
    """Those of `notify` get what is theirs by the filter policies of their subscriptions."""
    named = {one for group in settings.notify.values() for one in group} - {*settings.notification_emails}
    if len(named) > MOST_RECIPIENTS:
        what = f" has {len(named)} addresses, and SNS filters for {MOST_RECIPIENTS}: name mailing lists"
        yield "notify", what
    for one in sorted(named):
        groups = sum(one in group for group in settings.notify.values())
        if groups > MOST_GROUPS:
            yield (
                "notify",
                f": {one} is in {groups} groups, and SNS filters for {MOST_GROUPS}: add it to "
                "notification_emails, which get everything",
            )


def hint(key: str, known: list[str]) -> str:
    """The closest known key, else all."""
    near = difflib.get_close_matches(key, known, n=1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known) or 'none'}"
