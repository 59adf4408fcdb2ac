"""Lists the base models that can be tuned here, best first, and why not the others."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from tunedrop import catalog
from tunedrop.advice.situation import Profile, Situation
from tunedrop.catalog.model import BaseModel
from tunedrop.catalog.tunable import obstacle
from tunedrop.contracts import Dataset, DatasetFile, Estimate, Method, Run, S3Object
from tunedrop.cost.estimate import estimate
from tunedrop.errors import PreflightFailed
from tunedrop.evaluation.workload import workload
from tunedrop.serving import choose, kinds
from tunedrop.training import engines

ASSUMED = Profile(method="single-turn", records=500, tokens=100_000, longest_tokens=1_000, held_out=50)
"""The data assumed for cost estimates when there is none: 500 examples of 200 tokens."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A base model that could be tuned. Money in US dollars; None without a dated price.

    `served` and `billed_by` are of the serving kind that would serve its models (`ServingKind`).
    `undeletable`: why its models cannot be deleted; empty if they can.
    """

    base_model: str
    name: str
    regions: tuple[str, ...]
    engine: str
    served: str
    billed_by: str
    estimate: Estimate | None
    hourly_usd: float | None
    fits: bool
    undeletable: str
    is_licensed: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def first_cost(self) -> float:
        """The known cost of a run."""
        return self.estimate.likely if self.estimate is not None else math.inf

    @property
    def unpriced(self) -> list[str]:
        """The items of a run without a dated price: no reason to take it for a cheap one."""
        return _unpriced(self.estimate)

    @property
    def is_priced(self) -> bool:
        return self.estimate is not None and not self.unpriced


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A base model with the method that cannot be tuned today: the reason, and an alternative."""

    base_model: str
    name: str
    reason: str
    instead: str


def left_out(method: Method) -> list[LeftOut]:
    """The base models with this method that cannot be tuned today."""
    return [
        LeftOut(base_model=model.id, name=model.name, reason=reason, instead=catalog.instead(model, method))
        for model in catalog.load().values()
        if method in model.methods and (reason := obstacle(model, method=method))
    ]


def candidates(situation: Situation, method: Method) -> list[Candidate]:
    """The base models that can be tuned by this method today, best first.

    Ordered by: whether they fit; whether they are served by the token, free while idle; whether they need no
    licence to be accepted; how many prices are unknown; cost.
    """
    data = situation.data or msgspec.structs.replace(ASSUMED, method=method)
    found = [_candidate(model, method, data, situation) for model in catalog.tunable(method)]
    return sorted(
        found,
        key=lambda one: (
            not one.fits, one.billed_by != "token", one.is_licensed, not one.is_priced,
            len(one.unpriced), one.first_cost,
        ),
    )  # fmt: skip


def _candidate(model: BaseModel, method: Method, data: Profile, situation: Situation) -> Candidate:
    remarks = list(_obstacles(model, method, data, situation))
    fits = not remarks
    found = _price(model, method, data)
    kind = next(iter(kinds.offered(model)), None)
    billed_by = kind.billed_by if kind is not None else "hour"
    hourly = kind.hourly_usd(model, 1, "none") if kind is not None else None
    if billed_by == "window":
        remarks.append(_imported(model))
    elif billed_by == "hour":
        rate = f"{hourly:g} USD an hour" if hourly is not None else "by the hour, at an unknown price"
        remarks.append(f"served by provisioned throughput only: {rate}, also while idle")
    if unpriced := _unpriced(found):
        remarks.append(f"no dated price is known for {', '.join(unpriced)}: the run will ask for approval")
    return Candidate(
        base_model=model.id,
        name=model.name,
        regions=model.regions_of(method),
        engine=model.engine_of(method),
        served=kind.title if kind is not None else "",
        billed_by=billed_by,
        estimate=found,
        hourly_usd=hourly,
        fits=fits,
        undeletable=engines.of(model, method).undeletable,
        is_licensed=bool(model.license),
        remarks=(
            *remarks,
            catalog.route(model, method),
            *(f"needs {one}" for one in catalog.needs(model, method)),
            *model.notes,
        ),
    )


def _unpriced(found: Estimate | None) -> list[str]:
    return [line.item for line in found.lines if not line.source] if found is not None else []


def _imported(model: BaseModel) -> str:
    """The cost of serving an imported model; its units are known after the import."""
    price = model.prices.imported_per_unit_minute
    rate = f"{5 * price.usd:.2f} USD a unit" if price is not None else "at an unknown price"
    return f"imported into Bedrock: billed for each five minutes of use, {rate}, and for its storage"


def _obstacles(model: BaseModel, method: Method, data: Profile, situation: Situation) -> Iterable[str]:
    rules = model.methods[method]
    if situation.region and situation.region not in (regions := model.regions_of(method)):
        yield f"can be tuned only in {', '.join(regions)}"
    if rules.max_record_tokens and data.longest_tokens > rules.max_record_tokens:
        yield (
            f"takes {rules.max_record_tokens:,} tokens a record; your longest has about "
            f"{data.longest_tokens:,}"
        )
    if rules.max_train_records and data.records > rules.max_train_records:
        yield f"takes {rules.max_train_records:,} records; you have {data.records:,}"


def _part(data: Profile, records: int) -> DatasetFile:
    whole = DatasetFile(uri="", records=data.records, tokens=data.tokens, media=data.media)
    return msgspec.structs.replace(whole.share(records / max(1, data.records)), records=records)


def _price(model: BaseModel, method: Method, data: Profile) -> Estimate | None:
    held_out = data.held_out or max(1, data.records // 10)
    kept = max(1, data.records - held_out)
    dataset = Dataset(
        method=method,
        source_format="",
        target_format="converse",
        content_hash="",
        train=_part(data, kept),
        test=_part(data, held_out),
    )
    nothing = S3Object(bucket="", key="")
    known = model.hyperparameters_of(method)
    run = Run(
        run_id="",
        name="",
        source=nothing,
        train=nothing,
        base_model=model.id,
        method=method,
        hyperparameters={name: one.written(one.default) for name, one in known.items()},
    )
    try:
        asked = workload(dataset, run, has_champion=False)
        return estimate(run, dataset, model, choose.way(model, run.deployment), asked)
    except (PreflightFailed, ValueError):
        return None
