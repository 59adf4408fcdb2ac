"""Checks the service quotas that a run needs; some are 0 by default.

Which they are, the engines and the serving modes of the base models know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tunedrop.aws import Aws, inference_quotas
from tunedrop.aws.quotas import Quotas, Use, read, request
from tunedrop.catalog.model import BaseModel
from tunedrop.doctor._finding import Finding, State, asked
from tunedrop.serving import kinds
from tunedrop.training import engines

ABOUT = "Service quotas"


def check(aws: Aws, models: Iterable[BaseModel], jobs_at_once: int) -> Iterator[Finding]:
    """Check the quotas that these base models need.

    Parameters
    ----------
    jobs_at_once
        How many jobs the stage runs at once (`customization_quota`).
    """
    needed = list(models)
    yield from asked(ABOUT, "quotas", lambda: _of_bedrock(aws, needed, jobs_at_once))


def _of_bedrock(aws: Aws, models: list[BaseModel], jobs_at_once: int) -> Iterator[Finding]:
    quotas = read(aws)
    region = str(aws.session.region_name)
    for name in engines.names_of(one.id for one in models):
        engine = engines.named(name)
        mine = [one for one in models if name in map(one.engine_of, one.methods)]
        yield from asked(
            ABOUT,
            f"quotas of {name}",
            lambda engine=engine, mine=mine: (  # type: ignore[misc]
                _finding(quotas, use, region) for use in engine.uses(aws, mine, jobs_at_once)
            ),
        )
    for model in models:
        daily = inference_quotas.per_day(quotas, model.inference_id) if model.inference_id else None
        if daily is not None:
            counts, cure = f"tokens per day of {model.name}", inference_quotas.CURE
            use = Use(code=daily.code, counts=counts, used=0, needed=1, quota=daily, cure=cure)
            yield _finding(quotas, use, region)
    for kind in kinds.every():
        served = [one for one in models if kind.serves(one)]
        needed = [one for one in served if kinds.offered(one)[0] is kind]
        if not served:
            continue
        why = "" if needed else f"; needed only with deployment.mode: {kind.mode}"
        for use in kind.uses(aws.bedrock, quotas, needed):
            yield _finding(quotas, use, region, "bad" if needed else "note", why)


def _finding(quotas: Quotas, use: Use, region: str, state: State = "bad", why: str = "") -> Finding:
    """Whether a quota has room; `state` and `why` if it has none."""
    quota = use.quota or quotas.get(use.code)
    hint = ""
    if quota is None:
        state = "unknown"
        detail = f"Service Quotas does not list {use.code or 'it'}; check its console, under {use.service}"
    elif quota.value >= use.needed:
        state, detail = "good", f"{use.used} of {quota.amount} used" if use.used else quota.amount
    else:
        detail = f"{quota.amount} in total, {use.used} used; {use.needed} needed{why}"
        hint = use.cure or "It cannot be raised: delete what is not needed"
        if quota.adjustable and not use.cure:
            hint = request(quota.code, use.needed, region, use.service)
    return Finding(about=ABOUT, name=use.counts, state=state, detail=detail, hint=hint)
