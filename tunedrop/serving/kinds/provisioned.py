"""Provisioned throughput: billed per hour and model unit, even while idle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from tunedrop import catalog, clock, naming
from tunedrop.aws.quotas import Quota, Quotas, Shortage, Use
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Commitment
from tunedrop.serving.kind import Behind, CannotSwap, Demand, Listing, Served, ServingKind, Wanted
from tunedrop.serving.permissions import by_function, of_applications

NO_COMMITMENT_UNITS = "L-BE77399C"

UNITS_A_MODEL = {"meta.llama3-1-8b-instruct-v1:0:128k": "L-3632DE15"}
"""The quota codes of model units per provisioned model, if known; others are found by name."""

COMMITMENTS: dict[Commitment, str] = {"1-month": "OneMonth", "6-months": "SixMonths"}
"""The API's `commitmentDuration`, which is omitted for no commitment."""


def commitment_of(duration: str) -> Commitment:
    """The commitment of the API's name."""
    return next((name for name, value in COMMITMENTS.items() if value == duration), "none")


class Provisioned(ServingKind):
    """CreateProvisionedModelThroughput. Quota codes: AWS General Reference and cloud-custodian's test README,
    read 2026-11-23."""

    way = "provisioned"
    arns = (":provisioned-model/",)
    listings = (
        Listing(
            "throughput", "list_provisioned_model_throughputs", "provisionedModelSummaries",
            "provisionedModelArn", "provisionedModelName", "creationTime", model_arn="modelArn",
        ),
    )  # fmt: skip
    title = mode = "provisioned"
    terms = "served by the hour only"
    billed_by = "hour"
    of_every_stage = True
    permissions = by_function("Throughput", "ProvisionedModelThroughput", "provisioned-model")
    applications = of_applications("Throughput", "provisioned-model")
    # Waiting does not help in an account without units.
    quota_frees_up = False
    quota_hint = (
        f"No-commitment model units are 0 by default: ask for some in Service Quotas, {NO_COMMITMENT_UNITS}, "
        "and for the model's own units per provisioned model (L-3632DE15 for Llama 3.1 8B)."
    )

    def create(self, bedrock: Any, wanted: Wanted) -> str:
        commitment = COMMITMENTS.get(wanted.settings.commitment)
        answer = bedrock.create_provisioned_model_throughput(
            provisionedModelName=wanted.name,
            modelId=wanted.model_arn,
            modelUnits=wanted.settings.model_units,
            tags=wanted.tags,
            clientRequestToken=naming.client_token("throughput", wanted.name, wanted.model_arn),
            **({"commitmentDuration": commitment} if commitment else {}),
        )
        return str(answer["provisionedModelArn"])

    def describe(self, bedrock: Any, arn: str) -> Served:
        answer = bedrock.get_provisioned_model_throughput(provisionedModelId=arn)
        return Served(str(answer["status"]), str(answer.get("failureMessage", "")), arn)

    def find(self, bedrock: Any, name: str) -> str:
        return str(bedrock.get_provisioned_model_throughput(provisionedModelId=name)["provisionedModelArn"])

    def delete(self, bedrock: Any, arn: str) -> None:
        bedrock.delete_provisioned_model_throughput(provisionedModelId=arn)

    def shortages(self, bedrock: Any, quotas: Quotas, demand: Demand) -> Iterator[Shortage]:
        """Units of a commitment are another quota's."""
        quota = quotas.get(NO_COMMITMENT_UNITS)
        if quota is None or demand.settings.commitment != "none":
            return
        used = self._units(bedrock)
        needed = used + demand.count * demand.settings.model_units
        if needed > quota.value:
            yield Shortage(quota, used, needed)

    def uses(self, bedrock: Any, quotas: Quotas, base_models: Sequence[BaseModel]) -> Iterator[Use]:
        """It needs two quotas, both 0 in a new account."""
        used = self._units(bedrock)
        yield Use(
            code=NO_COMMITMENT_UNITS, counts="model units without commitment", used=used, needed=used + 1
        )
        for model in base_models:
            quota = quotas.get(UNITS_A_MODEL.get(model.id, "")) or _by_name(quotas, model)
            code = quota.code if quota is not None else ""
            yield Use(code=code, counts=f"model units for {model.name}", used=0, needed=1)

    def _units(self, bedrock: Any) -> int:
        """The model units without a commitment that the account has."""
        bought = self.existing(bedrock)
        return sum(one["modelUnits"] for one in bought if not one.get("commitmentDuration"))

    def hourly_usd(self, base_model: BaseModel, units: int, commitment: Commitment) -> float | None:
        price = base_model.prices.provisioned_per_unit_hour.get(commitment)
        return price.usd * units if price is not None else None

    def listed_hourly_usd(self, model_arn: str, facts: Mapping[str, Any]) -> float | None:
        base_model = catalog.base_of(model_arn)
        if base_model is None:
            return None
        commitment = commitment_of(facts.get("commitmentDuration", ""))
        return self.hourly_usd(base_model, int(facts["modelUnits"]), commitment)

    def committed_until(self, facts: Mapping[str, Any]) -> str:
        """`commitmentExpirationTime` (ListProvisionedModelThroughputs; botocore's service model)."""
        ends = facts.get("commitmentExpirationTime")
        return clock.write(ends) if ends is not None else ""

    def behind(self, bedrock: Any, arn: str) -> Behind:
        found = bedrock.get_provisioned_model_throughput(provisionedModelId=arn)
        desired, units = found.get("desiredModelArn", found["modelArn"]), int(found["modelUnits"])
        if found["status"] == "Updating":
            return Behind(found["modelArn"], desired, "going on", units)
        change: Literal["none", "failed"] = "none" if desired == found["modelArn"] else "failed"
        return Behind(found["modelArn"], desired, change, units)

    def put_behind(self, bedrock: Any, arn: str, before: str, model_arn: str) -> None:
        """Only models of the same base model are accepted."""
        if catalog.base_of(before) != catalog.base_of(model_arn):
            raise CannotSwap(f"{arn} is provisioned throughput of another base model")
        bedrock.update_provisioned_model_throughput(provisionedModelId=arn, desiredModelId=model_arn)


KIND = Provisioned()


def _by_name(quotas: Quotas, model: BaseModel) -> Quota | None:
    """A quota by name, such as `Model units per provisioned model for Meta Llama 3.1 8B Instruct`."""
    words = ("per provisioned model", model.name.lower().removesuffix(" instruct"))
    return next((one for one in quotas.values() if all(word in one.name.lower() for word in words)), None)
