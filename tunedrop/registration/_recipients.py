"""The additional recipients of a run's notifications."""

from __future__ import annotations

import difflib

from tunedrop import escaping
from tunedrop.contracts import Run
from tunedrop.errors import InvalidManifest
from tunedrop.manifest import Manifest
from tunedrop.stage import Stage


def of_tenant(stage: Stage, tenant: str | None) -> tuple[str, ...]:
    """The notification group with the name of the uploader's tenant, if there is one."""
    return (tenant,) if tenant is not None and tenant in stage.notify else ()


def of(stage: Stage, run: Run, document: Manifest, tenant: str | None) -> tuple[str, ...]:
    """The run's recipients, with the groups and addresses that its manifest names. Tenants may name only
    their own.

    Raises
    ------
    InvalidManifest
        If the stage does not know one. A manifest cannot add addresses: otherwise anyone who may upload could
        make SNS write to anyone.
    """
    wanted = (document.notify,) if isinstance(document.notify, str) else document.notify
    groups = {name: stage.notify[name] for name in stage.notify if tenant in (None, name)}
    known = sorted({*groups, *(one for group in groups.values() for one in group)})
    for one in wanted:
        if one not in known:
            raise InvalidManifest(
                f"notify: the stage has no group {escaping.line(one)[:200]}; {_instead(one, known)}"
            )
    return tuple(dict.fromkeys((*run.notify, *wanted)))


def _instead(name: str, known: list[str]) -> str:
    if not known:
        return "its setting notify names groups of addresses, and has none for this upload"
    near = difflib.get_close_matches(name, known, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    return f"{meant}It has {', '.join(known[:20])} (setting notify)"
