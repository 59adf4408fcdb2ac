"""What Bedrock offers, read from an account's own answer."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from msgspec import structs

from tests.recorded import recorded
from tests.unit.fake_bedrock import refusal
from tunedrop import catalog
from tunedrop.aws import foundation_models
from tunedrop.catalog.model import BaseModel

LISTED = {one["modelId"]: one for one in recorded("list-foundation-models")["modelSummaries"]}


class RecordedBedrock:
    """GetFoundationModel as the account of the recording would have answered it."""

    def get_foundation_model(self, *, modelIdentifier: str) -> dict[str, Any]:  # noqa: N803
        if modelIdentifier not in LISTED:
            raise refusal("ResourceNotFoundException", operation="GetFoundationModel", status=404)
        return {"modelDetails": LISTED[modelIdentifier]}


def base(customizable: str, plain: str) -> BaseModel:
    some = next(iter(catalog.load().values()))
    return structs.replace(some, id=customizable, lifecycle_id=plain, inference_id=plain)


@pytest.mark.parametrize(
    ("customizable", "plain"),
    [(one, one.rpartition(":")[0]) for one in LISTED if one.endswith(("k", "image-v1:0"))]
    + [("amazon.titan-text-lite-v1:0:4k", "amazon.titan-text-lite-v1")],
)
def test_every_customization_of_a_recorded_model_is_found(customizable: str, plain: str) -> None:
    details = foundation_models.describe(RecordedBedrock(), base(customizable, plain))

    assert details["customizationsSupported"] == LISTED[customizable]["customizationsSupported"]


def test_a_plain_id_alone_lists_no_customization() -> None:
    """What preflight asked until 2026-11-29, so that it refused every run."""
    customized = [one for one in LISTED.values() if one["customizationsSupported"]]

    assert customized
    for one in customized:
        plain = one["modelId"].rpartition(":")[0]
        twin = LISTED.get(plain) or LISTED[plain.rpartition(":")[0]]
        assert twin["customizationsSupported"] == []


def test_a_model_that_neither_id_names_is_missing() -> None:
    with pytest.raises(ClientError, match="ResourceNotFound"):
        foundation_models.describe(RecordedBedrock(), base("meta.gone-v1:0:8k", "meta.gone-v1:0"))


def test_a_model_is_legacy_if_either_id_is() -> None:
    class Legacy(RecordedBedrock):
        def get_foundation_model(self, *, modelIdentifier: str) -> dict[str, Any]:  # noqa: N803
            status = "ACTIVE" if modelIdentifier.endswith("k") else "LEGACY"
            return {"modelDetails": {"modelLifecycle": {"status": status}}}

    details = foundation_models.describe(Legacy(), base("a.b-v1:0:4k", "a.b-v1:0"))

    assert details["modelLifecycle"]["status"] == "LEGACY"
