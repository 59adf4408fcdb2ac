"""Which resources a Bedrock request needs, by the reference's own types."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from local.bedrock.authorization import PAGES, extract
from local.bedrock.resources import resources_of

ACCOUNT = "111122223333"
OURS = f"arn:aws:bedrock:us-east-1:{ACCOUNT}"
LITE = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k"
MODEL = f"{OURS}:custom-model/amazon.nova-lite-v1:0:300k/abcdefghij12"
DEPLOYMENT = f"{OURS}:custom-model-deployment/abcdefghij12"


@pytest.mark.parametrize("service", PAGES)
def test_the_extract_is_what_the_reference_says(service: str) -> None:
    written = json.loads(PAGES[service].read_text())
    assert written == extract(service), "run: python -m local.bedrock.authorization"


@pytest.mark.parametrize(
    ("method", "path", "body", "needed"),
    [
        ("GET", "/foundation-model-availability/amazon.nova-lite-v1:0", {}, ["*"]),
        ("GET", "/foundation-models/amazon.nova-lite-v1:0:300k", {}, [LITE]),
        ("GET", "/custom-models", {}, ["*"]),
        ("POST", "/model-customization-jobs", {"baseModelIdentifier": "amazon.nova-lite-v1:0:300k"}, [LITE]),
        ("POST", "/model-customization-jobs", {"baseModelIdentifier": MODEL}, [MODEL]),
        ("DELETE", f"/custom-models/{quote(MODEL, safe='')}", {}, [MODEL]),
        (
            "PATCH",
            f"/model-customization/custom-model-deployments/{quote(DEPLOYMENT, safe='')}",
            {"modelArn": MODEL},
            [DEPLOYMENT, MODEL],
        ),
        (
            "POST",
            "/model/us.amazon.nova-lite-v1%3A0/converse",
            {"messages": []},
            [
                f"{OURS}:inference-profile/us.amazon.nova-lite-v1:0",
                "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
            ],
        ),
        (
            "POST",
            "/evaluation-jobs/batch-delete",
            {"jobIdentifiers": [f"{OURS}:evaluation-job/abcdefghij12"]},
            [f"{OURS}:evaluation-job/abcdefghij12"],
        ),
    ],
)
def test_a_request_needs_what_it_names(
    method: str, path: str, body: dict[str, Any], needed: list[str]
) -> None:
    assert resources_of(method, path, {}, json.dumps(body).encode(), "us-east-1", ACCOUNT) == needed
